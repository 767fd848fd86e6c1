"""Longer contexts than trained on: other frequencies for rotary positions, so that far places get angles that were seen.

A model trained on L positions has met each pair's angles m * f for m < L only. At position s * L the slow pairs, which
never went once round, stand at angles that no training showed, and attention goes wrong. Each scheme maps the trained
frequencies f_i = theta^(-2i/d) to others (s = `factor`, d = `head_dim`):

    linear      f / s                                  all clocks s times slower; neighbours become hard to tell apart
    ntk         f with theta * s^(d/(d-2))             the fastest kept, the slowest s times slower, smoothly between
    dynamic     ntk, with s from the length at hand    nothing changes up to the trained length
    yarn        (1-g) f/s + g f, softer attention      g falls from 1 (pairs that turned often) to 0 (that never went round)
    llama3      the same, g linear in the turns        Llama 3.1 and later; attention as it was
    longrope    f / (a factor for each pair)           found by search; one list for short texts, another for long ones

The attention factor multiplies cosines and sines, so scores grow by its square.
linear: Chen et al. 2023, arXiv:2306.15595, eq. 4. ntk, dynamic: as described in Peng et al. 2023, section 3.1 and 3.3.
yarn: Peng et al. 2023, arXiv:2309.00071, eq. 22-25 (the ramp over pairs instead of over turns, as in the authors' code).
llama3: Llama Team 2024, arXiv:2407.21783. longrope: Ding et al. 2024, arXiv:2402.13753. Arguments have the names of
`rope_parameters` (or `rope_scaling`) in config.json, and the order of operations is transformers', to the last bit.

Left out: the search for LongRoPE's factors, fine-tuning after the change (it helps every scheme), angles in several axes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import ConfigError, UnsupportedModel
from groundup.slots import slot


class Extended(NamedTuple):
    """Radians a position, one number a pair; and what multiplies the cosines and sines."""

    frequencies: Tensor
    attention_factor: float = 1.0


def default(head_dim: int, theta: float, *, device: torch.device | None = None) -> Extended:
    """The frequencies as trained: from 1 (first pair) down to about 1/theta (last pair)."""
    return Extended(1.0 / _wavelengths(head_dim, theta, device))


def _wavelengths(head_dim: int, theta: float, device: torch.device | None = None) -> Float[Tensor, " half"]:
    """Positions a radian: theta^(2i/d), in fp32."""
    if head_dim < 2 or head_dim % 2:
        raise ConfigError(
            f"head_dim={head_dim} cannot be turned, as rotary positions turn pairs of coordinates; use an even number"
        )
    return theta ** (torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim)


def linear(head_dim: int, theta: float, *, factor: float, device: torch.device | None = None) -> Extended:
    """Position interpolation: divide every frequency by `factor`, as if positions stood closer together."""
    return Extended(default(head_dim, theta, device=device).frequencies / factor)


@slot
def ntk_theta(head_dim: int, theta: float, factor: float) -> float:
    """Find the theta that makes the slowest pair exactly `factor` times slower and leaves the fastest as it is.

    The slowest of the d/2 pairs has f = theta^(-(d-2)/d).
    """
    return theta * factor ** (head_dim / (head_dim - 2))


def ntk(head_dim: int, theta: float, *, factor: float, device: torch.device | None = None) -> Extended:
    """NTK-aware: another theta, so that fast pairs keep their resolution. No rope_type of its own: save it as rope_theta."""
    if head_dim == 2:
        raise ConfigError(
            "head_dim=2 has one pair, which is both the fastest and the slowest; use linear scaling for it"
        )
    return default(head_dim, ntk_theta(head_dim, theta, factor), device=device)


def dynamic(
    head_dim: int,
    theta: float,
    *,
    factor: float,
    max_position_embeddings: int,
    length: int | None = None,
    device: torch.device | None = None,
) -> Extended:
    """NTK-aware with the stretch that this length needs; up to max_position_embeddings (the trained length) none.

    Keys in a cache keep the angles of the length at which they were made, in transformers as here: a text that grows
    beyond the trained length token by token is scored a little differently from the same text at once.
    """
    length = max(length or 0, max_position_embeddings)
    return ntk(head_dim, theta, factor=(factor * length / max_position_embeddings) - (factor - 1), device=device)


@slot
def yarn_ramp(
    head_dim: int,
    theta: float,
    original_max_position_embeddings: int,
    beta_fast: float = 32.0,
    beta_slow: float = 1.0,
    truncate: bool = True,
) -> Float[Tensor, " half"]:
    """How much of its trained frequency each pair keeps: 1 for fast pairs, 0 for slow ones, a straight line between.

    Pair i turns L f_i / (2 pi) times in the trained length L. The line begins at the pair that turns beta_fast times
    and ends at the one that turns beta_slow times; truncate: at whole pairs, rounded outwards.
    """

    def pair_that_turns(times: float) -> float:
        wavelength = original_max_position_embeddings / (times * 2 * math.pi)
        return head_dim * math.log(wavelength) / (2 * math.log(theta))

    first, last = pair_that_turns(beta_fast), pair_that_turns(beta_slow)
    if truncate:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, head_dim - 1)
    if first == last:
        last += 0.001  # a step instead of a line
    return 1 - ((torch.arange(head_dim // 2, dtype=torch.float32) - first) / (last - first)).clamp(0, 1)


def yarn_attention_factor(factor: float, mscale: float | None = None, mscale_all_dim: float | None = None) -> float:
    """YaRN's temperature, as what multiplies cosines and sines: 0.1 ln(factor) + 1; mscale and mscale_all_dim: DeepSeek's."""

    def scale(times: float) -> float:
        return 1.0 if factor <= 1 else 0.1 * times * math.log(factor) + 1.0

    return scale(mscale) / scale(mscale_all_dim) if mscale and mscale_all_dim else scale(1.0)


def yarn(
    head_dim: int,
    theta: float,
    *,
    factor: float,
    original_max_position_embeddings: int,
    beta_fast: float | None = None,
    beta_slow: float | None = None,
    truncate: bool = True,
    attention_factor: float | None = None,
    mscale: float | None = None,
    mscale_all_dim: float | None = None,
    device: torch.device | None = None,
) -> Extended:
    """YaRN: fast pairs as trained, slow ones interpolated, a ramp between; and the scores a little sharper."""
    wavelengths = _wavelengths(head_dim, theta, device)
    kept = yarn_ramp(
        head_dim, theta, original_max_position_embeddings, beta_fast or 32.0, beta_slow or 1.0, truncate
    ).to(wavelengths.device)
    frequencies = 1.0 / (factor * wavelengths) * (1 - kept) + 1.0 / wavelengths * kept
    if attention_factor is None:
        attention_factor = yarn_attention_factor(factor, mscale, mscale_all_dim)
    return Extended(frequencies, float(attention_factor))


def llama3(
    head_dim: int,
    theta: float,
    *,
    factor: float,
    low_freq_factor: float,
    high_freq_factor: float,
    original_max_position_embeddings: int,
    device: torch.device | None = None,
) -> Extended:
    """Pairs that turn more than high_freq_factor times in the trained length stay, fewer than low_freq_factor: f / factor."""
    if high_freq_factor <= low_freq_factor:
        raise ConfigError(
            f"high_freq_factor={high_freq_factor} must be greater than low_freq_factor={low_freq_factor}; "
            "Llama 3.1 has 4 and 1"
        )
    trained = default(head_dim, theta, device=device).frequencies
    wavelength = 2 * math.pi / trained
    turns = original_max_position_embeddings / wavelength
    kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor)
    between = (1 - kept) * trained / factor + kept * trained
    slow = wavelength > original_max_position_embeddings / low_freq_factor
    fast = wavelength < original_max_position_embeddings / high_freq_factor
    return Extended(torch.where(slow, trained / factor, torch.where(fast, trained, between)))


def longrope(
    head_dim: int,
    theta: float,
    *,
    short_factor: Sequence[float],
    long_factor: Sequence[float],
    original_max_position_embeddings: int,
    factor: float,
    attention_factor: float | None = None,
    length: int | None = None,
    device: torch.device | None = None,
) -> Extended:
    """Divide each pair's frequency by a factor of its own: the long list where the text is longer than trained on."""
    for name, factors in (("short_factor", short_factor), ("long_factor", long_factor)):
        if len(factors) != head_dim // 2:
            raise ConfigError(f"{name} has {len(factors)} numbers for {head_dim // 2} pairs; give one for each pair")
    if attention_factor is None:
        grown = math.log(factor) / math.log(original_max_position_embeddings) if factor > 1 else 0.0
        attention_factor = math.sqrt(1 + grown)
    chosen = long_factor if (length or 0) > original_max_position_embeddings else short_factor
    each = torch.tensor(list(chosen), dtype=torch.float32, device=device)
    return Extended(1.0 / (each * _wavelengths(head_dim, theta, device)), float(attention_factor))


