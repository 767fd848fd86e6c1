"""Exercise: make every token that was written less likely, once."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def zeros(rows, vocab):
    """Logits of nothing but zeros: what comes back is what was taken."""
    import torch

    return torch.zeros(rows, vocab)


def ids(*rows):
    """Ids of an answer so far, one list a row."""
    import torch

    return torch.tensor(rows)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of the logits; every token keeps its place."""
    for rows, vocab in ((1, 2), (2, 5)):
        shape(mine(zeros(rows, vocab), 0.5, ids(*[[0, 1, 1]] * rows)), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.zeros(1, 3, dtype=kind), 0.5, ids([0])), kind)


@check("invariant")
def a_penalty_of_zero_changes_nothing(mine):
    """Changes logits although the penalty is 0."""
    import torch

    logits = torch.tensor([[1.0, -2.0, 3.0]])
    same(mine(logits, 0.0, ids([0, 1])), logits)


@check("invariant")
def an_empty_answer_changes_nothing(mine):
    """Changes logits before anything was written: an answer without tokens has shape (batch, 0)."""
    import torch

    logits = torch.tensor([[1.0, -2.0, 3.0]])
    same(mine(logits, 0.7, torch.zeros(1, 0, dtype=torch.long)), logits)


@check("values")
def it_is_subtracted(mine):
    """Takes something else than the penalty from the logit of a token that was written."""
    import torch

    mistakes = {
        "Multiplies or divides, as the repetition penalty does: this one is subtracted, whatever the sign of the logit.": torch.tensor(
            [[4.0, -1.0, 1.0]]
        ),
        "Adds the penalty: a token that was written shall become less likely.": torch.tensor([[2.5, -1.5, 1.0]]),
        "Takes it from the tokens that were not written.": torch.tensor([[2.0, -2.0, 0.5]]),
    }
    same(mine(torch.tensor([[2.0, -2.0, 1.0]]), 0.5, ids([0, 1])), torch.tensor([[1.5, -2.5, 1.0]]), mistakes=mistakes)


@check("values")
def it_counts_once(mine):
    """Takes the penalty as often as a token was written: that is the frequency penalty, this one asks whether it is there at all."""
    import torch

    same(mine(zeros(1, 3), 0.5, ids([1, 1, 1, 2])), torch.tensor([[0.0, -0.5, -0.5]]))


@check("values")
def padding_is_no_token(mine):
    """Counts the -1 of a padded row: in Python it names the last token, which was never written."""
    import torch

    same(mine(zeros(1, 4), 0.5, ids([-1, -1, 2])), torch.tensor([[0.0, 0.0, -0.5, 0.0]]))
    same(mine(zeros(1, 4), 0.5, ids([-1, -1, -1])), torch.zeros(1, 4))


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each has an answer of its own."""
    import torch

    expected = torch.tensor([[-0.5, 0.0, 0.0], [0.0, -0.5, -0.5]])
    same(mine(zeros(2, 3), 0.5, ids([0, 0], [1, 2])), expected)


@check("values")
def a_negative_penalty_favours(mine):
    """Refuses or reverses a negative penalty: with -0.5 what was written becomes likelier."""
    import torch

    same(mine(zeros(1, 2), -0.5, ids([1])), torch.tensor([[0.0, 0.5]]))


@check("speed")
def a_batch_at_once(mine):
    """Is far slower than the reference: mark all ids with one scatter in place of a Python loop."""
    import torch

    from groundup.inference.decoding.sampling import presence_penalty

    source = torch.Generator().manual_seed(0)
    sampled = torch.randint(0, 8000, (8, 1000), generator=source)
    fast(mine, presence_penalty, (torch.randn(8, 8000, generator=source), 0.5, sampled))


EXERCISE = Exercise(
    slot="inference.decoding.presence_penalty",
    title="Presence penalty: speak of something else",
    task="""
    A model that goes round in circles can be pushed off: take a fixed number, the penalty, from the logit of every token that the
    answer already holds, once however often it was written. Unlike the repetition penalty, nothing is multiplied, so the sign of
    a logit does not matter, and the odds of such a token against any new one fall by the same factor, e to the power of the penalty.
    sampled holds the answer's ids a row; -1 marks a place without a token.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("inference.decoding",),
    hints=(
        "First a table (batch, vocab) that says which tokens were written; then one subtraction.",
        "zeros.scatter_(1, sampled, True) marks them, but -1 is no place of the vocabulary; give the table one column more for it.",
        "occurred = torch.zeros(batch, vocab + 1, dtype=torch.bool).scatter_(1, sampled % (vocab + 1), True)[:, :-1]; then logits "
        "- penalty * occurred.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 0 --presence-penalty 1.5",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        a_penalty_of_zero_changes_nothing,
        an_empty_answer_changes_nothing,
        it_is_subtracted,
        it_counts_once,
        padding_is_no_token,
        every_row_is_its_own,
        a_negative_penalty_favours,
        a_batch_at_once,
    ),
    mutants=(
        Mutant(
            "as often as it was written",
            "that is the frequency penalty",
            (("(occurrences(logits, sampled) > 0)", "occurrences(logits, sampled)"),),
        ),
        Mutant("added", "Adds the penalty", (("logits - penalty", "logits + penalty"),)),
        Mutant("the others", "Changes logits before anything was written", (("> 0)", "== 0)"),)),
        Mutant(
            "as the repetition penalty",
            "Multiplies or divides",
            source="""
            import torch


            def presence_penalty(logits, penalty, sampled):
                if penalty == 0:
                    return logits
                there = torch.zeros(len(logits), logits.shape[1] + 1, dtype=torch.bool)
                there.scatter_(1, sampled % there.shape[1], True)
                return torch.where(there[:, :-1], torch.where(logits > 0, logits / penalty, logits * penalty), logits)
            """,
        ),
        Mutant(
            "padding counted",
            "Counts the -1 of a padded row",
            source="""
            import torch


            def presence_penalty(logits, penalty, sampled):
                there = torch.zeros_like(logits).scatter_(1, sampled % logits.shape[1], 1.0)
                return logits - penalty * there
            """,
        ),
        Mutant(
            "one answer for all rows",
            "Mixes the rows",
            (("(occurrences(logits, sampled) > 0)", "(occurrences(logits, sampled) > 0).any(0, keepdim=True)"),),
        ),
        Mutant(
            "negative penalties cut",
            "Refuses or reverses a negative penalty",
            (("- penalty *", "- max(penalty, 0.0) *"),),
        ),
        Mutant(
            "in place",
            "Changes its argument logits in place",
            (("return logits - penalty * (", "return logits.sub_(penalty * ("), ("> 0)", "> 0))")),
        ),
        Mutant("double inside", "Gives back another dtype", (("return logits", "return logits.double()"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def presence_penalty(logits, penalty, sampled):
                rows = []
                for row, written in zip(logits.tolist(), sampled.tolist()):
                    rows.append([one - penalty if token in written else one for token, one in enumerate(row)])
                return torch.tensor(rows, dtype=logits.dtype)
            """,
        ),
    ),
)
