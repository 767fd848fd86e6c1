"""Exercise: one step of k-means."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    POINTS = np.array([[0.0, 0.0], [0.0, 2.0], [6.0, 0.0], [6.0, 2.0], [9.0, 1.0]])
    CENTRES = np.array([[1.0, 0.0], [5.0, 0.0]])
    return POINTS, CENTRES


@check("shape")
def a_label_a_point_and_as_many_centres(mine):
    """Gives other shapes than one label for each point and the centres' own."""
    POINTS, CENTRES = given()
    for count in (1, 2):
        labels, centres = mine(POINTS, CENTRES[:count])
        shape(labels, (5,))
        shape(centres, (count, 2))


@check("values")
def every_point_takes_its_nearest_centre(mine):
    """Gives a point to a centre that is not its nearest."""
    POINTS, CENTRES = given()
    farthest = "Gives every point to the farthest centre."
    same(mine(POINTS, CENTRES)[0].tolist(), [0, 0, 1, 1, 1], mistakes={farthest: [1, 1, 0, 0, 0]})


@check("values")
def of_equally_near_centres_the_first(mine):
    """Decides between equally near centres otherwise: the first one gets the point."""
    import numpy as np

    same(mine(np.array([[0.0], [2.0]]), np.array([[-1.0], [1.0]]))[0].tolist(), [0, 1])


@check("values")
def labels_are_of_the_centres_that_were_given(mine):
    """Gives the labels of the moved centres: a step first assigns and then moves, and the labels belong to what it was given."""
    import numpy as np

    same(mine(np.array([[0.0], [4.0], [5.0]]), np.array([[0.0], [9.0]]))[0].tolist(), [0, 0, 1])


@check("values")
def every_centre_moves_to_the_mean(mine):
    """Moves a centre elsewhere than to the mean of its points."""
    import numpy as np

    POINTS, CENTRES = given()

    mistakes = {
        "Moves every centre to the middle of all points' sum: divide by the number of the centre's own points.": np.array(
            [[0.0, 0.4], [4.2, 0.6]]
        ),
        "Takes the median: the mean is what makes the squares smallest.": np.array([[0.0, 1.0], [6.0, 1.0]]),
        "Leaves the centres where they are.": CENTRES,
        "Moves half way only.": (CENTRES + np.array([[0.0, 1.0], [7.0, 1.0]])) / 2,
    }
    same(mine(POINTS, CENTRES)[1], np.array([[0.0, 1.0], [7.0, 1.0]]), mistakes=mistakes)


@check("values")
def a_centre_without_points_stays(mine):
    """Divides by 0 where a centre has no points: it stays where it is."""
    import numpy as np

    POINTS, _ = given()

    far = np.array([[0.0, 0.0], [90.0, 90.0]])
    with np.errstate(all="ignore"):
        centres = mine(POINTS[:2], far)[1]
    finite(centres)
    same(centres[1], far[1], "Moves a centre without points: it stays where it is.")


@check("values")
def as_by_hand(mine):
    """Differs from looking at each point by hand."""
    import numpy as np

    source = np.random.default_rng(0)
    for k in (2, 3):
        x = source.normal(size=(7, 2)).round(2)
        centres = x[:k] + 0.1
        expected = [min(range(k), key=lambda one: float(((point - centres[one]) ** 2).sum())) for point in x]
        labels, moved = mine(x, centres)
        same(labels.tolist(), expected)
        own = [[point for point, label in zip(x, expected, strict=True) if label == one] for one in range(k)]
        same(moved, np.stack([np.mean(points, axis=0) if points else centres[one] for one, points in enumerate(own)]))


MEANS = "moved[counts > 0] = (member.T @ x)[counts > 0] / counts[counts > 0, None]"

EXERCISE = Exercise(
    slot="foundations.learning.kmeans_step",
    title="A step of k-means",
    task="""
    Every point takes the nearest of k centres, then every centre moves to the mean of its points. Neither can make the
    sum of squared distances larger, so the steps come to rest. Write one: give back the number of each point's nearest
    centre among those that were given (of equally near ones the first), and the moved centres. A centre that no point
    takes stays where it is. `squared_distances(a, b)` is given, and so is `one_hot`.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("foundations.learning.unsupervised",),
    hints=(
        "squared_distances(x, centres) has a row for each point; its argmin is the label.",
        "The sum of a centre's points over their number. Both come from member = one_hot(labels, k): member.T @ x, and member.sum(axis=0).",
        "Begin with a copy of the centres, and write the means only where the number of points is above 0.",
    ),
    run="groundup --mine my learn lesson foundations.learning.unsupervised.k_means --run",
    checks=(
        a_label_a_point_and_as_many_centres,
        every_point_takes_its_nearest_centre,
        of_equally_near_centres_the_first,
        labels_are_of_the_centres_that_were_given,
        every_centre_moves_to_the_mean,
        a_centre_without_points_stays,
        as_by_hand,
    ),
    mutants=(
        Mutant("divided by 0", "Divides by 0", ((MEANS, "moved = (member.T @ x) / counts[:, None]"),)),
        Mutant(
            "empty ones to the origin",
            "Moves a centre without points",
            ((MEANS, "moved = (member.T @ x) / np.maximum(counts, 1)[:, None]"),),
        ),
        Mutant("the farthest", "to the farthest centre", ((".argmin(axis=1)", ".argmax(axis=1)"),)),
        Mutant(
            "the last of equals",
            "between equally near centres",
            (
                (
                    "squared_distances(x, centres).argmin(axis=1)",
                    "len(centres) - 1 - squared_distances(x, centres[::-1]).argmin(axis=1)",
                ),
            ),
        ),
        Mutant(
            "labels of the moved",
            "labels of the moved centres",
            (("return labels, moved", "return squared_distances(x, moved).argmin(axis=1), moved"),),
        ),
        Mutant(
            "over all points", "the number of the centre's own points", (("/ counts[counts > 0, None]", "/ len(x)"),)
        ),
        Mutant(
            "medians",
            "Takes the median",
            ((MEANS, "for one in np.flatnonzero(counts):\n        moved[one] = np.median(x[labels == one], axis=0)"),),
        ),
        Mutant("not moved", "Leaves the centres", ((MEANS, "moved = moved * 1"),)),
        Mutant("in place", "Changes its argument centres in place", (("centres.astype(np.float64)", "centres"),)),
        Mutant("only centres with points", "other shapes", (("return labels, moved", "return labels, moved[:1]"),)),
    ),
)
