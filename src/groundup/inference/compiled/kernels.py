"""One token of each of a few texts through a decoder of LLaMA's kind, in one compiled call: no dispatch between the operations.

All threads go through the same phases, five a layer and the head. A phase is cut into chunks; who comes takes the next one that
nobody has taken (one atomic addition), and a phase is over when all its chunks are done:

    x = embedding[ids]
    qkv      of norm(x)                        x: read by all, norms made by each thread for itself
    attend   each head of each text: turn, keep, mix
    out      x += W mixed
    gates    silu(W_gate norm(x)) * W_up norm(x), the rows of both beside each other
    down     x += W opened
    head     logits = W norm(x)

Nobody is waited for who has not begun: a thread that the system does not run takes no chunk, and the others do its work. So more
threads than cores are slow and never stuck, and even one thread that plays all of them in turn comes through. Who has to wait for a chunk
that another is at, spins a little (a phase takes 20 to 100 us) and then lets other threads have the core.
"""

import numba
import numpy as np

from groundup.inference.compiled.attention import as_kept, attend, inner, norm, number, open_gates, turn
from groundup.inference.compiled.disk import entry
from groundup.inference.compiled.instructions import add_shared, let_others_run, pause, read_shared
from groundup.inference.compiled.products import prepare, product

PHASES = 5  # a layer
APART = 16  # int32 numbers between two that threads share, so that each has a line of memory of its own
CHUNKS = 3  # a thread and phase: one waits for at most a third of its work; 12 cost a sixth of the 4-bit step's time
SPINS = 4000  # pauses before a waiting thread offers its core
TILE = 8  # vectors that a product takes at once


@inner
def taken(shared, phase, chunks):
    """The next chunk of a phase, or -1 when all are taken."""
    chunk = add_shared(shared, np.int64(2 * phase * APART), np.int32(1))
    return np.int64(chunk) if chunk < chunks else np.int64(-1)


@inner
def done(shared, phase, count):
    """Say that so many chunks are done; once a thread and phase, since each addition moves a line of memory between cores."""
    if count > 0:
        add_shared(shared, np.int64((2 * phase + 1) * APART), np.int32(count))


@inner
def wait(shared, phase, chunks):
    """Until every chunk of a phase is done."""
    spins = 0
    while read_shared(shared, np.int64((2 * phase + 1) * APART)) < chunks:
        spins += 1
        if spins < SPINS:
            pause()
        else:
            let_others_run()


@inner
def multiply(records, size, block, groups, prepared, stride, rows, tile):
    """tile[16 row + lane]: sixteen rows of a matrix times the vector of every text."""
    row = 0
    while row + TILE <= rows:
        product(records, block * size, groups, prepared, row * stride, stride, tile, row * 16, 8)
        row += TILE
    while row + 2 <= rows:
        product(records, block * size, groups, prepared, row * stride, stride, tile, row * 16, 2)
        row += 2
    if row < rows:
        product(records, block * size, groups, prepared, row * stride, stride, tile, row * 16, 1)


