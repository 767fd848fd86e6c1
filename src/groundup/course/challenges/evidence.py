"""What can be measured of a run that does not learn: its loss, statistics of every layer, and a learning-rate range test.

    losses       a short training by the real loop: what the learner sees, and where it stopped
    layers       on one batch, before the first step and after the fourth (some first values are zero, and zero tells nothing):
                 how large each block's output is, how large its gradient, how far the scores of attention spread and how
                 often one key gets all, which share of the units is 0 for every token
    step         one early step: how far weights moved for their size, and which share did not move at all
    targets      at which distance from its input a target stands: 1 for the next token, 0 for the token itself
    range test   the loss while the rate rises evenly by factors, from the same start: where it is lowest the rate is as
                 large as it can be (Smith 2017, arXiv:1506.01186, section 3.3)
    batches      the loss of each batch under the trained weights: a broken part of the data stands out

Nothing here knows how a run was made; the judgement is in `instability.py`. Attention is asked for its weights by giving it
the identity as values, so a learner's own attention is measured as it is.
"""

import copy
import dataclasses
import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from groundup.course.challenges.watching import watched
from groundup.errors import GroundupError
from groundup.model.attention import multi_head
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss, mean_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step.accumulation import accumulate
from groundup.training.step.clipping import clip_

FEWEST_KEYS = 8  # a query that sees fewer is no sign of anything
ONE_KEY = 0.9  # a weight from which on a query looks at one key
SHIFTS = (-1, 0, 1, 2)
EARLY = 4  # steps after which a model whose output projections began at zero has gradients everywhere
LOWEST_FACTOR, HIGHEST_FACTOR, RANGE_STEPS = 1e-3, 1e2, 50
SMOOTH = 0.7  # the part of the past in the range test's running mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """A run to be measured: how its module is made, its batches by number, its configuration."""

    name: str
    build: Callable[[], Any]
    batches: Callable[[int], Any]
    config: TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One block on one batch."""

    index: int
    stream: float  # root mean square of what leaves the block
    gradient_norm: float
    one_key: float  # share of queries that give one key more than 0.9
    score_spread: (
        float  # standard deviation of a query's scores over its keys, the median query; about 1 at a good start
    )
    dead_units: float  # share of the feed-forward's units that are 0 for every token


@dataclass(frozen=True, kw_only=True, slots=True)
class RangeTest:
    """The loss at each rate, while the rate rises; stable: the rate at which the smoothed loss was lowest."""

    rates: list[float]
    losses: list[float]
    stable: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """All that was measured of one run."""

    vocab: int
    learning_rate: float
    losses: list[float]
    gradient_norms: list[float]
    stopped: str  # the loop's own sentence when the loss became no number
    layers: list[Layer]  # before the first step
    early: list[Layer]  # after the fourth
    update_ratio: float  # |change| / |weight| of the next step at the peak rate, the median matrix
    unmoved: float  # share of the weights that have a gradient and did not change in that step
    shifts: dict[int, float]  # distance -> share of targets that are the input so far ahead
    batch_losses: list[float]  # under the trained weights
    range_test: RangeTest = field(repr=False)

    @property
    def start(self) -> float:
        """The loss before the first step."""
        return self.losses[0]

    @property
    def end(self) -> float:
        """The mean loss of the last tenth of the steps."""
        last = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(last) / len(last)

    @property
    def uniform(self) -> float:
        """The loss of a guess among the whole vocabulary."""
        return math.log(self.vocab)


def measure(setup: Setup) -> Evidence:
    """Measure a run from its start: statistics, one step, the range test, then the training itself."""
    start = setup.build()
    batch = setup.batches(0)
    layers = layer_statistics(start, batch)
    early, ratio, unmoved = early_steps(start, setup)
    tested = range_test(start, setup.batches, setup.config)
    losses, norms, stopped, module = trained(copy.deepcopy(start), setup)
    return Evidence(
        vocab=start.config.vocab_size,
        learning_rate=setup.config.learning_rate,
        losses=losses,
        gradient_norms=norms,
        stopped=stopped,
        layers=layers,
        early=early,
        update_ratio=ratio,
        unmoved=unmoved,
        shifts=target_shifts(batch),
        batch_losses=[mean_loss(module, [setup.batches(step)]) for step in range(min(20, setup.config.steps))],
        range_test=tested,
    )


def trained(module: Any, setup: Setup) -> tuple[list[float], list[float], str, Any]:
    """Train by the real loop; losses, gradient norms, and why it stopped before its end ("": it did not)."""
    seen: list[loop.Step] = []
    stopped = ""
    try:
        loop.train(module, setup.batches, setup.config, listeners=[seen.append], title=setup.name)
    except GroundupError as error:
        stopped = str(error)
    losses, norms = [step.loss for step in seen], [step.gradient_norm for step in seen]
    return losses or [math.nan], norms or [math.nan], stopped, module


# ───────── statistics of the layers ─────────


@dataclass(slots=True)
class _Seen:
    """What the hooks of one pass note, by block."""

    streams: list[float] = field(default_factory=list)
    one_key: list[float] = field(default_factory=list)
    spread: list[float] = field(default_factory=list)
    dead: list[float] = field(default_factory=list)

    def attended(self, result: Tensor, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> None:
        """Ask the same attention for its weights: with the identity as values its answer is the weights."""
        with torch.no_grad():
            weights = attention_weights(query.detach(), key.detach(), value, *rest, **named)
        weights = weights[:, :, FEWEST_KEYS:].float()
        self.one_key.append(float((weights.amax(-1) > ONE_KEY).float().mean()) if weights.numel() else 0.0)
        self.spread.append(score_spread(weights))

    def units(self, _: Any, inputs: tuple[Tensor, ...]) -> None:
        """Told what `down_proj` reads: the units."""
        alive = (inputs[0] != 0).flatten(0, -2).any(0)
        self.dead.append(float((~alive).float().mean()))

    def block(self, _: Any, __: Any, output: Tensor) -> None:
        """Told what leaves a block."""
        self.streams.append(float(output.detach().float().square().mean().sqrt()))


_original_attend = multi_head.attend


def attention_weights(query: Tensor, key: Tensor, value: Tensor, *rest: Any, **named: Any) -> Tensor:
    """What attention gives each key; the identity goes through in pieces as wide as the values."""
    keys, width = key.shape[-2], value.shape[-1]
    padded = torch.eye(keys, -(-keys // width) * width, dtype=value.dtype, device=value.device)
    pieces = [piece.expand(*value.shape[:2], keys, width) for piece in padded.split(width, dim=1)]
    return torch.cat([_original_attend(query, key, piece, *rest, **named) for piece in pieces], dim=-1)[..., :keys]


def score_spread(weights: Tensor) -> float:
    """The spread of the scores behind softmax weights: their logarithms differ by as much; keys that get nothing are left out."""
    if not weights.numel():
        return 0.0
    seen = weights > 0
    scores = torch.where(seen, weights, 1.0).log()
    keys = seen.sum(-1).clamp(min=1)
    mean = scores.sum(-1, keepdim=True) / keys[..., None]
    variance = ((scores - mean).square() * seen).sum(-1) / keys
    return float(variance.sqrt().median())


def layer_statistics(module: Any, batch: Any) -> list[Layer]:
    """Every block's activations and gradients on one batch; the module is left as it was."""
    seen = _Seen()
    with ExitStack() as stack:
        stack.enter_context(watched(multi_head, "attend", seen.attended))
        for block in module.model.layers:
            stack.callback(block.register_forward_hook(seen.block).remove)
            stack.callback(block.mlp.down_proj.register_forward_pre_hook(seen.units).remove)
        accumulate(module, [batch], causal_loss)
    norms = [_norm([p.grad for p in block.parameters() if p.grad is not None]) for block in module.model.layers]
    module.zero_grad(set_to_none=True)
    rows = zip(seen.streams, norms, seen.one_key, seen.spread, seen.dead, strict=True)
    return [
        Layer(index=index, stream=stream, gradient_norm=norm, one_key=one_key, score_spread=spread, dead_units=dead)
        for index, (stream, norm, one_key, spread, dead) in enumerate(rows)
    ]


