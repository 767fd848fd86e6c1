"""Exercise: how far a law of size and data is from runs."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def runs():
    """numpy; a law with E = 1 and nothing that depends on size or tokens; three sizes and numbers of tokens."""
    import numpy

    one = numpy.array([0.0, -60.0, -60.0, 0.3, 0.3])
    return numpy, one, numpy.array([1e6, 1e7, 1e8]), numpy.array([1e7, 1e8, 1e9])


@check("shape")
def one_number_comes_back(mine):
    """Does not give back one number: the sum over the runs."""
    numpy, one, size, tokens = runs()
    got = mine(one, size, tokens, numpy.ones(3))
    that(isinstance(got, float | numpy.floating) or getattr(got, "shape", None) == (), expected="one number", got=got)


@check("finite")
def a_far_start_stays_a_number(mine):
    """Overflows for a start of the search that is far away: `log_loss` stays in logarithms, so use it."""
    numpy, _, size, tokens = runs()
    got = float(mine(numpy.array([0.0, 900.0, 0.0, 0.1, 0.1]), size, tokens, numpy.ones(3)))
    that(math.isfinite(got), expected="a finite number", got=got)


@check("invariant")
def a_law_that_fits_costs_nothing(mine):
    """Is not 0 where the law goes through every run: compare its logarithm with that of the loss, by a square near 0."""
    numpy, _, size, tokens = runs()
    law = numpy.array([math.log(1.7), math.log(400.0), math.log(2000.0), 0.34, 0.36])
    loss = 1.7 + 400 * size**-0.34 + 2000 * tokens**-0.36
    got = float(mine(law, size, tokens, loss))
    that(abs(got) < 1e-12, expected=0.0, got=got)


@check("values")
def near_runs_count_by_the_square(mine):
    """Is not r^2 / 2 for a run whose distance is within delta."""
    numpy, one, size, tokens = runs()
    loss = numpy.exp(numpy.array([0.4, 0.0, 0.0]))
    mistakes = {
        "Forgets the half: Huber's square is r^2 / 2.": 0.16,
        "Averages over the runs: it is the sum.": 0.08 / 3,
        "Takes the absolute value: within delta it is the square.": 0.4,
    }
    same(mine(one, size, tokens, loss, 1.0), 0.08, mistakes=mistakes, rtol=1e-6)


@check("values")
def far_runs_count_by_their_distance(mine):
    """Is not delta (|r| - delta / 2) for a run that is further than delta away."""
    numpy, one, size, tokens = runs()
    loss = numpy.exp(numpy.array([0.0, 3.0, 0.0]))
    mistakes = {
        "Squares far residuals too: beyond delta it is a line, so that a run that went wrong pulls little.": 4.5,
        "Lets the line begin at 0: it meets the square at delta, so take delta / 2 off.": 3.0,
    }
    same(mine(one, size, tokens, loss, 1.0), 2.5, mistakes=mistakes, rtol=1e-6)
    same(
        mine(one, size, tokens, 1 / loss, 1.0),
        2.5,
        "Does not count a run above the law like one below it: take |r|.",
        rtol=1e-6,
    )


@check("values")
def delta_is_the_one_given(mine):
    """Does not use the `delta` it is given."""
    numpy, one, size, tokens = runs()
    loss = numpy.exp(numpy.array([0.0, 3.0, 0.0]))
    same(mine(one, size, tokens, loss, 2.0), 4.0, rtol=1e-6)
    same(mine(one, size, tokens, loss, 0.5), 0.5 * 2.75, rtol=1e-6)


@check("values")
def far_and_near_are_summed(mine):
    """Is not the sum over the runs of each one's Huber loss."""
    numpy, one, size, tokens = runs()
    loss = numpy.exp(numpy.array([0.4, 3.0, -2.0]))
    same(mine(one, size, tokens, loss, 1.0), 0.08 + 2.5 + 1.5, rtol=1e-6)


RESIDUAL = "residual = log_loss(parameters, size, tokens) - np.log(loss)"
SUM = "return float(huber(residual, delta).sum())"

EXERCISE = Exercise(
    slot="training.scaling.chinchilla_objective",
    title="How far is a scaling law from the runs",
    task="""
    `log_loss(parameters, size, tokens)` gives log(E + A / N^alpha + B / D^beta) of each run. Give back the sum over the runs of Huber's loss of
    its distance r from the logarithm of the measured loss: r^2 / 2 where |r| <= delta, and the line delta (|r| - delta / 2) beyond.

    This is what Hoffmann et al. minimise. A distance of 0.01 is one per cent of the loss; with delta = 0.001 a run that went wrong by half
    pulls no more than fifty that are off by one per cent.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.networks.losses", "training.scaling.power_laws"),
    hints=(
        "First the residuals: the law's logarithm minus np.log(loss).",
        "size = np.abs(residual); np.where(size <= delta, residual**2 / 2, delta * (size - delta / 2)) is one number a run.",
        "Sum over the runs, and give back a float.",
    ),
    run="groundup --mine my learn lesson training.scaling.parametric --run",
    checks=(
        one_number_comes_back,
        a_far_start_stays_a_number,
        a_law_that_fits_costs_nothing,
        near_runs_count_by_the_square,
        far_runs_count_by_their_distance,
        delta_is_the_one_given,
        far_and_near_are_summed,
    ),
    mutants=(
        Mutant(
            "a number a run", "Returns ndarray where float is expected", edits=((SUM, "return huber(residual, delta)"),)
        ),
        Mutant(
            "powers",
            "Overflows",
            edits=(
                (
                    RESIDUAL,
                    "E, A, B = np.exp(parameters[:3])\n    terms = A / size**parameters[3] + B / tokens**parameters[4]\n"
                    "    residual = np.log(E + terms) - np.log(loss)",
                ),
            ),
        ),
        Mutant("not a logarithm", "Is not 0 where the law goes", edits=(("- np.log(loss)", "- loss"),)),
        Mutant("not halved", "Forgets the half", edits=((SUM, "return float((2 * huber(residual, delta)).sum())"),)),
        Mutant("the mean", "Averages over the runs", edits=((SUM, "return float(huber(residual, delta).mean())"),)),
        Mutant("all squares", "Squares far residuals too", edits=((SUM, "return float((residual**2 / 2).sum())"),)),
        Mutant("its own delta", "Does not use the `delta`", edits=((SUM, "return float(huber(residual, 1.0).sum())"),)),
        Mutant("signed", "take |r|", edits=((SUM, "return float(huber(np.minimum(residual, delta), delta).sum())"),)),
    ),
)
