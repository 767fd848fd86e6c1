"""Measure every model of a run on the same held-out text and the same instructions, beside what simpler methods reach.

The result is one plain table, which report, card and terminal draw:

    bits_per_byte   world -> documents, bytes, tokens, gap_closed, gap_share_of_floor, and who -> value, low, high
                    who: the first and the last model, "5-gram", "floor", "xz", "zstd", "xz, prepared", "zstd, prepared"
    accuracy        who -> overall, seen, unseen -> value, low, high, n, correct; and the same for each of families
    paired          from, to, and overall, seen, unseen -> value, low, high, p_value, ...; the same for families

gap_closed is the share of the way from the n-gram model to the floor that the first model went, which was trained on
text alone. The n-gram model learned from the same text as the models. Every answer stays in answers-<who>.jsonl.
"""

from collections.abc import Mapping
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


def evaluate_chain(
    models: Mapping[str, str | Path],
    data_folder: str | Path,
    config: EvalConfig,
    out: str | Path,
    *,
    check: Check = exact,
    device: str = "auto",
    dtype: Any = None,
) -> dict[str, Any]:
    """Measure `models` (stage -> model folder, in the order of the run); the table is also kept in out/scores.json.

    All have one tokenizer. check: judges an answer. A run that was cut off goes on behind the answers in `out`.
    """
    assert models, "there is no model to measure"
    handles = {stage: load(folder, device=device, dtype=dtype) for stage, folder in models.items()}
    Path(out).mkdir(parents=True, exist_ok=True)
    exam = read_exam(data_folder, Path(out), check, config)
    table = {"bits_per_byte": text_tables(handles, data_folder, config)} | answer_tables(handles, exam, config)
    files.write_json(Path(out) / "scores.json", table)
    return table


def text_tables(handles: Mapping[str, Handle], data_folder: str | Path, config: EvalConfig) -> dict[str, Any]:
    """Bits per byte of every world: the models, the baselines and the floor."""
    names = list(handles)
    ends = {name: handles[name] for name in (names[0], names[-1])}
    tokenizer = handles[names[0]].tokenizer
    worlds = read_worlds(data_folder, tokenizer, config.documents)
    ngram = None
    if config.ngram_order:
        training = [text for world in worlds for text in world.training()]
        ngram = fit_ngram(tokenize(training, tokenizer), config.ngram_order, tokenizer.vocab_size)
    return {world.name: text_table(world, ends, ngram, config) for world in worlds}


def text_table(world: World, models: Mapping[str, Handle], ngram: Any, config: EvalConfig) -> dict[str, Any]:
    """Bits per byte of one world."""
    measured = {name: model_bits(handle, world, name) for name, handle in models.items()}
    if ngram is not None:
        measured[f"{ngram.order}-gram"] = ngram_bits_per_byte(ngram, world.documents)
    if world.floor is not None:
        measured["floor"] = world.floor
    squeezed = compressors(world.texts)
    if config.preparation_bytes:
        prepared = prepared_compressors(world.texts, world.training(), config.preparation_bytes)
        squeezed |= {f"{name}, prepared": value for name, value in prepared.items()}
    who = {name: row(bits, config) for name, bits in measured.items()}
    who |= {name: {"value": value} for name, value in squeezed.items()}
    sizes = {
        "documents": len(world.texts),
        "bytes": int(world.documents.sizes.sum()),
        "tokens": world.documents.count,
    }
    return sizes | gap(who, next(iter(models)), f"{config.ngram_order}-gram") | {"who": who}


def model_bits(handle: Handle, world: World, stage: str) -> Bits:
    """What one model needs for one world, with a bar."""
    with progress(world.documents.count, f"{stage}: {world.name}", "tok") as bar:
        return bits_per_byte(handle.module, world.documents, advance=bar.update)


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

    def ask(self, who: str, answerer: Answerer) -> list[Sample]:
        """Ask and judge; the answers stay under the name of `who`."""
        path = self.out / f"answers-{who.replace(' ', '-')}.jsonl"
        with progress(len(self.questions), f"ask {who}", "answers") as bar:
            return answer_all(answerer, self.questions, self.check, path=path, advance=bar.update)


def read_exam(data_folder: str | Path, out: Path, check: Check, config: EvalConfig) -> Exam:
    """The held-out instructions of a data folder, seen compositions first; there may be none."""
    questions = [item for split in QUESTION_SPLITS for item in read_questions(data_folder, split, config.instructions)]
    return Exam(questions, read_questions(data_folder, "train"), out, check)


def answer_tables(handles: Mapping[str, Handle], exam: Exam, config: EvalConfig) -> dict[str, Any]:
    """Accuracy of every model and baseline, and what each model gained over the one before it."""
    who = answerers(handles, exam, config) if exam.questions else {}
    samples = {name: exam.ask(name, answerer) for name, answerer in who.items()}
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
