"""SentencePiece's .model files: read into a tokenizer, and written so that the `sentencepiece` package reads them.

A file is one protobuf message with three parts that matter here: the pieces (text, score, kind), what the trainer was told
(the type of the model, which pieces are begin, end and padding), and the normaliser. The classes that read it are those
that protobuf generated for the `sentencepiece` package; without it there is a sentence that says so. What would change
the ids and is not implemented is refused by name.
"""

from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError, UnsupportedModel, missing_extra
from groundup.text.tokenizers.charsmap import Charsmap
from groundup.text.tokenizers.post_processors import TemplateProcessing
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_tokenizer import (
    CONTROL,
    MODELS,
    USER_DEFINED,
    Piece,
    SentencePieceTokenizer,
)
from groundup.text.tokenizers.tokenizer import Tokenizer

_ROLES = {"bos_token": "bos_piece", "eos_token": "eos_piece", "pad_token": "pad_piece"}


def _classes() -> Any:
    try:
        from sentencepiece import sentencepiece_model_pb2
    except ImportError as error:
        raise missing_extra("sentencepiece", "sentencepiece") from error
    return sentencepiece_model_pb2


def _read(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a .model file")
    message = _classes().ModelProto()
    try:
        message.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's own class, which moved between versions
        raise FormatError(f"{path} is no SentencePiece model or is cut off; copy it again") from error
    if not message.pieces:
        raise FormatError(f"{path} is no SentencePiece model: it has no pieces; copy it again")
    return message


def _marks(message: Any, names: list[str | None]) -> TemplateProcessing | None:
    """The post-processor that puts begin or end around a text; None where there is neither."""
    before, behind = names
    ids = {piece.piece: id for id, piece in enumerate(message.pieces)}
    if before is None and behind is None:
        return None
    around = [[{"SpecialToken": {"id": name, "type_id": 0}}] if name else [] for name in (before, behind)]
    single = [*around[0], {"Sequence": {"id": "A", "type_id": 0}}, *around[1]]
    second = [{"Sequence": {"id": "B", "type_id": 0}}]
    tokens = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in (before, behind) if name}
    return TemplateProcessing(single, [*single, *around[0], *second, *around[1]], tokens)


def read_model(path: str | Path, *, add_bos: bool = False, add_eos: bool = False) -> SentencePieceTokenizer:
    """Read a .model file.

    add_bos, add_eos: what `add_special_tokens` puts around a text; the file does not say (Llama begins with <s>, T5 ends
    with </s>).
    """
    path = Path(path)
    message = _read(path)
    trainer, spec = message.trainer_spec, message.normalizer_spec
    kind = _classes().TrainerSpec.ModelType.Name(trainer.model_type).lower()
    if message.denormalizer_spec.precompiled_charsmap:
        raise UnsupportedModel(f"{path}: its denormalizer would change decoded text and is not implemented; remove it")
    controls = {piece.piece for piece in message.pieces if piece.type == CONTROL}
    roles = {role: getattr(trainer, field) for role, field in _ROLES.items() if getattr(trainer, field) in controls}
    wanted = [roles.get("bos_token") if add_bos else None, roles.get("eos_token") if add_eos else None]
    if (add_bos and wanted[0] is None) or (add_eos and wanted[1] is None):
        raise InputError(f"{path} has no control piece for the mark that was asked for; leave add_bos or add_eos away")
    try:
        return SentencePieceTokenizer(
            [Piece(piece.piece, piece.score, piece.type) for piece in message.pieces],
            model=kind,
            rules=SentencePieceNormalizer(
                Charsmap(spec.precompiled_charsmap) if spec.precompiled_charsmap else None,
                spec.add_dummy_prefix,
                spec.remove_extra_whitespaces,
                spec.escape_whitespaces,
                trainer.treat_whitespace_as_suffix,
            ),
            byte_fallback=trainer.byte_fallback,
            unk_surface=trainer.unk_surface,
            post_processor=_marks(message, wanted),
            **roles,
        )
    except (FormatError, UnsupportedModel) as error:
        raise type(error)(f"{path}: {error}") from error


def write_model(tokenizer: Tokenizer, path: str | Path) -> None:
    """Write a tokenizer as a .model file, which the `sentencepiece` package reads with the same ids."""
    if not isinstance(tokenizer, SentencePieceTokenizer):
        raise InputError(
            f"a {type(tokenizer).__name__} cannot be written as a SentencePiece model, whose normaliser and pieces it does "
            "not have; write it with save(), as tokenizer.json"
        )
    files.write_bytes(Path(path), _message(tokenizer).SerializeToString())


def _message(tokenizer: SentencePieceTokenizer) -> Any:
    message, rules = _classes().ModelProto(), tokenizer.rules
    for piece in tokenizer.pieces:
        message.pieces.add(piece=piece.text, score=piece.score, type=piece.kind)
    trainer, spec = message.trainer_spec, message.normalizer_spec
    trainer.model_type = 1 + MODELS.index(tokenizer.model)
    trainer.vocab_size, trainer.byte_fallback = len(tokenizer.pieces), tokenizer.byte_fallback
    trainer.unk_surface, trainer.treat_whitespace_as_suffix = tokenizer.unk_surface, rules.treat_whitespace_as_suffix
    trainer.unk_piece, trainer.unk_id = tokenizer.unk_token, tokenizer.unk_token_id
    for role, field in _ROLES.items():
        name = getattr(tokenizer, role)
        setattr(trainer, field.replace("piece", "id"), -1 if name is None else tokenizer.special_tokens[name])
        if name is not None:
            setattr(trainer, field, name)
    trainer.user_defined_symbols.extend(piece.text for piece in tokenizer.pieces if piece.kind == USER_DEFINED)
    spec.name = "identity" if rules.charsmap is None else "user_defined"
    spec.precompiled_charsmap = rules.charsmap.compiled if rules.charsmap else b""
    spec.add_dummy_prefix, spec.escape_whitespaces = rules.add_dummy_prefix, rules.escape_whitespaces
    spec.remove_extra_whitespaces = rules.remove_extra_whitespaces
    return message
