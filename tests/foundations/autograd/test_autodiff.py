"""Tensors: 500 random expression graphs with broadcasting against torch, every operation alone, changes in place."""

import gc
import itertools
import weakref

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.autograd import autodiff
from groundup.foundations.autograd.autodiff import Tensor, concatenate, detach, no_gradients, unbroadcast, where
from groundup.foundations.autograd.functions import gelu, layer_norm, log_softmax, softmax

TOLERANCE = 1e-9  # float64 on both sides; what is left is the order of sums


def leaves_of(arrays):
    """The same arrays as our tensors and as torch's, all asking for gradients."""
    return [Tensor(a, requires_grad=True) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]


def same_gradients(ours, theirs, arrays):
    """Hold values and gradients of two functions equal; a weighted sum of the result makes every number count."""
    mine, others = leaves_of(arrays)
    result, expected = ours(*mine), theirs(*others)
    assert result.shape == tuple(expected.shape)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)
    weights = np.linspace(0.5, 1.5, max(result.data.size, 1)).reshape(result.shape)
    result.backward(weights)
    expected.backward(torch.tensor(weights))
    for one, other in zip(mine, others, strict=True):
        if other.grad is None:
            assert one.grad is None or not one.grad.any()
        else:
            np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE)
            assert one.grad.shape == one.shape


# ───────── random graphs ─────────


