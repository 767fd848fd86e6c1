"""Exercise: cut a piece of text into tokens by the merges that training learned."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

HUGS = {(b"u", b"g"): 0, (b"h", b"ug"): 1, (b"g", b"s"): 2}


def every_piece(letters, longest):
    """All pieces of some letters, the shortest first."""
    pieces = [b""]
    while len(pieces[0]) <= longest:
        yield from pieces
        pieces = [piece + bytes([letter]) for piece in pieces for letter in letters]


def by_rank(piece, ranks):
    """The same by going through the merges in the order of training, as training did."""
    symbols = [bytes([byte]) for byte in piece]
    for left, right in sorted(ranks, key=ranks.__getitem__):
        place = 0
        while place < len(symbols) - 1:
            if (symbols[place], symbols[place + 1]) == (left, right):
                symbols[place : place + 2] = [left + right]
            place += 1
    return symbols


@check("shape")
def a_list_of_bytes(mine):
    """Gives something else than a list of bytes objects: bytes([97]) is b'a', while iterating over bytes gives numbers."""
    for piece in (b"a", b"ab", b"hugs"):
        got = mine(piece, HUGS)
        if not all(isinstance(token, bytes) for token in got):
            raise Failed(expected=shown(by_rank(piece, HUGS)), got=shown(got))


@check("invariant")
def what_has_no_merge_is_bytes(mine):
    """Stumbles over a piece without a merge: the empty piece has no token, and a piece that nothing fits stays bytes."""
    for piece in (b"", b"a", b"xyz", "é".encode()):
        same(mine(piece, HUGS), [bytes([byte]) for byte in piece])
    same(mine(b"ab", {}), [b"a", b"b"])


@check("invariant")
def the_tokens_are_the_piece(mine):
    """Loses or adds bytes: the tokens joined must be the piece again."""
    for piece in every_piece(b"ug", 4):
        joined = b"".join(mine(piece, HUGS))
        that(joined == piece, expected=piece, got=joined)


@check("values")
def joined_tokens_join_again(mine):
    """Stops too early: a joined token may be the half of a later merge, so look again until nothing fits."""
    same(mine(b"hug", HUGS), [b"hug"])
    same(mine(b"hughug", HUGS), [b"hug", b"hug"])


@check("values")
def the_lowest_rank_comes_first(mine):
    """Takes the wrong merge first: the longest match would not repeat what training did, the lowest rank does."""
    from_left = "Takes the first merge from the left: the one of lowest rank comes first, wherever it stands."
    from_behind = "Takes the merge of highest rank first: rank 0 was learned first and is applied first."
    wrong = [b"ab", b"c"]
    same(mine(b"bca", {(b"b", b"c"): 0, (b"c", b"a"): 1}), [b"bc", b"a"], mistakes={from_behind: [b"b", b"ca"]})
    same(mine(b"abc", {(b"b", b"c"): 0, (b"a", b"b"): 1}), [b"a", b"bc"], mistakes={from_left: wrong})
    same(mine(b"abc", {(b"a", b"b"): 0, (b"b", b"c"): 1, (b"a", b"bc"): 2}), wrong)


@check("values")
def runs_merge_from_the_left(mine):
    """Cuts a run of one letter wrongly: pairs are joined from the left and do not overlap, aaa is aa a."""
    for count in range(2, 7):
        same(mine(b"a" * count, {(b"a", b"a"): 0}), [b"aa"] * (count // 2) + [b"a"] * (count % 2))


@check("values")
def as_the_training_did(mine):
    """Differs from what training did to the same word: the merges one after another, in the order of their ranks."""
    ranks = {(b"a", b"b"): 0, (b"b", b"a"): 1, (b"ab", b"a"): 2, (b"a", b"a"): 3, (b"ab", b"ab"): 4}
    for piece in every_piece(b"ab", 5):
        same(mine(piece, ranks), by_rank(piece, ranks))


@check("speed")
def a_long_piece_takes_no_age(mine):
    """Is far slower than the reference: look at each pair once a round, and do not copy the piece for every pair."""
    from groundup.text.tokenizers.bpe import encode_piece

    fast(mine, encode_piece, (b"hugs" * 40, HUGS))


EXERCISE = Exercise(
    slot="text.tokenizers.encode_piece",
    title="BPE: cut a piece into tokens",
    task="""
    Training a byte-pair tokenizer leaves a list of merges in the order in which they were learned. To encode a piece of
    text, do to it what training did to the same word: begin with its bytes, join the neighbouring pair of lowest rank
    wherever it stands, and again, until no pair of neighbours is a merge. `merge_pair` joins all occurrences of a pair.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("text.tokenizers.bpe",),
    hints=(
        "Begin with [bytes([byte]) for byte in piece]; itertools.pairwise gives the neighbours.",
        "min(pairs, key=...) finds the pair of lowest rank; give pairs that are no merge a rank behind all others.",
        "Stop when the best pair is not in ranks, or one symbol is left; otherwise symbols = merge_pair(symbols, pair).",
    ),
    run="groundup --mine my tokenizer train --vocab-size 400",
    checks=(
        a_list_of_bytes,
        what_has_no_merge_is_bytes,
        the_tokens_are_the_piece,
        joined_tokens_join_again,
        the_lowest_rank_comes_first,
        runs_merge_from_the_left,
        as_the_training_did,
        a_long_piece_takes_no_age,
    ),
    mutants=(
        Mutant(
            "numbers in place of bytes",
            "list of bytes objects",
            edits=(("    return symbols", "    return list(piece) if len(piece) == 1 else symbols"),),
        ),
        Mutant(
            "no end for a piece without merges",
            "min() arg is an empty sequence",
            edits=(("    while len(symbols) > 1:", "    while True:"),),
        ),
        Mutant(
            "one merge only", "Stops too early", edits=(("    return symbols", "        break\n    return symbols"),)
        ),
        Mutant(
            "the first from the left",
            "first merge from the left",
            edits=(("ranks.get(pair, len(ranks))", "pair not in ranks"),),
        ),
        Mutant(
            "the last rank first",
            "highest rank first",
            edits=(("ranks.get(pair, len(ranks))", "-ranks.get(pair, -1)"),),
        ),
        Mutant(
            "a run from the right",
            "Cuts a run of one letter",
            edits=(
                (
                    "symbols = merge_pair(symbols, pair)",
                    "symbols = [one[::-1] for one in merge_pair([one[::-1] for one in symbols[::-1]], (pair[1][::-1], pair[0][::-1]))][::-1]",
                ),
            ),
        ),
        Mutant("the tail forgotten", "Loses or adds bytes", edits=(("    return symbols", "    return symbols[:3]"),)),
        Mutant(
            "slow",
            "far slower than the reference",
            edits=(
                (
                    "        if pair not in ranks:",
                    "        for _ in range(300):\n            sorted(pairwise(symbols))\n        if pair not in ranks:",
                ),
            ),
        ),
    ),
)
