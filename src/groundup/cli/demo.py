"""`groundup demo`: raw text to your own chat model, then what to do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundup.cli.options import Running

READINGS = 4  # up to four readings are nearly as good as new text: Muennighoff et al. 2023, arXiv:2305.16264, section 6
BYTES_A_TOKEN, FEWEST = 3.0, 100  # of a text's own small vocabulary; steps below which nothing is learned


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions(Running):
    """Build a chat model from raw text: tokenizer, pretraining, instruction tuning, reinforcement, measurement, report."""

    fast: bool = False
    """a small model in about a minute"""
    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text"""


def run(options: DemoOptions) -> None:
    """Run the demo's recipe and end with its results, its report and three next steps."""
    from groundup.cli import running, show, watched

    name = "text" if options.text else "demo-fast" if options.fast else "demo"
    changes = text_changes(options.text, options.fast, options.set) if options.text else {}
    done = running.carry_out(name, options, changes, forecast=not options.fast)
    results = show.read_results(done.folder) | watched.profiles(done)
    if options.json:
        running.print_json(results)
        return
    show.results(results, done.folder)
    watched.show_profiles(done)
    show.next_steps(done.folder, chats="tune" in done.recipe.stages)


def text_changes(path: Path, fast: bool, overrides: Sequence[str] = ()) -> dict:
    """What the text recipe needs to know of the user's text: where it is, a run name of its own, and steps that fit its size."""
    steps = 60 if fast else fitting_steps(path, overrides)
    return {"name": f"text-{safe(path.stem)}", "data": {"text": str(path)}, "train": {"steps": steps}}


def fitting_steps(path: Path, overrides: Sequence[str] = ()) -> int:
    """The recipe's steps, fewer for a text so short that it would be read more than `READINGS` times.

    A text read often is learned by heart: 1.1 MB of plays, read thirteen times, gave 2.37 bits a byte of held-out text, at
    the third reading 1.85 (a 5-gram model 1.97).
    """
    from groundup.runs import recipe

    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else []
    size = sum(file.stat().st_size for file in files)
    config = recipe.load("text", overrides).configs["train"]
    tokens = config.batch_size * config.seq_len * config.gradient_accumulation_steps
    return min(config.steps, max(FEWEST, round(READINGS * size / BYTES_A_TOKEN / tokens)))


def safe(name: str) -> str:
    """A name that can be a folder's."""
    kept = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name).strip("-")
    return kept or "own"
