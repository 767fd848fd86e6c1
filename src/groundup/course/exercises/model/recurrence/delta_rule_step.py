"""Exercise: one step of the gated delta rule."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, that


def one(*numbers):
    """One head of one text: batch 1, heads 1."""
    import torch

    return torch.tensor([[numbers]])


def column(*numbers):
    """A state of one value coordinate: key_dim rows, one column."""
    import torch

    return torch.tensor(numbers).reshape(1, 1, -1, 1)


def share(number):
    """One number a head, for one head."""
    import torch

    return torch.tensor([[number]])


def case(batch, heads, key_dim, value_dim, kind=None):
    """Random arguments in the function's order; keys of unit length."""
    import torch

    source = torch.Generator().manual_seed(key_dim)

    def draw(*size):
        return torch.randn(*size, generator=source, dtype=kind or torch.float32)

    state, query, key = draw(batch, heads, key_dim, value_dim), draw(batch, heads, key_dim), draw(batch, heads, key_dim)
    key = torch.nn.functional.normalize(key, dim=-1)
    return state, query, key, draw(batch, heads, value_dim), -draw(batch, heads).abs(), draw(batch, heads).sigmoid()


def by_matrices(state, query, key, value, log_decay, beta):
    """The paper's form: the state times (I - beta k k^T), times the decay, plus beta k v^T."""
    import torch

    outer = torch.einsum("bhk,bhl->bhkl", key, key) * beta[..., None, None]
    left = torch.eye(key.shape[-1], dtype=key.dtype) - outer
    state = torch.einsum("bhkl,bhlv,bh->bhkv", left, state, log_decay.exp())
    state = state + torch.einsum("bhk,bhv,bh->bhkv", key, value, beta)
    return torch.einsum("bhkv,bhk->bhv", state, query), state


