"""Packed matrices times vectors: the numbers of the dequantised matrix, alone and together, with and without the processor's own products."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.inference.compiled import instructions
from groundup.inference.compiled.products import prepare, product
from groundup.inference.compiled.records import CODECS, codec_of, interleave, padded, words
from groundup.machine.numbers.blocks import decode_blocks, encode_blocks

ROUNDED = {"f32": 1e-6, "bf16": 0.006, "q8_0": 0.012, "q4_0": 0.012}  # of vectors; the weights' own rounding is in both


@numba.njit
def times(records, blocks, groups, vectors, prepared, out):
    """Every vector by itself, then the first eight in one pass."""
    size, stride = records.size // blocks, groups * 32 * 4
    for v in range(len(vectors)):
        prepare(records, vectors[v], 0, groups, prepared, v * stride)
    for block in range(blocks):
        for v in range(len(vectors)):
            product(records, block * size, groups, prepared, v * stride, stride, out[0], (v * blocks + block) * 16, 1)
        product(records, block * size, groups, prepared, 0, stride, out[1], block * 128, 8)


def products(codec, matrix, vectors):
    """The rows of `matrix` times eight vectors, both ways: (8, rows) each."""
    rows, columns = padded(len(matrix), 16), padded(matrix.shape[1], 32)
    wide = np.zeros((8, columns), np.float32)
    wide[:, : matrix.shape[1]] = vectors
    out = np.full((2, 8 * rows), np.nan, np.float32)
    times(codec_of(codec).pack(matrix), rows // 16, columns // 32, wide, np.zeros(8 * columns * 4, np.uint8), out)
    together = out[1].reshape(-1, 8, 16).swapaxes(0, 1).reshape(8, -1)
    return out[0].reshape(8, -1)[:, : len(matrix)], together[:, : len(matrix)]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("shape", [(16, 32), (37, 70), (64, 256)], ids=str)
def test_products_are_those_of_the_dequantised_matrix(codec, shape):
    generator = torch.Generator().manual_seed(1)
    matrix, vectors = torch.randn(shape, generator=generator), torch.randn(8, shape[1], generator=generator)
    alone, together = products(codec, matrix, vectors.numpy())
    expected = (vectors @ CODECS[codec].worth(matrix).T).numpy()
    assert np.sqrt(np.mean((alone - expected) ** 2) / np.mean(expected**2)) < ROUNDED[codec]
    np.testing.assert_array_equal(alone, together)  # a row of a batch has the numbers that it has alone


@pytest.mark.parametrize(("codec", "name"), [("q8_0", "Q8_0"), ("q4_0", "Q4_0")])
def test_worth_is_that_of_ggufs_blocks(codec, name):
    matrix = torch.randn(5, 64, generator=torch.Generator().manual_seed(2))
    expected = decode_blocks(encode_blocks(matrix.numpy(), name), name)
    np.testing.assert_array_equal(CODECS[codec].worth(matrix).numpy(), expected)


@pytest.mark.parametrize("codec", ["q8_0", "q4_0"])
def test_whole_numbers_are_exact_at_the_ends(codec):
    """Vectors whose steps are the numbers themselves: no rounding is left, and -127 x 127 times 32 does not overflow."""
    matrix = torch.full((16, 32), -127.0 if codec == "q8_0" else -8.0)
    vectors = np.stack([np.full(32, sign * 127.0, np.float32) for sign in (1, -1)] * 4)
    alone, _ = products(codec, matrix, vectors)
    np.testing.assert_array_equal(alone, np.broadcast_to((vectors @ matrix.numpy().T), (8, 16)))


def test_a_vector_of_zeros_gives_zeros():
    for codec in CODECS:
        assert not products(codec, torch.ones(16, 32), np.zeros((8, 32), np.float32))[0].any()


@settings(max_examples=25, deadline=None)
@given(st.integers(-(10**6), 10**6).map(lambda n: n / 1000.0), st.integers(0, 31))
def test_one_number_is_within_half_a_step(number, place):
    vectors = np.zeros((8, 32), np.float32)
    vectors[:, place] = number
    alone, _ = products("q8_0", torch.eye(16, 32), vectors)
    assert abs(alone[0, place] - number) <= 0.003 * abs(number) if place < 16 else alone[0].max() == 0


def test_interleaved_rows_stand_beside_each_other():
    rows = np.arange(32 * 8).reshape(32, 8)
    made = interleave(rows, 4)
    assert made.shape == (2, 2, 16, 4)
    assert made[1, 1, 3].tolist() == rows[19, 4:].tolist()


def test_words_are_the_upper_halves_of_float32():
    assert words(torch.tensor([1.0, -2.0, 1 + 2**-8, 1 + 3 * 2**-8])).tolist() == [16256, 49152, 16256, 16258]


def test_an_unknown_codec_is_refused():
    with pytest.raises(ConfigError, match="no compiled kernels for 'q5'.* use f32, bf16, q8_0, q4_0"):
        codec_of("q5")


def test_features_are_those_that_numba_compiles_for():
    assert {"sse2", "neon"} & instructions.features() or sys.platform not in ("linux", "darwin")


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["x86-64"])
def test_processors_without_such_products_give_the_same_numbers(cpu, tmp_path):
    """These tests again in a process that compiles for a plain processor: no VNNI, no bf16, no FP16 (x86-64), no AVX (x86-64)."""
    if "sse2" not in instructions.features():
        pytest.skip("no x86 processor")
    features = "+sse2"
    asked = {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    chosen = ("dequantised", "exact", "zeros", "half_a_step")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        __file__,
        "-k",
        " or ".join(chosen),
    ]
    done = subprocess.run(command, env=os.environ | asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
