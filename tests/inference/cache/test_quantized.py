"""Codes and scales: what is kept is off by half a step, a text's logits by little, and the kernel reads the codes as torch does."""

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError
from groundup.inference.cache import ragged
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.quantized import QuantizedPool, quantize_vectors

WIDE = dict(hidden_size=64, head_dim=32)


def test_every_vector_has_its_own_scale():
    vectors = np.array([[[1.0, -2.0], [100.0, 50.0], [0.0, 0.0]]], np.float32)
    codes, scales = quantize_vectors(vectors, 8, 2)
    assert codes.tolist() == [[[64, -127], [127, 64], [0, 0]]]  # 63.5 is rounded to the even 64
    np.testing.assert_allclose(scales[0, :, 0], [2 / 127, 100 / 127, 0], rtol=1e-6)


@pytest.mark.parametrize("codec, steps", [("int8", 127), ("int4", 7)])
def test_what_is_kept_is_off_by_half_a_step_at_most(codec, steps):
    pool = QuantizedPool(2, 3, 64, codec=codec, pages=4, rows=1, page_size=4)
    row = pool.open()
    pool.allocate(row, 10)
    keys, values = torch.randn(2, 3, 10, 64) * torch.logspace(-2, 2, 10)[:, None]
    pool.write(1, pool.view([row], [10]).slots, keys, values)
    group = 64 if codec == "int8" else 32
    for given, kept in zip((keys, values), pool.gather(1, row, 10), strict=True):
        largest = given.unflatten(-1, (-1, group)).abs().amax(-1, keepdim=True).expand(-1, -1, -1, group).flatten(-2)
        assert ((given - kept).abs() <= largest / steps * 0.501).all()
        assert (kept - given).norm() < (0.01 if codec == "int8" else 0.11) * given.norm()


def test_bytes_of_a_page_against_bf16():
    sizes = dict(pages=1, rows=1)
    bf16 = PagePool(12, 12, 64, dtype=torch.bfloat16, **sizes).page_bytes
    assert QuantizedPool(12, 12, 64, **sizes).page_bytes / bf16 == 68 / 128
    assert QuantizedPool(12, 12, 64, codec="int4", **sizes).page_bytes / bf16 == 40 / 128


@pytest.mark.parametrize("codec, off", [("int8", 0.05), ("int4", 0.6)])
def test_a_texts_logits_are_off_by_little_though_random_weights_are_sharp(codec, off, family, walk):
    module = family("llama", **WIDE)
    _, _, plain = walk(module, PagePool.of(module, pages=20, rows=3, page_size=4))
    _, _, found = walk(module, QuantizedPool.of(module, pages=20, rows=3, page_size=4, codec=codec))
    for text in plain:
        expected = torch.cat(plain[text])
        assert 0 < (torch.cat(found[text]) - expected).norm() < off * expected.norm()


def test_the_kernel_reads_codes_as_torch_does(monkeypatch, family, walk):
    module = family("qwen3", **WIDE)
    compiled = walk(module, QuantizedPool.of(module, pages=20, rows=3, page_size=4))[2]
    monkeypatch.setattr(ragged, "FEW", 0)
    gathered = walk(module, QuantizedPool.of(module, pages=20, rows=3, page_size=4))[2]
    for text in compiled:
        torch.testing.assert_close(torch.cat(compiled[text]), torch.cat(gathered[text]), rtol=1e-4, atol=1e-4)


def test_a_fork_copies_codes_and_scales_before_it_writes():
    pool = QuantizedPool(1, 1, 4, pages=4, rows=2, page_size=4)
    row = pool.open()
    pool.allocate(row, 2)
    keys = torch.randn(1, 2, 4)
    pool.write(0, pool.view([row], [2]).slots, keys, keys)
    pool.grow(row, 2)
    before, other = pool.gather(0, row, 2)[0], pool.fork(row)
    pool.allocate(other, 1)
    pool.write(0, pool.view([other], [1]).slots, 9 * keys[:, :1], keys[:, :1])
    assert torch.equal(pool.gather(0, row, 2)[0], before) and torch.equal(pool.gather(0, other, 2)[0], before)


def test_what_cannot_be_is_said():
    with pytest.raises(ConfigError, match="'int2'; use int8 or int4"):
        QuantizedPool(1, 1, 32, codec="int2", pages=1, rows=1)
    with pytest.raises(ConfigError, match="heads of 16 numbers.*int8"):
        QuantizedPool(1, 1, 16, codec="int4", pages=1, rows=1)
