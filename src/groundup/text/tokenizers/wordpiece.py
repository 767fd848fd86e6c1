"""WordPiece: a word is cut into the longest pieces that a vocabulary holds, and the vocabulary prefers pairs that belong together.

Schuster & Nakajima 2012 ("Japanese and Korean Voice Search"); the tokenizer of BERT (Devlin et al. 2018). A piece that
does not begin its word is marked, ##ing. Two things differ from byte pair encoding (`bpe`):

- encoding knows no order of merges: the longest token that fits comes first, and a word with a part that no token fits
  is unknown as a whole, [UNK];
- training joins the pair that makes the text likelier, not the one that is most frequent: count(ab) / (count(a) count(b)),
  so `##q ##u` comes before `##e ##s`. Google's trainer is not published; this is the rule as textbooks give it. The
  trainer of Hugging Face `tokenizers` does not follow it: it counts pairs as byte pair encoding does (rule="frequency").

This is the form to read and to replace. The fast forms, same results: `wordpiece_encoding` for BERT's whole tokenizer,
`wordpiece_training`. Left out: Google's removal of tokens that are rare once longer ones are there.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.slots import slot
from groundup.text.tokenizers.bpe import count_pairs

Pair = tuple[str, str]
Rule = Literal["likelihood", "frequency"]
RULES: tuple[Rule, ...] = ("likelihood", "frequency")
PREFIX = "##"  # of a piece that does not begin its word
_KEYS = {"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"}


@slot
def encode_word(word: str, vocabulary: Mapping[str, int], prefix: str = PREFIX, unknown: str = "[UNK]") -> list[str]:
    """Cut a word into tokens: the longest one that the rest begins with, again and again.

    vocabulary: the tokens, as keys. A piece behind the first is looked up with `prefix` before it. If nothing fits at
    some place the whole word is one `unknown`.

    >>> encode_word("unwanted", {"un": 0, "##want": 1, "##wa": 2, "##ed": 3})
    ['un', '##want', '##ed']
    >>> encode_word("unfit", {"un": 0, "##want": 1, "##wa": 2, "##ed": 3})
    ['[UNK]']
    """
    tokens, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            token = (prefix if start else "") + word[start:end]
            if token in vocabulary:
                break
        else:
            return [unknown]
        tokens.append(token)
        start = end
    return tokens


class WordPiece:
    """The model of a WordPiece tokenizer: its vocabulary, and how a word becomes ids."""

    def __init__(
        self,
        vocabulary: Mapping[str, int],
        *,
        unk_token: str = "[UNK]",
        continuing_subword_prefix: str = PREFIX,
        max_input_chars_per_word: int = 100,
    ) -> None:
        """A word of more characters than `max_input_chars_per_word` is unknown without a look."""
        if unk_token not in vocabulary:
            raise InputError(
                f"the vocabulary has no {unk_token!r}, which words that it cannot spell become; add it or set unk_token"
            )
        if max_input_chars_per_word < 1:
            raise ConfigError(
                f"max_input_chars_per_word={max_input_chars_per_word} leaves no word; use 100 as BERT does"
            )
        self.vocabulary, self.unk_token = dict(vocabulary), unk_token
        self.continuing_subword_prefix = continuing_subword_prefix
        self.max_input_chars_per_word = max_input_chars_per_word

    def encode_piece(self, piece: str) -> list[int]:
        """Ids of one word."""
        if len(piece) > self.max_input_chars_per_word:
            return [self.vocabulary[self.unk_token]]
        tokens = encode_word(piece, self.vocabulary, self.continuing_subword_prefix, self.unk_token)
        return [self.vocabulary[token] for token in tokens]

    def to_json(self) -> dict[str, Any]:
        """The "model" of a tokenizer.json."""
        return {
            "type": "WordPiece",
            "unk_token": self.unk_token,
            "continuing_subword_prefix": self.continuing_subword_prefix,
            "max_input_chars_per_word": self.max_input_chars_per_word,
            "vocab": dict(sorted(self.vocabulary.items(), key=lambda item: item[1])),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "WordPiece":
        """Read the "model" of a tokenizer.json; a key that is not known is refused, since it would change the ids."""
        if raw.get("type", "WordPiece") != "WordPiece":
            raise FormatError(f"its model is {raw['type']}, not WordPiece; load the file with gu.load_tokenizer")
        if unknown := sorted(raw.keys() - _KEYS):
            raise UnsupportedModel(
                f"its model WordPiece has the option {unknown[0]!r}, which is not implemented; use a tokenizer without it"
            )
        vocabulary = raw.get("vocab")
        if not isinstance(vocabulary, Mapping) or not all(type(id) is int and id >= 0 for id in vocabulary.values()):
            raise FormatError("its model WordPiece has no vocab of tokens and ids; copy the file again")
        if len(set(vocabulary.values())) < len(vocabulary):
            raise FormatError("two tokens of its model WordPiece have one id; copy the file again")
        options = {key: value for key, value in raw.items() if key in _KEYS - {"type", "vocab"}}
        return cls(vocabulary, **options)


def spell(word: str, prefix: str = PREFIX) -> list[str]:
    """The characters of a word, all but the first marked.

    >>> spell("hug")
    ['h', '##u', '##g']
    """
    return [character if place == 0 else prefix + character for place, character in enumerate(word)]


def join(pair: Pair, prefix: str = PREFIX) -> str:
    """The token that a pair makes: the mark of the right part goes.

    >>> join(("h", "##u")), join(("##u", "##g"))
    ('hu', '##ug')
    """
    return pair[0] + pair[1][len(prefix) :]


def merge_pair(symbols: list[str], pair: Pair, prefix: str = PREFIX) -> list[str]:
    """Replace every occurrence of a pair by its token, from the left.

    >>> merge_pair(["h", "##u", "##u", "##u"], ("##u", "##u"))
    ['h', '##uu', '##u']
    """
    merged, i = [], 0
    while i < len(symbols):
        found = tuple(symbols[i : i + 2]) == pair
        merged.append(join(pair, prefix) if found else symbols[i])
        i += 2 if found else 1
    return merged


def pair_score(pair: Pair, pairs: Mapping[Pair, int], symbols: Mapping[str, int], rule: Rule = "likelihood") -> float:
    """How much a pair deserves to be joined, from the counts of pairs and of symbols.

    Joining a and b makes the text likelier when they stand together more often than their own counts explain.

    >>> pair_score(("##g", "##s"), {("##g", "##s"): 5}, {"##g": 20, "##s": 5})
    0.05
    """
    if rule == "frequency":
        return float(pairs[pair])
    return pairs[pair] / float(symbols[pair[0]] * symbols[pair[1]])


def best_pair(pairs: Mapping[Pair, int], symbols: Mapping[str, int], rule: Rule = "likelihood") -> Pair:
    """The pair of the highest score; of equals the more frequent one, of those the smaller text, left before right."""
    return min(pairs, key=lambda pair: (-pair_score(pair, pairs, symbols, rule), -pairs[pair], pair))


def alphabet(words: Iterable[str], characters: Iterable[str] = (), prefix: str = PREFIX) -> list[str]:
    """The symbols that words are spelled in, sorted, and of `characters` both forms: without and with the mark.

    >>> alphabet(["hug", "pug"])
    ['##g', '##u', 'h', 'p']
    """
    symbols = {symbol for word in words for symbol in spell(word, prefix)}
    return sorted(symbols | {form for character in characters for form in (character, prefix + character)})


def check_words(words: Mapping[str, int], rule: str) -> None:
    """Refuse what no training can follow: an unknown rule, a word that is empty, looks marked or never occurs."""
    if rule not in RULES:
        raise ConfigError(f"rule={rule!r} is no rule to score pairs by; use {' or '.join(RULES)}")
    for word, times in words.items():
        if not word or word.startswith(PREFIX) or times < 1:
            raise InputError(
                f"word {word!r} with count {times} cannot be learned from: it is empty, looks like a piece inside a word "
                f"({PREFIX}) or never occurs; leave it out, or split signs off as BERT does"
            )


def check_size(vocab_size: int, first: list[str]) -> None:
    """Refuse a vocabulary smaller than the alphabet."""
    if vocab_size < len(first):
        raise InputError(
            f"vocab_size={vocab_size} is less than the {len(first):,} symbols that the words are spelled in; use "
            f"vocab_size={len(first)} at least, or leave out words with rare characters"
        )


@slot
def train_wordpiece(
    words: Mapping[str, int],
    vocab_size: int,
    rule: Rule = "likelihood",
    characters: Iterable[str] = (),
    min_frequency: int = 1,
) -> list[str]:
    """Learn a vocabulary of up to `vocab_size` tokens from words with the number of times each occurs.

    The alphabet comes first, sorted, then a token for each merge. Fewer come back when no pair is left. The order of the
    words does not matter. characters: have both forms in the alphabet in any case. min_frequency: times that a pair must
    occur; under "likelihood" two letters that occur once, together, would otherwise score highest of all.

    >>> train_wordpiece({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, 8)
    ['##g', '##n', '##s', '##u', 'b', 'h', 'p', '##gs']
    """
    check_words(words, rule)
    vocabulary = alphabet(words, characters)
    check_size(vocab_size, vocabulary)
    spelled: dict[str, Any] = {word: spell(word) for word in words}
    while len(vocabulary) < vocab_size:
        pairs: Counter[Any] = Counter()
        symbols: Counter[str] = Counter()
        for word, parts in spelled.items():
            for pair, occurrences in count_pairs(parts).items():
                pairs[pair] += occurrences * words[word]
            for part in parts:
                symbols[part] += words[word]
        pairs = Counter({pair: count for pair, count in pairs.items() if count >= min_frequency})
        if not pairs:
            break
        best = best_pair(pairs, symbols, rule)
        spelled = {word: merge_pair(parts, best) for word, parts in spelled.items()}
        vocabulary.append(join(best))
    return vocabulary
