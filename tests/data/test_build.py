"""A run's data: deterministic, disjoint, and its floor is the sum of what the documents say themselves."""

import itertools
import json
import math

import pytest

from groundup import files
from groundup.data.build import build, floor, up_to
from groundup.data.config import DataConfig
from groundup.data.documents import Document
from groundup.data.folder import DataFolder
from groundup.data.sources import tinyworld
from groundup.errors import InputError

SMALL = DataConfig(
    tinyworld_bytes=60_000, python_bytes=60_000, heldout_bytes=20_000, instructions=300, heldout_instructions=40
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "documents"
    build(SMALL, folder)
    return DataFolder.open(folder)


def test_the_same_configuration_makes_the_same_files(made, tmp_path):
    build(SMALL, tmp_path / "again")
    assert files.read_json(tmp_path / "again/checksums.json") == files.read_json(made.path / "checksums.json")
    files.verify_checksums(tmp_path / "again")


def test_another_seed_makes_another_world(made, tmp_path):
    config = DataConfig(tinyworld_bytes=5_000, python_bytes=0, heldout_bytes=2_000, instructions=0, seed=2)
    build(config, tmp_path / "other")
    assert DataFolder.open(tmp_path / "other").texts("tinyworld", "train", 3) != made.texts("tinyworld", "train", 3)


@pytest.mark.parametrize("world", ["tinyworld", "python"])
@pytest.mark.parametrize(("split", "size"), [("train", 60_000), ("heldout", 20_000)])
def test_each_world_has_the_size_that_was_asked_for(made, world, split, size):
    texts = made.texts(world, split)
    total = sum(len(text.encode()) for text in texts)
    assert size <= total < size + max(len(text.encode()) for text in texts)
    assert made.notes["worlds"][world][split] == {"documents": len(texts), "bytes": total}


def test_no_held_out_text_is_a_training_text(made):
    for world in made.worlds:
        assert not set(made.texts(world, "train")) & set(made.texts(world, "heldout"))


def test_no_held_out_or_unseen_question_is_a_training_question(made):
    questions = {
        split: {record["prompt"] for record in made.instructions(split)} for split in ("train", "heldout", "unseen")
    }
    assert not questions["train"] & questions["heldout"]
    assert not questions["train"] & questions["unseen"]
    texts = "\n".join(made.texts("tinyworld", "train"))
    assert not [question for question in questions["heldout"] if question in texts]


def test_measured_questions_are_distinct_and_their_answers_are_right(made):
    for split, composition in (("heldout", "seen"), ("unseen", "unseen")):
        records = made.instructions(split)
        assert len({record["prompt"] for record in records}) == len(records) == 40
        assert {record["composition"] for record in records} == {composition}
        for record in records:
            assert tinyworld.gold_reward(tinyworld.Instruction(**record), record["answer"]) == 1


def test_the_floor_is_what_the_parser_says_of_the_documents(made):
    documents = list(made.documents("tinyworld", "heldout"))
    nats = -sum(tinyworld.parse(document.text).log_probability for document in documents)
    size = sum(len(document.text.encode()) for document in documents)
    notes = made.notes["worlds"]["tinyworld"]["floor"]
    assert notes["bits_per_byte"] == pytest.approx(nats / math.log(2) / size, rel=1e-9)
    assert notes == floor(documents)


def test_the_floors_error_is_the_spread_over_other_sets_of_documents():
    sizes, floors = 40, []
    drawn = tinyworld.sample(5, 60 * sizes, "unseen")
    documents = (Document("", d.text, "", {"log_probability": d.log_probability}) for d in drawn)
    stated = []
    while group := list(itertools.islice(documents, sizes)):
        measured = floor(group)
        floors.append(measured["bits_per_byte"])
        stated.append(measured["standard_error"])
    mean = sum(floors) / len(floors)
    spread = math.sqrt(sum((value - mean) ** 2 for value in floors) / (len(floors) - 1))
    assert 0.75 < spread / (sum(stated) / len(stated)) < 1.33


def test_python_documents_come_from_the_running_python(made):
    import platform

    assert made.notes["python_version"] == platform.python_version()
    assert {document.metadata["kind"] for document in made.documents("python", "train")} == {"documentation"}


def test_own_text_is_the_only_world(tmp_path):
    text = "\n\n".join(f"Paragraph {number} of a book that nobody wrote." for number in range(500))
    (tmp_path / "book.txt").write_text(text)
    notes = build(DataConfig(text=str(tmp_path / "book.txt")), tmp_path / "documents")
    folder = DataFolder.open(tmp_path / "documents")
    assert folder.worlds == ["text"] and folder.instructions("train") == [] and "instructions" not in notes
    assert sum(notes["worlds"]["text"][split]["bytes"] for split in ("train", "heldout")) == len(text)


def test_own_text_in_another_encoding_and_field(tmp_path):
    lines = [json.dumps({"body": f"Käse {number} " * 20}, ensure_ascii=False) for number in range(40)]
    (tmp_path / "d.jsonl").write_text("\n".join(lines), encoding="latin-1")
    config = DataConfig(text=str(tmp_path / "d.jsonl"), text_key="body", text_encoding="latin-1")
    build(config, tmp_path / "documents")
    assert "Käse" in DataFolder.open(tmp_path / "documents").texts("text", "train")[0]


def test_a_text_that_is_too_short_leaves_no_folder_behind(tmp_path):
    (tmp_path / "line.txt").write_text("only one line")
    with pytest.raises(InputError, match="pass a longer text"):
        build(DataConfig(text=str(tmp_path / "line.txt")), tmp_path / "documents")
    assert [path.name for path in tmp_path.iterdir()] == ["line.txt"]


def test_a_failure_leaves_the_old_folder(tmp_path, made):
    build(
        DataConfig(tinyworld_bytes=3_000, python_bytes=0, heldout_bytes=1_000, instructions=0), tmp_path / "documents"
    )
    before = files.read_json(tmp_path / "documents/checksums.json")
    with pytest.raises(InputError):
        build(DataConfig(text=str(tmp_path / "none.txt")), tmp_path / "documents")
    assert files.read_json(tmp_path / "documents/checksums.json") == before


def test_documents_are_taken_until_the_size_is_reached():
    documents = [Document(str(number), "four", "here") for number in range(9)]
    assert [len(up_to(documents, size)) for size in (1, 4, 5, 8, 1000)] == [1, 1, 2, 2, 9]


def test_a_folder_without_data_says_what_makes_it(tmp_path):
    with pytest.raises(InputError, match="groundup data build"):
        DataFolder.open(tmp_path)
