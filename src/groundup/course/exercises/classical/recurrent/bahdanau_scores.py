"""Exercise: additive scores, by which a decoder's state finds its place in the source."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import gradients, same, shape


def case(batch, source, hidden, width):
    """A state a text, keys of its source, the state's weight, the vector."""
    import torch

    made = torch.Generator().manual_seed(11 * batch + source)
    sizes = ((batch, hidden), (batch, source, width), (width, hidden), (width,))
    return [torch.randn(*size, generator=made) for size in sizes]


def right(query, keys, weight, vector):
    """The paper's sum, written with indices."""
    import torch

    asked = torch.einsum("bh,wh->bw", query, weight)
    return torch.einsum("bsw,w->bs", torch.tanh(keys + asked.unsqueeze(1)), vector)


@check("shape")
def a_score_a_place(mine):
    """Gives something else than one score for each place of each source, (batch, source)."""
    for batch, source, hidden, width in ((1, 1, 1, 1), (2, 3, 4, 5), (3, 2, 5, 4)):
        shape(mine(*case(batch, source, hidden, width)), (batch, source))


@check("values")
def one_number(mine):
    """Is not vector * tanh(weight * query + key)."""
    import torch

    query, weight, vector = torch.tensor([[1.0]]), torch.tensor([[2.0]]), torch.tensor([3.0])
    keys = torch.tensor([[[0.0], [-2.0], [1.0]]])
    sums = torch.tensor([[2.0, 0.0, 3.0]])
    mistakes = {
        "The sum is not bent: take the tanh before the vector.": 3 * sums,
        "The tanh comes last: it is taken of the sum of query and key, and the vector multiplies what came out.": torch.tanh(
            3 * sums
        ),
        "Forgets the query: without it every step looks at the same place.": 3 * torch.tanh(keys[..., 0]),
        "Forgets the keys: without them every place has the same score.": 3 * torch.tanh(torch.full((1, 3), 2.0)),
        "These are weights, not scores: the softmax comes later.": torch.softmax(3 * torch.tanh(sums), -1),
    }
    same(mine(query, keys, weight, vector), 3 * torch.tanh(sums), mistakes=mistakes)


@check("values")
def several_texts_and_places(mine):
    """Differs from v . tanh(W query + key), place by place: each text asks its own source, and row i of the weight makes number i."""
    for size in ((1, 4, 3, 3), (3, 3, 3, 3), (2, 5, 3, 4)):
        arguments = case(*size)
        same(mine(*arguments), right(*arguments), rtol=1e-4)


@check("gradient")
def the_question_is_learned(mine):
    """The gradient is not that of the formula: nothing may be cut out of the graph."""
    gradients(mine, right, case(2, 3, 2, 2))


RESULT = "return torch.tanh((query @ weight.T)[:, None] + keys) @ vector"

EXERCISE = Exercise(
    slot="classical.recurrent.bahdanau_scores",
    title="Which word of the source is asked for",
    task="""
    A decoder that is about to write a word asks every place of the source how well it fits. The score of a place is a small network of one
    layer: v . tanh(W query + key). The keys (batch, source, width) are computed already; the query (batch, hidden) is the decoder's
    state, one a text. Give the scores, (batch, source), before any softmax.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.recurrent.seq2seq",),
    hints=(
        "W query is the same for all places of a source: query @ weight.T is (batch, width).",
        "An axis of one is repeated by itself: (query @ weight.T)[:, None] is (batch, 1, width) and fits keys.",
        "One line: torch.tanh((query @ weight.T)[:, None] + keys) @ vector",
    ),
    run="groundup --mine my learn lesson classical.recurrent.seq2seq --run",
    checks=(a_score_a_place, one_number, several_texts_and_places, the_question_is_learned),
    mutants=(
        Mutant("an axis too many", "one score for each place", ((RESULT, f"{RESULT}[:, None]"),)),
        Mutant("no tanh", "is not bent", ((RESULT, RESULT.replace("torch.tanh", "")),)),
        Mutant(
            "tanh last", "comes last", ((RESULT, "return torch.tanh(((query @ weight.T)[:, None] + keys) @ vector)"),)
        ),
        Mutant("no query", "Forgets the query", ((RESULT, "return torch.tanh(keys) @ vector"),)),
        Mutant("no keys", "Forgets the keys", ((RESULT, RESULT.replace("+ keys", "+ 0 * keys")),)),
        Mutant(
            "weights",
            "These are weights",
            ((RESULT, "return torch.softmax(torch.tanh((query @ weight.T)[:, None] + keys) @ vector, -1)"),),
        ),
        Mutant("another text's question", "its own source", ((RESULT, RESULT.replace("query @", "query.flip(0) @")),)),
        Mutant("cut off", "gradient", ((RESULT, RESULT.replace("query @", "query.detach() @")),)),
    ),
)
