"""The averaged perceptron: learn from mistakes alone, and answer with the mean of all weights one ever had.

A class's score is the sum of its weights for the features that are there. Where the class with the highest score is the
wrong one, each feature's weight of the right class goes up by 1, of the wrong one down by 1 (Rosenblatt 1958; Collins 2002 for
words). The last weights answer the last mistakes; their mean over all T steps answers for the whole journey:

    mean = (w_1 + w_2 + ... + w_T) / T = w_T - u / T          u: the sum of each change times the steps before it

The right-hand side (Daumé 2006, figure 2.3) costs nothing at the steps without a mistake, which become most of them.
`greedy.py` does the same on a table of hashed features. Left out: margins, learning rates.
"""

from collections.abc import Iterable, Sequence

from groundup.slots import slot

Weights = dict[tuple[str, str], float]  # (feature, class)


def best_class(weights: Weights, features: Iterable[str], classes: Sequence[str]) -> str:
    """The class with the highest score, the first of equals."""
    present = list(features)
    return max(classes, key=lambda name: sum(weights.get((feature, name), 0.0) for feature in present))


@slot
def learn_from_mistake(
    weights: Weights, totals: Weights, features: Sequence[str], right: str, guessed: str, step: int
) -> None:
    """Learn from one guess, in place. step: how many steps came before; totals: the changes, each times its step."""
    if guessed == right:
        return
    for feature in features:
        for name, change in ((right, 1.0), (guessed, -1.0)):
            weights[feature, name] = weights.get((feature, name), 0.0) + change
            totals[feature, name] = totals.get((feature, name), 0.0) + step * change


@slot
def averaged_weights(weights: Weights, totals: Weights, steps: int) -> Weights:
    """The mean of the weights after each of `steps` steps.

    >>> averaged_weights({("a", "x"): 2.0}, {("a", "x"): 3.0}, 4)  # up by 1 at the first step, and again after three of four
    {('a', 'x'): 1.25}
    """
    return {key: weight - totals[key] / steps for key, weight in weights.items()}


def train_perceptron(
    examples: Sequence[tuple[Sequence[str], str]], classes: Sequence[str], rounds: int = 5
) -> tuple[Weights, Weights]:
    """The last weights and their mean, after some rounds through the examples (features, class) in their order."""
    weights: Weights = {}
    totals: Weights = {}
    step = 0
    for _ in range(rounds):
        for features, right in examples:
            learn_from_mistake(weights, totals, features, right, best_class(weights, features, classes), step)
            step += 1
    return weights, averaged_weights(weights, totals, max(1, step))
