"""An ablation is read, checked and carried out: shared stages once, each variant from each seed, and on again after a kill."""

from dataclasses import dataclass

import pytest

from groundup import files
from groundup.errors import ConfigError, Diverged, GroundupError, InputError, Interrupted
from groundup.runs import recipe
from groundup.runs.ablation import study
from groundup.runs.recipe import available

PLAIN = """
name = "small"
stages = ["data", "tokenizer", "train"]
[ablation]
seeds = [4, 5]
measure = "bits"
[variants.wide.train]
width = 2
[variants.wild.train]
width = 3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """What the small train stage reads."""

    width: int = 1
    seed: int = 0
    steps: int = 10
    tokens_per_step: int = 100


@pytest.fixture
def trains(world, monkeypatch):
    """The small stages, whose train writes its metrics: bits = 1 / width + seed / 100."""
    import sys

    monkeypatch.setattr(sys.modules["small_config"], "Training", Training, raising=False)
    monkeypatch.setitem(recipe.SECTIONS, "train", "small_config:Training")

    def write(context):
        config = context.config
        for step in (1, 2, 3):
            context.record(step=step, loss=1.0, seconds=0.01 * step)
        context.record(step=3, bits=1 / config.width + config.seed / 100)

    world.instead["train"] = write
    return world


@pytest.fixture
def written(tmp_path):
    """An ablation's file, as text or with something replaced."""

    def write(text=PLAIN, *changes):
        for old, new in changes:
            text = text.replace(old, new)
        path = tmp_path / "small.toml"
        path.write_text(text)
        return path

    return write


def test_base_and_variants_run_from_every_seed_and_share_what_is_before(trains, written, tmp_path):
    made, told = study.read(written()), []
    outcomes = study.run(made, tmp_path / "run", on_run=lambda *run: told.append(run))
    assert trains.ran == ["data", "tokenizer", *["train"] * 6]
    assert told[0] == ("base", 4, 1, 6) and told[3] == ("base", 5, 4, 6)
    assert {name: [run["value"] for run in runs] for name, runs in outcomes.items()} == {
        "base": [1.04, 1.05],
        "wide": [0.54, 0.55],
        "wild": [pytest.approx(1 / 3 + 0.04), pytest.approx(1 / 3 + 0.05)],
    }
    assert outcomes["wide"][0]["milliseconds"] == pytest.approx(10)


def test_a_second_run_trains_nothing_and_a_new_variant_only_itself(trains, written, tmp_path):
    first = study.run(study.read(written()), tmp_path / "run")
    trains.ran.clear()
    assert study.run(study.read(written()), tmp_path / "run") == first and trains.ran == []
    study.run(study.read(written(PLAIN + "[variants.new.train]\nwidth = 9\n")), tmp_path / "run")
    assert trains.ran == ["train", "train"]


def test_a_stopped_ablation_goes_on_where_it_was(trains, written, tmp_path):
    whole = trains.instead["train"]

    def stops(context):
        if context.config.width == 3:
            raise Interrupted("stopped after step 2 of 10")
        whole(context)

    trains.instead["train"] = stops
    kept = []
    with pytest.raises(Interrupted):
        study.run(
            study.read(written()), tmp_path / "run", keep=lambda outcomes: kept.append(sum(map(len, outcomes.values())))
        )
    assert kept == [1, 2]
    trains.instead["train"] = whole
    trains.ran.clear()
    study.run(study.read(written()), tmp_path / "run")
    assert trains.ran == ["train"] * 4


def test_a_folder_in_use_is_no_result_of_a_variant(trains, written, tmp_path):
    def busy(context):
        raise GroundupError("the folder is in use by another command")

    trains.instead["train"] = busy
    with pytest.raises(GroundupError, match="in use"):
        study.run(study.read(written()), tmp_path / "run")


