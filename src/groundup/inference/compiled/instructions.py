"""Instructions that Numba does not offer: numbers shared by threads, waiting, and products of whole vector registers.

Each is an `@intrinsic`: a few lines of LLVM's own language, which LLVM turns into what the processor has. Sixteen numbers are
one value here; a processor with narrower registers takes two or four. Which products exist is read from the features that Numba
compiles for; without them LLVM gets ordinary multiplications and additions that give the same numbers.

    vpdpbusd    AVX512-VNNI   four bytes without a sign times four with one, added to a sum: 64 products an instruction
    vdpbf16ps   AVX512-BF16   two bf16 numbers times two, added to a float32: 32 products an instruction

Left out: AMX, ARM's dot products (ARM takes the ordinary form).
"""

import sys
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

LANES = 16  # numbers in a register of 512 bits
I8, I16, I32, F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.FloatType()
BYTES64, WORDS16 = ir.VectorType(I8, 64), ir.VectorType(I16, LANES)
INTS, FLOATS = ir.VectorType(I32, LANES), ir.VectorType(F32, LANES)
YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


def features() -> set[str]:
    """What the processor that Numba compiles for can do, by LLVM's names; NUMBA_CPU_NAME and NUMBA_CPU_FEATURES can ask for less."""
    listed = cpu_target.target_context.codegen().magic_tuple()[2]
    return {name[1:] for name in listed.split(",") if name.startswith("+")}


# ───────── waiting ─────────


@intrinsic
def add_shared(context, array, index, number):
    """Add to an int32 that all threads see; the number that was there. What was written before is seen by who reads it after."""

    def build(context, builder, signature, arguments):
        return builder.atomic_rmw("add", _address(context, builder, signature, arguments, 0), arguments[2], "seq_cst")

    return types.int32(array, types.int64, types.int32), build


@intrinsic
def read_shared(context, array, index):
    """Read an int32 that other threads change."""

    def build(context, builder, signature, arguments):
        return builder.load_atomic(_address(context, builder, signature, arguments, 0), "acquire", 4)

    return types.int32(array, types.int64), build


@intrinsic
def pause(context):
    """A moment's rest while waiting for another thread."""

    def build(context, builder, signature, arguments):
        if "sse2" in features():
            name = "llvm.x86.sse2.pause"
            builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), []), name), [])
        return context.get_dummy_value()

    return types.void(), build


let_others_run = types.ExternalFunction(YIELD, types.int32())  # gives this thread's core to one that waits for a core


# ───────── vectors, for who writes LLVM's language ─────────


def _address(context: Any, builder: Any, signature: Any, arguments: Any, which: int) -> Any:
    """Where the element of array number `which` stands whose index is the next argument."""
    array = context.make_array(signature.args[which])(context, builder, arguments[which])
    return builder.gep(array.data, [arguments[which + 1]])


def load(builder: Any, address: Any, kind: Any, align: int = 1) -> Any:
    """A value of any kind at an address."""
    value = builder.load(builder.bitcast(address, kind.as_pointer()))
    value.align = align
    return value


def store(builder: Any, value: Any, address: Any) -> None:
    """Write a value of any kind at an address."""
    builder.store(value, builder.bitcast(address, value.type.as_pointer())).align = 1


def all_lanes(builder: Any, value: Any) -> Any:
    """Sixteen times the same number."""
    kind = ir.VectorType(value.type, LANES)
    first = builder.insert_element(ir.Constant(kind, ir.Undefined), value, I32(0))
    return builder.shuffle_vector(first, ir.Constant(kind, ir.Undefined), ir.Constant(INTS, [0] * LANES))


def constant(kind: Any, number: float, lanes: int = LANES) -> Any:
    """The same constant in every lane."""
    return ir.Constant(ir.VectorType(kind, lanes), [number] * lanes)


def call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call one of LLVM's intrinsics by its name."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def halves(builder: Any, words: Any) -> Any:
    """Sixteen FP16 numbers (as 16-bit words) as float32; by whole-number steps where the processor has no instruction for it."""
    if {"f16c", "avx512f", "neon"} & features():
        return builder.fpext(builder.bitcast(words, ir.VectorType(ir.HalfType(), LANES)), FLOATS)
    wide = builder.zext(words, INTS)
    size = builder.shl(builder.and_(wide, constant(I32, 0x7FFF)), constant(I32, 13))
    scaled = builder.fmul(builder.bitcast(size, FLOATS), constant(F32, 2.0**112))  # the exponents begin elsewhere
    sign = builder.shl(builder.and_(wide, constant(I32, 0x8000)), constant(I32, 16))
    return builder.bitcast(builder.or_(builder.bitcast(scaled, INTS), sign), FLOATS)


def dot_bytes(builder: Any, sums: Any, unsigned: Any, four: Any) -> Any:
    """sums[lane] + the products of a lane's four unsigned bytes with the same four signed ones (an int32) in all lanes."""
    signed = all_lanes(builder, four)
    if "avx512vnni" in features():
        return call(builder, "llvm.x86.avx512.vpdpbusd.512", INTS, sums, builder.bitcast(unsigned, INTS), signed)
    wide = ir.VectorType(I32, 64)
    products = builder.mul(builder.zext(unsigned, wide), builder.sext(builder.bitcast(signed, BYTES64), wide))
    for place in range(4):
        mask = ir.Constant(INTS, [4 * lane + place for lane in range(LANES)])
        sums = builder.add(sums, builder.shuffle_vector(products, ir.Constant(wide, ir.Undefined), mask))
    return sums


def dot_words(builder: Any, sums: Any, pairs: Any, two: Any) -> Any:
    """sums[lane] + the products of a lane's two bf16 numbers (an int32) with the same two in all lanes."""
    both = all_lanes(builder, two)
    if "avx512bf16" in features():
        return call(builder, "llvm.x86.avx512bf16.dpbf16ps.512", FLOATS, sums, pairs, both)
    for part in (_upper, _lower):
        product = builder.fmul(part(builder, pairs), part(builder, both), flags=("contract",))
        sums = builder.fadd(sums, product, flags=("contract",))
    return sums


def _upper(builder: Any, pairs: Any) -> Any:
    return builder.bitcast(builder.and_(pairs, constant(I32, -65536)), FLOATS)


def _lower(builder: Any, pairs: Any) -> Any:
    return builder.bitcast(builder.shl(pairs, constant(I32, 16)), FLOATS)
