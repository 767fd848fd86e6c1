"""A recipe is a whole run as data; every mistake in one is a sentence with the way out."""

import dataclasses
import subprocess
import sys
import tomllib

import pytest

from groundup.errors import ConfigError, InputError
from groundup.runs import recipe
from groundup.runs.ablation.study import is_ablation
from groundup.runs.challenge import is_challenge
from groundup.runs.sweep.grid import is_sweep

RAW = {name: recipe.read(name) for name in recipe.available()}
NAMES = [name for name, raw in RAW.items() if not (is_ablation(raw) or is_sweep(raw) or is_challenge(raw))]


def refused(match, raw=None, *overrides, error=ConfigError):
    with pytest.raises(error, match=match):
        plain = recipe.merge(recipe.read("demo"), raw or {})
        for line in overrides:
            recipe.override(plain, line)
        recipe.resolve(plain, "recipe demo")


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_that_ships_is_read_and_says_what_it_is(name):
    made = recipe.load(name)
    assert made.name == name and made.description


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_recipe_written_out_and_read_again_is_the_same(name):
    made = recipe.load(name)
    again = recipe.resolve(tomllib.loads(made.to_toml()), "again")
    assert dataclasses.replace(again, source=made.source) == made


def test_reading_a_recipe_loads_neither_torch_nor_numba():
    code = "import sys; from groundup.runs import recipe; recipe.load('demo'); print([m for m in ('torch', 'numba', 'pyarrow') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_override_has_the_type_of_its_field():
    made = recipe.load(
        "demo",
        [
            "train.steps=7",
            "train.learning_rate=1",
            "train.optimizer=adamw",
            "model.tie_word_embeddings=false",
            "seed=5",
        ],
    )
    train = made.configs["train"]
    assert (train.steps, train.learning_rate, train.optimizer, train.seed, made.seed) == (7, 1.0, "adamw", 5, 5)
    assert made.configs["model"].tie_word_embeddings is False


def test_a_path_that_looks_like_a_number_stays_a_path():
    assert recipe.load("demo", ["data.text=2024"]).configs["data"].text == "2024"


def test_a_seed_of_a_table_is_kept_and_the_runs_own_fills_the_others():
    made = recipe.load("demo", ["seed=5", "train.seed=9"])
    assert (made.configs["train"].seed, made.configs["data"].seed) == (9, 5)


def test_the_vocabulary_of_the_model_is_the_tokenizers():
    assert recipe.load("demo", ["tokenizer.vocab_size=1000"]).configs["model"].vocab_size == 1000


def test_a_child_changes_what_it_names_and_inherits_the_rest(tmp_path):
    (tmp_path / "mine.toml").write_text('name = "mine"\nparent = "demo"\n[train]\nsteps = 3\n')
    made, parent = recipe.load(tmp_path / "mine.toml"), recipe.load("demo")
    assert made.configs["train"] == dataclasses.replace(parent.configs["train"], steps=3)
    assert made.configs["model"] == parent.configs["model"] and made.stages == parent.stages


def test_a_parent_file_is_looked_for_beside_its_child(tmp_path):
    (tmp_path / "base.toml").write_text('name = "base"\nparent = "demo"\n[train]\nsteps = 3\n')
    (tmp_path / "mine.toml").write_text('name = "mine"\nparent = "base.toml"\n')
    assert recipe.load(tmp_path / "mine.toml").configs["train"].steps == 3


