"""tokenizer.json and tokenizer_config.json: a tokenizer as the whole ecosystem writes and reads it.

Written: byte-level BPE in the form of Hugging Face `tokenizers`, so that `transformers` gives the same ids and chats.
Read: the same form, from anybody. A file with a part that would change the ids and is not implemented here is refused,
and the part is named. Bytes are spelled with the 256 visible characters that GPT-2 gave them.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup import files
from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers.splitting import PATTERNS

if TYPE_CHECKING:
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer

ROLES = ("bos_token", "eos_token", "pad_token")


@functools.cache
def byte_characters() -> list[str]:
    """The character that spells each byte: itself where it is visible, else the next one from U+0100 on.

    >>> byte_characters()[ord("A")], byte_characters()[ord(" ")]
    ('A', 'Ġ')
    """
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in visible else chr(next(others)) for byte in range(256)]


@functools.cache
def _character_bytes() -> dict[int, int]:
    return {ord(character): byte for byte, character in enumerate(byte_characters())}


def spell(token: bytes) -> str:
    """A token as tokenizer.json spells it."""
    return "".join(byte_characters()[byte] for byte in token)


def unspell(text: str) -> bytes:
    """The bytes that tokenizer.json means; KeyError for a character that spells none."""
    known = _character_bytes()
    return bytes([known[ord(character)] for character in text])


def _byte_level(use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": use_regex}


def _pre_tokenizer(pattern: str) -> dict[str, Any]:
    if pattern == "gpt2":
        return _byte_level(True)
    split = {"type": "Split", "pattern": {"Regex": PATTERNS[pattern]}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, _byte_level(False)]}


def _added(tokenizer: "ByteLevelTokenizer") -> list[dict[str, Any]]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    in_order = sorted(tokenizer.special_tokens.items(), key=lambda item: item[1])
    return [{"id": id, "content": token, **flags} for token, id in in_order]


def to_dicts(tokenizer: "ByteLevelTokenizer") -> tuple[dict[str, Any], dict[str, Any]]:
    """The contents of tokenizer.json and tokenizer_config.json."""
    vocabulary = {spell(token): id for token, id in tokenizer.vocabulary.items()} | tokenizer.special_tokens
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
        "merges": [[spell(left), spell(right)] for left, right in tokenizer.merges],
    }
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": _added(tokenizer),
        "normalizer": None,
        "pre_tokenizer": _pre_tokenizer(tokenizer.pattern),
        "post_processor": None,
        "decoder": _byte_level(True),
        "model": model,
    }
    roles = {role: getattr(tokenizer, role) for role in ROLES if getattr(tokenizer, role) is not None}
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


def save_tokenizer(folder: str | Path, tokenizer: "ByteLevelTokenizer") -> None:
    """Write the two files into a folder, which is made if it does not exist."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, content in zip(("tokenizer.json", "tokenizer_config.json"), to_dicts(tokenizer), strict=True):
        files.write_json(Path(folder) / name, content)


def _refuse(path: Path, part: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{path}: {part} would change the ids and is not implemented; use a byte-level BPE tokenizer without it"
    )


def _pattern_of(path: Path, raw: Any) -> str:
    """The split pattern that a pre_tokenizer means."""
    for name in PATTERNS:
        expected, given = _pre_tokenizer(name), json.loads(json.dumps(raw))
        for part in (expected, given):
            for step in (part or {}).get("pretokenizers", [part or {}]):
                if step.get("type") == "ByteLevel":
                    step.setdefault("use_regex", True)
                    step["trim_offsets"] = False  # decides places in the text, not ids
        if given == expected:
            return name
    kinds = [step.get("type") for step in (raw or {}).get("pretokenizers", [raw or {}])]
    raise _refuse(path, f"its pre_tokenizer ({' + '.join(map(str, kinds))})")


