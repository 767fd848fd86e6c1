"""Exercise: balance without a loss."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, same, shape, that


def numbers(*values):
    """A float32 vector."""
    import torch

    return torch.tensor(values)


@check("shape")
def one_bias_an_expert(mine):
    """Gives another shape than one bias an expert."""
    for count in (1, 3):
        shape(mine(numbers(*[0.0] * count), numbers(*range(1, count + 1)), 0.1), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype than that of the bias; the load is whole numbers."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(numbers(0.0, 0.0).to(kind), numbers(3, 1), 0.1), kind)


@check("values")
def the_idle_go_up(mine):
    """Moves the wrong way or by another amount: less than the mean goes up by rate, more goes down by rate."""
    mistakes = {
        "Makes the busy experts busier: up where the load is below the mean, down where it is above.": numbers(
            0.1, -0.1, -0.1
        ),
        "Moves by rate times the difference: only its sign counts, so one wild step cannot throw the bias far.": numbers(
            -0.3, 0.1, 0.2
        ),
        "Moves only the busy experts: the idle ones go up as well.": numbers(-0.1, 0.0, 0.0),
        "Moves only the idle experts: the busy ones go down as well.": numbers(0.0, 0.1, 0.1),
        "Compares with the median: the mean is what an even load would be.": numbers(-0.1, 0.0, 0.1),
    }
    same(
        mine(numbers(0.0, 0.0, 0.0), numbers(6, 2, 1), 0.1), numbers(-0.1, 0.1, 0.1), mistakes=mistakes
    )  # the mean is 3


@check("values")
def it_is_added_to_what_was(mine):
    """Forgets the old bias: the step is added to it."""
    mistakes = {"Gives the step alone: add it to the bias that was.": numbers(-0.5, 0.5)}
    same(mine(numbers(2.0, -1.0), numbers(5, 1), 0.5), numbers(1.5, -0.5), mistakes=mistakes)


@check("values")
def who_has_the_mean_stays(mine):
    """Moves an expert that has exactly the mean load: its sign is 0."""
    same(mine(numbers(0.3, 0.3, 0.3), numbers(4, 6, 2), 0.1), numbers(0.3, 0.2, 0.4))


@check("values")
def it_evens_out_a_load(mine):
    """Does not even out the load of a router that favours one expert, in 200 steps of 0.02."""
    import torch

    logits = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    logits[:, 0] += 2.0
    bias, load = torch.zeros(4), torch.zeros(4)
    for _ in range(200):
        load = torch.bincount((logits.sigmoid() + bias).argmax(-1), minlength=4)
        bias = mine(bias, load, 0.02)
    that(load.max() < 140, expected="at most 140 of 400 tokens at one of 4 experts", got=load)


RESULT = "return bias + rate * torch.sign(load.mean() - load)"

EXERCISE = Exercise(
    slot="model.moe.update_bias",
    title="Balance without a loss",
    task="""
    A loss for balance pulls at everything the model learns. DeepSeek-V3 steers instead: each expert has a bias that is added to its
    score when experts are chosen, and to nothing else. After each step look at how many tokens each expert got: move its bias up by
    `rate` where it had less than the mean load, down by `rate` where it had more, and leave it where it had the mean. Return the
    new biases, in the dtype of the old.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.moe.moe",),
    hints=(
        "Only the sign of (mean load - load) counts, not its size.",
        "The load is whole numbers: bring it to the bias's dtype before taking the mean.",
        "bias + rate * torch.sign(load.mean() - load)",
    ),
    run="groundup --mine my learn lesson model.moe.balance --run",
    checks=(
        one_bias_an_expert,
        the_dtype_stays,
        the_idle_go_up,
        it_is_added_to_what_was,
        who_has_the_mean_stays,
        it_evens_out_a_load,
    ),
    mutants=(
        Mutant(
            "one number", "another shape", ((RESULT, "return (bias + rate * torch.sign(load.mean() - load)).mean()"),)
        ),
        Mutant(
            "double",
            "another dtype",
            ((RESULT, "return (bias + rate * torch.sign(load.mean() - load)).to(torch.float16)"),),
        ),
        Mutant("the wrong way", "Makes the busy experts busier", (("bias + rate", "bias - rate"),)),
        Mutant("the difference", "only its sign counts", ((RESULT, "return bias + rate * (load.mean() - load)"),)),
        Mutant("only the busy", "Moves only the busy", ((RESULT, "return bias - rate * (load > load.mean())"),)),
        Mutant("only the idle", "Moves only the idle", ((RESULT, "return bias + rate * (load < load.mean())"),)),
        Mutant("the step alone", "Gives the step alone", (("return bias + rate", "return rate"),)),
        Mutant("the median", "Compares with the median", (("load.mean()", "load.median()"),)),
        Mutant(
            "the mean moves too",
            "exactly the mean load",
            ((RESULT, "return bias + rate * (2.0 * (load <= load.mean()) - 1)"),),
        ),
        Mutant(
            "in place",
            "Changes its argument bias in place",
            ((RESULT, "bias += rate * torch.sign(load.mean() - load)\n    return bias"),),
        ),
    ),
)
