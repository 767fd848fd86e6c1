"""Weights in one file or several: out and in, and every damage of the index is one sentence."""

import json

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import ConfigError, FormatError
from groundup.model.formats import shards

INDEX = "model.safetensors.index.json"
WEIGHTS = {name: torch.full((size,), float(size)) for name, size in (("a", 10), ("b", 100), ("c", 10), ("d", 10))}


@pytest.fixture
def folder(tmp_path):
    """Four weights in three files: a weight larger than the limit has one of its own."""
    shards.write(tmp_path, WEIGHTS, 100)
    return tmp_path


def index(folder):
    return json.loads((folder / INDEX).read_text())


def test_what_was_written_in_several_files_is_read_back(folder):
    assert sorted(path.name for path in folder.glob("*.safetensors")) == [
        f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)
    ]
    read = shards.read(folder)
    assert read.keys() == WEIGHTS.keys() and all(torch.equal(read[name], WEIGHTS[name]) for name in WEIGHTS)


def test_the_index_names_what_the_files_hold_and_their_bytes(folder):
    """The index named a weight that no file held (pytorch/torchtitan#3764)."""
    held = {name: path.name for path in folder.glob("*.safetensors") for name in safetensors.torch.load_file(path)}
    assert index(folder) == {"metadata": {"total_size": 4 * 130}, "weight_map": held}


def test_weights_that_fit_are_one_file_without_an_index(tmp_path):
    shards.write(tmp_path, WEIGHTS, 4 * 130)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@settings(max_examples=20, deadline=None)
@given(some.lists(some.integers(1, 30), min_size=1, max_size=12), some.integers(1, 200))
def test_no_file_is_larger_than_asked_unless_it_holds_one_weight(sizes, limit):
    weights = {str(number): torch.zeros(size) for number, size in enumerate(sizes)}
    made = shards._shared_out(weights, limit)
    assert [name for shard in made for name in shard] == list(weights)
    assert all(len(shard) == 1 or sum(tensor.nbytes for tensor in shard.values()) <= limit for shard in made)


def test_a_file_is_the_one_that_the_package_writes(tmp_path):
    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    weights = {f"w{number}": torch.arange(3 * number).reshape(3, number).to(kind) for number, kind in enumerate(kinds)}
    weights["ü.scalar"] = torch.tensor(1.5, dtype=torch.float64)
    weights["turned"] = torch.arange(6.0).reshape(2, 3).T
    shards.write(tmp_path, weights)
    read = safetensors.torch.load_file(tmp_path / "model.safetensors")
    assert read.keys() == weights.keys()
    assert all(read[name].dtype == one.dtype and torch.equal(read[name], one) for name, one in weights.items())
    plain = {name: one.contiguous() for name, one in weights.items() if one.dtype == torch.float32}
    shards.write(tmp_path, plain)
    assert (tmp_path / "model.safetensors").read_bytes() == safetensors.torch.save(plain, {"format": "pt"})


def test_a_weight_is_made_when_its_turn_comes_and_must_be_what_was_announced(tmp_path):
    told, made = [], []

    def make(name, size):
        made.append((name, len(told)))
        return torch.full((size,), float(size))

    later = {
        name: shards.Later(torch.float32, (size,), lambda name=name, size=size: make(name, size))
        for name, size in (("b", 4), ("a", 2))
    }
    shards.write(tmp_path, later, told=told.append)
    assert made == [("a", 0), ("b", 1)] and told == [8, 16]
    assert shards.read(tmp_path)["b"].tolist() == [4.0] * 4
    with pytest.raises(ValueError, match=r"x is torch.float32 \(3,\), announced torch.float32 \(2,\)"):
        shards.write(tmp_path, {"x": shards.Later(torch.float32, (2,), lambda: torch.zeros(3))})


def rewrite(folder, **changes):
    (folder / INDEX).write_text(json.dumps(index(folder) | changes))


def remap(folder, **changes):
    rewrite(folder, weight_map=index(folder)["weight_map"] | changes)


FIRST, SECOND = "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"
DAMAGES = {
    "missing shard": (lambda f: (f / SECOND).unlink(), f"has no {SECOND}, which {INDEX} names; "),
    "cut shard": (lambda f: (f / SECOND).write_bytes((f / SECOND).read_bytes()[:-5]), f"{SECOND} is damaged or cut"),
    "absent file": (lambda f: remap(f, x="elsewhere.safetensors"), "has no elsewhere.safetensors, which"),
    "absent weight": (lambda f: remap(f, x=FIRST), f"names x in {FIRST}, which does not hold it; "),
    "moved weight": (lambda f: remap(f, a=SECOND, b=FIRST), f"names nothing of a, which {FIRST} holds; "),
    "unnamed weight": (
        lambda f: safetensors.torch.save_file({"a": WEIGHTS["a"], "y": WEIGHTS["b"]}, f / FIRST),
        f"names nothing of y, which {FIRST} holds; ",
    ),
    "way out of the folder": (
        lambda f: remap(f, x="../secret.safetensors"),
        "'../secret.safetensors' for x, which is no file",
    ),
    "no name": (lambda f: remap(f, x=3), "names 3 for x"),
    "pickle": (
        lambda f: remap(f, x="model.bin"),
        "names model.bin, which is no safetensors file; a pickle is never loaded; ",
    ),
    "no map": (lambda f: rewrite(f, weight_map={}), "has no weight_map"),
    "a list": (lambda f: (f / INDEX).write_text("[]"), "has no weight_map"),
    "no JSON": (lambda f: (f / INDEX).write_text("{"), "is not valid JSON"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_one_sentence_with_the_way_out(folder, damage):
    do, words = DAMAGES[damage]
    do(folder)
    with pytest.raises(FormatError, match=words) as caught:
        shards.read(folder)
    assert "\n" not in str(caught.value)


def test_sizes_are_read_as_people_write_them():
    assert [shards.size_in_bytes(size) for size in ("5GB", "2 kib", "30", 7)] == [5 * 10**9, 2048, 30, 7]


@pytest.mark.parametrize("size", ["big", "0", "-3", "5 XB", "1.5GB", 0])
def test_what_is_no_size_is_refused_with_an_example(size):
    with pytest.raises(ConfigError, match="is not a size; write a number of bytes, or such as 5GB"):
        shards.size_in_bytes(size)
