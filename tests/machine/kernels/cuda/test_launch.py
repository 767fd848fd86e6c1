"""A grid is started beside compiled loops, in the simulator or on a GPU; what a thread owns; what no card can start."""

import os
import subprocess
import sys

import numpy as np
import pytest

from groundup.errors import InputError, MissingExtra
from groundup.machine.kernels.cuda import launch
from groundup.machine.kernels.cuda.grid import elements_of_thread
from groundup.machine.kernels.cuda.launch import cuda, kernel

needs_cuda = pytest.mark.skipif(cuda is None, reason="needs numba-cuda, of the extra `kernels`")


@kernel
def places(result):
    place = cuda.grid(1)
    if place < result.size:
        result[place] = place


@kernel
def owners(result):
    for place in range(cuda.grid(1), result.size, cuda.gridsize(1)):
        result[place] = cuda.grid(1)


@needs_cuda
def test_a_grid_runs_in_a_process_that_compiles_loops_before_and_after():
    from numba import njit

    before, after = njit(lambda x: x + 1), njit(lambda x: x + 2)
    result = np.zeros(10, np.int64)
    assert before(1) == 2
    places[2, 8](result)
    assert after(1) == 3
    assert result.tolist() == list(range(10))


@needs_cuda
def test_it_runs_as_well_where_the_variable_of_numba_chose_the_simulator():
    program = (
        "import numpy as np; from groundup.machine.kernels.cuda.threads import add; from numba import njit;"
        "print(add(np.arange(3.0), np.ones(3)), njit(lambda x: x + 1)(1))"
    )
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["[1.", "2.", "3.]", "2"], done.stderr


@needs_cuda
def test_what_is_not_written_may_be_read_only():
    result, fixed = np.zeros(3), np.arange(3.0)
    fixed.flags.writeable = False

    from groundup.machine.kernels.cuda.threads import vector_add

    vector_add[1, 4](fixed, fixed, result)
    assert result.tolist() == [0, 2, 4]


@needs_cuda
def test_the_places_of_a_thread_are_those_that_the_grid_gives_it():
    result = np.zeros(23, np.int64)
    owners[2, 4](result)
    for block in range(2):
        for thread in range(4):
            mine = np.flatnonzero(result == block * 4 + thread).tolist()
            assert mine == elements_of_thread(block, thread, 2, 4, 23)


@pytest.mark.parametrize(
    "blocks, threads, sentence",
    [
        (0, 32, "give one to three whole numbers above 0"),
        (1, (8, -1), "give one to three whole numbers above 0"),
        (1, 2.0, "give one to three whole numbers above 0"),
        (1, (64, 32), "a card takes at most 1024"),
    ],
)
@needs_cuda
def test_a_grid_that_no_card_can_start_is_refused(blocks, threads, sentence):
    with pytest.raises(InputError, match=sentence):
        places[blocks, threads](np.zeros(1))


@needs_cuda
@pytest.mark.skipif(launch.on_gpu(), reason="a limit of the simulator")
def test_a_grid_that_the_simulator_would_not_end_is_refused():
    with pytest.raises(InputError, match="use a GPU, or a grid of at most"):
        places[1000, 1024](np.zeros(1))


def test_without_numba_cuda_the_way_out_is_said(monkeypatch):
    monkeypatch.setattr(launch, "cuda", None)
    with pytest.raises(MissingExtra, match=r"numba-cuda is not installed; run: pip install 'groundup\[kernels\]'"):
        places[1, 1](np.zeros(1))


ARRAYS = {  # the kernels and what they are given: letters of numpy's kinds, with a 2 for a matrix
    "threads": {"vector_add": "f f f", "scaled_add": "f! f f f", "hide_future": "f2 f2"},
    "shared": {"block_sums": "f f", "row_softmax": "f2 f2", "tile_product": "f2 f2 f2"},
    "atomics": {"racing_count": "i", "atomic_count": "i", "byte_histogram": "B i"},
}
COMPILED = [(file, name, kinds) for file, kernels in ARRAYS.items() for name, kinds in kernels.items()]


@pytest.mark.slow
@needs_cuda
@pytest.mark.parametrize("file, name, kinds", COMPILED)
def test_every_kernel_compiles_for_a_card_that_is_not_here(file, name, kinds):
    """For the A100 (compute capability 8.0); needs NVIDIA's compiler, which comes as nvidia-nvvm and nvidia-cuda-nvrtc."""
    import importlib

    from numba import types

    numbers = {"f": types.float32, "i": types.int32, "B": types.uint8}
    signature = tuple(
        numbers[kind[0]] if kind.endswith("!") else types.Array(numbers[kind[0]], 2 if kind.endswith("2") else 1, "C")
        for kind in kinds.split()
    )
    module = importlib.import_module(f"groundup.machine.kernels.cuda.{file}")
    try:
        ptx, _ = cuda.compile_ptx(getattr(module, name).function, signature, cc=(8, 0))
    except Exception as error:
        if "NotFound" in type(error).__name__ or "CudaSupport" in type(error).__name__:
            pytest.skip(
                "NVIDIA's compiler is not installed, or needs a driver: numba's own does, numba-cuda's does not"
            )
        raise
    assert ".target sm_80" in ptx
