"""Exercise: Viterbi's best way through the states."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def logs(*values):
    """Natural logarithms of numbers, as an array."""
    import numpy

    with numpy.errstate(divide="ignore"):
        return numpy.log(numpy.array(values, dtype=float))


def ice_cream():
    """Jurafsky and Martin's chain of hot and cold days, and what three, one and three ices say of each day."""
    start, transition = logs(0.8, 0.2), logs([0.6, 0.4], [0.5, 0.5])
    return start, transition, logs([0.4, 0.1], [0.2, 0.5], [0.4, 0.1])


def best_of_all(start, transition, scores):
    """The best way and its score by writing out every way."""
    import itertools

    length, states = scores.shape

    def worth(way):
        steps = sum(transition[i, j] for i, j in zip(way, way[1:], strict=False))
        return float(start[way[0]] + sum(scores[t, s] for t, s in enumerate(way)) + steps)

    best = max(itertools.product(range(states), repeat=length), key=worth)
    return list(best), worth(best)


@check("shape")
def a_state_for_each_place(mine):
    """Does not give a list with a state for each place, and a score."""
    start, transition, scores = ice_cream()
    for length in (1, 2, 3):
        found = mine(start, transition, scores[:length])
        that(
            isinstance(found, tuple) and len(found) == 2,
            "Gives no pair of path and score.",
            expected="(path, score)",
            got=found,
        )
        that(len(found[0]) == length, expected=f"{length} states", got=found[0])


@check("values")
def the_start_counts(mine):
    """The score of one place is not start + scores[0] at its best."""
    import math

    start, transition, scores = ice_cream()
    mistakes = {
        "The score leaves out the start.": math.log(0.4),
        "The score leaves out what the place is worth.": math.log(0.8),
        "The score is the sum over all ways; only the best one counts.": math.log(0.34),
    }
    same(float(mine(start, transition, scores[:1])[1]), math.log(0.32), mistakes=mistakes)


@check("values")
def steps_go_from_row_to_column(mine):
    """Goes through transition[j, i]: it is transition[i, j] from i to j."""
    start, transition = logs(0.98, 0.01, 0.01), logs([0.01, 0.98, 0.01], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1])
    path, _ = mine(start, transition, logs([0.4, 0.3, 0.3], [0.4, 0.3, 0.3]))
    same(
        [int(state) for state in path],
        [0, 1],
        mistakes={"The path is back to front: it was read from its end.": [1, 0]},
    )


@check("values")
def the_textbooks_two_days(mine):
    """Three ices and one: not hot, then cold, of probability 0.064."""
    import math

    start, transition, scores = ice_cream()
    path, score = mine(start, transition, scores[:2])
    mistakes = {
        "The score is the sum over all ways; only the best one counts.": math.log(0.0404 + 0.069),
        "The score leaves out what the last place is worth.": math.log(0.32 * 0.6),
    }
    same(float(score), math.log(0.064), mistakes=mistakes)
    same(
        [int(state) for state in path],
        [0, 1],
        mistakes={"The path is back to front: it was read from its end.": [1, 0]},
    )


@check("values")
def the_way_back_follows_the_marks(mine):
    """The path is not the one that its score belongs to: from the last state on, follow where each best one came from."""
    start, transition = logs(0.5, 0.5), logs([0.9, 0.1], [0.1, 0.9])
    scores = logs([0.6, 0.4], [0.55, 0.45], [0.05, 0.95])
    path, _ = mine(start, transition, scores)
    mistakes = {"Takes the best state of each place by itself: the steps between them count too.": [0, 0, 1]}
    same([int(state) for state in path], [1, 1, 1], mistakes=mistakes)
    import numpy

    random = numpy.random.default_rng(3)
    for _ in range(8):
        case = random.normal(size=3), random.normal(size=(3, 3)), random.normal(size=(5, 3))
        same([int(state) for state in mine(*case)[0]], best_of_all(*case)[0])


@check("values")
def the_best_of_all_ways(mine):
    """Differs from the best of all ways written out."""
    import numpy

    random = numpy.random.default_rng(0)
    for states, length in ((1, 3), (3, 5), (4, 4), (2, 7)):
        case = random.normal(size=states), random.normal(size=(states, states)), random.normal(size=(length, states))
        path, score = mine(*case)
        expected, best = best_of_all(*case)
        same(float(score), best)
        same([int(state) for state in path], expected)


WAYS = "ways = best[:, None] + transition"
BACK = "path.append(int(previous[path[-1]]))"

EXERCISE = Exercise(
    slot="classical.hmm.viterbi",
    title="The best way through the states",
    task="""
    A tagger wants the one best row of states, and there are states ** length of them. Viterbi's thought: the best way to
    state j at place t is the best way to some state i at t - 1, and one step on.

        best[0, j] = start[j] + scores[0, j]
        best[t, j] = max over i of (best[t-1, i] + transition[i, j]) + scores[t, j],  and i is remembered

    At the end take the best last state, and follow what was remembered back to the beginning. Give the path as a list from
    first to last, and its score. All numbers are logarithms, so they are added.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("classical.hmm.hmm",),
    hints=(
        "One array `best` of the states is enough, and a list with one array of came-from states for each step.",
        "ways = best[:, None] + transition; ways.argmax(0) is where each state came from, ways.max(0) what it is worth.",
        "Start the path with the best last state; for each came-from array, last one first, append came_from[path[-1]]; then turn it round.",
    ),
    run="groundup --mine my learn lesson classical.hmm.hmm",
    checks=(
        a_state_for_each_place, the_start_counts, steps_go_from_row_to_column, the_textbooks_two_days,
        the_way_back_follows_the_marks, the_best_of_all_ways,
    ),
    mutants=(
        Mutant("turned", "it is transition[i, j] from i to j", edits=((WAYS, WAYS.replace("transition", "transition.T")),)),
        Mutant("back to front", "back to front", edits=(("return path[::-1], ", "return path, "),)),
        Mutant("summed", "only the best one counts", edits=(("best = ways.max(0) + row", "best = np.log(np.exp(ways).sum(0)) + row"),
                    ("float(best.max())", "float(np.log(np.exp(best).sum()))"))),
        Mutant("no start", "leaves out the start", edits=(("best, came_from = start + scores[0], []", "best, came_from = scores[0], []"),)),
        Mutant("no place", "what the last place is worth", edits=(("best = ways.max(0) + row", "best = ways.max(0)"),)),
        Mutant(
            "each place alone", "each place by itself",
            edits=(("return path[::-1], float(best.max())", "return [*(start + scores[0]).argmax(keepdims=True), "
                    "*scores[1:].argmax(1)] if len(scores) > 2 else path[::-1], float(best.max())"),),
        ),
        Mutant("a place too few", "a state for each place", edits=(("return path[::-1], ", "return path[::-1][1:], "),)),
        Mutant("followed in the wrong order", "follow where each best one came from", edits=(("in reversed(came_from)", "in came_from"),)),
    ),
)  # fmt: skip
