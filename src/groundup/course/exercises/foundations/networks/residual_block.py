"""Exercise: a block that can leave its input alone."""

from collections.abc import Callable
from dataclasses import dataclass

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shape, that


def given():
    """The numbers of the cases."""
    import numpy as np

    X = np.array([[1.0, -2.0, 3.0]])
    return X


@dataclass(frozen=True, repr=False)
class Layer:
    """A branch or a shortcut that is shown to the learner as a formula."""

    formula: str
    function: Callable

    def __call__(self, x):
        return self.function(x)

    def __repr__(self) -> str:
        return self.formula


nothing = Layer("0 * x", lambda x: 0 * x)
double = Layer("2 * x", lambda x: 2 * x)
ten = Layer("x + 10", lambda x: x + 10)
lower = Layer("x - 2", lambda x: x - 2)
turned = Layer("0.5 - 2 * x", lambda x: 0.5 - 2 * x)
narrow = Layer("x[:, :2]", lambda x: x[:, :2])
first = Layer("x[:, :1]", lambda x: x[:, :1])


@check("shape")
def of_the_branch(mine):
    """Gives another shape than the branch's: what goes past it is added, not laid beside it."""
    X = given()
    shape(mine(X, double), (1, 3))
    shape(mine(X, narrow, narrow), (1, 2))


@check("invariant")
def a_branch_of_0(mine):
    """Changes numbers above 0 although the branch gives 0: the block must be able to leave its input alone."""
    import numpy as np

    same(mine(np.array([[1.0, 2.0]]), nothing), np.array([[1.0, 2.0]]))


@check("values")
def the_sum(mine):
    """The result is not relu(branch(x) + x)."""
    import numpy as np

    X = given()

    mistakes = {
        "Bends the branch before the sum: the relu comes after it.": np.maximum(turned(X), 0) + X,
        "Leaves the relu out.": turned(X) + X,
        "Bends x before the sum: the relu comes after it.": np.maximum(turned(X) + np.maximum(X, 0), 0),
        "Subtracts what goes past the branch: it is added.": np.maximum(turned(X) - X, 0),
        "Takes the mean: it is the sum.": np.maximum(turned(X) + X, 0) / 2,
    }
    same(mine(X, turned), np.maximum(turned(X) + X, 0), mistakes=mistakes)


@check("values")
def past_by_a_shortcut(mine):
    """Does not use the shortcut: where one is given, shortcut(x) stands in place of x."""
    import numpy as np

    X = given()

    mistakes = {
        "Adds x and shortcut(x): the shortcut stands in place of x.": np.maximum(lower(X) + ten(X) + X, 0),
        "Gives the branch what the shortcut made: both get x.": np.maximum(lower(ten(X)) + ten(X), 0),
        "Gives the shortcut what the branch made: both get x.": np.maximum(lower(X) + ten(lower(X)), 0),
    }
    same(mine(X, lower, ten), np.maximum(lower(X) + ten(X), 0), mistakes=mistakes)


@check("values")
def shapes_that_do_not_fit(mine):
    """Broadcasts a branch of another shape silently: raise InputError, since a shortcut is missing."""
    from groundup.errors import InputError

    X = given()

    try:
        got = mine(X, first)
    except InputError:
        return
    raise Failed(expected="InputError", got=str(got.tolist()))


@check("gradient")
def the_gradient_goes_past(mine):
    """Lets no gradient past the branch: with a Tensor for x use only + and the relu that is given."""
    import numpy as np

    from groundup.foundations.autograd.autodiff import Tensor

    leaf = Tensor(np.array([[1.0, 2.0]]), True)
    try:
        getattr(mine, "function", mine)(leaf, nothing).sum().backward()  # no copies of a graph
    except Exception as error:
        raise Failed(
            input="x = a Tensor of shape (1, 2)", expected="a Tensor", got=f"{type(error).__name__}: {error}"[:200]
        ) from None
    that(leaf.grad is not None and (leaf.grad == 1).all(), expected="a gradient of 1", got=str(leaf.grad))


EXERCISE = Exercise(
    slot="foundations.networks.residual_block",
    title="A residual block",
    task="""
    In 2015 networks of 56 layers were worse than those of 20, on the training examples too: the deeper one could not
    even learn to do nothing in its extra layers. He and others let x go past each pair of layers and added it again.
    Now doing nothing is easy (the branch gives 0), and the gradient has a way back that no layer can close. Every
    transformer block has this sum twice.

    Give relu(branch(x) + x). Where the branch changes the shape, a shortcut brings x to the same shape: then
    shortcut(x) stands in place of x. If the two shapes still differ, raise InputError rather than broadcast. x may be
    an array or a Tensor; `relu` takes both.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("foundations.networks.cnn", "foundations.networks.gradients"),
    hints=(
        "What goes past the branch is x, or shortcut(x) where a shortcut was given (it is None otherwise).",
        "Both have a .shape to compare before the sum.",
        "kept = x if shortcut is None else shortcut(x); then relu(branch(x) + kept).",
    ),
    run="groundup --mine my learn lesson foundations.networks.residual",
    checks=(of_the_branch, a_branch_of_0, the_sum, past_by_a_shortcut, shapes_that_do_not_fit, the_gradient_goes_past),
    mutants=(
        Mutant(
            "beside",
            "laid beside it",
            (("relu(changed + kept)", "relu(__import__('numpy').concatenate([changed, kept], axis=1))"),),
        ),
        Mutant("only the branch", "leave its input alone", (("relu(changed + kept)", "relu(changed)"),)),
        Mutant("relu before", "Bends the branch", (("relu(changed + kept)", "relu(changed) + kept"),)),
        Mutant("no relu", "Leaves the relu out", (("relu(changed + kept)", "changed + kept"),)),
        Mutant("x bent", "Bends x before", (("relu(changed + kept)", "relu(changed + relu(kept))"),)),
        Mutant(
            "no shortcut",
            "Does not use the shortcut",
            (("kept = x if shortcut is None else shortcut(x)", "kept = x[:, : branch(x).shape[1]]"),),
        ),
        Mutant(
            "both past",
            "Adds x and shortcut(x)",
            (("else shortcut(x)", "else shortcut(x) + x[:, : shortcut(x).shape[1]]"),),
        ),
        Mutant("the branch after", "Gives the branch what", (("changed = branch(x)", "changed = branch(kept)"),)),
        Mutant(
            "the shortcut after",
            "Gives the shortcut what",
            (("kept = x if", "changed = branch(x)\n    kept = x if"), ("else shortcut(x)", "else shortcut(changed)")),
        ),
        Mutant("broadcast", "Broadcasts a branch", (("if changed.shape != kept.shape:", "if False:"),)),
        Mutant(
            "NumPy's maximum",
            "Lets no gradient past",
            (("return relu(changed + kept)", "import numpy\n    return numpy.maximum(changed + kept, 0)"),),
        ),
    ),
)
