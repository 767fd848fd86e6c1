"""`groundup bench record`: seconds from the start of a process to a held-out loss, beside those measured here before.

The text is a file of the user's (such as tiny Shakespeare), or Python's own documentation, which is on every machine. Every attempt runs in a
process of its own, whose start is where the clock starts. The results are kept in `<out>/record.jsonl`, with version, commit and machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOptions:
    """the speed record: seconds to a held-out loss of 1.88 or 1.60 nats a character"""

    text: Path | None = None
    """a text file, for example tiny Shakespeare's; left out: Python's documentation"""
    target: float = 1.88
    """nats a character to reach: 1.88 or 1.60"""
    attempts: int = 3
    """how many, each from its own seed: 1, 2, 3, or onwards from --seed"""
    out: Path = Path("runs/record")
    """the folder of record.jsonl, to which every attempt adds a line"""
    json: bool = False
    """print the attempts as JSON on stdout"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""
    seed: int | None = None
    """where chance begins; left out: 1"""


def record(options: RecordOptions) -> None:
    """Run the attempts, keep them, print them and the fastest of before."""
    from groundup import files, progress
    from groundup.cli import running
    from groundup.errors import ConfigError
    from groundup.runs import record as keeping

    if options.target not in keeping.ATTEMPTS:
        raise ConfigError(
            f"--target {options.target:g} has no attempt; use {' or '.join(format(one, '.2f') for one in keeping.ATTEMPTS)}"
        )
    if options.attempts < 1:
        raise ConfigError(f"--attempts {options.attempts} is not possible; use 1 or more")
    text, log = keeping.text_file(options.text, options.out), options.out / "record.jsonl"
    before = list(files.read_jsonl(log)) if log.is_file() else []
    made = []
    first = 1 if options.seed is None else options.seed
    for seed in range(first, first + options.attempts):
        progress.say(f"{options.target:.2f} nats, seed {seed}")
        made.append(keeping.timed(text, options.target, seed, options.threads))
        files.append_jsonl(log, made[-1])
    if options.json:
        running.print_json(made)
    else:
        show_attempts(made, before, log)


def show_attempts(made: list[dict[str, Any]], before: list[dict[str, Any]], log: Path) -> None:
    """A line an attempt, and the fastest that reached the target on this text."""
    from groundup.cli import show
    from groundup.runs import record as keeping

    first = made[0]
    title = f"{first['text']}: {first['target']:.2f} nats on {first['machine']}, {first['threads']} threads"
    show.table(
        title, ["attempt", "seconds", "of it training", "held-out loss", "steps", "format"], [row(one) for one in made]
    )
    fastest = keeping.fastest(made + before, first["text_sha256"], first["target"])
    if fastest:
        show.console().print(
            f"fastest so far: {fastest['seconds']:.1f} s (commit {fastest['commit'] or 'unknown'}, {fastest['machine']}); log: {log}"
        )


def row(one: Mapping[str, Any]) -> list[str]:
    """An attempt's line."""
    reached = "" if one["reached"] else ", not reached"
    return [f"seed {one['seed']}{reached}", f"{one['seconds']:.1f}", f"{one['training_seconds']:.1f}", f"{one['loss']:.3f}",
            f"{one['steps']}", one["dtype"]]  # fmt: skip
