"""Instruction tuning: the model learns to write the assistant's words of a conversation, and to stop after them.

    <|im_start|>user  What is 2 plus 3?  <|im_end|>  <|im_start|>assistant  5  <|im_end|>
    0    0   0   0 ...                                              0       1      1        the loss counts these

The mask goes by position, which the chat template tells, never by id: a token that closes an answer is learned even
where the same id pads a row elsewhere (a model tuned with a mask by id never learns to stop).
Ouyang et al. 2022, arXiv:2203.02155, section 3.5; Wei et al. 2021 (FLAN), arXiv:2109.01652.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import InputError
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.tuning.config import TuneConfig

Conversation = Sequence[dict[str, str]]


def conversations_to_shards(conversations: Sequence[Conversation], tokenizer: Any, folder: str | Path) -> Shards:
    """Write conversations as token shards; their loss mask is 1 on the assistant's words and the token that ends them."""
    if not conversations:
        raise InputError("there is no conversation to learn from; give at least one")
    encoded = [
        tokenizer.apply_chat_template(conversation, return_assistant_mask=True) for conversation in conversations
    ]
    return write_shards(
        folder,
        np.concatenate([ids for ids, _ in encoded]).astype(np.int64),
        np.cumsum([0, *(len(ids) for ids, _ in encoded)]),
        start_id=None,  # a chat prompt begins with the template's own first token, nothing before it
        text_bytes=sum(len(message["content"].encode()) for conversation in conversations for message in conversation),
        vocab_size=tokenizer.vocab_size,
        loss_mask=np.concatenate([mask for _, mask in encoded]),
    )


def loader_of(shards: Shards, config: TuneConfig) -> Loader:
    """The batches that the configuration means; rows are shorter where there are not tokens enough for one."""
    return Loader(shards, min(config.seq_len, shards.num_tokens), config.batch_size, config.seed)


def steps_of(config: TuneConfig, loader: Loader) -> int:
    """The steps that the configuration means: as given, or so many that every row was seen `epochs` times."""
    rows = config.batch_size * config.gradient_accumulation_steps
    return config.steps or max(1, math.ceil(config.epochs * loader.rows_per_epoch / rows))


def fit(
    module: Any,
    shards: Shards,
    config: TuneConfig,
    folder: str | Path,
    *,
    mark: Callable[[Any], Any] = lambda batches: batches,
    **watching: Any,
) -> tuple[TrainConfig, loop.TrainResult]:
    """Tune a module in place on encoded conversations; checkpoints and metrics go to the folder, a stopped run goes on.

    mark: wraps the batches (a profiler's mark). watching: `listeners`, `stop`, `way_on`, `tokenizer` of the training loop. Gives
    the loop's configuration and result.
    """
    if config.seq_len > module.config.max_position_embeddings:
        raise InputError(
            f"seq_len={config.seq_len} is longer than the model's context; "
            f"use --set tune.seq_len={module.config.max_position_embeddings}"
        )
    loader = loader_of(shards, config)
    training = config.training(steps_of(config, loader))
    return training, loop.train(module, mark(loader.batch), training, folder=folder, title="tuning", **watching)


@dataclass(frozen=True, slots=True)
class TuneResult:
    """What a tuning run gave: its model folder, the steps made, the mean loss of the last tenth of them."""

    model: Path
    steps: int
    loss: float


def tune(
    model: str | Path,
    conversations: Sequence[Conversation],
    config: TuneConfig,
    out: str | Path,
    *,
    stop: Callable[[], bool] = loop.never,
    dtype: str = "float32",
) -> TuneResult:
    """Tune a model folder: `out` gets model/, metrics.jsonl, checkpoints/; the same call goes on where it stopped."""
    from groundup.inference.handle import load
    from groundup.model.formats.huggingface import dtype_of, save_model

    handle, out = load(model), Path(out)
    if not handle.tokenizer.chat_template:
        raise InputError(f"{model} has no chat template; add chat_template to its tokenizer_config.json")
    handle.module.compute_dtype = dtype_of(dtype)
    shards = conversations_to_shards(conversations, handle.tokenizer, out / "conversations")
    listeners = [loop.write_metrics(out / "metrics.jsonl")]
    training, result = fit(
        handle.module, shards, config, out, stop=stop, listeners=listeners, tokenizer=handle.tokenizer
    )
    save_model(out / "model", handle.module, handle.tokenizer, generation=handle.generation)
    return TuneResult(out / "model", training.steps, result.loss)
