"""The compiled loop of word2vec and FastText: windows over sentences, and the step in each.

All four ways (skip-gram or CBOW, negative sampling or a tree) are one loop, because an example is always a hidden vector, the mean of
some input rows, and output rows with labels 1 or 0. Skip-gram has one input word; CBOW the words of its window; FastText a word's own
row and those of its pieces. `word2vec.train_reference` is the same in plain Python, with the same draws.

Threads share the weights and lock nothing (Recht et al. 2011, Hogwild): two that change a row at once may lose a change, which is rare
where rows are many and does no more than noise. Kernels hold no interpreter lock, so the threads are Python's.
"""

import numpy as np

from groundup.classical.embeddings.rows import add, dot, exchange
from groundup.text.compiled import fetch, inner, loop

REACH = 6.0  # beyond it sigma is taken for 0 or 1, as in word2vec.c
STEPS = 2048  # of the table of sigma: within 0.0008
ONE = np.float32(1)


def sigmoid_table() -> np.ndarray:
    """sigma at the middles of STEPS even steps from -REACH to REACH, float32."""
    x = (np.arange(STEPS) + 0.5) * (2 * REACH / STEPS) - REACH
    return (1 / (1 + np.exp(-x))).astype(np.float32)


@inner
def _word(state):
    """64 random bits: `sampling.Draws.word`."""
    bits = state[0]
    bits ^= bits >> np.uint64(12)
    bits ^= bits << np.uint64(25)
    bits ^= bits >> np.uint64(27)
    state[0] = bits
    return bits * np.uint64(0x2545F4914F6CDD1D)


@inner
def _below(bits, n):
    return np.int64(((bits >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@inner
def _targets(word, drawn, tree, negative, state, outputs, rows, labels):
    """Write an example's output rows and labels; how many there are. negative: how many words to draw, -1 for the tree."""
    width = outputs.shape[1]
    if negative < 0:
        starts, nodes, sides = tree
        first = starts[word]
        count = starts[word + 1] - first
        for k in range(count):
            rows[k], labels[k] = nodes[first + k], sides[first + k]
        return count
    limits, aliases = drawn
    rows[0], labels[0], count = word, ONE, np.int64(1)
    for _ in range(negative):
        bits = _word(state)
        other = _below(bits, len(limits))
        if np.uint32(bits & np.uint64(0xFFFFFFFF)) > limits[other]:
            other = np.int64(aliases[other])
        if other != word:
            fetch(outputs, other * width)
            rows[count], labels[count] = other, np.float32(0)
            count += 1
    return count


@inner
def _learn(hidden, place, outputs, rows, labels, count, rate, sigmoid, scratch):
    """The step against the outputs: they change at once, the hidden vector's change is gathered in row 0 of scratch."""
    width = outputs.shape[1]
    for k in range(width):
        scratch[0, k] = 0
    for q in range(count):
        row = rows[q] * width
        score = dot(outputs, row, hidden, place, width)
        if not score < REACH:  # so that NaN, too, has a place to go
            guess = ONE
        elif not score > -REACH:
            guess = np.float32(0)
        else:
            guess = sigmoid[min(np.int64(STEPS - 1), np.int64((score + REACH) * (STEPS / (2 * REACH))))]
        exchange(scratch, outputs, row, hidden, place, (labels[q] - guess) * rate, width)


@inner
def _step(members, count, inputs, outputs, rows, labels, targets, rate, sigmoid, scratch):
    """One example: the mean of the members' input rows meets its targets, and each member gets the whole change."""
    width = outputs.shape[1]
    if count == 1:
        _learn(inputs, members[0] * width, outputs, rows, labels, targets, rate, sigmoid, scratch)
    else:
        for k in range(width):
            scratch[1, k] = 0
        for m in range(count):
            add(scratch, width, inputs, members[m] * width, np.float32(1 / count), width)
        _learn(scratch, width, outputs, rows, labels, targets, rate, sigmoid, scratch)
    for m in range(count):
        add(inputs, members[m] * width, scratch, np.int64(0), ONE, width)


@inner
def _with_pieces(word, members, count, pieces):
    """Append a word's input rows: its own, and those of its pieces."""
    starts, list_of_rows = pieces
    members[count] = word
    count += 1
    for k in range(starts[word], starts[word + 1]):
        members[count] = list_of_rows[k]
        count += 1
    return count


@inner
def _thinned(ids, start, end, keep, state, kept):
    """Write down which words of a sentence are looked at; how many."""
    count = 0
    for place in range(start, end):
        if np.uint32(_word(state) >> np.uint64(32)) <= keep[ids[place]]:
            kept[count] = ids[place]
            count += 1
    return count


@loop
def train_sentences(ids, starts, keep, weights, drawn, tree, pieces, settings, rate, sigmoid, state, places, numbers):
    """Train on sentences starts[0] to starts[-1]; how many words of them were looked at.

    weights: inputs, outputs. drawn: the alias table. settings: window, negative (-1: the tree), 1 for CBOW, 1 where the word in the middle
    is skip-gram's input (FastText) and not its target (word2vec). places, numbers: room to work in, of this thread alone.
    """
    inputs, outputs = weights
    window, negative, bag, from_middle = settings
    kept, members, rows = places
    labels, scratch = numbers
    looked_at = 0
    for s in range(len(starts) - 1):
        count = _thinned(ids, starts[s], starts[s + 1], keep, state, kept)
        looked_at += count
        for i in range(count):
            span = window - _below(_word(state), window)
            gathered = 0
            for j in range(max(0, i - span), min(count, i + span + 1)):
                if j == i:
                    continue
                if bag:
                    gathered = _with_pieces(np.int64(kept[j]), members, gathered, pieces)
                    continue
                source, target = (i, j) if from_middle else (j, i)
                targets = _targets(np.int64(kept[target]), drawn, tree, negative, state, outputs, rows, labels)
                gathered = _with_pieces(np.int64(kept[source]), members, np.int64(0), pieces)
                _step(members, gathered, inputs, outputs, rows, labels, targets, rate, sigmoid, scratch)
            if bag and gathered:
                targets = _targets(np.int64(kept[i]), drawn, tree, negative, state, outputs, rows, labels)
                _step(members, gathered, inputs, outputs, rows, labels, targets, rate, sigmoid, scratch)
    return looked_at
