"""`groundup learn challenge` as a learner meets it: tables, a quiz from a pipe, a diagnosis, a page of pictures."""

import io
import json
import re

import pytest

from groundup.course.challenges import broken


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


def test_shapes_of_a_new_model_of_the_demos_size(call):
    status, out, _ = call("learn", "challenge", "shapes", "--text", "abcde")
    assert status == 0 and re.search(r"lm_head +batch seq vocab +1 × 5 × 3072", out)
    assert "blocks 1 to 3 have the same shapes" in out


def test_shapes_of_a_model_folder_as_json_and_as_a_page(call, model_folder, tmp_path):
    status, out, _ = call("learn", "challenge", "shapes", model_folder, "--json", "--out", tmp_path / "s.html")
    rows = json.loads(out)
    assert status == 0 and rows[-1]["path"] == "lm_head" and rows[-1]["shape"][-1] == 270
    page = (tmp_path / "s.html").read_text()
    assert "batch heads seq keys" in page and "http" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


ANSWERS = "1 4 128\n1 4 128\n1 4 64\n1 2 4 32\n1 4 4 4\n1 4 4 32\n1 4 352\n1 4 128\n1 4 3072\n"


def test_the_quiz_takes_its_answers_from_a_pipe(call, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(ANSWERS))
    status, out, _ = call("learn", "challenge", "shapes", "--quiz", "--text", "abcd")
    assert status == 0 and "9 of 9 right" in out


def test_a_wrong_answer_of_the_quiz_is_explained_and_an_early_end_is_no_pass(call, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("1 4 128\n1 4 128\n1 4 128\n"))
    status, out, err = call("learn", "challenge", "shapes", "--quiz", "--json", "--text", "abcd")
    found = json.loads(out)
    assert status == 1 and found["right"] == 2 and found["asked"] == 9
    assert "share one key and value head" in found["answers"][2]["sentence"] and "no answer" in err


def test_a_broken_run_is_diagnosed_by_name(call, tmp_path):
    status, out, _ = call("learn", "challenge", "instability", "dead_units", "--out", tmp_path / "i.html")
    assert status == 1 and "units of the feed-forward are dead" in out and "dead units" in out
    assert "Learning-rate range test" in (tmp_path / "i.html").read_text()


def test_a_healthy_run_as_json(call):
    status, out, _ = call("learn", "challenge", "instability", "healthy", "--json")
    assert status == 0 and json.loads(out)["healthy"]["cause"] == "healthy"


def test_memory_of_a_recipe_that_does_not_fit_names_the_way(call, tmp_path):
    words = ("--set", "train.batch_size=128", "--memory", "1GB", "--out", tmp_path / "m.html")
    status, out, _ = call("learn", "challenge", "memory", "demo", *words)
    assert status == 1 and "it does not fit" in out and "--set train.batch_size=" in out
    assert "after the change" in (tmp_path / "m.html").read_text()


def test_memory_as_json(call):
    status, out, _ = call("learn", "challenge", "memory", "--memory", "100GB", "--json")
    found = json.loads(out)
    assert status == 0 and found["fits"] and sum(found["parts"].values()) == found["total_bytes"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("shapes", "nowhere"), "there is no model folder nowhere"),
        (("shapes", "--text", ""), "--text has 0 tokens"),
        (("instability", "nosuch"), "there is no recipe 'nosuch'"),
        (("memory", "--memory", "much"), "write for example 4GB"),
        (("memory", "nosuch"), "there is no recipe 'nosuch'"),
        (("colours",), "shapes"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(call, words, sentence):
    status, out, err = call("learn", "challenge", *words)
    assert status == 2 and sentence in err and not out


RECIPE = """
name = "little"
stages = ["data", "tokenizer", "train"]
[data]
tinyworld_bytes = 60000
python_bytes = 0
heldout_bytes = 5000
instructions = 0
[tokenizer]
vocab_size = 300
[model]
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 2
max_position_embeddings = 32
[train]
steps = 30
batch_size = 4
seq_len = 32
"""


def test_a_recipe_and_then_its_run_are_measured_as_they_are(call, tmp_path):
    (tmp_path / "little.toml").write_text(RECIPE)
    status, out, _ = call("learn", "challenge", "instability", "little.toml", "--json")
    assert status == 0 and json.loads(out)["little.toml"]["evidence"]["vocab"] == 300
    assert call("run", "little.toml", "--set", "train.steps=2")[0] == 0
    status, out, _ = call("learn", "challenge", "instability", "runs/little", "--json")
    assert len(json.loads(out)["runs/little"]["evidence"]["losses"]) == 2


def test_the_tiny_runs_are_those_that_the_help_speaks_of():
    assert "healthy" in broken.RUNS and len(broken.RUNS) >= 6
