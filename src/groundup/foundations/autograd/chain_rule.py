"""The chain rule as a computational graph of scalars, drawn and walked.

Each operation makes a node that knows its value, the nodes it came from, and its local derivatives: for z = xy they are
∂z/∂x = y and ∂z/∂y = x. The derivative of a result by an input is the sum, over all paths between them, of the product
of the local derivatives along the path. There may be exponentially many paths; one walk back from the result, each node
after all that used it, sums them all with one multiplication an edge. That walk is backpropagation (Linnainmaa 1970;
Rumelhart, Hinton & Williams 1986), and it gives the derivatives by all inputs at once; a walk forward gives those of all
results by one input.

`drawing` gives the graph as plain data, which `groundup.plots.flow.flow_chart` draws. Left out: arrays (`autodiff.py`).
"""

import math
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from groundup.errors import InputError
from groundup.slots import slot

Item = TypeVar("Item", bound=Hashable)
MOST_PATHS = 100_000


@slot
def topological_order(root: Item, parents: Callable[[Item], Iterable[Item]]) -> list[Item]:
    """List everything that `root` was made from, each item once and after all its own parents; `root` comes last.

    parents(item) gives the items it was made from. Kahn 1962 names the order; this is a depth-first walk with a stack of
    its own, since a graph may be deeper than Python can call itself.
    """
    order: list[Item] = []
    seen = {root}
    stack = [(root, iter(parents(root)))]
    while stack:
        item, rest = stack[-1]
        for parent in rest:
            if parent not in seen:
                seen.add(parent)
                stack.append((parent, iter(parents(parent))))
                break
        else:
            order.append(item)
            stack.pop()
    return order


@dataclass(eq=False, slots=True)
class Node:
    """A number in a graph. locals: the derivative of this number by each of its parents; gradient: of the result by this."""

    value: float
    name: str = ""
    operation: str = ""
    parents: tuple["Node", ...] = ()
    locals: tuple[float, ...] = ()
    gradient: float = field(default=0.0)

    def __add__(self, other: "Node | float") -> "Node":
        """x + y."""
        y = _node(other)
        return Node(self.value + y.value, "", "+", (self, y), (1.0, 1.0))

    def __mul__(self, other: "Node | float") -> "Node":
        """x · y; a number's local derivative is the other number."""
        y = _node(other)
        return Node(self.value * y.value, "", "*", (self, y), (y.value, self.value))

    def __sub__(self, other: "Node | float") -> "Node":
        """x - y."""
        y = _node(other)
        return Node(self.value - y.value, "", "-", (self, y), (1.0, -1.0))

    def __truediv__(self, other: "Node | float") -> "Node":
        """x / y."""
        y = _node(other)
        if y.value == 0:
            raise InputError(f"{self.value:g} is divided by 0; add a small number to the divisor")
        return Node(self.value / y.value, "", "/", (self, y), (1 / y.value, -self.value / y.value**2))

    def __pow__(self, exponent: float) -> "Node":
        """x to a fixed power."""
        x = self.value
        if (x < 0 and exponent != int(exponent)) or (x == 0 and exponent < 1):
            raise InputError(f"{x:g} to the power {exponent:g} has no derivative; use a positive base")
        return Node(x**exponent, "", f"^{exponent:g}", (self,), (exponent * x ** (exponent - 1),))

    def __neg__(self) -> "Node":
        """-x."""
        return Node(-self.value, "", "-", (self,), (-1.0,))

    def __radd__(self, other: float) -> "Node":
        """A number + x."""
        return _node(other) + self

    def __rmul__(self, other: float) -> "Node":
        """A number · x."""
        return _node(other) * self

    def __rsub__(self, other: float) -> "Node":
        """A number - x."""
        return _node(other) - self

    def __rtruediv__(self, other: float) -> "Node":
        """A number / x."""
        return _node(other) / self

    def exp(self) -> "Node":
        """e to the x; its derivative is itself."""
        value = math.exp(self.value)
        return Node(value, "", "exp", (self,), (value,))

    def log(self) -> "Node":
        """The natural logarithm; its derivative is 1/x."""
        if self.value <= 0:
            raise InputError(f"the logarithm of {self.value:g} is no number; use a positive one")
        return Node(math.log(self.value), "", "log", (self,), (1 / self.value,))

    def tanh(self) -> "Node":
        """The hyperbolic tangent t; its derivative is 1 - t²."""
        value = math.tanh(self.value)
        return Node(value, "", "tanh", (self,), (1 - value * value,))

    def relu(self) -> "Node":
        """max(x, 0); the derivative is 1 above 0 and taken as 0 at 0."""
        return Node(max(self.value, 0.0), "", "relu", (self,), (float(self.value > 0),))

    def backward(self) -> None:
        """Give every node of the graph the derivative of this one by it."""
        order = topological_order(self, attrgetter("parents"))
        for node in order:
            node.gradient = 0.0
        self.gradient = 1.0
        for node in reversed(order):
            for parent, local in zip(node.parents, node.locals, strict=True):
                parent.gradient += local * node.gradient


