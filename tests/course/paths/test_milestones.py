"""A milestone is reached by the learner's own files and runs, and by nothing else."""

import json
import os

import pytest

from groundup.course import book, shelf, topics
from groundup.course.exercise import stub
from groundup.course.paths import milestones, steps, together, walk
from groundup.errors import InputError
from groundup.slots import known_slots

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
        assert not proof.lesson or (book.find(proof.lesson).id == proof.lesson and proof.called)
        assert not proof.figure or (proof.below == "") != (proof.above == "")
        assert proof.check in milestones.CHECKS


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


def test_a_later_trial_at_another_loss_takes_nothing_back(folder, write_run):
    write_run("first", slots=ATTENTION, loss=(3.68, 3.667))
    assert judged("chapter-3", folder).state == "reached"
    later = write_run("trial", slots=ATTENTION, loss=(3.90, 3.667)) / "results.json"
    os.utime(later, (4e9, 4e9))
    found = judged("chapter-3", folder)
    assert found.state == "reached" and "first: " in found.findings[-1].sentence


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
    id = next(
        id for id, proof in milestones.proofs().items() if any("not built" in one for one in milestones.waits(proof))
    )
    found = judged(id, folder)
    assert found.state == "waits" and "which is not built yet" in found.findings[0].sentence
    monkeypatch.setattr(topics.Topic, "source", lambda self: topics.HOUSE)
    assert not any("not built" in sentence for sentence in milestones.waits(milestones.proofs()[id]))


def test_a_proof_that_asks_for_nothing_is_never_reached():
    assert list(milestones.waits(milestones.Proof(id="x"))) == ["waits for its proof, which is not written yet"]


@pytest.mark.parametrize(
    ("above", "said"), [(0.55, "wanted above 0.55"), ("cost.limit", "wanted above cost.limit 0.5")]
)
def test_a_figures_limit_is_said_once_with_its_key_where_it_is_the_runs_own(folder, write_run, above, said):
    write_run("demo", cost={"figure": 0.67, "limit": 0.5})
    found = milestones.figure(
        milestones.Proof(id="x", figure="cost.figure", above=above), milestones.finished(folder.parent / "runs")
    )
    assert found.ok and found.sentence.endswith(said)


def test_a_figure_of_a_model_that_starts_from_another_says_how_that_one_is_made_first():
    proof = milestones.Proof(id="x", figure="tune.gain", base="demo --fast --out runs/base", command="tune runs/base/model")
    sentence = milestones.figure(proof, []).sentence
    assert sentence.endswith("run: groundup demo --fast --out runs/base, then groundup tune runs/base/model")


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


# ───────── projects ─────────

BACKWARD = milestones.proofs()["project-backpropagation"]


@pytest.fixture
def backward(folder):
    """The learner's folder with the solutions of backpropagation."""
    for id in BACKWARD.wanted():
        walk.put(folder, [id])
    return folder


def lesson_found(**changed):
    """What the child says of a lesson that went well, with keys changed."""
    calls = dict.fromkeys(BACKWARD.called, 9)
    return {
        "seconds": 3.0,
        "frameworks": [],
        "calls": calls,
        "compared": dict.fromkeys(calls, 2),
        "differs": {},
    } | changed


def read(monkeypatch, folder, **changed):
    monkeypatch.setattr(together, "measure", lambda *a: lesson_found(**changed))
    return list(milestones.read(BACKWARD, folder))


def test_backpropagation_is_reached_by_functions_that_pass_and_hold_the_lesson(backward, monkeypatch):
    monkeypatch.setattr(together, "measure", lambda *a: lesson_found())
    found = judged("project-backpropagation", backward)
    assert found.state == "reached", found
    assert "matmul_backward 9 calls" in found.findings[-3].sentence


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "matmul_backward",
            "def matmul_backward(",
            "def matmul_backward(grad, a, b):\n    return grad, grad\n\n\ndef other(",
        ),
        (
            "softmax_backward",
            "def softmax_backward(",
            "def softmax_backward(grad, y):\n    return grad * y\n\n\ndef other(",
        ),
    ],
)
def test_a_wrong_backward_function_leaves_it_open_with_its_sentence_and_reads_no_lesson(
    backward, monkeypatch, name, right, wrong
):
    monkeypatch.setattr(together, "measure", lambda *a: pytest.fail("the lesson was read"))
    file = backward / f"{name}.py"
    file.write_text(file.read_text().replace(right, wrong))
    found = judged("project-backpropagation", backward)
    bad = [one.sentence for one in found.findings if one.ok is False]
    assert found.state == "open" and len(bad) == 2 and bad[0].startswith(f"{name}: ") and "is read when" in bad[1]


def test_a_function_that_the_lesson_did_not_call_is_named(folder, monkeypatch):
    calls = dict.fromkeys(BACKWARD.called, 9) | {"foundations.autograd.unbroadcast": 0}
    (one,) = read(monkeypatch, folder, calls=calls)
    assert one.ok is False and "your unbroadcast is not in it" in one.sentence


