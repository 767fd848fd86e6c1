"""A step shows what is built, what is passed, and what is known of its milestone."""

from groundup.course.paths import milestones, standing, steps
from groundup.course.record import Record

CHAPTERS = steps.path("chapters")


def test_a_step_counts_what_the_record_says_and_tells_built_from_waiting(tmp_path):
    record = Record(tmp_path)
    record.tried("text.tokenizers.train_bpe", True)
    record.started("text.tokenizers.encode_piece")
    one = standing.standing(CHAPTERS.steps[0], record)
    states = {topic.id: state for topic, state in one.topics}
    assert states["text.tokenizers.bpe"] == "built"
    passed = {exercise.name: passed for exercise, passed in one.exercises}
    assert passed["train_bpe"] and not passed["encode_piece"] and one.passed == 1
    assert one.facts()["exercises"]["text.tokenizers.train_bpe"] is True


def test_a_milestones_exercises_are_its_steps(tmp_path):
    for one in standing.standings(CHAPTERS, Record(tmp_path)):
        assert {*milestones.proofs()[one.step.milestone.id].wanted()} <= {exercise.id for exercise, _ in one.exercises}


def test_a_kept_verdict_is_shown_with_its_day(tmp_path):
    record = Record(tmp_path)
    assert standing.standing(CHAPTERS.steps[0], record).milestone == "not judged yet"
    milestones.keep(tmp_path, milestones.Reached(CHAPTERS.steps[0].milestone, "reached", ()), "2026-01-31")
    assert standing.standing(CHAPTERS.steps[0], record).milestone == "reached on 2026-01-31"


def test_the_learner_is_at_the_step_of_the_current_exercise(tmp_path):
    record = Record(tmp_path)
    assert standing.where(record) == "1. Tokenization"
    record.started("inference.decoding.top_p")
    assert standing.where(record) == "7. Inference"


def test_a_project_is_shown_as_judged_on_its_day_or_as_waiting(tmp_path):
    record, phases = Record(tmp_path), steps.path("phases")
    first = phases.projects["beginner"][0]
    milestones.keep(tmp_path, milestones.Reached(first, "open", ()), "2026-01-31")
    found = standing.projects(phases, record)
    assert found["beginner"][0] == (first, "open on 2026-01-31")
    assert found["intermediate"][0][1] == "not judged yet"
    waiting = [work.id for works in found.values() for work, state in works if state.startswith("waits")]
    assert waiting == [m.id for _, m in phases.milestones() if list(milestones.waits(milestones.proofs()[m.id]))]
