"""Vocabularies from before tokenizer.json: vocab.json with merges.txt, GPT-2's two files, BERT's vocab.txt, and others.

Such a file holds tokens and not how texts are cut, so each kind comes with the rules of the model that made it known:
GPT-2's pattern, BERT's normaliser and [CLS] A [SEP]. What the folder's tokenizer_config.json says beside it is heard.
SentencePiece's .model and tiktoken's ranks have readers of their own: `sentencepiece_model`, `tiktoken_ranks`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.text.tokenizers.added_tokens import ROLES, added_tokens_of, token_text
from groundup.text.tokenizers.byte_characters import byte_characters
from groundup.text.tokenizers.formats import byte_vocabulary, chat_template_of, reading
from groundup.text.tokenizers.splitting import PATTERNS

if TYPE_CHECKING:
    from groundup.text.tokenizers.tokenizer import Tokenizer

_BERT_ROLES = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]", "mask_token": "[MASK]",
}  # fmt: skip
_GPT2_ROLES = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
_ROBERTA_ROLES = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>", "pad_token": "<pad>",
    "cls_token": "<s>", "mask_token": "<mask>",
}  # fmt: skip
_BESIDE = {"vocab.json": "merges.txt", "encoder.json": "vocab.bpe"}
Reader = Callable[[Path, Mapping[str, Any], str | None, str | None], "Tokenizer"]


def reader_of(file: Path) -> Reader | None:
    """The reader for a file by its name, or None for a tokenizer.json."""
    if file.name in (*_BESIDE, *_BESIDE.values()):
        return _read_byte_level
    if file.suffix == ".tiktoken" or (file.suffix == ".model" and _holds_ranks(file)):
        return _read_ranks
    return {".model": _read_sentencepiece, ".txt": _read_wordpiece}.get(file.suffix)


def _holds_ranks(file: Path) -> bool:
    """Whether a .model file is a list of tiktoken ranks, as Llama 3's is, and not SentencePiece's."""
    first = file.open("rb").readline(1024).split()
    return len(first) == 2 and first[1].isdigit()


def _lines(file: Path) -> list[str]:
    with reading(file):
        return file.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _read_merges(file: Path) -> list[str]:
    """The merges of merges.txt or vocab.bpe: two tokens a line, after a line with the version."""
    lines = [line.removesuffix("\r") for line in _lines(file)]
    first = 1 if lines[0].startswith("#version") else 0
    for number, line in enumerate(lines[first:], first + 1):
        if line.count(" ") != 1 or line.strip() != line:
            raise FormatError(f"{file}: line {number} holds no two tokens ({line!r}); copy the file again")
    return lines[first:]


def _with_added(file: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with what an added_tokens.json of older folders lists."""
    listed = file.with_name("added_tokens.json")
    more = files.read_json(listed) if listed.is_file() else {}
    with reading(listed):
        decoder = {id: {"content": token, "special": False, "normalized": True} for token, id in more.items()}
    return {**config, "added_tokens_decoder": decoder | dict(config.get("added_tokens_decoder") or {})}


def _named(config: Mapping[str, Any], usual: Mapping[str, str], vocabulary: Mapping[str, int]) -> dict[str, Any]:
    """The configuration with the roles that a model of this kind usually fills, where nothing else is said."""
    if any(token_text(config.get(role)) for role in ROLES):
        return dict(config)
    return {**config, **{role: token for role, token in usual.items() if token in vocabulary}}


def _read_byte_level(file: Path, config: Mapping[str, Any], template: str | None, pattern: str | None) -> "Tokenizer":
    """vocab.json and merges.txt, or encoder.json and vocab.bpe."""
    from groundup.text.tokenizers.byte_level import ByteLevelTokenizer

    vocab_file = file.with_name({merges: vocab for vocab, merges in _BESIDE.items()}.get(file.name, file.name))
    merges_file = file.with_name(_BESIDE[vocab_file.name])
    for one in (vocab_file, merges_file):
        if not one.is_file():
            raise InputError(f"{one} is not there; {vocab_file.name} and {merges_file.name} belong together")
    if pattern is not None and pattern not in PATTERNS:
        raise InputError(f"pattern={pattern!r} is not a split pattern; use one of {', '.join(PATTERNS)}")
    vocab, merges = files.read_json(vocab_file), _read_merges(merges_file)
    with reading(vocab_file):
        usual = _ROBERTA_ROLES if "<s>" in vocab else _GPT2_ROLES
        config = _with_added(file, _named(config, usual, vocab))
        made = {pair.replace(" ", "") for pair in merges} | set(byte_characters())
        others = [token for token in vocab if token not in made]  # no merge makes them: control tokens
        config["additional_special_tokens"] = [*others, *(config.get("additional_special_tokens") or [])]
        added, roles = added_tokens_of((), config, vocab)
        contents = byte_vocabulary(vocab, merges, {token.content for token in added})  # type: ignore[arg-type]
        if contents is None:
            raise ValueError("a byte has no token: this is no byte-level vocabulary")
        _check_distinct(vocab)
    named: dict[str, Any] = dict(roles)
    chat = template if template is not None else chat_template_of(config)
    return ByteLevelTokenizer(
        *contents, pattern=pattern or "gpt2", special_tokens={}, added_tokens=added, chat_template=chat, **named
    )


