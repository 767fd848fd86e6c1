"""Exercise: how many arcs a move puts out of reach."""

from functools import cache

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown, that

SHIFT, LEFT, RIGHT, REDUCE = range(4)
NAMES = ("SHIFT", "LEFT", "RIGHT", "REDUCE")
GOLD = (2, 6, 2, 5, 2)  # He wrote her a letter


def _state(stack, buffer, heads):
    from groundup.classical.structure.parsing.arc_eager import State

    return State(tuple(stack), tuple(buffer), tuple(heads))


@cache
def fewest_lost(stack, buffer, heads, gold):
    """Arcs that are missed on the best way to the end: every way is tried, with moves of its own."""
    ways = [fewest_lost(*_after(stack, buffer, heads, move), gold) for move in _allowed(stack, buffer, heads)]
    return min(ways) if ways else sum(a != b for a, b in zip(heads, gold, strict=True))


def _allowed(stack, buffer, heads):
    words = len(buffer) > 1
    headless = bool(stack) and heads[stack[-1] - 1] == 0
    return [move for move, may in enumerate((words, headless, stack and words, stack and not headless)) if may]


def _after(stack, buffer, heads, move):
    made, heads = {LEFT: (stack[-1:], buffer[:1]), RIGHT: (buffer[:1], stack[-1:])}.get(move), list(heads)
    if made:
        heads[made[0][0] - 1] = made[1][0]
    if move in (SHIFT, RIGHT):
        return (*stack, buffer[0]), buffer[1:], tuple(heads)
    return stack[:-1], buffer, tuple(heads)


@check("shape")
def a_whole_number(mine):
    """Gives something else than a whole number of arcs."""
    got = mine(_state([], [1, 2, 3, 4, 5, 6], [0] * 5), SHIFT, GOLD)
    if not isinstance(got, int) or got < 0:
        raise Failed(expected="0", got=shown(got))


@check("values")
def shift_loses_arcs_with_the_stack(mine):
    """SHIFT is counted wrongly: the word meets the stack for the last time, its head there and its dependents without a head there are lost."""
    head = mine(_state([2], [3, 4, 5, 6], [2, 0, 0, 0, 0]), SHIFT, GOLD)
    dependent = mine(_state([1], [2, 3, 4, 5, 6], [0] * 5), SHIFT, GOLD)
    that(
        head or dependent,
        "Says that SHIFT costs nothing: a word that goes onto the stack meets nobody of it.",
        expected=1,
        got=0,
    )
    same(head, 1, "SHIFT forgets the head of the word: in the stack it cannot be reached any more.")
    same(dependent, 1, "SHIFT forgets the dependents of the word: those in the stack without a head are lost.")
    same(mine(_state([2, 3], [4, 5, 6], [2, 0, 2, 0, 0]), SHIFT, GOLD), 0)
    has = "Counts a word of the stack that has a head already: it was lost before, not by this move."
    same(mine(_state([1, 2], [3, 4], [0, 1, 0]), SHIFT, (4, 3, 1)), 1, has)


@check("values")
def left_loses_what_the_top_was_waiting_for(mine):
    """LEFT is counted wrongly: the top leaves and loses its dependents in the buffer, and its head if it comes after the first of the buffer."""
    makes = "LEFT counts the arc that it makes as lost: the top's head may be the first of the buffer."
    same(mine(_state([1], [2, 3, 4, 5, 6], [0] * 5), LEFT, GOLD), 0, makes)
    forgets = "LEFT forgets the top's own head: behind the first of the buffer it cannot be reached any more."
    same(mine(_state([1], [2, 3, 4], [0] * 3), LEFT, (3, 3, 4)), 1, forgets)
    same(mine(_state([2], [3, 4, 5, 6], [2, 0, 0, 0, 0]), LEFT, GOLD), 3)


@check("values")
def right_gives_a_head_that_stays(mine):
    """RIGHT is counted wrongly: the word loses its head, wherever it still is, unless it is the stack's top, and its dependents on the stack."""
    makes = "RIGHT counts the arc that it makes as lost: the word's head may be the top of the stack."
    same(mine(_state([2], [3, 4, 5, 6], [2, 0, 0, 0, 0]), RIGHT, GOLD), 0, makes)
    behind = "RIGHT looks for the word's head in the stack alone: behind it in the buffer it is lost as well."
    same(mine(_state([2, 3], [4, 5, 6], [2, 0, 2, 0, 0]), RIGHT, GOLD), 1, behind)
    same(mine(_state([1], [2, 3, 4, 5, 6], [0] * 5), RIGHT, GOLD), 2)


