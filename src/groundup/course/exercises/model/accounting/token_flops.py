"""Exercise: what one token costs, forward and in training."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same


@check("values")
def matrices_forward(mine):
    """Differs from two operations for each weight that the token meets."""
    mistakes = {
        "Counts one operation a weight: each is multiplied and added, which are two.": 100,
        "Counts training where only the way forward was asked for.": 600,
    }
    same(mine(100, 0, 7), 200, mistakes=mistakes)


@check("values")
def attention_forward(mine):
    """Differs from `pair_flops` for each key, besides the weights."""
    mistakes = {
        "Leaves attention out: looking at a key costs pair_flops.": 20,
        "Counts one key, however many there are.": 25,
        "Doubles the pairs: pair_flops counts operations already, not multiplications.": 20 + 2 * 5 * 3,
    }
    same(mine(10, 5, 3), 35, mistakes=mistakes)


@check("values")
def training(mine):
    """Differs from three times the way forward: once there, and two products for each on the way back."""
    mistakes = {
        "Forgets one of the two gradients: a product's input needs one, and so does its matrix.": 2 * 35,
        "Trains the matrices and not attention, whose two products have gradients on both sides as well.": 3 * 20 + 15,
        "Counts attention's way back only and leaves its way forward out.": 3 * 20 + 2 * 15,
        "Leaves the way back out.": 35,
    }
    same(mine(10, 5, 3, training=True), 105, mistakes=mistakes)


@check("values")
def large_numbers(mine):
    """Is not exact for a model of billions of weights: stay with whole numbers."""
    same(mine(7_504_924_673, 524_288, 8191, True) == 3 * (2 * 7_504_924_673 + 524_288 * 8191), True)


EXERCISE = Exercise(
    slot="model.accounting.token_flops",
    title="Six operations a weight: what a token costs",
    task="""
    Before a model is trained one would like to know for how long. A token meets every matrix once: each weight is multiplied
    with a number of the token, and the product is added up. Attention costs more for each key that the token looks at. On the way
    back every product is made twice more, once for the gradient of its input and once for that of its weights. Count the
    operations of one token, forward, or forward and backward when `training` is true.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.scaled_dot_product",),
    hints=(
        "How often is a single weight used for one token, and what is done with it each time?",
        "Forward: 2 * weights for the matrices, and pair_flops for each of the keys.",
        "forward = 2 * weights + pair_flops * keys; training is three times that.",
    ),
    run="groundup --mine my learn lesson model.accounting.accounting --run",
    checks=(matrices_forward, attention_forward, training, large_numbers),
    mutants=(
        Mutant("one a weight", "which are two", (("2 * weights", "weights"),)),
        Mutant("no attention", "Leaves attention out", ((" + pair_flops * keys", ""),)),
        Mutant("one key", "however many there are", (("pair_flops * keys", "pair_flops"),)),
        Mutant("pairs twice", "operations already", (("+ pair_flops", "+ 2 * pair_flops"),)),
        Mutant("one gradient", "Forgets one of the two gradients", (("3 * forward", "2 * forward"),)),
        Mutant("always training", "only the way forward was asked", ((" if training else forward", ""),)),
        Mutant("never training", "Leaves the way back out", (("3 * forward if training else forward", "forward"),)),
        Mutant("attention learns nothing", "and not attention", (("3 * forward", "4 * weights + forward"),)),
        Mutant("floats", "Returns float", (("forward = 2", "forward = 2.0"),)),
    ),
)
