"""Split patterns: the pieces a text falls into before any merge, so that no token ever crosses a piece's edge.

A pattern keeps ` the` and `the.` from becoming tokens of their own kind a thousand times over: letters stay with
letters (and one leading space or sign), digits with digits, signs with signs. Joined, the pieces are the text again.
Patterns as published with Qwen 2 (Yang et al. 2024, arXiv:2407.10671), Llama 3 and GPT-2 (Radford et al. 2019).
Letters, numbers and spaces mean `unicode_classes`. The fast form on UTF-8 bytes is `byte_level_splitting`.
"""

import functools
import re

from groundup.text.tokenizers import unicode_classes

# As tokenizer.json carries them. Qwen 2 and Llama 3 differ in one place: digits one by one, or up to three.
PATTERNS = {
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
}
STYLES = {name: number for number, name in enumerate(PATTERNS)}  # the number by which kernels know a pattern


def _members(packed: str) -> str:
    """The inside of a character class of `re` that holds these ranges."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in unicode_classes.unpack(packed))


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""A pattern of `PATTERNS` with \p{L}, \p{N} and \s spelled out, for Python's own `re`."""
    letters, numbers, spaces = map(_members, (unicode_classes.LETTERS, unicode_classes.NUMBERS, unicode_classes.SPACES))
    text = (
        PATTERNS[pattern].replace(r"[^\s\p{L}\p{N}]", f"[^{spaces}{letters}{numbers}]").replace(r"\S", f"[^{spaces}]")
    )
    text = text.replace(r"[^\r\n\p{L}\p{N}]", f"[^\r\n{letters}{numbers}]").replace(r"\s", f"[{spaces}]")
    return re.compile(text.replace(r"\p{L}", f"[{letters}]").replace(r"\p{N}", f"[{numbers}]"))


def split(text: str, pattern: str = "qwen2") -> list[str]:
    """Cut a text into the pieces that are encoded apart.

    >>> split("It's 12 o'clock.  Yes!")
    ['It', "'s", ' ', '1', '2', ' o', "'clock", '.', ' ', ' Yes', '!']
    """
    return compiled(pattern).findall(text)
