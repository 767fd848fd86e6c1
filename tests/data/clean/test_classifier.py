"""The classifier separates what can be separated, says how well, and is saved and found again."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from groundup.data.clean import classifier, toxicity
from groundup.data.clean.classifier import Classifier, ClassifierConfig, train, train_filter
from groundup.errors import ConfigError, FormatError, InputError

ROWS = Path(__file__).parents[4] / "shared" / "data" / "hate-offensive" / "labeled_data.csv.gz"
GOOD = [f"the river number {at} runs through a quiet valley" for at in range(120)]
BAD = [f"buy cheap pills number {at} now" for at in range(120)]
LABELED = [(text, False) for text in GOOD] + [(text, True) for text in BAD]


def test_two_kinds_of_text_are_told_apart_also_in_new_words():
    model = train([text for text, _ in LABELED], [label for _, label in LABELED])
    assert model.score("cheap pills") > 0.8 > 0.2 > model.score("a valley with a river")
    assert model.score("cheeap pilllls") > 0.5, "pieces of words"
    assert np.isfinite(model.scores(["", " ", "\udc80", "x" * 100_000])).all()
    assert model.scores([]).tolist() == []


def test_features_are_words_pairs_and_pieces():
    places = classifier.features("To  be").tolist()
    assert len(places) == 2 + 1 + (5 + 4 + 3) and len(set(places)) == len(places)
    assert set(classifier.features("be").tolist()) < {*places, *classifier.features("x be").tolist()}


def test_a_saved_filter_is_found_again_with_its_figures(tmp_path):
    model = train_filter(LABELED, tmp_path / "filter")
    again = Classifier.load(tmp_path / "filter")
    assert again.report == model.report and again.report["auc"] > 0.99 and again.report["at"]["0.5"]["recall"] > 0.9
    assert again.report["rows"] + again.report["held_out_rows"] == len(LABELED)
    assert np.array_equal(again.scores(GOOD), model.scores(GOOD)) and again.config == model.config
    weights = tmp_path / "filter" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(FormatError, match=r"model\.safetensors is damaged"):
        Classifier.load(tmp_path / "filter")
    with pytest.raises(InputError, match="train-filter"):
        Classifier.load(tmp_path / "elsewhere")


def test_equal_rows_are_on_the_same_side():
    rows = [("the same", False)] * 50 + LABELED
    assert train_filter(rows).report["held_out_rows"] in (
        train_filter(LABELED).report["held_out_rows"],
        train_filter(LABELED).report["held_out_rows"] + 50,
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: train(["a"], [1, 0]), "one label a text"),
        (lambda: train(["a", "b"], [1, 1]), "of label 0 and of label 1"),
        (lambda: train_filter(LABELED[:3]), "some hundred"),
    ],
)
def test_rows_that_teach_nothing_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="bits from 8"):
        ClassifierConfig(bits=40)
    with pytest.raises(ConfigError, match="use 0.1"):
        ClassifierConfig(held_out=1)


def test_rules_are_called_rules_and_name_what_they_found(tmp_path):
    rules = toxicity.open_filter()
    verdict = rules.judge("You fucking wh0re, go away")
    assert verdict.by == "rules" and "fucking, whore" in verdict.reason
    assert rules.judge("Scunthorpe, a cock crows, breast cancer, sex education") is None
    assert rules.judge("") is None and rules.judge("porn " + "word " * 999) is None
    (tmp_path / "words").write_text("# mine\nzounds\n")
    assert toxicity.Rules(toxicity.read_words(tmp_path / "words"), least=1).judge("Zounds!")
    with pytest.raises(ConfigError, match="at least one"):
        toxicity.Rules([])
    with pytest.raises(InputError, match="one word a line"):
        toxicity.read_words(tmp_path / "none")


def test_a_trained_filter_says_its_score(tmp_path):
    train_filter(LABELED, tmp_path / "filter")
    found = toxicity.open_filter(tmp_path / "filter", 0.7).judge_all(["buy cheap pills", "the quiet river"])
    assert found[0].by == "classifier" and "allowed below 0.7" in found[0].reason and found[1] is None
    with pytest.raises(ConfigError, match="no probability"):
        toxicity.open_filter(tmp_path / "filter", 1.5)


@pytest.mark.skipif(not ROWS.is_file(), reason="the data set hate-offensive is not here")
def test_hateful_and_offensive_tweets_are_found():
    """Seen: 0.98 for hateful or offensive against neither, 0.81 for hateful against the two others."""
    with gzip.open(ROWS, "rt", encoding="utf-8") as file:
        rows = [(row["tweet"], row["class"]) for row in csv.DictReader(file)]
    both = train_filter([(text, label in ("0", "1")) for text, label in rows]).report
    assert both["auc_interval"][0] < both["auc"] < both["auc_interval"][1] < both["auc_interval"][0] + 0.02
    assert both["auc"] > 0.97 and both["at"]["0.5"]["precision"] > 0.95
    assert train_filter([(text, label == "0") for text, label in rows]).report["auc"] > 0.78
