"""The eight chapters can be walked: with the solutions every milestone is reached that does not wait."""

import pytest

from groundup.course.paths import milestones, steps, walk


def test_the_walk_has_a_text_for_every_slot_that_a_milestone_asks_for():
    for proof in milestones.proofs().values():
        for slot in walk.wanted(proof):
            assert f"def {slot.rpartition('.')[2]}(" in walk.text_of(slot)


def test_a_chapter_that_waits_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(milestones, "waits", lambda proof: iter(["waits for a room, which is not built yet"]))
    assert walk.walk(tmp_path) and not any((tmp_path / name).exists() for name in ("runs", "my/train_bpe.py"))


@pytest.mark.slow
def test_with_the_solutions_every_chapter_is_reached_and_its_model_chats(tmp_path, capsys):
    assert walk.walk(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(steps.path("chapters").steps)
    for number in (1, 3, 4, 5, 6, 7):
        assert lines[number - 1].startswith(("✓", "?")) and "->" in lines[number - 1]
