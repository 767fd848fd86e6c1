"""Ask a list of questions, judge the answers, and keep every one: a score whose samples are lost cannot be checked.

The log is JSON lines, a line a sample, written as the answers come. A run that was cut off goes on behind the samples
that it finds, if they answer the same questions; else it begins anew.

An answerer is a function from a list of items to their answers. An item has `.prompt` (text), `.answer` (the right
one), `.family` (the kind of task) and `.composition` ("seen" or "unseen").
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from groundup import files

AT_ONCE = 512  # answers between two writes: two batches of a chat model

Answerer = Callable[[Sequence[Any]], list[str]]
Check = Callable[[Any, str], bool | float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with what was answered and what was right."""

    index: int
    prompt: str
    answer: str
    expected: str
    correct: bool
    family: str
    composition: str


def exact(item: Any, answer: str) -> bool:
    """Whether the answer is the right one to the letter; white space around it does not count."""
    return answer.strip() == item.answer.strip()


def answer_all(
    answerer: Answerer,
    items: Sequence[Any],
    check: Check = exact,
    *,
    path: str | Path | None = None,
    at_once: int = AT_ONCE,
    advance: Callable[[int], None] = lambda count: None,
) -> list[Sample]:
    """Answer every item, in the order of the items; with `path`, kept there and resumed from there.

    check: right (1, True) or not, given the item and the answer; a reward counts as right from 1 on.
    """
    done = _resume(Path(path), items) if path else {}
    advance(len(done))
    waiting = sorted(
        (index for index in range(len(items)) if index not in done), key=lambda index: len(items[index].prompt)
    )
    for start in range(0, len(waiting), at_once):
        chosen = waiting[start : start + at_once]
        for index, answer in zip(chosen, answerer([items[index] for index in chosen]), strict=True):
            done[index] = _judge(index, items[index], answer, check)
            if path:
                files.append_jsonl(path, asdict(done[index]))
        advance(len(chosen))
    return [done[index] for index in range(len(items))]


def _judge(index: int, item: Any, answer: str, check: Check) -> Sample:
    correct = float(check(item, answer)) >= 1
    return Sample(index, item.prompt, answer, item.answer, correct, item.family, item.composition)


def read_samples(path: str | Path) -> list[Sample]:
    """The samples of a log, in the order of their items."""
    samples = [Sample(**record) for record in files.read_jsonl(path)]
    return sorted(samples, key=lambda sample: sample.index)


def _resume(path: Path, items: Sequence[Any]) -> dict[int, Sample]:
    """The samples of an earlier run, if they answer these items; else the log is put away."""
    samples = read_samples(path) if path.exists() else []
    if all(_answers(sample, items) for sample in samples):
        return {sample.index: sample for sample in samples}
    path.unlink()
    return {}


def _answers(sample: Sample, items: Sequence[Any]) -> bool:
    if sample.index >= len(items):
        return False
    item = items[sample.index]
    return (sample.prompt, sample.expected) == (item.prompt, item.answer)
