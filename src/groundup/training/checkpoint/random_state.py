"""The state of every generator that a step may draw from: torch's on each device, Python's and NumPy's.

Dropout draws from torch's generator of the device it computes on, so the CPU's alone would do for a run on a CPU only; an
objective or a listener of the user's may draw from the other two. As tensors they lie in the same file as the optimiser's
state. A generator that a checkpoint does not hold (made on another kind of machine) stays as it is.
"""

import random
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

TORCH, CUDA, PYTHON, NUMPY = "random.torch", "random.cuda", "random.python", "random.numpy"
NO_DRAW = float("nan")  # in the place of the second half of a normal pair, where none is waiting


def state() -> dict[str, Tensor]:
    """Every generator's state by name."""
    _, words, waiting = random.getstate()
    drawn = np.random.get_state(legacy=False)
    table = {
        TORCH: torch.get_rng_state(),
        PYTHON: torch.tensor(words),
        f"{PYTHON}.waiting": torch.tensor(NO_DRAW if waiting is None else waiting, dtype=torch.float64),
        NUMPY: torch.tensor([*drawn["state"]["key"].tolist(), drawn["state"]["pos"], drawn["has_gauss"]]),
        f"{NUMPY}.waiting": torch.tensor(drawn["gauss"], dtype=torch.float64),
    }
    if torch.cuda.is_initialized():
        table |= {f"{CUDA}.{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return table


def load(table: Mapping[str, Tensor]) -> None:
    """Put back the generators that the table holds."""
    if TORCH in table:
        torch.set_rng_state(table[TORCH])
    for number in range(torch.cuda.device_count() if f"{CUDA}.0" in table else 0):
        if f"{CUDA}.{number}" in table:
            torch.cuda.set_rng_state(table[f"{CUDA}.{number}"], number)
    if PYTHON in table:
        waiting = table[f"{PYTHON}.waiting"].item()
        random.setstate((3, tuple(table[PYTHON].tolist()), None if waiting != waiting else waiting))
    if NUMPY in table:
        *key, position, waits = table[NUMPY].tolist()
        words = np.array(key, dtype=np.uint32)
        np.random.set_state(("MT19937", words, position, waits, table[f"{NUMPY}.waiting"].item()))
