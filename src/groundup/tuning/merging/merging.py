"""Merging models: what several tunings of one base learned, in one set of weights, without training.

    average   sum_i w_i W_i                                                  Wortsman et al. 2022 (model soups), arXiv:2203.05482
    slerp     two models along the arc between them, not the chord           Shoemake 1985: keeps the length that an average loses
    ties      changes d_i = W_i - base: only the largest of each are kept, each number's sign is elected, and only changes of that sign
              are averaged:  base + lambda * mean of those that agree        Yadav et al. 2023, arXiv:2306.01708, section 3
    dare      each number of d_i is dropped with probability p and the others divided by 1 - p, so that the expected change stays;
              then the changes are added                                     Yu et al. 2023, arXiv:2311.03099, section 3.2

Averages cancel where two tunings moved a number in opposite directions; TIES lets the stronger side win. All is computed in fp32 and rounded once.
Folders are merged a weight at a time, so that the memory of one matrix of each model is enough.
Left out: layers taken from different models; activations or gradients to weigh numbers by; models of different shapes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup import files
from groundup.errors import ConfigError, InputError
from groundup.inference.readers import ADAPTER
from groundup.slots import slot
from groundup.tuning.merging.config import MergeConfig

PARALLEL = 0.9995  # a cosine above it: the arc is its chord, and sin(angle) too small to divide by


def average(models: Float[Tensor, "*stack"], weights: Sequence[float] = ()) -> Float[Tensor, "*shape"]:
    """The weighted mean."""
    shares = torch.tensor(weights or [1.0] * len(models), dtype=models.dtype)
    return torch.tensordot(shares / shares.sum(), models, dims=1)


def slerp(first: Float[Tensor, "*shape"], second: Float[Tensor, "*shape"], t: float) -> Float[Tensor, "*shape"]:
    """A point of the arc from the first to the second, both taken as one long vector.

    sin((1 - t) a) / sin(a) * first + sin(t a) / sin(a) * second, a the angle between them. Vectors that point (nearly) the same or the opposite way,
    or have no length, are taken along the chord.
    """
    lengths = first.norm() * second.norm()
    cosine = (first * second).sum() / lengths if lengths > 0 else torch.ones(())
    if abs(cosine) > PARALLEL:
        return (1 - t) * first + t * second
    angle = torch.arccos(cosine)
    return (torch.sin((1 - t) * angle) * first + torch.sin(t * angle) * second) / torch.sin(angle)


@slot
def ties_merge(changes: Float[Tensor, "*stack"], density: float) -> Float[Tensor, "*shape"]:
    """One change out of several: trim, elect a sign, average those that agree.

    Of each model's change only the floor(density * numbers) largest magnitudes stay (at least one), the others become 0. A number's sign is that of
    the sum of what is left. The mean is over the models whose number is not 0 and has that sign; 0 where there is none.
    """
    flat = changes.flatten(1)
    kept = max(1, int(density * flat.shape[1]))
    places = flat.abs().topk(kept, dim=1).indices
    trimmed = torch.zeros_like(flat).scatter(1, places, flat.gather(1, places))
    sign = trimmed.sum(0).sign()
    agree = (trimmed.sign() == sign) & (trimmed != 0)
    merged = (trimmed * agree).sum(0) / agree.sum(0).clamp_min(1)
    return merged.unflatten(0, changes.shape[1:]) if changes.dim() > 1 else merged


def dare_drop(change: Float[Tensor, "*shape"], drop: float, generator: torch.Generator) -> Float[Tensor, "*shape"]:
    """Set each number to 0 with probability `drop`, and divide the others by 1 - drop: the expected change stays the same.

    A number is kept where one uniform draw for it (torch.rand of the change's shape) is at least `drop`.
    """
    return change * (torch.rand(change.shape, generator=generator) >= drop) / (1 - drop)


def merged(models: Sequence[Tensor], base: Tensor | None, config: MergeConfig, generator: torch.Generator) -> Tensor:
    """One weight of all the models as one, in fp32."""
    stack = torch.stack([one.float() for one in models])
    if config.method == "average":
        return average(stack, config.weights)
    if config.method == "slerp":
        return slerp(stack[0], stack[1], config.t)
    assert base is not None
    shares = torch.tensor(config.weights or [1.0] * len(models))
    changes = (stack - base.float()) * shares.view(-1, *[1] * (stack.dim() - 1))
    if config.method == "ties":
        return base.float() + config.scale * ties_merge(changes, config.density)
    kept = torch.stack([dare_drop(one, config.drop, generator) for one in changes])
    return base.float() + config.scale * kept.sum(0) / (1 if config.weights else len(models))


def merge_folders(
    models: Sequence[str | Path],
    out: str | Path,
    config: MergeConfig,
    base: str | Path | None = None,
    told: Callable[[int], object] = lambda size: None,
) -> dict[str, Any]:
    """Write the merged model folder; tokenizer and sampling are the first model's. What was merged, as plain data.

    An adapter folder counts as its base with the adapter in it; one alone, by average, is just that.
    """
    from groundup.inference.handle import load
    from groundup.model.formats.huggingface import save_model
    from groundup.tuning.efficient import offer_reader

    check_count(models, config, base)
    offer_reader()
    handles = [load(one, device="cpu") for one in models]
    below = None if base is None else load(base, device="cpu")
    for one in filter(None, [*handles, below]):
        plain(one)
        same_shape(handles[0], one)
    held = [one.module.state_dict() for one in handles]
    of_base = {} if below is None else below.module.state_dict()
    draws = {name: number for number, name in enumerate(held[0])}

    @torch.no_grad()
    def weight(name: str) -> Tensor:
        draw = torch.Generator().manual_seed(
            config.seed * 1_000_003 + draws[name]
        )  # of its own: the order of writing is free
        tensors = [table[name] for table in held]
        if not tensors[0].is_floating_point():
            return tensors[0]
        return merged(tensors, of_base.get(name), config, draw).to(tensors[0].dtype)

    save_model(out, handles[0].module, handles[0].tokenizer, handles[0].generation or None, weight=weight, told=told)
    return {
        "method": config.method,
        "models": [str(one) for one in models],
        "base": None if base is None else str(base),
        "made": str(out),
    }


def check_count(models: Sequence[str | Path], config: MergeConfig, base: str | Path | None) -> None:
    """Refuse too few models, weights for another number of them, and a base that is missing or not used."""
    if len(models) < (1 if config.method == "dare" or (config.method == "average" and all(map(is_adapter, models))) else 2):
        ways = {"dare": "one folder or more", "average": "two folders or more, or one adapter folder, which goes into its base"}
        raise InputError(
            f"{len(models)} model is nothing to merge by {config.method}; give {ways.get(config.method, 'two folders or more')}"
        )
    if config.method == "slerp" and len(models) != 2:
        raise InputError(
            f"slerp goes from one model to another, and {len(models)} were given; give two, or use method average"
        )
    if config.weights and len(config.weights) != len(models):
        raise ConfigError(
            f"{len(config.weights)} weights were given for {len(models)} models; give one for each, in order"
        )
    if config.method in ("ties", "dare") and base is None:
        raise InputError(f"{config.method} merges what the models changed of a common base; name it with --base FOLDER")
    if config.method in ("average", "slerp") and base is not None:
        raise InputError(f"{config.method} uses no base; leave --base out, or use method ties or dare")


def is_adapter(folder: str | Path) -> bool:
    """Whether a folder holds an adapter and no whole model."""
    return (Path(folder) / ADAPTER).is_file() and not (Path(folder) / "config.json").is_file()


def plain(handle: Any) -> None:
    """Refuse an adapter that could not be put into its base's matrices: a prompt, or a bottleneck."""
    from groundup.tuning.efficient.many import Adapted

    if isinstance(handle.module, Adapted):
        raise InputError(f"{handle.folder} holds an adapter that is no change of matrices, so it cannot be merged; use it as the folder it is")


def same_shape(first: Any, other: Any) -> None:
    """Refuse a model of another shape, or with another vocabulary."""
    shapes = [{name: tuple(one.shape) for name, one in handle.module.state_dict().items()} for handle in (first, other)]
    for name in [*shapes[0], *shapes[1]]:
        if shapes[0].get(name) != shapes[1].get(name):
            raise InputError(
                f"{first.folder} and {other.folder} are of different shapes: {name} is {shapes[0].get(name, 'missing')} in the one and "
                f"{shapes[1].get(name, 'missing')} in the other; merge models tuned from one base"
            )
    words = [handle.folder / "tokenizer.json" for handle in (first, other)]
    if all(path.is_file() for path in words) and _vocabulary(words[0]) != _vocabulary(words[1]):
        raise InputError(
            f"{first.folder} and {other.folder} have different vocabularies, so their rows mean different tokens; merge models of one base"
        )


def _vocabulary(path: Path) -> Any:
    """What a tokenizer.json says of tokens and ids."""
    return files.read_json(path).get("model", {}).get("vocab")
