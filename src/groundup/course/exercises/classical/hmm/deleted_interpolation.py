"""Exercise: how far three tags in a row can be trusted."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def counted(tags, kinds):
    """How often one, two and three tags stand in a row in a list of tags."""
    import numpy

    one, two, three = numpy.zeros(kinds), numpy.zeros((kinds,) * 2), numpy.zeros((kinds,) * 3)
    for place, tag in enumerate(tags):
        one[tag] += 1
        if place:
            two[tags[place - 1], tag] += 1
        if place > 1:
            three[tags[place - 2], tags[place - 1], tag] += 1
    return one, two, three


def by_its_words(one, two, three):
    """The weights as Brants's figure says them, on fractions."""
    from fractions import Fraction

    import numpy

    votes, total = [0, 0, 0], int(one.sum())
    for place in numpy.ndindex(three.shape):
        times = int(three[place])
        if times:
            a, b, c = place
            parts = [(one[c] - 1, total - 1), (two[b, c] - 1, one[b] - 1), (three[place] - 1, three[a, b].sum() - 1)]
            shares = [Fraction(int(up), int(down)) if down else Fraction(0) for up, down in parts]
            votes[max(range(3), key=lambda n: (shares[n], n))] += times
    return numpy.array(votes) / sum(votes)


@check("shape")
def three_weights(mine):
    """Does not give three weights."""
    shape(mine(*counted([0, 1, 0, 1, 1], 2)), (3,))


@check("invariant")
def they_sum_to_one(mine):
    """The weights do not sum to 1: divide the votes by their sum."""
    import numpy

    same(numpy.array(mine(*counted([0, 1, 2, 0, 1, 1, 2, 0, 2], 3)).sum()), numpy.array(1.0))


@check("values")
def a_triple_that_always_holds(mine):
    """Where three tags always go round, the third order does not get every vote."""
    import numpy

    mistakes = {
        "The order is turned round: the weights are of one, two and three tags.": numpy.array([1.0, 0.0, 0.0]),
        "Gives a tie to the shorter order: the longest of the best gets the votes.": numpy.array([0.0, 0.7, 0.3]),
    }
    one, two, three = counted([0, 1, 2] * 4, 3)
    same(mine(one, two, three), numpy.array([0.0, 0.0, 1.0]), mistakes=mistakes)


@check("values")
def a_triple_seen_once_is_no_witness(mine):
    """A triple that was seen once votes for its own order: without it nothing would have predicted it, so take 1 away first."""

    one, two, three = counted([0, 1, 0, 2, 0, 0, 0], 3)
    same(mine(one, two, three), by_its_words(one, two, three))


@check("values")
def a_triple_votes_as_often_as_it_was_seen(mine):
    """Counts each kind of triple once: it votes as many times as it was seen."""
    one, two, three = counted([0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1], 2)
    same(mine(one, two, three), by_its_words(one, two, three))


@check("values")
def a_beginning_votes_too(mine):
    """The triples at the beginning of sentences do not vote for three tags: divide by three[a, b].sum() - 1, not by two[a, b] - 1."""
    import numpy

    one, two, three = numpy.full(3, 3.0), numpy.zeros((3, 3)), numpy.zeros((3, 3, 3))  # 2 is the mark
    for a, b, c in ((2, 2, 0), (2, 0, 1), (0, 1, 2)):  # three times the sentence 0 1
        three[a, b, c] = two[b, c] = 3
    same(mine(one, two, three), numpy.array([0.0, 0.0, 1.0]))


@check("values")
def as_brants_says(mine):
    """Differs from the figure of the paper, on fractions."""
    import numpy

    for seed, kinds in ((0, 2), (1, 3), (2, 4), (3, 3)):
        tags = (
            numpy.random.default_rng(seed)
            .choice(kinds, size=40, p=numpy.arange(1, kinds + 1) / (kinds * (kinds + 1) / 2))
            .tolist()
        )
        same(mine(*counted(tags, kinds)), by_its_words(*counted(tags, kinds)))


ABOVE = "above = np.array([one[c] - 1, two[b, c] - 1, three[a, b, c] - 1])"
BELOW = "below = np.array([one.sum() - 1, one[b] - 1, three[a, b].sum() - 1])"
VOTE = "votes[2 - int(predicted[::-1].argmax())] += three[a, b, c]"

EXERCISE = Exercise(
    slot="classical.hmm.deleted_interpolation",
    title="How far can three tags in a row be trusted?",
    task="""
    A tagger predicts a tag from the two before it, but most triples of tags were seen once or never. So it mixes the shares
    of one, two and three tags, and asks the counts themselves for the weights: each triple a, b, c votes for the order that
    would have predicted it best if it had been seen once less.

        one tag:     (one[c] - 1) / (one.sum() - 1)
        two tags:    (two[b, c] - 1) / (one[b] - 1)
        three tags:  (three[a, b, c] - 1) / (three[a, b].sum() - 1)   each 0 where it is 0 / 0

    The last divisor counts how often a, b was followed by any tag. two[a, b] is no such count: sentences begin with two
    marks, which stand before the first tag as a pair and are never counted as one.

    The largest gets three[a, b, c] votes; of equal ones, the longest. Give the shares of the votes as an array: of one, two,
    three tags.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("text.ngram.smoothing",),
    hints=(
        "np.argwhere(three > 0) gives the places a, b, c of all triples that were seen.",
        "Where the divisor is 0 the share is 0: np.where(below > 0, above / np.where(below > 0, below, 1), 0).",
        "argmax gives the first of equal ones; turn the array round for the last: 2 - shares[::-1].argmax().",
    ),
    run="groundup --mine my learn lesson classical.hmm.pos",
    checks=(
        three_weights, they_sum_to_one, a_triple_that_always_holds, a_triple_seen_once_is_no_witness,
        a_triple_votes_as_often_as_it_was_seen,
        a_beginning_votes_too, as_brants_says,
    ),
    mutants=(
        Mutant("votes", "do not sum to 1", edits=(("return votes / votes.sum()", "return votes"),)),
        Mutant("turned", "The order is turned round", edits=(("return votes / votes.sum()", "return (votes / votes.sum())[::-1]"),)),
        Mutant("the shorter", "Gives a tie to the shorter", edits=((VOTE, "votes[int((predicted + [0, 1e-9, 1e-9]).argmax())] += three[a, b, c]"),)),
        Mutant(
            "not deleted", "A triple that was seen once",
            edits=((ABOVE, "above = np.array([one[c], two[b, c], three[a, b, c]])"), (BELOW, "below = np.array([one.sum(), one[b], three[a, b].sum()])")),
        ),
        Mutant("once each", "Counts each kind of triple once", edits=((VOTE, "votes[2 - int(predicted[::-1].argmax())] += 1"),)),
        Mutant("the pair itself", "The triples at the beginning", edits=((BELOW, BELOW.replace("three[a, b].sum()", "two[a, b]")),)),
        Mutant("two weights", "three weights", edits=(("return votes / votes.sum()", "return votes[1:] / votes.sum()"),)),
    ),
)  # fmt: skip
