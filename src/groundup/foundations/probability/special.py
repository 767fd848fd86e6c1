"""The functions that densities and p-values end in: log gamma, the incomplete beta and gamma, the normal distribution's.

log Γ(x) continues log (x - 1)! to all numbers. The incomplete beta I_x(a, b) is the share of a beta density below x,
and with it the tails of Student's t, the binomial and F; the incomplete gamma P(a, x) is that of a gamma density, with
the Poisson's and χ². Each is a fraction or a series that is carried on until a double no longer changes: ten to forty
terms.

Sources: Lanczos 1964 with Godfrey's coefficients (g = 7); Abramowitz & Stegun 6.5.29, 26.5.8; Lentz 1976 for the
fractions. Left out: negative arguments, and the logarithms of tails below 1e-300.
"""

import math
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np

from groundup.errors import InputError

Array = np.ndarray
LANCZOS = (
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
)  # fmt: skip
TERMS = 10_000  # a series or fraction needs about the root of its largest parameter


def log_gamma(x: Array | float) -> Array:
    """log Γ(x) for x > 0, number by number; an integer n gives log (n - 1)!.

    >>> np.exp(log_gamma(5.0)).round(9)  # 4!
    np.float64(24.0)
    """
    at = np.asarray(x, dtype=float)
    if not (at > 0).all():
        raise InputError("log gamma was asked of NaN, 0 or less; its arguments are above 0")
    series = LANCZOS[0] + sum(c / (at + k) for k, c in enumerate(LANCZOS[1:]))
    high = at + 6.5
    return 0.5 * math.log(2 * math.pi) + (at - 0.5) * np.log(high) - high + np.log(series)


def log_beta(a: Array | float, b: Array | float) -> Array:
    """log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b)."""
    return log_gamma(a) + log_gamma(b) - log_gamma(np.add(a, b))


def incomplete_beta(x: float, a: float, b: float) -> float:
    """I_x(a, b), the share of the Beta(a, b) density below x.

    >>> round(incomplete_beta(0.25, 2.0, 1.0), 12)  # x², the share of the density 2x
    0.0625
    """
    if not (0 <= x <= 1 and a > 0 and b > 0):
        raise InputError(f"I_x(a, b) was asked at x={x}, a={a}, b={b}; x is from 0 to 1, a and b above 0")
    if x in (0.0, 1.0):
        return float(x)
    if x > (a + 1) / (a + b + 2):  # there the other tail's fraction is the fast one
        return 1 - incomplete_beta(1 - x, b, a)
    front = math.exp(a * math.log(x) + b * math.log1p(-x) - float(log_beta(a, b))) / a
    return front / _fraction(_beta_terms(x, a, b))


def _beta_terms(x: float, a: float, b: float) -> Iterator[float]:
    """The numerators of 1 + d₁/(1 + d₂/(1 + …))."""
    for m in range(TERMS):
        yield -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        yield (m + 1) * (b - m - 1) * x / ((a + 2 * m + 1) * (a + 2 * m + 2))


def _fraction(numerators: Iterator[float]) -> float:
    """1 + d₁/(1 + d₂/(1 + …)), from the front: the ratio of two approximations until it is 1 (Lentz)."""
    value, above, below = 1.0, 1.0, 0.0
    for d in numerators:
        below = 1 / ((1 + d * below) or 1e-300)
        above = (1 + d / above) or 1e-300
        value *= above * below
        if abs(above * below - 1) < 1e-16:
            break
    return value


def incomplete_gamma(a: float, x: float) -> float:
    """P(a, x), the share of the Gamma(a) density below x.

    >>> round(incomplete_gamma(1.0, 2.0), 12) == round(1 - math.exp(-2), 12)
    True
    """
    if not (a > 0 and x >= 0):
        raise InputError(f"P(a, x) was asked at a={a}, x={x}; a is above 0 and x is 0 or more")
    if x == 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - float(log_gamma(a)))
    return front * _gamma_series(a, x) if x < a + 1 else 1 - front * _gamma_tail(a, x)


def _gamma_series(a: float, x: float) -> float:
    """1/a + x/(a(a+1)) + x²/(a(a+1)(a+2)) + …"""
    term = total = 1 / a
    for n in range(1, TERMS):
        term *= x / (a + n)
        total += term
        if term < total * 1e-17:
            break
    return total


def _gamma_tail(a: float, x: float) -> float:
    """1/(x + 1 - a - 1(1 - a)/(x + 3 - a - 2(2 - a)/(x + 5 - a - …))), from the front (Lentz)."""
    b = x + 1 - a
    above, below = 1e300, 1 / b
    value = below
    for n in range(1, TERMS):
        b += 2
        below = 1 / ((b - n * (n - a) * below) or 1e-300)
        above = (b - n * (n - a) / above) or 1e-300
        value *= above * below
        if abs(above * below - 1) < 1e-16:
            break
    return value


# ───────── the distributions of test statistics ─────────


def normal_cdf(z: float) -> float:
    """Φ(z), the share of the standard normal density below z; exact far into the left tail."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def normal_quantile(share: float) -> float:
    """The z below which this share of the standard normal lies.

    >>> round(normal_quantile(0.975), 6)
    1.959964
    """
    if not 0 < share < 1:
        raise InputError(f"no finite number has {share} of the normal below it; give a share between 0 and 1")
    return NormalDist().inv_cdf(share)


def student_tail(t: float, freedom: float) -> float:
    """P(|T| ≥ |t|) of Student's t: I_{ν/(ν+t²)}(ν/2, 1/2). freedom: ν."""
    if not freedom > 0:
        raise InputError(f"{freedom} degrees of freedom leave no t distribution; give more data")
    return incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def student_quantile(share: float, freedom: float) -> float:
    """The t below which this share of Student's t lies, by bisection."""
    if not 0 < share < 1:
        raise InputError(f"no finite number has {share} of Student's t below it; give a share between 0 and 1")
    if share < 0.5:
        return -student_quantile(1 - share, freedom)
    high = 1.0
    while student_tail(high, freedom) / 2 > 1 - share:
        high *= 2
    return bisect(lambda t: 1 - student_tail(t, freedom) / 2 - share, 0.0, high)


def bisect(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses 0 between low and high, to the last bit."""
    while low < (middle := low + (high - low) / 2) < high:
        if function(middle) < 0:
            low = middle
        else:
            high = middle
    return high
