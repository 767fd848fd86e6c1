"""A saved prefix cache comes back as it was, or is refused in one sentence; a kill leaves a folder that can be read."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.inference.cache import saved
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import PrefixCache
from groundup.inference.cache.quantized import QuantizedPool
from groundup.inference.cache.saved import fingerprint, restore, save

SIZES = dict(layers=2, kv_heads=2, head_dim=4, pages=9, rows=2, page_size=4)
TEXTS = ([1] * 9, [1] * 4 + [2] * 5, [3] * 13)


def filled(pool, read):
    cache = PrefixCache(pool)
    for text in TEXTS:
        cache.pool.free(read(cache, text)[0])
    for number, array in enumerate(pool.arrays.values()):
        array.copy_(torch.randint(0, 100, array.shape, generator=torch.Generator().manual_seed(number)))
    read(cache, [9] * 5, "adapter")
    return cache


@pytest.mark.parametrize("make", [PagePool, QuantizedPool])
def test_the_same_texts_with_the_same_numbers_in_any_pages(make, tmp_path, read):
    cache = filled(make(**SIZES), read)
    assert save(cache, tmp_path / "cache", "m") == 7
    other = PrefixCache(make(**SIZES))
    other.pool.take()  # so that pages have other numbers than before
    assert restore(other, tmp_path / "cache", "m") == 7 and other.pool.free_pages == 1
    for text, salt in [*((text, "") for text in TEXTS), ([9] * 5, "adapter")]:
        old, new = cache.find(text, salt), other.find(text, salt)
        assert len(old) == len(new) == len(text) // 4 and old != new
        for name, array in cache.pool.arrays.items():
            assert torch.equal(array[:, old], other.pool.arrays[name][:, new])
    assert other.find([9] * 5) == []


def test_a_small_pool_takes_the_beginnings_used_last(tmp_path, read):
    save(filled(PagePool(**SIZES), read), tmp_path / "cache", "m")
    small = PrefixCache(PagePool(**SIZES | dict(pages=3)))
    assert restore(small, tmp_path / "cache", "m") == 3
    assert [len(small.find(text)) for text in TEXTS] == [0, 0, 2]


def test_another_model_another_size_and_damage_are_refused_and_nothing_is_taken(tmp_path, read):
    folder, cache = tmp_path / "cache", filled(PagePool(**SIZES), read)
    save(cache, folder, "m")
    for sizes, model, said in (
        (SIZES, "other", "another model"),
        (SIZES | dict(page_size=8), "m", "page_size 4, this cache has 8"),
        (SIZES | dict(dtype=torch.bfloat16), "m", "float32.*bfloat16"),
    ):
        with pytest.raises(InputError, match=said):
            restore(PrefixCache(PagePool(**sizes)), folder, model)
    fresh = PrefixCache(PagePool(**SIZES))
    with pytest.raises(InputError, match="not there"):
        restore(fresh, tmp_path / "none", "m")
    pages = folder / "pages.safetensors"
    damaged = bytearray(pages.read_bytes())
    damaged[-3] ^= 1
    pages.write_bytes(damaged)
    with pytest.raises(FormatError, match="pages.safetensors"):
        restore(fresh, folder, "m")
    pages.unlink()
    with pytest.raises(FormatError, match="pages.safetensors"):
        restore(fresh, folder, "m")
    (folder / "tree.json").write_text(json.dumps({"format": 9}))
    save_file_checksums(folder)
    with pytest.raises(FormatError, match="tree.json is no saved cache"):
        restore(fresh, folder, "m")
    assert fresh.pool.free_pages == 9 and len(fresh) == 0


def save_file_checksums(folder):
    (folder / files.CHECKSUMS).unlink()
    files.write_checksums(folder)


def test_pages_that_make_room_while_they_are_copied_are_left_out_with_all_that_follow(tmp_path, read, monkeypatch):
    """A page a piece; after some of the pieces another text takes the pages of the oldest leaves."""
    monkeypatch.setattr(saved, "COPY_BYTES", 1)
    for quiet in range(9):
        cache = filled(PagePool(**SIZES), read)
        before = {name: array.clone() for name, array in cache.pool.arrays.items()}
        pages = {tuple(text): cache.find(text) for text in TEXTS}
        left = [quiet]

        def between(action, cache=cache, left=left):
            if left[0] == 0 and (row := cache.pool.open()) is not None:
                assert cache.allocate(row, 20), "five pages, of which one was free"
                for array in cache.pool.arrays.values():
                    array[:, cache.pool.pages_of(row)] = -1
            left[0] -= 1
            return action()

        copy = saved.copied(cache, saved.in_order(cache), between)
        assert len(copy.names) == len(copy.blocks) == copy.arrays["keys"].shape[1] >= 3
        saved.write(copy, tmp_path / str(quiet), "m")
        other = PrefixCache(PagePool(**SIZES))
        assert restore(other, tmp_path / str(quiet), "m") == len(copy.names), "none without the one that it follows"
        for text in TEXTS:
            found = other.find(text)
            for name, array in other.pool.arrays.items():
                assert torch.equal(array[:, found], before[name][:, pages[tuple(text)][: len(found)]])


def test_only_texts_of_one_salt(tmp_path, read):
    cache = filled(PagePool(**SIZES), read)
    assert len(saved.in_order(cache, "adapter")) == 1 and len(saved.in_order(cache, "")) == 6
    save(cache, tmp_path / "cache", "m")
    other = PrefixCache(PagePool(**SIZES))
    assert restore(other, tmp_path / "cache", "m", salt="adapter") == 1
    assert len(other.find([9] * 5, "adapter")) == 1 and not other.find(TEXTS[0])


def test_what_is_no_saved_cache_is_not_replaced_and_nobody_else_may_read_one(tmp_path, read):
    cache = filled(PagePool(**SIZES), read)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").write_text("mine")
    with pytest.raises(InputError, match="would be lost"):
        save(cache, tmp_path / "mine", "m")
    assert (tmp_path / "mine" / "notes").read_text() == "mine"
    save(cache, tmp_path / "cache", "m")
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="not there"):
        restore(PrefixCache(PagePool(**SIZES)), tmp_path / "none" / "at all", "m")


def test_a_model_is_known_by_its_weights(family):
    one, other = family("llama"), family("llama")
    assert fingerprint(one) == fingerprint(other)
    with torch.no_grad():
        other.model.norm.weight[0] += 1e-6
    assert fingerprint(one) != fingerprint(other)


SAVING = """
import sys, torch
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import PrefixCache, Block, block_hash, root
from groundup.inference.cache.saved import save
cache = PrefixCache(PagePool(2, 2, 64, pages=64, rows=1))
before = root("")
for number in range(64):
    tokens = (number,) * 32
    cache.add(block_hash(before, tokens), Block(tokens, before, cache.pool.take()))
    before = block_hash(before, tokens)
while True:
    cache.pool.keys += 1
    save(cache, sys.argv[1], "m")
    print("saved", flush=True)
"""


@pytest.mark.parametrize(
    "delays", [(0.004,), pytest.param((0.0, 0.001, 0.002, 0.006, 0.011, 0.023), marks=pytest.mark.slow)]
)
def test_a_kill_during_the_save_leaves_a_folder_that_can_be_read(tmp_path, delays):
    folder = tmp_path / "cache"
    for delay in delays:
        child = subprocess.Popen([sys.executable, "-c", SAVING, str(folder)], stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"saved\n"
        time.sleep(delay)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()
        again = PrefixCache(PagePool(2, 2, 64, pages=64, rows=1))
        assert restore(again, folder, "m") == 64
        kept = again.pool.keys
        assert kept.min() == kept.max() >= 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["cache"]
