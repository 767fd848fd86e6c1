"""Exercise: find the pages of a text's beginning, and never those of another text."""

from typing import Any

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, that


def tree(*texts, page_size=2, hash_of=None, start=0):
    """The known blocks of some texts, under the hashes that hash_of gives."""
    from groundup.inference.cache.prefix import Block, block_hash

    known: dict[Any, Any] = {}
    hash_of = hash_of or block_hash
    for text in texts:
        before = start
        for first in range(0, len(text) - page_size + 1, page_size):
            tokens = tuple(text[first : first + page_size])
            name = hash_of(before, tokens)
            known.setdefault(name, Block(tokens, before, len(known)))
            before = name
    return known


def read(mine, ids, known, page_size=2, start=0, hash_of=None):
    """What a function finds, as the tokens of the blocks."""
    from groundup.inference.cache.prefix import block_hash

    names = mine(ids, known, page_size, start, hash_of or block_hash)
    return [token for name in names for token in known[name].tokens]


@check("shape")
def nothing_known(mine):
    """Does not give an empty list where no block is known, or the text is shorter than one."""
    for ids, known in (([], {}), ([1, 2], {}), ([1], tree([1, 2]))):
        found = mine(ids, known, 2, 0)
        that(isinstance(found, list) and not found, expected="[]", got=repr(found))


@check("values")
def block_after_block(mine):
    """Does not find all the blocks that the text begins with: each one's hash goes into the next one's."""
    known = tree([1, 2, 3, 4, 5, 6])
    for ids in ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4], [1, 2]):
        got = read(mine, ids, known)
        that(got == ids, expected=f"the blocks of {ids}", got=f"those of {got}")


@check("values")
def full_blocks_only(mine):
    """Counts tokens that fill no block, or drops a block that is full: a page is shared whole or not at all."""
    for ids in ([1, 2, 3], [1, 2, 3, 9], [1, 2, 9, 9]):
        got = read(mine, ids, tree([1, 2, 3, 4]))
        that(got == [1, 2], expected=f"[1, 2] of {ids}", got=str(got))


@check("values")
def the_first_gap_ends_it(mine):
    """Goes on behind a block that is not known: what follows there follows another text."""
    from groundup.inference.cache.prefix import Block

    poor = {1: Block((1, 2), 0, 0), 5: Block((5, 6), 3, 1)}  # the block (3, 4) in between is gone
    got = mine([1, 2, 3, 4, 5, 6], poor, 2, 0, lambda before, tokens: tokens[0])
    that(got == [1], expected="[1], the block before the gap", got=str(got))


@check("values")
def equal_hashes_are_no_proof(mine):
    """Trusts the hash: two blocks may have the same one, so compare the tokens too, or a text is answered from another's."""
    known = tree([1, 2, 3, 4], hash_of=lambda before, tokens: sum(tokens))
    got = read(mine, [2, 1, 3, 4], known, hash_of=lambda before, tokens: sum(tokens))
    that(got == [], expected="nothing of [2, 1, 3, 4] where [1, 2, 3, 4] is known", got=str(got))


@check("values")
def the_same_tokens_after_others(mine):
    """Takes a block that stands behind another beginning: its keys and values belong to that beginning, so compare `before` too."""
    known = tree([1, 2, 3, 4], [9, 9], hash_of=lambda before, tokens: sum(tokens))
    got = read(mine, [9, 9, 3, 4], known, hash_of=lambda before, tokens: sum(tokens))
    that(got == [9, 9], expected="[9, 9]: (3, 4) is known behind (1, 2) only", got=str(got))


@check("values")
def it_begins_at_start(mine):
    """Does not begin with `start`, which keeps apart what must not be shared."""
    known = tree([1, 2, 3, 4], start=77)
    that(read(mine, [1, 2, 3, 4], known, start=77) == [1, 2, 3, 4], expected="both blocks at start 77")
    that(mine([1, 2, 3, 4], known, 2, 78) == [], expected="nothing at start 78")


@check("speed")
def one_look_up_a_block(mine):
    """Is far slower than the reference: one look-up a block, not a search through all that is known."""
    from groundup.inference.cache.prefix import longest_prefix

    text = list(range(4096))
    fast(mine, longest_prefix, (text, tree(text, page_size=16), 16, 0))


EXERCISE = Exercise(
    slot="inference.cache.longest_prefix",
    title="Prefix cache: what of this prompt was read before?",
    task="""
    Pages of earlier texts are kept in `known`, by the hash of their tokens and of all before: the first block of a text has the hash
    hash_of(start, tokens), the next one hash_of(hash of the first, its tokens), and so on; tokens is a tuple of `page_size` ids. Give the hashes of the
    blocks that `ids` begins with, in order, up to the first that is not known; only full blocks count. A Block knows its `tokens` and the hash
    `before` it: compare both, because different texts can have equal hashes.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("inference.cache.slot_mapping",),
    hints=(
        "Walk through ids in steps of page_size; stop early enough that the last block is full.",
        "Keep the hash of the block before; it is `start` at first. The next name is hash_of(before, tuple of tokens).",
        "Leave the loop where known.get(name) is None, or its tokens or its before are not those you asked with.",
    ),
    run="groundup --mine my learn lesson inference.cache.prefix --run",
    checks=(
        nothing_known,
        block_after_block,
        full_blocks_only,
        the_first_gap_ends_it,
        equal_hashes_are_no_proof,
        the_same_tokens_after_others,
        it_begins_at_start,
        one_look_up_a_block,
    ),
    mutants=(
        Mutant("no chain", "Does not find all the blocks", (("        start = name\n", ""),)),
        Mutant(
            "the common part of a block",
            "Counts tokens that fill no block",
            (
                ("block is None or block.tokens != tokens or", "block is None or block.tokens[0] != tokens[0] or"),
                (
                    "        name = hash_of(start, tokens)\n        block = known.get(name)\n",
                    "        name = hash_of(start, tokens)\n"
                    "        same = (n for n, b in known.items() if (b.before, b.tokens[0]) == (start, tokens[0]))\n"
                    "        name = next(same, name)\n"
                    "        block = known.get(name)\n",
                ),
            ),
        ),
        Mutant(
            "over the gap",
            "Goes on behind a block",
            (("            break\n", "            start = name\n            continue\n"),),
        ),
        Mutant("the hash alone", "Trusts the hash", (("block.tokens != tokens or ", ""),)),
        Mutant(
            "any parent",
            "stands behind another beginning",
            (("block.tokens != tokens or block.before != start", "block.tokens != tokens"),),
        ),
        Mutant(
            "always from 0",
            "Does not begin with `start`",
            (("    found: list[int] = []\n", "    found: list[int] = []\n    start = 0\n"),),
        ),
    ),
)
