"""Exercise: Bayes' theorem over hypotheses and observations."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape, that


def numbers(*values):
    """An array of floats."""
    import numpy

    return numpy.array(values, dtype=float)


def logs(*rows):
    """The logarithms of likelihoods; 0 becomes -inf."""
    import numpy

    with numpy.errstate(divide="ignore"):
        return numpy.log(numbers(*rows))


@check("shape")
def one_probability_for_each_hypothesis(mine):
    """Does not give one number for each hypothesis: the observations, along axis 0, are summed away."""
    for observations, hypotheses in ((1, 2), (3, 2), (2, 4)):
        shape(mine(numbers(*[1 / hypotheses] * hypotheses), logs(*[[0.5] * hypotheses] * observations)), (hypotheses,))


@check("finite")
def a_long_text_does_not_underflow(mine):
    """Ends in 0 / 0 after many observations: subtract the largest logarithm before you take exp, the quotient stays the same."""
    import numpy

    for rows in (1000, 5000):
        with numpy.errstate(all="ignore"):
            found = mine(numbers(0.5, 0.5), numpy.repeat(logs([0.2, 0.1]), rows, axis=0))
        finite(found)


@check("invariant")
def they_are_probabilities(mine):
    """Does not sum to 1: divide by the sum over the hypotheses."""
    for prior in ((0.5, 0.5), (0.1, 0.9)):
        found = mine(numbers(*prior), logs([0.3, 0.4]))
        that(abs(float(found.sum()) - 1) < 1e-9, expected="a sum of 1", got=found)


@check("invariant")
def what_was_impossible_stays_so(mine):
    """Gives a chance to a hypothesis that had none: log 0 is -inf, and exp of it 0 again."""
    same(mine(numbers(0.0, 0.5, 0.5), logs([0.9, 0.2, 0.2])), numbers(0.0, 0.5, 0.5))


@check("values")
def one_observation_by_hand(mine):
    """Is not prior times likelihood, divided by the sum: of (1/4, 3/4) and (3/5, 1/5) it is (1/2, 1/2)."""
    mistakes = {
        "Leaves out the prior.": numbers(0.75, 0.25),
        "Leaves out the observation: its likelihood multiplies the prior.": numbers(0.25, 0.75),
        "Takes the prior as if it were a logarithm: take np.log of it before you add.": numbers(
            *(math.exp(one) for one in (0.25, 0.75))
        )
        * numbers(0.6, 0.2)
        / (math.exp(0.25) * 0.6 + math.exp(0.75) * 0.2),
        "Multiplies the prior by the logarithm: exp turns it back into a likelihood.": numbers(0.25, 0.75)
        * logs(0.6, 0.2)
        / (0.25 * math.log(0.6) + 0.75 * math.log(0.2)),
        "Divides by the likelihood: what explains the data better gains.": numbers(1 / 10, 9 / 10),
    }
    same(mine(numbers(0.25, 0.75), logs([0.6, 0.2])), numbers(0.5, 0.5), mistakes=mistakes)


@check("values")
def observations_multiply(mine):
    """After two observations, (1/2, 1/4) and (0.3, 0.1) from even chances, is not (6/7, 1/7)."""
    mistakes = {
        "Averages the observations: independent ones multiply, so their logarithms add.": numbers(
            6**0.5 / (6**0.5 + 1), 1 / (6**0.5 + 1)
        ),
        "Uses only the first observation.": numbers(2 / 3, 1 / 3),
        "Uses only the last observation.": numbers(3 / 4, 1 / 4),
        "Sums over the hypotheses in place of the observations: those are the rows, axis 0.": numbers(25 / 31, 6 / 31),
    }
    same(mine(numbers(0.5, 0.5), logs([0.5, 0.25], [0.3, 0.1])), numbers(6 / 7, 1 / 7), mistakes=mistakes)


LOGS = "np.log(prior) + np.sum(log_likelihood, axis=0)"

EXERCISE = Exercise(
    slot="foundations.probability.posterior",
    title="From prior to posterior",
    task="""
    Which of several authors wrote this text? Before reading, each has a probability: the prior. Each word is more or
    less likely under each author. Bayes' theorem: the probability of a hypothesis after the observations is its prior
    times the product of the likelihoods, divided by the sum of that over all hypotheses.

    prior holds probabilities, (hypotheses,); log_likelihood the logarithms of P(observation | hypothesis), one row an
    observation. A text of a thousand words has a probability below the smallest double, so stay in logarithms until the
    end. A hypothesis of prior 0 stays at 0.

    largest_log is given: the largest of some logarithms, with an error where all of them are -inf.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("foundations.probability.bayes",),
    hints=(
        "In logarithms the product is a sum: np.log(prior) + log_likelihood.sum(axis=0).",
        "exp(a) / sum(exp(a)) does not change when the same number is taken from every a; take the largest, and nothing underflows to 0 / 0.",
        "weights = np.exp(logs - logs.max()); give back weights / weights.sum().",
    ),
    run="groundup --mine my learn lesson foundations.probability.bayes",
    checks=(
        one_probability_for_each_hypothesis,
        a_long_text_does_not_underflow,
        they_are_probabilities,
        what_was_impossible_stays_so,
        one_observation_by_hand,
        observations_multiply,
    ),
    mutants=(
        Mutant("not divided", "Does not sum to 1", edits=(("weights / weights.sum()", "weights"),)),
        Mutant("underflow", "Ends in 0 / 0", edits=(("np.exp(logs - largest)", "np.exp(logs)"),)),
        Mutant(
            "no observations summed",
            "one number for each hypothesis",
            edits=((LOGS, "np.log(prior) + log_likelihood"),),
        ),
        Mutant(
            "prior forgotten",
            "Leaves out the prior",
            edits=((LOGS, "np.where(prior > 0, 0, -np.inf) + np.sum(log_likelihood, axis=0)"),),
        ),
        Mutant(
            "data forgotten",
            "Leaves out the observation",
            edits=((LOGS, "np.log(prior) + 0 * np.sum(log_likelihood, axis=0)"),),
        ),
        Mutant(
            "impossible revived",
            "Gives a chance to a hypothesis",
            edits=((LOGS, "np.log(np.maximum(prior, 0.01)) + np.sum(log_likelihood, axis=0)"),),
        ),
        Mutant(
            "the wrong way",
            "Divides by the likelihood",
            edits=((LOGS, "np.log(prior) - np.sum(log_likelihood, axis=0)"),),
        ),
        Mutant(
            "the wrong axis",
            "Sums over the hypotheses",
            edits=(
                (
                    LOGS,
                    "np.log(prior) + (log_likelihood[0] if len(log_likelihood) != len(prior) else np.sum(log_likelihood, axis=1))",
                ),
            ),
        ),
        Mutant(
            "averaged", "Averages the observations", edits=((LOGS, "np.log(prior) + np.mean(log_likelihood, axis=0)"),)
        ),
        Mutant("the first alone", "only the first observation", edits=((LOGS, "np.log(prior) + log_likelihood[0]"),)),
        Mutant("the last alone", "only the last observation", edits=((LOGS, "np.log(prior) + log_likelihood[-1]"),)),
    ),
)
