"""`groundup data transfer`: what a model that read one kind of text knows of another."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

Kinds = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME=PATH")]


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferOptions:
    """train a tiny model on each kind of text and measure each on all: a matrix of bits a byte"""

    kinds: Kinds = ()
    """your own kinds, a name and a file or folder each, such as german=texts/; left out: those that are on every machine"""
    embedded: bool = False
    """with your own kinds: also those that are on every machine"""
    out: Path = Path("runs/transfer")
    """the page (transfer.html) and transfer.json go here"""
    steps: int = 120
    """of training for each kind"""
    seed: int = 0
    """where chance begins"""
    json: bool = False
    """print the matrix as JSON"""


def transfer(options: TransferOptions) -> None:
    """Train, measure, draw."""
    from groundup import files, plots
    from groundup.cli import running, show
    from groundup.runs import transfer as runs

    config = runs.TransferConfig(steps=options.steps, seed=options.seed)
    kinds = {name: runs.own_kind(name, path, config) for name, path in map(_named, options.kinds)}
    if options.embedded or not kinds:
        kinds = runs.embedded_kinds(config) | kinds
    found = runs.matrix(kinds, config)
    files.write_json(options.out / "transfer.json", found)
    files.write_text(options.out / "transfer.html", plots.to_html([runs.figure(found)], title="Transfer"))
    if options.json:
        running.print_json(found | {"out": str(options.out)})
        return
    bits = found["bits_per_byte"]
    rows = [[name, *(f"{row[other]:.2f}" for other in bits)] for name, row in bits.items()]
    show.table("bits a byte: a row's model measured on a column's text", ["trained on", *bits], rows)
    show.console().print(f"the picture: {options.out / 'transfer.html'}", markup=False)


def _named(kind: str) -> tuple[str, str]:
    from groundup.errors import ConfigError

    name, equals, path = kind.partition("=")
    if not (name and equals and path):
        raise ConfigError(f"'{kind}' is no kind of text; write a name and a path, such as german=texts/")
    return name, path
