"""Derive the letter, number and white-space ranges from Hugging Face `tokenizers` and compare them with ours.

    python benchmarks/text/tokenizers/unicode_classes.py            # say whether they agree
    python benchmarks/text/tokenizers/unicode_classes.py --print    # print the literals for unicode_classes.py

The classes come from the tool whose ids we promise to equal, not from `unicodedata`: that follows the Unicode version
of the running Python, and 3.11's differs from today's `tokenizers` at thousands of code points.
"""

import argparse
import textwrap

import tokenizers

from groundup.text.tokenizers import unicode_classes

CLASSES = {
    "LETTERS": r"\p{L}",
    "NUMBERS": r"\p{N}",
    "SPACES": r"\s",
    "UPPER": r"[\p{Lu}\p{Lt}]",
    "LOWER": r"\p{Ll}",
    "MARKS": r"\p{M}",
}


def members(pattern: str) -> list[int]:
    """Code points that match a one-character pattern, found by removing them all from the string of every character."""
    code_points = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "removed")
    kept = bytearray(len(code_points))
    for _, (start, end) in split.pre_tokenize_str("".join(map(chr, code_points))):
        kept[start:end] = b"\1" * (end - start)
    return [code for code, stays in zip(code_points, kept, strict=True) if not stays]


def ranges(code_points: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring code points as (first, last)."""
    runs: list[list[int]] = []
    for code in code_points:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return [(first, last) for first, last in runs]


def main() -> None:
    """Compare, or print the literals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", dest="show")
    show = parser.parse_args().show
    print(f"# tokenizers {tokenizers.__version__}")
    for name, pattern in CLASSES.items():
        found = ranges(members(pattern))
        if show:
            packed = textwrap.wrap(unicode_classes.pack(found), 112)
            print(f"{name} = (\n" + "\n".join(f'    "{line} "' for line in packed) + "\n)")
        else:
            same = found == unicode_classes.unpack(getattr(unicode_classes, name))
            print(f"{name}: {len(found)} ranges, {'the same' if same else 'DIFFERENT: run with --print'}")


if __name__ == "__main__":
    main()
