"""The whole measurement on a small world with a tiny untrained model, and what it keeps."""

import json
import math
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from groundup import files
from groundup.data.build import build as build_data
from groundup.data.config import DataConfig
from groundup.data.documents import Document
from groundup.data.folder import DataFolder
from groundup.data.sources.tinyworld import check
from groundup.errors import InputError
from groundup.evaluation import chain
from groundup.evaluation.chain import evaluate_chain, text_tables
from groundup.evaluation.config import EvalConfig
from groundup.evaluation.held_out import World, read_questions, read_worlds
from groundup.evaluation.metrics.intrinsic import bits_per_byte, tokenize
from groundup.evaluation.tasks.instructions import chat_answerer
from groundup.evaluation.tasks.samples import read_samples
from groundup.inference.handle import load
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats.huggingface import load_model, save_model
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

CONFIG = EvalConfig(documents=12, instructions=15, max_new_tokens=6, preparation_bytes=20_000)
SHAPE = {
    "model_type": "qwen3",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "tie_word_embeddings": True,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """60 kB of the small world."""
    folder = tmp_path_factory.mktemp("run") / "documents"
    sizes = {"tinyworld_bytes": 60_000, "python_bytes": 0, "heldout_bytes": 6_000}
    build_data(DataConfig(**sizes, instructions=300, heldout_instructions=20), folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(data):
    return train_tokenizer(DataFolder.open(data).texts("tinyworld", "train"), TokenizerConfig(vocab_size=400))


@pytest.fixture(scope="module")
def models(data, tokenizer) -> dict[str, Path]:
    """Two untrained models."""
    folders = {stage: data.parent / stage for stage in ("train", "tune")}
    for seed, folder in enumerate(folders.values()):
        save_model(folder, build(config_from_dict(SHAPE | {"vocab_size": tokenizer.vocab_size}), seed=seed), tokenizer)
    return folders


@pytest.fixture(scope="module")
def measured(models, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("scores")
    return evaluate_chain(models, data, CONFIG, out, check=check, device="cpu"), out


def test_every_model_and_baseline_is_measured_on_the_same_text(measured, models, data, tokenizer):
    world = measured[0]["bits_per_byte"]["tinyworld"]
    assert list(world["who"]) == ["train", "tune", "5-gram", "floor", "xz", "zstd", "xz, prepared", "zstd, prepared"]
    texts = DataFolder.open(data).texts("tinyworld", "heldout", 12)
    assert (world["documents"], world["bytes"]) == (12, sum(len(text.encode()) for text in texts))
    alone = bits_per_byte(load_model(models["tune"]), tokenize(texts, tokenizer))
    assert world["who"]["tune"]["value"] == pytest.approx(alone.per_byte)
    assert world["who"]["tune"]["low"] < alone.per_byte < world["who"]["tune"]["high"]


def test_the_floor_is_the_worlds_own_probability_of_these_documents(measured, data):
    documents = list(DataFolder.open(data).documents("tinyworld", "heldout", 12))
    nats = -sum(document.metadata["log_probability"] for document in documents)
    floor = nats / math.log(2) / sum(len(document.text.encode()) for document in documents)
    world = measured[0]["bits_per_byte"]["tinyworld"]
    assert world["who"]["floor"]["value"] == pytest.approx(floor)
    ngram = world["who"]["5-gram"]["value"]
    assert world["gap_share_of_floor"] == pytest.approx((ngram - floor) / floor)
    assert world["gap_closed"] < 0  # an untrained model is worse than counting
    assert floor < ngram < world["who"]["train"]["value"]


def test_all_questions_are_asked_of_everybody_and_kept(measured):
    table, out = measured
    assert list(table["accuracy"]) == ["train", "tune", "nearest question", "5-gram"]
    for who, scores in table["accuracy"].items():
        kept = read_samples(out / f"answers-{who.replace(' ', '-')}.jsonl")
        assert [sample.composition for sample in kept] == ["seen"] * 15 + ["unseen"] * 15
        assert (scores["overall"]["n"], scores["seen"]["n"], scores["unseen"]["n"]) == (30, 15, 15)
        assert scores["overall"]["correct"] == sum(sample.correct for sample in kept)
        assert sum(family["overall"]["n"] for family in scores["families"].values()) == 30


def test_stages_are_compared_in_pairs_with_the_one_before(measured):
    [pair] = measured[0]["paired"]
    accuracy = measured[0]["accuracy"]
    assert (pair["from"], pair["to"]) == ("train", "tune")
    gained = accuracy["tune"]["overall"]["value"] - accuracy["train"]["overall"]["value"]
    assert pair["overall"]["value"] == pytest.approx(gained)


def test_the_table_is_kept_as_json(measured):
    table, out = measured
    assert json.loads((out / "scores.json").read_text()) == files.strict(table)


def test_measuring_again_gives_the_same_table_without_asking_again(measured, models, data, monkeypatch):
    table, out = measured
    monkeypatch.setattr(chain, "chat_answerer", lambda *_: pytest.fail)
    assert evaluate_chain(models, data, CONFIG, out, check=check, device="cpu") == table


def test_text_of_the_users_own_has_no_floor_and_no_questions(models, tmp_path):
    text = tmp_path / "mine.txt"
    lines = (f"Line {number} tells of {number * number}.\n\n" for number in range(3000))
    text.write_text("".join(lines))
    build_data(DataConfig(text=str(text)), tmp_path / "data")
    table = evaluate_chain(models, tmp_path / "data", EvalConfig(documents=3), tmp_path / "out", device="cpu")
    assert "floor" not in table["bits_per_byte"]["text"]["who"] and "gap_closed" not in table["bits_per_byte"]["text"]
    assert "5-gram" in table["bits_per_byte"]["text"]["who"]
    assert table["accuracy"] == {} and table["paired"] == []


def test_baselines_can_be_left_out(models, data, tmp_path):
    config = EvalConfig(documents=2, instructions=0, ngram_order=0, preparation_bytes=0)
    table = evaluate_chain(models, data, config, tmp_path, device="cpu")
    assert list(table["bits_per_byte"]["tinyworld"]["who"]) == ["train", "tune", "floor", "xz", "zstd"]
    assert table["accuracy"] == {} and "gap_closed" not in table["bits_per_byte"]["tinyworld"]


def test_questions_are_those_of_the_data_folder(data):
    first = read_questions(data, "unseen", 3)
    assert len(first) == 3 and all(question.composition == "unseen" for question in first)
    assert all(check(question, question.answer) for question in first)


def test_worlds_tell_their_tokens_and_their_floor(data, tokenizer):
    [world] = read_worlds(data, tokenizer)
    assert world.name == "tinyworld" and world.documents.count == world.documents.lengths.sum() == world.floor.tokens
    assert list(world.training()) == DataFolder.open(data).texts("tinyworld", "train")


def test_a_folder_without_data_says_how_to_make_it(tokenizer, tmp_path):
    with pytest.raises(InputError, match="groundup data build"):
        read_worlds(tmp_path, tokenizer)


def test_a_trained_ngram_answer_is_a_real_answer(measured):
    kept = read_samples(measured[1] / "answers-5-gram.jsonl")
    assert sum(bool(sample.answer.strip()) for sample in kept) > 15
    assert all("<|" not in sample.answer for sample in kept)


def test_answers_do_not_depend_on_the_batch(models, data, tmp_path, measured):
    table = evaluate_chain(models, data, replace(CONFIG, rows_at_once=4), tmp_path, check=check, device="cpu")
    assert table["accuracy"] == measured[0]["accuracy"]
    for stage in models:
        assert read_samples(tmp_path / f"answers-{stage}.jsonl") == read_samples(measured[1] / f"answers-{stage}.jsonl")


def test_a_model_is_asked_in_a_batch_as_in_a_chat(models, data):
    handle = load(models["tune"], device="cpu")
    questions = read_questions(data, "heldout", 6)
    answers = chat_answerer(handle, max_new_tokens=12, rows_at_once=4)(questions)
    alone = [handle.chat(question.prompt, max_new_tokens=12, temperature=0.0) for question in questions]
    assert [answer.strip() for answer in answers] == [answer.strip() for answer in alone]


def test_kinds_of_work_can_be_timed_by_their_units(models, data, tmp_path):
    seen = []

    @contextmanager
    def timed(kind, count):
        seen.append((kind, count))
        yield

    config = replace(CONFIG, documents=2, instructions=3)
    table = evaluate_chain({"train": models["train"]}, data, config, tmp_path, device="cpu", timed=timed)
    tokens = table["bits_per_byte"]["tinyworld"]["tokens"]
    answers = [(f"answer of {who}", 6) for who in ("train", "nearest question", "5-gram")]
    assert seen == [("token read", tokens), ("n-gram", 1), ("compressors", 1), ("baselines", 1), *answers]
    assert table["paired"] == []


def test_texts_without_a_data_folder_are_measured_alone(models, tokenizer):
    mine = [Document(str(number), f"Text {number} of mine.", "mine") for number in range(4)]
    handles = {"model": load(models["tune"], device="cpu")}
    table = text_tables(handles, [World.of("mine", mine, tokenizer)], EvalConfig())
    assert list(table["bits_per_byte"]["mine"]["who"]) == ["model", "xz", "zstd"]
