"""Exercise: how often each piece is used on average, over all segmentations of a text."""

import itertools
import math

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, shown, that

SCORES = {"a": -2.0, "b": -2.5, "ab": -3.9, "ba": -4.1, "aa": -4.5, "aba": -5.0}


def by_hand(text, scores):
    """The average over every segmentation, one by one."""
    counts: dict[str, float] = {}
    whole = 0.0
    for cuts in itertools.product((False, True), repeat=max(0, len(text) - 1)):
        edges = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(text)]
        pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
        if all(piece in scores for piece in pieces):
            probability = math.exp(sum(scores[piece] for piece in pieces))
            whole += probability
            for piece in pieces:
                counts[piece] = counts.get(piece, 0.0) + probability
    return {piece: count / whole for piece, count in counts.items()}


def in_order(counts):
    """Pieces and counts as lists, to compare the numbers with a tolerance."""
    return [[piece, counts[piece]] for piece in sorted(counts)]


@check("shape")
def a_count_for_each_piece_in_use(mine):
    """Gives something else than a dictionary of the pieces that the text can be made of: unused ones are left out."""
    got = mine("ab", SCORES | {"q": -1.0})
    if not isinstance(got, dict) or set(got) != {"a", "b", "ab"}:
        raise Failed(expected=shown({"a", "b", "ab"}), got=shown(got))


@check("invariant")
def one_letter_is_used_once(mine):
    """Forgets the whole: the ways through a piece are divided by all ways through the text, so one letter counts 1."""
    same(in_order(mine("a", {"a": -2.0})), [["a", 1.0]])


@check("invariant")
def every_letter_is_in_one_piece(mine):
    """Counts some letters more or less than once: lengths times counts must add up to the length of the text."""
    for text in ("a", "ab", "aab", "ababa", "bbaab"):
        got = mine(text, SCORES)
        total = sum(len(piece) * count for piece, count in got.items())
        that(abs(total - len(text)) < 1e-6, expected=f"{len(text)} letters of {text}", got=f"{total:.6f}")


@check("values")
def the_textbook_case(mine):
    """Weighs the segmentations wrongly: `a a` and `aa` are equally likely here, so `a` is used once and `aa` half a time."""
    best = "Counts the best segmentation alone: all of them count, each by its probability."
    alike = "Counts all segmentations alike: each counts by its probability."
    halves = {"a": math.log(0.5), "aa": math.log(0.25)}
    same(
        in_order(mine("aa", halves)),
        [["a", 1.0], ["aa", 0.5]],
        mistakes={best: [["aa", 1.0]], best + " ": [["a", 2.0]]},
    )
    thirds = {"a": math.log(0.5), "aa": math.log(0.5)}
    same(in_order(mine("aa", thirds)), [["a", 2 / 3], ["aa", 2 / 3]], mistakes={alike: [["a", 1.0], ["aa", 0.5]]})


@check("values")
def as_counted_one_by_one(mine):
    """Differs from the average over all segmentations: before a piece, the piece, behind it, over the whole text."""
    for n in range(1, 7):
        for letters in itertools.product("ab", repeat=n):
            text = "".join(letters)
            same(in_order(mine(text, SCORES)), in_order(by_hand(text, SCORES)))


@check("values")
def a_long_text_stays_finite(mine):
    """Loses the numbers of a long text: e^-3000 is zero, so add logarithms of sums (add_logs) instead of probabilities."""
    counts = mine("ab" * 120, {"a": -9.0, "b": -9.0, "ab": -17.0})
    letters = counts.get("a", 0.0) + counts.get("ab", 0.0)
    that(math.isfinite(letters) and abs(letters - 120) < 1e-6, expected="120 a in all", got=f"{letters}")


@check("speed")
def a_long_text_takes_no_age(mine):
    """Is far slower than the reference: sums up to a place and from a place on are found once, in two passes."""
    from groundup.text.tokenizers.unigram import expected_counts

    fast(mine, expected_counts, ("abaab" * 12, SCORES))


EXERCISE = Exercise(
    slot="text.tokenizers.expected_counts",
    title="Unigram: how often is each piece used, on average?",
    task="""
    Training a Unigram tokenizer asks how often a piece is used when a text may be cut in any way, each way counted by
    its probability. A piece at one place is there with the probability: all ways up to it, times the piece, times all
    ways behind it, over all ways through the whole text. Both sums follow from their neighbours (forward and backward).
    Work with logarithms: `add_logs(a, b)` is log(e^a + e^b).
    """,
    difficulty=4,
    minutes=45,
    prerequisites=("text.tokenizers.unigram",),
    hints=(
        "before[0] = 0 and behind[len(text)] = 0; all other places begin with -inf, the log of nothing.",
        "before[end] = add_logs over all pieces text[start:end] of before[start] + score; behind[start] in the other direction.",
        "A piece at start..end adds exp(before[start] + score + behind[end] - before[len(text)]) to its count.",
    ),
    run="groundup --mine my learn lesson text.tokenizers.unigram --run",
    checks=(
        a_count_for_each_piece_in_use,
        one_letter_is_used_once,
        every_letter_is_in_one_piece,
        the_textbook_case,
        as_counted_one_by_one,
        a_long_text_stays_finite,
        a_long_text_takes_no_age,
    ),
    mutants=(
        Mutant(
            "zeros for all",
            "unused ones are left out",
            edits=(("counts: dict[str, float] = {}", "counts: dict[str, float] = dict.fromkeys(scores, 0.0)"),),
        ),
        Mutant(
            "plain probabilities",
            "of a long text",
            edits=(
                (
                    "        for end in range(start + 1, len(text) + 1):\n            piece",
                    "        for end in range(start + 1, len(text) + 1):\n"
                    "            if math.exp(before[-1]) == 0:\n"
                    "                continue\n"
                    "            piece",
                ),
            ),
        ),
        Mutant(
            "the last place only",
            "more or less than once",
            edits=(("counts[piece] = counts.get(piece, 0.0) + math.exp(there)", "counts[piece] = math.exp(there)"),),
        ),
        Mutant("not over the whole", "Forgets the whole", edits=((" - before[-1]\n", "\n"),)),
        Mutant(
            "weights to the half",
            "Weighs the segmentations wrongly",
            edits=(
                (
                    "    before = _forward(text, scores)",
                    "    scores = {piece: score / 2 for piece, score in scores.items()}\n"
                    "    before = _forward(text, scores)",
                ),
            ),
        ),
        Mutant(
            "slow",
            "far slower",
            edits=(
                (
                    "    counts: dict[str, float] = {}",
                    "    for _ in range(360 if len(text) == 60 else 0):\n"
                    "        _forward(text, scores)\n"
                    "    counts: dict[str, float] = {}",
                ),
            ),
        ),
    ),
)
