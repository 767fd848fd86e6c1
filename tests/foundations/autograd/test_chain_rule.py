"""Scalar graphs: against torch, the sum over paths, a graph deeper than Python's stack."""

from operator import attrgetter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.autograd.chain_rule import (
    Node,
    count_paths,
    drawing,
    forward_derivative,
    paths,
    table,
    topological_order,
    variables,
)
from groundup.plots.flow import flow_chart


def formula(x, y):
    return ((x * y - y / (x**2 + 1)).tanh() * 3 + (x * 0.5).exp() - (1 + y * y).log() + (2 - x) * (1 / (y**2 + 2))) ** 2


@settings(max_examples=60, deadline=None)
@given(st.floats(-2, 2), st.floats(-2, 2))
def test_gradients_are_torchs_backward_forward_and_by_paths(a, b):
    x, y = variables(x=a, y=b)
    result = formula(x, y)
    result.backward()
    leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (a, b)]
    expected = formula(*leaves)
    expected.backward()
    assert result.value == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    for ours, theirs in zip((x, y), leaves, strict=True):
        by_torch = theirs.grad.item()
        assert ours.gradient == pytest.approx(by_torch, rel=1e-9, abs=1e-9)
        assert forward_derivative(result, ours) == pytest.approx(by_torch, rel=1e-9, abs=1e-9)
        assert sum(product for _, product in paths(result, ours)) == pytest.approx(by_torch, rel=1e-9, abs=1e-9)


def test_backward_twice_gives_the_same_and_not_the_sum():
    (x,) = variables(x=3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.gradient == 6.0


def test_the_number_of_paths_doubles_and_one_walk_sums_them():
    (x,) = variables(x=0.5)
    y = x
    for _ in range(40):
        y = y + y
    assert count_paths(y, x) == 2**40
    with pytest.raises(InputError, match=r"call backward\(\)"):
        paths(y, x)
    y.backward()
    assert x.gradient == 2.0**40


def test_a_graph_deeper_than_pythons_stack_is_walked():
    (x,) = variables(x=1.0)
    y = x
    for _ in range(20_000):
        y = y + 1.0
    y.backward()
    assert x.gradient == 1.0 and y.value == 20_001.0
    assert len(paths(y, x)) == 1


def test_relu_passes_only_above_zero():
    for value, expected in ((2.0, 1.0), (-2.0, 0.0), (0.0, 0.0)):
        (x,) = variables(x=value)
        x.relu().backward()
        assert x.gradient == expected


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_every_item_stands_once_and_after_its_parents(data):
    size = data.draw(st.integers(1, 12))
    made_from = {i: data.draw(st.lists(st.integers(0, i - 1), max_size=4)) if i else [] for i in range(size)}
    order = topological_order(size - 1, made_from.__getitem__)
    assert len(order) == len(set(order)) and order[-1] == size - 1
    assert all(order.index(parent) < order.index(item) for item in order for parent in made_from[item])
    reached, todo = {size - 1}, [size - 1]
    while todo:
        new = set(made_from[todo.pop()]) - reached
        reached |= new
        todo += new
    assert set(order) == reached


def test_the_drawing_is_plain_data_that_a_flow_chart_takes():
    x, y = variables(x=2.0, y=3.0)
    z = x * y + x
    z.backward()
    boxes, arrows = drawing(z)
    assert boxes["n0"] == "x\n2\ngradient 4" and len(boxes) == 4
    assert arrows == [("n0", "n2", "3"), ("n1", "n2", "2"), ("n2", "n3", "1"), ("n0", "n3", "1")]
    assert len(flow_chart(boxes, arrows).layout.annotations) == len(boxes) + 2 * len(arrows)
    assert [row["used"] for row in table(z)] == [0, 1, 1, 2]
    assert [node.name for node in topological_order(z, attrgetter("parents"))[:2]] == ["x", "y"]


@pytest.mark.parametrize(
    ("work", "way_out"),
    [
        (lambda x: x / 0, "add a small number"),
        (lambda x: (x - 5).log(), "use a positive one"),
        (lambda x: (x - 5) ** 0.5, "positive base"),
        (lambda x: x + "1", "autodiff.Tensor"),
    ],
)
def test_what_has_no_derivative_is_refused(work, way_out):
    with pytest.raises(InputError, match=way_out):
        work(Node(2.0, "x"))
