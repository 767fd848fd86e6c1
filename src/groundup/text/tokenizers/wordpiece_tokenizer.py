"""A tokenizer as BERT's, trained on your own text: words counted, a vocabulary learned, the parts put together.

Devlin et al. 2018. The vocabulary begins with the control tokens [PAD], [UNK], [CLS], [SEP] and [MASK]; then comes every
character that is frequent enough, those of words with and without ##, so no word of them is ever unknown; then what
`wordpiece` learns. What is saved is read by `transformers` as a BERT tokenizer, with the same ids.

Pairs are scored by their count unless rule="likelihood" is asked for: that is what Hugging Face's trainer does, and it
needs fewer tokens for the same text, because the textbook's score spends the vocabulary on rare pairs (the lesson shows it).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from groundup import slots
from groundup.errors import ConfigError, InputError
from groundup.progress import say
from groundup.text.tokenizers import wordpiece
from groundup.text.tokenizers.added_tokens import AddedToken
from groundup.text.tokenizers.decoders import WordPiece as WordPieceDecoder
from groundup.text.tokenizers.normalizers import BertNormalizer
from groundup.text.tokenizers.pipeline import PipelineTokenizer
from groundup.text.tokenizers.post_processors import surrounded
from groundup.text.tokenizers.pre_tokenizers import BertPreTokenizer
from groundup.text.tokenizers.tokenizer import utf_8
from groundup.text.tokenizers.wordpiece import Rule, WordPiece
from groundup.text.tokenizers.wordpiece_training import count_words, train_wordpiece_fast

PAD, UNKNOWN, CLASSIFY, SEPARATE, MASK = SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LONGEST_WORD = 100  # characters; a longer one is unknown anyway
_SLOT_WORDS = 2_000  # a learner's train_wordpiece in plain Python gets the most frequent words only


def frequent_characters(words: Mapping[str, int], most: int) -> set[str]:
    """The `most` characters that occur most often; of equals the smaller code points.

    >>> sorted(frequent_characters({"hug": 2, "bug": 3, "hub": 1}, 2))
    ['g', 'u']
    """
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for character in word:
            counts[character] += times
    return set(sorted(counts, key=lambda character: (-counts[character], character))[:most])


def _learn(words: Mapping[str, int], size: int, rule: Rule, characters: set[str], least: int) -> list[str]:
    """The tokens by the fast form, or by the learner's own function."""
    if not slots.filled("text.tokenizers.train_wordpiece"):
        return train_wordpiece_fast(words, size, rule, characters, least)
    wordpiece.train_wordpiece({"hug": 10, "pug": 5, "pun": 12}, 9, rule)  # a first small call, to compare its speed
    frequent = dict(sorted(words.items(), key=lambda item: (-item[1], item[0]))[:_SLOT_WORDS])
    if len(frequent) < len(words):
        say(f"your train_wordpiece learns from the {len(frequent):,} most frequent of {len(words):,} words")
    return wordpiece.train_wordpiece(frequent, size, rule, characters, least)


def _documents(texts: Iterable[str]) -> Iterator[bytes]:
    return map(utf_8, [texts] if isinstance(texts, str) else texts)


def _check_alphabet(words: Mapping[str, int], in_words: set[str], vocab_size: int, others: int) -> None:
    """Refuse a vocabulary that has no room for every character, those of words in both forms."""
    least = others + len(wordpiece.alphabet(words, in_words))
    if vocab_size < least:
        raise ConfigError(
            f"vocab_size={vocab_size} is smaller than the alphabet: {least - others:,} characters, with and without ##, and "
            f"{others} special tokens; use vocab_size={least} or more, or leave rare characters out with most_characters"
        )


def _assembled(
    vocabulary: Mapping[str, int], special_tokens: Sequence[str], rules: BertNormalizer
) -> PipelineTokenizer:
    """A vocabulary with BERT's parts around it."""
    return PipelineTokenizer(
        WordPiece(vocabulary, unk_token=UNKNOWN),
        normalizer=rules,
        pre_tokenizer=BertPreTokenizer(),
        post_processor=surrounded([(CLASSIFY, vocabulary[CLASSIFY])], [(SEPARATE, vocabulary[SEPARATE])]),
        decoder=WordPieceDecoder(),
        added_tokens=[AddedToken(id=vocabulary[token], content=token) for token in special_tokens],
        pad_token=PAD,
        unk_token=UNKNOWN,
        cls_token=CLASSIFY,
        sep_token=SEPARATE,
        mask_token=MASK,
    )


def train_wordpiece_tokenizer(
    texts: Iterable[str],
    vocab_size: int = 8192,
    *,
    rule: Rule = "frequency",
    min_frequency: int = 2,
    most_characters: int = 1000,
    normalizer: BertNormalizer | None = None,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
) -> PipelineTokenizer:
    """Learn a tokenizer of up to `vocab_size` ids; fewer when no pair occurs `min_frequency` times any more.

    most_characters: rarer ones are unknown, and so are words that hold them. special_tokens: the first ids; BERT's five
    must be among them. normalizer: BERT's options, such as BertNormalizer(lowercase=False).
    """
    if missing := [token for token in SPECIAL_TOKENS if token not in special_tokens]:
        raise ConfigError(
            f"special_tokens={list(special_tokens)} lacks {missing[0]}, which a BERT tokenizer needs; add it"
        )
    rules = normalizer or BertNormalizer()
    options = {
        name: getattr(rules, name) for name in ("clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
    }
    counted = count_words(_documents(texts), **options)
    characters = frequent_characters(counted, most_characters)
    words = {
        word: times for word, times in counted.items() if len(word) <= LONGEST_WORD and characters.issuperset(word)
    }
    if not words:
        raise InputError("there is no word to train a tokenizer on; give at least one text that is not empty")
    in_words = {
        character for word in words if len(word) > 1 for character in word
    }  # signs stand alone: no ##! is needed
    vocabulary = {token: id for id, token in enumerate(special_tokens)}
    _check_alphabet(words, in_words, vocab_size, len(vocabulary))
    for token in _learn(words, vocab_size - len(vocabulary), rule, in_words, min_frequency):
        vocabulary[token] = len(vocabulary)
    return _assembled(vocabulary, special_tokens, rules)
