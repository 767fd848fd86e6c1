"""Byte-level BPE: a tokenizer for any Unicode text, in which decode(encode(text)) == text.

Radford et al. 2019: BPE over bytes instead of characters needs no unknown token, since 256 symbols spell everything.
A text is cut into pieces (`splitting`), each piece into tokens (`bpe`). Encoding adds nothing: no start token, no
clean-up.

What our own training makes has no normaliser (it would break the round trip); a tokenizer that was read may have one.
The definition stands in `bpe`; the fast forms, used unless one of its slots is filled, in `byte_level_counting`,
`byte_level_training` and `byte_level_encoding`.
"""

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from groundup import slots
from groundup.errors import ConfigError, InputError
from groundup.progress import say
from groundup.text.tokenizers import bpe
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.aligned_text import AlignedText, Place
from groundup.text.tokenizers.byte_level_counting import count_words
from groundup.text.tokenizers.byte_level_encoding import MOST_IDS, Encoder, pair_table
from groundup.text.tokenizers.byte_level_training import train_bpe_fast
from groundup.text.tokenizers.config import END_OF_TEXT, MASK, TokenizerConfig
from groundup.text.tokenizers.post_processors import surrounded
from groundup.text.tokenizers.special_tokens import CHATML
from groundup.text.tokenizers.splitting import STYLES, split
from groundup.text.tokenizers.tokenizer import Packed, Tokenizer, no_token, packed, run_encoder, utf_8

_SLOT_WORDS = 5_000  # a learner's train_bpe in plain Python gets the most frequent words only