def test_another_result_than_the_references_is_named_with_its_call(folder, monkeypatch):
    found = read(monkeypatch, folder, differs={"foundations.autograd.unbroadcast": 16})
    assert [one.sentence for one in found if one.ok is False] == [
        "your unbroadcast gives another result than the reference, first at call 16"
    ]


def test_a_function_that_was_never_compared_is_not_taken_for_right(folder, monkeypatch):
    compared = dict.fromkeys(BACKWARD.called, 2) | {"foundations.autograd.softmax_backward": 0}
    bad = [one.sentence for one in read(monkeypatch, folder, compared=compared) if one.ok is False]
    assert len(bad) == 1 and "your softmax_backward could not be compared" in bad[0]


def test_a_framework_leaves_it_open(folder, monkeypatch):
    assert [one.sentence for one in read(monkeypatch, folder, frameworks=["torch"]) if one.ok is False] == [
        "torch was loaded; do without"
    ]


def test_a_missing_notebook_is_said_and_is_neither_reached_nor_failed(folder, monkeypatch):
    def missing(*arguments):
        raise InputError("marimo is not installed; run: pip install 'groundup[learn]'")

    monkeypatch.setattr(together, "measure", missing)
    (one,) = milestones.read(BACKWARD, folder)
    assert one.ok is None and "pip install" in one.sentence


def test_projects_whose_room_is_there_do_not_wait_and_the_others_say_for_what():
    works = [work for works in steps.path("phases").projects.values() for work in works]
    waiting = {work.id: list(milestones.waits(milestones.proofs()[work.id])) for work in works}
    for id in ("backpropagation", "transformer", "domain-model", "tuned-model", "new-architecture"):
        assert not waiting[f"project-{id}"], waiting
    assert all(sentences[0] for sentences in waiting.values() if sentences)


def test_a_pattern_that_finds_no_exercise_waits_though_its_room_is_there():
    proof = milestones.Proof(id="x", check="function", exercises=("foundations.autograd.*", "alignment.nothing.*"))
    assert list(milestones.waits(proof)) == ["waits for exercises of alignment.nothing, which are not written yet"]


@pytest.mark.parametrize("check", ["run", "equal", "report", "lesson"])
def test_exercises_alone_do_not_prove_what_another_check_asks_for(check):
    proof = milestones.Proof(id="x", check=check, exercises=("foundations.autograd.*",))
    assert list(milestones.waits(proof)) == ["waits for its proof, which is not written yet"]


def test_a_tuned_model_has_to_answer_better_than_before_with_the_learners_mask(folder, write_run):
    walk.put(folder, ["text.tokenizers.answer_mask"])
    for name, low, state in (("a", 0.02, "open"), ("b", 0.18, "reached")):
        accuracy = {
            "train": {"overall": {"high": 0.03, "value": 0.0}},
            "tune": {"overall": {"low": low, "value": 0.25}},
        }
        assert judged("project-tuned-model", folder).state == "open"
        write_run(name, slots=("text.tokenizers.answer_mask",), accuracy=accuracy)
        found = milestones.reached(MILESTONES["project-tuned-model"], folder, folder.parent / "runs" / name)
        assert found.state == state, found


def test_a_model_of_a_domain_has_to_be_of_the_learners_own_text(folder, write_run):
    walk.put(folder, TRAINING)
    write_run(slots=TRAINING, bits_per_byte=who(0.9))
    found = judged("project-domain-model", folder)
    assert found.state == "open" and "demo --text YOUR_TEXT" in found.findings[-1].sentence
    write_run("text", slots=TRAINING, bits_per_byte={"text": who(0.9)["tinyworld"]})
    assert judged("project-domain-model", folder).state == "reached"


def trial(write_run, changed_id="model.layers.swiglu", seed=1):
    """A run as it was and one with a function changed, and a page's text that cites both."""
    figures = {"recipe": "demo-fast", "cost": {"seconds": 61.2}}
    write_run("before", slots=("model.layers.swiglu",), seed=1, **figures)
    path = write_run("tried", slots=(changed_id,), seed=seed, **figures) / "results.json"
    path.write_text(path.read_text().replace('"calls": 7', '"calls": 7, "differs_at": 1'))
    return "`tried#cost.seconds = 61.2` beside `before#cost.seconds = 61.2`"


def test_a_new_architecture_is_a_changed_function_reported_beside_the_unchanged(folder, write_run):
    (folder / "architecture.md").write_text(trial(write_run))
    found = judged("project-new-architecture", folder)
    assert found.state == "reached" and "with your own swiglu and without" in found.findings[-1].sentence


@pytest.mark.parametrize("how", [{"seed": 2}, {"changed_id": "training.step.cross_entropy"}])
def test_runs_that_are_not_alike_and_changes_elsewhere_are_no_architecture(folder, write_run, how):
    (folder / "architecture.md").write_text(trial(write_run, **how))
    found = judged("project-new-architecture", folder)
    assert found.state == "open" and "the page compares no run" in found.findings[-1].sentence


def test_a_page_that_cites_the_trial_alone_compares_nothing(folder, write_run):
    (folder / "architecture.md").write_text(trial(write_run).partition(" beside ")[0])
    assert judged("project-new-architecture", folder).state == "open"
