"""`groundup data train-filter`: a filter that learned from labelled rows what to drop, and how well it does on rows it never saw."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

Rows = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="ROWS")]
Labels = Annotated[tuple[str, ...], tyro.conf.arg(metavar="LABEL")]


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterOptions:
    """train a filter for toxic, adult or other unwanted text from labelled rows, for the step `toxicity` of a pipeline"""

    rows: Rows
    """CSV, TSV or JSON lines, also .gz, with a text and a label a row"""
    out: Path
    """the filter's folder"""
    text_field: str = "text"
    """the column or key with the text"""
    label_field: str = "label"
    """the column or key with the label"""
    positive: Labels = ()
    """a label that means: drop this; all others mean: keep (left out: 1, true, yes)"""
    epochs: int = 4
    """times that the rows are read"""
    bits: int = 18
    """2^bits weights"""
    learning_rate: float = 0.3
    """of AdaGrad"""
    held_out: float = 0.1
    """part of the rows that only measures"""
    threshold: float = 0.5
    """the probability from which on the printed step drops a text"""
    seed: int = 0
    """the order of the rows"""
    json: bool = False
    """print the figures and the step as JSON"""


def train_filter(options: FilterOptions) -> None:
    """Train, measure, save, and say how a pipeline uses it."""
    from groundup.cli import running
    from groundup.data.clean import classifier, toxicity
    from groundup.data.clean.labelled import POSITIVE, read_rows
    from groundup.progress import progress

    names = ("bits", "epochs", "learning_rate", "held_out", "seed")
    config = classifier.ClassifierConfig(**{name: getattr(options, name) for name in names})
    toxicity.check_threshold(options.threshold)
    _check_out(options.out)
    rows = read_rows(options.rows, options.text_field, options.label_field, options.positive or POSITIVE)
    with progress(config.epochs, "filter", "epochs") as bar:
        report = classifier.train_filter(rows, options.out, config, lambda _: bar.update(1)).report
    step = {"kind": "toxicity", "classifier": str(options.out), "threshold": options.threshold}
    if options.json:
        running.print_json(report | {"out": str(options.out), "step": step})
    else:
        _show(report, step)


def _check_out(folder: Path) -> None:
    """Refuse to replace a folder that holds no filter, before the training."""
    from groundup import files
    from groundup.errors import InputError

    config = folder / "config.json"
    ours = config.is_file() and files.read_json(config).get("model_type") == "text_filter"
    if not ours and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
        raise InputError(f"{folder} holds something else; choose another --out")


def _show(report: dict[str, Any], step: dict[str, Any]) -> None:
    from groundup.cli import show
    from groundup.runs import toml

    low, high = report["auc_interval"]
    rows = [
        [edge, *(show.number(found[name]) for name in ("precision", "recall"))] for edge, found in report["at"].items()
    ]
    show.table("on the held-out rows, dropping from a score on", ["score", "precision", "recall"], rows)
    where = show.console()
    where.print(
        f"AUC {report['auc']:.3f} ({low:.3f} to {high:.3f}, 95 %) on {report['held_out_rows']:,} rows that it never saw; "
        f"trained on {report['rows']:,}, of which {report['positive']:.0%} mean drop",
        markup=False,
        soft_wrap=True,
    )
    where.print("the step of a pipeline that uses it:\n\n[[steps]]", markup=False)
    where.print(toml.dump(step), markup=False, soft_wrap=True)
