"""The tokenizer in a GGUF file's metadata, read into one of ours and written from one.

    tokenizer.ggml.model          "gpt2": byte-level BPE by merges       "llama": SentencePiece's BPE by scores
    tokenizer.ggml.pre            how texts are cut before any merge, by a name: "gpt-2", "llama-bpe", "qwen2", "smollm" ...
    tokenizer.ggml.tokens         every token by its id, spelled as tokenizer.json spells it
    tokenizer.ggml.token_type     1 normal, 2 unknown, 3 control, 4 added but no control token, 5 unused, 6 a byte
    tokenizer.ggml.merges         "left right", in the order learned     .scores: the higher, the earlier it is merged
    tokenizer.ggml.bos_token_id   and eos, unknown, padding, seperator (so spelled), mask
    tokenizer.ggml.add_bos_token  whether a text begins with it; add_eos_token, add_space_prefix
    tokenizer.chat_template       Jinja, as in tokenizer_config.json

Reading goes by way of the parts of a tokenizer.json (`formats`) or the pieces of a SentencePiece model, so ids are those of the
same tokenizer from its other files. Scores are not in a tokenizer.json: writing gives each piece the rank of its first merge, with a
minus, which orders the same merges in the same way. The keys are ggml's, the names of `pre` llama.cpp's.
Left out: WordPiece ("bert"), Unigram ("t5"), RWKV; a normaliser other than the visible space (NFC before Qwen's, which
llama.cpp leaves out too, is passed over); names of `pre` that are not in PRE: refused, as a wrong cut changes ids without a word.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup.errors import FormatError, UnsupportedModel
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.pipeline import PipelineTokenizer
from groundup.text.tokenizers.post_processors import read_post_processor, surrounded
from groundup.text.tokenizers.sentencepiece_normalizer import SPACE, SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_tokenizer import (
    BYTE,
    CONTROL,
    NORMAL,
    UNKNOWN,
    UNUSED,
    USER_DEFINED,
    Piece,
    SentencePieceTokenizer,
)
from groundup.text.tokenizers.splitting import PATTERNS
from groundup.text.tokenizers.tokenizer import Tokenizer

ROLES = {
    "bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding", "sep_token": "seperator",
    "mask_token": "mask",
}  # fmt: skip
NO_TOKENIZER = ("no_vocab", "none", None)


def _bytes(use_regex: bool) -> dict[str, Any]:
    return {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": use_regex}


def _cut_by(pattern: str) -> dict[str, Any]:
    split = {"type": "Split", "pattern": {"Regex": PATTERNS[pattern]}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [split, _bytes(False)]}


_DIGITS = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, _bytes(True)]}
# name -> the pre_tokenizer of the same models' tokenizer.json, and whether a whole piece is looked up before merging
PRE: dict[str, tuple[dict[str, Any], bool]] = {
    "gpt-2": (_bytes(True), False),
    "smollm": (_DIGITS, False),  # digits one by one, then GPT-2's pattern
    "qwen2": (_cut_by("qwen2"), False),
    "llama-bpe": (_cut_by("llama3"), True),
    "dbrx": (_cut_by("llama3"), False),
    "gpt-4o": (_cut_by("o200k"), False),
    **dict.fromkeys(("phi-2", "olmo", "jais", "mpt"), (_bytes(True), False)),
    **dict.fromkeys(("starcoder", "refact", "command-r", "codeshell", "exaone"), (_DIGITS, False)),
    **dict.fromkeys(("stablelm2", "deepseek-r1-qwen"), (_cut_by("qwen2"), False)),
    **dict.fromkeys(("llama3", "llama-v3", "falcon3", "lfm2"), (_cut_by("llama3"), True)),
    "smaug-bpe": (_cut_by("llama3"), False),
}


# ───────── in ─────────


def read_vocabulary(metadata: Mapping[str, Any], origin: str | Path) -> Tokenizer | None:
    """The tokenizer of a file's metadata, or None where it holds none. origin: named in what is said about it."""
    kind = metadata.get("tokenizer.ggml.model")
    if kind in NO_TOKENIZER:
        return None
    if kind not in _READERS:
        raise UnsupportedModel(
            f"{origin}: its tokenizer of type {kind!r} is not implemented; use a model whose tokenizer is one of "
            + ", ".join(_READERS)
        )
    tokens = metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens:
        raise FormatError(f"{origin} lacks tokenizer.ggml.tokens, the vocabulary; convert the model again")
    kinds = np.asarray(metadata.get("tokenizer.ggml.token_type", np.ones(len(tokens), np.int32))).tolist()
    if len(kinds) != len(tokens):
        raise FormatError(f"{origin} has {len(tokens)} tokens but {len(kinds)} token types; convert the model again")
    roles = {role: metadata.get(f"tokenizer.ggml.{word}_token_id") for role, word in ROLES.items()}
    named = {role: int(id) for role, id in roles.items() if id is not None and id < len(tokens)}
    return _READERS[kind](metadata, tokens, kinds, named, origin)


