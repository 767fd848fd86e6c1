"""The small models that the challenges are shown on: taught conversations by the one training loop, asked, and looked into.

A `Speaker` is a decoder with its tokenizer. `new` makes one of some ten thousand weights, `of` takes a model folder, `teach` gives a changed copy.
Texts may be mixed in with the conversations (replay): each source has its share of the rows.
"""

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.compression.distillation.distillation import hidden_states
from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Batch, Loader
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.inference.handle import end_of_turn, load
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.training import loop
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import Conversation, conversations_to_shards

CONTEXT = 256  # tokens that a new speaker reads at most
TEACHING = TuneConfig(batch_size=16, seq_len=128, learning_rate=0.005, matrix_learning_rate=0.01, checkpoint_every=0)


@dataclass(frozen=True)
class Speaker:
    """A decoder with its tokenizer, and the tokens that end its answers."""

    module: Any
    tokenizer: Any

    @property
    def stops(self) -> set[int]:
        """The tokens that end an answer."""
        return {*end_of_turn(self.tokenizer), self.tokenizer.eos_token_id}

    def prompt(self, text: str) -> list[int]:
        """A question as the chat template writes it, with the answer about to begin."""
        ids: list[int] = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True
        )
        return ids


def talk(question: str, answer: str) -> list[dict[str, str]]:
    """One exchange as messages."""
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def new(words: Sequence[str], hidden_size: int = 32, layers: int = 2, vocab_size: int = 300, seed: int = 0) -> Speaker:
    """A speaker that has learned nothing yet; words: texts whose pieces it is to know as tokens."""
    tokenizer = train_tokenizer(["user assistant\n" * 3, *words], TokenizerConfig(vocab_size=vocab_size))
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=hidden_size, intermediate_size=2 * hidden_size, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, max_position_embeddings=CONTEXT,
        tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    return Speaker(build(config, seed=seed), tokenizer)


def of(folder: str | Path) -> Speaker:
    """The speaker of a model folder that answers in a chat."""
    handle = load(folder, dtype="float32")
    if not handle.tokenizer.chat_template:
        raise InputError(f"{folder} has no chat template; tune it first with `groundup tune {folder}`")
    return Speaker(handle.module, handle.tokenizer)


def texts_to_shards(texts: Sequence[str], tokenizer: Any, folder: str | Path) -> Shards:
    """Plain texts, each with its end, as shards whose every token counts; to be mixed with conversations, they have a mask of ones."""
    ids, offsets = tokenizer.encode_packed(list(texts))
    parts = [[*ids[a:b], tokenizer.eos_token_id] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]
    tokens = np.concatenate(parts).astype(np.int64)
    return write_shards(
        folder, tokens, np.cumsum([0, *map(len, parts)]), start_id=None, text_bytes=sum(len(text.encode()) for text in texts),
        vocab_size=tokenizer.vocab_size, loss_mask=np.ones(len(tokens), dtype=np.uint8),
    )  # fmt: skip


def teach(
    speaker: Speaker,
    conversations: Sequence[Conversation],
    config: TuneConfig = TEACHING,
    *,
    texts: Sequence[str] = (),
    replay: float = 0.0,
) -> Speaker:
    """A copy of the speaker that has learned conversations, and of texts the share `replay` of the rows; config.steps steps."""
    if not 0 <= replay <= 1 or (replay and not texts):
        raise InputError(f"replay={replay} of {len(texts)} texts is not possible; give texts, and a share of 0 to 1")
    module = copy.deepcopy(speaker.module)
    with tempfile.TemporaryDirectory() as place:
        sources: list[tuple[Shards, float | int]] = []
        if replay < 1:
            made = conversations_to_shards(conversations, speaker.tokenizer, Path(place, "conversations"))
            sources.append((made, 1 - replay))
        if replay:
            sources.append((texts_to_shards(texts, speaker.tokenizer, Path(place, "texts")), replay))
        loader = Loader(sources, config.seq_len, config.batch_size, config.seed)
        loop.train(module, loader.batch, config.training(config.steps or 1), title="teaching")
    return replace(speaker, module=module)


def answers(speaker: Speaker, questions: Sequence[str], max_new_tokens: int = 24) -> list[str]:
    """What the speaker answers, always with the likeliest token."""
    sampling = SamplingConfig(max_new_tokens=max_new_tokens, temperature=0.0)
    prompts = [speaker.prompt(question) for question in questions]
    made = generate_batch(speaker.module, prompts, sampling, speaker.stops, pad_id=speaker.tokenizer.pad_token_id or 0)
    return [speaker.tokenizer.decode(one.ids, skip_special_tokens=True) for one in made]


@torch.no_grad()
def thoughts(speaker: Speaker, questions: Sequence[str], at_once: int = 64) -> Float[Tensor, "blocks questions hidden"]:
    """What each block has written into the stream where the answer is about to begin."""
    blocks = range(len(speaker.module.model.layers))
    parts = []
    for start in range(0, len(questions), at_once):
        prompts = [speaker.prompt(question) for question in questions[start : start + at_once]]
        found = hidden_states(speaker.module, _rows(prompts), blocks)
        last = torch.tensor([len(ids) - 1 for ids in prompts])
        parts.append(torch.stack([states[torch.arange(len(prompts)), last] for states in found]))
    return torch.cat(parts, 1).float()


def _rows(prompts: Sequence[Sequence[int]]) -> Batch:
    """Prompts as rows, padded on the right, where no token of theirs looks."""
    width = max(map(len, prompts))
    ids = torch.zeros(len(prompts), width, dtype=torch.int64)
    documents = torch.full_like(ids, -1)
    for row, prompt in enumerate(prompts):
        ids[row, : len(prompt)] = torch.tensor(prompt)
        documents[row, : len(prompt)] = 0
    return Batch(ids, ids, documents == 0, documents, torch.arange(width).expand_as(ids))
