import pytest

from groundup import files
from groundup.errors import ConfigError
from groundup.runs.ablation import pair


def test_two_configurations_differ_by_the_lines_and_stop_at_training():
    made = pair.read("demo-fast", ["train.optimizer=adamw", "model.hidden_size=64"], 3, ["train.steps=40"], {"seed": 5})
    assert made.names == ["base", "train.optimizer=adamw model.hidden_size=64"]
    assert made.variants[made.names[1]] == {"train": {"optimizer": "adamw"}, "model": {"hidden_size": 64}}
    assert made.config.seeds == (5, 6, 7) and made.base["stages"] == ["data", "tokenizer", "train"]
    first, second = (made.recipe(name, 6).configs["train"] for name in made.names)
    assert first.steps == second.steps == 40 and first.seed == second.seed == 6 and second.optimizer == "adamw"


@pytest.mark.parametrize(
    "source, against, seeds, message",
    [
        ("demo-fast", ["train.optimizer=adamw"], 1, "--seeds 1 gives no interval; use 2 or more"),
        ("demo-fast", ["data.python_bytes=1"], 2, "changes data; only tokenizer, model, train can differ"),
        ("demo-fast", ["train.optimizer=muon"], 2, "is the base; change a key"),
        ("demo-fast", ["depth=3"], 2, "--against depth=3 cannot be compared; change a key of a table"),
        ("demo-fast", ["seed=2"], 2, "--against seed=2 cannot be compared; change a key of a table"),
        ("ablation", ["train.optimizer=adamw"], 2, "has variants already; .* leave --against out"),
    ],
)
def test_what_compares_nothing_is_refused(source, against, seeds, message):
    with pytest.raises(ConfigError, match=message):
        pair.read(source, against, seeds)


def outcomes(folder, made, shift):
    """What a study leaves: a stage for each run, with its losses."""
    left = {}
    for name in made.names:
        left[name] = []
        for seed in made.config.seeds:
            stage = f"03-train-{made.names.index(name)}{seed}"
            losses = [4.0 - step / 10 + seed + shift * seed * made.names.index(name) for step in range(20)]
            lines = [{"step": step, "loss": loss} for step, loss in enumerate(losses, 1)]
            files.write_jsonl(folder / "stages" / stage / "metrics.jsonl", [*lines, {"step": 20, "bits_per_byte": 1.0}])
            left[name].append({"seed": seed, "value": 1.0, "stage": stage})
    return left


@pytest.mark.parametrize("shift, word", [(0.0, "identical"), (0.1, "worse")])
def test_the_verdict_is_about_the_losses_that_both_left(tmp_path, shift, word):
    made = pair.read("demo-fast", ["train.optimizer=adamw"], 4)
    assert pair.verdict(made, outcomes(tmp_path, made, shift), tmp_path).word == word


def test_a_side_that_diverged_is_named(tmp_path):
    made = pair.read("demo-fast", ["train.optimizer=adamw"], 2)
    left = outcomes(tmp_path, made, 0.0)
    left["train.optimizer=adamw"][1] = {"seed": 2, "failed": "the loss of step 3 is nan"}
    with pytest.raises(
        ConfigError, match="train.optimizer=adamw from seed 2 cannot be compared: the loss of step 3 is nan"
    ):
        pair.verdict(made, left, tmp_path)


def test_a_loss_that_was_no_number_counts_as_the_one_before(tmp_path):
    files.write_jsonl(
        tmp_path / "metrics.jsonl", [{"step": 1, "loss": 2.0}, {"step": 2, "loss": float("nan")}, {"step": 2, "x": 1}]
    )
    assert pair.losses(tmp_path) == [2.0, 2.0]
