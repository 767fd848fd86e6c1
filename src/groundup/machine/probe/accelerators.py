"""Accelerators by their published figures: what bounds a step on each, and how long it takes at best.

The figures stand in `accelerators.toml`, each with its source, dense products only, and are what their makers state: peaks that no
program reaches, as those of `roofline` are what a program reached. So the times here are lower bounds, good for saying *which*
bound a step meets and how two chips compare, and not for a bill.

    seconds = max(operations / peak, bytes moved / memory bandwidth, seconds on the link)

The three overlap at best (Williams et al. 2009), and the largest is the bound: "compute", "memory" or "link". What a
collective costs on the link: `collectives`. Operations and bytes of a model's step: `model.accounting.steps`.
Left out: efficiency below the peak, launch times, the memory levels inside the chip, sparsity, price.
"""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, InputError

DATA = Path(__file__).with_name("accelerators.toml")
TERA, GIGA, GIBI, MEGA, MEBI = 1e12, 1e9, 1 << 30, 1e6, 1 << 20
OTHER_NAMES = {
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp32": "float32",
    "tf32": "tfloat32",
    "fp8": "float8",
    "fp4": "float4",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures come from."""

    title: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerator:
    """One chip. Everything in operations, bytes and seconds; None where no source states it.

    peak: dense operations a second by number format; "unstated" where the maker names no format. sparse: with structured
    sparsity. levels: bytes of what lies between units and memory, from the inside out. link_bytes_per_s: one direction, all links.
    """

    id: str
    name: str
    kind: str
    year: int
    units: str
    peak: Mapping[str, float]
    sparse: Mapping[str, float]
    memory_bytes: float | None
    memory_bytes_per_s: float | None
    levels: Mapping[str, float]
    link: str
    link_bytes_per_s: float | None
    watts: float | None
    sources: tuple[Source, ...]
    read_at: tuple[str, ...]
    unconfirmed: str

    def flops(self, dtype: str) -> float:
        """Dense operations a second in a number format; ConfigError that names what is stated."""
        dtype = OTHER_NAMES.get(dtype, dtype)
        if dtype not in self.peak:
            there = ", ".join(self.peak) or "none without sparsity"
            raise ConfigError(f"of {self.name} no dense peak in {dtype} is stated; what is stated: {there}")
        return self.peak[dtype]

    def bandwidth(self) -> float:
        """Bytes a second of its memory."""
        if self.memory_bytes_per_s is None:
            raise ConfigError(
                f"of {self.name} no memory bandwidth is stated; choose another accelerator, or add it to {DATA.name}"
            )
        return self.memory_bytes_per_s

    def ridge(self, dtype: str = "bfloat16") -> float:
        """Operations a byte from which on it is multiplying, not reading, that takes the time."""
        return self.flops(dtype) / self.bandwidth()


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds that each of the three takes alone; together they take the longest."""

    compute: float
    memory: float
    link: float = 0.0

    @property
    def seconds(self) -> float:
        """At best: all three at the same time."""
        return max(self.compute, self.memory, self.link)

    @property
    def bound(self) -> str:
        """Which of them it waits for."""
        return max(("compute", "memory", "link"), key=lambda name: getattr(self, name))


def times(device: Accelerator, flops: float, moved_bytes: float, link_s: float = 0.0, dtype: str = "bfloat16") -> Times:
    """What so many operations on so many bytes of memory take on one chip, beside `link_s` seconds of sending.

    >>> times(accelerator("a100"), flops=312e12, moved_bytes=2039e9).seconds
    1.0
    """
    return Times(flops / device.flops(dtype), moved_bytes / device.bandwidth(), link_s)


@cache
def accelerators() -> dict[str, Accelerator]:
    """All of them by id, in the order of the file."""
    return {id: entry(id, stated) for id, stated in tomllib.loads(DATA.read_text(encoding="utf-8")).items()}


def accelerator(id: str) -> Accelerator:
    """One of them; InputError with the nearest name."""
    known = accelerators()
    if id.lower() not in known:
        near = difflib.get_close_matches(id.lower(), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise InputError(f"there are no figures of an accelerator {id!r}; {hint}")
    return known[id.lower()]


def entry(id: str, stated: Mapping[str, Any]) -> Accelerator:
    """A table of the file in operations, bytes and seconds; ConfigError for a key without meaning or a table without a source."""
    unknown = stated.keys() - KEYS
    if unknown:
        raise ConfigError(
            f"{DATA.name} [{id}]: {', '.join(sorted(unknown))} has no meaning; use {', '.join(sorted(KEYS))}"
        )
    if not stated.get("sources"):
        raise ConfigError(f"{DATA.name} [{id}] has no sources; give the title and url of what states its figures")
    return Accelerator(
        id=id,
        **{key: stated[key] for key in ("name", "kind", "year", "units")},
        peak={dtype: value * TERA for dtype, value in stated.get("peak_t", {}).items()},
        sparse={dtype: value * TERA for dtype, value in stated.get("sparse_t", {}).items()},
        memory_bytes=_in(stated, "memory_gb", GIGA) or _in(stated, "memory_gib", GIBI),
        memory_bytes_per_s=_in(stated, "memory_gb_per_s", GIGA),
        levels={one["name"]: _in(one, "mb", MEGA) or _in(one, "mib", MEBI) or 0.0 for one in stated.get("levels", [])},
        link=stated.get("link", ""),
        link_bytes_per_s=_in(stated, "link_gb_per_s", GIGA),
        watts=stated.get("watts"),
        sources=tuple(Source(**one) for one in stated["sources"]),
        read_at=tuple(stated.get("read_at", [one["url"] for one in stated["sources"]])),
        unconfirmed=stated.get("unconfirmed", ""),
    )


KEYS = set(
    "name kind year units peak_t sparse_t memory_gb memory_gib memory_gb_per_s levels link link_gb_per_s watts sources read_at "
    "unconfirmed".split()
)


def _in(stated: Mapping[str, Any], key: str, unit: float) -> float | None:
    return stated[key] * unit if key in stated else None
