"""Reverse-mode automatic differentiation on arrays, with broadcasting.

A `Tensor` holds a NumPy array and remembers how it was made: its parents, and a rule that turns the gradient of a result
by it into the gradients by its parents. `backward()` walks the graph once from the result, each tensor after all that
used it, and adds the gradients where ways meet (Linnainmaa 1970; Baydin et al. 2018, Automatic differentiation in
machine learning: a survey). An element is what `chain_rule.py` has a node for; an operation here is one NumPy call.

Broadcasting repeats an array along axes it does not have. What is repeated forward is summed backward: `unbroadcast`.

A tensor's array cannot be written to from outside. `tensor[...] = values` changes it in place and is counted, and a walk
back over a graph that needs the old values ends with a sentence instead of a wrong gradient.

Left out: gradients of gradients, complex numbers, devices. What a network is made of is in `functions.py`.
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.foundations.autograd.chain_rule import topological_order
from groundup.slots import slot

Array = np.ndarray
Axis = int | tuple[int, ...] | None
Rule = Callable[[Array], Sequence[Array | None]]  # the gradient by a result -> the gradients by its parents


@slot
def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which an array of `shape` was repeated, so that it gets that shape again.

    NumPy repeats an array along new axes in front, and along axes of size 1. Each copy had its part in the result, so the
    derivative by the one number is the sum over its copies.

    >>> unbroadcast(np.ones((4, 3)), (3,)), unbroadcast(np.ones((4, 3)), (4, 1)).shape
    (array([4., 4., 4.]), (4, 1))
    """
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] != 1)
    return gradient.sum(axis=repeated, keepdims=True)


@slot
def matmul_backward(gradient: Array, a: Array, b: Array) -> tuple[Array, Array]:
    """The gradients by both factors of a @ b, where `gradient` is the one by the product; stacks of matrices, broadcast.

    For C = AB: ∂L/∂A = (∂L/∂C) Bᵀ and ∂L/∂B = Aᵀ (∂L/∂C). A stack that was repeated gets the sum over its copies.
    """
    by_a = gradient @ b.swapaxes(-1, -2)
    by_b = a.swapaxes(-1, -2) @ gradient
    return unbroadcast(by_a, a.shape), unbroadcast(by_b, b.shape)


