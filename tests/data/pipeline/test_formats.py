"""Token shards on disk: the same tokens back, and every kind of damage found and named."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.data.pipeline.formats import Part, Shards, write_parts, write_shards
from groundup.errors import DiskFull, FormatError, InputError


@pytest.fixture
def shards(tmp_path):
    write_shards(
        tmp_path / "s",
        np.arange(1, 301),
        np.array([0, 100, 100, 300]),
        start_id=0,
        text_bytes=900,
        vocab_size=500,
        loss_mask=np.arange(300) % 2,
    )
    return tmp_path / "s"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 70_000), max_size=20), max_size=10), st.integers(1, 4))
def test_documents_written_in_parts_come_back_whole(tmp_path, documents, parts):
    def part(documents):
        return Part(
            np.array([id for document in documents for id in document], np.int64),
            np.cumsum([0, *map(len, documents)]),
            3 * len(documents),
        )

    opened = write_parts(
        tmp_path / "s", [part(documents[i::parts]) for i in range(parts)], start_id=0, vocab_size=70_001
    )
    in_order = [document for i in range(parts) for document in documents[i::parts]]
    assert [opened.document(i).tolist() for i in range(opened.num_documents)] == in_order
    assert (opened.num_tokens, opened.text_bytes, opened.loss_mask) == (
        sum(map(len, documents)),
        3 * len(documents),
        None,
    )


@pytest.mark.parametrize(("vocab_size", "dtype"), [(500, "uint16"), (65_536, "uint16"), (65_537, "uint32")])
def test_ids_take_two_bytes_where_they_can(tmp_path, vocab_size, dtype):
    tokens = np.array([0, vocab_size - 1])
    opened = write_shards(tmp_path / "s", tokens, np.array([0, 2]), start_id=0, text_bytes=1, vocab_size=vocab_size)
    assert opened.tokens.dtype == dtype
    assert opened.tokens.tolist() == tokens.tolist()


def test_tokens_cannot_be_changed_through_the_mapping(shards):
    with pytest.raises(ValueError, match="read-only"):
        Shards.open(shards).tokens[0] = 5


def test_the_loss_mask_and_empty_documents_come_back(shards):
    opened = Shards.open(shards)
    assert opened.loss_mask.tolist() == [0, 1] * 150
    assert [len(opened.document(i)) for i in range(3)] == [100, 0, 200]


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin", "loss_mask.bin"])
def test_one_flipped_bit_is_found(shards, name):
    data = bytearray((shards / name).read_bytes())
    data[len(data) // 2] ^= 1
    (shards / name).write_bytes(data)
    with pytest.raises(FormatError, match=f"{name} is damaged .*; remove the folder, and the next run makes it again"):
        Shards.open(shards)


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin", "loss_mask.bin"])
def test_a_cut_file_is_found_even_without_checksums(shards, name):
    (shards / name).write_bytes((shards / name).read_bytes()[:-1])
    with pytest.raises(FormatError, match=f"{name} has .* bytes, but index.json promises"):
        Shards.open(shards, verify=False)


@pytest.mark.parametrize("name", ["tokens.bin", "offsets.bin", "loss_mask.bin"])
def test_a_missing_file_is_named(shards, name):
    (shards / name).unlink()
    with pytest.raises(FormatError, match=f"{name} is missing"):
        Shards.open(shards)


INDEXES = {
    "wrong dtype": ({"dtype": "uint32"}, "tokens.bin has 600 bytes, but index.json promises 1200"),
    "unknown dtype": ({"dtype": "float64"}, "dtype 'float64', but ids are uint16 or uint32"),
    "other version": ({"version": 99}, "was not written by this version"),
    "other count": ({"documents": 4}, "offsets.bin has 32 bytes, but index.json promises 40"),
    "no tokens": ({"files": {}}, "is incomplete"),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_an_index_that_does_not_fit_its_files_is_refused(shards, kind):
    change, sentence = INDEXES[kind]
    index = json.loads((shards / "index.json").read_text())
    (shards / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(FormatError, match=sentence):
        Shards.open(shards, verify=False)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"version": 1, "dtype": "uint16"}'])
def test_a_damaged_index_is_refused(shards, content):
    (shards / "index.json").write_text(content)
    with pytest.raises(FormatError, match=r"index\.json"):
        Shards.open(shards)


def test_offsets_that_run_backwards_are_refused(shards):
    np.array([0, 200, 100, 300]).tofile(shards / "offsets.bin")
    with pytest.raises(FormatError, match=r"offsets\.bin does not fit"):
        Shards.open(shards, verify=False)


def test_a_folder_without_shards_is_no_damage_but_a_mistake(tmp_path):
    with pytest.raises(InputError, match=r"has no index\.json"):
        Shards.open(tmp_path)


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def failing():
        yield Part(np.arange(5), np.array([0, 5]), 5)
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_parts(tmp_path / "s", failing(), start_id=0, vocab_size=10)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, small_disk):
    with small_disk(4096), pytest.raises(DiskFull, match="no space left"):
        write_shards(tmp_path / "s", np.ones(9999), np.array([0, 9999]), start_id=0, text_bytes=1, vocab_size=5)
    assert list(tmp_path.iterdir()) == []
