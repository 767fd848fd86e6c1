"""From a budget to a recipe: what people write is read, the best rung is chosen, its recipe runs, and time is kept."""

import pytest

from groundup.errors import InputError
from groundup.runs import recipe
from groundup.runs.sweep import budget
from groundup.runs.sweep.budget import Budget
from groundup.training.scaling.parametric import NAMES, Law

PLANTED = Law(E=0.25, A=200.0, B=900.0, alpha=0.6, beta=0.55)
NUMBERS = [getattr(PLANTED, name) for name in NAMES]
ENTRY = dict(zip(NAMES, NUMBERS, strict=True)) | {
    "samples": [NUMBERS] * 3,
    "residuals": [-0.01, 0.0, 0.01, 0.0, 0.0, 0.0],
}
FOUND = {
    "sweep": "sweep",
    "law": ENTRY,
    "floor": 0.25,
    "budgets": [1e11, 1e12],
    "fewest_steps": 75,
    "measure": "bits",
    "runs": [],
}


@pytest.fixture(scope="module")
def base():
    return budget.base_of(FOUND)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("30m", Budget(seconds=1800)),
        ("90 s", Budget(seconds=90)),
        ("2h", Budget(seconds=7200)),
        ("1.5min", Budget(seconds=90)),
        ("1e15", Budget(flops=1e15)),
        ("2.5E12", Budget(flops=2.5e12)),
    ],
)
def test_budgets_are_read_as_people_write_them(text, given):
    assert budget.parse(text) == given


@pytest.mark.parametrize("text", ["", "soon", "-3m", "0", "0m", "1e999", "..m", "30", "5 parsecs"])
def test_what_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(InputError, match="such as 30"):
        budget.parse(text)


def test_every_rung_of_the_ladder_is_a_model_that_can_be_built(base):
    from groundup.model.layers.looking_back import check

    rungs = budget.ladder(base)
    assert [flops for _, flops in rungs] == sorted(flops for _, flops in rungs) and len(rungs) == len(budget.WIDTHS)
    for shape, _ in rungs:
        check(budget.resolved(base, shape, 100, 1e6).configs["model"])


def test_the_ladder_holds_the_sweeps_own_shapes():
    from groundup.runs.sweep import grid

    for tables in grid.read("sweep").sizes.values():
        assert budget.shape(tables["model"]["hidden_size"]) == tables["model"]


def test_no_other_rung_is_better_for_the_flops(base):
    planned = budget.choose(FOUND, base, Budget(flops=4e12))
    losses = [PLANTED.loss(flops / 6, 4e12 / flops) for _, flops in budget.ladder(base)]
    assert planned.loss == pytest.approx(min(losses), rel=0.01)
    assert planned.flops == pytest.approx(4e12, rel=0.01) and planned.beyond == pytest.approx(4, rel=0.01)
    assert planned.low < planned.loss < planned.high


def test_the_planned_recipe_is_written_and_read_back_and_reads_nothing_twice(base, tmp_path):
    planned = budget.choose(FOUND, base, Budget(flops=1e12))
    path = tmp_path / "planned.toml"
    path.write_text(planned.recipe.to_toml())
    again = recipe.load(path)
    assert again.configs == planned.recipe.configs and again.stages == ("data", "tokenizer", "train")
    assert again.configs["data"].tinyworld_bytes >= 4 * planned.tokens
    assert again.configs["train"].steps * again.configs["train"].tokens_per_step == planned.tokens


def test_on_a_machine_that_is_slow_with_small_models_time_buys_a_larger_one(base):
    even = budget.choose(FOUND, base, Budget(seconds=100), lambda flops: flops / 1e10)
    slow = budget.choose(FOUND, base, Budget(seconds=100), lambda flops: (flops + 3e6) / 1e10)
    assert slow.size > even.size and slow.tokens < even.tokens
    assert even.flops == pytest.approx(1e12, rel=0.01) and even.seconds == pytest.approx(100, rel=0.01)


def test_what_lies_around_the_training_is_taken_off_its_time(base):
    given = Budget(seconds=100)
    planned = budget.choose(FOUND, base, given, lambda flops: flops / 1e10)
    forecast = {"stages": [{"name": "data", "seconds": 20.0}, {"name": "train", "seconds": 120.0}], "seconds": 140.0}
    kept = budget.fitted_to_time(planned, given, forecast, FOUND)
    assert kept.seconds == pytest.approx(100, rel=0.01) and kept.tokens == pytest.approx(
        planned.tokens * 80 / 120, rel=0.01
    )
    assert kept.recipe.configs["train"].steps * 1024 == kept.tokens and kept.loss > planned.loss
    with pytest.raises(InputError, match="give more time"):
        budget.fitted_to_time(planned, Budget(seconds=10), forecast, FOUND)


def test_a_budget_for_nothing_is_refused(base):
    with pytest.raises(InputError, match="too small for the smallest model"):
        budget.choose(FOUND, base, Budget(flops=1e9))


def test_a_sweep_without_a_law_plans_nothing():
    with pytest.raises(InputError, match="end first"):
        budget.plan(FOUND | {"law": {"missing": "3 runs"}}, Budget(flops=1e12))


def test_set_lines_of_the_machine_reach_the_planned_recipe_and_no_others_do():
    planned = budget.plan(FOUND, Budget(flops=1e12), ["machine.threads=2"])
    assert planned.recipe.configs["machine"].threads == 2
    with pytest.raises(InputError, match="train.weight_decay=0.1 changes what the law was measured for"):
        budget.plan(FOUND, Budget(flops=1e12), ["train.weight_decay=0.1"])


def test_a_time_is_planned_for_what_is_left_of_it(monkeypatch, base):
    speed = lambda flops: (flops + 1e6) / 1e10  # noqa: E731
    monkeypatch.setattr(budget, "measured_speed", lambda base: speed)
    forecast = {"stages": [{"name": "data", "seconds": 80.0}, {"name": "train", "seconds": 100.0}], "seconds": 180.0}
    planned = budget.plan(FOUND, Budget(seconds=100), forecast=lambda made: forecast)
    left = budget.choose(FOUND, base, Budget(seconds=20), speed)
    assert (planned.size, planned.tokens) == (left.size, left.tokens)
    assert planned.size < budget.choose(FOUND, base, Budget(seconds=100), speed).size


def test_fewer_steps_than_the_law_knows_are_refused(base):
    planned = budget.choose(FOUND, base, Budget(seconds=100), lambda flops: flops / 1e10)
    forecast = {"stages": [{"name": "train", "seconds": 1e5}], "seconds": 1e5}
    with pytest.raises(InputError, match="the law knows none below 75"):
        budget.fitted_to_time(planned, Budget(seconds=100), forecast, FOUND)


def test_speed_lies_on_the_line_through_the_sizes_that_were_timed(monkeypatch, base):
    monkeypatch.setattr(budget, "step_seconds", lambda made: 1e-6 * made.configs["model"].hidden_size)
    speed = budget.measured_speed(base, (20, 64))
    least, most = (flops for model, flops in budget.ladder(base) if model["hidden_size"] in (20, 64))
    assert speed(least) == pytest.approx(20e-6) and speed(most) == pytest.approx(64e-6)
    assert speed((least + most) / 2) == pytest.approx(42e-6) and speed(2 * most) == pytest.approx(128e-6)


@pytest.mark.slow
def test_a_step_is_timed(base):
    assert budget.measured_speed(base, (20,))(4e5) > 0
