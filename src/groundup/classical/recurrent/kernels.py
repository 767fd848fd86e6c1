"""One step of each cell over a whole batch, forward and back, in one pass over memory (Numba): the fast form of the cells.

A step of a cell is a product with W_hh and then some arithmetic a unit; here is the arithmetic. `gates` holds W_ih x + b_ih of every step when
a kernel comes to it, and the gates' values after it; `carried` is W_hh h of this step. `keep` is 1, or 0 where a text begins: what was before it
does not count. Back, `upstream` is the gradient that a step's result gets from outside, `flow` what comes from the next step through W_hh,
`rest` what comes from it otherwise (the LSTM's memory, the GRU's copy); `inner` and `outer` become the gradients of the two products.

tanh is a quotient of polynomials in x^2, 13th over 6th degree, which the processor computes sixteen at a time: 0.13 ns a number where torch's needs
2 and the C library's 3 (one core of an EPYC with AVX-512), and at most 4e-7 from the true value. It bounds nothing that is NaN.
The meaning of each kernel is the cell of the same name, by which it is tested: `rnn`, `lstm`, `gru`. float32 only, on a CPU.
"""

import numba
import numpy as np

# no "nnan": a NaN must come out as NaN, so that the training loop sees it
FLAGS = {"reassoc", "contract", "arcp", "nsz"}
step = numba.njit(cache=True, nogil=True, _nrt=False, error_model="numpy", fastmath=FLAGS)
inner = numba.njit(inline="always", error_model="numpy", fastmath=FLAGS)

ONE, HALF, END = np.float32(1), np.float32(0.5), np.float32(7.9)  # beyond the end tanh is 1 in float32
# Coefficients of the quotient of least error in float32, which Eigen and XLA use too
P1, P3, P5, P7 = np.float32(4.89352455891786e-3), np.float32(6.37261928875436e-4), np.float32(1.48572235717979e-5), np.float32(5.12229709037114e-8)  # fmt: skip
P9, P11, P13 = np.float32(-8.60467152213735e-11), np.float32(2.00018790482477e-13), np.float32(-2.76076847742355e-16)
Q0, Q2, Q4, Q6 = np.float32(4.89352518554385e-3), np.float32(2.26843463243900e-3), np.float32(1.18534705686654e-4), np.float32(1.19825839466702e-6)  # fmt: skip


@inner
def tanh(x):
    """Hyperbolic tangent."""
    if x > END:
        x = END
    if x < -END:
        x = -END
    y = x * x
    p = ((((((P13 * y + P11) * y + P9) * y + P7) * y + P5) * y + P3) * y + P1) * x
    return p / (((Q6 * y + Q4) * y + Q2) * y + Q0)


@inner
def sigmoid(x):
    """1 / (1 + e^-x), by the tangent of half the angle."""
    return HALF + HALF * tanh(HALF * x)


@step
def rnn_forward(t, carried, bias, keep, gates, hidden, kept):
    """hidden[t + 1] from hidden[t]."""
    width = carried.shape[1]
    for row in range(carried.shape[0]):
        here, before, after, k = carried[row], gates[t, row], hidden[t + 1, row], keep[t, row]
        for j in range(width):
            after[j] = tanh(before[j] + k * here[j] + bias[j])


@step
def rnn_backward(t, upstream, flow, rest, keep, gates, hidden, kept, outer, inner):
    """The gradient of what tanh was taken of."""
    width = flow.shape[1]
    for row in range(flow.shape[0]):
        up, back, after, out, k = upstream[t, row], flow[row], hidden[t + 1, row], outer[t, row], keep[t + 1, row]
        for j in range(width):
            out[j] = (up[j] + k * back[j]) * (ONE - after[j] * after[j])


