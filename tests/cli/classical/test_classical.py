"""`groundup inspect`, `generate` and `export` of models before the transformer: what they answer and what they refuse."""

import json
import shutil

import numpy as np
import pytest

from groundup.classical.embeddings.vectors import WordVectors
from groundup.text.ngram import arpa

NGRAM = ("ngram", "--text", "t.txt", "--words", "--order", "3")
SVD = ("vectors", "--text", "t.txt", "--method", "svd", "--min-count", "2", "--hidden-size", "8", "--threads", "1")
FAST = (*SVD[:4], "fasttext", *SVD[5:])
CRF = ("tagger", "--data", "t.conll", "--test", "t.conll", "--method", "crf", "--iterations", "20")
HMM = ("tagger", "--data", "t.mrg")
PCFG = ("parser", "--treebank", "t.mrg", "--test", "t.mrg")
ARCS = ("parser", "--treebank", "t.conllu", "--method", "arc_eager", "--rounds", "5")
GRU = ("recurrent", "--text", "t.txt", "--cell", "gru", "--steps", "5", "--hidden-size", "16")


def asked(call, *arguments):
    status, out, _ = call("inspect", *arguments, "--json")
    assert status == 0
    return json.loads(out)


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (NGRAM, ("an n-gram model", "order", "held out: perplexity")),
        (SVD, ("word vectors", "cooccurrence", "first words")),
        (CRF, ("a CRF tagger", "B-LOC", "held out: names f1")),
        (HMM, ("an HMM tagger", "DT NN VBZ")),
        (PCFG, ("a PCFG", "binary rules")),
        (ARCS, ("a dependency parser", "nsubj", "held out: uas")),
        (GRU, ("a GRU language model", "parameters")),
    ],
)
def test_each_kind_says_what_it_is_and_what_it_scored(make, call, which, words):
    folder, results = make(*which)
    status, out, err = call("inspect", folder)
    assert status == 0 and err == "" and all(word in out for word in words)
    found = asked(call, folder)
    assert found["results"] == results and found["about"]


def test_vectors_show_neighbours_an_analogy_and_a_map(make, call, tmp_path):
    folder, _ = make(*SVD)
    found = asked(call, folder, "--word", "king", "--analogy", "king", "queen", "dog", "--map", tmp_path / "map.html")
    near = found["neighbours"]["nearest"]
    assert near == [list(pair) for pair in WordVectors.load(folder).nearest("king")] and found["neighbours"]["known"]
    assert found["analogy"]["answer"] in WordVectors.load(folder).words
    assert "king" in (tmp_path / "map.html").read_text() and found["map"]["words"] > 10
    out = call("inspect", folder, "--word", "king", "--analogy", "king", "queen", "dog")[1]
    assert near[0][0] in out and "king is to queen as dog is to" in out


def test_a_word_never_seen_is_offered_near_spellings_and_fasttext_answers(make, call):
    status, _, err = call("inspect", make(*SVD)[0], "--word", "quen")
    assert status == 2 and err.count("\n") == 1 and "did you mean 'queen'" in err
    status, out, _ = call("inspect", make(*FAST)[0], "--word", "quen")
    assert status == 0 and "never seen: a vector from its pieces" in out


def test_taggers_show_tags_and_names_and_draw_them(make, call, tmp_path):
    status, out, _ = call("inspect", make(*HMM)[0], "--sentence", "the cat sleeps")
    assert status == 0 and out.split() == "the DT cat NN sleeps VBZ".split()
    found = asked(call, make(*CRF)[0], "--sentence", "Anna sees Paris", "--picture", tmp_path / "p.html")["sentence"]
    assert found["tags"] == ["B-PER", "O", "B-LOC"] and found["names"] == [
        [0, 1, "PER", "Anna"],
        [2, 3, "LOC", "Paris"],
    ]
    assert "B-PER" in (tmp_path / "p.html").read_text()


def test_a_slash_in_a_taggers_sentence_is_the_words_own(make, call):
    found = asked(call, make(*HMM)[0], "--sentence", "and/or")["sentence"]
    assert "".join(found["words"]) == "and/or"


