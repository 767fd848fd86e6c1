"""Greedy transition parsing as compiled loops: features of a configuration, two linear scorers, learning by their mistakes.

The moves and their costs are those of `arc_eager.py`, the learning that of `perceptron.py`. One scorer chooses among the
four moves, and where a move makes an arc, a second one chooses its label. What they look at: the words, tags and endings
on top of the stack (s) and first in the buffer (n, then the two behind it), the head and the outermost dependents of s and
the left ones of n, how far apart s and n are, how many dependents they have (Zhang and Nivre 2011, table 2, most of it). Each
is a number of 64 bits, mixed and cut to a place in a table (Weinberger et al. 2009): no dictionary, and two features that
fall on one place share its weights.

A sentence is five rows of int32, one column a word, with a column of zeros before (nothing) and one of ones behind (the root):
word, tag, ending, gold head, gold label. An average is kept as Daumé (2006, figure 2.3) has it: beside each
weight the sum of its changes, each times the step of its making.
"""

import numpy as np

from groundup.text.compiled import inner, kernel, maker

WORD, TAG, END, HEAD, LABEL = range(5)  # rows of a sentence
HEADS, LABELS, LEFT1, LEFT2, RIGHT1, RIGHT2, LEFTS, RIGHTS, STACK = range(9)  # rows of a configuration
MOVE_FEATURES, LABEL_FEATURES = 58, 26
SHIFT, LEFT, RIGHT, REDUCE = range(4)


@inner
def _place(template, a, b, c, shift):
    """The place in a table of one template's values: multiplied, mixed, and the highest bits kept."""
    mixed = np.uint64(template) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(a) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed += np.uint64(b) * np.uint64(0x165667B19E3779F9) + np.uint64(c) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(mixed >> np.uint64(shift))


@inner
def _single(sentence, node, template, shift, out, count):
    """Word, tag, ending and word with tag of one word: four places."""
    word, tag = sentence[WORD, node], sentence[TAG, node]
    out[count] = _place(template, word, 0, 0, shift)
    out[count + 1] = _place(template + 1, tag, 0, 0, shift)
    out[count + 2] = _place(template + 2, word, tag, 0, shift)
    out[count + 3] = _place(template + 3, sentence[END, node], 0, 0, shift)
    return count + 4


@inner
def _tree_features(sentence, state, s, n, words, shift, out, k):
    """The places of what was built already, from place k on: distance, numbers of dependents, heads, labels."""
    word, tag = sentence[WORD], sentence[TAG]
    head, l1, l2, r1, r2 = state[HEADS, s], state[LEFT1, s], state[LEFT2, s], state[RIGHT1, s], state[RIGHT2, s]
    nl1, nl2, above = state[LEFT1, n], state[LEFT2, n], state[HEADS, state[HEADS, s]]
    far, label = min(n - s, 8), state[LABELS, s]
    ws, ts, wn, tn = word[s], tag[s], word[n], tag[n]
    pair, t1, t2 = ts * 4096 + tn, tag[min(n + 1, words + 2)], tag[min(n + 2, words + 2)]
    out[k] = _place(34, ws, far, 0, shift)
    out[k + 1] = _place(35, ts, far, 0, shift)
    out[k + 2] = _place(36, wn, far, 0, shift)
    out[k + 3] = _place(37, tn, far, 0, shift)
    out[k + 4] = _place(38, pair, far, 0, shift)
    out[k + 5] = _place(39, ws, wn, far, shift)
    out[k + 6] = _place(40, ts, state[LEFTS, s], state[RIGHTS, s], shift)
    out[k + 7] = _place(41, ws, state[RIGHTS, s], 0, shift)
    out[k + 8] = _place(42, tn, state[LEFTS, n], 0, shift)
    out[k + 9] = _place(43, wn, state[LEFTS, n], 0, shift)
    out[k + 10] = _place(44, word[head], tag[head], 0, shift)
    out[k + 11] = _place(45, label, ts, tn, shift)
    k += 12  # 42
    out[k] = _place(46, word[l1], state[LABELS, l1], 0, shift)
    out[k + 1] = _place(47, word[r1], state[LABELS, r1], 0, shift)
    out[k + 2] = _place(48, word[nl1], state[LABELS, nl1], 0, shift)
    out[k + 3] = _place(49, tag[l1], state[LABELS, l1], ts, shift)
    out[k + 4] = _place(50, tag[r1], state[LABELS, r1], pair, shift)
    out[k + 5] = _place(51, tag[nl1], state[LABELS, nl1], pair, shift)
    out[k + 6] = _place(52, tag[above], tag[head], ts, shift)
    out[k + 7] = _place(53, ts, tag[l1], tag[l2], shift)
    out[k + 8] = _place(54, ts, tag[r1], tag[r2], shift)
    out[k + 9] = _place(55, tn, tag[nl1], tag[nl2], shift)
    out[k + 10] = _place(56, state[LABELS, l1] * 256 + state[LABELS, l2], ts, 0, shift)
    out[k + 11] = _place(57, state[LABELS, r1] * 256 + state[LABELS, r2], ts, tn, shift)
    out[k + 12] = _place(58, state[LABELS, nl1] * 256 + state[LABELS, nl2], tn, 0, shift)
    below = state[STACK, max(state[STACK, 0] - 1, 0)] if state[STACK, 0] > 1 else 0
    out[k + 13] = _place(59, tag[below], pair, 0, shift)
    out[k + 14] = _place(60, word[below], tag[below], 0, shift)
    out[k + 15] = _place(61, pair, t1 * 4096 + t2, tag[below], shift)  # 58


