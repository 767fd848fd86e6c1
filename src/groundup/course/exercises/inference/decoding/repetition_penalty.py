"""Exercise: make tokens that occurred already less likely."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape


def row(*numbers):
    """One row of logits."""
    import torch

    return torch.tensor([numbers])


def ids(*rows):
    """The ids so far, one row each."""
    import torch

    return torch.tensor(rows)


def by_hand(logits, penalty, previous):
    """The same by its definition, token by token in plain Python."""
    import torch

    rows = logits.tolist()
    for numbers, seen in zip(rows, previous.tolist(), strict=True):
        for token in set(seen) - {-1}:
            numbers[token] = numbers[token] / penalty if numbers[token] > 0 else numbers[token] * penalty
    return torch.tensor(rows, dtype=logits.dtype)


@check("shape")
def the_shape_stays(mine):
    """Gives back only the tokens that occurred; every token of the vocabulary keeps its place."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(-1, 1, rows * vocab).reshape(rows, vocab), 2.0, ids(*[[0]] * rows)), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[2.0, -1.0]], dtype=kind), 2.0, ids([0])), kind)


@check("invariant")
def what_did_not_occur_is_untouched(mine):
    """Changes tokens that did not occur; only those in previous are made less likely."""
    same(mine(row(2.0, -2.0, 1.0), 2.0, ids([2]))[:, :2], row(2.0, -2.0))


@check("invariant")
def a_penalty_of_one_changes_nothing(mine):
    """Punishes with a penalty of 1; the logit is divided or multiplied by it, and by 1 that leaves it as it was."""
    logits = row(2.0, -2.0, 0.0)
    same(mine(logits, 1.0, ids([0, 1, 2])), logits)


@check("values")
def a_positive_logit_is_divided(mine):
    """Does not divide a positive logit by the penalty."""
    mistakes = {
        "Multiplies a positive logit: a token that occurred becomes more likely, so divide where the logit is above 0.": 3.0,
        "Subtracts the penalty from the logit; Keskar et al. divide by it.": 0.5,
    }
    mistakes = {sentence: row(wrong, 1.0) for sentence, wrong in mistakes.items()}
    same(mine(row(2.0, 1.0), 1.5, ids([0])), row(2 / 1.5, 1.0), mistakes=mistakes)


@check("values")
def a_negative_logit_is_multiplied(mine):
    """Does not multiply a negative logit by the penalty: -2 with the penalty 1.5 is -3."""
    mistakes = {
        "Divides a negative logit: -2 / 1.5 is -1.33, so the token becomes more likely; multiply below 0.": -2 / 1.5,
        "Leaves a negative logit as it is: the token occurred, so multiply it by the penalty.": -2.0,
    }
    mistakes = {sentence: row(wrong, 1.0) for sentence, wrong in mistakes.items()}
    same(mine(row(-2.0, 1.0), 1.5, ids([0])), row(-3.0, 1.0), mistakes=mistakes)


@check("values")
def a_token_counts_once(mine):
    """Punishes a token again for each time it occurred; it counts once, however often it stands in previous."""
    same(mine(row(8.0, 1.0), 2.0, ids([0, 0])), row(4.0, 1.0))
    same(mine(row(8.0, -8.0), 2.0, ids([1, 1, 0, 1])), row(4.0, -16.0))


