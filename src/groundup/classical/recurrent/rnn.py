"""The simple recurrent network: a state that every token changes, and the gradient's way back through it.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_t-1 + b_hh)                                Elman 1990, Cognitive Science 14(2)

So a text of any length is read with the same weights, and h_t is all that is known of what came before. Its gradient goes back step by step:

    d_t = (u_t + W_hh^T d_t+1) * (1 - h_t^2)          d_t: of the sum inside tanh; u_t: of h_t, from the loss at t (Werbos 1990, Proc. IEEE 78)

Every step multiplies by W_hh^T and by a slope of at most 1: over k steps the gradient shrinks or grows like the k-th power of a number,
so what was long ago is not learned from (Bengio, Simard and Frasconi 1994, IEEE Trans. Neural Networks 5(2)). `memory.py` measures
that; `lstm.py` is the answer. Left out: relu in place of tanh.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.classical.recurrent import kernels
from groundup.classical.recurrent.layers import Recurrent
from groundup.classical.recurrent.scan import Cell
from groundup.slots import slot


@slot
def rnn_cell(
    inputs: Float[Tensor, "batch inputs"],
    hidden: Float[Tensor, "batch hidden"],
    weight_ih: Float[Tensor, "hidden inputs"],
    weight_hh: Float[Tensor, "hidden hidden"],
    bias_ih: Float[Tensor, " hidden"],
    bias_hh: Float[Tensor, " hidden"],
) -> Float[Tensor, "batch hidden"]:
    """The new hidden state: tanh of what comes in and of what was, each through its matrix and bias."""
    return torch.tanh(inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh)


@slot
def gradient_through_time(
    upstream: Float[Tensor, "seq batch hidden"],
    hidden: Float[Tensor, "seq batch hidden"],
    weight_hh: Float[Tensor, "hidden hidden"],
    window: int | None = None,
) -> Float[Tensor, "seq batch hidden"]:
    """The gradient of what tanh was taken of, at every step, given that of each state from its own loss.

    hidden: the states after each step. window: backpropagation truncated after so many steps: no gradient goes from the first
    step of a window (window, 2 window, ...) to the last of the one before; None: it goes all the way. Werbos 1990, eq. 14.
    """
    gradient, later = torch.empty_like(upstream), torch.zeros_like(upstream[0])
    for step in range(len(upstream) - 1, -1, -1):
        arriving = upstream[step] + later @ weight_hh
        gradient[step] = arriving * (1 - hidden[step] ** 2)
        cut = window is not None and step % window == 0
        later = torch.zeros_like(later) if cut else gradient[step]
    return gradient


CELL = Cell(
    "rnn",
    gates=1,
    states=1,
    function=rnn_cell,
    slots=("classical.recurrent.rnn_cell",),
    forward=kernels.rnn_forward,
    backward=kernels.rnn_backward,
    through_time=gradient_through_time,
    through_time_slot="classical.recurrent.gradient_through_time",
)


class RNN(Recurrent):
    """Layers of simple recurrent networks, with the parameters of torch.nn.RNN (tanh)."""

    cell = CELL