@inner
def _move_features(sentence, state, s, n, words, shift, out):
    """The places of a configuration's features in the table of moves."""
    word, tag = sentence[WORD], sentence[TAG]
    n1, n2 = min(n + 1, words + 2), min(n + 2, words + 2)  # behind the root: a column of zeros
    head, l1, r1, nl1 = state[HEADS, s], state[LEFT1, s], state[RIGHT1, s], state[LEFT1, n]
    k = _single(sentence, s, 1, shift, out, 0)
    k = _single(sentence, n, 5, shift, out, k)
    k = _single(sentence, n1, 9, shift, out, k)
    k = _single(sentence, n2, 13, shift, out, k)  # 16
    ws, ts, wn, tn = word[s], tag[s], word[n], tag[n]
    pair, t1 = ts * 4096 + tn, tag[n1]
    out[k] = _place(20, ws * 4096 + ts, wn, tn, shift)
    out[k + 1] = _place(21, ws, ts, wn, shift)
    out[k + 2] = _place(22, ws, wn, tn, shift)
    out[k + 3] = _place(23, ws, ts, tn, shift)
    out[k + 4] = _place(24, ts, wn, tn, shift)
    out[k + 5] = _place(25, ws, wn, 0, shift)
    out[k + 6] = _place(26, ts, tn, 0, shift)
    out[k + 7] = _place(27, tn, t1, 0, shift)
    out[k + 8] = _place(28, tn, t1, tag[n2], shift)
    out[k + 9] = _place(29, pair, t1, 0, shift)
    out[k + 10] = _place(30, tag[head], pair, 0, shift)
    out[k + 11] = _place(31, pair, tag[l1], 0, shift)
    out[k + 12] = _place(32, pair, tag[r1], 0, shift)
    out[k + 13] = _place(33, pair, tag[nl1], 0, shift)
    _tree_features(sentence, state, s, n, words, shift, out, k + 14)  # 30 so far