def _node(value: "Node | float") -> Node:
    """A number as a node without parents."""
    if isinstance(value, Node):
        return value
    if isinstance(value, int | float):
        return Node(float(value), f"{value:g}")
    raise InputError(f"{type(value).__name__} is no number of a scalar graph; use autodiff.Tensor for arrays")


def variables(**values: float) -> tuple[Node, ...]:
    """Named inputs of a graph.

    >>> x, y = variables(x=2.0, y=3.0)
    >>> (x * y + x).backward()
    >>> x.gradient, y.gradient
    (4.0, 2.0)
    """
    return tuple(Node(float(value), name) for name, value in values.items())


def forward_derivative(result: Node, by: Node) -> float:
    """The derivative of a result by one input in a walk forward: each node's own derivative from its parents'.

    >>> (x,) = variables(x=2.0)
    >>> forward_derivative(x**3 + x, x)
    13.0
    """
    tangents: dict[Node, float] = {}
    for node in topological_order(result, attrgetter("parents")):
        parts = zip(node.parents, node.locals, strict=True)
        tangents[node] = 1.0 if node is by else sum(local * tangents[parent] for parent, local in parts)
    return tangents[result]


def paths(result: Node, to: Node) -> list[tuple[list[Node], float]]:
    """Every path from a result back to an input, with the product of the local derivatives along it.

    Their sum is the derivative. There can be exponentially many: more than 100,000 are refused.
    """
    number = count_paths(result, to)
    if number > MOST_PATHS:
        raise InputError(f"there are {number:,} paths; call backward(), which walks each edge once")
    leads = _counts(result, to)
    found, stack = [], [([result], 1.0)]
    while stack:
        path, product = stack.pop()
        if path[-1] is to:
            found.append((path, product))
            continue
        for parent, local in zip(path[-1].parents, path[-1].locals, strict=True):
            if leads[parent]:
                stack.append(([*path, parent], product * local))
    return found


def count_paths(result: Node, to: Node) -> int:
    """How many paths lead from a result back to an input, counted without walking them."""
    return _counts(result, to)[result]


def _counts(result: Node, to: Node) -> dict[Node, int]:
    counts: dict[Node, int] = {}
    for node in topological_order(result, attrgetter("parents")):
        counts[node] = 1 if node is to else sum(counts[parent] for parent in node.parents)
    return counts


def drawing(result: Node) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """The graph as plain data: boxes {id: what stands in it} and arrows (from, to, local derivative).

    A box shows the operation or the name, the value, and the gradient that the last `backward` gave.
    """
    order = topological_order(result, attrgetter("parents"))
    ids = {node: f"n{number}" for number, node in enumerate(order)}
    boxes = {ids[node]: _box(node) for node in order}
    arrows = [
        (ids[parent], ids[node], f"{local:.3g}")
        for node in order
        for parent, local in zip(node.parents, node.locals, strict=True)
    ]
    return boxes, arrows


def _box(node: Node) -> str:
    label = " ".join(part for part in (node.name, node.operation) if part)
    return f"{label}\n{node.value:.4g}\ngradient {node.gradient:.4g}"


def table(result: Node) -> list[dict[str, Any]]:
    """The walk back as rows, in its order: operation, value, gradient, and how many nodes used this one."""
    order = topological_order(result, attrgetter("parents"))
    uses: dict[Node, int] = dict.fromkeys(order, 0)
    for node in order:
        for parent in node.parents:
            uses[parent] += 1
    return [
        {"node": node.name or node.operation, "value": node.value, "gradient": node.gradient, "used": uses[node]}
        for node in reversed(order)
    ]
