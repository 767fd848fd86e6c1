"""`groundup generate MODEL PROMPT`: continue a text."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Drawing
from groundup.runs.settings import MachineConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateOptions:
    """Continue a text; the text is shown as it comes."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    prompt: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PROMPT")] = "-"
    """what to continue; - or nothing: read it from stdin"""
    chat: bool = False
    """take the prompt as a user's message and answer it"""
    json: bool = False
    """print prompt and continuation as JSON"""
    sampling: tyro.conf.OmitArgPrefixes[Drawing] = field(default_factory=Drawing)
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def run(options: GenerateOptions) -> None:
    """Print the continuation of the prompt."""
    from groundup.cli import loading, running

    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    handle = loading.load(options.model, options.machine)
    sampling = options.sampling.given()
    messages = [{"role": "user", "content": prompt}]
    pieces = (
        handle.chat(messages, stream=True, **sampling)
        if options.chat
        else handle.generate(prompt, stream=True, **sampling)
    )
    said = []
    for piece in pieces:
        said.append(piece)
        if not options.json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    if options.json:
        running.print_json({"model": str(options.model), "prompt": prompt, "text": "".join(said), "sampling": sampling})
    else:
        print()
