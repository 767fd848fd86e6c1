"""Sixteen rows of a packed matrix times up to eight vectors, and how a vector is prepared for it: loops written for LLVM.

The records are those of `records`. Sixteen rows stand in the sixteen lanes of a register, so that a sum needs no adding up across
lanes, and the weights are read once, in the order in which they lie, for all vectors together.

    f32     sum_k w_k x_k
    bf16    sum_k w_k x_k                                       x rounded to bf16, sums in float32
    q8_0    sum_g d_g e_g (sum_k (q_k + 128) y_k - 128 sum_k y_k)    x_k = e_g y_k in groups of 32, y from -127 to 127; whole numbers inside
    q4_0    the same with 8

Each lane adds in the same order however many vectors there are: a row of a batch has the very numbers that it has alone.
A vector is prepared as   y (n bytes) | e (n / 32 float32) | -128 sum y (n / 32 int32),   as n bf16 words, or as n float32 numbers.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from groundup.inference.compiled.instructions import (
    BYTES64,
    F32,
    FLOATS,
    I8,
    I32,
    INTS,
    LANES,
    WORDS16,
    _address,
    all_lanes,
    call,
    constant,
    dot_bytes,
    dot_words,
    halves,
    load,
    store,
)  # fmt: skip

GROUP = 32
WORD = ir.IntType(64)
RECORD = {
    "float32": 128 * 16,
    "uint16": 64 * 16,
    "int8": 32 + 512,
    "uint8": 32 + 256,
}  # bytes of 16 rows x 32 columns, by the dtype of the array
OFFSET = {"int8": 128, "uint8": 8}  # what was added to a step so that its byte has no sign


@intrinsic
def product(context, records, at, groups, prepared, prepared_at, stride, out, out_at, vectors):
    """out[16 v + lane] = row `lane` times vector v, for a literal number of vectors whose preparations lie `stride` bytes apart."""
    if not isinstance(vectors, types.IntegerLiteral):
        return None
    codec, count = str(records.dtype), vectors.literal_value
    whole = types.int64

    def build(context, builder, signature, arguments):
        weights = builder.bitcast(_address(context, builder, signature, arguments, 0), I8.as_pointer())
        first = _address(context, builder, signature, arguments, 3)
        ready = [builder.gep(first, [builder.mul(arguments[5], WORD(v))]) for v in range(count)]
        sums = [cgutils.alloca_once_value(builder, constant(F32, 0.0)) for _ in range(count)]
        with cgutils.for_range(builder, arguments[2]) as loop:
            record = builder.gep(weights, [builder.mul(loop.index, WORD(RECORD[codec]))])
            group = {"float32": _whole, "uint16": _words}.get(codec, _steps)
            group(builder, codec, record, loop.index, arguments[2], ready, sums)
        target = _address(context, builder, signature, arguments, 6)
        for v, one in enumerate(sums):
            store(builder, builder.load(one), builder.gep(target, [WORD(LANES * v)]))
        return context.get_dummy_value()

    kinds = (records, whole, whole, prepared, whole, whole, out, whole, vectors)
    return types.void(*kinds), build


def _whole(builder: Any, codec: str, record: Any, index: Any, groups: Any, ready: list[Any], sums: list[Any]) -> None:
    """A group of float32 numbers: thirty-two registers of a column."""
    at = builder.mul(index, WORD(4 * GROUP))
    totals = [builder.load(one) for one in sums]
    odd = [constant(F32, 0.0) for _ in sums]  # a second sum, since an addition waits for the one before it
    for column in range(GROUP):
        into = odd if column % 2 else totals
        weights = load(builder, builder.gep(record, [WORD(64 * column)]), FLOATS)
        for v, vector in enumerate(ready):
            x = load(builder, builder.gep(vector, [builder.add(at, WORD(4 * column))]), F32)
            part = builder.fmul(weights, all_lanes(builder, x), flags=("contract",))
            into[v] = builder.fadd(into[v], part, flags=("contract",))
    for total, more, one in zip(totals, odd, sums, strict=True):
        builder.store(builder.fadd(total, more), one)


def _words(builder: Any, codec: str, record: Any, index: Any, groups: Any, ready: list[Any], sums: list[Any]) -> None:
    """A group of bf16 words: sixteen registers of pairs."""
    at = builder.mul(index, WORD(2 * GROUP))
    totals = [builder.load(one) for one in sums]
    for pair in range(GROUP // 2):
        pairs = load(builder, builder.gep(record, [WORD(64 * pair)]), INTS)
        for v, vector in enumerate(ready):
            two = load(builder, builder.gep(vector, [builder.add(at, WORD(4 * pair))]), I32)
            totals[v] = dot_words(builder, totals[v], pairs, two)
    for total, one in zip(totals, sums, strict=True):
        builder.store(total, one)


def _steps(builder: Any, codec: str, record: Any, index: Any, groups: Any, ready: list[Any], sums: list[Any]) -> None:
    """A group of 8- or 4-bit steps: whole numbers, then once the scales."""
    columns = builder.mul(groups, WORD(GROUP))
    at, scale_at = builder.mul(index, WORD(GROUP)), builder.add(columns, builder.mul(index, WORD(4)))
    less_at = builder.add(scale_at, builder.mul(groups, WORD(4)))
    totals = [all_lanes(builder, load(builder, builder.gep(vector, [less_at]), I32)) for vector in ready]
    for column, steps in _registers(builder, codec, record):
        for v, vector in enumerate(ready):
            four = load(builder, builder.gep(vector, [builder.add(at, WORD(column))]), I32)
            totals[v] = dot_bytes(builder, totals[v], steps, four)
    scales = halves(builder, load(builder, record, WORDS16))
    for total, vector, one in zip(totals, ready, sums, strict=True):
        scale = all_lanes(builder, load(builder, builder.gep(vector, [scale_at]), F32))
        part = builder.fmul(builder.sitofp(total, FLOATS), builder.fmul(scales, scale))
        builder.store(builder.fadd(builder.load(one), part, flags=("contract",)), one)


def _registers(builder: Any, codec: str, record: Any) -> Any:
    """The column at which each register of a record begins, with its 16 x 4 steps as bytes."""
    for number in range(8 if codec == "int8" else 4):
        held = load(builder, builder.gep(record, [WORD(32 + 64 * number)]), BYTES64)
        if codec == "int8":
            yield 4 * number, held
            continue
        yield 4 * number, builder.and_(held, constant(I8, 15, 64))
        yield 16 + 4 * number, builder.lshr(held, constant(I8, 4, 64))


# ───────── the vectors ─────────


@intrinsic
def prepare(context, records, numbers, at, groups, prepared, prepared_at):
    """Write groups of 32 numbers as the product with such records reads them."""
    codec = str(records.dtype)
    whole = types.int64

    def build(context, builder, signature, arguments):
        source = _address(context, builder, signature, arguments, 1)
        target = _address(context, builder, signature, arguments, 4)
        with cgutils.for_range(builder, arguments[3]) as loop:
            start = builder.mul(loop.index, WORD(GROUP))
            parts = [
                load(builder, builder.gep(source, [builder.add(start, WORD(more))]), FLOATS) for more in (0, LANES)
            ]
            write = {"float32": _keep_whole, "uint16": _round_words}.get(codec, _round_steps)
            write(builder, codec, parts, target, loop.index, arguments[3])
        return context.get_dummy_value()

    return types.void(records, numbers, whole, whole, prepared, whole), build


def _keep_whole(builder: Any, codec: str, parts: list[Any], target: Any, index: Any, groups: Any) -> None:
    """As they are."""
    for number, part in enumerate(parts):
        place = builder.add(builder.mul(index, WORD(4 * GROUP)), WORD(4 * LANES * number))
        store(builder, part, builder.gep(target, [place]))


def _round_words(builder: Any, codec: str, parts: list[Any], target: Any, index: Any, groups: Any) -> None:
    """To bf16, ties to even."""
    for number, part in enumerate(parts):
        bits = builder.bitcast(part, INTS)
        odd = builder.and_(builder.lshr(bits, constant(I32, 16)), constant(I32, 1))
        rounded = builder.lshr(builder.add(bits, builder.add(odd, constant(I32, 0x7FFF))), constant(I32, 16))
        place = builder.add(builder.mul(index, WORD(2 * GROUP)), WORD(2 * LANES * number))
        store(builder, builder.trunc(rounded, WORDS16), builder.gep(target, [place]))


def _round_steps(builder: Any, codec: str, parts: list[Any], target: Any, index: Any, groups: Any) -> None:
    """To steps of the group's largest size / 127."""
    sizes = [call(builder, "llvm.fabs.v16f32", FLOATS, part) for part in parts]
    larger = builder.select(builder.fcmp_ordered(">", *sizes), *sizes)
    largest = call(builder, "llvm.vector.reduce.fmax.v16f32", F32, larger)
    something = builder.fcmp_ordered(">", largest, F32(0.0))
    inverse = builder.select(something, builder.fdiv(F32(127.0), largest), F32(0.0))
    steps = [
        builder.fptosi(
            call(builder, "llvm.roundeven.v16f32", FLOATS, builder.fmul(part, all_lanes(builder, inverse))), INTS
        )
        for part in parts
    ]
    for number, one in enumerate(steps):
        place = builder.add(builder.mul(index, WORD(GROUP)), WORD(LANES * number))
        store(builder, builder.trunc(one, ir.VectorType(I8, LANES)), builder.gep(target, [place]))
    total = call(builder, "llvm.vector.reduce.add.v16i32", I32, builder.add(*steps))
    columns = builder.mul(groups, WORD(GROUP))
    place = builder.add(columns, builder.mul(index, WORD(4)))
    store(builder, builder.fdiv(largest, F32(127.0)), builder.gep(target, [place]))
    less = builder.mul(total, I32(-OFFSET[codec]))
    store(builder, less, builder.gep(target, [builder.add(place, builder.mul(groups, WORD(4)))]))
