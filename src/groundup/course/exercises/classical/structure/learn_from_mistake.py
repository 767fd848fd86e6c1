"""Exercise: one step of the averaged perceptron."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def _stepped(mine, weights, totals, *rest):
    mine(weights, totals, *rest)
    return [sorted((key, value) for key, value in table.items() if value) for table in (weights, totals)]


@check("shape")
def the_tables_change(mine):
    """Does not change the weights in place: both tables are kept from step to step, and a mistake changes them."""
    weights: dict = {}
    mine(weights, {}, ["a"], "x", "y", 3)
    same(bool(weights), True)


@check("invariant")
def a_right_guess_changes_nothing(mine):
    """Learns from a right guess: where guessed and right are the same, nothing changes."""
    weights, totals = {("a", "x"): 2.0}, {("a", "x"): 1.0}
    same(_stepped(mine, weights, totals, ["a"], "x", "x", 5), [[(("a", "x"), 2.0)], [(("a", "x"), 1.0)]])


@check("values")
def right_up_and_wrong_down(mine):
    """The weights change wrongly: for each feature the right class's goes up by 1 and the guessed class's down by 1."""
    got = _stepped(mine, {("a", "x"): 2.0}, {}, ["a", "b"], "x", "y", 1)[0]
    anew = "Begins each weight anew: the change is added to the weight that is there."
    turned = "The wrong class is rewarded: the right one goes up."
    same(
        got,
        [(("a", "x"), 3.0), (("a", "y"), -1.0), (("b", "x"), 1.0), (("b", "y"), -1.0)],
        mistakes={
            anew: [(("a", "x"), 1.0), (("a", "y"), -1.0), (("b", "x"), 1.0), (("b", "y"), -1.0)],
            turned: [(("a", "x"), 1.0), (("a", "y"), 1.0), (("b", "x"), -1.0), (("b", "y"), 1.0)],
        },
    )


@check("values")
def totals_hold_the_step(mine):
    """The totals are wrong: each change is added there times the step, which is how many steps came before it."""
    got = _stepped(mine, {}, {("a", "x"): 4.0}, ["a"], "x", "y", 7)[1]
    many = "Counts the present step among those before it: at step 7 seven steps came before."
    same(got, [(("a", "x"), 11.0), (("a", "y"), -7.0)], mistakes={many: [(("a", "x"), 12.0), (("a", "y"), -8.0)]})


EXERCISE = Exercise(
    slot="classical.structure.learn_from_mistake",
    title="The perceptron: learn from one mistake",
    task="""
    A class's score is the sum of its weights for the features that are there. After a wrong guess the right class's weights
    for these features go up by 1 and the guessed class's go down by 1. Beside the weights keep totals: each change times the
    number of steps before it, from which the mean of all weights is found at the end. Both tables, {(feature, class): number},
    are changed in place; what is not in them counts as 0.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "A right guess: return at once.",
        "For each feature two entries change: (feature, right) by +1 and (feature, guessed) by -1; dict.get gives 0 for a new one.",
        "The same two entries of totals change by step times the change.",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.perceptron --run",
    changes=("weights", "totals"),
    checks=(the_tables_change, a_right_guess_changes_nothing, right_up_and_wrong_down, totals_hold_the_step),
    mutants=(
        Mutant(
            "learns always",
            "Learns from a right guess",
            edits=(("    if guessed == right:\n        return\n", '    if guessed == right:\n        guessed = ""\n'),),
        ),
        Mutant(
            "turned round",
            "wrong class is rewarded",
            edits=(("((right, 1.0), (guessed, -1.0))", "((right, -1.0), (guessed, 1.0))"),),
        ),
        Mutant(
            "the wrong one stays",
            "weights change wrongly",
            edits=(("((right, 1.0), (guessed, -1.0))", "((right, 1.0),)"),),
        ),
        Mutant(
            "begins anew", "Begins each weight anew", edits=(("weights.get((feature, name), 0.0) + change", "change"),)
        ),
        Mutant(
            "no step",
            "totals are wrong",
            edits=(("totals.get((feature, name), 0.0) + step * change", "totals.get((feature, name), 0.0) + change"),),
        ),
        Mutant("one step too many", "among those before it", edits=(("+ step * change", "+ (step + 1) * change"),)),
        Mutant("never learns", "Does not change", edits=(("    if guessed == right:", "    if True:"),)),
    ),
)
