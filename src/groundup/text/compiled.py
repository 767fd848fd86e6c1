"""How this room's loops are compiled: Numba without the interpreter lock, kept on disk for the next process.

Numba counts references to the arrays that a function is given, two calls an array, which in a loop over bytes costs
more than the loop's own work (splitting text 135 against 330 MB/s). Functions that make no array can be compiled
without.

A file's kernels call only functions of the same file (and the instructions below), because Numba's cache looks at
the time that file was changed and at no other.
"""

from typing import Any

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

# Called from Python: `kernel` may make arrays, `loop` may not.
kernel = numba.njit(cache=True, nogil=True)
loop = numba.njit(cache=True, nogil=True, _nrt=False)
# Called from kernels only: without the wrappers for Python and C the first run compiles a fifth faster.
maker = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inner = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


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