def _read_merges(
    metadata: Mapping[str, Any], tokens: Sequence[str], kinds: Sequence[int], roles: Mapping[str, int], origin: Any
) -> Tokenizer:
    """Byte-level BPE, by way of the tokenizer.json that says the same."""
    from groundup.text.tokenizers.formats import from_dicts

    pre = metadata.get("tokenizer.ggml.pre")
    if pre not in PRE:
        raise UnsupportedModel(
            f"{origin}: tokenizer.ggml.pre={pre!r}, the way its texts are cut, is not implemented; there are {', '.join(PRE)}"
        )
    merges = metadata.get("tokenizer.ggml.merges")
    if not isinstance(merges, list):
        raise FormatError(f"{origin} lacks tokenizer.ggml.merges; convert the model again")
    pre_tokenizer, whole = PRE[pre]
    added = [
        {"id": id, "content": token, "special": kind != USER_DEFINED, "normalized": False}
        for id, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
        if kind in (CONTROL, UNKNOWN, USER_DEFINED)
    ]
    vocab = {token: id for id, (token, kind) in enumerate(zip(tokens, kinds, strict=True)) if kind != UNUSED}
    if len(vocab) < len(tokens) - list(kinds).count(UNUSED):
        raise FormatError(f"{origin}: a token stands twice in tokenizer.ggml.tokens; convert the model again")
    names = {role: tokens[id] for role, id in roles.items()}
    said = "tokenizer.ggml.add_bos_token" in metadata  # that nothing begins a text is not the same as nothing said
    raw = {
        "added_tokens": added,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": _marks(metadata, tokens, roles, whole) or (_bytes(True) if said else None),
        "decoder": _bytes(True),
        "model": {"type": "BPE", "vocab": vocab, "merges": merges, "ignore_merges": whole},
    }
    return from_dicts(Path(origin), raw, names, metadata.get("tokenizer.chat_template"))


def _read_scores(
    metadata: Mapping[str, Any], tokens: Sequence[str], kinds: Sequence[int], roles: Mapping[str, int], origin: Any
) -> Tokenizer:
    """SentencePiece's BPE, by way of its pieces."""
    scores = np.asarray(metadata.get("tokenizer.ggml.scores", ()), np.float32).tolist()
    if len(scores) != len(tokens):
        raise FormatError(f"{origin} has {len(tokens)} tokens but {len(scores)} scores; convert the model again")
    controls = {id for role, id in roles.items() if role != "unk_token"}
    pieces = [
        Piece(token, score, CONTROL if id in controls else kind)
        for id, (token, score, kind) in enumerate(zip(tokens, scores, kinds, strict=True))
    ]
    while pieces and pieces[-1].kind == UNUSED:  # fills the matrix up to a round number
        pieces.pop()
    marks = _marks(metadata, tokens, roles, True)
    try:
        return scored_pieces(
            pieces,
            space_prefix=bool(metadata.get("tokenizer.ggml.add_space_prefix", True)),
            post_processor=read_post_processor(marks),
            chat_template=metadata.get("tokenizer.chat_template"),
            **{role: tokens[id] for role, id in roles.items() if role != "unk_token"},
        )
    except (FormatError, UnsupportedModel) as error:
        raise type(error)(f"{origin}: {error}") from error


_READERS = {"gpt2": _read_merges, "llama": _read_scores}


def scored_pieces(
    pieces: Sequence[Piece], *, space_prefix: bool = True, post_processor: Any = None, **others: Any
) -> Tokenizer:
    """A tokenizer of pieces with scores, as LLaMA's first two generations have it.

    Nothing is normalised but the space, which becomes visible. Pieces of the user's own are found before anything else.
    """
    own = [
        AddedToken(id=id, content=piece.text, special=False)
        for id, piece in enumerate(pieces)
        if piece.kind == USER_DEFINED
    ]
    made = SentencePieceTokenizer(
        [Piece(one.text, one.score, NORMAL if one.kind == USER_DEFINED else one.kind) for one in pieces],
        model="bpe",
        rules=SentencePieceNormalizer(add_dummy_prefix=space_prefix, remove_extra_whitespaces=False),
        byte_fallback=any(piece.kind == BYTE for piece in pieces),
        post_processor=post_processor,
        **others,
    )
    if not own:
        return made
    parts = made.pipeline()
    return PipelineTokenizer(
        parts.model,
        normalizer=parts.normalizer,
        pre_tokenizer=parts.pre_tokenizer,
        post_processor=post_processor,
        decoder=parts.decoder,
        added_tokens=[*made.added_tokens, *own],
        chat_template=made.chat_template,
        **made.roles,
    )


def _marks(
    metadata: Mapping[str, Any], tokens: Sequence[str], roles: Mapping[str, int], usual: bool
) -> dict[str, Any] | None:
    """The post_processor that puts begin and end around a text; usual: whether it begins so where the file says nothing."""
    wanted = {
        "bos_token": metadata.get("tokenizer.ggml.add_bos_token", usual),
        "eos_token": metadata.get("tokenizer.ggml.add_eos_token", False),
    }
    before, behind = ([roles[role]] if wanted[role] and role in roles else [] for role in wanted)
    return marks([(tokens[id], id) for id in before], [(tokens[id], id) for id in behind])


