import gzip
import json

import pytest

from groundup.errors import FormatError, InputError
from groundup.tuning.supervised.labelled import Example, check_known, names_of, read_examples


def written(path, text):
    path.write_text(text)
    return path


def test_csv_tsv_and_json_lines_give_the_same_examples(tmp_path):
    rows = [("a good film", "pos"), ("a bad film", "neg")]
    expected = [Example(text, label) for text, label in rows]
    csv = written(tmp_path / "a.csv", "text,label\n" + "".join(f'"{text}",{label}\n' for text, label in rows))
    tsv = written(tmp_path / "a.tsv", "sentence\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    lines = written(
        tmp_path / "a.jsonl", "".join(json.dumps({"review": text, "class": label}) + "\n" for text, label in rows)
    )
    (tmp_path / "a.tsv.gz").write_bytes(gzip.compress(tsv.read_bytes()))
    for path in (csv, tsv, lines, tmp_path / "a.tsv.gz"):
        assert read_examples(path, "classify") == expected


def test_a_bare_quote_in_a_tsv_is_a_character(tmp_path):
    path = written(tmp_path / "a.tsv", 'sentence\tlabel\nthe "best\t1\nworst"\t0\n')
    assert [one.text for one in read_examples(path, "classify")] == ['the "best', 'worst"']


def test_conll_and_json_lines_give_the_same_words_and_tags(tmp_path):
    conll = written(tmp_path / "a.conll", "New\tB-LOC\nYork\tI-LOC\n\nHi\tO\n")
    rows = [{"tokens": ["New", "York"], "ner_tags": ["B-LOC", "I-LOC"]}, {"tokens": ["Hi"], "ner_tags": ["O"]}]
    lines = written(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert read_examples(conll, "tag") == read_examples(lines, "tag")
    assert names_of(read_examples(conll, "tag"), "tag") == ("B-LOC", "I-LOC", "O")


def test_squads_answers_stand_where_they_say_and_a_plain_answer_where_it_is_found(tmp_path):
    context = "It rained in Rome. In Rome?"
    rows = [
        {"context": context, "question": "Where?", "answers": {"text": ["Rome"], "answer_start": [22]}},
        {"context": context, "question": "Where?", "answer": "Rome"},
    ]
    path = written(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert [one.label for one in read_examples(path, "span")] == [(22, 26), (13, 17)]


def test_labels_are_in_an_order_that_the_rows_order_does_not_change():
    examples = [Example("a", "10"), Example("b", "9"), Example("c", "x")]
    assert names_of(examples, "classify") == names_of(examples[::-1], "classify") == ("9", "10", "x")


@pytest.mark.parametrize(
    "name, text, task, wrong, error",
    [
        (
            "a.csv",
            "words,label\nx,1\n",
            "classify",
            r"row 1 has no text \(it has words, label\); name the column",
            InputError,
        ),
        ("a.csv", "text,label\nx,\n", "classify", "row 1 has no label", InputError),
        ("a.csv", "text,label\n", "classify", "holds no example", InputError),
        ("a.csv", "text,label\nx,warm\n", "regress", "which is no number; use --task classify", InputError),
        ("a.csv", "text,label\nx,nan\n", "regress", "which is no number", InputError),
        ("a.jsonl", '{"text": "x"\n', "classify", "line 1 is not valid JSON", FormatError),
        ("a.jsonl", "[1]\n", "classify", "line 1 is no JSON object", FormatError),
        ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}\n', "tag", "no tag for each of its words", InputError),
        (
            "a.jsonl",
            '{"context": "a b", "question": "c?", "answer": "d"}\n',
            "span",
            "does not stand at its place",
            InputError,
        ),
        (
            "a.jsonl",
            '{"context": "a b", "question": "c?", "answers": {"text": [], "answer_start": []}}\n',
            "span",
            "has no answer",
            InputError,
        ),
    ],
)
def test_what_does_not_fit_is_named_by_its_row(tmp_path, name, text, task, wrong, error):
    with pytest.raises(error, match=wrong):
        read_examples(written(tmp_path / name, text), task)


def test_a_missing_file_and_a_label_for_all_are_said(tmp_path):
    with pytest.raises(InputError, match="is not there; give a file of labelled rows"):
        read_examples(tmp_path / "none.csv", "classify")
    with pytest.raises(InputError, match="all rows have the label 'a'.*give rows of two labels"):
        names_of([Example("x", "a")] * 3, "classify")


def test_a_json_text_may_hold_any_line_end_but_its_own(tmp_path):
    """Rows were cut at the line and paragraph ends of Unicode, which JSON texts hold as they are."""
    rows = [{"text": f"a{mark}b", "label": "x"} for mark in ("\u2028", "\u2029", "\x85")]
    path = tmp_path / "a.jsonl"
    path.write_bytes("\r\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode())
    assert [one.text for one in read_examples(path, "classify")] == [row["text"] for row in rows]


def test_a_field_too_large_for_a_column_is_one_sentence(tmp_path, monkeypatch):
    path = written(tmp_path / "a.csv", "text,label\nb,x\n" + "a" * 200_000 + ",x\n")
    assert [len(one.text) for one in read_examples(path, "classify")] == [1, 200_000]
    monkeypatch.setattr("groundup.data.sources.lines.LINE_BYTES", 199_999)
    with pytest.raises(
        FormatError, match=r"a.csv: line 3 is no row of columns \(field larger than field limit .*mend or remove"
    ):
        read_examples(path, "classify")


@pytest.mark.parametrize("start", [[5], "five", {}, float("inf")])
def test_a_place_of_an_answer_that_is_no_number_is_said(tmp_path, start):
    for row in ({"answer": "b", "answer_start": start}, {"answers": {"text": ["b"], "answer_start": [start]}}):
        path = written(tmp_path / "a.jsonl", json.dumps({"context": "a b", "question": "c?"} | row) + "\n")
        with pytest.raises(InputError, match="row 1 has the answer_start .*, which is no number; give the place"):
            read_examples(path, "span")


def test_a_label_that_only_the_kept_rows_have_is_named_before_anything_is_learned():
    """They were left out of the score without a word, and where all were the run failed once it had trained."""
    with pytest.raises(
        InputError,
        match="held-out rows have the labels c, d, and no row to learn from has them; put rows of these there",
    ):
        check_known([Example("x", "d"), Example("y", "a"), Example("z", "c")], "classify", ("a", "b"))
    with pytest.raises(InputError, match="the labels B-X, and"):
        check_known([Example("x y", ("O", "B-X"), words=("x", "y"))], "tag", ("O",))
    check_known([Example("x", 2.0)], "regress", ("number",))
    check_known([], "classify", ("a", "b"))