@step
def lstm_forward(t, carried, bias, keep, gates, hidden, kept):
    """hidden[t + 1] and kept[t + 1], the memory, from those of t; gates become their values."""
    width = carried.shape[1] // 4
    for row in range(carried.shape[0]):
        here, gate, k = carried[row], gates[t, row], keep[t, row]
        old, memory, after = kept[t, row], kept[t + 1, row], hidden[t + 1, row]
        for j in range(2 * width):
            gate[j] = sigmoid(gate[j] + k * here[j] + bias[j])
        for j in range(2 * width, 3 * width):
            gate[j] = tanh(gate[j] + k * here[j] + bias[j])
        for j in range(3 * width, 4 * width):
            gate[j] = sigmoid(gate[j] + k * here[j] + bias[j])
        for j in range(
            width
        ):  # short loops over few arrays: these the compiler turns into vectors, one long one it does not
            memory[j] = gate[width + j] * (k * old[j]) + gate[j] * gate[2 * width + j]
        for j in range(width):
            after[j] = gate[3 * width + j] * tanh(memory[j])


@step
def lstm_backward(t, upstream, flow, rest, keep, gates, hidden, kept, outer, inner):
    """The gradient of the four gates' sums; rest: that of the memory, of this step when it comes and of the one before when it goes."""
    width = flow.shape[1]
    for row in range(flow.shape[0]):
        up, back, more, out = upstream[t, row], flow[row], rest[row], outer[t, row]
        gate, old, memory, after, k = gates[t, row], kept[t, row], kept[t + 1, row], keep[t + 1, row], keep[t, row]
        for j in range(width):
            back[j] = up[j] + after * back[j]
        for j in range(width):
            bent, o = tanh(memory[j]), gate[3 * width + j]
            out[3 * width + j] = back[j] * bent * o * (ONE - o)
            more[j] += back[j] * o * (ONE - bent * bent)
        for j in range(width):
            i, g = gate[j], gate[2 * width + j]
            out[j] = more[j] * g * i * (ONE - i)
            out[2 * width + j] = more[j] * i * (ONE - g * g)
        for j in range(width):
            f = gate[width + j]
            out[width + j] = more[j] * (k * old[j]) * f * (ONE - f)
            more[j] *= f * k


@step
def gru_forward(t, carried, bias, keep, gates, hidden, kept):
    """hidden[t + 1] from hidden[t]; kept[t + 1] is the part of the candidate that the reset gate multiplies."""
    width = carried.shape[1] // 3
    for row in range(carried.shape[0]):
        here, gate, k = carried[row], gates[t, row], keep[t, row]
        part, before, after = kept[t + 1, row], hidden[t, row], hidden[t + 1, row]
        for j in range(2 * width):
            gate[j] = sigmoid(gate[j] + k * here[j] + bias[j])
        for j in range(width):
            part[j] = k * here[2 * width + j] + bias[2 * width + j]
        for j in range(width):
            gate[2 * width + j] = tanh(gate[2 * width + j] + gate[j] * part[j])
        for j in range(width):
            z, n = gate[width + j], gate[2 * width + j]
            after[j] = n + z * (k * before[j] - n)


@step
def gru_backward(t, upstream, flow, rest, keep, gates, hidden, kept, outer, inner):
    """The gradients of the three sums on the side of the input (outer) and of the state (inner); rest: by the copy of the state."""
    width = flow.shape[1]
    for row in range(flow.shape[0]):
        up, back, more, out, own = upstream[t, row], flow[row], rest[row], outer[t, row], inner[t, row]
        gate, before, part, after, k = gates[t, row], hidden[t, row], kept[t + 1, row], keep[t + 1, row], keep[t, row]
        for j in range(width):
            back[j] = up[j] + after * back[j] + more[j]
        for j in range(width):
            z, n = gate[width + j], gate[2 * width + j]
            out[width + j] = back[j] * (k * before[j] - n) * z * (ONE - z)
            out[2 * width + j] = back[j] * (ONE - z) * (ONE - n * n)
        for j in range(width):
            r = gate[j]
            out[j] = out[2 * width + j] * part[j] * r * (ONE - r)
        for j in range(2 * width):
            own[j] = out[j]
        for j in range(width):
            own[2 * width + j] = out[2 * width + j] * gate[j]
            more[j] = back[j] * gate[width + j] * k
