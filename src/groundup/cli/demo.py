"""`groundup demo`: raw text to your own chat model, then what to do with it."""

from dataclasses import dataclass
from pathlib import Path

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoOptions(Running):
    """Build a chat model from raw text: tokenizer, pretraining, instruction tuning, reinforcement, measurement, report."""

    fast: bool = False
    """a small model in about a minute"""
    text: Path | None = None
    """your own text: a file, a folder or JSON lines with the key text"""


def run(options: DemoOptions) -> None:
    """Run the demo's recipe and end with its results, its report and three next steps."""
    from groundup.cli import running, show

    name = "text" if options.text else "demo-fast" if options.fast else "demo"
    changes = text_changes(options.text, options.fast) if options.text else {}
    done = running.carry_out(name, options, changes, forecast=not options.fast)
    results = show.read_results(done.folder)
    if options.json:
        running.print_json(results)
        return
    show.results(results, done.folder)
    show.next_steps(done.folder, chats="tune" in done.recipe.stages)


def text_changes(path: Path, fast: bool) -> dict:
    """What the text recipe needs to know of the user's text: where it is, and a run name of its own."""
    quick = {"train": {"steps": 60}} if fast else {}
    return {"name": f"text-{safe(path.stem)}", "data": {"text": str(path)}} | quick


def safe(name: str) -> str:
    """A name that can be a folder's."""
    kept = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in name).strip("-")
    return kept or "own"
