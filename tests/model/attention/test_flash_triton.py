"""The Triton kernels against the definition: in Triton's interpreter where there is no GPU, compiled where there is one.

One set of cases for both. That a kernel compiles, and bf16, only a GPU can show.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from groundup.errors import InputError, MissingExtra
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import repeat_heads, scaled_dot_product_attention

if importlib.util.find_spec("triton") is None:
    pytest.skip("needs triton, of the extra `kernels`", allow_module_level=True)
GPU = torch.cuda.is_available()
INTERPRETED = not GPU and os.environ.get("TRITON_INTERPRET") == "1"
no_gpu = pytest.mark.skipif(not GPU, reason="needs a CUDA device")
here = pytest.mark.skipif(not (GPU or INTERPRETED), reason="runs in a process of its own, or on a GPU")


@pytest.mark.skipif(GPU or INTERPRETED, reason="the kernels run in this process")
def test_the_kernels_hold_in_tritons_interpreter():
    """All of this file once more, in a process that interprets: Triton decides that when it is first imported."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert run.returncode == 0, run.stdout[-3000:]
    assert " passed" in run.stdout


@pytest.fixture
def kernels():
    """The kernels' file."""
    return importlib.import_module("groundup.model.attention.flash_triton")


def case(queries, keys, kv_heads=2, head_dim=8, value_dim=8, dtype=torch.float32):
    generator = torch.Generator().manual_seed(queries + keys)
    sizes = ((4, queries, head_dim), (kv_heads, keys, head_dim), (kv_heads, keys, value_dim), (4, queries, value_dim))
    made = [torch.randn(1 + (kv_heads > 1), *size, generator=generator, dtype=torch.float64) for size in sizes]
    return [one.to("cuda" if GPU else "cpu", dtype) for one in made]


def with_gradients(attention, given, **how):
    *leaves, push = given
    leaves = [one.clone().requires_grad_() for one in leaves]
    result = attention(*leaves, **how)
    return [result.detach(), *torch.autograd.grad(result, leaves, push)]


def definition(query, key, value, mask=None, causal=False, scale=None):
    groups, ahead = query.shape[1] // key.shape[1], masks.causal(query.shape[2], key.shape[2], query.device)
    if causal:
        mask = ahead if mask is None else mask & ahead
    if scale is not None:
        query = query * scale * query.shape[-1] ** 0.5
    return scaled_dot_product_attention(query, repeat_heads(key, groups), repeat_heads(value, groups), mask)


def apart(kernels, given, **how):
    """The largest difference of result and gradients from the definition in float64, over its largest number."""
    ours = with_gradients(kernels.flash_attention, given, blocks=(16, 16), **how)
    truth = with_gradients(definition, [one.double() for one in given], **how)
    assert all(one.dtype == given[0].dtype for one in ours)
    return max(
        ((a.double() - b).abs().max() / b.abs().max().clamp(min=1)).item() for a, b in zip(ours, truth, strict=True)
    )


CASES = [
    dict(queries=17, keys=17, causal=True, mask="left padding"),
    dict(queries=5, keys=33, causal=True, kv_heads=1),
    dict(queries=18, keys=5, causal=True),
    dict(queries=9, keys=18, kv_heads=4, head_dim=20, value_dim=6, mask="random", scale=0.2),
]


