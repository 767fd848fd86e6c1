"""Block formats: the bytes of ggml's own package, the definition by hand, errors bounded by the scale."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from groundup import slots
from groundup.errors import InputError
from groundup.machine.numbers import blocks
from groundup.machine.numbers.blocks import BLOCKS, decode_blocks, encode_blocks, round_half_away

formats = pytest.mark.parametrize("name", BLOCKS)


def weights(*shape, seed=0, scale=1.0):
    return (np.random.default_rng(seed).standard_t(4, size=shape) * scale).astype(np.float32)


def awkward():
    """Blocks of zeros, of one value, of one sign, of ties, of outliers, of the smallest numbers, of -0."""
    made = np.zeros((11, 32), np.float32)
    made[1] = 3.0
    made[2] = -3.0
    made[3] = np.arange(32) - 16
    made[4] = (np.arange(32) - 15.5) / 2
    made[5, 7] = 1e5
    made[6] = 1e-40
    made[7] = weights(32) * 1e-9
    made[8, ::2] = -0.0
    made[9] = np.abs(weights(32))
    made[10, :2] = [-2.0, 2.0]  # both have the largest size
    return made


@formats
@pytest.mark.parametrize(
    "values", [weights(7, 96), weights(2, 3, 64, scale=1e-4), awkward()], ids=["", "small", "awkward"]
)
def test_bytes_and_numbers_are_those_of_ggmls_package(name, values):
    quants = pytest.importorskip("gguf.quants")
    kind = pytest.importorskip("gguf").GGMLQuantizationType[name]
    with np.errstate(all="ignore"):
        theirs = quants.quantize(values, kind)
    ours = encode_blocks(values, name)
    settled = np.abs(values).max(-1) != np.float32(
        1e-40
    )  # 1 / d is infinite there, and their steps are leftovers of NaN
    if name in ("Q4_1", "Q5_1"):  # of 0 and -0 ggml's loop keeps the first as the minimum, its Python package either
        settled &= ~(np.signbit(values) & (values == 0)).any(-1)
    assert np.array_equal(ours[settled], theirs[settled])
    assert np.array_equal(decode_blocks(ours, name)[settled], quants.dequantize(theirs, kind)[settled])
    assert np.abs(decode_blocks(ours, name)[~settled]).sum() < 1e-30


def test_a_q8_0_block_by_hand():
    row = np.zeros(32, np.float32)
    row[:5] = [127, -63.5, 0.5, -0.5, 1.49]  # d = 1; halves go away from zero
    data = encode_blocks(row, "Q8_0")
    assert data[:2].tobytes() == np.float16(1).tobytes()
    assert data[2:7].view(np.int8).tolist() == [127, -64, 1, -1, 1]
    assert decode_blocks(data, "Q8_0")[:5].tolist() == [127, -64, 1, -1, 1]


def test_a_q4_0_block_by_hand():
    row = np.zeros(32, np.float32)
    row[[0, 1, 2, 16]] = [8, -8, 3, -2]  # the first of the largest size is 8: d = -1, and 8 is step -8
    data = encode_blocks(row, "Q4_0")
    assert data[:2].tobytes() == np.float16(-1).tobytes()
    assert (data[2] & 15, data[3] & 15, data[4] & 15, data[2] >> 4) == (0, 15, 5, 10)
    assert decode_blocks(data, "Q4_0")[[0, 1, 2, 16]].tolist() == [8, -7, 3, -2]  # the other end is one step short


def test_a_q4_1_block_by_hand():
    row = np.full(32, 5.0, np.float32)
    row[[0, 1, 31]] = [1, 16, 2.5]  # from 1 to 16: d = 1, m = 1
    data = encode_blocks(row, "Q4_1")
    assert data[:4].view(np.float16).tolist() == [1, 1]
    assert decode_blocks(data, "Q4_1")[[0, 1, 2, 31]].tolist() == [1, 16, 5, 3]


def test_a_q5_0_block_by_hand():
    row = np.zeros(32, np.float32)
    row[[0, 1, 2, 16, 31]] = [16, -16, 3, -2, -9]  # the first of the largest size is 16: d = -1, and 16 is step 0
    data = encode_blocks(row, "Q5_0")
    assert data[:2].tobytes() == np.float16(-1).tobytes()
    fifth = int.from_bytes(data[2:6].tobytes(), "little")  # steps 0, 31, 13, 18, 25, all others 16
    assert fifth == 0xFFFFFFFF - 0b101 and (data[6] & 15, data[7] & 15, data[6] >> 4, data[21] >> 4) == (0, 15, 2, 9)
    assert decode_blocks(data, "Q5_0")[[0, 1, 2, 16, 31]].tolist() == [16, -15, 3, -2, -9]


def test_a_q5_1_block_by_hand():
    row = np.full(32, 5.0, np.float32)
    row[[0, 1, 31]] = [1, 32, 18.5]  # from 1 to 32: d = 1, m = 1
    data = encode_blocks(row, "Q5_1")
    assert data[:4].view(np.float16).tolist() == [1, 1]
    assert int.from_bytes(data[4:8].tobytes(), "little") == (1 << 1) + (1 << 31)
    assert decode_blocks(data, "Q5_1")[[0, 1, 2, 31]].tolist() == [1, 32, 5, 19]


@formats
def test_sizes_are_those_of_the_file_format(name):
    bits = {"Q8_0": 8.5, "Q4_0": 4.5, "Q4_1": 5.0, "Q5_0": 5.5, "Q5_1": 6.0}[name]
    assert BLOCKS[name].bits_per_weight == bits
    assert encode_blocks(weights(3, 2, 64), name).shape == (3, 2, 2 * BLOCKS[name].bytes)


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.float32, (2, 64), elements=some.floats(-1e4, 1e4, width=32)), some.sampled_from(sorted(BLOCKS)))
def test_the_error_is_at_most_what_the_scale_allows(values, name):
    back = decode_blocks(encode_blocks(values, name), name).reshape(-1, 32)
    rows = values.reshape(-1, 32)
    size, width = np.abs(rows).max(1), rows.max(1) - rows.min(1)
    # half a step (a whole one at the short end of Q4_0 and Q5_0), and what storing the scale in FP16 adds
    step = {
        "Q8_0": size / 127 / 2,
        "Q4_0": size / 8,
        "Q4_1": width / 15 / 2,
        "Q5_0": size / 16,
        "Q5_1": width / 31 / 2,
    }[name]
    stored = (
        {"Q8_0": 127, "Q4_0": 8, "Q4_1": 15, "Q5_0": 16, "Q5_1": 31}[name] * (size / 8 * 2**-11 + 2.0**-24)
        + size * 2**-11
        + 2.0**-24
    )
    assert (np.abs(back - rows).max(1) <= step * 1.001 + stored).all()


@formats
def test_encoding_what_was_decoded_gives_the_same_numbers(name):
    once = decode_blocks(encode_blocks(weights(20, 64), name), name)
    again = decode_blocks(encode_blocks(once, name), name)
    assert np.abs(again - once).max() <= 2e-3 * np.abs(once).max()


@formats
def test_zeros_stay_zeros_and_empty_arrays_are_taken(name):
    assert not decode_blocks(encode_blocks(np.zeros((2, 32)), name), name).any()
    assert decode_blocks(encode_blocks(np.zeros((0, 32)), name), name).shape == (0, 32)


def test_halves_are_rounded_away_from_zero_and_nothing_else_is():
    given = np.float32([0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, -0.49999997, 8388609.0])
    assert round_half_away(given).tolist() == [1, -1, 2, 3, -3, 0, 0, 8388609]


@formats
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_with_its_place(name, bad):
    values = weights(3, 64)
    values[2, 40] = bad
    with pytest.raises(
        InputError, match=rf"{bad} at index \[2, 40\] cannot be held by {name}.*store the tensor as F32"
    ):
        encode_blocks(values, name)


@formats
@pytest.mark.parametrize("shape", [(4, 33), (31,), ()])
def test_a_width_that_fills_no_blocks_is_refused(name, shape):
    with pytest.raises(InputError, match="do not fill blocks of 32; store this tensor as F16, or"):
        encode_blocks(np.zeros(shape), name)


@formats
def test_a_scale_that_fp16_cannot_hold_is_refused(name):
    with pytest.raises(InputError, match="FP16 ends at 65504; scale the tensor down, or store it as F32"):
        encode_blocks(np.linspace(-1e8, 1e8, 32), name)


@formats
def test_bytes_of_another_length_or_kind_are_refused(name):
    with pytest.raises(InputError, match=f"no blocks of {name}; give uint8 bytes, {BLOCKS[name].bytes} for each 32"):
        decode_blocks(np.zeros(33, np.uint8), name)
    with pytest.raises(InputError, match="no blocks of"):
        decode_blocks(np.zeros(BLOCKS[name].bytes), name)


def test_an_unknown_format_is_answered_with_those_there_are():
    with pytest.raises(InputError, match="'Q5_K' is not implemented; there are Q8_0, Q4_0, Q4_1"):
        encode_blocks(np.zeros(32), "Q5_K")


def test_a_learners_function_takes_the_place_of_the_compiled_loop(monkeypatch):
    monkeypatch.setattr(blocks, "filled", lambda id: id == "machine.numbers.encode_q8_0")
    called = []
    mine = blocks.BlockFormat(
        "Q8_0", 34, lambda rows: called.append(len(rows)) or np.zeros((len(rows), 34), np.uint8), None
    )
    monkeypatch.setitem(BLOCKS, "Q8_0", mine)
    encode_blocks(weights(2, 64), "Q8_0")
    assert called == [4] and "machine.numbers.encode_q8_0" in slots.known_slots()
