"""A room can be walked: with the solutions every exercise passes, every lesson holds, and no framework is needed."""

import pytest

from groundup.course.paths import room


def test_lessons_about_frameworks_come_last():
    ids = [lesson.id for lesson in room.lessons_of("foundations")]
    assert ids[0] == "foundations.linalg.vectors" and ids[-1] == "foundations.autograd.frameworks"
    assert "foundations.autograd.gpt" in ids[:-1]


def test_a_wrong_function_is_told_and_stops_nothing(tmp_path, monkeypatch):
    text = room.walk.text_of("foundations.linalg.cosine_similarity").replace("np.clip(", "2 * np.clip(")
    monkeypatch.setattr(room.walk, "text_of", lambda slot: text)
    one = [exercise for exercise in room.shelf.exercises() if exercise.name == "cosine_similarity"]
    monkeypatch.setattr(room.shelf, "exercises", lambda: one)
    ((exercise, wrong),) = room.solved("foundations", tmp_path)
    assert exercise == "foundations.linalg.cosine_similarity" and wrong


@pytest.mark.slow
def test_the_foundations_are_walked_with_the_learners_functions_and_numpy_alone(tmp_path, capsys):
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    assert room.walk_room("foundations", tmp_path), capsys.readouterr().out
    assert "functions that no lesson called: none" in capsys.readouterr().out
