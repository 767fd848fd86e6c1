"""Over-optimisation: a learned reward goes on rising while the true one, which it was to stand for, turns and falls.

The answers to a question are finitely many, their probabilities under the model are known, and the gold reward is the
written taste of tinyworld. A proxy is learned from pairs that the gold reward ordered (Bradley and Terry, by the logistic
regression on five features). It has seen that polite is better than plain; that "Gladly: Of course. With pleasure: 5"
is no longer an answer, it can hardly have seen, as the model almost never says so. Whoever optimises the proxy finds it.

    reinforcement at its limit   p(y) exp(proxy(y) / beta) / Z        the best policy under a pull of strength beta
    best of n                    F(y)^n - F(before y)^n               F: the probability of a proxy up to that of y

Nothing is sampled but the pairs: proxy, gold and KL of every such policy are sums over all answers. With d = sqrt(KL)

    gold, best of n      d (a - b d)           turns at d = a / (2 b)
    gold, reinforcement  d (a - b log d)       turns at d = exp(a / b - 1)

fit what Gao, Schulman and Hilton 2022 (arXiv:2210.10760, section 3) found for language models; d counts from the model,
where gold is set to 0. Left out: proxies that are language models, ensembles against over-optimisation (Coste et al. 2023).
"""

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.rejection.rejection import best_of_n_distribution
from groundup.data.sources.tinyworld.questions import Instruction
from groundup.data.sources.tinyworld.reward import POLITE, RUDE, WORDY, taste
from groundup.errors import InputError
from groundup.slots import slot

FEATURES = ("right", "polite", "rude", "wordy", "words", "stacked")  # stacked: a frame within a frame
USUAL = 5  # what the proxy sees of them, unless told otherwise: all but the last
RIGHT, FRAMES = 0.6, (0.5, 0.49, 0.0095, 0.0005)  # P(right content), P(0, 1, 2, 3 frames around it)
MANNERS = (POLITE, RUDE, WORDY)
STRENGTHS = tuple(np.geomspace(100, 0.03, 40).tolist())  # of the pull, from far to hardly any
TRIES = tuple(2**power for power in range(13))


@dataclass(frozen=True, slots=True)
class Answers:
    """All answers to a question: how probable, what they are worth, and what the proxy sees of them."""

    texts: list[str]
    probabilities: Float[Tensor, " answers"]
    gold: Float[Tensor, " answers"]
    features: Float[Tensor, "answers features"]


def all_answers(instruction: Instruction, wrong: Sequence[str]) -> Answers:
    """The right content or one of the wrong ones, said plainly or in up to three frames around each other."""
    frames = [(manner, frame) for manner, some in enumerate(MANNERS) for frame in some]
    contents = [(instruction.answer, RIGHT), *((text, (1 - RIGHT) / len(wrong)) for text in wrong)]
    seen, chances = dict[str, list[float]](), Counter[str]()
    for depth, chance in enumerate(FRAMES):
        for stack in itertools.product(frames, repeat=depth):
            counts = [float(sum(manner == kind for manner, _ in stack)) for kind in range(len(MANNERS))]
            for content, likely in contents:
                text = content
                for _, frame in reversed(stack):
                    text = frame.format(text)
                right = float(content == instruction.answer)
                seen[text] = [right, *counts, float(len(text.split())), float(depth > 1)]
                chances[text] += chance * likely / len(frames) ** depth  # frames before and after commute: one text
    gold = [taste(instruction, text) for text in seen]
    tables = [torch.tensor(table, dtype=torch.float64) for table in (list(chances.values()), gold, list(seen.values()))]
    return Answers(list(seen), tables[0] / tables[0].sum(), tables[1], tables[2])


