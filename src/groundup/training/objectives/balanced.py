"""Training with experts: an objective, and beside it what keeps them evenly used (why: `model/moe/balance.py`).

    loss     + router_aux_loss_coef * chosen * (balance loss, mean over layers) a target        Mixtral, Qwen-MoE
    bias     after each step + rate * sign(mean load - load), by all batches of the step        DeepSeek-V3, which has no such loss

With one layer of experts the loss is that of transformers, to float error; with several, theirs adds up the layers' loads first,
so that one layer may be uneven where another is uneven the other way round. Only its gradient enters: the number that a
run reports stays the surprise a target, which can be compared with that of a dense model. Padding is no load.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from groundup.model.moe.balance import load_of, of_tokens, steer_by, total_balance_loss, watch
from groundup.model.moe.routing import Router, Routing
from groundup.training.objectives.causal import causal_loss
from groundup.training.step.accumulation import Objective

BIAS_RATE = 0.001  # DeepSeek-V3, arXiv:2412.19437, section 4.2


class Balanced:
    """An objective that watches the routers while it is computed; `steer` is a listener, told after each step.

    coefficient: what the balance loss is multiplied by, 0: none. rate: by how much a step moves the bias of a router that has one.
    """

    def __init__(self, objective: Objective, coefficient: float = 0.0, rate: float = BIAS_RATE):
        self.objective, self.coefficient, self.rate = objective, coefficient, rate
        self.loads: dict[str, Tensor] = {}  # of the step so far, by router

    def __call__(self, module: Any, batch: Any) -> tuple[Tensor, int]:
        """The objective's loss and targets; the gradient of the loss is also that of the balance loss."""
        with watch(module) as seen:
            loss, count = self.objective(module, batch)
        ids = getattr(batch, "document_ids", None)  # a batch without them has no padding
        routings = seen if ids is None else {name: of_tokens(one, (ids >= 0).flatten()) for name, one in seen.items()}
        for name, routing in routings.items():
            load = load_of(routing.experts, routing.logits.shape[-1])
            self.loads[name] = self.loads[name] + load if name in self.loads else load
        return self._charged(loss, count, routings), count

    def _charged(self, loss: Tensor, count: int, routings: dict[str, Routing]) -> Tensor:
        if not (self.coefficient and count and routings):
            return loss
        chosen = next(iter(routings.values())).experts.shape[-1]
        charge = self.coefficient * chosen * count * total_balance_loss(routings)
        return loss + charge - charge.detach()

    def steer(self, event: Any) -> None:
        """Move the biases by the load of the step that has just been made; of one that was skipped they stay, as the weights do."""
        if not getattr(event, "skipped", False):
            steer_by(event.module, self.loads, self.rate)
        self.forget()

    def forget(self) -> None:
        """Begin to count anew: what was counted belongs to a step that was undone."""
        self.loads = {}


def balanced(module: Any, objective: Objective = causal_loss) -> tuple[Objective, list[Callable[[Any], None]]]:
    """The objective of a run and its listeners: as it is where the model has no experts; else what its configuration asks for.

    The training loop asks this for every model. One who wants other numbers gives the loop a `Balanced` of their own.
    """
    if isinstance(objective, Balanced):
        return objective, [objective.steer]
    if not any(isinstance(part, Router) for part in module.modules()):
        return objective, []
    watched = Balanced(objective, getattr(module.config, "router_aux_loss_coef", 0.0))
    return watched, [watched.steer]
