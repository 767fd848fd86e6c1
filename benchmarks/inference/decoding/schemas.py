"""Random schemas and prompts through the engine: every answer is what its schema accepts, and the two constraint engines allow the same bytes all along.

    python benchmarks/inference/decoding/schemas.py [--count 10000] [--first 0] [--json]

A model of random weights answers a random prompt at temperature 1 with a random schema as its constraint, one seed by our engine and the next by llguidance,
sixteen at a time. Each answer that ended is read as JSON and validated by jsonschema-rs; then its bytes are followed by both engines over a vocabulary of
single bytes, and their masks are compared before every byte (over longer tokens llguidance allows one cut alone of what is forced). An answer that the length
cut is compared up to there and not validated. Objects are closed, since llguidance lets open ones spell a key in more ways; open bounds are of whole numbers
alone, since above an open 14 llguidance refuses 14.010, which ours writes; a number without a maximum has no minimum below 0, since there llguidance knows
no -0 (with a maximum it does); and no number has 0 as its maximum, since there llguidance refuses 0.0. All of these are valid, only spelled in more ways by
one of the two.
A model that knows no JSON would write strings without end, so the signs that close things are made likelier, as a trained model makes them.
"""

import argparse
import json
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import numpy as np
import torch

from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.decoding.constrained.guided import Guide
from groundup.inference.decoding.constrained.json_schema import JsonConstraint
from groundup.inference.decoding.constrained.masks import Trie, Vocabulary
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.processor import processor

RUNS = (b'{"', b'":', b'":"', b'","', b'":[', b'"}', b'"]', b"]}", b"}]", b"[]", b"{}", b"null", b"true", b"false",
        b"-1", b"12", b"ab", b"\xc3\xa9", b'"a', b", ")  # fmt: skip
WORDS = Vocabulary((b"", *(bytes([byte]) for byte in range(256)), *RUNS), frozenset({0}))
BYTES = Vocabulary(WORDS.pieces[:257], frozenset({0}))
ROWS, PROMPT, NEW = 16, 24, 160
SHOWN = 5  # failures that are printed


def schema_of(source: np.random.Generator, depth: int = 0) -> dict[str, Any]:
    """A schema of what both engines follow."""
    single = ["integer", "number", "string", "boolean", "null", "enum", "const", "multiple", "types", "all", "one"]
    kinds = single + ["object", "array", "any", "object", "array"] * (2 if depth < 3 else 0)
    kind = kinds[source.integers(len(kinds))]
    if kind in COMPOSED:
        return COMPOSED[kind](source, depth + 1)
    return SINGLE[kind](source) if kind in SINGLE else {"type": kind}


def number_of(source: np.random.Generator, kind: str) -> dict[str, Any]:
    """A number, free or between bounds, of whole numbers open ones too."""
    low, made, kinds = int(source.integers(-20, 20)), {"type": kind}, 2 if kind == "integer" else 1
    if source.random() < 0.4:
        return made
    bounded = source.random() < 0.6
    low = low if bounded else abs(low)
    made |= {("minimum", "exclusiveMinimum")[source.integers(kinds)]: low}
    if bounded:
        name, high = ("maximum", "exclusiveMaximum")[source.integers(kinds)], low + int(source.integers(2, 300))
        made[name] = high + (high == 0 and kind == "number")
    return made


def string_of(source: np.random.Generator) -> dict[str, Any]:
    """A text: free, of some length, of a pattern or a format."""
    made = [{}, {"minLength": int(source.integers(0, 3)), "maxLength": int(source.integers(3, 9))}, {"pattern": "^[a-c]+x?$"}, {"pattern": "[0-9]"},
            {"format": "date"}, {"format": "uuid"}, {"minLength": 2}]  # fmt: skip
    return {"type": "string"} | made[source.integers(len(made))]


def object_of(source: np.random.Generator, depth: int) -> dict[str, Any]:
    """A closed object, some of its properties required."""
    names = [name for name in ("a", "b", "né", 'q"', "long name") if source.random() < 0.6]
    made = {"type": "object", "properties": {name: schema_of(source, depth) for name in names}}
    return made | {"additionalProperties": False, "required": [name for name in names if source.random() < 0.6]}


def array_of(source: np.random.Generator, depth: int) -> dict[str, Any]:
    """A list with bounds, now and then with first items of their own."""
    made = {"type": "array", "items": schema_of(source, depth), "minItems": int(source.integers(0, 3))}
    made |= {"maxItems": int(source.integers(3, 5))} if source.random() < 0.7 else {}
    return made | ({"prefixItems": [schema_of(source, depth)]} if source.random() < 0.3 else {})


def one_of(source: np.random.Generator, depth: int) -> dict[str, Any]:
    """Options of different types."""
    return {"oneOf": [{"type": "null"}, number_of(source, "integer"), string_of(source)][: source.integers(2, 4)]}


SINGLE = {
    "integer": lambda source: number_of(source, "integer"),
    "number": lambda source: number_of(source, "number"),
    "string": string_of,
    "enum": lambda source: {"enum": [[1, "a"], ["on", "off"], [None, True], [{"a": [1]}, 2.5], ["é", ""]][source.integers(5)]},
    "const": lambda source: {"const": [3, "x y", None, False, [1, "a"], {"k": 0}][source.integers(6)]},
    "multiple": lambda source: {"type": "integer", "multipleOf": int(source.integers(1, 9)), "minimum": 0, "maximum": 90},
    "types": lambda source: {"type": [["integer", "string"], ["null", "boolean"], ["string", "null"]][source.integers(3)]},
    "all": lambda source: {"allOf": [{"type": "integer", "minimum": int(source.integers(0, 5))}, {"maximum": int(source.integers(5, 50))}]},
}  # fmt: skip
COMPOSED: Any = {
    "object": object_of,
    "array": array_of,
    "one": one_of,
    "any": lambda source, depth: {"anyOf": [schema_of(source, depth) for _ in range(source.integers(1, 4))]},
}


