"""Exercise: backpropagation through a network, by hand."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def one(*rows):
    """An array of floats."""
    import numpy as np

    return np.array(rows, dtype=float)


def network(*sizes, examples=3):
    """Activations, targets and layers of a tanh network, the same at every call."""
    import numpy as np

    random = np.random.default_rng(0)
    layers = [
        (random.integers(-2, 3, (n, m)) / 4, random.integers(-2, 3, m) / 4)
        for n, m in zip(sizes[:-1], sizes[1:], strict=True)
    ]
    activations = [random.integers(-2, 3, (examples, sizes[0])) / 2]
    for number, (weight, bias) in enumerate(layers, 1):
        z = activations[-1] @ weight + bias
        activations.append(z if number == len(layers) else np.tanh(z))
    return activations, random.integers(0, sizes[-1], examples), layers


def torchs(activations, targets, layers):
    """The same by torch."""
    import torch

    leaves = [torch.tensor(part, requires_grad=True) for layer in layers for part in layer]
    a = torch.tensor(activations[0])
    for number in range(len(layers)):
        a = a @ leaves[2 * number] + leaves[2 * number + 1]
        a = a if number == len(layers) - 1 else torch.tanh(a)
    loss = torch.nn.functional.cross_entropy(a, torch.tensor(targets))
    found = [gradient.numpy() for gradient in torch.autograd.grad(loss, leaves)]
    return list(zip(found[::2], found[1::2], strict=True))


@check("shape")
def a_pair_for_each_layer(mine):
    """Does not give (gradient by weight, gradient by bias) for each layer, from the first to the last, in their shapes."""
    for sizes in ((2, 3), (2, 4, 3), (1, 4, 5, 2)):
        activations, targets, layers = network(*sizes)
        found = mine(activations, targets, layers)
        for got, layer in zip(found, layers, strict=True):
            for part, expected in zip(got, layer, strict=True):
                shape(part, expected.shape)


@check("values")
def the_difference_at_the_top(mine):
    """Is not p - onehot(target) at the scores: for two equal scores and target 0 the gradient is (-1/2, 1/2)."""
    import numpy as np

    mistakes = {
        "Uses the probabilities without taking 1 from that of the target.": [(one([1, 1]), one(0.5, 0.5))],
        "Turns the sign round: p - onehot(target), so that the step against it raises the target's score.": [
            (one([1, -1]), one(0.5, -0.5))
        ],
        "Uses the scores where their softmax belongs.": [(one([-2, 0]), one(-1, 0))],
    }
    activations, layers = [one([2]), one([0, 0])], [(one([0, 0]), one(0, 0))]
    same(mine(activations, np.array([0]), layers), [(one([-1, 1]), one(-0.5, 0.5))], mistakes=mistakes)


@check("values")
def the_mean_over_the_examples(mine):
    """Is not divided by the number of examples: the loss is their mean."""
    import numpy as np

    activations, layers = [one([2], [2]), one([0, 0], [0, 0])], [(one([0, 0]), one(0, 0))]
    mistakes = {
        "Takes the mean for the bias a second time: it is divided by the examples already, so sum.": [
            (one([-1, 1]), one(-0.25, 0.25))
        ]
    }
    same(mine(activations, np.array([0, 0]), layers), [(one([-1, 1]), one(-0.5, 0.5))], mistakes=mistakes)


@check("values")
def through_a_tanh(mine):
    """Is wrong below a tanh: δ' = (δ Wᵀ) ⊙ (1 - a²), where a is the tanh itself."""
    import numpy as np

    a, weight = 0.5, one([1, 3])
    scores = one([0, 0])
    delta = one(-0.5, 0.5)

    def below(slope, back=1.0):
        return [(one([2 * back * slope]), one(back * slope)), (a * delta[None], delta)]

    mistakes = {
        "Leaves out the derivative of tanh: multiply by 1 - a².": below(1.0),
        "Multiplies by 1 - a: it is the square, 1 - a².": below(1 - a),
        "Applies tanh a second time: a is the tanh already.": below(1 - np.tanh(a) ** 2),
        "Uses the derivative of a sigmoid, a (1 - a): that of tanh is 1 - a².": below(a * (1 - a)),
        "Does not go back through the weight: δ Wᵀ.": below(1 - a * a, 0.0),
    }
    arguments = [one([2]), one([a]), scores], np.array([0]), [(one([1]), one(0)), (weight, one(0, 0))]
    same(mine(*arguments), below(1 - a * a), mistakes=mistakes)


@check("values")
def every_example_for_itself(mine):
    """Is wrong for several examples: the softmax runs along each row, and each example has its own target."""
    arguments = network(2, 3)
    same(mine(*arguments), torchs(*arguments))


@check("gradient")
def as_torchs(mine):
    """Differs from torch's gradients of a deeper network: each layer's δ comes from the one above it."""
    for sizes in ((2, 3, 2), (2, 3, 3, 2), (3, 4, 3, 3, 2)):
        arguments = network(*sizes)
        same(mine(*arguments), torchs(*arguments))


