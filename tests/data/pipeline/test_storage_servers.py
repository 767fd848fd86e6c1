"""The same work against real servers: an S3 of this machine (moto) and a name node that speaks WebHDFS; stopped, it goes on."""

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from tests.data.pipeline.test_etl import PIPELINE, pages, tree

from groundup import files
from groundup.cli.data.building import DataOptions, build
from groundup.data.documents import Document
from groundup.data.pipeline import exchange, storage
from groundup.data.pipeline.etl import run
from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.streaming import Loader
from groundup.data.sources import files as sources
from groundup.data.sources.places import system
from groundup.errors import InputError

__all__ = ["pages"]
KEPT = ["a.txt", "e.txt"]
TOML = """
name = "mine"
shard_bytes = 1
[[steps]]
kind = "length"
min_characters = 10
[[steps]]
kind = "exact"
[[steps]]
kind = "match"
pattern = "SECRET"
"""


@pytest.fixture(params=["s3", "webhdfs"])
def address(request, tmp_path, monkeypatch):
    """The root of a server, as a user writes it."""
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    server = request.getfixturevalue(request.param)
    return "s3://bucket" if request.param == "s3" else server.address


def put(address, name, data):
    there, inside = system(address)
    there.pipe_file(f"{inside}/{name}", data)


def names(address):
    there, inside = system(address)
    there.invalidate_cache()
    return {path.removeprefix(inside).strip("/") for path in there.find(inside)}


def test_a_build_reads_from_an_address_and_goes_to_one(address, pages, tmp_path):
    for path in sorted(pages.iterdir()):
        put(address, f"in/{path.name}", path.read_bytes())
    with storage.built(f"{address}/out") as folder:
        run(PIPELINE, f"{address}/in", folder)
    run(PIPELINE, pages, tmp_path / "here")
    back = storage.fetched(f"{address}/out", tmp_path / "elsewhere")
    assert [document.id for document in exchange.read(back)] == KEPT
    same = [name for name in tree(back) if name.startswith(("documents/", "dropped/"))]
    assert same and all(tree(back)[name] == tree(tmp_path / "here")[name] for name in same)


def test_the_command_takes_addresses_for_both(address, pages, tmp_path, capsys):
    for path in pages.iterdir():
        put(address, f"in/{path.name}", path.read_bytes())
    (tmp_path / "p.toml").write_text(TOML)
    out = Path(f"{address}/out")  # as the command line makes one of what is typed, which takes a slash away
    build(DataOptions(text=f"{address}/in", pipeline=str(tmp_path / "p.toml"), out=out, json=True))
    assert json.loads(capsys.readouterr().out)["out"] == f"{address}/out"
    assert {"report.json", "README.md", "checksums.json"} <= names(f"{address}/out")


def test_a_sending_that_was_stopped_goes_on_where_it_was(address, pages, tmp_path, monkeypatch):
    run(PIPELINE, pages, tmp_path / "here")
    there, _ = system(address)
    put_file, sent = there.put_file, []

    def stopping(path, target, **named):
        sent.append(target.rpartition("/out/")[2])
        if len(sent) == 4:
            raise ConnectionError("the wire was cut")
        return put_file(path, target, **named)

    monkeypatch.setattr(there, "put_file", stopping)
    with pytest.raises(InputError, match="cannot be written .*wire was cut"):
        storage.send(tmp_path / "here", f"{address}/out")
    assert "checksums.json" not in names(f"{address}/out")
    with pytest.raises(InputError, match="no whole folder of ours"):
        storage.fetched(f"{address}/out")
    before = list(sent)
    storage.send(tmp_path / "here", f"{address}/out")
    again = sent[len(before) :]
    assert not set(again) & set(before[:3]) and again[-1] == "checksums.json"
    assert tree(storage.fetched(f"{address}/out")) == tree(tmp_path / "here")
    storage.send(tmp_path / "here", f"{address}/out")
    assert len(sent) == len(before) + len(again), "nothing is sent twice"
    assert not list((tmp_path / "cache").rglob("*.sent.jsonl"))


def test_a_killed_build_goes_on_with_its_shards_and_gives_the_same_bytes(address, pages, tmp_path, monkeypatch):
    def killing(tasks):
        from groundup.data.pipeline.shard import run_guarded

        for number, task in enumerate(tasks):
            if number == 3:
                raise KeyboardInterrupt
            yield run_guarded(task)

    with pytest.raises(KeyboardInterrupt), storage.built(f"{address}/out") as folder:
        run(PIPELINE, pages, folder, execute=killing)
    done = {path.name for path in (tmp_path / "cache").rglob("0-*.json")}
    assert len(done) == 3 and not names(f"{address}/out")
    with storage.built(f"{address}/out") as folder:
        run(PIPELINE, pages, folder)
    run(PIPELINE, pages, tmp_path / "here")
    assert tree(storage.fetched(f"{address}/out")) == tree(tmp_path / "here")


