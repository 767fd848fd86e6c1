"""All that a run carries from one step to the next: what a checkpoint holds, and what a rollback puts back.

    optimiser    its means and counts                      watch     what losses and gradients are normal (`spikes`)
    average      a running mean of the weights, if asked   scaler    by what an fp16 loss is multiplied (`precision`)

They look to a checkpoint like one optimiser: a flat table of tensors to save, and to take back bit for bit. A rollback needs an earlier
state, which is copied in memory wherever a regular checkpoint is due, whether or not there is a folder (weights and optimiser once
more: 12 bytes a weight with AdamW). A run that is stopped between two checkpoints saves that earlier state too, so that it goes back
to the same place after a resume.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from groundup.machine.probe.device import device_of_module, placed
from groundup.training.config import TrainConfig
from groundup.training.loop.live_evaluation import Average
from groundup.training.optimizers import build_optimizer
from groundup.training.schedules import batches_before
from groundup.training.step.accumulation import Objective, accumulate
from groundup.training.step.precision import LossScaler, keep_masters
from groundup.training.step.spikes import Watch

BEFORE = "before."  # the prefix of the earlier state's tensors in a checkpoint between two regular ones
WEIGHT = "module."  # and of the weights among them
RANDOM, LOSSES, STEP = "loop.random", "loop.losses", "loop.step"


class RunState:
    """What changes with the steps of a run; the weights that learn become fp32 where they are not.

    `step`: how many were made. `losses`: those of the last tenth of the run.
    """

    def __init__(self, module: Any, config: TrainConfig, objective: Objective):
        keep_masters(module)
        self.module, self.objective, self.config, self.step = module, objective, config, 0
        self.optimizer = build_optimizer(module, config)
        self.average = Average(module, config.ema_decay) if config.ema_decay else None
        self.watch = Watch(config.on_spike, config.spike_factor)
        self.scaler = LossScaler() if getattr(module, "compute_dtype", None) == torch.float16 else None
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self.losses: deque[float] = deque(maxlen=config.last_steps)
        self.earlier: dict[str, Tensor] = {}

    def gradient(self, batches: Sequence[Any]) -> float:
        """Leave the gradient of these batches in the weights' grad; the mean loss. They are made on a CPU, and used where the weights are."""
        batches = [placed(batch, device_of_module(self.module)) for batch in batches]
        if self.scaler is None:
            return accumulate(self.module, batches, self.objective)
        return self.scaler.accumulate(self.module, batches, self.objective, self.parameters)

    def overflowed(self, loss: float) -> bool:
        """Whether an fp16 gradient was too large for its scale, which has become smaller by that, and the step is to be left out."""
        return self.scaler is not None and math.isfinite(loss) and self.scaler.overflowed

    def update(self, factor: float) -> None:
        """Move the weights, and their mean behind them."""
        self.optimizer.step(factor)
        if self.average is not None:
            self.average.step()

    def state(self) -> dict[str, Tensor]:
        """Every tensor that is to be kept, those of the earlier state too where it is not this one."""
        table = self._parts_state()
        if not self.earlier or int(self.earlier[STEP]) == self.step:
            return table
        return table | {f"{BEFORE}{name}": tensor for name, tensor in self.earlier.items()}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back."""
        for part in self._parts():
            part.load(table)
        self.earlier = {name.removeprefix(BEFORE): tensor for name, tensor in table.items() if name.startswith(BEFORE)}

    def remember(self) -> None:
        """Keep a copy of this state to go back to, where there may be a rollback."""
        if self.watch.policy != "rollback":
            return
        self.watch.rollbacks = 0
        self.earlier = {}  # given back before the new one is made: one copy at a time
        table = {f"{WEIGHT}{name}": tensor for name, tensor in self._weights().items()} | self._parts_state()
        table |= {LOSSES: torch.tensor(list(self.losses), dtype=torch.float64), STEP: torch.tensor(self.step)}
        self.earlier = {name: tensor.detach().clone() for name, tensor in table.items()}
        self.earlier[RANDOM] = torch.get_rng_state()

    def go_back(self) -> None:
        """Put the earlier state back; the batches read since then are not read again, so the count of jumped ones grows."""
        rollbacks, jumped, made = self.watch.rollbacks, self.watch.jumped, self.step
        with torch.no_grad():
            for name, tensor in self._weights().items():
                tensor.copy_(self.earlier[f"{WEIGHT}{name}"])
        for part in self._parts():
            part.load(self.earlier)
        torch.set_rng_state(self.earlier[RANDOM])
        self.step = int(self.earlier[STEP])
        self.losses.clear()
        self.losses.extend(self.earlier[LOSSES].tolist())
        self.watch.rollbacks, self.watch.jumped = rollbacks, jumped + self._batches(made + 1) - self._batches(self.step)

    def _batches(self, step: int) -> int:
        return batches_before(step, self.config.gradient_accumulation_steps, self.config.batch_ramp_steps)

    def _parts(self) -> list[Any]:
        return [part for part in (self.optimizer, self.average, self.watch, self.scaler) if part is not None]

    def _parts_state(self) -> dict[str, Tensor]:
        return {name: tensor for part in self._parts() for name, tensor in part.state().items()}

    def _weights(self) -> dict[str, Tensor]:
        return dict(self.module.named_parameters()) | dict(self.module.named_buffers())
