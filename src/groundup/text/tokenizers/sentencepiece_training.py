"""A SentencePiece tokenizer trained from texts: normalise, count words, learn pieces (Unigram), put the parts together.

Kudo & Richardson 2018 (arXiv:1808.06226). Words begin at spaces, and for training they also end where the script changes,
so that no piece holds a word and the comma behind it; both as SentencePiece does by default. The result is written by
`sentencepiece_model.write_model` or, as tokenizer.json, by `save`. Left out: characters that are too rare for the
alphabet are dropped by SentencePiece (character_coverage), here by `byte_fallback` or not at all.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import regex

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_tokenizer import (
    BYTE,
    CONTROL,
    UNKNOWN,
    USER_DEFINED,
    Piece,
    SentencePieceTokenizer,
)
from groundup.text.tokenizers.tokenizer import utf_8
from groundup.text.tokenizers.unigram import LONGEST, SEEDS
from groundup.text.tokenizers.unigram_training import train_unigram

_BATCH = 1 << 20  # bytes normalised at once
UNK, BOS, EOS = "<unk>", "<s>", "</s>"
_SCRIPTS = (
    "Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu "
    "Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul Ethiopic Cherokee Khmer Mongolian Common"
).split()
_TOGETHER = [
    *(rf"\p{{Script={script}}}" for script in _SCRIPTS),
    r"\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー",
]
_ONE_SCRIPT = regex.compile(
    "▁?(?:"
    + "|".join(rf"(?:(?!▁)[{script}])(?:(?!▁)[{script}\p{{Script=Inherited}}])*" for script in _TOGETHER)
    + rf"|[^▁{''.join(_TOGETHER)}]+)|▁"
)


def split_scripts(word: str) -> list[str]:
    """Cut a word where the script changes, as SentencePiece does for training; signs and digits count as one script.

    >>> split_scripts("▁it's"), split_scripts("猫のcat")
    (['▁it', "'", 's'], ['猫の', 'cat'])
    """
    return _ONE_SCRIPT.findall(word)


def count_marked_words(texts: Iterable[str], by_script: bool = True) -> dict[str, int]:
    """Words of normalised texts (spaces are `▁`) with the number of times each occurs; `▁` begins a word.

    by_script: cut words where the script changes too, so that no piece holds a word and the comma behind it.

    >>> count_marked_words(["▁a,▁b", "▁a"])
    {'▁a': 2, ',': 1, '▁b': 1}
    """
    counts: Counter[str] = Counter()
    for text in texts:
        head, *rest = text.split("▁")
        counts.update(["▁" + word for word in rest])
        counts.update([head] if head else [])
    if not by_script:
        return dict(counts)
    parts: Counter[str] = Counter()
    for word, times in counts.items():
        for part in split_scripts(word):
            parts[part] += times
    return dict(parts)


def _normalized(texts: Iterable[str], rules: SentencePieceNormalizer) -> Iterator[str]:
    """Texts as the model cuts them, many at a time."""
    waiting: list[bytes] = []
    size = 0
    for text in itertools.chain(texts, [None]):
        if text is not None:
            waiting.append(utf_8(text))
            size += len(waiting[-1])
        if text is None or size >= _BATCH:
            offsets = np.cumsum([0, *map(len, waiting)], dtype=np.int64)
            out, edges = rules.normalize_packed(b"".join(waiting), offsets)
            whole = out.tobytes()
            yield from (whole[a:b].decode() for a, b in itertools.pairwise(edges.tolist()))
            waiting, size = [], 0


def train_sentencepiece(
    texts: Iterable[str],
    vocab_size: int,
    *,
    rules: SentencePieceNormalizer | None = None,
    symbols: Iterable[str] = (),
    byte_fallback: bool = False,
    by_script: bool = True,
    seeds: int = SEEDS,
    longest: int = LONGEST,
) -> SentencePieceTokenizer:
    """Learn a Unigram tokenizer of `vocab_size` ids: <unk>, <s>, </s>, the user's symbols, bytes if wanted, pieces.

    rules: the normaliser (by default spaces only). by_script: no piece holds two scripts. seeds, longest: how many
    strings training begins with, and of how many characters.
    """
    rules = rules or SentencePieceNormalizer()
    if rules.treat_whitespace_as_suffix or not rules.escape_whitespaces:
        raise ConfigError("training needs words that begin with ▁; use escape_whitespaces and no whitespace as suffix")
    words = count_marked_words(_normalized([texts] if isinstance(texts, str) else texts, rules), by_script)
    if not words:
        raise InputError("there is no text to train a tokenizer on; give at least one document that is not empty")
    first = [Piece(UNK, 0.0, UNKNOWN), Piece(BOS, 0.0, CONTROL), Piece(EOS, 0.0, CONTROL)]
    first += [Piece(symbol, 0.0, USER_DEFINED) for symbol in symbols]
    first += [Piece(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256) if byte_fallback]
    taken = {piece.text for piece in first}
    if vocab_size <= len(first):
        raise ConfigError(f"vocab_size={vocab_size} leaves no piece beside {len(first)} others; use a larger one")
    learned = train_unigram(words, vocab_size - len(first), seeds=seeds, longest=longest)
    pieces = [Piece(text, float(np.float32(score))) for text, score in learned if text not in taken]
    return SentencePieceTokenizer(
        [*first, *pieces], rules=rules, byte_fallback=byte_fallback, bos_token=BOS, eos_token=EOS
    )
