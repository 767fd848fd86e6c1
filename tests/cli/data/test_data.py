"""`groundup data`, as a user types it: built, looked at, exported, removed; every mistake a sentence."""

import json

import pytest

from groundup import files

PIPELINE = """
name = "mine"
shard_bytes = 1
[[steps]]
kind = "length"
min_characters = 10
[[steps]]
kind = "exact"
"""


@pytest.fixture
def built(tmp_path, call):
    """A folder that a pipeline made."""
    pages = tmp_path / "pages"
    pages.mkdir()
    for name, text in {
        "a": "The first page, on lions.",
        "b": "short",
        "c": "The first  page, on lions.",
        "d": "Bees fly far.",
    }.items():
        (pages / f"{name}.txt").write_text(text)
    (tmp_path / "p.toml").write_text(PIPELINE)
    code, out, err = call(
        "data", "build", "--text", pages, "--pipeline", tmp_path / "p.toml", "--out", tmp_path / "out", "--json"
    )
    assert code == 0, err
    report = json.loads(out)
    assert report["kept"]["documents"] == 2 and report["steps"][1]["dropped"] == {"same text as another": 1}
    return tmp_path / "out"


def test_what_was_dropped_is_paged_through_with_its_reason(built, call):
    code, out, _ = call("data", "inspect", built, "--json")
    rows = {row["id"]: (row["step"], row["reason"], row["detail"]) for row in json.loads(out)["documents"]}
    assert code == 0 and rows["c.txt"] == ("2 exact", "same text as another", "first seen in a.txt") and len(rows) == 2
    assert json.loads(call("data", "inspect", built, "--json", "--step", "exact")[1])["total"] == 1
    assert json.loads(call("data", "inspect", built, "--json", "--step", "1")[1])["total"] == 1
    assert json.loads(call("data", "inspect", built, "--json", "--reason", "SHORT")[1])["total"] == 1
    assert (
        json.loads(call("data", "inspect", built, "--json", "--kept", "--per-page", "1", "--page", "2")[1])[
            "documents"
        ][0]["id"]
        == "d.txt"
    )
    shown = call("data", "inspect", built, "--find", "c.txt")[1]
    assert "c.txt" in shown and "first seen in a.txt" in shown


@pytest.mark.parametrize("form", ["parquet", "tfrecord", "webdataset", "jsonl"])
def test_documents_are_exported(built, tmp_path, call, form):
    code, out, err = call("data", "export", built, "--format", form, "--out", tmp_path / "e", "--json")
    assert code == 0 and json.loads(out)["documents"] == 2, err


def test_documents_are_removed_and_the_text_is_gone(built, tmp_path, call):
    (tmp_path / "list").write_text("a.txt\n")
    code, out, _ = call("data", "remove", built, "--list", tmp_path / "list", "--json")
    assert code == 0 and json.loads(out) == {"removed": 1, "entries": {"a.txt": 1}}
    assert json.loads(call("data", "inspect", built, "--json", "--kept")[1])["total"] == 1


def test_near_duplicates_are_dropped_and_later_data_is_compared_with_an_index(tmp_path, call):
    words = " ".join(f"word{n}" for n in range(60))
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"text": text}) + "\n" for text in (words, words + " more", "another text"))
    )
    code, out, err = call(
        "data", "dedup", tmp_path / "a.jsonl", "--out", tmp_path / "one", "--save-index", tmp_path / "index", "--json"
    )
    assert code == 0 and json.loads(out)["kept"]["documents"] == 2, err
    (tmp_path / "b.jsonl").write_text(
        json.dumps({"text": "less " + words}) + "\n" + json.dumps({"text": "all new words"}) + "\n"
    )
    code, out, err = call(
        "data", "dedup", tmp_path / "b.jsonl", "--out", tmp_path / "two", "--against", tmp_path / "index", "--json"
    )
    assert json.loads(out)["steps"][0]["dropped"] == {"near duplicate of earlier data": 1}, err


