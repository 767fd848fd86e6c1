"""A trained WordPiece tokenizer: read by the ecosystem with the same ids, at no loss for a known letter."""

import doctest

import pytest

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers import wordpiece_tokenizer
from groundup.text.tokenizers.normalizers import BertNormalizer
from groundup.text.tokenizers.wordpiece import RULES
from groundup.text.tokenizers.wordpiece_tokenizer import SPECIAL_TOKENS, train_wordpiece_tokenizer


@pytest.fixture(scope="module")
def trained(corpus):
    """A tokenizer of 300 ids."""
    return train_wordpiece_tokenizer(corpus, 300)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(wordpiece_tokenizer).failed == 0


def test_what_is_saved_is_read_by_tokenizers_and_transformers_with_the_same_ids(trained, strings, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    transformers = pytest.importorskip("transformers")
    trained.save(tmp_path)
    texts = strings(400, seed=41)
    expected = [trained.encode(text) for text in texts]
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert [found.ids for found in theirs.encode_batch(texts, add_special_tokens=False)] == expected
    bert = transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    assert [bert(text, add_special_tokens=False)["input_ids"] for text in texts] == expected
    assert bert("the cat")["input_ids"] == trained.encode("the cat", add_special_tokens=True)


def test_a_text_begins_with_cls_and_ends_with_sep_when_asked(trained):
    ids = trained.encode("the garden", add_special_tokens=True)
    assert [ids[0], ids[-1]] == [SPECIAL_TOKENS.index("[CLS]"), SPECIAL_TOKENS.index("[SEP]")]
    assert ids[1:-1] == trained.encode("the garden")
    assert trained.decode(trained.encode("The GARDEN, three!")) == "the garden, three!"


@pytest.mark.parametrize("rule", RULES)
def test_a_word_of_known_letters_is_never_unknown(corpus, rule):
    made = train_wordpiece_tokenizer(corpus, 200, rule=rule)
    assert SPECIAL_TOKENS.index("[UNK]") not in made.encode("gdhtr lsm猫 tac, ста ن")
    assert made.encode("Ω") == [SPECIAL_TOKENS.index("[UNK]")]


def test_rare_characters_are_unknown_and_their_words_are_not_learned_from():
    made = train_wordpiece_tokenizer(["hug hug hugs жук"] * 3, 40, most_characters=4)
    assert made.vocabulary.keys() == {*SPECIAL_TOKENS, *"hugs", "##h", "##u", "##g", "##s", "##ug", "hug", "hugs"}


def test_the_options_of_the_normaliser_decide_what_is_learned():
    made = train_wordpiece_tokenizer(["Été Été"], 30, normalizer=BertNormalizer(lowercase=False))
    assert "Été" in made.vocabulary
    assert "ete" in train_wordpiece_tokenizer(["Été Été"], 30).vocabulary


def test_the_learners_own_functions_decide_the_vocabulary_and_the_ids(child, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def train_wordpiece(words, vocab_size, rule='likelihood', characters=(), min_frequency=1):\n"
        "    return ['a', '##a', 'aa']\n\n\n"
        "def encode_word(word, vocabulary, prefix='##', unknown='[UNK]'):\n    return ['a'] * len(word)\n",
        encoding="utf-8",
    )
    code = (
        "from groundup.text.tokenizers.wordpiece_tokenizer import train_wordpiece_tokenizer\n"
        "made = train_wordpiece_tokenizer(['aa aa'], 30)\n"
        "print(made.vocab_size, made.encode('aaa'), made.encode_batch(['aa'])[0])"
    )
    assert child(code, GROUNDUP_MINE=str(tmp_path)).splitlines()[-1] == "8 [5, 5, 5] [5, 5]"


@pytest.mark.parametrize(
    ("texts", "options", "sentence"),
    [
        ([], {}, "at least one text that is not empty"),
        (["\x00 \n"], {}, "at least one text that is not empty"),
        (["cat"], {"special_tokens": ["[UNK]"]}, r"lacks \[PAD\]"),
        (["cat"], {"vocab_size": 10}, "use vocab_size=11 or more"),
    ],
)
def test_what_cannot_be_trained_is_refused(texts, options, sentence):
    with pytest.raises((InputError, ConfigError), match=sentence):
        train_wordpiece_tokenizer(texts, **options)
