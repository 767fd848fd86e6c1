"""Parameter-efficient tuning: a finished model is frozen, and something small beside it learns.

config       what each method is told, by PEFT's names
lora         LoRA, rank-stabilised, DoRA, first matrices by PiSSA and OLoRA
adalora      AdaLoRA: rank where it matters
qlora        the frozen matrices in NF4 with double quantised sizes
adapters     bottleneck and parallel adapters, IA3
prompts      prompt tuning, P-tuning, prefix tuning
many         several on one base: switched, combined, disabled, swapped, one a row, merged
peft_files   adapter_config.json and adapter_model.safetensors, as PEFT reads and writes them
"""

import importlib
from typing import Any

_EXPORTS = {
    **dict.fromkeys(("LoraConfig", "AdaLoraConfig", "IA3Config", "BottleneckConfig", "PromptConfig"), "config"),
    **dict.fromkeys(("Adapted", "apply", "add", "merge", "combine"), "many"),
    **dict.fromkeys(("save_adapter", "load_adapter"), "peft_files"),
    "quantize": "qlora",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.tuning.efficient has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
