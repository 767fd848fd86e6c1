"""Byte pair encoding over characters: the vocabulary spells text in letters, and bytes only where a letter is missing.

Sennrich et al. 2016 (arXiv:1508.07909) with what later models added: Llama 2 and other SentencePiece files of type BPE,
older Hugging Face files (CLIP, XLM, CamemBERT's relatives). Against byte-level BPE (`byte_level`) the pieces are readable
and no character is ever halved by a merge; the price is characters that the vocabulary does not hold. What happens to
them is an option: an unknown piece, one for a whole run of them (fuse_unk), or their UTF-8 bytes, pieces <0x00> to
<0xFF> (byte_fallback). continuing_subword_prefix marks pieces inside a word, end_of_word_suffix the last one.

The merges come from a file, or from the scores of a SentencePiece model (`merges_of`), where any two neighbours merge
that together are a piece. This is the form to read; the fast one, without prefix and suffix, `character_bpe_encoding`.
Left out: dropout, which is refused. Training: `character_bpe_training`.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.slots import slot

Pair = tuple[str, str]
_OPTIONS = {
    "unk_token",
    "fuse_unk",
    "byte_fallback",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "ignore_merges",
}
_KEYS = {"type", "dropout", "vocab", "merges"} | _OPTIONS


@slot
def spell_characters(
    word: str, vocabulary: Mapping[str, int], unknown: str | None = None, fuse: bool = False, fallback: bool = False
) -> list[str]:
    """A word as the symbols that merging begins with: its characters, and something for those that are no piece.

    fallback: write such a character as its UTF-8 bytes, <0xC3> <0xA9>, when all of them are pieces; otherwise it is
    `unknown`, with `fuse` one for all that stand side by side, and without `unknown` it is left out.

    >>> spell_characters("aéèb", {"a": 0, "b": 1}, "<unk>", fuse=True)
    ['a', '<unk>', 'b']
    >>> spell_characters("aé", {"a": 0, "<0xC3>": 1, "<0xA9>": 2}, "<unk>", fallback=True)
    ['a', '<0xC3>', '<0xA9>']
    """
    symbols: list[str] = []
    after_unknown = False
    for character in word:
        spelled = [character]
        if character not in vocabulary:
            as_bytes = [f"<0x{byte:02X}>" for byte in character.encode()]
            if fallback and all(byte in vocabulary for byte in as_bytes):
                spelled = as_bytes
            else:
                spelled = [] if unknown is None or (fuse and after_unknown) else [unknown]
                after_unknown = True
                symbols += spelled
                continue
        symbols += spelled
        after_unknown = False
    return symbols


def merge_lowest(symbols: Sequence[str], ranks: Mapping[Pair, tuple[int, str]]) -> list[str]:
    """Merge the neighbours of lowest rank, of equals those further left, until none fit.

    ranks: each pair's rank and what it becomes.

    >>> merge_lowest(["h", "u", "g", "s"], {("u", "g"): (0, "ug"), ("h", "ug"): (1, "hug")})
    ['hug', 's']
    """
    symbols, none = list(symbols), len(ranks) + 1
    while len(symbols) > 1:
        found = [ranks.get(pair, (none, ""))[0] for pair in pairwise(symbols)]
        place = found.index(min(found))
        if found[place] == none:
            break
        symbols[place : place + 2] = [ranks[symbols[place], symbols[place + 1]][1]]
    return symbols


def merges_of(scores: Mapping[str, float]) -> tuple[list[Pair], list[int]]:
    """The merges that a SentencePiece model of type BPE means, best first, and their ranks.

    Any way to halve a piece is a merge, if both halves are pieces or characters. A higher score comes first; equal scores
    have one rank.

    >>> merges_of({"a": 0, "b": -1, "ab": -2, "aab": -3, "aa": -4})
    ([('a', 'b'), ('a', 'ab'), ('aa', 'b'), ('a', 'a')], [0, 1, 1, 2])
    """
    symbols = scores.keys() | set(itertools.chain.from_iterable(scores))
    rank = {
        score: place for place, score in enumerate(sorted({s for p, s in scores.items() if len(p) > 1}, reverse=True))
    }
    found = [
        (rank[score], place, piece[:place], piece[place:])
        for piece, score in scores.items()
        for place in range(1, len(piece))
        if piece[:place] in symbols and piece[place:] in symbols
    ]
    found.sort()
    return [(left, right) for _, _, left, right in found], [rank for rank, *_ in found]


def refuse_repeated(merges: Sequence[Pair]) -> None:
    """Refuse merges of which one comes twice: readers differ in which of its two places counts, and so in ids."""
    if len(set(merges)) < len(merges):
        left, right = next(pair for pair, times in Counter(merges).items() if times > 1)
        raise FormatError(f"the merge of {left!r} and {right!r} stands there twice; take one of the two out")


class CharacterBPE:
    """The model of a tokenizer: vocabulary and merges, and how a word becomes ids.

    merges: pairs, lowest rank first. ranks: of each merge, when some are equal. The options are described above;
    ignore_merges: a word that is a piece is that piece, whatever the merges would make of it.
    """

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        merges: Iterable[Pair],
        *,
        ranks: Sequence[int] | None = None,
        unk_token: str | None = None,
        fuse_unk: bool = False,
        byte_fallback: bool = False,
        continuing_subword_prefix: str | None = None,
        end_of_word_suffix: str | None = None,
        ignore_merges: bool = False,
    ) -> None:
        """See the class."""
        self.vocabulary, self.merges = dict(vocabulary), list(merges)
        self.ranks = list(range(len(self.merges))) if ranks is None else list(ranks)
        self.unk_token, self.fuse_unk, self.byte_fallback = unk_token, fuse_unk, byte_fallback
        self.continuing_subword_prefix = continuing_subword_prefix or None
        self.end_of_word_suffix, self.ignore_merges = end_of_word_suffix or None, ignore_merges
        if unk_token is not None and unk_token not in self.vocabulary:
            raise FormatError(f"the unknown token {unk_token!r} is not in the vocabulary; add it or set another")
        self._check_merges()

    def _check_merges(self) -> None:
        refuse_repeated(self.merges)
        known = self.vocabulary.keys()
        characters = set(itertools.chain.from_iterable(known))
        for pair in self.merges:
            parts = [part for part in pair if part not in known and part not in characters]
            if self.merged(pair) not in known:
                parts.append(self.merged(pair))
            if parts:
                raise FormatError(
                    f"the merge of {pair[0]!r} and {pair[1]!r} needs the piece {parts[0]!r}, which is not in the "
                    "vocabulary; vocabulary and merges must come from one tokenizer"
                )

    def merged(self, pair: Pair) -> str:
        """What a pair becomes: the right part loses the mark of a piece inside a word."""
        return pair[0] + pair[1][len(self.continuing_subword_prefix or "") :]

    @functools.cached_property
    def _ranks(self) -> dict[Pair, tuple[int, str]]:
        return {pair: (rank, self.merged(pair)) for pair, rank in zip(self.merges, self.ranks, strict=True)}

    def _marked(self, word: str) -> list[str]:
        """The characters of a word with prefix and suffix."""
        prefix, suffix = self.continuing_subword_prefix or "", self.end_of_word_suffix or ""
        last = len(word) - 1
        return [(prefix if i else "") + one + (suffix if i == last else "") for i, one in enumerate(word)]

    def spell(self, word: str) -> list[str]:
        """The symbols that merging begins with."""
        if not self.continuing_subword_prefix and not self.end_of_word_suffix:
            return spell_characters(word, self.vocabulary, self.unk_token, self.fuse_unk, self.byte_fallback)
        symbols: list[str] = []
        after_unknown = False
        for one in self._marked(word):
            as_bytes = [f"<0x{byte:02X}>" for byte in one.encode()]
            known = one in self.vocabulary
            if known or (self.byte_fallback and all(byte in self.vocabulary for byte in as_bytes)):
                symbols += [one] if known else as_bytes
                after_unknown = False
            elif self.unk_token is not None:
                symbols += [] if self.fuse_unk and after_unknown else [self.unk_token]
                after_unknown = True
        return symbols

    def encode_piece(self, piece: str) -> list[int]:
        """Ids of one word."""
        if self.ignore_merges and piece in self.vocabulary:
            return [self.vocabulary[piece]]
        return [self.vocabulary[symbol] for symbol in merge_lowest(self.spell(piece), self._ranks)]

    def to_json(self) -> dict[str, Any]:
        """The "model" of a tokenizer.json."""
        return {
            "type": "BPE",
            "dropout": None,
            "unk_token": self.unk_token,
            "continuing_subword_prefix": self.continuing_subword_prefix,
            "end_of_word_suffix": self.end_of_word_suffix,
            "fuse_unk": self.fuse_unk,
            "byte_fallback": self.byte_fallback,
            "ignore_merges": self.ignore_merges,
            "vocab": dict(sorted(self.vocabulary.items(), key=lambda item: item[1])),
            "merges": [list(pair) for pair in self.merges],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "CharacterBPE":
        """Read the "model" of a tokenizer.json; what is not known is refused, since it would change the ids."""
        if raw.get("type", "BPE") != "BPE":
            raise InputError(f"the model is {raw['type']}, not BPE; load the file with gu.load_tokenizer")
        if unknown := sorted(raw.keys() - _KEYS):
            raise UnsupportedModel(
                f"a BPE model with {', '.join(unknown)} is not implemented; use a tokenizer without it"
            )
        if raw.get("dropout"):
            raise UnsupportedModel(f"the BPE model's dropout={raw['dropout']} draws at random; set it to null")
        try:
            merges = [_pair(merge) for merge in raw["merges"]]
            vocabulary = {str(token): int(id) for token, id in raw["vocab"].items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(f"the BPE model is damaged ({error!r}); copy the tokenizer again") from error
        if len(set(vocabulary.values())) < len(vocabulary):
            raise FormatError("two pieces of the BPE model have one id; copy the tokenizer again")
        return cls(vocabulary, merges, **{key: raw[key] for key in raw.keys() & _OPTIONS})


def _pair(merge: str | Sequence[str]) -> Pair:
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
