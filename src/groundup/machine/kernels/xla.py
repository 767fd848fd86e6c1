"""What XLA makes of a step: its program read, its fusions counted, and the arrays that never reach memory.

A step of a model is a list of operations on arrays, and each array that one writes and the next reads goes through memory. XLA is
given the whole list and joins operations into one loop each (a fusion): what lies between them lives in registers. On
this side of the roofline that is what a compiler can win, since it saves bytes and not operations.

    lower(function, *arguments)     jax traces the function and compiles it: (program before, program after), as HLO text
    read(text)                      the text as computations of instructions
    Program.fusions                 the fused loops: what they read, what they write, and what stays inside

HLO is XLA's own form: a module of computations, one of them the entry, each a list of `name = shape operation(operands)`; a fusion
is an instruction that calls a computation. Its text is not a stable format, so only shapes, operations and calls are read.
What is here compiled for a CPU is compiled for a TPU in the same way, with other fusions and with tiled layouts.
Snider and Liang 2023, arXiv:2301.13062, measure what fusion brings. Left out: buffer assignment, sharding, layouts.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from groundup.errors import FormatError
from groundup.machine.kernels.jax_step import numpy

BYTES = {
    "pred": 1, "s4": 0.5, "u4": 0.5, "s8": 1, "u8": 1, "s16": 2, "u16": 2, "s32": 4, "u32": 4, "s64": 8, "u64": 8, "f16": 2, "bf16": 2,
    "f32": 4, "f64": 8, "c64": 8, "c128": 16, "f8e4m3fn": 1, "f8e5m2": 1,
}  # fmt: skip
NO_DATA = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}  # names for what is there already
HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*\{$|^(ENTRY )?%?([\w.\-]+) \{$")
LINE = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = (\((?:[^()]|\([^()]*\))*\)|\S+) ([\w\-]+)\((.*)$")
CALL = re.compile(r"(?:calls|to_apply|body|condition)=%?([\w.\-]+)")
ARRAY = re.compile(r"\b([a-z]\w*)\[([\d,]*)\]")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One array that is made. bytes: of its result, all parts of a tuple together."""

    name: str
    operation: str
    shape: str
    bytes: float
    root: bool
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fusion:
    """A loop made of several operations. inside: what it computes and hands to nobody but itself."""

    name: str
    operations: tuple[str, ...]
    written: float
    inside: tuple[Instruction, ...]

    @property
    def bytes_inside(self) -> float:
        """Bytes of the arrays that never reach memory."""
        return sum(one.bytes for one in self.inside)


@dataclass(frozen=True, slots=True)
class Program:
    """A module of HLO: computations by name, and which of them is the entry."""

    computations: dict[str, list[Instruction]]
    entry: str

    def fusions(self) -> list[Fusion]:
        """The fused loops in the order in which they stand."""
        return [self._fusion(one) for one in self.steps() if one.operation == "fusion"]

    def steps(self) -> Iterator[Instruction]:
        """What is carried out one after the other: the entry's instructions, and those of what it calls but does not fuse."""
        todo, seen = [self.entry], set()
        while todo:
            name = todo.pop(0)
            for one in self.computations[name]:
                if one.operation in ("call", "while", "conditional"):
                    todo += [called for called in one.calls if called not in seen]
                    seen |= set(one.calls)
                yield one

    def operations(self) -> Counter[str]:
        """How often each operation stands in the program, inside fusions too; names for what is there already are not counted."""
        every = (one.operation for lines in self.computations.values() for one in lines)
        return Counter(one for one in every if one not in NO_DATA and one not in ("fusion", "call"))

    def written(self) -> float:
        """Bytes of all arrays that are written to memory: the results of what is carried out."""
        return sum(one.bytes for one in self.steps() if one.operation not in NO_DATA | {"call", "while", "conditional"})

    def _fusion(self, one: Instruction) -> Fusion:
        lines = self.computations[one.calls[0]]
        made = [line for line in lines if line.operation not in NO_DATA]
        results = {line.name for line in lines if line.root}
        inside = tuple(line for line in made if line.name not in results and line.shape.count("[]") == 0)
        return Fusion(one.name, tuple(line.operation for line in made), one.bytes, inside)


def size(shape: str) -> float:
    """Bytes of a shape as HLO writes it, all parts of a tuple together.

    >>> size("f32[4,8]{1,0}"), size("(bf16[2]{0}, s32[])")
    (128, 8)
    """
    return sum(
        BYTES.get(kind, 0) * prod(map(int, filter(None, sides.split(",")))) for kind, sides in ARRAY.findall(shape)
    )


def read(text: str) -> Program:
    """Read HLO text; FormatError for text that is none."""
    computations: dict[str, list[Instruction]] = {}
    entry, lines = "", None
    for line in text.splitlines():
        if head := HEAD.match(line):
            name = head[2] or head[4]
            lines = computations.setdefault(name, [])
            entry = name if head[1] or head[3] else entry
        elif line.startswith("}"):
            lines = None
        elif lines is not None and (found := LINE.match(line)):
            root, name, shape, operation, rest = found.groups()
            lines.append(Instruction(name, operation, shape, size(shape), bool(root), tuple(CALL.findall(rest))))
    if not entry:
        raise FormatError(
            "this is no HLO: it has no ENTRY computation; give the text of `lower` or of jax's compiled.as_text()"
        )
    return Program(computations, entry)


def lower(function: Callable[..., Any], *arguments: Any) -> tuple[Program, Program]:
    """Trace a function of arrays and compile it for this machine: its program as jax wrote it, and as XLA will run it.

    Nothing is computed. MissingExtra with the pip line where jax is not installed.
    """
    numpy()
    import jax

    lowered: Any = jax.jit(function).lower(*arguments)
    before = lowered.compiler_ir("hlo").as_hlo_text()
    return read(before), read(lowered.compile().as_text())


def lower_gradients(function: Callable[..., Any], *arguments: Any) -> tuple[Program, Program]:
    """`lower` for the way forward and back: the gradients of the sum of what a function gives, by all of its arguments."""
    numpy()
    import jax

    whole = jax.grad(lambda *given: function(*given).sum(), argnums=tuple(range(len(arguments))))
    return lower(whole, *arguments)


@dataclass(frozen=True, slots=True)
class Saved:
    """What compiling saved. operations: as traced. steps: what is carried out one after the other. bytes: written to memory."""

    operations: int
    steps: int
    fusions: int
    bytes_before: float
    bytes_after: float
    bytes_inside: float


def saved(before: Program, after: Program) -> Saved:
    """Compare a program as it was traced with what XLA made of it."""
    fusions = after.fusions()
    return Saved(
        operations=before.operations().total(),
        steps=sum(one.operation not in NO_DATA for one in after.steps()),
        fusions=len(fusions),
        bytes_before=before.written(),
        bytes_after=after.written(),
        bytes_inside=sum(one.bytes_inside for one in fusions),
    )
