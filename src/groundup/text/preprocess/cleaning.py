"""Cleaning: what copying, converting and the web did to a text, mended without touching what was meant.

Each step is a function from text to text; `clean` runs those that are named, in the order of `STEPS`.

    surrogates   halves of UTF-16 pairs: two halves are joined, one alone becomes U+FFFD
    mojibake     UTF-8 that was read as Windows-1252 or Latin-1 (`cafÃ©`, `â€œhiâ€\x9d`), as often as it happened
    controls     control characters but tab and newline; every kind of line end becomes one newline
    invisible    zero-width characters and marks of direction that change how code looks ("Trojan source"); joiners that
                 scripts and emoji need stay
    spaces       odd spaces become plain ones, runs one; no space at the end of a line, no more than one empty line
    quotes       curly quotes and primes straight, dashes and ellipses in ASCII (not in the default: it loses something)

Left out: HTML (its main text is the data room's), spelling, and languages that were mixed up.
"""

import re
from collections.abc import Callable, Sequence

from groundup.errors import ConfigError


def mend_surrogates(text: str) -> str:
    """Join halves of UTF-16 pairs to the character they mean; a half without its other becomes U+FFFD.

    >>> mend_surrogates("a\\ud83d\\ude00b\\ud83d")
    'a😀b�'
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _misread_bytes() -> dict[str, int]:
    """Each character that a byte from 0x80 on becomes when Windows-1252 is assumed; Latin-1 where that has none."""
    shown = {chr(byte): byte for byte in range(0x80, 0x100)}
    for byte in range(0x80, 0xA0):
        character = bytes([byte]).decode("cp1252", "replace")
        if character != "\ufffd":
            shown[character] = byte
    return shown


MISREAD = _misread_bytes()


def _class(first: int, last: int) -> str:
    """A character class of `re` for what the bytes first to last are misread as."""
    members = (character for character, byte in MISREAD.items() if first <= byte <= last)
    return "[" + "".join(map(re.escape, members)) + "]"


_TAIL = _class(0x80, 0xBF)
_SEQUENCE = re.compile(
    f"(?:{_class(0xC2, 0xDF)}{_TAIL}|{_class(0xE0, 0xEF)}{_TAIL}{{2}}|{_class(0xF0, 0xF4)}{_TAIL}{{3}})+"
)


# What stands behind a letter in whole text: in `été… »`, `CAFÉ”` and `Spaß“` these follow as if they were misread bytes.
CLOSERS = frozenset("\u00a0«»‘’‚“”„‹›…–—·°")


def _is_meant(run: str) -> bool:
    """Whether a run that could be misread UTF-8 is likelier to be text: a word (Northern Sami has `ášš`), or letter and signs."""
    one_letter = len(run) <= 3 and run[0] not in "ÂÃ" and set(run[1:]) <= CLOSERS
    return one_letter or (run.isalpha() and run.islower())


def _reread(found: re.Match[str]) -> str:
    """The text that misread bytes were; as it stands when they are no UTF-8, or meant."""
    if _is_meant(found[0]):
        return found[0]
    try:
        return bytes(MISREAD[character] for character in found[0]).decode()
    except UnicodeDecodeError:
        return found[0]


def mend_mojibake(text: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 or Latin-1, also where that happened several times.

    Runs that would be whole UTF-8 sequences are taken, and real text has few of them that are not known as meant: in the
    declaration of human rights in 388 translations none is changed (a test asks them). `MAÇÃ”` in capitals would be.

    >>> mend_mojibake("cafÃ© â€œfineâ€\\x9d"), mend_mojibake("Ä ist kein Ã")
    ('café “fine”', 'Ä ist kein Ã')
    """
    for _ in range(4):  # four times misread is the most that was ever seen in the wild
        mended = _SEQUENCE.sub(_reread, text)
        if mended == text:
            break
        text = mended
    return text


def drop_controls(text: str) -> str:
    """Line ends as one newline, no other control characters but tabs.

    >>> drop_controls("a\\r\\nb\\x00c\\x85d")
    'a\\nbc\\nd'
    """
    text = re.sub("\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    return re.sub("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]", "", text)


def drop_invisible(text: str) -> str:
    """Take out what has no width and no work: soft hyphens, zero-width spaces, byte-order marks, direction overrides.

    Joiners (U+200C, U+200D) stay: Persian words, Indic conjuncts and emoji families are spelled with them.

    >>> drop_invisible("so\\u00adft\\u200b \\ufeffx\\u202ey")
    'soft xy'
    """
    return re.sub("[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069]", "", text)


def tidy_spaces(text: str) -> str:
    """Odd spaces as plain ones, one in a row; none where a line or the text begins or ends, but indents stay.

    At most one empty line in a row.

    >>> tidy_spaces("a\\u00a0\\u3000 b  \\n\\n\\n\\n    c ")
    'a b\\n\\n    c'
    """
    text = re.sub("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ", text)
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    text = re.sub(r"(?<=[^\s])[ \t]{2,}", " ", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n").rstrip()


ASCII_SIGNS: dict[str, str | int | None] = {
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("‘’‚‛′‹›", "'"),
    **dict.fromkeys("‐‑‒−", "-"),
    **dict.fromkeys("–—―", "--"),
    "…": "...",
}


def straighten_quotes(text: str) -> str:
    """Curly quotes, dashes and ellipses in ASCII.

    >>> straighten_quotes("“it’s…”")
    '"it\\'s..."'
    """
    return text.translate(str.maketrans(ASCII_SIGNS))


STEPS: dict[str, Callable[[str], str]] = {
    "surrogates": mend_surrogates,
    "mojibake": mend_mojibake,
    "controls": drop_controls,
    "invisible": drop_invisible,
    "spaces": tidy_spaces,
    "quotes": straighten_quotes,
}
DEFAULT = ("surrogates", "mojibake", "controls", "invisible", "spaces")


_MOST_PASSES = 16  # two are enough for a text that nobody built to need more


def clean(text: str, steps: Sequence[str] = DEFAULT) -> str:
    """Run the named steps, in the order of `STEPS`, until none changes anything: cleaning twice changes nothing more.

    One pass is not enough where a step uncovers work for an earlier one: in `Â\\x1f¡`, two misread bytes stand together
    only after the control character between them is gone.

    >>> clean("\\ufeffcafÃ©\\u00a0 au lait\\r\\n\\r\\n\\r\\n\\r\\nfin \\x00")
    'café au lait\\n\\nfin'
    """
    unknown = [step for step in steps if step not in STEPS]
    if unknown:
        raise ConfigError(f"step {unknown[0]!r} is not known; use {', '.join(STEPS)}")
    chosen = [step for name, step in STEPS.items() if name in steps]
    for _ in range(_MOST_PASSES):
        before = text
        for step in chosen:
            text = step(text)
        if text == before:
            break
    return text
