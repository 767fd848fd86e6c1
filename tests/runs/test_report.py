"""The report and the card show what is in the results, leave out what is not, and run nothing that a model or a user wrote."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundup import files
from groundup.runs import about, card, report, results
from groundup.slots import ANOTHER_KIND

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def share(value, n=50):
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": n}


def gain(value):
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "p_value": 0.01}


def accuracy(value, family="sort"):
    parts = {kind: share(value) for kind in ("overall", "seen", "unseen")}
    return parts | {"families": {family: parts}}


def full(text="words"):
    """Results as a run with every stage has them; `text` stands wherever a person or a model may write."""
    stage = {
        "name": "train",
        "key": "1a2b3c4d",
        "seconds": 60.0,
        "cpu_seconds": 100.0,
        "peak_memory_bytes": 1e9,
        "sittings": 1,
    }
    curves = {"mine_curve": [3.0, 2.5], "reference_curve": [3.0, 2.0]}
    loss = {"steps": 2, "mine": 2.5, "reference": 2.0, "noise": 0.1, "alone": {}, **curves}
    return {
        "recipe": text,
        "description": text,
        "command": text,
        "seed": 1,
        "machine": text,
        "versions": {"python": "3.11", "groundup": "0.1"},
        "stages": [stage | {"drift": 1.25, "forecast_seconds": 40.0, "forecast_memory_bytes": 0.8e9}],
        "data": {"worlds": {"tinyworld": {"train": {"bytes": 5e6}}}, "instructions": {"train": 2000}},
        "model": {"family": "qwen3", "parameters": 1000, "vocab_size": 400, "context": 256},
        "tokenizer": {"vocab_size": 400, "bytes_per_token": {text: 2.5}},
        "bits_per_byte": {
            text: {
                "who": {"train": share(0.3), "5-gram": share(0.7), "floor": share(0.2)},
                "gap_closed": 0.8,
                "gap_share_of_floor": 2.5,
            }
        },
        "accuracy": {"train": accuracy(0.1, text), "tune": accuracy(0.9, text)},
        "paired": [{"from": "train", "to": "tune", "overall": gain(0.8), "families": {text: {"overall": gain(0.8)}}}],
        "slots": [
            {
                "id": "model.attention.attend",
                "file": text,
                "calls": 3,
                "stages": ["train"],
                "speed_ratio": 2.0,
                "compared": 4,
                "difference": 0.5,
                "differs_at": 4,
                "loss": loss,
                "loss_alone": 2.25,
            }
        ],
        "cost": {
            "seconds": 60.0,
            "cpu_hours": 0.1,
            "peak_memory_bytes": 1e9,
            "energy_wh": 1.0,
            "energy_assumption": "15 W",
        },
    }


def nothing():
    """Results of a run whose stages measured nothing."""
    empty = {
        "stages": [],
        "data": {},
        "model": {},
        "tokenizer": {},
        "bits_per_byte": {},
        "accuracy": {},
        "paired": [],
        "slots": [],
    }
    return full() | empty


@pytest.fixture
def context(tmp_path):
    def make(text="words"):
        metrics = tmp_path / "train" / "metrics.jsonl"
        metrics.parent.mkdir(exist_ok=True)
        for step in (1, 2):
            files.append_jsonl(
                metrics, {"step": step, "loss": float("nan") if step == 2 else 3.0, f"bits_per_byte_{text}": 0.5}
            )
        files.append_jsonl(metrics, {"step": 2, "samples": [{"prompt": text, "text": text}]})
        return SimpleNamespace(folders={"train": metrics.parent}, folder=tmp_path, models={"train": tmp_path})

    return make


def text_of(page):
    """The page without the elements that Plotly's script and figures are."""
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_every_section_is_there(context):
    page = report.render(context(), full())
    for title in (
        "Your functions",
        "Loss against the floor",
        "Bits per byte",
        "Accuracy",
        "Samples over time",
        "Tokenizer",
        "Time, memory and cost",
    ):
        assert f"<h2>{title}</h2>" in page


def test_what_was_not_measured_is_left_out(tmp_path):
    page = report.render(SimpleNamespace(folders={}, folder=tmp_path, models={}), nothing())
    assert re.findall("<h2>(.*?)</h2>", page) == ["Time, memory and cost"]


def test_nothing_that_a_model_or_a_user_wrote_is_run_by_the_browser(context):
    page = report.render(context(EVIL), full(EVIL))
    assert "<img" not in text_of(page)
    assert page.count("<script") == page.count("</script>")
    assert not re.search(r"<script>alert", page)


def test_the_sentence_of_the_gap_says_floor_distance_and_share(context):
    page = report.render(context(), full())
    assert "entropy is 0.200 bits per byte" in page and "250 % above it" in page and "closes 80.0 % of that gap" in page


