"""tiktoken's rank files: a token and its rank a line, and no word about merges, pattern or control tokens.

    IQ== 0          the byte "!" has rank 0 (base64, a blank, a number)

A rank is the token's id and the order of merging at once: of all neighbours whose bytes joined are a token, the pair
whose token has the lowest rank is merged first, whatever the two halves are. A piece that is a token is that token,
looked up before anything is merged: not every token can be reached by merges. Both differ from a list of merges, where
only the two halves that training saw are joined.

The split pattern and the control tokens of the published files are known by the files' names (as OpenAI's tiktoken 0.14
states them); any other file needs `pattern=`, because a wrong one would change ids without a word.
"""

import base64
import binascii
import functools
from collections.abc import Mapping, Sequence
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groundup import files, slots
from groundup.errors import FormatError, InputError
from groundup.slots import slot
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
from groundup.text.tokenizers.byte_level_encoding import MOST_IDS, Encoder
from groundup.text.tokenizers.post_processors import surrounded
from groundup.text.tokenizers.splitting import PATTERNS, STYLES, split

_END = "<|endoftext|>"
_FILL_IN = {"<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260}
# name of the file: its split pattern and control tokens
PUBLISHED: dict[str, tuple[str, dict[str, int]]] = {
    "r50k_base": ("gpt2", {_END: 50256}),
    "p50k_base": ("gpt2", {_END: 50256}),
    "cl100k_base": ("cl100k", {_END: 100257, **_FILL_IN, "<|endofprompt|>": 100276}),
    "o200k_base": ("o200k", {_END: 199999, "<|endofprompt|>": 200018}),
}


@slot
def encode_by_rank(piece: bytes, ranks: Mapping[bytes, int]) -> list[bytes]:
    """Cut a piece into tokens: itself if it is one, else join the neighbours whose joined token has the lowest rank.

    Of equal ones the leftmost is joined first. All single bytes are tokens.

    >>> encode_by_rank(b"hugs", {b"h": 0, b"u": 1, b"g": 2, b"s": 3, b"ug": 4, b"gs": 5, b"hug": 6})
    [b'hug', b's']
    >>> encode_by_rank(b"hugs", {b"h": 0, b"u": 1, b"g": 2, b"s": 3, b"ug": 4, b"hugs": 5})
    [b'hugs']
    """
    if piece in ranks:
        return [piece]
    tokens = [bytes([byte]) for byte in piece]
    while len(tokens) > 1:
        joined = [left + right for left, right in pairwise(tokens)]
        best = min(range(len(joined)), key=lambda place: ranks.get(joined[place], MOST_IDS))
        if joined[best] not in ranks:
            break
        tokens[best : best + 2] = [joined[best]]
    return tokens


class _BySlot:
    """An encoder that asks the learner's `encode_by_rank`, once for each distinct piece."""

    def __init__(self, ranks: Mapping[bytes, int], pattern: str) -> None:
        self._ranks, self._pattern, self._known = ranks, pattern, dict[str, list[int]]()

    def _encode_piece(self, piece: str) -> list[int]:
        if piece not in self._known:
            tokens = encode_by_rank(piece.encode(), self._ranks)
            self._known[piece] = [self._ranks[bytes(token)] for token in tokens]
        return self._known[piece]

    def encode_text(self, text: bytes) -> list[int]:
        """As `byte_level_encoding.Encoder.encode_text`."""
        return self.encode(text, np.array([0, len(text)]))[0].tolist()

    def encode(self, text: bytes, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `byte_level_encoding.Encoder.encode`."""
        documents = [text[start:end].decode() for start, end in pairwise(offsets.tolist())]
        ids = [[id for piece in split(one, self._pattern) for id in self._encode_piece(piece)] for one in documents]
        return np.array([*chain.from_iterable(ids)], np.int32), np.array(
            [*accumulate(map(len, ids), initial=0)], np.int64
        )


class RankTokenizer(ByteLevelTokenizer):
    """A byte-level tokenizer that merges by the ranks of its tokens instead of by a list of merges."""

    ignore_merges = True  # what tokenizer.json calls looking up a whole piece first

    def __init__(
        self, vocabulary: Mapping[bytes, int], merges: Sequence[tuple[bytes, bytes]] = (), **others: Any
    ) -> None:
        """vocabulary: the rank of each token; others: as for ByteLevelTokenizer. merges are not read: they follow."""
        super().__init__(vocabulary, (), **others)
        del self.__dict__["merges"]  # a quarter of a million pairs, made when they are asked for

    @functools.cached_property
    def merges(self) -> list[tuple[bytes, bytes]]:  # type: ignore[override]
        """Every way to make a token of two others, in the order of the tokens' ranks, as tokenizer.json lists them."""
        known = self.vocabulary
        in_order = sorted(known, key=known.__getitem__)
        halves = ((token[:k], token[k:]) for token in in_order for k in range(1, len(token)))
        return [(left, right) for left, right in halves if left in known and right in known]

    @functools.cached_property
    def _ranks(self) -> dict[tuple[bytes, bytes], int]:
        return {(left, right): self.vocabulary[left + right] for left, right in self.merges}

    def _encode_piece(self, piece: str) -> list[int]:
        whole = self.vocabulary.get(piece.encode())
        return super()._encode_piece(piece) if whole is None else [whole]

    @functools.cached_property
    def _encoder(self) -> Encoder:
        if slots.filled("text.tokenizers.encode_by_rank"):
            return _BySlot(self.vocabulary, self.pattern)  # type: ignore[return-value]
        return Encoder.of_ranks(self.vocabulary, STYLES[self.pattern])


class Ranks(NamedTuple):
    """What a rank file and its name say."""

    vocabulary: dict[bytes, int]
    pattern: str
    special_tokens: dict[str, int]


def _parse(path: Path) -> dict[bytes, int]:
    """The tokens of a file and their ranks."""
    vocabulary: dict[bytes, int] = {}
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            vocabulary[binascii.a2b_base64(token, strict_mode=True)] = int(rank)
        except ValueError as error:
            raise FormatError(
                f"{path}: line {number} is not a token in base64, a blank and its rank ({error}); copy the file again"
            ) from error
    return vocabulary


def _check(path: Path, vocabulary: Mapping[bytes, int], lines: int, taken: Mapping[str, int]) -> None:
    """Refuse ranks that cannot be encoded with."""
    ranks = vocabulary.values()
    wrong = None
    if len(vocabulary) < lines or len(set(ranks)) < lines:
        wrong = "holds a token or a rank twice"
    elif missing := [byte for byte in range(256) if bytes([byte]) not in vocabulary]:
        wrong = f"has no token for byte {missing[0]}"
    elif b"" in vocabulary or max(map(len, vocabulary)) > 4095:
        wrong = "holds an empty token or one of more than 4,095 bytes"
    elif not 0 <= min(ranks) <= max(ranks) < MOST_IDS:
        wrong = f"holds ranks outside 0 to {MOST_IDS - 1}"
    elif both := set(ranks) & set(taken.values()):
        wrong = f"has a token of rank {min(both)}, which belongs to a control token of the published file of this name"
    if wrong:
        raise FormatError(f"{path} {wrong}; copy the file again")


def parse_ranks(path: str | Path, pattern: str | None = None) -> Ranks:
    """Read a rank file: its tokens, and by its name or `pattern` how text is split and what the control tokens are."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist; give the path of a .tiktoken file")
    named = PUBLISHED.get(path.name.removesuffix(".tiktoken"))
    if pattern is None and named is None:
        raise InputError(
            f"{path.name} does not say how text is split, and no published file has that name; give pattern=, one of "
            f"{', '.join(map(repr, PATTERNS))}"
        )
    pattern = pattern or named[0]  # type: ignore[index]
    if pattern not in PATTERNS:
        raise InputError(f"pattern={pattern!r} is not a split pattern; use one of {', '.join(map(repr, PATTERNS))}")
    vocabulary, special = _parse(path), named[1] if named else {}
    _check(path, vocabulary, sum(1 for line in path.read_bytes().split(b"\n") if line.strip()), special)
    return Ranks(vocabulary, pattern, dict(special))


def read_ranks(path: str | Path, pattern: str | None = None) -> RankTokenizer:
    """The tokenizer of a rank file.

    pattern: a name in `splitting.PATTERNS`; a file named as a published one (cl100k_base.tiktoken) needs none.
    """
    ranks = parse_ranks(path, pattern)
    end = _END if _END in ranks.special_tokens else None
    return RankTokenizer(
        ranks.vocabulary,
        pattern=ranks.pattern,
        special_tokens=ranks.special_tokens,
        eos_token=end,
        pad_token=end,
        bos_token=end,
        post_processor=surrounded([(end, ranks.special_tokens[end])]) if end else None,
    )


def write_ranks(path: str | Path, vocabulary: Mapping[bytes, int]) -> None:
    """Write a vocabulary as a rank file, which `tiktoken.load.load_tiktoken_bpe` reads too.

    The ids must be in the order of merging, as those of a tokenizer that was trained here are. Control tokens do not
    belong in the file: they are given to `tiktoken.Encoding` beside it.
    """
    lines = (
        b"%s %d\n" % (base64.b64encode(token), id) for token, id in sorted(vocabulary.items(), key=lambda one: one[1])
    )
    files.write_bytes(Path(path), b"".join(lines))
