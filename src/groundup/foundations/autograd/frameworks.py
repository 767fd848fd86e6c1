"""One network, the same gradients: by hand, in our autodiff, in PyTorch, in JAX and in TensorFlow, where they are installed.

Two ways to get a graph. *Define by run* (our `Tensor`, PyTorch, TensorFlow's tape): each operation computes its value and
notes it; the graph is whatever the program did this time, so `if` and `while` on values just work, and nothing is known
beforehand. *Traced* (JAX, `torch.compile`, `tf.function`): the function runs once on stand-ins without values; what it did
to them is a program that can be improved and compiled, and that runs again without Python. Its price: an `if` on a value
has no answer while tracing. `trace` is the smallest form of the second: `Program` shows it, improves it, runs it.

Sources: Paszke et al. 2019 (PyTorch), Frostig, Johnson & Leary 2018 (JAX), Abadi et al. 2016 (TensorFlow).
Left out: compiling a program, loops inside it, and its gradient as another program.
"""

import importlib
import importlib.util
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.foundations.autograd import backprop
from groundup.foundations.autograd.autodiff import Array, Tensor, where
from groundup.foundations.autograd.backprop import Layer
from groundup.foundations.autograd.functions import cross_entropy

Answer = tuple[float, list[Layer]]  # the loss, and its gradient by (weight, bias) of each layer
PACKAGES = {"PyTorch": "torch", "JAX": "jax", "TensorFlow": "tensorflow"}


# ───────── one network, five ways ─────────


def by_autodiff(x: Array, targets: Array, layers: Sequence[Layer]) -> Answer:
    """The loss and its gradients in our own autodiff."""
    parameters = [(Tensor(weight, True), Tensor(bias, True)) for weight, bias in layers]
    a: Any = Tensor(x)
    for number, (weight, bias) in enumerate(parameters, 1):
        z = a @ weight + bias
        a = z if number == len(parameters) else z.tanh()
    loss = cross_entropy(a, targets)
    loss.backward()
    return loss.item(), [(np.asarray(weight.grad), np.asarray(bias.grad)) for weight, bias in parameters]


def by_torch(x: Array, targets: Array, layers: Sequence[Layer]) -> Answer:
    """The same in PyTorch: the gradients are left at the tensors that asked for them."""
    torch = _package("torch")
    parameters = [tuple(torch.tensor(one, requires_grad=True) for one in layer) for layer in layers]
    a = torch.tensor(x)
    for number, (weight, bias) in enumerate(parameters, 1):
        z = a @ weight + bias
        a = z if number == len(parameters) else torch.tanh(z)
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(targets))
    loss.backward()
    return loss.item(), [(weight.grad.numpy(), bias.grad.numpy()) for weight, bias in parameters]


def by_jax(x: Array, targets: Array, layers: Sequence[Layer]) -> Answer:
    """The same in JAX: `grad` makes a function out of a function; float64 is asked for here alone."""
    jax = _package("jax")

    def loss_of(parameters: list[Any]) -> Any:
        a: Any = x
        for number, (weight, bias) in enumerate(parameters, 1):
            z = a @ weight + bias
            a = z if number == len(parameters) else jax.numpy.tanh(z)
        return -jax.nn.log_softmax(a)[np.arange(len(targets)), targets].mean()

    with jax.enable_x64(True):
        parameters = [tuple(jax.numpy.asarray(one) for one in layer) for layer in layers]
        loss, gradients = jax.jit(jax.value_and_grad(loss_of))(parameters)
        return float(loss), [(np.asarray(weight), np.asarray(bias)) for weight, bias in gradients]


def by_tensorflow(x: Array, targets: Array, layers: Sequence[Layer]) -> Answer:
    """The same in TensorFlow: a tape listens while the network runs."""
    tf = _package("tensorflow")
    parameters = [tuple(tf.Variable(one) for one in layer) for layer in layers]
    with tf.GradientTape() as tape:
        a = tf.constant(x)
        for number, (weight, bias) in enumerate(parameters, 1):
            z = a @ weight + bias
            a = z if number == len(parameters) else tf.tanh(z)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=a))
    gradients = tape.gradient(loss, parameters)
    return float(loss), [(weight.numpy(), bias.numpy()) for weight, bias in gradients]


