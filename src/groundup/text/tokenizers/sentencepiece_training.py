"""A SentencePiece tokenizer trained from texts: normalise, count words, learn pieces, put the parts together.

Kudo & Richardson 2018 (arXiv:1808.06226). Words begin at spaces, and for training they also end where the script changes,
so that no piece holds a word and the comma behind it; both as SentencePiece does by default. Pieces are learned by one of
two models: Unigram, whose scores are log probabilities, or BPE, whose scores only say what came first: 0, -1, -2 and so on
for the merges, then the single characters, the frequent ones first. With byte_fallback (Llama 2) a character that is no
piece is spelled in bytes, so that no text is unknown, and character_coverage may leave rare ones to them.

The result is written by `sentencepiece_model.write_model` or, as tokenizer.json, by `save`. Left out: SentencePiece's
other ways to split words (digits one by one, words of several spaces).
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import regex

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers.character_bpe_training import train_character_bpe_fast
from groundup.text.tokenizers.post_processors import surrounded
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.text.tokenizers.sentencepiece_tokenizer import (
    BYTE,
    CONTROL,
    MODELS,
    UNKNOWN,
    USER_DEFINED,
    Piece,
    SentencePieceTokenizer,
)
from groundup.text.tokenizers.tokenizer import utf_8
from groundup.text.tokenizers.unigram import LONGEST, SEEDS
from groundup.text.tokenizers.unigram_training import train_unigram

_BATCH = 1 << 20  # bytes normalised at once
_SPACE = "▁".encode()
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

_ONE_SCRIPT_OF_ASCII = re.compile("▁?(?:[A-Za-z]+|[^A-Za-z▁]+)|▁")  # the same, and quicker


def split_scripts(word: str) -> list[str]:
    """Cut a word where the script changes, as SentencePiece does for training; signs and digits count as one script.

    >>> split_scripts("▁it's"), split_scripts("猫のcat")
    (['▁it', "'", 's'], ['猫の', 'cat'])
    """
    return (_ONE_SCRIPT_OF_ASCII if word.removeprefix("▁").isascii() else _ONE_SCRIPT).findall(word)


def count_marked_words(texts: Iterable[str], by_script: bool = True) -> dict[str, int]:
    """Words of normalised texts (spaces are `▁`) with the number of times each occurs; `▁` begins a word.

    by_script: cut words where the script changes too, so that no piece holds a word and the comma behind it.

    >>> count_marked_words(["▁a,▁b", "▁a"])
    {'▁a': 2, ',': 1, '▁b': 1}
    """
    counts: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    for text in texts:
        head, *rest = text.split("▁")
        marked.update(rest)
        counts.update([head] if head else [])
    counts.update({"▁" + word: times for word, times in marked.items()})
    if not by_script:
        return dict(counts)
    parts: Counter[str] = Counter()
    for word, times in counts.items():
        for part in split_scripts(word):
            parts[part] += times
    return dict(parts)


def _normalized(texts: Iterable[str], rules: SentencePieceNormalizer) -> Iterator[str]:
    """Texts as the model cuts them, many at a time; as one text where each begins with ▁, which parts them."""
    waiting: list[bytes] = []
    size = 0
    for text in itertools.chain(texts, [None]):
        if text is not None:
            waiting.append(utf_8(text))
            size += len(waiting[-1])
        if text is None or size >= _BATCH:
            offsets = np.cumsum([0, *map(len, waiting)], dtype=np.int64)
            out, edges = rules.normalize_packed(b"".join(waiting), offsets)
            whole = out[: edges[-1]].tobytes()
            if all(whole.startswith(_SPACE, a) for a, b in itertools.pairwise(edges.tolist()) if a < b):
                yield whole.decode()
            else:
                yield from (whole[a:b].decode() for a, b in itertools.pairwise(edges.tolist()))
            waiting, size = [], 0


def count_characters(words: Mapping[str, int]) -> dict[str, int]:
    """How often each character occurs, the most frequent first; of equals the smaller one.

    >>> count_characters({"▁hug": 2, "▁bug": 3})
    {'g': 5, 'u': 5, '▁': 5, 'b': 3, 'h': 2}
    """
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for character in word:
            counts[character] += times
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def cover(words: Mapping[str, int], character_coverage: float) -> dict[str, int]:
    """Words without their rare characters: the frequent ones that together make this share of the text stay.

    A word is cut at what goes, so that no piece reaches across it.

    >>> cover({"abxab": 2, "ab": 5}, 0.9)
    {'ab': 9}
    """
    counts, seen = count_characters(words), 0
    total, rare = sum(counts.values()), {}
    for character, times in counts.items():
        if seen >= character_coverage * total:
            rare[ord(character)] = " "  # words hold no space
        seen += times
    if not rare:
        return dict(words)
    parts: Counter[str] = Counter()
    for word, times in words.items():
        for part in word.translate(rare).split():
            parts[part] += times
    return dict(parts)


def _learn(words: Mapping[str, int], size: int, model: str, seeds: int, longest: int) -> list[tuple[str, float]]:
    """Up to `size` pieces and their scores."""
    if model == "unigram":
        return train_unigram(words, size, seeds=seeds, longest=longest)
    characters = count_characters(words)
    merges = train_character_bpe_fast(words, size - len(characters), longest)
    pieces = dict.fromkeys([*(left + right for left, right in merges), *characters])
    return [(piece, float(-place)) for place, piece in enumerate(pieces)]


def _first_pieces(symbols: Iterable[str], byte_fallback: bool) -> list[Piece]:
    """What stands before the pieces that are learned."""
    controls = [Piece(UNK, 0.0, UNKNOWN), Piece(BOS, 0.0, CONTROL), Piece(EOS, 0.0, CONTROL)]
    own = [Piece(symbol, 0.0, USER_DEFINED) for symbol in symbols]
    return [*controls, *own, *(Piece(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256) if byte_fallback)]


def _check_alphabet(words: Mapping[str, int], vocab_size: int, others: int) -> None:
    """Refuse a vocabulary that has no room for every character."""
    least = others + len(set(itertools.chain.from_iterable(words)))
    if vocab_size < least:
        raise ConfigError(
            f"vocab_size={vocab_size} is smaller than the alphabet: {least - others} different characters and {others} "
            f"other pieces; use vocab_size={least + 1} or more, or byte_fallback with character_coverage=0.9995"
        )


def _check(model: str, vocab_size: int, first: Sequence[Piece], rules: SentencePieceNormalizer, share: float) -> None:
    if model not in MODELS:
        raise ConfigError(f"model={model!r} cannot be trained; use {' or '.join(MODELS)}")
    if rules.treat_whitespace_as_suffix or not rules.escape_whitespaces:
        raise ConfigError("training needs words that begin with ▁; use escape_whitespaces and no whitespace as suffix")
    if vocab_size <= len(first):
        raise ConfigError(f"vocab_size={vocab_size} leaves no piece beside {len(first)} others; use a larger one")
    if not 0 < share <= 1:
        raise ConfigError(f"character_coverage={share} is no share of a text; use 0.9995, or 1 to keep every character")


def train_sentencepiece(
    texts: Iterable[str],
    vocab_size: int,
    *,
    model: str = "unigram",
    rules: SentencePieceNormalizer | None = None,
    symbols: Iterable[str] = (),
    byte_fallback: bool = False,
    character_coverage: float = 1.0,
    by_script: bool = True,
    seeds: int = SEEDS,
    longest: int = LONGEST,
) -> SentencePieceTokenizer:
    """Learn a tokenizer of `vocab_size` ids: <unk>, <s>, </s>, the user's symbols, bytes if wanted, pieces.

    model: "unigram" or "bpe", which gives fewer when nothing is left to merge. rules: the normaliser (by default spaces
    only). character_coverage: the share of the text whose characters become pieces, the frequent ones. by_script: no piece
    holds two scripts. longest: characters of a piece at most. seeds: how many strings "unigram" begins with.
    """
    rules, first = rules or SentencePieceNormalizer(), _first_pieces(symbols, byte_fallback)
    _check(model, vocab_size, first, rules, character_coverage)
    words = count_marked_words(_normalized([texts] if isinstance(texts, str) else texts, rules), by_script)
    if not words:
        raise InputError("there is no text to train a tokenizer on; give at least one document that is not empty")
    words, taken = cover(words, character_coverage), {piece.text for piece in first}
    _check_alphabet(words, vocab_size, len(first))
    learned = _learn(words, vocab_size - len(first), model, seeds, longest)
    pieces = [Piece(text, float(np.float32(score))) for text, score in learned if text not in taken]
    # every document stands behind it in training
    begin = surrounded([(BOS, [piece.text for piece in first].index(BOS))])
    return SentencePieceTokenizer(
        [*first, *pieces], model=model, rules=rules, byte_fallback=byte_fallback, post_processor=begin,
        bos_token=BOS, eos_token=EOS,
    )  # fmt: skip
