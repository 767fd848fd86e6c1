"""Debate: a judge who can check one step decides about a sum of a thousand numbers, because two debaters look for the step.

    claim       "the numbers from start to end add up to total"
    a round     its owner splits it into two halves; the other names the half that is wrong, or says that the halves do not add up
    the end     one number, or one addition: the judge checks that, and nothing else

Whoever claims a wrong total must be wrong somewhere: in one of the halves, or in the addition. So a debater who sees every mistake leads the judge
to one in log2(n) rounds, and the judge is right as often as in a single check, p, however long the list. Without debate

    all n - 1 additions by oneself      right if all are:           p^(n - 1)
    one step looked at, chosen blindly  the liar hides well:        1/2 + (p - 1/2) / n
    one adviser, right or wrong alike   (consultancy) shows a step that holds: 1/2

and where the honest debater sees the wrong half only with probability q, and guesses else, the liar's account is led to its mistake with
w = ((1 + q) / 2)^log2(n), and the judge is right with 1/2 + (p - 1/2) w: obfuscated arguments, the open question of debate. Irving,
Christiano and Amodei 2018, arXiv:1805.00899; Barnes and Christiano 2020 (obfuscated arguments); Michael et al. 2023, arXiv:2311.08702
(consultancy). Left out: debaters that are language models, and claims that no step decides.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from groundup.errors import InputError

IN_ADDITION = 0.3  # how often a liar cheats in the addition at hand rather than further down
WRONG_BY = (-3, -2, -1, 1, 2, 3)  # by how much a lie is wrong

Check = Callable[[int, int, int], bool]  # the judge's one step: is first + second the total?


@dataclass(frozen=True, slots=True)
class Claim:
    """What a debater says of the numbers from start to end; where it holds more than one, also what each half adds up to."""

    start: int
    end: int
    total: int
    halves: tuple["Claim", "Claim"] | None = None

    @property
    def adds_up(self) -> bool:
        """Whether the total is that of the halves: what it says by itself, true or not."""
        return self.halves is None or self.halves[0].total + self.halves[1].total == self.total


def true_claim(numbers: Sequence[int], start: int = 0, end: int | None = None) -> Claim:
    """The whole honest account of a list."""
    end = len(numbers) if end is None else end
    if end <= start:
        raise InputError("there is no number to add up; give a list of one or more")
    if end - start == 1:
        return Claim(start, end, int(numbers[start]))
    middle = (start + end) // 2
    halves = true_claim(numbers, start, middle), true_claim(numbers, middle, end)
    return Claim(start, end, halves[0].total + halves[1].total, halves)


def lie(truth: Claim, wrong_by: int, source: random.Random, in_addition: float = IN_ADDITION) -> Claim:
    """The same account made wrong by some number: in one of its additions, or passed down to a single number.

    in_addition: the probability that the liar cheats in the addition at hand instead of in one of its halves.
    """
    if truth.halves is None or source.random() < in_addition:
        return Claim(truth.start, truth.end, truth.total + wrong_by, truth.halves)
    first, second = truth.halves
    if source.random() < 0.5:
        halves = lie(first, wrong_by, source, in_addition), second
    else:
        halves = first, lie(second, wrong_by, source, in_addition)
    return Claim(truth.start, truth.end, truth.total + wrong_by, halves)


def dispute(claim: Claim, truth: Claim) -> int | None:
    """What an honest debater attacks in a claim: 0 or 1 for the half that is wrong, None for the addition itself.

    truth: the honest account of the same numbers. A half that is wrong comes before an addition that is: the first wrong half of the two. A claim
    without halves, and one that is right, are not disputed: InputError.
    """
    if claim.halves is None or truth.halves is None or claim.total == truth.total:
        raise InputError(
            f"the claim of {claim.total} for the numbers {claim.start} to {claim.end} has nothing to split or to attack; "
            "dispute a wrong claim of two numbers or more"
        )
    for place in (0, 1):
        if claim.halves[place].total != truth.halves[place].total:
            return place
    return None


@dataclass(frozen=True, slots=True)
class Step:
    """What the judge is asked at the end: first + second = total? A single number is 0 + itself."""

    first: int
    second: int
    total: int
    rounds: int

    @property
    def holds(self) -> bool:
        """The truth of it."""
        return self.first + self.second == self.total


def debate(claim: Claim, numbers: Sequence[int], source: random.Random, sees: float = 1.0) -> Step:
    """Let the other debater lead the judge from a claim to one step of it.

    sees: how often the other finds the mistake in a round; else a half is guessed. Where the claim is true, there is nothing to find.
    """
    truth, rounds = true_claim(numbers, claim.start, claim.end), 0
    while claim.halves is not None and truth.halves is not None:
        rounds += 1
        wrong = claim.total != truth.total
        place = dispute(claim, truth) if wrong and source.random() < sees else source.randrange(2)
        if place is None:
            first, second = claim.halves
            return Step(first.total, second.total, claim.total, rounds)
        claim, truth = claim.halves[place], truth.halves[place]
    return Step(0, int(numbers[claim.start]), claim.total, rounds)


def judge_of(reliability: float, source: random.Random) -> Check:
    """A judge whose single check is right so often, and wrong at random."""
    if not 0.5 <= reliability <= 1:
        raise InputError(f"reliability={reliability} is worse than a coin or no share; use a number from 0.5 to 1")

    def check(first: int, second: int, total: int) -> bool:
        return (first + second == total) == (source.random() < reliability)

    return check


def with_debate(numbers: Sequence[int], judge: Check, source: random.Random, sees: float = 1.0) -> bool:
    """Two totals, one of them true, in either order: is the judge's verdict right? The claim that stands first is debated.

    A liar whose opponent does not see everything hides the mistake as deep as possible, in a single number.
    """
    truth = true_claim(numbers)
    honest_first = source.random() < 0.5
    false = lie(truth, source.choice(WRONG_BY), source, IN_ADDITION if sees == 1 else 0.0)
    step = debate(truth if honest_first else false, numbers, source, sees)
    return judge(step.first, step.second, step.total) == honest_first


def alone(numbers: Sequence[int], judge: Check, source: random.Random) -> bool:
    """The judge adds everything up, a step at a time; one step that goes wrong spoils the total."""
    total = int(numbers[0])
    for number in numbers[1:]:
        if not judge(total, int(number), total + int(number)):
            return False
        total += int(number)
    return True


def blind(numbers: Sequence[int], judge: Check, source: random.Random) -> bool:
    """Two claims that differ in one number, as the liar hides it best; the judge looks at one, drawn blindly, or throws a coin."""
    place, looked = source.randrange(len(numbers)), source.randrange(len(numbers))
    if place != looked:
        return source.random() < 0.5
    honest_first = source.random() < 0.5
    said = int(numbers[place]) + (0 if honest_first else 1)
    return judge(0, int(numbers[place]), said) == honest_first


def advised(numbers: Sequence[int], judge: Check, source: random.Random) -> bool:
    """One adviser, who is told which total to argue for, shows a step that holds; a judge who sees a step that holds believes."""
    honest = source.random() < 0.5
    place = source.randrange(len(numbers))
    return judge(0, int(numbers[place]), int(numbers[place])) == honest


WAYS: dict[str, Callable[[Sequence[int], Check, random.Random], bool]] = {
    "debate": with_debate, "alone": alone, "one step, blindly": blind, "one adviser": advised,
}  # fmt: skip


def truth_of(way: str, count: int, reliability: float, sees: float = 1.0) -> float:
    """How often the judge is right about `count` numbers (a power of two where the honest debater does not see all), exactly.

    >>> round(truth_of("debate", 1024, 0.9), 3), round(truth_of("alone", 64, 0.9), 3), truth_of("one adviser", 64, 0.9)
    (0.9, 0.001, 0.5)
    """
    if way == "alone":
        return reliability ** (count - 1)
    if way == "one step, blindly":
        return 0.5 + (reliability - 0.5) / count
    if way == "one adviser":
        return 0.5
    found = ((1 + sees) / 2) ** math.log2(count)  # the liar's account is led to its mistake; else to a step that holds
    return 0.5 + (reliability - 0.5) * found


def accuracy(way: str, count: int, judge: Check, games: int, seed: int = 0, sees: float = 1.0) -> NDArray[np.float64]:
    """Which of some games the judge decides rightly, 1 or 0 each. Numbers are drawn from 0 to 9."""
    source, right = random.Random(f"{way} {count} {seed}"), []
    for _ in range(games):
        numbers = [source.randrange(10) for _ in range(count)]
        right.append(
            with_debate(numbers, judge, source, sees) if way == "debate" else WAYS[way](numbers, judge, source)
        )
    return np.array(right, dtype=np.float64)


# ───────── a second task: an order, of which one neighbourly pair decides ─────────


def out_of_order(numbers: Sequence[int], order: Sequence[int]) -> int | None:
    """The first place at which a claimed order of the numbers falls; None: it is sorted. What a debater points to.

    >>> out_of_order([30, 10, 20], [1, 2, 0]), out_of_order([30, 10, 20], [1, 0, 2])
    (None, 1)
    """
    if sorted(order) != list(range(len(numbers))):
        raise InputError("an order names every place once; give the numbers 0 to n - 1, each once")
    return next((k for k in range(len(order) - 1) if numbers[order[k]] > numbers[order[k + 1]]), None)


# ───────── the game itself ─────────


def game(count: int, reliability: float = 1.0, debated: bool = True) -> NDArray[np.float64]:
    """What the honest side gets when the lie stands at a row's number and the judge looks at a column's: P(the judge finds it).

    Without debate the judge chooses the column, before knowing anything. With it the other debater does, after the claim was made: a row's
    best column is its value.
    """
    seen = np.full((count, count), 0.5) + (reliability - 0.5) * np.eye(count)
    return seen.max(axis=1, keepdims=True) if debated else seen


def value(payoff: NDArray[np.float64], rounds: int = 4000) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """A zero-sum game's value with both sides' mixtures, by multiplicative weights; columns want much, rows little.

    Freund and Schapire 1999: the mean play of two who learn from each other's mixtures comes within sqrt(log n / rounds) of the value.
    """
    rows, columns = payoff.shape
    rate = math.sqrt(8 * math.log(max(rows, columns, 2)) / rounds)
    lost, won = np.zeros(rows), np.zeros(columns)
    mean_row, mean_column = np.zeros(rows), np.zeros(columns)
    for _ in range(rounds):
        row, column = np.exp(-rate * (lost - lost.min())), np.exp(rate * (won - won.max()))
        row, column = row / row.sum(), column / column.sum()
        lost, won = lost + payoff @ column, won + row @ payoff
        mean_row, mean_column = mean_row + row / rounds, mean_column + column / rounds
    return float(mean_row @ payoff @ mean_column), mean_row, mean_column