class ByteLevelTokenizer(Tokenizer):
    """Text to token ids and back.

    vocabulary: the id of each ordinary token; all 256 bytes are in it. merges: in the order learned. special_tokens:
    the id of each control token. eos_token, pad_token, bos_token: which of those end, fill and start a text (or None).
    added_tokens: tokens with flags or that are no control tokens; other_roles: further roles, such as unk_token.
    ignore_merges: a piece that is a token is that token, whatever the merges would make of it (Llama 3).
    """

    ignore_merges = False

    def __init__(
        self,
        vocabulary: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        *,
        pattern: str = "qwen2",
        special_tokens: Mapping[str, int],
        eos_token: str | None = None,
        pad_token: str | None = None,
        bos_token: str | None = None,
        chat_template: str | None = None,
        added_tokens: Sequence[AddedToken] = (),
        normalizer: Any = None,
        post_processor: Any = None,
        ignore_merges: bool = False,
        **other_roles: str | None,
    ) -> None:
        """See the class."""
        self.vocabulary, self.merges, self.pattern = dict(vocabulary), list(merges), pattern
        flagged = {token.content for token in added_tokens}
        plain = [AddedToken(id=id, content=token) for token, id in special_tokens.items() if token not in flagged]
        added = [*plain, *added_tokens]
        vocab_size = 1 + max(itertools.chain(self.vocabulary.values(), (token.id for token in added)))
        if vocab_size > MOST_IDS:
            raise InputError(f"the tokenizer has {vocab_size:,} ids, more than the {MOST_IDS:,} that the encoder holds")
        super().__init__(
            added_tokens=added,
            vocab_size=vocab_size,
            normalizer=normalizer,
            post_processor=post_processor,
            chat_template=chat_template,
            roles={"eos_token": eos_token, "pad_token": pad_token, "bos_token": bos_token} | other_roles,
        )
        self._tokens: list[bytes | None] = [None] * vocab_size
        for token, id in self.vocabulary.items():
            self._tokens[id] = token
        self._plain_tokens = list(self._tokens)  # for decoding without control tokens
        for one in added:
            self._tokens[one.id] = one.content.encode()
            self._plain_tokens[one.id] = b"" if one.special else one.content.encode()
        self._pieces: dict[str, list[int]] = {}
        self._plain = normalizer is None and not self._added.may_match(allow_special=False)
        if ignore_merges:
            self.ignore_merges = True

    def __reduce__(self) -> tuple[Any, ...]:
        """To worker processes go the contents; the tables are built there."""
        roles: dict[str, Any] = dict(self.roles)
        arguments = functools.partial(
            type(self),
            pattern=self.pattern,
            special_tokens=self.special_tokens,
            chat_template=self.chat_template,
            added_tokens=self.added_tokens,
            normalizer=self.normalizer,
            post_processor=self.post_processor,
            ignore_merges=self.ignore_merges,
            **roles,
        )
        return arguments, (self.vocabulary, self.merges)

    def _kind(self) -> str:
        return f"pattern {self.pattern}"

    @functools.cached_property
    def token_lengths(self) -> np.ndarray:
        """Bytes of text that each id stands for, int32[vocab_size]; 0 for control tokens."""
        return np.array([len(token or b"") for token in self._plain_tokens], np.int32)

    @functools.cached_property
    def _encoder(self) -> Encoder:
        ids = self.vocabulary
        lefts, rights = (np.array([ids[pair[side]] for pair in self.merges], np.int64) for side in (0, 1))
        merged = np.array([ids[left + right] for left, right in self.merges], np.int64)
        byte_ids = np.array([ids[bytes([byte])] for byte in range(256)], np.int32)
        whole = ids if self.ignore_merges else None
        return Encoder(byte_ids, pair_table(lefts, rights, merged), STYLES[self.pattern], whole)

    @functools.cached_property
    def _ranks(self) -> dict[tuple[bytes, bytes], int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def _encode_piece(self, piece: str) -> list[int]:
        """Ids of a piece by the learner's function, which is asked once for each distinct piece."""
        if self.ignore_merges and piece.encode() in self.vocabulary:
            return [self.vocabulary[piece.encode()]]
        if piece not in self._pieces:
            self._pieces[piece] = [
                self.vocabulary[bytes(token)] for token in bpe.encode_piece(piece.encode(), self._ranks)
            ]
        return self._pieces[piece]

    def encode(self, text: str, allow_special: bool = False, add_special_tokens: bool = False) -> list[int]:
        """As every tokenizer does; a text alone takes the shortest way."""
        short = self._plain and not (
            allow_special or add_special_tokens or slots.filled("text.tokenizers.encode_piece")
        )
        if not short or not isinstance(self._encoder, Encoder):
            return super().encode(text, allow_special, add_special_tokens)
        return self._encoder.encode_text(utf_8(text))

    def _encode_part(self, part: AlignedText) -> list[int]:
        if slots.filled("text.tokenizers.encode_piece"):
            return [id for piece in split(part.text, self.pattern) for id in self._encode_piece(piece)]
        return self._encoder.encode_text(part.text.encode())

    def _encode_packed(self, parts: Sequence[AlignedText], threads: int | None) -> Packed:
        if self.normalizer and not self._added.in_normalized_text:
            parts = [self.normalizer.normalize(part) for part in parts]
        if slots.filled("text.tokenizers.encode_piece"):
            return packed(map(self._encode_part, parts))
        return run_encoder(self._encoder, [part.text for part in parts], threads)

    def _encode_whole(self, texts: Iterable[str], threads: int | None) -> Packed:
        if not self._plain or slots.filled("text.tokenizers.encode_piece"):
            return super()._encode_whole(texts, threads)
        return run_encoder(self._encoder, list(texts), threads)

    def _part_offsets(self, part: AlignedText) -> tuple[list[int], list[Place]]:
        ids = self._encode_part(part)
        data = np.frombuffer(part.text.encode(), np.uint8)
        characters = np.cumsum(data & 0xC0 != 0x80) - 1  # the character that each byte belongs to
        sizes = np.array([len(self._tokens[id] or b"") for id in ids], np.int64)
        ends = np.cumsum(sizes)
        firsts, lasts = characters[ends - sizes].tolist(), characters[ends - 1].tolist()
        return ids, [part.whole_place(first, last + 1) for first, last in zip(firsts, lasts, strict=True)]

    def _joined(self, ids: Iterable[int], tokens: list[bytes | None]) -> bytes:
        numbers = ids.tolist() if hasattr(ids, "tolist") else list(ids)
        try:
            if numbers and min(numbers) < 0:
                raise IndexError
            return b"".join(map(tokens.__getitem__, numbers))  # type: ignore[arg-type]
        except (IndexError, TypeError):
            wrong = next((id for id in numbers if not 0 <= id < self.vocab_size or tokens[id] is None), None)
            if wrong is None:
                raise
            raise no_token(wrong, self.vocab_size) from None

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for; control tokens as they are spelled."""
        return self._joined(ids, self._tokens)

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for. Bytes that are no UTF-8 (half a character) become U+FFFD."""
        return self._joined(ids, self._plain_tokens if skip_special_tokens else self._tokens).decode(errors="replace")

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token."""
        return self.decode_bytes([id])

    def to_json(self) -> dict[str, Any]:
        """The parts of tokenizer.json that say how bytes become tokens."""
        from groundup.text.tokenizers.formats import byte_level_parts

        return byte_level_parts(self)


def _sample(texts: Iterable[str], most: int) -> Iterator[bytes]:
    """The first texts, `most` bytes of them (the last one whole)."""
    for text in texts:
        document = utf_8(text)
        yield document
        most -= len(document)
        if most <= 0:
            return


def _learn(words: Mapping[bytes, int], merges: int) -> list[tuple[bytes, bytes]]:
    """The merges by the fast form, or by the learner's own function."""
    if not slots.filled("text.tokenizers.train_bpe"):
        return train_bpe_fast(words, merges)
    bpe.train_bpe({b"hug": 10, b"pug": 5, b"pun": 12}, 2)  # a first small call, on which its speed is compared
    frequent = dict(sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_SLOT_WORDS])
    if len(frequent) < len(words):
        say(f"your train_bpe learns from the {len(frequent):,} most frequent of {len(words):,} words")
    return [(bytes(left), bytes(right)) for left, right in bpe.train_bpe(frequent, merges)]


