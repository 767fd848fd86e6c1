"""ARPA files: read back as they were, scored by KenLM as by us, and damage is named by its line."""

import gzip

import numpy as np
import pytest

from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.ngram import arpa
from groundup.text.ngram.smoothing import RULES, fit

WORDS = ["<unk>", "</s>", "the", "cat", "sat", "never"]


def stream(n=400, seed=0):
    random = np.random.default_rng(seed)
    ids = [1]
    for _ in range(n):
        ids += [*random.choice([2, 2, 2, 3, 3, 4], random.integers(1, 7)).tolist(), 1]
    return np.array(ids)


def model(smoothing="modified_kneser_ney", order=4):
    return fit(stream(), order, smoothing, vocab_size=len(WORDS), boundary=1)


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
@pytest.mark.parametrize("smoothing", [name for name, rule in RULES.items() if rule != "evenly"])
def test_what_was_written_is_read_back(tmp_path, smoothing, name):
    made = model(smoothing)
    arpa.write(tmp_path / name, made, WORDS)
    found, words = arpa.read(tmp_path / name)
    assert words == WORDS and found.order == 4 and found.boundary == 1
    np.testing.assert_allclose(
        found.log_probabilities(stream(seed=1)), made.log_probabilities(stream(seed=1)), atol=1e-7
    )
    assert abs(found.distribution([1, 2, 5, 3]).sum() - 1) < 1e-7


@pytest.mark.parametrize(
    "smoothing", ["modified_kneser_ney", "katz", "witten_bell", "jelinek_mercer", "absolute_back_off"]
)
@pytest.mark.parametrize("order", [2, 4])
def test_kenlm_scores_the_file_as_we_do(tmp_path, smoothing, order):
    kenlm = pytest.importorskip("kenlm")
    made = model(smoothing, order)
    arpa.write(tmp_path / "model.arpa", made, WORDS)
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    random = np.random.default_rng(3)
    for _ in range(50):
        ids = random.choice([0, 2, 3, 4, 5], random.integers(1, 9))
        text = " ".join(WORDS[id] if id else "unheard" for id in ids)
        ours = made.log_probabilities(np.array([1, *ids, 1]))[1:] / np.log(10)
        scores = [score for score, _, _ in theirs.full_scores(text, bos=True, eos=True)]
        np.testing.assert_allclose(ours, scores, atol=1e-5)


def test_a_vocabulary_without_unknown_words_gets_one_that_never_comes(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    words = ["who", *WORDS[1:]]
    made = model(order=3)
    arpa.write(tmp_path / "model.arpa", made, words)
    found, spelled = arpa.read(tmp_path / "model.arpa")
    assert spelled == [*words, "<unk>"]
    np.testing.assert_allclose(found.log_probabilities(stream()), made.log_probabilities(stream()), atol=1e-7)
    ours = found.log_probabilities(np.array([1, 2, 6, 1]))[1:] / np.log(10)
    scores = [score for score, _, _ in kenlm.Model(str(tmp_path / "model.arpa")).full_scores("the unheard")]
    np.testing.assert_allclose(ours, scores, atol=1e-5)


def test_only_ascii_blanks_part_words_as_in_kenlm(tmp_path):
    kenlm = pytest.importorskip("kenlm")
    words = [*WORDS[:2], "10\u00a0km", "x\u2003", "\u3000", "\u0085z", *WORDS[6:]]
    made = model(order=3)
    arpa.write(tmp_path / "model.arpa", made, words)
    found, spelled = arpa.read(tmp_path / "model.arpa")
    assert spelled == words
    np.testing.assert_allclose(found.log_probabilities(stream()), made.log_probabilities(stream()), atol=1e-7)
    theirs = kenlm.Model(str(tmp_path / "model.arpa"))
    assert all(word in theirs for word in words[1:])
    ours = made.log_probabilities(np.array([1, 2, 3, 4, 5, 1]))[1:] / np.log(10)
    scores = [score for score, _, _ in theirs.full_scores(" ".join(words[2:6]), bos=True, eos=True)]
    np.testing.assert_allclose(ours, scores, atol=1e-5)
    for blank in " \t\r\n":
        with pytest.raises(InputError, match="white space"):
            arpa.write(tmp_path / "other.arpa", made, [*WORDS[:-1], f"a{blank}b"])


def test_lines_may_end_as_on_windows_and_hold_more_blanks_than_one(tmp_path):
    (tmp_path / "plain.arpa").write_bytes(SMALL.encode())
    (tmp_path / "loose.arpa").write_bytes(SMALL.replace("\t", " \t ").replace("\n", " \r\n").encode())
    (plain, words), (loose, same) = (arpa.read(tmp_path / f"{name}.arpa") for name in ("plain", "loose"))
    assert words == same and np.array_equal(plain.probability, loose.probability)


def test_the_begin_of_a_sentence_is_predicted_by_nothing(tmp_path):
    arpa.write(tmp_path / "model.arpa", model(order=2), WORDS)
    text = (tmp_path / "model.arpa").read_text()
    assert "\n-99\t<s>\t" in text and "<s> the\n" in text and " <s>" not in text and "</s> " not in text
    assert "ngram 1=7\n" in text and text.endswith("\\end\\\n")


def test_a_model_that_asks_no_shorter_context_and_words_with_spaces_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="train with kneser_ney"):
        arpa.write(tmp_path / "model.arpa", model("add_k"), WORDS)
    for wrong, said in (
        (["a b", *WORDS[1:]], "white space"),
        (WORDS[:-1], "one for each id"),
        ([*WORDS[:-1], "cat"], "its own"),
    ):
        with pytest.raises(InputError, match=said):
            arpa.write(tmp_path / "model.arpa", model(), wrong)
    assert not list(tmp_path.iterdir())