def test_a_grammar_shows_the_tree_or_the_pieces(make, call, tmp_path):
    folder, _ = make(*PCFG)
    status, out, _ = call("inspect", folder, "--sentence", "the cat sees a dog", "--picture", tmp_path / "p.html")
    assert status == 0 and "└─ VP" in out and "probability: e^-" in out and (tmp_path / "p.html").is_file()
    found = asked(call, folder, "--sentence", "the cat sees a dog")["sentence"]
    assert found["tree"] == "(TOP (S (NP (DT the) (NN cat)) (VP (VBZ sees) (NP (DT a) (NN dog)))))"
    assert "no tree of the grammar covers" in call("inspect", folder, "--sentence", "sees sees the")[1]


def test_arcs_are_shown_with_own_tags_or_given_ones(make, call, tmp_path):
    folder, _ = make(*ARCS)
    given = asked(call, folder, "--sentence", "the/DET cat/NOUN sleeps/VERB")["sentence"]
    assert given["heads"] == [2, 3, 0] and given["relations"] == ["det", "nsubj", "root"]
    assert asked(call, folder, "--sentence", "the cat sleeps")["sentence"] == given
    status, out, _ = call("inspect", folder, "--sentence", "the cat sleeps", "--picture", tmp_path / "p.html")
    assert status == 0 and "▼" in out and "nsubj" in out and (tmp_path / "p.html").is_file()
    alone = shutil.copytree(folder, tmp_path / "alone", ignore=shutil.ignore_patterns("tagger"))
    status, _, err = call("inspect", alone, "--sentence", "the cat sleeps")
    assert status == 2 and "word/TAG" in err
    assert asked(call, alone, "--sentence", "the cat sleeps", "--tagger", folder / "tagger")["sentence"] == given


@pytest.mark.parametrize("which", [NGRAM, GRU])
def test_language_models_score_a_text_and_write(make, call, sources, which):
    folder, _ = make(*which)
    assert 0 < asked(call, folder, "--text", sources / "t.txt")["score"]["bits_per_byte"] < 10
    one, two = (json.loads(call("generate", folder, "the", "--max-new-tokens", "9", "--json")[1]) for _ in range(2))
    assert one == two and one["text"] and not one["text"].startswith("the")
    assert call("generate", folder, "the", "--max-new-tokens", "9")[1] == one["text"] + "\n"


def test_counts_say_what_may_follow(make, call):
    found = asked(call, make(*NGRAM)[0], "--sentence", "The king")["expected"]
    assert found[0][0].strip() == "loves" and sum(chance for _, chance in found) <= 1 + 1e-9


# ───────── other tools' files ─────────


def test_counts_as_arpa_and_back(make, call, tmp_path):
    folder, _ = make(*NGRAM)
    assert call("export", folder, tmp_path / "m.arpa", "--to", "arpa")[0] == 0
    found = asked(call, tmp_path / "m.arpa")["about"]
    assert found["order"] == 3 and found["vocabulary"] == len(arpa.read(tmp_path / "m.arpa")[1])


@pytest.mark.parametrize(("form", "name"), [("word2vec", "v.txt"), ("word2vec_binary", "v.bin")])
def test_vectors_as_word2vec_and_back(make, call, tmp_path, form, name):
    folder, _ = make(*SVD)
    status, out, _ = call("export", folder, tmp_path / name, "--to", form, "--json")
    assert status == 0 and json.loads(out)["bytes"] > 0
    same = asked(call, tmp_path / name, "--word", "king")["neighbours"]["nearest"]
    ours = asked(call, folder, "--word", "king")["neighbours"]["nearest"]
    assert [word for word, _ in same] == [word for word, _ in ours]


# ───────── what is refused ─────────