def test_what_is_known_of_a_document_outlives_a_second_pipeline(built, tmp_path, call):
    code, _, err = call("data", "dedup", built, "--method", "exact", "--out", tmp_path / "again")
    rows = json.loads(call("data", "inspect", tmp_path / "again", "--kept", "--json")[1])["documents"]
    assert code == 0 and {(row["id"], row["metadata"]["path"]) for row in rows} == {
        (n, n) for n in ("a.txt", "d.txt")
    }, err


def test_another_index_of_the_same_name_is_noticed_and_a_folder_that_is_none_stays(tmp_path, call):
    rows = [" ".join(f"{letter}{n}" for n in range(60)) for letter in "ab"]
    for name, text in zip("ab", rows, strict=True):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"text": text}) + "\n")
    index, two = tmp_path / "index", tmp_path / "two"
    for name, kept in (("a", 1), ("b", 0)):
        code, _, err = call(
            "data", "dedup", tmp_path / f"{name}.jsonl", "--out", tmp_path / name, "--save-index", index, "--json"
        )
        assert code == 0, err
        out = call("data", "dedup", tmp_path / "b.jsonl", "--out", two, "--against", index, "--json")[1]
        assert json.loads(out)["kept"]["documents"] == kept
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    code, _, err = call("data", "dedup", tmp_path / "b.jsonl", "--out", two, "--save-index", tmp_path / "mine")
    assert code == 2 and "choose another --save-index" in err and (tmp_path / "mine" / "thesis.txt").is_file()


def test_a_pipeline_takes_the_field_of_the_text_and_no_other_setting(tmp_path, call):
    (tmp_path / "a.jsonl").write_text(json.dumps({"body": "some words"}) + "\n")
    given = (
        "data",
        "build",
        "--text",
        tmp_path / "a.jsonl",
        "--pipeline",
        "plain",
        "--out",
        tmp_path / "out",
        "--json",
    )
    code, out, err = call(*given, "--set", "data.text_key=body")
    assert code == 0 and json.loads(out)["kept"]["documents"] == 1, err
    code, _, err = call(*given, "--set", "train.steps=3")
    assert code == 2 and "changes no pipeline" in err


def test_a_corpus_is_profiled(built, tmp_path, call):
    code, out, err = call("data", "profile", built, "--out", tmp_path / "prof", "--order", "0", "--json")
    assert code == 0 and json.loads(out)["documents"] == 2, err
    assert (tmp_path / "prof" / "profile.html").is_file() and (tmp_path / "prof" / "profile.json").is_file()


def test_a_filter_is_trained_from_rows_and_its_step_drops_what_it_learned(tmp_path, call):
    rows = [f"{at},the river number {at} runs through a quiet valley,ham" for at in range(120)]
    rows += [f"{at},buy cheap pills number {at} now,Spam" for at in range(120)]
    (tmp_path / "rows.csv").write_text("n,body,kind\n" + "\n".join(rows))
    given = ("data", "train-filter", tmp_path / "rows.csv", "--out", tmp_path / "f", "--text-field", "body")
    code, out, err = call(*given, "--label-field", "kind", "--positive", "spam", "--json")
    found = json.loads(out)
    assert code == 0 and found["auc"] > 0.99 and found["auc_interval"][0] > 0.6, err
    assert found["step"] == {"kind": "toxicity", "classifier": str(tmp_path / "f"), "threshold": 0.5}
    code, out, _ = call(*given, "--label-field", "kind", "--positive", "spam")
    assert code == 0 and "AUC 1.000" in out and f'classifier = "{tmp_path}' in out
    step = out[out.index("[[steps]]") :]
    (tmp_path / "p.toml").write_text(f'name = "filtered"\n{step}')
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "good.txt").write_text("a quiet valley with a river")
    (tmp_path / "pages" / "bad.txt").write_text("cheap pills, buy now")
    made = ("data", "build", "--text", tmp_path / "pages", "--pipeline", tmp_path / "p.toml", "--out", tmp_path / "out")
    report = json.loads(call(*made, "--json")[1])
    assert report["steps"][0]["dropped"] == {"toxic, by classifier": 1} and report["kept"]["documents"] == 1


