"""Exercise: the state space in chunks."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, that


def case(seq, batch=1, heads=1, key_dim=2, value_dim=3, kind=None):
    """Random query, key, value and log decay, and a state."""
    import torch

    source = torch.Generator().manual_seed(seq)

    def draw(*size):
        return torch.randn(*size, generator=source, dtype=kind or torch.float64)

    shape = (batch, heads, seq)
    parts = draw(*shape, key_dim), draw(*shape, key_dim), draw(*shape, value_dim), -draw(*shape).abs()
    return parts, draw(batch, heads, key_dim, value_dim)


def by_steps(query, key, value, log_decay, state=None):
    """The recurrence, token by token."""
    import torch

    if state is None:
        state = torch.zeros(*key.shape[:2], key.shape[-1], value.shape[-1], dtype=key.dtype)
    outputs = []
    for t in range(value.shape[2]):
        state = state * log_decay[:, :, t, None, None].exp() + key[:, :, t, :, None] * value[:, :, t, None, :]
        outputs.append(torch.einsum("bhkv,bhk->bhv", state, query[:, :, t]))
    return torch.stack(outputs, 2), state


@check("shape")
def outputs_and_a_state(mine):
    """Gives something else than (outputs, state): outputs are shaped as value, the state is (batch, heads, key_dim, value_dim)."""
    for seq, chunk in ((1, 4), (4, 2), (5, 2)):
        parts, state = case(seq)
        got = mine(*parts, None, chunk)
        that(isinstance(got, tuple) and len(got) == 2, expected="a pair", got=got)
        sizes = tuple(tuple(part.shape) for part in got)
        wanted = (tuple(parts[2].shape), tuple(state.shape))
        longer = "Gives the filled-up tail back: cut the outputs to the length of value." if sizes[0][2] > seq else ""
        that(sizes == wanted, longer, expected=f"shapes {wanted}", got=f"shapes {sizes}")


@check("dtype")
def the_dtype_stays(mine):
    """Gives another dtype than that of its arguments."""
    import torch

    for part in mine(*case(4, kind=torch.float32)[0], None, 2):
        dtype(part, torch.float32)


@check("values")
def one_chunk(mine):
    """Is off within one chunk: token t reads token j <= t with the score query . key times the decay from j to t."""
    parts, _ = case(3)
    query, key, value, _ = parts
    mistakes = {
        "Lets the scores go without the decay: multiply them by decay_matrix(log_decay).": (query @ key.mT).tril()
        @ value,
        "Lets tokens read later ones: the decay matrix is 0 above its diagonal; use it on every score.": (
            query @ key.mT
        )
        @ value,
    }
    same(mine(*parts, None, 4)[0], by_steps(*parts)[0], mistakes=mistakes)


@check("values")
def the_state_at_the_end(mine):
    """Leaves another state than the recurrence: what token j writes fades until the chunk's end."""
    parts, _ = case(3)
    _, key, value, _ = parts
    mistakes = {"Adds up what was written without its fading: use the decay matrix's last row.": key.mT @ value}
    same(mine(*parts, None, 4)[1], by_steps(*parts)[1], mistakes=mistakes)


@check("values")
def a_given_state_is_read(mine):
    """Does not read the given state rightly: token t reads it faded by all steps from the chunk's start up to t itself."""
    import torch

    parts, state = case(3)
    query, _, _, log_decay = parts
    without = by_steps(*parts)[0]
    mistakes = {
        "Forgets the given state: it is what earlier tokens left.": without,
        "Reads the given state unfaded: it fades at every token, the first too.": without + query @ state,
        "Lets the state fade one step too little: the cumulated sum includes the token itself.": without
        + (query * (log_decay.cumsum(-1) - log_decay).exp()[..., None]) @ state,
    }
    same(mine(*parts, state, 4)[0], by_steps(*(*parts, state))[0], mistakes=mistakes)
    same(mine(*parts, state, 4)[1], by_steps(*(*parts, state))[1])
    that(torch.is_tensor(state))


@check("values")
def two_chunks(mine):
    """Is right within one chunk, and off across two: the second reads the state that the first left."""
    import torch

    parts, _ = case(4)
    alone = torch.cat([by_steps(*(part[:, :, at : at + 2] for part in parts))[0] for at in (0, 2)], 2)
    mistakes = {"Starts every chunk with an empty state: hand on what each chunk leaves (`pass_on`).": alone}
    same(mine(*parts, None, 2)[0], by_steps(*parts)[0], mistakes=mistakes)
    same(mine(*parts, None, 2)[1], by_steps(*parts)[1])


@check("values")
def every_length_and_chunk(mine):
    """Differs from the recurrence for some length or chunk: the last chunk is shorter, and a chunk may be longer than the text."""
    for seq, chunk in ((1, 1), (7, 3), (8, 4), (9, 4), (6, 64)):
        parts, state = case(seq, 2)
        same(mine(*parts, state, chunk), by_steps(*(*parts, state)), rtol=1e-8)


