"""The keys of a config.json that say how rotary positions turn, in their older and their newer place.

    older      rope_theta: 10000.0, rope_scaling: {"type": "linear", "factor": 2.0}, partial_rotary_factor: 0.5
    newer      rope_parameters: {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0, "partial_rotary_factor": 0.5}

Both are read, both are written, so that tools of either time read the file. What the types compute: `positions/extension.py`.
"""

from collections.abc import Mapping
from typing import Any

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures.blueprint import Rotary

KEYS = ("rope_theta", "rope_scaling", "rope_parameters")
TYPES = (
    "default",
    "linear",
    "dynamic",
    "yarn",
    "llama3",
    "longrope",
    "su",
)  # those of extension.SCHEMES; su: older word
OUTSIDE = ("rope_theta", "partial_rotary_factor")  # what rope_parameters holds beside the scaling


def read(raw: Mapping[str, Any], origin: str, partial: bool) -> dict[str, Any]:
    """The fields rope_theta, rope_scaling and, where the family has it, partial_rotary_factor; what is not said is left out."""
    said = {"rope_theta": raw["rope_theta"]} if raw.get("rope_theta") is not None else {}
    for key in ("rope_scaling", "rope_parameters"):
        parameters = raw.get(key) or {}
        if not isinstance(parameters, dict):
            raise FormatError(f"{origin}: {key} should be an object, not {parameters!r}; fetch the file again")
        said |= _checked(key, parameters, origin, partial)
    return said


def _checked(key: str, parameters: Mapping[str, Any], origin: str, partial: bool) -> dict[str, Any]:
    """One of the two objects; refuse a type that is unknown, and what the plain type would not use."""
    kind = parameters.get("rope_type", parameters.get("type", "default"))
    if kind not in TYPES:
        raise UnsupportedModel(f"{origin}: {key} of type {kind!r} would change the output and is not implemented")
    said = {name: parameters[name] for name in OUTSIDE if parameters.get(name) is not None}
    if said.get("partial_rotary_factor") == 1 and not partial:
        del said["partial_rotary_factor"]
    scaling = {name: value for name, value in parameters.items() if name not in (*OUTSIDE, "type")} | {
        "rope_type": kind
    }
    unused = set() if partial else said.keys() & {"partial_rotary_factor"}
    if kind == "default":
        unused |= scaling.keys() - {"rope_type"}
    elif parameters:
        said["rope_scaling"] = scaling
    if unused:
        raise UnsupportedModel(
            f"{origin}: {key}.{', '.join(sorted(unused))} would change the output and is not implemented"
        )
    return said


def write(rotary: Rotary, partial: bool = False) -> dict[str, Any]:
    """Both places, for a config.json. partial: say the part that turns, also where it is all, as tools assume another."""
    scaling = rotary.scaling or {"rope_type": "default"}
    share = {"partial_rotary_factor": rotary.share} if partial else {}
    newer = scaling | {"rope_theta": rotary.theta} | share
    return {"rope_theta": rotary.theta, "rope_scaling": rotary.scaling, "rope_parameters": newer}
