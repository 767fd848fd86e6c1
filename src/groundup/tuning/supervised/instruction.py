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

from groundup import progress
from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import ConfigError, InputError
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.tool_calls import written_for

Conversation = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Encoded:
    """Conversations as tokens. mask: 1 where a token is learned. cut, lost: how many were cut, and left out as no answer was left of them."""

    ids: list[list[int]]
    mask: list[list[int]]
    text_bytes: int
    cut: int = 0
    lost: int = 0

    @property
    def sentence(self) -> str:
        """What was cut and left out, in words; empty where nothing was."""
        parts = [
            f"{self.cut} were cut" if self.cut else "",
            f"{self.lost} are left out: no answer was left of them" if self.lost else "",
        ]
        told = ", ".join(part for part in parts if part)
        return f"of {len(self.ids) + self.lost} conversations some are longer than a row: {told}" if told else ""


def encode(conversations: Sequence[Conversation], tokenizer: Any, longest: int | None = None) -> Encoded:
    """Conversations as tokens, and which of them are learned. longest: tokens after which one is cut; InputError where nothing is learned."""
    ids, masks, text_bytes, cut, lost = [], [], 0, 0, 0
    for number, conversation in enumerate(conversations, 1):
        written, names = written_for(conversation, tokenizer.chat_template or "")
        made, mask = tokenizer.apply_chat_template(written, return_assistant_mask=True, **names)
        if not any(mask):
            raise InputError(
                f"conversation {number} has no token to learn: its chat template writes none of the answer; leave it out, or mend the template"
            )
        if longest is not None and len(made) > longest:
            made, mask = made[:longest], mask[:longest]
            if not any(mask):
                lost += 1
                continue
            cut += 1
        ids.append(made)
        masks.append(mask)
        text_bytes += sum(len(message["content"].encode()) for message in written)
    if not ids:
        raise InputError(
            "there is no conversation to learn from; give at least one"
            if not conversations
            else f"each of the {len(conversations)} conversations is cut before its answer begins; use --set tune.seq_len with more than {longest}"
        )
    return Encoded(ids, masks, text_bytes, cut, lost)


def conversations_to_shards(
    conversations: Sequence[Conversation], tokenizer: Any, folder: str | Path, longest: int | None = None
) -> Shards:
    """Write conversations as token shards; their loss mask is 1 on the assistant's words and the token that ends them.

    longest: as for `encode`; what was cut or left out is said. Without it a long conversation becomes several pieces.
    """
    encoded = encode(conversations, tokenizer, longest)
    if encoded.sentence:
        progress.say(encoded.sentence)
    return write_shards(
        folder,
        np.concatenate(encoded.ids).astype(np.int64),
        np.cumsum([0, *map(len, encoded.ids)]),
        start_id=None,  # a chat prompt begins with the template's own first token, nothing before it
        text_bytes=encoded.text_bytes,
        vocab_size=tokenizer.vocab_size,
        loss_mask=np.concatenate([np.array(mask) for mask in encoded.mask]),
    )


def loader_of(shards: Shards, config: TuneConfig) -> Loader:
    """The batches that the configuration means; rows are shorter where there are not tokens enough for one."""
    return Loader(shards, min(config.seq_len, shards.num_tokens), config.batch_size, config.seed)


def steps_of(config: TuneConfig, loader: Loader) -> int:
    """The steps that the configuration means: as given, or so many that every row was seen `epochs` times."""
    rows = config.batch_size * config.gradient_accumulation_steps
    return config.steps or max(1, math.ceil(config.epochs * loader.rows_per_epoch / rows))


def check_length(module: Any, config: TuneConfig) -> None:
    """Refuse rows that are longer than the model's context, of which a learned prompt takes some places."""
    room = module.config.max_position_embeddings - config.places
    if config.seq_len > room:
        what = f" and num_virtual_tokens={config.places} are" if config.places else " is"
        raise InputError(
            f"seq_len={config.seq_len}{what} longer than the model's context; use --set tune.seq_len={max(1, room)}"
        )


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
    check_length(module, config)
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

    if config.method != "full" or config.freeze or config.unfreeze_every:
        raise ConfigError(
            "here all weights learn; leave method, freeze and unfreeze_every out, or use `groundup tune`, which knows them"
        )
    handle, out = load(model), Path(out)
    if not handle.tokenizer.chat_template:
        raise InputError(f"{model} has no chat template; add chat_template to its tokenizer_config.json")
    handle.module.compute_dtype = dtype_of(dtype)
    shards = conversations_to_shards(conversations, handle.tokenizer, out / "conversations", config.seq_len + 1)
    listeners = [loop.write_metrics(out / "metrics.jsonl")]
    training, result = fit(
        handle.module, shards, config, out, stop=stop, listeners=listeners, tokenizer=handle.tokenizer
    )
    save_model(out / "model", handle.module, handle.tokenizer, generation=handle.generation)
    return TuneResult(out / "model", training.steps, result.loss)