class Tensor:
    """An array in a graph. data: its numbers; grad: the gradient of the last `backward` by it, where it was asked for."""

    __slots__ = (
        "data",
        "grad",
        "requires_grad",
        "operation",
        "parents",
        "_rule",
        "_changes",
        "_born",
        "_seen",
        "_keeps",
    )
    __array_ufunc__ = None  # an array on the left of an operator leaves the operation to the tensor on its right

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        """Copy numbers into a tensor. Floats keep their size (float32 stays); integers are refused."""
        if isinstance(data, Tensor):
            raise InputError("data is a Tensor already; use it as it is, or detach(tensor) for one without history")
        if isinstance(data, list | tuple) and any(isinstance(one, Tensor) for one in data):
            raise InputError("a list of Tensors would lose their history; join them with concatenate(tensors)")
        array = np.array(data)
        if array.dtype.kind != "f":
            raise InputError(f"a Tensor holds floats and got {array.dtype}; give 1.0 for 1, or array.astype(float)")
        self._begin(array, requires_grad, "", (), None, [0])

    def _begin(
        self,
        data: Array,
        requires_grad: bool,
        operation: str,
        parents: tuple["Tensor", ...],
        rule: Rule | None,
        changes: list[int],
    ) -> None:
        data.flags.writeable = False
        self.data, self.requires_grad, self.operation, self.parents = data, requires_grad, operation, parents
        self.grad: Array | None = None
        self._rule, self._changes, self._born, self._keeps = rule, changes, changes[0], False
        self._seen: tuple[tuple[Tensor, int], ...] = ()

    # ───────── the walk back ─────────

    def backward(self, gradient: Any = None) -> None:
        """Add to the `grad` of every input that asks for it the gradient of this tensor (one number) by it.

        gradient: where this is no single number, the gradient of the result by it, of the same shape.
        """
        if not self.requires_grad:
            raise InputError("nothing here asks for a gradient; make an input with Tensor(data, requires_grad=True)")
        waiting: dict[Tensor, Array] = {self: self._seed(gradient)}
        for tensor in reversed(topological_order(self, attrgetter("parents"))):
            reached = waiting.pop(tensor, None)
            if reached is None:
                continue
            if tensor._rule is None or tensor._keeps:
                tensor.grad = reached.copy() if tensor.grad is None else tensor.grad + reached
            if tensor._rule is not None:
                tensor._check_unchanged()
                for parent, part in zip(tensor.parents, tensor._rule(reached), strict=True):
                    if parent.requires_grad and part is not None:
                        waiting[parent] = waiting[parent] + part if parent in waiting else part

    def _seed(self, gradient: Any) -> Array:
        if gradient is None:
            if self.data.size != 1:
                raise InputError(
                    f"backward() begins at one number and this has shape {self.shape}; take .sum() or .mean(), or give gradient="
                )
            return np.ones_like(self.data)
        seed = np.asarray(gradient, dtype=self.dtype)
        if seed.shape != self.shape:
            raise InputError(f"gradient has shape {seed.shape} and the tensor {self.shape}; give one number for each")
        return seed

    def _check_unchanged(self) -> None:
        """Refuse to go on with values that are no longer the ones the result was computed from."""
        if self._changes[0] != self._born:
            raise InputError(
                f"the result of {self.operation!r} (shape {self.shape}) was changed in place, so the graph no longer says how it "
                "came about; make a new tensor instead, or change it after backward()"
            )
        for tensor, then in self._seen:
            if tensor._changes[0] != then:
                raise InputError(
                    f"a tensor of shape {tensor.shape} was changed in place after {self.operation!r} had used it, so its gradient "
                    "would be wrong; make a new tensor instead, or change it after backward()"
                )

    def retain_grad(self) -> "Tensor":
        """Ask for `grad` although this is a result between; gives itself back."""
        self._keeps = True
        return self

    def __setitem__(self, index: Any, values: Any) -> None:
        """Change numbers in place, outside the graph: for a step of the weights between two passes."""
        arrays = [self.data]
        while isinstance(arrays[-1].base, np.ndarray):
            arrays.append(arrays[-1].base)
        try:
            for array in reversed(arrays):  # a view may be written to where its owner may
                array.flags.writeable = True
            self.data[index] = values.data if isinstance(values, Tensor) else values
        except (ValueError, IndexError) as error:
            raise InputError(
                f"a tensor of shape {self.shape} cannot be changed so ({error}); give values that fit"
            ) from error
        finally:
            self._changes[0] += 1
            for array in arrays:
                array.flags.writeable = False

    # ───────── what it is ─────────

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its axes."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its numbers."""
        return self.data.dtype

    def item(self) -> float:
        """The one number in it."""
        if self.data.size != 1:
            raise InputError(f"item() is for one number and this has shape {self.shape}; use .data")
        return float(self.data.reshape(()))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """The numbers without their history, for np.asarray."""
        return np.array(self.data, dtype=dtype)

    def __array_function__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Refuse: a function of NumPy would give an array that remembers nothing."""
        raise InputError(
            f"np.{function.__name__} does not know the graph; use an operation of autodiff, or give it tensor.data"
        )

    def __len__(self) -> int:
        """The size of the first axis."""
        return len(self.data)

    def __repr__(self) -> str:
        asks = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({np.array2string(self.data, precision=4)}{asks})"

    # ───────── arithmetic ─────────

    def __add__(self, other: Any) -> "Tensor":
        """a + b, broadcast."""
        return _binary("+", self, other, np.add, lambda g, a, b: g, lambda g, a, b: g, saves=False)

    def __sub__(self, other: Any) -> "Tensor":
        """a - b, broadcast."""
        return _binary("-", self, other, np.subtract, lambda g, a, b: g, lambda g, a, b: -g, saves=False)

    def __mul__(self, other: Any) -> "Tensor":
        """a · b element by element, broadcast."""
        return _binary("*", self, other, np.multiply, lambda g, a, b: g * b, lambda g, a, b: g * a)

    def __truediv__(self, other: Any) -> "Tensor":
        """a / b element by element, broadcast."""
        return _binary("/", self, other, np.divide, lambda g, a, b: g / b, lambda g, a, b: -g * a / (b * b))

    def __pow__(self, other: Any) -> "Tensor":
        """a to the power b; ∂/∂a = b aᵇ⁻¹ (0 for b = 0), ∂/∂b = aᵇ ln a, which is 0 for a = 0 as torch has it."""
        return _binary("**", self, other, np.power, _by_base, _by_exponent)

    def __matmul__(self, other: Any) -> "Tensor":
        """Matrix product of vectors, matrices, or stacks of matrices whose leading axes are broadcast."""
        return matmul(self, _lifted(other, self.dtype))

    def __neg__(self) -> "Tensor":
        """-a."""
        return record(-self.data, "-", (self,), lambda g: (-g,))

    def __radd__(self, other: Any) -> "Tensor":
        """b + a."""
        return self + other

    def __rmul__(self, other: Any) -> "Tensor":
        """b · a."""
        return self * other

    def __rsub__(self, other: Any) -> "Tensor":
        """b - a."""
        return _lifted(other, self.dtype) - self

    def __rtruediv__(self, other: Any) -> "Tensor":
        """b / a."""
        return _lifted(other, self.dtype) / self

    def __rpow__(self, other: Any) -> "Tensor":
        """b to the power a."""
        return _lifted(other, self.dtype) ** self

    def __rmatmul__(self, other: Any) -> "Tensor":
        """b @ a."""
        return _lifted(other, self.dtype) @ self

    # ───────── element by element ─────────

    def exp(self) -> "Tensor":
        """e to the x; its derivative is itself."""
        value = np.exp(self.data)
        return record(value, "exp", (self,), lambda g: (g * value,))

    def log(self) -> "Tensor":
        """The natural logarithm; its derivative is 1/x."""
        return record(np.log(self.data), "log", (self,), lambda g: (g / self.data,), saved=(self,))

    def tanh(self) -> "Tensor":
        """The hyperbolic tangent t; its derivative is 1 - t²."""
        value = np.tanh(self.data)
        return record(value, "tanh", (self,), lambda g: (g * (1 - value * value),))

    def sigmoid(self) -> "Tensor":
        """s = 1 / (1 + e⁻ˣ), written by tanh so that nothing overflows; its derivative is s (1 - s)."""
        value = 0.5 * (1 + np.tanh(0.5 * self.data))
        return record(value, "sigmoid", (self,), lambda g: (g * value * (1 - value),))

    def relu(self) -> "Tensor":
        """max(x, 0); the derivative is 1 above 0 and taken as 0 at 0."""
        return record(np.maximum(self.data, 0), "relu", (self,), lambda g: (g * (self.data > 0),), saved=(self,))

    # ───────── reductions ─────────

    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """The sum over axes; each summand gets the gradient of its sum."""
        value = np.asarray(_reduced(np.sum, self.data, axis, keepdims))
        return record(value, "sum", (self,), lambda g: (_spread(g, self.shape, axis, keepdims),))

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """The mean over axes."""
        total = self.sum(axis, keepdims)
        return total * (max(total.data.size, 1) / max(self.data.size, 1))

    def max(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        """The largest over axes; where several are, they share the gradient evenly (as torch.amax)."""
        value = np.asarray(_reduced(np.max, self.data, axis, keepdims))

        def rule(g: Array) -> tuple[Array]:
            largest = self.data == _spread(value, self.shape, axis, keepdims)
            return (largest * _spread(g, self.shape, axis, keepdims) / largest.sum(axis=axis, keepdims=True),)

        return record(value, "max", (self,), rule, saved=(self,))

    # ───────── shapes ─────────

    def reshape(self, *shape: int) -> "Tensor":
        """The same numbers in another shape; -1 stands for what is left."""
        try:
            value = self.data.reshape(shape)
        except ValueError as error:
            raise InputError(
                f"{self.data.size} numbers of shape {self.shape} do not fit into {shape}; give the same number"
            ) from error
        return record(value, "reshape", (self,), lambda g: (g.reshape(self.shape),), view=True)

    def transpose(self, *axes: int) -> "Tensor":
        """The axes in another order; without one, reversed."""
        order = axes or tuple(reversed(range(self.data.ndim)))
        if sorted(axis % max(self.data.ndim, 1) for axis in order) != list(range(self.data.ndim)):
            raise InputError(f"axes {order} are no order of the {self.data.ndim} axes of {self.shape}; name each once")
        back = np.argsort([axis % self.data.ndim for axis in order])
        return record(self.data.transpose(order), "transpose", (self,), lambda g: (g.transpose(back),), view=True)

    def swapaxes(self, one: int, other: int) -> "Tensor":
        """Two axes exchanged."""
        return record(
            self.data.swapaxes(one, other), "swapaxes", (self,), lambda g: (g.swapaxes(one, other),), view=True
        )

    @property
    def T(self) -> "Tensor":
        """The axes reversed."""
        return self.transpose()

    def __getitem__(self, index: Any) -> "Tensor":
        """A part, by slices, integers, or arrays of integers or booleans; a number that is taken twice gets both gradients."""
        try:
            value = np.asarray(self.data[index])
        except IndexError as error:
            raise InputError(
                f"a tensor of shape {self.shape} has no such part ({error}); index within its shape"
            ) from error

        def rule(g: Array) -> tuple[Array]:
            whole = np.zeros(self.shape, g.dtype)
            if _is_plain(index):
                whole[index] = g
            else:
                np.add.at(whole, index, g)
            return (whole,)

        return record(value, "index", (self,), rule, view=_is_plain(index))


# ───────── how a result is made ─────────


def record(
    value: Array,
    operation: str,
    parents: tuple[Tensor, ...],
    rule: Rule | None,
    *,
    saved: tuple[Tensor, ...] = (),
    view: bool = False,
    changes: list[int] | None = None,
) -> Tensor:
    """A result. saved: tensors whose values the rule needs; view: it shares the array, and so the changes, of its parent."""
    needed = any(parent.requires_grad for parent in parents)
    count = parents[0]._changes if view else changes if changes is not None else [0]
    made = Tensor.__new__(Tensor)
    made._begin(np.asarray(value), needed, operation, parents if needed else (), rule if needed else None, count)
    if needed:
        made._seen = tuple((tensor, tensor._changes[0]) for tensor in saved)
    return made


def _lifted(value: Any, dtype: np.dtype[Any]) -> Tensor:
    """A number or array as a tensor without history; a Python number takes the dtype of what it meets."""
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"{type(value).__name__} cannot be computed with a Tensor; give a number, an array or a Tensor"
        )
    return record(np.array(array, dtype=array.dtype if array.dtype.kind == "f" and array.ndim else dtype), "", (), None)


def _binary(
    operation: str,
    a: Tensor,
    other: Any,
    compute: Callable[[Array, Array], Array],
    by_a: Callable[[Array, Array, Array], Array],
    by_b: Callable[[Array, Array, Array], Array],
    saves: bool = True,
) -> Tensor:
    """An operation on two arrays that are broadcast to one shape; by_a, by_b: (gradient, a, b) -> the gradient of a copy."""
    b = _lifted(other, a.dtype)

    def rule(g: Array) -> tuple[Array | None, Array | None]:
        return (
            _fitted(by_a(g, a.data, b.data), a.shape) if a.requires_grad else None,
            _fitted(by_b(g, a.data, b.data), b.shape) if b.requires_grad else None,
        )

    try:
        value = compute(a.data, b.data)
    except ValueError:
        raise InputError(
            f"shapes {a.shape} and {b.shape} do not go together in {operation!r}; each axis, from the right, must be equal or 1"
        ) from None
    return record(value, operation, (a, b), rule, saved=(a, b) if saves else ())


def _fitted(g: Array, shape: tuple[int, ...]) -> Array:
    """The gradient as it is where nothing was repeated, which is most often so: a sum over no axes would copy it."""
    return g if g.shape == shape else unbroadcast(g, shape)


def _by_base(g: Array, a: Array, b: Array) -> Array:
    return np.where(b == 0, 0.0, g * b * np.power(a, np.where(b == 0, 1.0, b - 1)))


def _by_exponent(g: Array, a: Array, b: Array) -> Array:
    return g * np.power(a, b) * np.log(np.where((a == 0) & (b >= 0), 1.0, a))


def _reduced(compute: Callable[..., Any], data: Array, axis: Axis, keepdims: bool) -> Any:
    try:
        return compute(data, axis=axis, keepdims=keepdims)
    except ValueError as error:
        raise InputError(
            f"axis {axis} of a tensor of shape {data.shape}: {error}; name axes that it has, with numbers along them"
        ) from error


def _spread(g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    """Repeat what stands for a whole axis along it."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def _is_plain(index: Any) -> bool:
    """Whether an index takes each number at most once and copies nothing: slices, integers, None, an ellipsis."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or isinstance(part, slice | int | np.integer) for part in parts)


# ───────── operations on several tensors ─────────


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """a @ b; a vector on the left is a row, on the right a column, and its axis goes again."""
    if not (a.data.ndim and b.data.ndim):
        raise InputError("@ is for vectors and matrices; multiply by a single number with *")
    if a.data.ndim == 1:
        return matmul(a.reshape(1, -1), b)[..., 0, :] if b.data.ndim > 1 else (a * b).sum()
    if b.data.ndim == 1:
        return matmul(a, b.reshape(-1, 1))[..., 0]
    if (
        b.data.ndim == 2 and a.data.ndim > 2 and a.shape[-1] == b.shape[0]
    ):  # one matrix for all: one product, not a stack
        return matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[-1])
    try:
        value = a.data @ b.data
    except ValueError:
        raise InputError(
            f"shapes {a.shape} and {b.shape} do not go together in '@'; the last axis of the first is the last but one of the second"
        ) from None
    return record(value, "@", (a, b), lambda g: matmul_backward(g, a.data, b.data), saved=(a, b))


def concatenate(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
    """Join tensors along an axis they have; each gets its own part of the gradient."""
    if not tensors:
        raise InputError("there is nothing to concatenate; give at least one tensor")
    try:
        value = np.concatenate([tensor.data for tensor in tensors], axis=axis)
    except ValueError as error:
        shapes = ", ".join(str(tensor.shape) for tensor in tensors)
        raise InputError(f"shapes {shapes} cannot be joined along axis {axis}; all other axes must be equal") from error
    ends = np.cumsum([tensor.shape[axis] for tensor in tensors])[:-1]
    return record(value, "concatenate", tuple(tensors), lambda g: np.split(g, ends, axis=axis))


def where(condition: Array, a: Any, b: Any) -> Tensor:
    """a where the condition holds, else b; a number that was not chosen gets no gradient."""
    chosen = np.asarray(condition, dtype=bool)
    dtype = next((one.dtype for one in (a, b) if isinstance(one, Tensor)), np.dtype(float))
    first, second = _lifted(a, dtype), _lifted(b, dtype)

    def rule(g: Array) -> tuple[Array, Array]:
        return _fitted(np.where(chosen, g, 0), first.shape), _fitted(np.where(chosen, 0, g), second.shape)

    try:
        value = np.where(chosen, first.data, second.data)
    except ValueError:
        raise InputError(
            f"shapes {chosen.shape}, {first.shape} and {second.shape} do not go together; each axis, from the right, must be equal or 1"
        ) from None
    return record(value, "where", (first, second), rule)


def detach(tensor: Tensor) -> Tensor:
    """The same numbers without their history; a change in place is seen by both."""
    return record(tensor.data, "", (), None, changes=tensor._changes)


def no_gradients(tensors: Sequence[Tensor]) -> None:
    """Forget the gradients of tensors, before the next pass adds its own."""
    for tensor in tensors:
        tensor.grad = None
