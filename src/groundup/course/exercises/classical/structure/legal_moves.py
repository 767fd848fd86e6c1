"""Exercise: which moves an arc-eager parser may make."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown

SHIFT, LEFT, RIGHT, REDUCE = range(4)


def _state(stack, buffer, heads):
    from groundup.classical.structure.parsing.arc_eager import State

    return State(tuple(stack), tuple(buffer), tuple(heads))


@check("shape")
def a_list_in_order(mine):
    """Gives something else than a list of moves in the order SHIFT, LEFT, RIGHT, REDUCE."""
    got = mine(_state([1], [2, 3], [0, 0]))
    if not isinstance(got, list) or got != sorted(got):
        raise Failed(expected="[0, 1, 2]", got=shown(got))


@check("values")
def an_empty_stack_allows_only_shift(mine):
    """Allows an arc or a REDUCE with an empty stack: there is nobody to join or to remove."""
    same(mine(_state([], [1, 2, 3], [0, 0])), [SHIFT])


@check("values")
def a_word_without_a_head_cannot_be_reduced(mine):
    """Allows REDUCE for a word that has no head: it would be left out of the tree."""
    same(mine(_state([1], [2, 3], [0, 0])), [SHIFT, LEFT, RIGHT])


@check("values")
def a_word_with_a_head_gets_no_second(mine):
    """Allows LEFT for a word that has a head already: it would get two."""
    same(mine(_state([1, 2], [3, 4], [0, 1, 0])), [SHIFT, RIGHT, REDUCE])


@check("values")
def the_root_stays_in_the_buffer(mine):
    """Moves the root: when it alone is left in the buffer, it can be neither shifted nor made a dependent."""
    depends = "Allows RIGHT with the root: it is nobody's dependent."
    kept = "Forbids LEFT before the root: the words that are left would get no head."
    same(mine(_state([1], [3], [0, 1])), [LEFT], mistakes={depends: [LEFT, RIGHT], kept: []})
    same(mine(_state([1, 2], [3], [0, 1])), [REDUCE])


@check("values")
def at_the_end_nothing_is_left(mine):
    """Does not end: with an empty stack before the root no move is left."""
    same(mine(_state([], [3], [3, 1])), [])


EXERCISE = Exercise(
    slot="classical.structure.legal_moves",
    title="Arc-eager: the moves that are allowed",
    task="""
    An arc-eager parser has a stack and a buffer, at whose end the root stands. SHIFT puts the first word of the buffer onto the
    stack; LEFT makes it the head of the stack's top, which goes; RIGHT makes the top its head and puts it onto the stack;
    REDUCE removes the top. Give the moves that keep the tree a tree: every word gets exactly one head, and the root none.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Three questions decide: is the stack empty, is only the root left, does the top of the stack have a head?",
        "state.head(word) is 0 for a word without a head; the root alone is left when the buffer has one entry.",
        "SHIFT and RIGHT need a word before the root; LEFT a top without, REDUCE a top with a head; all but SHIFT need a top.",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.arc_eager --run",
    checks=(
        a_list_in_order,
        an_empty_stack_allows_only_shift,
        a_word_without_a_head_cannot_be_reduced,
        a_word_with_a_head_gets_no_second,
        the_root_stays_in_the_buffer,
        at_the_end_nothing_is_left,
    ),
    mutants=(
        Mutant(
            "RIGHT from nobody",
            "empty stack",
            edits=(("RIGHT: bool(state.stack) and not before_root", "RIGHT: not before_root"),),
        ),
        Mutant(
            "REDUCE without a head",
            "has no head",
            edits=(("REDUCE: bool(state.stack) and not headless", "REDUCE: bool(state.stack)"),),
        ),
        Mutant("LEFT with a head", "has a head already", edits=(("LEFT: headless", "LEFT: bool(state.stack)"),)),
        Mutant(
            "the root is shifted", "Moves the root", edits=(("SHIFT: not before_root", "SHIFT: len(state.buffer) > 0"),)
        ),
        Mutant(
            "the root depends",
            "Allows RIGHT with the root",
            edits=(("RIGHT: bool(state.stack) and not before_root", "RIGHT: bool(state.stack)"),),
        ),
        Mutant(
            "the last word is kept back",
            "Forbids LEFT before the root",
            edits=(("LEFT: headless", "LEFT: headless and not before_root"),),
        ),
        Mutant(
            "a set",
            "Returns set where list",
            edits=(
                (
                    "return [move for move, is_allowed in allowed.items() if is_allowed]",
                    "return {move for move, is_allowed in allowed.items() if is_allowed}",
                ),
            ),
        ),
    ),
)