@check("speed")
def all_examples_at_once(mine):
    """Is far slower than the reference: one product for all examples of a layer, no loop over them."""
    from groundup.foundations.autograd.backprop import mlp_backward

    fast(mine, mlp_backward, network(8, 16, 4, examples=512))


BACK = "delta = (delta @ weight.T) * (1 - before**2)"
TAKE, SHARE = "delta[np.arange(examples), targets] -= 1", "    delta /= examples\n"
TOP = "delta = probabilities(activations[-1])"

EXERCISE = Exercise(
    slot="foundations.autograd.mlp_backward",
    title="Backpropagation by hand",
    task="""
    A network of layers z = a W + b, with a = tanh z between them; the last z are the scores. The loss is the mean over the
    examples of minus the logarithm of the target's probability. Write δ for its gradient by z of a layer:

    at the scores: δ = (p - onehot(target)) / examples, where p is the softmax of each row of scores, and onehot(target) a row
    with 1 at the target and 0 elsewhere

    of a layer: ∂L/∂W = aᵀ δ and ∂L/∂b = the sum of δ over the examples, where a is what went into the layer

    one layer down: δ' = (δ Wᵀ) ⊙ (1 - a²)

    `activations` are x, the tanh of each hidden layer, the scores. `probabilities` gives the softmax. Give the gradients
    (by weight, by bias) from the first layer to the last, and leave the arguments as they are.
    """,
    difficulty=3,
    minutes=40,
    prerequisites=("foundations.autograd.backprop", "foundations.autograd.matmul_backward"),
    hints=(
        "At the top: delta = probabilities(scores), take 1 from it at the target of each row, divide by the number of examples.",
        "Walk over the layers from the last to the first, with what went into each: zip(reversed(layers), "
        "reversed(activations[:-1])).",
        "In each: note (before.T @ delta, delta.sum(axis=0)), then delta = (delta @ weight.T) * (1 - before**2). At the end turn "
        "the list round.",
    ),
    run="groundup --mine my learn lesson foundations.autograd.backprop",
    checks=(
        a_pair_for_each_layer,
        the_difference_at_the_top,
        the_mean_over_the_examples,
        through_a_tanh,
        every_example_for_itself,
        as_torchs,
        all_examples_at_once,
    ),
    mutants=(
        Mutant("from the last to the first", "from the first to the last", edits=(("gradients[::-1]", "gradients"),)),
        Mutant("the target forgotten", "without taking 1", edits=((f"    {TAKE}\n", ""),)),
        Mutant("the sign", "Turns the sign", edits=((SHARE, "    delta = -delta / examples\n"),)),
        Mutant("scores", "Uses the scores", edits=((TOP, "delta = activations[-1].copy()"),)),
        Mutant("the sum over the examples", "Is not divided", edits=((SHARE, ""),)),
        Mutant("the mean for the bias", "a second time", edits=(("delta.sum(axis=0)", "delta.mean(axis=0)"),)),
        Mutant("no slope", "Leaves out the derivative", edits=((" * (1 - before**2)", ""),)),
        Mutant("1 - a", "it is the square", edits=(("before**2", "before"),)),
        Mutant("tanh twice", "a second time: a is", edits=(("before**2", "np.tanh(before) ** 2"),)),
        Mutant("a sigmoid's slope", "derivative of a sigmoid", edits=(("(1 - before**2)", "before * (1 - before)"),)),
        Mutant("not through the weight", "Does not go back", edits=((BACK, BACK.replace("weight.T", "weight.T * 0")),)),
        Mutant(
            "everybody's target",
            "wrong for several examples",
            edits=((TAKE, "delta[:, targets[0]] -= 1"),),
        ),
        Mutant(
            "δ does not go down",
            "Differs from torch's",
            edits=(
                (
                    BACK,
                    BACK.replace(
                        "delta = ", "delta = delta if len(gradients) > 1 and weight.shape[0] == weight.shape[1] else "
                    ),
                ),
            ),
        ),
        Mutant(
            "the scores changed",
            "Changes its argument activations",
            edits=((TOP, "delta = activations[-1]\n    delta[...] = probabilities(delta)"),),
        ),
        Mutant(
            "one example after another",
            "far slower",
            source="""
            import numpy as np


            def mlp_backward(activations, targets, layers):
                total = [(np.zeros_like(weight), np.zeros_like(bias)) for weight, bias in layers]
                for row, target in enumerate(targets):
                    scores = activations[-1][row]
                    delta = np.exp(scores - scores.max())
                    delta /= delta.sum()
                    delta[target] -= 1
                    delta /= len(targets)
                    for number in reversed(range(len(layers))):
                        before = activations[number][row]
                        total[number][0][...] += np.outer(before, delta)
                        total[number][1][...] += delta
                        delta = layers[number][0] @ delta * (1 - before**2)
                return total
            """,
        ),
    ),
)
