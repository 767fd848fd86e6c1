"""Alignment as stages: instruction tuning, a reward model, then a method that the reward model judges."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from groundup import files
from groundup.alignment.config import GrpoConfig
from groundup.alignment.environments import reasoning
from groundup.errors import ConfigError
from groundup.inference.handle import Handle, load
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.runs import recipe, runner
from groundup.runs.stages.align import EXAM, keep, thinking
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig

MINIATURE = Path(__file__).parents[2] / "recipes" / "miniature.toml"
PIPELINE = {
    "stages": ["data", "tokenizer", "train", "tune", "reward", "align"],
    "reward": {"pairs": 16, "heldout": 4, "batch_size": 8, "members": 2},
    "align": {"method": "ppo", "reward": "model", "steps": 2, "prompts_per_step": 4, "samples_per_prompt": 1},
}


@pytest.mark.slow
@pytest.mark.parametrize("score", ["head", "likelihood", "informed"])
def test_tuning_a_reward_model_and_ppo_are_one_recipe(tmp_path, score):
    made = runner.run(recipe.load(MINIATURE, (f"reward.score={score}",), PIPELINE), tmp_path / "run")
    stages = {Path(folder).name.split("-")[1]: Path(folder) for folder in (tmp_path / "run" / "stages").iterdir()}
    assert {"reward", "align"} <= stages.keys() and made
    numbers = files.read_json(stages["reward"] / "done.json")
    assert (stages["reward"] / "reward_model" / "member-01" / "reward.json").is_file() == (score != "head")
    assert (stages["reward"] / "reward_model" / "member-01" / "config.json").is_file() and "share_of_limit" in str(
        numbers
    )
    lines = [files.read_jsonl(stages["reward"] / "members" / f"member-0{number}" / "metrics.jsonl") for number in (0, 1)]
    assert all([line["step"] for line in one] == list(range(1, len(one) + 1)) for one in lines) and lines[0] != lines[1]
    assert not (stages["reward"] / "metrics.jsonl").exists(), "the steps of several trainings are not one curve"
    assert (stages["align"] / "model" / "config.json").is_file()
    assert len(files.read_jsonl(stages["align"] / "rollouts.jsonl")) == 8


PREFERRED = {
    "stages": ["data", "tokenizer", "train", "tune", "align", "compress", "eval", "report"],
    "align": {"method": "dpo", "answers": "world", "pairs": 12, "batch_size": 4, "steps": 2},
    "compress": {"method": "round", "group_size": 16, "calibration_tokens": 256, "held_out_tokens": 256},
}


@pytest.mark.slow
def test_tuning_dpo_and_quantising_are_one_recipe_whose_model_answers(tmp_path):
    made = runner.run(recipe.load(MINIATURE, (), PREFERRED), tmp_path / "run")
    numbers = {stage.name: stage.done["numbers"] for stage in made.stages}
    assert numbers["align"]["pairs"] <= 12 and numbers["compress"]["bytes_after"] < numbers["compress"]["bytes_before"]
    told = files.read_json(tmp_path / "run" / "results.json")
    assert {"tune", "align", "compress"} <= told["accuracy"].keys()
    assert {stage["name"] for stage in told["stages"]} >= {"align", "compress"}
    assert "quantization_config" in files.read_json(tmp_path / "run" / "model" / "config.json")
    assert load(tmp_path / "run" / "model").chat([{"role": "user", "content": "1 + 1?"}], max_new_tokens=2) is not None
    assert served(tmp_path / "run" / "model")["choices"][0]["message"]["role"] == "assistant"


def served(folder):
    """What a server of the model folder answers to one request."""
    testclient = pytest.importorskip("starlette.testclient")
    from groundup.inference.engine import EngineConfig
    from groundup.serving.api.app import make_app
    from groundup.serving.api.models import Models
    from groundup.serving.api.service import Service
    from groundup.serving.limits import Limits, LimitsConfig

    models = Models({"aligned": str(folder)}, loader=load, config=EngineConfig(max_rows=2))
    asked = {"model": "aligned", "messages": [{"role": "user", "content": "1 + 1?"}], "max_tokens": 2}
    with testclient.TestClient(make_app(Service(models, Limits(LimitsConfig())))) as client:
        answer = client.post("/v1/chat/completions", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_keys_of_rounds_say_nothing_to_a_method_of_pairs():
    made = recipe.load(MINIATURE, (), {"align": {"method": "kto", "data": "x.jsonl"}}).configs["align"]
    assert (type(made).__name__, made.method, made.steps) == ("DpoConfig", "kto", 0)
    with pytest.raises(ConfigError, match="'prompts_per_step' is not a key of .align."):
        recipe.load(MINIATURE, (), {"align": {"method": "dpo", "prompts_per_step": 3}})


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
        ("align.reward=mode", "is not one of right, near, taste, number, model"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(line, sentence):
    with pytest.raises(ConfigError, match=sentence):
        recipe.load(MINIATURE, (line,))


@pytest.mark.parametrize("name", ["dpo", "dpo-fast"])
def test_the_recipes_of_preferences_end_with_a_smaller_model(name):
    made = recipe.load(name)
    assert made.stages.index("align") < made.stages.index("compress") < made.stages.index("eval")
    assert made.configs["align"].method == "dpo"


@pytest.mark.parametrize("name", ["ppo", "ppo-fast"])
def test_the_recipes_of_the_pipeline_are_whole(name):
    made = recipe.load(name)
    assert made.stages.index("reward") < made.stages.index("align") and made.configs["align"].reward == "model"


def test_questions_that_leave_no_room_for_a_thought_are_left_out_of_what_thinking_is_worth(tmp_path, monkeypatch):
    """Their row was as long as the context, so that the stage failed behind all its steps, each time that it was run again."""
    words = train_tokenizer(["user user user assistant\n"], TokenizerConfig(vocab_size=270))
    seen, context = [], SimpleNamespace(config=GrpoConfig(environment="reasoning"), folder=tmp_path)
    monkeypatch.setattr(
        reasoning, "by_budget", lambda module, asked, exam, budgets, votes: seen.append((asked.tasks, exam)) or []
    )

    def asked(places):
        seen.clear()
        module = SimpleNamespace(config=SimpleNamespace(max_position_embeddings=places))
        assert thinking(context, SimpleNamespace(module=module, tokenizer=words), {1}) == {}
        return reasoning.room(module, words), *(seen[0] if seen else ([], []))

    room, tasks, exam = asked(10_000)
    lengths = sorted(len(one.prompt_ids) for one in tasks)
    assert len(exam) == EXAM and lengths[0] < lengths[-1]
    left, tasks, exam = asked(10_000 - room + lengths[0])
    assert (
        left == lengths[0] and {len(one.prompt_ids) for one in tasks} == {left} and [one.item for one in tasks] == exam
    )
    assert asked(10) == (10 + room - 10_000, [], [])


def test_the_tokens_that_ended_the_bases_answers_end_the_improved_models(tmp_path):
    """They were lost, so that a model of another house wrote on behind its own end of a turn."""
    words, made = train_tokenizer(["user assistant\n"], TokenizerConfig(vocab_size=270)), tmp_path / "model"
    sizes = {"hidden_size": 32, "head_dim": 16, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    module, last = build(Qwen3Config(vocab_size=words.vocab_size, **sizes), seed=0), words.vocab_size - 1
    keep(SimpleNamespace(made=made), Handle(module, words, generation={"eos_token_id": last, "temperature": 0.6}))
    assert last in load(made).stop_ids() and load(made).generation["temperature"] == 0.6
