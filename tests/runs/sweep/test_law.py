"""A sweep's results: the planted law comes out of the rows, is written, read back, and answers for a budget."""

from types import SimpleNamespace

import numpy as np
import pytest

from groundup import files
from groundup.errors import InputError
from groundup.runs.sweep import law
from groundup.training.scaling.compute_optimal import allocate
from groundup.training.scaling.parametric import Law

PLANTED = Law(E=0.25, A=200.0, B=900.0, alpha=0.6, beta=0.55)
BUDGETS = [1e11, 4e11, 1.6e12]


def rows(seeds=(1, 2, 3), noise=0.004):
    """Rows as `grid.run` makes them, of sizes about the best of each budget."""
    drawn, made = np.random.default_rng(0), []
    for seed in seeds:
        for budget in BUDGETS:
            for n in np.geomspace(5e4, 4e5, 6):
                tokens = budget / 6 / n
                value = PLANTED.loss(n, tokens) * np.exp(drawn.normal(0, noise))
                place = {
                    "size": f"{n:.0f}",
                    "budget": budget,
                    "steps": round(tokens / 1024),
                    "tokens": tokens,
                    "flops": budget,
                }
                made.append(place | {"parameters": round(n), "seed": seed, "value": value, "stage": "x"})
    return made


@pytest.fixture(scope="module")
def found():
    """Results of a whole sweep."""
    point = SimpleNamespace(size="a")
    config = SimpleNamespace(seeds=(1, 2, 3), budgets=BUDGETS, measure="bits_per_byte_tinyworld", fewest_steps=75)
    recipe = SimpleNamespace(name="small", description="a small one")
    sweep = SimpleNamespace(
        points=lambda: [point] * 18, recipe=lambda *_: recipe, config=config, base={"name": "small"}
    )
    return law.summary(sweep, rows(), PLANTED.E, "groundup run small")


def test_the_planted_law_comes_out_of_the_rows(found):
    for name in ("alpha", "beta"):
        assert found["law"][name] == pytest.approx(getattr(PLANTED, name), abs=0.1)
        low, high = found["law"]["interval"][name]
        assert low < found["law"][name] < high
    assert found["held"]["E"] == pytest.approx(PLANTED.E) and found["finished"]
    assert PLANTED.E <= found["law"]["E"] < PLANTED.E + 0.05
    assert PLANTED.E <= found["law"]["E"] < PLANTED.E + 0.15


def test_all_three_approaches_agree(found):
    exponent = PLANTED.beta / (PLANTED.alpha + PLANTED.beta)
    assert found["law"]["beta"] / (found["law"]["alpha"] + found["law"]["beta"]) == pytest.approx(exponent, abs=0.05)
    assert found["isoflop"]["exponent"] == pytest.approx(exponent, abs=0.15)
    assert {"exponent", "budgets"} <= set(found["envelope"]) or "missing" in found["envelope"]


def test_a_budget_eight_times_larger_is_foretold(found):
    use = law.best_use(found, 8 * BUDGETS[-1])
    size, tokens = allocate(8 * BUDGETS[-1], PLANTED.A, PLANTED.B, PLANTED.alpha, PLANTED.beta)
    truth = PLANTED.loss(size, tokens)
    assert use.low < truth < use.high and use.loss == pytest.approx(truth, rel=0.03)


def test_what_was_written_is_read_back_and_answers_alike(found, tmp_path):
    law.write(tmp_path, found)
    again = law.read(tmp_path)
    assert law.best_use(again, 1e12) == law.best_use(found, 1e12)
    assert law.read(tmp_path / "sweep.json") == again == files.strict(found)
    text = (tmp_path / "sweep.md").read_text()
    assert text.count("\n| ") == 2 + 18 and "exact entropy is 0.250" in text
    assert "plotly" in (tmp_path / "sweep.html").read_text()


def test_the_picture_has_the_runs_the_law_its_band_and_the_floor(found):
    figure = law.picture(found, met={"met": ([1e13], [0.3])})
    names = [trace.name for trace in figure.data]
    assert {"the law at its best size", "where a run is expected", "met"} <= set(names) and len(names) == 6 + 3
    assert figure.layout.shapes[0].y0 == PLANTED.E


def test_a_half_finished_sweep_says_what_is_missing():
    config = SimpleNamespace(seeds=(1,), budgets=BUDGETS, measure="bits", fewest_steps=75)
    sweep = SimpleNamespace(
        points=lambda: [0] * 18, recipe=lambda *_: SimpleNamespace(name="s", description=""), config=config, base={}
    )
    found = law.summary(sweep, rows((1,))[:2], None)
    assert not found["finished"] and "runs cannot fix" in law.sentences(found)[0]
    with pytest.raises(InputError, match="let `groundup run s` end first"):
        law.best_use(found, 1e12)


def test_a_flat_frontier_is_said(found):
    flat = found | {"isoflop": found["isoflop"] | {"exponent": -0.2}, "envelope": {"missing": "too few"}}
    assert law.sentences(flat)[-1].endswith("-0.20 (isoflop)")


def test_places_and_fitted_numbers_are_kept(found):
    assert (law.fit_of(found["law"]).places, law.fit_of(found["law"]).fitted) == (18, 5)
    assert law.fit_of(found["held"]).fitted == 4


def test_a_diverged_run_stays_a_row_and_is_not_fitted():
    made = [
        *rows((1,)),
        {"size": "z", "budget": 1e11, "steps": 1, "tokens": 1, "flops": 6, "parameters": 1, "seed": 1, "failed": "NaN"},
    ]
    assert len(law.columns({"runs": made})[0]) == 18 and len(law.points({"runs": made})) == 18


def test_a_folder_without_a_sweep_is_refused(tmp_path):
    with pytest.raises(InputError, match="`groundup run sweep` makes them"):
        law.read(tmp_path)
    files.write_json(tmp_path / "sweep.json", {"other": 1})
    with pytest.raises(InputError, match="not what a sweep wrote"):
        law.read(tmp_path)
