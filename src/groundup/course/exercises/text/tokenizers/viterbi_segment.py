"""Exercise: the most probable segmentation of a text into pieces."""

import itertools

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that
from groundup.errors import InputError

SCORES = {"a": -2.0, "b": -2.5, "ab": -3.9, "ba": -4.1, "aa": -4.5, "aba": -5.0, "bab": -8.0}


def all_ways(text, scores, unknown=None):
    """Every segmentation and its score, by cutting everywhere or nowhere."""
    for cuts in itertools.product((False, True), repeat=max(0, len(text) - 1)):
        edges = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(text)]
        pieces = [text[a:b] for a, b in itertools.pairwise(edges)] if text else []
        parts = [scores.get(piece, unknown if len(piece) == 1 else None) for piece in pieces]
        if None not in parts:
            yield sum(parts), pieces


@check("shape")
def a_list_of_strings(mine):
    """Gives something else than a list of pieces: strings, which joined are the text; none for the empty text."""
    for text in ("a", "ab", "aabab", ""):
        got = mine(text, SCORES)
        if not isinstance(got, list) or not all(isinstance(piece, str) for piece in got):
            raise Failed(expected=shown(max(all_ways(text, SCORES))[1]), got=shown(got))
    same(mine("", SCORES), [])


@check("invariant")
def the_pieces_are_the_text(mine):
    """Loses, adds or turns around letters: the pieces joined must be the text again, read from the left."""
    for n in range(1, 7):
        for letters in itertools.product("ab", repeat=n):
            joined = "".join(mine("".join(letters), SCORES))
            that(joined == "".join(letters), expected="".join(letters), got=joined)


@check("values")
def the_sum_is_the_largest(mine):
    """Does not find the best segmentation: neither the longest piece first nor the best one first leads to it."""
    greedy = "Takes the longest piece first: `aba` `b` (-7.5) is worse than `ab` `ab` where that costs less."
    scores = {"a": -2.0, "b": -2.5, "ab": -1.0, "aba": -3.0}
    same(mine("abab", scores), ["ab", "ab"], mistakes={greedy: ["aba", "b"]})
    for n in range(1, 8):
        for letters in itertools.product("ab", repeat=n):
            text = "".join(letters)
            best = max(score for score, _ in all_ways(text, SCORES))
            got = mine(text, SCORES)
            total = sum(SCORES.get(piece, -1e9) for piece in got)
            that(abs(total - best) < 1e-9, expected=f"a sum of {best:.3f} for {text}", got=f"{got}, {total:.3f}")


@check("values")
def an_equal_way_does_not_replace(mine):
    """Decides a tie the other way: of two equally good ways to one place the first found stays, its last piece is longer."""
    same(mine("ab", {"a": -1.0, "b": -2.0, "ab": -3.0}), ["ab"])
    same(mine("aaa", {"a": -1.0, "aa": -2.0}), ["a", "aa"])


@check("values")
def an_unknown_character_costs_its_score(mine):
    """Treats a character that is no piece wrongly: it alone, and nothing longer, may be had for the score `unknown`."""
    same(mine("axb", SCORES, -20.0), ["a", "x", "b"])
    same(mine("xyz", SCORES, -20.0), ["x", "y", "z"])
    same(mine("cab", {"ab": -1.0, "ca": -1.0}, -9.0), ["c", "ab"])
    same(
        mine("ab", {"a": -50.0, "b": -1.0}, -9.0), ["a", "b"], "Gives a known character the unknown score: a costs -50."
    )
    same(mine("ab", {"a": -50.0, "ab": -58.0}, -9.0), ["ab"], "Gives a known character the unknown score: a costs -50.")


@check("values")
def what_cannot_be_spelled_is_refused(mine):
    """Gives pieces for a text that no pieces spell: raise InputError when the end cannot be reached."""
    try:
        got = mine("axb", SCORES)
    except InputError:
        return
    raise Failed(expected="InputError", got=shown(got))


@check("speed")
def a_long_text_takes_no_age(mine):
    """Is far slower than the reference: the best way to a place is found once and kept, not anew for every way on from it."""
    from groundup.text.tokenizers.unigram import viterbi_segment

    fast(mine, viterbi_segment, ("abaab" * 24, SCORES))


EXERCISE = Exercise(
    slot="text.tokenizers.viterbi_segment",
    title="Unigram: the most probable segmentation",
    task="""
    Every piece has a log probability, a segmentation has the sum of its pieces', and a text of n letters has up to
    2^(n-1) segmentations. Find the best without looking at them all: the best way to a place of the text is the best way to
    some earlier place and one piece more. Go through the places from the left, keep for each the best score and where its
    last piece began, and at the end walk back.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("text.tokenizers.unigram",),
    hints=(
        "best[0] = 0 and best[place] = -inf for all others; last[place] is where the piece that ends there begins.",
        "For start in order, for end behind it: if best[start] + scores[text[start:end]] > best[end], keep it.",
        "Collect text[last[end]:end] from the end of the text, go on at last[end], and reverse the list.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.unigram --run",
    checks=(
        a_list_of_strings,
        the_pieces_are_the_text,
        the_sum_is_the_largest,
        an_equal_way_does_not_replace,
        an_unknown_character_costs_its_score,
        what_cannot_be_spelled_is_refused,
        a_long_text_takes_no_age,
    ),
    mutants=(
        Mutant("a tuple", "where list is expected", edits=(("return pieces[::-1]", "return tuple(pieces[::-1])"),)),
        Mutant("back to front", "turns around letters", edits=(("return pieces[::-1]", "return pieces"),)),
        Mutant(
            "the last way found",
            "the other way",
            edits=(
                (
                    "if best[start] + score > best[end]:",
                    "if best[start] + score >= best[end] > -math.inf or best[start] + score > best[end]:",
                ),
            ),
        ),
        Mutant(
            "the longest first",
            "the longest piece first",
            edits=(
                (
                    "    pieces, end = [], len(text)\n"
                    "    while end > 0:\n"
                    "        pieces.append(text[last[end] : end])\n"
                    "        end = last[end]",
                    "    pieces, rest = [], text\n"
                    "    while rest:\n"
                    "        size = next((n for n in range(len(rest), 0, -1) if rest[:n] in scores), 1)\n"
                    "        pieces.insert(0, rest[:size])\n"
                    "        rest = rest[size:]",
                ),
            ),
        ),
        Mutant(
            "only the last piece counts",
            "best segmentation",
            edits=(("best[end], last[end] = best[start] + score, start", "best[end], last[end] = score, start"),),
        ),
        Mutant(
            "unknown for anything",
            "a character that is no piece",
            edits=(("unknown if end == start + 1 else -math.inf", "unknown"),),
        ),
        Mutant(
            "unknown where it is dearer",
            "the unknown score",
            edits=(
                (
                    "        for end in range(start + 1, len(text) + 1):",
                    "        for end in range(start + 1, len(text) + 1):\n"
                    "            if end == start + 1 and best[start] + unknown > best[end]:\n"
                    "                best[end], last[end] = best[start] + unknown, start",
                ),
            ),
        ),
        Mutant(
            "no refusal",
            "no pieces spell",
            edits=(("    if best[-1] == -math.inf:", "    if False:"),),
        ),
        Mutant(
            "slow",
            "far slower",
            edits=(
                (
                    "    for start in range(len(text)):",
                    "    for start in range(len(text)):\n"
                    "        for _ in range(16):\n"
                    "            [text[i:j] for i in range(len(text)) for j in range(i, min(i + 9, len(text)))]",
                ),
            ),
        ),
    ),
)
