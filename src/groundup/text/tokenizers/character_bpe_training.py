"""Byte pair encoding over characters, trained: the definition to read, and its fast form.

`bpe` with two differences. A word is at first its characters, so a vocabulary spends nothing on learning how bytes make a
letter, and a piece is always text. And a piece has at most `longest` characters, as SentencePiece has it, or rows of signs
would fill the vocabulary. Ties as in `bpe`: the smaller text, left part first (SentencePiece takes the shorter one).

The fast form keeps the counts and corrects them; its kernel is that of WordPiece (`wordpiece_training`) under the rule
"frequency", without a mark on pieces inside a word. Pieces, scores and bytes around them: `sentencepiece_training`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from groundup.errors import InputError
from groundup.text.tokenizers.bpe import best_pair, count_pairs, merge_pair
from groundup.text.tokenizers.character_bpe import Pair
from groundup.text.tokenizers.unigram import LONGEST
from groundup.text.tokenizers.wordpiece_training import Words, learn_merges


def _check(words: Mapping[str, int], longest: int) -> None:
    for word, times in words.items():
        if not word or times < 1:
            raise InputError(f"word {word!r} with count {times} cannot be learned from; leave it out")
    if longest < 2:
        raise InputError(f"longest={longest} leaves no pair to merge; use 2 or more characters")


def train_character_bpe(words: Mapping[str, int], merges: int, longest: int = LONGEST) -> list[Pair]:
    """Learn up to `merges` merges, in order, from words with the number of times each occurs.

    The most frequent pair comes first, if its piece has no more than `longest` characters. Fewer come back when no pair
    is left. The order of the words does not matter.

    >>> train_character_bpe({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, 3)
    [('u', 'g'), ('u', 'n'), ('h', 'ug')]
    """
    _check(words, longest)
    spelled: dict[str, Any] = {word: list(word) for word in words}
    learned: list[Pair] = []
    while len(learned) < merges:
        counts: Counter[Any] = Counter()
        for word, symbols in spelled.items():
            for pair, occurrences in count_pairs(symbols).items():
                if len(pair[0] + pair[1]) <= longest:
                    counts[pair] += occurrences * words[word]
        if not counts:
            break
        best: Any = best_pair(counts)
        learned.append(best)
        spelled = {word: merge_pair(symbols, best) for word, symbols in spelled.items()}
    return learned


def _spelled(words: Mapping[str, int]) -> tuple[list[str], Words]:
    """The characters of all words in order, and the words in their numbers."""
    codes = np.frombuffer("".join(words).encode("utf-32-le"), np.uint32)
    characters, numbers = np.unique(codes, return_inverse=True)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    weights = np.fromiter(words.values(), np.int64, len(words))
    state = Words(numbers.astype(np.int32), np.cumsum(lengths) - lengths, lengths, weights)
    return list(map(chr, characters.tolist())), state


def train_character_bpe_fast(words: Mapping[str, int], merges: int, longest: int = LONGEST) -> list[Pair]:
    """Learn up to `merges` merges from counted words: what `train_character_bpe` gives, some thousand times as fast."""
    _check(words, longest)
    if not words:
        return []
    pieces, state = _spelled(words)
    learned: list[Pair] = []
    for left, right in zip(*learn_merges(state, pieces, merges, "frequency", most=longest), strict=True):
        learned.append((pieces[left], pieces[right]))
        pieces.append(pieces[left] + pieces[right])
    return learned
