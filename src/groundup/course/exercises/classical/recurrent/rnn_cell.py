"""Exercise: one step of the simple recurrent network."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import gradients, same, shape


def case(batch, inputs, hidden):
    """An input, a state, and torch's four parameters."""
    import torch

    source = torch.Generator().manual_seed(7 * batch + hidden)
    sizes = ((batch, inputs), (batch, hidden), (hidden, inputs), (hidden, hidden), (hidden,), (hidden,))
    return [torch.randn(*size, generator=source) for size in sizes]


def torchs(*arguments):
    """torch's own cell."""
    import torch

    return torch.rnn_tanh_cell(*arguments)


def numbers(inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh):
    """One input, a state of one number."""
    import torch

    return [torch.tensor([[one]]) for one in (inputs, hidden, weight_ih, weight_hh)] + [
        torch.tensor([bias_ih]),
        torch.tensor([bias_hh]),
    ]


@check("shape")
def a_state_a_row(mine):
    """Gives something else than a state of (batch, hidden)."""
    for batch, inputs, hidden in ((2, 1, 1), (1, 2, 3), (4, 3, 2), (2, 2, 5)):
        shape(mine(*case(batch, inputs, hidden)), (batch, hidden))


@check("values")
def one_number(mine):
    """Is not tanh(weight_ih * input + bias_ih + weight_hh * hidden + bias_hh)."""
    import torch

    meant = torch.tensor([[0.8 * 0.5 - 0.5 * 1.0 + 0.25 + 0.5]])  # 0.65
    mistakes = {
        "The sum is not bent: take its tanh.": meant,
        "Forgets the state: weight_hh times hidden belongs to the sum.": torch.tanh(torch.tensor([[1.15]])),
        "Forgets the biases.": torch.tanh(torch.tensor([[-0.1]])),
        "Adds the old state to the new one: it enters through weight_hh alone.": torch.tanh(meant) + 1.0,
    }
    same(mine(*numbers(0.8, 1.0, 0.5, -0.5, 0.25, 0.5)), torch.tanh(meant), mistakes=mistakes)


@check("values")
def rows_of_a_weight_are_the_states_numbers(mine):
    """Differs from torch's cell: row i of a weight makes number i of the state, so it is inputs @ weight.T."""
    import torch

    arguments = case(1, 1, 2)
    inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh = arguments
    mistakes = {
        "weight_hh is turned over: row i makes number i, so it is hidden @ weight_hh.T.": torch.tanh(
            inputs @ weight_ih.T + hidden @ weight_hh + bias_ih + bias_hh
        )
    }
    same(mine(*arguments), torchs(*arguments), rtol=1e-4, mistakes=mistakes)


@check("values")
def as_torchs_cell(mine):
    """Differs from torch's cell."""
    for size in ((1, 1, 1), (2, 3, 5), (4, 6, 2)):
        arguments = case(*size)
        same(mine(*arguments), torchs(*arguments), rtol=1e-4)


@check("gradient")
def the_gradient_reaches_the_state_before(mine):
    """The gradient is not that of the formula: the old state belongs to the graph, and no step may be cut off."""
    gradients(mine, torchs, case(1, 1, 2))


RESULT = "return torch.tanh(inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh)"

EXERCISE = Exercise(
    slot="classical.recurrent.rnn_cell",
    title="A state that every token changes",
    task="""
    A recurrent network reads a text one token after the other with the same weights, and all that it knows of what came before is
    its hidden state. Write one step: the new state is the tanh of a sum of four things: weight_ih times the input, bias_ih,
    weight_hh times the old state, bias_hh. Rows of the weights belong to the numbers of the state, as in torch.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("classical.recurrent.rnn",),
    hints=(
        "Every row of the batch is one text: inputs is (batch, inputs), so its product with the weight is inputs @ weight_ih.T.",
        "The state enters in the same way: hidden @ weight_hh.T. The biases are added to every row by themselves.",
        "One line: torch.tanh(inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh)",
    ),
    run="groundup --mine my learn lesson classical.recurrent.rnn --run",
    checks=(
        a_state_a_row,
        one_number,
        rows_of_a_weight_are_the_states_numbers,
        as_torchs_cell,
        the_gradient_reaches_the_state_before,
    ),
    mutants=(
        Mutant("turned around", "state of (batch, hidden)", ((RESULT, f"{RESULT}.T"),)),
        Mutant("no tanh", "is not bent", ((RESULT, RESULT.replace("torch.tanh", "")),)),
        Mutant("no state", "Forgets the state", ((RESULT, RESULT.replace(" + hidden @ weight_hh.T", "")),)),
        Mutant(
            "no biases", "Forgets the biases", ((RESULT, RESULT.replace(" + bias_ih", "").replace(" + bias_hh", "")),)
        ),
        Mutant("the old state added", "Adds the old state", ((RESULT, f"{RESULT} + hidden"),)),
        Mutant("turned over", "weight_hh is turned over", ((RESULT, RESULT.replace("weight_hh.T", "weight_hh")),)),
        Mutant("cut off", "gradient", ((RESULT, RESULT.replace("hidden @", "hidden.detach() @")),)),
    ),
)