def train_tokenizer(texts: Iterable[str], config: TokenizerConfig | None = None) -> ByteLevelTokenizer:
    """Learn a byte-level BPE tokenizer from texts, with ChatML and <|endoftext|> as end, start and padding."""
    config = config or TokenizerConfig()
    for token in config.special_tokens:
        if len(split(token, config.pattern)) == 1:
            raise ConfigError(
                f"special token {token!r} could also be learned from text; use a form such as '<|{token}|>'"
            )
    words = count_words(_sample([texts] if isinstance(texts, str) else texts, config.sample_bytes), config.pattern)
    if not words:
        raise InputError("there is no text to train a tokenizer on; give at least one document that is not empty")
    first = len(config.special_tokens)
    merges = _learn(words, config.vocab_size - first - 256)
    if len(merges) < config.vocab_size - first - 256:
        raise InputError(
            f"vocab_size={config.vocab_size} is more than this text allows: its {len(words):,} distinct words hold "
            f"{len(merges):,} merges; use vocab_size={first + 256 + len(merges)} at most, or give more text"
        )
    tokens = [bytes([byte]) for byte in range(256)] + [left + right for left, right in merges]
    ids = {token: id for id, token in enumerate(config.special_tokens)}
    end = END_OF_TEXT if END_OF_TEXT in ids else None
    return ByteLevelTokenizer(
        {token: first + i for i, token in enumerate(tokens)},
        merges,
        pattern=config.pattern,
        special_tokens=ids,
        eos_token=end,
        pad_token=end,
        bos_token=end,
        mask_token=MASK if MASK in config.special_tokens else None,
        chat_template=CHATML if {"<|im_start|>", "<|im_end|>"} <= set(config.special_tokens) else None,
        post_processor=surrounded([(end, ids[end])]) if end else None,  # every document stands behind it in training
    )
