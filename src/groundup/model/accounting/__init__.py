"""What a configuration costs, before it is built; no torch is needed to find out.

use          what a model is used for, on how many devices: `Inference`, `Training` (with `Lora`), `Layout`
accounting   `count`: parameters, where they stand, and the figures that the rest is made of
operations   `flops`: floating-point operations by part, forward and backward; `row_work`: the same of rows of many lengths
activations  `kept`: what the way forward keeps for the way back
budget       `memory`: bytes by part at the moment of the peak, and on the fullest device of a layout

    config = load_config("runs/demo/model")                      # or LlamaConfig(...)
    count(config).parameters
    flops(config, Training(batch=8, seq_len=256)).total
    memory(config, Inference(context=2048, dtype="bfloat16")).total
"""

from groundup.model.accounting.accounting import Accounting, count
from groundup.model.accounting.activations import kept
from groundup.model.accounting.budget import Memory, memory
from groundup.model.accounting.operations import Operations, RowWork, flops, row_work
from groundup.model.accounting.use import Inference, Layout, Lora, Training

__all__ = [
    "Accounting",
    "Inference",
    "Layout",
    "Lora",
    "Memory",
    "Operations",
    "RowWork",
    "Training",
    "count",
    "flops",
    "kept",
    "memory",
    "row_work",
]
