"""Byte pair encoding by its definition: merge the most frequent pair of neighbours, again and again.

Gage 1994, for words Sennrich et al. 2016 (arXiv:1508.07909), on bytes Radford et al. 2019. A word is a sequence of
symbols, at first its bytes. Two rules make the result a property of the counts, not of the order of the text:
occurrences of a pair are counted without overlap, because merging replaces no more than that (`aaaaa` holds `aa`
twice); and a tie goes to the pair that is smaller on its bytes. With them no two merges ever give the same token.

This is the form to read and to replace; it rescans all words for every merge. The fast forms, same results:
`byte_level_training` and `byte_level_encoding`. Splitting text into words: `splitting`.
"""

from collections import Counter
from itertools import pairwise

from groundup.slots import slot


def count_pairs(symbols: list[bytes]) -> Counter[tuple[bytes, bytes]]:
    """Count neighbouring pairs without overlap, from the left.

    >>> count_pairs([b"a"] * 5)[b"a", b"a"]
    2
    """
    counts: Counter[tuple[bytes, bytes]] = Counter()
    taken = -1  # index of the symbol that already belongs to an occurrence of the same pair
    for i, (left, right) in enumerate(pairwise(symbols)):
        if left == right and i == taken:
            continue
        counts[left, right] += 1
        taken = i + 1 if left == right else -1
    return counts


def merge_pair(symbols: list[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    """Replace every occurrence of a pair by the joined symbol, from the left.

    >>> merge_pair([b"a", b"a", b"a", b"b"], (b"a", b"a"))
    [b'aa', b'a', b'b']
    """
    merged, i = [], 0
    while i < len(symbols):
        found = tuple(symbols[i : i + 2]) == pair
        merged.append(pair[0] + pair[1] if found else symbols[i])
        i += 2 if found else 1
    return merged


def best_pair(counts: Counter[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """The pair that occurs most; of equals the smaller one, its left bytes compared first.

    >>> best_pair(Counter({(b"b", b"c"): 2, (b"a", b"z"): 2, (b"a", b"a"): 1}))
    (b'a', b'z')
    """
    return min(counts, key=lambda pair: (-counts[pair], pair))


@slot
def train_bpe(words: dict[bytes, int], merges: int) -> list[tuple[bytes, bytes]]:
    """Learn up to `merges` merges, in order, from words with the number of times each occurs.

    Fewer come back when no pair is left: every word is then one symbol. The order of the words does not matter.

    >>> train_bpe({b"hug": 10, b"pug": 5, b"pun": 12, b"bun": 4, b"hugs": 5}, 3)
    [(b'u', b'g'), (b'u', b'n'), (b'h', b'ug')]
    """
    spelled = {word: [bytes([byte]) for byte in word] for word in words}
    learned: list[tuple[bytes, bytes]] = []
    while len(learned) < merges:
        counts: Counter[tuple[bytes, bytes]] = Counter()
        for word, symbols in spelled.items():
            for pair, occurrences in count_pairs(symbols).items():
                counts[pair] += occurrences * words[word]
        if not counts:
            break
        learned.append(best_pair(counts))
        spelled = {word: merge_pair(symbols, learned[-1]) for word, symbols in spelled.items()}
    return learned


@slot
def encode_piece(piece: bytes, ranks: dict[tuple[bytes, bytes], int]) -> list[bytes]:
    """Cut a piece into tokens: apply the merge of lowest rank that fits, until none fits.

    ranks: each merge and its place in the order of training. Taking merges in that order repeats what training did to
    the same word; the longest match first would not.

    >>> encode_piece(b"hugs", {(b"u", b"g"): 0, (b"h", b"ug"): 1, (b"g", b"s"): 2})
    [b'hug', b's']
    """
    symbols = [bytes([byte]) for byte in piece]
    while len(symbols) > 1:
        pair = min(pairwise(symbols), key=lambda pair: ranks.get(pair, len(ranks)))
        if pair not in ranks:
            break
        symbols = merge_pair(symbols, pair)
    return symbols
