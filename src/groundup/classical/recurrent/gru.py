"""The gated recurrent unit: one state, two gates, and a copy of the old state in place of the LSTM's memory.

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh)        forget for the moment (reset); keep (update)
    n    = tanh(W_ih x + b_ih + r * (W_hh h + b_hh))     what the new state would be
    h'   = (1 - z) * n + z * h

Where z is near 1 the state is copied, and its gradient with it. Three matrices where the LSTM has four. Cho et al. 2014, arXiv:1406.1078,
equations 5 to 8. There r multiplies h before the matrix; here, as in torch and cuDNN, what the matrix made of it, so that W_hh h
is one product for all three. Rows of the weights in torch's order: r, z, n.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.classical.recurrent import kernels
from groundup.classical.recurrent.layers import Recurrent
from groundup.classical.recurrent.scan import Cell
from groundup.slots import slot


@slot
def gru_cell(
    inputs: Float[Tensor, "batch inputs"],
    hidden: Float[Tensor, "batch hidden"],
    weight_ih: Float[Tensor, "three_hidden inputs"],
    weight_hh: Float[Tensor, "three_hidden hidden"],
    bias_ih: Float[Tensor, " three_hidden"],
    bias_hh: Float[Tensor, " three_hidden"],
) -> Float[Tensor, "batch hidden"]:
    """The new hidden state. The weights' rows: reset gate, update gate, the new state's."""
    outside, inside = inputs @ weight_ih.T + bias_ih, hidden @ weight_hh.T + bias_hh
    reset_in, update_in, new_in = outside.chunk(3, dim=-1)
    reset_own, update_own, new_own = inside.chunk(3, dim=-1)
    new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_own) * new_own)
    update = torch.sigmoid(update_in + update_own)
    return (1 - update) * new + update * hidden


CELL = Cell(
    "gru",
    gates=3,
    states=1,
    function=gru_cell,
    slots=("classical.recurrent.gru_cell",),
    forward=kernels.gru_forward,
    backward=kernels.gru_backward,
)


class GRU(Recurrent):
    """Layers of gated recurrent units, with the parameters of torch.nn.GRU."""

    cell = CELL
