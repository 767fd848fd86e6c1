"""What a user can do wrong, as exceptions that say it in one sentence with the way out.

The command line prints the sentence and exits with `exit_status`: 2 for the user's mistake, 130 for Ctrl-C. Anything
else that escapes is a mistake of ours (status 1).
"""

from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The part of a sentence that points from a mistyped word to the nearest known one, or lists them all.

    >>> did_you_mean("loin", ["lion", "muon"]), did_you_mean("x", ["lion", "muon"])
    ("did you mean 'lion'?", 'use one of lion, muon')
    """
    import difflib  # 5 ms that only a mistake costs

    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"use one of {', '.join(known)}"


class GroundupError(Exception):
    """A user's mistake: str(error) is one sentence that says what came, what was expected, and the way out."""

    exit_status = 2


class ConfigError(GroundupError):
    """A value, key or shape of a configuration or recipe that cannot be."""


class InputError(GroundupError):
    """A file, text, prompt or request that cannot be used."""


class FormatError(GroundupError):
    """A file of a known format that is damaged or incomplete."""


class UnsupportedModel(GroundupError):
    """A foreign model or tokenizer with a part that is not implemented; the part is named."""


class MissingExtra(GroundupError):
    """An optional package that a verb needs is not installed; the pip line is in the sentence."""


class DiskFull(GroundupError):
    """A write did not fit; nothing half-written was left."""


class Diverged(GroundupError):
    """A training whose loss or gradient is no number any more."""


class Interrupted(GroundupError):
    """Ctrl-C at a step boundary: the work is saved, and the sentence says how to go on."""

    exit_status = 130


def pip_line(extra: str) -> str:
    """The exact command that installs an extra, for an installed package and for an editable checkout alike."""
    return f"pip install 'groundup[{extra}]'"


def missing_extra(package: str, extra: str) -> MissingExtra:
    """Name the missing package and the exact pip line that brings it."""
    return MissingExtra(f"{package} is not installed; run: {pip_line(extra)}")