class Graph:
    """A random formula, computed by ours and by torch at once: `pool` holds pairs of the same value."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.base = tuple(int(n) for n in self.random.integers(1, 4, self.random.integers(1, 4)))
        arrays = [self.random.standard_normal(self.smaller()) for _ in range(int(self.random.integers(2, 5)))]
        self.leaves = list(zip(*leaves_of(arrays), strict=True))
        self.pool = list(self.leaves)

    def smaller(self):
        """A shape that is broadcast to the base shape: axes in front left out, others of size 1."""
        cut = self.base[self.random.integers(0, len(self.base) + 1) :]
        return tuple(1 if self.random.random() < 0.3 else n for n in cut)

    def pick(self):
        """A pair of the pool, later ones more often."""
        return self.pool[-1 - int(min(self.random.geometric(0.35) - 1, len(self.pool) - 1))]

    def grow(self):
        """Add the result of a random operation."""
        kind = self.random.choice(
            ["binary", "unary", "matmul", "shape", "reduce", "join"], p=[0.4, 0.25, 0.1, 0.1, 0.1, 0.05]
        )
        getattr(self, str(kind))()

    def add(self, ours, theirs):
        """Keep a result; squeezed where it grows, so that products of products stay small."""
        if np.abs(ours.data).max() > 10:
            ours, theirs = ours.tanh(), torch.tanh(theirs)
        self.pool.append((ours, theirs))

    def binary(self):
        (a, ta), (b, tb) = self.pick(), self.pick()
        try:
            np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            b, tb = b.mean(), tb.mean()
        match self.random.integers(6):
            case 0:
                self.add(a + b, ta + tb)
            case 1:
                self.add(a - b, ta - tb)
            case 2:
                self.add(a * b, ta * tb)
            case 3:
                self.add(a / (b * b + 1), ta / (tb * tb + 1))
            case 4:
                self.add((a * a + 0.5) ** b.tanh(), (ta * ta + 0.5) ** torch.tanh(tb))
            case 5:
                self.add(where(a.data > 0, a, b), torch.where(ta > 0, ta, tb))

    def unary(self):
        a, ta = self.pick()
        ours = [lambda x: x.tanh().exp(), lambda x: (x * x + 0.1).log(), Tensor.tanh, Tensor.sigmoid, Tensor.relu, gelu]
        theirs = [
            lambda x: torch.exp(torch.tanh(x)), lambda x: torch.log(x * x + 0.1), torch.tanh, torch.sigmoid, torch.relu,
            lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
        ]  # fmt: skip
        number = int(self.random.integers(6 + 2 * (a.data.ndim > 0)))
        if number >= 6:
            ours_soft, theirs_soft = [(softmax, torch.softmax), (log_softmax, torch.log_softmax)][number - 6]
            axis = int(self.random.integers(a.data.ndim))
            return self.add(ours_soft(a, axis), theirs_soft(ta, axis))
        return self.add(ours[number](a), theirs[number](ta))

    def matmul(self):
        a, ta = self.pick()
        if not a.data.ndim:
            return
        width = int(self.random.integers(1, 4))
        array = self.random.standard_normal((a.shape[-1], width) if self.random.random() < 0.7 else a.shape[-1])
        (b,), (tb,) = leaves_of([array])
        self.leaves.append((b, tb))
        self.add(a @ b, ta @ tb)

    def shape(self):
        a, ta = self.pick()
        axes = tuple(int(n) for n in self.random.permutation(a.data.ndim))
        match self.random.integers(3):
            case 0:
                self.add(a.reshape(-1), ta.reshape(-1))
            case 1:
                self.add(a.transpose(*axes), ta.permute(axes))
            case 2 if a.data.ndim:
                rows = self.random.integers(0, len(a), 3)
                self.add(a[rows], ta[torch.tensor(rows)])

    def reduce(self):
        a, ta = self.pick()
        if not a.data.ndim:
            return
        axis, keep = int(self.random.integers(a.data.ndim)), bool(self.random.integers(2))
        match self.random.integers(3):
            case 0:
                self.add(a.sum(axis, keep), ta.sum(axis, keepdim=keep))
            case 1:
                self.add(a.mean(axis, keep), ta.mean(axis, keepdim=keep))
            case 2:
                self.add(a.max(axis, keep), torch.amax(ta, axis, keepdim=keep))

    def join(self):
        a, ta = self.pick()
        if a.data.ndim:
            self.add(concatenate([a, a * 2.0], axis=-1), torch.cat([ta, ta * 2.0], dim=-1))

    def loss(self):
        """A mean over everything that was made, with weights, so that nothing is left out."""
        ours, theirs = Tensor(0.0), torch.tensor(0.0, dtype=torch.float64)
        for number, (a, ta) in enumerate(self.pool):
            ours, theirs = ours + a.mean() * (1 + number), theirs + ta.mean() * (1 + number)
        return ours, theirs


def compare_a_random_graph(seed):
    graph = Graph(seed)
    for _ in range(int(graph.random.integers(4, 16))):
        graph.grow()
    ours, theirs = graph.loss()
    ours.backward()
    theirs.backward()
    np.testing.assert_allclose(ours.item(), theirs.item(), rtol=TOLERANCE, err_msg=f"seed {seed}")
    scale = max(float(theirs_leaf.grad.abs().max()) for _, theirs_leaf in graph.leaves)
    for mine, other in graph.leaves:
        np.testing.assert_allclose(
            mine.grad, other.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE * scale, err_msg=f"seed {seed}"
        )


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_the_gradients_of_random_graphs_are_torchs(first):
    for seed in range(first, first + 10):
        compare_a_random_graph(seed)


@pytest.mark.slow
def test_the_gradients_of_500_random_graphs_are_torchs():
    for seed in range(1000, 1500):
        compare_a_random_graph(seed)


# ───────── every operation alone ─────────

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3), (4, 2, 3), (4, 1, 1)]


@pytest.mark.parametrize("pair", list(itertools.product(SHAPES, SHAPES)), ids=str)
def test_every_pair_of_shapes_is_broadcast_as_numpy_does_or_refused(pair):
    random = np.random.default_rng(0)
    arrays = [np.asarray(random.uniform(0.5, 2, shape)) for shape in pair]
    try:
        np.broadcast_shapes(*pair)
    except ValueError:
        with pytest.raises(InputError, match="do not go together"):
            Tensor(arrays[0]) * Tensor(arrays[1])
        return
    for operation in ("__add__", "__sub__", "__mul__", "__truediv__", "__pow__"):
        work = lambda a, b, operation=operation: getattr(a, operation)(b)  # noqa: E731
        same_gradients(work, work, arrays)


@pytest.mark.parametrize(
    "pair",
    [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (3,)),
     ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((3,), (5, 3, 4)), ((1, 2, 3), (5, 3, 1))],
    ids=str,
)  # fmt: skip
def test_matrix_products_of_all_ranks_are_torchs(pair):
    random = np.random.default_rng(1)
    same_gradients(lambda a, b: a @ b, lambda a, b: a @ b, [random.standard_normal(shape) for shape in pair])


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("keep", [False, True])
def test_reductions_are_torchs(axis, keep):
    array = np.random.default_rng(2).integers(0, 4, (2, 3, 4)).astype(float)  # with ties for the maximum
    axes = axis if axis is not None else (0, 1, 2)
    for ours, theirs in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax)):
        same_gradients(
            lambda a, ours=ours: getattr(a, ours)(axis, keep), lambda a, theirs=theirs: theirs(a, axes, keep), [array]
        )


@pytest.mark.parametrize(
    "index",
    [0, -1, slice(1, None), slice(None, None, 2), (slice(None), 1), (..., 0), None, (0, 1), np.array([0, 2, 0, 0]),
     (np.array([0, 1, 0]), np.array([2, 2, 2])), np.array([True, False, True, True]), (slice(None), np.array([1, 1]))],
    ids=str,
)  # fmt: skip
def test_parts_are_torchs_also_where_one_is_taken_twice(index):
    array = np.random.default_rng(3).standard_normal((4, 3))
    torchs = (
        tuple(torch.tensor(i) if isinstance(i, np.ndarray) else i for i in index) if isinstance(index, tuple) else index
    )
    same_gradients(lambda a: a[index], lambda a: a[torchs], [array])


def test_shapes_and_joins_are_torchs():
    arrays = [np.random.default_rng(4).standard_normal(shape) for shape in ((2, 3, 4), (2, 1, 4))]
    same_gradients(lambda a, b: concatenate([a, b, a], 1), lambda a, b: torch.cat([a, b, a], 1), arrays)
    same_gradients(
        lambda a: a.transpose(1, 2, 0).reshape(3, -1), lambda a: a.permute(1, 2, 0).reshape(3, -1), arrays[:1]
    )
    same_gradients(lambda a: a.swapaxes(0, -1).T, lambda a: a.transpose(0, -1).permute(2, 1, 0), arrays[:1])


def test_powers_at_zero_have_torchs_gradients():
    arrays = [np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0])]
    same_gradients(lambda a, b: a**b, lambda a, b: a**b, arrays)
    same_gradients(lambda a: 2.0**a + a**3, lambda a: 2.0**a + a**3, arrays[:1])


def test_numbers_and_arrays_stand_on_either_side():
    array = np.random.default_rng(5).uniform(1, 2, (2, 3))
    ones = np.ones((3, 1))
    same_gradients(
        lambda a: 1 - 2 / a + 3 * a - (4 + a) @ ones,
        lambda a: 1 - 2 / a + 3 * a - (4 + a) @ torch.tensor(ones),
        [array],
    )
    left = np.ones((2, 2)) @ Tensor(array, True)
    assert isinstance(left, Tensor) and left.shape == (2, 3)


def test_unbroadcast_is_the_transpose_of_broadcasting():
    random = np.random.default_rng(6)
    for small, large in (
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((), (2, 3)),
        ((1, 1), (4, 5)),
        ((2, 3), (2, 3)),
        ((1,), (1, 1)),
    ):
        x, g = random.standard_normal(small), random.standard_normal(large)
        back = unbroadcast(g, small)
        assert back.shape == small
        np.testing.assert_allclose((np.broadcast_to(x, large) * g).sum(), (x * back).sum(), rtol=1e-12)


# ───────── the walk ─────────


def test_gradients_add_up_over_passes_until_they_are_forgotten():
    x = Tensor([1.0, 2.0], True)
    for _ in range(2):
        (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [4.0, 8.0])
    no_gradients([x])
    assert x.grad is None


def test_a_leaf_used_by_itself_gets_its_own_array():
    x = Tensor([1.0], True)
    y = Tensor([1.0], True)
    (x + y).sum().backward()
    x.grad += 1
    assert y.grad[0] == 1.0


def test_a_graph_deeper_than_pythons_stack_is_walked():
    x = Tensor(1.0, True)
    y = x
    for _ in range(5000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1.0


def test_only_what_asks_gets_a_gradient():
    x, constant = Tensor([1.0, 2.0], True), Tensor([3.0, 4.0])
    between = (x * constant).retain_grad()
    (between * 2.0).sum().backward()
    assert constant.grad is None and not (constant * 2).parents
    np.testing.assert_array_equal(between.grad, [2.0, 2.0])
    with pytest.raises(InputError, match="requires_grad=True"):
        constant.sum().backward()
    with pytest.raises(InputError, match="requires_grad=True"):
        detach(x * 2).sum().backward()


def test_numpy_reads_the_numbers_and_computes_nothing_behind_the_graph():
    x = Tensor([1.0, 2.0], True)
    numbers = np.asarray(x)
    numbers[0] = 5.0
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    with pytest.raises(TypeError):
        np.exp(x)


def test_float32_stays_float32_and_grads_too():
    x = Tensor(np.ones(3, np.float32), True)
    y = (gelu(x * 2 + 1.5) / 3 - 1).sigmoid().mean()
    y.backward()
    assert y.dtype == x.grad.dtype == np.float32


def test_a_graph_is_freed_without_waiting_for_the_collector():
    gc.disable()
    try:
        x = Tensor(np.ones(3), True)
        loss = (x.exp() * x).sum()
        values = weakref.ref(loss.parents[0].data)
        loss.backward()
        del loss
        assert values() is None
    finally:
        gc.enable()


# ───────── changes in place ─────────


def test_a_change_of_what_a_rule_needs_is_noticed():
    x = Tensor([1.0, 2.0], True)
    loss = (x * x).sum()
    x[0] = 5.0
    with pytest.raises(InputError, match=r"changed in place after '\*' had used it.*make a new tensor"):
        loss.backward()


def test_a_change_of_a_result_is_noticed():
    x = Tensor([1.0, 2.0], True)
    y = x.exp()
    loss = (y + 1).sum()
    y[:] = 0.0
    with pytest.raises(InputError, match="result of 'exp'.*make a new tensor"):
        loss.backward()


def test_a_change_through_a_view_or_a_detached_tensor_is_noticed():
    for change in (lambda y: y.reshape(4), lambda y: y[0], lambda y: y.T, detach):
        x = Tensor(np.ones((2, 2)), True)
        y = x * 2
        loss = (y * y).sum()
        change(y)[...] = 3.0
        assert (y.data == 3.0).any()
        with pytest.raises(InputError, match="changed in place"):
            loss.backward()


def test_a_change_that_no_rule_needs_is_allowed_as_is_a_step_between_passes():
    x = Tensor([1.0, 2.0], True)
    loss = (x + 1).sum()
    x[...] = 0.0
    loss.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])
    x[...] = x.data - 0.1 * x.grad
    (x * x).sum().backward()
    np.testing.assert_allclose(x.grad, 1 + 2 * np.array([-0.1, -0.1]))


def test_arrays_cannot_be_written_to_behind_the_graph():
    array = np.ones(2)
    x = Tensor(array, True)
    array[0] = 7.0
    assert x.data[0] == 1.0
    y = x.reshape(2, 1)
    for data in (x.data, (x * 2).data, y.data):
        with pytest.raises(ValueError, match="read-only"):
            data[0] = 5.0
    y[...] = 2.0
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 5.0
    x += 1.0  # a new tensor under the same name
    assert x.operation == "+"


# ───────── what is refused ─────────


@pytest.mark.parametrize(
    ("work", "way_out"),
    [
        (lambda x: Tensor([1, 2]), "give 1.0"),
        (lambda x: Tensor(x), r"detach\(tensor\)"),
        (lambda x: x @ Tensor(np.ones((4, 2))), r"\(2, 3\) and \(4, 2\)"),
        (lambda x: x @ 2.0, r"with \*"),
        (lambda x: x.reshape(4, 2), "same number"),
        (lambda x: x.transpose(0, 0), "name each once"),
        (lambda x: x[5], "within its shape"),
        (lambda x: x.sum(axis=2), "axes that it has"),
        (lambda x: concatenate([x, Tensor(np.ones((2, 2)))]), "all other axes must be equal"),
        (lambda x: concatenate([]), "at least one"),
        (lambda x: x.backward(), r"take .sum\(\)"),
        (lambda x: x.backward(np.ones(2)), "one number for each"),
        (lambda x: x.item(), "use .data"),
        (lambda x: x + "a", "give a number"),
        (lambda x: x.__setitem__(slice(None), np.ones(5)), "values that fit"),
        (lambda x: where(np.ones(4), x, x), "must be equal or 1"),
        (lambda x: Tensor([x, x]), "join them with concatenate"),
        (lambda x: np.concatenate([x, x]), "use an operation of autodiff"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(work, way_out):
    with pytest.raises(InputError, match=way_out):
        work(Tensor(np.ones((2, 3)), True))


def test_the_table_of_contents_gives_what_it_lists():
    from groundup.foundations import autograd

    assert all(getattr(autograd, name) is not None for name in autograd._EXPORTS)
    assert autograd.Tensor is autodiff.Tensor and layer_norm is autograd.layer_norm
    with pytest.raises(AttributeError, match="it has numerical_gradient"):
        autograd.tensor  # noqa: B018