@inner
def _label_features(sentence, state, head, word, words, shift, out):
    """The places of an arc's features in the table of labels; on which side the head stands is in each that looks at both."""
    side, far = int(head > word), min(abs(head - word), 6)
    w, t, e = sentence[WORD], sentence[TAG], sentence[END]
    tags = (t[word] * 4096 + t[head]) * 2 + side
    first, last = state[LEFT1, word], state[RIGHT1, word]
    before, after = max(word - 1, 0), min(word + 1, words + 2)
    k = _single(sentence, word, 100, shift, out, 0)
    k = _single(sentence, head, 104, shift, out, k)
    out[k] = _place(110, tags, 0, 0, shift)
    out[k + 1] = _place(111, w[word], tags, 0, shift)
    out[k + 2] = _place(112, w[head], tags, 0, shift)
    out[k + 3] = _place(113, w[word], w[head], side, shift)
    out[k + 4] = _place(114, e[word], tags, 0, shift)
    out[k + 5] = _place(115, tags, far, 0, shift)
    out[k + 6] = _place(116, tags, t[before], 0, shift)
    out[k + 7] = _place(117, tags, t[after], 0, shift)
    out[k + 8] = _place(118, tags, t[first], w[first], shift)
    out[k + 9] = _place(119, tags, state[LABELS, first], 0, shift)
    out[k + 10] = _place(120, tags, state[LABELS, last], 0, shift)
    out[k + 11] = _place(121, tags, state[LEFTS, head], 0, shift)
    out[k + 12] = _place(122, tags, state[LABELS, state[LEFT1, head]], 0, shift)
    out[k + 13] = _place(123, tags, state[LABELS, state[RIGHT1, head]], 0, shift)
    out[k + 14] = _place(124, w[head], t[word], side, shift)
    out[k + 15] = _place(125, w[first], t[word], side, shift)
    out[k + 16] = _place(126, e[head], tags, 0, shift)
    out[k + 17] = _place(127, tags, t[last], w[before], shift)  # 26


@inner
def _score(weights, places, scores):
    """The sum of the rows at some places."""
    scores[:] = 0
    for place in places:
        row = weights[place]
        for k in range(len(scores)):
            scores[k] += row[k]


@inner
def _update(weights, sums, places, right, wrong, step):
    """Up for the right answer and down for the wrong one, with the step in the sums."""
    for place in places:
        weights[place, right] += np.float32(1)
        weights[place, wrong] -= np.float32(1)
        sums[place, right] += step
        sums[place, wrong] -= step


@inner
def _is_legal(move, s, n, root, state):
    if move == SHIFT:
        return n < root
    if s == 0:
        return False
    if move == RIGHT:
        return n < root
    return (state[HEADS, s] == 0) == (move == LEFT)


@inner
def _cost(move, s, n, root, gold, state):
    """`oracle_cost` of `arc_eager.py`; gold: the head of each word, the root as n + 1."""
    cost, depth = 0, state[STACK, 0]
    if move == SHIFT or move == RIGHT:
        for k in range(1, depth + 1):
            word = state[STACK, k]
            cost += gold[word] == n and state[HEADS, word] == 0
            cost += gold[n] == word and not (move == RIGHT and word == s)
        return cost + (move == RIGHT and gold[n] > n)
    for word in range(n, root):
        cost += gold[word] == s
    return cost + (move == LEFT and gold[s] > n)


@inner
def _attach(state, word, head, label):
    """Write an arc down."""
    state[HEADS, word], state[LABELS, word] = head, label
    if word < head:
        state[LEFT2, head], state[LEFT1, head] = state[LEFT1, head], word
        state[LEFTS, head] += 1
    else:
        state[RIGHT2, head], state[RIGHT1, head] = state[RIGHT1, head], word
        state[RIGHTS, head] += 1


@inner
def _move(state, move, n):
    """Change the stack as a move does, and give the first of the buffer afterwards."""
    if move == SHIFT or move == RIGHT:
        state[STACK, 0] += 1
        state[STACK, state[STACK, 0]] = n
        return n + 1
    state[STACK, 0] -= 1
    return n


@inner
def _best_move(scores, s, n, root, state):
    best = -1
    for move in range(4):
        if _is_legal(move, s, n, root, state) and (best < 0 or scores[move] > scores[best]):
            best = move
    return best


@inner
def _best_label(scores):
    best = 1  # 0 is no label
    for k in range(2, len(scores)):
        if scores[k] > scores[best]:
            best = k
    return best