def split(case_):
    """The sizes, and how to attend."""
    how = {name: case_[name] for name in ("causal", "scale") if name in case_}
    keys, queries, device = case_["keys"], case_["queries"], "cuda" if GPU else "cpu"
    if case_.get("mask") == "left padding":
        how["mask"] = (torch.arange(keys) >= torch.tensor([[0], [keys // 2]]))[:, None, None].to(device)
    if case_.get("mask") == "random":
        made = torch.rand(2, 4, queries, keys, generator=torch.Generator().manual_seed(1)) > 0.5
        how["mask"] = made.to(device)
    return {name: case_[name] for name in case_ if name not in ("causal", "mask", "scale")}, how


@here
@pytest.mark.parametrize("case_", CASES, ids=str)
def test_the_kernels_equal_the_definition_to_1e_10(kernels, case_):
    sizes, how = split(case_)
    assert apart(kernels, case(**sizes, dtype=torch.float64), **how) < 1e-10


@here
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.float16, 2**-9)])
def test_in_shorter_numbers_they_round_as_those_do(kernels, dtype, tolerance):
    assert apart(kernels, case(20, 20, dtype=dtype), causal=True) < tolerance


@pytest.mark.skipif(not INTERPRETED, reason="a limit of the interpreter")
def test_the_interpreter_is_not_asked_for_bf16(kernels):
    with pytest.raises(InputError, match="give float32 or float16"):
        kernels.flash_attention(*case(4, 4, dtype=torch.bfloat16)[:3])


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="an interpreted kernel is not compiled")
@pytest.mark.parametrize("name", ["_forward", "_backward_query", "_backward_key_value"])
def test_every_kernel_compiles_for_a_card_that_is_not_here(kernels, name):
    """For the A100 (compute capability 8.0), within its 163 kB of memory a core."""
    from triton import compile, language
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(kernels, name)
    of_16_bits = torch.zeros(1, 2, 8, 64, dtype=torch.bfloat16)
    constants = kernels._constants(of_16_bits, of_16_bits, of_16_bits, True, None, kernels.BLOCKS[2])
    kinds = {"mask": "*i1", "log_sum_exp": "*fp32", "row_dot": "*fp32"}
    numbers = "heads groups queries keys head_dim value_dim by_batch by_head by_row by_column".split()
    signature = {
        one: "constexpr" if one in constants else kinds.get(one, "i32" if one in numbers else "*bf16")
        for one in kernel.arg_names
    }
    made = compile(ASTSource(kernel, signature, constexprs=constants), target=GPUTarget("cuda", 80, 32))
    assert constants["WIDE"] == language.float32
    assert "mma.sync" in made.asm["ptx"], "the products run on tensor cores"
    assert made.metadata.shared < 163_000


@pytest.mark.skipif(GPU or INTERPRETED, reason="needs a processor and compiled kernels")
def test_without_gpu_and_interpreter_the_way_out_is_said(kernels):
    with pytest.raises(InputError, match="set TRITON_INTERPRET=1"):
        kernels.flash_attention(*case(4, 4)[:3])


@pytest.mark.gpu
@no_gpu
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 2**-9), (torch.bfloat16, 2**-6)])  # TF32 has ten bits too
@pytest.mark.parametrize("case_", CASES, ids=str)
def test_the_compiled_kernels_equal_the_definition_forward_and_backward(kernels, case_, dtype, tolerance):
    sizes, how = split(case_)
    assert apart(kernels, case(**sizes, dtype=dtype), **how) < tolerance


@pytest.mark.gpu
@no_gpu
def test_the_compiled_kernels_equal_torchs_at_a_real_size(kernels):
    given = case(1000, 1000, head_dim=64, value_dim=64, dtype=torch.bfloat16)
    torchs = torch.nn.functional.scaled_dot_product_attention
    ours = with_gradients(kernels.flash_attention, given, causal=True)
    oracle = with_gradients(torchs, given, is_causal=True, enable_gqa=True)
    assert all(torch.allclose(a, b, atol=2**-5, rtol=2**-5) for a, b in zip(ours, oracle, strict=True))


def test_without_triton_the_kernels_can_be_read_and_the_way_out_is_said(kernels, monkeypatch):
    monkeypatch.setattr(kernels, "triton", None)
    with pytest.raises(MissingExtra, match="pip install 'groundup\\[kernels\\]'"):
        kernels.flash_attention(*case(4, 4)[:3])


@here
def test_a_query_that_sees_nothing_gives_zero_and_finite_gradients(kernels):
    given = case(17, 17)
    mask = torch.ones(17, 17, dtype=torch.bool, device=given[0].device)
    mask[3] = False
    result, *gradients = with_gradients(kernels.flash_attention, given, mask=mask, blocks=(16, 16))
    assert torch.equal(result[:, :, 3], torch.zeros_like(result[:, :, 3]))
    assert torch.equal(gradients[0][:, :, 3], torch.zeros_like(gradients[0][:, :, 3]))
    assert all(one.isfinite().all() for one in gradients)


@here
def test_a_mask_may_be_a_function_of_places(kernels):
    query, key, value, _ = case(17, 17)
    near = kernels.flash_attention(query, key, value, lambda rows, columns: (rows[:, None] - columns).abs() < 3)
    places = torch.arange(17, device=query.device)
    assert torch.equal(near, kernels.flash_attention(query, key, value, (places[:, None] - places).abs() < 3))


@here
def test_a_tile_that_no_kernel_can_have_is_refused(kernels):
    with pytest.raises(InputError, match="give two powers of 2 from 16 on"):
        kernels.flash_attention(*case(4, 4)[:3], blocks=(16, 24))
