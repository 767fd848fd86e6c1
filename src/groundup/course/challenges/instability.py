"""A run that diverges or does not learn, diagnosed: the likely cause in one sentence, with the way out.

Each cause has a sign of its own that can be measured before or while it does harm; they are asked in an order in which the
earlier ones would also explain the later signs (weights too large spread the scores too, and not the other way).

    sign                                                          cause                  way out
    targets equal the input at distance 0                         unshifted_targets      shift them by one
    most weights that are pulled do not move in a step            weights_in_bf16        keep the weights in fp32
    most units are 0 for every token before the first step        dead_units             a smaller bias, another unit
    the first loss is far above that of a guess, ln(vocab)        large_initialization   smaller first weights
    in every block the scores spread far before the first step    unscaled_attention     divide by sqrt(head_dim), QK-norm
    the loss does not fall, and the rate is far above the stable  rate_too_high          the stable rate, a warm-up
    some batches stay dear when the others are learned            broken_shard           look at those batches

The measurements are `evidence.py`; this file knows no setup. Left out: causes that need a longer run than a minute (a rate
that is too high only after thousands of steps, drift of the logits), and several causes at once: the first is named.
"""

import dataclasses
import math
import statistics
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from groundup.course.challenges.evidence import Evidence, Layer, Setup, measure
from groundup.errors import InputError
from groundup.plots import loss_curve, style
from groundup.runs import recipe, runner
from groundup.runs.context import Context
from groundup.runs.stages import STAGES, train
from groundup.text.tokenizers import load_tokenizer

MOST = 0.5  # a share from which on a sign is taken
SEEN_TARGETS = 0.9
FAR_ABOVE_A_GUESS = 1.5  # times ln(vocab); healthy first values give 1.0 to 1.3
HARMED = 0.9  # of the first loss (or of a guess, if that is less): a run that ends above it has not learned
TOO_HIGH = 3.0  # times the stable rate; a healthy run stands below 1
WIDE_SCORES = 2.5  # queries and keys of size 1 give scores of spread 1; not divided, sqrt(head_dim): 4 for a head of 16
DEAR = 1.5  # times the median batch, once the others are learned

