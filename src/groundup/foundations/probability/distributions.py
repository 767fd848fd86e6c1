"""Probability distributions: how likely a number is, how to draw one, and where it lies on average.

Each is a small object with `log_density(x)` (for counts the log of the probability), `mean`, `variance` and
`sample(generator, size)`; -inf says impossible. Logarithms, since a text of 1,000 tokens has a probability below the
least double.

Everything is drawn from uniform numbers. *Inverse transform*: if F is the share below x, F⁻¹(u) has that distribution
(exponential by a formula; every distribution on counts by its table). *Box-Muller*: a point with a uniform angle and
the radius √(-2 log u) has two independent normal coordinates. *Marsaglia-Tsang*: d(1 + cz)³ of a normal z is nearly a
gamma number, and a rejection of at most 5% makes it exact. Gamma numbers divided by their sum are Dirichlet, of which
beta is the case of two.

Sources: Box & Muller 1958; Marsaglia & Tsang 2000, ACM TOMS 26:363; Devroye 1986, II.2. Left out: multivariate normal,
Student's t (`special.py` has its tails).
"""

import math
from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.special import log_beta, log_gamma

Array = np.ndarray
Size = int | tuple[int, ...]
OFF = 1e-9  # how far probabilities may be from a sum of 1


def box_muller(first: Array, second: Array) -> tuple[Array, Array]:
    """Two independent standard normal numbers from two uniform ones: r = √(-2 log u), at the angle 2πv.

    The first is taken from (0, 1], so that its logarithm is finite.
    """
    radius = np.sqrt(-2 * np.log(first))
    return radius * np.cos(2 * math.pi * second), radius * np.sin(2 * math.pi * second)


def standard_normal(generator: np.random.Generator, size: Size = ()) -> Array:
    """Normal numbers of mean 0 and variance 1, by Box-Muller."""
    count = int(np.prod(size))
    pairs = (count + 1) // 2
    both = box_muller(1 - generator.random(pairs), generator.random(pairs))
    return np.concatenate(both)[:count].reshape(size)


def marsaglia_tsang(shape: float, generator: np.random.Generator, size: Size = ()) -> Array:
    """Gamma numbers of this shape and rate 1. Below shape 1, one of shape + 1 is multiplied by u^(1/shape).

    d = shape - 1/3, c = 1/√(9d), v = (1 + cz)³: d·v is kept when log u < z²/2 + d - dv + d log v.
    """
    count = int(np.prod(size))
    if shape < 1:
        return marsaglia_tsang(shape + 1, generator, size) * (1 - generator.random(size)) ** (1 / shape)
    d = shape - 1 / 3
    kept = np.empty(0)
    while len(kept) < count:
        z = standard_normal(generator, count - len(kept) + 16)
        v = (1 + z / math.sqrt(9 * d)) ** 3
        log_u = np.log(1 - generator.random(len(z)))
        positive = np.where(v > 0, v, 1.0)
        fits = (v > 0) & (log_u < z**2 / 2 + d - d * positive + d * np.log(positive))
        kept = np.concatenate([kept, d * v[fits]])
    return kept[:count].reshape(size)


def inverse_table(probabilities: Array, uniforms: Array) -> Array:
    """Inverse transform on a table: the first number whose cumulated probability exceeds u.

    >>> inverse_table(np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.2, 0.69, 0.99]))
    array([0, 1, 1, 2])
    """
    cumulated = np.cumsum(probabilities)
    places = np.searchsorted(cumulated / cumulated[-1], uniforms, side="right")
    return np.minimum(places, len(cumulated) - 1)


def probabilities_of(values: Array) -> Array:
    """Numbers of 0 or more that sum to 1, along one axis; anything else is refused."""
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or not found.size:
        raise InputError(f"probabilities of shape {found.shape} are no list; give at least one number along one axis")
    if not (found >= 0).all() or abs(found.sum() - 1) > OFF:
        raise InputError(
            f"probabilities are 0 or more and sum to 1, and these sum to {found.sum():.6g}; divide by their sum"
        )
    return found


def _positive(**named: float) -> None:
    for name, value in named.items():
        if not (value > 0 and math.isfinite(value)):
            raise InputError(f"{name}={value} describes no distribution; give a finite number above 0")


def _where(possible: Array, value: Array) -> Array:
    """A log density where x is possible, -inf elsewhere."""
    return np.where(possible, value, -np.inf)


def _counts(x: Array) -> tuple[Array, Array]:
    """Which of the numbers are counts (0, 1, 2 …), and the numbers with 0 in place of the others."""
    at = np.asarray(x, dtype=float)
    possible = (at >= 0) & (at == np.floor(at)) & np.isfinite(at)
    return possible, np.where(possible, at, 0.0)


