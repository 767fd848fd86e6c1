"""Arc-eager moves by hand, and the oracle's costs by trying every way on."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.structure.parsing.arc_eager import (
    LEFT,
    REDUCE,
    RIGHT,
    SHIFT,
    State,
    apply_move,
    first_state,
    is_projective,
    legal_moves,
    one_root,
    oracle_cost,
    static_moves,
)
from groundup.classical.structure.parsing.conllu import check_tree
from groundup.errors import InputError


def test_he_wrote_her_a_letter_by_hand():
    """ "He wrote her a letter" (the example of Goldberg and Nivre 2012): 1 <- 2, 2 -> 3, 2 -> 5, 4 <- 5, 2 <- root."""
    gold = [2, 6, 2, 5, 2]
    moves = [SHIFT, LEFT, SHIFT, RIGHT, REDUCE, SHIFT, LEFT, RIGHT, REDUCE, LEFT]
    stacks = [(1,), (), (2,), (2, 3), (2,), (2, 4), (2,), (2, 5), (2,), ()]
    state = first_state(5)
    for move, stack in zip(moves, stacks, strict=True):
        assert move in legal_moves(state) and oracle_cost(state, move, gold) == 0
        state = apply_move(state, move)
        assert state.stack == stack
    assert state == State((), (6,), tuple(gold)) and legal_moves(state) == []


def test_what_each_move_costs_by_hand():
    gold, state = [2, 6, 2, 5, 2], State((2, 3), (4, 5, 6), (2, 0, 2, 0, 0))  # her is on the stack, a letter to come
    assert legal_moves(state) == [SHIFT, RIGHT, REDUCE]
    assert oracle_cost(state, SHIFT, gold) == 0, "her can leave the stack later, too"
    assert oracle_cost(state, RIGHT, gold) == 1, "a loses its head, letter"
    assert oracle_cost(state, REDUCE, gold) == 0
    state = State((2,), (3, 4, 5, 6), (2, 0, 0, 0, 0))
    assert oracle_cost(state, LEFT, gold) == 3, "wrote loses the root, her and letter"
    assert oracle_cost(state, SHIFT, gold) == 1, "her loses wrote"


@cache
def fewest_lost(state, gold):
    """Arcs of the gold tree that the best way on from a configuration does not make."""
    allowed = legal_moves(state)
    if not allowed:
        return sum(a != b for a, b in zip(state.heads, gold, strict=True))
    return min(fewest_lost(apply_move(state, move), gold) for move in allowed)


def all_states(words):
    todo, seen = [first_state(words)], set()
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo += [apply_move(state, move) for move in legal_moves(state)]
    return seen


def projective_trees(words):
    def heads(count):
        if count == 0:
            return [()]
        return [(*rest, head) for rest in heads(count - 1) for head in range(words + 1)]

    for found in heads(words):
        try:
            check_tree(found)
        except InputError:
            continue
        if is_projective(found):
            yield tuple(head or words + 1 for head in found)


@pytest.mark.parametrize("words", [1, 2, 3, 4])
def test_every_cost_in_every_configuration_by_brute_force(words):
    states, trees, asked = all_states(words), list(projective_trees(words)), 0
    for state in states if words < 4 else sorted(states, key=repr)[::5]:
        for gold in trees:
            before = fewest_lost(state, gold)
            for move in legal_moves(state):
                assert oracle_cost(state, move, gold) == fewest_lost(apply_move(state, move), gold) - before
                asked += 1
    assert asked > words


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=1, max_size=7))
def test_the_moves_of_the_oracle_build_the_tree(heads):
    heads = [min(head, len(heads)) for head in heads]
    try:
        check_tree(heads)
    except InputError:
        return
    gold = [head or len(heads) + 1 for head in heads]
    moves, state = static_moves(gold), first_state(len(heads))
    for move in moves:
        state = apply_move(state, move)
    assert len(moves) == 2 * len(heads)
    assert (list(state.heads) == gold) == is_projective(heads), "every tree without crossing arcs, and no other"


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 8), st.data())
def test_any_moves_end_in_a_tree_whose_arcs_do_not_cross(words, data):
    state = first_state(words)
    while allowed := legal_moves(state):
        state = apply_move(state, data.draw(st.sampled_from(allowed)))
    heads = one_root([head % (words + 1) for head in state.heads])
    check_tree(heads)
    assert is_projective([head % (words + 1) for head in state.heads])