def _norm(tensors: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(tensor.float().square().sum()) for tensor in tensors))


def early_steps(start: Any, setup: Setup) -> tuple[list[Layer], float, float]:
    """Make four steps at the peak rate on a copy, look at its layers, make one more.

    The layers, the median |change| / |weight| of its matrices, and the share of weights that were pulled and stood still.
    """
    module = copy.deepcopy(start)
    optimizer = build_optimizer(module, setup.config)
    for step in range(EARLY):
        _step(module, optimizer, setup, step)
    layers = layer_statistics(module, setup.batches(EARLY))
    before = [parameter.detach().clone() for parameter in module.parameters()]
    _step(module, optimizer, setup, EARLY)
    return layers, *_moved(before, list(module.parameters()))


def _step(module: Any, optimizer: Any, setup: Setup, step: int) -> None:
    """One step; its gradients stay until the next."""
    module.zero_grad(set_to_none=True)
    accumulate(module, [setup.batches(step)], causal_loss)
    clip_([parameter for parameter in module.parameters() if parameter.requires_grad], setup.config.max_grad_norm)
    optimizer.step(1.0)


def _moved(before: Sequence[Tensor], after: Sequence[Any]) -> tuple[float, float]:
    """The median ratio of change to size over the matrices, and the share of pulled weights that stood still."""
    ratios, still, pulled = [], 0, 0
    for old, new in zip(before, after, strict=True):
        wanted = torch.zeros_like(old, dtype=torch.bool) if new.grad is None else new.grad != 0
        pulled += int(wanted.sum())
        still += int((wanted & (old == new)).sum())
        size = float(old.float().norm())
        if old.dim() == 2 and size:
            ratios.append(float((new.detach().float() - old.float()).norm()) / size)
    return statistics.median(ratios) if ratios else 0.0, still / max(1, pulled)