WAYS: dict[str, Callable[[Array, Array, Sequence[Layer]], Answer]] = {
    "by hand": backprop.loss_and_gradients,
    "our autodiff": by_autodiff,
    "PyTorch": by_torch,
    "JAX": by_jax,
    "TensorFlow": by_tensorflow,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """One way's loss, and its largest difference from the gradients by hand, relative to the largest of them."""

    way: str
    loss: float
    error: float


def installed() -> list[str]:
    """The ways that work here: the first two always, a framework where its package is found."""
    return [way for way in WAYS if way not in PACKAGES or importlib.util.find_spec(PACKAGES[way])]


def compare(x: Array, targets: Array, layers: Sequence[Layer]) -> list[Agreement]:
    """The same network and examples in every installed way, beside the gradients by hand."""
    _, expected = backprop.loss_and_gradients(x, targets, layers)
    found = []
    for way in installed():
        loss, gradients = WAYS[way](x, targets, layers)
        pairs = [
            (a, b) for one, other in zip(gradients, expected, strict=True) for a, b in zip(one, other, strict=True)
        ]
        scale = max(float(np.abs(b).max()) for _, b in pairs)
        found.append(Agreement(way, loss, max(float(np.abs(a - b).max()) for a, b in pairs) / scale))
    return found


def _package(name: str) -> Any:
    """A framework, imported when it is asked for: this room needs none of them."""
    if importlib.util.find_spec(name) is None:
        raise InputError(f"{name} is not installed; run: pip install {name}, or use a way that installed() names")
    return importlib.import_module(name)


# ───────── a traced graph ─────────

OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "matmul": operator.matmul,
    "neg": operator.neg,
    "exp": Tensor.exp,
    "log": Tensor.log,
    "tanh": Tensor.tanh,
    "relu": Tensor.relu,
    "sum": Tensor.sum,
    "greater": lambda a, b: (a - b).data > 0,
    "choose": where,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a program: result = operation(inputs), where an input is an earlier result's name or a number."""

    result: str
    operation: str
    inputs: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.result} = {self.operation} {' '.join(str(one) for one in self.inputs)}"


class Symbol:
    """A stand-in without a value: what is done to it is written down."""

    def __init__(self, name: str, steps: list[Step]) -> None:
        self.name, self.steps = name, steps

    def _note(self, operation: str, *inputs: Any) -> "Symbol":
        made = Symbol(f"t{len(self.steps)}", self.steps)
        self.steps.append(Step(made.name, operation, tuple(_written(one) for one in inputs)))
        return made

    def __add__(self, other: Any) -> "Symbol":
        """Write down a + b."""
        return self._note("add", self, other)

    def __radd__(self, other: Any) -> "Symbol":
        """Write down b + a."""
        return self._note("add", other, self)

    def __sub__(self, other: Any) -> "Symbol":
        """Write down a - b."""
        return self._note("sub", self, other)

    def __rsub__(self, other: Any) -> "Symbol":
        """Write down b - a."""
        return self._note("sub", other, self)

    def __mul__(self, other: Any) -> "Symbol":
        """Write down a * b."""
        return self._note("mul", self, other)

    def __rmul__(self, other: Any) -> "Symbol":
        """Write down b * a."""
        return self._note("mul", other, self)

    def __truediv__(self, other: Any) -> "Symbol":
        """Write down a / b."""
        return self._note("div", self, other)

    def __pow__(self, other: Any) -> "Symbol":
        """Write down a ** b."""
        return self._note("pow", self, other)

    def __matmul__(self, other: Any) -> "Symbol":
        """Write down a @ b."""
        return self._note("matmul", self, other)

    def __neg__(self) -> "Symbol":
        """Write down -a."""
        return self._note("neg", self)

    def __gt__(self, other: Any) -> "Symbol":
        """Write down a > b."""
        return self._note("greater", self, other)

    def exp(self) -> "Symbol":
        """Write down exp a."""
        return self._note("exp", self)

    def log(self) -> "Symbol":
        """Write down log a."""
        return self._note("log", self)

    def tanh(self) -> "Symbol":
        """Write down tanh a."""
        return self._note("tanh", self)

    def relu(self) -> "Symbol":
        """Write down relu a."""
        return self._note("relu", self)

    def sum(self) -> "Symbol":
        """Write down the sum over all axes."""
        return self._note("sum", self)

    def __bool__(self) -> bool:
        """Refuse: while tracing there is no value to decide by."""
        raise InputError(
            f"{self.name} has no value while the function is traced, so no `if` can ask for it; use choose(condition, a, b)"
        )


