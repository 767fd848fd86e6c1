"""How this room's loops are compiled: Numba without the interpreter lock, kept on disk for the next process.

Numba counts references to the arrays that a function is given, two calls an array, which in a loop over bytes costs
more than the loop's own work (splitting text 135 against 330 MB/s). Functions that make no array can be compiled
without.

A file's kernels call only functions of the same file (and the two instructions below), because Numba's cache looks at
the time that file was changed and at no other.
"""

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

# Called from Python: `kernel` may make arrays, `loop` may not.
kernel = numba.njit(cache=True, nogil=True)
loop = numba.njit(cache=True, nogil=True, _nrt=False)
# Called from kernels only: without the wrappers for Python and C the first run compiles a fifth faster.
maker = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
inner = numba.njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


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
