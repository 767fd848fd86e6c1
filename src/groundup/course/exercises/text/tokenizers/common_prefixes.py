"""Exercise: walk a double-array trie and read off every word that begins a text."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown

WORDS = {b"a": 5, b"ab": 6, b"abcd": 7, b"b": 8, b"ba": 9, "né".encode(): 10, b"zz": 0, b"\xff": (1 << 31) - 1}


def units(words=None):
    """A trie of some words as a list of numbers: every node has a block of 256 units of its own for what follows it."""
    words = WORDS if words is None else words
    nodes = sorted({word[:n] for word in words for n in range(len(word) + 1)})
    blocks = {node: 256 * (place + 1) for place, node in enumerate(nodes)}
    places = {node: blocks[node[:-1]] ^ node[-1] if node else 0 for node in nodes}
    trie = [0] * 256 * (len(nodes) + 1)
    for node in nodes:
        trie[places[node]] = (places[node] ^ blocks[node]) << 10 | (node[-1] if node else 0) | (node in words) << 8
        if node in words:
            trie[blocks[node]] = words[node] | 1 << 31
    return trie


def by_hand(text, words=None):
    """The same from the dictionary."""
    words = WORDS if words is None else words
    return [(n, words[text[:n]]) for n in range(1, len(text) + 1) if text[:n] in words]


def ask(mine, trie, text, expected, **more):
    """As `same`, and of the arguments only the text is shown: a trie is long."""
    try:
        same(mine(trie, text), expected, **more)
    except Failed as failed:
        raise Failed(failed.sentence, input=f"text = {text!r}", expected=failed.expected, got=failed.got) from None
    except IndexError:
        raise Failed(input=f"text = {text!r}", expected=shown(expected), got="IndexError") from None


@check("shape")
def a_list_of_pairs(mine):
    """Gives something else than a list of pairs (length in bytes, value), the shortest word first."""
    got = mine(units(), b"abc")
    if not isinstance(got, list) or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in got):
        raise Failed(input="text = b'abc'", expected=shown(by_hand(b"abc")), got=shown(got))


@check("values")
def nothing_begins_nothing(mine):
    """Finds a word where there is none: stop as soon as the label of the unit is not the byte that led there."""
    for text in (b"", b"c", b"x", b"z", b"\x01", b"n", b"nz"):
        ask(mine, units(), text, [])
    trie = [0] * 256
    trie[0], trie[3 ^ ord("c")] = 3 << 10, ord("x") | 1 << 8
    ask(mine, trie, b"c", [])


@check("values")
def a_value_has_31_bits(mine):
    """Reads a value with its marking bit: bit 31 of a value's unit says that it is one, the 31 below are the value."""
    ask(mine, units(), b"\xff", [(1, (1 << 31) - 1)])


@check("values")
def every_word_that_begins_the_text(mine):
    """Misses words or reports other values: note each word on the way and go on, for a longer one may follow."""
    longest = "Gives the longest word alone: all of them are asked for."
    ask(mine, units(), b"abcde", [(1, 5), (2, 6), (4, 7)], mistakes={longest: [(4, 7)]})
    for text in (b"a", b"ab", b"abc", b"abz", b"ba", b"bab", "née".encode(), b"zzz"):
        ask(mine, units(), text, by_hand(text))


@check("values")
def far_offsets_are_multiplied(mine):
    """Follows a far offset wrongly: with bit 9 set the offset counts in steps of 256."""
    near, far = 3 << 10, 5 << 10 | 1 << 9
    trie = [0] * 2048
    trie[0] = near
    trie[3 ^ ord("a")] = ord("a") | far
    place = 3 ^ ord("a") ^ (5 << 8)
    trie[place ^ ord("b")] = ord("b") | 1 << 8 | 7 << 10
    trie[place ^ ord("b") ^ 7] = 42 | 1 << 31
    ask(mine, trie, b"abc", [(2, 42)])


@check("values")
def damage_leads_nowhere(mine):
    """Leaves the array: a damaged file may lead beyond its end, and that is where the walk stops."""
    ask(mine, [0x1FFFFF << 10] + [0] * 255, b"a", [])


@check("speed")
def a_long_text_takes_no_age(mine):
    """Is far slower than the reference: one step a byte, and no further than the trie goes."""
    from groundup.text.tokenizers.double_array import common_prefixes

    fast(mine, common_prefixes, (units(), b"abcd" * 2000))


EXERCISE = Exercise(
    slot="text.tokenizers.common_prefixes",
    title="A trie in one array of numbers",
    task="""
    A double array holds a trie in 32-bit units. From the unit at `place`, byte c leads to `place ^ offset ^ c`, if the unit
    there has the label c; otherwise no word goes on that way. Of a unit: the label is bits 0-7 and bit 31 (which is set
    only in values, so they are never mistaken for a step), bit 8 says that a word ends here, bits 10-30 are the offset,
    times 256 when bit 9 is set. A word's value stands at `place ^ offset`, in the 31 lower bits. The root is unit 0.
    Give every word that begins the text, with its length and its value.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("text.tokenizers.unigram",),
    hints=(
        "offset = (unit >> 10) << (8 if unit & 1 << 9 else 0), for a unit read as a number below 2^32.",
        "place ^= offset ^ byte; stop when place is outside, or units[place] & (0xFF | 1 << 31) is not the byte.",
        "When units[place] & 1 << 8: append (length, units[place ^ its own offset] & (2^31 - 1)), and go on.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.charsmap --run",
    checks=(
        a_list_of_pairs,
        nothing_begins_nothing,
        a_value_has_31_bits,
        every_word_that_begins_the_text,
        far_offsets_are_multiplied,
        damage_leads_nowhere,
        a_long_text_takes_no_age,
    ),
    mutants=(
        Mutant(
            "lists for pairs",
            "list of pairs",
            edits=(("found.append((length,", "found.append([length,"), ("& VALUE))", "& VALUE])")),
        ),
        Mutant("no look at the label", "where there is none", edits=((" or units[place] & LABEL != byte", ""),)),
        Mutant("the longest alone", "the longest word alone", edits=(("    return found", "    return found[-1:]"),)),
        Mutant("the first alone", "Misses words", edits=(("    return found", "    return found[:1]"),)),
        Mutant("the mark stays", "marking bit", edits=((" & VALUE", ""),)),
        Mutant(
            "near offsets only",
            "far offset",
            edits=(("place ^= (unit >> 10) << (8 if unit & FAR else 0) ^ byte", "place ^= (unit >> 10) ^ byte"),),
        ),
        Mutant("out of the array", "beyond its end", edits=(("place >= len(units) or ", ""),)),
        Mutant(
            "slow",
            "far slower",
            edits=(
                (
                    "    found, place = [], 0",
                    "    found, place = [], 0\n    for _ in range(20):\n        sum(text)\n        list(text)",
                ),
            ),
        ),
    ),
)