@kernel
def parse(sentence, words, moves, labels):
    """Heads (the root as 0) and labels of a sentence, greedily. moves, labels: the tables, a row a place."""
    state, root, n = np.zeros((9, words + 3), np.int64), words + 1, 1
    places, arc = np.empty(MOVE_FEATURES, np.int64), np.empty(LABEL_FEATURES, np.int64)
    scores, named = np.empty(4, np.float32), np.empty(labels.shape[1], np.float32)
    shifts = (64 - _bits(len(moves)), 64 - _bits(len(labels)))
    while n < root or state[STACK, 0]:
        s = state[STACK, state[STACK, 0]] if state[STACK, 0] else 0
        _move_features(sentence, state, s, n, words, shifts[0], places)
        _score(moves, places, scores)
        move = _best_move(scores, s, n, root, state)
        if move == LEFT or move == RIGHT:
            word, head = (s, n) if move == LEFT else (n, s)
            _label_features(sentence, state, head, word, words, shifts[1], arc)
            _score(labels, arc, named)
            _attach(state, word, head, _best_label(named))
        n = _move(state, move, n)
    for word in range(1, root):
        state[HEADS, word] %= root
    return state[HEADS, 1:root].copy(), state[LABELS, 1:root].copy()


@inner
def _bits(size):
    """How many bits number the rows of a table whose size is a power of two."""
    bits = 0
    while 1 << bits < size:
        bits += 1
    return bits


@maker
def learn(sentence, words, moves, move_sums, labels, label_sums, step, follow, draws):
    """Parse a sentence once and learn from each mistake; gives the step after it and how often the first choice was right.

    follow: the share of mistakes after which the parser goes on from where it led itself; draws: a state of random numbers.
    """
    state, root, n, right = np.zeros((9, words + 3), np.int64), words + 1, 1, 0
    places, arc = np.empty(MOVE_FEATURES, np.int64), np.empty(LABEL_FEATURES, np.int64)
    scores, named = np.empty(4, np.float32), np.empty(labels.shape[1], np.float32)
    shifts, gold = (64 - _bits(len(moves)), 64 - _bits(len(labels))), sentence[HEAD]
    while n < root or state[STACK, 0]:
        s = state[STACK, state[STACK, 0]] if state[STACK, 0] else 0
        _move_features(sentence, state, s, n, words, shifts[0], places)
        _score(moves, places, scores)
        move = _best_move(scores, s, n, root, state)
        target, least = -1, 1 << 30
        for other in range(4):
            if _is_legal(other, s, n, root, state):
                cost = _cost(other, s, n, root, gold, state)
                if cost < least or (cost == least and scores[other] > scores[target]):
                    target, least = other, cost
        if _cost(move, s, n, root, gold, state) > least:
            _update(moves, move_sums, places, target, move, step)
            draws[0] = draws[0] * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            if (draws[0] >> np.uint64(40)) >= np.uint64(follow * (1 << 24)):
                move = target
        else:
            right += 1
        if move == LEFT or move == RIGHT:
            word, head = (s, n) if move == LEFT else (n, s)
            _label_features(sentence, state, head, word, words, shifts[1], arc)
            _score(labels, arc, named)
            label = _best_label(named)
            if gold[word] == head and label != sentence[LABEL, word]:
                _update(labels, label_sums, arc, sentence[LABEL, word], label, step)
            _attach(state, word, head, label)
        n = _move(state, move, n)
        step += 1
    return step, right


@kernel
def learn_all(table, first, order, moves, move_sums, labels, label_sums, step, follow, draws):
    """`learn` for many sentences, in an order; gives the step, the moves made, and how often the first choice was right."""
    right, began = 0, step
    for place in order:
        begin, end = first[place], first[place + 1]
        step, more = learn(
            np.ascontiguousarray(table[:, begin:end]), end - begin - 3,
            moves, move_sums, labels, label_sums, step, follow, draws,
        )  # fmt: skip
        right += more
    return step, step - began, right
