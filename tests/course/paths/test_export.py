"""The export holds what is the learner's, says what passes today, and replaces nothing that is not an export."""

import zipfile
from datetime import datetime

import pytest

from groundup import slots
from groundup.course.paths import export, journal
from groundup.course.record import Record
from groundup.errors import InputError

WHEN = datetime(2026, 1, 31, 14, 5)


@pytest.fixture
def worked(folder, write_run):
    record = Record(folder)
    record.hinted("text.tokenizers.train_bpe")
    for id in ("text.tokenizers.train_bpe", "model.attention.scaled_dot_product_attention"):
        record.tried(id, True)
    journal.write(folder, "<script>alert(1)</script>", WHEN)
    write_run("mine", slots=["text.tokenizers.train_bpe"])
    write_run("other")
    (folder / ".hidden.py").write_text("secret")
    (folder / "link.py").symlink_to("/etc/hostname")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def test_the_folder_holds_functions_journal_progress_and_the_runs_that_used_them(worked, tmp_path):
    made = export.export(worked, tmp_path / "out", tmp_path / "runs", WHEN)
    names = {str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()}
    assert names == {
        "README.md", "index.html", "my/encode_piece.py", "my/journal.md", "my/progress.txt",
        "my/scaled_dot_product_attention.py", "my/train_bpe.py", "runs/mine/results.json",
    }  # fmt: skip
    assert "groundup --mine my demo --fast" in (made / "README.md").read_text()
    assert {one.name for one in slots.match(made / "my", slots.read_sources(made / "my")).values()} >= {"train_bpe"}


def test_the_page_says_what_passes_today_with_hints_and_tries(worked, tmp_path):
    (worked / "scaled_dot_product_attention.py").write_text("def scaled_dot_product_attention(): ...\n")
    page = (export.export(worked, tmp_path / "out", tmp_path / "runs", WHEN) / "index.html").read_text()
    rows = {row.split("</td>")[0].rpartition("<td>")[2]: row for row in page.split("<tr>") if "<td>" in row}
    bpe, attention = rows["text.tokenizers.train_bpe"], rows["model.attention.scaled_dot_product_attention"]
    assert "<td>yes</td>" in bpe and bpe.rstrip().count("<td>1</td><td>1</td>") == 1
    assert "<td>no</td>" in attention and "1 of " in page and "2026-01-31" in page
    assert "<script" not in page and "http" not in page


def test_a_zip_holds_one_folder_and_can_be_made_again(worked, tmp_path):
    for _ in range(2):
        made = export.export(worked, tmp_path / "out.zip", tmp_path / "runs", WHEN)
    assert {name.split("/")[0] for name in zipfile.ZipFile(made).namelist()} == {"out"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_earlier_export_is_replaced_and_nothing_else(worked, tmp_path):
    export.export(worked, tmp_path / "out", tmp_path / "runs", WHEN)
    (worked / "encode_piece.py").unlink()
    made = export.export(worked, tmp_path / "out", tmp_path / "runs", WHEN)
    assert not (made / "my" / "encode_piece.py").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "README.md").write_text("my thesis")
    for target, words in ((tmp_path / "thesis", "is no export"), (worked / "out", "lies inside")):
        with pytest.raises(InputError, match=words):
            export.export(worked, target, tmp_path / "runs", WHEN)
    assert (tmp_path / "thesis" / "README.md").read_text() == "my thesis"
