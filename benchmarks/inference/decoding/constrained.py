"""Time inside the constraint engines: the token mask and the step to the next state, beside one step of a model.

    python benchmarks/inference/decoding/constrained.py [--json]

A vocabulary of 32,000 tokens: all bytes, the words and parts of words of Python's own sources, and JSON's runs of signs. Texts of four schemas
are followed token by token (the longest token that fits each place), first with an empty table, then again: a server meets a schema more than once.
The share is of a step of 10 ms, about what a model of 134 M parameters takes on two cores in int8 or bf16.
"""

import argparse
import json
import pathlib
import re
import statistics
import sysconfig
import time
from collections import Counter

from groundup.inference.decoding.constrained.guided import Guide
from groundup.inference.decoding.constrained.json_schema import JsonConstraint
from groundup.inference.decoding.constrained.masks import Trie, Vocabulary
from groundup.processor import processor

SIZE, STEP_MS = 32_000, 10.0
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
          "mail": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"type": "string", "maxLength": 40}}},
          "required": ["name", "age"], "additionalProperties": False}  # fmt: skip
TREE = {"type": "object", "properties": {"label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["label", "children"], "additionalProperties": False}  # fmt: skip
CASES = {
    "flat object": (PERSON, {"name": "Ada Lovelace of the engine", "age": 36, "mail": "ada@engine.org", "tags": ["first program", "poetical science"]}),
    "recursive": (TREE, {"label": "root", "children": [{"label": "a small leaf", "children": []}, {"label": "twig", "children": []}]}),
    "any JSON": ({}, {"a": [1, 2, {"b": None, "c": "some text and more of it"}], "d": -1.5}),
    "long text": ({"type": "string", "maxLength": 400}, "a plain sentence about nothing in particular, and then another one " * 4),
}  # fmt: skip


def vocabulary() -> Vocabulary:
    """The tokens."""
    words: Counter[str] = Counter()
    for file in sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).glob("*.py")):
        for word in re.findall(r" ?[A-Za-z]+", file.read_text(errors="replace")):
            words.update({word[:size] for size in (2, 3, 4, 5, 7, min(len(word), 16))})
    signs = [
        b'{"',
        b'":',
        b'":"',
        b'","',
        b'":[',
        b'"}',
        b'"]',
        b"]}",
        b"}]",
        b'"],"',
        b'":{"',
        b"[]",
        b"{}",
        b"null",
        b"true",
        b"false",
    ]
    pieces = dict.fromkeys(
        [*(bytes([byte]) for byte in range(256)), *signs, *(word.encode() for word, _ in words.most_common(SIZE))]
    )
    return Vocabulary((b"", *[*pieces][: SIZE - 1]), frozenset({0}))


def tokens(text: bytes, words: Vocabulary) -> list[int]:
    """The longest token at each place."""
    place, ids, found = {piece: id for id, piece in enumerate(words.pieces) if piece}, [], 0
    while found < len(text):
        size = next(size for size in range(20, 0, -1) if text[found : found + size] in place)
        ids.append(place[text[found : found + size]])
        found += size
    return ids


def follow(constraint: object, ids: list[int]) -> list[float]:
    """Milliseconds of each token."""
    state, taken = constraint.start, []  # type: ignore[attr-defined]
    for id in ids:
        start = time.perf_counter()
        constraint.mask(state)  # type: ignore[attr-defined]
        state = constraint.advance(state, id)  # type: ignore[attr-defined]
        taken.append(1e3 * (time.perf_counter() - start))
    assert constraint.is_final(state), "the text is whole"  # type: ignore[attr-defined]
    return taken


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    words = vocabulary()
    trie, guide, table = Trie(words.pieces), Guide(words), []
    print(f"{len(words.pieces):,} tokens, {processor()}, {time.strftime('%Y-%m-%d')}")
    for name, (schema, value) in CASES.items():
        ids = tokens(json.dumps(value, separators=(",", ":")).encode(), words)
        firsts, agains, theirs, makes = [], [], [], []
        for _ in range(3):
            start = time.perf_counter()
            ours = JsonConstraint(schema, words, trie)
            makes.append(1e3 * (time.perf_counter() - start))
            firsts.append(statistics.mean(follow(ours, ids)))
            agains.append(statistics.mean(follow(ours, ids)))
            theirs.append(
                statistics.mean(
                    follow(
                        guide.json_schema(schema),
                        [one for byte in json.dumps(value, separators=(",", ":")).encode() for one in [1 + byte]],
                    )
                )
            )
        row = {"made_ms": makes, "first_ms": firsts, "again_ms": agains, "llguidance_ms": theirs}
        table.append(
            {"schema": name, "tokens": len(ids)} | {key: statistics.median(values) for key, values in row.items()}
        )
    if asked.json:
        print(json.dumps(table))
        return
    print(
        f"{'schema':<14}{'tokens':>7}{'made ms':>9}{'ms a token':>12}{'share':>8}{'again':>9}{'share':>8}{'llguidance, a byte':>20}"
    )
    for one in table:
        print(f"{one['schema']:<14}{one['tokens']:7}{one['made_ms']:9.1f}{one['first_ms']:12.3f}{one['first_ms'] / STEP_MS:8.1%}{one['again_ms']:9.3f}"
              f"{one['again_ms'] / STEP_MS:8.1%}{one['llguidance_ms']:20.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
