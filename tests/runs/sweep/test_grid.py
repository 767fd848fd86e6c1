"""A sweep is read, checked and carried out: the grid's steps follow from the budgets, stages are shared, a killed sweep goes on."""

import pytest

from groundup import files
from groundup.errors import ConfigError, Interrupted
from groundup.runs import recipe
from groundup.runs.sweep import grid

PLAIN = """
name = "small"
stages = ["data", "tokenizer", "train"]
[tokenizer]
vocab_size = 300
[model]
max_position_embeddings = 64
tie_word_embeddings = true
[train]
batch_size = 4
seq_len = 32
[sweep]
seeds = [4, 5]
budgets = [1e9, 3e9]
fewest_steps = 10
measure = "bits"
[sizes.narrow.model]
hidden_size = 16
intermediate_size = 32
num_hidden_layers = 1
num_attention_heads = 1
num_key_value_heads = 1
head_dim = 16
[sizes.wide.model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 1
num_attention_heads = 1
num_key_value_heads = 1
head_dim = 16
"""


@pytest.fixture
def written(tmp_path):
    """A sweep's file, as text or with something replaced."""

    def write(text=PLAIN, *changes):
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "small.toml"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def outcomes(monkeypatch):
    """Runs that compute nothing: the loss follows a law of steps, and which were asked for is kept."""
    asked = []

    def outcome(study, variant, seed, folder, command=""):
        made = study.recipe(variant, seed)
        asked.append((variant, seed, made.configs["train"].steps))
        return {"seed": seed, "value": 1 + 100 / made.configs["train"].steps, "stage": f"{variant}-{seed}"}

    monkeypatch.setattr(grid.study, "outcome", outcome)
    return asked


def test_steps_follow_from_budget_and_size(written):
    points = grid.read(written()).points()
    assert [point.size for point in points] == ["narrow", "wide"] * 2
    for point in points:
        spent = point.steps * 4 * 32 * point.flops_per_token
        assert spent == pytest.approx(point.budget, rel=0.05) and point.tokens == point.steps * 128
    assert points[0].steps > points[1].steps and points[2].steps > 2 * points[0].steps


def test_the_flops_of_a_token_are_accountings(written):
    from groundup.model.accounting import count

    made = grid.read(written())
    for point in made.points():
        model = made.recipe(point, 4).configs["model"]
        assert point.flops_per_token == count(model).training_flops_per_token(32)


def test_every_size_runs_with_every_budget_from_every_seed_seeds_outside(written, outcomes, tmp_path):
    made, kept = grid.read(written()), []
    rows = grid.run(made, tmp_path / "run", keep=lambda rows: kept.append(len(rows)))
    assert [seed for _, seed, _ in outcomes] == [4] * 4 + [5] * 4
    assert [row["steps"] for row in rows] == [steps for _, _, steps in outcomes]
    assert kept == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(row["flops"] == pytest.approx(row["budget"], rel=0.05) for row in rows)


def test_runs_that_are_too_short_or_too_long_are_left_out(written):
    every = [point.steps for point in grid.read(written()).points()]
    limit = sorted(every)[2]
    made = grid.read(written(PLAIN, ("fewest_steps = 10", f"fewest_steps = 10\nmost_steps = {limit}")))
    assert [point.steps for point in made.points()] == [steps for steps in every if steps <= limit]


def test_set_lines_change_what_all_share_and_the_table_itself(written):
    made = grid.read(written(), ["train.batch_size=8", "sweep.seeds=[7]"])
    assert made.config.seeds == (7,) and made.recipe(made.points()[0], 7).configs["train"].batch_size == 8


@pytest.mark.parametrize(
    ("change", "way_out"),
    [
        (("budgets = [1e9, 3e9]", "budgets = [1e9]"), "name two or more numbers of FLOPs"),
        (("seeds = [4, 5]", "seeds = [4, 4]"), "name each once"),
        (("fewest_steps = 10", "fewest_steps = 0"), "use such as 80 and 4000"),
        (("budgets = [1e9, 3e9]", "budgets = [1e5, 3e5]"), "raise sweep.budgets"),
        (('"data", "tokenizer", "train"]', '"data", "tokenizer"]'), "trains nothing"),
        (
            ("[sizes.wide.model]", "[sizes.wide.train]\nsteps = 3\n[sizes.wide.model]"),
            r"may change \[model\] and nothing else",
        ),
        (("hidden_size = 32", "hidden_sise = 32"), "hidden_size"),
        (("measure = ", "mesure = "), "measure"),
    ],
)
def test_what_would_give_no_law_is_refused_with_the_way_out(written, change, way_out):
    with pytest.raises(ConfigError, match=way_out):
        grid.read(written(PLAIN, change))


def test_one_size_is_no_sweep(written):
    with pytest.raises(ConfigError, match="fewer than two sizes"):
        grid.read(written(PLAIN[: PLAIN.index("[sizes.wide")]))


def test_a_sweep_is_no_single_run(written):
    with pytest.raises(ConfigError, match="is a sweep, many runs and not one"):
        recipe.load(written())


def test_the_sweep_that_comes_with_groundup_is_whole():
    made = grid.read("sweep")
    points = made.points()
    assert len({point.size for point in points}) >= 5 and len({point.budget for point in points}) >= 3
    assert (
        max(p.tokens for p in points) * 3.0 < made.recipe(points[0], 1).configs["data"].tinyworld_bytes
    )  # nothing is read twice
    assert "sweep" in recipe.available()


def test_a_stop_goes_through(written, monkeypatch, tmp_path):
    def stopped(*_):
        raise Interrupted("stopped")

    monkeypatch.setattr(grid.study, "outcome", stopped)
    with pytest.raises(Interrupted):
        grid.run(grid.read(written()), tmp_path / "run")


def test_the_floor_is_that_of_the_documents_that_are_measured_on(tmp_path):
    from groundup.data.build import build
    from groundup.data.config import DataConfig
    from groundup.runs.heldout import VALIDATION_BYTES

    place = tmp_path / "stages" / "01-data-abc" / "documents"
    build(
        DataConfig(
            tinyworld_bytes=60_000, python_bytes=0, heldout_bytes=40_000, instructions=0, heldout_instructions=0
        ),
        place,
    )
    found = grid.floor(tmp_path)
    whole = files.read_json(place / "data.json")["worlds"]["tinyworld"]["floor"]
    assert found == pytest.approx(whole["bits_per_byte"], abs=4 * whole["standard_error"]) and VALIDATION_BYTES < 40_000
    assert grid.floor(tmp_path / "nothing") is None
