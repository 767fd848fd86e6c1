"""Exercise: which ways of aligning a model no other way beats."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def by_definition(gains, costs):
    """Every point against every other."""

    def beats(k, j):
        better = gains[k] > gains[j] or costs[k] < costs[j]
        return gains[k] >= gains[j] and costs[k] <= costs[j] and better

    places = range(len(gains))
    front = [j for j in places if not any(beats(k, j) for k in places)]
    return sorted(front, key=lambda j: (gains[j], j))


@check("shape")
def a_list_of_places(mine):
    """Gives something else than a list of places, whole numbers from 0."""
    for gains, costs in (([1.0], [0.0]), ([2.5, 3.5], [0.5, 0.75])):
        found = mine(gains, costs)
        that(isinstance(found, list) and all(isinstance(one, int) for one in found), got=found)


@check("invariant")
def nothing_gives_nothing(mine):
    """Fails, or finds a point, where there is none."""
    same(mine([], []), [])


@check("values")
def one_is_worse_in_both(mine):
    """Keeps a point that another beats in gain and in cost."""
    mistakes = {"Takes cost for gain: less cost is better, more gain is better.": [1]}
    same(mine([2.0, 1.0], [0.1, 0.9]), [0], mistakes=mistakes)


@check("values")
def a_trade_off_keeps_both(mine):
    """Drops one of two points although each is better in something."""
    same(mine([1.0, 2.0], [0.1, 0.9]), [0, 1])


@check("values")
def equal_in_one(mine):
    """Keeps a point that is equal in one and worse in the other: it is beaten as well."""
    same(mine([1.0, 1.0], [0.5, 0.3]), [1])
    same(mine([1.0, 2.0], [0.5, 0.5]), [1])


@check("values")
def twins_stay(mine):
    """Drops one or both of two equal points: neither beats the other."""
    same(mine([1.0, 1.0], [0.5, 0.5]), [0, 1])


@check("values")
def no_number_is_no_point(mine):
    """A point with NaN is on the front: a run that diverged has beaten nobody."""
    nan = float("nan")
    same(mine([1.0, nan, 2.0], [0.1, 0.0, nan]), [0])


@check("values")
def in_rising_order(mine):
    """Has the right points in another order: rising gain."""
    found = mine([3.0, 1.0, 2.0], [0.9, 0.1, 0.5])
    same(found, [1, 2, 0])


@check("values")
def random_points(mine):
    """Differs from comparing every point with every other, on random points."""
    import random

    for seed in range(6):
        source = random.Random(seed)
        gains, costs = ([float(source.randrange(6)) for _ in range(8)] for _ in range(2))
        same(mine(gains, costs), by_definition(gains, costs))


LINE = "return any(g >= gain and c <= cost and (g > gain or c < cost) for g, c, _ in points)"
ORDERED = "ordered = sorted(points, key=lambda point: (point[0], point[2]))"
RETURN = "return [place for gain, cost, place in ordered if not beaten(gain, cost)]"
FILTER = "points = [point for point in points if point[0] == point[0] and point[1] == point[1]]"
SWAPPED = "return any(g <= gain and c >= cost and (g < gain or c > cost) for g, c, _ in points)"
EXERCISE = Exercise(
    slot="alignment.challenges.pareto_front",
    title="What no other way beats",
    task="""
    Every way of aligning a model gains something and costs something. One way beats another when it has at least its gain for at most its
    cost, and is better in one of the two. What nobody beats is the front: only there is anything to choose. Give the places of its
    points in the order of rising gain; equal points all stay, and a point with NaN is never on it.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("alignment.challenges.tax",),
    hints=(
        "Compare every point with every other; a few points need no clever way.",
        "beaten: some other point has gain >= mine, cost <= mine, and one of the two strictly.",
        "NaN is the one number that differs from itself: leave such points out first, then sort what is not beaten by gain.",
    ),
    run="groundup --mine my run alignment-tax",
    checks=(
        a_list_of_places, nothing_gives_nothing, one_is_worse_in_both, a_trade_off_keeps_both, equal_in_one, twins_stay, no_number_is_no_point,
        in_rising_order, random_points,
    ),
    mutants=(
        Mutant("gains", "something else than a list of places", edits=((RETURN, RETURN.replace("[place", "[gain")),)),
        Mutant("an empty one", "where there is none", edits=((RETURN, f"{RETURN} or [0]"),)),
        Mutant("everything", "Keeps a point that another beats", edits=((LINE, "return False"),)),
        Mutant("swapped", "Takes cost for gain", edits=((LINE, SWAPPED),)),
        Mutant("the best gain", "although each is better in something", edits=((LINE, "return any(g > gain for g, c, _ in points)"),)),
        Mutant("strictly in both", "equal in one and worse in the other", edits=((LINE, "return any(g > gain and c < cost for g, c, _ in points)"),)),
        Mutant("twins beat", "two equal points", edits=((LINE, "return sum(g >= gain and c <= cost for g, c, _ in points) > 1"),)),
        Mutant("with NaN", "NaN is on the front", edits=((FILTER, "points = list(points)"),)),
        Mutant("as given", "another order", edits=((ORDERED, "ordered = points"),)),
    ),
)  # fmt: skip
