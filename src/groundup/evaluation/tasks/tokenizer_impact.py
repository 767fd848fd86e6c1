"""What a tokenizer does to learning, carried out: the same small transformer on equal examples, cut in different ways.

The ways and the examples are those of `groundup.text.tokenizers.impact`; this file brings the model, which that room does
not know. Every way is trained from every seed, for equal steps; what counts is the share of whole answers that are right
on examples that were not trained on. Each model takes a good part of a minute, so each result is kept as soon as it is
there, and a study that was cut off goes on. Left out: equal time instead of equal steps (a way with longer examples costs
more; the tokens of an example stand in the table).
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from groundup import files
from groundup.data.sources import python
from groundup.errors import ConfigError
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.text.tokenizers.impact import Example, Result, Task, additions, arithmetic, cut, spelled, spelling, study

WAYS = {"arithmetic": 4, "spelling": 3}  # each task, and in how many ways it is cut
TASKS = tuple(WAYS)
IGNORED = -100  # a target that costs nothing: the question and the padding
_BATCH, _PEAK = 64, 3e-3  # examples a step, and the learning rate's highest

OnModel = Callable[[str, str, int, float], None]  # task, way, seed, accuracy


@dataclass(frozen=True, kw_only=True, slots=True)
class ImpactConfig:
    """How much is learned, and by what."""

    steps: int = 3000
    digits: int = 3  # of the numbers that are added, at most
    chunk: int = 2  # digits a token, where they are cut in chunks
    problems: int = 8000  # sums, of which a sixteenth is held out
    words: int = 2400  # to spell, of which a sixth is held out
    hidden_size: int = 64
    num_hidden_layers: int = 2

    def __post_init__(self) -> None:
        """Refuse what leaves nothing to learn or to be asked."""
        for name, least in (("steps", 10), ("problems", 32), ("words", 12), ("chunk", 1), ("digits", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)} is too few to learn from; use {least} or more")


def known_words(most: int) -> list[str]:
    """The first `most` different words of 4 to 10 small letters in Python's documentation."""
    found: dict[str, None] = {}
    for document in python.documents(["documentation"]):
        found.update(dict.fromkeys(re.findall(r"\b[a-z]{4,10}\b", document.text)))
        if len(found) >= most:
            break
    return list(found)[:most]


def ways(task: str, config: ImpactConfig) -> dict[str, Task]:
    """The examples of one task under each way of cutting."""
    if task not in TASKS:
        raise ConfigError(f"there is no task '{task}'; use {' or '.join(TASKS)}")
    if task == "arithmetic":
        sums = additions(config.problems, config.digits, seed=1)
        held = max(1, len(sums) // 16)
        return {way: cut(sums[held:], sums[:held], how) for way, how in arithmetic(config.chunk).items()}
    words = known_words(config.words)
    told, asked = words[len(words) // 6 :], words[: len(words) // 6]
    return {way: cut(spelled(told), spelled(asked), how) for way, how in spelling(told, merges=150).items()}


def rows(examples: Iterable[Example], longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, padded; only the answer and its end are targets."""
    inputs, targets = [], []
    for one in examples:
        ids = [*one.question, 2, *one.answer]
        fill = longest - len(ids)
        inputs.append(ids[:-1] + [0] * fill)
        targets.append([IGNORED] * len(one.question) + list(one.answer) + [IGNORED] * fill)
    return torch.tensor(inputs), torch.tensor(targets)


def _model(vocab_size: int, config: ImpactConfig, seed: int) -> torch.nn.Module:
    width = config.hidden_size
    return build(
        LlamaConfig(
            vocab_size=vocab_size,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=config.num_hidden_layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=width // 4,
        ),
        seed=seed,
    )


def train(task: Task, seed: int, config: ImpactConfig) -> float:
    """Train a small transformer; the share of test answers that are right in every token."""
    module, source = _model(len(task.vocabulary), config, seed), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=_PEAK, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _PEAK, total_steps=config.steps)
    inputs, targets = rows(task.train, task.longest)
    for _ in range(config.steps):
        chosen = torch.randint(len(inputs), (_BATCH,), generator=source)
        logits = module(inputs[chosen])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets[chosen].flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    inputs, targets = rows(task.test, task.longest)
    with torch.no_grad():
        right = (module(inputs).argmax(-1) == targets) | (targets == IGNORED)
    return float(right.all(1).float().mean())


def measure(
    tasks: Iterable[str],
    seeds: int,
    config: ImpactConfig,
    kept: Path | None = None,
    on_model: OnModel = lambda task, way, seed, accuracy: None,
) -> dict[str, dict[str, Result]]:
    """Train every way of every task from `seeds` seeds; results by task and way.

    kept: a file of JSON lines, one a trained model, which are read instead of trained again when the settings are equal.
    """
    if seeds < 1:
        raise ConfigError(f"{seeds} seeds train nothing; use 3, or 1 for a first look")
    known = dict(_read(kept, config))
    results: dict[str, dict[str, Result]] = {}
    for task in tasks:
        results[task] = {}
        for way, examples in ways(task, config).items():

            def once(one: Task, seed: int, key: tuple[str, str] = (task, way)) -> float:
                if (*key, seed) not in known:
                    known[*key, seed] = train(one, seed, config)
                    _keep(kept, config, (*key, seed), known[*key, seed])
                on_model(*key, seed, known[*key, seed])
                return known[*key, seed]

            results[task] |= study(once, {way: examples}, range(seeds))
    return results


def _read(kept: Path | None, config: ImpactConfig) -> Iterator[tuple[tuple[str, str, int], float]]:
    """Accuracies by task, way and seed, of models that were trained with these settings."""
    for record in files.read_jsonl(kept) if kept is not None and kept.exists() else []:
        if record["config"] == dataclasses.asdict(config):
            yield (record["task"], record["way"], record["seed"]), record["accuracy"]


def _keep(kept: Path | None, config: ImpactConfig, key: tuple[str, str, int], accuracy: float) -> None:
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        record: Mapping[str, Any] = dict(zip(("task", "way", "seed"), key, strict=True))
        files.append_jsonl(kept, {**record, "accuracy": accuracy, "config": dataclasses.asdict(config)})