def test_recipes_that_are_each_others_parent_are_refused(tmp_path):
    (tmp_path / "a.toml").write_text('parent = "b.toml"\n')
    (tmp_path / "b.toml").write_text('parent = "a.toml"\n')
    with pytest.raises(ConfigError, match="is its own parent"):
        recipe.load(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("raw", "match"),
    [
        ({"train": {"stepz": 1}}, r"recipe demo: 'stepz' is not a key of \[train\]; did you mean 'steps'\?"),
        ({"trian": {"steps": 1}}, "'trian' is not a table or key of a recipe; did you mean 'train'"),
        ({"train": {"steps": "many"}}, 'train.steps wants a whole number, not "many"; write for example steps = 200'),
        ({"train": 3}, r"train is a table; write \[train\] on a line and its keys below"),
        (
            {"model": {"num_key_value_heads": 5}},
            r"\[model\] num_attention_heads=.* cannot be shared evenly by num_key_value_heads=5; use ",
        ),
        ({"model": {"model_type": "qwen4"}}, "is not a family; did you mean 'qwen3'"),
        ({"machine": {"dtype": "int8"}}, 'machine.dtype = "int8" is not one of auto, float32, bfloat16, float16, float8'),
        ({"model": {"model_type": "qwen3", "head": "reward"}}, "with head 'reward' writes no text"),
        ({"tokenizer": {"vocab_size": 100}}, r"\[tokenizer\] .*;"),
        (
            {"stages": ["data", "train", "tokenizer"]},
            "stage 'train' stands before 'tokenizer', which makes the tokenizer it reads; put 'tokenizer' before",
        ),
        (
            {"stages": ["data", "train"]},
            "stage 'train' reads the tokenizer of an earlier stage and none makes it; put 'tokenizer' before it",
        ),
        ({"stages": ["data", "data"]}, "stage 'data' stands twice; name it once"),
        ({"stages": ["data", "tokeniser"]}, "'tokeniser' is not a stage; did you mean 'tokenizer'"),
        ({"stages": []}, "names no stages; write for example stages = "),
        ({"stages": "data"}, 'stages wants a list, not "data"'),
        ({"seed": "one"}, 'seed wants a whole number, not "one"'),
        ({"name": "a/b"}, "cannot name a folder"),
        ({"inputs": {"modell": "x"}}, "inputs.modell is nothing that a stage reads; did you mean 'model'"),
        ({"model": {"vocab_size": 99}}, r"model.vocab_size=99 is not tokenizer.vocab_size=\d+; leave it out of"),
        (
            {"train": {"seq_len": 999}},
            "train.seq_len=999 is more than model.max_position_embeddings=256; use train.seq_len=256",
        ),
        ({"machine": {"threads": -1}}, r"\[machine\] threads=-1 is not a number of threads"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_sentence_with_the_way_out(raw, match):
    refused(match, raw)


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (
            "train.steps",
            "--set train.steps is not of the form table.key=value; write for example --set train.steps=200",
        ),
        ("steps=3", "is not of the form table.key=value"),
        ("train.stps=3", "did you mean 'steps'"),
        ("trane.steps=3", "--set trane.steps=3: 'trane' is not a table"),
        ("train.steps=3.5", "train.steps wants a whole number, not 3.5"),
    ],
)
def test_a_mistake_in_set_is_one_sentence_with_the_way_out(line, match):
    refused(match, None, line)


def test_a_stage_may_read_a_folder_from_outside_instead_of_a_stage():
    raw = recipe.merge(recipe.read("demo"), {"stages": ["tune"], "inputs": {"model": "some/model"}})
    assert recipe.resolve(raw, "x").inputs == {"model": "some/model"}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"steps = ", "is not valid TOML .*; correct that line"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"", "names no stages"),
    ],
)
def test_a_file_that_is_no_recipe_is_one_sentence(content, match, tmp_path):
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises((ConfigError, InputError), match=match):
        recipe.load(tmp_path / "x.toml")


@pytest.mark.parametrize(
    ("source", "match"),
    [("demmo", "did you mean 'demo'"), ("no/such.toml", "there is no recipe file"), ("../demo", "there is no recipe")],
)
def test_a_recipe_that_is_not_there_is_one_sentence(source, match):
    with pytest.raises(InputError, match=match):
        recipe.load(source)


def test_a_depth_stands_between_the_recipe_and_what_is_set_beside_it(tmp_path):
    """The dial's keys over the recipe's, single keys over the dial's; by flag, by --set and in a file alike."""
    flag = recipe.load("demo", ["train.steps=70"], {"depth": 3})
    line = recipe.load("demo", ["train.steps=70", "depth=3"])
    (tmp_path / "mine.toml").write_text('parent = "demo"\ndepth = 3\n[train]\nsteps = 70\n')
    file = recipe.load(tmp_path / "mine.toml")
    assert flag.configs == line.configs == file.configs
    model, train = flag.configs["model"], flag.configs["train"]
    assert (model.num_hidden_layers, model.hidden_size, model.num_attention_heads) == (3, 96, 3)
    assert train.steps == 70 and train.learning_rate == pytest.approx(0.0115) and train.initialization == "look_back"
    assert model.initializer_range == 0.1, "what the dial does not set stays the recipe's"


def test_a_depth_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="depth wants a whole number"):
        recipe.load("demo", ["depth=deep"])
    with pytest.raises(ConfigError, match="depth=99 is not on the dial"):
        recipe.load("demo", ["depth=99"])
