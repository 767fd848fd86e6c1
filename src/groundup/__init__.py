"""groundup builds a language model from the ground up: raw text in, a trained and served model out.

    import groundup as gu
    model = gu.load("runs/demo/model")
    print(model.generate("The cat"))

Importing this is light: a room is imported when its name is first used, so neither torch nor numba is loaded here.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "load": "groundup.inference.handle",
    "load_tokenizer": "groundup.text.tokenizers",
    "train_tokenizer": "groundup.text.tokenizers",
    "train": "groundup.training.loop",
    "use": "groundup.slots",
}
__all__ = ["__version__", "load", "load_tokenizer", "train", "train_tokenizer", "use"]


def __getattr__(name: str) -> Any:
    if name == "load":  # it also reads what a room further down than its own has made
        importlib.import_module("groundup.tuning.efficient").offer_reader()
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"groundup has no {name!r}; it exports {', '.join(_EXPORTS)}")


def __dir__() -> list[str]:
    return sorted(__all__)
