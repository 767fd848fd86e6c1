"""Exercise: the fewest arrows from one node to each, breadth first."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape


def graph(nodes, *edges):
    """The matrix of some arrows."""
    import numpy as np

    matrix = np.zeros((nodes, nodes))
    for start, end in edges:
        matrix[start, end] = 1
    return matrix


def chain():
    """Three nodes in a row."""
    return graph(3, (0, 1), (1, 2))


def ladder():
    """Five nodes in a row, and a short cut."""
    return graph(5, (0, 1), (1, 2), (2, 3), (3, 4), (0, 3))


@check("shape")
def a_distance_a_node(mine):
    """Gives another number of distances than there are nodes."""
    for nodes in (1, 4):
        shape(mine(graph(nodes), 0), (nodes,))


@check("dtype")
def distances_are_whole(mine):
    """A distance is a number of arrows, so an integer."""
    import numpy as np

    dtype(mine(chain(), 0), np.int64)


@check("values")
def the_source_is_no_arrow_away(mine):
    """The source itself is at distance 0: no arrow is needed."""
    import numpy as np

    same(mine(graph(1), 0), np.array([0]))


@check("values")
def along_a_chain(mine):
    """Is wrong on a chain of arrows 0 -> 1 -> 2."""
    import numpy as np

    mistakes = {
        "Goes against the arrows: edges[i, j] leads from i to j.": np.array([0, -1, -1]),
        "Stops after one arrow: go on from what was found until nothing new is.": np.array([0, 1, -1]),
        "Says only what can be reached, not how far it is.": np.array([0, 1, 1]),
    }
    same(mine(chain(), 0), np.array([0, 1, 2]), mistakes=mistakes)


@check("values")
def what_cannot_be_reached(mine):
    """Where no path leads, the distance is -1."""
    import numpy as np

    mistakes = {
        "Goes back along the arrows as well: an arrow from 0 to 1 leads nowhere from 1.": np.array([2, 1, 0]),
        "Leaves 0 where no path leads: that is the source's own distance, so use -1.": np.array([0, 0, 0]),
    }
    same(mine(chain(), 2), np.array([-1, -1, 0]), mistakes=mistakes)


@check("values")
def cycles_come_back(mine):
    """Visits a node a second time on a cycle: what has a distance keeps it."""
    import numpy as np

    same(mine(graph(3, (0, 1), (1, 2), (2, 0)), 0), np.array([0, 1, 2]))


@check("values")
def the_shorter_of_two_ways(mine):
    """Takes the longer of two ways: breadth first, all nodes at one distance before any at the next."""
    import numpy as np

    same(mine(ladder(), 0), np.array([0, 1, 2, 1, 2]))


@check("values")
def weights_do_not_matter(mine):
    """Lets the weight of an arrow matter: whatever is above 0 is one arrow."""
    import numpy as np

    same(mine(0.25 * chain(), 0), np.array([0, 1, 2]))
    same(mine(3 * chain(), 0), np.array([0, 1, 2]))


@check("values")
def as_the_powers_of_the_matrix(mine):
    """Differs from the first power of the matrix that holds a walk, on random graphs."""
    import numpy as np

    for seed in range(8):
        random = np.random.default_rng(seed)
        matrix = (random.random((5, 5)) < 0.3).astype(float)
        levels, power = np.full(5, -1), np.eye(5)
        for distance in range(5):
            levels[(power[seed % 5] > 0) & (levels < 0)] = distance
            power = power @ matrix
        same(mine(matrix, seed % 5), levels)


EXERCISE = Exercise(
    slot="foundations.discrete.shortest_paths",
    title="Shortest paths, breadth first",
    task="""
    A graph is a matrix: where edges[i, j] is above 0, an arrow leads from i to j. An attention mask is one, from each position to those it
    looks at, and how many layers a token needs to hear of another is the fewest arrows between them.

    Give the fewest arrows from `source` to each node, 0 to itself and -1 where no path leads, as an int64 array. Breadth first: from the nodes
    at distance 0 find all at distance 1, from those all new ones at distance 2, until nothing new is found. `square` checks the matrix, `known`
    the node.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("foundations.discrete.graphs",),
    hints=(
        "Keep the front: the nodes that were found in the last round. The next front is all that an arrow from it leads to and that has no distance yet.",
        "With a = square(edges) > 0 and the front as a boolean array, a[front] are the rows of the front's nodes, and .any(0) says where any of them leads.",
        "while front.any(): distances[front] = distance; front = a[front].any(0) & (distances == -1); distance += 1.",
    ),
    run="groundup --mine my learn lesson foundations.discrete.graphs",
    checks=(
        a_distance_a_node,
        distances_are_whole,
        the_source_is_no_arrow_away,
        along_a_chain,
        what_cannot_be_reached,
        cycles_come_back,
        the_shorter_of_two_ways,
        weights_do_not_matter,
        as_the_powers_of_the_matrix,
    ),
    mutants=(
        Mutant(
            "only those that are reached",
            "Gives another number of distances",
            (("return distances", "return distances[distances >= 0]"),),
        ),
        Mutant(
            "with a point",
            "A distance is a number of arrows",
            (("return distances", "return distances.astype(float)"),),
        ),
        Mutant("counted from one", "The source itself is at distance 0", (("dtype=bool), 0", "dtype=bool), 1"),)),
        Mutant("against the arrows", "Goes against the arrows", (("a[front].any(0)", "a[:, front].any(1)"),)),
        Mutant("one arrow", "Stops after one arrow", (("while front.any():", "while front.any() and distance < 2:"),)),
        Mutant(
            "reachability",
            "Says only what can be reached",
            (("distances[front] = distance", "distances[front] = min(distance, 1)"),),
        ),
        Mutant(
            "both ways", "Goes back along the arrows", (("a[front].any(0)", "(a[front].any(0) | a[:, front].any(1))"),)
        ),
        Mutant(
            "zero for unreached",
            "Leaves 0 where no path leads",
            (("return distances", "return np.maximum(distances, 0)"),),
        ),
        Mutant(
            "infinity as a number",
            "Where no path leads, the distance is -1",
            (("return distances", "return np.where(distances < 0, len(a), distances)"),),
        ),
        Mutant(
            "light arrows overlooked",
            "Lets the weight of an arrow matter",
            (("square(edges) > 0", "square(edges) >= 1"),),
        ),
        Mutant(
            "depth first",
            "Takes the longer of two ways",
            source="""
            import numpy as np


            def shortest_paths(edges, source):
                a = np.asarray(edges) > 0
                distances = np.full(len(a), -1)

                def visit(node, distance):
                    distances[node] = distance
                    for other in np.flatnonzero(a[node]):
                        if distances[other] < 0:
                            visit(int(other), distance + 1)

                visit(source, 0)
                return distances
            """,
        ),
        Mutant(
            "a second visit",
            "Visits a node a second time",
            (
                ("front = a[front].any(0) & (distances == UNREACHED)", "front = a[front].any(0)"),
                ("while front.any():", "while front.any() and distance < 2 * len(a):"),
                ("distances[front] = distance", "distances[front & ((distances < 0) | (distance == 3))] = distance"),
            ),
        ),
    ),
)
