"""`groundup generate MODEL PROMPT`: answer a message, or continue a text."""

import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

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
    file: Path | None = None
    """a file of prompts, a JSON object with "prompt" or "messages" a line; a run that was stopped goes on"""
    output: Path | None = None
    """where the answers to --file go, a JSON object a line; left out: beside it, NAME.answers.jsonl"""
    chat: bool = False
    """take the prompt as a user's message, also where the folder does not say that the model chats"""
    raw: bool = False
    """continue the prompt as it stands, also where the model chats"""
    regex: str | None = None
    """a regular expression that the whole new text must match; continues the prompt as it stands"""
    beams: int | None = None
    """look for the likeliest answer among so many beginnings, instead of drawing one"""
    draft: str | None = None
    """ngram, or the folder of a smaller model of the same tokenizer: guesses ahead, which the model checks many at once; the answers' odds stay"""
    json: bool = False
    """print prompt and continuation as JSON; with --draft how good the guesses were"""
    sampling: tyro.conf.OmitArgPrefixes[Drawing] = field(default_factory=Drawing)
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def run(options: GenerateOptions) -> None:
    """Print the answer or the continuation."""
    from groundup.cli import classical, loading, running
    from groundup.errors import ConfigError

    if options.file is not None or options.output is not None:
        return _whole_file(options)
    if options.chat and options.raw:
        raise ConfigError("--chat and --raw are two ways to read a prompt; leave one of them out")
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    if (kind := classical.kind(options.model)) is not None:
        return _classical(options, kind, prompt)
    handle = loading.load(options.model, options.machine)
    sampling = options.sampling.given() | ({} if options.regex is None else {"regex": options.regex})
    ways = {name: told for name in ("beams", "draft") if (told := getattr(options, name)) is not None}
    messages = [{"role": "user", "content": prompt}]
    pieces = (
        handle.chat(messages, stream=True, **ways, **sampling)
        if not (options.raw or options.regex is not None)
        and (options.chat or loading.about(options.model).get("chats"))
        else handle.generate(prompt, stream=True, **ways, **sampling)
    )
    said = []
    for piece in pieces:
        said.append(piece)
        if not options.json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    if options.json:
        found = {"model": str(options.model), "prompt": prompt, "text": "".join(said), "sampling": sampling | ways}
        running.print_json(found | _acceptance(handle.acceptance))
    else:
        print()


def _acceptance(told: Any) -> dict[str, Any]:
    """How good a draft's guesses were, as JSON."""
    if told is None:
        return {}
    return {"acceptance": told._asdict() | {"rate": told.rate, "tokens_a_round": told.tokens_a_round}}


def _whole_file(options: GenerateOptions) -> None:
    """Answer a file of prompts."""
    from groundup.cli import classical, loading, running
    from groundup.errors import ConfigError, InputError
    from groundup.progress import say

    if (source := options.file) is None:
        raise ConfigError("--output is where the answers to --file go; give a file of prompts with it, or leave it out")
    given = {
        "PROMPT": options.prompt != "-",
        "--chat": options.chat,
        "--raw": options.raw,
        "--regex": options.regex is not None,
        "--beams": options.beams is not None,
        "--draft": options.draft is not None,
    }
    for flag in (name for name, is_given in given.items() if is_given):
        raise ConfigError(
            f"{flag} is not for --file, which writes many answers at once, each as its line says; leave it out"
        )
    if (kind := classical.kind(options.model)) is not None:
        raise InputError(
            f"{options.model} is {classical.named(kind)}; --file is for transformers, so give one prompt at a time"
        )
    target = options.output or source.with_name(f"{source.stem}.answers.jsonl")
    summary = loading.load(options.model, options.machine).generate_file(source, target, **options.sampling.given())
    if options.json:
        running.print_json({"model": str(options.model), "output": str(target)} | summary._asdict())
    failed = f", {summary.failed} of them with an error" if summary.failed else ""
    resumed = f", {summary.resumed} of them from before" if summary.resumed else ""
    say(f"{summary.answers} answers{failed}{resumed} in {target}")


def _without_effect(options: GenerateOptions) -> list[str]:
    """The flags that were given and that only a transformer heeds."""
    told = {"regex": options.regex is not None, "raw": options.raw}
    told |= {name: getattr(options, name) is not None for name in ("beams", "draft")}
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
