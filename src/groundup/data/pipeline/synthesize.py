"""Synthetic data from a local model: templates become prompts, the model answers each several times, filters keep some answers.

A template is a text with {names}; a name is filled from a list, by a draw of its own for each prompt, so prompt k is the same however
many are asked for. Each prompt gets `rollouts` answers with seeds that follow from its number; what writes them is a function
(prompt, seed) -> text, so any model will do. Answers pass the steps of a pipeline, like documents of any other source.

Work goes in portions, each a file that is there whole or not at all: a killed run goes on with the next portion and ends with the same
bytes. The card says which model, which templates, how many answers were dropped and why; a text that a model wrote must not pass
for one that people wrote (Shumailov et al. 2024, Nature 631, on models trained on models' texts).

Leaves out: ranking answers by a second model; instructions written by the model itself.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from groundup import files
from groundup.data.documents import Document, write_documents
from groundup.data.pipeline.report import StepReport, added
from groundup.data.pipeline.shard import key_of
from groundup.data.pipeline.steps import DocumentStep, Dropped, Verdict, described, is_corpus
from groundup.errors import ConfigError, InputError
from groundup.progress import progress

NAME = re.compile(r"\{(\w+)\}")
SOURCE = "synthetic"
Generate = Callable[[str, int], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SynthesisConfig:
    """What is asked."""

    templates: tuple[str, ...]
    """texts with {names}"""
    lists: dict[str, list[str]] = field(default_factory=dict)
    """what the names may stand for"""
    prompts: int = 100
    """how many are drawn"""
    rollouts: int = 4
    """answers a prompt"""
    keep_prompt: bool = False
    """whether a document begins with its prompt"""
    portion: int = 64
    """prompts a file"""
    seed: int = 0
    """where the draws begin"""
    samples: int = 3
    """answers that the card shows for each reason"""

    def __post_init__(self) -> None:
        """Refuse templates that cannot be filled."""
        if not self.templates:
            raise ConfigError('templates is empty; give at least one, such as templates = ["Write about {animal}."]')
        for name in ("prompts", "rollouts", "portion"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} asks for nothing; use 1 or more")
        for name, words in self.lists.items():
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                raise ConfigError(f'lists.{name} is no list of words; write lists.{name} = ["a fox", "a dog"]')
        for template in self.templates:
            for name in NAME.findall(template):
                if not self.lists.get(name):
                    raise ConfigError(f'{{{name}}} in {template!r} has no list; write lists.{name} = ["words", ...]')


def prompt(config: SynthesisConfig, number: int) -> tuple[str, dict[str, str]]:
    """The prompt of a number, and what its names stand for."""
    draw = random.Random(f"{config.seed}/{number}")
    template = draw.choice(config.templates)
    values = {name: draw.choice(config.lists[name]) for name in dict.fromkeys(NAME.findall(template))}
    return NAME.sub(lambda found: values[found[1]], template), values


def synthesize(
    config: SynthesisConfig,
    generate: Generate,
    out: str | Path,
    *,
    model: str,
    steps: Sequence[DocumentStep] = (),
) -> dict[str, Any]:
    """Write the folder: documents/*.parquet, report.json, README.md. model: its name, for the card and for what is done already."""
    for step in steps:
        if is_corpus(step):
            raise ConfigError(
                f"the step '{described(step)['kind']}' compares documents; run it afterwards: groundup data build --pipeline"
            )
    out = Path(out)
    work, key = out.with_name(f"{out.name}.work"), key_of(_plain(config, steps), model)
    if (out / "report.json").is_file() and files.read_json(out / "report.json").get("key") == key:
        return files.read_json(out / "report.json")
    if out.is_dir() and any(out.iterdir()) and not (out / "report.json").is_file():
        raise InputError(f"{out} holds something else; choose another --out")
    portions = range(0, config.prompts, config.portion)
    reports = []
    with files.lock(work), progress(config.prompts, "synthesizing", "prompts") as bar:
        for number, first in enumerate(portions):
            last = min(first + config.portion, config.prompts)
            reports.append(_portion(config, generate, steps, work / f"{number:05}", range(first, last), key))
            bar.update(last - first)
        report = _finish(config, steps, work, out, reports, model, key)
    files.remove(work)
    return report


def _plain(config: SynthesisConfig, steps: Sequence[DocumentStep]) -> dict[str, Any]:
    names = ("templates", "lists", "prompts", "rollouts", "keep_prompt", "portion", "seed", "samples")
    return {name: getattr(config, name) for name in names} | {"steps": [described(step) for step in steps]}


def _portion(
    config: SynthesisConfig, generate: Generate, steps: Sequence[DocumentStep], path: Path, numbers: range, key: str
) -> dict[str, Any]:
    """A portion's documents and counts; nothing is asked again that is there."""
    done = path.with_suffix(".json")
    if done.is_file() and (report := files.read_json(done)).get("key") == key:
        return report
    every: list[DocumentStep] = [_Repeated(), *steps]
    counts = [StepReport.of(step, config.samples) for step in every]
    applies = [step.opened() for step in every]
    passed = (_passed(answer, applies, counts) for answer in _answers(config, generate, numbers))
    kept = [document for document in passed if document is not None]
    write_documents(path.with_suffix(".parquet"), kept)
    report = {"key": key, "steps": [count.plain() for count in counts], "kept": len(kept)}
    files.write_json(done, report)
    return report


def _answers(config: SynthesisConfig, generate: Generate, numbers: range) -> Iterator[Document]:
    for number in numbers:
        asked, values = prompt(config, number)
        for rollout in range(config.rollouts):
            seed = (config.seed * 1_000_003 + number) * config.rollouts + rollout
            answer = generate(asked, seed)
            metadata = {"prompt": asked, "values": values, "rollout": rollout, "seed": seed}
            yield Document(f"{number}/{rollout}", asked + answer if config.keep_prompt else answer, SOURCE, metadata)


def _passed(document: Document, applies: Sequence[Any], counts: Sequence[StepReport]) -> Document | None:
    for apply, count in zip(applies, counts, strict=True):
        verdict = apply(document)
        count.count(document, verdict)
        if isinstance(verdict, Dropped):
            return None
        document = verdict
    return document


@dataclass(frozen=True, slots=True)
class _Repeated:
    """Answers that are empty, and those that another rollout of the same prompt gave."""

    kind: ClassVar[str] = "rollouts"

    def opened(self) -> Callable[[Document], Verdict]:
        """A memory of the prompt at hand."""
        seen: dict[str, set[str]] = {}

        def apply(document: Document) -> Verdict:
            number = document.id.partition("/")[0]
            if number not in seen:
                seen.clear()
                seen[number] = set()
            words = " ".join(document.text.split())
            if not words:
                return Dropped("no answer")
            if words in seen[number]:
                return Dropped("the same answer again")
            seen[number].add(words)
            return document

        return apply


def _finish(
    config: SynthesisConfig,
    steps: Sequence[DocumentStep],
    work: Path,
    out: Path,
    reports: Sequence[Mapping[str, Any]],
    model: str,
    key: str,
) -> dict[str, Any]:
    report = {
        "key": key,
        "model": model,
        "settings": _plain(config, steps),
        "steps": added([report["steps"] for report in reports], config.samples),
        "kept": sum(report["kept"] for report in reports),
    }
    with files.atomic_folder(out) as folder:
        (folder / "documents").mkdir()
        for number in range(len(reports)):
            files.write_bytes(
                folder / "documents" / f"{number:05}.parquet", (work / f"{number:05}.parquet").read_bytes()
            )
        files.write_json(folder / "report.json", report)
        files.write_text(folder / "README.md", _card(report))
        files.write_checksums(folder)
    return report


def _card(report: Mapping[str, Any]) -> str:
    settings = report["settings"]
    asked = settings["prompts"] * settings["rollouts"]
    lines = [
        "# Synthetic documents",
        "",
        f"{report['kept']:,} of {asked:,} texts that the model `{report['model']}` wrote. No person wrote or checked them.",
        "",
        f"{settings['prompts']:,} prompts, {settings['rollouts']} answers each, drawn with seed {settings['seed']} from these templates:",
        "",
        *(f"- `{template}`" for template in settings["templates"]),
        "",
        *(
            f"- {{{name}}}: {', '.join(values[:8])}{' ...' if len(values) > 8 else ''}"
            for name, values in settings["lists"].items()
        ),
        "",
        "| step | seen | kept | dropped |",
        "|---|---:|---:|---|",
    ]
    for made in report["steps"]:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in made["dropped"].items())
        lines.append(f"| {made['step']['kind']} | {made['seen']:,} | {made['kept']:,} | {reasons or '-'} |")
    lines += ["", "Each document's metadata has its prompt, what its names stood for, and the seed of the answer."]
    return "\n".join(lines) + "\n"
