"""From a budget to a run: the best model and number of tokens for so much time or so many operations, as a recipe one can run.

    FLOPs     the law of a sweep gives for each size the tokens that are left, and the loss there; the lowest loss wins
    time      tokens that are left = (seconds - those before and after the training) * tokens a second of this size on this machine, measured

Sizes are a ladder of whole shapes in the sweep's own form (`ladder`), as the law knows no other. Small models are slow for their operations
(calls, not arithmetic), so a budget of time is not spent like one of operations: speed is measured by single training steps of a few rungs,
and between them seconds a token are a line over size. The run keeps the sweep's rates and batch. What the law says beyond `LARGER` times the
sweep's largest budget is said to be a guess. Left out: a budget for use after training (`compute_optimal.smaller`).
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import InputError
from groundup.runs import recipe
from groundup.runs.recipe import Recipe
from groundup.runs.sweep import law

WIDTHS = (20, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1024)
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
WRITTEN = re.compile(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*(s|m|min|h|d)?", re.IGNORECASE)
BYTES_PER_TOKEN = 4.0  # of tinyworld with a vocabulary of 1,024: at most, so that no document comes twice
SHARE_OF_DATA = 1.1  # more text than is read: rows are cut at their ends
TIMED_STEPS = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent: seconds or operations."""

    seconds: float | None = None
    flops: float | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """A run for a budget: its recipe, what it is expected to reach, and how far beyond the sweep that lies."""

    recipe: Recipe
    size: float
    tokens: int
    flops: float
    parameters: int
    loss: float
    low: float
    high: float
    beyond: float  # FLOPs as a multiple of the sweep's largest budget
    seconds: float | None  # of the training, or of the whole run once that was forecast


def parse(text: str) -> Budget:
    """A budget as people write it: `30m`, `2h`, `90s` are times, `1e15` are floating-point operations.

    >>> parse("30m").seconds, parse("1e15").flops
    (1800.0, 1000000000000000.0)
    """
    found = WRITTEN.fullmatch(text.strip())
    try:
        amount = float(found.group(1)) if found else 0.0
    except ValueError:
        amount = 0.0
    if not found or not 0 < amount < float("inf"):
        raise InputError(
            f"--budget {text} is neither a time nor a number of operations; write such as 30m, 2h, or 1e15"
        )
    unit = (found.group(2) or "").lower()
    if unit:
        return Budget(seconds=amount * UNITS[unit])
    if amount < 1e9:
        raise InputError(f"--budget {text} FLOPs train nothing; for a time write its unit, such as {text}s or {text}m")
    return Budget(flops=amount)


