"""tokenizer.json and tokenizer_config.json: a tokenizer as the whole ecosystem writes and reads it.

One file holds all parts: normaliser, pre-tokenizer, model, post-processor, decoder, added tokens. Whatever is written here
gives the same ids in Hugging Face `tokenizers` and `transformers`; whatever they write is read, and a part that would
change the ids and is not implemented is refused by name. BPE over bytes with a published split pattern takes the fast
tokenizer, everything else the pipeline of parts. The other file says which token ends a text, and how chats are written.

No effect have `truncation` and `padding` (they belong to whoever makes a batch, in `transformers` too) and the clean-up of
spaces that tokenizer_config.json may ask for (it breaks texts; where a decoder wants it, the decoder says so). Files
from before tokenizer.json: `vocabulary_files`.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup import files
from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers.added_tokens import AddedToken, added_tokens_of
from groundup.text.tokenizers.byte_characters import byte_characters, spell, unspell
from groundup.text.tokenizers.decoders import read_decoder
from groundup.text.tokenizers.normalizers import read_normalizer
from groundup.text.tokenizers.parts import Part
from groundup.text.tokenizers.post_processors import read_post_processor
from groundup.text.tokenizers.pre_tokenizers import read_pre_tokenizer
from groundup.text.tokenizers.splitting import PATTERNS

if TYPE_CHECKING:
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
    from groundup.text.tokenizers.tokenizer import Tokenizer

# Each model's file and class, loaded when a tokenizer.json names it.
MODELS = {
    "BPE": ("character_bpe", "CharacterBPE"),
    "WordPiece": ("wordpiece", "WordPiece"),
    "Unigram": ("unigram", "Unigram"),
    "WordLevel": ("word", "WordLevel"),
}
_BPE_OPTIONS = (
    "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback",
    "ignore_merges",
)  # fmt: skip


def _byte_level(use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": use_regex}


def _pre_tokenizer(pattern: str) -> dict[str, Any]:
    if pattern == "gpt2":
        return _byte_level(True)
    split = {"type": "Split", "pattern": {"Regex": PATTERNS[pattern]}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, _byte_level(False)]}


def byte_level_parts(tokenizer: "ByteLevelTokenizer") -> dict[str, Any]:
    """Pre-tokenizer, decoder and model of a byte-level tokenizer."""
    added = {token.content: token.id for token in tokenizer.added_tokens}
    vocabulary = {spell(token): id for token, id in tokenizer.vocabulary.items()} | added
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": tokenizer.ignore_merges,
        "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
        "merges": [[spell(left), spell(right)] for left, right in tokenizer.merges],
    }
    return {"pre_tokenizer": _pre_tokenizer(tokenizer.pattern), "decoder": _byte_level(True), "model": model}


def _written(token: AddedToken) -> dict[str, Any]:
    return {"id": token.id, "content": token.content} | token.to_json()


def _part(part: Part | None) -> dict[str, Any] | None:
    return None if part is None else part.to_json()


def to_dicts(tokenizer: "Tokenizer") -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of tokenizer.json and tokenizer_config.json."""
    parts = tokenizer.to_json()
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": list(map(_written, tokenizer.added_tokens)),
        "normalizer": _part(tokenizer.normalizer),
        "pre_tokenizer": parts["pre_tokenizer"],
        "post_processor": _part(tokenizer.post_processor),
        "decoder": parts["decoder"],
        "model": parts["model"],
    }
    roles = tokenizer.roles
    others = [token for token in tokenizer.special_tokens if token not in roles.values()]
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **roles,
        "additional_special_tokens": others,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 10**30,  # by convention: not limited by the tokenizer
    }
    if tokenizer.chat_template is not None:
        config["chat_template"] = tokenizer.chat_template
    return whole, config


