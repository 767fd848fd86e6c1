"""Exercise: several adapters as one, exactly."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def drawn(*ranks):
    """A pair of thin matrices for a matrix of 4 by 5, for each rank; always the same."""
    import torch

    source = torch.Generator().manual_seed(0)
    return [(torch.randn(rank, 5, generator=source), torch.randn(4, rank, generator=source)) for rank in ranks]


def whole(pairs):
    """The sum of the products, matrix by matrix."""
    return sum(weight * (b @ a) for weight, a, b in pairs)


@check("shape")
def ranks_add_up(mine):
    """Gives matrices of another rank: of ranks 2 and 3 the sum has 5."""
    (a, b), (c, d) = drawn(2, 3)
    got = mine([(1.0, a, b), (1.0, c, d)])
    that(len(got) == 2, "Gives not two matrices: A and B.")
    that(tuple(got[0].shape) == (5, 5) and tuple(got[1].shape) == (4, 5))


@check("values")
def one_with_its_weight(mine):
    """Is wrong for a single adapter with the weight 3: the product is three times B A."""
    ((a, b),) = drawn(2)
    made_a, made_b = mine([(3.0, a, b)])
    mistakes = {"Leaves the weights out.": b @ a, "Weighs A and B both, so the weight counts twice.": 9 * (b @ a)}
    same(made_b @ made_a, 3 * (b @ a), rtol=1e-4, atol=1e-5, mistakes=mistakes)


@check("values")
def the_sum_of_products(mine):
    """Is not the sum of the products: every B has to meet its own A and no other."""
    (a, b), (c, d) = drawn(2, 2)
    pairs = [(0.7, a, b), (0.3, c, d)]
    made_a, made_b = mine(pairs)
    mistakes = {
        "Stands the B's in another order than the A's.": 0.3 * d @ a + 0.7 * b @ c,
        "Gives every pair the first weight.": 0.7 * (b @ a + d @ c),
    }
    same(made_b @ made_a, whole(pairs), rtol=1e-4, atol=1e-5, mistakes=mistakes)


@check("values")
def a_negative_weight_takes_away(mine):
    """Is wrong for a weight below 0, by which an adapter is taken away."""
    ((a, b),) = drawn(3)
    made_a, made_b = mine([(1.0, a, b), (-1.0, a, b)])
    same(made_b @ made_a, 0 * (b @ a), rtol=1e-4, atol=1e-5)


EXERCISE = Exercise(
    slot="tuning.efficient.joined",
    title="Several adapters as one",
    task="""
    Each of `pairs` is (weight, A, B): thin matrices whose product B A, times the weight, is what an adapter adds to its matrix. Give one A and one B
    whose product is the sum of all, exactly. The ranks may differ.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("tuning.efficient.many",),
    hints=(
        "A product of blocks: [B1, B2] [A1; A2] = B1 A1 + B2 A2.",
        "So the A's stand below each other, and the B's side by side, in the same order.",
        "The weight goes to one of the two, once: weight * b.",
    ),
    run="groundup --mine my learn lesson tuning.efficient.many",
    checks=(ranks_add_up, one_with_its_weight, the_sum_of_products, a_negative_weight_takes_away),
    mutants=(
        Mutant("no weights", "Leaves the weights out", (("weight * b for weight, _, b", "b for weight, _, b"),)),
        Mutant(
            "twice",
            "counts twice",
            (("torch.cat([a for _, a, _ in pairs])", "torch.cat([weight * a for weight, a, _ in pairs])"),),
        ),
        Mutant(
            "turned",
            "another order",
            (("weight * b for weight, _, b in pairs", "weight * b for weight, _, b in reversed(pairs)"),),
        ),
        Mutant(
            "first weight", "the first weight", (("weight * b for weight, _, b", "pairs[0][0] * b for weight, _, b"),)
        ),
        Mutant("sizes", "weight below 0", (("weight * b for", "abs(weight) * b for"),)),
        Mutant(
            "only the first",
            "another rank",
            (
                ("torch.cat([a for _, a, _ in pairs])", "pairs[0][1]"),
                ("torch.cat([weight * b for weight, _, b in pairs], dim=1)", "pairs[0][0] * pairs[0][2]"),
            ),
        ),
    ),
)
