"""Measure every model of a run on the same held-out text and the same instructions, beside what simpler methods reach.

The result is one plain table, which report, card and terminal draw:

    bits_per_byte   world -> documents, bytes, tokens, gap_closed, and who -> value, low, high
                    who: each model, "5-gram", "xz", "zstd" (alone; with training text first: "xz+", "zstd+"), "floor"
    accuracy        who -> overall, seen, unseen -> value, low, high, n, correct; and the same for each of families
    paired          before, after, and overall, seen, unseen -> value, low, high, p_value, ...; the same for families

gap_closed is the share of the way from the n-gram model to the floor that a model went; the world's is that of the
first model, which was trained on text alone. Every answer is kept in samples/<who>.jsonl.
"""

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Exam:
    """The questions that every model and baseline is asked, and the training ones that the baselines learn from."""

    questions: list[Question]
    training: list[Question]
    tokenizer: Any
    config: EvalConfig
    log: Path  # folder of the samples
    check: Check

    @property
    def room(self) -> int:
        """Tokens that an answer may have."""
        return self.config.max_new_tokens or answer_room(self.tokenizer, self.questions)

    def ask(self, who: str, answerer: Answerer) -> list[Sample]:
        """Everyone's answers are kept under their name."""
        self.log.mkdir(parents=True, exist_ok=True)
        with progress(len(self.questions), f"{who}: answers", "answers") as bar:
            path = self.log / f"{who}.jsonl"
            return answer_all(answerer, self.questions, self.check, path=path, advance=bar.update)

    def ask_baselines(self) -> dict[str, list[Sample]]:
        """The answers of looking up and of counting."""
        if not self.questions or not self.training:
            return {}
        answered = {"nearest neighbour": self.ask("nearest neighbour", nearest_neighbour(self.training))}
        if order := self.config.ngram_order:
            counting = ngram_answerer(self.training, self.tokenizer, self.room, order)
            answered[f"{order}-gram"] = self.ask(f"{order}-gram", counting)
        return answered


def evaluate_chain(
    models: Mapping[str, str | Path],
    data_folder: str | Path,
    tokenizer: Any,
    config: EvalConfig,
    out: str | Path,
    *,
    check: Check = exact,
    device: str = "auto",
    dtype: Any = None,
) -> dict[str, Any]:
    """Measure `models` (stage -> model folder, in the order of the run); the table is also kept in out/scores.json.

    check: judges an answer to an instruction. A run that was cut off goes on behind the answers in `out`.
    """
    worlds = read_worlds(data_folder, tokenizer, config.documents)
    questions = [item for split in QUESTION_SPLITS for item in read_questions(data_folder, split, config.instructions)]
    exam = Exam(questions, read_questions(data_folder, "train"), tokenizer, config, Path(out) / "samples", check)
    bits: dict[str, dict[str, Bits]] = {world.name: {} for world in worlds}
    samples: dict[str, list[Sample]] = {}
    for stage, folder in models.items():
        handle = load(folder, device=device, dtype=dtype)
        for world in worlds:
            bits[world.name][stage] = model_bits(handle, world, stage)
        if questions:
            samples[stage] = exam.ask(stage, chat_answerer(handle, exam.room, config.rows_at_once))
    everyone = samples | exam.ask_baselines()
    results = {
        "bits_per_byte": {world.name: text_table(world, bits[world.name], tokenizer, config) for world in worlds},
        "accuracy": {who: accuracy(answers, config.confidence) for who, answers in everyone.items()},
        "paired": paired(samples, config),
    }
    files.write_json(Path(out) / "scores.json", results)
    return results


def model_bits(handle: Handle, world: World, stage: str) -> Bits:
    """Bits per byte of one model on one world, with a bar."""
    with progress(world.documents.count, f"{stage}: {world.name}", "tok") as bar:
        return bits_per_byte(handle.module, world.documents, advance=bar.update)


def text_table(world: World, models: Mapping[str, Bits], tokenizer: Any, config: EvalConfig) -> dict[str, Any]:
    """One world's bits per byte: the models, the baselines and the floor."""
    training, ngram = world.training(), f"{config.ngram_order}-gram"
    measured = dict(models)
    if config.ngram_order and training:
        model = fit_ngram(tokenize(training, tokenizer), config.ngram_order, tokenizer.vocab_size)
        measured[ngram] = ngram_bits_per_byte(model, world.documents)
    if world.floor is not None:
        measured["floor"] = world.floor
    squeezed = compressors(world.texts)
    if config.preparation_bytes and training:
        prepared = prepared_compressors(world.texts, training, config.preparation_bytes)
        squeezed |= {f"{name}+": value for name, value in prepared.items()}
    who = {name: row(bits, config) for name, bits in measured.items()}
    who |= {name: {"value": value} for name, value in squeezed.items()}
    sizes = {"documents": len(world.texts), "bytes": int(world.documents.sizes.sum()), "tokens": world.documents.count}
    return sizes | gaps(who, list(models), ngram) | {"who": who}


def row(bits: Bits, config: EvalConfig) -> dict[str, float]:
    """Bits per byte with the interval, and bits per token."""
    return bits.interval(confidence=config.confidence, seed=config.seed)._asdict() | {"per_token": bits.per_token}


def gaps(who: dict[str, dict[str, float]], models: Sequence[str], ngram: str) -> dict[str, float]:
    """Write into each model's row how much of the gap it closed; the world's own figures. Nothing without a floor."""
    if "floor" not in who or ngram not in who:
        return {}
    floor, start = who["floor"]["value"], who[ngram]["value"]
    for name in models:
        who[name]["gap_closed"] = gap_closed(who[name]["value"], start, floor)
    first = {"gap_closed": who[models[0]]["gap_closed"]} if models else {}
    return first | {"gap_over_floor": (start - floor) / floor}


def paired(samples: Mapping[str, Sequence[Sample]], config: EvalConfig) -> list[dict[str, Any]]:
    """What each stage gained over the one before it, on the same questions."""
    return [
        {"before": before, "after": after} | compare(samples[before], samples[after], config.confidence, config.seed)
        for before, after in pairwise(samples)
    ]