def save_tokenizer(folder: str | Path, tokenizer: "Tokenizer") -> None:
    """Write the two files into a folder, which is made if it does not exist."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, content in zip(("tokenizer.json", "tokenizer_config.json"), to_dicts(tokenizer), strict=True):
        files.write_json(Path(folder) / name, content)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Name the file in what is said about it: a part that is not implemented, or damage."""
    try:
        yield
    except UnsupportedModel as error:
        raise UnsupportedModel(f"{path}: {error}") from error
    except FormatError as error:
        raise error if str(path) in str(error) else FormatError(f"{path}: {error}") from error
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        said = f"{error}" if type(error) is ValueError else repr(error)
        raise FormatError(f"{path} is damaged ({said}); copy it again or run `groundup tokenizer train`") from error


def _pattern_of(raw: Any) -> str | None:
    """The published split pattern that a pre_tokenizer means, or None."""
    for name in PATTERNS:
        expected, given = _pre_tokenizer(name), json.loads(json.dumps(raw))
        for part in (expected, given):
            for step in (part or {}).get("pretokenizers", [part or {}]):
                if step.get("type") == "ByteLevel":
                    step.setdefault("use_regex", True)
                    step["trim_offsets"] = False  # decides places in the text, not ids
        if given == expected:
            return name
    return None


def read_model(raw: Mapping[str, Any]) -> Any:
    """The model that a tokenizer.json describes."""
    kind = raw.get("type") or ("BPE" if "merges" in raw else None)
    if kind not in MODELS:
        raise UnsupportedModel(
            f"its model {kind} would change the ids and is not implemented; use a tokenizer whose model is one of "
            + ", ".join(MODELS)
        )
    file, name = MODELS[kind]
    model = getattr(importlib.import_module(f"groundup.text.tokenizers.{file}"), name)
    return model.from_json(raw)


def checked_merges(pairs: Any, vocabulary: Mapping[Any, int], read: Any) -> list[tuple[Any, Any]]:
    """Merges as pairs of tokens, each of which is in the vocabulary, as is what they make; none comes twice."""
    merges: dict[tuple[Any, Any], None] = {}
    for pair in pairs:
        left, right = map(read, pair.split(" ") if isinstance(pair, str) else pair)
        if not {left, right, left + right} <= vocabulary.keys():
            raise ValueError(f"merge {pair} is not in the vocabulary")
        if (left, right) in merges:
            raise ValueError(f"merge {pair} stands there twice")
        merges[left, right] = None
    return list(merges)


def byte_vocabulary(
    vocab: Mapping[str, int], pairs: Any, added: Mapping[str, Any]
) -> tuple[dict[bytes, int], list[tuple[bytes, bytes]]] | None:
    """Ordinary tokens and merges of byte-level BPE, or None where a byte has no token."""
    if any(character not in vocab for character in byte_characters()):
        return None
    made = {"".join(pair.split(" ") if isinstance(pair, str) else pair) for pair in pairs} | set(byte_characters())
    vocabulary = {unspell(token): id for token, id in vocab.items() if token not in added or token in made}
    return vocabulary, checked_merges(pairs, vocabulary, unspell)


def _fast_tokenizer(raw: Mapping[str, Any], arguments: dict[str, Any]) -> "ByteLevelTokenizer | None":
    """The byte-level tokenizer that does what these parts say, or None."""
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer

    model, pattern = raw["model"], _pattern_of(raw.get("pre_tokenizer"))
    plain = not any(model.get(option) for option in _BPE_OPTIONS if option != "ignore_merges")
    byte_decoder = (raw.get("decoder") or {}).get("type") == "ByteLevel"
    if model.get("type", "BPE") != "BPE" or not plain or pattern is None or not byte_decoder:
        return None
    added = {token.content: token.id for token in arguments["added_tokens"]}
    contents = byte_vocabulary(model["vocab"], model["merges"], added)
    if contents is None:
        return None
    unknown = model.keys() - {"type", "vocab", "merges", *_BPE_OPTIONS}
    if unknown:
        raise UnsupportedModel(f"its model BPE has the option {sorted(unknown)[0]!r}; use a tokenizer without it")
    whole = bool(model.get("ignore_merges"))
    return ByteLevelTokenizer(*contents, pattern=pattern, special_tokens={}, ignore_merges=whole, **arguments)


