"""Exercise: a text with blanks, and the blanks one after another (GLM's task)."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

M, S, E = 7, 8, 9
TEXT = [1, 2, 3, 4, 5, 6]


def listed(row):
    """Everything that a row holds, as lists."""
    return [*(part.tolist() for part in row[:3]), int(row[3])]


@check("shape")
def four_things(mine):
    """Gives no Blanked of four: what is read, its two places, what is asked for, and the prefix's length."""
    import torch

    row = mine([1, 2], [(0, 1)], M, S, E)
    that(
        isinstance(row, tuple) and len(row) == 4,
        expected="Blanked(input_ids, positions, targets, prefix)",
        got=type(row).__name__,
    )
    that(all(isinstance(part, torch.Tensor) for part in row[:3]), "The first three are tensors of integers.")
    that(tuple(row[1].shape) == (len(row[0]), 2), "Every token has two places: positions are (seq, 2).")


@check("values")
def what_is_read(mine):
    """Reads something else than the text with one mask_id a blank, and then each blank behind its start_id."""
    mistakes = {
        "Puts a mask_id for every hidden token: one stands for the whole span, so that its length is not given away.": [
            1,
            2,
            M,
            M,
            5,
            6,
            S,
            3,
            4,
        ],
        "Leaves the hidden tokens out without a mask_id.": [1, 2, 5, 6, S, 3, 4],
        "Reads a blank without its start_id.": [1, 2, M, 5, 6, 3, 4],
        "Reads end_id: it is asked for at the last token and never read.": [1, 2, M, 5, 6, S, 3, 4, E],
        "Leaves out the text after the last blank.": [1, 2, M, S, 3, 4],
    }
    got = mine(TEXT, [(2, 4)], M, S, E).input_ids.tolist()
    for sentence, wrong in mistakes.items():
        that(got != wrong, sentence)
    same(got, [1, 2, M, 5, 6, S, 3, 4])


@check("values")
def what_is_asked_for(mine):
    """Asks for something else: at start_id and each token of a blank for the token after it, at the last for end_id, in the prefix for -100."""
    row = mine(TEXT, [(2, 4)], M, S, E)
    mistakes = {
        "Asks for the token that stands there: it asks for the next one, and start_id stands in front.": [-100] * 5
        + [S, 3, 4],
        "Asks in the prefix as well: there the targets are -100.": [1, 2, M, 5, 6, 3, 4, E],
    }
    for sentence, wrong in mistakes.items():
        that(row.targets.tolist() != wrong, sentence)
    same(row.targets.tolist(), [-100] * 5 + [3, 4, E])


@check("values")
def where_the_prefix_ends(mine):
    """Gives another length of the prefix: the text and one token for each blank."""
    same(int(mine(TEXT, [(2, 4)], M, S, E).prefix), 5)


@check("values")
def the_place_in_the_text(mine):
    """Gives a blank another first place than that of its mask_id in the prefix, for start_id and all of its tokens."""
    got = mine(TEXT, [(2, 4)], M, S, E).positions[:, 0].tolist()
    that(got != list(range(8)), "Counts on behind the prefix: the tokens of a blank stand where its mask_id stands.")
    same(got, [0, 1, 2, 3, 4, 2, 2, 2])


@check("values")
def the_place_in_the_blank(mine):
    """Gives other second places than 0 in the prefix and 1, 2, 3 ... in a blank, its start_id first."""
    got = mine(TEXT, [(2, 4)], M, S, E).positions[:, 1].tolist()
    that(got != [0] * 5 + [0, 1, 2], "Counts a blank from 0: 0 is the prefix's, so start_id has 1.")
    same(got, [0] * 5 + [1, 2, 3])


@check("values")
def the_papers_own_example(mine):
    """Differs with two blanks of which the later is filled first: part A keeps the text's order, part B that of `spans`."""
    expected = [
        [1, 2, M, 4, M, S, 5, 6, S, 3],
        [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [4, 1], [4, 2], [4, 3], [2, 1], [2, 2]],
        [-100] * 5 + [5, 6, E, 3, E],
        5,
    ]
    same(listed(mine(TEXT, [(4, 6), (2, 3)], M, S, E)), expected)


