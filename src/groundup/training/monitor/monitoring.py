"""Every step as a line of metrics.jsonl: what was learned, how fast, how well the machine is used, how full and hot it is.

    tokens/s    tokens of the step / its seconds
    MFU         tokens/s * 3 (2 weights + attention) / peak        (Chowdhery et al. 2022, PaLM, arXiv:2204.02311, appendix B)
    MBU         bytes that a step must move / its seconds / bandwidth of the memory

MFU asks how much of what the machine multiplies at best went into the model: operations that the formula needs, not those
that were made (recomputed activations count once), over the peak of the same number format and threads, as `machine.probe`
measures it. MBU does the same for memory, with a floor of what must move: weights, gradients and the optimizer's state,
no activations. Small models stay far below 1 in both, since much of their time goes into starting operations.

A loss of NaN is the line that matters most, and JSON has no word for it: it is written as null, and named under
`not_finite`, so that strict readers read the file and nobody takes it for a value that was not measured.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundup import files
from groundup.model.accounting.operations import RowWork
from groundup.slots import slot
from groundup.training.monitor.gauges import Gauges
from groundup.training.monitor.held import Held, Tally
from groundup.training.schedules import batches_at

NOT_FINITE = "not_finite"
STATES = {"sgd": 0, "momentum": 1, "nesterov": 1, "lion": 1, "muon": 1, "rmsprop": 1, "adafactor": 0}  # others: 2
# AdamW's; muon has them for embedding and head, which STATES leaves out too
STATE_BYTES = {None: 4, "bf16": 2, "8bit": 1}


@slot
def mfu(weights: float, pair_flops: float, seq_len: float, tokens_per_second: float, peak_flops: float) -> float:
    """Model FLOPs utilization of training: the operations a second that the model needs, over those that the machine can.

    weights: of the matrices that a token meets (the mean over tokens), each a multiplication and an addition. pair_flops: what a token's
    look at one of `seq_len` tokens costs. The way back costs twice the way forward.
    """
    forward = 2 * weights + pair_flops * seq_len
    return tokens_per_second * 3 * forward / peak_flops


def least_bytes(
    parameters: int, batches: int = 1, states: int = 2, bytes_per_weight: int = 4, bytes_per_state: int = 4
) -> int:
    """Bytes that one step cannot help moving, when the weights fit into no cache.

    Each batch reads the weights forward and backward and writes the gradient, which from the second batch on it also reads;
    the optimizer reads weights, gradient and its states (numbers a weight, each of bytes_per_state) and writes weights and states.
    """
    moves = 3 * batches + (batches - 1) + 3  # the optimizer's three behind those of the batches
    return parameters * (bytes_per_weight * moves + 2 * states * bytes_per_state)


def mbu(moved_bytes: float, seconds: float, bandwidth: float) -> float:
    """Model bandwidth utilization: the bytes a second that must move, over those that the memory gives."""
    return moved_bytes / seconds / bandwidth


@slot
def marked(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as strict JSON can hold it: a number that is not finite becomes None and is named under "not_finite".

    >>> marked({"step": 3, "loss": float("nan"), "rate": 0.1})
    {'step': 3, 'loss': None, 'rate': 0.1, 'not_finite': {'loss': 'nan'}}
    """
    broken = {
        name: str(value) for name, value in record.items() if isinstance(value, float) and not math.isfinite(value)
    }
    kept = {name: None if name in broken else value for name, value in record.items()}
    return kept | {NOT_FINITE: broken} if broken else kept


def add_line(path: str | Path, record: Mapping[str, Any]) -> None:
    """Add a line to a metrics.jsonl; what is not finite is marked."""
    files.append_jsonl(path, marked(record))


def unmarked(record: Mapping[str, Any]) -> dict[str, Any]:
    """What `marked` was given: NaN and infinities are numbers again.

    >>> unmarked({"loss": None, "not_finite": {"loss": "-inf"}})
    {'loss': -inf}
    """
    broken = {name: float(word) for name, word in record.get(NOT_FINITE, {}).items()}
    return {name: value for name, value in record.items() if name != NOT_FINITE} | broken


