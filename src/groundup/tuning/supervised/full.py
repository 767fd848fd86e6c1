"""Full tuning, and which weights learn: all of them, all but some by pattern, or the layers from the top down, one more every so many steps.

    freeze          a weight whose name fits a pattern keeps its value; there is no gradient of it, and no optimiser's state
    unfreeze_every  step 0: the head and the last block learn; every so many steps the next block below joins; then the embedding

Below the lowest layer that learns nothing is computed on the way back and nothing is kept on the way there, so a step is faster and smaller;
a frozen layer *between* learning ones saves its own weights' gradients alone. The top layers are the most particular to what the model did
before; those below know the language, and are spared the first, large gradients of a head that knows nothing yet.

Which layers learn at a step is a function of the step, so a run that was stopped goes on as it would have. The optimiser has the state of all layers
from the start: gradual unfreezing saves time and not that memory.

Howard and Ruder 2018 (ULMFiT), arXiv:1801.06146, section 3.2 (they let a layer more learn each epoch); what transfers from which layer: Yosinski et
al. 2014, arXiv:1411.1792. Left out: a rate of its own for each layer (their discriminative fine-tuning).
"""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import ConfigError, InputError, did_you_mean
from groundup.slots import slot

EMBEDDING = "model.embed"  # what the names of embeddings and learned positions begin with


def names_like(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """The parameters that a pattern means: a shell pattern for the whole name, or the name of a module that they are in.

    >>> names_like(["model.layers.0.mlp.up_proj.weight", "model.norm.weight"], ["model.layers.0", "*.bias"])
    ['model.layers.0.mlp.up_proj.weight']
    """

    def fits(name: str, pattern: str) -> bool:
        return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"{pattern}.*")

    return [name for name in names if any(fits(name, pattern) for pattern in patterns)]


def freeze(module: Any, patterns: Sequence[str]) -> list[str]:
    """Let no weight learn whose name fits; their names. InputError for a pattern that fits nothing, or where nothing is left to learn."""
    parameters = dict(module.named_parameters())
    for pattern in patterns:
        if not names_like(list(parameters), [pattern]):
            modules = [name for name, _ in module.named_modules() if name]
            raise InputError(
                f"freeze: no weight is called {pattern!r}; {did_you_mean(pattern, [*modules, *parameters])}"
            )
    frozen = names_like(list(parameters), patterns)
    for name in frozen:
        parameters[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in parameters.values()):
        raise InputError(
            f"freeze = {list(patterns)} leaves no weight to learn; name fewer, for example model.embed_tokens"
        )
    return frozen


@slot
def lowest_learning(step: int, every: int, layers: int) -> int:
    """The lowest block that learns at a step: the last one at first, one lower every `every` steps; -1 once the embedding learns too.

    step: counted from 0; every: steps between two blocks, 0: all learn from the start; layers: how many blocks there are, from 0.
    """
    if not every:
        return -1
    return max(-1, layers - 1 - step // every)


@dataclass(frozen=True, slots=True)
class Unfreezing:
    """A schedule of which layers of a module learn."""

    module: Any
    every: int
    kept: frozenset[str] = frozenset()  # names that never learn

    def at(self, step: int) -> int:
        """Let the layers of a step learn, and no others; how many weights that are."""
        lowest, learning = lowest_learning(step, self.every, depth_of(self.module)), 0
        for name, parameter in self.module.named_parameters():
            parameter.requires_grad_(name not in self.kept and place_of(name) >= lowest)
            learning += parameter.numel() * parameter.requires_grad
        return learning

    def batches(self, batches: Callable[[int], Any], a_step: int = 1) -> Callable[[int], Any]:
        """Batches that set the layers of their step before they are given; a_step: how many make one step."""

        def batch(number: int) -> Any:
            self.at(number // a_step)
            return batches(number)

        return batch


def place_of(name: str) -> float:
    """Where a weight stands: the number of its block, -1 for embeddings, above all blocks for what comes after them.

    >>> place_of("model.layers.3.mlp.up_proj.weight"), place_of("model.embed_tokens.weight"), place_of("lm_head.weight")
    (3, -1, inf)
    """
    parts = name.split(".")
    if "layers" in parts:
        return int(parts[parts.index("layers") + 1])
    return -1 if name.startswith(EMBEDDING) else float("inf")


def depth_of(module: Any) -> int:
    """How many blocks a module has."""
    return 1 + max(
        (int(place) for name, _ in module.named_parameters() if (place := place_of(name)) != float("inf")), default=-1
    )


def check(method: str, patterns: Sequence[str], every: int, weight_decay: float) -> None:
    """Refuse what would not mean what it says."""
    if every < 0:
        raise ConfigError(f"unfreeze_every={every} is below 0; use 0 for all layers from the start, or so many steps")
    if method != "full" and (patterns or every):
        raise ConfigError(
            f"method={method!r} freezes the whole model already; leave freeze and unfreeze_every out, or use method='full'"
        )
    if every and weight_decay:
        raise ConfigError(
            f"weight_decay={weight_decay} would shrink layers that do not learn yet; use 0 with unfreeze_every"
        )


def cost(module: Any) -> dict[str, float]:
    """Weights that learn, all weights, and the bytes of the gradients and of AdamW's two means for those that learn."""
    learned = sum(one.numel() for one in module.parameters() if one.requires_grad)
    return {
        "learned_parameters": learned,
        "parameters": sum(one.numel() for one in module.parameters()),
        "training_bytes": 12 * learned,
    }
