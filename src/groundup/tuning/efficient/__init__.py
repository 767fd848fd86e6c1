"""Parameter-efficient tuning: a finished model is frozen, and something small beside it learns.

config       what each method is told, by PEFT's names
lora         LoRA, rank-stabilised, DoRA, first matrices by PiSSA and OLoRA
adalora      AdaLoRA: rank where it matters
qlora        the frozen matrices in NF4 with double quantised sizes
adapters     bottleneck and parallel adapters, IA3
prompts      prompt tuning, P-tuning, prefix tuning
around       what stands in a layer's place: those that are active, or for each row its own
targets      which layers a configuration names
many         several on one base: switched, combined, disabled, swapped, one a row, merged
combining    the weighted sum of several LoRA adapters as one
peft_files   adapter_config.json and adapter_model.safetensors, as PEFT reads and writes them
"""

import importlib
from typing import Any

from groundup.inference.readers import ADAPTER, READERS

_EXPORTS = {
    **dict.fromkeys(("LoraConfig", "AdaLoraConfig", "IA3Config", "BottleneckConfig", "PromptConfig"), "config"),
    **dict.fromkeys(("Adapted", "apply", "add", "merge"), "many"),
    **dict.fromkeys(("save_adapter", "load_adapter"), "peft_files"),
    "combine": "combining",
    "quantize": "qlora",
}


def offer_reader() -> None:
    """From now on `groundup.inference.handle.load` reads an adapter's folder too: its base, with the adapter in it."""

    def read(folder: Any, **options: Any) -> Any:
        from groundup.tuning.efficient.peft_files import load_with_base

        return load_with_base(folder, **options)

    READERS[ADAPTER] = read


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.tuning.efficient has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
