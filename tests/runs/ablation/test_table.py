"""The table of an ablation: paired differences, Student's interval against scipy, failures that stay, and words for all of it."""

import math

import pytest
import scipy.stats

from groundup import files
from groundup.runs.ablation import table
from groundup.runs.ablation.study import AblationConfig, Study

BASE = {
    "name": "small",
    "description": "a | b",
    "stages": ["data", "tokenizer", "train"],
    "model": {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1},
}
VARIANTS = {"wide": {"train": {"steps": 7}}, "wild": {"train": {"steps": 8}}, "dead": {"train": {"steps": 9}}}
STUDY = Study(base=BASE, variants=VARIANTS, config=AblationConfig(measure="bits_per_byte"), source="recipe small")


def ran(seed, value, milliseconds=10.0):
    return {"seed": seed, "value": value, "milliseconds": milliseconds, "parameters": 1234, "stage": "03-train-x"}


OUTCOMES = {
    "base": [ran(1, 1.00), ran(2, 2.00), ran(3, 3.00)],
    "wide": [ran(1, 0.90, 12.0), ran(2, 1.89, 11.0), ran(3, 2.88, 30.0)],
    "wild": [ran(1, 1.30), {"seed": 2, "failed": "the loss of step 7 is nan"}, ran(3, 2.90)],
    "dead": [{"seed": seed, "failed": "the loss of step 1 is nan"} for seed in (1, 2, 3)],
}


@pytest.fixture
def results():
    return table.summary(STUDY, OUTCOMES, "groundup run small")


def of(results, name):
    return next(variant for variant in results["variants"] if variant["name"] == name)


def test_differences_are_paired_so_what_a_seed_does_to_both_falls_out(results):
    wide = of(results, "wide")
    differences = [-0.10, -0.11, -0.12]
    expected = scipy.stats.t.interval(0.95, 2, loc=-0.11, scale=scipy.stats.sem(differences))
    assert wide["difference"] == pytest.approx(-0.11)
    assert (wide["low"], wide["high"]) == pytest.approx(expected, rel=1e-9)
    assert wide["verdict"] == "better" and wide["mean"] == pytest.approx(1.89)
    assert scipy.stats.ttest_ind([0.90, 1.89, 2.88], [1, 2, 3]).pvalue > 0.8  # unpaired, nothing would be seen


def test_a_seed_that_failed_is_left_out_of_the_difference_and_not_of_the_table(results):
    wild = of(results, "wild")
    assert wild["difference"] == pytest.approx((0.3 - 0.1) / 2) and wild["verdict"] == "not told apart"
    assert wild["failed"] == ["the loss of step 7 is nan"]
    assert table.rows(results)[2][-1] == "not told apart; diverged from 1 of 3 seeds"
    assert table.rows(results)[3] == ("dead", "", "", "", "", "", "diverged from 3 of 3 seeds")


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([0.2, 0.21, 0.19], "worse"),
        ([-0.2, -0.21], "better"),
        ([0.1, -0.1, 0.0], "not told apart"),
        ([0.3], "one seed"),
    ],
)
def test_the_verdict_is_the_intervals(differences, verdict):
    assert table.compared(differences)["verdict"] == verdict


def test_equal_differences_have_an_interval_without_width():
    assert table.compared([0.0, 0.0, 0.0]) == {"difference": 0, "low": 0, "high": 0, "verdict": "not told apart"}


def test_the_time_is_that_of_the_fastest_seed(results):
    assert of(results, "wide")["milliseconds"] == 11.0


def test_a_half_finished_ablation_has_a_table_of_what_there_is():
    half = {"base": OUTCOMES["base"][:1], "wide": OUTCOMES["wide"][:1], "wild": [], "dead": []}
    results = table.summary(STUDY, half)
    assert [variant["name"] for variant in results["variants"]] == ["base", "wide"] and not results["finished"]
    assert table.rows(results)[1][3:5] == ("-0.1000", "")


def test_markdown_has_a_row_a_variant_its_command_and_what_each_changes(results):
    text = table.markdown(results)
    assert "| wide | 1,234 | 1.8900 | -0.1100 | -0.1348 to -0.0852 | 11 | better |" in text
    assert "`groundup run small`" in text and "- wide: `train.steps = 7`" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 4 and {line.count(" | ") for line in rows} == {6}


def test_files_are_written_after_each_run_and_the_page_at_the_end(results, tmp_path):
    table.write(tmp_path, results | {"finished": False})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ablation.json", "ablation.md"]
    table.write(tmp_path, results | {"description": "<script>alert(1)</script>"})
    page = (tmp_path / "ablation.html").read_text()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page and "diverged from 3 of 3 seeds" in page
    assert math.isclose(files.read_json(tmp_path / "ablation.json")["variants"][1]["difference"], -0.11)


def test_only_what_has_a_difference_is_drawn(results):
    assert list(table.picture(results).data[0].y) == ["wide", "wild"]