# ───────── the same from a config.json ─────────

SCHEMES: dict[str, Callable[..., Extended]] = {  # by rope_type
    "default": default,
    "linear": linear,
    "dynamic": dynamic,
    "yarn": yarn,
    "llama3": llama3,
    "longrope": longrope,
}
NEEDED = {  # keys without which a scheme means nothing
    "default": (),
    "linear": ("factor",),
    "dynamic": ("factor", "max_position_embeddings"),
    "yarn": ("factor", "original_max_position_embeddings"),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
    "longrope": ("short_factor", "long_factor", "original_max_position_embeddings", "factor"),
}
OPTIONAL = {
    "yarn": ("beta_fast", "beta_slow", "truncate", "attention_factor", "mscale", "mscale_all_dim"),
    "longrope": ("attention_factor",),
}
USES_LENGTH = ("dynamic", "longrope")  # schemes whose frequencies depend on how long the text is
OLDER_NAMES = {"su": "longrope"}  # Phi-3's first files
ABOUT_TRAINING = frozenset(
    {"finetuned", "original_max_position_embeddings"}
)  # no effect where a scheme does not need it


def rope_frequencies(
    head_dim: int,
    rope_parameters: Mapping[str, Any],
    *,
    max_position_embeddings: int | None = None,
    length: int | None = None,
    device: torch.device | None = None,
) -> Extended:
    """Read `rope_parameters` of a config.json (or the older `rope_scaling` with its rope_theta) as frequencies.

    max_position_embeddings: the configuration's. length: of the text at hand, for the schemes in USES_LENGTH; None: short.
    A partial_rotary_factor turns only the first part of the head; as many frequencies come back as pairs are turned.
    Raises UnsupportedModel for an unknown rope_type or key, ConfigError for a missing key or an impossible value.
    """
    scheme, theta, dim, parameters = _read(head_dim, rope_parameters, max_position_embeddings)
    if scheme in USES_LENGTH:
        parameters["length"] = length
    return SCHEMES[scheme](dim, theta, **parameters, device=device)


