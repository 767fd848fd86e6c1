"""`groundup chat MODEL`: talk with a model, in a terminal or through a pipe; answers go to stdout, everything else to stderr."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Drawing
from groundup.runs.settings import MachineConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatOptions:
    """Talk with a model. Commands: /reset /system /save /retry /help /quit."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    system: str = ""
    """a system message to begin with"""
    sampling: tyro.conf.OmitArgPrefixes[Drawing] = field(default_factory=Drawing)
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def run(options: ChatOptions) -> None:
    """Open with what the model was trained on and what to ask it, then answer until the input ends."""
    from groundup.cli import loading
    from groundup.cli.conversation import Conversation, turns
    from groundup.errors import InputError

    handle = loading.load(options.model, options.machine)
    handle.compile()  # a conversation is many answers
    terminal = sys.stdin.isatty()
    for line in loading.opening(options.model):
        print(line, file=sys.stderr)

    def answer(messages: list[dict[str, str]]) -> Iterator[str]:
        return handle.chat(messages, stream=True, **options.sampling.given())

    conversation = Conversation(answer, _show, lambda text: print(text, file=sys.stderr))
    if options.system:
        conversation.set_system(options.system)
    for turn in turns(lambda: _read(terminal)):
        try:
            if not conversation.take(turn):
                break
        except InputError as error:
            if not terminal:
                raise
            print(error, file=sys.stderr)


def _show(piece: str) -> None:
    sys.stdout.write(piece)
    sys.stdout.flush()


def _read(terminal: bool) -> str | None:
    """One line from the user without its end; None at the end of the input or at Ctrl-C."""
    if terminal:
        try:
            import readline  # noqa: F401  (arrow keys and history in input())
        except ImportError:
            pass
    try:
        return input("> ") if terminal else (line.rstrip("\n") if (line := sys.stdin.readline()) else None)
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        return None
