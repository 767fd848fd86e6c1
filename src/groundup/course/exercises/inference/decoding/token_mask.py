"""Exercise: which tokens may come next where a text must match a pattern."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def table(*steps):
    """An automaton's table from (state, characters, next state)."""
    import numpy as np

    made = np.full((1 + max(max(begin, end) for begin, _, end in steps), 256), -1, dtype=np.int32)
    for begin, characters, end in steps:
        for byte in characters.encode():
            made[begin, byte] = end
    return made


def numbers():
    """Of [0-9]+(,[0-9][0-9])?: 0 the start, 1 after digits, 2 after the comma, 3 and 4 after the digits behind it."""
    ten = "0123456789"
    return table((0, ten, 1), (1, ten, 1), (1, ",", 2), (2, ten, 3), (3, ten, 4))


def true(mask):
    """The places that are True, as plain numbers."""
    return [place for place, allowed in enumerate(mask.tolist()) if allowed]


@check("shape")
def a_mark_a_token(mine):
    """Gives something else than one mark for each token; the mask is as long as the vocabulary."""
    for count in (1, 4):
        shape(mine(numbers(), 0, [b"1"] * count), (count,))


@check("dtype")
def marks_are_bool(mine):
    """Gives back other marks than bool; with 0 and 1 a mask would pick tokens by number."""
    same(str(mine(numbers(), 0, [b"1", b"x"]).dtype), "bool")


@check("values")
def single_bytes(mine):
    """Allows or forbids a token of one byte wrongly: it may come where the table has a next state for its byte, 0 included."""
    same(true(mine(numbers(), 0, [b"7", b",", b"x"])), [0])
    first = "Begins in the first state and not in the given one."
    same(true(mine(numbers(), 1, [b"7", b",", b"x"])), [0, 1], mistakes={first: [0]})
    same(true(mine(table((0, "a", 0)), 0, [b"a", b"b"])), [0])


@check("values")
def every_byte_counts(mine):
    """Looks at a part of the token's bytes only: each must lead on from the state that the one before it led to."""
    mistakes = {
        "Looks at the first byte only: the rest of the token must lead on too.": [0, 1, 2],
        "Tries every byte from the first state: each begins where the one before it led to.": [0],
    }
    same(true(mine(numbers(), 0, [b"12", b"1x", b"1,,"])), [0], mistakes=mistakes)
    same(true(mine(numbers(), 0, [b"1,2", b"12,34", b"12,345"])), [0, 1])


@check("values")
def a_dead_state_stays_dead(mine):
    """Goes on after -1: as an index it names the last state, so a token comes back to life."""
    same(true(mine(table((0, "a", 1), (1, "b", 1)), 0, [b"xb", b"ab"])), [1])


@check("values")
def the_state_matters(mine):
    """Begins in another state than the given one."""
    same(true(mine(numbers(), 2, [b"1", b"12", b"1,", b"123"])), [0, 1])
    same(true(mine(numbers(), 4, [b"1", b","])), [])


@check("values")
def a_token_without_bytes_never_comes(mine):
    """Allows a token that stands for no text: it would lead nowhere, and could be taken without end."""
    same(true(mine(numbers(), 0, [b"", b"1", b""])), [1])


@check("values")
def a_text_need_not_be_whole(mine):
    """Forbids a token after which the text is not whole yet: it is enough that it can go on."""
    same(true(mine(numbers(), 1, [b",", b",1"])), [0, 1])


@check("speed")
def a_vocabulary_in_time(mine):
    """Is far slower than the reference: stop at the first byte that leads nowhere."""
    from groundup.inference.decoding.constrained.masks import token_mask

    fast(mine, token_mask, (numbers(), 0, [b"%d" % number for number in range(2000)]))


EXERCISE = Exercise(
    slot="inference.decoding.token_mask",
    title="Only what can still match",
    task="""
    A model shall write a date, a number, JSON. Before each draw everything that cannot become that gets the logit -inf. The pattern
    is an automaton: next_state[state, byte] is the state after one more byte, -1 where nothing matches any more. A token is a run of
    bytes, so it may come next if all of its bytes, one after another from the given state, lead to a state. Give a mask of bool,
    one mark a token; a token of no bytes may never come.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.decoding",),
    hints=(
        "For each token walk through its bytes; a byte of a bytes object is a number, so it is an index already.",
        "Begin each token anew in the given state; leave the inner loop as soon as the state is -1.",
        "allowed[id] = bool(piece) and reached != -1, where reached is next_state[reached, byte] byte by byte.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --regex '[A-Z][a-z]+ [a-z]+[.]'",
    checks=(
        a_mark_a_token,
        marks_are_bool,
        single_bytes,
        every_byte_counts,
        a_dead_state_stays_dead,
        the_state_matters,
        a_token_without_bytes_never_comes,
        a_text_need_not_be_whole,
        a_vocabulary_in_time,
    ),
    mutants=(
        Mutant(
            "state 0 taken for nothing",
            "Allows or forbids a token of one byte wrongly",
            (("and reached != -1", "and reached > 0"),),
        ),
        Mutant(
            "the first byte only", "Looks at the first byte only", (("for byte in piece:", "for byte in piece[:1]:"),)
        ),
        Mutant(
            "the last byte only",
            "Looks at a part of the token's bytes",
            (("for byte in piece:", "for byte in piece[-1:]:"),),
        ),
        Mutant(
            "on after -1",
            "Goes on after -1",
            (("if reached == -1:", "if False:"),),
        ),
        Mutant(
            "always from the start",
            "Begins in the first state",
            (("reached = state", "reached = 0"),),
        ),
        Mutant(
            "a token without bytes", "Allows a token that stands for no text", (("bool(piece) and reached", "reached"),)
        ),
        Mutant(
            "numbers for marks", "Gives back other marks than bool", (("return allowed", "return allowed.astype(int)"),)
        ),
        Mutant(
            "ids for marks",
            "Gives something else than one mark",
            (("return allowed", "return np.flatnonzero(allowed)[:0]"),),
        ),
    ),
)
