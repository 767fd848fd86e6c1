"""`groundup train ngram|vectors|tagger|parser|recurrent`: folders, results, and what cannot be trained."""

import json
import zipfile

import numpy as np
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
    told = found["heldout"]["neighbours_told_from_drawn_words"]
    assert (
        told > 0.7 if method in ("glove", "svd") else told > 0.25
    )  # 45 pairs; by prediction 0.38 to 0.62 on so little
    assert json.loads((folder / "config.json").read_text())["trained"]["method"].startswith(
        method[:3].replace("svd", "coo")
    )


def test_neighbours_are_told_from_drawn_words_by_their_vectors():
    from groundup.cli.train.vectors import neighbours_told

    class Vectors(dict):
        index = property(lambda self: self)

    vectors, pairs = Vectors(a=0, b=1, c=2, d=3), [["a", "b"], ["c", "d"]] * 20
    vectors.unit = np.array([[1.0, 0], [1, 0], [0, 1], [0, 1]])
    assert neighbours_told(vectors, pairs) > 0.7
    vectors.unit = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])
    assert neighbours_told(vectors, pairs) < 0.5
    assert neighbours_told(vectors, [["a"], ["x", "b"]]) is None


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
        (
            ("parser", "--treebank", "t.conllu", "--method", "arc_eager", "--members", "*"),
            "--members is for --method pcfg",
        ),
        (("parser", "--treebank", "t.conllu", "--method", "arc_eager", "--seed", "-1"), "seed=-1"),
        (("tagger", "--data", "t.conll", "--encoding", "utf9"), "'utf9' is no encoding"),
        (("tagger", "--data", "t.conllu", "--encoding", "latin-1"), "is read as conllu, which is UTF-8"),
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


def test_held_out_sentences_without_heads_are_refused_before_training(sources, tmp_path, call):
    test = tmp_path / "test.conllu"
    test.write_text("1\tcats\t_\tNOUN\t_\t_\t_\t_\t_\t_\n")
    flags = ("--treebank", sources / "t.conllu", "--method", "arc_eager", "--test", test, "--out", tmp_path / "m")
    status, _, err = call("train", "parser", *flags)
    assert status == 2 and "without a head" in err and "cats" in err and not (tmp_path / "m").exists()


def test_conllu_is_known_by_its_ten_columns_and_read_from_a_zip(sources, tmp_path, call):
    text = "# sent_id = 1\n" + (sources / "t.conllu").read_text()
    (tmp_path / "bank.txt").write_text("\ufeff" + text)
    with zipfile.ZipFile(tmp_path / "bank.zip", "w") as archive:
        archive.writestr("one/a.conllu", text)
        archive.writestr("README", "nothing tagged")
    for name, more in (("bank.txt", ()), ("bank.zip", ("--members", "*.conllu"))):
        status, out, _ = call("train", "tagger", "--data", tmp_path / name, *more, "--out", tmp_path / "m", "--json")
        assert status == 0 and json.loads(out)["tags"] == 3  # DET NOUN VERB


def damaged_archives(folder):
    """An archive with a wrong byte in a member, one with none of its beginning, and one that wants a password."""
    with zipfile.ZipFile(folder / "crc.zip", "w") as archive:
        archive.writestr("a", "(S (N word))" * 9)
    whole = (folder / "crc.zip").read_bytes()
    (folder / "crc.zip").write_bytes(whole.replace(b"word", b"wodr", 1))
    (folder / "begin.zip").write_bytes(b"????" + whole[4:])
    place = whole.index(b"PK\1\2") + 8  # the flag that says a member is encrypted
    locked = bytearray(whole)
    locked[place] |= 1
    (folder / "locked.zip").write_bytes(locked)
    return [folder / name for name in ("crc.zip", "begin.zip", "locked.zip")]


@pytest.mark.parametrize("family", ["tagger", "parser"])
def test_a_damaged_or_locked_archive_is_one_sentence(tmp_path, call, family):
    for path in damaged_archives(tmp_path):
        flags = ("--data", path) if family == "tagger" else ("--treebank", path, "--members", "*")
        status, out, err = call("train", family, *flags, "--out", tmp_path / "m")
        assert (status, out, err.count("\n")) == (2, "", 1) and path.name in err and "cannot be read" in err


@pytest.mark.parametrize(
    ("family", "text", "words"),
    [
        *((family, "", "a.txt is empty; give a file with text") for family in ("ngram", "vectors", "recurrent")),
        *((family, "word " * 5, "has 25 characters, too few") for family in ("ngram", "vectors", "recurrent")),
        ("ngram", "word " * 500, "vocab_size=4096 is more than this text allows"),
        ("vectors", "word " * 500, "the corpus holds one word, 'word'"),
    ],
)
def test_an_empty_corpus_and_one_word(tmp_path, call, text, words, family):
    (tmp_path / "a.txt").write_text(text)
    status, _, err = call("train", family, "--text", tmp_path / "a.txt", "--out", tmp_path / "m", "--json")
    assert status == 2 and err.count("\n") == 1 and words in err


def test_a_network_learns_one_word_too(tmp_path, call):
    (tmp_path / "a.txt").write_text("word " * 500)
    flags = ("--text", tmp_path / "a.txt", "--out", tmp_path / "m", "--json", "--steps", "2")
    status, out, _ = call("train", "recurrent", *flags)
    assert status == 0 and json.loads(out)["heldout"]["bits_per_byte"] > 0


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