@pytest.mark.parametrize(
    ("which", "arguments", "words"),
    [
        (NGRAM, ("inspect", "--word", "king"), "--word is answered by word vectors"),
        (SVD, ("inspect", "--sentence", "the"), "--sentence is answered by an HMM tagger"),
        (HMM, ("inspect", "--sentence", " "), "the sentence has no word"),
        (HMM, ("inspect", "--picture", "x.html"), "add --sentence"),
        (ARCS, ("inspect", "--sentence", "the/XX cat/NOUN"), "the tag 'XX' is not one"),
        (SVD, ("inspect", "--analogy", "king", "queen", "qqqq"), "'qqqq' is none of"),
        (NGRAM, ("inspect", "--text", "/no.txt"), "/no.txt is not there"),
        (SVD, ("generate", "the"), "writes no text"),
        (GRU, ("generate", ""), "the prompt is empty"),
        (NGRAM, ("generate", "the", "--top-k", "3"), "--top-k is not for"),
        (NGRAM, ("generate", "the", "--chat"), "does not chat"),
        (NGRAM, ("generate", "the", "--temperature", "-1"), "temperature=-1"),
        (NGRAM, ("generate", "the", "--regex", "a+"), "--regex is not for"),
        (GRU, ("generate", "the", "--raw"), "--raw is not for"),
        (NGRAM, ("generate", "the", "--threads", "1"), "--threads is not for"),
        (GRU, ("generate", "the", "--device", "cpu"), "--device is not for"),
        (GRU, ("generate", "the", "--dtype", "float32"), "--dtype is not for"),
        (HMM, ("inspect", "--headers"), "--headers is not for"),
        (ARCS, ("inspect", "--sentence", "cats/NOUN see/VERB", "--tagger", "x"), "leave --tagger out"),
        (ARCS, ("inspect", "--sentence", "cats see", "--tagger", "nowhere"), "nowhere is not a folder"),
        (NGRAM, ("export", "x", "--to", "gguf"), "use --to arpa"),
        (SVD, ("export", "x", "--to", "arpa"), "use --to word2vec"),
        (HMM, ("export", "x", "--to", "arpa"), "its own folder only"),
        (SVD, ("export", "x", "--to", "word2vec", "--dtype", "float16"), "--dtype says nothing"),
    ],
)
def test_what_a_kind_does_not_do_is_one_sentence(make, call, which, arguments, words):
    verb, *rest = arguments
    status, out, err = call(verb, make(*which)[0], *rest)
    assert (status, out, err.count("\n")) == (2, "", 1) and words in err


def test_questions_to_a_transformer_are_refused(model_folder, call):
    status, _, err = call("inspect", model_folder, "--word", "king")
    assert status == 2 and "leave it out" in err and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [("inspect", "--word", "king"), ("export", "x", "--to", "arpa")])
def test_a_path_that_does_not_exist_is_said_to_be_missing(tmp_path, call, arguments):
    verb, *rest = arguments
    status, _, err = call(verb, tmp_path / "none", *rest)
    assert status == 2 and "is not there" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("m.arpa", b"\\data\\\nngram 1=2\n\n\\1-grams:\n-1\tcat\n", "line 5"),
        ("m.arpa", b"hello\n", "no \\data\\"),
        ("v.txt", b"2 2\na 1 2\nb 1 x\n", "line 3"),
        ("v.txt", b"2 2\na 1 2\nb 1 nan\n", "line 3"),
        ("v.txt", b"", ""),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, call, name, data, words):
    (tmp_path / name).write_bytes(data)
    status, out, err = call("inspect", tmp_path / name)
    assert (status, out, err.count("\n")) == (2, "", 1) and words in err and name in err


def test_vectors_with_nan_and_a_damaged_folder_are_refused(make, call, tmp_path):
    numbers = np.array([1, 2, np.nan, 4], np.float32).tobytes()
    (tmp_path / "v.bin").write_bytes(b"2 2\nab " + numbers[:8] + b"\ncd " + numbers[8:] + b"\n")
    status, _, err = call("inspect", tmp_path / "v.bin", "--word", "ab")
    assert status == 2 and err.count("\n") == 1 and "NaN" in err
    for which in (NGRAM, SVD, HMM, PCFG, GRU):
        copy = shutil.copytree(make(*which)[0], tmp_path / which[0] / which[-1])
        with open(copy / "model.safetensors", "r+b") as file:
            file.truncate(40)
        status, _, err = call("inspect", copy)
        assert status == 2 and "model.safetensors" in err and err.count("\n") == 1
