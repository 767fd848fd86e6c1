"""The Triton kernels against torch: in Triton's interpreter where there is no GPU, compiled where there is one.

One set of cases for both: odd sizes, strides, -inf, targets that do not count. Sums and products of bf16 that a tl.dot makes, only a GPU can show.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError, MissingExtra

if importlib.util.find_spec("triton") is None:
    pytest.skip("needs triton, of the extra `kernels`", allow_module_level=True)
GPU = torch.cuda.is_available()
INTERPRETED = not GPU and os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cuda" if GPU else "cpu"
on_gpu = pytest.mark.skipif(not GPU, reason="needs a GPU")
here = pytest.mark.skipif(not (GPU or INTERPRETED), reason="runs in a process of its own, or on a GPU")
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 2**-9, torch.bfloat16: 2**-6}
DTYPES = list(TOLERANCE)
FILES = ("vector_add", "softmax", "rms_norm", "cross_entropy", "matmul", "scaled_cast")


@pytest.mark.skipif(GPU or INTERPRETED, reason="the kernels run in this process")
def test_the_kernels_hold_in_tritons_interpreter():
    """All of this file once more, in a process that interprets: Triton decides that when it is first imported."""
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[4])
    assert run.returncode == 0, run.stdout[-3000:]
    assert " passed" in run.stdout


def kernels(name):
    return importlib.import_module(f"groundup.machine.kernels.triton.{name}")


def drawn(*shape, dtype=torch.float32, seed=0):
    made = torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return made.to(DEVICE, dtype)


def with_gradients(function, leaves, push):
    leaves = [one.detach().requires_grad_() for one in leaves]
    result = function(*leaves)
    return [result.detach(), *torch.autograd.grad(result, leaves, push.to(result.dtype))]


def apart(ours, truth):
    """The largest difference over the largest number of the truth, or over 1."""
    return max(
        ((a.double() - b).abs().max() / b.abs().max().clamp(min=1)).item() for a, b in zip(ours, truth, strict=True)
    )


def held(kernel, definition, leaves, push):
    """Result and gradients of a kernel, against the definition in float64 on the same numbers."""
    ours = with_gradients(kernel, leaves, push)
    truth = with_gradients(definition, [one.double() for one in leaves], push.double())
    return ours, apart(ours, truth)


# ───────── vector sum ─────────


@here
@pytest.mark.parametrize("shape", [(1,), (1024,), (3, 700), (0,)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_sum_is_torchs_to_the_bit(shape, dtype):
    left, right = drawn(*shape, dtype=dtype), drawn(*shape, dtype=dtype, seed=1)
    result = kernels("vector_add").add(left, right)
    if dtype == torch.bfloat16 and INTERPRETED:  # which cuts off where a GPU rounds
        torch.testing.assert_close(result, left + right, rtol=2**-7, atol=0)
    else:
        assert torch.equal(result, left + right)


@here
def test_a_transposed_sum_is_torchs():
    left = drawn(5, 7).t()
    assert torch.equal(kernels("vector_add").add(left, left, tile=16), left + left)


# ───────── softmax ─────────


@here
@pytest.mark.parametrize("shape", [(1, 1), (3, 33), (2, 2, 130)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_softmax_and_its_gradient_are_torchs(shape, dtype):
    x = 8 * drawn(*shape, dtype=dtype)
    _, far = held(kernels("softmax").softmax, lambda x: torch.softmax(x, -1), [x], drawn(*shape, dtype=dtype, seed=1))
    assert far < TOLERANCE[dtype]


@here
def test_softmax_reads_rows_of_any_stride_where_they_lie():
    wide = drawn(4, 6, 9)
    for x in (wide[:, 2], wide[:, :, 3].t(), wide[::2, 1, ::3]):
        expected = torch.softmax(x, -1)
        assert not x.is_contiguous()
        torch.testing.assert_close(kernels("softmax").softmax(x), expected)


@here
def test_a_row_of_the_past_alone_and_one_that_sees_nothing():
    x = drawn(2, 5)
    x[0, 3:] = -torch.inf
    x[1] = -torch.inf
    result = kernels("softmax").softmax(x)
    torch.testing.assert_close(result[0], torch.softmax(x[0], -1))
    assert torch.equal(result[1], torch.zeros_like(result[1]))
    assert kernels("softmax").softmax(torch.tensor([[1e4, 1e4 - 1]], device=DEVICE)).isfinite().all()


# ───────── RMSNorm ─────────


@here
@pytest.mark.parametrize("shape", [(1, 1), (7, 48), (2, 3, 65)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_rms_norm_and_both_gradients_are_torchs(shape, dtype):
    x, gain = drawn(*shape, dtype=dtype), drawn(shape[-1], dtype=dtype, seed=1)
    ours, far = held(
        kernels("rms_norm").rms_norm,
        lambda x, gain: functional.rms_norm(x, shape[-1:], gain, 1e-6),
        [x, gain],
        drawn(*shape, dtype=dtype, seed=2),
    )
    assert far < TOLERANCE[dtype]
    assert [one.dtype for one in ours] == [dtype] * 3


@here
def test_rms_norm_rounds_as_the_models_definition_does():
    from groundup.model.layers.norms import rms_norm

    x, gain = drawn(5, 40, dtype=torch.bfloat16 if GPU else torch.float16), drawn(40, seed=1)
    assert torch.equal(kernels("rms_norm").rms_norm(x, gain, 1e-5), rms_norm(x, gain, 1e-5))


@here
def test_a_gain_gathers_the_rows_of_several_programs(monkeypatch):
    monkeypatch.setattr(kernels("rms_norm"), "MOST_SUMS", 3)
    x, gain = drawn(11, 9), drawn(9, seed=1)
    _, far = held(
        kernels("rms_norm").rms_norm, lambda x, g: functional.rms_norm(x, (9,), g, 1e-6), [x, gain], drawn(11, 9)
    )
    assert far < 1e-5


@here
def test_a_row_of_zeros_stays_zero_with_a_finite_gradient():
    result, *gradients = with_gradients(
        kernels("rms_norm").rms_norm, [torch.zeros(2, 6, device=DEVICE), drawn(6)], drawn(2, 6)
    )
    assert not result.any() and all(one.isfinite().all() for one in gradients)


# ───────── cross-entropy ─────────


@here
@pytest.mark.parametrize("vocab, tile", [(1, 16), (50, 16), (129, 64), (7, 4096)])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_cross_entropy_and_its_gradient_are_torchs(vocab, tile, dtype):
    logits = 6 * drawn(5, vocab, dtype=dtype)
    targets = torch.arange(5, device=DEVICE) * 3 % vocab
    targets[1] = -100
    ours, far = held(
        lambda x: kernels("cross_entropy").token_losses(x, targets, tile=tile),
        lambda x: functional.cross_entropy(x, targets, reduction="none"),
        [logits],
        drawn(5, seed=2),
    )
    assert far < TOLERANCE[dtype]
    assert not ours[0][1] and not ours[1][1].any(), "what is ignored costs nothing and moves nothing"


@here
def test_a_tile_that_is_hidden_altogether_changes_nothing():
    logits, targets = drawn(2, 64), torch.tensor([50, 63], device=DEVICE)
    logits[:, :16] = -torch.inf
    logits[:, 20:36] = 900.0
    torch.testing.assert_close(
        kernels("cross_entropy").token_losses(logits, targets, tile=16),
        functional.cross_entropy(logits, targets, reduction="none"),
    )


@here
def test_the_mean_counts_only_what_counts():
    logits, targets = drawn(2, 3, 11), torch.tensor([[1, -100, 3], [-100, -100, 10]], device=DEVICE)
    expected = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(kernels("cross_entropy").cross_entropy(logits, targets), expected)
    assert kernels("cross_entropy").cross_entropy(logits, torch.full_like(targets, -100)).isnan()


# ───────── matrix product ─────────

SIZES = [(1, 1, 1), (16, 32, 16), (33, 20, 18)]


@here
@pytest.mark.parametrize("rows, depth, columns", SIZES)
@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
def test_a_product_and_both_gradients_are_torchs(rows, depth, columns, dtype):
    left, right = drawn(rows, depth, dtype=dtype), drawn(depth, columns, dtype=dtype, seed=1)
    push = drawn(rows, columns, dtype=dtype, seed=2)
    _, far = held(lambda a, b: kernels("matmul").matmul(a, b, (16, 16, 16)), torch.matmul, [left, right], push)
    assert far < TOLERANCE[dtype]


@here
def test_transposed_and_cut_matrices_are_read_where_they_lie():
    left, right = (
        drawn(40, 150).t(),
        drawn(50, 40, seed=1)[5:45, 1::3],
    )  # ten rows of tiles: a band of eight, and the rest
    torch.testing.assert_close(kernels("matmul").matmul(left, right, (16, 16, 16)), left @ right, rtol=1e-5, atol=1e-5)


@on_gpu
def test_on_a_gpu_bf16_and_real_sizes_hold():
    left, right = drawn(1000, 777, dtype=torch.bfloat16), drawn(777, 1030, dtype=torch.bfloat16, seed=1)
    ours = kernels("matmul").matmul(left, right)
    assert apart([ours], [left.double() @ right.double()]) < 2**-6
    logits, targets = drawn(64, 128_000), torch.arange(64, device=DEVICE) * 1999
    loss = kernels("cross_entropy").token_losses(logits, targets)
    torch.testing.assert_close(loss, functional.cross_entropy(logits, targets, reduction="none"))


# ───────── the cast to float8 ─────────


@here
@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_a_matrix_is_cast_and_turned_in_one_pass(dtype):
    """The interpreter cuts ties off, and loses what a rounded fraction carries into the exponent (seen in triton 3.9)."""
    scale = torch.tensor(3 / torch.finfo(dtype).max, device=DEVICE)  # what is larger is held at the largest number
    for x in (drawn(70, 130), drawn(130, 70).t(), drawn(9, 40)[::2, 3:]):
        values, turned = kernels("scaled_cast").cast_both_ways(x, scale, dtype)
        largest = torch.finfo(dtype).max
        expected = (x / scale).clamp(-largest, largest).to(dtype)
        assert torch.equal(turned.float(), values.float().t()) and values.is_contiguous() and turned.is_contiguous()
        wrong = (values.float() != expected.float()).float().mean()
        assert wrong < 0.06 if INTERPRETED else wrong == 0


# ───────── what cannot be computed ─────────


@pytest.mark.skipif(not INTERPRETED, reason="a limit of the interpreter")
def test_the_interpreter_is_not_asked_for_a_bf16_product():
    with pytest.raises(InputError, match="give float32 or float16"):
        kernels("matmul").matmul(drawn(3, 3, dtype=torch.bfloat16), drawn(3, 3, dtype=torch.bfloat16))


@here
def test_inputs_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="give two tensors of one shape and dtype"):
        kernels("vector_add").add(drawn(3), drawn(4))
    with pytest.raises(InputError, match="use torch's, or a kernel that walks over tiles"):
        kernels("softmax").softmax(torch.zeros(1, 65_537, device=DEVICE))
    with pytest.raises(InputError, match="at least one row of one number"):
        kernels("softmax").softmax(torch.zeros(0, 3, device=DEVICE))
    with pytest.raises(InputError, match="give one number a column"):
        kernels("rms_norm").rms_norm(drawn(2, 3), drawn(2))
    with pytest.raises(InputError, match="inner sizes are equal"):
        kernels("matmul").matmul(drawn(2, 3), drawn(2, 3))
    with pytest.raises(InputError, match="give three powers of 2 from 16 on"):
        kernels("matmul").matmul(drawn(3, 3), drawn(3, 3), (16, 24, 16))
    with pytest.raises(InputError, match="give a matrix with at least one number"):
        kernels("scaled_cast").cast_both_ways(drawn(3), torch.ones((), device=DEVICE), torch.float8_e5m2)
    with pytest.raises(InputError, match="compute with floats"):
        kernels("softmax").softmax(torch.ones(2, 2, dtype=torch.int64, device=DEVICE))
    with pytest.raises(InputError, match="give int64 of the shape"):
        kernels("cross_entropy").token_losses(drawn(2, 3), torch.zeros(3, dtype=torch.int64, device=DEVICE))


@pytest.mark.skipif(not INTERPRETED, reason="on a GPU the check would wait for the kernels")
def test_a_target_outside_of_the_vocabulary_is_named():
    with pytest.raises(
        InputError, match="target 7 is outside of the vocabulary of 5; mark what should not count with -100"
    ):
        kernels("cross_entropy").token_losses(drawn(2, 5), torch.tensor([-100, 7]))


@pytest.mark.skipif(GPU or INTERPRETED, reason="needs a processor and compiled kernels")
def test_without_gpu_and_interpreter_the_way_out_is_said():
    with pytest.raises(InputError, match="set TRITON_INTERPRET=1"):
        kernels("softmax").softmax(drawn(2, 2))


def test_without_triton_the_kernels_can_be_read_and_the_way_out_is_said(monkeypatch):
    launch, softmax, matmul = map(kernels, ("launch", "softmax", "matmul"))  # imported while Triton is there
    monkeypatch.setattr(launch, "triton", None)
    for call in (
        lambda: softmax.softmax(drawn(2, 2)),
        lambda: matmul.matmul(drawn(2, 2), drawn(2, 2)),
        lambda: launch.interpreted("print(1)"),
    ):
        with pytest.raises(MissingExtra, match=r"triton is not installed; run: pip install 'groundup\[kernels\]'"):
            call()


@pytest.mark.skipif(GPU or INTERPRETED, reason="asks for a process of its own")
def test_in_a_process_that_has_no_triton_all_files_can_be_read():
    program = (
        "import sys; sys.modules['triton'] = None\n"
        f"from groundup.machine.kernels.triton import {', '.join(FILES)}, dispatch; import torch\n"
        "print(dispatch.fused_rms_norm(torch.ones(1, 2), torch.ones(2)).tolist())\n"
        "softmax.softmax(torch.ones(1, 2))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("[[0.99") and "triton is not installed; run: pip install" in done.stderr


# ───────── a program of its own, and a card that is not here ─────────


@pytest.mark.skipif(GPU or INTERPRETED, reason="asks for a process of its own")
def test_a_program_is_interpreted_beside_a_process_that_compiles():
    said = kernels("launch").interpreted(
        "import torch; from groundup.machine.kernels.triton.softmax import softmax; print(softmax(torch.zeros(1, 4)).tolist())"
    )
    assert said == "[[0.25, 0.25, 0.25, 0.25]]\n"
    with pytest.raises(InputError, match="ZeroDivisionError: division by zero; run it alone"):
        kernels("launch").interpreted("1 / 0")


def kinds_of(kernel, constants):
    """The arguments' types, as the names tell them: tensors in bf16 but for what is kept wide."""
    numbers = (
        "size rows columns depth vocab ignored by_row by_column left_row left_step right_step right_column".split()
    )
    kept = dict.fromkeys("scales gain_sums losses log_sums grads".split(), "*fp32") | {"targets": "*i64", "eps": "fp32"}
    return {
        name: "constexpr" if name in constants else kept.get(name, "i32" if name in numbers else "*bf16")
        for name in kernel.arg_names
    }


