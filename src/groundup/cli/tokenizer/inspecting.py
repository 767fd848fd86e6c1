"""`groundup tokenizer inspect`: what a tokenizer is, or how it cuts a text, each piece in a colour."""

from dataclasses import dataclass
from typing import Annotated, Any

import tyro

from groundup.cli.tokenizer.streams import Source

COLOURS = ("on #b6d7f2", "on #f8d9a8", "on #c5e8c0", "on #e7c7ea", "on #f6c3c3")  # in turn: neighbours differ
MOST_PIECES = 2_000  # pieces that are shown one by one


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectOptions:
    """what a tokenizer is; with a text: its pieces in colours"""

    tokenizer: Source
    """a folder or file of a tokenizer"""
    text: Annotated[str | None, tyro.conf.Positional, tyro.conf.arg(metavar="TEXT")] = None
    """a text to cut; - reads it from stdin; left out: the tokenizer itself is described"""
    special: bool = False
    """control tokens spelled in the text become their ids"""
    pattern: str | None = None
    """the split pattern, for files that do not say it"""
    json: bool = False
    """print it as JSON"""


def visible(token: bytes) -> str:
    r"""A token as one line: text as it is, white space and bytes that are no text spelled out.

    >>> visible(b" a"), visible(b"\n"), visible(b"\xf0\x9f")
    ('·a', '⏎', '‹f0 9f›')
    """
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return f"‹{token.hex(' ')}›"
    text = text.replace(" ", "·").replace("\n", "⏎").replace("\t", "⇥")
    return "".join(c if c.isprintable() else f"‹{ord(c):04x}›" for c in text)


def about(tokenizer: Any) -> dict[str, Any]:
    """A tokenizer in figures."""
    lengths = tokenizer.token_lengths
    longest = sorted(range(len(lengths)), key=lambda id: (-int(lengths[id]), id))[:12]
    return {
        "kind": repr(tokenizer),
        "vocab_size": tokenizer.vocab_size,
        "special_tokens": tokenizer.special_tokens,
        "roles": {role: token for role, token in tokenizer.roles.items() if token},
        "chat_template": tokenizer.chat_template is not None,
        "bytes_per_token_of_the_vocabulary": float(lengths[lengths > 0].mean()) if (lengths > 0).any() else 0.0,
        "longest": {id: visible(tokenizer.token_bytes(id)) for id in longest},
        "fingerprint": tokenizer.fingerprint,
    }


def pieces(tokenizer: Any, text: str, special: bool) -> dict[str, Any]:
    """A text's pieces, each with its id and the bytes it stands for, and the measures."""
    ids = tokenizer.encode(text, special)
    size, words = len(text.encode(errors="replace")), len(text.split())
    return {
        "tokens": len(ids),
        "bytes": size,
        "words": words,
        "bytes_per_token": size / max(1, len(ids)),
        "tokens_per_word": len(ids) / max(1, words),
        "pieces": [{"id": id, "token": visible(tokenizer.token_bytes(id))} for id in ids],
    }


def inspect(options: InspectOptions) -> None:
    """Show it."""
    import sys

    from groundup.cli import running
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(options.tokenizer, options.pattern)
    if options.text is None:
        found = about(tokenizer)
        running.print_json(found) if options.json else _show_about(found)
        return
    text = sys.stdin.read() if options.text == "-" else options.text
    found = pieces(tokenizer, text, options.special)
    running.print_json(found) if options.json else _show_pieces(found)


def _show_about(found: dict[str, Any]) -> None:
    from groundup.cli import show

    rows = [
        ["ids", f"{found['vocab_size']:,}"],
        [
            "control tokens",
            ", ".join(f"{token} {id}" for token, id in list(found["special_tokens"].items())[:12]) or "none",
        ],
        ["roles", ", ".join(f"{role} {token}" for role, token in found["roles"].items()) or "none"],
        ["chat template", "yes" if found["chat_template"] else "no"],
        ["bytes a token, over the vocabulary", show.number(found["bytes_per_token_of_the_vocabulary"])],
        ["longest tokens", "  ".join(found["longest"].values())],
        ["fingerprint", found["fingerprint"][:16]],
    ]
    show.table(found["kind"], ["", ""], rows)


def _show_pieces(found: dict[str, Any]) -> None:
    from rich.text import Text

    from groundup.cli import show

    shown = Text()
    for place, piece in enumerate(found["pieces"][:MOST_PIECES]):
        shown.append(piece["token"], style=f"black {COLOURS[place % len(COLOURS)]}")
        shown.append("\n" if "⏎" in piece["token"] else "" if show.console().is_terminal else "|")
    show.console().print(shown)
    if len(found["pieces"]) > MOST_PIECES:
        show.console().print(f"... and {len(found['pieces']) - MOST_PIECES:,} more")
    ids = " ".join(str(piece["id"]) for piece in found["pieces"][:MOST_PIECES])
    show.console().print(ids, style="dim")
    show.console().print(
        f"{found['tokens']:,} tokens, {found['bytes']:,} bytes: {found['bytes_per_token']:.2f} bytes a token, "
        f"{found['tokens_per_word']:.2f} tokens a word"
    )
