"""A trained thing as a folder: what it is, its numbers, its words, and checksums of them all.

    config.json        {"model_type": ..., and what it was told}
    vocab.json         words, tags and other names: what the numbers are about; or the files of a tokenizer
    model.safetensors  the numbers, by name
    checksums.json     the sha256 of each

A folder is whole or not there (`groundup.files`). No pickle is read or written.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from groundup import files
from groundup.errors import FormatError, InputError

CONFIG, VOCABULARY, WEIGHTS = "config.json", "vocab.json", "model.safetensors"


def write(
    folder: str | Path,
    config: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    vocabulary: Mapping[str, Any] | Callable[[Path], None],
) -> None:
    """Write a model's folder, in place of what stood there.

    config: with its `model_type`. vocabulary: JSON by name, or what writes files of its own into the folder that it is given.
    """
    assert "model_type" in config, f"a configuration without model_type: {list(config)}"
    with files.atomic_folder(folder) as temporary:
        files.write_json(temporary / CONFIG, dict(config))
        if callable(vocabulary):
            vocabulary(temporary)
        else:
            files.write_json(temporary / VOCABULARY, dict(vocabulary))
        contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        safetensors.numpy.save_file(contiguous, temporary / WEIGHTS)
        files.write_checksums(temporary)


def read(
    folder: str | Path, model_type: str, names: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    """Read a model's folder: its configuration, arrays and vocabulary; what is missing or damaged is named.

    names: arrays that must be there, none of which may hold NaN.
    """
    config, arrays = read_numbers(folder, model_type, names)
    vocabulary = files.read_json(Path(folder) / VOCABULARY)
    if not isinstance(vocabulary, dict):
        raise FormatError(f"{Path(folder) / VOCABULARY} holds no names; train and save the model again")
    return config, arrays, vocabulary


def read_numbers(
    folder: str | Path, model_type: str, names: tuple[str, ...] = ()
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The same without the vocabulary, for models that have a tokenizer in its place."""
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise InputError(f"{folder} is no model folder: it has no {CONFIG}; give the one that save() wrote")
    config = files.read_json(folder / CONFIG)
    found = config.get("model_type") if isinstance(config, dict) else None
    if found != model_type:
        raise InputError(f"{folder / CONFIG} has model_type {found!r}, not {model_type!r}; give a folder of that kind")
    files.verify_checksums(folder)
    return config, _arrays(folder / WEIGHTS, names)


def _arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        arrays = safetensors.numpy.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise FormatError(f"{path} is damaged or cut short ({error}); train and save the model again") from error
    for name in names:
        if name not in arrays:
            raise FormatError(f"{path} has no {name}; train and save the model again")
        if arrays[name].dtype.kind == "f" and np.isnan(arrays[name]).any():
            raise FormatError(f"{path}: {name} holds NaN; train and save the model again")
    return arrays