def target_shifts(batch: Any) -> dict[int, float]:
    """At each distance, the share of targets that are the input token so far ahead of their place."""
    kept, length = batch.loss_mask.bool(), batch.input_ids.shape[1]
    shares = {}
    for shift in SHIFTS:
        low, high = max(0, -shift), length - max(0, shift)
        same = batch.targets[:, low:high] == batch.input_ids[:, low + shift : high + shift]
        counted = kept[:, low:high]
        shares[shift] = float((same & counted).sum() / counted.sum().clamp(min=1))
    return shares


# ───────── the range test ─────────


def range_test(start: Any, batches: Callable[[int], Any], config: TrainConfig) -> RangeTest:
    """Train a copy while the rate rises evenly by factors, from a thousandth to a hundred times the configured one."""
    module = copy.deepcopy(start)
    optimizer = build_optimizer(module, dataclasses.replace(config, weight_decay=0.0))
    parameters = [p for p in module.parameters() if p.requires_grad]
    rates: list[float] = []
    losses: list[float] = []
    for step in range(RANGE_STEPS):
        factor = LOWEST_FACTOR * (HIGHEST_FACTOR / LOWEST_FACTOR) ** (step / (RANGE_STEPS - 1))
        loss = accumulate(module, [batches(step)], causal_loss)
        norm = clip_(parameters, config.max_grad_norm)
        rates.append(factor * config.learning_rate)
        losses.append(loss)
        if not (math.isfinite(loss) and math.isfinite(norm)) or loss > 4 * max(losses[0], 1.0):
            break
        optimizer.step(factor)
        module.zero_grad(set_to_none=True)
    return RangeTest(rates=rates, losses=losses, stable=stable_rate(rates, losses))


def stable_rate(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The rate at which the smoothed loss is lowest: the steps at it still helped, those after it did not.

    >>> stable_rate([0.1, 0.2, 0.4, 0.8], [4.0, 3.0, 2.0, 9.0])
    0.4
    """
    smoothed, mean, weight = [], 0.0, 0.0
    for loss in losses:
        value = loss if math.isfinite(loss) else math.inf
        mean, weight = SMOOTH * mean + (1 - SMOOTH) * value, SMOOTH * weight + (1 - SMOOTH)
        smoothed.append(mean / weight)
    return rates[min(range(len(smoothed)), key=lambda place: smoothed[place])]
