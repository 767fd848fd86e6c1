"""Measure every model of a run on the same held-out text and the same instructions, beside what simpler methods reach.

The result is one plain table, which report, card and terminal draw:

    bits_per_byte   world -> documents, bytes, tokens, gap_closed, gap_share_of_floor, and who -> value, low, high
                    who: the first and the last model, "5-gram", "floor", "xz", "zstd", "xz, prepared", "zstd, prepared"
    accuracy        who -> overall, seen, unseen -> value, low, high, n, correct; and the same for each of families
    paired          from, to, and overall, seen, unseen -> value, low, high, p_value, ...; the same for families

gap_closed is the share of the way from the n-gram model to the floor that the first model went, which was trained on
text alone. The n-gram model learned from all that the models saw of this world and from no other text, which makes it
stronger (0.619 against 0.627 bits per byte on the demo's tinyworld, 2.090 against 2.169 on its python). Every answer stays in
answers-<who>.jsonl.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from groundup import files
from groundup.evaluation.baselines import nearest_neighbour, ngram_answerer
from groundup.evaluation.config import EvalConfig
from groundup.evaluation.held_out import QUESTION_SPLITS, Question, World, read_questions, read_worlds
from groundup.evaluation.metrics.compressors import compressors, prepared_compressors
from groundup.evaluation.metrics.intrinsic import (
    Bits,
    bits_per_byte,
    fit_ngram,
    gap_closed,
    ngram_bits_per_byte,
    tokenize,
)
from groundup.evaluation.tasks.instructions import accuracy, answer_room, chat_answerer, compare
from groundup.evaluation.tasks.samples import Answerer, Check, Sample, answer_all, exact
from groundup.inference.handle import Handle, load
from groundup.progress import progress

Timed = Callable[[str, float], AbstractContextManager[Any]]


def untimed(kind: str, count: float) -> AbstractContextManager[Any]:
    """Nobody times."""
    return nullcontext()


def evaluate_chain(
    models: Mapping[str, str | Path],
    data_folder: str | Path,
    config: EvalConfig,
    out: str | Path,
    *,
    check: Check = exact,
    device: str = "auto",
    dtype: Any = None,
    timed: Timed = untimed,
) -> dict[str, Any]:
    """Measure `models` (stage -> model folder, in the order of the run); the table is also kept in out/scores.json.

    All have one tokenizer. check: judges an answer. timed: a context around each kind of work, told its name and how
    many units it does. A run that was cut off goes on behind the answers in `out`.
    """
    assert models, "there is no model to measure"
    handles = {stage: load(folder, device=device, dtype=dtype) for stage, folder in models.items()}
    worlds = read_worlds(data_folder, next(iter(handles.values())).tokenizer, config.documents)
    Path(out).mkdir(parents=True, exist_ok=True)
    exam = read_exam(data_folder, Path(out), check, config)
    table = text_tables(handles, worlds, config, timed) | answer_tables(handles, exam, config, timed)
    files.write_json(Path(out) / "scores.json", table)
    return table


def text_tables(
    handles: Mapping[str, Handle], worlds: Sequence[World], config: EvalConfig, timed: Timed = untimed
) -> dict[str, Any]:
    """Bits per byte of every world: the first and the last of the models, the baselines and the floor."""
    names = list(handles)
    ends = {name: handles[name] for name in (names[0], names[-1])}
    return {"bits_per_byte": {world.name: text_table(world, ends, config, timed) for world in worlds}}


def text_table(
    world: World, models: Mapping[str, Handle], config: EvalConfig, timed: Timed = untimed
) -> dict[str, Any]:
    """Bits per byte of one world; baselines that need training text are left out where there is none."""
    measured = {name: model_bits(handle, world, name, timed) for name, handle in models.items()}
    first, training = next(iter(models)), list(world.training()) if config.ngram_order else []
    if training:
        with timed("n-gram", 1):
            learned = fit_ngram(
                tokenize(training, models[first].tokenizer), config.ngram_order, models[first].tokenizer.vocab_size
            )
            measured[f"{config.ngram_order}-gram"] = ngram_bits_per_byte(learned, world.documents)
    if world.floor is not None:
        measured["floor"] = world.floor
    with timed("compressors", 1):
        squeezed = squeezed_bits(world, config)
    who = {name: row(bits, config) for name, bits in measured.items()} | squeezed
    sizes = {
        "documents": len(world.texts),
        "bytes": int(world.documents.sizes.sum()),
        "tokens": world.documents.count,
    }
    return sizes | gap(who, first, f"{config.ngram_order}-gram") | {"who": who}


def model_bits(handle: Handle, world: World, stage: str, timed: Timed = untimed) -> Bits:
    """What one model needs for one world, with a bar."""
    tokens = world.documents.count
    with progress(tokens, f"{stage} on {world.name}", "tok") as bar, timed("token read", tokens):
        return bits_per_byte(handle.module, world.documents, advance=bar.update)


def squeezed_bits(world: World, config: EvalConfig) -> dict[str, dict[str, float]]:
    """What the compressors need, alone and after reading some of the training text."""
    found = compressors(world.texts)
    training = world.training() if config.preparation_bytes else ()
    if training:
        prepared = prepared_compressors(world.texts, training, config.preparation_bytes)
        found |= {f"{name}, prepared": value for name, value in prepared.items()}
    return {name: {"value": value} for name, value in found.items()}


def row(bits: Bits, config: EvalConfig) -> dict[str, float]:
    """Bits per byte with the interval, and bits per token."""
    return bits.interval(confidence=config.confidence, seed=config.seed)._asdict() | {"per_token": bits.per_token}


def gap(who: Mapping[str, Mapping[str, float]], model: str, ngram: str) -> dict[str, float]:
    """How much of the way from the n-gram model to the floor a model went, and how long it is; if both are known."""
    if "floor" not in who or ngram not in who:
        return {}
    floor, start = who["floor"]["value"], who[ngram]["value"]
    closed = gap_closed(who[model]["value"], start, floor)
    return {"gap_closed": closed, "gap_share_of_floor": (start - floor) / floor}


@dataclass(frozen=True, slots=True)
class Exam:
    """The questions that everybody is asked, and those that the baselines learn from."""

    questions: list[Question]
    training: list[Question]
    out: Path
    check: Check

    def ask(self, who: str, answerer: Answerer, timed: Timed = untimed) -> list[Sample]:
        """Ask and judge; the answers stay under the name of `who`."""
        path, count = self.out / f"answers-{who.replace(' ', '-')}.jsonl", len(self.questions)
        with progress(count, f"ask {who}", "answers") as bar, timed(f"answer of {who}", count):
            return answer_all(answerer, self.questions, self.check, path=path, advance=bar.update)


def read_exam(data_folder: str | Path, out: Path, check: Check, config: EvalConfig) -> Exam:
    """The held-out instructions of a data folder, seen compositions first; there may be none."""
    questions = [item for split in QUESTION_SPLITS for item in read_questions(data_folder, split, config.instructions)]
    return Exam(questions, read_questions(data_folder, "train"), out, check)


def answer_tables(
    handles: Mapping[str, Handle], exam: Exam, config: EvalConfig, timed: Timed = untimed
) -> dict[str, Any]:
    """Accuracy of every model and baseline, and what each model gained over the one before it."""
    with timed("baselines", 1):
        who = answerers(handles, exam, config) if exam.questions else {}
    samples = {name: exam.ask(name, answerer, timed) for name, answerer in who.items()}
    stages = pairwise(name for name in samples if name in handles)
    return {
        "accuracy": {name: accuracy(found, config.confidence) for name, found in samples.items()},
        "paired": [
            {"from": before, "to": after} | compare(samples[before], samples[after], config.confidence, config.seed)
            for before, after in stages
        ],
    }


def answerers(handles: Mapping[str, Handle], exam: Exam, config: EvalConfig) -> dict[str, Answerer]:
    """Every model that has a chat template, the nearest training question, and an n-gram model of those questions."""
    tokenizer = next(iter(handles.values())).tokenizer
    room = config.max_new_tokens or answer_room(tokenizer, exam.questions)
    found = {
        stage: chat_answerer(handle, room, config.rows_at_once)
        for stage, handle in handles.items()
        if handle.tokenizer.chat_template
    }
    if exam.training:
        found["nearest question"] = nearest_neighbour(exam.training)
    if exam.training and config.ngram_order:
        found[f"{config.ngram_order}-gram"] = ngram_answerer(exam.training, tokenizer, room, config.ngram_order)
    return found