def _read(
    head_dim: int, given: Mapping[str, Any], max_position_embeddings: int | None
) -> tuple[str, float, int, dict[str, Any]]:
    """Scheme, theta, turned coordinates and the scheme's own arguments, checked."""
    named = given.get("rope_type") or given.get("type") or "default"
    scheme = OLDER_NAMES.get(named, named)
    if scheme not in SCHEMES:
        raise UnsupportedModel(f"rope_type {named!r} is not implemented; there are {', '.join(SCHEMES)}")
    if "rope_theta" not in given:
        raise ConfigError("rope_parameters has no rope_theta; add the configuration's, 10000.0 in older files")
    own = {*NEEDED[scheme], *OPTIONAL.get(scheme, ())} - {"max_position_embeddings"}  # that is the configuration's
    known = {"rope_type", "type", "rope_theta", "partial_rotary_factor", *own}
    unknown = sorted(key for key in given.keys() - known - ABOUT_TRAINING if given[key] is not None)
    if unknown:
        raise UnsupportedModel(
            f"rope_parameters of type {named!r} holds {', '.join(unknown)}, which would change the output and is not "
            f"implemented; known are {', '.join(sorted(known))}"
        )
    parameters = {key: _number(key, given[key]) for key in own & given.keys() if given[key] is not None}
    _complete(scheme, parameters, max_position_embeddings)
    return scheme, _theta(given["rope_theta"]), int(head_dim * (given.get("partial_rotary_factor") or 1.0)), parameters


def _number(key: str, value: Any) -> Any:
    """JSON writes 8.0 as 8 too."""
    return float(value) if type(value) is int and not key.endswith("embeddings") else value


def _theta(value: Any) -> float:
    if not isinstance(value, int | float) or not value > 1:
        raise ConfigError(f"rope_theta={value!r} is not possible; use a number over 1, such as 10000.0")
    return float(value)


def _complete(scheme: str, parameters: dict[str, Any], max_position_embeddings: int | None) -> None:
    """Fill in what a file may leave out because the configuration says it, and check the rest."""
    needed = NEEDED[scheme]
    for key in ("original_max_position_embeddings", "max_position_embeddings"):
        if key in needed and parameters.get(key) is None:
            parameters[key] = max_position_embeddings
    original = parameters.get("original_max_position_embeddings")
    if "factor" in needed and parameters.get("factor") is None and scheme in ("yarn", "longrope"):
        parameters["factor"] = max_position_embeddings / original if max_position_embeddings and original else None
    missing = [key for key in needed if parameters.get(key) is None]
    if missing:
        raise ConfigError(f"rope_type {scheme!r} needs {', '.join(missing)}; add what the model's config.json says")
    factor = parameters.get("factor", 1.0)
    if not isinstance(factor, int | float) or isinstance(factor, bool) or not 1 <= factor < math.inf:
        raise ConfigError(f"factor={factor!r} is not possible; use a number of 1 or more: how many times longer")
