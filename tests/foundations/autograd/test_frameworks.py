"""One network in every installed framework, and the smallest tracer."""

import sys

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.autograd import frameworks
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.backprop import make_layers
from groundup.foundations.autograd.frameworks import choose, compare, installed, trace


def test_every_installed_way_gives_the_same_loss_and_gradients():
    random = np.random.default_rng(0)
    found = compare(random.standard_normal((8, 4)), random.integers(0, 3, 8), make_layers([4, 16, 8, 3]))
    assert [one.way for one in found] == installed()
    assert {"by hand", "our autodiff", "PyTorch"} <= set(installed())
    assert all(one.loss == pytest.approx(found[0].loss, rel=1e-12) and one.error < 1e-12 for one in found)


def test_a_framework_that_is_missing_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda name: None)
    assert installed() == ["by hand", "our autodiff"]
    with pytest.raises(InputError, match="pip install jax"):
        frameworks.by_jax(np.ones((1, 1)), np.array([0]), make_layers([1, 1]))


def test_importing_the_room_imports_no_framework():
    import subprocess

    check = "from groundup.foundations.autograd import frameworks, gpt; import sys; "
    check += "assert not {'torch', 'jax', 'tensorflow', 'scipy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def formula(x, w):
    return (((x @ w).tanh() + 1) ** 2 / 2 - x.exp().sum() * (1 - (x @ w).tanh()).sum()).sum()


def test_a_program_computes_what_the_function_does_with_its_gradient():
    random = np.random.default_rng(1)
    program = trace(formula, "x", "w")
    short = program.improved()
    assert len(short.steps) == len(program.steps) - 2
    for _ in range(3):
        arrays = random.standard_normal((2, 3)), random.standard_normal((3, 2))
        leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
        formula(*leaves).backward()
        for one in (program, short):
            inputs = [Tensor(a, True) for a in arrays]
            result = one.run(*inputs)
            result.backward()
            assert result.item() == pytest.approx(formula(*map(torch.tensor, arrays)).item(), rel=1e-12)
            for mine, theirs in zip(inputs, leaves, strict=True):
                np.testing.assert_allclose(mine.grad, theirs.grad.numpy(), rtol=1e-10)


def test_an_if_on_a_value_runs_here_and_cannot_be_traced():
    def steps(x):
        return x * 2 if x.sum() > 0 else x * 3

    with pytest.raises(InputError, match=r"use choose\(condition, a, b\)"):
        trace(steps, "x")
    program = trace(lambda x: choose(x.sum() > 0, x * 2, x * 3), "x")
    np.testing.assert_array_equal(program.run(np.array([1.0, 1.0])).data, [2.0, 2.0])
    np.testing.assert_array_equal(program.run(np.array([-1.0, -1.0])).data, [-3.0, -3.0])


def test_a_loop_is_unrolled_and_what_is_not_used_is_left_out():
    def work(x):
        x.exp()
        for _ in range(3):
            x = x + 1
        return x

    program = trace(work, "x")
    assert [step.operation for step in program.steps] == ["exp", "add", "add", "add"]
    assert [step.operation for step in program.improved().steps] == ["add", "add", "add"]


def test_what_cannot_be_traced_or_run_is_refused():
    with pytest.raises(InputError, match="return what was computed"):
        trace(lambda x: 1.0, "x")
    with pytest.raises(InputError, match="make it an input"):
        trace(lambda x: x + np.ones(2), "x")
    with pytest.raises(InputError, match="takes 1 inputs"):
        trace(lambda x: x + 1, "x").run()