KERNELS = [
    ("vector_add", "add_kernel", {"TILE": 1024}),
    ("softmax", "forward_kernel", {"TILE": 1024}),
    ("softmax", "backward_kernel", {"TILE": 1024}),
    ("rms_norm", "forward_kernel", {"TILE": 1024}),
    ("rms_norm", "backward_kernel", {"TILE": 1024}),
    ("cross_entropy", "forward_kernel", {"TILE": 4096}),
    ("cross_entropy", "backward_kernel", {"TILE": 4096}),
    ("matmul", "matmul_kernel", {"ROWS": 64, "COLUMNS": 64, "DEPTH": 32, "GROUP": 8}),
]


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="an interpreted kernel is not compiled")
@pytest.mark.parametrize("file, name, constants", KERNELS, ids=lambda one: str(one)[:20])
def test_every_kernel_compiles_for_a_card_that_is_not_here(file, name, constants):
    """For the A100 (compute capability 8.0), within its 163 kB of memory a core."""
    from triton import compile, language
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = getattr(kernels(file), name)
    constants = constants | {"WIDE": language.float32}
    made = compile(
        ASTSource(kernel, kinds_of(kernel, constants), constexprs=constants), target=GPUTarget("cuda", 80, 32)
    )
    assert made.metadata.shared < 163_000
    assert ("mma.sync" in made.asm["ptx"]) == (file == "matmul"), "products run on tensor cores"


@pytest.mark.slow
@pytest.mark.skipif(INTERPRETED, reason="an interpreted kernel is not compiled")
@pytest.mark.parametrize("short, instruction", [("*fp8e4nv", "e4m3x2"), ("*fp8e5", "e5m2x2")])
def test_the_cast_to_float8_compiles_for_a_card_that_has_it(short, instruction):
    """For Hopper (compute capability 9.0): two numbers an instruction, held within the format."""
    from triton import compile
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    kernel = kernels("scaled_cast").cast_kernel
    constants = {"LARGEST": 448.0, "ROWS": 64, "COLUMNS": 64}
    kinds = {"x": "*bf16", "scale": "*fp32", "values": short, "turned": short}
    signature = {name: "constexpr" if name in constants else kinds.get(name, "i32") for name in kernel.arg_names}
    made = compile(ASTSource(kernel, signature, constexprs=constants), target=GPUTarget("cuda", 90, 32))
    assert f"satfinite.{instruction}" in made.asm["ptx"]
