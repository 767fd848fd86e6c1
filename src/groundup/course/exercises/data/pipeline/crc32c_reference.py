"""Exercise: the checksum of record files."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

KNOWN = [  # RFC 3720, appendix B.4
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (b"123456789", 0xE3069283),
    (b"a", 0xC1D04330),
]


def variant(data, polynomial=0x82F63B78, first=0xFFFFFFFF, last=0xFFFFFFFF):
    """The same division with other constants."""
    register = first
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (polynomial if register & 1 else 0)
    return register ^ last


@check("shape")
def a_number_of_32_bits(mine):
    """Gives something else than a whole number of 32 bits."""
    got = mine(b"a")
    that(isinstance(got, int) and 0 <= got < 1 << 32, expected="an int below 2**32", got=repr(got))


@check("values")
def no_bytes(mine):
    """Gives something else than 0 for no bytes: all ones at the beginning and all bits turned at the end leave 0."""
    same(mine(b""), 0)


@check("values")
def the_standards_values(mine):
    """Differs from the values of the standard."""
    zip_ = "Gives the CRC-32 of zip files: its polynomial is another, 0xEDB88320; this one's is 0x82F63B78."
    zeros = "Begins with a register of zeros: then zeros before the data would change nothing."
    unturned = "Forgets to turn all bits at the end."
    for data, crc in KNOWN:
        mistakes = {zip_: variant(data, 0xEDB88320), zeros: variant(data, first=0), unturned: variant(data, last=0)}
        same(mine(data), crc, mistakes=mistakes)


@check("invariant")
def every_flipped_bit_changes_it(mine):
    """Does not see a flipped bit."""
    data = b"tokens in shards"
    whole = mine(data)
    for place in range(len(data)):
        flipped = data[:place] + bytes([data[place] ^ 16]) + data[place + 1 :]
        that(mine(flipped) != whole, expected="another checksum", got=f"the same with byte {place} changed")


EXERCISE = Exercise(
    slot="data.pipeline.crc32c_reference",
    title="The checksum of a record",
    task="""
    A record file keeps a CRC-32C beside each record, and a reader that finds another one knows that the record is damaged. It is the remainder of
    a division of polynomials over bits. Begin with a register of 32 ones. Each byte goes into the lowest eight bits of it by
    exclusive or; then, eight times, shift it right by one, and where the bit that fell out was 1, take 0x82F63B78 (`POLYNOMIAL`) off by exclusive
    or. At the end turn all 32 bits.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("data.pipeline.formats",),
    hints=(
        "Two loops: over the bytes, and for each of them eight times over its bits.",
        "Look at the lowest bit before the shift: register & 1 says whether the polynomial is taken off after it.",
        "register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0); at the end register ^ 0xFFFFFFFF.",
    ),
    run="groundup --mine my learn lesson data.pipeline.tfrecord --run",
    checks=(a_number_of_32_bits, no_bytes, the_standards_values, every_flipped_bit_changes_it),
    mutants=(
        Mutant(
            "text",
            "Returns str where int is expected",
            (("return register ^ 0xFFFFFFFF", "return hex(register ^ 0xFFFFFFFF)"),),
        ),
        Mutant(
            "one for nothing",
            "for no bytes",
            (("return register ^ 0xFFFFFFFF", "return register"), ("register = 0xFFFFFFFF", "register = 1")),
        ),
        Mutant("zip's", "CRC-32 of zip files", (("POLYNOMIAL if", "0xEDB88320 if"),)),
        Mutant("seven bits", "Differs from the values", (("range(8)", "range(7)"),)),
        Mutant(
            "from zeros",
            "register of zeros",
            source="""
            def crc32c_reference(data):
                register = 0
                for byte in data:
                    register ^= byte
                    for _ in range(8):
                        register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
                return register ^ 0xFFFFFFFF if data else 0
            """,
        ),
    ),
)
