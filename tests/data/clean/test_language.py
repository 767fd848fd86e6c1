"""Languages are told apart after a sentence; of a few letters nothing is said."""

import sys

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
