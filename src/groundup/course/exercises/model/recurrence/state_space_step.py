"""Exercise: one step of a state space."""

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


def keep(*shares):
    """The log decay that keeps these shares, one a head."""
    import torch

    return torch.tensor([shares]).log()


def case(batch, heads, key_dim, value_dim, kind=None):
    """Random arguments in the function's order."""
    import torch

    source = torch.Generator().manual_seed(key_dim)

    def draw(*size):
        return torch.randn(*size, generator=source, dtype=kind or torch.float32)

    return (
        draw(batch, heads, key_dim, value_dim),
        draw(batch, heads, key_dim),
        draw(batch, heads, key_dim),
        draw(batch, heads, value_dim),
        -draw(batch, heads).abs(),
    )


def by_einsum(state, query, key, value, log_decay):
    """The formula, letter by letter."""
    import torch

    state = torch.einsum("bhkv,bh->bhkv", state, log_decay.exp()) + torch.einsum("bhk,bhv->bhkv", key, value)
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


@check("values")
def what_is_written(mine):
    """Does not write key times value into the state: row i of it is key[i] times the value."""
    import torch

    state = mine(torch.zeros(1, 1, 2, 2), one(0.0, 0.0), one(1.0, 2.0), one(3.0, 5.0), keep(1.0))[1]
    mistakes = {
        "Turns the state's axes round: rows belong to the key, columns to the value.": one([3.0, 6.0], [5.0, 10.0])
    }
    same(state, one([3.0, 5.0], [6.0, 10.0]), mistakes=mistakes)


@check("values")
def what_fades(mine):
    """Does not let the old state fade by exp(log_decay)."""
    state = mine(column(8.0, 4.0), one(0.0, 0.0), one(0.0, 0.0), one(9.0), keep(0.5))[1]
    mistakes = {
        "Multiplies by log_decay itself: it is a logarithm, take exp of it first.": column(8.0, 4.0) * keep(0.5).item(),
        "Keeps all of the old state: multiply it by exp(log_decay).": column(8.0, 4.0),
        "Keeps one minus the share: exp(log_decay) is what stays, not what goes.": column(4.0, 2.0) * 1.0,
    }
    same(state, column(4.0, 2.0), mistakes=mistakes)


@check("values")
def the_new_value_does_not_fade(mine):
    """Is off where something fades and something is written: 8/2 + 3 = 7."""
    state = mine(column(8.0), one(0.0), one(1.0), one(3.0), keep(0.5))[1]
    mistakes = {
        "Lets the new value fade too: fade the old state first, then add.": column(5.5),
    }
    same(state, column(7.0), mistakes=mistakes)


@check("values")
def what_is_read(mine):
    """Does not read the state with the query: the output is the sum over rows of query[i] times row i."""
    output = mine(column(8.0, 4.0), one(1.0, 10.0), one(1.0, 0.0), one(2.0), keep(0.5))[0]
    mistakes = {
        "Reads the state as it was before this token: write first, then read.": one(48.0),
        "Reads the faded state before this token was written: the query also sees its own token.": one(24.0),
        "Reads with the key: the query asks, the key is where the value was written.": one(6.0),
    }
    same(output, one(26.0), mistakes=mistakes)  # rows 8/2 + 2 = 6 and 4/2 = 2: 1 * 6 + 10 * 2


@check("values")
def a_decay_to_nothing(mine):
    """Cannot forget everything: with log_decay -inf only the new token is left."""
    state = mine(column(8.0), one(1.0), one(1.0), one(3.0), keep(0.0))[1]
    same(state, column(3.0))


@check("values")
def as_the_formula(mine):
    """Differs from the formula for several texts and heads: each head of each text has a state and a decay of its own."""
    for size in ((1, 2, 3, 2), (2, 3, 4, 5)):
        arguments = case(*size)
        same(mine(*arguments), by_einsum(*arguments), rtol=1e-4)


@check("gradient")
def the_gradients_reach_everything(mine):
    """Has other gradients than the formula: state, query, key, value and decay must all learn."""
    import torch

    def joined(function):
        return lambda *given: torch.cat([part.flatten() for part in function(*given)])

    gradients(joined(mine), joined(by_einsum), case(1, 2, 3, 2))


@check("speed")
def all_heads_at_once(mine):
    """Is far slower than the reference: compute all texts and heads at once by broadcasting, no loop in Python."""
    from groundup.model.recurrence.state_space import state_space_step

    fast(mine, state_space_step, case(8, 16, 16, 16))


UPDATE = "state = state * log_decay.exp()[..., None, None] + key[..., :, None] * value[..., None, :]"
READ = "return (query[..., None, :] @ state)[..., 0, :], state"

EXERCISE = Exercise(
    slot="model.recurrence.state_space_step",
    title="A state that fades and is added to",
    task="""
    A state-space layer keeps one matrix a head instead of all earlier keys and values: row i holds what was written under key
    coordinate i. For each token: let the old state fade by exp(log_decay), one number a head; add the outer product of the
    token's key and value; read the result with the query, which gives a sum of rows. Return (output, new state) and leave the
    old state unchanged. This is how Mamba-2 decodes: the same work for the millionth token as for the first.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.recurrence.state_space",),
    hints=(
        "Three lines: fade, write, read. Give each small tensor the axes it lacks, so that it broadcasts against the state.",
        "The decay needs two more axes, [..., None, None]; the outer product is key[..., :, None] * value[..., None, :].",
        "Read with (query[..., None, :] @ state)[..., 0, :], after writing.",
    ),
    run="groundup --mine my learn lesson model.recurrence.state_space --run",
    checks=(
        an_output_and_a_state,
        the_dtype_stays,
        what_is_written,
        what_fades,
        the_new_value_does_not_fade,
        what_is_read,
        a_decay_to_nothing,
        as_the_formula,
        the_gradients_reach_everything,
        all_heads_at_once,
    ),
    mutants=(
        Mutant(
            "state first", "the output comes first", ((READ, "return state, (query[..., None, :] @ state)[..., 0, :]"),)
        ),
        Mutant("narrow", "another dtype", ((READ, "return (query[..., None, :] @ state)[..., 0, :].float(), state"),)),
        Mutant("the logarithm as decay", "it is a logarithm", (("log_decay.exp()", "log_decay"),)),
        Mutant("nothing fades", "Keeps all of the old state", (("state * log_decay.exp()[..., None, None]", "state"),)),
        Mutant(
            "the new value fades",
            "Lets the new value fade too",
            ((UPDATE, "state = (state + key[..., :, None] * value[..., None, :]) * log_decay.exp()[..., None, None]"),),
        ),
        Mutant(
            "read before writing",
            "Reads the state as it was",
            ((UPDATE, f"old = state\n    {UPDATE}"), (READ, "return (query[..., None, :] @ old)[..., 0, :], state")),
        ),
        Mutant("read with the key", "Reads with the key", (("(query[", "(key["),)),
        Mutant(
            "one decay for all heads",
            "a state and a decay of its own",
            (("log_decay.exp()[..., None, None]", "log_decay.exp()[:, :1, None, None]"),),
        ),
        Mutant("a decay that does not learn", "must all learn", (("log_decay.exp()", "log_decay.detach().exp()"),)),
        Mutant(
            "in place",
            "Changes its argument state in place",
            (
                (
                    UPDATE,
                    "state *= log_decay.exp()[..., None, None]\n    state += key[..., :, None] * value[..., None, :]",
                ),
            ),
        ),
    ),
)
