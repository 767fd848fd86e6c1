"""`groundup tokenizer sizes` and `impact`: how large a vocabulary should be, and what cutting does to what is learned.

sizes    vocabularies of several sizes on one text: how long it becomes, what the rows cost, bits a byte of an n-gram model
impact   small transformers on sums and on spelling, for each way of cutting, from several seeds

Both print a table (or --json) and write a page with the picture into the folder that --out names.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.cli.options import Running
from groundup.errors import ConfigError

SIZES = "512,1024,2048,4096,8192"


@dataclass(frozen=True, kw_only=True, slots=True)
class SizesOptions(Running):
    """vocabulary size against length of a text, memory and bits a byte"""

    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""
    sizes: str = SIZES
    """vocabulary sizes between commas"""
    hidden_size: int = 512
    """of the model whose embedding is counted"""
    order: int = 5
    """of the n-gram model"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImpactOptions:
    """arithmetic and spelling learned from different cuts, by small transformers"""

    task: tuple[str, ...] = ()
    """arithmetic or spelling (repeatable); left out: both"""
    seeds: int = 3
    """models a way"""
    steps: int = 3000
    """steps a model: with fewer, all ways are worse, and some have not begun"""
    digits: int = 3
    """digits of the numbers that are added, at most"""
    chunk: int = 2
    """digits a token, where they are cut in chunks"""
    out: Path = Path("runs/tokenizer-impact")
    """the folder for results; what it holds already is not trained again"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""
    json: bool = False
    """print the results as JSON on stdout"""


def numbers(text: str) -> list[int]:
    """Vocabulary sizes from a flag, smallest first.

    >>> numbers("1024,512, 512")
    [512, 1024]
    """
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise ConfigError(f"--sizes {text} is no list of numbers; write for example --sizes {SIZES}") from None
    return found


def sizes(options: SizesOptions) -> None:
    """Train once, at the largest size, measure at all, and show."""
    from groundup import files
    from groundup.cli import running
    from groundup.runs import recipe

    wanted, source = numbers(options.sizes), "text" if options.text else "demo"
    config = recipe.load(source, options.set).configs["tokenizer"]
    for size in wanted:
        dataclasses.replace(config, vocab_size=size)  # refuses what is too small or too large, before anything is read
    changes: dict[str, Any] = {"name": "sizes", "description": "vocabulary sizes", "stages": ["data"]}
    changes |= {"data": {"text": str(options.text)}} if options.text else {}
    done = running.carry_out(source, options, changes)
    points = measured(done.stages[-1].folder / "documents", wanted, config, options.order)
    found: dict[str, Any] = {"sizes": [_row(point, options.hidden_size) for point in points], "best": _best(points)}
    files.write_json(done.folder / "sizes.json", found)
    _draw_sizes(found["sizes"], done.folder / "sizes.html")
    running.print_json(found) if options.json else _show_sizes(found, options, done.folder)


def measured(documents: Path, wanted: Sequence[int], config: Any, order: int) -> list[Any]:
    """The trade-off's points on a data folder: learned from its training documents, measured on the held-out ones."""
    from groundup.data.folder import DataFolder
    from groundup.progress import progress
    from groundup.text.tokenizers import train_tokenizer
    from groundup.text.tokenizers.vocabulary_tradeoffs import bits_per_byte, first_merges

    data = DataFolder.open(documents)
    train, held = (
        [text for world in data.worlds for text in data.texts(world, split)] for split in ("train", "heldout")
    )
    largest = train_tokenizer(train, dataclasses.replace(config, vocab_size=wanted[-1]))
    points = []
    with progress(len(wanted), "sizes") as bar:
        for size in wanted:
            smaller = first_merges(largest, len(largest.merges) - (wanted[-1] - size))
            points.append(bits_per_byte(smaller, train, held, order))
            bar.update()
    return points


def _row(point: Any, hidden_size: int) -> dict[str, Any]:
    return {
        "vocab_size": point.vocab_size,
        "tokens": point.tokens,
        "bytes_per_token": point.bytes_per_token,
        "embedding_bytes": point.embedding_bytes(hidden_size),
        "used_share": point.used_tokens / point.vocab_size,
        "bits_per_byte": point.bits_per_byte,
    }


def _best(points: Sequence[Any]) -> dict[str, int]:
    from groundup.text.tokenizers.vocabulary_tradeoffs import best

    return {"vocab_size": best(points).vocab_size, "within_1_percent": best(points, 0.01).vocab_size}


