"""Alignment as stages: instruction tuning, a reward model, then a method that the reward model judges."""

from pathlib import Path

import pytest

from groundup import files
from groundup.errors import ConfigError
from groundup.runs import recipe, runner
from groundup.runs.stages.align import same_tokens
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig

MINIATURE = Path(__file__).parents[2] / "recipes" / "miniature.toml"
PIPELINE = {
    "stages": ["data", "tokenizer", "train", "tune", "reward", "align"],
    "reward": {"pairs": 16, "heldout": 4, "batch_size": 8, "members": 2},
    "align": {"method": "ppo", "reward": "model", "steps": 2, "prompts_per_step": 4, "samples_per_prompt": 1},
}


@pytest.mark.slow
def test_tuning_a_reward_model_and_ppo_are_one_recipe(tmp_path):
    made = runner.run(recipe.load(MINIATURE, (), PIPELINE), tmp_path / "run")
    stages = {Path(folder).name.split("-")[1]: Path(folder) for folder in (tmp_path / "run" / "stages").iterdir()}
    assert {"reward", "align"} <= stages.keys() and made
    numbers = files.read_json(stages["reward"] / "done.json")
    assert (stages["reward"] / "reward_model" / "member-01" / "config.json").is_file() and "share_of_limit" in str(
        numbers
    )
    assert (stages["align"] / "model" / "config.json").is_file()
    assert len(files.read_jsonl(stages["align"] / "rollouts.jsonl")) == 8


def test_every_method_has_its_own_table():
    kinds = {"ppo": "Ppo", "rloo": "Rloo", "reinforce": "Reinforce", "rejection": "Rejection"}
    for method, kind in ((method, f"{kind}Config") for method, kind in kinds.items()):
        made = recipe.load(MINIATURE, (f"align.method={method}",))
        assert type(made.configs["align"]).__name__ == kind
        assert recipe.resolve(recipe.parse(made.to_toml(), "again"), "again").configs["align"] == made.configs["align"]


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("align.method=pppo", "is no method; .*ppo"),
        ("align.epochs=2", "'epochs' is not a key of .align."),
        ("align.reward=mode", "is not one of right, near, taste, model"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(line, sentence):
    with pytest.raises(ConfigError, match=sentence):
        recipe.load(MINIATURE, (line,))


@pytest.mark.parametrize("name", ["ppo", "ppo-fast"])
def test_the_recipes_of_the_pipeline_are_whole(name):
    made = recipe.load(name)
    assert made.stages.index("reward") < made.stages.index("align") and made.configs["align"].reward == "model"


def test_a_reward_model_with_other_tokens_is_told_from_one_with_another_template():
    """It was asked about the policy's ids, which were other words to it, and its scores were believed."""
    first, again = (train_tokenizer(["user user user assistant\n"], TokenizerConfig(vocab_size=270)) for _ in range(2))
    other = train_tokenizer(["once upon a time there was a bear, a bear\n" * 3], TokenizerConfig(vocab_size=270))
    assert first.vocab_size == other.vocab_size and not same_tokens(first, other)
    again.chat_template = "{{ messages }}"
    assert first.fingerprint != again.fingerprint and same_tokens(first, again)
