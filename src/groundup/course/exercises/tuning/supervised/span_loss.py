"""Exercise: the loss of a span, by its first and its last token."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, same, shape


def drawn(*size):
    """Normal numbers, always the same."""
    import torch

    return torch.randn(size, generator=torch.Generator().manual_seed(0))


def tensor(values):
    """A tensor of these."""
    import torch

    return torch.tensor(values)


@check("shape")
def one_a_text(mine):
    """Gives another number of losses than texts."""
    shape(mine(drawn(3, 4, 2), tensor([[True] * 4] * 3), tensor([[0, 1], [2, 2], [1, 3]])), (3,))


@check("values")
def nothing_known(mine):
    """Is wrong where all scores are equal: among 4 tokens each end is a guess of 1 in 4, so the loss is log 4."""
    import math

    mistakes = {
        "Adds the two surprises: their mean is wanted.": tensor([2 * math.log(4)]),
        "Counts one end alone.": tensor([math.log(4) / 2]),
        "Chooses among both columns of scores at once: first and last are two questions.": tensor([math.log(8)]),
        "Has the wrong sign: a loss is -log P.": tensor([-math.log(4)]),
    }
    same(mine(drawn(1, 4, 2) * 0, tensor([[True] * 4]), tensor([[1, 2]])), tensor([math.log(4)]), mistakes=mistakes)


@check("values")
def each_end_by_its_own_scores(mine):
    """Mixes the ends up: column 0 scores the first token, column 1 the last."""
    scores = tensor([[[9.0, 0.0], [0.0, 0.0], [0.0, 9.0]]])
    certain = mine(scores, tensor([[True] * 3]), tensor([[0, 2]]))
    wrong = mine(scores, tensor([[True] * 3]), tensor([[2, 0]]))
    same(certain, tensor([0.0002]), atol=1e-3)
    same(wrong, tensor([9.0002]), atol=1e-3)


@check("values")
def padding_is_no_place(mine):
    """Lets padding be a place of the span: scores there must not change the loss."""
    scores, real, spans = drawn(2, 6, 2), tensor([[True] * 4 + [False] * 2] * 2), tensor([[0, 3], [1, 2]])
    same(mine(scores, real, spans), mine(scores[:, :4], real[:, :4], spans), rtol=1e-4)


@check("finite")
def large_scores(mine):
    """Overflows for large scores: use log_softmax, not the log of a softmax."""
    finite(mine(drawn(2, 4, 2) * 1000, tensor([[True] * 4] * 2), tensor([[0, 1], [1, 1]])))


@check("gradient")
def scores_learn(mine):
    """Gives the scores a wrong gradient: at the true places it is (P - 1) / 2, elsewhere P / 2."""
    import torch

    scores = drawn(1, 3, 2).requires_grad_()
    mine(scores, tensor([[True] * 3]), tensor([[0, 1]])).sum().backward()
    wanted = torch.softmax(scores.detach(), 1)
    wanted[0, 0, 0] -= 1
    wanted[0, 1, 1] -= 1
    same(scores.grad, wanted / 2, rtol=1e-4)


EXERCISE = Exercise(
    slot="tuning.supervised.span_loss",
    title="Where the answer stands: the loss of a span",
    task="""
    A head gives every token two scores: how likely the answer begins there (column 0 of `scores`), and how likely it ends there (column 1). `spans` holds the
    true first and last token of each text, `real` is False at padding. Give each text's loss in nats: the mean of the surprise at the first token, among
    all real tokens, and that at the last.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("tuning.supervised.classification",),
    hints=(
        "scores.masked_fill(~real[..., None], float('-inf')) takes padding out of both questions.",
        "torch.log_softmax over the axis of the tokens, which is 1.",
        "gather(1, spans[:, None, :])[:, 0] takes the first end's from column 0 and the last one's from column 1.",
    ),
    run="groundup --mine my tune runs/demo/model --task span --data questions.jsonl",
    checks=(one_a_text, nothing_known, each_end_by_its_own_scores, padding_is_no_place, large_scores, scores_learn),
    mutants=(
        Mutant("sum", "Adds the two surprises", (("chosen.mean(dim=1)", "chosen.sum(dim=1)"),)),
        Mutant("one end", "Counts one end alone", (("chosen.mean(dim=1)", "(chosen[:, 0] / 2)"),)),
        Mutant(
            "one question",
            "Chooses among both columns",
            (("torch.log_softmax(shut, dim=1)", "torch.log_softmax(shut.flatten(1), dim=1).view(shut.shape)"),),
        ),
        Mutant("sign", "Has the wrong sign", (("return -chosen", "return chosen"),)),
        Mutant(
            "turned", "Mixes the ends up", (("gather(1, spans[:, None, :])", "gather(1, spans.flip(1)[:, None, :])"),)
        ),
        Mutant(
            "padding", "Lets padding be a place", (('scores.masked_fill(~real[..., None], float("-inf"))', "scores"),)
        ),
        Mutant(
            "log of softmax",
            "Overflows for large scores",
            (("torch.log_softmax(shut, dim=1)", "torch.softmax(shut, dim=1).log()"),),
        ),
        Mutant("all together", "another number of losses", (("chosen.mean(dim=1)", "chosen.mean()"),)),
    ),
)