# ───────── numbers on a line ─────────


@dataclass(frozen=True)
class Normal:
    """The bell: what sums of many small independent numbers come to."""

    mean: float = 0.0
    standard_deviation: float = 1.0

    def __post_init__(self) -> None:
        _positive(standard_deviation=self.standard_deviation)

    @property
    def variance(self) -> float:
        """σ²."""
        return self.standard_deviation**2

    def log_density(self, x: Array | float) -> Array:
        """-½((x - μ)/σ)² - log σ - ½ log 2π."""
        z = (np.asarray(x, dtype=float) - self.mean) / self.standard_deviation
        return -0.5 * z**2 - math.log(self.standard_deviation) - 0.5 * math.log(2 * math.pi)

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """μ + σz, z by Box-Muller."""
        return self.mean + self.standard_deviation * standard_normal(generator, size)


@dataclass(frozen=True)
class Exponential:
    """The time until something that may happen at any moment, `rate` times a unit on average, does."""

    rate: float = 1.0

    def __post_init__(self) -> None:
        _positive(rate=self.rate)

    @property
    def mean(self) -> float:
        """1/λ."""
        return 1 / self.rate

    @property
    def variance(self) -> float:
        """1/λ²."""
        return 1 / self.rate**2

    def log_density(self, x: Array | float) -> Array:
        """log λ - λx, for x ≥ 0."""
        at = np.asarray(x, dtype=float)
        return _where(at >= 0, math.log(self.rate) - self.rate * at)

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Inverse transform: -log(1 - u) / λ."""
        return -np.log(1 - generator.random(size)) / self.rate


@dataclass(frozen=True)
class Gamma:
    """The time until the `shape`-th event, and between whole shapes; what is believed of a Poisson rate."""

    shape: float
    rate: float = 1.0

    def __post_init__(self) -> None:
        _positive(shape=self.shape, rate=self.rate)

    @property
    def mean(self) -> float:
        """k/λ."""
        return self.shape / self.rate

    @property
    def variance(self) -> float:
        """k/λ²."""
        return self.shape / self.rate**2

    def log_density(self, x: Array | float) -> Array:
        """k log λ - log Γ(k) + (k - 1) log x - λx, for x > 0."""
        at = np.asarray(x, dtype=float)
        inside = np.where(at > 0, at, 1.0)
        constant = self.shape * math.log(self.rate) - float(log_gamma(self.shape))
        return _where(at > 0, constant + (self.shape - 1) * np.log(inside) - self.rate * inside)

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Marsaglia-Tsang, divided by the rate."""
        return marsaglia_tsang(self.shape, generator, size) / self.rate


@dataclass(frozen=True)
class Beta:
    """What is believed of a share after a - 1 successes and b - 1 failures."""

    a: float = 1.0
    b: float = 1.0

    def __post_init__(self) -> None:
        _positive(a=self.a, b=self.b)

    @property
    def mean(self) -> float:
        """a/(a + b)."""
        return self.a / (self.a + self.b)

    @property
    def variance(self) -> float:
        """ab / ((a + b)²(a + b + 1))."""
        total = self.a + self.b
        return self.a * self.b / (total**2 * (total + 1))

    def log_density(self, x: Array | float) -> Array:
        """(a - 1) log x + (b - 1) log(1 - x) - log B(a, b), for 0 < x < 1."""
        at = np.asarray(x, dtype=float)
        possible = (at > 0) & (at < 1)
        inside = np.where(possible, at, 0.5)
        value = (self.a - 1) * np.log(inside) + (self.b - 1) * np.log1p(-inside) - log_beta(self.a, self.b)
        return _where(possible, value)

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """x/(x + y) of two gamma numbers of shapes a and b."""
        x, y = (marsaglia_tsang(shape, generator, size) for shape in (self.a, self.b))
        return x / (x + y)


