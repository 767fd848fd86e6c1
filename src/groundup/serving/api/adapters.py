"""Adapters of the models behind a port: which weights are changed how, chosen a request.

    groundup serve runs/demo/model --adapter poet=runs/poet/model

    model: "demo"            the model itself
    model: "poet"            the model with the adapter; "demo:poet" means the same

A row of a batch may have another adapter than its neighbour, so an adapter is part of the engine's request and not of the model. Its folder is PEFT's
(`tuning/efficient/peft_files.py`). It is put on and taken off between two steps, by the thread that makes them. In the engine each has a name that was never
there before, so that nothing that was kept of another one is found under it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.errors import InputError
from groundup.serving.api.errors import ApiError

Folders = Mapping[str, Mapping[str, str | Path]]
"""For a model's name the folders of its adapters by theirs."""


def divided(name: str, models: Mapping[str, Any], folders: Folders) -> tuple[str, str | None]:
    """The model and the adapter that a name means; a model's own name may hold a colon. 404 with the names that there are.

    >>> divided("poet", {"demo": "a"}, {"demo": {"poet": "b"}}), divided("demo:poet", {"demo": "a"}, {"demo": {"poet": "b"}})
    (('demo', 'poet'), ('demo', 'poet'))
    """
    if name in models:
        return name, None
    if (owner := next((model for model, named in folders.items() if name in named), None)) is not None:
        return owner, name
    model, _, adapter = name.rpartition(":")
    if model not in models:
        there = ", ".join([*models, *(one for named in folders.values() for one in named)])
        raise _missing(f"The model '{name}' does not exist; this server has {there}")
    if adapter not in (known := folders.get(model, {})):
        raise _missing(
            f"The model '{model}' has no adapter '{adapter}'; it has {', '.join(known) or 'none'}, so leave it out"
        )
    return model, adapter


def _missing(message: str) -> ApiError:
    return ApiError(404, message, param="model", code="model_not_found")


def put_on(engine: Any, name: str, folder: str | Path) -> None:
    """Put the adapter of a folder on an engine's model, silent but for the rows that name it."""
    from groundup.tuning.efficient.peft_files import load_adapter

    adapted = load_adapter(folder, engine.adapters or engine.module, name)
    adapted.activate()
    try:
        adapted.fits_a_row(name)
    except InputError:
        adapted.remove(name)
        raise
    adapted.eval()
    engine.adapters = adapted


def take_off(engine: Any, name: str) -> None:
    """Take an adapter off; refused while answers are written under it."""
    if count := sum(row.request.adapter == name for row in engine.rows.values()):
        raise InputError(f"{count} answers are written under this adapter now; ask again when they are finished")
    engine.adapters.remove(name)
