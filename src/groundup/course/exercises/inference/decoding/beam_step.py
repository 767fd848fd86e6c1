"""Exercise: from k beginnings of an answer to the best k that are one token longer."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def case(batch, beams, vocab):
    """Sums so far, and log-probabilities of every next token."""
    import torch

    made = torch.Generator().manual_seed(13 * batch + vocab)
    added = torch.log_softmax(2 * torch.randn(batch, beams, vocab, generator=made), -1)
    return -3 * torch.rand(batch, beams, generator=made), added


def right(sums, added, k):
    """Every continuation there is, sorted."""
    rows = []
    for text in range(len(sums)):
        every = [
            (float(sums[text, beam] + added[text, beam, token]), beam, token)
            for beam in range(added.shape[1])
            for token in range(added.shape[2])
        ]
        rows.append(sorted(every, reverse=True)[:k])
    return rows


@check("shape")
def three_things(mine):
    """Does not give sums, beams and tokens, each (batch, k)."""
    for batch, beams, vocab, k in ((1, 1, 3, 2), (2, 3, 5, 4), (3, 2, 4, 6)):
        best, chosen, tokens = mine(*case(batch, beams, vocab), k)
        for part in (best, chosen, tokens):
            shape(part, (batch, k))


@check("values")
def the_sums(mine):
    """The sums are not those of the best continuations, best first."""
    import torch

    sums = torch.tensor([[-1.0, -2.0]])
    added = torch.tensor([[[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]]]).log()
    both = sums[:, :, None] + added
    mistakes = {
        "Forgets what the beginnings cost so far: add the sums to the new log-probabilities.": added.flatten(1)
        .topk(3)
        .values,
        "Adds only the best token of each beam: one beam may go on in several ways.": torch.cat(
            (both.amax(2).sort(descending=True).values, both.amax(2).amin(1, keepdim=True)), 1
        ),
        "Gives the worst ones: log-probabilities are negative, and the largest is the likeliest.": both.flatten(1)
        .topk(3, largest=False)
        .values,
        "Looks at the first beam alone: all beams compete.": both[:, 0].topk(3).values,
        "Averages instead of adding: a length penalty comes later, and only for finished answers.": (both / 2)
        .flatten(1)
        .topk(3)
        .values,
    }
    same(mine(sums, added, 3)[0], both.flatten(1).topk(3).values, mistakes=mistakes)


@check("values")
def where_they_go_on_from(mine):
    """The beams are not those that the continuations go on from: place // vocab."""
    import torch

    for size, k in (((1, 2, 3), 3), ((2, 3, 5), 6), ((3, 4, 2), 5)):
        arguments = case(*size)
        wanted = torch.tensor([[beam for _, beam, _ in row] for row in right(*(*arguments, k))])
        same(mine(*arguments, k)[1], wanted)


@check("values")
def which_token_they_add(mine):
    """The tokens are not those that were added: place % vocab."""
    import torch

    for size, k in (((1, 2, 3), 3), ((2, 3, 5), 6), ((3, 4, 2), 5)):
        arguments = case(*size)
        wanted = torch.tensor([[token for _, _, token in row] for row in right(*(*arguments, k))])
        same(mine(*arguments, k)[2], wanted)


BEST = "best, places = (sums[:, :, None] + log_probabilities).flatten(1).topk(k, dim=1)"
RESULT = "return best, places // vocab, places % vocab"

EXERCISE = Exercise(
    slot="inference.decoding.beam_step",
    title="The best k continuations",
    task="""
    A beam search keeps several beginnings of an answer. Each can go on with every token of the vocabulary; of all these continuations
    the k with the largest sums of log-probabilities are to be found, of each text for itself. Give their sums, best first, the beam that each goes
    on from, and the token that it adds.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.recurrent.seq2seq",),
    hints=(
        "The sum of a continuation is that of its beginning plus one log-probability: sums[:, :, None] + log_probabilities.",
        "All beams of a text compete: flatten(1) makes one row of beams * vocab numbers, and topk(k, dim=1) gives values and places.",
        "Place p of that row is beam p // vocab, token p % vocab.",
    ),
    run="groundup --mine my learn lesson classical.recurrent.seq2seq --run",
    checks=(three_things, the_sums, where_they_go_on_from, which_token_they_add),
    mutants=(
        Mutant("one row", "sums, beams and tokens", ((RESULT, RESULT.replace("best,", "best.flatten(),")),)),
        Mutant("no sums", "cost so far", ((BEST, "best, places = log_probabilities.flatten(1).topk(k, dim=1)"),)),
        Mutant("the worst", "Gives the worst", ((BEST, BEST.replace("dim=1)", "dim=1, largest=False)")),)),
        Mutant("averages", "Averages instead", ((BEST, BEST.replace(".flatten", ".div(2).flatten")),)),
        Mutant("beam and token changed", "go on from", ((RESULT, "return best, places % vocab, places // vocab"),)),
        Mutant("no token", "that were added", ((RESULT, "return best, places // vocab, places"),)),
    ),
)
