"""Exercise: attention of all steps of a decoder at once, by one product."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import gradients, same, shape


def case(batch, steps, source, hidden, width):
    """States of a decoder, what the encoder read, the weight between them, and a mask with padding where there is room."""
    import torch

    made = torch.Generator().manual_seed(5 * batch + steps)
    sizes = ((batch, steps, hidden), (batch, source, width), (hidden, width))
    lengths = torch.tensor([max(1, source - row) for row in range(batch)])
    return [*(torch.randn(*size, generator=made) for size in sizes), torch.arange(source) < lengths[:, None]]


def right(queries, memory, weight, mask):
    """torch's own attention, where the weight is applied to the queries."""
    import torch

    asked = torch.einsum("bth,hw->btw", queries, weight)
    weights = torch.softmax(
        torch.einsum("btw,bsw->bts", asked, memory) + torch.where(mask, 0.0, -torch.inf)[:, None], -1
    )
    return torch.einsum("bts,bsw->btw", weights, memory), weights


@check("shape")
def a_context_and_weights_a_step(mine):
    """Does not give two things, contexts (batch, steps, width) and weights (batch, steps, source)."""
    for batch, steps, source, hidden, width in ((1, 1, 1, 1, 1), (1, 2, 3, 1, 2), (2, 3, 4, 5, 6)):
        contexts, weights = mine(*case(batch, steps, source, hidden, width))
        shape(contexts, (batch, steps, width))
        shape(weights, (batch, steps, source))


@check("values")
def three_to_one(mine):
    """The weights are not the softmax of query . W memory over the source."""
    import math

    import torch

    arguments = [torch.tensor([[[math.log(3.0)]]]), torch.tensor([[[1.0], [0.0]]]), torch.ones(1, 1)]
    weights = mine(*arguments, torch.ones(1, 2, dtype=torch.bool))[1]
    mistakes = {
        "These are scores: their softmax over the source is missing.": torch.tensor([[[math.log(3.0), 0.0]]]),
        "The softmax runs over the steps: it runs over the source, the last axis.": torch.ones(1, 1, 2),
    }
    same(weights, torch.tensor([[[0.75, 0.25]]]), mistakes=mistakes)


@check("values")
def padding_is_not_looked_at(mine):
    """A place without a token has a weight above 0: its score is to be minus infinity before the softmax."""
    import torch

    weights = mine(*case(2, 2, 3, 2, 2))[1]
    same(weights[1, :, 2], torch.zeros(2))


@check("values")
def the_rows_sum_to_one(mine):
    """The weights of a step do not sum to 1: padding is taken out of the scores, not out of the weights."""
    import torch

    weights = mine(*case(2, 2, 3, 2, 2))[1]
    same(weights.sum(-1), torch.ones(2, 2), rtol=1e-4)


@check("values")
def the_contexts(mine):
    """The contexts are not the sums of the memory by these weights."""
    for size in ((1, 2, 3, 2, 4), (2, 3, 4, 3, 3)):
        arguments = case(*size)
        wanted = right(*arguments)
        found = mine(*arguments)
        same(found[0], found[1] @ arguments[1], rtol=1e-4)
        same(found[0], wanted[0], rtol=1e-4)


@check("gradient")
def what_is_read_is_learned(mine):
    """The gradient is not that of the formula: the memory counts both as key and as what is read."""
    import torch

    mask = torch.ones(2, 3, dtype=torch.bool)
    gradients(lambda *a: mine(*a, mask)[0], lambda *a: right(*(*a, mask))[0], case(2, 2, 3, 2, 2)[:3])


SCORES = "scores = (queries @ weight) @ memory.mT"
WEIGHTS = "weights = torch.softmax(scores.masked_fill(~mask[:, None], -math.inf), dim=-1)"
RESULT = "return weights @ memory, weights"

EXERCISE = Exercise(
    slot="classical.recurrent.luong_attention",
    title="All steps look at once",
    task="""
    Where the decoder's states of all steps are known, as in training, every step asks every place of the source in one product. Scores are
    queries W memory^T; their softmax over the source, where `mask` has tokens, gives the weights; and the weights' sum of the memory is the
    context. Give back contexts and weights. `attend`, from scores to contexts and weights, is yours too. This is one head of a transformer's
    cross-attention before it had that name.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.recurrent.seq2seq",),
    hints=(
        "queries @ weight is (batch, steps, width); times memory.mT it is (batch, steps, source).",
        "mask[:, None] is (batch, 1, source) and fits the scores; masked_fill(~mask[:, None], -math.inf) leaves padding out.",
        "weights = torch.softmax(scores.masked_fill(...), dim=-1); return weights @ memory, weights",
    ),
    run="groundup --mine my learn lesson classical.recurrent.seq2seq --run",
    written=("attend",),
    checks=(
        a_context_and_weights_a_step,
        three_to_one,
        padding_is_not_looked_at,
        the_rows_sum_to_one,
        the_contexts,
        what_is_read_is_learned,
    ),
    mutants=(
        Mutant("the wrong way round", "two things", ((RESULT, "return weights, weights @ memory"),)),
        Mutant("the contexts alone", "tuple is expected", ((RESULT, "return weights @ memory"),)),
        Mutant("no softmax", "These are scores", ((WEIGHTS, "weights = scores"),)),
        Mutant("over the steps", "runs over the steps", ((WEIGHTS, WEIGHTS.replace("dim=-1", "dim=1")),)),
        Mutant("no mask", "minus infinity", ((WEIGHTS, "weights = torch.softmax(scores, dim=-1)"),)),
        Mutant(
            "masked afterwards",
            "do not sum to 1",
            ((WEIGHTS, "weights = torch.softmax(scores, dim=-1) * mask[:, None]"),),
        ),
        Mutant("the mean", "not the sums", ((RESULT, "return weights @ memory / memory.shape[1], weights"),)),
        Mutant("cut off", "gradient", ((SCORES, SCORES.replace("memory.mT", "memory.detach().mT")),)),
    ),
)
