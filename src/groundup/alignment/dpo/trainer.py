"""Preference optimisation over the one training loop: the reference is read once, before the first step.

Its log-probabilities are two numbers a pair, so no second model stays in memory: they are computed by the module as it
is when `fit` begins. A run that goes on from a checkpoint must therefore be given the module it began with, as every
run of the loop must.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup import progress
from groundup.alignment.answers import AnswerBatch, log_probabilities
from groundup.alignment.dpo.config import WITH_REFERENCE, DpoConfig
from groundup.alignment.dpo.dpo import dpo_loss, ipo_loss, kto_loss, orpo_loss, simpo_loss, sums_of_answers
from groundup.alignment.dpo.pairs import Pair, PairBatch, Row, alone, encode, flat, lay_out, mismatched
from groundup.alignment.environments.rollouts import chosen_tasks
from groundup.errors import ConfigError, InputError
from groundup.training import loop

__all__ = ["Preferences", "prepared", "fit", "learned", "prefer"]


def whole_answers(module: Any, batch: AnswerBatch, count: int) -> Float[Tensor, " answers"]:
    """The log-probability of every whole answer of a batch."""
    return sums_of_answers(log_probabilities(module, batch), batch.answers, count)


@dataclass
class Preferences:
    """Pairs as the training loop's batches, and the loss that the configuration names."""

    pairs: Sequence[Pair]
    config: DpoConfig
    device: Any
    rows: int = 0  # of those given, so many are learned from
    reference: list[list[float]] = field(default_factory=list)  # of each pair's answers
    others: Sequence[Pair] = ()  # KTO: the prompts with answers to other ones
    others_reference: list[list[float]] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)  # of the last batch

    def read_reference(self, module: Any) -> None:
        """What the policy thinks of every answer before it learns."""
        if self.config.method not in WITH_REFERENCE:
            return
        self.reference = list(self._scores(module, self.pairs))
        if self.config.method == "kto":
            self.others = mismatched(self.pairs, self.config.max_length or module.config.max_position_embeddings)
            self.others_reference = list(self._scores(module, self.others))

    @torch.no_grad()
    def _scores(self, module: Any, pairs: Sequence[Pair]) -> Iterable[list[float]]:
        size = self.config.batch_size
        for start in range(0, len(pairs), size):
            part = pairs[start : start + size]
            counts = [len(pair.answers) for pair in part]
            scores = whole_answers(module, lay_out(part).to(self.device), sum(counts)).cpu()
            yield from (one.tolist() for one in scores.split(counts))

    def batch(self, number: int) -> PairBatch:
        """The pairs that batch `number` holds: every pair once before any comes again."""
        return self.laid_out(chosen_tasks(number, len(self.pairs), self.config.batch_size, self.config.seed))

    def laid_out(self, rows: Sequence[int]) -> PairBatch:
        """Those pairs, where the weights are, with what the reference thought of them."""
        pairs, to = [self.pairs[row] for row in rows], self.device
        made = PairBatch(
            lay_out(pairs).to(to),
            torch.tensor([len(answer) for pair in pairs for answer in pair.answers], dtype=torch.float32, device=to),
            torch.tensor(flat(pair.desirable for pair in pairs), device=to),
        )
        if self.reference:
            made = replace(made, reference=torch.tensor(flat(self.reference[row] for row in rows), device=to))
        if self.others_reference:
            others = torch.tensor(flat(self.others_reference[row] for row in rows), device=to)
            made = replace(made, others=lay_out([self.others[row] for row in rows]).to(to), others_reference=others)
        return made

    def objective(self, module: Any, batch: PairBatch) -> tuple[Tensor, int]:
        """The sum of the losses of a batch, and how many there are."""
        scores = whole_answers(module, batch.batch, len(batch.lengths))
        losses = self.single(module, scores, batch) if self.config.method == "kto" else self.paired(scores, batch)
        self.numbers = self.describe(scores.detach(), batch)
        return losses.sum(), len(losses)

    def paired(self, scores: Tensor, batch: PairBatch) -> Tensor:
        """The loss of each pair: its chosen answers stand at the even places, its rejected ones at the odd."""
        config, beta = self.config, self.config.strength
        if config.method != "dpo":
            scores = scores / batch.lengths
        if config.method == "orpo":
            return orpo_loss(scores[0::2], scores[1::2], beta)
        if config.method == "simpo":
            return simpo_loss(scores[0::2], scores[1::2], beta, config.margin)
        assert batch.reference is not None, "read before the first step"
        if config.method == "ipo":
            before = batch.reference / batch.lengths
            return ipo_loss(scores[0::2], scores[1::2], before[0::2], before[1::2], beta)
        before = batch.reference
        return dpo_loss(scores[0::2], scores[1::2], before[0::2], before[1::2], beta, config.label_smoothing)

    def single(self, module: Any, scores: Tensor, batch: PairBatch) -> Tensor:
        """The loss of each answer by itself; the divergence comes from answers to other prompts, without a gradient."""
        assert batch.others is not None and batch.reference is not None and batch.others_reference is not None
        with torch.no_grad():
            moved = whole_answers(module, batch.others, len(scores)) - batch.others_reference
        config = self.config
        weights = (config.desirable_weight, config.undesirable_weight)
        return kto_loss(scores - batch.reference, batch.desirable, moved.mean(), config.strength, *weights)

    def training(self) -> Any:
        """The loop's configuration: as many steps as given, or as the epochs take."""
        config, pairs = self.config, self.pairs
        steps = config.steps or max(
            1, round(config.epochs * len(pairs) / (config.batch_size * config.gradient_accumulation_steps))
        )
        tokens = sum(len(pair.prompt) + sum(map(len, pair.answers)) for pair in pairs) / len(pairs)
        return config.training(steps, max(1, round(tokens)))

    @torch.no_grad()
    def measure(self, module: Any) -> dict[str, float]:
        """Mean loss and, of pairs, accuracy and margin over all of them: for those that are not learned from."""
        sums, size = dict[str, float](), self.config.batch_size
        for start in range(0, len(self.pairs), size):
            rows = range(start, min(start + size, len(self.pairs)))
            loss, _ = self.objective(module, self.laid_out(rows))
            told = {"loss": float(loss), **{name: value * len(rows) for name, value in self.numbers.items()}}
            sums |= {name: sums.get(name, 0.0) + value for name, value in told.items()}
        return {name: sums[name] / len(self.pairs) for name in ("loss", "accuracy", "margin") if name in sums}

    def describe(self, scores: Tensor, batch: PairBatch) -> dict[str, float]:
        """What the batch says of the policy as its own reward model."""
        before = batch.reference if batch.reference is not None else torch.zeros_like(scores)
        per = batch.lengths if self.config.method in ("ipo", "orpo", "simpo") else torch.ones_like(scores)
        rewards = self.config.strength * (scores - before) / per
        good, bad = rewards[batch.desirable], rewards[~batch.desirable]
        means = {"chosen_reward": good, "rejected_reward": bad}
        numbers = {name: float(values.mean()) for name, values in means.items() if len(values)}
        if self.config.method != "kto":
            numbers |= {"accuracy": float((good > bad).float().mean()), "margin": float((good - bad).mean())}
        return numbers


