"""The compiled parser against the definitions: its moves' costs, its arcs, its averages."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.structure.parsing import arc_eager, greedy


def configuration(moves, words):
    """A configuration after as many of the moves (numbers, taken round among the legal ones) as there are, both ways."""
    state, rows, n = arc_eager.first_state(words), np.zeros((9, words + 3), np.int64), 1
    for number in moves:
        allowed = arc_eager.legal_moves(state)
        if not allowed:
            break
        move = allowed[number % len(allowed)]
        s = state.stack[-1] if state.stack else 0
        if move in (greedy.LEFT, greedy.RIGHT):
            word, head = (s, n) if move == greedy.LEFT else (n, s)
            greedy._attach.py_func(rows, word, head, 1)
        n = greedy._move.py_func(rows, move, n)
        state = arc_eager.apply_move(state, move)
    return state, rows, n


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 11), max_size=12), st.lists(st.integers(1, 7), min_size=6, max_size=6))
def test_moves_and_costs_are_those_of_the_definition(moves, gold):
    words = len(gold)
    state, rows, n = configuration(moves, words)
    assert tuple(rows[greedy.STACK, 1 : rows[greedy.STACK, 0] + 1]) == state.stack
    assert tuple(rows[greedy.HEADS, 1 : words + 1]) == state.heads and n == state.buffer[0]
    s, root = state.stack[-1] if state.stack else 0, words + 1
    legal = [move for move in range(4) if greedy._is_legal.py_func(move, s, n, root, rows)]
    assert legal == arc_eager.legal_moves(state)
    row = np.array([0, *gold, 0, 0])
    for move in legal:
        assert greedy._cost.py_func(move, s, n, root, row, rows) == arc_eager.oracle_cost(state, move, gold)


def sentence(words):
    rows = np.zeros((5, words + 3), np.int32)
    rows[:, words + 1] = 1
    rows[:3, 1:-2] = np.arange(3, 3 + words)
    rows[greedy.HEAD, 1:-2], rows[greedy.LABEL, 1:-2] = [*range(2, words + 1), words + 1], 1
    return rows


def test_learning_ends_at_the_average_of_its_steps():
    rows, words = sentence(5), 5
    moves, labels = np.zeros((1 << 10, 4), np.float32), np.zeros((1 << 10, 3), np.float32)
    sums, label_sums = np.zeros(moves.shape), np.zeros(labels.shape)
    step, draws, first, order = 0, np.array([1], np.uint64), np.array([0, words + 3]), np.array([0])
    for _ in range(4):
        step, made, right = greedy.learn_all(rows, first, order, moves, sums, labels, label_sums, step, 0.0, draws)
    assert step == 4 * 2 * words and right == made == 2 * words, "one sentence is learned by heart"
    heads, found = greedy.parse(rows, words, moves - (sums / step).astype(np.float32), labels)
    assert heads.tolist() == [2, 3, 4, 5, 0] and found.tolist() == [1] * 5


def test_without_any_weights_the_moves_are_legal_all_the_same():
    rows, words = sentence(6), 6
    moves, labels = np.zeros((1 << 10, 4), np.float32), np.zeros((1 << 10, 3), np.float32)
    heads, found = greedy.parse(rows, words, moves, labels)
    assert heads.tolist() == [0] * 6 and set(found.tolist()) == {1}, "SHIFT is the first, as long as it is legal"
