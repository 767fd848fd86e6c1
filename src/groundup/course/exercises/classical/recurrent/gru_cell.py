"""Exercise: one step of the gated recurrent unit."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import gradients, same, shape


def case(batch, inputs, hidden):
    """An input, a state, and torch's four parameters."""
    import torch

    source = torch.Generator().manual_seed(3 * batch + hidden)
    sizes = ((batch, inputs), (batch, hidden), (3 * hidden, inputs), (3 * hidden, hidden))
    return [torch.randn(*size, generator=source) for size in (*sizes, (3 * hidden,), (3 * hidden,))]


def torchs(*arguments):
    """torch's own cell."""
    import torch

    return torch.gru_cell(*arguments)


def gates(reset, update, new, own, hidden):
    """An input that changes nothing: the biases make the sums. own: what the state's side gives the new state."""
    import torch

    zero = torch.zeros(3, 1)
    return [
        torch.zeros(1, 1),
        torch.tensor([[hidden]]),
        zero,
        zero,
        torch.tensor([reset, update, new]),
        torch.tensor([0.0, 0.0, own]),
    ]


OPEN, SHUT = 50.0, -50.0


@check("shape")
def a_state_a_row(mine):
    """Gives something else than a state of (batch, hidden)."""
    for batch, inputs, hidden in ((2, 1, 1), (1, 2, 3), (4, 3, 2)):
        shape(mine(*case(batch, inputs, hidden)), (batch, hidden))


@check("values")
def the_update_gate_copies(mine):
    """With the update gate at 1 the state is not copied."""
    import torch

    mistakes = {
        "The update gate works the other way round: at 1 it keeps the old state.": torch.tanh(torch.tensor([[0.5]])),
        "The gates are changed about: the first block resets, the second updates.": 0.5 * 0.7
        + 0.5 * torch.tanh(torch.tensor([[0.5]])),
        "The new state is added to the old one: it is a mean of both, weighed by the gate.": 0.7
        + torch.tanh(torch.tensor([[0.5]])),
    }
    same(mine(*gates(0.0, OPEN, 0.5, 0.0, 0.7)), torch.tensor([[0.7]]), rtol=1e-4, mistakes=mistakes)


@check("values")
def the_reset_gate_shuts_the_states_side(mine):
    """With the update gate at 0 the state is not tanh(new from the input + reset * new from the state)."""
    import torch

    mistakes = {
        "The reset gate is not used: it multiplies what the state's side gives the new state.": torch.tanh(
            torch.tensor([[0.9]])
        ),
        "The reset gate multiplies the whole sum: the state's side alone.": torch.tanh(torch.tensor([[0.5 * 0.9]])),
        "The new state is not bent: take its tanh.": torch.tensor([[0.5 + 0.2]]),
    }
    same(mine(*gates(0.0, SHUT, 0.5, 0.4, 0.7)), torch.tanh(torch.tensor([[0.5 + 0.2]])), rtol=1e-4, mistakes=mistakes)


@check("values")
def as_torchs_cell(mine):
    """Differs from torch's cell: both sums of a gate count, the input's and the state's, with their biases."""
    for size in ((1, 1, 1), (2, 3, 5), (4, 6, 2)):
        arguments = case(*size)
        same(mine(*arguments), torchs(*arguments), rtol=1e-4)


@check("gradient")
def the_gradient_goes_along_the_copy(mine):
    """The gradient is not that of the formula: the old state belongs to the graph, in the gates and in the copy."""
    gradients(mine, torchs, case(1, 1, 2))


SPLIT = "reset_in, update_in, new_in = outside.chunk(3, dim=-1)"
SPLIT_OWN = "reset_own, update_own, new_own = inside.chunk(3, dim=-1)"
NEW = "new = torch.tanh(new_in + torch.sigmoid(reset_in + reset_own) * new_own)"
UPDATE = "update = torch.sigmoid(update_in + update_own)"
RESULT = "return (1 - update) * new + update * hidden"

EXERCISE = Exercise(
    slot="classical.recurrent.gru_cell",
    title="Two gates and no memory",
    task="""
    A GRU has one state. From the input and from the state come three blocks of sums each, in torch's order: reset, update, new. A gate is the
    sigmoid of both its sums. The new state would be tanh(new from the input + reset * new from the state); what comes is (1 - update) times
    that plus update times the old state.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.recurrent.gru",),
    hints=(
        "Keep the two sides apart: inputs @ weight_ih.T + bias_ih and hidden @ weight_hh.T + bias_hh, each cut by chunk(3, dim=-1).",
        "reset = torch.sigmoid(reset_in + reset_own) multiplies new_own alone, before the tanh.",
        "(1 - update) * new + update * hidden",
    ),
    run="groundup --mine my learn lesson classical.recurrent.gru --run",
    checks=(
        a_state_a_row,
        the_update_gate_copies,
        the_reset_gate_shuts_the_states_side,
        as_torchs_cell,
        the_gradient_goes_along_the_copy,
    ),
    mutants=(
        Mutant(
            "turned around", "state of (batch, hidden)", ((RESULT, "return ((1 - update) * new + update * hidden).T"),)
        ),
        Mutant("the other way round", "other way round", ((RESULT, "return update * new + (1 - update) * hidden"),)),
        Mutant(
            "gates about",
            "gates are changed about",
            (
                (SPLIT, "update_in, reset_in, new_in = outside.chunk(3, dim=-1)"),
                (SPLIT_OWN, "update_own, reset_own, new_own = inside.chunk(3, dim=-1)"),
            ),
        ),
        Mutant("added", "is added to the old one", ((RESULT, "return new + update * hidden"),)),
        Mutant("no reset", "is not used", ((NEW, "new = torch.tanh(new_in + new_own)"),)),
        Mutant(
            "all reset",
            "whole sum",
            ((NEW, "new = torch.tanh(torch.sigmoid(reset_in + reset_own) * (new_in + new_own))"),),
        ),
        Mutant("not bent", "not bent", ((NEW, NEW.replace("torch.tanh", "")),)),
        Mutant("half a gate", "both sums of a gate", ((UPDATE, "update = torch.sigmoid(update_in)"),)),
        Mutant("the copy cut off", "old state belongs", ((RESULT, RESULT.replace("* hidden", "* hidden.detach()")),)),
    ),
)