def _check_ids(vocabulary: Mapping[str, int], added: list[AddedToken]) -> None:
    """Every token has its own id; an added token may stand in the vocabulary too, under the same id."""
    pairs = {*vocabulary.items(), *((token.content, token.id) for token in added)}
    ids = [id for _, id in pairs]
    if not all(type(id) is int and id >= 0 for id in ids):
        raise ValueError("its ids are no whole numbers from 0 on")
    if len(set(ids)) < len(ids) or len({content for content, _ in pairs}) < len(pairs):
        raise ValueError("its ids repeat")


def chat_template_of(config: Mapping[str, Any]) -> str | None:
    """The chat template in tokenizer_config.json; of several, which have names, the default."""
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return template


def from_dicts(path: Path, raw: Mapping[str, Any], config: Mapping[str, Any], chat_template: str | None) -> "Tokenizer":
    """Build the tokenizer that the two files describe. chat_template: goes before the one in `config`."""
    from groundup.text.tokenizers.pipeline import PipelineTokenizer

    with reading(path):
        vocab = raw["model"]["vocab"]
        vocabulary = vocab if isinstance(vocab, Mapping) else {piece: id for id, (piece, _) in enumerate(vocab)}
        added, roles = added_tokens_of(raw.get("added_tokens"), config, vocabulary)
        _check_ids(vocabulary, added)
        arguments = {
            "added_tokens": added,
            "normalizer": read_normalizer(raw.get("normalizer")),
            "post_processor": read_post_processor(raw.get("post_processor")),
            "chat_template": chat_template if chat_template is not None else chat_template_of(config),
            **roles,
        }
        pre_tokenizer, decoder = read_pre_tokenizer(raw.get("pre_tokenizer")), read_decoder(raw.get("decoder"))
        return _fast_tokenizer(raw, arguments) or PipelineTokenizer(
            read_model(raw["model"]), pre_tokenizer=pre_tokenizer, decoder=decoder, **arguments
        )


def read_config(folder: Path) -> tuple[dict[str, Any], str | None]:
    """What a folder says beside its vocabulary: tokenizer_config.json, special_tokens_map.json, the chat template."""
    found: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            with reading(folder / name):
                found |= {key: value for key, value in files.read_json(folder / name).items() if value is not None}
    template = folder / "chat_template.jinja"  # as newer folders have it
    return found, template.read_text(encoding="utf-8") if template.is_file() else None


def _file_in(folder: Path) -> Path:
    """The file of a folder that holds its tokenizer."""
    names = ("tokenizer.json", "vocab.json", "encoder.json", "vocab.txt")
    found = [folder / name for name in names if (folder / name).is_file()]
    found += [file for kind in ("*.model", "*.tiktoken") for file in sorted(folder.glob(kind))]
    if not found:
        raise InputError(f"{folder} has no tokenizer.json; run `groundup tokenizer train` or pass --tokenizer")
    return found[0]


def load_tokenizer(path: str | Path, pattern: str | None = None) -> "Tokenizer":
    """Read a tokenizer from a folder or a file of any known format.

    pattern: the split pattern, a name in `splitting.PATTERNS`, for files that do not say it: tiktoken ranks of another
    name than the published ones, and vocab.json with merges.txt (GPT-2's without it).
    """
    from groundup.text.tokenizers import vocabulary_files

    file = _file_in(Path(path)) if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise InputError(f"{path} does not exist; run `groundup tokenizer train` or pass --tokenizer")
    config, template = read_config(file.parent)
    read = vocabulary_files.reader_of(file)
    if read is not None:
        return read(file, config, template, pattern)
    if pattern is not None:
        raise InputError(f"{file} says itself how it splits texts; leave pattern={pattern!r} out")
    return from_dicts(file, files.read_json(file), config, template)
