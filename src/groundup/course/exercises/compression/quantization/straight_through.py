"""Exercise: use rounded weights and learn the unrounded ones."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def pair(seed=0):
    """Weights that want gradients, and what they are rounded to."""
    import torch

    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed))
    return weight.clone().requires_grad_(), weight.round()


@check("shape")
def a_matrix_again(mine):
    """Gives another shape than the matrix has."""
    shape(mine(*pair()), (3, 4))


@check("values")
def forward_is_rounded(mine):
    """Computes with the unrounded weights: the model would learn what it will never have."""
    weight, rounded = pair(1)
    same(mine(weight, rounded), rounded)


@check("gradient")
def there_is_a_gradient(mine):
    """Lets no gradient through: rounding is flat, so the way back has to leave it out."""
    weight, rounded = pair(2)
    used = mine(weight, rounded)
    that(used.requires_grad, expected="something that wants gradients", got="a result cut off from the weights")


@check("gradient")
def it_is_that_of_the_rounded_weight(mine):
    """Passes on another gradient than the one that came: it goes to the weight once, whole."""
    import torch

    weight, rounded = pair(3)
    came = torch.arange(12.0).view(3, 4) - 5
    mine(weight, rounded).backward(came)
    same(weight.grad, came)


@check("gradient")
def nothing_reaches_the_rounding(mine):
    """Sends gradients through the rounding too: where it is made of the weights, they would count twice."""
    import torch

    weight, _ = pair(4)
    rounded = weight * 2
    mine(weight, rounded).sum().backward()
    same(weight.grad, torch.ones(3, 4))


EXERCISE = Exercise(
    slot="compression.quantization.straight_through",
    title="Round on the way there, not on the way back",
    task="""
    Quantization-aware training uses the weights that the model will have: rounded. But rounding is flat nearly everywhere, its slope is zero, and nothing would
    be learned. So the way back pretends that nothing was rounded. Give back something whose numbers are those of `rounded`, and whose gradient goes to
    `weight` as it comes.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("foundations.autograd.chain_rule",),
    hints=(
        "A tensor's .detach() has the same numbers and lets no gradient through.",
        "Write the result as weight plus something that has no gradient. What must be added, so that the numbers are those of rounded?",
        "weight + (rounded - weight).detach()",
    ),
    run="groundup --mine my learn lesson compression.quantization.qat --run",
    checks=(
        a_matrix_again,
        forward_is_rounded,
        there_is_a_gradient,
        it_is_that_of_the_rounded_weight,
        nothing_reaches_the_rounding,
    ),
    mutants=(
        Mutant("not rounded", "unrounded weights", (("weight + (rounded - weight).detach()", "weight"),)),
        Mutant("cut off", "no gradient through", (("weight + (rounded - weight).detach()", "rounded.detach()"),)),
        Mutant(
            "twice",
            "another gradient",
            (("weight + (rounded - weight).detach()", "2 * weight + (rounded - 2 * weight).detach()"),),
        ),
        Mutant(
            "through the rounding",
            "through the rounding too",
            (("weight + (rounded - weight).detach()", "weight - weight.detach() + rounded"),),
        ),
    ),
)
