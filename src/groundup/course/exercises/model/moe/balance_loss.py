"""Exercise: the loss that keeps all experts busy."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, gradients, same, shape


def table(*rows):
    """Probabilities, a row a token."""
    import torch

    return torch.tensor(rows, dtype=torch.float32)


def chosen(*rows):
    """Numbers of the experts chosen, a row a token."""
    import torch

    return torch.tensor(rows)


def number(value):
    """A scalar tensor."""
    import torch

    return torch.tensor(value)


@check("shape")
def one_number(mine):
    """Gives no single number: the loss is a tensor without axes."""
    shape(mine(table([0.5, 0.5]), chosen([0])), ())
    shape(mine(table([0.5, 0.3, 0.2], [0.1, 0.1, 0.8]), chosen([0, 1], [2, 1])), ())


@check("invariant")
def even_is_one(mine):
    """Is not 1 where both choices and probabilities are even."""
    even = table([0.25] * 4, [0.25] * 4, [0.25] * 4, [0.25] * 4)
    mistakes = {
        "Leaves out the number of experts: multiply by it, so that an even load costs 1 whatever their number.": number(
            0.25
        ),
        "Averages over the experts: the shares times the means are summed.": number(0.0625),
        "Averages and multiplies by the number of experts: sum, then multiply.": number(0.25 / 4 * 4 / 4),
        "Counts tokens instead of shares: divide by the number of choices.": number(4.0),
    }
    same(mine(even, chosen([0], [1], [2], [3])), number(1.0), mistakes=mistakes)


@check("values")
def two_choices_a_token(mine):
    """Is not 1 for an even load of two experts a token: the shares are of all choices, tokens times k."""
    even = table([0.25] * 4, [0.25] * 4)
    mistakes = {"Divides the counts by the tokens: there are k choices a token, all of them count.": number(2.0)}
    same(mine(even, chosen([0, 1], [2, 3])), number(1.0), mistakes=mistakes)


@check("values")
def an_expert_nobody_chose(mine):
    """Is off where two experts were not chosen: every expert has a share, theirs is 0."""
    mistakes = {
        "Has no share for who was never chosen: torch.bincount needs minlength, the number of experts.": number(3.0),
        "Uses the probabilities twice: one factor is the share of the choices.": number(3 * 0.46),
    }
    same(mine(table([0.6, 0.3, 0.1]), chosen([0])), number(3 * 0.6), mistakes=mistakes)


@check("values")
def all_on_one(mine):
    """Is not the number of experts where one has all choices and all probability."""
    same(mine(table([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), chosen([0], [0])), number(3.0))


@check("values")
def by_hand(mine):
    """Differs from the sum by hand: shares (1, 0), means (0.7, 0.3), so 2 * 0.7."""
    mistakes = {
        "Uses the shares twice: one factor is the mean probability, which is what has a gradient.": number(2.0),
        "Uses the probabilities twice: one factor is the share of the choices.": number(2 * (0.49 + 0.09)),
        "Multiplies the sums: expert by expert, then add.": number(2.0),
        "Multiplies each token's choice with its own probability: the means over all tokens are multiplied.": number(
            0.7
        ),
    }
    same(mine(table([0.5, 0.5], [0.9, 0.1]), chosen([0], [0])), number(1.4), mistakes=mistakes)


@check("gradient")
def through_the_probabilities(mine):
    """Has another gradient than shares * experts / tokens in every row."""
    import torch

    source = torch.Generator().manual_seed(0)
    probabilities = torch.randn(6, 4, generator=source, dtype=torch.float64).softmax(-1)
    experts = torch.randint(0, 4, (6, 2), generator=source)
    counts = torch.nn.functional.one_hot(experts, 4).sum((0, 1)) / 12
    gradients(lambda given: mine(given, experts), lambda given: (given @ counts.double()).mean() * 4, (probabilities,))


@check("speed")
def counted_at_once(mine):
    """Is far slower than the reference: count with torch.bincount, no loop over tokens."""
    import torch

    from groundup.model.moe.balance import balance_loss

    source = torch.Generator().manual_seed(1)
    fast(
        mine, balance_loss, (torch.rand(4096, 16, generator=source), torch.randint(0, 16, (4096, 2), generator=source))
    )


RESULT = "return count * (shares.to(probabilities.dtype) * probabilities.mean(dim=0)).sum()"

EXERCISE = Exercise(
    slot="model.moe.balance_loss",
    title="The loss that keeps experts busy",
    task="""
    Left alone, a router gives most tokens to few experts: who is chosen learns, and who learns is chosen. Charge for it: for each
    expert take its share of all choices and the mean of its probability over the tokens, multiply the two, sum over the experts, and
    multiply by their number. Even use costs 1; all on one expert costs as much as there are experts. The shares are counts and have
    no gradient; through the mean probabilities the busy experts are made less probable.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.moe.moe",),
    hints=(
        "Two vectors with a number for each expert: shares of the choices (sum 1), mean probabilities (sum 1).",
        "torch.bincount(experts.flatten(), minlength=count) counts, also who was never chosen; divide by experts.numel().",
        "count * (shares * probabilities.mean(dim=0)).sum(), the shares in the dtype of the probabilities.",
    ),
    run="groundup --mine my learn lesson model.moe.balance --run",
    checks=(
        one_number,
        even_is_one,
        two_choices_a_token,
        an_expert_nobody_chose,
        all_on_one,
        by_hand,
        through_the_probabilities,
        counted_at_once,
    ),
    mutants=(
        Mutant("not summed", "no single number", ((").sum()", ")"),)),
        Mutant("without their number", "Leaves out the number", ((RESULT, RESULT.replace("count * ", "")),)),
        Mutant("counts", "Counts tokens instead of shares", ((" / experts.numel()", ""),)),
        Mutant("shares of tokens", "Divides the counts by the tokens", (("experts.numel()", "len(experts)"),)),
        Mutant(
            "probabilities twice",
            "Uses the probabilities twice",
            ((RESULT, "return count * probabilities.mean(dim=0).square().sum()"),),
        ),
        Mutant("who was never chosen has no share", "torch.bincount needs minlength", ((", minlength=count", ""),)),
        Mutant(
            "no gradient",
            "cut off from its inputs",
            (("probabilities.mean(dim=0)", "probabilities.detach().mean(dim=0)"),),
        ),
    ),
)
