"""What was read of prompts is there again in the next engine; a folder that cannot be used is one sentence and an empty cache."""

import asyncio
from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.errors import ConfigError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import AsyncEngine, Engine, EngineConfig, Keeper, Request

CONFIG = EngineConfig(page_size=8, pages=24, max_rows=4, compiled=None)
GREEDY = SamplingConfig(max_new_tokens=6, temperature=0.0)
PROMPT = [3 + number % 60 for number in range(33)]  # four pages and a token
FILES = {"tree.json", "pages.safetensors", "checksums.json"}


@pytest.fixture
def told():
    return []


@pytest.fixture
def write(handle, told, tmp_path):
    """The events of requests to an engine that keeps its cache, from its start to its end."""

    def run(*requests, config=CONFIG, folder=tmp_path / "cache" / "m", served=handle, **keeper):
        async def main():
            engine = AsyncEngine(Engine(served, config), Keeper(folder, say=told.append, **({"save_every_s": 0} | keeper)))
            events = [[event async for event in engine.generate(request)] for request in requests]
            await engine.close()
            return events, engine.stats()

        return asyncio.run(main())

    return run


def asked(prompt=PROMPT, **more):
    return Request(prompt_ids=prompt, sampling=GREEDY, **more)


def damage(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_the_next_engine_knows_what_was_read_and_says_the_same(write, alone, handle, answer, told, tmp_path):
    (first,), stats = write(asked())
    assert first[-1].usage.cached == 0 and stats["restored_tokens"] == 0 and stats["saved_tokens"] == 32
    (second,), stats = write(asked())
    assert second[-1].usage.cached == 32 == stats["restored_tokens"]
    assert answer(second) == answer(first) == alone(handle, asked())
    assert {entry.name for entry in (tmp_path / "cache" / "m").iterdir()} == FILES
    assert "4 pages of read prompts (32 tokens) saved in" in told[0] and "4 pages" in told[1] and "restored from" in told[1]


def test_what_the_folder_holds_already_is_not_written_again(write, tmp_path):
    write(asked())
    before = (tmp_path / "cache" / "m" / "tree.json").stat().st_ino
    _, stats = write(asked())
    assert stats["cache_saves"] == 0 and (tmp_path / "cache" / "m" / "tree.json").stat().st_ino == before
    _, stats = write(asked(PROMPT[::-1]))
    assert stats["cache_saves"] == 1 and stats["saved_tokens"] == 64


def test_an_engine_of_other_numbers_begins_empty_and_answers(write, tiny, handle, alone, answer, told):
    other = type(handle)(module=tiny(seed=1), generation={})
    for changed in (
        dict(served=other),
        dict(config=replace(CONFIG, deterministic=True, portion=16)),
        dict(config=replace(CONFIG, compiled="q8_0")),
        dict(config=replace(CONFIG, page_size=16)),
        dict(config=replace(CONFIG, dtype="bfloat16")),
    ):
        write(asked())
        told.clear()
        (events,), stats = write(asked(), **changed)
        assert events[-1].usage.cached == 0 == stats["restored_tokens"] and len(events[-1].request_id)
        (line,) = [line for line in told if "begins empty" in line]
        assert "another model" in line or "holds pages of" in line
        if changed.get("served") is other:
            assert answer(events) == alone(other, asked())


@pytest.mark.parametrize("name", sorted(FILES))
@pytest.mark.parametrize("how", [damage, lambda file: file.unlink(), lambda file: file.write_text("{}")])
def test_a_damaged_folder_is_a_sentence_and_an_empty_cache(write, name, how, alone, handle, answer, told, tmp_path):
    write(asked())
    told.clear()
    how(tmp_path / "cache" / "m" / name)
    (events,), _ = write(asked())
    assert answer(events) == alone(handle, asked()) and events[-1].usage.cached == 0
    assert ["begins empty" in line for line in told] == [True, False] and "Error" not in told[0]
    (events,), _ = write(asked())  # the next save mended it
    assert events[-1].usage.cached == 32


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree | {"blocks": tree["blocks"][:-1]},
        lambda tree: tree | {"blocks": [{}] * len(tree["blocks"])},
        lambda tree: {"format": 1},
        lambda tree: [1],
    ],
)
def test_checksums_that_fit_files_that_do_not_are_not_believed(write, change, handle, answer, alone, told, tmp_path):
    folder = tmp_path / "cache" / "m"
    write(asked())
    told.clear()
    files.write_json(folder / "tree.json", change(files.read_json(folder / "tree.json")))
    (folder / files.CHECKSUMS).unlink()
    files.write_checksums(folder)
    (events,), _ = write(asked())
    assert answer(events) == alone(handle, asked()) and events[-1].usage.cached == 0
    assert "begins empty" in told[0]


