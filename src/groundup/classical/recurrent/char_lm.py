"""Text written one character at a time: a recurrent network trained on one text, and what it has learned of it.

    model = train(text, CharacterConfig())          model.generate("ROMEO:")          model.score(other)["bits_per_byte"]

Nothing tells it what a word or a line is; spelling, quotes and names of speakers come out of next-character prediction alone (Sutskever,
Martens and Hinton 2011, ICML; Graves 2013, arXiv:1308.0850). The text is read as one stream in rows side by side (`truncated.py`), by the library's
own training loop. A character that training never saw becomes `<unk>`, which is never written. The folder holds the characters in vocab.json.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.classical.embeddings.vocabulary import check_seed
from groundup.classical.recurrent.fit import fit, numbers
from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM, load_with_vocabulary
from groundup.classical.recurrent.truncated import Carried, RunningText
from groundup.errors import ConfigError, FormatError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.progress import Progress
from groundup.text.tokenizers.character import CharacterTokenizer, character_tokenizer, train_character_tokenizer

KINDS = {"rnn": "rnn_lm", "lstm": "lstm_lm", "gru": "gru_lm"}
LEAD = 256  # characters that a row reads before it is scored, so that its state is full
ROWS = 32


@dataclass(frozen=True, kw_only=True)
class CharacterConfig:
    """What a character model is trained with."""

    kind: str = "lstm"
    """the cell: rnn, lstm or gru"""
    hidden_size: int = 256
    """width of the state and of the characters' vectors"""
    num_hidden_layers: int = 1
    """layers"""
    steps: int = 1000
    """optimiser steps"""
    batch_size: int = 32
    """rows of text read side by side"""
    seq_len: int = 64
    """characters through which a gradient goes back"""
    learning_rate: float = 0.004
    """AdamW's peak rate"""
    seed: int = 1
    """where the first weights begin"""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.kind not in KINDS:
            raise ConfigError(f"kind={self.kind!r} is no cell; use {', '.join(KINDS)}")
        for name in ("hidden_size", "num_hidden_layers", "steps", "batch_size", "seq_len"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        if not self.learning_rate > 0:
            raise ConfigError(f"learning_rate={self.learning_rate} would train nothing; use a number such as 0.004")


class CharacterModel:
    """A trained character model: writes, and scores."""

    def __init__(self, module: RecurrentLM, tokenizer: CharacterTokenizer):
        self.module, self.tokenizer = module, tokenizer

    def generate(self, prompt: str = "\n", characters: int = 200, **sampling: Any) -> str:
        """Go on with a text. sampling: fields of `SamplingConfig`, such as temperature and seed."""
        if not prompt:
            raise InputError("the prompt is empty; give at least one character, such as a line's end")
        chosen = SamplingConfig(max_new_tokens=characters, **sampling)
        barred = self.module.lm_head.register_forward_hook(self._without_unknown)
        try:
            written = self.module.generate([self.tokenizer.encode(prompt)], chosen)[0]
        finally:
            barred.remove()
        return self.tokenizer.decode(written.ids)

    def _without_unknown(self, module: Any, inputs: Any, scores: torch.Tensor) -> torch.Tensor:
        """Scores in which `<unk>` has no chance: training never asked for it, and so never made it unlikely either."""
        return scores.index_fill(-1, torch.tensor([self.tokenizer.unk_token_id], device=scores.device), -1e9)

    def score(self, text: str) -> dict[str, float]:
        """Bits a character and a byte of a text, its first character left out, and how many characters were unknown."""
        ids = np.asarray(self.tokenizer.encode(text), dtype=np.int64)
        if len(ids) < 2:
            raise InputError(f"a text of {len(ids)} characters has nothing to foretell; give at least two")
        nats = -float(log_probabilities(self.module, ids).sum())
        unknown = int((ids == self.tokenizer.unk_token_id).sum())
        size = len(text.encode("utf-8", "surrogatepass")) - len(text[0].encode("utf-8", "surrogatepass"))
        return {
            "bits_per_character": nats / math.log(2) / (len(ids) - 1),
            "bits_per_byte": nats / math.log(2) / size,
            "unknown": unknown,
        }

    def save(self, folder: str | Path) -> None:
        """Write the folder: the model's files, and the characters in vocab.json."""
        alphabet = [one for one in self.tokenizer.vocabulary if len(one) == 1]
        self.module.save(folder, {"characters": "".join(alphabet)})

    @classmethod
    def load(cls, folder: str | Path) -> "CharacterModel":
        """Read the folder that `save` wrote."""
        module, vocabulary = load_with_vocabulary(folder)
        alphabet = vocabulary.get("characters")
        if not isinstance(alphabet, str) or len(set(alphabet)) + 1 != module.config.vocab_size:
            raise FormatError(
                f"{Path(folder) / 'vocab.json'} has not the characters of a vocabulary of {module.config.vocab_size}; save the model again"
            )
        return cls(module, character_tokenizer(alphabet))


def train(text: str, config: CharacterConfig | None = None, progress: Progress | None = None) -> CharacterModel:
    """Train a character model on a text. progress: a bar of one's own, moved by 1 a step."""
    config = config or CharacterConfig()
    tokenizer = train_character_tokenizer(text)
    shape = RecurrentConfig(
        model_type=KINDS[config.kind],
        vocab_size=tokenizer.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
    )
    module = RecurrentLM(shape, seed=config.seed)
    running = RunningText(tokenizer.encode(text), config.batch_size, config.seq_len)
    title = f"{config.kind} on {len(text):,} characters"
    training = numbers(config, config.steps, config.seq_len, decay_fraction=0.5, weight_decay=0.01)
    return CharacterModel(fit(module, running.batch, training, Carried(), title, progress), tokenizer)


@torch.inference_mode()
def log_probabilities(module: Any, ids: np.ndarray, lead: int = LEAD, rows: int = ROWS) -> np.ndarray:
    """ln P of each id but the first, given those before it.

    A long text is read in `rows` pieces side by side, each of which reads `lead` ids before its own, which is all that it knows of what was before.
    """
    targets = len(ids) - 1
    pieces = min(rows, max(1, targets // (4 * lead)))
    width = -(-targets // pieces)
    begins = [max(0, piece * width - lead) for piece in range(pieces)]
    longest = min(width + lead, targets)
    padded = np.pad(ids, (0, longest + 1))
    found = _nats(module, np.stack([padded[begin : begin + longest + 1] for begin in begins]))
    parts = []
    for piece, begin in enumerate(begins):
        first, end = piece * width, min((piece + 1) * width, targets)
        parts.append(found[piece, first - begin : end - begin])
    return np.concatenate(parts)


def _nats(module: Any, rows: np.ndarray, at_once: int = 256) -> np.ndarray:
    """ln P of each id of each row but the first, read a few hundred columns at a time."""
    cache, found = module.empty_cache(len(rows)), []
    for start in range(0, rows.shape[1] - 1, at_once):
        part = torch.from_numpy(rows[:, start : start + at_once + 1])
        scores = torch.log_softmax(module(part[:, :-1], cache=cache), -1)
        found.append(scores.gather(-1, part[:, 1:, None])[..., 0].numpy())
    return np.concatenate(found, axis=1)
