"""Exercise: Huffman codes, the tree of the hierarchical softmax."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

COUNTS = [7, 1, 3, 2, 2, 9, 1]


def cost(counts, codes):
    """Bits that the whole corpus takes."""
    return sum(count * len(bits) for count, (_, bits) in zip(counts, codes, strict=True))


@check("shape")
def a_path_for_each_word(mine):
    """Gives something else than as many nodes as bits for each word."""
    codes = mine(COUNTS)
    that(
        len(codes) == 7 and all(len(nodes) == len(bits) for nodes, bits in codes),
        expected="7 pairs of lists of one length",
        got=codes,
    )


@check("values")
def two_words_take_one_bit(mine):
    """Is wrong for two words: one joining, the rarer is bit 0, the only node is 0."""
    same([tuple(map(list, pair)) for pair in mine([5, 2])], [([0], [1]), ([0], [0])])


@check("values")
def the_path_begins_at_the_root(mine):
    """Gives another order than from the root down: the root, the last node that was made, comes first for every word."""
    same([nodes[0] for nodes, _ in mine(COUNTS)], [5] * 7)


@check("values")
def no_code_begins_another(mine):
    """Gives a code that begins another one: then nobody knows where a word ends."""
    codes = ["".join(map(str, bits)) for _, bits in mine(COUNTS)]
    clash = [(a, b) for a in codes for b in codes if a is not b and b.startswith(a)]
    that(not clash, expected="no code at the beginning of another", got=clash[:2])


@check("values")
def frequent_words_are_short(mine):
    """Makes longer codes than Huffman's: always join the two rarest trees, those joined before among them."""
    same([cost(counts, mine(counts)) for counts in (COUNTS, [4, 2, 1, 1], [1] * 8)], [61, 14, 24])


@check("values")
def equals_go_by_age(mine):
    """Breaks ties or numbers nodes otherwise than by age: words in their order, then joined trees in theirs."""
    same([tuple(map(list, pair)) for pair in mine([1, 1, 1])], [([1, 0], [1, 0]), ([1, 0], [1, 1]), ([1], [0])])


EXERCISE = Exercise(
    slot="classical.embeddings.huffman_codes",
    title="Huffman codes: short paths for frequent words",
    task="""
    Join the two rarest trees until one is left, where at first each word is a tree of its count. The rarer of the two becomes bit 0,
    the other bit 1; equals go by age (words in their order, then joined trees in the order they were made). Number the joinings from
    0. For each word give the numbers of its inner nodes from the root down, and the bit taken at each.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("classical.embeddings.word2vec",),
    hints=(
        "heapq holds (count, tree) pairs; words are trees 0 to n - 1 and joinings n to 2n - 2, so age is the number itself.",
        "Remember for each tree its parent and its bit; a word's path is found by climbing, and then turned around.",
        "nodes are parent - n; the root is n - 2 in that count.",
    ),
    run="groundup --mine my learn lesson classical.embeddings.word2vec --run",
    checks=(
        a_path_for_each_word,
        two_words_take_one_bit,
        the_path_begins_at_the_root,
        no_code_begins_another,
        frequent_words_are_short,
        equals_go_by_age,
    ),
    mutants=(
        Mutant(
            "one short",
            "as many nodes as bits",
            edits=(
                (
                    "return [_path(word, parent, bit, n) for word in range(n)]",
                    "return [(p[0], p[1][1:]) for p in (_path(word, parent, bit, n) for word in range(n))]",
                ),
            ),
        ),
        Mutant("the other bit", "the rarer is bit 0", edits=(("bit[second] = 1", "bit[first] = 1"),)),
        Mutant(
            "upwards",
            "from the root down",
            edits=(
                (
                    "return [_path(word, parent, bit, n) for word in range(n)]",
                    "return [(p[0][::-1], p[1][::-1]) for p in (_path(word, parent, bit, n) for word in range(n))]",
                ),
            ),
        ),
        Mutant(
            "all zeros",
            "begins another one",
            edits=(("bit[second] = 1", "bit[second] = int(joined < n + 2 or joined == 2 * n - 2)"),),
        ),
        Mutant("joined last", "longer codes", edits=(("(low + high, joined)", "(max(low, high), joined)"),)),
        Mutant(
            "youngest first",
            "otherwise than by age",
            edits=(
                ("(int(count), tree) for tree", "(int(count), -tree) for tree"),
                (
                    "parent[first] = parent[second]",
                    "first, second = abs(first), abs(second)\n        parent[first] = parent[second]",
                ),
            ),
        ),
    ),
)
