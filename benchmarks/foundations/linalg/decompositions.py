"""The decompositions of `foundations/linalg` beside numpy.linalg (LAPACK) and beside the matrix product, in one run.

    python benchmarks/foundations/linalg/decompositions.py [--sizes 32 128] [--seconds 1]

Every time is also told in products: how many plain products A B of that size NumPy makes in it (2 n^3 operations each, the
machine's limit for arithmetic on matrices). The works of a row take turns until its seconds are over, and the median counts;
one thread, float64. Each result is compared with NumPy's before it is timed.

What limits ours, by the last lines of each table, which set a step beside the same step at 8 x 8, where it is NumPy calls and
nothing else:

    up to 32      the calls: a reflection is a dozen and more of them, and all of its time is overhead
    from 128 on   the passes: a rank-one update reads and writes the whole matrix for two operations a number, about a fifth
                  of it is calls; LAPACK gathers many reflections into one product
    eigenvalues   the calls, at every size: a QR step rotates two rows after the other, in a loop in Python
    SVD           the passes, and more arithmetic: 9 to 12 sweeps of about 6 products each, which is 1% of the time; the rest
                  gathers, scales, squares and adds columns, no number is used twice while it is near. What it buys are
                  small singular values that are right to all their digits.

NumPy's least squares goes by the SVD, and its power iteration is not there: all eigenvalues stand beside our largest one.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from groundup.foundations.linalg.arrays import Array
from groundup.foundations.linalg.eigen import hessenberg, power_iteration, qr_algorithm, shifted_step
from groundup.foundations.linalg.matrices import by_blocks, by_columns, by_entries, by_outer_products
from groundup.foundations.linalg.pca import pca
from groundup.foundations.linalg.qr import householder_qr, least_squares
from groundup.foundations.linalg.svd import jacobi_svd, sweep

Work = Callable[[], object]
TINY = 8  # so few numbers that a step is all calls
ENTRIES_UP_TO = 64  # a product number by number takes n^2 dot products in Python


class Row(NamedTuple):
    """One line of the table: our work, NumPy's for the same result, and the largest difference of the two results."""

    title: str
    ours: Work
    numpy: Work
    difference: float


def medians(works: dict[str, Work], seconds: float) -> dict[str, float]:
    """The median time of each in seconds; they take turns, at least three times, until the time is over."""
    times: dict[str, list[float]] = {name: [] for name in works}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times["ours"]) < 3:
        for name, work in works.items():
            start = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


def apart(mine: Array, theirs: Array) -> float:
    """The largest difference, relative to the largest number."""
    return float(np.abs(mine - theirs).max() / np.abs(theirs).max())


def products(a: Array, b: Array) -> Iterator[Row]:
    """The product in four orders of its loops."""
    ways: dict[str, Callable[..., Array]] = {
        "by outer products": by_outer_products,
        "by columns": by_columns,
        "by blocks of 32": by_blocks,
    }
    if len(a) <= ENTRIES_UP_TO:
        ways = {"by entries": by_entries, **ways}
    for name, way in ways.items():
        yield Row(f"product {name}", partial(way, a, b), lambda: a @ b, apart(way(a, b), a @ b))


def factors(a: Array, b: Array) -> Iterator[Row]:
    """QR, a least-squares fit, the SVD and principal components of any matrix."""
    triangle = np.linalg.qr(a)[1]
    yield Row("QR", lambda: householder_qr(a), lambda: np.linalg.qr(a), apart(householder_qr(a)[1], triangle))
    tall, right = np.vstack([a, b]), np.append(a[0], b[0])
    fit = np.linalg.lstsq(tall, right)[0]
    yield Row(
        "least squares, 2n rows",
        lambda: least_squares(tall, right),
        lambda: np.linalg.lstsq(tall, right),
        apart(least_squares(tall, right), fit),
    )
    s = np.linalg.svd(a)[1]
    yield Row("SVD", lambda: jacobi_svd(a), lambda: np.linalg.svd(a), apart(jacobi_svd(a)[1], s))
    variance = np.linalg.svd(tall - tall.mean(axis=0), full_matrices=False)[1][:2] ** 2 / (len(tall) - 1)
    yield Row(
        "PCA, 2 of n, 2n rows",
        lambda: pca(tall, 2),
        lambda: np.linalg.svd(tall - tall.mean(axis=0), full_matrices=False),
        apart(pca(tall, 2).explained_variance, variance),
    )


