"""`groundup compress MODEL OUT`: a model folder made smaller, and what that cost it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.compression.config import CompressConfig

Settings = tyro.conf.OmitArgPrefixes[CompressConfig]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressOptions:
    """Make a model smaller: weights of 4 or 8 bits, half of them zero, or fewer heads, channels, layers; measured before and after on text held out."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """the folder to make"""
    text: Path | None = None
    """text like the model's own: a file or a folder; left out: both worlds that need no download"""
    settings: Settings = field(default_factory=CompressConfig)
    json: bool = False
    """print what came out as JSON on stdout"""


def run(options: CompressOptions) -> None:
    """Compress it, and say what was gained and lost."""
    from groundup.cli import running
    from groundup.compression.compress import check_source, compress
    from groundup.model.formats.huggingface import load_config
    from groundup.progress import progress

    check_source(options.model)
    with progress(load_config(options.model).num_hidden_layers, "compressing", "block") as bar:
        made = compress(
            options.model,
            options.out,
            options.settings,
            texts(options.text, options.model),
            lambda done: bar.update(done),
        )
    if options.json:
        return running.print_json({name: str(one) if name == "folder" else one for name, one in made._asdict().items()})
    _say(made, options.settings)


def _say(made: Any, settings: CompressConfig) -> None:
    from groundup.cli import show

    said = f"{made.folder}: {show.size(made.bytes_after)} of weights in place of {show.size(made.bytes_before)}"
    said += f", {made.zeros:.0%} of the blocks' weights are zero" if made.zeros else ""
    print(said + (f", {made.mean_bits:.2f} bits a weight of the blocks" if settings.mean_bits else ""))
    if settings.looks_at_texts and made.calibration_tokens < settings.calibration_tokens:
        print(f"only {made.calibration_tokens:,} tokens decided, as the texts have no more: give more with --text")
    if made.perplexity_before is not None and made.perplexity_after is not None:
        lost = made.perplexity_after / made.perplexity_before - 1
        print(f"perplexity of held-out text {made.perplexity_before:.3f} -> {made.perplexity_after:.3f} ({lost:+.2%})")
    print(f"next: groundup generate {made.folder}")


def texts(path: Path | None, model: Path) -> Iterator[Any]:
    """The texts of a file or folder; else texts of both worlds in turns, and conversations for a model that chats."""
    from groundup.cli.loading import about
    from groundup.data.sources import python, tinyworld
    from groundup.data.sources.files import documents

    if path is not None:
        return (document.text for document in documents(path))
    worlds: list[Iterator[Any]] = [
        (document.text for document in python.read("heldout")),
        (document.text for document in tinyworld.sample(7, 4000, "heldout")),
    ]
    if about(model).get("chats"):
        worlds = [(item.messages for item in tinyworld.instructions(7, 4000, "heldout"))]
    return (text for together in zip(*worlds, strict=False) for text in together)