def ending(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Make what closes likelier."""
    return logits + CLOSES


CLOSES = torch.tensor(
    [3.5 if not piece else 3.0 if piece[:1] in b'"]}' else 1.5 if piece.isalnum() else 0.0 for piece in WORDS.pieces]
)


def differing(schema: Any, text: bytes, guide: Guide, trie: Trie) -> str | None:
    """Where the two engines do not allow the same bytes along a text; None: nowhere."""
    ours, other = JsonConstraint(schema, BYTES, trie), guide.json_schema(schema)
    state, their = ours.start, other.start
    for place, byte in enumerate((*text, None)):
        mine, theirs = ours.mask(state), other.mask(their)
        if not torch.equal(mine, theirs):
            return f"after {text[:place]!r} only one engine allows {(torch.nonzero(mine != theirs)[:, 0] - 1).tolist()[:8]}"
        if byte is not None:
            state, their = ours.advance(state, byte + 1), other.advance(their, byte + 1)
    return None


class Run:
    """Answers by seed, and what was found of them."""

    def __init__(self) -> None:
        shape = Qwen3Config(vocab_size=len(WORDS.pieces), hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                            num_key_value_heads=2, head_dim=8, max_position_embeddings=256, tie_word_embeddings=True)  # fmt: skip
        self.engine = Engine(SimpleNamespace(module=build(shape, seed=0).eval()), EngineConfig(max_rows=ROWS, compiled=None))
        self.trie, self.guide = Trie(WORDS.pieces), Guide(WORDS)
        self.byte_trie, self.byte_guide = Trie(BYTES.pieces), Guide(BYTES)
        self.found: Counter[str] = Counter()
        self.failures: list[str] = []

    def request(self, seed: int) -> tuple[str, Any]:
        """Ask for one answer; its name and schema."""
        source = np.random.default_rng([7, seed])
        schema = schema_of(source)
        constraint: Any = JsonConstraint(schema, WORDS, self.trie) if seed % 2 else self.guide.json_schema(schema)
        prompt = source.integers(1, len(WORDS.pieces), source.integers(1, PROMPT)).tolist()
        sampling = SamplingConfig(max_new_tokens=NEW, seed=seed, order=(ending, *OFF))
        asked = Request(
            prompt_ids=prompt, sampling=sampling, stop_ids=[0], constraint=constraint, request_id=f"seed {seed}"
        )
        return self.engine.add(asked), schema

    def judge(self, name: str, schema: Any, ids: list[int], reason: str) -> None:
        """Validate one answer, and follow it in both engines."""
        text = b"".join(WORDS.pieces[id] for id in ids)
        self.found["answers"] += 1
        self.found["bytes"] += len(text)
        if reason == "stop":
            self.found["ended"] += 1
            try:
                value = json.loads(text)
                if "Infinity" not in json.dumps(value):  # 1e999 is JSON, and no float
                    jsonschema_rs.validate(schema, value)
            except ValueError as error:  # also jsonschema-rs' own
                self.fail("invalid", f"{name}: {schema} {text!r}: {str(error).splitlines()[0]}")
        elif reason != "length":
            self.fail("refused", f"{name}: {schema}: {reason}")
        if (where := differing(schema, text, self.byte_guide, self.byte_trie)) is not None:
            self.fail("disagreed", f"{name}: {schema}: {where}")

    def fail(self, kind: str, line: str) -> None:
        """Count a failure, and keep the first few."""
        self.found[kind] += 1
        if len(self.failures) < SHOWN:
            self.failures.append(line)
            print(line, flush=True)

    def answers(self, seeds: range) -> None:
        """Ask for all of them, sixteen at a time."""
        coming, ids, schemas = iter(seeds), dict[str, list[int]](), dict[str, Any]()
        while True:
            while len(schemas) < ROWS and (seed := next(coming, None)) is not None:
                name, schema = self.request(seed)
                ids[name], schemas[name] = [], schema
            if not schemas:
                return
            for event in self.engine.step():
                ids[event.request_id] += event.ids
                if event.finish_reason is not None:
                    reason = event.message if event.finish_reason == "error" else event.finish_reason
                    self.judge(event.request_id, schemas.pop(event.request_id), ids.pop(event.request_id), reason)


def main() -> None:
    """Print the counts; status 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    run, begun = Run(), time.perf_counter()
    for start in range(asked.first, asked.first + asked.count, 500):
        run.answers(range(start, min(start + 500, asked.first + asked.count)))
        if not asked.json:
            print(f"{dict(run.found)}, {time.perf_counter() - begun:.0f} s", flush=True)
    found = {name: run.found[name] for name in ("answers", "ended", "bytes", "invalid", "refused", "disagreed")}
    if asked.json:
        print(json.dumps(found))
    else:
        print(
            f"{found['answers']:,} schemas, {found['ended']:,} answers ended, {found['bytes']:,} bytes followed in both engines: {found['invalid']} invalid, "
            f"{found['refused']} refused, {found['disagreed']} disagreed; {processor()}, {time.strftime('%Y-%m-%d')}"
        )
    raise SystemExit(bool(run.failures))


if __name__ == "__main__":
    main()
