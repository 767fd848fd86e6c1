"""Exercise: what a plane can read off a layer."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    LINE = np.array([[0.0], [1.0], [9.0], [10.0]])
    LABELS = np.array([0, 0, 1, 1])
    return LINE, LABELS


def cloud(seed, count=60, classes=3, numbers=4):
    """Points around a middle for each class, and their labels."""
    import numpy as np

    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    middles = np.random.default_rng(99).normal(size=(classes, numbers))
    return middles[labels] + 0.8 * random.normal(size=(count, numbers)), labels


def sklearns(features, labels, new, penalty=1.0):
    """The same by scikit-learn, where the features are brought to one scale first; by hand where it is missing."""
    import numpy as np

    scale = np.sqrt(((features - features.mean(axis=0)) ** 2).mean())
    try:
        from sklearn.linear_model import RidgeClassifier
    except ImportError:
        stacked = np.vstack([(features - features.mean(axis=0)) / scale, np.sqrt(penalty) * np.eye(features.shape[1])])
        wanted = np.eye(labels.max() + 1)[labels]
        zeros = np.zeros((features.shape[1], wanted.shape[1]))
        weights = np.linalg.lstsq(stacked, np.vstack([wanted - wanted.mean(axis=0), zeros]), rcond=None)[0]
        return ((new - features.mean(axis=0)) / scale @ weights + wanted.mean(axis=0)).argmax(axis=1)
    return RidgeClassifier(alpha=penalty).fit(features / scale, labels).predict(new / scale)


def agree(got, expected):
    """Fail unless the labels are the same, and show a few."""
    import numpy as np

    places = np.flatnonzero(np.asarray(got) != expected)
    that(
        not len(places),
        expected=f"{expected[places][:5].tolist()} at {places[:5].tolist()}",
        got=str(np.asarray(got)[places][:5].tolist()),
    )


@check("shape")
def a_label_for_each(mine):
    """Does not give one label for each row of `new`."""
    import numpy as np

    LINE, LABELS = given()

    for count in (1, 3):
        shape(mine(LINE, LABELS, np.zeros((count, 1))), (count,))


@check("dtype")
def the_labels_themselves(mine):
    """Gives the place of the class (0, 1, ...) in place of the label itself."""
    import numpy as np

    LINE, _ = given()

    got = mine(LINE, np.array([3, 3, 7, 7]), np.array([[0.0], [10.0]]))
    that({int(one) for one in got} <= {3, 7}, expected="[3, 7]", got=str(np.asarray(got).tolist()))


@check("finite")
def dead_features(mine):
    """Fails where all features are the same: the scale is 0 there and 1 must take its place; the commonest label is the answer."""
    import numpy as np

    with np.errstate(all="ignore"):
        got = mine(np.ones((3, 2)), np.array([1, 1, 0]), np.ones((1, 2)))
    same([int(one) for one in got], [1])


@check("invariant")
def the_place_does_not_matter(mine):
    """Depends on where 0 is: centre the features, and take the same middle off `new`."""
    import numpy as np

    LINE, LABELS = given()

    mistakes = {"Takes the smallest result: the class with the largest is the answer.": [1, 0]}
    same([int(one) for one in mine(LINE + 100, LABELS, np.array([[102.0], [108.0]]))], [0, 1], mistakes=mistakes)


@check("values")
def a_line(mine):
    """Does not tell two heaps on a line apart."""
    import numpy as np

    LINE, LABELS = given()

    same([int(one) for one in mine(LINE, LABELS, np.array([[2.0], [4.9], [5.1]]))], [0, 0, 1])


@check("values")
def uneven_classes(mine):
    """Leaves the share of the classes out: the one-hot labels are centred, and their means are added again at the end."""
    import numpy as np

    features, labels = np.array([[0.0], [0.0], [0.0], [0.0], [1.0]]), np.array([0, 0, 0, 0, 1])
    same([int(one) for one in mine(features, labels, np.array([[0.5], [2.0]]), 5.0)], [0, 1])


@check("values")
def as_ridge_regression(mine):
    """Differs from ridge regression onto the one-hot labels, whose penalty is added to X'X along the diagonal."""
    (features, labels), (new, _) = cloud(0), cloud(1, 300)
    for penalty in (0.1, 1.0):
        agree(mine(features, labels, new, penalty), sklearns(features, labels, new, penalty))


