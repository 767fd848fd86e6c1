"""Fast training learns what the definition learns, and a likelier vocabulary than SentencePiece's own trainer."""

import math
import random

import pytest

from groundup.errors import ConfigError
from groundup.text.tokenizers.sentencepiece_training import count_marked_words
from groundup.text.tokenizers.unigram import log_likelihood, train_unigram_reference
from groundup.text.tokenizers.unigram_training import train_unigram


def words_of(seed: int, letters: str = "abcd", most: int = 9) -> dict[str, int]:
    choose = random.Random(seed)
    stems = ["".join(choose.choice(letters) for _ in range(choose.randint(1, 4))) for _ in range(12)]
    made = ("▁" + "".join(choose.choice(stems) for _ in range(choose.randint(1, 3))) for _ in range(120))
    return {word: choose.randint(1, 60) for word in made}


@pytest.mark.parametrize("seed", range(6))
def test_the_same_pieces_and_scores_as_the_definition(seed):
    words = words_of(seed)
    for size, seeds in ((20, 1_000_000), (60, 90)):
        expected = dict(train_unigram_reference(words, size, seeds=seeds))
        found = dict(train_unigram(words, size, seeds=seeds))
        assert len(found) == len(expected)
        shared = found.keys() & expected.keys()
        assert len(shared) >= 0.9 * len(expected), "only pieces of equal loss may differ"
        likelihoods = [
            sum(times * log_likelihood(word, scores) for word, times in words.items()) for scores in (found, expected)
        ]
        assert likelihoods[0] == pytest.approx(likelihoods[1], rel=2e-3)


def test_natural_text_gives_exactly_the_definitions_pieces(corpus):
    words = count_marked_words("▁" + "▁".join(text.split()) for text in corpus)
    expected, found = train_unigram_reference(words, 160), train_unigram(words, 160)
    assert dict(found) == pytest.approx(dict(expected), abs=1e-6)


def test_very_long_words_neither_vanish_nor_overflow():
    words = {"▁" + "ab" * 300: 3, "▁" + "xyz" * 200: 2, "▁ab": 5}
    expected, found = train_unigram_reference(words, 12, longest=4), train_unigram(words, 12, longest=4)
    assert dict(found) == pytest.approx(dict(expected), abs=1e-6)
    assert all(math.isfinite(score) for _, score in found)


def test_the_order_of_the_words_does_not_matter(corpus):
    words = count_marked_words("▁" + "▁".join(text.split()) for text in corpus)
    backward = dict(reversed(words.items()))
    assert dict(train_unigram(words, 150)) == pytest.approx(dict(train_unigram(backward, 150)), abs=1e-6)


def test_the_vocabulary_is_at_least_as_likely_as_sentencepieces(corpus, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece")
    import io

    text = [line for document in corpus for line in document.split("\n") if line.strip()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(text), model_writer=model, vocab_size=223, minloglevel=2, character_coverage=1.0,
        normalization_rule_name="identity", hard_vocab_limit=False,
    )  # fmt: skip
    theirs = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    scores = {theirs.id_to_piece(i): theirs.get_score(i) for i in range(3, len(theirs))}
    words = count_marked_words("▁" + "▁".join(line.split()) for line in text)
    ours = dict(train_unigram(words, len(scores)))
    likelihoods = [
        sum(times * log_likelihood(word, pieces) for word, times in words.items()) for pieces in (ours, scores)
    ]
    assert likelihoods[0] > 1.005 * likelihoods[1], "a log likelihood is negative: at most half a percent worse"


def test_fewer_pieces_come_back_when_the_text_holds_no_more():
    assert {piece for piece, _ in train_unigram({"▁ab": 1}, 100)} == {"▁", "a", "b"}


def test_a_vocabulary_smaller_than_the_alphabet_is_refused():
    with pytest.raises(ConfigError, match="use vocab_size=6 or more"):
        train_unigram({"▁abcd": 2}, 3)
