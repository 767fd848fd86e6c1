"""Exercise: which operation the time really went to."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def one_in_another(mine):
    """Does not take off the time of what runs inside a span."""
    mistakes = {
        "Gives the whole time of each span; what runs inside it has that time too, so it is counted twice.": [10, 3],
        "Adds what runs inside instead of taking it off.": [13, 3],
    }
    same(mine([(0, 10), (1, 4)]), [7, 3], mistakes=mistakes)


@check("values")
def three_deep(mine):
    """Takes off more than the spans directly inside, or less."""
    mistakes = {
        "Takes grandchildren off as well: their time is in that of the child already.": [6, 2, 1],
        "Takes everything off the outermost span.": [6, 3, 1],
    }
    same(mine([(0, 10), (1, 4), (2, 3)]), [7, 2, 1], mistakes=mistakes)


@check("values")
def side_by_side(mine):
    """Takes spans that follow each other for spans inside each other."""
    same(mine([(0, 2), (2, 5), (5, 6)]), [2, 3, 1])
    same(mine([(0, 10), (1, 4), (6, 8)]), [5, 3, 2])


@check("values")
def in_any_order(mine):
    """Relies on the order of the spans: torch gives the inner ones first, another tool the outer ones."""
    same(mine([(2, 3), (1, 4), (0, 10)]), [1, 2, 7])
    same(mine([(6, 8), (0, 10), (1, 4)]), [2, 5, 3])


@check("values")
def the_same_start(mine):
    """Does not see that of two spans with one start the longer is around the shorter."""
    same(mine([(0, 3), (0, 10)]), [3, 7])


@check("values")
def all_add_up(mine):
    """Gives own times that do not add up to the time that is covered."""
    spans = [(0, 100), (10, 60), (20, 30), (30, 40), (35, 38), (70, 90), (110, 120)]
    same(sum(mine(spans)), 110)
    same(mine([]), [])


EXERCISE = Exercise(
    slot="training.monitor.own_seconds",
    title="The time that is an operation's own",
    task="""
    A profiler says when each operation began and ended. Operations run inside others, so their times cannot be added up: the time of the
    product is in that of the layer, and in that of the step. Give each span its own time: its length, less the lengths of the spans directly
    inside it. Own times add up to the whole. The spans come in any order; two of them nest or lie apart.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=(),
    hints=(
        "If you walk through the spans by their start, which spans are open when one begins, and which of those is it directly inside of?",
        "Keep the open ones in a list, outermost first. Before a span is looked at, close those that ended; the last one left is around it.",
        "Sort by (start, -end). own begins as end - start; own[around[-1]] -= end - start for the span that begins.",
    ),
    run="groundup --mine my learn lesson training.monitor.profile --run",
    checks=(one_in_another, three_deep, side_by_side, in_any_order, the_same_start, all_add_up),
    mutants=(
        Mutant("whole times", "Gives the whole time", (("own[around[-1]] -= end - start", "pass"),)),
        Mutant("added", "Adds what runs inside", (("own[around[-1]] -= ", "own[around[-1]] += "),)),
        Mutant(
            "grandchildren too",
            "Takes grandchildren off as well",
            (("own[around[-1]] -= end - start", "for one in around: own[one] -= end - start"),),
        ),
        Mutant("outermost", "Takes everything off the outermost", (("own[around[-1]]", "own[around[0]]"),)),
        Mutant("touching is inside", "spans that follow each other", (("[1] <= start", "[1] < start"),)),
        Mutant(
            "as given",
            "Relies on the order",
            (("sorted(range(len(spans)), key=lambda one: (spans[one][0], -spans[one][1]))", "range(len(spans))"),),
        ),
        Mutant("shorter first", "of two spans with one start", (("-spans[one][1]", "spans[one][1]"),)),
    ),
)