ABOUT = {
    "healthy": "the run is healthy",
    "unshifted_targets": "the model is asked for a token that it sees",
    "weights_in_bf16": "the steps are too small for the weights' number format",
    "dead_units": "units of the feed-forward are dead",
    "large_initialization": "the first weights are too large",
    "unscaled_attention": "attention is saturated before the first step",
    "rate_too_high": "the learning rate is too high",
    "broken_shard": "a part of the data is broken",
    "unclear": "the loss does not fall and none of the known signs is there",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What is likely wrong. sentence: the cause with its figures, and the way out."""

    cause: str
    sentence: str
    evidence: Evidence

    @property
    def healthy(self) -> bool:
        """Whether no sign of an illness was found."""
        return self.cause == "healthy"


def examine(setup: Setup) -> Diagnosis:
    """Measure a run and name the likely cause."""
    return diagnose(measure(setup))


def diagnose(evidence: Evidence) -> Diagnosis:
    """Ask for every sign in turn; the first that is there decides."""
    for cause, sign in SIGNS.items():
        if told := sign(evidence):
            return Diagnosis(cause=cause, sentence=f"{ABOUT[cause]}: {told}", evidence=evidence)
    found = _is_harmed(evidence)
    cause = "unclear" if found else "healthy"
    told = found or f"the loss falls from {evidence.start:.2f} to {evidence.end:.2f} nats; {_rate_words(evidence)}"
    told += "; train longer, or compare its layers with those of `healthy`" if cause == "unclear" else ""
    return Diagnosis(cause=cause, sentence=f"{ABOUT[cause]}: {told}", evidence=evidence)


def _sees_targets(evidence: Evidence) -> str:
    if evidence.shifts[0] < SEEN_TARGETS:
        return ""
    return (
        f"{100 * evidence.shifts[0]:.0f} % of the targets are the input at the same place, and the loss went to "
        f"{evidence.end:.3f}; shift the targets by one: targets[i] = ids[i + 1]"
    )


def _stands_still(evidence: Evidence) -> str:
    if evidence.unmoved < MOST:
        return ""
    return (
        f"{100 * evidence.unmoved:.0f} % of the weights have a gradient and do not move in a step of rate "
        f"{evidence.learning_rate:g}; keep fp32 weights and set only compute_dtype to bfloat16"
    )


def _dead_units(evidence: Evidence) -> str:
    dead = max(layer.dead_units for layer in evidence.layers)
    if dead < MOST:
        return ""
    return (
        f"{100 * dead:.0f} % of a block's units are 0 for every token before the first step, so no gradient reaches them; "
        "start their bias at 0, or use a gated unit, which is never quite closed"
    )


def _starts_too_high(evidence: Evidence) -> str:
    if math.isfinite(evidence.start) and evidence.start < FAR_ABOVE_A_GUESS * evidence.uniform:
        return ""
    stream = evidence.layers[-1].stream
    return (
        f"the first loss is {evidence.start:.1f} nats and a guess costs {evidence.uniform:.1f}, with a stream of size "
        f"{stream:.3g} after the last block; start with initialization=scaled or a smaller initializer_range"
    )


def _wide_scores(evidence: Evidence) -> str:
    least = min(evidence.layers, key=lambda layer: layer.score_spread)
    if least.score_spread < WIDE_SCORES:
        return ""
    return (
        f"before the first step the scores of every block spread by {least.score_spread:.1f} or more (about 1 is right), so "
        f"{100 * least.one_key:.0f} % or more of the queries see one key and softmax has hardly a gradient; divide the scores "
        "by sqrt(head_dim), or normalise queries and keys (qk_norm)"
    )


def _rate(evidence: Evidence) -> str:
    stable = evidence.range_test.stable
    if not (_is_harmed(evidence) and evidence.learning_rate > TOO_HIGH * stable):
        return ""
    return (
        f"{_is_harmed(evidence)}; the rate is {evidence.learning_rate:g}, and the largest stable one is {stable:.2g}; "
        f"set train.learning_rate={_rounded(stable / 2)} (matrix_learning_rate by the same factor) and some warmup_steps"
    )


def _broken_batches(evidence: Evidence) -> str:
    dear = dear_batches(evidence.batch_losses)
    if not dear or len(dear) > MOST * len(evidence.batch_losses):
        return ""
    median = statistics.median(evidence.batch_losses)
    lowest = min(evidence.batch_losses[place] for place in dear)
    numbers = ", ".join(map(str, dear[:6]))
    return (
        f"batches {numbers} still cost {lowest:.2f} nats or more where the median is {median:.2f}; "
        "print the text of those rows and clean its source"
    )


SIGNS: dict[str, Callable[[Evidence], str]] = {
    "unshifted_targets": _sees_targets,
    "weights_in_bf16": _stands_still,
    "dead_units": _dead_units,
    "large_initialization": _starts_too_high,
    "unscaled_attention": _wide_scores,
    "rate_too_high": _rate,
    "broken_shard": _broken_batches,
}


def _is_harmed(evidence: Evidence) -> str:
    """What the loss shows of an illness; "" where it falls as it should."""
    if evidence.stopped:
        return f"the loss became no number after {len(evidence.losses)} steps"
    if not evidence.end < HARMED * min(evidence.start, evidence.uniform):
        return f"the loss was {evidence.start:.2f} and is {evidence.end:.2f} nats"
    return ""


def dear_batches(losses: Sequence[float]) -> list[int]:
    """Numbers of the batches that cost much more than the median batch.

    >>> dear_batches([1.0, 1.1, 0.9, 4.0, 1.0])
    [3]
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return []
    median = statistics.median(finite)
    spread = statistics.median(abs(loss - median) for loss in finite)
    limit = max(DEAR * median, median + 8 * spread)
    return [place for place, loss in enumerate(losses) if not math.isfinite(loss) or loss > limit]


def _rate_words(evidence: Evidence) -> str:
    stable = evidence.range_test.stable
    where = "below" if evidence.learning_rate <= stable else "above"
    advice = "" if where == "below" else ", so watch a longer run"
    return f"the rate {evidence.learning_rate:g} stands {where} the largest stable one, {stable:.2g}{advice}"


def _rounded(value: float) -> str:
    """One figure: 0.0271 is 0.03."""
    return f"{value:.1g}"


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis with all its measurements as plain tables."""
    about = {"cause": diagnosis.cause, "healthy": diagnosis.healthy, "sentence": diagnosis.sentence}
    return about | {"evidence": dataclasses.asdict(diagnosis.evidence)}


# ───────── the learner's own run ─────────


@contextmanager
def opened(source: str, overrides: Sequence[str] = (), steps: int = 60) -> Iterator[Setup]:
    """The first steps of a run folder or a recipe as a setup, while the context lasts.

    A run brings its documents and its tokenizer; for a recipe a little of its data is made in a folder that goes away again.
    """
    if Path(source).is_dir():
        yield _setup(_context_of_run(Path(source)), steps)
        return
    made = recipe.load(source, overrides)
    if "train" not in made.stages:
        raise InputError(f"{made.source} trains no model; name a recipe with the stage train, such as demo")
    with tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        yield _setup(_context_of_recipe(made, Path(folder)), steps)


def _context_of_run(run: Path) -> Context:
    """The stage `train` of a run as it was."""
    stages = sorted(run.glob("stages/*-train-*/stage.toml"), key=lambda path: path.stat().st_mtime)
    if not stages or not (run / "recipe.toml").is_file():
        raise InputError(f"{run} holds no run with a stage train; `groundup runs list` shows those in runs/")
    made = recipe.load(run / "recipe.toml")
    inputs = {role: run / path for role, path in tomllib.loads(stages[-1].read_text("utf-8"))["inputs"].items()}
    return Context(stage=STAGES["train"], folder=stages[-1].parent, recipe=made, inputs=inputs, run_folder=run)


def _context_of_recipe(made: recipe.Recipe, folder: Path) -> Context:
    """The stage `train` of a recipe after a little of its data."""
    data = made.configs.get("data")
    little = {} if data is None else {"data": _little(data)}
    before = tuple(stage for stage in made.stages if stage in ("data", "tokenizer"))
    small = dataclasses.replace(made, stages=before, configs={**made.configs, **little})
    ran = runner.run(small, folder / "run").stages
    inputs = {role: Path(path) for role, path in made.inputs.items()}
    inputs |= {str(one.plan.stage.makes): one.folder / str(one.plan.stage.makes) for one in ran}
    stage = folder / "train"
    stage.mkdir()
    return Context(stage=STAGES["train"], folder=stage, recipe=made, inputs=inputs, run_folder=folder)


def _little(data: Any) -> Any:
    most = {"tinyworld_bytes": 600_000, "python_bytes": 150_000, "heldout_bytes": 20_000, "instructions": 200}
    return dataclasses.replace(data, **{name: min(size, getattr(data, name)) for name, size in most.items()})


def _setup(context: Context, steps: int) -> Setup:
    """The stage's own model, batches and numbers, for its first steps at its peak rate."""
    tokenizer = load_tokenizer(context.inputs["tokenizer"])
    config = context.config
    return Setup(
        name=context.recipe.name,
        build=lambda: train.new_module(context, tokenizer),
        batches=train.batches_of(context, tokenizer).batch,
        config=dataclasses.replace(config, steps=min(steps, config.steps), schedule="constant"),
    )


# ───────── the pictures ─────────


def pictures(diagnosis: Diagnosis) -> list[go.Figure]:
    """The loss, the range test, the layers."""
    evidence = diagnosis.evidence
    steps = list(range(1, len(evidence.losses) + 1))
    levels = {"a guess": evidence.uniform}
    return [
        loss_curve(steps, evidence.losses, baselines=levels, title=ABOUT[diagnosis.cause].capitalize()),
        _range_picture(evidence),
        _layer_picture("before the first step", evidence.layers,
                       {"spread of the scores": "score_spread", "dead units (share)": "dead_units"}, ""),
        _layer_picture("after four steps", evidence.early, {"stream": "stream", "gradient norm": "gradient_norm"}, "size"),
    ]  # fmt: skip


def _range_picture(evidence: Evidence) -> go.Figure:
    tested = evidence.range_test
    made = style.figure("Learning-rate range test", x="learning rate", y="nats a token")
    finite = [loss if math.isfinite(loss) else None for loss in tested.losses]
    made.add_scatter(x=tested.rates, y=finite, mode="lines", name="loss", line={"color": style.colour(0)})
    numbers = [loss for loss in finite if loss is not None] or [0.0]
    ends = [min(numbers), max(numbers)]
    for name, rate, colour in (
        (f"largest stable {tested.stable:.2g}", tested.stable, style.FLOOR),
        (f"this run {evidence.learning_rate:g}", evidence.learning_rate, style.colour(1)),
    ):
        made.add_scatter(  # as a curve, for the label of a vline does not follow a logarithmic axis
            x=[rate, rate], y=ends, mode="lines", name=name, line={"color": colour, "dash": "dash"}
        )
    made.update_xaxes(type="log")
    return made


def _layer_picture(title: str, layers: Sequence[Layer], fields: dict[str, str], unit: str) -> go.Figure:
    made = style.figure(title[:1].upper() + title[1:], x="block", y=unit)
    for number, (name, field) in enumerate(fields.items()):
        values = [getattr(layer, field) for layer in layers]
        made.add_bar(x=[layer.index for layer in layers], y=values, name=name, marker={"color": style.colour(number)})
    made.update_layout(barmode="group")
    return made
