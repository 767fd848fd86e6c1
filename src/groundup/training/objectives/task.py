"""An objective made ready for a run: how the loader's batches become its own, and its loss.

    the loader's batch of a step -> transform(batch, draws of that step) -> loss(module, batch) -> gradients

The transformation is a pure function of seed and step, as the loader is: what is hidden at step 900 does not depend on what was drawn before, so a run
that was stopped goes on with the bits it would have had. Which objectives there are: `registry.py`.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from groundup.data.pipeline.streaming import Batch
from groundup.machine.probe.device import device_of_module, placed
from groundup.training.objectives import registry
from groundup.training.objectives.algorithmic import answers_only, exact_answers
from groundup.training.objectives.blanks import blank_batch
from groundup.training.objectives.causal import Asked, causal_asked, causal_loss, hits_where
from groundup.training.objectives.contrastive import partners_found, simcse_loss, two_views
from groundup.training.objectives.denoisers import denoised
from groundup.training.objectives.fill_in_middle import Marks, middle_batch
from groundup.training.objectives.masked import masked, masked_asked, masked_loss
from groundup.training.objectives.multi_token import MultiToken, asked_ahead, multi_token_loss
from groundup.training.objectives.prefix import prefix_asked, prefix_batch, prefix_loss
from groundup.training.objectives.span import span_asked, span_batch, span_loss
from groundup.training.step.accumulation import Objective

Transform = Callable[[Batch, torch.Generator], Any]
AHEAD = 3  # tokens that multi_token asks for at each place

LOSSES: dict[str, Callable[..., Any]] = {
    "causal": causal_loss,
    "multi_token": multi_token_loss,
    "fill_in_middle": causal_loss,
    "prefix": prefix_loss,
    "answer": causal_loss,
    "masked": masked_loss,
    "contrastive": simcse_loss,
    "span": span_loss,
    "denoisers": span_loss,
    "blanks": prefix_loss,
}
ASKED: dict[Callable[..., Any], Callable[[Any, Any], Asked]] = {
    causal_loss: causal_asked,
    masked_loss: masked_asked,
    prefix_loss: prefix_asked,
    span_loss: span_asked,
    multi_token_loss: lambda module, batch: asked_ahead(module, batch)[0],
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a run trains on. seed: of what is hidden, cut and moved."""

    objective: str
    transform: Transform
    loss: Objective
    seed: int

    def batch(self, batch: Batch, number: int) -> Any:
        """The loader's batch of this number, as the objective asks it."""
        return self.transform(batch, draws(self.seed, number))

    def batches(self, batches: Callable[[int], Batch]) -> Callable[[int], Any]:
        """Batches by number, made from the loader's."""
        return lambda number: self.batch(batches(number), number)

    def trained(self, module: Any) -> Any:
        """What is trained: the module, with more heads where the objective has them."""
        return MultiToken(module, AHEAD) if self.objective == "multi_token" else module

    def kept(self, trained: Any) -> Any:
        """What is kept of it: the module."""
        return trained.module if isinstance(trained, MultiToken) else trained

    def hits(self, module: Any, batch: Any) -> tuple[int, int]:
        """How often the model's first guess is right, and of how many."""
        if self.objective == "contrastive":
            return partners_found(module, batch)
        if self.objective == "answer":
            return exact_answers(module, batch)
        return hits_where(ASKED[LOSSES[self.objective]](module, batch))

    @torch.no_grad()
    def measure(self, module: Any, batches: Iterable[Batch]) -> dict[str, float]:
        """The mean loss in nats a target and the share of right guesses; the same is asked each time."""
        loss, targets, right, guesses = 0.0, 0, 0, 0
        for number, plain in enumerate(batches):
            batch = placed(self.batch(plain, -1 - number), device_of_module(module))
            one, count = self.loss(module, batch)
            found, asked = self.hits(module, batch)
            loss, targets, right, guesses = loss + float(one), targets + count, right + found, guesses + asked
        return {"loss": loss / max(targets, 1), "accuracy": right / max(guesses, 1)}


def draws(seed: int, number: int) -> torch.Generator:
    """The random numbers of a batch: a function of seed and number alone. (torch looks at 32 bits of a seed, so these are mixed first.)"""
    return torch.Generator().manual_seed(random.Random(f"{seed} {number}").getrandbits(32))


