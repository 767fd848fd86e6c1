"""Exercise: backpropagation through time in a simple recurrent network, whole and truncated."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape


def case(steps, batch, width):
    """Upstream gradients, states as tanh makes them, and the matrix of the state."""
    import torch

    source = torch.Generator().manual_seed(11 * steps + width)
    upstream, sums = (torch.randn(steps, batch, width, generator=source) for _ in range(2))
    return [upstream, torch.tanh(sums), torch.randn(width, width, generator=source)]


def by_autograd(upstream, hidden, weight_hh):
    """The same by torch: inputs are added that lead to these states."""
    import torch

    before = torch.cat((torch.zeros_like(hidden[:1]), hidden[:-1]))
    added = (torch.atanh(hidden.double()) - before.double() @ weight_hh.double().T).requires_grad_()
    state, states = torch.zeros_like(added[0]), []
    for step in added:
        state = torch.tanh(step + state @ weight_hh.double().T)
        states.append(state)
    (gradient,) = torch.autograd.grad((torch.stack(states) * upstream.double()).sum(), added)
    return gradient.to(upstream.dtype)


def column(*values):
    """One text, a state of one number, a value a step."""
    import torch

    return torch.tensor(values, dtype=torch.float32)[:, None, None]


@check("shape")
def a_gradient_a_step(mine):
    """Gives something else than one gradient a step, (seq, batch, hidden)."""
    for size in ((1, 1, 1), (3, 2, 4), (5, 3, 2)):
        shape(mine(*case(*size)), size)


@check("values")
def back_by_a_factor_a_step(mine):
    """With states of 0 a gradient at the end is not multiplied by the weight once a step on its way back."""
    import torch

    mistakes = {
        "Nothing goes back: every step also gets what comes from the one after it, through weight_hh.": column(
            0, 0, 0, 1
        ),
        "The weight multiplies twice a step.": column(0.25**3, 0.25**2, 0.25, 1),
        "Goes back unweighted: what arrives was multiplied by weight_hh on the way forward, and is again.": column(
            1, 1, 1, 1
        ),
    }
    got = mine(column(0, 0, 0, 1), column(0, 0, 0, 0), torch.tensor([[0.5]]))
    same(got, column(0.125, 0.25, 0.5, 1), mistakes=mistakes)


@check("values")
def tanhs_slope(mine):
    """The slope of tanh is not 1 - h^2, of all that arrives at the step."""
    import torch

    # step 2: 1 * (1 - 0.25) = 0.75; step 1: (1 + 2 * 0.75) * (1 - 0.36) = 1.6
    mistakes = {
        "The slope is left out.": column(3.0, 1.0),
        "The slope multiplies the step's own gradient alone: all that arrives goes through tanh.": column(
            0.64 + 2 * 0.75, 0.75
        ),
        "The slope is 1 - h^2, not 1 - h.": column((1 + 2 * 0.5) * 0.4, 0.5),
        "The step's own gradient is lost: add it to what comes from the step after.": column(0.0, 0.0),
    }
    same(mine(column(1, 1), column(0.6, 0.5), torch.tensor([[2.0]])), column(1.6, 0.75), mistakes=mistakes)


@check("values")
def as_autograds(mine):
    """Differs from torch's gradient: it is later @ weight_hh, without .T, as forward it was hidden @ weight_hh.T."""
    for size in ((2, 1, 2), (4, 2, 3), (6, 3, 2)):
        arguments = case(*size)
        same(mine(*arguments), by_autograd(*arguments), rtol=1e-3, atol=1e-4)


