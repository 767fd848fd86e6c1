"""Byte-level BPE: a tokenizer for any Unicode text, in which decode(encode(text)) == text.

Radford et al. 2019: BPE over bytes instead of characters needs no unknown token, since 256 symbols spell everything.
A text is cut into pieces (`splitting`), each piece into tokens (`bpe`). Encoding adds nothing: no start token, no
clean-up.

Left out: normalisation (it would break the round trip) and models other than BPE. The definition stands in `bpe`; the
fast forms, used unless one of its slots is filled, in `byte_level_counting`, `byte_level_training` and
`byte_level_encoding`.
"""

import functools
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from groundup import slots
from groundup.errors import ConfigError, InputError
from groundup.progress import say
from groundup.text.tokenizers import bpe
from groundup.text.tokenizers.byte_level_counting import count_words
from groundup.text.tokenizers.byte_level_encoding import MOST_IDS, Encoder, pair_table
from groundup.text.tokenizers.byte_level_training import train_bpe_fast
from groundup.text.tokenizers.config import END_OF_TEXT, TokenizerConfig
from groundup.text.tokenizers.special_tokens import CHATML, ChatTemplate, ControlTokens, answer_mask
from groundup.text.tokenizers.splitting import STYLES, split

_PARALLEL_BYTES = 1 << 21  # from here on a second thread pays for itself
_SLOT_WORDS = 5_000  # a learner's train_bpe in plain Python gets the most frequent words only


def _utf_8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"the text has half a surrogate pair (U+{ord(text[error.start]):04X}) at character {error.start}; mend it "
            "by text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace')"
        ) from error


