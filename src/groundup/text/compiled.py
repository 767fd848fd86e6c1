"""How this room's loops are compiled: Numba without the interpreter lock, kept on disk for the next process.

Numba counts references to the arrays that a function is given, two calls an array, which in a loop over bytes costs
more than the loop's own work (splitting text 135 against 330 MB/s). Functions that make no array can be compiled
without.

A file's kernels call only functions of the same file (and the instructions below), because Numba's cache looks at
the time that file was changed and at no other.

Loops on several threads (`together`) are called inside `several_threads()`: Numba's plainest pool ends the process when two threads use it at once.
Its usual one, OpenMP's, lets threads that wait turn in circles for a millisecond, which takes the cores from torch's: beside other work a
loop of 0.3 ms then took 32 ms, and a product of torch's of 45 us behind it 40 ms; with a short wait 0.3 ms and 57 us, and alone all is as before.
(The plainest pool, which sleeps, costs a compiled step of 4.6 ms another millisecond.)
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

WAITS = {"GOMP_SPINCOUNT": "1000"}  # turns before a waiting thread sleeps: a few us
_ONE_AT_A_TIME = threading.Lock()

# Called from Python: `kernel` may make arrays, `loop` may not.
kernel = numba.njit(cache=True, nogil=True)
loop = numba.njit(cache=True, nogil=True, _nrt=False)
# Called from kernels only: without the wrappers for Python and C the first run compiles a fifth faster.
maker = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inner = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


def together(**options: Any) -> Any:
    """Compile a function whose `prange` runs on several threads; it is called inside `several_threads()`."""
    return numba.njit(cache=True, nogil=True, parallel=True, **options)


@contextmanager
def several_threads() -> Iterator[None]:
    """Nobody else runs a loop on several threads meanwhile."""
    with _ONE_AT_A_TIME:
        start_pool()
        yield


@cache
def start_pool() -> int:
    """Start Numba's threads, if they do not run yet, so that they wait a short time only; how many there are.

    Their library reads what it is told when it is loaded; torch has one of its own, which does not hear of this.
    """
    told = {name: value for name, value in WAITS.items() if not os.environ.keys() & {name, "OMP_WAIT_POLICY"}}
    os.environ.update(told)
    try:
        return numba.get_num_threads()
    finally:
        for name in told:
            del os.environ[name]


def array_at(dtype: types.Type, columns: int = 0, readonly: bool = False) -> Any:
    """An instruction for kernels: the array of a dtype that has `length` places (or rows) at an address in memory.

    Handing an array over from Python takes 0.1 us, and a line of text no longer than twenty of them. What stays the same from call
    to call is handed over as one array of addresses; whoever wrote them down keeps those arrays alive.
    """
    kind = types.Array(dtype, 2 if columns else 1, "C", readonly=readonly)

    @intrinsic
    def view(context, address, length):  # type: ignore[no-untyped-def]
        def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            array, size = (
                context.make_array(kind)(context, builder),
                context.get_abi_sizeof(context.get_data_type(dtype)),
            )
            word = cgutils.ir.IntType(64)
            shape = [arguments[1], *([word(columns)] if columns else [])]
            strides = [*([word(size * columns)] if columns else []), word(size)]
            data = builder.inttoptr(arguments[0], context.get_data_type(dtype).as_pointer())
            populate_array(array, data=data, shape=shape, strides=strides, itemsize=word(size), meminfo=None)
            return array._getvalue()

        return kind(types.int64, types.int64), build

    return view


@intrinsic
def word_at(context, data, index):
    """Eight bytes of a uint8 array from any index as one little-endian number; the array must go on for eight bytes."""

    def build(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.gep(array.data, [arguments[1]])
        word = builder.load(builder.bitcast(address, cgutils.ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(data, types.int64), build


@intrinsic
def trailing_zeros(context, word):
    """Number of zero bits below the lowest one of a uint64; 64 for zero."""

    def build(context, builder, signature, arguments):
        return builder.cttz(arguments[0], cgutils.ir.Constant(cgutils.ir.IntType(1), 0))

    return types.uint64(types.uint64), build


@intrinsic
def fetch(context, array, index):
    """Ask for the line of memory that holds an array's element (counted without its shape), which will be read soon."""

    def build(context, builder, signature, arguments):
        ir = cgutils.ir
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [address, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.int64), build
