"""Progress is a text file that outlives damage: one line an exercise, and a backup elsewhere."""

import pytest

from groundup.course.record import HEAD, Entry, Record


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


def worked(folder):
    record = Record(folder)
    record.started("a.one")
    record.hinted("a.one")
    record.tried("a.one", False)
    record.tried("a.one", True)
    record.started("b.two")
    return record


def test_what_was_done_is_read_back_and_the_last_touched_is_the_current(tmp_path):
    assert Record(tmp_path).current == "" and Record(tmp_path).get("a.one") == Entry("a.one")
    worked(tmp_path)
    again = Record(tmp_path)
    assert again.get("a.one") == Entry("a.one", passed=True, hints=1, tries=2)
    assert again.current == "b.two" and not again.notice
    assert (tmp_path / "progress.txt").read_text().startswith(HEAD)


def test_what_was_passed_stays_passed(tmp_path):
    worked(tmp_path).tried("a.one", False)
    assert Record(tmp_path).get("a.one").passed and Record(tmp_path).current == "a.one"


def test_a_lost_file_comes_back_from_its_backup(tmp_path):
    before = worked(tmp_path).entries
    (tmp_path / "progress.txt").unlink()
    again = Record(tmp_path)
    assert again.entries == before and "came back from its backup" in again.notice
    assert (tmp_path / "progress.txt").is_file() and not Record(tmp_path).notice


@pytest.mark.parametrize("damage", ["a.one   passed   hi", "\x00\xff garbage", "a.one passed hints -1 tries x"])
def test_a_damaged_line_is_taken_from_the_backup(tmp_path, damage):
    before = worked(tmp_path).entries
    path = tmp_path / "progress.txt"
    path.write_text("".join(damage + "\n" if line.startswith("a.one") else line for line in path.open()))
    again = Record(tmp_path)
    assert again.entries == before and "1 lines" in again.notice and not Record(tmp_path).notice


def test_a_line_of_an_exercise_that_is_not_known_here_stays(tmp_path):
    (tmp_path / "progress.txt").write_text("from.the.future   passed   hints 0   tries 1\n")
    Record(tmp_path).started("a.one")
    assert Record(tmp_path).get("from.the.future").passed


def test_two_folders_have_backups_of_their_own(tmp_path):
    worked(tmp_path / "one")
    assert not Record(tmp_path / "two").entries and Record(tmp_path / "one").backup() != Record(tmp_path / "two").backup()
