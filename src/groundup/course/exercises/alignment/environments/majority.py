"""Exercise: many thoughts, one answer: the vote."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


@check("shape")
def an_answer_or_none(mine):
    """Gives something else than an answer: a text that was among the answers, or None."""
    for answers in (["4"], ["4", "5", "4"]):
        that(isinstance(mine(answers), str), expected="one of the answers", got=mine(answers))


@check("values")
def the_most_frequent_wins(mine):
    """Is not the answer given most often."""
    same(mine(["5", "4", "4"]), "4")
    same(mine(["1", "2", "3", "3", "2", "3"]), "3")


@check("values")
def most_often_not_in_a_row(mine):
    """Counts answers only while they stand in a row, or takes the last: wherever they stand, they count."""
    same(mine(["4", "5", "4", "6"]), "4")
    same(mine(["7", "8", "7", "8", "7"]), "7")


@check("values")
def no_answer_is_no_vote(mine):
    """Lets thoughts without an answer vote: None counts for nothing, however many there are."""
    same(mine([None, None, None, "4"]), "4")
    same(mine(["4", None, "5", "5", None, None]), "5")


@check("values")
def nobody_answered(mine):
    """Stumbles where nobody answered: then the answer is None."""
    same(mine([None, None]), None)
    same(mine([]), None)


@check("values")
def the_first_of_those_that_tie(mine):
    """Breaks a tie by the texts themselves: of those that tie the one that came first wins, so that a single vote is that vote."""
    same(mine(["9", "1"]), "9")
    same(mine(["1", "9", "5", "9", "1"]), "1")


@check("speed")
def counted_once(mine):
    """Is far slower than the reference: count all answers in one walk."""
    from groundup.alignment.environments.reasoning import majority

    fast(mine, majority, ([str(number % 997) for number in range(20000)],), times=40.0)


COUNTS = "counts = Counter(answer for answer in answers if answer is not None)"
RETURN = "return max(counts, key=counts.__getitem__) if counts else None"
EXERCISE = Exercise(
    slot="alignment.environments.majority",
    title="Self-consistency: the vote of many thoughts",
    task="""
    A model thought about one question several times, each time on another way, and each thought ended in an answer or in none (None). Wrong
    ways go wrong differently, right ones meet: take the answer given most often. None counts for nothing; where nobody answered, the vote is None;
    of answers that tie, the one that came first.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("alignment.environments.reasoning",),
    hints=(
        "collections.Counter counts what it is given; leave None out before.",
        "A Counter keeps the order in which answers came first, and max takes the first of equal ones.",
        "max(counts, key=counts.__getitem__), and None where counts is empty.",
    ),
    run="groundup --mine my learn lesson alignment.environments.reasoning --run",
    checks=(
        an_answer_or_none, the_most_frequent_wins, most_often_not_in_a_row, no_answer_is_no_vote, nobody_answered,
        the_first_of_those_that_tie, counted_once,
    ),
    mutants=(
        Mutant("with its count", "Returns tuple where str is expected", edits=((RETURN, "return counts.most_common(1)[0]"),)),
        Mutant("the first", "not the answer given most often", edits=((RETURN, "return next(iter(counts), None)"),)),
        Mutant("the last", "wherever they stand", edits=((RETURN, "return next((one for one in reversed(answers) if one is not None), None)"),)),
        Mutant("none votes", "Lets thoughts without an answer vote", edits=((COUNTS, "counts = Counter(answers)"),)),
        Mutant("somebody must", "stops in line", edits=((RETURN, "return max(counts, key=counts.__getitem__)"),)),
        Mutant("the largest text", "Breaks a tie by the texts", edits=((RETURN, "return max(sorted(counts), key=counts.__getitem__) if counts else None"),)),
    ),
)  # fmt: skip