def test_forecasts_are_compared_after_the_machines_drift_was_taken_out(context):
    page = report.render(context(), full())
    assert "+20 %" in page  # 60 s at a drift of 1.25 are 48 s, against 40
    assert "+25 %" in page  # memory does not drift


def test_a_learners_function_is_shown_with_its_file_calls_speed_and_change_of_the_loss(context):
    page = report.render(context(), full("my/attention.py:3"))
    for words in ("my/attention.py:3", "2 times", "this one alone: 2.2500 against 2.0000 after 2 steps (+0.2500)"):
        assert words in page


def test_the_same_results_give_the_same_page(context):
    made = context()
    assert report.render(made, full()) == report.render(made, full())


def test_the_card_holds_scores_with_intervals_and_the_command():
    made = card.card(full("groundup demo"), {"trained_on": "5.0 MB of a world", "prompts": ["Who has the ball?"]})
    for words in (
        "`groundup demo`",
        "90.0 % (80.0-100.0)",
        "| groundup demo | 0.300 | 0.700 | 0.200 |",
        "5.0 MB of a world",
        "- Who has the ball?",
        "256 tokens",
    ):
        assert words in made


def test_trained_on_says_how_much_of_what_and_what_followed():
    found = full() | {"stages": [{"name": name} for name in ("train", "tune", "align")]}
    told = about.trained_on(found)
    assert (
        told
        == "5.0 MB of a small generated world of people, places and things, then tuned on 2,000 of its instructions and improved by reinforcement"
    )
    assert about.trained_on(nothing()) == "data that its run does not describe"


def test_the_prompts_are_short_right_answers_of_different_kinds(tmp_path):
    scores = tmp_path / "eval" / "scores"
    scores.mkdir(parents=True)
    asked = [
        ("long " * 9, "a", True),
        ("wrong", "b", False),
        ("add", "b", True),
        ("add more", "b", True),
        ("sort", "c", True),
        ("who", "d", True),
    ]
    files.write_jsonl(scores / "answers-align.jsonl", [{"prompt": p, "family": f, "correct": c} for p, f, c in asked])
    context = SimpleNamespace(
        folders={"eval": tmp_path / "eval"}, models={"tune": Path(), "align": Path()}, folder=tmp_path
    )
    assert about.prompts(context) == ["add", "who", "sort"] or about.prompts(context) == ["who", "add", "sort"]


def test_drift_is_the_machines_time_around_a_stage_over_that_of_the_forecast():
    assert results.drift([0.012, 0.018], 0.010) == pytest.approx(1.5)
    assert results.drift([None, None], 0.01) is None and results.drift([0.01, 0.01], None) is None


def test_a_slot_that_ran_in_two_stages_is_one_line_with_all_its_calls():
    slot = {"id": "x", "file": "f.py", "line": 3, "calls": 2, "seconds": 0.5, "speed_ratio": 2.0}
    slot |= {"compared": 1, "difference": 0.0, "differs_at": None}
    wrong = slot | {"compared": 2, "difference": 0.5, "differs_at": 4}
    compared = {"steps": 1, "alone": {"x": 2.5}}
    done = {
        "train": {"slots": [wrong], "numbers": {"slots_compared": compared}},
        "eval": {"slots": [slot], "numbers": {}},
    }
    [merged] = results.slots_used(done)
    assert (
        merged["calls"] == 4
        and merged["stages"] == ["train", "eval"]
        and merged["file"] == "f.py:3"
        and merged["loss"] == compared
    )
    assert (merged["compared"], merged["difference"], merged["differs_at"], merged["loss_alone"]) == (2, 0.5, 4, 2.5)


def test_a_wrong_function_is_named_with_the_loss_of_it_alone_and_right_ones_are_said_to_be_within_the_noise():
    loss = {"steps": 30, "mine": 3.9, "reference": 3.5, "noise": 0.05}
    right = {"id": "a", "calls": 1, "compared": 2, "difference": 0.0, "differs_at": None, "loss": loss}
    wrong = right | {"id": "b", "difference": 0.31, "differs_at": 16, "loss_alone": 3.8}
    named, whole = report.verdicts([right, wrong])
    assert named.startswith("b gives other results") and "call 16" in named and "(+0.3000)" in named
    assert "+0.4000 from the reference's, beyond what another seed changes" in whole
    [only] = report.verdicts([right | {"loss": loss | {"mine": 3.51}}])
    assert "+0.0100 from the reference's, within" in only
    other = wrong | {"difference": ANOTHER_KIND, "loss": None}
    assert "another shape or kind" in next(report.verdicts([other]))
