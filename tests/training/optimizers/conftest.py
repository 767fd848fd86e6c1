"""What the tests of the optimisers share: a small problem and a few steps on it."""

import pytest
import torch


@pytest.fixture
def problem():
    """Make a matrix and a vector, and gradients for ten steps."""

    def make(seed=0):
        generator = torch.Generator().manual_seed(seed)
        named = {"matrix": torch.randn(5, 3, generator=generator), "gain": torch.randn(4, generator=generator)}
        steps = [
            {name: torch.randn(value.shape, generator=generator) for name, value in named.items()} for _ in range(10)
        ]
        return named, steps

    return make


@pytest.fixture
def run():
    """Give an optimiser its gradients, step by step."""

    def steps(optimizer, named, gradients, factors=None):
        for index, table in enumerate(gradients):
            for name, parameter in named.items():
                parameter.grad = table[name].clone()
            optimizer.step(*([] if factors is None else [factors[index]]))

    return steps


def network():
    """A small network in double precision: 5 to 7 to 3."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 3)).double()


def trained(model, optimizer, steps=50):
    """Fit the network to noisy targets, a fresh batch a step; its weights by name."""
    generator = torch.Generator().manual_seed(4)
    for _ in range(steps):
        inputs, noise = (torch.randn(8, size, generator=generator, dtype=torch.float64) for size in (5, 3))
        model.zero_grad()
        (model(inputs) - inputs[:, :3].sin() - noise / 4).square().mean().backward()
        optimizer.step()
    return {name: value.detach() for name, value in model.named_parameters()}


@pytest.fixture
def beside_torch():
    """Train the network for 50 steps with ours and with torch's, and want the same weights to 1e-12."""

    def compare(make, peer, weight_decay=0.0):
        ours, theirs = network(), network()
        named = dict(theirs.named_parameters())
        groups = [
            {"params": [value for value in named.values() if value.dim() == rank], "weight_decay": decay}
            for rank, decay in ((2, weight_decay), (1, 0.0))
        ]
        expected = trained(theirs, peer(groups))
        got = trained(ours, make(dict(ours.named_parameters())))
        start = dict(network().named_parameters())
        for name, value in got.items():
            assert (value - start[name]).abs().max() > 1e-3, "nothing moved"
            torch.testing.assert_close(value, expected[name], rtol=1e-12, atol=1e-12)

    return compare


@pytest.fixture
def goes_on(problem, run):
    """Stop after four of ten steps, take the state into a fresh optimiser, and want the same bits at the end."""

    def check(make):
        (named, gradients), (whole, _) = problem(), problem()
        run(make(whole), whole, gradients)
        first = make(named)
        run(first, named, gradients[:4])
        second = make(named)
        second.load({name: tensor.clone() for name, tensor in first.state().items()})
        run(second, named, gradients[4:])
        for name, value in whole.items():
            assert torch.equal(named[name], value), name

    return check


@pytest.fixture
def alike(problem, run):
    """Ten steps by the definition and by the fast form, in fp32: the same weights to float error."""

    def check(make, *forms, rtol=1e-5):
        results = []
        for form in forms:
            named, gradients = problem()
            optimizer = make(named)
            optimizer.move = form
            run(optimizer, named, gradients)
            results.append(named)
        for name, value in results[0].items():
            torch.testing.assert_close(value, results[1][name], rtol=rtol, atol=1e-6)

    return check