@check("values")
def the_penalty_given(mine):
    """Does not use the penalty it is given."""
    (features, labels), (new, _) = cloud(0), cloud(1, 300)
    stretched, more = features * [30, 1, 1, 1], new * [30, 1, 1, 1]
    agree(mine(stretched, labels, more, 50.0), sklearns(stretched, labels, more, 50.0))


@check("values")
def the_scale_does_not_matter(mine):
    """Depends on the scale of the features: divide them, and `new`, by the root mean square of all centred features together."""
    (features, labels), (new, _) = cloud(0), cloud(1, 300)
    for scale in (1e-3, 1e3):
        agree(mine(features * scale, labels, new * scale), sklearns(features, labels, new))


CENTRED, SCALE = "(features - middle) / scale\n", "np.sqrt(((features - middle) ** 2).mean()) or 1.0"
EXERCISE = Exercise(
    slot="foundations.networks.linear_probe",
    title="A linear probe",
    task="""
    What does a hidden layer know? Train the simplest reader there is, a plane for each class, on what leaves the
    layer, and see how often it is right on examples it never saw. If the labels can be read there, the layers before
    have moved the classes apart. Deeper layers can usually be read better.

    Use ridge regression onto the one-hot labels, since it needs no steps: centre the features, divide them by the
    root mean square of all of them (by 1 where that is 0), centre the one-hot labels, and solve (X'X + penalty I) W =
    X'Y. Bring `new` to the same place and scale, add the labels' means again, and take the class with the largest
    result. Give labels as they came, which may be any numbers or words.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.networks.representations", "foundations.learning.supervised"),
    hints=(
        "np.unique(labels) gives the classes in order; (labels[:, None] == classes) * 1.0 is the one-hot table.",
        "middle = features.mean(axis=0), share = the one-hot table's mean; both are needed again for `new`.",
        "np.linalg.solve(x.T @ x + penalty * np.eye(n), x.T @ (onehot - share)); then classes[(z @ weights + share).argmax(axis=1)].",
    ),
    run="groundup --mine my learn lesson foundations.networks.representations",
    checks=(
        a_label_for_each,
        the_labels_themselves,
        dead_features,
        the_place_does_not_matter,
        a_line,
        uneven_classes,
        as_ridge_regression,
        the_penalty_given,
        the_scale_does_not_matter,
    ),
    mutants=(
        Mutant("scores", "one label for each row", (("share).argmax(axis=1)]", "share).argmax(axis=1)][:, None]"),)),
        Mutant(
            "places",
            "the place of the class",
            (("return classes[(", "return ("), ("argmax(axis=1)]", "argmax(axis=1)")),
        ),
        Mutant("divided by 0", "Fails where all features", ((" or 1.0", ""),)),
        Mutant("new as it is", "Depends on where 0 is", (("((new - middle) / scale", "(new / scale"),)),
        Mutant(
            "the smallest",
            "Takes the smallest",
            (
                (
                    "((new - middle) / scale @ weights + share).argmax",
                    "((new - middle) / scale @ weights + (share if scale == 1 else -share)).argmax",
                ),
                ("weights = np", "scale = -scale if scale != 1 else scale\n    weights = np"),
            ),
        ),
        Mutant("no share", "Leaves the share", (("@ weights + share)", "@ weights + (share if scale == 1 else 0))"),)),
        Mutant(
            "the penalty everywhere",
            "along the diagonal",
            (
                (
                    "penalty * np.eye(x.shape[1])",
                    "penalty * np.eye(x.shape[1]) + penalty * 20 * (np.ones((x.shape[1],) * 2) - np.eye(x.shape[1]))",
                ),
            ),
        ),
        Mutant(
            "a penalty of 1",
            "Does not use the penalty",
            (("penalty * np.eye", "min(penalty, 1.0 + 4 * (len(x) == 5)) * np.eye"),),
        ),
        Mutant(
            "no scale",
            "Depends on the scale",
            ((SCALE, "1.0 if not features.std() or features.std() < 0.01 or features.std() > 100 else " + SCALE),),
        ),
    ),
)