def draw_pairs(answers: Answers, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Indices of chosen and rejected answers: two draws from the model, ordered by a draw from the gold reward."""
    if count < 1:
        raise InputError("there is no pair to learn a reward from; draw at least one")
    source = torch.Generator().manual_seed(seed)
    first, second = torch.multinomial(answers.probabilities, 2 * count, True, generator=source).view(2, count)
    better = (
        torch.rand(count, generator=source, dtype=torch.float64)
        < (answers.gold[first] - answers.gold[second]).sigmoid()
    )
    return torch.where(better, first, second), torch.where(better, second, first)


def learn_proxy(
    features: Float[Tensor, "answers features"], chosen: Tensor, rejected: Tensor, ridge: float = 1.0
) -> Float[Tensor, " features"]:
    """The weights that make the pairs likeliest under Bradley and Terry, by Newton's method; ridge keeps them finite."""
    difference = features[chosen] - features[rejected]
    weights, unit = (
        torch.zeros(features.shape[1], dtype=features.dtype),
        torch.eye(features.shape[1], dtype=features.dtype),
    )
    for _ in range(50):
        wrong = (-(difference @ weights)).sigmoid()
        slope = difference.T @ wrong - ridge * weights
        curve = (difference.T * (wrong * (1 - wrong))) @ difference + ridge * unit
        step = torch.linalg.solve(curve, slope)
        weights = weights + step
        if float(step.abs().max()) < 1e-10:
            break
    return weights


@slot
def tilted(
    probabilities: Float[Tensor, " answers"], reward: Float[Tensor, " answers"], beta: float
) -> Float[Tensor, " answers"]:
    """The policy with the highest mean reward minus beta times its KL from the model: p exp(reward / beta) / Z.

    >>> tilted(torch.tensor([0.5, 0.5]), torch.tensor([0.0, 1.0]), 1.0)
    tensor([0.2689, 0.7311])
    """
    return (probabilities.log() + reward / beta).softmax(0)


def divergence(policy: Tensor, model: Tensor) -> float:
    """KL(policy || model) in nats."""
    return float(torch.special.xlogy(policy, policy / model).sum())


@dataclass(frozen=True, slots=True)
class Curve:
    """What optimising a reward does, point by point: how far from the model, the reward optimised, the true one."""

    distance: list[float]  # sqrt(KL)
    proxy: list[float]
    gold: list[float]

    @property
    def turn(self) -> float:
        """The distance at which the gold reward is highest."""
        return self.distance[int(np.argmax(self.gold))]

    @property
    def lost(self) -> float:
        """How much gold the end of the curve has lost from its best point."""
        return max(self.gold) - self.gold[-1]


def optimised(answers: Answers, proxy: Float[Tensor, " answers"], policies: Sequence[Tensor]) -> Curve:
    """The curve of some policies, in the order given."""
    return Curve(
        [math.sqrt(max(0.0, divergence(policy, answers.probabilities))) for policy in policies],
        [float(policy @ proxy) for policy in policies],
        [float(policy @ answers.gold) for policy in policies],
    )


def by_reinforcement(answers: Answers, proxy: Tensor, strengths: Sequence[float] = STRENGTHS) -> Curve:
    """The curve of reinforcement brought to its end, from a strong pull towards the model to a weak one."""
    return optimised(answers, proxy, [tilted(answers.probabilities, proxy, beta) for beta in strengths])


def by_best_of_n(answers: Answers, proxy: Tensor, tries: Sequence[int] = TRIES) -> Curve:
    """The curve of answering n times and keeping the answer that the proxy likes best."""
    return optimised(answers, proxy, [best_of_n_distribution(answers.probabilities, proxy, n) for n in tries])


def by_policy_gradient(answers: Answers, proxy: Tensor, rounds: int = 60, rate: float = 0.5) -> Curve:
    """The curve of reinforcement while it learns, without any pull: natural policy gradient, on all answers at once.

    A step moves every logit by rate times its advantage (Kakade 2001; for a table of logits this is exact), so after k steps the policy is
    that of a pull of 1 / (k rate): whoever stops early has pulled.
    """
    logits, policies = answers.probabilities.log(), []
    for _ in range(rounds):
        policies.append(logits.softmax(0))
        logits = logits + rate * (proxy - policies[-1] @ proxy)
    return optimised(answers, proxy, policies)


def predicted_turn(answers: Answers, proxy: Tensor) -> float:
    """The distance at which reinforcement's gold must turn: where gold and proxy stop varying together under the policy.

    With the pull's strength 1 / t, the mean of gold over p exp(t proxy) / Z has the slope Cov(gold, proxy) by t. The first root is found by halving,
    between two strengths of a fine grid; infinite where there is none.
    """

    def slope(t: float) -> float:
        policy = tilted(answers.probabilities, proxy, 1 / t)
        return float(policy @ (answers.gold * proxy) - (policy @ answers.gold) * (policy @ proxy))

    grid = np.geomspace(1 / STRENGTHS[0], 1 / STRENGTHS[-1], 200).tolist()
    at = next((k for k in range(1, len(grid)) if slope(grid[k]) < 0), None)
    if at is None:
        return math.inf
    low, high = grid[at - 1], grid[at]
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return math.sqrt(divergence(tilted(answers.probabilities, proxy, 1 / low), answers.probabilities))


@dataclass(frozen=True, slots=True)
class Law:
    """d (a - b f(d)): what was fitted to a curve, how well, and where it turns."""

    a: float
    b: float
    explained: float  # the share of the variance
    turn: float
    at: Callable[[float], float]


@slot
def fit_law(distance: Sequence[float], gold: Sequence[float], logarithm: bool) -> tuple[float, float]:
    """a and b of d (a - b d), or of d (a - b log d), by least squares; gold counts from the model, where d is 0.

    >>> a, b = fit_law([0.5, 1.0, 2.0], [0.75, 1.0, 0.0], False)
    >>> round(a, 6), round(b, 6)
    (2.0, 1.0)
    """
    d, values = np.asarray(distance, dtype=np.float64), np.asarray(gold, dtype=np.float64)
    d, values = d[d > 0], values[d > 0]
    if len(d) < 2:
        raise InputError(f"a law has two numbers and needs two points away from the model, not {len(d)}; give more")
    columns = np.stack([d, -d * (np.log(d) if logarithm else d)], axis=1)
    (a, b), *_ = np.linalg.lstsq(columns, values, rcond=None)
    return float(a), float(b)


def law(curve: Curve, model_gold: float, logarithm: bool) -> Law:
    """Gao's law fitted to a curve; logarithm: that of reinforcement, else that of the best of n."""
    gold = [number - model_gold for number in curve.gold]
    a, b = fit_law(curve.distance, gold, logarithm)

    def at(d: float) -> float:
        return 0.0 if d <= 0 else d * (a - b * (math.log(d) if logarithm else d))

    left = sum((number - at(d)) ** 2 for d, number in zip(curve.distance, gold, strict=True))
    mean = sum(gold) / len(gold)
    spread = sum((number - mean) ** 2 for number in gold)
    turn = math.inf if b <= 0 else math.exp(min(700.0, a / b - 1)) if logarithm else a / (2 * b)
    return Law(a, b, 1 - left / spread if spread else 1.0, turn, at)


def hack(answers: Answers, pairs: int, seed: int = 0, sees: int = USUAL) -> Float[Tensor, " answers"]:
    """The proxy's reward of every answer, as learned from so many pairs; sees: how many of the features it has."""
    features = answers.features[:, :sees]
    return features @ learn_proxy(features, *draw_pairs(answers, pairs, seed))


def a_question(seed: int = 0, wrong: int = 4) -> tuple[Instruction, list[str]]:
    """A question of tinyworld and some wrong answers to it."""
    from groundup.data.sources.tinyworld.questions import instructions

    asked, *others = instructions(seed, 60, "train", ("add",))
    answers = sorted({other.answer for other in others} - {asked.answer})
    return asked, random.Random(seed).sample(answers, wrong)
