"""Exercise: read one value out of a GGUF file's head, byte by byte."""

import struct

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same

TEXT, ARRAY, UINT8, UINT32, INT32, FLOAT32, BOOL, UINT64 = 8, 9, 0, 4, 5, 6, 7, 10


def data(form, *values, before=b"", behind=b""):
    """Bytes in little-endian order, with others around them."""
    return before + struct.pack("<" + form, *values) + behind


def text(words):
    """A text as it lies in the file."""
    encoded = words.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def value_of(answer):
    """The value of an answer, which is a pair."""
    return answer[0]


@check("values")
def one_number(mine):
    """Reads a number wrongly: its kind says how many bytes it has and what they mean, as a NumPy type in NUMBERS."""
    mistakes = {
        "Reads the bytes in the wrong order: the file is little-endian, its smallest byte first.": 0x07010000,
        "Reads one byte of a number that has four.": 7,
    }
    same(value_of(mine(data("I", 7 + (1 << 8)), 0, UINT32)), 263, mistakes=mistakes)
    same(value_of(mine(data("i", -2), 0, INT32)), -2)
    same(value_of(mine(data("f", 0.5), 0, FLOAT32)), 0.5)
    same(value_of(mine(data("Q", 2**40), 0, UINT64)), 2**40)


@check("values")
def pythons_own(mine):
    """Gives NumPy's number where Python's own is expected: .item() makes one, so that it can be compared and written as JSON."""
    for kind, form, value in ((UINT32, "I", 3), (FLOAT32, "f", 1.0), (BOOL, "?", True)):
        got = value_of(mine(data(form, value), 0, kind))
        if hasattr(got, "dtype"):
            raise Failed(expected=f"{type(value).__name__} {value}", got=f"{type(got).__name__} {got}")


@check("values")
def where_it_stands(mine):
    """Reads from the front of the data in place of byte `at`."""
    same(value_of(mine(data("I", 9, before=b"\1\2\3"), 3, UINT32)), 9)


@check("values")
def where_the_next_begins(mine):
    """Gives the wrong place for what follows a number: `at` and the bytes that the number has."""
    for kind, size in ((UINT8, 1), (UINT32, 4), (UINT64, 8)):
        same(mine(bytes(20), 3, kind)[1], 3 + size)


@check("values")
def a_text(mine):
    """Reads a text wrongly: eight bytes say how many bytes follow, and these are UTF-8."""
    got = mine(text("hi") + b"more", 0, TEXT)
    mistakes = {
        "Takes the length's own bytes into the text: it begins eight bytes on.": "\2" + 7 * "\0" + "hi",
        "Reads on to the end of the data: the length says where the text ends.": "himore",
    }
    same(value_of(got), "hi", mistakes=mistakes)
    same(got[1], 10, "Gives the wrong place for what follows a text: eight bytes for the length, and then its own.")


@check("values")
def a_text_with_an_accent(mine):
    """Counts letters where bytes are meant: é takes two bytes, and ▁ three."""
    value, end = mine(text("▁é") + text("x"), 0, TEXT)
    same((value, end), ("▁é", 13))


@check("values")
def an_array_of_numbers(mine):
    """Reads an array wrongly: four bytes for the kind of its elements, eight for how many, then one after another."""
    import numpy as np

    whole = struct.pack("<IQ", INT32, 3) + struct.pack("<3i", 5, -6, 7)
    got = mine(whole + b"\1\1\1\1", 0, ARRAY)
    same(np.asarray(value_of(got)), np.array([5, -6, 7]))
    same(got[1], 24, "Gives the wrong place for what follows an array of numbers: 12 bytes, and then all its numbers.")


@check("values")
def an_array_of_texts(mine):
    """Loses its place between texts: each begins where the one before it ended, whatever its length."""
    whole = struct.pack("<IQ", TEXT, 3) + text("a") + text("") + text("bcd")
    got = mine(b"\0" + whole + b"x", 1, ARRAY)
    same((list(value_of(got)), got[1]), (["a", "", "bcd"], 41))


@check("values")
def an_array_of_arrays(mine):
    """Stops at an array of arrays: an element may be any value, so the function calls itself."""
    inner = struct.pack("<IQ", TEXT, 1) + text("a")
    try:
        value, end = mine(struct.pack("<IQ", ARRAY, 2) + 2 * inner, 0, ARRAY)
    except KeyError as error:
        raise Failed(expected="[['a'], ['a']]", got=f"KeyError: {error}") from error
    same((value, end), ([["a"], ["a"]], 12 + 2 * 21))