def test_a_run_that_diverges_is_a_result(trains, written, tmp_path):
    whole = trains.instead["train"]

    def diverges(context):
        if context.config.width == 3 and context.config.seed == 5:
            raise Diverged("the loss of step 7 is nan: training diverged")
        whole(context)

    trains.instead["train"] = diverges
    outcomes = study.run(study.read(written()), tmp_path / "run")
    assert outcomes["wild"][1] == {"seed": 5, "failed": "the loss of step 7 is nan: training diverged"}
    assert len(outcomes["wide"]) == 2


def test_overrides_reach_the_base_and_the_ablation_itself(trains, written):
    made = study.read(written(), ["train.steps=77", "ablation.seeds=[8, 9, 10]"])
    assert made.recipe("wide", 8).configs["train"] == Training(width=2, seed=8, steps=77)
    assert made.config.seeds == (8, 9, 10)


def test_a_measure_that_was_not_recorded_is_named_with_those_that_were(trains, written, tmp_path):
    with pytest.raises(
        ConfigError, match=r"ablation.measure='bits_of_luck' was not recorded; use one of bits, loss, seconds"
    ):
        study.run(study.read(written(PLAIN, ('"bits"', '"bits_of_luck"'))), tmp_path / "run")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[4, 5]", "[4]", r"seeds=\[4\] gives no interval"),
        ("[4, 5]", "[4, 4]", "each once"),
        ("[4, 5]", "4", "ablation.seeds wants"),
        ("measure =", "mesure =", "did you mean 'measure'"),
        ("width = 2", "width = 1", "variant 'wide' is the base"),
        ("width = 2", "widht = 2", "variant 'wide': 'widht' is not a key of"),
        (
            "[variants.wide.train]\nwidth",
            "[variants.wide.data]\nvocab_size",
            "variant 'wide' changes data; only tokenizer, model, train",
        ),
        ("variants.wide", "variants.base", "variants.base cannot be"),
        ("[variants.wide.train]\nwidth", "[variants.wide]\nwidth", "variants.wide cannot be"),
        ('"tokenizer", "train"', '"tokenizer"', "trains nothing to compare"),
    ],
)
def test_what_would_compare_nothing_is_refused_before_anything_runs(trains, written, old, new, sentence):
    with pytest.raises(ConfigError, match=sentence):
        study.read(written(PLAIN, (old, new)))
    assert trains.ran == []


def test_a_file_without_variants_is_no_ablation_and_one_with_them_is_no_recipe(trains, written):
    assert study.is_ablation(recipe.read(written())) and not study.is_ablation(recipe.read("demo"))
    with pytest.raises(ConfigError, match="is an ablation, many runs and not one; `groundup run` carries it out"):
        recipe.load(written())
    with pytest.raises(ConfigError, match="has no variants"):
        study.read(written(PLAIN.split("[variants")[0] + "[variants]\n"))


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match="there is no recipe file"):
        study.read("nowhere.toml")


def test_the_ablation_that_comes_with_groundup_is_one_and_trains_eleven_variants():
    made = study.read("ablation")
    assert "ablation" in available() and len(made.variants) == 11 and made.config.seeds == (1, 2, 3)
    together = made.variants["eight together"]["model"]
    for name, tables in made.variants.items():
        shared = tables["model"].keys() & together.keys()
        assert {key: tables["model"][key] for key in shared} == {key: together[key] for key in shared}, name


def test_nothing_but_the_run_folder_is_written(trains, written, tmp_path):
    study.run(study.read(written()), tmp_path / "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "small.toml"]
    assert len(list((tmp_path / "run" / "stages").glob("03-train-*"))) == 6
    assert files.read_json(next((tmp_path / "run" / "stages").glob("01-data-*")) / "done.json")["stage"] == "data"


def test_what_stands_at_the_top_of_the_folder_is_the_bases(trains, written, tmp_path):
    made = study.read(written())
    study.run(made, tmp_path / "run")
    assert recipe.load(tmp_path / "run" / "recipe.toml").configs["train"] == Training(width=1, seed=4)
