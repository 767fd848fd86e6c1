"""Derive what BERT's normaliser does to each character from Hugging Face `tokenizers`, and compare it with ours.

    python benchmarks/text/tokenizers/bert_characters.py            # say whether they agree
    python benchmarks/text/tokenizers/bert_characters.py --print    # print the literals for bert_characters.py

Every code point is given to the normaliser alone; its combining class is found by which known marks it changes places
with.
"""

import argparse
import textwrap
import unicodedata

import tokenizers
from tokenizers import normalizers, pre_tokenizers

from groundup.text.tokenizers import bert_characters
from groundup.text.tokenizers.unicode_classes import pack

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]


def bert(**wanted: bool) -> normalizers.BertNormalizer:
    """BERT's normaliser with only the steps wanted."""
    steps = ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    return normalizers.BertNormalizer(**{step: wanted.get(step, False) for step in steps})


def ranges(codes: list[int]) -> list[tuple[int, int]]:
    """Runs of neighbouring code points as (first, last)."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and runs[-1][1] == code - 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    return [(first, last) for first, last in runs]


def lowered() -> str:
    """Runs of capitals (gap, length, step, distance to the small letter) in base 36, greedily the longest."""
    normalizer = bert(lowercase=True)
    moved = [(code, normalizer.normalize_str(chr(code))) for code in CODES]
    distance = {code: ord(small) - code for code, small in moved if len(small) == 1 and small != chr(code)}
    runs = []
    while distance:
        code, own = min(distance.items())
        lengths = {}
        for step in (1, 2):
            lengths[step] = 1
            while distance.get(code + step * lengths[step]) == own:
                lengths[step] += 1
        step = max(lengths, key=lambda step: lengths[step])
        runs.append((code, lengths[step], step, own))
        for k in range(lengths[step]):
            del distance[code + step * k]
    return bert_characters.pack_runs(runs)


def combining_classes() -> dict[int, int]:
    """Class of each code point that NFD sorts: beside a mark of another class it changes places in one of two orders."""
    apart = normalizers.NFD()
    known = {unicodedata.combining(chr(code)): chr(code) for code in range(0x3100, 0, -1)}
    known.pop(0)

    def sorts(code: int) -> bool:
        return any(
            apart.normalize_str(f"a{one}{other}") != f"a{one}{other}"
            for mark in (known[1], known[234])
            for one, other in ((chr(code), mark), (mark, chr(code)))
        )

    # a class never changes once it is given, so what is sorted at all has the class that Python knows
    return {
        code: unicodedata.combining(chr(code)) for code in CODES if unicodedata.combining(chr(code)) and sorts(code)
    }


def derive() -> dict[str, str]:
    """The literals by name."""
    clean, strip, apart = bert(clean_text=True), bert(strip_accents=True), normalizers.NFD()
    splitter, classes = pre_tokenizers.BertPreTokenizer(), combining_classes()
    whole = [code for code in CODES if apart.normalize_str(chr(code)) == chr(code)]
    marks = [code for code in whole if strip.normalize_str(chr(code)) == ""]
    kept = {code: own for code, own in classes.items() if code in set(whole) - set(marks)}
    ideographs = bert(handle_chinese_chars=True)
    return {
        "CONTROLS": pack(ranges([code for code in CODES if clean.normalize_str(chr(code)) == ""])),
        "PUNCTUATION": pack(ranges([code for code in CODES if len(splitter.pre_tokenize_str(f"a{chr(code)}a")) == 3])),
        "IDEOGRAPHS": pack(ranges([code for code in CODES if ideographs.normalize_str(chr(code)) != chr(code)])),
        "MARKS": pack(ranges(marks)),
        "STARTERS": pack(ranges([code for code in marks if code not in classes])),
        "SORTED_MARKS": " ".join(
            f"{own}:" + pack(ranges([code for code in kept if kept[code] == own])).replace(" ", ",")
            for own in sorted(set(kept.values()))
        ),
        "DECOMPOSED": pack(ranges(sorted(set(CODES) - set(whole)))),
        "LOWERED": lowered(),
    }


def main() -> None:
    """Compare, or print the literals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--print", action="store_true", dest="show")
    show = parser.parse_args().show
    print(f"# tokenizers {tokenizers.__version__}")
    for name, packed in derive().items():
        if show:
            lines = textwrap.wrap(packed, 112)
            inside = "\n".join(f'    "{line} "' for line in lines)
            print(f'{name} = "{packed}"' if len(packed) < 100 else f"{name} = (\n{inside}\n)")
        else:
            same = packed.split() == getattr(bert_characters, name).split()
            print(f"{name}: {'the same' if same else 'DIFFERENT: run with --print'}")


if __name__ == "__main__":
    main()
