"""The numbers of a run in one plain table, `results.json`: what report, card, terminal and `groundup runs` all show.

recipe command seed when machine versions
stages[]        seconds, cpu_seconds, peak memory, sittings, drift, and what was forecast
model           family, parameters, vocabulary
tokenizer       bytes a token by world
bits_per_byte   world -> who -> (a stage, "5-gram", "xz", "zstd", "floor") -> value, low, high; and gap_closed
accuracy        who -> overall, seen, unseen, by family: value, low, high, n; and the paired differences
slots[]         the learner's functions: file, calls, speed against the reference, change of the loss
cost            seconds, CPU hours, peak memory, energy with its assumption
"""

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from groundup.runs.context import Context

WATTS = 15.0  # a two-core laptop processor under load; only an assumption, named wherever the figure stands
PACKAGES = ("groundup", "torch", "numba", "numpy")


def gather(context: Context, forecast: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Collect what the stages before `context` wrote into their done.json."""
    done = context.done
    numbers = {name: entry["numbers"] for name, entry in done.items()}
    stages = [stage_entry(name, entry, forecast or {}) for name, entry in done.items()]
    scores = numbers.get("eval", {})
    return {
        "recipe": context.recipe.name,
        "description": context.recipe.description,
        "command": context.command,
        "seed": context.recipe.seed,
        "machine": next((entry["machine"] for entry in reversed(list(done.values()))), ""),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "stages": stages,
        "data": numbers.get("data", {}),
        "model": numbers.get("train", {}).get("model", {}),
        "tokenizer": numbers.get("tokenizer", {}),
        "bits_per_byte": scores.get("bits_per_byte", {}),
        "accuracy": scores.get("accuracy", {}),
        "paired": scores.get("paired", []),
        "slots": slots_used(done),
        "cost": cost(stages),
    }


def version(package: str) -> str:
    """The installed version of a package; "source" when it runs from a checkout."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "source"


def stage_entry(name: str, done: Mapping[str, Any], forecast: Mapping[str, Any]) -> dict[str, Any]:
    """The cost of one stage, and what was forecast for it."""
    cost_of = done["cost"]
    expected = next((stage for stage in forecast.get("stages", []) if stage["name"] == name), None)
    return {
        "name": name,
        "key": done["key"][:8],
        "seconds": cost_of["seconds"],
        "cpu_seconds": cost_of["cpu_seconds"],
        "peak_memory_bytes": cost_of["peak_memory_bytes"],
        "sittings": done["sittings"],
        "drift": drift(cost_of["matmul_seconds"], forecast.get("matmul_seconds")),
        "forecast_seconds": expected["seconds"] if expected else None,
        "forecast_memory_bytes": expected["memory_bytes"] if expected else None,
        "numbers": {key: value for key, value in done["numbers"].items() if isinstance(value, (int, float, str))},
    }


def drift(measured: list[float | None], expected: float | None) -> float | None:
    """How much slower the machine was around a stage than when the forecast was measured: 1.2 is 20 % slower."""
    seen = [seconds for seconds in measured if seconds]
    return sum(seen) / len(seen) / expected if seen and expected else None


def slots_used(done: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The learner's functions that ran, over all stages; the change of the loss where train compared it."""
    merged: dict[str, dict[str, Any]] = {}
    for name, entry in done.items():
        for slot in entry["slots"]:
            into = merged.setdefault(
                slot["id"],
                {"id": slot["id"], "file": f"{slot['file']}:{slot['line']}", "calls": 0, "seconds": 0.0, "stages": []},
            )
            into["calls"] += slot["calls"]
            into["seconds"] += slot["seconds"]
            into["stages"].append(name)
            into.setdefault("speed_ratio", slot["speed_ratio"])
            for most in ("compared", "difference"):
                into[most] = max(into.get(most, 0), slot[most])
            into["differs_at"] = into.get("differs_at") or slot["differs_at"]
    compared = done.get("train", {}).get("numbers", {}).get("slots_compared")
    return [slot | _in_training(slot, compared) for slot in merged.values()]


def _in_training(slot: Mapping[str, Any], compared: Mapping[str, Any] | None) -> dict[str, Any]:
    """What training's comparison says of a function: the loss with all of the learner's, and with this one alone."""
    if "train" not in slot["stages"]:
        return {}
    return {"loss": compared, "loss_alone": (compared or {}).get("alone", {}).get(slot["id"])}


def cost(stages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the whole run cost."""
    cpu_seconds = sum(stage["cpu_seconds"] for stage in stages)
    return {
        "seconds": sum(stage["seconds"] for stage in stages),
        "cpu_hours": cpu_seconds / 3600,
        "peak_memory_bytes": max((stage["peak_memory_bytes"] for stage in stages), default=0),
        "energy_wh": cpu_seconds / 3600 * WATTS / 2,
        "energy_assumption": f"{WATTS:.0f} W for a processor with two busy cores; not measured",
    }
