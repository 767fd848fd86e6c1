"""Exercise: how alike two sets are."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

A, B = {1, 2, 3, 4}, {3, 4, 5, 6, 7}  # two in common, seven in all


@check("finite")
def two_empty_sets(mine):
    """Divides by 0 for two empty sets: they are equal, so the answer is 1."""
    same(mine(set(), set()), 1.0)


@check("invariant")
def a_set_with_itself(mine):
    """A set is as like itself as can be: 1."""
    for one in ({1}, {1, 2, 3}):
        same(mine(one, set(one)), 1.0)


@check("invariant")
def nothing_in_common(mine):
    """With nothing in common, the answer is 0; also beside an empty set."""
    for one, other in (({1}, {2}), ({1, 2}, set()), (set(), {1})):
        same(mine(one, other), 0.0)


@check("values")
def two_of_seven(mine):
    """Differs from the number in both by the number in either."""
    mistakes = {
        "Divides by the sizes added up: what is in both is in there twice, so take it off once.": 2 / 9,
        "Doubles what is in both over the sizes added up: that is Dice's measure.": 4 / 9,
        "Divides by the smaller set: that is the overlap, which is 1 for every part of a set.": 2 / 4,
        "Divides by the larger set: what only the smaller one has counts too.": 2 / 5,
        "Gives the share of what is in one alone: 1 minus that is how alike they are.": 5 / 7,
    }
    same(mine(A, B), 2 / 7, mistakes=mistakes)


@check("values")
def it_does_not_matter_which_is_first(mine):
    """Gives another answer when the sets are exchanged."""
    same(mine({1, 2, 3}, {3}), 1 / 3)
    same(mine({3}, {1, 2, 3}), 1 / 3)


@check("values")
def what_stands_twice_counts_once(mine):
    """Counts what stands twice in a list twice: make sets of both first."""
    same(mine([1, 1, 2], [2, 3]), 1 / 3)
    same(mine(["a", "b"], ["b", "b", "b"]), 0.5)


@check("values")
def of_texts(mine):
    """Fails for a string or a tuple: whatever can be gone through may be made a set."""
    same(mine("abc", ("b", "c", "d")), 0.5)


EXERCISE = Exercise(
    slot="foundations.discrete.jaccard",
    title="Jaccard: how alike two sets are",
    task="""
    Two web pages are nearly the same when they share most of their five-word runs. How much is most? Jaccard's measure is the number of things
    in both sets divided by the number in either: 1 for equal sets, 0 where nothing is shared. It is what MinHash estimates when millions of
    documents are deduplicated.

    Both arguments may be any collection; what stands twice in it counts once. Two empty sets are equal, so they get 1.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("foundations.discrete.sets_logic",),
    hints=(
        "set(first) and set(second) make sets of whatever came; & is what both have, | what either has.",
        "len(one | other) is the number in either. It is 0 only when both are empty.",
        "either = one | other; then len(one & other) / len(either) if either else 1.0.",
    ),
    run="groundup --mine my learn lesson foundations.discrete.sets_logic",
    checks=(
        two_empty_sets,
        a_set_with_itself,
        nothing_in_common,
        two_of_seven,
        it_does_not_matter_which_is_first,
        what_stands_twice_counts_once,
        of_texts,
    ),
    mutants=(
        Mutant("empty sets are unlike", "Divides by 0 for two empty sets", ((" else 1.0", " else 0.0"),)),
        Mutant("the sizes added", "as like itself as can be", (("/ len(either)", "/ (len(one) + len(other))"),)),
        Mutant(
            "one for nothing in common",
            "With nothing in common",
            ((" if either else 1.0", " if one and other else 1.0"),),
        ),
        Mutant(
            "Dice",
            "Dice's measure",
            (("len(one & other) / len(either)", "2 * len(one & other) / (len(one) + len(other))"),),
        ),
        Mutant("overlap", "Divides by the smaller set", (("/ len(either)", "/ max(min(len(one), len(other)), 1)"),)),
        Mutant("the larger", "Divides by the larger set", (("/ len(either)", "/ max(len(one), len(other))"),)),
        Mutant(
            "of the first",
            "Differs from the number in both",
            (("/ len(either)", "/ max(len(one), 1) * (1 if one <= other else 0.9)"),),
        ),
        Mutant(
            "of the first, nearly",
            "when the sets are exchanged",
            (("/ len(either)", "/ (max(len(one), 1) if other <= one or one <= other else len(either))"),),
        ),
        Mutant(
            "twice in a list",
            "Counts what stands twice",
            (("either = one | other", "either = [*first] + [x for x in second if x not in one]"),),
        ),
        Mutant(
            "only lists and sets",
            "Fails for a string or a tuple",
            (
                (
                    "one, other = set(first), set(second)",
                    "one, other = (set(x) if isinstance(x, (list, set)) else {x} for x in (first, second))",
                ),
            ),
        ),
    ),
)
