"""The demo's own recipe in miniature, really run: seven stages, then everything that is made of them."""

import json
import re
from pathlib import Path

import pytest

from groundup import files
from groundup.runs import estimate, recipe, runner, shelf

MINIATURE = Path(__file__).parents[1] / "recipes" / "miniature.toml"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDUP_CACHE", str(folder.parent / "cache"))
        yield runner.run(recipe.load(MINIATURE), folder, command="groundup demo")


def results(whole):
    return json.loads((whole.folder / "results.json").read_text())


def test_a_second_run_reuses_every_stage(whole):
    again = runner.run(recipe.load(MINIATURE), whole.folder, command="groundup demo")
    assert all(stage.reused for stage in again.stages)


def test_every_stage_has_its_own_folder_with_what_was_decided_and_measured(whole):
    for stage in whole.stages:
        assert re.fullmatch(rf"\d\d-{stage.name}-[0-9a-f]{{8}}", stage.folder.name)
        assert (stage.folder / "stage.toml").is_file() and (stage.folder / "done.json").is_file()
    for name in ("train", "tune", "align"):
        stage = next(stage for stage in whole.stages if stage.name == name)
        assert {"dtype", "threads", "device", "machine"} <= files.read_json(stage.folder / "chosen.json").keys()
        assert (stage.folder / "metrics.jsonl").is_file() and list((stage.folder / "checkpoints").iterdir())


def test_the_published_model_is_the_last_ones_weights_and_loads_in_transformers(whole):
    transformers = pytest.importorskip("transformers")
    aligned = next(stage for stage in whole.stages if stage.name == "align").folder / "model"
    assert files.sha256(whole.folder / "model" / "model.safetensors") == files.sha256(aligned / "model.safetensors")
    files.verify_checksums(whole.folder / "model")
    theirs = transformers.AutoTokenizer.from_pretrained(whole.folder / "model")
    from groundup.text.tokenizers import load_tokenizer

    ours = load_tokenizer(whole.folder / "model")
    chat = [{"role": "user", "content": "Where is the <|im_end|> ball?"}]
    text = "Where is the ball?"
    assert theirs.encode(text, add_special_tokens=False) == ours.encode(text)
    assert theirs.encode(text) == ours.encode_prompt(text) == [ours.bos_token_id, *ours.encode(text)]
    assert theirs.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) == ours.apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True
    )


def test_the_results_hold_every_score_with_its_interval(whole):
    found = results(whole)
    who = found["bits_per_byte"]["tinyworld"]["who"]
    assert {"train", "align", "2-gram", "xz", "zstd", "floor"} <= who.keys()
    assert all(entry["low"] <= entry["value"] <= entry["high"] for entry in who.values() if "low" in entry)
    assert who["floor"]["value"] < who["2-gram"]["value"] < who["train"]["value"]  # four steps teach nothing
    assert set(found["accuracy"]) == {"train", "tune", "align", "nearest question", "2-gram"}
    assert [(pair["from"], pair["to"]) for pair in found["paired"]] == [("train", "tune"), ("tune", "align")]
    assert {stage["name"] for stage in found["stages"]} == set(whole.recipe.stages) - {"report"}
    assert (
        found["cost"]["cpu_hours"] > 0
        and "assum" not in found["cost"]["energy_assumption"]
        and "not measured" in found["cost"]["energy_assumption"]
    )


def test_the_report_is_one_file_that_needs_no_network(whole):
    page = (whole.folder / "report.html").read_text("utf-8")
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", own)
    assert page.count("plotly.js v") == 1
    for section in (
        "Loss against the floor",
        "Bits per byte",
        "Samples over time",
        "Accuracy",
        "Tuning and alignment",
        "Tokenizer",
        "Time, memory and cost",
    ):
        assert f"<h2>{section}</h2>" in page


def test_the_card_says_data_floor_scores_limits_and_command(whole):
    card = (whole.folder / "model" / "README.md").read_text("utf-8")
    assert card.startswith("---\n")
    for words in (
        "groundup demo",
        "a small generated world",
        "floor",
        "unseen",
        "## Limits",
        "parameters",
        "context of 256 tokens",
    ):
        assert words in card


def test_the_model_tells_a_chat_what_it_was_trained_on_and_three_prompts(whole):
    told = files.read_json(whole.folder / "model" / "groundup.json")
    assert "of a small generated world" in told["trained_on"] and "60 of its instructions" in told["trained_on"]
    assert len(told["prompts"]) == 3 and all(told["prompts"])


def test_samples_and_validations_stand_in_the_metrics(whole):
    stage = next(stage for stage in whole.stages if stage.name == "train")
    records = files.read_jsonl(stage.folder / "metrics.jsonl")
    assert [record["step"] for record in records if "samples" in record] == [2, 4]
    assert [record["step"] for record in records if "bits_per_byte_tinyworld" in record] == [2, 4]


def test_every_stage_that_trains_is_watched_alike(whole):
    for name in ("train", "tune", "align"):
        folder = next(stage.folder for stage in whole.stages if stage.name == name)
        lines = [line for line in files.read_jsonl(folder / "metrics.jsonl") if "loss" in line]
        assert {"tokens_per_second", "memory_bytes", "learning_rate"} <= lines[-1].keys(), name
        assert len({line["step"] for line in lines}) == len(lines) and (folder / "logs").is_dir()
        assert ("reward" in lines[-1]) == (name == "align")


def test_a_run_that_lost_its_last_stages_goes_on_from_its_checkpoint_to_the_same_bits(whole, tmp_path):
    import shutil

    copy = Path(shutil.copytree(whole.folder, tmp_path / "demo"))
    train = next((copy / "stages").glob("03-train-*"))
    before = files.sha256(train / "model" / "model.safetensors")
    shutil.rmtree(train / "model")
    shutil.rmtree(max((train / "checkpoints").iterdir()))  # the newest: two steps are made again
    again = runner.run(recipe.load(MINIATURE), copy, command="groundup demo")
    assert [stage.name for stage in again.stages if not stage.reused] == ["train", "report"]
    assert files.sha256(train / "model" / "model.safetensors") == before


def test_the_run_is_on_the_shelf_as_finished(whole):
    [entry] = shelf.entries(whole.folder.parent)
    assert entry["finished"] and entry["recipe"] == "miniature" and entry["size_bytes"] > 1e6


@pytest.mark.slow
def test_the_forecast_from_a_run_in_small_names_every_stage_and_is_kept(whole):
    made = recipe.load(MINIATURE)
    forecast = estimate.estimate(made)
    assert [stage["name"] for stage in forecast["stages"]] == ["data", "tokenizer", "train", "tune", "align", "eval"]
    assert all(
        stage["seconds"] > 0 and stage["memory_bytes"] > 1e7 and stage["disk_bytes"] > 0 for stage in forecast["stages"]
    )
    assert forecast["parameters"] == results(whole)["model"]["parameters"]
    assert next(stage for stage in forecast["stages"] if stage["name"] == "train")["tokens"] == 4 * 2 * 256
    assert estimate.cache_path(made).is_file() and estimate.estimate(made) == forecast
