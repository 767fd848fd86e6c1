"""A SentencePiece tokenizer: its normaliser, its pieces of six kinds, and one of two models, Unigram or BPE.

Kudo & Richardson 2018 (arXiv:1808.06226). Not a pipeline of tokenizer.json: no words are split off before the model, the
user's own symbols are found while normalising, and a whole text is one sentence. The kinds: normal pieces; control
pieces, which no text becomes; the unknown piece; the user's symbols, always kept whole; bytes, for characters that no piece
holds; unused ones. Ids are those of the `sentencepiece` package, to the last tie (`unigram_encoding`).

`pipeline` gives the same tokenizer in the parts of tokenizer.json, for everything that reads only that. Files:
`sentencepiece_model`. Left out: models of type word and char, and BPE with unused pieces.
"""

import base64
import codecs
import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers import decoders, normalizers, pre_tokenizers
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.aligned_text import AlignedText, Place
from groundup.text.tokenizers.character_bpe import CharacterBPE, merges_of
from groundup.text.tokenizers.character_bpe_encoding import CharacterEncoder
from groundup.text.tokenizers.double_array import build
from groundup.text.tokenizers.parts import Pattern
from groundup.text.tokenizers.pipeline import PipelineTokenizer
from groundup.text.tokenizers.sentencepiece_normalizer import SPACE, SentencePieceNormalizer
from groundup.text.tokenizers.tokenizer import Packed, Tokenizer, run_encoder, utf_8
from groundup.text.tokenizers.unigram import UNKNOWN_PENALTY, Unigram
from groundup.text.tokenizers.unigram_encoding import BEFORE_RUNS, WHOLE, UnigramEncoder

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)  # as SentencePiece numbers them
MODELS = ("unigram", "bpe")
_BONUS = np.float32(np.finfo(np.float32).tiny)  # SentencePiece's largest score when all are below zero


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("groundup.each_byte", _each_byte)  # SentencePiece writes one U+FFFD for every byte


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a SentencePiece vocabulary; kind: NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED or BYTE."""

    text: str
    score: float = 0.0
    kind: int = NORMAL


class SentencePieceTokenizer(Tokenizer):
    """Text to token ids and back, as the `sentencepiece` package does it.

    pieces: each one's place is its id. model: "unigram" or "bpe". byte_fallback: spell what no piece holds in bytes.
    unk_surface: what the unknown piece is decoded to. Roles such as eos_token name control pieces.
    """

    def __init__(
        self,
        pieces: Sequence[Piece],
        *,
        model: str = "unigram",
        rules: SentencePieceNormalizer | None = None,
        byte_fallback: bool = False,
        unk_surface: str = " ⁇ ",
        post_processor: Any = None,
        chat_template: str | None = None,
        **roles: str | None,
    ) -> None:
        """rules: the normaliser, without the user's symbols, which are taken from the pieces."""
        self.pieces, self.model, self.byte_fallback, self.unk_surface = tuple(pieces), model, byte_fallback, unk_surface
        self.vocabulary = {piece.text: id for id, piece in enumerate(self.pieces)}
        self._check()
        own = tuple(piece.text for piece in self.pieces if piece.kind == USER_DEFINED)
        plain = rules or SentencePieceNormalizer()
        self.rules = SentencePieceNormalizer(
            plain.charsmap,
            plain.add_dummy_prefix,
            plain.remove_extra_whitespaces,
            plain.escape_whitespaces,
            plain.treat_whitespace_as_suffix,
            own,
        )
        controls = [
            AddedToken(id=id, content=piece.text)
            for id, piece in enumerate(self.pieces)
            if piece.kind in (CONTROL, UNKNOWN)
        ]
        super().__init__(
            added_tokens=controls,
            vocab_size=len(self.pieces),
            post_processor=post_processor,
            chat_template=chat_template,
            roles={"unk_token": self._unknown_piece(), **roles},
        )

    def _check(self) -> None:
        if self.model not in MODELS:
            raise UnsupportedModel(
                f"a SentencePiece model of type {self.model} is not implemented; use one of type {' or '.join(MODELS)}"
            )
        if len(self.vocabulary) < len(self.pieces):
            twice = next(p.text for id, p in enumerate(self.pieces) if self.vocabulary[p.text] != id)
            raise FormatError(f"the piece {twice!r} has two ids; remove one of them from the vocabulary")
        bytes_ = sum(piece.kind == BYTE for piece in self.pieces)
        if self.byte_fallback and bytes_ != 256:
            raise FormatError(f"byte_fallback needs 256 byte pieces, and there are {bytes_}; copy the model again")
        if sum(piece.kind == UNKNOWN for piece in self.pieces) != 1:
            raise FormatError("a SentencePiece model has exactly one unknown piece; copy the model again")
        if self.model == "bpe" and any(piece.kind == UNUSED for piece in self.pieces):
            raise UnsupportedModel(
                "a BPE model with unused pieces is not implemented; use one without a vocabulary limit"
            )

    def _unknown_piece(self) -> str:
        return next(piece.text for piece in self.pieces if piece.kind == UNKNOWN)

    def __reduce__(self) -> tuple[Any, ...]:
        """To worker processes go the contents; the tables are built there."""
        roles: dict[str, Any] = {**self.roles}
        arguments = functools.partial(
            type(self),
            model=self.model,
            rules=self.rules,
            byte_fallback=self.byte_fallback,
            unk_surface=self.unk_surface,
            post_processor=self.post_processor,
            chat_template=self.chat_template,
            **roles,
        )
        return arguments, (self.pieces,)

    def _kind(self) -> str:
        return f"SentencePiece {self.model}"

    def _known_ids(self) -> Any:
        return range(len(self.pieces))

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides ids and text."""
        rules = [getattr(self.rules, name) for name in self.rules.__dataclass_fields__ if name != "charsmap"]
        compiled = self.rules.charsmap.compiled if self.rules.charsmap else b""
        pieces = [[piece.text, piece.score, piece.kind] for piece in self.pieces]
        post = self.post_processor.to_json() if self.post_processor else None
        whole = [self.model, self.byte_fallback, self.unk_surface, rules, pieces, post, self.roles, self.chat_template]
        return hashlib.sha256(compiled + json.dumps(whole, sort_keys=True).encode()).hexdigest()

    @functools.cached_property
    def byte_ids(self) -> np.ndarray | None:
        """The id of each byte, None without byte_fallback."""
        if not self.byte_fallback:
            return None
        return np.array([self.vocabulary[f"<0x{byte:02X}>"] for byte in range(256)], np.int32)

    @functools.cached_property
    def _encoder(self) -> UnigramEncoder | CharacterEncoder:
        texts = [piece.text for piece in self.pieces if piece.kind in (NORMAL, USER_DEFINED, UNUSED)]
        splits = WHOLE if any(_reaches_across(text) for text in texts) else BEFORE_RUNS
        return self._unigram_encoder(splits) if self.model == "unigram" else self._bpe_encoder(splits)

    def _unigram_encoder(self, splits: int) -> UnigramEncoder:
        scores = np.array([piece.score for piece in self.pieces], np.float32)
        normal = scores[[piece.kind == NORMAL for piece in self.pieces]]
        lowest = normal.min(initial=np.finfo(np.float32).max)
        exact = scores.astype(np.float64)
        for id, piece in enumerate(self.pieces):
            if piece.kind == USER_DEFINED:
                length = np.float32(len(piece.text.encode()))
                exact[id] = np.float64(length * np.float32(normal.max(initial=_BONUS))) - 0.1
        known = [
            (p.text.encode(), id) for id, p in enumerate(self.pieces) if p.kind in (NORMAL, USER_DEFINED) and p.text
        ]
        return UnigramEncoder(
            build([text for text, _ in known], [id for _, id in known]),
            exact,
            unknown=float(np.float32(lowest) - np.float32(UNKNOWN_PENALTY)),
            unk_id=self.unk_token_id,
            byte_ids=self.byte_ids,
            splits=splits,
            single=True,
            normalizer=self.rules,
        )

    def _scores(self) -> dict[str, float]:
        return {piece.text: piece.score for piece in self.pieces if piece.kind in (NORMAL, USER_DEFINED)}

    def _bpe_encoder(self, splits: int) -> CharacterEncoder:
        merges, ranks = merges_of(self._scores())
        return CharacterEncoder(
            {piece: self.vocabulary[piece] for piece in self._scores()},
            merges,
            ranks,
            unk_id=self.unk_token_id,
            byte_ids=self.byte_ids,
            symbols=self.rules.protected,
            splits=splits,
            normalizer=self.rules,
        )

    def _encode_part(self, part: AlignedText) -> list[int]:
        data = utf_8(part.text)
        return self._encoder.encode(data, np.array([0, len(data)]))[0].tolist()

    def _encode_packed(self, parts: Sequence[AlignedText], threads: int | None) -> Packed:
        return run_encoder(self._encoder, [part.text for part in parts], threads)

    def _part_offsets(self, part: AlignedText) -> tuple[list[int], list[Place]]:
        ids = self._encode_part(part)
        normal, places = self.rules.normalize_aligned(part.text)
        character = list(itertools.chain.from_iterable([i] * len(c.encode()) for i, c in enumerate(part.text)))
        character.append(len(part.text))
        spans = []
        for start, end in self._spans(normal, ids):
            first, last = (places[start][0], places[max(start, end - 1)][1]) if start < len(places) else (0, 0)
            spans.append(part.whole_place(character[first], character[last]))
        return ids, spans

    def _spans(self, normal: str, ids: Sequence[int]) -> list[Place]:
        """The characters of the normalised text that each id stands for."""
        spans, i, left = [], 0, 0
        for id in ids:
            piece, start = self.pieces[id], i
            if piece.kind == BYTE:
                left = left or len(normal[i].encode())
                left -= 1
                spans.append((i, i + 1))
                i += left == 0
                continue
            if piece.kind == UNKNOWN:
                while i == start or (i < len(normal) and normal[i] not in self.vocabulary):
                    i += 1
            else:
                i += len(piece.text)
            spans.append((start, i))
        return spans

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for; the space before the first word goes. Bytes that are no UTF-8 become U+FFFD."""
        numbers = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        for id in numbers:
            if not 0 <= id < len(self.pieces):
                raise InputError(f"id {id} is no token of this tokenizer; its ids are 0 to {self.vocab_size - 1}")
        out: list[str] = []
        at_front, went = True, False
        for is_byte, run in itertools.groupby(numbers, lambda id: self.pieces[id].kind == BYTE):
            if is_byte:
                out.append(bytes(int(self.pieces[id].text[1:-1], 16) for id in run).decode(errors="groundup.each_byte"))
                continue
            for id in run:
                at_front = at_front and not went and not any(out)
                text, went = self._surface(self.pieces[id], at_front, skip_special_tokens)
                out.append(text)
        return "".join(out)

    def _surface(self, piece: Piece, at_front: bool, skip: bool) -> tuple[str, bool]:
        """The text of a piece, and whether the one space went that stands before the first word."""
        if piece.kind == CONTROL:
            return "" if skip else piece.text, False
        if piece.kind == UNKNOWN:
            return self.unk_surface, False
        text, went = piece.text, False
        if at_front and (self.rules.add_dummy_prefix or self.rules.remove_extra_whitespaces) and text.startswith(SPACE):
            text, went = text.removeprefix(SPACE), not self.rules.remove_extra_whitespaces
        return text.replace(SPACE, " "), went

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one token adds to a text, inside it (a word's first token brings its blank)."""
        if not 0 <= id < len(self.pieces):
            raise InputError(f"id {id} is no token of this tokenizer; its ids are 0 to {self.vocab_size - 1}")
        piece = self.pieces[id]
        if piece.kind == BYTE:
            return bytes([int(piece.text[1:-1], 16)])
        return self.unk_surface.encode() if piece.kind == UNKNOWN else piece.text.replace(SPACE, " ").encode()

    def pipeline(self) -> PipelineTokenizer:
        """The same tokenizer in the parts of tokenizer.json.

        Sums are then in double precision, and rules work by what a reader sees as a character (`charsmap`): where two
        segmentations are equally good, or accents pile up, ids may differ.
        """
        rules = self.rules
        if rules.treat_whitespace_as_suffix or not rules.escape_whitespaces or rules.protected:
            raise UnsupportedModel(
                "tokenizer.json has no parts for the user's own symbols or spaces behind words; write a .model file instead"
            )
        return PipelineTokenizer(
            self._portable_model(),
            normalizer=normalizers.Sequence(tuple(_normalizing_parts(rules))),
            decoder=decoders.Sequence(tuple(_decoding_parts(rules, self.byte_fallback))),
            pre_tokenizer=self._word_splitter(),
            post_processor=self.post_processor,
            added_tokens=self.added_tokens,
            chat_template=self.chat_template,
            **self.roles,
        )

    def _word_splitter(self) -> Any:
        if any(SPACE in piece.text[1:] for piece in self.pieces):
            return None
        return pre_tokenizers.Metaspace(SPACE, "never")

    def _portable_model(self) -> Unigram | CharacterBPE:
        if self.model == "unigram":
            scores = [(piece.text, piece.score) for piece in self.pieces]
            return Unigram(
                scores, unk_id=self.unk_token_id, byte_fallback=self.byte_fallback, reserved=tuple(self.special_tokens)
            )
        merges, _ = merges_of(self._scores())
        merges = [pair for pair in merges if {*pair} <= self.vocabulary.keys()]
        return CharacterBPE(
            self.vocabulary, merges, unk_token=self.unk_token, fuse_unk=True, byte_fallback=self.byte_fallback
        )

    def to_json(self) -> dict[str, Any]:
        """The parts of tokenizer.json that stand for it; `save` writes them with the normaliser."""
        return self.pipeline().to_json()

    def save(self, folder: Any) -> None:
        """Write tokenizer.json and tokenizer_config.json (`pipeline`); a .model file: `sentencepiece_model.write_model`."""
        self.pipeline().save(folder)


def _reaches_across(text: str) -> bool:
    """Whether a piece holds a space that follows something else."""
    return SPACE in text.lstrip(SPACE)


def _normalizing_parts(rules: SentencePieceNormalizer) -> Iterable[Any]:
    if rules.charsmap:
        yield normalizers.Precompiled(base64.b64encode(rules.charsmap.compiled).decode())
    if rules.remove_extra_whitespaces:
        yield normalizers.Replace(Pattern(" {2,}", True), " ")
        yield normalizers.Replace(Pattern(r"\A +| +\z", True), "")  # not ^ and $, which mean lines there
    if rules.add_dummy_prefix:
        yield normalizers.Prepend(SPACE)
    yield normalizers.Replace(Pattern(" "), SPACE)


def _decoding_parts(rules: SentencePieceNormalizer, byte_fallback: bool) -> Iterable[Any]:
    yield decoders.Replace(Pattern(SPACE), " ")
    if byte_fallback:
        yield decoders.ByteFallback()
    yield decoders.Fuse()
    if rules.add_dummy_prefix or rules.remove_extra_whitespaces:
        yield decoders.Strip(" ", 1, 0)
