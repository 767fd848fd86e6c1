"""Exercise: every example validates once."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def lists(folds):
    """Folds as lists of plain numbers."""
    import numpy as np

    return [(np.asarray(train).tolist(), np.asarray(held).tolist()) for train, held in folds]


def by_hand(order, folds):
    """Runs cut one after the other."""
    order, runs, begin = list(order), [], 0
    for turn in range(folds):
        size = len(order) // folds + (turn < len(order) % folds)
        runs.append(order[begin : begin + size])
        begin += size
    return [([one for run in runs[:turn] + runs[turn + 1 :] for one in run], runs[turn]) for turn in range(folds)]


@check("shape")
def as_many_folds_as_asked(mine):
    """Gives another number of folds than asked for; each is a pair (train, validation)."""
    import numpy as np

    for count, folds in ((2, 2), (6, 3)):
        got = mine(np.arange(count), folds)
        that(len(got) == folds and all(len(one) == 2 for one in got), expected=f"{folds} pairs", got=got)


@check("invariant")
def nothing_is_in_both_parts(mine):
    """Trains on what it validates with, so the score praises what was learned by heart."""
    import numpy as np

    for train, held in lists(mine(np.arange(4), 2)):
        that(not set(train) & set(held), expected="no example in both parts", got=(train, held))


@check("invariant")
def nothing_is_lost(mine):
    """Loses examples: each is in one of the two parts of every fold, also where the numbers do not come out even."""
    import numpy as np

    for count, folds in ((4, 2), (5, 2), (7, 3)):
        for train, held in lists(mine(np.arange(count), folds)):
            that(
                sorted(train + held) == list(range(count)), expected=f"the numbers 0 to {count - 1}", got=(train, held)
            )


@check("invariant")
def each_validates_once(mine):
    """Does not let every example validate exactly once over all folds."""
    import numpy as np

    swapped = "Swaps the two parts: the larger one trains, the smaller one validates."
    for count, folds in ((6, 3), (7, 3)):
        got = lists(mine(np.arange(count), folds))
        held = sorted(one for _, part in got for one in part)
        others = sorted(one for part, _ in got for one in part)
        that(held == list(range(count)), swapped if others == list(range(count)) else "", expected="each once", got=got)


@check("values")
def each_run_stands_together(mine):
    """Does not cut the order into runs: a run is what stands next to each other, the first fold has the first."""
    import numpy as np

    dealt = "Deals the examples out in turn: a fold is a run of neighbours, since the caller has shuffled already if that was wanted."
    same(
        lists(mine(np.arange(4), 2)),
        [([2, 3], [0, 1]), ([0, 1], [2, 3])],
        mistakes={
            dealt: [([1, 3], [0, 2]), ([0, 2], [1, 3])],
            "Begins with the last run.": [([0, 1], [2, 3]), ([2, 3], [0, 1])],
        },
    )


@check("values")
def the_first_runs_get_one_more(mine):
    """Shares the remainder otherwise: the first runs have one more, so sizes differ by at most one."""
    import numpy as np

    last = "Gives the whole remainder to the last run: sizes differ by at most one, and the first runs have one more."
    got = [len(held) for _, held in lists(mine(np.arange(8), 3))]
    same(got, [3, 3, 2], mistakes={last: [2, 2, 4]})


@check("values")
def the_order_is_kept(mine):
    """Changes the order: both parts keep the one that was given."""
    import numpy as np

    places = "Gives places in the order: the numbers that stand there are wanted."
    expected = [([9], [7, 4]), ([7, 4], [9])]
    same(lists(mine(np.array([7, 4, 9]), 2)), expected, mistakes={places: [([2], [0, 1]), ([0, 1], [2])]})
    order = np.array([5, 3, 8, 1, 0])
    same(lists(mine(order, 3)), by_hand(order.tolist(), 3))


RESULT = "(np.concatenate(runs[:turn] + runs[turn + 1 :]), held)"

EXERCISE = Exercise(
    slot="foundations.learning.k_fold",
    title="k folds: every example validates once",
    task="""
    One validation set is one throw of dice. Cut the examples into k runs instead; each run validates once, while all
    others train, and k scores say how good and how sure. Examples come in the order in which the caller wants them
    (shuffled or not). Where the number does not come out even, the first runs have one more.

    Give back a list of pairs (train, validation) of arrays, in the order of the runs; both keep the order that was
    given.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.learning.cross_validation",),
    hints=(
        "Cut first, pair afterwards: with the runs in a list, fold number t validates with run t and trains on all the others.",
        "np.array_split cuts into nearly equal runs and gives the first ones more; np.concatenate joins runs.",
        "[(np.concatenate(runs[:t] + runs[t + 1:]), run) for t, run in enumerate(runs)]",
    ),
    run="groundup --mine my learn lesson foundations.learning.cross_validation --run",
    checks=(
        as_many_folds_as_asked,
        nothing_is_in_both_parts,
        nothing_is_lost,
        each_validates_once,
        each_run_stands_together,
        the_first_runs_get_one_more,
        the_order_is_kept,
    ),
    mutants=(
        Mutant("trained on all", "Trains on what it validates with", ((RESULT, "(order, held)"),)),
        Mutant("one fold only", "another number of folds", (("in enumerate(runs)]", "in enumerate(runs[:1])]"),)),
        Mutant(
            "the remainder dropped",
            "Loses examples",
            (("np.array_split(order, folds)", "np.array_split(order[: len(order) // folds * folds], folds)"),),
        ),
        Mutant("swapped", "Swaps the two parts", ((RESULT, "(held, np.concatenate(runs[:turn] + runs[turn + 1 :]))"),)),
        Mutant("always the first", "validate exactly once", ((RESULT, "(np.concatenate(runs[1:]), runs[0])"),)),
        Mutant(
            "dealt out",
            "Deals the examples out",
            (("np.array_split(order, folds)", "[order[turn::folds] for turn in range(folds)]"),),
        ),
        Mutant(
            "from the end", "Begins with the last run", (("in enumerate(runs)]", "in list(enumerate(runs))[::-1]]"),)
        ),
        Mutant(
            "the remainder to the last",
            "to the last run",
            (
                (
                    "np.array_split(order, folds)",
                    "np.split(order, [len(order) // folds * turn for turn in range(1, folds)])",
                ),
            ),
        ),
        Mutant("sorted", "Changes the order", ((RESULT, "(np.setdiff1d(order, held), held)"),)),
        Mutant(
            "places",
            "Gives places",
            (("np.array_split(order, folds)", "np.array_split(np.arange(len(order)), folds)"),),
        ),
    ),
)
