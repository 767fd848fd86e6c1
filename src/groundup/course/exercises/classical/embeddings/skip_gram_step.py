"""Exercise: one step of skip-gram with negative sampling."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def given():
    """The vector, the outputs and their labels."""
    import numpy as np

    return (
        np.array([1.0, 0.0, 2.0]),
        np.array([[0.5, 1.0, 0.0], [0.0, -1.0, 0.5], [1.0, 1.0, 1.0]]),
        np.array([1.0, 0.0, 0.0]),
    )


def step(vector, outputs, labels, rate):
    """The formula, once more, a number at a time."""
    import numpy as np

    new, rows = vector.copy(), outputs.copy()
    for k in range(len(outputs)):
        by = rate * (labels[k] - 1 / (1 + np.exp(-sum(outputs[k] * vector))))
        new = new + by * outputs[k]
        rows[k] = outputs[k] + by * vector
    return new, rows


@check("shape")
def two_arrays(mine):
    """Gives other shapes than those it was given: the new vector [d] and the new outputs [k, d]."""
    import numpy as np

    word, asked, wanted = given()
    vector, outputs = mine(word, asked, wanted, 0.1)
    same([list(np.shape(vector)), list(np.shape(outputs))], [[3], [3, 3]])


@check("values")
def one_output_by_hand(mine):
    """Is wrong for one output whose score is 0: sigma is 1/2, so half of the rate is the step."""
    import numpy as np

    away = "Moves away from a neighbour: the step is rate * (label - sigma), not rate * (sigma - label)."
    vector, _ = mine(np.zeros(2), np.array([[0.0, 2.0]]), np.array([1.0]), 0.5)
    same(vector, np.array([0.0, 0.5]), mistakes={away: np.array([0.0, -0.5])})


@check("values")
def the_vector_moves_by_all_outputs(mine):
    """Changes the vector otherwise than by the sum of the steps times the outputs as they were."""
    import numpy as np

    word, asked, wanted = given()
    expected, rows = step(word, asked, wanted, 0.3)
    late = "Changes the vector by outputs that have been changed already: both sides learn from the other as it was."
    by = 0.3 * (wanted - 1 / (1 + np.exp(-(asked @ word))))
    same(mine(word, asked, wanted, 0.3)[0], expected, mistakes={late: word + by @ rows})


@check("values")
def each_output_moves_by_the_vector(mine):
    """Changes the outputs otherwise than each by its own step times the vector."""
    import numpy as np

    word, asked, wanted = given()
    expected = step(word, asked, wanted, 0.3)[1]
    late = "Changes the outputs by the vector that has been changed already: use the vector as it was."
    by = 0.3 * (wanted - 1 / (1 + np.exp(-(asked @ word))))
    same(
        mine(word, asked, wanted, 0.3)[1],
        expected,
        mistakes={late: asked + np.outer(by, step(word, asked, wanted, 0.3)[0])},
    )


EXERCISE = Exercise(
    slot="classical.embeddings.skip_gram_step",
    title="word2vec's step: a neighbour against drawn words",
    task="""
    A word's vector v is asked for k words by their output vectors u: the one that stood near has label 1, drawn ones have label 0.
    Logistic regression says sigma(u . v). Move both sides against the gradient of its loss, each by the other as it was:
    with step = rate * (label - sigma(u . v)) for each output, v gets the sum of step * u, and each u gets step * v.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.embeddings.word2vec",),
    hints=(
        "All scores at once are outputs @ vector, and sigma(x) is 1 / (1 + exp(-x)).",
        "The sum of step * u over all outputs is steps @ outputs; step * v for each is np.outer(steps, vector).",
        "steps = rate * (labels - sigma(outputs @ vector)); vector + steps @ outputs, outputs + np.outer(steps, vector)",
    ),
    run="groundup --mine my learn lesson classical.embeddings.word2vec --run",
    checks=(
        two_arrays,
        one_output_by_hand,
        the_vector_moves_by_all_outputs,
        each_output_moves_by_the_vector,
    ),
    mutants=(
        Mutant("steps as a vector", "other shapes", edits=(("vector + steps @ outputs", "vector[:1]"),)),
        Mutant(
            "uphill",
            "away from a neighbour",
            edits=(("labels - sigmoid(outputs @ vector)", "sigmoid(outputs @ vector) - labels"),),
        ),
        Mutant(
            "outputs first",
            "outputs that have been changed already",
            edits=(("vector + steps @ outputs", "vector + steps @ (outputs + np.outer(steps, vector))"),),
        ),
        Mutant(
            "vector first",
            "vector that has been changed already",
            edits=(("np.outer(steps, vector)", "np.outer(steps, vector + steps @ outputs)"),),
        ),
        Mutant(
            "one step for all",
            "each by its own step",
            edits=(("np.outer(steps, vector)", "np.outer(steps * 0 + steps.mean(), vector)"),),
        ),
        Mutant(
            "in place",
            "Changes its argument vector in place",
            edits=(
                (
                    "    return vector + steps @ outputs, outputs + np.outer(steps, vector)",
                    "    old = vector.copy()\n    vector += steps @ outputs\n    outputs += np.outer(steps, old)\n    return vector, outputs",
                ),
            ),
        ),
    ),
)
