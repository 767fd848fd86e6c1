"""A recurrent language model: an embedding, layers of a cell, and a head that scores every next token.

It keeps the contract of the transformers here, `module(input_ids, mask=None, positions=None, cache=None) -> logits`, so that the one training loop
trains it and the one sampler writes with it. In the place of the KV cache stands its state: a few numbers a row, however long the text was.
Mikolov et al. 2010, Interspeech ("Recurrent neural network based language model").

positions say where texts begin: at 0 the state is emptied. So documents may be packed one behind the other and prompts padded on the left; a mask
says nothing that positions do not, and is not read. There is no longest context; a text is limited by the memory that its states take in training.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from groundup import files
from groundup.classical.recurrent.gru import GRU
from groundup.classical.recurrent.layers import Recurrent
from groundup.classical.recurrent.lstm import LSTM
from groundup.classical.recurrent.rnn import RNN
from groundup.classical.recurrent.scan import States
from groundup.errors import ConfigError, FormatError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import Completion, generate_batch
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear
from groundup.text import folder as folders

CELLS: dict[str, type[Recurrent]] = {"rnn_lm": RNN, "lstm_lm": LSTM, "gru_lm": GRU}
UNBOUNDED = (1 << 31) - 1  # tokens: the longest context, for who asks


@dataclass(frozen=True, kw_only=True)
class RecurrentConfig:
    """Shape of a recurrent language model; it is its config.json."""

    model_type: str = "lstm_lm"
    """which cell: rnn_lm, lstm_lm or gru_lm"""
    vocab_size: int
    """how many tokens there are"""
    hidden_size: int = 256
    """width of the state and of the embedding"""
    num_hidden_layers: int = 1
    """layers, one above the other"""
    tie_word_embeddings: bool = True
    """one matrix to read tokens and to score them"""
    bos_token_id: int | None = None
    """the token before a text"""
    eos_token_id: int | None = None
    """the token that ends a text"""

    def __post_init__(self) -> None:
        if self.model_type not in CELLS:
            raise ConfigError(f"model_type={self.model_type!r} is no recurrent language model; use {', '.join(CELLS)}")
        for name in ("vocab_size", "hidden_size", "num_hidden_layers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} leaves nothing to train; use 1 or more")

    @property
    def max_position_embeddings(self) -> int:
        """No text is too long to be read."""
        return UNBOUNDED

    def to_dict(self) -> dict[str, Any]:
        """What config.json holds."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "RecurrentConfig":
        """Read a config.json completely; a key that is not known is refused."""
        known = {field.name for field in fields(cls)}
        if unknown := raw.keys() - known:
            raise ConfigError(
                f"{', '.join(sorted(unknown))} is no key of a recurrent language model; its keys are {', '.join(sorted(known))}"
            )
        try:
            return cls(**raw)
        except TypeError as error:  # a key that is missing, or text where a number belongs
            raise FormatError(
                f"the configuration is not as a recurrent language model is written ({error}); train and save it again"
            ) from error


class StateCache:
    """The states of rows that are being written, where a transformer has keys and values. `length`: columns read so far."""

    def __init__(self, states: States):
        self.states, self.length = states, 0

    def part(self, rows: slice, start: int) -> "StateCache":
        """A cache that reads into these rows of this one, from column `start` on."""
        return StateCache(tuple(state[:, rows] for state in self.states))

    def select(self, rows: Int[Tensor, " rows"]) -> None:
        """Keep these rows, in this order; a row named twice is copied."""
        self.states = tuple(state.index_select(1, rows) for state in self.states)

    def begin(self) -> States:
        """A copy to go on from, without history: no gradient goes back beyond it."""
        return tuple(state.detach().clone() for state in self.states)

    def keep(self, states: States, columns: int) -> None:
        """Put in the states after so many more columns."""
        with torch.no_grad():
            for old, new in zip(self.states, states, strict=True):
                old.copy_(new)
        self.length += columns