def _check_parts(path: Path, raw: Mapping[str, Any]) -> None:
    """Refuse what this reader would not do as the file says."""
    model = raw["model"]
    if model.get("type", "BPE") != "BPE":
        raise _refuse(path, f"its model {model['type']}")
    for part in ("normalizer", "truncation", "padding"):
        if raw.get(part):
            raise _refuse(path, f"its {part} ({raw[part].get('type', 'set')})")
    for option in (
        "dropout",
        "unk_token",
        "continuing_subword_prefix",
        "end_of_word_suffix",
        "fuse_unk",
        "byte_fallback",
        "ignore_merges",
    ):
        if model.get(option):
            raise _refuse(path, f"its model option {option}={model[option]!r}")
    for part in ("post_processor", "decoder"):
        if (raw.get(part) or {"type": "ByteLevel"})["type"] != "ByteLevel":
            raise _refuse(path, f"its {part} ({raw[part]['type']})")
    for token in raw.get("added_tokens", []):
        flags = [flag for flag in ("single_word", "lstrip", "rstrip") if token.get(flag)]
        if flags or not token.get("special", True):
            raise _refuse(path, f"its added token {token['content']!r} ({', '.join(flags) or 'not special'})")


def _merges(model: Mapping[str, Any], vocabulary: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    merges = []
    for pair in model["merges"]:
        left, right = map(unspell, pair.split(" ") if isinstance(pair, str) else pair)
        if not {left, right, left + right} <= vocabulary.keys():
            raise ValueError(f"merge {pair} is not in the vocabulary")
        merges.append((left, right))
    return merges


def _token_text(value: Any) -> str | None:
    """A token in tokenizer_config.json: a string, or a dict that holds it."""
    return value["content"] if isinstance(value, Mapping) else value


def _chat_template(config: Mapping[str, Any]) -> str | None:
    """The chat template in tokenizer_config.json; of several, which have names, the default."""
    template = config.get("chat_template")
    if isinstance(template, list):
        template = {entry["name"]: entry["template"] for entry in template}.get("default")
    return template


def from_dicts(
    path: Path, raw: Mapping[str, Any], config: Mapping[str, Any], chat_template: str | None
) -> "ByteLevelTokenizer":
    """Build the tokenizer that the two files describe."""
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer

    try:
        _check_parts(path, raw)
        pattern = _pattern_of(path, raw["pre_tokenizer"])
        special = {token["content"]: token["id"] for token in raw.get("added_tokens", [])}
        vocabulary = {unspell(token): id for token, id in raw["model"]["vocab"].items() if token not in special}
        missing = [byte for byte in range(256) if bytes([byte]) not in vocabulary]
        if missing:
            raise ValueError(f"byte {missing[0]} has no token")
        ids = [*vocabulary.values(), *special.values()]
        if len(set(ids)) < len(ids) or not all(isinstance(id, int) and id >= 0 for id in ids):
            raise ValueError("its ids repeat or are no numbers")
        merges = _merges(raw["model"], vocabulary)
        roles = {role: _token_text(config.get(role)) for role in ROLES}
        unknown = [token for token in roles.values() if token is not None and token not in special]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is named in tokenizer_config.json but is no added token")
        template = chat_template if chat_template is not None else _chat_template(config)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{path} is damaged ({error!r}); copy it again or run `groundup tokenizer train`") from error
    return ByteLevelTokenizer(
        vocabulary, merges, pattern=pattern, special_tokens=special, chat_template=template, **roles
    )


def load_tokenizer(path: str | Path) -> "ByteLevelTokenizer":
    """Read a tokenizer from a folder or from its tokenizer.json."""
    file = Path(path) / "tokenizer.json" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        where = f"{path} has no tokenizer.json" if Path(path).is_dir() else f"{path} does not exist"
        raise InputError(f"{where}; run `groundup tokenizer train` or pass --tokenizer")
    config_file, template_file = file.with_name("tokenizer_config.json"), file.with_name("chat_template.jinja")
    config = files.read_json(config_file) if config_file.is_file() else {}
    template = (
        template_file.read_text(encoding="utf-8") if template_file.is_file() else None
    )  # as newer folders have it
    return from_dicts(file, files.read_json(file), config, template)
