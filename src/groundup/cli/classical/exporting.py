"""`groundup export` of n-grams and vectors, to the files that other tools read."""

from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, InputError

FORMS = {"arpa": "ngram", "word2vec": "word_vectors", "word2vec_binary": "word_vectors"}  # --to -> model_type


def export(path: Path, model_type: str | None, to: str, out: Path, told: dict[str, Any]) -> Path:
    """Write the file; the path of it. told: flags of other kinds of export, which are refused."""
    from groundup.cli.classical import load, named

    if not path.exists():
        raise InputError(f"{path} is not there; give a model folder or file")
    if FORMS.get(to) != model_type or model_type is None:
        forms = " or ".join(f"--to {form}" for form, kind in FORMS.items() if kind == model_type)
        what = "not a model of counts or vectors" if model_type is None else named(model_type)
        way = (
            f"use {forms}"
            if forms
            else "it is written in its own folder only"
            if model_type
            else "use --to gguf, onnx or huggingface"
        )
        raise ConfigError(f"{path} is {what}, which --to {to} does not write; {way}")
    for name, value in told.items():
        if value:
            raise ConfigError(f"--{name} says nothing about --to {to}; leave it out")
    model = load(path, model_type)
    if to == "arpa":
        model.to_arpa(out)
    else:
        model.save_word2vec(out, binary=to == "word2vec_binary")
    return out
