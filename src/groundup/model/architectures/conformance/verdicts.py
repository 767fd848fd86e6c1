"""All checks in the order in which a mistake in one would trouble the next, and their verdicts."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from groundup.errors import ConfigError, GroundupError
from groundup.model.architectures.conformance.computing import bears_bfloat16, begins_well, ends_at_context, is_reached
from groundup.model.architectures.conformance.form import (
    has_numbers,
    has_shape,
    is_built,
    is_counted,
    is_saved,
    is_tied,
    is_written,
)
from groundup.model.architectures.conformance.reading import (
    bears_padding,
    hides_future,
    is_repeatable,
    keeps_rows_apart,
    leaves_input,
    obeys_mask,
    sees_past,
)
from groundup.model.architectures.conformance.remembering import remembers
from groundup.model.architectures.conformance.subject import Fault, Subject, first_line, place_of
from groundup.model.architectures.decoder import DecoderConfig


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one check. state: passed, failed or skipped. said: what is wrong, or why it was not tried."""

    name: str
    about: str
    state: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and those without which it says nothing."""

    run: Callable[[Subject], None]
    needs: tuple[str, ...] = ()


CHECKS: dict[str, Check] = {
    "built": Check(is_built),
    "config": Check(is_written),
    "shapes": Check(has_shape, ("built",)),
    "numbers": Check(has_numbers, ("shapes",)),
    "input kept": Check(leaves_input, ("shapes",)),
    "repeatable": Check(is_repeatable, ("numbers", "input kept")),
    "causality": Check(hides_future, ("repeatable",)),
    "memory": Check(sees_past, ("repeatable",)),
    "batch": Check(keeps_rows_apart, ("repeatable",)),
    "mask": Check(obeys_mask, ("repeatable", "causality")),
    "padding": Check(bears_padding, ("mask", "batch")),
    "cache": Check(remembers, ("repeatable", "causality", "batch")),
    "gradient": Check(is_reached, ("numbers",)),
    "tied head": Check(is_tied, ("built",)),
    "count": Check(is_counted, ("tied head",)),
    "save and load": Check(is_saved, ("config", "repeatable", "tied head")),
    "context": Check(ends_at_context, ("repeatable",)),
    "bfloat16": Check(bears_bfloat16, ("repeatable",)),
    "first loss": Check(begins_well, ("numbers",)),
}


def conform(config: DecoderConfig) -> Iterator[Verdict]:
    """Try every check on a configuration of a known or registered family, and give each verdict as it comes."""
    if not isinstance(config, DecoderConfig) or not config.writes:
        raise ConfigError(
            f"{type(config).__name__} describes no decoder that writes text, and only those are tested; give the folder of one"
        )
    subject, unsound = Subject(config), set[str]()
    for name, check in CHECKS.items():
        about = (check.run.__doc__ or "").strip()
        if before := [need for need in check.needs if need in unsound]:
            unsound.add(name)
            yield Verdict(name, about, "skipped", f"not tried before {before[0]} is right")
            continue
        said = _tried(check, subject)
        if said:
            unsound.add(name)
        yield Verdict(name, about, "failed" if said else "passed", said)


SMALL = {"num_hidden_layers": 4, "vocab_size": 512, "max_position_embeddings": 128}  # at most, for what is only tried


def small(config: Any) -> Any:
    """The configuration of a model with fewer layers, words and places, where its family allows it: enough to be tried."""
    smaller = {name: limit for name, limit in SMALL.items() if getattr(config, name, 0) > limit}
    for names in (smaller, smaller.keys() - {"num_hidden_layers"}, smaller.keys() - {"max_position_embeddings"}):
        try:
            return dataclasses.replace(config, **{name: smaller[name] for name in names})
        except GroundupError:  # layer_types names every layer, a scaling names the context
            continue
    return config


def _tried(check: Check, subject: Subject) -> str:
    """What one check has to say, "" where all is well; random numbers outside stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            with torch.set_grad_enabled(check.run is is_reached):
                check.run(subject)
        except Fault as fault:
            return str(fault)
        except GroundupError as error:
            return str(error)
        except Exception as error:
            return f"it fails{place_of(error)} with {first_line(error)}; mend that line and run the check again"
    return ""