class RecurrentLM(nn.Module):
    """Ids in, scores of every next token out; the state is an argument (`cache`), never kept."""

    def __init__(self, config: RecurrentConfig, seed: int = 1):
        super().__init__()
        self.config = config
        # scaled up on the way in, so that a matrix that is also the head's gives the cells numbers of about 1
        self.embedding = Embedding(config.vocab_size, config.hidden_size, scale=config.hidden_size**0.5)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            cells = CELLS[config.model_type]
            self.layers = cells(config.hidden_size, config.hidden_size, config.num_hidden_layers)
            self.lm_head = Linear(config.hidden_size, config.vocab_size)
            for matrix in (self.embedding.weight, self.lm_head.weight):
                nn.init.normal_(matrix, std=config.hidden_size**-0.5)
        _remember_first(self.layers)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.embedding.weight

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.embedding.weight.device

    @property
    def compute_dtype(self) -> torch.dtype:
        """In which number format."""
        return self.embedding.weight.dtype

    def empty_cache(self, batch: int, capacity: int = UNBOUNDED) -> StateCache:
        """The state before a text, for so many rows; it takes the same memory for a text of any length."""
        return StateCache(self.layers.begin(batch))

    def hidden(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Tensor | None = None,
        positions: Int[Tensor, "batch seq"] | None = None,
        cache: StateCache | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """The state after each token. positions: 0 where a text begins; None: every row is one text, or goes on with the cache's."""
        self._check(input_ids, mask, positions)
        state = None if cache is None else cache.begin()
        begins = None if positions is None else positions.expand(input_ids.shape) == 0
        if begins is not None and state is None and not bool(begins[:, 1:].any()):
            begins = None  # the usual case: a state of zeros needs no emptying
        outputs, after = self.layers(self.embedding(input_ids), state, begins=begins)
        if cache is not None:
            cache.keep(after, input_ids.shape[1])
        return outputs

    def forward(
        self,
        input_ids: Int[Tensor, "batch seq"],
        mask: Tensor | None = None,
        positions: Int[Tensor, "batch seq"] | None = None,
        cache: StateCache | None = None,
    ) -> Float[Tensor, "batch seq vocab"]:
        """The scores of every next token, at each token."""
        return self.lm_head(self.hidden(input_ids, mask, positions, cache))

    def _check(self, input_ids: Tensor, mask: Tensor | None, positions: Tensor | None) -> None:
        if mask is not None and positions is None:
            raise InputError(
                "a recurrent model reads every token of a row in turn and takes no mask; pass positions, which are 0 where a text begins"
            )
        if input_ids.device.type == "cpu" and input_ids.numel():
            low, high = int(input_ids.min()), int(input_ids.max())
            if low < 0 or high >= self.config.vocab_size:
                raise InputError(
                    f"id {high if high >= self.config.vocab_size else low} is beyond the vocabulary of {self.config.vocab_size}; "
                    "encode the text with the tokenizer that the model was trained with"
                )
        needed = state_bytes(self.config, input_ids.shape[0], input_ids.shape[1])
        if torch.is_grad_enabled() and needed > (there := _memory()):
            raise InputError(
                f"to train on {input_ids.shape[0]} rows of {input_ids.shape[1]} tokens their states take {needed / 1e9:.1f} GB, and this machine has "
                f"{there / 1e9:.1f}; cut the text into shorter rows and carry the state over (truncated.py)"
            )

    def generate(
        self, prompts: Sequence[Sequence[int]], sampling: SamplingConfig | None = None, stop_ids: Sequence[int] = ()
    ) -> list[Completion]:
        """Continue each prompt by the library's sampler."""
        return generate_batch(self, prompts, sampling or SamplingConfig(), stop_ids)

    def save(self, folder: str | Path, vocabulary: Mapping[str, Any] | None = None) -> None:
        """Write the model's folder. vocabulary: names beside it, as JSON."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.named_parameters()}
        folders.write(folder, self.config.to_dict(), arrays, vocabulary or {})

    @classmethod
    def load(cls, folder: str | Path) -> "RecurrentLM":
        """Read the folder that `save` wrote."""
        return load_with_vocabulary(folder)[0]


def _remember_first(layers: Recurrent) -> None:
    """Let an LSTM begin by keeping: 1 on the forget gate's bias. Jozefowicz, Zaremba and Sutskever 2015, ICML, section 4.3."""
    if isinstance(layers, LSTM):
        with torch.no_grad():
            for layer in range(layers.num_layers):
                bias = getattr(layers, f"bias_ih_l{layer}")
                bias[layers.hidden_size : 2 * layers.hidden_size] = 1.0


def load_with_vocabulary(folder: str | Path) -> tuple[RecurrentLM, dict[str, Any]]:
    """A saved model, and the names that lie beside it."""
    raw, arrays, vocabulary = folders.read(folder, _kind_of(Path(folder)))
    model = RecurrentLM(RecurrentConfig.from_dict(raw))
    fill(model, arrays, Path(folder) / folders.WEIGHTS)
    return model, vocabulary


def _kind_of(folder: Path) -> str:
    """The model_type of a folder; where it is no recurrent language model, one of these, so that reading it says so."""
    path = folder / folders.CONFIG
    raw = files.read_json(path) if path.is_file() else None
    found = raw.get("model_type") if isinstance(raw, dict) else None
    return found if found in CELLS else "lstm_lm"


def fill(module: nn.Module, arrays: Mapping[str, Any], path: Path) -> None:
    """Put arrays into a module's parameters, every one of them; FormatError names the first that does not fit."""
    wanted = dict(module.named_parameters())
    for name in sorted(wanted.keys() | arrays.keys()):
        if name not in arrays or name not in wanted:
            raise FormatError(
                f"{path} {'lacks' if name in wanted else 'holds an unknown'} {name}; save the model again"
            )
        if tuple(arrays[name].shape) != tuple(wanted[name].shape):
            raise FormatError(
                f"{path}: {name} is {tuple(arrays[name].shape)}, and config.json asks for {tuple(wanted[name].shape)}; "
                "copy both files from one model"
            )
        value = torch.from_numpy(arrays[name])
        if bool(value.isnan().any()):
            raise FormatError(f"{path}: {name} holds NaN; train and save the model again")
        with torch.no_grad():
            wanted[name].copy_(value)


def state_bytes(config: RecurrentConfig, rows: int, tokens: int) -> int:
    """What training keeps of a batch until the gradient came back: of each token and layer its gates, two states, and the gates' gradient."""
    gates = CELLS[config.model_type].cell.gates
    return 4 * rows * tokens * config.num_hidden_layers * config.hidden_size * (2 * gates + 3)


def _memory() -> int:
    """The machine's memory in bytes; where it does not say, more than any."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 1 << 62