@check("values")
def cut_between_windows(mine):
    """With a window the gradient is not cut between windows, before step `window`, 2 `window`, ..."""
    import torch

    weight = torch.tensor([[0.5]])
    upstream, states = column(0, 0, 0, 0, 0, 1), column(0, 0, 0, 0, 0, 0)
    mistakes = {
        "The window is not used.": column(*(0.5**k for k in (5, 4, 3, 2, 1, 0))),
        "Cuts a step too early: step 3 is the first of its window and still gets the gradient.": column(
            0, 0, 0, 0, 0.5, 1
        ),
        "Cuts behind the last step of a window: step 5 is in the window of step 4, which gets its gradient.": column(
            0, 0, 0, 0, 0, 1
        ),
    }
    same(mine(upstream, states, weight, 3), column(0, 0, 0, 0.25, 0.5, 1), mistakes=mistakes)


@check("values")
def a_window_keeps_what_is_within(mine):
    """A window as long as the text, or longer, changes nothing, and each window is as if it were alone."""
    import torch

    upstream, hidden, weight = case(6, 2, 3)
    for window in (6, 9):
        same(mine(upstream, hidden, weight, window), mine(upstream, hidden, weight), rtol=1e-4)
    parts = [mine(upstream[at : at + 2], hidden[at : at + 2], weight) for at in (0, 2, 4)]
    same(mine(upstream, hidden, weight, 2), torch.cat(parts), rtol=1e-4)


ARRIVING = "arriving = upstream[step] + later @ weight_hh"
BENT = "gradient[step] = arriving * (1 - hidden[step] ** 2)"
CUT = "cut = window is not None and step % window == 0"

EXERCISE = Exercise(
    slot="classical.recurrent.gradient_through_time",
    title="Back through time",
    task="""
    h_t = tanh(a_t), and a_t holds weight_hh times h_(t-1). Given the gradient that each h_t gets from its own loss (upstream), give the gradient of
    each a_t. From the last step to the first: what arrives at h_t is its own gradient and that of a_(t+1), brought back through weight_hh; then it goes
    through the slope of tanh, 1 - h_t^2. With a window the way is cut: from the first step of a window nothing goes to the step before it.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("classical.recurrent.rnn",),
    hints=(
        "Walk over range(len(upstream) - 1, -1, -1) and carry `later`, the gradient of the step after; at the end of the text it is 0.",
        "Forward it was hidden @ weight_hh.T; the gradient's way back is later @ weight_hh.",
        "After step s of a window's first place (s % window == 0) the carried gradient is 0.",
    ),
    run="groundup --mine my learn lesson classical.recurrent.rnn --run",
    checks=(
        a_gradient_a_step,
        back_by_a_factor_a_step,
        tanhs_slope,
        as_autograds,
        cut_between_windows,
        a_window_keeps_what_is_within,
    ),
    mutants=(
        Mutant("the last only", "one gradient a step", (("return gradient", "return gradient[0]"),)),
        Mutant("nothing back", "Nothing goes back", ((ARRIVING, "arriving = upstream[step]"),)),
        Mutant("twice", "multiplies twice", ((ARRIVING, "arriving = upstream[step] + later @ weight_hh @ weight_hh"),)),
        Mutant("unweighted", "Goes back unweighted", ((ARRIVING, "arriving = upstream[step] + later"),)),
        Mutant("no slope", "slope is left out", ((BENT, "gradient[step] = arriving"),)),
        Mutant(
            "the slope of its own",
            "own gradient alone",
            (
                (ARRIVING, "arriving = upstream[step] * (1 - hidden[step] ** 2) + later @ weight_hh"),
                (BENT, "gradient[step] = arriving"),
            ),
        ),
        Mutant("another slope", "not 1 - h", ((BENT, "gradient[step] = arriving * (1 - hidden[step])"),)),
        Mutant("turned over", "without .T", ((ARRIVING, ARRIVING.replace("weight_hh", "weight_hh.T")),)),
        Mutant("no window", "window is not used", ((CUT, "cut = False"),)),
        Mutant("too early", "a step too early", ((CUT, "cut = window is not None and step % window == 1"),)),
        Mutant(
            "behind the last",
            "Cuts behind the last step",
            ((CUT, "cut = window is not None and step % window == window - 1"),),
        ),
    ),
)
