"""Words as tokens: one id a word, and the question what to do with the words that have none.

A text of a million words holds tens of thousands of different ones, half of them once (Zipf 1949), and new text always brings new ones
(Heaps 1978). So the vocabulary is cut off: words seen less than `min_count` times, and all those never seen, are one token, <unk>, which
forgets what stood there. `unknown_share` measures how many that are.

The alternative is hashing (Weinberger et al. 2009, arXiv:0902.2206): an unknown word goes to one of `buckets` ids by a hash of its
spelling, always to the same one, so a model can learn something about it; words that share a bucket cannot be told apart, and no id
becomes a word again. `word_id` does both: without buckets it is <unk>.

`WordLevel` is the model of Hugging Face's tokenizer.json. Decoding joins words with single spaces, so the text comes back only nearly;
what loses nothing begins with `bpe`.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from groundup import slots
from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.slots import slot
from groundup.text.preprocess.one_hot import UNKNOWN, build_vocabulary
from groundup.text.tokenizers import unicode_classes
from groundup.text.tokenizers.added_tokens import WORD, AddedToken
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.pipeline import PipelineTokenizer
from groundup.text.tokenizers.pre_tokenizers import Whitespace


def fnv_1a(text: str) -> int:
    """A hash of a text's UTF-8 bytes, 32 bits, the same on every machine and in every run (Fowler, Noll and Vo).

    >>> hex(fnv_1a("")), hex(fnv_1a("a"))
    ('0x811c9dc5', '0xe40c292c')
    """
    value = 0x811C9DC5
    for byte in text.encode(errors="surrogatepass"):
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


@slot
def word_id(word: str, vocabulary: Mapping[str, int], buckets: int = 0, unknown: str = UNKNOWN) -> int:
    """The id of a word: its own, or else that of its bucket behind the vocabulary, or without buckets that of `unknown`.

    The buckets' ids are len(vocabulary) to len(vocabulary) + buckets - 1, chosen by `fnv_1a`.

    >>> word_id("cat", {"<unk>": 0, "cat": 1}), word_id("dog", {"<unk>": 0, "cat": 1})
    (1, 0)
    >>> word_id("dog", {"<unk>": 0, "cat": 1}, buckets=10)
    9
    """
    if word in vocabulary:
        return vocabulary[word]
    return len(vocabulary) + fnv_1a(word) % buckets if buckets else vocabulary[unknown]


def unknown_share(words: Mapping[str, int], vocabulary: Mapping[str, int]) -> dict[str, float]:
    """How much of counted words a vocabulary does not know: as a share of the running text, and of the different words.

    >>> unknown_share({"the": 8, "cat": 1, "dog": 1}, {"the": 0})
    {'text': 0.2, 'words': 0.6666666666666666}
    """
    unknown = {word: count for word, count in words.items() if word not in vocabulary}
    return {
        "text": sum(unknown.values()) / max(1, sum(words.values())),
        "words": len(unknown) / max(1, len(words)),
    }


def shared_buckets(words: Iterable[str], buckets: int) -> float:
    """The share of different words that share their bucket with another one.

    >>> shared_buckets(["a", "b"], 1), shared_buckets(["a"], 4)
    (1.0, 0.0)
    """
    if buckets < 1:
        raise ConfigError(f"buckets={buckets} holds no word; use 1 or more")
    distinct = set(words)
    filled = Counter(fnv_1a(word) % buckets for word in distinct)
    return sum(count for count in filled.values() if count > 1) / max(1, len(distinct))


class WordLevel:
    """The model of a word tokenizer: a piece is in the vocabulary or it is unknown."""

    def __init__(self, vocabulary: Mapping[str, int], unk_token: str = UNKNOWN) -> None:
        """unk_token: what a piece that is not known becomes; where it is no token itself, such a piece is an error."""
        self.vocabulary, self.unk_token = dict(vocabulary), unk_token

    def encode_piece(self, piece: str) -> list[int]:
        """The id of a piece."""
        if piece not in self.vocabulary and self.unk_token not in self.vocabulary:
            shown = piece if len(piece) <= 20 else piece[:20] + "..."
            raise InputError(
                f"{shown!r} is not in the vocabulary and there is no {self.unk_token!r} to stand for it; train with an "
                "unknown token or on a text that holds it"
            )
        return [word_id(piece, self.vocabulary, unknown=self.unk_token)]

    def to_json(self) -> dict[str, Any]:
        """As tokenizer.json has it."""
        in_order = dict(sorted(self.vocabulary.items(), key=lambda item: item[1]))
        return {"type": "WordLevel", "vocab": in_order, "unk_token": self.unk_token}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "WordLevel":
        """Read what `to_json` wrote, from anybody."""
        unknown = sorted(raw.keys() - {"type", "vocab", "unk_token"})
        if unknown:
            raise UnsupportedModel(
                f"its model WordLevel has the option {unknown[0]!r}, which is not implemented; use a tokenizer without it"
            )
        vocabulary = raw.get("vocab")
        if not isinstance(vocabulary, Mapping) or not all(type(id) is int and id >= 0 for id in vocabulary.values()):
            raise FormatError("its model WordLevel has no vocab of tokens and ids; copy the file again")
        if len(set(vocabulary.values())) < len(vocabulary):
            raise FormatError("two tokens of its model WordLevel have one id; copy the file again")
        return cls(vocabulary, raw.get("unk_token", UNKNOWN))


_BEYOND = re.compile("[\U00010000-\U0010ffff]")


@functools.cache
def _runs() -> re.Pattern[str]:
    """What `Whitespace` cuts, as one pattern of `re`, for texts without characters beyond U+FFFF.

    With them the sets would be looked up range by range, which takes fifteen times as long.
    """

    def inside(packed: str) -> str:
        pairs = (pair for pair in unicode_classes.unpack(packed) if pair[1] <= 0xFFFF)
        return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in pairs)

    letters, spaces = inside(WORD), inside(unicode_classes.SPACES)
    return re.compile(f"[{letters}]+|[^{letters}{spaces}]+")


def words_of(text: str) -> list[str]:
    """The words of a text: runs of letters and digits, and runs of other signs, as `Whitespace` cuts them.

    >>> words_of("Hi, you_2!?")
    ['Hi', ',', 'you_2', '!?']
    """
    if text.isascii() or not _BEYOND.search(text):
        return _runs().findall(text)
    return [piece.text for piece in Whitespace().split(AlignedText(text))]


def count_words(texts: Iterable[str], pre_tokenizer: Any = None) -> Counter[str]:
    """How often each word occurs; a word is what the pre-tokenizer cuts (runs of letters and digits, runs of signs)."""
    counts: Counter[str] = Counter()
    for text in [texts] if isinstance(texts, str) else texts:
        if pre_tokenizer is None:
            counts.update(words_of(text))
        else:
            counts.update(piece.text for piece in pre_tokenizer.split(AlignedText(text)))
    return counts


class WordTokenizer(PipelineTokenizer):
    """One id a word. Make it with `train_word_tokenizer`; words between white space are found by one pattern, the fast form."""

    def _encode_part(self, part: AlignedText) -> list[int]:
        unknown = self.vocabulary.get(self.model.unk_token)
        if self.pre_tokenizer != Whitespace() or unknown is None or slots.filled("text.tokenizers.word_id"):
            return super()._encode_part(part)
        ids = self.vocabulary.get
        return [ids(word, unknown) for word in words_of(part.text)]


def train_word_tokenizer(
    texts: Iterable[str],
    *,
    min_count: int = 2,
    vocab_size: int | None = None,
    special_tokens: Sequence[str] = (UNKNOWN,),
    pre_tokenizer: Any = None,
) -> WordTokenizer:
    """A tokenizer whose tokens are the words that texts hold at least `min_count` times, `vocab_size` ids at most.

    special_tokens: the first ids; the first of them stands for unknown words.
    """
    if not special_tokens or (vocab_size is not None and vocab_size <= len(special_tokens)):
        raise ConfigError(
            f"vocab_size={vocab_size} with special_tokens={list(special_tokens)} leaves no word; give at least one special "
            "token, for unknown words, and a larger size"
        )
    counts = count_words(texts, pre_tokenizer)
    return word_tokenizer(counts, min_count, vocab_size, special_tokens, pre_tokenizer)


def word_tokenizer(
    counts: Mapping[str, int],
    min_count: int = 2,
    vocab_size: int | None = None,
    special_tokens: Sequence[str] = (UNKNOWN,),
    pre_tokenizer: Any = None,
) -> WordTokenizer:
    """`train_word_tokenizer` of words that are counted already."""
    if not counts:
        raise InputError("there is no word to build a vocabulary of; give at least one text that is not empty")
    vocabulary = build_vocabulary(counts, min_count, vocab_size, special_tokens)
    return WordTokenizer(
        WordLevel(vocabulary, special_tokens[0]),
        pre_tokenizer=pre_tokenizer or Whitespace(),
        added_tokens=[AddedToken(id=id, content=token) for id, token in enumerate(special_tokens)],
        unk_token=special_tokens[0],
    )
