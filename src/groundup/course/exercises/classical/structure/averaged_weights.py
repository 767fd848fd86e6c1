"""Exercise: the mean of all weights that a perceptron ever had."""

import random

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown


def journey(changes):
    """Weights, totals and the true mean of one weight that changes by so much at each step."""
    weight = total = kept = 0.0
    for step, change in enumerate(changes):
        weight, total = weight + change, total + step * change
        kept += weight
    return weight, total, kept / len(changes)


@check("shape")
def a_new_table(mine):
    """Gives something else than a new table with the same keys."""
    got = mine({("a", "x"): 1.0, ("b", "y"): 0.0}, {("a", "x"): 0.0, ("b", "y"): 2.0}, 4)
    if not isinstance(got, dict) or set(got) != {("a", "x"), ("b", "y")}:
        raise Failed(expected="{('a', 'x'): 1.0, ('b', 'y'): -0.5}", got=shown(got))


@check("values")
def a_weight_that_never_changed_again(mine):
    """A weight that changed at the first step alone is its own mean: its total is 0, for no step came before."""
    shared = "Divides the weight by the steps as well: only its total is shared out among them."
    same(mine({("a", "x"): 1.0}, {("a", "x"): 0.0}, 4)["a", "x"], 1.0, mistakes={shared: 0.25})


@check("values")
def a_weight_that_came_late(mine):
    """A weight that came at the last of four steps was there a quarter of the time: take its total over the steps away."""
    added = "Adds the total where it is taken away: what came late would count for more than it is."
    whole = "Takes the total away as it is: it is a sum over steps, to be divided by how many there were."
    same(mine({("a", "x"): 1.0}, {("a", "x"): 3.0}, 4)["a", "x"], 0.25, mistakes={added: 1.75, whole: -2.0})


@check("values")
def the_mean_of_any_journey(mine):
    """Is not the mean of the weights after each step."""
    source = random.Random(0)
    for _ in range(20):
        changes = [source.choice((-1.0, 0.0, 1.0)) for _ in range(source.randint(1, 12))]
        weight, total, mean = journey(changes)
        same(mine({("a", "x"): weight}, {("a", "x"): total}, len(changes))["a", "x"], mean)


EXERCISE = Exercise(
    slot="classical.structure.averaged_weights",
    title="The averaged perceptron: the mean of a journey",
    task="""
    The last weights of a perceptron answer its last mistakes; the mean of the weights after every step is steadier. Nobody adds
    up a million weights at each of a million steps: beside each weight stands a total, the sum of its changes, each times
    the number of steps before it. A change at step c (counted from 0) of T is in the weights of T - c steps, so its part of the mean is
    change * (T - c) / T. Give the means from weights, totals and T.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "The weight is the sum of its changes; the total the sum of c * change.",
        "Sum change * (T - c) / T over all changes, and part the sum in two.",
        "weight - total / steps, for every key.",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.perceptron --run",
    checks=(a_new_table, a_weight_that_never_changed_again, a_weight_that_came_late, the_mean_of_any_journey),
    mutants=(
        Mutant("the last weights", "came at the last", edits=(("weight - totals[key] / steps", "weight"),)),
        Mutant("the totals alone", "is its own mean", edits=(("weight - totals[key] / steps", "totals[key] / steps"),)),
        Mutant("added", "Adds the total", edits=(("weight - totals", "weight + totals"),)),
        Mutant(
            "everything over the steps",
            "Divides the weight",
            edits=(("weight - totals[key] / steps", "(weight - totals[key]) / steps"),),
        ),
        Mutant("not over the steps", "as it is", edits=(("totals[key] / steps", "totals[key]"),)),
        Mutant(
            "zeros fall out",
            "the same keys",
            edits=(("for key, weight in weights.items()}", "for key, weight in weights.items() if weight}"),),
        ),
    ),
)
