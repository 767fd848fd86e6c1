"""From words to a call: find the verb's file, read its flags into the dataclass that its function takes, call it.

A verb's file holds `run(options)`, or `ACTIONS`, a literal of second words (`data build`), of which "" is meant where none is
given. tyro reads the flags; what it would print as a box becomes one
sentence here, like every other mistake.
"""

import contextlib
import dataclasses
import difflib
import importlib
import io
import itertools
import operator
import re
import typing
from collections.abc import Callable, Sequence
from typing import Any

import tyro

from groundup.cli import VERBS
from groundup.errors import ConfigError, InputError

MARKERS = (tyro.conf.UseAppendAction, tyro.conf.FlagCreatePairsOff, tyro.conf.DisallowNone)
BOX = re.compile(r"\x1b\[[0-9;]*m|[╭╮╰╯│─]+|-{8,}")  # on a terminal in colour; where stdout is no UTF-8, of dashes


def call(verb: str, arguments: Sequence[str]) -> int:
    """Run `groundup verb arguments...`; the exit status."""
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, n=1)
        raise ConfigError(
            f"'{verb}' is not a verb; {f'did you mean `groundup {near[0]}`?' if near else '`groundup --help` lists them'}"
        )
    from groundup.tuning.efficient import offer_reader

    offer_reader()
    function, program, rest = _function(verb, arguments)
    return function(parse(options_of(function), rest, program)) or 0


def _function(verb: str, arguments: Sequence[str]) -> tuple[Callable[[Any], int | None], str, Sequence[str]]:
    """The function of a verb, or of its second word."""
    module = importlib.import_module(f"groundup.cli.{verb}")
    actions: dict[str, Callable[[Any], int | None]] | None = getattr(module, "ACTIONS", None)
    if actions is None:
        return module.run, f"groundup {verb}", arguments
    if "" in actions and (not arguments or arguments[0].startswith("-")) and not {"-h", "--help"} & set(arguments):
        return actions[""], f"groundup {verb}", arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, actions))
        lines = (
            f"  groundup {verb} {word:<{width}}  {options_of(function).__doc__}" for word, function in actions.items()
        )
        print(f"usage: groundup {verb} {'|'.join(filter(None, actions))} [options]\n\n" + "\n".join(lines))
        if "" in actions:  # the flags of what is meant without a second word
            print()
            return actions[""], f"groundup {verb}", arguments
        raise SystemExit(0)
    if arguments[0] in actions:
        return actions[arguments[0]], f"groundup {verb} {arguments[0]}", arguments[1:]
    raise ConfigError(
        f"'{arguments[0]}' is not something `groundup {verb}` does; write groundup {verb} {' or '.join(filter(None, actions))}"
    )


def options_of(function: Callable[[Any], int | None]) -> type:
    """The dataclass of a verb's flags: the annotation of its function's argument."""
    return typing.get_type_hints(function)["options"]


def parse(options: type, arguments: Sequence[str], program: str) -> Any:
    """Flags to dataclass; ConfigError with one sentence for a flag that is unknown, missing or of another kind."""
    parsed: Any
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed, unknown = tyro.cli(
                options, args=list(arguments), prog=program, config=MARKERS, return_unknown_args=True
            )
    except SystemExit as error:
        if error.code:
            raise ConfigError(_strange(options, arguments, program) or f"{_sentence(said.getvalue())}; see `{program} --help`") from None
        raise
    if unknown:
        raise ConfigError(_not_there(options, unknown[0], program))
    return parsed


def _strange(options: type, arguments: Sequence[str], program: str) -> str:
    """What to say of the first flag that the verb does not have: tyro tells of what is missing, which the strange flag was to give."""
    known = {*flags(options, program), "--help"}
    given = [word.partition("=")[0].replace("_", "-") for word in itertools.takewhile(lambda word: word != "--", arguments)]
    return next((_not_there(options, word, program) for word in given if word.startswith("--") and word not in known), "")


def _not_there(options: type, word: str, program: str) -> str:
    if word[2:].replace("-", "_") in {one.name for one in dataclasses.fields(options)}:
        return f"{program} has no option {word}; write its value alone, as `{program} --help` shows"
    return f"{program} has no option {word}; {_nearest(options, word, program)}"


def flags(options: type, program: str) -> list[str]:
    """The flags of a verb, in the order of its help."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        tyro.cli(options, args=["--help"], prog=program, config=MARKERS)
    return list(dict.fromkeys(re.findall(r"--[a-z][a-z-]*", said.getvalue())))


def _nearest(options: type, word: str, program: str) -> str:
    near = difflib.get_close_matches(word, flags(options, program), n=1)
    return f"did you mean {near[0]}?" if near else f"`{program} --help` lists them"


def _sentence(box: str) -> str:
    """The first paragraph of tyro's box on one line, without its full stop.

    >>> _sentence("╭─ Value error ───╮" + chr(10) + "│ Error parsing --n │" + chr(10) + "│ ─────── │" + chr(10) + "│ more │")
    'Error parsing --n'
    """
    lines = [BOX.sub("", line).strip() for line in box.splitlines()[1:]]
    first = itertools.takewhile(bool, itertools.dropwhile(operator.not_, lines))
    return " ".join(first).removesuffix(".") or "the options cannot be read"


def use_mine(folder: str) -> None:
    """Put the learner's functions in place before any room is imported."""
    from pathlib import Path

    from groundup import slots

    if not folder or not Path(folder).is_dir():
        raise InputError(
            f"--mine wants the folder of your own functions and there is no folder '{folder}'; make it and put a .py file into it"
        )
    slots.use(folder)


def say_mine() -> None:
    """Name the learner's functions that ran in this process, on stderr: a verb's result may be JSON."""
    import sys
    from dataclasses import asdict

    from groundup import slots

    ran = [asdict(one) | {"name": one.name} for one in slots.active() if one.calls]
    if ran:
        from groundup.cli import show

        show.slots(ran, sys.stderr)


def completion(arguments: Sequence[str]) -> int:
    """Print the completion script of a shell."""
    from groundup.cli.completion import script

    shell = arguments[0] if arguments else ""
    if shell not in ("bash", "zsh", "fish"):
        raise ConfigError("--completion wants the name of your shell; write groundup --completion bash, zsh or fish")
    print(script(shell), end="")
    return 0
