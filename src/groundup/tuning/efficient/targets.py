"""Which layers of a model a configuration names: by the ends of their names, or all matrices but the head."""

from typing import Any

from torch import nn

from groundup.errors import ConfigError, did_you_mean
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.around import Around
from groundup.tuning.efficient.config import ALL_LINEAR, BottleneckConfig
from groundup.tuning.efficient.qlora import NF4Linear


def targets(base: nn.Module, config: Any) -> dict[str, Any]:
    """The layers that a configuration names, by their path; ConfigError with the nearest names where there is none."""
    whole = isinstance(config, BottleneckConfig)
    kinds = (nn.Module,) if whole else (Linear, NF4Linear)
    layers = {plain(path): one.base_layer if isinstance(one, Around) else one for path, one in base.named_modules()}
    layers = {path: one for path, one in layers.items() if isinstance(one, kinds) and path}
    ends = {path.rpartition(".")[2] for path in layers if ".layers." in path or not whole}
    if ALL_LINEAR in config.target_modules and not whole:
        return {path: one for path, one in layers.items() if not path.startswith("lm_head")}
    found: dict[str, Any] = {}
    for target in config.target_modules:
        here = {path: one for path, one in layers.items() if path == target or path.endswith(f".{target}")}
        if not here:
            raise ConfigError(f"target_modules: the model has no matrix {target!r}; {did_you_mean(target, ends)}")
        found |= here
    found = {path: found[path] for path in layers if path in found}
    for path, one in found.items():
        if not whole and type(one) not in (Linear, NF4Linear):
            raise ConfigError(
                f"{path} scales or caps its scores, so it takes no adapter; leave it out of target_modules"
            )
    return found


def plain(path: str) -> str:
    """A path as it is without what stands around layers."""
    return path.replace(".base_layer", "")


def put(base: nn.Module, path: str, module: nn.Module) -> None:
    """Set a submodule by its path."""
    parent, _, name = path.rpartition(".")
    setattr(base.get_submodule(parent), name, module)