def shape(width: int) -> dict[str, int]:
    """The keys of [model] for a width, in the sweep's form: heads of 16 (32 from 256, 64 from 512), one or two of keys.

    >>> shape(64)["num_hidden_layers"], shape(64)["num_attention_heads"], shape(64)["num_key_value_heads"]
    (4, 4, 2)
    """
    head = 16 if width < 256 else 32 if width < 512 else 64
    heads = -(-width // head)
    return {
        "hidden_size": width,
        "intermediate_size": round(width * 8 / 3 / 8) * 8,
        "num_hidden_layers": 3 if width < 64 else 4 if width < 128 else max(5, width // 40),
        "num_attention_heads": heads,
        "num_key_value_heads": 2 if heads > 2 and heads % 2 == 0 else 1,
        "head_dim": head,
    }


def ladder(base: Mapping[str, Any]) -> list[tuple[dict[str, int], float]]:
    """The shapes that are tried, smallest first, each with its training FLOPs a token."""
    from groundup.model.accounting import count

    made = []
    for width in WIDTHS:
        whole = resolved(base, shape(width), 1, 1)
        flops = count(whole.configs["model"]).training_flops_per_token(whole.configs["train"].seq_len)
        made.append((shape(width), float(flops)))
    return made


def resolved(base: Mapping[str, Any], model: Mapping[str, int], steps: int, tokens: float) -> Recipe:
    """The recipe of one run: its steps, and as much text as they read without reading any twice."""
    size = round(max(1e6, tokens * BYTES_PER_TOKEN * SHARE_OF_DATA))
    often = {
        "validate_every": max(1, steps // 10),
        "sample_every": max(1, steps // 4),
        "checkpoint_every": max(50, steps // 20),
    }
    changes = {"name": "planned", "description": "a run planned for a budget", "model": dict(model)}
    return recipe.resolve(
        recipe.merge(base, changes | {"train": {"steps": steps} | often, "data": {"tinyworld_bytes": size}}),
        "the planned recipe",
    )


def choose(
    found: Mapping[str, Any],
    base: Mapping[str, Any],
    budget: Budget,
    seconds_per_token: Callable[[float], float] | None = None,
) -> Planned:
    """The shape with the lowest loss for the budget. seconds_per_token: FLOPs a token -> seconds, needed for a time."""
    fitted = law.fit_of(found["law"])
    batch = recipe.resolve(recipe.merge(base, {"model": shape(64)}), "the sweep").configs["train"].tokens_per_step
    tried = []
    for model, flops in ladder(base):
        if budget.flops is not None:
            tokens = budget.flops / flops
        else:
            assert budget.seconds is not None and seconds_per_token is not None, budget
            tokens = budget.seconds / seconds_per_token(flops)
        steps = int(tokens // batch)
        if steps >= found.get("fewest_steps", 75):
            tried.append((float(fitted.law.loss(flops / 6, steps * batch)), model, flops, steps))
    if not tried:
        raise InputError("the budget is too small for the smallest model; give it more, such as --budget 1m or 1e11")
    _, model, flops, steps = min(tried, key=lambda one: one[0])
    made = resolved(base, model, steps, steps * batch)
    loss, low, high = fitted.forecast(flops / 6, float(steps * batch))
    return Planned(
        recipe=made,
        size=flops / 6,
        tokens=steps * batch,
        flops=flops * steps * batch,
        parameters=parameters(made),
        loss=loss,
        low=low,
        high=high,
        beyond=flops * steps * batch / max(found["budgets"]),
        seconds=None if seconds_per_token is None else steps * batch * seconds_per_token(flops),
    )


def parameters(made: Recipe) -> int:
    """The weights of a recipe's model."""
    from groundup.model.accounting import count

    return count(made.configs["model"]).parameters


def plan(
    found: Mapping[str, Any],
    budget: Budget,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    forecast: Callable[[Recipe], Mapping[str, Any]] | None = None,
) -> Planned:
    """The best run for a budget, from a sweep's results. overrides, changes: of [machine]; a time is first measured, some seconds.

    forecast: what a recipe takes here; with it a time is planned for what is left of it beside the training.
    """
    if "missing" in found["law"]:
        raise InputError(
            f"the sweep has no law yet ({found['law']['missing']}); let `groundup run {found['sweep']}` end first"
        )
    base = recipe.merge(base_of(found), changes or {})
    for line in overrides:
        if line.partition(".")[0].strip() != "machine":
            raise InputError(
                f"--set {line} changes what the law was measured for; plan without it, then change the recipe that is written"
            )
        recipe.override(base, line)
    speed = measured_speed(base) if budget.seconds is not None else None
    planned = choose(found, base, budget, speed)
    if speed is None or forecast is None:
        return planned
    return choose(found, base, Budget(seconds=_left(budget, forecast(planned.recipe))), speed)


def base_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """The tables that all runs of a sweep share, without its sizes: those in its results, or of the recipe of that name."""
    raw = dict(found["base"]) if "base" in found else recipe.read(found["sweep"])
    return {key: value for key, value in raw.items() if key not in ("sweep", "sizes")}


def measured_speed(base: Mapping[str, Any], widths: Sequence[int] = (32, 96, 256)) -> Callable[[float], float]:
    """FLOPs a token -> seconds a token of a training step on this machine: a line through three sizes that are timed now."""
    import numpy as np

    from groundup.runs import settings

    rungs = {model["hidden_size"]: (model, flops) for model, flops in ladder(base)}
    settings.apply(resolved(base, rungs[widths[0]][0], 1, 1).configs["machine"])
    points = [(rungs[width][1], step_seconds(resolved(base, rungs[width][0], 1, 1))) for width in widths]
    flops, seconds = (np.array(values) for values in zip(*points, strict=True))
    return lambda wanted: float(np.interp(wanted, flops, seconds) * max(1.0, wanted / flops[-1]))


def step_seconds(made: Recipe) -> float:
    """Seconds a token of a training step, the median of a few after the first."""
    import statistics

    import torch

    from groundup.model.architectures import build
    from groundup.runs import settings
    from groundup.training.loop import train

    config = dataclasses.replace(made.configs["train"], steps=2 + TIMED_STEPS, warmup_steps=1)
    device = settings.device(made.configs["machine"])
    model = made.configs["model"]
    module = build(model, seed=1, device=device, scheme=config.initialization)
    ids = torch.randint(
        0, model.vocab_size, (config.batch_size, config.seq_len + 1), generator=torch.Generator().manual_seed(0)
    )
    taken: list[float] = []
    train(
        module,
        lambda step: _batch(ids.to(device)),
        config,
        listeners=[lambda event: taken.append(event.seconds)],
        title="measuring",
    )
    return statistics.median(taken[2:]) / config.tokens_per_step


def _batch(ids: Any) -> Any:
    """Random tokens as the loader gives them: two documents a row, so that attention has its mask."""
    import torch

    from groundup.data.pipeline.streaming import Batch

    rows, length = ids.shape[0], ids.shape[1] - 1
    places = torch.arange(length, device=ids.device).expand(rows, -1)
    document = (places >= length // 2).long()
    return Batch(
        input_ids=ids[:, :-1],
        targets=ids[:, 1:],
        loss_mask=torch.ones(rows, length, dtype=torch.bool, device=ids.device),
        document_ids=document,
        positions=places - document * (length // 2),
    )


def fitted_to_time(planned: Planned, budget: Budget, forecast: Mapping[str, Any], found: Mapping[str, Any]) -> Planned:
    """The same model with as many steps as are left when everything around the training is paid; forecast: of the planned recipe."""
    left, taken = _left(budget, forecast), _training(forecast)
    config = planned.recipe.configs["train"]
    steps = round(config.steps * min(1.0, left / taken))
    fewest = found.get("fewest_steps", 75)
    if steps < fewest:
        raise InputError(
            f"{left:.0f} s of training are {steps} steps here, and the law knows none below {fewest}; give more time, or a number of FLOPs"
        )
    fitted, scale = law.fit_of(found["law"]), steps / config.steps
    loss, low, high = fitted.forecast(planned.size, planned.tokens * scale)
    train = dataclasses.replace(
        config, steps=steps, validate_every=max(1, steps // 10), sample_every=max(1, steps // 4)
    )
    return dataclasses.replace(
        planned,
        recipe=dataclasses.replace(planned.recipe, configs={**planned.recipe.configs, "train": train}),
        tokens=steps * config.tokens_per_step,
        flops=planned.flops * scale,
        beyond=planned.beyond * scale,
        loss=loss,
        low=low,
        high=high,
        seconds=forecast["seconds"] - taken + taken * scale,
    )


def _training(forecast: Mapping[str, Any]) -> float:
    """Seconds of the training alone."""
    return float({stage["name"]: stage["seconds"] for stage in forecast["stages"]}["train"])


def _left(budget: Budget, forecast: Mapping[str, Any]) -> float:
    """Seconds that are left for the training."""
    assert budget.seconds is not None, budget
    around = forecast["seconds"] - _training(forecast)
    if around >= budget.seconds:
        raise InputError(
            f"making documents and tokenizer alone takes {around:.0f} s here; give more time, or a number of FLOPs"
        )
    return budget.seconds - around
