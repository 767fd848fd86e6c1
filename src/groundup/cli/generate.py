"""`groundup generate MODEL PROMPT`: answer a message, or continue a text."""

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated

import tyro

from groundup.cli.options import Drawing
from groundup.runs.settings import MachineConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GenerateOptions:
    """Answer (a model that was tuned to chat) or continue (any other); the text is shown as it comes."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    prompt: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="PROMPT")] = "-"
    """what to answer or continue; - or nothing: read it from stdin"""
    chat: bool = False
    """take the prompt as a user's message, also where the folder does not say that the model chats"""
    raw: bool = False
    """continue the prompt as it stands, also where the model chats"""
    regex: str | None = None
    """a regular expression that the whole new text must match; continues the prompt as it stands"""
    json: bool = False
    """print prompt and continuation as JSON"""
    sampling: tyro.conf.OmitArgPrefixes[Drawing] = field(default_factory=Drawing)
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def run(options: GenerateOptions) -> None:
    """Print the answer or the continuation."""
    from groundup.cli import classical, loading, running

    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    if (kind := classical.kind(options.model)) is not None:
        return _classical(options, kind, prompt)
    handle = loading.load(options.model, options.machine)
    sampling = options.sampling.given() | ({} if options.regex is None else {"regex": options.regex})
    messages = [{"role": "user", "content": prompt}]
    pieces = (
        handle.chat(messages, stream=True, **sampling)
        if not (options.raw or options.regex is not None)
        and (options.chat or loading.about(options.model).get("chats"))
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


def _without_effect(options: GenerateOptions) -> list[str]:
    """The flags that were given and that only a transformer heeds."""
    told = {"regex": options.regex is not None, "raw": options.raw}
    told |= {one.name: getattr(options.machine, one.name) != one.default for one in fields(MachineConfig)}
    return [name for name, is_given in told.items() if is_given]


def _classical(options: GenerateOptions, model_type: str, prompt: str) -> None:
    """Continue a text with counts or a recurrent network."""
    from groundup.cli import classical, running
    from groundup.cli.classical import language
    from groundup.errors import ConfigError, InputError

    if model_type not in classical.WRITERS:
        raise InputError(
            f"{options.model} is {classical.named(model_type)}, which writes no text; ask it with `groundup inspect {options.model}`"
        )
    if options.chat:
        raise ConfigError(f"{options.model} is {classical.named(model_type)}, which does not chat; leave --chat out")
    for flag in _without_effect(options):
        raise ConfigError(f"--{flag} is not for {options.model}, which is {classical.named(model_type)}; leave it out")
    model, sampling = classical.load(options.model, model_type), options.sampling.given()
    text = language.write(model, options.model, model_type, prompt, dict(sampling))
    if options.json:
        running.print_json({"model": str(options.model), "prompt": prompt, "text": text, "sampling": sampling})
    else:
        print(text)
