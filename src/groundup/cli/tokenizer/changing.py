"""`groundup tokenizer convert` and `extend`: the same tokenizer in another form, or with more tokens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.tokenizer.streams import Source
from groundup.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertOptions:
    """the same tokenizer in another form, checked to give the same ids"""

    tokenizer: Source
    """a folder or file of a tokenizer: tokenizer.json, ranks.tiktoken, tokenizer.model, vocab.txt, vocab.json"""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """a folder (tokenizer.json), NAME.tiktoken, NAME.model, vocab.json (with merges.txt) or vocab.txt"""
    pattern: str | None = None
    """the split pattern, for files that do not say it"""
    json: bool = False
    """print what was written as JSON"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtendOptions:
    """add tokens to a trained tokenizer"""

    tokenizer: Source
    """a folder or file of a tokenizer"""
    tokens: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="TOKEN...")]
    """the new tokens, which get the next ids"""
    out: Path
    """the folder to write"""
    special: bool = False
    """they are control tokens: typed text never becomes one"""
    json: bool = False
    """print the new ids as JSON"""


PROBES = (
    "Hello, world! It's 12,345.",
    "Grüße, 世界 🙂\n\n  def f(x):\n\treturn x\n",
    "Добрый день ١٢٣ e\u0301 ﬁ",
    " a  b ",
    "",
)


def convert(options: ConvertOptions) -> None:
    """Write, read again where the form says enough, and compare ids."""
    from groundup.cli import running, show
    from groundup.text.tokenizers import load_tokenizer
    from groundup.text.tokenizers.conversion import convert as write

    tokenizer = load_tokenizer(options.tokenizer, options.pattern)
    note = write(tokenizer, options.target)
    checked = _same_ids(tokenizer, options.target)
    found = {"written": str(options.target), "vocab_size": tokenizer.vocab_size, "checked": checked, "note": note}
    if options.json:
        running.print_json(found)
        return
    same = "read again: same ids" if checked else "not read again: a reader must be told more"
    show.console().print(f"{options.target}: {tokenizer.vocab_size:,} ids, {same}", markup=False)
    if note:
        show.console().print(note, markup=False)


def _same_ids(tokenizer: Any, target: Path) -> bool:
    """Whether what was written gives the same ids; InputError where it is read and gives others."""
    from groundup.errors import GroundupError
    from groundup.text.tokenizers import load_tokenizer

    pattern = getattr(tokenizer, "pattern", None) if target.name != "tokenizer.json" and target.suffix else None
    try:
        again = load_tokenizer(target, pattern if target.suffix in (".tiktoken", ".json", ".txt") else None)
    except GroundupError:
        return False
    if any(tokenizer.encode(probe) != again.encode(probe) for probe in PROBES):
        raise InputError(
            f"{target} gives other ids than the tokenizer it was written from; use a folder as the target instead"
        )
    return True


def extend(options: ExtendOptions) -> None:
    """Add and save."""
    from groundup.cli import running, show
    from groundup.text.tokenizers import load_tokenizer, new_tokens

    if not options.tokens:
        raise InputError("there is no token to add; name one or more behind the tokenizer")
    tokenizer = load_tokenizer(options.tokenizer)
    extended = new_tokens.add_tokens(tokenizer, options.tokens, special=options.special)
    extended.save(options.out)
    ids = {token: extended.encode(token, allow_special=True) for token in options.tokens}
    found = {"written": str(options.out), "vocab_size": extended.vocab_size, "before": tokenizer.vocab_size, "ids": ids}
    if options.json:
        running.print_json(found)
        return
    rows = [[token, " ".join(map(str, one))] for token, one in ids.items()]
    show.table(f"{options.out}: {found['before']:,} -> {found['vocab_size']:,} ids", ["new token", "id"], rows)
    show.console(True).print("a model needs its embedding grown to as many rows")