@check("shape")
def an_output_and_a_state(mine):
    """Gives something else than (output, state): the output is (batch, heads, value_dim), the state keeps its shape."""
    for size in ((1, 1, 2, 1), (2, 3, 4, 5)):
        arguments = case(*size)
        got = mine(*arguments)
        that(isinstance(got, tuple) and len(got) == 2, expected="a pair", got=got)
        sizes = tuple(tuple(part.shape) for part in got)
        wanted = (tuple(arguments[3].shape), tuple(arguments[0].shape))
        swapped = "Gives (state, output): the output comes first." if sizes == wanted[::-1] else ""
        that(sizes == wanted, swapped, expected=f"shapes {wanted}", got=f"shapes {sizes}")


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype than that of its arguments."""
    import torch

    for part in mine(*case(1, 1, 2, 1, torch.float64)):
        dtype(part, torch.float64)


@check("invariant")
def beta_zero_writes_nothing(mine):
    """Changes the state though beta is 0 and nothing fades: beta multiplies the whole correction."""
    got = mine(column(4.0, 6.0), one(1.0, 1.0), one(1.0, 0.0), one(9.0), share(0.0), share(0.0))[1]
    same(got, column(4.0, 6.0))


@check("invariant")
def beta_one_replaces(mine):
    """Does not answer with the new value after beta 1: the old answer must be taken out before the value is written."""
    got = mine(column(4.0, 6.0), one(1.0, 0.0), one(1.0, 0.0), one(10.0), share(0.0), share(1.0))
    mistakes = {
        "Adds the value to what was there, as a state space does: subtract the state's answer to the key first.": (
            one(14.0),
            column(14.0, 6.0),
        ),
        "Clears the whole state: only the answer to this key is replaced; other rows stay.": (
            one(10.0),
            column(10.0, 0.0),
        ),
        "Adds the old answer instead of subtracting it: what is written is value - answer.": (
            one(18.0),
            column(18.0, 6.0),
        ),
    }
    same(got, (one(10.0), column(10.0, 6.0)), mistakes=mistakes)


@check("values")
def half_way(mine):
    """Does not go half way to the value with beta 0.5: 4 + (10 - 4) / 2 = 7."""
    got = mine(column(4.0), one(1.0), one(1.0), one(10.0), share(0.0), share(0.5))[1]
    mistakes = {
        "Takes the old answer out whole and writes half of the value: beta multiplies the difference.": column(5.0),
        "Takes half of the old answer out and writes the value whole: beta multiplies the difference.": column(12.0),
    }
    same(got, column(7.0), mistakes=mistakes)


@check("values")
def it_fades_first(mine):
    """Is off where the state fades: fade first, then ask the faded state; 8 fades to 4, half way to 10 is 7."""
    import math

    got = mine(column(8.0), one(1.0), one(1.0), one(10.0), share(math.log(0.5)), share(0.5))[1]
    mistakes = {
        "Asks the state before it fades: the answer that is taken out must be what is still there.": column(5.0),
        "Lets the correction fade too: it is written after the state has faded.": column(4.5),
        "Does not let the state fade: multiply it by exp(log_decay).": column(9.0),
    }
    same(got, column(7.0), mistakes=mistakes)


@check("values")
def what_is_read(mine):
    """Does not read the new state with the query."""
    got = mine(column(4.0, 6.0), one(1.0, 10.0), one(1.0, 0.0), one(10.0), share(0.0), share(0.5))[0]
    mistakes = {
        "Reads the state before this token was written: write first, then read.": one(64.0),
        "Reads with the key: the query asks.": one(7.0),
    }
    same(got, one(67.0), mistakes=mistakes)  # rows 7 and 6


@check("values")
def as_the_papers_matrices(mine):
    """Differs from a (I - beta k k^T) S + beta k v^T for several texts and heads: each has a state, decay and beta of its own."""
    for size in ((1, 2, 3, 2), (2, 3, 4, 5)):
        arguments = case(*size)
        same(mine(*arguments), by_matrices(*arguments), rtol=1e-4, atol=1e-5)


@check("gradient")
def the_gradients_reach_everything(mine):
    """Has other gradients than the formula: every argument must learn, beta and the decay too."""
    import torch

    def joined(function):
        return lambda *given: torch.cat([part.flatten() for part in function(*given)])

    gradients(joined(mine), joined(by_matrices), case(1, 2, 3, 2), rtol=1e-3)


@check("speed")
def no_matrix_of_keys(mine):
    """Is far slower than the reference: compute all texts and heads at once, with the answer as a vector."""
    from groundup.model.recurrence.delta_rule import delta_rule_step

    fast(mine, delta_rule_step, case(8, 16, 16, 16))


FADE = "state = state * log_decay.exp()[..., None, None]\n"
ANSWER = "answer = (key[..., None, :] @ state)[..., 0, :]\n"
CORRECTION = "correction = beta[..., None] * (value - answer)"
WRITE = "state = state + key[..., :, None] * correction[..., None, :]"

EXERCISE = Exercise(
    slot="model.recurrence.delta_rule_step",
    title="A memory that corrects itself: the gated delta rule",
    task="""
    A state that only adds gives, under a key that was written twice, the sum of both values. The delta rule looks first: let
    the state fade by exp(log_decay); ask it what it answers to the key; write, under that key, the difference between the value
    and that answer, times beta. Then read it with the query. Keys have unit length, so with beta = 1 the state afterwards
    answers the key with exactly the new value. Return (output, new state) and leave the old state unchanged.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("model.recurrence.state_space",),
    hints=(
        "Four lines: fade, ask, write the difference, read. Asking and reading are the same operation with another vector.",
        "The answer is (key[..., None, :] @ state)[..., 0, :], of the faded state; the correction is beta * (value - answer).",
        "Write key[..., :, None] * correction[..., None, :] onto the faded state; beta needs one more axis, the decay two.",
    ),
    run="groundup --mine my learn lesson model.recurrence.delta_rule --run",
    checks=(
        an_output_and_a_state,
        the_dtype_stays,
        beta_zero_writes_nothing,
        beta_one_replaces,
        half_way,
        it_fades_first,
        what_is_read,
        as_the_papers_matrices,
        the_gradients_reach_everything,
        no_matrix_of_keys,
    ),
    mutants=(
        Mutant(
            "state first",
            "the output comes first",
            (
                (
                    "return (query[..., None, :] @ state)[..., 0, :], state",
                    "return state, (query[..., None, :] @ state)[..., 0, :]",
                ),
            ),
        ),
        Mutant("beta left out", "though beta is 0", (("beta[..., None] * (value", "(value"),)),
        Mutant("a state space", "as a state space does", (("(value - answer)", "value"),)),
        Mutant("added", "instead of subtracting", (("value - answer", "value + answer"),)),
        Mutant(
            "half of the value",
            "Takes the old answer out whole",
            ((CORRECTION, "correction = beta[..., None] * value - (beta[..., None] > 0) * answer"),),
        ),
        Mutant(
            "half of the answer",
            "writes the value whole",
            ((CORRECTION, "correction = (beta[..., None] > 0) * value - beta[..., None] * answer"),),
        ),
        Mutant(
            "asked before it fades",
            "before it fades",
            ((FADE, f"{ANSWER}    {FADE}"), (f"    {ANSWER}    correction", "    correction")),
        ),
        Mutant("nothing fades", "Does not let the state fade", ((FADE, "state = state + 0.0\n"),)),
        Mutant("read with the key", "Reads with the key", (("return (query[", "return (key["),)),
        Mutant(
            "beta of the first head",
            "a state, decay and beta of its own",
            (("beta[..., None] * (value", "beta[:, :1, None] * (value"),),
        ),
        Mutant(
            "a beta that does not learn",
            "every argument must learn",
            (("beta[..., None] * (value", "beta.detach()[..., None] * (value"),),
        ),
        Mutant(
            "in place", "Changes its argument state in place", ((FADE, "state *= log_decay.exp()[..., None, None]\n"),)
        ),
    ),
)
