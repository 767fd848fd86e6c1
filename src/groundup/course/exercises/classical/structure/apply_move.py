"""Exercise: what an arc-eager move does to stack, buffer and heads."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown

SHIFT, LEFT, RIGHT, REDUCE = range(4)


def _state(stack, buffer, heads):
    from groundup.classical.structure.parsing.arc_eager import State

    return State(tuple(stack), tuple(buffer), tuple(heads))


def _parts(found):
    return [list(found.stack), list(found.buffer), list(found.heads)]


@check("shape")
def a_new_state(mine):
    """Gives something else than a new State whose parts are tuples."""
    for move in range(4):
        got = mine(_state([1], [2, 3], [0, 0]), move)
        if type(got).__name__ != "State" or not all(
            isinstance(part, tuple) for part in (got.stack, got.buffer, got.heads)
        ):
            raise Failed(expected="State(stack=(1, 2), buffer=(3,), heads=(0, 0))", got=shown(got))


@check("values")
def shift_moves_a_word(mine):
    """SHIFT is wrong: the first of the buffer goes onto the stack's top, the last place, and no arc is made."""
    same(_parts(mine(_state([1], [2, 3, 4], [0, 0, 0]), SHIFT)), [[1, 2], [3, 4], [0, 0, 0]])


@check("values")
def left_makes_an_arc_and_removes(mine):
    """LEFT is wrong: the first of the buffer becomes the head of the stack's top, which leaves; the buffer stays."""
    turned = "LEFT makes the arc the other way round: the head is the word of the buffer."
    same(
        _parts(mine(_state([1, 2], [3, 4, 5], [0, 0, 0, 0]), LEFT)),
        [[1], [3, 4, 5], [0, 3, 0, 0]],
        mistakes={turned: [[1], [3, 4, 5], [0, 0, 2, 0]]},
    )
    same(_parts(mine(_state([2], [3], [2, 0]), LEFT)), [[], [3], [2, 3]])


@check("values")
def right_makes_an_arc_and_keeps_both(mine):
    """RIGHT is wrong: the stack's top becomes the head of the first of the buffer, which goes onto the stack; both may still get dependents."""
    same(_parts(mine(_state([1, 2], [3, 4, 5], [0, 0, 0, 0]), RIGHT)), [[1, 2, 3], [4, 5], [0, 0, 2, 0]])


@check("values")
def reduce_removes(mine):
    """REDUCE is wrong: the stack's top, its last place, leaves, and nothing else changes."""
    same(_parts(mine(_state([1, 2], [3, 4], [0, 1, 0]), REDUCE)), [[1], [3, 4], [0, 1, 0]])


EXERCISE = Exercise(
    slot="classical.structure.apply_move",
    title="Arc-eager: the moves themselves",
    task="""
    A configuration has a stack (its top is last), a buffer (its first word is first) and the head of each word, 0 while it has
    none; word 1's head stands at place 0. Write what SHIFT, LEFT, RIGHT and REDUCE make of it. A State is frozen: give a new one.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "State(stack, buffer, heads) takes three tuples; (*stack, word) puts a word on top, stack[:-1] takes the top away.",
        "LEFT and REDUCE leave the buffer alone; SHIFT and RIGHT take its first word.",
        "LEFT: heads[stack[-1] - 1] = buffer[0]. RIGHT: heads[buffer[0] - 1] = stack[-1].",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.arc_eager --run",
    checks=(
        a_new_state,
        shift_moves_a_word,
        left_makes_an_arc_and_removes,
        right_makes_an_arc_and_keeps_both,
        reduce_removes,
    ),
    mutants=(
        Mutant(
            "shift in front",
            "SHIFT is wrong",
            edits=(
                (
                    "return State((*stack, buffer[0]), buffer[1:], state.heads)",
                    "return State((buffer[0], *stack), buffer[1:], state.heads)",
                ),
            ),
        ),
        Mutant(
            "left the other way",
            "the other way round",
            edits=(("heads[stack[-1] - 1] = buffer[0]", "heads[buffer[0] - 1] = stack[-1]"),),
        ),
        Mutant(
            "left keeps",
            "LEFT is wrong",
            edits=(("return State(stack[:-1], buffer, tuple(heads))", "return State(stack, buffer, tuple(heads))"),),
        ),
        Mutant(
            "right removes",
            "RIGHT is wrong",
            edits=(
                (
                    "heads[buffer[0] - 1] = stack[-1]\n        return State((*stack, buffer[0]), buffer[1:], tuple(heads))",
                    "heads[buffer[0] - 1] = stack[-1]\n        return State(stack, buffer[1:], tuple(heads))",
                ),
            ),
        ),
        Mutant(
            "reduce below",
            "REDUCE is wrong",
            edits=(("return State(stack[:-1], buffer, state.heads)", "return State(stack[1:], buffer, state.heads)"),),
        ),
        Mutant(
            "heads as a list",
            "are tuples",
            edits=(("return State(stack[:-1], buffer, tuple(heads))", "return State(stack[:-1], buffer, heads)"),),
        ),
    ),
)
