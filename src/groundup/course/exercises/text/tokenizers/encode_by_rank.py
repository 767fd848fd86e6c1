"""Exercise: cut a piece into tokens by the ranks of a tiktoken file."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

HUGS = {b"h": 0, b"u": 1, b"g": 2, b"s": 3, b"ug": 4, b"gs": 5, b"hug": 6}
LETTERS = {b"a": 0, b"b": 1, b"c": 2}


def every_piece(letters, longest):
    """All pieces of some letters, the shortest first."""
    pieces = [b""]
    while len(pieces[0]) <= longest:
        yield from pieces
        pieces = [piece + letter for piece in pieces for letter in letters]


@check("shape")
def a_list_of_bytes(mine):
    """Gives something else than a list of bytes objects: bytes([97]) is b'a', while iterating over bytes gives numbers."""
    for piece in (b"h", b"hs", b"hugs"):
        got = mine(piece, HUGS)
        if not isinstance(got, list) or not all(isinstance(token, bytes) for token in got):
            raise Failed(expected="a list of bytes", got=shown(got))


@check("invariant")
def what_has_no_pair_is_bytes(mine):
    """Stumbles over a piece in which nothing can be joined: it stays single bytes, and the empty piece has no token."""
    for piece in (b"", b"a", b"ab", b"cab"):
        same(mine(piece, LETTERS), [piece[k : k + 1] for k in range(len(piece))])


@check("invariant")
def the_tokens_are_the_piece(mine):
    """Loses or adds bytes: the tokens joined must be the piece again, and each of them must be in `ranks`."""
    for piece in every_piece([b"h", b"u", b"g"], 4):
        got = mine(piece, HUGS)
        that(b"".join(got) == piece and all(token in HUGS for token in got), expected=piece, got=got)


@check("values")
def a_token_is_itself(mine):
    """Merges a piece that is a token: it is looked up whole first, for not every token can be reached by joining pairs."""
    same(mine(b"abc", LETTERS | {b"abc": 9}), [b"abc"])
    same(mine(b"cab", LETTERS | {b"ab": 3, b"ca": 4, b"cab": 5, b"bc": 6}), [b"cab"])
    same(mine(b"abcc", LETTERS | {b"abc": 9}), [b"a", b"b", b"c", b"c"])


@check("values")
def the_lowest_rank_comes_first(mine):
    """Joins the wrong pair first: of all neighbours whose bytes joined are a token, the token of lowest rank is made first."""
    left = "Joins the first pair from the left: the lowest rank comes first, wherever it stands."
    high = "Joins the highest rank first: rank 3 comes before rank 4."
    same(mine(b"abca", LETTERS | {b"ab": 3, b"bc": 4}), [b"ab", b"c", b"a"], mistakes={high: [b"a", b"bc", b"a"]})
    same(mine(b"abca", LETTERS | {b"bc": 3, b"ab": 4}), [b"a", b"bc", b"a"], mistakes={left: [b"ab", b"c", b"a"]})


@check("values")
def joined_tokens_join_again(mine):
    """Stops too early: a joined token may be half of another one, so look again until no pair of neighbours is a token."""
    same(mine(b"hugs", HUGS), [b"hug", b"s"])
    same(mine(b"hughug", HUGS), [b"hug", b"hug"])


@check("values")
def any_two_halves_will_do(mine):
    """Misses a pair: any two neighbours whose bytes joined are a token can be joined, whatever they were joined from."""
    ranks = LETTERS | {b"bc": 3, b"ab": 4, b"abc": 5}
    same(mine(b"abcb", ranks), [b"abc", b"b"])
    same(mine(b"cabc", ranks | {b"ca": 2.5}), [b"ca", b"bc"])


@check("values")
def of_equal_ones_the_leftmost(mine):
    """Cuts a run of one letter wrongly: of equal pairs the leftmost is joined first, and only that one."""
    for count in range(3, 8):
        same(mine(b"a" * count, {b"a": 0, b"aa": 1}), [b"aa"] * (count // 2) + [b"a"] * (count % 2))
    same(mine(b"aaaaa", {b"a": 0, b"aa": 1, b"aaa": 0.5}), [b"aaa", b"aa"])


@check("speed")
def a_long_piece_takes_no_age(mine):
    """Is far slower than the reference: look at each pair once a round."""
    from groundup.text.tokenizers.tiktoken_ranks import encode_by_rank

    fast(mine, encode_by_rank, (b"hugs" * 30, HUGS))


EXERCISE = Exercise(
    slot="text.tokenizers.encode_by_rank",
    title="tiktoken: cut a piece into tokens by rank",
    task="""
    A tiktoken file has no list of merges: it only gives every token a rank. A piece of text that is a token itself is
    that token. Any other piece begins as single bytes; then, of all neighbours whose bytes joined are a token, the two
    whose joined token has the lowest rank are joined (of equal ones the leftmost), and again, until no neighbours make a
    token. All single bytes are tokens.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("text.tokenizers.bpe",),
    hints=(
        "`piece in ranks` is asked once, at the beginning; an empty piece gives an empty list.",
        "joined = [left + right for left, right in pairwise(tokens)] are the candidates; min over their places finds the best.",
        "ranks.get(joined[place], infinity) as the key; stop when the best is not in ranks, else tokens[best : best + 2] = [joined[best]].",
    ),
    run="groundup --mine my learn lesson text.tokenizers.tiktoken_ranks --run",
    checks=(
        a_list_of_bytes,
        what_has_no_pair_is_bytes,
        the_tokens_are_the_piece,
        a_token_is_itself,
        the_lowest_rank_comes_first,
        joined_tokens_join_again,
        any_two_halves_will_do,
        of_equal_ones_the_leftmost,
        a_long_piece_takes_no_age,
    ),
    mutants=(
        Mutant("a tuple", "Returns tuple", (("    return tokens", "    return tuple(tokens)"),)),
        Mutant("without the look-up", "looked up whole first", (("        return [piece]", "        pass"),)),
        Mutant("one round", "Stops too early", (("    return tokens", "        break\n    return tokens"),)),
        Mutant(
            "first from the left",
            "first pair from the left",
            (("ranks.get(joined[place], MOST_IDS)", "joined[place] not in ranks"),),
        ),
        Mutant(
            "highest first",
            "highest rank first",
            (("ranks.get(joined[place], MOST_IDS)", "-ranks.get(joined[place], -1)"),),
        ),
        Mutant(
            "the last of equal ones",
            "Cuts a run of one letter",
            (("range(len(joined)), key", "reversed(range(len(joined))), key"),),
        ),
        Mutant("a byte lost", "Loses or adds bytes", (("    return tokens", "    return tokens[:3]"),)),
        Mutant(
            "slow",
            "far slower than the reference",
            (
                (
                    "        if joined[best] not in ranks:",
                    "        for _ in range(1000):\n            sorted(joined)\n        if joined[best] not in ranks:",
                ),
            ),
        ),
    ),
)
