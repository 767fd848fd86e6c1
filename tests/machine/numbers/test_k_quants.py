"""K-quants: any bytes are the numbers that ggml's own package reads."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.machine.numbers.k_quants import BYTES, decode_k_blocks

formats = pytest.mark.parametrize("name", BYTES)


@formats
def test_any_bytes_are_the_numbers_that_ggmls_package_reads(name):
    quants = pytest.importorskip("gguf.quants")
    data = np.random.default_rng(0).integers(0, 256, (64, 3 * BYTES[name]), np.uint8)
    with np.errstate(all="ignore"):
        theirs = quants.dequantize(data, pytest.importorskip("gguf").GGMLQuantizationType[name])
        ours = decode_k_blocks(data, name)
    assert ours.shape == theirs.shape == (64, 3 * 256)
    assert np.array_equal(ours, theirs, equal_nan=True)


def test_a_q4_k_block_by_hand():
    data = np.zeros(144, np.uint8)
    data[0:4] = np.float16([2, 1]).view(np.uint8)  # d = 2, m = 1
    data[4] = 3 | 1 << 6  # scale 0 is 3; the upper bits of scale 4 are 01
    data[8] = 5  # minimum 0 is 5
    data[12] = 2 | 7 << 4  # scale 4 is 01 0010 = 18; minimum 4 is 7
    data[16] = 9 | 4 << 4  # number 0 of run 0 is step 9, of run 1 step 4
    numbers = decode_k_blocks(data, "Q4_K")
    assert numbers[0] == 2 * 3 * 9 - 5 and numbers[1] == -5  # run 0
    assert numbers[32] == 0  # run 1 has the scale 0
    data[16 + 64] = 1
    assert decode_k_blocks(data, "Q4_K")[128] == 2 * 18 * 1 - 7  # run 4


def test_a_q6_k_block_by_hand():
    data = np.zeros(210, np.uint8)
    data[208:] = np.float16([0.5]).view(np.uint8)
    data[192] = np.int8(-4).view(np.uint8)  # the scale of the first sixteen
    data[0], data[128] = 3, 2  # number 0: 10 0011 = 35
    assert decode_k_blocks(data, "Q6_K")[:2].tolist() == [0.5 * -4 * (35 - 32), 0.5 * -4 * -32]


@formats
def test_bytes_of_another_length_or_kind_are_refused(name):
    with pytest.raises(InputError, match=f"no blocks of {name}; give uint8 bytes, {BYTES[name]} for each 256 numbers"):
        decode_k_blocks(np.zeros(BYTES[name] + 1, np.uint8), name)
    with pytest.raises(InputError, match="no blocks of"):
        decode_k_blocks(np.zeros(BYTES[name]), name)


def test_a_format_that_cannot_be_read_is_named():
    with pytest.raises(InputError, match="'IQ4_XS' cannot be read; there are Q2_K, Q3_K, Q4_K"):
        decode_k_blocks(np.zeros(136, np.uint8), "IQ4_XS")
