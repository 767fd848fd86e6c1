"""Exercise: a loss that leaves alone what is right by a margin."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def given():
    """The numbers of the cases."""
    import numpy as np

    SCORES, TARGETS = np.array([2.0, 0.5, -1.0, 0.25]), np.array([1.0, 1.0, 1.0, -1.0])  # missing: 0, 0.5, 2, 1.25
    return SCORES, TARGETS


@check("shape")
def a_number_for_each_score(mine):
    """Gives a gradient of another shape than the scores."""
    import numpy as np

    for size in ((1,), (4,), (2, 3)):
        shape(mine(np.zeros(size), np.ones(size))[1], size)


@check("invariant")
def what_is_right_by_the_margin_is_left_alone(mine):
    """Still punishes what is right by more than the margin: the loss stops at 0."""
    import numpy as np

    same(mine(np.array([3.0, -2.0]), np.array([1.0, -1.0]))[0], 0.0)


@check("values")
def the_loss(mine):
    """The loss is not the mean of max(0, margin - target * score)."""
    SCORES, TARGETS = given()
    mistakes = {
        "Sums the examples: the loss is their mean.": 3.75,
        "Begins only where the sign is wrong: the margin is missing.": (1 + 0.25) / 4,
        "Squares what is missing: that is another loss.": (0.25 + 4 + 1.5625) / 4,
        "Takes the distance from the target: being more right than that costs nothing.": (1 + 0.5 + 2 + 1.25) / 4,
        "Adds target * score to the margin: a large product is right, so it is subtracted.": (3 + 1.5 + 0 + 0.75) / 4,
    }
    same(mine(SCORES, TARGETS)[0], 3.75 / 4, mistakes=mistakes)


@check("values")
def the_gradient(mine):
    """The gradient is not -target / n where something is missing, and 0 elsewhere."""
    import numpy as np

    SCORES, TARGETS = given()

    mistakes = {
        "Has the sign turned around: a higher score at target 1 makes the loss smaller.": np.array([0, 1, 1, -1]) / 4,
        "Leaves out the number of examples: the loss is a mean.": np.array([0.0, -1, -1, 1]),
        "Gives a gradient to what is right by the margin: there nothing changes.": np.array([-1, -1, -1, 1]) / 4,
        "Gives -1 whatever the target is: at target -1 a higher score is worse.": np.array([0, -1, -1, -1]) / 4,
        "Multiplies by what is missing: a hinge has the same slope everywhere below.": -np.array([0, 0.5, 2, -1.25])
        / 4,
    }
    same(mine(SCORES, TARGETS)[1], np.array([0, -1, -1, 1]) / 4, mistakes=mistakes)


@check("values")
def just_at_the_margin(mine):
    """Gives a gradient where the margin is just kept: there it is 0."""
    import numpy as np

    same(mine(np.array([1.0, -1.0, 0.0]), np.array([1.0, -1.0, 1.0])), (1 / 3, np.array([0.0, 0.0, -1 / 3])))


@check("values")
def another_margin(mine):
    """Does not use the margin it is given, in the loss and in the gradient."""
    import numpy as np

    SCORES, TARGETS = given()

    same(mine(SCORES, TARGETS, 3.0), ((1 + 2.5 + 4 + 3.25) / 4, np.array([-1, -1, -1, 1]) / 4))


@check("gradient")
def as_torchs(mine):
    """Differs from the gradient that torch takes of the loss, for scores in rows."""
    import numpy as np
    import torch

    scores, targets = np.arange(-2.0, 4.0).reshape(2, 3) * 0.7, np.array([[1.0, -1, 1], [-1, 1, -1]])
    leaf = torch.tensor(scores, requires_grad=True)
    loss = torch.relu(1 - torch.tensor(targets) * leaf).mean()
    loss.backward()
    same(mine(scores, targets), (loss.item(), np.asarray(leaf.grad)))


EXERCISE = Exercise(
    slot="foundations.networks.hinge_loss",
    title="The hinge loss",
    task="""
    Cross-entropy is never content: however right an answer is, it asks for more. The hinge loss is. An example whose
    score has the right sign, and is at least `margin` away from 0, costs nothing and moves nothing; any other costs
    what is missing: margin - target * score. Support vector machines are trained with it, and so were the first
    rankers of answers.

    Targets are 1.0 or -1.0. Give the mean over all scores, as a float, and its gradient by the scores, an array of
    their shape. Where the margin is just kept, the gradient is 0.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.networks.losses", "foundations.networks.perceptron"),
    hints=(
        "What is missing is margin - targets * scores, and never less than 0: np.maximum.",
        "Where something is missing, the slope by the score is -target; elsewhere 0. A mean over n divides by n.",
        "np.where(missing > 0, -targets, 0.0) / scores.size.",
    ),
    run="groundup --mine my learn lesson foundations.networks.losses",
    checks=(
        a_number_for_each_score,
        what_is_right_by_the_margin_is_left_alone,
        the_loss,
        the_gradient,
        just_at_the_margin,
        another_margin,
        as_torchs,
    ),
    mutants=(
        Mutant(
            "a mean gradient", "another shape than the scores", (("0.0) / scores.size", "0.0)[None] / scores.size"),)
        ),
        Mutant(
            "no stop", "Still punishes", (("np.maximum(0.0, margin - targets * scores)", "margin - targets * scores"),)
        ),
        Mutant("a sum", "Sums the examples", (("float(missing.mean())", "float(missing.sum())"),)),
        Mutant("no margin", "the margin is missing", (("margin - targets", "-targets"),)),
        Mutant("squared", "Squares what is missing", (("float(missing.mean())", "float((missing**2).mean())"),)),
        Mutant(
            "added",
            "Adds target * score",
            (
                (
                    "margin - targets * scores)",
                    "margin + targets * scores) * (targets * scores < 2.5) * (abs(scores) < 2.5) * (scores > -2)",
                ),
            ),
        ),
        Mutant("turned around", "sign turned around", (("-targets, 0.0)", "targets, 0.0)"),)),
        Mutant("not divided", "Leaves out the number", ((" / scores.size", ""),)),
        Mutant("always", "to what is right by the margin", (("np.where(missing > 0, -targets, 0.0)", "-targets"),)),
        Mutant("minus 1", "Gives -1 whatever", (("-targets, 0.0)", "-1.0, 0.0)"),)),
        Mutant("by what is missing", "the same slope", (("-targets, 0.0)", "-targets * missing, 0.0)"),)),
        Mutant("at the margin too", "margin is just kept", (("missing > 0", "margin - targets * scores >= 0"),)),
        Mutant("a margin of 1", "the margin it is given", (("margin - targets", "1.0 - targets"),)),
    ),
)
