"""GGUF files: ggml's own package reads what is written here, what it writes is read, and every damage is one sentence."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.model.formats import gguf
from groundup.model.formats.gguf import KINDS, Outgoing, read, read_value, write, write_value

WRITTEN = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
K_QUANTS = ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K")
METADATA = {
    "general.architecture": "llama",
    "a.text": "Grüße ▁ 🙂",
    "a.true": True,
    "a.count": 7,
    "a.below": -7,
    "a.large": 2**40,
    "a.real": 1e-5,
    **{f"a.{name}": np.dtype(name).type(3) for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64")},
    "a.double": np.float64(0.1),
    "a.texts": ["a", "", "b c"],
    "a.counts": [1, 2, 3],
    "a.reals": np.array([0.5, -1.5], np.float32),
    "a.flags": [True, False],
}  # fmt: skip


def weights(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def tensors(kinds=WRITTEN):
    """One matrix a kind."""
    return {f"{kind}.weight": Outgoing((3, 64), kind, lambda: weights(3, 64)) for kind in kinds}


@pytest.fixture
def file(tmp_path):
    """A small whole file."""
    write(tmp_path / "m.gguf", METADATA, tensors())
    return tmp_path / "m.gguf"


def plain(value):
    return value.tolist() if hasattr(value, "tolist") else value


# ───────── against ggml's package ─────────


def test_ggmls_package_reads_what_is_written(file):
    theirs = pytest.importorskip("gguf")
    reader = theirs.GGUFReader(file)
    for key, value in METADATA.items():
        found = reader.fields[key].contents()
        assert np.allclose(found, value, rtol=1e-6) if isinstance(value, float) else found == plain(value), key
    for kind, tensor in zip(WRITTEN, reader.tensors, strict=True):
        assert (tensor.name, tensor.tensor_type.name, tensor.shape.tolist()) == (f"{kind}.weight", kind, [64, 3])
        assert np.array_equal(
            tensor.data.tobytes(), theirs.quants.quantize(weights(3, 64), tensor.tensor_type).tobytes()
        )


def test_what_ggmls_package_writes_is_read(tmp_path):
    theirs = pytest.importorskip("gguf")
    writer = theirs.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_custom_alignment(64)
    writer.add_array("a.texts", ["x", "▁y"])
    writer.add_array("a.reals", [0.5, 1.5])
    for name in (
        "uint8",
        "int8",
        "uint16",
        "int16",
        "uint32",
        "int32",
        "uint64",
        "int64",
        "float32",
        "float64",
        "bool",
    ):
        getattr(writer, f"add_{name}")(f"a.{name}", True if name == "bool" else 3)
    for kind in WRITTEN:
        number = theirs.GGMLQuantizationType[kind]
        writer.add_tensor(kind, theirs.quants.quantize(weights(3, 64), number), raw_dtype=number)
    writer.add_tensor("I32", np.arange(6, dtype=np.int32).reshape(2, 3))
    for step in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
        getattr(writer, step)()
    found = read(tmp_path / "m.gguf")
    assert found.metadata["a.texts"] == ["x", "▁y"] and found.metadata["a.reals"].tolist() == [0.5, 1.5]
    assert found.metadata["a.bool"] is True and all(
        found.metadata[f"a.{name}"] == 3 for name in ("int8", "uint64", "float64")
    )
    for kind in WRITTEN:
        number = theirs.GGMLQuantizationType[kind]
        expected = theirs.quants.dequantize(theirs.quants.quantize(weights(3, 64), number), number)
        assert np.array_equal(found.tensors[kind].numbers(), expected)
    assert found.tensors["I32"].numbers().tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("kind", K_QUANTS)
def test_k_quants_are_read_as_ggmls_package_reads_them(kind, tmp_path):
    theirs = pytest.importorskip("gguf")
    blocks = np.random.default_rng(0).integers(0, 256, (2, 2 * KINDS[kind].bytes), np.uint8)
    number = theirs.GGMLQuantizationType[kind]
    writer = theirs.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tensor("k", blocks, raw_dtype=number)
    for step in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
        getattr(writer, step)()
    found = read(tmp_path / "m.gguf").tensors["k"]
    assert found.shape == (2, 512)
    with np.errstate(all="ignore"):
        assert np.allclose(found.numbers(), theirs.quants.dequantize(blocks, number), rtol=1e-6, equal_nan=True)


# ───────── by hand ─────────


def test_a_whole_file_by_hand(tmp_path):
    write(tmp_path / "m.gguf", {"a": "hi"}, {"w": Outgoing((1, 2), "F32", lambda: [[1.0, -2.0]])})
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    key = struct.pack("<Q", 1) + b"a" + struct.pack("<IQ", 8, 2) + b"hi"
    info = struct.pack("<Q", 1) + b"w" + struct.pack("<IQQIQ", 2, 2, 1, 0, 0)  # sizes: the row's two numbers first
    start = head + key + info
    expected = start + bytes(-len(start) % 32) + struct.pack("<2f", 1, -2) + bytes(24)
    assert (tmp_path / "m.gguf").read_bytes() == expected


def test_version_2_differs_in_its_number_alone(file, tmp_path):
    write(tmp_path / "two.gguf", METADATA, tensors(), version=2)
    two, three = (tmp_path / "two.gguf").read_bytes(), file.read_bytes()
    assert two[4] == 2 and two[:4] + b"\3" + two[5:] == three
    assert read(tmp_path / "two.gguf").version == 2


def test_metadata_and_numbers_come_back(file):
    found = read(file)
    assert found.version == 3 and list(found.metadata) == list(METADATA)
    for key, value in METADATA.items():
        assert plain(found.metadata[key]) == (pytest.approx(value, rel=1e-6) if key == "a.real" else plain(value)), key
    assert np.array_equal(found.tensors["F32.weight"].numbers(), weights(3, 64))
    for kind, error in {
        "F16": 2e-3,
        "BF16": 2e-2,
        "Q8_0": 2e-2,
        "Q4_0": 0.4,
        "Q4_1": 0.3,
        "Q5_0": 0.2,
        "Q5_1": 0.15,
    }.items():
        assert 0 < np.abs(found.tensors[f"{kind}.weight"].numbers() - weights(3, 64)).max() < error


VALUES = some.one_of(
    some.text(max_size=5),
    some.booleans(),
    some.integers(-(2**63), 2**63 - 1),
    some.floats(width=32, allow_nan=False),
    some.lists(some.text(max_size=3), max_size=4),
    some.lists(some.integers(0, 2**32 - 1), min_size=1, max_size=4),
    some.lists(some.lists(some.text(max_size=2), min_size=1, max_size=2), min_size=1, max_size=3),
)


@given(VALUES)
@settings(max_examples=200, deadline=None)
def test_a_value_that_was_written_is_read_to_its_last_byte(value):
    kind, data = write_value(value)
    found, end = read_value(b"xy" + data + b"zz", 2, kind)
    assert end == 2 + len(data) and plain(found) == value
    assert type(found) is type(value) or isinstance(value, list)


def test_a_head_that_is_longer_than_what_is_read_at_first_is_read_whole(file, monkeypatch):
    whole = read(file)
    monkeypatch.setattr(gguf, "FIRST_BYTES", 9)
    assert list(read(file).metadata) == list(whole.metadata) and read(file).tensors.keys() == whole.tensors.keys()


def test_plain_numbers_are_not_copied_and_the_file_stays_as_it_is(file):
    before, stored = file.read_bytes(), read(file).tensors["F32.weight"]
    numbers = stored.numbers()
    assert np.shares_memory(numbers, stored.data)
    numbers[:] = 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_every_tensor_stands_at_a_multiple_of_the_alignment(alignment, tmp_path):
    write(tmp_path / "m.gguf", {"general.alignment": alignment}, tensors(("Q4_0", "Q8_0", "F32")))
    whole = np.memmap(tmp_path / "m.gguf", np.uint8, "r")
    for stored in read(tmp_path / "m.gguf").tensors.values():
        place = bytes(whole).index(bytes(stored.data))
        assert place % alignment == 0


# ───────── bad input ─────────


def test_a_file_that_was_cut_short_at_any_byte_says_so(file, tmp_path):
    data = file.read_bytes()
    end = len(data) - 1  # the last tensor's zeros may go
    for length in [*range(4, 1100, 7), len(data) // 2, end - 40]:
        (tmp_path / "cut.gguf").write_bytes(data[:length])
        with pytest.raises(FormatError, match=r"cut short; copy or download it again"):
            read(tmp_path / "cut.gguf")


@pytest.mark.parametrize(
    "version, words",
    [(1, "is of GGUF version 1; versions 2 and 3"), (4, "version 4"), (0x03000000, r"is big-endian \(version 3\)")],
)
def test_another_version_is_named(file, version, words):
    data = bytearray(file.read_bytes())
    data[4:8] = struct.pack("<I", version)
    file.write_bytes(data)
    with pytest.raises(UnsupportedModel, match=words):
        read(file)


@pytest.mark.parametrize("number, name", [(9, "Q8_1"), (20, "IQ4_NL"), (99, "number 99")])
def test_a_block_kind_that_is_not_implemented_is_named(number, name, tmp_path):
    write(tmp_path / "m.gguf", {}, {"w": Outgoing((2, 32), "F32", lambda: np.zeros((2, 32)))})
    data = (tmp_path / "m.gguf").read_bytes()
    info = struct.pack("<IQQ", 2, 32, 2)
    (tmp_path / "m.gguf").write_bytes(data.replace(info + struct.pack("<I", 0), info + struct.pack("<I", number)))
    with pytest.raises(
        UnsupportedModel, match=f"w is stored as {name}, which is not implemented; take a file .* in F16"
    ):
        read(tmp_path / "m.gguf")


def hand_made(path, keys=b"", count=0, infos=b"", tensors=0):
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, tensors, count) + keys + infos)
    return path


def text(value):
    return struct.pack("<Q", len(value)) + value


@pytest.mark.parametrize(
    "keys, count, words",
    [
        (text(b"a") + struct.pack("<I", 13), 1, "the key a is of kind 13, which GGUF does not have"),
        (2 * (text(b"a") + struct.pack("<IB", 7, 1)), 2, "the key a stands there twice"),
        (text(b"\xff"), 1, "the name of key 1 of 1 is no UTF-8"),
        (text(b"a") + struct.pack("<IIQ", 9, 8, 2**60), 1, "ends inside the key a"),
        (text(b"a") + struct.pack("<IIQ", 9, 0, 2**60), 1, "ends inside the key a"),
        (text(b"a") + struct.pack("<I", 9) + 20_000 * struct.pack("<IQ", 9, 1), 1, "ends inside the key a"),
        (text(b"general.alignment") + struct.pack("<II", 4, 5), 1, "general.alignment=5 is no multiple of 8"),
        (text(b"general.alignment") + struct.pack("<II", 4, 0), 1, "general.alignment=0"),
    ],
)
def test_damaged_metadata_is_one_sentence(keys, count, words, tmp_path):
    with pytest.raises(FormatError, match=words):
        read(hand_made(tmp_path / "m.gguf", keys, count))


@pytest.mark.parametrize(
    "infos, count, words",
    [
        (text(b"w") + struct.pack("<I", 7), 1, "w has 7 dimensions"),
        (text(b"w") + struct.pack("<IQIQ", 1, 4, 0, 2**62), 1, "w reaches to .*cut short"),
        (text(b"w") + struct.pack("<IQIQ", 1, 2**62, 0, 0), 1, "w reaches to .*cut short"),
        (text(b"w") + struct.pack("<IQIQ", 1, 33, 8, 0), 1, "w: rows of 33 do not fill blocks of 32"),
        (2 * (text(b"w") + struct.pack("<IQIQ", 1, 0, 0, 0)), 2, "the tensor w stands there twice"),
    ],
)
def test_damaged_tensors_are_one_sentence(infos, count, words, tmp_path):
    path = hand_made(tmp_path / "m.gguf", infos=infos, tensors=count)
    path.write_bytes(path.read_bytes() + bytes(64))
    with pytest.raises(FormatError, match=words):
        read(path)


def test_what_is_no_gguf_file_is_named(tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"PK\3\4")
    with pytest.raises(InputError, match=r"begins with b'PK.*pass a .gguf file"):
        read(tmp_path / "m.gguf")
    with pytest.raises(InputError, match="there is no file .*; check the path"):
        read(tmp_path / "none.gguf")


@pytest.mark.parametrize("value", [None, {"a": 1}, [1, "a"], [True, 2], 2**64, np.float16(1), ["a", 1]])
def test_metadata_that_gguf_cannot_hold_is_refused(value):
    with pytest.raises(InputError, match="metadata"):
        write_value(value)


def test_what_a_kind_cannot_hold_is_refused_and_leaves_no_file(tmp_path):
    large, nan = np.full((1, 32), 1e6, np.float32), np.full((1, 32), np.nan, np.float32)
    for kind, values, words in [
        ("F16", large, "too large for F16"),
        ("Q8_0", nan, "nan at index"),
        ("Q4_K", large, "only read"),
    ]:
        with pytest.raises((InputError, UnsupportedModel), match=words):
            write(
                tmp_path / "m.gguf",
                {},
                {"w": Outgoing((1, 256 if kind == "Q4_K" else 32), kind, lambda values=values: values)},
            )
    assert not list(tmp_path.iterdir())


def test_the_numbers_of_kinds_are_ggmls():
    theirs = pytest.importorskip("gguf")
    for name, kind in KINDS.items():
        number = theirs.GGMLQuantizationType[name]
        assert (kind.number, (kind.block, kind.bytes)) == (number.value, theirs.GGML_QUANT_SIZES[number])
    for number, name in gguf.NOT_READ.items():
        assert theirs.GGMLQuantizationType(number).name == name
