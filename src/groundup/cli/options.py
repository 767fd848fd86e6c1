"""Flags that several verbs share, as dataclasses that a verb's own options contain or extend."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

Set = Annotated[tuple[str, ...], tyro.conf.arg(name="set", metavar="TABLE.KEY=VALUE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Computing:
    """Where and how to compute."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where tensors live"""
    dtype: Literal["auto", "float32", "bfloat16", "float16", "float8"] = "auto"
    """number format of the matrix products; auto: bfloat16 or float32 by a short measurement; float8: training on newer NVIDIA cards"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""
    seed: int | None = None
    """where chance begins; left out: the recipe's"""

    def changes(self) -> dict[str, Any]:
        """The keys of a recipe that these flags change."""
        machine = {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if f.name != "seed" and getattr(self, f.name) != f.default
        }
        return {"machine": machine} | ({} if self.seed is None else {"seed": self.seed})

    def apply(self) -> str:
        """Set the threads and give the device's name, for verbs that load a model."""
        from groundup.errors import ConfigError
        from groundup.runs import settings

        if self.dtype == "float8":
            raise ConfigError("dtype float8 is for training; give --dtype bfloat16 where a model is only used")
        config = settings.MachineConfig(device=self.device, dtype=self.dtype, threads=self.threads)
        settings.apply(config)
        return settings.device(config)

    def dtype_or_none(self) -> str | None:
        """The number format asked for; None: the model folder's own."""
        return None if self.dtype == "auto" else self.dtype


Shared = tyro.conf.OmitArgPrefixes[Computing]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """How the next token is drawn; what is left out is the model folder's own (generation_config.json)."""

    max_new_tokens: int | None = None
    """tokens at most"""
    temperature: float | None = None
    """0: always the likeliest token; below 1: safer; above 1: wilder"""
    top_k: int | None = None
    """only the k likeliest tokens; 0: off"""
    top_p: float | None = None
    """the fewest tokens that together reach probability p; 1: off"""
    min_p: float | None = None
    """tokens at least this fraction as likely as the likeliest; 0: off"""
    typical_p: float | None = None
    """the tokens of the most usual surprise that together reach probability p; 1: off"""
    repetition_penalty: float | None = None
    """above 1: tokens that occurred become less likely"""
    frequency_penalty: float | None = None
    """above 0: a token is less likely for each time it was written"""
    presence_penalty: float | None = None
    """above 0: a token that was written is less likely"""
    stop: tuple[str, ...] = ()
    """text that ends the answer (repeatable)"""
    seed: int | None = None
    """where chance begins"""

    def given(self) -> dict[str, Any]:
        """What the user asked for, as keywords of the handle."""
        return {f.name: value for f in dataclasses.fields(self) if (value := getattr(self, f.name)) not in (None, ())}


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """What every verb that runs stages takes."""

    out: Path | None = None
    """the run's folder; left out: runs/<name of the recipe>"""
    depth: int | None = None
    """one dial: so many layers, and shape, rates, batch and steps that go with them (4: a million parameters); --set comes over it"""
    set: Set = ()
    """override a key of the recipe, for example train.steps=200 (repeatable)"""
    json: bool = False
    """print the results as JSON on stdout"""
    profile: bool = False
    """say where time and memory of a training step go, an operation a row"""
    computing: Shared = field(default_factory=Computing)
