import csv

import pytest

from groundup.data.clean.decontaminate import read_rows
from groundup.data.clean.labelled import read_rows as labelled_rows
from groundup.data.sources.lines import limited
from groundup.data.sources.tables import comma_separated
from groundup.tuning.supervised.labelled import read_examples

READERS = {
    "documents": lambda path: [one.text for one in comma_separated(path, "a", "text", "utf-8")],
    "labelled": lambda path: [text for text, _ in labelled_rows(path, "text", "label", ("1",))],
    "benchmarks": lambda path: [row.text for row in read_rows(path, path.parent)][2::2],
    "tuning": lambda path: [one.text for one in read_examples(path, "classify")],
}


@pytest.fixture(params=[50, 1 << 31 - 1], ids=["narrow", "wide"])
def process_limit(request):
    before = csv.field_size_limit(request.param)
    yield request.param
    csv.field_size_limit(before)


@pytest.mark.parametrize("reader", READERS)
def test_a_table_is_read_whatever_limit_the_process_has_and_leaves_it(tmp_path, reader, process_limit):
    """csv's limit is the whole process's: one reader had set it, so what another refused hung on which ran first."""
    texts = ["a" * 200_000, "b"]
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{text},{number}\n" for number, text in enumerate(texts)))
    assert READERS[reader](path) == texts
    assert csv.field_size_limit() == process_limit


def test_a_field_over_the_limit_is_refused_and_the_process_keeps_its_own(monkeypatch, process_limit):
    monkeypatch.setattr("groundup.data.sources.lines.LINE_BYTES", 100)
    rows = limited(csv.reader(["a,b", "c" * 101, "d,e"]))
    assert next(rows) == ["a", "b"] and csv.field_size_limit() == process_limit
    with pytest.raises(csv.Error, match="field limit"):
        next(rows)
    assert csv.field_size_limit() == process_limit