def test_another_build_takes_its_place_and_nothing_of_the_first_is_left(address, pages, tmp_path):
    with storage.built(f"{address}/out") as folder:
        run(PIPELINE, pages, folder)
    storage.fetched(f"{address}/out", tmp_path / "reader")
    (pages / "e.txt").unlink()
    with storage.built(f"{address}/out") as folder:
        run(PIPELINE, pages, folder)
    assert names(f"{address}/out") == set(tree(folder))
    back = storage.fetched(f"{address}/out", tmp_path / "reader")
    assert tree(back) == tree(folder), "the reader's old copy has lost what is no longer listed"
    assert [document.id for document in exchange.read(back)] == ["a.txt"]


def test_a_build_replaces_nothing_that_no_pipeline_made(address):
    put(address, "out/thesis.txt", b"years of work")
    with pytest.raises(InputError, match="holds something else; choose another --out"), storage.built(f"{address}/out"):
        pytest.fail("never begun")


def test_the_loader_opens_shards_at_an_address_and_resumes_there(address, tmp_path):
    write_shards(
        tmp_path / "s", np.arange(1, 3001), np.arange(0, 3001, 100), start_id=0, text_bytes=9000, vocab_size=5000
    )
    storage.send(tmp_path / "s", f"{address}/tokens")
    here, there = Loader(Shards.open(tmp_path / "s"), 32, 2), Loader(Shards.open(f"{address}/tokens"), 32, 2)
    assert all((here.batch(step).input_ids == there.batch(step).input_ids).all() for step in range(5))
    resumed = Loader(Shards.open(f"{address}/tokens"), 32, 2)
    assert (resumed.batch(4).targets == here.batch(4).targets).all()


def test_documents_are_read_where_they_lie(address, tmp_path):
    documents = [Document(str(number), f"text {number}", "s") for number in range(20)]
    for form in ("parquet", "jsonl"):
        exchange.export(documents, tmp_path / form, form)
        storage.send(tmp_path / form, f"{address}/{form}")
        name = {"parquet": "00000.parquet", "jsonl": "00000.jsonl"}[form]
        assert [one.text for one in sources.documents(f"{address}/{form}/{name}")] == [one.text for one in documents]


# ───────── S3 ─────────


def test_a_bucket_that_is_not_there_is_named(s3):
    with pytest.raises(InputError, match="check the path, and that bukcet is the name of a bucket"):
        list(sources.documents("s3://bukcet/in"))


def test_a_folder_is_not_sent_to_a_bucket_that_nobody_made(s3, tmp_path):
    exchange.export([Document("1", "a", "s")], tmp_path / "x", "jsonl")
    with pytest.raises(InputError, match="that bukcet is the name of a bucket"):
        storage.send(tmp_path / "x", "s3://bukcet/out")
    assert not s3.exists("bukcet")


def look_at_keys(server, after):
    """From now on, or after so many calls, moto's S3 refuses keys that it does not know."""
    asked = urllib.request.Request(f"{server}/moto-api/reset-auth", after, {"Content-Type": "text/plain"})
    urllib.request.urlopen(asked).close()


def test_a_refused_key_says_what_to_set(s3, s3_server, monkeypatch):
    s3.pipe_file("bucket/in/a.txt", b"text")
    look_at_keys(s3_server, b"0")
    try:
        with pytest.raises(InputError) as refused:
            list(sources.documents("s3://bucket/in/a.txt"))
        assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL" in str(refused.value)
        assert "\n" not in str(refused.value)
    finally:
        look_at_keys(s3_server, b"inf")


def test_without_keys_what_to_set_is_said(s3, tmp_path, monkeypatch):
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(InputError, match="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        storage.fetched("s3://bucket/out", tmp_path)


# ───────── WebHDFS ─────────


def test_a_user_that_hdfs_does_not_know_is_told_how_to_be_one(webhdfs):
    address = webhdfs.address.replace("hdfs@", "somebody@")
    with pytest.raises(InputError, match="user=somebody.*; set the user in the address, webhdfs://USER@HOST"):
        list(sources.documents(f"{address}/in"))


def test_a_name_node_in_safe_mode_is_a_sentence(webhdfs, tmp_path):
    exchange.export([Document("1", "a", "s")], tmp_path / "x", "jsonl")
    webhdfs.refuse = lambda operation, path: operation == "CREATE"
    with pytest.raises(InputError, match="cannot be written .*Name node is in safe mode"):
        storage.send(tmp_path / "x", f"{webhdfs.address}/out")


def test_a_long_file_is_fetched_by_ranges_from_the_data_node(webhdfs, tmp_path):
    data = np.random.default_rng(0).bytes(11 << 20)
    (webhdfs.root / "out").mkdir()
    (webhdfs.root / "out" / "long.bin").write_bytes(data)
    files.write_checksums(webhdfs.root / "out")
    back = storage.fetched(f"{webhdfs.address}/out", tmp_path)
    assert (back / "long.bin").read_bytes() == data
    assert sum(operation == "OPEN" and path == "/out/long.bin" for _, operation, path in webhdfs.asked) > 2
