"""Languages are told apart after a sentence; of a few letters nothing is said."""

import sys

import numpy as np
import pytest

from groundup.data.clean import language
from groundup.errors import ConfigError, MissingExtra

TEXTS = {
    "en": "The river rises in the hills to the north and runs through the valley.",
    "de": "Der Fluss entspringt in den Hügeln im Norden und fließt durch das Tal.",
    "fr": "La rivière prend sa source dans les collines du nord et traverse la vallée.",
    "es": "El río nace en las colinas del norte y atraviesa todo el valle.",
    "ja": "川は北の丘から流れ出て、谷を通っている。",
    "ru": "Река берёт начало в холмах на севере и течёт через долину.",
}


@pytest.fixture
def package():
    pytest.importorskip("py3langid")


@pytest.mark.parametrize("code", list(TEXTS))
def test_a_sentence_is_enough(package, code):
    found = language.identify(TEXTS[code])
    assert found.code == code and found.probability > 0.8
    assert language.judge(TEXTS[code], [code]) is None
    assert language.judge(TEXTS[code], ["sv"]) == f"language {code}, wanted sv"


def test_short_texts_have_no_language(package):
    for text in ("", "Hello", "12345678901234567890123456789", "\udc80" * 30):
        assert language.identify(text) == language.Language("und", 0.0)
    assert language.judge("Hello", ["en"]) == "language und, wanted en"


def test_the_choice_can_be_narrowed(package):
    assert language.identify(TEXTS["de"], ("en", "fr")).code in ("en", "fr")
    assert "wanted 1.1 or more" in language.judge(TEXTS["en"], ["en"], least=1.1)
    with pytest.raises(ConfigError, match="no language 'english'"):
        language.identify(TEXTS["de"], ("english",))
    assert language.identify(TEXTS["de"]).code == "de", "and is not narrow afterwards"


def test_a_missing_package_gives_the_pip_line(monkeypatch):
    language._model.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingExtra, match=r"pip install 'groundup\[data\]'"):
        language.identify(TEXTS["en"])


# ───────── the model to read ─────────

LEARNED = {
    "en": "the cat sat on the mat and then the hat",
    "nl": "de kat zat op de mat en een hoed",
    "xx": "the the the",
}


def test_the_posterior_is_that_of_scikit_learns_multinomial_naive_bayes():
    bayes = pytest.importorskip("sklearn.naive_bayes")
    profiles = {code: language.byte_ngrams(text) for code, text in LEARNED.items()}
    kinds = sorted({gram for counts in profiles.values() for gram in counts})
    counted = np.array([[counts[gram] for gram in kinds] for counts in profiles.values()])
    oracle = bayes.MultinomialNB(alpha=1.0, fit_prior=False).fit(counted, list(profiles))
    for text in ("the hat", "een kat en de hoed", "quite unknown, ü", "the the the the cat", ""):
        found = language.byte_ngrams(text)
        expected = oracle.predict_proba([[found[gram] for gram in kinds]])[0]
        got = language.language_posterior(found, profiles)
        assert [got[code] for code in oracle.classes_] == pytest.approx(expected.tolist(), rel=1e-9)


def test_a_long_text_does_not_underflow():
    profiles = {code: language.byte_ngrams(text) for code, text in LEARNED.items()}
    got = language.language_posterior(language.byte_ngrams("een kat en de hoed " * 2_000), profiles)
    assert got["nl"] == 1.0 and sum(got.values()) == 1.0


def test_runs_are_of_bytes():
    assert language.byte_ngrams("né", 2) == {b"n\xc3": 1, b"\xc3\xa9": 1}
    assert not language.byte_ngrams("é") and language.byte_ngrams("\udc80é", 3)
