"""`groundup train ngram|vectors|tagger|parser|recurrent`: folders, results, and what cannot be trained."""

import json

import pytest

NGRAM = ("ngram", "--text", "t.txt", "--words", "--order", "3")
WORDS = ("--min-count", "2", "--hidden-size", "8", "--threads", "1")


def test_counts_say_what_held_out_text_costs(make):
    folder, found = make(*NGRAM)
    assert found["family"] == "ngram" and found["order"] == 3
    assert 0 < found["heldout"]["bits_per_byte"] < 3 and "spaces" in found["heldout"]["note"]
    assert json.loads((folder / "config.json").read_text())["model_type"] == "ngram"


def test_counts_of_a_tokenizers_tokens_lose_nothing(make):
    found = make("ngram", "--text", "t.txt", "--vocab-size", "300", "--smoothing", "witten_bell")[1]
    assert found["vocabulary"] <= 300 and "note" not in found["heldout"]


@pytest.mark.parametrize("method", ["word2vec", "glove", "fasttext", "svd"])
def test_vectors_of_every_method_tell_neighbours_apart(make, method):
    folder, found = make("vectors", "--text", "t.txt", "--method", method, *WORDS)
    assert found["vocabulary"] > 10 and found["heldout"]["words_with_a_vector"] > 0.8
    assert 0 <= found["heldout"]["neighbours_told_from_drawn_words"] <= 1
    assert json.loads((folder / "config.json").read_text())["trained"]["method"].startswith(
        method[:3].replace("svd", "coo")
    )


@pytest.mark.parametrize(
    ("method", "more"), [("hmm", ()), ("crf", ("--iterations", "20")), ("recurrent", ("--epochs", "30"))]
)
def test_taggers_of_every_method_state_accuracy_and_names(make, method, more):
    found = make("tagger", "--data", "t.conll", "--test", "t.conll", "--method", method, *more)[1]
    assert found["heldout"]["accuracy"] > 0.6 and found["heldout"]["words"] == 12
    assert {"names_f1", "accuracy_seen_words"} <= found["heldout"].keys()
    assert found["heldout"]["accuracy_unseen_words"] is None  # there is none


def test_tags_are_read_off_trees_and_conllu_too(make):
    assert make("tagger", "--data", "t.mrg")[1]["tags"] == 3  # DT NN VBZ
    assert make("tagger", "--data", "t.conllu")[1]["tags"] == 3  # DET NOUN VERB


def test_parsers_state_brackets_and_arcs(make):
    phrases = make("parser", "--treebank", "t.mrg", "--test", "t.mrg")[1]
    assert phrases["heldout"]["f1"] == 1 and phrases["heldout"]["whole_trees"] == 1
    folder, arcs = make("parser", "--treebank", "t.conllu", "--method", "arc_eager", "--rounds", "5")
    assert arcs["heldout"]["uas"] == 1 and arcs["heldout"]["uas_with_own_tags"] == 1
    assert (folder / "tagger" / "config.json").is_file()


def test_recurrent_networks_state_bits_a_byte(make):
    found = make("recurrent", "--text", "t.txt", "--cell", "gru", "--steps", "5", "--hidden-size", "16")[1]
    assert found["cell"] == "gru" and 1 < found["heldout"]["bits_per_byte"] < 10


def test_without_json_a_table_says_it_and_the_way_on(sources, tmp_path, call):
    status, out, _ = call("train", "ngram", "--text", sources / "t.txt", "--words", "--out", tmp_path / "m")
    assert status == 0 and "held out: bits per byte" in out and f"groundup inspect {tmp_path / 'm'}" in out


def test_help_names_the_families_and_the_flags_of_a_transformer(call):
    status, out, _ = call("train", "--help")
    assert status == 0 and all(f"groundup train {word}" in out for word in ("ngram", "vectors", "parser", "recurrent"))
    assert "--depth" in out and "--device" in out


