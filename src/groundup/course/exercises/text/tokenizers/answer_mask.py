"""Exercise: mark the tokens of a conversation that tuning learns."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, that


def by_hand(sizes, answers):
    """The same with every byte of the answers written down."""
    inside = {byte for first, end in answers for byte in range(first, end)}
    return [int(sum(sizes[:place]) in inside) for place in range(len(sizes))]


@check("shape")
def one_mark_a_token(mine):
    """Gives another number of marks than there are tokens: `sizes` has one number a token, also when there is no token."""
    for sizes in ([1], [3, 2], []):
        got = mine(sizes, [(0, 1)])
        that(len(got) == len(sizes), expected=f"{len(sizes)} marks", got=got)


@check("dtype")
def zeros_and_ones(mine):
    """Marks with something else than the numbers 0 and 1, such as True and False; int(...) makes numbers of them."""
    for sizes in ([1], [1, 1]):
        got = mine(sizes, [(0, 1)])
        that(all(type(mark) is int and mark in (0, 1) for mark in got), expected=by_hand(sizes, [(0, 1)]), got=got)


@check("invariant")
def without_an_answer_nothing_is_learned(mine):
    """Marks tokens of a text without an answer: what the user and the template wrote is not learned."""
    for sizes in ([1], [2, 1, 3]):
        same(mine(sizes, []), [0] * len(sizes))


@check("values")
def its_first_byte_decides(mine):
    """Marks the wrong tokens: a token is learned where it begins inside an answer, and it begins behind all sizes before it."""
    tokens = (
        "Counts tokens where bytes are meant: the answers' places are bytes, and `sizes` says how many each token has."
    )
    ends = "Judges a token by where it ends: what decides is where it begins, behind the sizes before it."
    before = "Marks a token that begins before the answer and reaches into it: its beginning is not the model's to say."
    beyond = "Leaves out a token that begins inside an answer and ends behind it: what decides is where it begins."
    same(mine([2, 2], [(1, 3)]), [0, 1], mistakes={ends: [1, 0], before: [1, 1], beyond: [0, 0]})
    same(mine([2, 2, 2], [(1, 3)]), [0, 1, 0], mistakes={tokens: [0, 1, 1], ends: [1, 0, 0], before: [1, 1, 0]})


@check("values")
def the_first_token_belongs_to_it(mine):
    """Leaves out the first token of an answer: one that begins exactly where the answer does is inside."""
    same(mine([1], [(0, 1)]), [1])
    same(mine([2, 2, 2], [(2, 6)]), [0, 1, 1])


@check("values")
def the_end_is_the_byte_after(mine):
    """Marks the token behind an answer: its second number is the byte after it, which is outside."""
    same(mine([1, 1], [(0, 1)]), [1, 0])
    same(mine([1, 2, 1], [(1, 3)]), [0, 1, 0])


@check("values")
def every_answer_counts(mine):
    """Marks wrongly where there are several answers."""
    one = "Marks one answer only: every turn of the assistant is learned."
    all_between = "Marks what stands between two answers: that is the user's turn, and not learned."
    for answers, first, last in (([(0, 1), (2, 3)], [1, 0, 0], [0, 0, 1]), ([(2, 3), (0, 1)], [0, 0, 1], [1, 0, 0])):
        got = mine([1, 1, 1], answers)
        same(got, [1, 0, 1], mistakes={all_between: [1, 1, 1], one: first if got == first else last})


@check("values")
def as_by_hand(mine):
    """Differs from writing down every byte of the answers; a token of 0 bytes begins where the next one does."""
    for sizes in ([0, 1], [1, 0, 1], [2, 0, 0, 3, 1]):
        for answers in ([(0, 1)], [(1, 2)], [(1, 3), (5, 6)]):
            same(mine(sizes, answers), by_hand(sizes, answers))


@check("speed")
def one_sum_for_all_tokens(mine):
    """Is far slower than the reference on a long text: let one sum run along, in place of adding all sizes up for every token."""
    from groundup.text.tokenizers.special_tokens import answer_mask

    fast(mine, answer_mask, ([3] * 5000, [(30, 90)]), times=8)


EXERCISE = Exercise(
    slot="text.tokenizers.answer_mask",
    title="Instruction tuning: learn the answers only",
    task="""
    A chat model is tuned on whole conversations, but it must learn to answer, and neither to ask nor to write the marks
    between the turns. So the loss counts only the tokens of the answers. Where an answer stands in the text is known in
    bytes; where a token begins follows from the sizes of the tokens before it. Write a 1 for every token that begins
    inside an answer, and a 0 for all others, also for one that begins before the answer and reaches into it.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("text.tokenizers.special_tokens",),
    hints=(
        "The first token begins at byte 0, the second at the size of the first, the third at the sum of two: a running sum.",
        "An answer (first, end) holds a place when first <= place < end; any(...) asks it of all answers.",
        "itertools.accumulate(sizes, initial=0) gives where each token begins, and at last where the text ends: one too many.",
    ),
    run="groundup demo --fast && groundup --mine my tune runs/demo-fast/model --set tune.steps=2",
    checks=(
        one_mark_a_token,
        zeros_and_ones,
        without_an_answer_nothing_is_learned,
        its_first_byte_decides,
        the_first_token_belongs_to_it,
        the_end_is_the_byte_after,
        every_answer_counts,
        as_by_hand,
        one_sum_for_all_tokens,
    ),
    mutants=(
        Mutant("a mark for the end too", "another number of marks", (("[:-1]", ""),)),
        Mutant("true and false", "such as True and False", (("int(any(", "(any("),)),
        Mutant(
            "everything without answers",
            "text without an answer",
            (("int(any(", "int(not answers or any("),),
        ),
        Mutant(
            "tokens for bytes", "Counts tokens", (("list(accumulate(sizes, initial=0))[:-1]", "range(len(sizes))"),)
        ),
        Mutant(
            "by where a token ends",
            "Judges a token by where it ends",
            (("list(accumulate(sizes, initial=0))[:-1]", "list(accumulate(sizes))"),),
        ),
        Mutant(
            "without its first token", "Leaves out the first token", (("first <= start < end", "first < start < end"),)
        ),
        Mutant("one token more", "Marks the token behind", (("first <= start < end", "first <= start <= end"),)),
        Mutant(
            "what overlaps",
            "begins before the answer and reaches into it",
            (
                ("first <= start < end", "first < start + size and start < end"),
                ("for start in starts]", "for start, size in zip(starts, sizes, strict=True)]"),
            ),
        ),
        Mutant(
            "only what lies wholly inside",
            "ends behind it",
            (
                ("first <= start < end", "first <= start < end and start + size <= end"),
                ("for start in starts]", "for start, size in zip(starts, sizes, strict=True)]"),
            ),
        ),
        Mutant("the first answer", "Marks one answer only", (("in answers)", "in answers[:1])"),)),
        Mutant(
            "from the first to the last",
            "stands between two answers",
            (
                (
                    "any(first <= start < end for first, end in answers)",
                    "bool(answers) and min(answers)[0] <= start < max(answers)[1]",
                ),
            ),
        ),
        Mutant(
            "tokens of 0 bytes left out",
            "a token of 0 bytes",
            (
                ("first <= start < end", "size and first <= start < end"),
                ("for start in starts]", "for start, size in zip(starts, sizes, strict=True)]"),
            ),
        ),
        Mutant(
            "a sum for every token",
            "far slower than the reference",
            (("list(accumulate(sizes, initial=0))[:-1]", "[sum(sizes[:place]) for place in range(len(sizes))]"),),
        ),
    ),
)