class ByteLevelTokenizer:
    """Text to token ids and back.

    vocabulary: the id of each ordinary token; all 256 bytes are in it. merges: in the order learned. special_tokens:
    the id of each control token. eos_token, pad_token, bos_token: which of those end, fill and start a text (or None).
    """

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
    ) -> None:
        """See the class."""
        self.vocabulary, self.merges, self.pattern = dict(vocabulary), list(merges), pattern
        self.special_tokens, self.chat_template = dict(special_tokens), chat_template
        self.eos_token, self.pad_token, self.bos_token = eos_token, pad_token, bos_token
        self.vocab_size = 1 + max(itertools.chain(self.vocabulary.values(), self.special_tokens.values()))
        if self.vocab_size > MOST_IDS:
            raise InputError(
                f"the tokenizer has {self.vocab_size:,} ids, more than the {MOST_IDS:,} that the encoder holds"
            )
        self._tokens: list[bytes | None] = [None] * self.vocab_size
        for token, id in self.vocabulary.items():
            self._tokens[id] = token
        self._plain_tokens = list(self._tokens)  # for decoding without control tokens
        for name, id in self.special_tokens.items():
            self._tokens[id], self._plain_tokens[id] = name.encode(), b""
        self._controls = ControlTokens(self.special_tokens)
        self._pieces: dict[str, list[int]] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """To worker processes go the contents; the tables are built there."""
        arguments = functools.partial(
            ByteLevelTokenizer,
            pattern=self.pattern,
            special_tokens=self.special_tokens,
            eos_token=self.eos_token,
            pad_token=self.pad_token,
            bos_token=self.bos_token,
            chat_template=self.chat_template,
        )
        return arguments, (self.vocabulary, self.merges)

    def __len__(self) -> int:
        """Number of ids, control tokens included."""
        return self.vocab_size

    def __repr__(self) -> str:
        """What it is, in one line."""
        controls = ", ".join(self.special_tokens)
        return f"ByteLevelTokenizer({self.vocab_size} ids, pattern {self.pattern}, control tokens {controls})"

    @property
    def eos_token_id(self) -> int | None:
        """The id that ends a document."""
        return None if self.eos_token is None else self.special_tokens[self.eos_token]

    @property
    def pad_token_id(self) -> int | None:
        """The id that fills the rest of a row."""
        return None if self.pad_token is None else self.special_tokens[self.pad_token]

    @property
    def bos_token_id(self) -> int | None:
        """The id that stands before a document's first token; `encode` never adds it."""
        return None if self.bos_token is None else self.special_tokens[self.bos_token]

    @functools.cached_property
    def token_lengths(self) -> np.ndarray:
        """Bytes of text that each id stands for, int32[vocab_size]; 0 for control tokens."""
        return np.array([len(token or b"") for token in self._plain_tokens], np.int32)

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that decides ids and text: equal for equal tokenizers, whatever folder they came from."""
        from groundup.text.tokenizers.formats import to_dicts

        return hashlib.sha256(json.dumps(to_dicts(self), sort_keys=True).encode()).hexdigest()

    @functools.cached_property
    def _encoder(self) -> Encoder:
        ids = self.vocabulary
        lefts, rights = (np.array([ids[pair[side]] for pair in self.merges], np.int64) for side in (0, 1))
        merged = np.array([ids[left + right] for left, right in self.merges], np.int64)
        byte_ids = np.array([ids[bytes([byte])] for byte in range(256)], np.int32)
        return Encoder(byte_ids, pair_table(lefts, rights, merged), STYLES[self.pattern])

    @functools.cached_property
    def _ranks(self) -> dict[tuple[bytes, bytes], int]:
        return {pair: rank for rank, pair in enumerate(self.merges)}

    def _encode_piece(self, piece: str) -> list[int]:
        """Ids of a piece by the learner's function, which is asked once for each distinct piece."""
        if piece not in self._pieces:
            self._pieces[piece] = [
                self.vocabulary[bytes(token)] for token in bpe.encode_piece(piece.encode(), self._ranks)
            ]
        return self._pieces[piece]

    def _encode_ordinary(self, text: str) -> list[int]:
        data = _utf_8(text)
        if slots.filled("text.tokenizers.encode_piece"):
            return [id for piece in split(text, self.pattern) for id in self._encode_piece(piece)]
        return self._encoder.encode(data, np.array([0, len(data)]))[0].tolist()

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """Token ids of a text. No start token is added.

        allow_special: whether a control token spelled in the text becomes its id; otherwise it is text like any other.
        """
        if not allow_special:
            return self._encode_ordinary(text)
        ids: list[int] = []
        for part, control in self._controls.split(text):
            ids += [self.special_tokens[part]] if control else self._encode_ordinary(part)
        return ids

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""
        ids, offsets = self.encode_packed(texts)
        whole, edges = ids.tolist(), offsets.tolist()
        return [whole[start:end] for start, end in itertools.pairwise(edges)]

    def encode_packed(self, texts: Iterable[str], threads: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """All texts' ids in one int32 array, and int64 offsets: text t is ids[offsets[t]:offsets[t + 1]].

        threads: None takes one a core when the texts are long enough. The result does not depend on it.
        """
        if slots.filled("text.tokenizers.encode_piece"):
            lists = [self._encode_ordinary(text) for text in texts]
            offsets = np.cumsum([0, *map(len, lists)], dtype=np.int64)
            return np.fromiter(itertools.chain.from_iterable(lists), np.int32, int(offsets[-1])), offsets
        documents = [_utf_8(text) for text in texts]
        offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
        if threads is None:
            threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        groups = min(threads, 1 + int(offsets[-1]) // _PARALLEL_BYTES)
        edges = np.searchsorted(offsets, np.linspace(0, offsets[-1], groups + 1)).tolist()
        edges[0], edges[-1] = 0, len(documents)
        jobs = [(b"".join(documents[a:b]), offsets[a : b + 1] - offsets[a]) for a, b in itertools.pairwise(edges)]
        if groups == 1:
            return self._encoder.encode(*jobs[0])
        with ThreadPoolExecutor(groups) as pool:
            parts = list(pool.map(lambda job: self._encoder.encode(*job), jobs))
        ends = np.cumsum([0, *(len(ids) for ids, _ in parts)])
        starts = [own[:-1] + before for (_, own), before in zip(parts, ends, strict=False)]
        return np.concatenate([ids for ids, _ in parts]), np.concatenate([*starts, ends[-1:]])

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
            raise InputError(
                f"id {wrong} is no token of this tokenizer; its ids are 0 to {self.vocab_size - 1}"
            ) from None

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes that ids stand for; control tokens as they are spelled."""
        return self._joined(ids, self._tokens)

    def decode(self, ids: Iterable[int], skip_special_tokens: bool = False) -> str:
        """The text that ids stand for. Bytes that are no UTF-8 (half a character) become U+FFFD."""
        return self._joined(ids, self._plain_tokens if skip_special_tokens else self._tokens).decode(errors="replace")

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token."""
        return self.decode_bytes([id])

    @functools.cached_property
    def _template(self) -> ChatTemplate:
        if self.chat_template is None:
            raise InputError("this tokenizer has no chat template; set tokenizer.chat_template or use a chat model")
        roles = {"bos_token": self.bos_token, "eos_token": self.eos_token, "pad_token": self.pad_token}
        given = {role: token for role, token in roles.items() if token is not None}
        return ChatTemplate(self.chat_template, self._controls, given)

    def apply_chat_template(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = False,
        tokenize: bool = True,
        return_assistant_mask: bool = False,
        **variables: Any,
    ) -> Any:
        """Write messages as the model was taught to read them: token ids, or the text when not `tokenize`.

        Control tokens come from the template alone; one spelled in a message stays text. return_assistant_mask: give
        (ids, mask), where 1 marks the assistant's words and the control token that closes them: what tuning learns.
        variables: further names that the template asks for, such as tools.
        """
        rendering = self._template.render(messages, add_generation_prompt, variables)
        if not tokenize:
            return rendering.text
        parts = [
            [self.special_tokens[text]] if control else self._encode_ordinary(text) for text, control in rendering.parts
        ]
        ids = list(itertools.chain.from_iterable(parts))
        if not return_assistant_mask:
            return ids
        answers = self._template.answers(messages, rendering.text, variables)
        text = rendering.text
        in_bytes = [(len(text[:first].encode()), len(text[:last].encode())) for first, last in answers]
        return ids, answer_mask([len(self._tokens[id] or b"") for id in ids], in_bytes)

    def save(self, folder: str | Path) -> None:
        """Write tokenizer.json and tokenizer_config.json, which `transformers` and others read too."""
        from groundup.text.tokenizers.formats import save_tokenizer

        save_tokenizer(folder, self)


def _sample(texts: Iterable[str], most: int) -> Iterator[bytes]:
    """The first texts, `most` bytes of them (the last one whole)."""
    for text in texts:
        document = _utf_8(text)
        yield document
        most -= len(document)
        if most <= 0:
            return


def _learn(words: dict[bytes, int], merges: int) -> list[tuple[bytes, bytes]]:
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
    end = END_OF_TEXT if END_OF_TEXT in config.special_tokens else None
    return ByteLevelTokenizer(
        {token: first + i for i, token in enumerate(tokens)},
        merges,
        pattern=config.pattern,
        special_tokens={token: id for id, token in enumerate(config.special_tokens)},
        eos_token=end,
        pad_token=end,
        bos_token=end,
        chat_template=CHATML if {"<|im_start|>", "<|im_end|>"} <= set(config.special_tokens) else None,
    )
