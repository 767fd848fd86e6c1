"""From a tuning configuration to what is trained: the method's word, its adapter on the model, what is added to the loss, what follows each step."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from groundup.training.loop.listeners import Listener
from groundup.training.objectives.causal import causal_loss
from groundup.tuning.config import TuneConfig
from groundup.tuning.efficient import adalora, qlora
from groundup.tuning.efficient.config import (
    AdaLoraConfig,
    AnyConfig,
    BottleneckConfig,
    IA3Config,
    LoraConfig,
    PromptConfig,
)
from groundup.tuning.efficient.many import DEFAULT, apply


@dataclass(frozen=True, slots=True)
class Trained:
    """What the loop is given: a module, an objective, and listeners that belong to the method."""

    module: Any
    objective: Callable[..., Any] = causal_loss
    listeners: list[Listener] = field(default_factory=list)


def put_on(module: Any, config: TuneConfig, steps: int) -> Trained:
    """Freeze the model and put the configured adapter on it; "full" leaves it as it is. qlora rounds the model's matrices, in place."""
    if config.method == "full":
        return Trained(module)
    told = config_of(config, steps)
    if config.method == "qlora":
        qlora.quantize(module)
    adapted = apply(module, told)
    if not isinstance(told, AdaLoraConfig):
        return Trained(adapted)
    parts = [part for _, _, part in adapted.around(DEFAULT)]

    def allocate(event: Any) -> None:
        if not event.skipped:
            adalora.drop(parts, event.step)

    return Trained(adapted, adalora.with_orthogonality(parts, causal_loss), [allocate])


def config_of(config: TuneConfig, steps: int) -> AnyConfig:
    """The adapter's own configuration."""
    asked: dict[str, Any] = {"target_modules": config.target_modules} if config.target_modules else {}
    if config.method in ("lora", "dora", "qlora"):
        for name in ("r", "lora_alpha", "lora_dropout", "use_rslora", "init_lora_weights", "seed"):
            asked[name] = getattr(config, name)
        if config.method == "qlora" and not config.target_modules:
            asked["target_modules"] = (
                "all-linear",
            )  # as in its paper: adapters on all layers make up for the rounding
        return LoraConfig(**asked, use_dora=config.method == "dora")
    if config.method == "adalora":
        ends: dict[str, Any] = {"tinit": steps // 10, "tfinal": steps // 5, "total_step": max(2, steps)}
        most = config.r + config.r // 2
        return AdaLoraConfig(
            **asked, **ends, init_r=most, target_r=config.r, lora_alpha=config.lora_alpha, seed=config.seed
        )
    if config.method == "ia3":
        inside = {"feedforward_modules": tuple(one for one in config.target_modules if one.startswith("down"))}
        return IA3Config(**asked, **(inside if config.target_modules else {}))
    if config.method in ("bottleneck", "parallel"):
        return BottleneckConfig(**asked, width=config.r, parallel=config.method == "parallel", seed=config.seed)
    return PromptConfig(kind=config.method, num_virtual_tokens=config.num_virtual_tokens, seed=config.seed)  # type: ignore[arg-type]


@torch.no_grad()
def merged_difference(module: Any, batch: Any) -> Callable[[Any], float]:
    """What tells, of the merged model, the largest difference of its scores from those before, on a batch's first rows.

    Both are computed in the dtype of the weights: a run that computes in bf16 would only measure that.
    """
    ids, module.compute_dtype = batch.input_ids[:2].to(module.device), None
    module.eval()
    before = module(ids).float()
    return lambda merged: float((merged(ids).float() - before).abs().max())