def prepared(module: Any, rows: Iterable[Row], config: DpoConfig, tokenizer: Any) -> Preferences:
    """Rows of preferences for this module, which is the reference as it is now; what is left out or cut is said."""
    context = module.config.max_position_embeddings
    if config.max_length > context:
        raise InputError(f"max_length={config.max_length} is longer than the model's context; use {context} or less")
    encoded = encode(rows, tokenizer, config.max_length or context, config.too_long)
    if sentence := encoded.sentence():
        progress.say(sentence)
    preferences = Preferences(_of_method(encoded.pairs, config), config, module.device, len(encoded.pairs))
    preferences.read_reference(module)
    return preferences


def fit(
    module: Any,
    rows: Iterable[Row],
    config: DpoConfig,
    folder: str | Path | None = None,
    *,
    tokenizer: Any,
    **watched: Any,
) -> loop.TrainResult:
    """Move a module in place towards the chosen answers of `rows`; checkpoints go to the folder, a stopped run goes on.

    rows: {"prompt" or "messages", "chosen", "rejected"}; for kto also {"prompt", "completion", "label"}. watched: as `learned`'s.
    """
    return learned(module, prepared(module, rows, config, tokenizer), folder, tokenizer=tokenizer, **watched)


def learned(
    module: Any,
    preferences: Preferences,
    folder: str | Path | None = None,
    *,
    tokenizer: Any,
    mark: Callable[[Any], Any] = lambda batches: batches,
    listeners: Sequence[loop.Listener] = (),
    **watching: Any,
) -> loop.TrainResult:
    """Move a module in place towards preferences that were prepared for it.

    watching: `stop` and `way_on` of the training loop. An event's numbers have those of its last batch (accuracy, margin).
    """

    def tell(event: loop.Step) -> None:
        for listener in listeners:
            listener(replace(event, also=preferences.numbers))

    return loop.train(
        module, mark(preferences.batch), preferences.training(),
        objective=preferences.objective, listeners=[tell], folder=folder, title="preferring", tokenizer=tokenizer, **watching,
    )  # fmt: skip


def _of_method(pairs: Sequence[Pair], config: DpoConfig) -> Sequence[Pair]:
    """Pairs, or single answers where the method takes these."""
    if config.method == "kto":
        singles = alone(pairs)
        if all(one.prompt == singles[0].prompt for one in singles):
            raise InputError(
                "kto needs two answers or more, and not all to one prompt: an answer to another prompt tells how far the policy went; "
                "give rows with other prompts"
            )
        return singles
    if any(len(pair.answers) != 2 for pair in pairs):
        raise InputError(
            f"{config.method} needs a chosen and a rejected answer in every row; single answers are for method=kto"
        )
    return pairs


def prefer(
    model: str | Path,
    rows: Iterable[Row],
    config: DpoConfig,
    out: str | Path,
    *,
    stop: Callable[[], bool] = loop.never,
    dtype: str = "float32",
) -> Path:
    """Move a model folder towards the chosen answers: `out` gets model/, metrics.jsonl, checkpoints/; the new model folder."""
    from groundup.inference.handle import load
    from groundup.model.formats.huggingface import dtype_of, save_model

    if config.trackers:
        raise ConfigError(f"trackers={config.trackers!r} would be told nothing by prefer(); leave trackers out")
    handle, out = load(model), Path(out)
    handle.module.compute_dtype = dtype_of(dtype)
    listeners = [loop.write_metrics(out / "metrics.jsonl")]
    fit(handle.module, rows, config, out, tokenizer=handle.tokenizer, listeners=listeners, stop=stop)
    save_model(out / "model", handle.module, handle.tokenizer, generation=handle.generation)
    return out / "model"