def _check_distinct(vocab: Mapping[str, Any]) -> None:
    if not all(type(id) is int and id >= 0 for id in vocab.values()) or len(set(vocab.values())) < len(vocab):
        raise ValueError("its ids repeat or are no numbers")


def _has_capital(token: str) -> bool:
    return token.isascii() and token.isalpha() and not token.islower()


def _read_wordpiece(file: Path, config: Mapping[str, Any], template: str | None, pattern: str | None) -> "Tokenizer":
    """BERT's vocab.txt: a token a line, its id the number of the line."""
    from groundup.text.tokenizers import decoders, normalizers, post_processors, pre_tokenizers
    from groundup.text.tokenizers.pipeline import PipelineTokenizer
    from groundup.text.tokenizers.wordpiece import WordPiece

    _refuse_pattern(file, pattern)
    tokens = [line.removesuffix("\r") for line in _lines(file)]
    with reading(file):
        vocab = {token: id for id, token in enumerate(tokens)}
        if len(vocab) < len(tokens):
            twice = next(token for id, token in enumerate(tokens) if vocab[token] != id)
            raise ValueError(f"the token {twice!r} stands on lines {tokens.index(twice) + 1} and {vocab[twice] + 1}")
        config = _named(_with_added(file, config), _BERT_ROLES, vocab)
        added, roles = added_tokens_of((), config, vocab)
        lower = config.get("do_lower_case", not any(map(_has_capital, tokens)))
        parts = {"type": "WordPiece", "unk_token": roles["unk_token"] or "[UNK]", "continuing_subword_prefix": "##"}
        model = WordPiece.from_json({**parts, "max_input_chars_per_word": 100, "vocab": vocab})
        marks = [(token, vocab[token]) for token in (roles["sep_token"], roles["cls_token"]) if token is not None]
    return PipelineTokenizer(
        model,
        normalizer=normalizers.BertNormalizer(
            handle_chinese_chars=config.get("tokenize_chinese_chars", True),
            strip_accents=config.get("strip_accents"),
            lowercase=lower,
        ),
        pre_tokenizer=pre_tokenizers.BertPreTokenizer(),
        post_processor=post_processors.BertProcessing(*marks) if len(marks) == 2 else None,
        decoder=decoders.WordPiece(),
        added_tokens=added,
        chat_template=template if template is not None else chat_template_of(config),
        **roles,
    )


def _refuse_pattern(file: Path, pattern: str | None) -> None:
    if pattern is not None:
        raise InputError(f"{file} is of a kind that has no split pattern; leave pattern={pattern!r} out")


def _read_sentencepiece(
    file: Path, config: Mapping[str, Any], template: str | None, pattern: str | None
) -> "Tokenizer":
    from groundup.text.tokenizers.sentencepiece_model import read_model

    _refuse_pattern(file, pattern)
    return _configured(read_model(file), config, template)


def _read_ranks(file: Path, config: Mapping[str, Any], template: str | None, pattern: str | None) -> "Tokenizer":
    from groundup.text.tokenizers.tiktoken_ranks import read_ranks

    return _configured(read_ranks(file, pattern), config, template)


def _configured(tokenizer: "Tokenizer", config: Mapping[str, Any], template: str | None) -> "Tokenizer":
    """A tokenizer with the roles and the chat template that its folder names."""
    for role in ROLES:
        token = token_text(config.get(role))
        if token in tokenizer.special_tokens:
            setattr(tokenizer, role, token)
    chat = template if template is not None else chat_template_of(config)
    if chat is not None:
        tokenizer.chat_template = chat
    return tokenizer