@check("values")
def padding_is_no_token(mine):
    """Takes the padding for a token: -1 in previous stands for nothing."""
    mistakes = {
        "Takes the padding -1 for the last token of the vocabulary; it stands for nothing.": row(8.0, 4.0, 4.0),
        "Takes the padding -1 for token 0; it stands for nothing.": row(4.0, 4.0, 8.0),
    }
    same(mine(row(8.0, 8.0, 8.0), 2.0, ids([-1, 1])), row(8.0, 4.0, 8.0), mistakes=mistakes)
    same(mine(row(8.0, 8.0), 2.0, ids([-1, -1])), row(8.0, 8.0))


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: a token is punished only in the row in which it occurred."""
    import torch

    same(mine(torch.full((2, 2), 4.0), 2.0, ids([0], [1])), torch.tensor([[2.0, 4.0], [4.0, 2.0]]))


@check("values")
def as_by_hand_on_random_logits(mine):
    """Differs from the definition on random logits; go through the tokens of previous by hand."""
    import torch

    source = torch.Generator().manual_seed(5)
    for vocab, length, penalty in ((3, 2, 1.5), (6, 4, 1.2), (6, 4, 0.8)):
        logits = torch.randn(2, vocab, generator=source)
        previous = torch.randint(-1, vocab, (2, length), generator=source)
        same(mine(logits, penalty, previous), by_hand(logits, penalty, previous))


@check("speed")
def a_batch_is_punished_at_once(mine):
    """Is far slower than the reference: mark what occurred with one scatter, instead of a Python loop over ids."""
    import torch

    from groundup.inference.decoding.sampling import repetition_penalty

    source = torch.Generator().manual_seed(0)
    previous = torch.randint(-1, 1000, (8, 1000), generator=source)
    fast(mine, repetition_penalty, (torch.randn(8, 1000, generator=source), 1.3, previous), times=10)


EXERCISE = Exercise(
    slot="inference.decoding.repetition_penalty",
    title="Repetition penalty: say something new",
    task="""
    Small models love to repeat themselves: what was said once is likely to be said again, and then a text runs in circles.
    Make every token that occurred in `previous` less likely: divide its logit by the penalty where it is above 0, and
    multiply it where it is below, because dividing a negative logit would bring it nearer to 0 and so make the token more
    likely, a bug that well-known libraries had. A token counts once, however often it occurred; rows of `previous` that
    are shorter than others are padded with -1, which is no token. All other logits stay as they are.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.decoding",),
    hints=(
        "First find out which tokens of the vocabulary occurred in each row: a table of True and False, like the logits.",
        "torch.zeros(rows, vocab, dtype=torch.bool).scatter_(1, previous, True) marks them once each, but -1 is no place in "
        "it: give the table one more column, where previous % (vocab + 1) puts the padding, and cut it off afterwards.",
        "torch.where(logits > 0, logits / penalty, logits * penalty) is what a token that occurred gets; a second torch.where "
        "takes it where the table says so, and the logits as they were elsewhere.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 1 --repetition-penalty 1.3",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        what_did_not_occur_is_untouched,
        a_penalty_of_one_changes_nothing,
        a_positive_logit_is_divided,
        a_negative_logit_is_multiplied,
        a_token_counts_once,
        padding_is_no_token,
        every_row_is_its_own,
        as_by_hand_on_random_logits,
        a_batch_is_punished_at_once,
    ),
    mutants=(
        Mutant(
            "divided below 0 too",
            "Divides a negative logit",
            (("torch.where(logits > 0, logits / penalty, logits * penalty)", "logits / penalty"),),
        ),
        Mutant(
            "multiplied above 0 too",
            "Multiplies a positive logit",
            (("torch.where(logits > 0, logits / penalty, logits * penalty)", "logits * penalty"),),
        ),
        Mutant(
            "negative logits left alone",
            "Leaves a negative logit as it is",
            (("logits / penalty, logits * penalty", "logits / penalty, logits"),),
        ),
        Mutant(
            "subtracted",
            "Subtracts the penalty",
            (
                (
                    "torch.where(logits > 0, logits / penalty, logits * penalty)",
                    "logits - penalty * float(penalty != 1)",
                ),
            ),
        ),
        Mutant(
            "a penalty a little larger",
            "Punishes with a penalty of 1",
            (("logits / penalty, logits * penalty", "logits / (penalty + 0.1), logits * (penalty + 0.1)"),),
        ),
        Mutant(
            "every token punished",
            "Changes tokens that did not occur",
            (("torch.where(occurred[:, :-1], torch", "torch.where(occurred[:, :-1] | True, torch"),),
        ),
        Mutant(
            "once for each time",
            "Punishes a token again",
            source="""
            import torch


            def repetition_penalty(logits, penalty, previous):
                times = torch.zeros(len(logits), logits.shape[1] + 1, dtype=logits.dtype)
                times.scatter_add_(1, previous % times.shape[1], torch.ones_like(previous, dtype=logits.dtype))
                penalties = penalty ** times[:, :-1]
                return torch.where(logits > 0, logits / penalties, logits * penalties)
            """,
        ),
        Mutant(
            "padding as the last token",
            "for the last token of the vocabulary",
            (("logits.shape[1] + 1", "logits.shape[1]"), ("torch.where(occurred[:, :-1]", "torch.where(occurred")),
        ),
        Mutant(
            "padding as token 0",
            "for token 0",
            (("previous % occurred.shape[1]", "previous.clamp(min=0)"),),
        ),
        Mutant(
            "padding as the first and the last token",
            "Takes the padding for a token",
            (("occurred[:, :-1], torch", "occurred[:, :-1] | occurred[:, -1:], torch"),),
        ),
        Mutant(
            "what any row said",
            "Mixes the rows",
            (("torch.where(occurred[:, :-1]", "torch.where(occurred[:, :-1].any(0)"),),
        ),
        Mutant(
            "only the punished given back",
            "Gives back only the tokens that occurred",
            (("return torch.where(occurred", "return logits[:, :1] / penalty\n    return torch.where(occurred"),),
        ),
        Mutant(
            "in place",
            "Changes its argument logits in place",
            (
                ("return torch.where(occurred", "return logits.copy_(torch.where(occurred"),
                ("logits * penalty), logits)", "logits * penalty), logits))"),
            ),
        ),
        Mutant(
            "double inside",
            "Gives back another dtype",
            (("return torch.where(occurred", "logits = logits.double()\n    return torch.where(occurred"),),
        ),
        Mutant(
            "a loop over ids",
            "far slower than the reference",
            source="""
            def repetition_penalty(logits, penalty, previous):
                result = logits.clone()
                for row, seen in zip(result, previous.tolist(), strict=True):
                    for token in set(seen) - {-1}:
                        row[token] = row[token] / penalty if row[token] > 0 else row[token] * penalty
                return result
            """,
        ),
    ),
)
