"""Three instructions on rows of float32: a dot product, adding a multiple, and the two-way update that word2vec consists of.

Training word vectors does little but these, on rows of some hundred numbers. Numba's own loop over such a row is vectorised, but its
begin and end for lengths that are no multiple of the vectors' 64 bytes cost as much as its middle: with rows padded to a multiple of
16 numbers and written as operations on 16 at a time, skip-gram makes 1.3 times as many words a second (d = 100, AVX-512). Narrower
processors get the same operations in two or four parts from LLVM. The order of a sum is free, as in any fast dot product.

A row is an array and the place of its first number in it. Nothing checks the bounds.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LANES = 16  # float32 in 64 bytes
_NUMBER, _FLOAT = ir.IntType(64), ir.FloatType()
_VECTOR = ir.VectorType(_FLOAT, LANES)
_FREE = ("reassoc", "contract", "nsz")  # sums in any order, products fused into them; NaN stays NaN


def padded(dimension: int) -> int:
    """The length of a row in memory: the next multiple of 16.

    >>> padded(100), padded(64)
    (112, 64)
    """
    return -(-dimension // LANES) * LANES


def _row(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    """The address of an array's number."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [place])


def _load(builder: Any, row: Any, place: Any) -> Any:
    value = builder.load(builder.bitcast(builder.gep(row, [place]), _VECTOR.as_pointer()))
    value.align = 4
    return value


def _store(builder: Any, value: Any, row: Any, place: Any) -> None:
    builder.store(value, builder.bitcast(builder.gep(row, [place]), _VECTOR.as_pointer())).align = 4


def _plus(builder: Any, sum: Any, a: Any, b: Any) -> Any:
    """sum + a * b."""
    return builder.fadd(sum, builder.fmul(a, b, flags=_FREE), flags=_FREE)


def _all(builder: Any, number: Any) -> Any:
    """A vector of one number."""
    nothing, first = ir.Constant(_VECTOR, ir.Undefined), ir.IntType(32)(0)
    same = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(builder.insert_element(nothing, number, first), nothing, same)


def _places(builder: Any, length: Any) -> Any:
    return cgutils.for_range_slice(builder, _NUMBER(0), length, _NUMBER(LANES), _NUMBER)


@intrinsic
def dot(context, a, a_place, b, b_place, length):  # type: ignore[no-untyped-def]
    """Sum of the products of two rows."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        one = _row(context, builder, signature.args[0], *arguments[:2])
        other = _row(context, builder, signature.args[2], *arguments[2:4])
        sums = cgutils.alloca_once(builder, _VECTOR)
        builder.store(ir.Constant(_VECTOR, None), sums)
        with _places(builder, arguments[4]) as (k, _):
            builder.store(_plus(builder, builder.load(sums), _load(builder, one, k), _load(builder, other, k)), sums)
        kind = ir.FunctionType(_FLOAT, [_FLOAT, _VECTOR])
        add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{LANES}f32")
        return builder.call(add_up, [_FLOAT(0.0), builder.load(sums)], fastmath=_FREE)

    return types.float32(a, types.int64, b, types.int64, types.int64), build


@intrinsic
def add(context, to, to_place, row, place, scale, length):  # type: ignore[no-untyped-def]
    """to += scale * row."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        target = _row(context, builder, signature.args[0], *arguments[:2])
        source = _row(context, builder, signature.args[2], *arguments[2:4])
        factor = _all(builder, arguments[4])
        with _places(builder, arguments[5]) as (k, _):
            _store(builder, _plus(builder, _load(builder, target, k), factor, _load(builder, source, k)), target, k)
        return context.get_dummy_value()

    return types.void(to, types.int64, row, types.int64, types.float32, types.int64), build


@intrinsic
def exchange(context, error, outputs, output, hidden, place, step, length):  # type: ignore[no-untyped-def]
    """error += step * output and output += step * hidden, with the output as it was: one pass over three rows."""

    def build(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        learned = _row(context, builder, signature.args[0], arguments[0], _NUMBER(0))
        target = _row(context, builder, signature.args[1], *arguments[1:3])
        source = _row(context, builder, signature.args[3], *arguments[3:5])
        factor = _all(builder, arguments[5])
        with _places(builder, arguments[6]) as (k, _):
            before = _load(builder, target, k)
            _store(builder, _plus(builder, _load(builder, learned, k), factor, before), learned, k)
            _store(builder, _plus(builder, before, factor, _load(builder, source, k)), target, k)
        return context.get_dummy_value()

    return types.void(error, outputs, types.int64, hidden, types.int64, types.float32, types.int64), build
