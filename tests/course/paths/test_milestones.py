"""A milestone is reached by the learner's own files and runs, and by nothing else."""

import json

import pytest

from groundup.course import shelf, topics
from groundup.course.exercise import known_slots, stub
from groundup.course.paths import milestones, steps, together
from groundup.errors import InputError

MILESTONES = {milestone.id: milestone for _, milestone in steps.milestones()}
TOKENIZER = ("text.tokenizers.train_bpe", "text.tokenizers.encode_piece")
ATTENTION = tuple(f"model.attention.{name}" for name in ("scaled_dot_product_attention", "repeat_heads", "documents"))
TRAINING = milestones.proofs()["chapter-6"].ran


def judged(id, folder):
    return milestones.reached(MILESTONES[id], folder, folder.parent / "runs")


def test_every_milestone_has_a_proof_that_asks_for_what_there_is():
    assert milestones.proofs().keys() == MILESTONES.keys()
    for proof in milestones.proofs().values():
        assert all(topics.resolve(id) for id in proof.needs)
        assert {*proof.ran, *proof.called} <= known_slots().keys()
        assert all(id.endswith(".*") or id in known_slots() for id in proof.exercises)
        assert not proof.together or (proof.together in together.MEASURES and proof.called)
        assert not proof.figure or (proof.below == "") != (proof.above == "")


def test_chapters_one_and_three_to_seven_can_be_reached_and_each_needs_a_function_of_the_learners():
    for number in (1, 3, 4, 5, 6, 7):
        proof = milestones.proofs()[f"chapter-{number}"]
        assert not list(milestones.waits(proof)) and proof.wanted() and (proof.ran or proof.called)


def test_chapter_one_is_reached_by_passing_functions_that_a_run_called(folder, write_run):
    write_run(slots=TOKENIZER)
    found = judged("chapter-1", folder)
    assert found.state == "reached", found
    assert "train_bpe 7 calls" in found.findings[-1].sentence


def test_without_a_run_the_milestone_is_open_and_says_what_to_run(folder):
    found = judged("chapter-1", folder)
    assert found.state == "open" and f"run: groundup --mine {folder} demo --fast" in found.findings[-1].sentence


def test_a_stub_is_judged_anew_although_a_run_called_a_function(folder, write_run):
    write_run(slots=TOKENIZER)
    (folder / "train_bpe.py").write_text(stub(shelf.find("train_bpe")))
    assert judged("chapter-1", folder).state == "open"


def test_calls_of_somebody_elses_file_do_not_count(folder, write_run):
    path = write_run(slots=TOKENIZER) / "results.json"
    path.write_text(path.read_text().replace(str(folder.resolve()), "/elsewhere/my"))
    assert judged("chapter-1", folder).state == "open"


def test_a_function_that_was_there_and_never_called_does_not_count(folder, write_run):
    path = write_run(slots=TOKENIZER) / "results.json"
    path.write_text(path.read_text().replace('"calls": 7', '"calls": 0'))
    found = judged("chapter-1", folder)
    assert found.state == "open" and "did not use your train_bpe, encode_piece" in found.findings[-1].sentence


def test_the_functions_have_to_meet_in_one_run(folder, write_run):
    write_run("one", slots=TOKENIZER[:1])
    write_run("two", slots=TOKENIZER[1:])
    assert judged("chapter-1", folder).state == "open"


@pytest.mark.parametrize(("mine", "state"), [(3.68, "reached"), (3.30, "open"), (4.10, "open")])
def test_attention_has_to_reach_the_references_loss(folder, write_run, mine, state):
    write_run(slots=ATTENTION, loss=(mine, 3.667))
    assert judged("chapter-3", folder).state == state


def test_attention_whose_loss_was_never_compared_is_open(folder, write_run):
    write_run(slots=ATTENTION)
    assert judged("chapter-3", folder).state == "open"


def who(train):
    return {"tinyworld": {"who": {"train": {"value": train}, "xz": {"value": 2.17}, "floor": {"value": 0.248}}}}