SMALL = """\\data\\
ngram 1=4
ngram 2=3

\\1-grams:
-1\t<unk>
-99\t<s>\t-0.2
-0.5\t</s>
-0.3\ta\t-0.1

\\2-grams:
-0.2\t<s> a
-0.4\ta a
-0.6\ta </s>

\\end\\
"""


def test_a_file_of_somebody_else_is_scored_by_its_own_numbers(tmp_path):
    (tmp_path / "small.arpa").write_text(SMALL)
    found, words = arpa.read(tmp_path / "small.arpa")
    assert words == ["<unk>", "</s>", "a"]
    (tmp_path / "capitals.arpa").write_text(SMALL.replace("<unk>", "<UNK>"))
    assert arpa.read(tmp_path / "capitals.arpa")[1] == words
    scored = found.log_probabilities(np.array([1, 2, 2, 0, 1])) / np.log(10)
    np.testing.assert_allclose(scored[1:], [-0.2, -0.4, -0.1 - 1, -0.5], atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("\\data\\", "data", "line 16: no .*is no ARPA file"),
        ("ngram 2=3", "ngram 3=3", "line 3: the number of n-grams of length 2"),
        ("-0.5\t", "half\t", "line 8: a number was expected"),
        ("-0.3\ta", "0.3\ta", "line 9: 0.3 is no logarithm"),
        ("-0.3\ta\t", "nan\ta\t", "line 9: nan is no logarithm"),
        ("-0.4\ta a", "-0.4\ta", "line 13: a probability, 2 words"),
        ("-0.4\ta a", "-0.4\ta b", "line 13: the word 'b' is not among"),
        ("-0.4\ta a", "-0.2\t<s> a", "line 13: the n-gram is there twice"),
        ("-0.3\ta", "-0.3\t<unk>", "line 9: '<unk>' is there twice"),
        ("-0.4\ta a", "-0.4\ta <s>", "line 13: <s> or </s> stands inside"),
        ("-0.4\ta a\n", "", "line 15: a probability, 2 words"),
        ("\\end\\\n", "", "line 15: .*end.* was expected"),
        ("ngram 2=3", "ngram 2=2", "line 14: .*end.* was expected after 2"),
    ],
)
def test_damage_is_named_by_its_line(tmp_path, old, new, said):
    (tmp_path / "small.arpa").write_text(SMALL.replace(old, new, 1))
    with pytest.raises(FormatError, match=said):
        arpa.read(tmp_path / "small.arpa")


def test_a_missing_context_a_torn_archive_and_no_utf_8_are_named(tmp_path):
    (tmp_path / "a").write_text(
        SMALL.replace("ngram 2=3", "ngram 2=3\nngram 3=1").replace("\\end\\", "\\3-grams:\n-1\t<unk> a a\n\\end\\")
    )
    with pytest.raises(FormatError, match="line 18: its context, the first 2 words, is not among the 2-grams"):
        arpa.read(tmp_path / "a")
    (tmp_path / "b.gz").write_bytes(gzip.compress(SMALL.encode())[:-20])
    with pytest.raises(FormatError, match="compressed file is damaged"):
        arpa.read(tmp_path / "b.gz")
    (tmp_path / "c").write_bytes(SMALL.encode().replace(b"-0.3\ta", b"-0.3\t\xff"))
    with pytest.raises(FormatError, match="no UTF-8"):
        arpa.read(tmp_path / "c")
    with pytest.raises(InputError, match="check the path"):
        arpa.read(tmp_path / "none")
