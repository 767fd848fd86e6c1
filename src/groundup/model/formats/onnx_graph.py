"""A computation as a graph of nodes: plain data, written by formulas that read as they do in torch.

    x @ w + b    ->    Node("MatMul", (x, w), y)    Node("Add", (y, b), z)

A `Value` stands for what a node will make; arithmetic with it adds nodes to its graph. Which operators there are and what they
mean: onnx.ai/onnx/operators. What a model's graph is made of: `onnx_parts.py`, `onnx_attention.py`, `onnx.py`.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from groundup.errors import UnsupportedModel


class Node(NamedTuple):
    """One step: the operator, the names of what it reads, of what it makes, and its settings. also: what it makes besides."""

    operator: str
    reads: tuple[str, ...]
    makes: str
    settings: dict[str, Any]
    also: tuple[str, ...] = ()


def shortened(array: np.ndarray, stored: Any, name: str) -> np.ndarray:
    """The numbers in the format in which they are stored; UnsupportedModel where one would become infinite."""
    with np.errstate(over="ignore"):
        short = array.astype(stored)
    if not np.array_equal(np.isinf(short), np.isinf(array)):
        raise UnsupportedModel(
            f"{name} holds numbers beyond {np.finfo(stored).max:,.0f}, the largest of {np.dtype(stored)}; use float32"
        )
    return short


@dataclass
class Graph:
    """Nodes in the order in which they can be computed, the constants they read, and the names at the edges.

    inputs, outputs: name -> (element type, shape with words for open sizes). stored: in which format weights lie in the file.
    """

    stored: Any = np.float32
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: dict[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    outputs: dict[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)

    def node(self, operator: str, *reads: "Value", name: str = "", **settings: Any) -> "Value":
        """Add a step and give what it makes."""
        made = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(Node(operator, tuple(one.name for one in reads), made, settings))
        return Value(self, made)

    def pair(self, operator: str, *reads: "Value", **settings: Any) -> tuple["Value", "Value"]:
        """Add a step that makes two things, as TopK makes values and places."""
        first = self.node(operator, *reads, **settings)
        second = f"{first.name}_also"
        self.nodes[-1] = self.nodes[-1]._replace(also=(second,))
        return first, Value(self, second)

    def input(self, name: str, kind: str, *shape: Any) -> "Value":
        """What is given from outside."""
        self.inputs[name] = (kind, shape)
        return Value(self, name)

    def output(self, value: "Value", name: str, kind: str, *shape: Any) -> None:
        """What is handed out, under a name of its own."""
        self.node("Identity", value, name=name)
        self.outputs[name] = (kind, shape)

    def constant(self, value: Any, dtype: Any = np.float32) -> "Value":
        """A number or array; the same one is kept once."""
        array = np.asarray(value, dtype=dtype)
        kind = f"{array.dtype}_{'x'.join(map(str, array.shape))}".rstrip("_")
        name = f"const_{kind}_{hashlib.sha256(array.tobytes()).hexdigest()[:12]}"
        self.constants[name] = array
        return Value(self, name)

    def weight(self, name: str, tensor: torch.Tensor, turned: bool = False, exact: bool = False) -> "Value":
        """A weight under its own name, cast to float32 where it is stored shorter; exact: never stored shorter.

        turned: (inputs, outputs), as MatMul reads it. UnsupportedModel: a number that is too large to be stored shorter.
        """
        name = f"{name}.T" if turned else name
        stored = np.float32 if exact else self.stored
        if name not in self.constants:
            array = tensor.detach().float().cpu().numpy()
            self.constants[name] = np.ascontiguousarray(shortened(array.T if turned else array, stored, name))
        value = Value(self, name)
        return value if stored == np.float32 else self.node("Cast", value, to="FLOAT")


@dataclass(frozen=True, eq=False)
class Value:
    """What a node makes, by name; arithmetic with it adds nodes, so that a formula reads as it does in torch."""

    graph: Graph
    name: str

    def _with(self, operator: str, other: Any) -> "Value":
        other = other if isinstance(other, Value) else self.graph.constant(other)
        return self.graph.node(operator, self, other)

    def __neg__(self) -> "Value":
        return self.node("Neg")

    def __add__(self, other: Any) -> "Value":
        return self._with("Add", other)

    def __sub__(self, other: Any) -> "Value":
        return self._with("Sub", other)

    def __mul__(self, other: Any) -> "Value":
        return self._with("Mul", other)

    def __truediv__(self, other: Any) -> "Value":
        return self._with("Div", other)

    def __matmul__(self, other: "Value") -> "Value":
        return self._with("MatMul", other)

    def node(self, operator: str, *reads: "Value", **settings: Any) -> "Value":
        """Add a step that reads this first."""
        return self.graph.node(operator, self, *reads, **settings)

    def reshaped(self, *shape: int) -> "Value":
        """The same numbers in another shape; 0 keeps an axis, -1 takes the rest."""
        return self.node("Reshape", self.graph.constant(shape, np.int64))

    def turned(self, *axes: int) -> "Value":
        """The axes in another order."""
        return self.node("Transpose", perm=list(axes))

    def widened(self, *axes: int) -> "Value":
        """New axes of size 1."""
        return self.node("Unsqueeze", self.graph.constant(axes, np.int64))

    def part(self, start: int, end: int, axis: int = -1, step: int = 1) -> "Value":
        """A slice of one axis."""
        numbers = (start, end, axis) if step == 1 else (start, end, axis, step)
        return self.node("Slice", *(self.graph.constant([number], np.int64) for number in numbers))

    def joined(self, other: "Value", axis: int) -> "Value":
        """Two side by side."""
        return self.node("Concat", other, axis=axis)

    def cast(self, kind: str) -> "Value":
        """The same numbers as another type of ONNX, such as "FLOAT"."""
        return self.node("Cast", to=kind)

    def size(self, axis: int) -> "Value":
        """The size of one axis, a single number."""
        return self.node("Shape").node("Gather", self.graph.constant(axis, np.int64), axis=0)
