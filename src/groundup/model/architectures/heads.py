"""Heads: what is made of the hidden states: a score for each token of the vocabulary, for each label, or one number.

    head                 reads                                  gives                            in the files
    language model       every token                            (batch, seq, vocab)              ...ForCausalLM
    masked               every token                            (batch, seq, vocab)              ...ForMaskedLM
    classification       the last token (decoder), or the first (batch, labels)                  ...ForSequenceClassification
    reward               the same                               (batch)                          the same, with one label
    tagging              every token                            (batch, seq, labels)             ...ForTokenClassification
    value                every token                            (batch, seq)                     the same, with one label

A decoder's last token has seen the whole text, so one matrix on it can judge the text; the last *real* token, as what is
padded has read nonsense. In an encoder every token has seen the whole text, and training sets the first one apart for it.
Sentence vectors are the mean of all real tokens (Reimers and Gurevych 2019, arXiv:1908.10084, section 3).

GPT's linear head on the last token: Radford et al. 2018, section 3.2; BERT's heads: Devlin et al. 2019, arXiv:1810.04805,
sections 3.1 and 4; reward as a scalar head: Stiennon et al. 2020, arXiv:2009.01325, section 3.4.
Losses belong to training. Left out: heads for spans (question answering), multiple choice and next-sentence prediction.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.layers.feed_forward import ACTIVATIONS
from groundup.model.layers.initialization import initialize
from groundup.model.layers.linear import Linear
from groundup.slots import slot


@slot
def last_token(
    hidden: Float[Tensor, "batch seq hidden"], real: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """Take each text's vector at its last real token, wherever the padding stands.

    real: True at the text's tokens, False at padding; every row has at least one.
    """
    places = torch.arange(real.shape[1], device=real.device)
    last = places.masked_fill(~real, -1).amax(dim=1)
    return hidden[torch.arange(len(hidden), device=hidden.device), last]


@slot
def mean_of_tokens(
    hidden: Float[Tensor, "batch seq hidden"], real: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """Average each text's vectors over its real tokens; padding counts neither above nor below the line.

    real: True at the text's tokens, False at padding; every row has at least one.
    """
    counted = real.to(hidden.dtype)[..., None]
    return (hidden * counted).sum(dim=1) / counted.sum(dim=1)


def first_token(hidden: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch hidden"]:
    """Take each text's vector at its first place, where BERT's [CLS] stands."""
    return hidden[:, 0]


def real_tokens(
    input_ids: Int[Tensor, "batch seq"], mask: Bool[Tensor, "#batch queries keys"] | None, pad_token_id: int | None
) -> Bool[Tensor, "batch seq"]:
    """Tell the tokens of the texts from padding: what a mask shows to nobody; without a mask, by the padding's id.

    InputError: a batch without either, or a text without a token.
    """
    if mask is not None:
        real = mask.any(dim=1)[:, -input_ids.shape[1] :].expand(len(input_ids), -1)
    elif pad_token_id is not None:
        real = input_ids != pad_token_id
    elif len(input_ids) == 1:
        return torch.ones_like(input_ids, dtype=torch.bool)
    else:
        raise InputError(
            f"in a batch of {len(input_ids)} texts the last token of each cannot be told from padding; "
            "pass a mask, or set pad_token_id in config.json"
        )
    if not (real.is_meta or torch.compiler.is_compiling()) and not (full := real.any(dim=1)).all():
        row = int((~full).nonzero()[0])
        raise InputError(f"text {row} of the batch holds nothing but padding; leave it out")
    return real


class ScoreHead(nn.Module):
    """Score labels: of every token, or of the text by one of its tokens. One label is one number, without an axis for it.

    reads: "last", "first", or "pooler" (the first, as the pooler gave it). dense: one more layer with tanh before (RoBERTa).
    """

    def __init__(
        self,
        hidden: int,
        labels: int,
        *,
        bias: bool,
        every_token: bool = False,
        reads: str = "last",
        dense: bool = False,
    ):
        super().__init__()
        self.dense = Linear(hidden, hidden, bias=True) if dense else None
        self.out_proj = Linear(hidden, labels, bias=bias)
        self.every_token, self.reads = every_token, reads

    def forward(
        self, hidden: Float[Tensor, "batch seq hidden"], pooler: nn.Module | None = None, real: Tensor | None = None
    ) -> Float[Tensor, "..."]:
        """Score what this head reads; real: where tokens are, if it reads the last."""
        read = hidden if self.every_token else self._of_text(hidden, pooler, real)
        scores = self.out_proj(read if self.dense is None else torch.tanh(self.dense(read)))
        return scores[..., 0] if scores.shape[-1] == 1 else scores

    def _of_text(self, hidden: Tensor, pooler: nn.Module | None, real: Tensor | None) -> Tensor:
        if self.reads == "last":
            assert real is not None, "the last token is read, so it must be said which are real"
            return last_token(hidden, real)
        return first_token(hidden) if pooler is None else pooler(hidden)


class Pooler(Linear):
    """BERT's: the first token through one layer with tanh, trained to say whether the second sentence follows the first."""

    def __init__(self, hidden: int):
        super().__init__(hidden, hidden, bias=True)

    def forward(self, hidden: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch hidden"]:
        """One vector a text."""
        return torch.tanh(super().forward(first_token(hidden)))


class MaskedHead(nn.Module):
    """BERT's language model: one more layer with a norm, then the embedding's own matrix and a bias a token."""

    def __init__(self, hidden: int, vocab: int, activation: str, norm: nn.Module):
        super().__init__()
        self.dense = Linear(hidden, hidden, bias=True)
        self.norm = norm
        self.decoder = Linear(hidden, vocab)
        self.bias = nn.Parameter(torch.empty(vocab))
        self.activation = activation

    def forward(self, hidden: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq vocab"]:
        """Score every token of the vocabulary at every place."""
        scores = self.decoder(self.norm(ACTIVATIONS[self.activation](self.dense(hidden))))
        return scores + self.bias.to(scores.dtype)


def with_head(module: Any, head: str, labels: Sequence[str] = (), seed: int | None = None) -> Any:
    """The same trunk under another head, whose weights begin anew; the trunk's are shared, not copied.

    head: "classification", "reward", "tagging", "value", "none", or the language model's. labels: their names; left out, as
    many as the head has to have. seed: of the new head's first values.
    """
    config = replace(module.config, head=head, labels=tuple(labels))
    made = build(config, device="meta")
    trunk = module.model.state_dict(keep_vars=True)
    made.model.load_state_dict({name: trunk[name] for name in made.model.state_dict() if name in trunk}, False, True)
    fresh = [part for part in made.modules() if any(one.is_meta for one in part.parameters(recurse=False))]
    for part in fresh:
        part.to_empty(device=module.device, recurse=False)
    initialize(nn.ModuleList(fresh), layers=1, std=config.initializer_range, seed=seed, scheme="normal")
    nn.ModuleList(fresh).to(module.embedding.weight.dtype)
    made.tie()
    made.compute_dtype = module.compute_dtype
    return made
