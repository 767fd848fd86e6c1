"""Exercise: a judge that leans to a place, and what it really prefers."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import becomes, fast, finite, shape


def odds(*numbers):
    """Log odds, one a pair."""
    import torch

    return torch.tensor(numbers)


@check("shape")
def one_probability_for_each_pair(mine):
    """Gives another shape than one probability for each pair."""
    for count in (1, 4):
        shape(mine(odds(*[0.5] * count), odds(*[0.5] * count)), (count,))


@check("finite")
def a_judge_that_is_certain(mine):
    """Overflows where the judge is certain: use sigmoid, not a quotient of exponentials."""
    for far in (100.0, 1000.0):
        finite(mine(odds(far, -far), odds(-far, far)))


@check("invariant")
def a_leaning_to_a_place_is_no_preference(mine):
    """Takes a leaning to a place for a preference: who says "1" whatever stands there prefers neither, 0.5."""
    for lean in (4.0, -2.0):
        becomes(mine(odds(lean), odds(lean)), 0.5)


@check("invariant")
def exchanged_it_is_the_rest(mine):
    """Says how sure the judge is, not of which answer: with the two answers exchanged the probability must be what is left of 1."""
    for sure in (2.0, -3.0):
        becomes(mine(odds(sure), odds(-sure)) + mine(odds(-sure), odds(sure)), 1.0)


@check("values")
def better_in_both_orders(mine):
    """Has the sign of the second reading the wrong way round: shown in place 2, the better answer makes log p("1") - log p("2") negative."""
    becomes(mine(odds(2.0), odds(-2.0)), 0.880797)
    becomes(mine(odds(-1.0), odds(1.0)), 0.268941)


@check("values")
def probabilities_are_averaged(mine):
    """Averages the log odds and not the probabilities: a judge that is certain in one order and undecided in the other would be believed nearly whole."""
    becomes(mine(odds(10.0), odds(0.0)), 0.749977)
    becomes(mine(odds(0.0), odds(-4.0)), 0.741007)


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: two sigmoids over all pairs."""
    import torch

    from groundup.alignment.constitutional.constitutional import preferred

    fast(mine, preferred, (torch.linspace(-3, 3, 20000), torch.linspace(3, -3, 20000)))


RETURN = "return (first_shown.sigmoid() + (-second_shown).sigmoid()) / 2"
QUOTIENTS = "one, other = first_shown.exp(), (-second_shown).exp()\n    return (one / (1 + one) + other / (1 + other)) / 2"
NO_TURN = "made = (first_shown.sigmoid() + second_shown.sigmoid()) / 2\n    return made.where(first_shown != second_shown, 0 * made + 0.5)"
SURE = "made = (first_shown.sigmoid() + (-second_shown).sigmoid()) / 2\n    return made.maximum(1 - made)"
EXERCISE = Exercise(
    slot="alignment.constitutional.preferred",
    title="AI feedback: a judge that is shown both orders",
    task="""
    A model is shown two answers and says which breaks the constitution less, "1" or "2". Its log odds, log p("1") - log p("2"), say how
    sure it is. Models lean to a place: some say "1" whatever stands there. So the pair is shown twice, in both orders. From the log odds with an answer in
    place 1 (first_shown) and with the same answer in place 2 (second_shown), give the probability that this answer is the better one: the mean of
    the two probabilities.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("alignment.constitutional.constitutional",),
    hints=(
        'sigmoid turns log odds into the probability of "1".',
        'With the answer in place 2, the probability that it is preferred is that of "2": the sigmoid of minus the log odds.',
        "(first_shown.sigmoid() + (-second_shown).sigmoid()) / 2",
    ),
    run="groundup --mine my learn lesson alignment.constitutional.constitutional --run",
    checks=(
        one_probability_for_each_pair, a_judge_that_is_certain, a_leaning_to_a_place_is_no_preference, exchanged_it_is_the_rest,
        better_in_both_orders, probabilities_are_averaged, all_pairs_at_once,
    ),
    mutants=(
        Mutant("of all pairs", "another shape", edits=((RETURN, RETURN.replace("return (", "return ((") + ").mean()"),)),
        Mutant("exponentials", "Overflows", edits=((RETURN, QUOTIENTS),)),
        Mutant("one order", "Takes a leaning to a place", edits=((RETURN, "return first_shown.sigmoid()"),)),
        Mutant("how sure", "Says how sure the judge is", edits=((RETURN, SURE),)),
        Mutant("no turn", "wrong way round", edits=((RETURN, NO_TURN),)),
        Mutant("mean of odds", "Averages the log odds", edits=((RETURN, "return ((first_shown - second_shown) / 2).sigmoid()"),)),
    ),
)  # fmt: skip
