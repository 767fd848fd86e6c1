"""Exercise: what the best of n answers is worth, told from more than n."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape


def rewards_of(*rows):
    """A row a task."""
    import torch

    return torch.tensor(rows)


def over_all_choices(rewards, n, worth=None):
    """By definition: the mean over all choices of n answers; answers that tie share."""
    from itertools import combinations
    from statistics import fmean

    import torch

    rows = []
    for by, value in zip(rewards.tolist(), (rewards if worth is None else worth).tolist(), strict=True):
        tied = {one: fmean(v for b, v in zip(by, value, strict=True) if b == one) for one in by}
        rows.append(fmean(tied[max(some)] for some in combinations(by, n)))
    return torch.tensor(rows, dtype=rewards.dtype)


REPEATS = "Draws with repeats, (i / N)^n: an answer is chosen at most once, C(i - 1, n - 1) / C(N, n)."


def as_if_put_back(rewards, n):
    """What it would be if an answer could be chosen twice."""
    import torch

    places = torch.arange(rewards.shape[1] + 1) / rewards.shape[1]
    return rewards.sort(1).values @ places.pow(n).diff()


TABLE = ((0.0, 3.0, 1.0, 7.0), (2.0, -1.0, 5.0, 4.0))


@check("shape")
def one_number_for_each_task(mine):
    """Gives another shape than one number for each task."""
    for n in (1, 2):
        shape(mine(rewards_of(*TABLE), n), (2,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the rewards."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(rewards_of(*TABLE).to(kind), 2), kind)


@check("finite")
def large_numbers_of_ways(mine):
    """Overflows: there are more ways to choose 1000 of 2000 than a float holds; divide whole numbers, or go through logarithms."""
    import torch

    for n in (600, 1000):
        finite(mine(torch.arange(2000.0)[None], n))


@check("invariant")
def the_order_of_the_answers_says_nothing(mine):
    """Depends on the order in which the answers stand: the best of the first n is one draw, take the mean over all choices."""
    table = rewards_of(*TABLE)
    for n in (1, 2, 3):
        same(mine(table.flip(1), n), mine(table, n))


@check("values")
def of_one_it_is_the_mean(mine):
    """The best of one answer is the answer: on average the mean reward."""
    same(mine(rewards_of(*TABLE), 1), rewards_of(2.75, 2.5))


@check("values")
def of_all_it_is_the_maximum(mine):
    """The best of all answers is the highest reward."""
    table = rewards_of(*TABLE)
    same(mine(table, 4), rewards_of(7.0, 5.0), mistakes={REPEATS: as_if_put_back(table, 4)})


@check("values")
def between_it_is_the_mean_over_all_choices(mine):
    """Is not the mean of the maximum over all choices of n answers without repeats."""
    table = rewards_of(*TABLE)
    for n in (2, 3):
        same(mine(table, n), over_all_choices(table, n), mistakes={REPEATS: as_if_put_back(table, n)})


@check("values")
def worth_is_what_is_averaged(mine):
    """Ignores `worth`, or ranks by it: answers are chosen by their reward, and what is averaged is their worth."""
    table, worth = rewards_of(*TABLE), rewards_of((9.0, 2.0, 4.0, 1.0), (0.0, 8.0, 3.0, 6.0))
    for n in (1, 2, 4):
        same(mine(table, n, worth), over_all_choices(table, n, worth))


@check("values")
def ties_share(mine):
    """Gives the place among equal rewards to whichever stands last: answers that tie are as likely to be taken."""
    table, worth = rewards_of((1.0, 1.0, 0.0)), rewards_of((4.0, 2.0, 5.0))
    for n in (2, 3):
        same(mine(table, n, worth), over_all_choices(table, n, worth))


@check("speed")
def sorted_once(mine):
    """Is far slower than the reference: sort once and weigh, do not go through the choices."""
    import torch

    from groundup.alignment.rejection.rejection import best_of_n

    fast(mine, best_of_n, (torch.rand(400, 64, generator=torch.Generator().manual_seed(0)), 8))


TIES = "weights = (below[last] - below[first]) / (last - first)"
OVERFLOW = "\n    weights = weights * (2.0 * torch.tensor(n)).exp2() / (2.0 * torch.tensor(n)).exp2()"
PUT_BACK = "weights = (torch.arange(rewards.shape[1] + 1).double() / rewards.shape[1]).pow(n).diff().expand_as(ranked)"
RETURN = "return (weights * value.double()).sum(1).to(value.dtype)"
EXERCISE = Exercise(
    slot="alignment.rejection.best_of_n",
    title="Best of n: an estimate that wastes no answer",
    task="""
    A model answered each task `samples` times and each answer has a reward. What would the best of n answers be worth, for
    every n up to `samples`? The best of the first n is one throw of the dice. Better: the mean of the maximum over all choices of n
    answers. Sort them; the i-th lowest is the best of a choice when the other n - 1 are among the i - 1 below it, in
    C(i - 1, n - 1) of C(samples, n) choices. With `worth` the choice goes by the reward, and the worth of what was chosen is averaged;
    answers with equal rewards share what their places have together.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("alignment.rejection.rejection",),
    hints=(
        "math.comb(place, n - 1) / math.comb(samples, n) with place counting from 0: Python's whole numbers do not overflow.",
        "order = rewards.argsort(1); rewards.gather(1, order) and worth.gather(1, order) stand in the same order.",
        "For ties: torch.searchsorted(ranked, ranked) and (..., right=True) say where equal rewards begin and end; "
        "with the running sum of the weights their share is (below[end] - below[begin]) / (end - begin).",
    ),
    run="groundup --mine my learn lesson alignment.rejection.rejection --run",
    checks=(
        one_number_for_each_task, the_dtype_stays, large_numbers_of_ways, the_order_of_the_answers_says_nothing, of_one_it_is_the_mean,
        of_all_it_is_the_maximum, between_it_is_the_mean_over_all_choices, worth_is_what_is_averaged, ties_share, sorted_once,
    ),
    mutants=(
        Mutant("the mean of the tasks", "another shape", edits=((RETURN, RETURN + ".mean()"),)),
        Mutant("in double", "another dtype", edits=((".to(value.dtype)", ""),)),
        Mutant("ways in floats", "Overflows", edits=((TIES, TIES + OVERFLOW),)),
        Mutant("the first n", "order in which the answers stand", edits=((RETURN, "return rewards[:, :n].amax(1)"),)),
        Mutant("always the best", "The best of one answer", edits=((RETURN, "return value[:, -1]"),)),
        Mutant("always the mean", "The best of all answers", edits=((RETURN, "return value.mean(1)"),)),
        Mutant("put back", "Draws with repeats", edits=((TIES, PUT_BACK),)),
        Mutant("no worth", "Ignores `worth`", edits=(("(rewards if worth is None else worth).gather", "rewards.gather"),)),
        Mutant("ties to the last", "whichever stands last", edits=((TIES, "weights = below.diff().expand_as(ranked)"),)),
    ),
)  # fmt: skip
