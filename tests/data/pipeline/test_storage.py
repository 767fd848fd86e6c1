"""Folders at addresses: sent whole, fetched once, damage found, refusals that say what to set."""

import numpy as np
import pytest

from groundup import files
from groundup.data.documents import Document
from groundup.data.pipeline import exchange, storage
from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.errors import FormatError, GroundupError, InputError

fsspec = pytest.importorskip("fsspec")
DOCUMENTS = [Document(str(n), f"text {n}", "s") for n in range(5)]


@pytest.fixture
def memory():
    """An empty memory:// file system."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


def test_documents_go_to_an_address_and_come_back(memory, tmp_path):
    with storage.written("memory://bucket/out") as folder:
        exchange.export(DOCUMENTS, folder, "tfrecord", file_bytes=12)
    back = storage.fetched("memory://bucket/out", tmp_path)
    assert list(exchange.read(back)) == DOCUMENTS


def test_the_loader_reads_shards_of_an_address(memory, tmp_path):
    write_shards(tmp_path / "s", np.arange(1, 301), np.array([0, 100, 300]), start_id=0, text_bytes=900, vocab_size=500)
    storage.send(tmp_path / "s", "memory://bucket/tokens")
    here, there = (
        Shards.open(tmp_path / "s"),
        Shards.open(storage.fetched("memory://bucket/tokens", tmp_path / "cache")),
    )
    batches = [Loader(shards, 32, 2).batch(3) for shards in (here, there)]
    assert (batches[0].input_ids == batches[1].input_ids).all()


def test_what_is_in_the_cache_is_not_fetched_again_and_damage_there_is_mended(memory, tmp_path, monkeypatch):
    with storage.written("memory://b/out") as folder:
        exchange.export(DOCUMENTS, folder, "jsonl")
    folder = storage.fetched("memory://b/out", tmp_path)
    (folder / "00000.jsonl").write_text("damaged")
    assert (storage.fetched("memory://b/out", tmp_path) / "00000.jsonl").read_text() != "damaged"
    monkeypatch.setattr(type(memory), "open", lambda *given, **named: pytest.fail("asked again"))
    monkeypatch.setattr(storage, "_listed", lambda *given: files.read_json(folder / "checksums.json"))
    storage.fetched("memory://b/out", tmp_path)


def test_damage_at_the_address_is_named(memory, tmp_path):
    with storage.written("memory://b/out") as folder:
        exchange.export(DOCUMENTS, folder, "jsonl")
    memory.pipe_file("/b/out/00000.jsonl", b"other")
    with pytest.raises(FormatError, match="memory://b/out/00000.jsonl is damaged"):
        storage.fetched("memory://b/out", tmp_path)


def test_an_address_that_holds_something_or_nothing_is_a_sentence(memory, tmp_path):
    memory.pipe_file("/b/full/x", b"1")
    with pytest.raises(InputError, match="holds something already"), storage.written("memory://b/full"):
        pytest.fail("never begun")
    with pytest.raises(InputError, match="no whole folder of ours"):
        storage.fetched("memory://b/full", tmp_path)


def test_a_list_that_names_files_outside_of_the_folder_is_not_followed(memory, tmp_path):
    memory.pipe_file("/b/bad/checksums.json", b'{"../../up": "00"}')
    with pytest.raises(FormatError, match="outside of its folder"):
        storage.fetched("memory://b/bad", tmp_path)


@pytest.mark.parametrize("address", ["s3://no-such-bucket-of-ours/x", "webhdfs://127.0.0.1:9/x"])
def test_refused_addresses_say_what_to_set_or_install(address, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with pytest.raises(GroundupError, match="pip install|set |check "):
        storage.fetched(address, tmp_path)


def test_a_path_of_this_machine_is_itself(tmp_path):
    assert storage.fetched(tmp_path) == tmp_path
    with storage.written(tmp_path / "x") as folder:
        assert folder == tmp_path / "x"


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="holds something already"), storage.written(tmp_path) as folder:
        exchange.export(DOCUMENTS, folder, "jsonl")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