def curve(records: Iterable[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    """Steps and values of a metric, those that are no number among them: plots draw the rest and mark these."""
    points = [(record["step"], unmarked(record)[name]) for record in records if name in record and "step" in record]
    values = [math.nan if value is None else float(value) for _, value in points]
    return [step for step, _ in points], values


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """What a step of this model costs, and the limits of the machine; None: not known."""

    tokens: int  # a batch
    weights: int
    pair_flops: int
    seq_len: int
    parameters: int
    states: int  # numbers a weight that the optimizer keeps
    bytes_per_state: int = 4
    batches: int = 1  # a step, when the ramp is over
    ramp_steps: int = 0
    peak_flops: float | None = None
    bandwidth: float | None = None
    learning_rate: float | None = None  # peak; a line has it times the step's factor
    row: RowWork | None = None  # what rows of any length cost

    @property
    def moved_bytes(self) -> int:
        """Bytes that a step cannot help moving, when the ramp is over."""
        return self._least_bytes(self.batches)

    def _least_bytes(self, batches: int) -> int:
        return least_bytes(self.parameters, batches, self.states, bytes_per_state=self.bytes_per_state)

    def batches_of(self, step: int | None) -> int:
        """How many batches a step has, counted from 1; while the batch still grows there are fewer. None: when it is done growing."""
        return self.batches if step is None else batches_at(step - 1, self.batches, self.ramp_steps)

    def of_a_token(self, held: Held | None) -> tuple[float, float, float]:
        """Weights that a token meets, operations of its look at another, and how many it looks at: those of a full row, or the means over what is held.

        Means over tokens of rows and sources: the head's weights count where there is a target.
        """
        if held is None or self.row is None:
            return self.weights, self.pair_flops, self.seq_len
        row, tokens = self.row, held.all_tokens
        matrices = row.token * held.tokens + row.source * held.read + row.target * held.targets
        looks = row.pair * held.pairs + row.source_pair * held.read_pairs + row.crossed * held.crossed
        pairs = held.pairs + held.read_pairs + held.crossed
        return matrices / 2 / tokens, looks / pairs, pairs / tokens

    def numbers(
        self, seconds: float, rate_factor: float | None = None, step: int | None = None, held: Held | None = None
    ) -> dict[str, float]:
        """The rates of a step of so many seconds. held: what its batches hold; None: every row is full."""
        batches = self.batches_of(step)
        speed = (batches * self.tokens if held is None else held.all_tokens) / seconds
        found = {"tokens_per_second": speed}
        if held and held.padding:
            found["padding"] = held.padding
        if self.peak_flops and speed:
            found["mfu"] = mfu(*self.of_a_token(held), speed, self.peak_flops)
        if self.bandwidth:
            found["mbu"] = mbu(self._least_bytes(batches), seconds, self.bandwidth)
        if self.learning_rate is not None and rate_factor is not None:
            found["learning_rate"] = self.learning_rate * rate_factor
        return found


def costs(model_config: Any, config: Any, limits: Any = None, dtype: str = "float32") -> Costs:
    """The costs of a step: of a model's configuration under a `TrainConfig`, on a machine of these limits (`probe()`)."""
    from groundup.model.accounting import count, row_work

    counted, row = count(model_config), row_work(model_config)
    weights, extra = counted.matrix_parameters, 0
    if config.objective == "multi_token":
        from groundup.training.objectives.task import AHEAD

        extra = (AHEAD - 1) * model_config.hidden_size**2  # a layer a further head, under the same matrix
        weights += extra + (AHEAD - 1) * row.target // 2
        row = replace(row, token=row.token + 2 * extra, target=row.target * AHEAD)
    return Costs(
        tokens=config.batch_size * config.seq_len,
        weights=weights,
        pair_flops=counted.attention_flops_per_pair,
        seq_len=config.seq_len,
        parameters=counted.parameters + extra,
        states=STATES.get(config.optimizer, 2),
        bytes_per_state=STATE_BYTES[config.optimizer_state if config.optimizer == "adamw" else None],
        batches=config.gradient_accumulation_steps,
        ramp_steps=config.batch_ramp_steps,
        peak_flops=limits.matmul_flops.get(dtype) if limits else None,
        bandwidth=limits.memory_bytes_per_s if limits else None,
        learning_rate=config.learning_rate,
        row=row,
    )


Listener = Callable[[Any], None]
Take = Callable[[int, Mapping[str, Any]], None]  # (step, numbers): a tracker, a page, a log


class Monitor:
    """A listener of the training loop that writes a line of metrics.jsonl after every step and passes it on.

    takers: told of every step's numbers, and of what `record` adds between the lines. They must return at once.
    Batches that go through `batches` are counted as what they hold; without it every row counts as full.
    """

    def __init__(
        self,
        path: str | Path,
        costs: Costs | None = None,
        *,
        gauges: Callable[[], Mapping[str, float]] | None = None,
        takers: Sequence[Take] = (),
    ):
        self.path, self.costs, self.takers, self.tally = Path(path), costs, list(takers), Tally()
        self.gauges = Gauges() if gauges is None else gauges

    def batches(self, function: Callable[[int], Any]) -> Callable[[int], Any]:
        """The run's batches, counted as they are made."""
        return self.tally.batches(function)

    def __call__(self, event: Any) -> None:
        """Write the line of a step."""
        numbers = dict(event.numbers)
        if self.costs and event.seconds > 0:
            held = self.tally.take(self.costs.batches_of(event.step))
            numbers |= self.costs.numbers(event.seconds, event.rate_factor, event.step, held)
        self.record(event.step, numbers | dict(self.gauges()))

    def record(self, step: int, numbers: Mapping[str, Any]) -> None:
        """Add a line, and tell the takers its numbers."""
        add_line(self.path, {"step": step, **numbers})
        self.tell(step, numbers)

    def tell(self, step: int, numbers: Mapping[str, Any]) -> None:
        """Tell the takers numbers that stand in the file already."""
        for take in self.takers:
            take(step, numbers_of(numbers))


def numbers_of(record: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a line, without its step: what can be drawn."""
    numeric = (name for name, value in record.items() if isinstance(value, int | float) and not isinstance(value, bool))
    return {name: record[name] for name in numeric if name != "step"}


def progress_of(records: Sequence[Mapping[str, Any]], steps: int) -> dict[str, Any]:
    """How far a run came, from its lines: last step, loss, tokens a second, and the seconds left at the pace of its last steps."""
    made = [record for record in records if "loss" in record and "seconds" in record]
    if not made:
        return {}
    last = unmarked(made[-1])
    pace = sorted(record["seconds"] for record in made[-50:])[len(made[-50:]) // 2]
    left = max(0, steps - last["step"])
    return {
        "step": last["step"],
        "steps": steps,
        "loss": last["loss"],
        "tokens_per_second": last.get("tokens_per_second"),
        "seconds_left": left * pace,
    }
