"""A learner's folder: nothing written there is lost, one watcher notes, and a save is seen once."""

import pytest

from groundup.course import checker, shelf
from groundup.course.desk import Desk, OnlyLooks, Saves
from groundup.course.exercise import stub
from groundup.course.verdict import Verdict
from groundup.errors import InputError

TOP_P, TOP_K = shelf.find("top_p"), shelf.find("top_k")
PASSED = Verdict(kind="passed", exercise=TOP_P.id, sentence="")


@pytest.fixture
def said():
    return []


@pytest.fixture
def desk(tmp_path, monkeypatch, said):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    return Desk(tmp_path / "my", said.append)


def test_beginning_writes_the_stub_once_and_notes_where_the_learner_is(desk):
    desk.begin(TOP_P)
    assert desk.file(TOP_P).read_text() == stub(TOP_P) and desk.current(desk.record()) == TOP_P
    desk.file(TOP_P).write_text("mine")
    desk.begin(TOP_P)
    assert desk.file(TOP_P).read_text() == "mine"


def test_a_reset_keeps_every_text_that_was_there(desk):
    desk.begin(TOP_P)
    assert desk.reset(TOP_P) is None
    for text, name in (("one", "top_p.py.before"), ("two", "top_p.py.before2"), ("one", "top_p.py.before")):
        desk.file(TOP_P).write_text(text)
        kept = desk.reset(TOP_P)
        assert (kept.name, kept.read_text(), desk.file(TOP_P).read_text()) == (name, text, stub(TOP_P))


def test_three_hints_are_counted_and_no_fourth(desk):
    assert [desk.hint(TOP_P) for _ in range(5)] == [1, 2, 3, 3, 3] and desk.record().get(TOP_P.id).hints == 3


def test_what_another_terminal_noted_in_the_meantime_is_kept(desk):
    desk.hold()
    Desk(desk.folder).note(TOP_K, PASSED)
    desk.note(TOP_P, PASSED)
    assert desk.passed(desk.record()) == 2


def test_the_next_goes_round_to_what_was_left_out_and_ends_when_all_are_passed(desk):
    first, *others, last = desk.exercises
    assert desk.next(desk.record()) == first and desk.next(desk.record(), last) == first
    for one in [*others, last]:
        desk.note(one, PASSED)
    assert desk.next(desk.record(), others[0]) == first and desk.next(desk.record(), first) is None


def test_a_current_exercise_of_another_version_is_none_of_ours(desk):
    desk.folder.mkdir()
    (desk.folder / "progress.txt").write_text("from.the.future   started   hints 0   tries 1\n")
    assert desk.current(desk.record()) is None


def test_a_second_watcher_only_looks_until_the_first_has_gone(desk, said):
    second = Desk(desk.folder, said.append)
    assert desk.hold() and not second.hold()
    assert "in use by another page or watch" in second.only_looks and "nothing is noted" in second.only_looks
    second.note(TOP_P, PASSED)
    assert not second.record().entries
    with pytest.raises(OnlyLooks, match="until that one ends"):
        second.hint(TOP_P)
    desk.release()
    assert second.hint(TOP_P) == 1 and not second.only_looks and "noted here again" in said[0]
    second.release()


def test_a_folder_that_cannot_be_is_one_sentence(tmp_path, desk):
    (tmp_path / "file").write_text("")
    desk = Desk(tmp_path / "file" / "my")
    assert not desk.hold() and "choose another name" in desk.only_looks
    with pytest.raises(InputError, match="choose another name"):
        Desk(tmp_path / "file" / "my").begin(TOP_P)


def test_a_refusal_names_this_verbs_own_flag(desk, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(desk.folder))

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(InputError, match="choose another folder with --folder"):
        desk.begin(TOP_P)


def test_a_checker_that_ended_is_a_verdict_too(desk, monkeypatch):
    def gone(*_):
        raise RuntimeError("the checker's process ended")

    monkeypatch.setattr(checker, "check_file", gone)
    assert desk.judge(TOP_P).sentence == "the checker's process ended" and desk.judge(TOP_P).kind == "broken"


def test_the_command_has_this_folder_in_it(desk):
    assert f"--mine {desk.folder} " in desk.command(TOP_P)


def test_a_save_is_told_once_and_only_when_two_looks_agree(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    saves = Saves(file)
    assert [saves.new() for _ in range(3)] == [False, True, False] and saves.there and not saves.saved
    file.write_text("12")
    assert not saves.new()
    file.write_text("123")
    assert [saves.new() for _ in range(3)] == [False, True, False] and saves.saved


def test_a_file_that_is_away_for_a_moment_was_saved_and_one_that_stays_away_is_told(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("1")
    saves = Saves(file)
    saves.new(), saves.new(), file.unlink()
    assert not saves.new()
    file.write_text("12")
    assert [saves.new(), saves.new()] == [False, True] and saves.there
    file.unlink()
    assert [saves.new(), saves.new(), saves.new()] == [False, True, False] and not saves.there and not saves.saved
