"""Exercise: the loss of SimCSE and CLIP: find the partner among all others of the batch."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, gradients, same, shape


def of(mine, first, second, temperature):
    """The loss of vectors given as lists."""
    import torch

    return mine(torch.tensor(first), torch.tensor(second), temperature)


def drawn(pairs=4, hidden=6, seed=0):
    """Two sets of vectors of different lengths."""
    import torch

    return list(3 * torch.randn(2, pairs, hidden, generator=torch.Generator().manual_seed(seed)))


def oracle(first, second, temperature):
    """By torch's own functions."""
    import torch

    cosines = torch.nn.functional.cosine_similarity(first[:, None], second[None], dim=-1)
    return torch.nn.functional.cross_entropy(cosines / temperature, torch.arange(len(first)), reduction="sum")


@check("shape")
def one_number(mine):
    """Gives something else than one number: the sum over all pairs."""
    shape(mine(*drawn(), 0.1), ())


@check("finite")
def small_temperatures(mine):
    """Overflows where the temperature is small: exp(1 / 0.01) is no fp32 number; use logsumexp or a cross-entropy."""
    finite(of(mine, [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]], 0.01))
    finite(of(mine, [[1.0, 0.0], [0.0, 1.0]], [[-1.0, 0.0], [0.0, 1.0]], 0.005))


@check("invariant")
def lengths_do_not_count(mine):
    """Changes when vectors become longer: they are compared by their cosine, so divide both by their lengths."""
    first, second = drawn()
    before = mine(first, second, 0.5)
    same(mine(first * 5, second, 0.5), before, rtol=1e-4)
    same(mine(first, second * 5, 0.5), before, rtol=1e-4)


@check("values")
def two_pairs_by_hand(mine):
    """Is not the sum of the surprises at the partners: cosines 1, 0.6 in the first row, 0 and 0.8 in the second, over 0.5."""

    def loss(rows, columns=False, divided=2.0):
        table = [[1 * divided, 0.6 * divided], [0.0, 0.8 * divided]]
        table = [list(column) for column in zip(*table, strict=True)] if columns else table
        return [math.log(sum(math.exp(one) for one in row)) - row[place] for place, row in enumerate(table)]

    right = loss(None)
    mistakes = {
        "Gives the mean: the sum is wanted, so that the caller divides once.": sum(right) / 2,
        "Multiplies by the temperature: cosines are divided by it.": sum(loss(None, divided=0.5)),
        "Leaves the temperature out.": sum(loss(None, divided=1.0)),
        "Looks along the columns: each row of first is to find its partner in second.": sum(loss(None, columns=True)),
        "Counts both directions: that is CLIP's; here the rows alone.": sum(right) + sum(loss(None, columns=True)),
        "Has the wrong sign: a surprise is -log of the probability.": -sum(right),
        "Leaves the partner out of what it is compared with: it belongs to all rows.": 0.6 * 2 - 1 * 2 + 0 - 0.8 * 2,
    }
    got = of(mine, [[2.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.6, 0.8]], 0.5)
    import torch

    named = {sentence: torch.tensor(wrong) for sentence, wrong in mistakes.items()}
    same(got, torch.tensor(sum(right)), rtol=1e-4, mistakes=named)


@check("values")
def as_torch_has_it(mine):
    """Differs from the cross-entropy of the cosines over the temperature, with the diagonal as targets."""
    for seed, temperature in enumerate((0.05, 0.3, 1.0)):
        first, second = drawn(seed=seed)
        same(mine(first, second, temperature), oracle(first, second, temperature), rtol=1e-4, atol=1e-4)


@check("gradient")
def both_sides_learn(mine):
    """The gradient differs: it flows into both sets of vectors, through their lengths as well."""
    first, second = drawn(3, 4)
    gradients(
        lambda one, other: mine(one, other, 0.5), lambda one, other: oracle(one, other, 0.5), (first, second), rtol=1e-3
    )


FIRST, SECOND = "first / first.norm(dim=1, keepdim=True)", "second / second.norm(dim=1, keepdim=True)"
CALL = "cross_entropy_in_pieces(first / temperature, second, partners)"


def written(result):
    """A version that computes the scores itself and gives back `result`."""
    return f"""
            import torch

            def contrastive_loss(first, second, temperature=0.05):
                first = torch.nn.functional.normalize(first, dim=1)
                second = torch.nn.functional.normalize(second, dim=1)
                scores = first @ second.T / temperature
                return {result}
            """


EXERCISE = Exercise(
    slot="training.objectives.contrastive_loss",
    title="The contrastive loss: find your partner",
    task="""
    Row i of `first` and row i of `second` are a pair: two views of a sentence, or a picture and its text. Each row of `first` is to find its
    partner among all rows of `second`: compare by the cosine, divide by the temperature, and take the surprise at the partner, as if the rows
    of `second` were a vocabulary. Give the sum over all rows, in nats.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.architectures.heads", "foundations.information.cross_entropy"),
    hints=(
        "The cosine is the dot product of two vectors that were divided by their lengths.",
        "scores = first @ second.T / temperature; the partner of row i stands on the diagonal.",
        "(torch.logsumexp(scores, dim=1) - scores.diagonal()).sum()",
    ),
    run="groundup --mine my learn lesson training.objectives.contrastive --run",
    checks=(one_number, small_temperatures, lengths_do_not_count, two_pairs_by_hand, as_torch_has_it, both_sides_learn),
    mutants=(
        Mutant(
            "a loss a row",
            "Gives something else than one number",
            source=written("torch.logsumexp(scores, dim=1) - scores.diagonal()"),
        ),
        Mutant(
            "exp and log",
            "Overflows where the temperature",
            source=written("(scores.exp().sum(dim=1).log() - scores.diagonal()).sum()"),
        ),
        Mutant("not normalised", "become longer", ((SECOND, "second"),)),
        Mutant(
            "the mean", "Gives the mean", source=written("(torch.logsumexp(scores, dim=1) - scores.diagonal()).mean()")
        ),
        Mutant("multiplied", "Multiplies by the temperature", (("first / temperature", "first * temperature"),)),
        Mutant("no temperature", "Leaves the temperature out", (("first / temperature", "first"),)),
        Mutant(
            "columns",
            "along the columns",
            (
                (
                    "cross_entropy_in_pieces(first / temperature, second,",
                    "cross_entropy_in_pieces(second / temperature, first,",
                ),
            ),
        ),
        Mutant(
            "both directions",
            "Counts both directions",
            ((CALL, f"{CALL} + cross_entropy_in_pieces(second / temperature, first, partners)"),),
        ),
        Mutant("the sign", "wrong sign", ((f"return {CALL}", f"return -{CALL}"),)),
        Mutant(
            "without the partner",
            "Leaves the partner out",
            source=written(
                "(torch.logsumexp(scores - torch.diag(torch.full((len(first),), float('inf'))), dim=1) - scores.diagonal()).sum()"
            ),
        ),
        Mutant(
            "one side learns",
            "The gradient differs",
            ((SECOND, "second.detach() / second.detach().norm(dim=1, keepdim=True)"),),
        ),
    ),
)