@check("values")
def a_decay_to_nothing(mine):
    """Gives NaN where a token empties the state (log_decay -inf): no differences of running sums, use decay_matrix."""
    parts, state = case(5)
    log_decay = parts[3].clone()
    log_decay[:, :, 2] = -float("inf")
    for part in mine(*parts[:3], log_decay, state, 4):
        finite(part)
    same(mine(*parts[:3], log_decay, state, 4)[0], by_steps(*(*parts[:3], log_decay, state))[0])


@check("gradient")
def the_gradients_reach_everything(mine):
    """Has other gradients than the recurrence: all five arguments must learn."""
    import torch

    def joined(function, *more):
        return lambda *given: torch.cat([part.flatten() for part in function(*given, *more)])

    parts, state = case(5)
    gradients(joined(mine, 2), joined(by_steps), (*parts, state))


@check("speed")
def whole_chunks_at_once(mine):
    """Is far slower than the reference: all chunks multiply their pairs at once; only the states go one by one."""
    import torch

    from groundup.model.recurrence.state_space import state_space_chunked

    parts, _ = case(512, 1, 2, 16, 16, torch.float32)
    fast(mine, state_space_chunked, parts)


WITHIN = "within = (query @ key.mT * decay) @ value"
ADDED = "added = (key * decay[..., -1, :, None]).mT @ value"
READ = "from_before = (query * log_decay.cumsum(-1).exp()[..., None]) @ before"
BEFORE = "before, last = pass_on(added, log_decay.sum(-1).exp(), state)"

EXERCISE = Exercise(
    slot="model.recurrence.state_space_chunked",
    title="A recurrence made of matrix products",
    task="""
    Token by token, a state space is a loop that no processor likes. Cut the text into chunks. Within a chunk a token reads the
    tokens up to itself as attention does: scores query . key, times what is left of each (`decay_matrix`), times the values. What
    lies in earlier chunks it reads from the state before its chunk, faded up to itself. What a chunk adds to the state is the sum
    of key times value, each faded to the chunk's end; `pass_on` runs the short loop over chunks. `in_chunks` cuts and fills up
    with zeros, which write nothing. Return (outputs, the state after the last token), equal to the recurrence.
    """,
    difficulty=4,
    minutes=60,
    prerequisites=("model.recurrence.state_space",),
    hints=(
        "Begin with one chunk: (query @ key.mT * decay_matrix(log_decay)) @ value is all the outputs. Then cut with in_chunks.",
        "What chunk c adds: (key * decay[..., -1, :, None]).mT @ value; what it keeps of the old state: exp(log_decay.sum(-1)).",
        "pass_on gives the state before each chunk: read it with query * log_decay.cumsum(-1).exp(); add both parts, flatten, cut.",
    ),
    run="groundup --mine my learn lesson model.recurrence.state_space --run",
    checks=(
        outputs_and_a_state,
        the_dtype_stays,
        one_chunk,
        the_state_at_the_end,
        a_given_state_is_read,
        two_chunks,
        every_length_and_chunk,
        a_decay_to_nothing,
        the_gradients_reach_everything,
        whole_chunks_at_once,
    ),
    mutants=(
        Mutant("the tail stays", "cut the outputs", (("[:, :, :seq], last", ", last"),)),
        Mutant("wide", "another dtype", (("[:, :, :seq], last", "[:, :, :seq].double(), last"),)),
        Mutant("no decay", "without the decay", ((WITHIN, "within = (query @ key.mT).tril() @ value"),)),
        Mutant("the future is read", "Lets tokens read later ones", ((WITHIN, "within = (query @ key.mT) @ value"),)),
        Mutant("nothing fades to the end", "without its fading", ((ADDED, "added = key.mT @ value"),)),
        Mutant(
            "the given state forgotten",
            "Forgets the given state",
            ((READ, f"{READ} if before.shape[2] > 1 else 0 * within"),),
        ),
        Mutant("the state unfaded", "Reads the given state unfaded", ((READ, "from_before = query @ before"),)),
        Mutant(
            "one step too little",
            "one step too little",
            ((READ, READ.replace("log_decay.cumsum(-1)", "(log_decay.cumsum(-1) - log_decay)")),),
        ),
        Mutant(
            "every chunk alone",
            "Starts every chunk with an empty state",
            (
                (
                    BEFORE,
                    f"{BEFORE}\n    before = before * (before.new_tensor(range(before.shape[2])) == 0)[:, None, None]",
                ),
            ),
        ),
        Mutant(
            "a decay that does not learn",
            "all five arguments",
            (("decay_matrix(log_decay)", "decay_matrix(log_decay.detach())"),),
        ),
    ),
)
