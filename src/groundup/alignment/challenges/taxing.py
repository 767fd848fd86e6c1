"""The study of the alignment tax: teach a model to be polite, by examples and by pairs, and measure what it loses elsewhere."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from groundup.alignment.challenges.found import ChallengeConfig, Found, Picture
from groundup.alignment.challenges.speaker import TEACHING, Speaker, new, of, talk, teach
from groundup.alignment.challenges.tax import Battery, Capability, Tax, battery, between, pareto_front, tax
from groundup.alignment.dpo.config import DpoConfig
from groundup.alignment.dpo.trainer import fit as prefer
from groundup.data.sources import python
from groundup.data.sources.tinyworld import check, instructions, sample, taste
from groundup.data.sources.tinyworld.reward import POLITE, RUDE, WORDY

AIMED, OTHERS = (
    ("opposite", "plural"),
    ("kind", "past", "compare"),
)  # families that are tuned on, and those that are not
SCHOOL, STEPS, ITEMS, TEXTS = (
    400,
    60,
    60,
    60,
)  # steps of a small model's schooling and of each arm; questions and texts measured
PIECE = 600  # characters of a text of Python's documentation
TAUGHT = replace(TEACHING, batch_size=8)
REPLAYS, BETAS, SHARES = (0.0, 0.25, 0.5), (0.1, 1.0), (0.5,)


def right_in_any_manner(item: Any, text: str) -> float:
    """1 where the content is right, whatever frame stands around it: a capability, and no matter of taste."""
    for frame in ("{}", *POLITE, *RUDE, *WORDY):
        start, end = frame.split("{}")
        if text.startswith(start) and text.endswith(end) and check(item, text[len(start) : len(text) - len(end)]):
            return 1.0
    return 0.0


def worlds(split: Any, count: int, seed: int = 0) -> dict[str, list[str]]:
    """Texts of tinyworld and of the installed Python's documentation."""
    documents = itertools.islice(python.read(split, ("documentation",)), count)
    pieces = [one.text[start : start + PIECE] for one in documents for start in range(0, len(one.text), PIECE)]
    return {
        "stories": [one.text for one in sample(seed, count, split)],
        "python": random.Random(seed).sample(pieces, min(count, len(pieces))),
    }


def schooled(seed: int, steps: int) -> Speaker:
    """A small model that has read both worlds and answers plainly."""
    texts = worlds("train", 1500, seed)
    asked = list(instructions(seed, 3000, "train", (*AIMED, *OTHERS)))
    both = [text for pair in zip(*texts.values(), strict=False) for text in pair]
    speaker = new([*both[:400], *(f"{one.prompt} {one.answer}" for one in asked[:400])], 64, 2, 1024, seed)
    talks = [talk(one.prompt, one.answer) for one in asked]
    return teach(speaker, talks, replace(TAUGHT, steps=steps, seed=seed), texts=both, replay=0.6)


def measuring(speaker: Speaker, seed: int, items: int) -> Battery:
    """What is measured before and after: taste where it is tuned, right answers elsewhere, held-out text of both worlds."""
    aim = Capability(list(instructions(seed, items, "heldout", AIMED)), taste)
    others = {
        family: Capability(list(instructions(seed, max(2, items // 3), "heldout", (family,))), right_in_any_manner)
        for family in OTHERS
    }
    return battery(speaker, aim, worlds("heldout", TEXTS, seed), others)


def arms(base: Speaker, seed: int, steps: int, say: Callable[[str], Any]) -> dict[str, Speaker]:
    """The same aim reached in several ways: examples with some replay, pairs with some pull, and weights between before and after."""
    source, asked = random.Random(seed), list(instructions(seed + 100, 800, "train", AIMED))
    polite = [source.choice(POLITE).format(one.answer) for one in asked]
    texts = [text for some in worlds("train", 600, seed).values() for text in some]
    teaching, made = replace(TAUGHT, steps=steps, seed=seed), dict[str, Speaker]()
    for share in REPLAYS:
        say(f"examples, replay {share}")
        talks = [talk(one.prompt, answer) for one, answer in zip(asked, polite, strict=True)]
        made[f"examples, replay {share:g}"] = teach(base, talks, teaching, texts=texts, replay=share)
    for share in SHARES:
        made[f"examples, {share:g} of the way"] = between(base, made["examples, replay 0"], share)
    for beta in BETAS:
        say(f"pairs, pull {beta}")
        made[f"pairs, pull {beta:g}"] = _preferring(base, asked, polite, beta, steps, seed)
    return made


def _preferring(
    base: Speaker, asked: Sequence[Any], polite: Sequence[str], beta: float, steps: int, seed: int
) -> Speaker:
    """DPO on polite against plain answers; beta is the pull towards the model before."""
    rows = [
        {"prompt": one.prompt, "chosen": answer, "rejected": one.answer}
        for one, answer in zip(asked, polite, strict=True)
    ]
    moved = between(base, base, 0.0)
    config = DpoConfig(beta=beta, steps=steps, seed=seed, learning_rate=0.002, checkpoint_every=0)
    prefer(moved.module, rows, config, tokenizer=base.tokenizer)
    return moved


def tax_study(config: ChallengeConfig, seed: int, say: Callable[[str], Any]) -> Found:
    """Every arm's gain and cost against the same model before."""
    say("a model")
    base = of(config.model) if config.model else schooled(seed, (config.steps or STEPS) * SCHOOL // STEPS)
    measure = measuring(base, seed, config.items or ITEMS)
    before = measure.measure(base)
    found = {
        name: tax(before, measure.measure(one)) for name, one in arms(base, seed, config.steps or STEPS, say).items()
    }
    numbers = dict[str, float]()
    for name, one in found.items():
        numbers |= {f"{name}: gain in taste": one.gain.value}
        numbers |= {f"{name}: more bits, {world}": interval.value for world, interval in one.bits.items()}
        numbers |= {f"{name}: others lost": float(np.mean([lost.value for lost in one.lost.values()]))}
    front = pareto_front([one.gain.value for one in found.values()], [one.paid for one in found.values()])
    numbers |= {f"{name}: on the front": float(place in front) for place, name in enumerate(found)}
    best = float(
        np.mean([taste(item, POLITE[1].format(item.answer)) for item in measure.aim.items]) - before.aim.mean()
    )
    return Found(numbers=numbers, truths={}, pictures=[trade_off(found, best)])


def trade_off(found: dict[str, Tax], best: float) -> Picture:
    """Gain and cost of every arm, with the most that could be gained."""
    return Picture(
        title="What a gain in taste costs in text", x="", y="gain, and bits per byte more", places=list(range(len(found))), names=list(found),
        measured={
            "gain in taste": [one.gain.value for one in found.values()],
            "bits per byte more": [one.paid for one in found.values()],
        },
        levels={"the best taste there is": best},
    )  # fmt: skip