def marks(before: Sequence[tuple[str, int]], behind: Sequence[tuple[str, int]] = ()) -> dict[str, Any] | None:
    """A post_processor of tokenizer.json that puts control tokens (each with its id) around a text; None for none."""
    return surrounded(before, behind).to_json() if before or behind else None


# ───────── out ─────────


def write_vocabulary(tokenizer: Tokenizer, vocab_size: int = 0) -> dict[str, Any]:
    """The metadata of a tokenizer. vocab_size: the model's; ids without a token become unused ones.

    UnsupportedModel: a tokenizer that no reader of GGUF would give the same ids.
    """
    from groundup.text.tokenizers.formats import to_dicts

    raw, _ = to_dicts(tokenizer.pipeline() if isinstance(tokenizer, SentencePieceTokenizer) else tokenizer)
    model = raw["model"]
    contents = {id: token for token, id in model["vocab"].items()} if model.get("type") == "BPE" else {}
    contents |= {token.id: token.content for token in tokenizer.added_tokens}
    size = max(vocab_size, tokenizer.vocab_size)
    tokens = [contents.get(id, f"[PAD{id}]") for id in range(size)]
    kinds = np.array([NORMAL if id in contents else UNUSED for id in range(size)], np.int32)
    for token in tokenizer.added_tokens:
        kinds[token.id] = CONTROL if token.special else USER_DEFINED
    own = _written_pieces(raw, tokens, kinds) if model.get("byte_fallback") else _written_merges(raw)
    ends = tokenizer.encode_prompt("")
    ids = {word: getattr(tokenizer, f"{role}_id") for role, word in ROLES.items()}
    keys = {f"tokenizer.ggml.{word}_token_id": id for word, id in ids.items() if id is not None}
    template = {} if tokenizer.chat_template is None else {"tokenizer.chat_template": tokenizer.chat_template}
    return (
        own
        | {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": kinds}
        | keys
        | {
            "tokenizer.ggml.add_bos_token": bool(ends) and ends[0] == ids["bos"],
            "tokenizer.ggml.add_eos_token": len(ends) > (ends[:1] == [ids["bos"]]) and ends[-1] == ids["eos"],
        }
        | template
    )


def _refused(why: str) -> UnsupportedModel:
    return UnsupportedModel(f"this tokenizer cannot be written into a GGUF file: {why}; save the model as a folder")


def _written_merges(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of byte-level BPE."""
    model, normalizer = raw["model"], raw["normalizer"]
    if model.get("type") != "BPE" or (raw["decoder"] or {}).get("type") != "ByteLevel":
        raise _refused(f"its model is {model.get('type')}, and GGUF has byte-level BPE and BPE with scores here")
    given = _comparable(raw["pre_tokenizer"]), bool(model.get("ignore_merges"))
    pre = next((name for name, (cut, whole) in PRE.items() if (_comparable(cut), whole) == given), None)
    if pre is None:
        raise _refused("no name of tokenizer.ggml.pre means the way it cuts texts")
    if normalizer is not None and (normalizer.get("type"), pre) != ("NFC", "qwen2"):
        raise _refused(f"its normaliser {normalizer.get('type')} is not one that GGUF can name")
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    return {"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": pre, "tokenizer.ggml.merges": merges}


def _comparable(pre_tokenizer: Any) -> Any:
    """A pre_tokenizer without what decides places in the text and not ids."""
    copied = json.loads(json.dumps(pre_tokenizer))
    for step in (copied or {}).get("pretokenizers", [copied or {}]):
        if step.get("type") == "ByteLevel":
            step["use_regex"], step["trim_offsets"] = step.get("use_regex", True), False
    return copied


def _written_pieces(raw: Mapping[str, Any], tokens: Sequence[str], kinds: np.ndarray) -> dict[str, Any]:
    """The keys of BPE by scores; `kinds` gets the byte pieces and the unknown one."""
    model, ranks = raw["model"], dict[str, int]()
    for rank, pair in enumerate(model["merges"]):
        ranks.setdefault("".join(pair.split(" ") if isinstance(pair, str) else pair), rank)
    for id, token in enumerate(tokens):
        if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
            kinds[id] = BYTE
        elif token == model.get("unk_token"):
            kinds[id] = UNKNOWN
    return {
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.scores": np.array([-float(ranks.get(token, 0)) for token in tokens], np.float32),
        "tokenizer.ggml.add_space_prefix": _has_space_prefix(raw),
    }


def _has_space_prefix(raw: Mapping[str, Any]) -> bool:
    """Whether a space is put before a text; what else a normaliser does is refused."""
    normalizer, cut = raw["normalizer"] or {}, raw["pre_tokenizer"] or {}
    steps = normalizer.get("normalizers", [normalizer] if normalizer else [])
    visible = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    others = [step for step in steps if step != visible and step != {"type": "Prepend", "prepend": SPACE}]
    if others or cut.get("type") not in (None, "Metaspace"):
        raise _refused(f"its {(others or [cut])[0].get('type')} is not one that GGUF can name")
    return len(steps) > steps.count(visible) or (bool(cut) and cut.get("prepend_scheme", "always") != "never")
