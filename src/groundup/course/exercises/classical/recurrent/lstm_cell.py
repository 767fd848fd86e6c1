"""Exercise: one step of the LSTM."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import gradients, same, shape, that


def case(batch, inputs, hidden):
    """An input, the two states, and torch's four parameters."""
    import torch

    source = torch.Generator().manual_seed(5 * batch + hidden)
    sizes = ((batch, inputs), (batch, hidden), (batch, hidden), (4 * hidden, inputs), (4 * hidden, hidden))
    return [torch.randn(*size, generator=source) for size in (*sizes, (4 * hidden,), (4 * hidden,))]


def torchs(inputs, hidden, memory, *weights):
    """torch's own cell."""
    import torch

    return torch.lstm_cell(inputs, (hidden, memory), *weights)


def gates(write, keep, new, show, memory):
    """An input that changes nothing: the biases alone make the four sums."""
    import torch

    zero = torch.zeros(4, 1)
    return [
        torch.zeros(1, 1),
        torch.zeros(1, 1),
        torch.tensor([[memory]]),
        zero,
        zero,
        torch.tensor([write, keep, new, show]),
        torch.zeros(4),
    ]


@check("shape")
def two_states(mine):
    """Gives something else than the new hidden state and the new memory, (batch, hidden) each."""
    for batch, inputs, hidden in ((2, 1, 1), (1, 2, 3), (4, 3, 2)):
        got = mine(*case(batch, inputs, hidden))
        that(isinstance(got, tuple | list) and len(got) == 2)
        for one in got:
            shape(one, (batch, hidden))


OPEN, SHUT = 50.0, -50.0


@check("values")
def open_gates_add(mine):
    """With every gate open the new memory is not the old one plus tanh of what is written."""
    import torch

    new = torch.tanh(torch.tensor([[0.5]]))
    mistakes = {
        "The memory forgets what was there: add to it.": new,
        "What is written is not bent: it goes through tanh.": torch.tensor([[2.5]]),
        "What is written goes through the sigmoid: that is for gates, this goes through tanh.": 2.0
        + torch.sigmoid(torch.tensor([[0.5]])),
        "The two states come in the other order: hidden first, then the memory.": torch.tanh(2.0 + new),
    }
    same(mine(*gates(OPEN, OPEN, 0.5, OPEN, 2.0))[1], 2.0 + new, rtol=1e-4, mistakes=mistakes)


@check("values")
def a_closed_gate_keeps_out(mine):
    """With the writing gate shut and the keeping gate open the memory does not stay as it was."""
    import torch

    mistakes = {
        "The first two gates are changed about: the first one writes, the second one keeps.": torch.tanh(
            torch.tensor([[0.5]])
        )
    }
    same(mine(*gates(SHUT, OPEN, 0.5, OPEN, 2.0))[1], torch.tensor([[2.0]]), rtol=1e-4, mistakes=mistakes)


@check("values")
def half_of_it_is_shown(mine):
    """The hidden state is not the last gate times tanh of the new memory."""
    import torch

    memory = torch.tensor([[2.0]])
    mistakes = {
        "The memory is shown as it is: through tanh first.": 0.5 * memory,
        "The third block is the gate here and the fourth what is written: torch's order is write, keep, new, show.": torch.sigmoid(
            torch.tensor([[0.5]])
        )
        * torch.tanh(memory),
    }
    same(mine(*gates(SHUT, OPEN, 0.5, 0.0, 2.0))[0], 0.5 * torch.tanh(memory), rtol=1e-4, mistakes=mistakes)


@check("values")
def the_new_memory_is_shown(mine):
    """The hidden state shows the memory as it was before this step."""
    import torch

    meant = torch.tanh(2.0 + torch.tanh(torch.tensor([[0.5]])))
    same(mine(*gates(OPEN, OPEN, 0.5, OPEN, 2.0))[0], meant, rtol=1e-4)


@check("values")
def as_torchs_cell(mine):
    """Differs from torch's cell: the sums are inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh."""
    for size in ((1, 1, 1), (2, 3, 5), (4, 6, 2)):
        arguments = case(*size)
        for one, other in zip(mine(*arguments), torchs(*arguments), strict=True):
            same(one, other, rtol=1e-4)


@check("gradient")
def the_gradient_goes_along_the_memory(mine):
    """The gradient is not that of the formula: the old memory belongs to the graph, it is the way on which gradients survive."""
    gradients(lambda *given: mine(*given)[0] + mine(*given)[1], lambda *given: sum(torchs(*given)), case(1, 1, 2))


SUMS = "sums = inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh"
SPLIT = "write, keep, new, show = sums.chunk(4, dim=-1)"
MEMORY = "memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(new)"
RESULT = "return torch.sigmoid(show) * torch.tanh(memory), memory"

EXERCISE = Exercise(
    slot="classical.recurrent.lstm_cell",
    title="A memory behind gates",
    task="""
    Beside its hidden state an LSTM has a memory. Four blocks of sums are made from the input and the hidden state, as a simple cell makes one;
    in torch's order: write, keep, new, show. The sigmoids of write, keep and show are gates. The new memory is keep times the old one plus
    write times tanh(new); the new hidden state is show times tanh of the new memory. Give both, the hidden state first.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("classical.recurrent.lstm",),
    hints=(
        "All four blocks at once: inputs @ weight_ih.T + bias_ih + hidden @ weight_hh.T + bias_hh has 4 * hidden columns.",
        "write, keep, new, show = sums.chunk(4, dim=-1); gates are torch.sigmoid, what is written is torch.tanh(new).",
        "memory = torch.sigmoid(keep) * memory + torch.sigmoid(write) * torch.tanh(new); then show what tanh(memory) says.",
    ),
    run="groundup --mine my learn lesson classical.recurrent.lstm --run",
    checks=(
        two_states,
        open_gates_add,
        a_closed_gate_keeps_out,
        half_of_it_is_shown,
        the_new_memory_is_shown,
        as_torchs_cell,
        the_gradient_goes_along_the_memory,
    ),
    mutants=(
        Mutant(
            "one state",
            "tuple is expected",
            ((RESULT, "return torch.sigmoid(show) * torch.tanh(memory)"),),
        ),
        Mutant("nothing kept", "memory forgets", ((MEMORY, "memory = torch.sigmoid(write) * torch.tanh(new)"),)),
        Mutant("not bent", "not bent", ((MEMORY, MEMORY.replace("torch.tanh(new)", "new")),)),
        Mutant("written by sigmoid", "through the sigmoid", ((MEMORY, MEMORY.replace("torch.tanh", "torch.sigmoid")),)),
        Mutant(
            "the other order", "the other order", ((RESULT, "return memory, torch.sigmoid(show) * torch.tanh(memory)"),)
        ),
        Mutant("gates about", "gates are changed about", ((SPLIT, SPLIT.replace("write, keep", "keep, write")),)),
        Mutant("shown as it is", "shown as it is", ((RESULT, RESULT.replace("torch.tanh(memory)", "memory")),)),
        Mutant(
            "the old one shown",
            "as it was before this step",
            ((MEMORY, f"before = memory\n    {MEMORY}"), (RESULT, RESULT.replace("tanh(memory)", "tanh(before)"))),
        ),
        Mutant("a bias forgotten", "Differs from torch's cell", ((SUMS, SUMS.replace(" + bias_hh", "")),)),
        Mutant("memory cut off", "old memory belongs", ((MEMORY, MEMORY.replace("* memory", "* memory.detach()")),)),
    ),
)
