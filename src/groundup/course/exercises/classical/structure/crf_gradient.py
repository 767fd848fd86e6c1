"""Exercise: the gradient of a conditional random field is what is there minus what is expected."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def logs(*values):
    """Natural logarithms of numbers, as an array."""
    import numpy

    return numpy.log(numpy.array(values, dtype=float))


def drawn(seed, labels, length):
    """Random steps, scores and a labelling."""
    import numpy

    random = numpy.random.default_rng(seed)
    return (
        random.normal(size=(labels, labels)),
        random.normal(size=(length, labels)),
        random.integers(labels, size=length).tolist(),
    )


def by_torch(transition, scores, labels):
    """The gradients of the log likelihood, by torch's differentiation of the forward algorithm."""
    import torch

    a, b = (torch.tensor(one, requires_grad=True) for one in (transition, scores))
    sums = b[0]
    for row in b[1:]:
        sums = torch.logsumexp(sums[:, None] + a, 0) + row
    own = b[range(len(labels)), labels].sum() + (a[labels[:-1], labels[1:]].sum() if len(labels) > 1 else 0.0)
    (own - torch.logsumexp(sums, 0)).backward()
    assert b.grad is not None
    return (a.grad.numpy() if a.grad is not None else transition * 0), b.grad.numpy()


@check("shape")
def two_arrays_in_order(mine):
    """Does not give a pair: the gradient by transition, then that by scores."""
    transition, scores, labels = drawn(0, 3, 4)
    found = mine(transition, scores, labels)
    that(isinstance(found, tuple) and len(found) == 2, expected="(by_transition, by_scores)", got=type(found).__name__)
    if tuple(found[0].shape) == scores.shape:
        shape(found[0], transition.shape, "The two gradients are in the wrong order: by transition first.")
    shape(found[0], transition.shape)
    shape(found[1], scores.shape)


@check("invariant")
def a_single_label_teaches_nothing(mine):
    """With one label everything is as expected, so both gradients are 0: take what is expected from what is there."""
    transition, scores, labels = drawn(1, 1, 3)
    for found in mine(transition, scores, labels):
        same(found, found * 0, mistakes={"What is expected is missing from the scores' gradient.": found * 0 + 1})


@check("values")
def two_words_by_hand(mine):
    """Of four labellings worth 1, 2, 3 and 3 the gradient of the second is not what is there minus their shares."""
    import numpy

    transition, scores = logs([1.0, 2.0], [1.0, 1.0]), logs([1.0, 3.0], [1.0, 1.0])
    by_transition, by_scores = mine(transition, scores, [0, 1])
    expected_scores, expected_steps = numpy.array([[6, -6], [-4, 4]]) / 9, numpy.array([[-1, 7], [-3, -3]]) / 9
    same(
        by_scores, expected_scores,
        mistakes={
            "The gradient is of the loss: the log likelihood's is what is there minus what is expected.": -expected_scores,
            "What is there is missing from the scores' gradient.": numpy.array([[-3, -6], [-4, -5]]) / 9,
            "What is expected is missing from the scores' gradient.": numpy.array([[1.0, 0.0], [0.0, 1.0]]),
        },
    )  # fmt: skip
    same(
        by_transition, expected_steps,
        mistakes={
            "Counts the step backwards: [i, j] is from label i to the following j.": numpy.array([[-1, -2], [6, -3]]) / 9,
            "What is there is missing from the steps' gradient.": numpy.array([[-1, -2], [-3, -3]]) / 9,
        },
    )  # fmt: skip


@check("values")
def equal_steps_add_up(mine):
    """A step that is taken several times counts once: += at the same place, step by step."""
    transition, scores, _ = drawn(2, 2, 4)
    same(mine(transition, scores, [0, 0, 0, 0])[0], by_torch(transition, scores, [0, 0, 0, 0])[0])


@check("gradient")
def as_torch_differentiates(mine):
    """Differs from torch's gradient of the log likelihood."""
    for case in ((3, 2, 1), (4, 3, 5), (5, 4, 3)):
        transition, scores, labels = drawn(*case)
        for found, expected in zip(mine(transition, scores, labels), by_torch(transition, scores, labels), strict=True):
            same(found, expected)


EXPECTED = "by_scores, by_transition = -expected.states, -expected.steps.sum(0)"
STEP = "by_transition[i, j] += 1"
WORD = "by_scores[t, label] += 1"
RETURN = "return by_transition, by_scores"

EXERCISE = Exercise(
    slot="classical.structure.crf_gradient",
    title="What is there, minus what is expected",
    task="""
    To train a conditional random field one needs the gradient of log P(labels | words) by every transition[i, j] and every
    scores[t, j]. It has a form that one can say aloud: how often it is there in the labelling, minus how often the model
    expects it. Where both agree there is nothing to learn.

    posteriors(start, transition, scores) is given: .states[t, j] is the probability of label j at word t, .steps[t, i, j]
    that of going from i at word t to j at the next. A conditional random field has no start: pass zeros.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("classical.hmm.hmm",),
    hints=(
        "expected = posteriors(np.zeros(labels), transition, scores); minus its states is half of by_scores.",
        "The expected steps are summed over all places: expected.steps.sum(0).",
        "Then add 1 at [t, labels[t]] for each word, and at [labels[t], labels[t + 1]] for each step.",
    ),
    run="groundup --mine my learn lesson classical.structure.ner",
    checks=(two_arrays_in_order, a_single_label_teaches_nothing, two_words_by_hand, equal_steps_add_up, as_torch_differentiates),
    mutants=(
        Mutant("other order", "in the wrong order", edits=((RETURN, "return by_scores, by_transition"),)),
        Mutant("of the loss", "of the loss", edits=((RETURN, "return -by_transition, -by_scores"),)),
        Mutant("only expected", "With one label everything is as expected", edits=((WORD, "pass"),)),
        Mutant("only there", "What is expected is missing", edits=((EXPECTED, "by_scores, by_transition = 0 * expected.states, -expected.steps.sum(0)"),)),
        Mutant("backwards", "Counts the step backwards", edits=((STEP, "by_transition[j, i] += 1"),)),
        Mutant("once", "A step that is taken several times", edits=((STEP, "by_transition[i, j] = 1 - expected.steps.sum(0)[i, j] "
                    "if scores.shape[1] > 1 else by_transition[i, j] + 1"),)),
        Mutant(
            "another start", "Differs from torch",
            edits=(("np.zeros(scores.shape[1])", "scores[0] * (len(scores) in (1, 5))"),),
        ),
    ),
)  # fmt: skip
