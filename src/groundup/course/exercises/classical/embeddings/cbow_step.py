"""Exercise: one step of CBOW."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


def given():
    """The window, the outputs and their labels."""
    import numpy as np

    return (
        np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 0.0]]),
        np.array([[0.5, 1.0], [-1.0, 0.5]]),
        np.array([1.0, 0.0]),
    )


def parts(rate):
    """The mean of the window, the steps of the outputs and the change that they make."""
    import numpy as np

    around, asked, wanted = given()
    mean = around.sum(0) / 3
    steps = rate * (wanted - 1 / (1 + np.exp(-(asked @ mean))))
    return mean, steps, steps @ asked


@check("shape")
def two_arrays(mine):
    """Gives other shapes than those it was given: the window's vectors [w, d] and the outputs [k, d]."""
    import numpy as np

    around, asked, wanted = given()
    window, outputs = mine(around, asked, wanted, 0.1)
    same([list(np.shape(window)), list(np.shape(outputs))], [[3, 2], [2, 2]])


@check("values")
def outputs_move_by_the_mean(mine):
    """Changes the outputs otherwise than each by its step times the mean of the window."""
    import numpy as np

    around, asked, wanted = given()
    mean, steps, _ = parts(0.3)
    by_sum = "Asks the sum of the window where its mean is asked: a long window would then shout."
    total = around.sum(0)
    shouted = 0.3 * (wanted - 1 / (1 + np.exp(-(asked @ total))))
    same(
        mine(around, asked, wanted, 0.3)[1],
        asked + np.outer(steps, mean),
        mistakes={by_sum: asked + np.outer(shouted, total)},
    )


@check("values")
def every_word_gets_the_whole_change(mine):
    """Changes the window's vectors otherwise than each by the same sum of steps times outputs."""
    around, asked, wanted = given()
    _, _, change = parts(0.3)
    shared = "Divides the change among the words of the window: word2vec gives each of them the whole change."
    first = "Changes only the first word of the window: all of them asked, all of them learn."
    only = around.copy()
    only[0] += change
    same(mine(around, asked, wanted, 0.3)[0], around + change, mistakes={shared: around + change / 3, first: only})


@check("values")
def a_window_of_one_is_skip_gram(mine):
    """Goes uphill: a word that stood there has to become more likely."""
    import numpy as np

    around, asked, wanted = given()
    before = 1 / (1 + np.exp(-(asked[0] @ around[0])))
    window, outputs = mine(around[:1], asked[:1], wanted[:1], 0.3)
    same(bool(1 / (1 + np.exp(-(outputs[0] @ window[0]))) > before), True)


EXERCISE = Exercise(
    slot="classical.embeddings.cbow_step",
    title="CBOW's step: the window as one voice",
    task="""
    CBOW asks the mean of a window's vectors for the word in their middle: label 1 for it, 0 for drawn words. The step of each output is
    rate * (label - sigma(u . mean)), and it moves by that times the mean. Every vector of the window moves by the whole sum of
    step * u, as word2vec does it (the gradient would give each a share).
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.embeddings.word2vec", "classical.embeddings.skip_gram_step"),
    hints=(
        "window.mean(0) is the hidden vector; with it the outputs move as in skip-gram.",
        "The change is steps @ outputs, with the outputs as they were; adding it to `window` adds it to every row.",
        "window + steps @ outputs, outputs + np.outer(steps, mean)",
    ),
    run="groundup --mine my learn lesson classical.embeddings.word2vec --run",
    checks=(two_arrays, outputs_move_by_the_mean, every_word_gets_the_whole_change, a_window_of_one_is_skip_gram),
    mutants=(
        Mutant(
            "the mean only",
            "other shapes",
            edits=(("return window + steps @ outputs", "return mean + steps @ outputs"),),
        ),
        Mutant("the sum", "where its mean is asked", edits=(("window.mean(0)", "window.sum(0)"),)),
        Mutant(
            "shared",
            "Divides the change",
            edits=(("window + steps @ outputs", "window + steps @ outputs / len(window)"),),
        ),
        Mutant(
            "one learns",
            "only the first word",
            edits=(("window + steps @ outputs", "window + np.eye(len(window))[:, :1] * (steps @ outputs)"),),
        ),
        Mutant(
            "mean forgotten",
            "otherwise than each by its step",
            edits=(("np.outer(steps, mean)", "np.outer(steps, window[0])"),),
        ),
    ),
)