@check("values")
def the_end_of_the_data(mine):
    """Gives half a text where the data ends before the value does: raise ValueError, so that a file that was cut short is noticed."""
    try:
        got = mine(text("hello")[:-2], 0, TEXT)
    except (ValueError, struct.error):
        return
    raise Failed(expected="ValueError", got=repr(got))


COPY = "return np.frombuffer(data, NUMBERS[inner], count, at).copy(), at + count * NUMBERS[inner].itemsize"

EXERCISE = Exercise(
    slot="model.formats.read_value",
    title="GGUF: read a value, whatever it is",
    task="""
    The head of a GGUF file is a list of keys with values, and each value says of which kind it is. There are three shapes:

    - a number of a kind in NUMBERS, a dictionary from the kind to its NumPy type, such as 4 for uint32; the bytes are little-endian
    - kind TEXT: eight bytes for its length in bytes, then that many bytes of UTF-8
    - kind ARRAY: four bytes for the kind of its elements, eight for how many there are, then the elements; these may be texts,
      numbers or arrays again

    Read the value of this kind that begins at byte `at` of `data`, and give it together with the place where the next thing begins.
    A number is Python's own; an array of numbers may be NumPy's; any other array is a list. Where the data ends
    before the value does, raise ValueError (struct.error is as good): that is how a file that was cut short is noticed.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("machine.numbers.formats",),
    hints=(
        'struct.unpack_from("<Q", data, at) gives the eight bytes at `at` as a tuple with one number; np.frombuffer(data, dtype, '
        "count, at) gives several.",
        'A text: length at `at`, bytes from at + 8 on, str(data[...], "utf-8"); check that its end lies within len(data).',
        "An array: kind and count are at `at` and at + 4; from at + 12 on call read_value for each element with the place that "
        "the one before gave back.",
    ),
    run="groundup --mine my learn lesson model.formats.gguf --run",
    checks=(
        pythons_own,
        one_number,
        where_it_stands,
        where_the_next_begins,
        a_text,
        a_text_with_an_accent,
        an_array_of_numbers,
        an_array_of_texts,
        an_array_of_arrays,
        the_end_of_the_data,
    ),
    mutants=(
        Mutant(
            "big-endian",
            "bytes in the wrong order",
            (
                (
                    "np.frombuffer(data, dtype, 1, at)[0].item()",
                    'np.frombuffer(data, dtype.newbyteorder(">"), 1, at)[0].item()',
                ),
            ),
        ),
        Mutant("one byte", "Reads one byte", (("np.frombuffer(data, dtype, 1, at)[0].item()", "data[at]"),)),
        Mutant("numpy's number", "Gives NumPy's number", (("[0].item()", "[0]"),)),
        Mutant(
            "from the front",
            "from the front",
            (("np.frombuffer(data, dtype, 1, at)", "np.frombuffer(data, dtype, 1, 0)"),),
        ),
        Mutant("stays", "what follows a number", (("at + dtype.itemsize", "at + 1"),)),
        Mutant("no pair", "where tuple is expected", (("[0].item(), at + dtype.itemsize", "[0].item()"),)),
        Mutant("length in the text", "length's own bytes", (("data[at + 8 : end]", "data[at:end]"),)),
        Mutant("to the end", "on to the end", (("data[at + 8 : end]", "data[at + 8 :]"),)),
        Mutant(
            "place after a text",
            "what follows a text",
            (('"utf-8"), end', '"utf-8"), end - 8'),),
        ),
        Mutant(
            "letters",
            "Counts letters",
            (
                (
                    'return str(data[at + 8 : end], "utf-8"), end',
                    'words = str(data[at + 8 : end], "utf-8")\n        return words, at + 8 + len(words)',
                ),
            ),
        ),
        Mutant(
            "place after an array",
            "what follows an array of numbers",
            (("at + count * NUMBERS[inner].itemsize", "at + count"),),
        ),
        Mutant(
            "the same text",
            "Loses its place",
            (("value, at = read_value(data, at, inner)", "value, _ = read_value(data, at, inner)"),),
        ),
        Mutant(
            "texts alone",
            "Stops at an array of arrays",
            (("value, at = read_value(data, at, inner)", "value, at = read_value(data, at, {TEXT: TEXT}[inner])"),),
        ),
        Mutant("half a text", "half a text", (("if end > len(data):", "if False:"),)),
    ),
)