def test_a_folder_of_other_things_is_left_alone(write, told, tmp_path):
    mine = tmp_path / "runs" / "demo" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    (events,), stats = write(asked(), folder=mine.parent)
    assert mine.read_text() == "mine" and [entry.name for entry in mine.parent.iterdir()] == ["notes.txt"]
    assert len(told) == 1 and "would be lost; name another folder" in told[0] and stats["saved_tokens"] == 0
    assert events[-1].finish_reason == "length"


def test_a_place_that_cannot_be_written_is_said_once_and_costs_nothing_else(write, told, tmp_path):
    (tmp_path / "file").write_text("")
    (events,), stats = write(asked(), folder=tmp_path / "file" / "m", save_every_s=0.001)
    assert events[-1].finish_reason == "length" and stats["cache_saves"] == 0
    assert len(told) == 1 and "it is not saved" in told[0]


def test_a_save_comes_while_answers_are_written(handle, tmp_path):
    """The answer goes on until the save is heard of, however long that takes."""

    async def main():
        saved = asyncio.Event()
        loop = asyncio.get_running_loop()
        keeper = Keeper(tmp_path / "m", save_every_s=0.001, say=lambda line: loop.call_soon_threadsafe(saved.set))
        engine = AsyncEngine(Engine(handle, CONFIG), keeper)
        while not saved.is_set():
            async for _ in engine.generate(asked()):
                pass
        assert files.read_json(tmp_path / "m" / "tree.json")["blocks"] and not engine.closing.is_set()
        await engine.close()
        return keeper.stats()

    assert asyncio.run(main())["cache_saves"] >= 1


def test_texts_under_an_adapter_are_not_kept(handle, tmp_path, told):
    """After a restart the name of an adapter may mean another one."""
    engine = Engine(handle, CONFIG)
    keeper = Keeper(tmp_path / "m", say=told.append)
    keeper.restore(engine)
    prefixes = engine.runner.prefixes
    for salt in ("", "poet-1"):
        row = prefixes.pool.open()
        assert prefixes.allocate(row, 17)
        prefixes.pool.grow(row, 17)
        prefixes.keep(row, PROMPT[:17], salt)
        prefixes.pool.free(row)
    assert len(prefixes) == 4
    keeper.save()
    assert len(files.read_json(tmp_path / "m" / "tree.json")["blocks"]) == 2
    again = Engine(handle, CONFIG)
    Keeper(tmp_path / "m", say=told.append).restore(again)
    assert len(again.runner.prefixes.find(PROMPT)) == 2 and not again.runner.prefixes.find(PROMPT, "poet-1")


def test_an_engine_without_a_prefix_cache_keeps_nothing_and_says_so(write, told, tmp_path):
    write(asked(), config=replace(CONFIG, prefix_cache=False))
    assert len(told) == 1 and "no prefix cache" in told[0] and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_seconds_that_are_none_are_refused(seconds, tmp_path):
    with pytest.raises(ConfigError, match="0 for only at the end"):
        Keeper(tmp_path, save_every_s=seconds)


def test_the_pages_are_those_that_were_read(write, handle, tmp_path):
    """Against the keys of one call of the module over the whole prompt."""
    from safetensors.torch import load_file

    from groundup.inference.cache.kv_cache import KVCache

    write(asked())
    saved = load_file(tmp_path / "cache" / "m" / "pages.safetensors")["keys"]  # layers, pages, heads, 8, width
    cache = KVCache.of(handle.module, 1, 64)
    with torch.inference_mode():
        handle.module(torch.tensor([PROMPT]), None, None, cache)
    for layer, kept in enumerate(saved):
        whole = cache.keys[layer][0, :, :32]
        torch.testing.assert_close(kept.transpose(0, 1).flatten(1, 2), whole, rtol=1e-4, atol=1e-5)