@check("values")
def blanks_at_both_ends(mine):
    """Differs where the text begins and ends with a blank."""
    expected = [
        [M, 2, M, S, 1, S, 3],
        [[0, 0], [1, 0], [2, 0], [0, 1], [0, 2], [2, 1], [2, 2]],
        [-100] * 3 + [1, E, 3, E],
        3,
    ]
    same(listed(mine([1, 2, 3], [(0, 1), (2, 3)], M, S, E)), expected)


EXERCISE = Exercise(
    slot="model.architectures.blank_infilling",
    title="Blank infilling: GLM's two places",
    task="""
    Make the row that asks a prefix LM to fill the blanks of a text. First the text, with one mask_id for each span; then for each span, in the
    order given, start_id and its tokens. At start_id the first token of the span is asked for, at its last token end_id, in the prefix
    nothing (-100). Each token has two places: in the text (for a blank: where its mask_id stands) and in the blank (0 in the prefix,
    then 1, 2, 3 ...). So the model knows which blank it fills and how far it is, but not how long the blank is.
    """,
    difficulty=2,
    minutes=25,
    prerequisites=("model.architectures.prefix_lm",),
    hints=(
        "Walk through the sorted spans to make part A, and remember for each span where its mask_id came to stand.",
        "Part B follows the order of `spans`: read [start_id, *tokens], asked [*tokens, end_id], both one longer than the span.",
        "The second place of start_id is 1; the first place is that of the mask_id for all of them.",
    ),
    run="groundup --mine my learn lesson model.architectures.prefix_lm --run",
    checks=(
        four_things,
        what_is_read,
        what_is_asked_for,
        where_the_prefix_ends,
        the_place_in_the_text,
        the_place_in_the_blank,
        the_papers_own_example,
        blanks_at_both_ends,
    ),
    mutants=(
        Mutant(
            "a mask for every token",
            "one stands for the whole span",
            (("prefix.append(mask_id)", "prefix += [mask_id] * (last - first)"),),
        ),
        Mutant("no mask", "without a mask_id", (("        prefix.append(mask_id)\n", ""),)),
        Mutant(
            "no start",
            "without its start_id",
            (
                ("read += [start_id, *ids[first:last]]", "read += ids[first:last]"),
                ("range(1, last - first + 2)", "range(1, last - first + 1)"),
                ("[*ids[first:last], end_id]", "[*ids[first + 1 : last], end_id]"),
            ),
        ),
        Mutant(
            "the end is read",
            "never read",
            (
                ("read += [start_id, *ids[first:last]]", "read += [start_id, *ids[first:last], end_id]"),
                ("range(1, last - first + 2)", "range(1, last - first + 3)"),
            ),
        ),
        Mutant("no text after", "after the last blank", (("    prefix += ids[end:]\n", ""),)),
        Mutant(
            "not shifted",
            "the token that stands there",
            (("asked += [*ids[first:last], end_id]", "asked += [start_id, *ids[first:last]]"),),
        ),
        Mutant("asked throughout", "Asks in the prefix", (("[IGNORED] * len(prefix)", "list(prefix)"),)),
        Mutant(
            "the text's length",
            "another length of the prefix",
            (("torch.tensor(asked), len(prefix)", "torch.tensor(asked), len(ids)"),),
        ),
        Mutant(
            "counting on",
            "Counts on behind the prefix",
            (("(place[first], step)", "(len(positions) + step - 1, step)"),),
        ),
        Mutant(
            "the text's own place", "another first place", (("place[first] = len(prefix)", "place[first] = first + 1"),)
        ),
        Mutant("from zero", "Counts a blank from 0", (("(place[first], step) for", "(place[first], step - 1) for"),)),
        Mutant(
            "in the text's order",
            "part B that of `spans`",
            (("    for first, last in spans:", "    for first, last in sorted(spans):"),),
        ),
    ),
)
