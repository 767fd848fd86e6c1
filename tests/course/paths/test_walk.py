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
    for number in range(1, 9):
        assert lines[number - 1].startswith(("✓", "?")) and "->" in lines[number - 1]


def test_projects_that_wait_run_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(milestones, "waits", lambda proof: iter(["waits for a room, which is not built yet"]))
    monkeypatch.setattr(walk, "call", lambda *a, **k: pytest.fail("a run was made"))
    assert walk.projects(tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10 and all(line.startswith("–") for line in lines)


def test_a_run_for_a_domain_is_of_its_text(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(walk, "DOMAIN_BYTES", 1000)
    monkeypatch.setattr(walk, "call", lambda place, *words: said.append(" ".join(words)))
    walk.make_run(tmp_path, milestones.proofs()["project-domain-model"])
    walk.make_run(tmp_path, milestones.proofs()["project-transformer"])
    assert said == [
        "--mine my demo --text domain.txt --fast --out runs/domain-model",
        "--mine my demo --fast --out runs/transformer",
    ]
    assert 1000 <= (tmp_path / "domain.txt").stat().st_size < 10_000


@pytest.mark.slow
def test_with_the_solutions_every_project_that_does_not_wait_is_reached(tmp_path, capsys):
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    assert walk.projects(tmp_path)
    marks = {line[2:].partition(":")[0]: line[0] for line in capsys.readouterr().out.splitlines()}
    assert sum(mark == "✓" for mark in marks.values()) >= 5 and "✗" not in marks.values()


@pytest.mark.slow
def test_word2vec_and_the_recurrent_model_of_the_hands_on_steps_are_reached(tmp_path, capsys):
    assert walk.hands_on(tmp_path, first=2)
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines] == ["✓", "✓"] and (tmp_path / "runs" / "recurrent").is_dir()


@pytest.mark.slow
def test_instruction_tuning_and_lora_of_the_hands_on_steps_are_reached(tmp_path, capsys):
    works = [work for _, work in steps.path("hands-on").milestones() if work.id in ("step-6", "step-7")]
    assert walk.walk_works(tmp_path, works)
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["✓", "✓"]
