"""What a run's model was trained on and what to ask it: the two lines a chat opens with, told by `groundup.json` beside the model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup import files
from groundup.runs.context import Context

WORLDS = {
    "tinyworld": "a small generated world of people, places and things",
    "python": "the documentation of Python's standard library",
    "text": "the user's own text",
}
PROMPTS = 3


def about(context: Context, results: Mapping[str, Any]) -> dict[str, Any]:
    """The content of groundup.json."""
    return {
        "trained_on": trained_on(results),
        "prompts": prompts(context),
        "chats": any(stage["name"] in ("tune", "align") for stage in results["stages"]),
        "recipe": results["recipe"],
        "command": results["command"],
    }


def trained_on(results: Mapping[str, Any]) -> str:
    """The training text in one line: how much of what, and what followed."""
    worlds = results["data"].get("worlds", {})
    parts = [f"{notes['train']['bytes'] / 1e6:.1f} MB of {WORLDS.get(world, world)}" for world, notes in worlds.items()]
    asked = results["data"].get("instructions", {}).get("train")
    names = [stage["name"] for stage in results["stages"]]
    after = f", then tuned on {asked:,} of its instructions" if "tune" in names and asked else ""
    return (
        (" and ".join(parts) or "data that its run does not describe")
        + after
        + (" and improved by reinforcement" if "align" in names else "")
    )


def prompts(context: Context) -> list[str]:
    """Three prompts that work: held-out questions the last model answered rightly, short and of different kinds; else beginnings of documents."""
    answered = (
        Path(context.folders["eval"]) / "scores" / f"answers-{list(context.models)[-1]}.jsonl"
        if "eval" in context.folders
        else None
    )
    samples = files.read_jsonl(answered) if answered and answered.exists() else []
    right = sorted((sample for sample in samples if sample["correct"]), key=lambda sample: len(sample["prompt"]))
    first_of_family = {sample["family"]: sample["prompt"] for sample in reversed(right)}
    chosen = sorted(first_of_family.values(), key=len)[:PROMPTS]
    return chosen if len(chosen) == PROMPTS else beginnings(context)


def beginnings(context: Context) -> list[str]:
    """The first words of held-out documents, for a model that continues text."""
    samples = [record for record in stage_metrics(context, "train") if "samples" in record]
    return [sample["prompt"] for sample in samples[-1]["samples"]][:PROMPTS] if samples else ["Once"]


def stage_metrics(context: Context, stage: str) -> list[dict[str, Any]]:
    """The lines of an earlier stage's metrics.jsonl; none when it has none."""
    path = Path(context.folders.get(stage, context.folder)) / "metrics.jsonl"
    return files.read_jsonl(path) if stage in context.folders and path.exists() else []
