"""Exercise: a key that comes back after an absence."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("invariant")
def who_was_served_more_stays_where_he_is(mine):
    """Lowers the counter of a key that was served more than others: going away and coming back would wipe its past out."""
    same(mine(30.0, [10.0, 20.0], 5.0), 30.0)


@check("values")
def an_absence_cannot_be_saved(mine):
    """Leaves the counter of an absent key where it was: it would have all turns until it has caught up."""
    mistakes = {
        "Lifts to the largest counter: who comes back would wait for all the others.": 40.0,
        "Lifts to the mean: who comes back would be behind the one that has waited longest.": 30.0,
        "Begins anew at 0: then whoever leaves for a moment has the next turn.": 0.0,
    }
    same(mine(3.0, [40.0, 20.0], 10.0), 20.0, mistakes=mistakes)


@check("values")
def where_nobody_is_the_last_one_counts(mine):
    """Forgets who was here last when nobody is: two keys that take turns in being away would never be charged."""
    same(mine(3.0, [], 90.0), 90.0)
    same(mine(95.0, [], 90.0), 95.0)


@check("values")
def who_is_here_counts_and_not_who_left(mine):
    """Lifts to the counter of the last that left although others are here: who came back would be too far behind them."""
    same(mine(0.0, [25.0], 90.0), 25.0)


EXERCISE = Exercise(
    slot="serving.scheduling.lifted",
    title="Fair queue: no saving up",
    task="""
    In a fair queue the turn is that of the key with the smallest counter. A key that was away kept its counter while those of the others
    grew, and would have every turn on its return. So its counter is lifted to the smallest of those that are here; where nobody
    is here, to that of the key that left last. It is never lowered. `here` holds the counters of the keys that are here.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("serving.scheduling.fair_order",),
    hints=(
        "Two cases: somebody is here, or nobody.",
        "The least that the counter may be is min(here), or `last` where `here` is empty.",
        "return max(counter, min(here) if here else last)",
    ),
    run="groundup demo --fast && groundup --mine my bench serve runs/demo-fast/model --seconds 5",
    checks=(
        who_was_served_more_stays_where_he_is,
        an_absence_cannot_be_saved,
        where_nobody_is_the_last_one_counts,
        who_is_here_counts_and_not_who_left,
    ),
    mutants=(
        Mutant("as it was", "Leaves the counter of an absent key", (("max(counter, min(here) if here else last)", "counter"),)),
        Mutant("lowered", "Lowers the counter", (("max(counter, min(here) if here else last)", "min(here) if here else last"),)),
        Mutant("the largest", "Lifts to the largest", (("min(here)", "max(here)"),)),
        Mutant("the mean", "Lifts to the mean", (("min(here)", "sum(here) / len(here)"),)),
        Mutant("nobody is here", "Forgets who was here last", (("else last", "else counter"),)),
        Mutant("the last that left", "although others are here", (("min(here) if here else last", "max(min(here, default=0.0), last)"),)),
    ),
)  # fmt: skip
