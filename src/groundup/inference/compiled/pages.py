"""A page of keys against a query, and a page of values mixed by its shares: loops written for LLVM, for heads of 16 numbers times anything.

A score is a sum over a head, and a head is short: 64 numbers are four registers. LLVM's own form of such a loop ends each of them
with a sum across lanes that costs as much as the products, one after the other. Here four keys go through the loop beside each
other. Mixing goes through the keys for 16 columns at a time, which stay in a register.

The processor fetches ahead by itself only within 4 KB, which is one page of one head; so each page asks for the next one (`ahead`).
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from groundup.inference.compiled.instructions import (
    F32,
    FLOATS,
    I8,
    I32,
    INTS,
    LANES,
    WORDS16,
    all_lanes,
    constant,
    load,
    store,
)  # fmt: skip

WORD = ir.IntType(64)
KEYS = 4  # beside each other


def _numbers(builder: Any, kept: Any, base: Any, row: Any, column: Any, width: Any) -> Any:
    """Sixteen kept numbers of a row, from a column on, as float32."""
    place = builder.add(builder.mul(row, width), column)
    if isinstance(kept.dtype, types.Float):
        return load(builder, builder.gep(base, [builder.mul(place, WORD(4))]), FLOATS)
    half = load(builder, builder.gep(base, [builder.mul(place, WORD(2))]), WORDS16)
    return builder.bitcast(builder.shl(builder.zext(half, INTS), constant(I32, 16)), FLOATS)


def _bytes(context: Any, builder: Any, kind: Any, array: Any) -> Any:
    return builder.bitcast(context.make_array(kind)(context, builder, array).data, I8.as_pointer())


def _fetch(builder: Any, base: Any, place: Any) -> None:
    """Ask for a line of memory that will be read soon."""
    address = builder.gep(base, [place])
    kind = ir.FunctionType(ir.VoidType(), [address.type, I32, I32, I32])
    builder.call(
        cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0"), [address, I32(0), I32(3), I32(1)]
    )


def _fetch_rows(builder: Any, kept: Any, base: Any, first: Any, many: int, width: Any) -> None:
    """Ask for some rows of a page."""
    size = WORD(kept.dtype.bitwidth // 8)
    start, end = (builder.mul(builder.mul(row, width), size) for row in (first, builder.add(first, WORD(many))))
    with cgutils.for_range_slice(builder, start, end, WORD(64)) as (place, _):
        _fetch(builder, base, place)


def _fetch_part(builder: Any, base: Any, size: Any, column: Any, width: Any) -> None:
    """Ask for the part of a page's bytes that comes with 16 of its columns, so that all have asked for the whole."""
    start, end = (
        builder.and_(builder.udiv(builder.mul(size, place), width), WORD(-64))
        for place in (column, builder.add(column, WORD(LANES)))
    )
    with cgutils.for_range_slice(builder, start, end, WORD(64)) as (place, _):
        _fetch(builder, base, place)


def _times_plus(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return builder.fadd(builder.fmul(a, b, flags=("contract",)), c, flags=("contract",))


def _in_steps(builder: Any, count: Any, body: Any) -> None:
    """body(first, how many) for KEYS rows at a time, then for those that are left one by one."""
    whole = builder.udiv(count, WORD(KEYS))
    with cgutils.for_range(builder, whole) as loop:
        body(builder.mul(loop.index, WORD(KEYS)), KEYS)
    with cgutils.for_range_slice(builder, builder.mul(whole, WORD(KEYS)), count, WORD(1)) as (row, _):
        body(row, 1)


@intrinsic
def score_page(context, kept, ahead, query, scores, count, scale):
    """scores[i] = scale (key i . query), for the first `count` rows of a page's (page_size, head_dim)."""

    def build(context, builder, signature, arguments):
        base, coming, asked, target = (_bytes(context, builder, signature.args[i], arguments[i]) for i in range(4))
        width = cgutils.unpack_tuple(builder, context.make_array(kept)(context, builder, arguments[0]).shape, 2)[1]

        def keys(first: Any, many: int) -> None:
            _fetch_rows(builder, kept, coming, first, many, width)
            sums = [cgutils.alloca_once_value(builder, constant(F32, 0.0)) for _ in range(many)]
            for one in sums:
                builder.store(constant(F32, 0.0), one)
            with cgutils.for_range_slice(builder, WORD(0), width, WORD(LANES)) as (column, _):
                part = load(builder, builder.gep(asked, [builder.mul(column, WORD(4))]), FLOATS)
                for number, one in enumerate(sums):
                    key = _numbers(builder, kept, base, builder.add(first, WORD(number)), column, width)
                    builder.store(_times_plus(builder, key, part, builder.load(one)), one)
            for number, one in enumerate(sums):
                kind = ir.FunctionType(F32, [F32, FLOATS])
                reduce = cgutils.get_or_insert_function(builder.module, kind, "llvm.vector.reduce.fadd.v16f32")
                total = builder.call(reduce, [F32(0.0), builder.load(one)], fastmath=("reassoc",))
                place = builder.mul(builder.add(first, WORD(number)), WORD(4))
                store(builder, builder.fmul(total, arguments[5]), builder.gep(target, [place]))

        _in_steps(builder, arguments[4], keys)
        return context.get_dummy_value()

    return types.void(kept, ahead, query, scores, types.int64, types.float32), build


@intrinsic
def mix_page(context, kept, ahead, shares, out, count):
    """out += share i * value i, for the first `count` rows of a page's (page_size, head_dim)."""

    def build(context, builder, signature, arguments):
        base, coming, given, target = (_bytes(context, builder, signature.args[i], arguments[i]) for i in range(4))
        width = cgutils.unpack_tuple(builder, context.make_array(kept)(context, builder, arguments[0]).shape, 2)[1]
        size = builder.mul(builder.mul(arguments[4], width), WORD(kept.dtype.bitwidth // 8))
        with cgutils.for_range_slice(builder, WORD(0), width, WORD(LANES)) as (column, _):
            _fetch_part(builder, coming, size, column, width)
            place = builder.gep(target, [builder.mul(column, WORD(4))])
            sums = [cgutils.alloca_once_value(builder, constant(F32, 0.0)) for _ in range(KEYS)]
            for number, one in enumerate(sums):
                builder.store(constant(F32, 0.0) if number else load(builder, place, FLOATS), one)

            def rows(first: Any, many: int) -> None:
                for number in range(many):
                    row = builder.add(first, WORD(number))
                    share = all_lanes(builder, load(builder, builder.gep(given, [builder.mul(row, WORD(4))]), F32))
                    value = _numbers(builder, kept, base, row, column, width)
                    builder.store(_times_plus(builder, value, share, builder.load(sums[number])), sums[number])

            _in_steps(builder, arguments[4], rows)
            total = builder.load(sums[0])
            for one in sums[1:]:
                total = builder.fadd(total, builder.load(one))
            store(builder, total, place)
        return context.get_dummy_value()

    return types.void(kept, ahead, shares, out, types.int64), build
