"""Exercise: one step of linear attention, a recurrent network whose state is a matrix."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import finite, gradients, same, shape


def case(batch, heads, features, width):
    """query, key, value and the state that some tokens before have left; all features positive."""
    import torch

    source = torch.Generator().manual_seed(10 * batch + features)
    sizes = ((features,), (features,), (width,), (features, width), (features,))
    query, key, value, memory, total = (torch.randn(batch, heads, *size, generator=source) for size in sizes)
    return [query.exp(), key.exp(), value, memory, total.exp()]


def einsums(query, key, value, memory, total):
    """The same, axis by axis."""
    import torch

    memory = memory + torch.einsum("bhf,bhd->bhfd", key, value)
    total = total + key
    mixed = torch.einsum("bhf,bhfd->bhd", query, memory) / torch.einsum("bhf,bhf->bh", query, total)[..., None]
    return mixed, memory, total


def numbers(*values):
    """One batch, one head."""
    import torch

    return torch.tensor([[values]]) if not isinstance(values[0], list) else torch.tensor([[list(values)]])


@check("shape")
def three_results(mine):
    """Gives something else than what is read (batch, heads, value_dim), the memory (..., features, value_dim) and the total (..., features)."""
    for size in ((1, 1, 1, 1), (1, 1, 2, 3), (2, 3, 4, 5)):
        batch, heads, features, width = size
        got = mine(*case(*size))
        for one, meant in zip(got, ((width,), (features, width), (features,)), strict=True):
            shape(one, (batch, heads, *meant))


@check("finite")
def nothing_seen_yet(mine):
    """Divides 0 by 0 where no feature is above 0: bound the weight from below by the smallest positive number of its dtype."""
    import torch

    query, key, value, memory, total = (torch.zeros_like(one) for one in case(1, 1, 2, 1))
    finite(mine(query, key, value, memory, total)[0])


@check("values")
def the_memory(mine):
    """Gives another memory than the old one plus key times value, every pair of coordinates."""
    key, value, memory = numbers(1.0, 2.0), numbers(3.0, 5.0), numbers([1.0, 0.0], [0.0, 0.0])
    mistakes = {
        "The memory forgets what was there: add to it.": numbers([3.0, 5.0], [6.0, 10.0]),
        "The memory holds values times keys: its rows are the features, its columns the values.": numbers(
            [4.0, 6.0], [5.0, 10.0]
        ),
        "The memory is not changed: a new one comes back.": memory,
    }
    same(mine(key, key, value, memory, key)[1], numbers([4.0, 5.0], [6.0, 10.0]), mistakes=mistakes)


@check("values")
def the_total(mine):
    """Gives another total than the old one plus the key."""
    key, total = numbers(1.0, 2.0), numbers(10.0, 20.0)
    mistakes = {
        "The total forgets what was there.": key,
        "The total is not changed.": total,
        "The total adds the value: it is the sum of the keys.": numbers(13.0, 25.0),
    }
    same(
        mine(key, key, numbers(3.0, 5.0), numbers([0.0, 0.0], [0.0, 0.0]), total)[2],
        numbers(11.0, 22.0),
        mistakes=mistakes,
    )


@check("values")
def what_is_read(mine):
    """Reads something else than query times memory over query times total, both with the new token."""
    query, key, value = numbers(1.0, 3.0), numbers(1.0, 0.0), numbers(8.0)
    memory, total = numbers([0.0], [4.0]), numbers(1.0, 2.0)  # with the token: memory (8, 4), total (2, 2)
    # So 8 + 3 * 4 = 20 over 2 + 3 * 2 = 8.
    mistakes = {
        "What is read is not divided: it is a sum, and must be a mean.": numbers(20.0),
        "Reads the state as it was before the token: a token sees itself.": numbers(12.0 / 7),
        "Divides by the total as it was before the token.": numbers(20.0 / 7),
        "Divides by the sum of all keys, whatever the query: weigh them by the query.": numbers(20.0 / 4),
        "Reads with the key: the query asks.": numbers(8.0 / 2),
    }
    same(mine(query, key, value, memory, total)[0], numbers(20.0 / 8), mistakes=mistakes)


@check("values")
def as_torchs_einsum(mine):
    """Differs from the same by einsum: keep batches and heads apart."""
    for size in ((1, 1, 2, 1), (1, 2, 2, 3), (2, 3, 4, 5)):
        same(mine(*case(*size)), einsums(*case(*size)), rtol=1e-4)


@check("gradient")
def the_gradients_go_through_the_state(mine):
    """The gradient through what is read is not right: the state belongs to the graph."""
    gradients(lambda *given: mine(*given)[0], lambda *given: einsums(*given)[0], case(1, 2, 2, 3))


MEMORY = "memory = memory + key[..., :, None] * value[..., None, :]"
TOTAL = "total = total + key"
READ = "mixed = (query[..., None, :] @ memory)[..., 0, :]"
WEIGHT = "weight = (query * total).sum(-1, keepdim=True)"
RESULT = "return mixed / weight.clamp(min=torch.finfo(weight.dtype).tiny), memory, total"

EXERCISE = Exercise(
    slot="model.attention.linear_attention_step",
    title="Linear attention, one token at a time",
    task="""
    Where a key's weight is a product of features, attention needs no list of earlier keys: their sum of key value^T (memory) and
    the sum of the keys (total) are enough, and stay as large as they are however long the text. Take one token in: add its
    key value^T to the memory and its key to the total. Then read: query times memory, over query times total, which makes it a
    mean. query and key are features already, positive numbers. Give what is read, the new memory and the new total; change
    nothing in place.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.attention.linear",),
    hints=(
        "key[..., :, None] * value[..., None, :] is the outer product: rows are features, columns are the value's coordinates.",
        "query[..., None, :] @ memory has one row; [..., 0, :] takes it out. The weight is (query * total).sum(-1, keepdim=True).",
        "Divide by weight.clamp(min=torch.finfo(weight.dtype).tiny): nothing changes, except that 0 / 0 becomes 0.",
    ),
    run="groundup --mine my learn lesson model.attention.linear --run",
    checks=(
        three_results,
        nothing_seen_yet,
        the_memory,
        the_total,
        what_is_read,
        as_torchs_einsum,
        the_gradients_go_through_the_state,
    ),
    mutants=(
        Mutant(
            "a row kept",
            "something else than what is read",
            ((READ, "mixed = query[..., None, :] @ memory"), (WEIGHT, f"{WEIGHT}[..., None]")),
        ),
        Mutant("no lower bound", "0 by 0", ((RESULT, "return mixed / weight, memory, total"),)),
        Mutant("not divided", "is not divided", ((RESULT, "return mixed, memory, total"),)),
        Mutant("no longer than now", "memory forgets", ((MEMORY, "memory = key[..., :, None] * value[..., None, :]"),)),
        Mutant(
            "the old memory back",
            "memory is not changed",
            ((MEMORY, f"before = memory\n    {MEMORY}"), (RESULT, RESULT.replace(", memory,", ", before,"))),
        ),
        Mutant("the total forgets", "total forgets", ((TOTAL, "total = key.clone()"),)),
        Mutant(
            "the old total back",
            "total is not changed",
            ((TOTAL, f"before = total\n    {TOTAL}"), (RESULT, RESULT.replace("memory, total", "memory, before"))),
        ),
        Mutant(
            "read before",
            "as it was before the token: a token",
            ((MEMORY, ""), (TOTAL, ""), (RESULT, f"{MEMORY}\n    {TOTAL}\n    {RESULT}")),
        ),
        Mutant("the old weight", "Divides by the total as", ((TOTAL, ""), (RESULT, f"{TOTAL}\n    {RESULT}"))),
        Mutant("the sum of all keys", "whatever the query", ((WEIGHT, "weight = total.sum(-1, keepdim=True)"),)),
        Mutant(
            "read with the key",
            "Reads with the key",
            ((READ, READ.replace("query", "key")), (WEIGHT, WEIGHT.replace("query", "key"))),
        ),
        Mutant("in place", "in place", ((MEMORY, "memory += key[..., :, None] * value[..., None, :]"),)),
        Mutant(
            "a state outside the graph", "gradient through", ((READ, READ.replace("@ memory", "@ memory.detach()")),)
        ),
    ),
)