@check("values")
def reduce_loses_dependents_to_come(mine):
    """REDUCE is counted wrongly: the top loses its dependents in the buffer."""
    same(mine(_state([2, 3], [4, 5, 6], [2, 0, 2, 0, 0]), REDUCE, GOLD), 0)
    same(mine(_state([1, 2], [3, 4], [0, 1, 0]), REDUCE, (4, 1, 2)), 1)


@check("values")
def every_way_on_says_the_same(mine):
    """Differs from what trying every way to the end finds: the fewest arcs missed after the move, less those before it."""
    for gold in ((2, 4, 2), (4, 1, 2), (3, 3, 4), (2, 3, 4), (4, 3, 1), (4, 1, 1)):
        todo = [((), (1, 2, 3, 4), (0, 0, 0))]
        while todo:
            one = todo.pop()
            for move in _allowed(*one):
                todo.append(_after(*one, move))
                lost = fewest_lost(*todo[-1], gold) - fewest_lost(*one, gold)
                got = mine(_state(*one), move, gold)
                that(got == lost, expected=f"{lost} for {NAMES[move]} at {one}, heads {gold}", got=got)


EXERCISE = Exercise(
    slot="classical.structure.oracle_cost",
    title="The dynamic oracle: what a move costs",
    task="""
    A parser that has made a mistake should still do its best, so it has to know in any configuration what each move costs: how many
    arcs of the right tree could be made before it and cannot be made after it. For arc-eager moves one can simply look:
    arcs are made between the top of the stack and the first of the buffer only, so each arc is lost by itself. gold holds the
    head of each word; the root is the last in the buffer.
    """,
    difficulty=4,
    minutes=60,
    prerequisites=("classical.structure.parsing",),
    hints=(
        "Who leaves the stack (LEFT, REDUCE) meets nobody of the buffer any more; who goes onto it (SHIFT, RIGHT) nobody of the stack.",
        "A word of the stack that has a head cannot get another: its arc was lost, or made, before this move.",
        "RIGHT: the word's head is lost if it is in the stack or behind it in the buffer and not the top; LEFT: the top's, if behind the first.",
    ),
    run="groundup --mine my learn lesson classical.structure.parsing.arc_eager --run",
    checks=(
        a_whole_number,
        shift_loses_arcs_with_the_stack,
        left_loses_what_the_top_was_waiting_for,
        right_gives_a_head_that_stays,
        reduce_loses_dependents_to_come,
        every_way_on_says_the_same,
    ),
    mutants=(
        Mutant(
            "shift forgets its head",
            "SHIFT forgets the head",
            edits=(
                (
                    "return (gold[b - 1] in state.stack) + sum(gold[word - 1] == b for word in free)",
                    "return sum(gold[word - 1] == b for word in free)",
                ),
            ),
        ),
        Mutant(
            "shift forgets its dependents",
            "SHIFT forgets the dependents",
            edits=(
                (
                    "return (gold[b - 1] in state.stack) + sum(gold[word - 1] == b for word in free)",
                    "return int(gold[b - 1] in state.stack)",
                ),
            ),
        ),
        Mutant(
            "lost twice",
            "has a head already",
            edits=(("for word in state.stack if state.head(word) == 0]", "for word in state.stack]"),),
        ),
        Mutant(
            "left forgets the head",
            "LEFT forgets the top's own head",
            edits=((" + (move == LEFT and gold[s - 1] in rest)", ""),),
        ),
        Mutant(
            "left loses the arc it makes",
            "LEFT counts the arc",
            edits=(("gold[s - 1] in rest)", "gold[s - 1] in state.buffer)"),),
        ),
        Mutant(
            "right loses the arc it makes",
            "RIGHT counts the arc",
            edits=(("lost_head = gold[b - 1] != s and gold[b - 1] in", "lost_head = gold[b - 1] in"),),
        ),
        Mutant(
            "right looks at the stack alone",
            "in the stack alone",
            edits=(("in (*state.stack, *rest)", "in state.stack"),),
        ),
        Mutant(
            "the first of the buffer is forgotten",
            "LEFT is counted",
            edits=(("for word in (b, *rest) if word <= len(gold)", "for word in rest if word <= len(gold)"),),
        ),
        Mutant(
            "shift is free",
            "SHIFT costs nothing",
            edits=(("    if move == SHIFT:\n", "    if move == SHIFT:\n        return 0\n    if move == -1:\n"),),
        ),
    ),
)