@pytest.mark.parametrize(("bits", "ok"), [(0.9, True), (2.5, False)])
def test_a_trained_model_has_to_be_better_than_a_compressor_and_shows_the_floor(folder, write_run, bits, ok):
    write_run(slots=TRAINING, bits_per_byte=who(bits))
    finding = judged("chapter-6", folder).findings[-1]
    assert finding.ok is ok and "floor 0.248" in finding.sentence


def test_a_run_without_the_learners_functions_does_not_bring_the_figure(folder, write_run):
    write_run(bits_per_byte=who(0.9))
    assert [one.ok for one in judged("chapter-6", folder).findings][-1] is False


def test_a_chapter_waits_for_its_room_and_joins_when_it_is_built(folder, monkeypatch):
    id = next(id for id, proof in milestones.proofs().items() if proof.exercises and list(milestones.waits(proof)))
    found = judged(id, folder)
    assert found.state == "waits" and "which is not built yet" in found.findings[0].sentence
    monkeypatch.setattr(topics.Topic, "source", lambda self: topics.HOUSE)
    assert not any("not built" in sentence for sentence in milestones.waits(milestones.proofs()[id]))


def test_a_proof_that_asks_for_nothing_is_never_reached():
    assert list(milestones.waits(milestones.Proof(id="x"))) == ["what proves it is not written yet"]


def test_a_pages_figures_are_recomputed_from_the_run(folder, write_run):
    write_run("demo", cost={"seconds": 61.23})
    runs = milestones.finished(folder.parent / "runs")
    proof = milestones.Proof(id="x", page="page.md")
    for cited, right in {"61.2": True, "61.23": True, "61.3": False, "60": False}.items():
        (folder / "page.md").write_text(f"It took `demo#cost.seconds = {cited}` seconds.")
        assert [one.ok for one in milestones.report(proof, folder, runs)] == [right], cited
    (folder / "page.md").write_text("It took a minute.")
    assert [one.ok for one in milestones.report(proof, folder, runs)] == [False]


@pytest.mark.parametrize(("apart", "state"), [(1e-6, True), (0.2, False)])
def test_equal_is_equal_within_float_error(folder, write_run, monkeypatch, apart, state):
    (write_run() / "model").mkdir()
    (folder.parent / "runs/demo-fast/model/config.json").write_text("{}")
    calls = dict.fromkeys(milestones.proofs()["chapter-5"].called, 3)
    monkeypatch.setattr(together, "measure", lambda *a: {"difference": apart, "tokens": 9, "calls": calls})
    finding = milestones.whole(milestones.proofs()["chapter-5"], folder, milestones.finished(folder.parent / "runs"))
    assert finding.ok is state
    monkeypatch.setattr(together, "measure", lambda *a: {"difference": apart, "tokens": 9, "calls": {}})
    finding = milestones.whole(milestones.proofs()["chapter-5"], folder, milestones.finished(folder.parent / "runs"))
    assert finding.ok is False and "is not in it" in finding.sentence


def test_a_missing_oracle_is_said_and_is_neither_reached_nor_failed(folder, write_run, monkeypatch):
    (write_run() / "model").mkdir()
    (folder.parent / "runs/demo-fast/model/config.json").write_text("{}")

    def missing(*arguments):
        raise InputError("transformers is not installed; run: pip install 'groundup[test]'")

    monkeypatch.setattr(together, "measure", missing)
    finding = milestones.whole(milestones.proofs()["chapter-5"], folder, milestones.finished(folder.parent / "runs"))
    assert finding.ok is None and "pip install" in finding.sentence


def test_verdicts_are_kept_with_their_day(folder):
    found = milestones.Reached(MILESTONES["chapter-1"], "reached", ())
    milestones.keep(folder, found, "2026-01-31")
    assert milestones.kept(folder) == {"chapter-1": {"state": "reached", "when": "2026-01-31"}}
    assert json.loads((folder / milestones.NAME).read_text())
