"""Exercise: fastText's hash."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("dtype")
def a_number(mine):
    """Gives something else than an int."""
    that(type(mine("cat", 100)) is int, expected="an int", got=mine("cat", 100))


@check("values")
def the_published_values(mine):
    """Is not FNV-1a for ASCII: xor with the byte first, then multiply, modulo 2 to the 32."""
    other = "Multiplies before it takes the xor: that is FNV-1, and FNV-1a goes the other way around."
    same(
        [mine("", 2**32), mine("a", 2**32), mine("foobar", 2**32)],
        [0x811C9DC5, 0xE40C292C, 0xBF9CF968],
        mistakes={other: [0x811C9DC5, 0x050C5D7E, 0x31F0B262]},
    )


@check("values")
def a_byte_over_127_is_negative(mine):
    """Is wrong outside ASCII: the hash goes over the bytes of UTF-8, each read as a signed one."""
    unsigned = "Reads a byte above 127 as positive, the published FNV-1a: fastText's program reads it as negative."
    letters = "Hashes the letters' numbers: it goes over the bytes of UTF-8."
    same(mine("é", 2**32), _signed("é"), mistakes={unsigned: _plain("é".encode()), letters: _plain([ord("é")])})


@check("invariant")
def within_the_buckets(mine):
    """Gives a row outside the buckets: the rest of a division by their number is asked for."""
    that(0 <= mine("foobar", 1000) < 1000, expected="0 to 999", got=mine("foobar", 1000))


def _plain(numbers):
    value = 2166136261
    for number in numbers:
        value = ((value ^ number) * 16777619) % 2**32
    return value


def _signed(text):
    return _plain([byte if byte < 128 else (byte - 256) % 2**32 for byte in text.encode()])


EXERCISE = Exercise(
    slot="classical.embeddings.ngram_bucket",
    title="fastText's hash, with its accident",
    task="""
    A piece's row is its hash modulo the number of buckets. The hash is FNV-1a over UTF-8 bytes: begin with 2166136261; for each byte take the
    xor and multiply by 16777619, modulo 2**32. fastText reads bytes as signed, so that of a byte above 127 the upper 24 bits are ones when the
    xor is taken. Vectors of others can be read only with the same accident.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.embeddings.fasttext",),
    hints=(
        "piece.encode() gives the bytes as numbers from 0 to 255.",
        "A signed byte b above 127 is b - 256, which in 32 bits is b | 0xFFFFFF00.",
        "value = (value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619 & 0xFFFFFFFF",
    ),
    run="groundup --mine my learn lesson classical.embeddings.fasttext --run",
    checks=(a_number, the_published_values, a_byte_over_127_is_negative, within_the_buckets),
    mutants=(
        Mutant("a text", "Returns str where int", edits=(("return value % buckets", "return str(value % buckets)"),)),
        Mutant(
            "FNV-1",
            "Multiplies before",
            edits=(
                (
                    "        value ^= byte if byte < 128 else byte | 0xFFFFFF00  # a negative number's upper bits are ones\n"
                    "        value = value * 16777619 & 0xFFFFFFFF\n",
                    "        value = value * 16777619 & 0xFFFFFFFF\n        value ^= byte if byte < 128 else byte | 0xFFFFFF00\n",
                ),
            ),
        ),
        Mutant("unsigned", "as positive", edits=(("byte if byte < 128 else byte | 0xFFFFFF00", "byte"),)),
        Mutant(
            "letters",
            "letters' numbers",
            edits=(
                ('piece.encode(errors="surrogatepass")', "map(ord, piece)"),
                ("byte if byte < 128 else byte | 0xFFFFFF00", "byte"),
            ),
        ),
        Mutant("no buckets", "outside the buckets", edits=(("return value % buckets", "return value"),)),
    ),
)