def prepare(config: Any, tokenizer: Any) -> Task:
    """The task of [train]; InputError where the tokenizer lacks a token that it needs."""
    marks = registry.marks_of(tokenizer, config.objective, config.seq_len)
    loss = LOSSES[config.objective]
    return Task(
        config.objective,
        TRANSFORMS[config.objective](tokenizer, marks),
        partial(loss, z_loss=config.z_loss) if config.z_loss else loss,
        config.seed,
    )


def documents_of(batch: Batch, end_id: int | None, least: int = 2) -> list[list[int]]:
    """The texts of a batch whose rows hold one each, without the token that ends a document.

    One that is left with fewer than `least` tokens keeps its end and what stands before it, so that there is something to hide and something to keep.
    """
    texts = []
    for before, targets, real in zip(
        batch.input_ids[:, 0].tolist(), batch.targets.tolist(), (batch.document_ids >= 0).sum(1).tolist(), strict=True
    ):
        ids = targets[:real]
        text = ids[:-1] if ids and ids[-1] == end_id else ids
        texts.append(text if len(text) >= least else [before, *ids])
    return texts


def _plain(tokenizer: Any, marks: list[int]) -> Transform:
    return lambda batch, generator: batch


def _answer(tokenizer: Any, marks: list[int]) -> Transform:
    equals = tokenizer.encode(" =")[-1]
    return lambda batch, generator: answers_only(batch, equals)


def _fill_in_middle(tokenizer: Any, marks: list[int]) -> Transform:
    prefix, suffix, middle = marks
    four = Marks(prefix, suffix, middle, tokenizer.eos_token_id)

    def transform(batch: Batch, generator: torch.Generator) -> Any:
        starts, rows = batch.input_ids[:, 0].tolist(), documents_of(batch, None, 0)
        ended = [row[-1:] == [four.end] for row in rows]  # not so where a long document was cut
        return middle_batch(documents_of(batch, four.end, 0), generator, four, starts=starts, ended=ended)

    return transform


def _prefix(tokenizer: Any, marks: list[int]) -> Transform:
    def transform(batch: Batch, generator: torch.Generator) -> Any:
        rows = zip(batch.input_ids[:, 0].tolist(), documents_of(batch, None, 0), strict=True)
        return prefix_batch([[before, *ids] for before, ids in rows], generator, tokenizer.pad_token_id or 0)

    return transform


def _masked(tokenizer: Any, marks: list[int]) -> Transform:
    special = tuple(tokenizer.special_tokens.values())
    return partial(masked, mask_id=marks[0], vocab_size=tokenizer.vocab_size, special_ids=special)


def _contrastive(tokenizer: Any, marks: list[int]) -> Transform:
    return lambda batch, generator: two_views(batch.input_ids, batch.document_ids >= 0, generator)


def _span(tokenizer: Any, marks: list[int]) -> Transform:
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id or 0
    return lambda batch, generator: span_batch(
        documents_of(batch, end), generator, sentinels=marks, pad_id=pad, end_id=end
    )


def _denoisers(tokenizer: Any, marks: list[int]) -> Transform:
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id or 0
    modes, sentinels = dict(zip(registry.MODES, marks, strict=False)), marks[len(registry.MODES) :]
    return lambda batch, generator: denoised(
        documents_of(batch, end), generator, modes=modes, sentinels=sentinels, pad_id=pad, end_id=end
    )


def _blanks(tokenizer: Any, marks: list[int]) -> Transform:
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id or 0
    names = dict(zip(("mask_id", "start_id", "end_id"), marks, strict=True))
    return lambda batch, generator: blank_batch(documents_of(batch, end), generator, **names, pad_id=pad)


TRANSFORMS: dict[str, Callable[[Any, list[int]], Transform]] = {
    "causal": _plain,
    "multi_token": _plain,
    "fill_in_middle": _fill_in_middle,
    "prefix": _prefix,
    "answer": _answer,
    "masked": _masked,
    "contrastive": _contrastive,
    "span": _span,
    "denoisers": _denoisers,
    "blanks": _blanks,
}
