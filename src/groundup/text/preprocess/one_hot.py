"""From words to numbers: a vocabulary gives each token an id, a one-hot row is that id spelled out, and an embedding is a row of a matrix.

A one-hot row of `size` numbers is 1 at the id and 0 elsewhere, so that no token is nearer to one than to another. Times a matrix E
it picks one row of E: one_hot(ids) @ E equals E[ids], which is why nobody builds the one-hot rows: they cost size numbers a
token and 2 * size * width operations where a look-up copies width numbers (`cost` says how much).

A vocabulary is built from counts under one stated order, so that equal counts give equal ids on every machine: special tokens
first, then by falling count, equals by code points. Tokens seen less than `min_count` times, or beyond `max_size`, are left to
the unknown token. Left out: hashing in place of a vocabulary (`word` in the tokenizers) and learned splits (`bpe`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from groundup import files
from groundup.errors import ConfigError, FormatError, InputError
from groundup.slots import slot

UNKNOWN = "<unk>"


@slot
def one_hot(ids: Sequence[int] | np.ndarray, size: int) -> np.ndarray:
    """A row of zeros with a one at each id, float32[..., size].

    >>> one_hot([2, 0], 3).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    places = np.asarray(ids, np.int64) if len(ids) else np.zeros(0, np.int64)
    if places.size and not (0 <= places.min() and places.max() < size):
        raise InputError(f"ids go from {places.min()} to {places.max()}, outside 0 to {size - 1}; give a larger size")
    return (places[..., None] == np.arange(size)).astype(np.float32)


def look_up(ids: Sequence[int] | np.ndarray, table: np.ndarray) -> np.ndarray:
    """The rows of a table: what one_hot(ids, len(table)) @ table gives, without the multiplication.

    >>> look_up([1, 1], np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    return table[np.asarray(ids, np.int64)]


def cost(tokens: int, size: int, width: int) -> dict[str, dict[str, int]]:
    """Bytes (of float32) and floating-point operations of both ways, for `tokens` tokens.

    >>> cost(1000, 50_000, 512)["one_hot"]["bytes"] // cost(1000, 50_000, 512)["look_up"]["bytes"]
    50000
    """
    return {
        "one_hot": {"bytes": 4 * tokens * size, "operations": 2 * tokens * size * width},
        "look_up": {"bytes": 4 * tokens, "operations": 0},
    }


@slot
def build_vocabulary(
    counts: Mapping[str, int],
    min_count: int = 1,
    max_size: int | None = None,
    special_tokens: Sequence[str] = (UNKNOWN,),
) -> dict[str, int]:
    """The id of each token: special tokens first, then by falling count, equals by code points.

    min_count: what is seen less often is left out. max_size: ids in all, special tokens included.

    >>> build_vocabulary({"b": 2, "a": 2, "c": 9, "rare": 1}, min_count=2)
    {'<unk>': 0, 'c': 1, 'a': 2, 'b': 3}
    """
    frequent = [token for token, count in counts.items() if count >= min_count and token not in special_tokens]
    in_order = [*special_tokens, *sorted(frequent, key=lambda token: (-counts[token], token))]
    return {token: id for id, token in enumerate(in_order[:max_size])}


def count_tokens(texts: Iterable[Iterable[str]]) -> Counter[str]:
    """How often each token occurs in all texts; a text is a list of tokens (or a string: its characters)."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    return counts


_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def escape(token: str) -> str:
    """A token on one line.

    >>> escape("a" + chr(10)), unescape("a" + chr(92) + "n") == "a" + chr(10)
    ('a\\\\n', True)
    """
    return "".join(_ESCAPES.get(character, character) for character in token)


def unescape(line: str) -> str:
    """The token that a line spells; a backslash before anything else is itself."""
    out, characters = "", iter(line)
    for character in characters:
        following = next(characters, "") if character == "\\" else ""
        out += {"\\n": "\n", "\\r": "\r", "\\\\": "\\"}.get(character + following, character + following)
    return out


class Vocabulary:
    """Tokens and their ids, 0 to len - 1, with one token for those it does not know (or none)."""

    def __init__(self, tokens: Iterable[str], unknown: str | None = UNKNOWN) -> None:
        """tokens: in the order of their ids."""
        self.tokens = tuple(tokens)
        self.ids = {token: id for id, token in enumerate(self.tokens)}
        if len(self.ids) < len(self.tokens):
            twice = next(token for token, times in Counter(self.tokens).items() if times > 1)
            raise ConfigError(f"token {twice!r} stands in the vocabulary twice; remove one of them")
        if unknown is not None and unknown not in self.ids:
            raise ConfigError(f"the unknown token {unknown!r} is not in the vocabulary; add it, or pass unknown=None")
        self.unknown = unknown

    @classmethod
    def build(
        cls,
        texts: Iterable[Iterable[str]],
        min_count: int = 1,
        max_size: int | None = None,
        special_tokens: Sequence[str] = (UNKNOWN,),
    ) -> "Vocabulary":
        """Count the tokens of texts and give the frequent ones ids; the first special token stands for the others."""
        if max_size is not None and max_size < len(special_tokens):
            raise ConfigError(
                f"max_size={max_size} does not even hold the {len(special_tokens)} special tokens; use more"
            )
        found = build_vocabulary(count_tokens(texts), min_count, max_size, special_tokens)
        return cls(found, special_tokens[0] if special_tokens else None)

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self.ids

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and (self.tokens, self.unknown) == (other.tokens, other.unknown)

    __hash__ = None  # type: ignore[assignment]

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """The id of each token; the unknown token's for one that is not there."""
        if self.unknown is not None:
            unknown = self.ids[self.unknown]
            return [self.ids.get(token, unknown) for token in tokens]
        try:
            return [self.ids[token] for token in tokens]
        except KeyError as error:
            raise InputError(
                f"token {error.args[0]!r} is not in the vocabulary of {len(self)}; build it with an unknown token"
            ) from None

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The tokens of ids."""
        numbers = list(ids)
        wrong = [id for id in numbers if not 0 <= id < len(self)]
        if wrong:
            raise InputError(f"id {wrong[0]} is no token of this vocabulary; its ids are 0 to {len(self) - 1}")
        return [self.tokens[id] for id in numbers]

    def save(self, path: str | Path) -> None:
        r"""Write one token a line, its id the line's number from 0; newlines and backslashes as \n and \\."""
        try:
            files.write_text(path, "".join(escape(token) + "\n" for token in self.tokens))
        except UnicodeEncodeError as error:
            raise InputError(
                f"a token holds half a surrogate pair ({error.object[:20]!r}); mend the text first"
            ) from error

    @classmethod
    def load(cls, path: str | Path, unknown: str | None = UNKNOWN) -> "Vocabulary":
        """Read such a file (also BERT's vocab.txt, whose unknown token is [UNK])."""
        try:
            text = Path(path).read_bytes().decode()
        except OSError as error:
            raise InputError(f"{path} cannot be read ({error.strerror}); check the path") from error
        except UnicodeDecodeError as error:
            raise FormatError(
                f"{path} is no UTF-8 text (byte {error.start}); give a file with one token a line"
            ) from error
        return cls((unescape(line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")), unknown)