# ───────── what cannot be trained ─────────


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ngram", "--text", "none.txt"), "is not there"),
        (("ngram", "--text", "t.txt", "--smoothing", "kneser"), "smoothing='kneser' is not known"),
        (("ngram", "--text", "t.txt", "--words", "--tokenizer", "x"), "leave one of them out"),
        (("ngram", "--text", "t.txt", "--min-count", "3"), "use it with --words"),
        (("ngram", "--text", "t.txt", "--words", "--min-count", "9999"), "leave no word"),
        (("ngram", "--text", "t.txt", "--k", "1"), "--k is about --smoothing add_k"),
        (("ngram", "--text", "t.txt", "--order", "0"), "order=0"),
        (
            ("vectors", "--text", "t.txt", "--method", "svd", "--epochs", "3"),
            "--epochs says nothing about --method svd",
        ),
        (("vectors", "--text", "t.txt", "--min-count", "9999"), "min_count=9999 leaves 0"),
        (("vectors", "--text", "t.txt", "--method", "lsa"), "lsa"),
        (("tagger", "--data", "none.conll"), "is not there"),
        (("tagger", "--data", "t.conll", "--l2", "1"), "--l2 says nothing about --method hmm"),
        (("tagger", "--data", "t.conll", "--test", "t.mrg"), "map one tag set to the other"),
        (("parser", "--treebank", "t.conll"), "outside of any bracket"),
        (("parser", "--treebank", "t.mrg", "--method", "arc_eager"), "columns where CoNLL-U has 10"),
        (("parser", "--treebank", "t.mrg", "--rounds", "2"), "--rounds says nothing about --method pcfg"),
        (("recurrent", "--text", "t.txt", "--steps", "0"), "steps=0"),
        (("recurrent", "--text", "t.txt", "--cell", "qrnn"), "qrnn"),
        (("ngrm", "--text", "t.txt"), "is not something `groundup train` does"),
    ],
)
def test_a_mistake_is_one_sentence(sources, tmp_path, call, arguments, words):
    files = [sources / one if one.startswith("t.") else one for one in arguments]
    status, out, err = call("train", *files, "--out", tmp_path / "m")
    assert (status, out, err.count("\n")) == (2, "", 1) and words in err and ";" in err
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(("text", "words"), [("", "no text"), ("word " * 5, "too few"), ("word " * 500, "")])
@pytest.mark.parametrize("family", ["ngram", "vectors", "recurrent"])
def test_an_empty_corpus_and_one_word(tmp_path, call, text, words, family):
    (tmp_path / "a.txt").write_text(text)
    steps = ("--steps", "2") if family == "recurrent" else ()
    status, _, err = call("train", family, "--text", tmp_path / "a.txt", "--out", tmp_path / "m", "--json", *steps)
    if words or family == "vectors":
        assert status == 2 and err.count("\n") == 1
    else:
        assert status in (0, 2) and "fault of ours" not in err


def test_one_word_for_vectors_is_said(tmp_path, call):
    (tmp_path / "a.txt").write_text("word " * 50)
    flags = ("--text", tmp_path / "a.txt", "--heldout", tmp_path / "a.txt", "--out", tmp_path / "m")
    status, _, err = call("train", "vectors", *flags)
    assert status == 2 and "the corpus holds one word, 'word'" in err


def test_a_folder_of_other_things_is_not_replaced(sources, tmp_path, call):
    (tmp_path / "mine.txt").write_text("precious")
    status, _, err = call("train", "ngram", "--text", sources / "t.txt", "--out", tmp_path)
    assert status == 2 and "holds other things" in err and (tmp_path / "mine.txt").read_text() == "precious"


def test_a_run_is_not_written_over(call, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "results.json").write_text("{}")
    (tmp_path / "text.txt").write_text("a b c\n" * 50)
    status, _, err = call("train", "ngram", "--text", tmp_path / "text.txt", "--out", run)
    assert status == 2 and "holds other things" in err and (run / "results.json").read_text() == "{}"