def eigen(a: Array) -> Iterator[Row]:
    """All eigenvalues of a symmetric matrix, and the largest alone where the second has 0.9 of its size."""
    symmetric = (a + a.T) / 2
    values = np.linalg.eigvalsh(symmetric)
    yield Row(
        "eigenvalues, eigenvectors",
        lambda: qr_algorithm(symmetric),
        lambda: np.linalg.eigh(symmetric),
        apart(qr_algorithm(symmetric)[0], np.asarray(values, np.float64)),
    )
    q = np.linalg.qr(a)[0]
    known = (q * 0.9 ** np.arange(len(a))) @ q.T
    found = power_iteration(known, a[0])[0]
    yield Row(
        "power iteration (NumPy: all)",
        lambda: power_iteration(known, a[0]),
        lambda: np.linalg.eigh(known),
        abs(found - 1.0),
    )


def steps(size: int) -> dict[str, Work]:
    """Works of size - 1 equal steps: the reflections of QR, the rounds of a Jacobi sweep, the rotations of a QR step."""
    a = np.random.default_rng(1).standard_normal((size, size))
    h = hessenberg(a + a.T)[1]
    return {
        "a reflection (QR)": lambda: householder_qr(a),
        "a round of pairs (SVD)": lambda: sweep(a.copy(), np.eye(size)),
        "a rotation (eigenvalues)": lambda: shifted_step(h.copy(), np.eye(size), 0.5, size),
    }


def calls(size: int, seconds: float) -> None:
    """Print what a step takes, and how much of it remains where there is next to nothing to compute."""
    for title, work in steps(size).items():
        times = medians({"ours": work, "tiny": steps(TINY)[title]}, seconds)
        step, call = 1e6 * times["ours"] / (size - 1), 1e6 * times["tiny"] / (TINY - 1)
        print(
            f"  {title:<30}{step:9.1f} us, at {TINY} x {TINY} {call:.1f} us: NumPy calls are {min(1, call / step):.0%}"
        )


def table(size: int, seconds: float) -> None:
    """Print the rows of one size."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, size, size))
    print(f"\n{size} x {size:<26}{'ours':>12}{'NumPy':>12}{'NumPy / ours':>14}{'ours':>16}{'NumPy':>16}")
    for row in (*products(a, b), *factors(a, b), *eigen(a)):
        assert row.difference < 1e-8, f"{row.title}: differs from NumPy by {row.difference:.1e}"
        times = medians({"ours": row.ours, "numpy": row.numpy, "product": lambda: a @ b}, seconds)
        mine, theirs, one = times["ours"], times["numpy"], times["product"]
        print(
            f"  {row.title:<30}{1e3 * mine:9.3f} ms{1e3 * theirs:9.3f} ms{theirs / mine:14.4f}"
            f"{mine / one:12,.1f} products{theirs / one:7,.1f} products"
        )
    calls(size, seconds)
    speed = 2 * size**3 / medians({"ours": lambda: a @ b}, seconds)["ours"] / 1e9
    print(f"  {'the product itself':<30}{speed:9.1f} GFLOP/s")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--seconds", type=float, default=1.0, help="for each row")
    arguments = parser.parse_args()
    print(f"NumPy {np.__version__}, Python {platform.python_version()}, one thread, float64")
    for size in arguments.sizes:
        table(size, arguments.seconds)


if __name__ == "__main__":
    main()
