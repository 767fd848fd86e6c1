"""The weights of a translator: an encoder that reads both ways, a decoder that writes one token after the other, and attention between them.

    encoder   h_s = [forwards; backwards] at each token of the source                     (batch, source, 2 hidden)
    bridge    the decoder begins with tanh(B [last forwards; last backwards])
    luong     s_t = cell(y_t-1, s_t-1), c_t asked by s_t                                  Luong et al. 2015, arXiv:1508.04025, section 3
    feeding   s_t = cell([y_t-1; o_t-1], s_t-1): the last attention vector comes in too    section 3.3 there
    bahdanau  c_t asked by s_t-1, s_t = cell([y_t-1; c_t], s_t-1)                         Bahdanau et al. 2015, arXiv:1409.0473, section 3
    output    o_t = tanh(C [c_t; s_t]), scores = E o_t                                    eq. 5 and 6 of Luong et al.

E is one matrix for reading either language and for writing (Press and Wolf 2017, arXiv:1608.05859, section 5), so both share one vocabulary.
In training the answer is known: without feeding, the states of all steps are one scan and the attention of all steps is one product; the
other forms need a step after the other.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.classical.embeddings.vocabulary import check_seed
from groundup.classical.recurrent.attention import attend, bahdanau_scores, luong_attention
from groundup.classical.recurrent.gru import GRU
from groundup.classical.recurrent.layers import Recurrent
from groundup.classical.recurrent.lstm import LSTM
from groundup.errors import ConfigError
from groundup.model.layers.embedding import Embedding
from groundup.model.layers.linear import Linear

CELLS: dict[str, type[Recurrent]] = {"gru": GRU, "lstm": LSTM}
ATTENTIONS = ("luong", "bahdanau")


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """Shape of a translator, and how it is trained."""

    cell: str = "gru"
    """gru or lstm"""
    attention: str = "luong"
    """luong: asked by the state after the last token, all steps at once; bahdanau: by the one before it, step by step"""
    input_feeding: bool = False
    """luong: the last attention vector is part of the next input, so that the decoder knows where it looked; step by step"""
    vocab_size: int = 5000
    """tokens of both languages together, bytes included"""
    hidden_size: int = 256
    """width of the decoder's state, and of the encoder's in each direction"""
    embedding_size: int = 256
    """width of a token's vector"""
    epochs: float = 10.0
    """how often each pair is seen"""
    batch_size: int = 64
    """pairs at once, of like length"""
    learning_rate: float = 0.003
    """AdamW's peak rate"""
    dropout: float = 0.3
    """share of the numbers that are left out of token vectors and of the output, in training"""
    label_smoothing: float = 0.1
    """share of the target's probability that is spread over all tokens (Szegedy et al. 2016, arXiv:1512.00567, section 7)"""
    max_length: int = 200
    """tokens a text may have in training"""
    seed: int = 1
    """where the order of the pairs and the first weights begin"""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name, known in (("cell", tuple(CELLS)), ("attention", ATTENTIONS)):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not known; use {' or '.join(known)}")
        for name in ("hidden_size", "embedding_size", "batch_size", "max_length"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        for name, usual in (("learning_rate", 0.003), ("epochs", 10)):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)} trains nothing; use a number above 0, such as {usual}")
        for name in ("dropout", "label_smoothing"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is no share; use 0 or more, and less than 1")
        if self.input_feeding and self.attention != "luong":
            raise ConfigError(
                "input_feeding=True is for luong's attention; bahdanau's context comes into the cell in any case: leave it out"
            )


@dataclass(frozen=True)
class Pairs:
    """A batch: the source, what the decoder reads (the answer, one later), and what it is to write; masks are true at tokens."""

    source: Tensor
    source_mask: Tensor
    input_ids: Tensor
    targets: Tensor
    loss_mask: Tensor


class Decoding(NamedTuple):
    """What the decoder knows between two tokens; the first axis of everything is the rows."""

    memory: Float[Tensor, "rows source width"]
    keys: Tensor  # bahdanau: U h_s, else the memory itself
    mask: Bool[Tensor, "rows source"]
    states: tuple[Tensor, ...]  # of the cell, (rows, hidden) each
    output: Float[Tensor, "rows embedding"]  # the last attention vector


class Network(nn.Module):
    """Encoder, attention and decoder."""

    def __init__(self, config: Seq2SeqConfig, vocab_size: int):
        super().__init__()
        self.config = config
        hidden, width, cell = config.hidden_size, config.embedding_size, CELLS[config.cell]
        beside = 2 * hidden if config.attention == "bahdanau" else width * config.input_feeding
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.embedding = Embedding(vocab_size, width, scale=width**0.5)
            self.encoder = cell(width, hidden, bidirectional=True)
            self.bridges = nn.ModuleList(Linear(2 * hidden, hidden, bias=True) for _ in range(cell.cell.states))
            self.decoder = cell(width + beside, hidden)
            self.asks = Linear(hidden if config.attention == "bahdanau" else 2 * hidden, hidden)
            self.combine = Linear(3 * hidden, width)
            self.lm_head = Linear(width, vocab_size, bias=True)
            self.lm_head.weight = self.embedding.weight
            if config.attention == "bahdanau":
                self.answers = Linear(2 * hidden, hidden)
                self.vector = nn.Parameter(torch.empty(hidden))
            self._draw()

    def _draw(self) -> None:
        """First weights of what is no cell: of deviation 1 / sqrt(inputs); biases 0."""
        for module in self.modules():
            if isinstance(module, Linear):
                nn.init.normal_(module.weight, std=module.weight.shape[1] ** -0.5)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        if self.config.attention == "bahdanau":
            nn.init.normal_(self.vector, std=len(self.vector) ** -0.5)

    def read(self, source: Int[Tensor, "rows source"], mask: Bool[Tensor, "rows source"]) -> Decoding:
        """Read the sources; the decoder's state before its first token."""
        memory, last = self.encoder(self._embedded(source), mask=mask)
        begins = [torch.cat((part[0], part[1]), -1) for part in last]
        states = tuple(torch.tanh(bridge(both)) for bridge, both in zip(self.bridges, begins, strict=True))
        keys = self.answers(memory) if self.config.attention == "bahdanau" else memory
        return Decoding(memory, keys, mask, states, memory.new_zeros(len(memory), self.config.embedding_size))

    def forward(self, batch: Pairs) -> Float[Tensor, "batch seq vocab"]:
        """The scores of every token of the answer, given those before it."""
        return self.lm_head(self._dropped(self.forced(batch)[0]))

    def forced(self, batch: Pairs) -> tuple[Float[Tensor, "batch seq width"], Float[Tensor, "batch seq source"]]:
        """The outputs for an answer that is known, and where the decoder looked at each step."""
        before, embedded = self.read(batch.source, batch.source_mask), self._embedded(batch.input_ids)
        if self.config.attention == "luong" and not self.config.input_feeding:
            hidden, _ = self.decoder(embedded, tuple(part[None] for part in before.states))
            context, weights = luong_attention(hidden, before.memory, self.asks.weight, before.mask)
            return torch.tanh(self.combine(torch.cat((context, hidden), -1))), weights
        return self.forced_reference(before, embedded)

    def forced_reference(
        self, before: Decoding, embedded: Float[Tensor, "batch seq embedding"]
    ) -> tuple[Float[Tensor, "batch seq width"], Float[Tensor, "batch seq source"]]:
        """The same for every form: a step after the other."""
        outputs, weights = [], []
        for token in embedded.unbind(1):
            before, looked = self.advance(before, token)
            outputs.append(before.output)
            weights.append(looked)
        return torch.stack(outputs, 1), torch.stack(weights, 1)

    def advance(self, before: Decoding, token: Float[Tensor, "rows embedding"]) -> tuple[Decoding, Tensor]:
        """One step, and where it looked."""
        if self.config.attention == "bahdanau":
            scores = bahdanau_scores(before.states[0], before.keys, self.asks.weight, self.vector)
            context, weights = attend(scores[:, None], before.memory, before.mask)
            states = self._cell(torch.cat((token, context[:, 0]), -1), before.states)
        else:
            fed = torch.cat((token, self._dropped(before.output)), -1) if self.config.input_feeding else token
            states = self._cell(fed, before.states)
            context, weights = luong_attention(states[0][:, None], before.memory, self.asks.weight, before.mask)
        output = torch.tanh(self.combine(torch.cat((context[:, 0], states[0]), -1)))
        return before._replace(states=states, output=output), weights[:, 0]

    def step(self, before: Decoding, ids: Int[Tensor, " rows"]) -> tuple[Float[Tensor, "rows vocab"], Decoding]:
        """The log-probabilities of the next token after one more; what a search over answers needs."""
        after, _ = self.advance(before, self.embedding(ids[:, None])[:, 0])
        return torch.log_softmax(self.lm_head(after.output), -1), after

    def _cell(self, inputs: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        _, after = self.decoder(inputs[:, None], tuple(part[None] for part in states))
        return tuple(part[0] for part in after)

    def _embedded(self, ids: Tensor) -> Tensor:
        return self._dropped(self.embedding(ids))

    def _dropped(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.config.dropout, self.training)


def translation_loss(module: Network, batch: Pairs) -> tuple[Tensor, int]:
    """Sum the cross-entropy over the answers' tokens, smoothed as configured; nats, and how many there are. An objective for the training loop.

    Padding is scored and left out of the sum: rows of a number that the fast product takes cost less than fewer rows.
    """
    targets = batch.targets.masked_fill(~batch.loss_mask, -100)
    smoothing = module.config.label_smoothing if module.training else 0.0
    scores = module(batch).flatten(0, 1)
    loss = functional.cross_entropy(
        scores, targets.flatten(), ignore_index=-100, reduction="sum", label_smoothing=smoothing
    )
    return loss, int(batch.loss_mask.sum())
