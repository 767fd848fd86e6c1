"""Exercise: a thought is closed when its budget is used."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def scores(rows=5, vocab=6):
    """Random logits."""
    import torch

    return torch.randn(rows, vocab, generator=torch.Generator().manual_seed(rows))


def possible(row):
    """The tokens that are left."""
    return [token for token, score in enumerate(row.tolist()) if score != float("-inf")]


def closed(mine, thought, budget, closing, rows=5):
    """The result for thoughts of these lengths."""
    import torch

    return mine(scores(rows), torch.tensor(thought), budget, closing)


@check("shape")
def as_many(mine):
    """Gives back something else than one row of logits for each that came."""
    shape(closed(mine, [-1, 0, 3, 4, 9], 3, (2, 1)), (5, 6))


@check("values")
def within_the_budget(mine):
    """Changes a row whose thought still has room."""
    result = closed(mine, [0, 1, 2], 3, (2,), rows=3)
    same(result, scores(3), mistakes={})


@check("values")
def rows_that_do_not_think(mine):
    """Changes a row that does not think: its count is -1, even where the budget is 0."""
    for budget in (0, 3):
        same(closed(mine, [-1, -1], budget, (2, 1), rows=2), scores(2))


@check("values")
def at_the_budget(mine):
    """Where the thought has as many tokens as its budget, something else than the first closing token is left."""
    late = "Closes one token late: a budget of 3 allows 3 tokens, and the fourth is forced."
    same(possible(closed(mine, [3], 3, (2,), rows=1)[0]), [2], mistakes={late: [0, 1, 2, 3, 4, 5]})
    same(possible(closed(mine, [0], 0, (4,), rows=1)[0]), [4])


@check("values")
def one_after_another(mine):
    """The further closing tokens do not follow one another: behind the first the second is forced, and so on."""
    first = "Forces the first closing token again and again."
    result = [possible(row) for row in closed(mine, [3, 4, 5], 3, (2, 1, 2), rows=3)]
    same(result, [[2], [1], [2]], mistakes={first: [[2], [2], [2]]})


@check("values")
def behind_the_end(mine):
    """Goes on forcing behind the last closing token: the model may write freely again."""
    same(closed(mine, [5, 9], 3, (2, 1), rows=2), scores(2))


@check("values")
def it_can_be_drawn(mine):
    """The forced token has no finite logit, so nothing can be drawn."""
    import torch

    result = closed(mine, [3, 0], 3, (2,), rows=2)
    same(bool(torch.isfinite(result[0, 2])), True)


EXERCISE = Exercise(
    slot="inference.decoding.close_thought",
    title="Enough thought",
    task="""
    A model that reasons writes a thought before its answer, and may not find its end. `thought` says of each row how many tokens its open
    thought has, -1 where none is open. As soon as that is `budget`, the tokens of `closing` are forced one after another: of the
    row's logits only that one token stays possible (any finite number), all others become -inf. Rows within their budget, rows that do
    not think, and rows behind the last closing token keep their logits. Give new logits.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("inference.decoding",),
    hints=(
        "Which closing token is due: count - budget is its place. Is there one at that place?",
        "0 <= count - budget < len(closing) is true exactly where something is forced; with a count of -1 it never is.",
        "Clone the logits first; set the row to -inf, and then the one token to 0.",
    ),
    run="groundup --mine my learn lesson inference.decoding.thinking --run",
    checks=(
        as_many,
        within_the_budget,
        rows_that_do_not_think,
        at_the_budget,
        one_after_another,
        behind_the_end,
        it_can_be_drawn,
    ),
    mutants=(
        Mutant("one row", "Gives back something else", (("return closed", "return closed[0]"),)),
        Mutant("a token early", "still has room", (("0 <= count - budget", "-1 <= count - budget"),)),
        Mutant("rows that do not think", "does not think",
               (("if 0 <= count", "if count == -1 or 0 <= count"), ("[count - budget]", "[max(count - budget, 0)]"))),
        Mutant("a token late", "Closes one token late", (("0 <= count - budget <", "0 < count - budget <"),)),
        Mutant("the first only", "Forces the first closing token", (("closing[count - budget]", "closing[0]"),)),
        Mutant("never again free", "Goes on forcing", (("< len(closing):", "< 99:"), ("[count - budget]", "[(count - budget) % len(closing)]"))),
        Mutant("no finite logit", "something else than the first closing token", (("closed[row, token] = 0.0", "pass"),)),
        Mutant("infinite", "no finite logit", (("closed[row, token] = 0.0", 'closed[row, token] = float("inf")'),)),
        Mutant("in place", "Changes its argument logits in place", (("closed = logits.clone()", "closed = logits"),)),
    ),
)  # fmt: skip
