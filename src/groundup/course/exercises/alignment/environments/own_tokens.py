"""Exercise: what the model wrote, and what it only read."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

EPISODE = [([7, 8], True), ([5, 5, 5], False), ([9], True)]


@check("shape")
def two_lists_of_equal_length(mine):
    """Gives something else than two lists of equal length: the tokens, and a flag for each of them."""
    for parts in (EPISODE, [], [([1], False)]):
        got = mine(parts)
        that(len(got) == 2 and all(isinstance(one, list) for one in got), expected="two lists", got=got)
        that(len(got[0]) == len(got[1]), expected="a flag for each token", got=got)


@check("dtype")
def flags_are_booleans(mine):
    """Flags are not booleans: True or False for each token."""
    for parts in (EPISODE, [([1], False)]):
        that(all(isinstance(flag, bool) for flag in mine(parts)[1]), expected="True and False", got=mine(parts)[1])


@check("values")
def every_token_stands_in_its_place(mine):
    """Loses what was read, or changes the order: what a tool said stays in the context, the model must see it again in training."""
    for parts in (EPISODE, [([1, 2], False), ([3], False), ([4], True)]):
        same(mine(parts)[0], [token for tokens, _ in parts for token in tokens])


@check("values")
def a_tools_tokens_are_not_the_models(mine):
    """Calls a tool's tokens the model's own: under the loss the model would learn to invent results."""
    same(mine([([1], True), ([2, 3], False)])[1][1:], [False, False])
    same(mine([([4, 4, 4], False)])[1], [False, False, False])


@check("values")
def a_call_is_the_models_own(mine):
    """Leaves the model's calls out: only the last part would be learned, and the model would never learn to call."""
    same(mine(EPISODE)[1][:2], [True, True])
    same(mine([([1], True), ([2], True), ([3], True)])[1], [True, True, True])


@check("values")
def the_last_part_counts_as_any_other(mine):
    """Treats the last part by its place: a cut episode may end with a tool's words, which are read, not written."""
    same(mine(EPISODE)[1][-1:], [True])
    same(mine([([1], True), ([2], False)])[1], [True, False])


@check("values")
def parts_may_be_empty(mine):
    """Stumbles over a part without a token, or an episode without a part."""
    same(tuple(mine([])), ([], []))
    same(tuple(mine([([1], True), ([], False), ([2], True)])), ([1, 2], [True, True]))


IDS = "ids = [token for tokens, _ in parts for token in tokens]"
RETURN = "return ids, [mine for tokens, mine in parts for _ in tokens]"
WALK = "for place, (tokens, mine) in enumerate(parts) for _ in tokens]"
ALONE = f"return ids, [mine and place == len(parts) - 1 {WALK}"
END = f"return ids, [mine or (place == len(parts) - 1 and len(tokens) == 1) {WALK}"
EMPTY = f"return ids, [mine and all(len(one) for one, _ in parts) {WALK}"
EXERCISE = Exercise(
    slot="alignment.environments.own_tokens",
    title="Tools: what the model wrote, and what it only read",
    task="""
    An episode with tools is a chain of parts: the model writes a call, the environment adds what the tool gave back, the model goes on. The model
    reads all of it, but only what it wrote is its own deed, for which it can be rewarded. From the parts, each a list of tokens and whether the
    model wrote it, make one list of all tokens and one flag for each: True where the loss may look.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("alignment.environments.multi_turn",),
    hints=(
        "Both lists come from the same walk over the parts, in order.",
        "A part of three tokens gives its flag three times.",
        "[mine for tokens, mine in parts for _ in tokens] repeats the flag of a part for each of its tokens.",
    ),
    run="groundup --mine my learn lesson alignment.environments.multi_turn --run",
    checks=(
        two_lists_of_equal_length, flags_are_booleans, every_token_stands_in_its_place, a_tools_tokens_are_not_the_models,
        a_call_is_the_models_own, the_last_part_counts_as_any_other, parts_may_be_empty,
    ),
    mutants=(
        Mutant("a flag a part", "two lists of equal length", edits=((RETURN, "return ids, [mine for _, mine in parts]"),)),
        Mutant("whole numbers", "not booleans", edits=((RETURN, "return ids, [int(mine) for tokens, mine in parts for _ in tokens]"),)),
        Mutant("reads left out", "Loses what was read", edits=((IDS, IDS.replace("in parts", "in parts[::-1]")),)),
        Mutant("all its own", "Calls a tool's tokens", edits=((RETURN, "return ids, [True for tokens, mine in parts for _ in tokens]"),)),
        Mutant("the answer alone", "Leaves the model's calls out", edits=((RETURN, ALONE),)),
        Mutant("the end is its own", "Treats the last part by its place", edits=((RETURN, END),)),
        Mutant("the first flag", "Stumbles over a part without a token", edits=((RETURN, EMPTY),)),
    ),
)  # fmt: skip
