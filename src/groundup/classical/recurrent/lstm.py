"""Long short-term memory: beside the hidden state a memory that is added to, and three gates that say when.

    i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh)     write (input), keep (forget), show (output): a number from 0 to 1 a unit
    g       = tanh   (W_ih x + b_ih + W_hh h + b_hh)     what would be written
    c'      = f * c + i * g                              the memory
    h'      = o * tanh(c')

The way back along the memory is dc = f * dc': no matrix, no slope of tanh. Where f is near 1 the gradient arrives from hundreds of steps
ago as it left (`memory.py` measures it). Hochreiter and Schmidhuber 1997, Neural Computation 9(8); the forget gate: Gers, Schmidhuber and
Cummins 2000, 12(10), equations 1 to 6. Rows of the weights in torch's order: i, f, g, o. Left out: peepholes, projections.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.classical.recurrent import kernels
from groundup.classical.recurrent.layers import Recurrent
from groundup.classical.recurrent.scan import Cell
from groundup.slots import slot


@slot
def lstm_cell(
    inputs: Float[Tensor, "batch inputs"],
    hidden: Float[Tensor, "batch hidden"],
    memory: Float[Tensor, "batch hidden"],
    weight_ih: Float[Tensor, "four_hidden inputs"],
    weight_hh: Float[Tensor, "four_hidden hidden"],
    bias_ih: Float[Tensor, " four_hidden"],
    bias_hh: Float[Tensor, " four_hidden"],
) -> tuple[Float[Tensor, "batch hidden"], Float[Tensor, "batch hidden"]]:
    """The new hidden state and the new memory. The weights' rows: input gate, forget gate, what is written, output gate."""
    sums = inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh
    write, keep, new, show = sums.chunk(4, dim=-1)
    memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(new)
    return torch.sigmoid(show) * torch.tanh(memory), memory


CELL = Cell(
    "lstm",
    gates=4,
    states=2,
    function=lstm_cell,
    slots=("classical.recurrent.lstm_cell",),
    forward=kernels.lstm_forward,
    backward=kernels.lstm_backward,
)


class LSTM(Recurrent):
    """Layers of LSTMs, with the parameters of torch.nn.LSTM."""

    cell = CELL