def choose(condition: Any, a: Any, b: Any) -> Any:
    """a where a condition holds, else b, in both worlds: computed for tensors, written down for stand-ins."""
    if isinstance(condition, Symbol):
        return condition._note("choose", condition, a, b)
    return where(condition, a, b)


@dataclass(frozen=True, slots=True)
class Program:
    """What a function did to its stand-ins. inputs: their names; steps: in order; output: the name of the result."""

    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    output: str

    def __str__(self) -> str:
        lines = [f"inputs {' '.join(self.inputs)}", *map(str, self.steps), f"return {self.output}"]
        return "\n".join(lines)

    def run(self, *values: Any) -> Tensor:
        """Compute the program on tensors or arrays; a tensor that asks for its gradient gets it from the result's backward()."""
        if len(values) != len(self.inputs):
            raise InputError(
                f"the program takes {len(self.inputs)} inputs ({', '.join(self.inputs)}) and got {len(values)}; give each"
            )
        known: dict[str, Any] = {
            name: value if isinstance(value, Tensor) else Tensor(value)
            for name, value in zip(self.inputs, values, strict=True)
        }
        for step in self.steps:
            arguments = [known[one] if isinstance(one, str) else one for one in step.inputs]
            known[step.result] = OPERATIONS[step.operation](*arguments)
        return known[self.output]

    def improved(self) -> "Program":
        """The same result in fewer steps: what was computed twice is computed once, what is not used is left out."""
        same: dict[str, str] = {}
        first: dict[Any, str] = {}
        kept = []
        for step in self.steps:
            inputs = tuple(same.get(one, one) if isinstance(one, str) else one for one in step.inputs)
            same[step.result] = first.setdefault((step.operation, inputs), step.result)
            if same[step.result] == step.result:
                kept.append(Step(step.result, step.operation, inputs))
        return Program(self.inputs, _used(kept, output := same.get(self.output, self.output)), output)


def _used(steps: Sequence[Step], output: str) -> tuple[Step, ...]:
    """The steps that the output needs."""
    needed, kept = {output}, []
    for step in reversed(steps):
        if step.result in needed:
            needed.update(one for one in step.inputs if isinstance(one, str))
            kept.append(step)
    return tuple(reversed(kept))


def _written(value: Any) -> Any:
    """How an operand stands in a program: a name, or a plain number."""
    if isinstance(value, Symbol):
        return value.name
    if isinstance(value, int | float):
        return float(value)
    raise InputError(f"{type(value).__name__} cannot stand in a traced program; make it an input of the function")


def trace(function: Callable[..., Any], *names: str) -> Program:
    """Run a function once on stand-ins with these names; what it did is the program.

    >>> print(trace(lambda x, y: (x * y).tanh() + 1, "x", "y"))
    inputs x y
    t0 = mul x y
    t1 = tanh t0
    t2 = add t1 1.0
    return t2
    """
    steps: list[Step] = []
    result = function(*(Symbol(name, steps) for name in names))
    if not isinstance(result, Symbol):
        raise InputError(
            f"the function gives {type(result).__name__}, which does not come from its inputs; return what was computed"
        )
    return Program(names, tuple(steps), result.name)
