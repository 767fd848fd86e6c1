"""Exercise: drop the pieces of a Unigram vocabulary that the text misses least."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

WORDS = {"abab": 50, "ab": 30, "aa": 2, "ba": 1}
SCORES = {"a": -2.5, "b": -2.5, "ab": -0.6, "aa": -4.0, "ba": -4.5, "bab": -9.0}


@check("shape")
def a_smaller_vocabulary(mine):
    """Gives something else than a dictionary of the pieces that stay, each with the score that it had."""
    got = mine(WORDS, SCORES, 4)
    if not isinstance(got, dict) or any(SCORES.get(piece) != score for piece, score in got.items()):
        raise Failed(expected="some of " + shown(SCORES), got=shown(got))


@check("invariant")
def characters_stay(mine):
    """Drops a character: without it some text could not be spelled any more, whatever the number that was asked for."""
    words, scores = {"ab": 9, "c": 1}, {"a": -5.0, "b": -5.0, "c": -9.0, "d": -9.5, "ab": -1.0}
    for keep in (0, 1, 4, 5):
        same(sorted({*"abcd"} - set(mine(words, scores, keep))), [])


@check("invariant")
def as_many_as_wanted(mine):
    """Keeps another number of pieces than wanted: `keep` counts the characters too, and what no word uses goes in any case."""
    same(sorted(mine(WORDS, SCORES, 0)), ["a", "b"])
    for keep in (2, 3, 4):
        that(len(mine(WORDS, SCORES, keep)) == keep, expected=f"{keep} pieces", got=shown(mine(WORDS, SCORES, keep)))
    unused = "Keeps a piece that no word uses: nothing is lost without it."
    same(sorted(mine(WORDS, SCORES, 99)), ["a", "aa", "ab", "b", "ba"], mistakes={unused: sorted(SCORES)})


@check("values")
def the_loss_decides(mine):
    """Ranks the pieces by something else than the loss: what the text loses when a piece's second best way takes its place."""
    # qr is used 8 times, and q and r are rare. xy is used more, but x and y are there too. uv would hardly be missed.
    words = {"xy": 10, "x": 20, "y": 20, "qr": 8, "q": 1, "r": 1, "uv": 2, "u": 500, "v": 500}
    scores = {"x": -1.0, "y": -1.0, "xy": -1.5, "q": -6.0, "r": -6.0, "qr": -4.0, "u": -0.5, "v": -0.5, "uv": -0.9}
    often = "Keeps the piece that is used most: xy is used more often than qr, but x and y could say it almost as well."
    same(sorted(mine(words, scores, 7)), ["q", "qr", *"ruvxy"], mistakes={often: [*"qruvx", "xy", "y"]})


@check("values")
def a_loss_is_weighed_by_use(mine):
    """Compares the loss for one occurrence: it is lost as often as the piece is used, so multiply by its count."""
    words = {letters * n: 1 for letters in ("ab", "a", "b") for n in range(1, 13)} | {"cd": 1}
    scores = {"a": -2.0, "b": -2.0, "ab": -2.0, "c": -8.0, "d": -8.0, "cd": -6.0}
    same(sorted(mine(words, scores, 5)), ["a", "ab", "b", "c", "d"])


@check("values")
def counts_are_of_words(mine):
    """Counts each word once: a word that occurs 50 times counts 50 times."""
    words = {"ab": 50, "cd": 1, "cda": 1, "cdb": 1}
    scores = {"a": -3.0, "b": -3.0, "c": -3.0, "d": -3.0, "ab": -2.0, "cd": -2.0}
    same(sorted(mine(words, scores, 5)), ["a", "ab", "b", "c", "d"])


@check("speed")
def many_words_take_no_age(mine):
    """Is far slower than the reference: cut each word once, and each piece once without itself."""
    from groundup.text.tokenizers.unigram import prune_pieces

    words = {"ab" * n + "a" * m: n + m for n in range(1, 7) for m in range(6)}
    scores = {"a": -2.0, "b": -2.5, "ab": -2.2, "aba": -4.0, "abab": -3.6, "aa": -3.5, "aaa": -4.4}
    fast(mine, prune_pieces, (words, scores, 4))


EXERCISE = Exercise(
    slot="text.tokenizers.prune_pieces",
    title="Unigram: drop the pieces that are missed least",
    task="""
    A Unigram vocabulary begins far too large. Cut every word in its best way (`viterbi_segment`) and count the pieces. A
    piece that is used f times of N could be said by its own second best segmentation: cut the piece without itself. Then
    its parts occur f times more, and the number of all pieces is N' = N + f (parts - 1). The text loses
    f (log(f / N) - sum of log((f_part + f) / N')). Keep the pieces with the largest loss; every character stays.
    """,
    difficulty=4,
    minutes=45,
    prerequisites=("text.tokenizers.unigram",),
    hints=(
        "Count with a Counter: used[piece] += times for each piece of viterbi_segment(word, scores).",
        "The second best way of a piece: viterbi_segment(piece, all scores but its own).",
        "Sort the used pieces of two letters and more by -loss, and keep as many as `keep` leaves beside the characters.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.unigram --run",
    checks=(
        a_smaller_vocabulary,
        characters_stay,
        as_many_as_wanted,
        the_loss_decides,
        a_loss_is_weighed_by_use,
        counts_are_of_words,
        many_words_take_no_age,
    ),
    mutants=(
        Mutant(
            "a list",
            "where dict is expected",
            edits=(
                (
                    "return {piece: score for piece, score in scores.items() if piece in kept}",
                    "return [piece for piece in scores if piece in kept]",
                ),
            ),
        ),
        Mutant(
            "only characters in use",
            "Drops a character",
            edits=(
                (
                    "kept = {piece for piece in scores if len(piece) == 1}",
                    "kept = {piece for piece in scores if len(piece) == 1 and used[piece]}",
                ),
            ),
        ),
        Mutant("characters not counted", "another number", edits=(("keep - len(kept)", "keep"),)),
        Mutant(
            "the unused stay",
            "no word uses",
            edits=(
                (
                    "    kept.update(best)",
                    "    kept.update(best)\n"
                    "    kept.update([piece for piece in scores if piece not in used][: max(0, keep - len(kept))])",
                ),
            ),
        ),
        Mutant(
            "by use",
            "used most",
            edits=(("losses[piece] = count * (math.log(count) - math.log(total) - instead)", "losses[piece] = count"),),
        ),
        Mutant(
            "least first",
            "something else than the loss",
            edits=(("(-losses[piece], piece)", "(losses[piece], piece)"),),
        ),
        Mutant("words once", "Counts each word once", edits=(("used[piece] += times", "used[piece] += 1"),)),
        Mutant(
            "for one occurrence",
            "one occurrence",
            edits=(("losses[piece] = count * (", "losses[piece] = ("),),
        ),
        Mutant(
            "slow",
            "far slower",
            edits=(
                (
                    "    total, losses",
                    "    for _ in range(180 if len(words) > 30 else 0):\n"
                    "        for word in words:\n"
                    "            viterbi_segment(word, scores)\n"
                    "    total, losses",
                ),
            ),
        ),
    ),
)
