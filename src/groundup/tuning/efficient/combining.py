"""Several LoRA adapters become one whose change is the weighted sum of theirs.

    sum of w s B A over the adapters   =   [w1 s1 B1, w2 s2 B2, ...] [A1; A2; ...]      the ranks add up, and nothing is lost

Left out: a smaller rank by singular values; TIES and DARE (`tuning.merging` does that with whole models).
"""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError
from groundup.slots import slot
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.lora import LoraPart
from groundup.tuning.efficient.many import Adapted, add


def combine(adapted: Adapted, name: str, weights: Mapping[str, float]) -> None:
    """A new LoRA whose change is the weighted sum of others' changes, exactly: their ranks add up."""
    if not weights:
        raise InputError('no adapters to combine were named; write for example {"a": 0.5, "b": 0.5}')
    configs = {one: adapted.configs[adapted.known(one)] for one in weights}
    for one, config in configs.items():
        if not isinstance(config, LoraConfig) or config.use_dora:
            raise InputError(
                f"adapter {one!r} is no plain LoRA, so its change is no sum of thin matrices; combine LoRA adapters"
            )
    parts = {one: {path: part for path, _, part in adapted.around(one)} for one in weights}
    paths = dict.fromkeys(path for found in parts.values() for path in found)
    some = next(iter(parts.values()))
    if any(found.keys() != some.keys() for found in parts.values()):
        raise InputError(
            f"{' and '.join(weights)} stand beside different matrices; combine adapters with the same target_modules"
        )
    joined = {path: _joined([(weights[one], parts[one][path]) for one in weights]) for path in paths}
    rank = next(iter(joined.values()))[0].shape[0]
    first = next(iter(configs.values()))
    config = dataclasses.replace(first, r=rank, lora_alpha=float(rank), use_rslora=False, init_lora_weights="kaiming")
    add(adapted, name, config, filled=True)
    with torch.no_grad():
        for path, _, part in adapted.around(name):
            part.lora_A.copy_(joined[path][0])
            part.lora_B.copy_(joined[path][1])


def _joined(weighted: Sequence[tuple[float, LoraPart]]) -> tuple[Tensor, Tensor]:
    return joined([(weight * part.scaling, *part.matrices()) for weight, part in weighted])


@slot
def joined(
    pairs: Sequence[tuple[float, Float[Tensor, "_ inputs"], Float[Tensor, "outputs _"]]],
) -> tuple[Float[Tensor, "ranks inputs"], Float[Tensor, "outputs ranks"]]:
    """Two thin matrices A and B whose product B A is the weighted sum of all pairs' products, exactly; pairs: (weight, A, B) each.

    Their ranks add up: the mean of the A's and of the B's would be another matrix, with products of one pair's A and another's B in it.
    """
    return torch.cat([a for _, a, _ in pairs]), torch.cat([weight * b for weight, _, b in pairs], dim=1)
