"""Tensor autodiff beside scalar autodiff and torch: forward and backward of the same work, in one run.

    python benchmarks/foundations/autograd/autodiff.py [--size 64] [--rounds 20]

The scalar form makes a node for each product and each sum of the matrix product. torch runs on one thread in float64, as
ours does. The limit is the three matrix products alone in NumPy. The runs of a row are interleaved and the best counts.
"""

import argparse
import os
import platform
from collections.abc import Callable
from operator import add

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import functools

import numpy as np
import torch

from groundup.foundations.autograd import gpt
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.chain_rule import Node
from groundup.foundations.autograd.functions import attention, layer_norm
from groundup.machine.probe.timing import in_turns

Work = Callable[[], object]


def best(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """The shortest time of each, in seconds; their rounds are interleaved."""
    return {name: min(times) for name, times in in_turns(works, rounds).items()}


def product_in_scalars(a: np.ndarray, b: np.ndarray) -> None:
    """sum(tanh(A B)), a node for every number."""
    first, second = ([[Node(float(one)) for one in row] for row in matrix] for matrix in (a, b))
    columns = list(zip(*second, strict=True))
    total = Node(0.0)
    for row in first:
        for column in columns:
            products = (x * y for x, y in zip(row, column, strict=True))
            total = total + functools.reduce(add, products).tanh()
    total.backward()


def product(a: np.ndarray, b: np.ndarray) -> dict[str, Work]:
    """The same in ours, in torch, and the products alone."""
    mine = [Tensor(one, True) for one in (a, b)]
    theirs = [torch.tensor(one, requires_grad=True) for one in (a, b)]
    return {
        "ours": lambda: (mine[0] @ mine[1]).tanh().sum().backward(),
        "torch": lambda: (theirs[0] @ theirs[1]).tanh().sum().backward(),
        "limit": lambda: (a @ b, a @ b.T, a.T @ b),
    }


def block(size: int) -> dict[str, Work]:
    """Layer norm and causal attention of 4 texts with `size` positions, 64 wide."""
    random = np.random.default_rng(0)
    arrays = [random.standard_normal((4, size, 64)), np.ones(64), np.zeros(64)]
    mine = [Tensor(one, True) for one in arrays]
    theirs = [torch.tensor(one, requires_grad=True) for one in arrays]

    def ours() -> None:
        x = layer_norm(*mine)
        attention(x, x, x, causal=True).sum().backward()

    def torchs() -> None:
        x = torch.nn.functional.layer_norm(theirs[0], (64,), *theirs[1:])
        torch.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True).sum().backward()

    return {"ours": ours, "torch": torchs}


def training_step() -> Callable[[], None]:
    """One step of the small GPT."""
    config = gpt.GPTConfig(vocab_size=64, n_positions=32, n_embd=64, n_layer=2, n_head=4)
    parameters, ids = gpt.make_parameters(config), np.random.default_rng(0).integers(0, 64, (8, 33))
    adam = gpt.Adam()

    def step() -> None:
        gpt.no_gradients(list(parameters.values()))
        gpt.loss(parameters, ids, config).backward()
        adam.step(parameters)

    return step


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    n = arguments.size
    a, b = random.standard_normal((n, n)), random.standard_normal((n, n)) / n**0.5
    print(f"NumPy {np.__version__}, torch {torch.__version__}, Python {platform.python_version()}, one thread, float64")
    scalars = min(best({"scalars": lambda: product_in_scalars(a, b)}, 2).values())
    for title, works in {f"tanh of a {n} x {n} product": product(a, b), "layer norm, attention": block(n)}.items():
        times = best(works, arguments.rounds)
        beside = "".join(f"   {name} {1e3 * took:8.3f} ms" for name, took in times.items())
        print(f"{title:30}{beside}   torch / ours {times['torch'] / times['ours']:.2f}")
        if "limit" in times:
            print(f"{'  in scalars':30}   {scalars:.2f} s, {scalars / times['ours']:,.0f} times ours")
            print(f"{'  of the limit':30}   {times['limit'] / times['ours']:.0%}")
    step = best({"step": training_step()}, max(3, arguments.rounds // 4))["step"]
    print(f"{'a step of the GPT':30}   {1e3 * step:.1f} ms, {8 * 32 / step:,.0f} characters a second")


if __name__ == "__main__":
    main()