@dataclass(frozen=True, eq=False)
class Dirichlet:
    """What is believed of the probabilities of several things: beta for more than two. concentration: (n,), above 0."""

    concentration: Array

    def __post_init__(self) -> None:
        found = np.asarray(self.concentration, dtype=float)
        if found.ndim != 1 or not found.size or not ((found > 0) & np.isfinite(found)).all():
            raise InputError(f"concentration={self.concentration} describes no distribution; give numbers above 0")
        object.__setattr__(self, "concentration", found)

    @property
    def mean(self) -> Array:
        """α / Σα."""
        return self.concentration / self.concentration.sum()

    @property
    def variance(self) -> Array:
        """Of each probability: m(1 - m) / (Σα + 1), m its mean."""
        return self.mean * (1 - self.mean) / (self.concentration.sum() + 1)

    def log_density(self, x: Array) -> Array:
        """Σ(α - 1) log x + log Γ(Σα) - Σ log Γ(α); the last axis of x holds probabilities."""
        at = np.asarray(x, dtype=float)
        if at.shape[-1:] != self.concentration.shape:
            raise InputError(
                f"x of shape {at.shape} does not end in the {len(self.concentration)} probabilities; give (…, n)"
            )
        possible = (at > 0).all(-1) & (np.abs(at.sum(-1) - 1) <= OFF)
        inside = np.where(at > 0, at, 1.0)
        constant = log_gamma(self.concentration.sum()) - log_gamma(self.concentration).sum()
        return _where(possible, constant + ((self.concentration - 1) * np.log(inside)).sum(-1))

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Gamma numbers of shapes α, divided by their sum: shape (*size, n)."""
        drawn = np.stack([marsaglia_tsang(float(shape), generator, size) for shape in self.concentration], axis=-1)
        return drawn / drawn.sum(-1, keepdims=True)


# ───────── counts ─────────


@dataclass(frozen=True)
class Binomial:
    """How many of `count` independent trials succeed."""

    count: int
    probability: float

    def __post_init__(self) -> None:
        if self.count < 0 or self.count != int(self.count) or not 0 <= self.probability <= 1:
            raise InputError(
                f"count={self.count}, probability={self.probability} describes no distribution; "
                "give a whole count and a probability from 0 to 1"
            )

    @property
    def mean(self) -> float:
        """np."""
        return self.count * self.probability

    @property
    def variance(self) -> float:
        """np(1 - p)."""
        return self.count * self.probability * (1 - self.probability)

    def log_density(self, x: Array | float) -> Array:
        """log C(n, k) + k log p + (n - k) log(1 - p), where 0 log 0 = 0."""
        possible, at = _counts(np.asarray(x))
        possible &= at <= self.count
        k = np.where(possible, at, 0.0)
        n, p = self.count, self.probability
        ways = log_gamma(n + 1.0) - log_gamma(k + 1) - log_gamma(n - k + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            hits = np.where(k == 0, 0.0, k * np.log(p))
            misses = np.where(k == n, 0.0, (n - k) * np.log1p(-p))
        return _where(possible, ways + hits + misses)

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Inverse transform on the table of 0 … n."""
        return inverse_table(np.exp(self.log_density(np.arange(self.count + 1))), generator.random(size))


class Bernoulli(Binomial):
    """One trial: 1 with this probability, otherwise 0."""

    def __init__(self, probability: float) -> None:
        super().__init__(1, probability)


@dataclass(frozen=True)
class Poisson:
    """How many events happen in a unit of time, when each moment is as likely as any other."""

    rate: float

    def __post_init__(self) -> None:
        _positive(rate=self.rate)

    @property
    def mean(self) -> float:
        """λ."""
        return self.rate

    @property
    def variance(self) -> float:
        """λ."""
        return self.rate

    def log_density(self, x: Array | float) -> Array:
        """k log λ - λ - log k!."""
        possible, k = _counts(np.asarray(x))
        return _where(possible, k * math.log(self.rate) - self.rate - log_gamma(k + 1))

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Inverse transform on a table that leaves out less than 1e-16 above."""
        longest = int(self.rate + 12 * math.sqrt(self.rate) + 40)
        return inverse_table(np.exp(self.log_density(np.arange(longest))), generator.random(size))


@dataclass(frozen=True, eq=False)
class Categorical:
    """One of n things with these probabilities: the next token. x is its number, 0 … n - 1."""

    probabilities: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "probabilities", probabilities_of(self.probabilities))

    @property
    def mean(self) -> Array:
        """The probabilities: the mean of the one-hot vector."""
        return self.probabilities

    @property
    def variance(self) -> Array:
        """p(1 - p), of each place of the one-hot vector."""
        return self.probabilities * (1 - self.probabilities)

    def log_density(self, x: Array | int) -> Array:
        """log p_x; -inf for what is no number of a thing."""
        possible, at = _counts(np.asarray(x))
        possible &= at < len(self.probabilities)
        with np.errstate(divide="ignore"):
            return _where(possible, np.log(self.probabilities)[np.where(possible, at, 0).astype(int)])

    def sample(self, generator: np.random.Generator, size: Size = ()) -> Array:
        """Inverse transform on the table."""
        return inverse_table(self.probabilities, generator.random(size))