@inner
def prepare_norms(records, x, gain, eps, wide, prepared, stride):
    """The norm of every text's vector, prepared for a product."""
    for row in range(x.shape[0]):
        norm(x[row], gain, eps, wide[: x.shape[1]])
        prepare(records, wide, 0, (x.shape[1] + 31) // 32, prepared, row * stride)


@inner
def prepare_rows(records, numbers, prepared, stride):
    """Every text's vector, whose columns are filled up to groups of 32, prepared for a product."""
    groups = numbers.shape[1] // 32
    for row in range(numbers.shape[0]):
        prepare(records, numbers[row], 0, groups, prepared, row * stride)


@inner
def times_norm(records, blocks, x, gain, eps, out, gated, shared, phase, chunks, stride, mine):
    """out = W norm(x); gated: W is blocks of gate and up in turns, and out = silu(gate) up."""
    wide, prepared, tile = mine
    chunk, size, step = taken(shared, phase, chunks), records.size // blocks, 2 if gated else 1
    if chunk >= 0:
        prepare_norms(records, x, gain, eps, wide, prepared, stride)
    rows, groups, pairs = x.shape[0], (x.shape[1] + 31) // 32, blocks // step
    count = 0
    while chunk >= 0:
        for pair in range(chunk * pairs // chunks, (chunk + 1) * pairs // chunks):
            multiply(records, size, pair * step, groups, prepared, stride, rows, tile)
            if gated:
                multiply(records, size, pair * step + 1, groups, prepared, stride, rows, tile[16 * rows :])
            for row in range(rows):
                lanes, target = tile[16 * row : 16 * row + 16], out[row, 16 * pair : 16 * pair + 16]
                if gated:
                    open_gates(lanes, tile[16 * (rows + row) : 16 * (rows + row) + 16], target)
                else:
                    for lane in range(target.size):
                        target[lane] = lanes[lane]
        count += 1
        chunk = taken(shared, phase, chunks)
    done(shared, phase, count)
    wait(shared, phase, chunks)


@inner
def add_times(records, blocks, numbers, x, shared, phase, chunks, stride, mine):
    """x += W numbers."""
    _, prepared, tile = mine
    chunk, size, groups, rows = taken(shared, phase, chunks), records.size // blocks, numbers.shape[1] // 32, x.shape[0]
    if chunk >= 0:
        prepare_rows(records, numbers, prepared, stride)
    count = 0
    while chunk >= 0:
        for block in range(chunk * blocks // chunks, (chunk + 1) * blocks // chunks):
            multiply(records, size, block, groups, prepared, stride, rows, tile)
            for row in range(rows):
                lanes, target = tile[16 * row : 16 * row + 16], x[row, 16 * block : 16 * block + 16]
                for lane in range(target.size):
                    target[lane] += lanes[lane]
        count += 1
        chunk = taken(shared, phase, chunks)
    done(shared, phase, count)
    wait(shared, phase, chunks)


@inner
def attend_head(head, heads, at, table, qkv, gains, eps, cos, sin, keys, values, turned, scores, out):
    """A query head of one text: turn it, keep the new key and value if it is the first that reads them, and mix."""
    dim, kv_heads = keys.shape[3], keys.shape[1]
    share = heads // kv_heads
    kv = head // share
    query, key = turned[:dim], turned[dim : 2 * dim]
    for i in range(dim):
        query[i], key[i] = qkv[head * dim + i], qkv[(heads + kv) * dim + i]
    if gains.shape[0] == 2:
        norm(query, gains[0], eps, query)
        norm(key, gains[1], eps, key)
    turn(query, cos, sin)
    turn(key, cos, sin)
    page, place = table[at // keys.shape[2]], at % keys.shape[2]
    kept_key, kept_value = keys[page][kv][place], values[page][kv][place]
    for i in range(dim):
        kept_key[i] = as_kept(kept_key, key[i])
        kept_value[i] = as_kept(kept_value, qkv[(heads + kv + kv_heads) * dim + i])
    attend(query, keys, values, kv, table, at + 1, scores, out)


@inner
def attend_all(heads, lengths, tables, qkv, gains, eps, cos, sin, keys, values, mixed, shared, phase, turned, scores):
    """Every head of every text is a chunk; heads that read the same keys write the same new one, each for itself."""
    dim, chunks = keys.shape[3], heads * len(lengths)
    chunk = taken(shared, phase, chunks)
    count = 0
    while chunk >= 0:
        row, head = chunk // heads, chunk % heads
        at, out = lengths[row], mixed[row, head * dim : (head + 1) * dim]
        attend_head(
            head, heads, at, tables[row], qkv[row], gains, eps, cos[at], sin[at], keys, values, turned, scores, out
        )
        count += 1
        chunk = taken(shared, phase, chunks)
    done(shared, phase, count)
    wait(shared, phase, chunks)


@inner
def work(
    me, ids, lengths, tables, weights, keys, values, tables_of_angles, eps, heads, plan, shared, state, own, logits
):
    """What every thread does: all phases in their order."""
    qkv, out, gate_up, down, gains, head_gains, last, _, head = weights
    cos, sin = tables_of_angles
    x, projected, mixed, opened = state
    wides, prepareds, tiles, turneds, scores = own
    stride, chunks = plan[5], plan[6:]
    mine = (wides[me], prepareds[me], tiles[me])
    for layer in range(len(keys)):
        phase = PHASES * layer
        times_norm(
            qkv[layer], plan[0], x, gains[layer, 0], eps[0], projected, False, shared, phase, chunks[0], stride, mine
        )
        attend_all(
            heads, lengths, tables, projected, head_gains[layer], eps[1], cos, sin, keys[layer], values[layer], mixed, shared,
            phase + 1, turneds[me], scores[me],
        )  # fmt: skip
        add_times(out[layer], plan[1], mixed, x, shared, phase + 2, chunks[1], stride, mine)
        times_norm(
            gate_up[layer],
            plan[2],
            x,
            gains[layer, 1],
            eps[0],
            opened,
            True,
            shared,
            phase + 3,
            chunks[2],
            stride,
            mine,
        )
        add_times(down[layer], plan[3], opened, x, shared, phase + 4, chunks[3], stride, mine)
    times_norm(head, plan[4], x, last, eps[0], logits, False, shared, PHASES * len(keys), chunks[4], stride, mine)


@inner
def begin(ids, embedding, x, shared):
    """The vectors of the tokens; no chunk is taken."""
    for row in range(ids.size):
        for i in range(x.shape[1]):
            x[row, i] = number(embedding[ids[row], i])
    for i in range(shared.size):
        shared[i] = np.int32(0)


@entry()
def step(ids, lengths, tables, weights, keys, values, angles, eps, heads, plan, shared, state, own, logits):
    """Read a token of every text, keep its keys and values, and score the next; on this thread alone."""
    begin(ids, weights[7], state[0], shared)
    work(0, ids, lengths, tables, weights, keys, values, angles, eps, heads, plan, shared, state, own, logits)


@entry(parallel=True)
def step_together(ids, lengths, tables, weights, keys, values, angles, eps, heads, plan, shared, state, own, logits):
    """The same on as many threads as `own` has places for."""
    begin(ids, weights[7], state[0], shared)
    for me in numba.prange(len(own[0])):
        work(me, ids, lengths, tables, weights, keys, values, angles, eps, heads, plan, shared, state, own, logits)


@entry()
def rows_times(records, blocks, vector, prepared, out):
    """out = W vector, whose columns fill groups of 32: one product by itself, for the check."""
    groups = vector.size // 32
    prepare(records, vector, 0, groups, prepared, 0)
    for block in range(blocks):
        product(records, block * (records.size // blocks), groups, prepared, 0, 0, out, 16 * block, 1)