@pytest.mark.parametrize(
    ("rows", "flags", "message"),
    [
        ("text,label\na,1\nb,0\n", [], "too few to train on"),
        ("text,label\na,1\nb,1\n", [], "every row counts as 1"),
        ("text,label\na,x\nb,y\n", [], "no row counts as 1: 'label' holds 'x' 1 times"),
        ("tweet,label\na,1\n", [], "has no text (it has tweet, label); name the fields with --text-field"),
        ("text,label\na,1\n", ["--threshold", "2"], "is no probability"),
        ("text,label\na,1\n", ["--bits", "90"], "use bits from 8 to 28"),
    ],
)
def test_rows_that_teach_no_filter_are_sentences(tmp_path, call, rows, flags, message):
    (tmp_path / "rows.csv").write_text(rows)
    code, _, err = call("data", "train-filter", tmp_path / "rows.csv", "--out", tmp_path / "f", *flags)
    assert code == 2 and message in err and not (tmp_path / "f").exists()


def test_a_filter_replaces_no_folder_with_something_else(tmp_path, call):
    (tmp_path / "rows.csv").write_text("text,label\na,1\nb,0\n")
    code, _, err = call("data", "train-filter", tmp_path / "rows.csv", "--out", tmp_path)
    assert code == 2 and "choose another --out" in err and (tmp_path / "rows.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "--pipeline", "web"], "give its file or folder with --text"),
        (["build", "--pipeline", "wep", "--text", "x"], "did you mean 'web'"),
        (["build", "--text", "x", "--workers", "2"], "--workers belongs to a pipeline"),
        (["profile", "nowhere", "--documents", "0"], "use 1 or more"),
        (["inspect", "nowhere"], "has no report.json"),
        (["export", "nowhere", "--out", "x"], "folder of documents"),
        (["remove", "nowhere", "--list", "nothing"], "nothing is not there"),
        (["synthesize", "nowhere", "--recipe", "nothing.toml"], "nothing.toml is not there"),
        (["build", "--pipeline", "plain", "--text", "x", "--tokenizer", "nowhere"], "nowhere does not exist"),
        (["fetch"], "no address to fetch"),
    ],
)
def test_mistakes_are_sentences(arguments, message, call):
    code, _, err = call("data", *arguments)
    assert code == 2 and message in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[steps]]\nkind = "lenght"', "did you mean 'length'"),
        ('[[steps]]\nkind = "length"\nmin_chars = 3', "'min_chars' is not a key of"),
        ('[[steps]]\nkind = "length"\nmin_characters = "3"', "wants a whole number"),
        ("[[steps]]\nmin_characters = 3", "step 1 has no kind"),
        ('steps = "length"', "begin each with"),
        ("name = ", "is not TOML"),
        ("shard = 3", "'shard' is not a key of"),
    ],
)
def test_mistakes_in_a_pipeline_are_sentences(text, message, tmp_path, call):
    (tmp_path / "p.toml").write_text(text)
    code, _, err = call("data", "build", "--pipeline", tmp_path / "p.toml", "--text", tmp_path)
    assert code == 2 and message in err


def test_a_list_of_addresses_in_another_encoding_is_a_sentence(tmp_path, call):
    (tmp_path / "list").write_bytes(b"https://example.com/\nhttps://caf\xe9.com/\n")
    code, _, err = call("data", "fetch", f"@{tmp_path / 'list'}", "--out", tmp_path / "out")
    assert code == 2 and "line 2" in err


def test_two_models_of_one_name_are_told_apart(tmp_path):
    from groundup.cli.data.synthesizing import _digest

    for name in "ab":
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "config.json").write_text(name)
        files.write_checksums(tmp_path / name / "model")
    assert _digest(tmp_path / "a" / "model") != _digest(tmp_path / "b" / "model")


def test_tokens_are_estimated_of_what_a_pipeline_kept(built, tmp_path, call, monkeypatch):
    from groundup.text import tokenizers

    class Characters:
        def encode_packed(self, texts):
            return ["".join(texts)]

    monkeypatch.setattr(tokenizers, "load_tokenizer", lambda _: Characters())
    code, out, err = call("data", "estimate", built, "--tokenizer", "any", "--json")
    assert code == 0 and json.loads(out)["tokens"] == len("The first page, on lions.") + len("Bees fly far."), err