def _draw_sizes(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    from groundup import files, plots

    places = [row["vocab_size"] for row in rows]
    figures = [
        plots.lines(
            places, {name: [row[key] for row in rows]}, x="vocabulary", y=name, log_x=True, marked=True, title=title
        )
        for key, name, title in (
            ("bits_per_byte", "bits a byte", "What an n-gram model makes of it: less is better"),
            ("bytes_per_token", "bytes a token", "How much text a token holds"),
            ("used_share", "share of rows", "Rows of the embedding that the text trains: seen ten times or more"),
        )
    ]
    files.write_text(path, plots.to_html(figures, title="Vocabulary sizes"))


def _show_sizes(found: Mapping[str, Any], options: SizesOptions, folder: Path) -> None:
    from groundup.cli import show

    head = [
        "vocabulary",
        "bytes a token",
        "held-out tokens",
        f"embedding, {options.hidden_size} wide",
        "rows seen 10 times",
    ]
    rows = [
        [
            f"{row['vocab_size']:,}",
            f"{row['bytes_per_token']:.2f}",
            f"{row['tokens']:,}",
            show.size(row["embedding_bytes"]),
            f"{row['used_share']:.0%}",
            f"{row['bits_per_byte']:.3f}",
        ]
        for row in found["sizes"]
    ]
    show.table("vocabulary sizes on held-out text", [*head, f"bits a byte, {options.order}-gram"], rows)
    best = found["best"]
    near = f"; {best['within_1_percent']:,} is within 1 %" if best["within_1_percent"] < best["vocab_size"] else ""
    show.console().print(
        f"fewest bits a byte: {best['vocab_size']:,}{near}    page: {folder / 'sizes.html'}", markup=False
    )


def impact(options: ImpactOptions) -> None:
    """Train what is not yet trained, and show all."""
    from groundup import files, progress
    from groundup.cli import running
    from groundup.errors import did_you_mean
    from groundup.evaluation.tasks import tokenizer_impact
    from groundup.runs import settings

    config = tokenizer_impact.ImpactConfig(steps=options.steps, digits=options.digits, chunk=options.chunk)
    settings.apply(settings.MachineConfig(threads=options.threads))
    tasks = options.task or tokenizer_impact.TASKS

    for task in tasks:
        if task not in tokenizer_impact.WAYS:
            raise ConfigError(f"there is no task '{task}'; {did_you_mean(task, tokenizer_impact.TASKS)}")
    numbers, of = itertools.count(1), options.seeds * sum(tokenizer_impact.WAYS[task] for task in tasks)

    def say(task: str, way: str, seed: int, accuracy: float) -> None:
        progress.say(f"[{next(numbers)} of {of}] {task}, {way}, seed {seed}: {accuracy:.1%}")

    progress.say(f"{of} models of {options.steps:,} steps; each is kept in {options.out}/ when it is trained")
    results = tokenizer_impact.measure(tasks, options.seeds, config, options.out / "models.jsonl", say)
    found = {
        task: {
            way: {
                "accuracies": list(one.accuracies),
                "mean": one.mean,
                "vocab_size": one.vocab_size,
                "tokens_per_example": one.tokens_per_example,
            }
            for way, one in by_way.items()
        }
        for task, by_way in results.items()
    }
    files.write_json(options.out / "impact.json", found)
    _draw_impact(found, options.out / "impact.html")
    running.print_json(found) if options.json else _show_impact(found, options)


def _draw_impact(found: Mapping[str, Any], path: Path) -> None:
    from groundup import files, plots

    figures = []
    for task, ways in found.items():
        seeds = range(max(len(one["accuracies"]) for one in ways.values()))
        series = {f"seed {seed}": {way: 100 * one["accuracies"][seed] for way, one in ways.items()} for seed in seeds}
        figures.append(plots.value_bars(series, y="whole answers right, %", title=task))
    files.write_text(path, plots.to_html(figures, title="What a tokenizer does to learning"))


def _show_impact(found: Mapping[str, Any], options: ImpactOptions) -> None:
    from groundup.cli import show

    for task, ways in found.items():
        rows = [
            [
                way,
                f"{one['mean']:.1%}",
                "  ".join(f"{accuracy:.1%}" for accuracy in one["accuracies"]),
                f"{one['vocab_size']:,}",
                f"{one['tokens_per_example']:.1f}",
            ]
            for way, one in ways.items()
        ]
        title = f"{task}: whole answers right on new examples, after {options.steps:,} steps"
        show.table(title, ["cut", "mean", "each seed", "ids", "tokens an example"], rows)
    show.console().print(f"page: {options.out / 'impact.html'}", markup=False)
