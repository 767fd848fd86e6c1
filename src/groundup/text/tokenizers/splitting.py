r"""Split patterns: the pieces a text falls into before any merge, so that no token ever crosses a piece's edge.

A pattern keeps ` the` and `the.` from becoming tokens of their own kind a thousand times over: letters stay with
letters (and one leading space or sign), digits with digits, signs with signs. Joined, the pieces are the text again.
Patterns as published with Qwen 2 (Yang et al. 2024, arXiv:2407.10671), Llama 3, GPT-2 (Radford et al. 2019; tiktoken's
r50k and p50k mean the same) and tiktoken 0.14 (cl100k of GPT-4, o200k of GPT-4o).
Letters, numbers, marks and spaces mean `unicode_classes`. The fast form on UTF-8 bytes is `byte_level_splitting`.
"""

import functools
import re

from groundup import slots
from groundup.slots import slot
from groundup.text.tokenizers import unicode_classes

# As tokenizer.json carries them. Qwen 2 and Llama 3 differ in one place: digits one by one, or up to three. cl100k is
# Llama 3 but for \s++$: white space that ends a text is one piece, newlines or not. tiktoken writes \p{N}{1,3}+ there,
# which its engine reads as "take no digit back" and the engine of `tokenizers` as "any number of times": left out.
PATTERNS = {
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "llama3": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
STYLES = {name: number for number, name in enumerate(PATTERNS)}  # the number by which kernels know a pattern
# Sets of characters in a pattern, and the bits of the class table that tell their members.
_SIDES = {
    r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}": unicode_classes.FRONT,
    r"\p{Ll}\p{Lm}\p{Lo}\p{M}": unicode_classes.BACK,
}
_SETS = {r"\p{L}": unicode_classes.LETTERS, r"\p{N}": unicode_classes.NUMBERS, r"\s": unicode_classes.SPACES}


def _spelled(ranges: list[tuple[int, int]]) -> str:
    """The inside of a character class of `re` that holds these ranges."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


def _side(bit: int) -> str:
    """The inside of a character class that holds all characters with this bit in the class table."""
    edges = (unicode_classes.class_table() & bit != 0).nonzero()[0].tolist()
    firsts = [code for k, code in enumerate(edges) if k == 0 or edges[k - 1] != code - 1]
    lasts = [code for k, code in enumerate(edges) if k + 1 == len(edges) or edges[k + 1] != code + 1]
    return _spelled(list(zip(firsts, lasts, strict=True)))


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    r"""A pattern of `PATTERNS` with \p{...} and \s spelled out, for Python's own `re`."""
    sets = {name: _spelled(unicode_classes.unpack(packed)) for name, packed in _SETS.items()}
    if r"\p{M}" in PATTERNS[pattern]:
        sets = {name: _side(bit) for name, bit in _SIDES.items()} | sets

    def spell(found: re.Match[str]) -> str:
        text = found[0].replace(r"\S", f"[^{sets[chr(92) + 's']}]")
        for name, members in sets.items():
            text = text.replace(name, members if text[0] == "[" else f"[{members}]")
        return text

    return re.compile(re.sub(r"\[(?:\\.|[^\]\\])*\]|\\[pP]\{\w+\}|\\[sS]", spell, PATTERNS[pattern]))


CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def kind_of(character: str) -> str:
    """What a character is to the GPT-2 pattern: "letter", "number", "space" or "other".

    >>> [kind_of(character) for character in "é½\\n!"]
    ['letter', 'number', 'space', 'other']
    """
    names = {unicode_classes.LETTER: "letter", unicode_classes.NUMBER: "number", unicode_classes.OTHER: "other"}
    return names.get(int(unicode_classes.class_table()[ord(character)]) & unicode_classes.KIND, "space")


@slot
def split_gpt2(text: str) -> list[str]:
    """Cut a text into the pieces of the GPT-2 pattern, without a regular expression.

    In this order: a contraction ('s 't 're 've 'm 'll 'd); letters, numbers or other signs as long as one kind goes on,
    with one blank before them; white space, but for its last character when something follows it.

    >>> split_gpt2("It's 12 o'clock.  Yes!")
    ['It', "'s", ' 12', ' o', "'", 'clock', '.', ' ', ' Yes', '!']
    """
    kinds = [kind_of(character) for character in text]
    pieces, start = [], 0
    while start < len(text):
        contraction = next((one for one in CONTRACTIONS if text.startswith(one, start)), "")
        leads = text[start] == " " and start + 1 < len(text) and kinds[start + 1] != "space"
        end = start + leads
        kind = kinds[end]
        while end < len(text) and kinds[end] == kind:
            end += 1
        if contraction:
            end = start + len(contraction)
        elif kind == "space" and end < len(text) and end - start > 1:
            end -= 1
        pieces.append(text[start:end])
        start = end
    return pieces


def split(text: str, pattern: str = "qwen2") -> list[str]:
    """Cut a text into the pieces that are encoded apart.

    >>> split("It's 12 o'clock.  Yes!")
    ['It', "'s", ' ', '1', '2', ' o', "'clock", '.', ' ', ' Yes', '!']
    """
    if pattern == "gpt2" and slots.filled("text.tokenizers.split_gpt2"):
        return split_gpt2(text)
    return compiled(pattern).findall(text)
