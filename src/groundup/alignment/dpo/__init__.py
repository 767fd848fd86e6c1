"""Direct preference optimisation: learn from pairs of answers without a reward model and without sampling.

dpo       the losses: DPO, IPO, KTO, ORPO, SimPO, each a plain function of log-probabilities
pairs     rows of preferences become token ids and batches; what is too long or says nothing is counted
trainer   the reference read once, the losses over the one training loop
config    what a run is told
"""

import importlib
from typing import Any

_EXPORTS = {
    "dpo_loss": "dpo",
    "ipo_loss": "dpo",
    "kto_loss": "dpo",
    "orpo_loss": "dpo",
    "simpo_loss": "dpo",
    "DpoConfig": "config",
    "encode": "pairs",
    "fit": "trainer",
    "prefer": "trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.alignment.dpo has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
