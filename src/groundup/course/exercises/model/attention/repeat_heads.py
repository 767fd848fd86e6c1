"""Exercise: let several query heads share one head of keys and values."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, shape

SIZES = [((1, 1, 1, 1), 2), ((1, 2, 1, 1), 2), ((2, 2, 1, 1), 1), ((2, 2, 3, 4), 3)]  # x, groups: the smallest first


def case(*size):
    """Random numbers of this size, the same at every call."""
    import torch

    return torch.randn(*size, generator=torch.Generator().manual_seed(sum(size)))


def heads(*values):
    """One batch, one position, one coordinate: a number a head."""
    import torch

    return torch.tensor(values).reshape(1, -1, 1, 1)


def torchs(x, groups):
    """The same by torch's own."""
    return x.repeat_interleave(groups, dim=1)


@check("shape")
def only_the_heads_become_more(mine):
    """Gives another shape than (batch, kv_heads * groups, seq, head_dim): only the heads become more, the other axes stay."""
    for (batch, kv_heads, seq, head_dim), groups in SIZES:
        got = mine(case(batch, kv_heads, seq, head_dim), groups)
        likely = {
            (
                batch,
                kv_heads,
                groups,
                seq,
                head_dim,
            ): "Leaves the copies in an axis of their own: reshape kv_heads and groups into one axis of heads.",
            (batch, kv_heads, seq * groups, head_dim): "Repeats the positions: the axis of the heads is 1.",
            (
                batch,
                groups,
                seq,
                head_dim,
            ): "Takes groups for the number of all heads: each of the kv_heads is copied groups times.",
        }
        shape(got, (batch, kv_heads * groups, seq, head_dim), likely.get(tuple(getattr(got, "shape", ())), ""))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: copies are exact."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(heads(1.0, 2.0).to(kind), 2), kind)


@check("values")
def copies_stand_side_by_side(mine):
    """Gives a query head the wrong keys: head i of the result is head i // groups of x."""
    mistakes = {
        "Repeats the whole row of heads (1, 2, 1, 2): the copies of one head stand side by side (1, 1, 2, 2), since "
        "neighbouring query heads share it.": heads(1.0, 2.0, 1.0, 2.0),
        "Leaves the second of the copies empty: every query head of a group gets the same numbers.": heads(
            1.0, 0.0, 2.0, 0.0
        ),
        "Shares the numbers out among the copies: each copy is the whole head.": heads(0.5, 0.5, 1.0, 1.0),
    }
    same(mine(heads(1.0, 2.0), 2), heads(1.0, 1.0, 2.0, 2.0), mistakes=mistakes)


@check("values")
def positions_stay_in_their_head(mine):
    """Mixes positions and heads: make the copies beside the axis of the heads (x[:, :, None]), so that reshape joins only these two."""
    import torch

    x = torch.tensor([1.0, 2.0]).reshape(1, 1, 2, 1)  # one head, two positions
    same(mine(x, 2), torch.tensor([[[[1.0], [2.0]], [[1.0], [2.0]]]]))


@check("values")
def a_batch_keeps_its_rows(mine):
    """Mixes the rows of a batch: leave axis 0 as it is; only axis 1, the heads, grows."""
    import torch

    same(mine(torch.tensor([1.0, 2.0]).reshape(2, 1, 1, 1), 2), torch.tensor([1.0, 1.0, 2.0, 2.0]).reshape(2, 2, 1, 1))


@check("values")
def as_torch(mine):
    """Differs from copies of head i // groups on random numbers."""
    for size, groups in SIZES:
        same(mine(case(*size), groups), torchs(case(*size), groups), rtol=0.0, atol=0.0)


@check("values")
def turned_axes_are_no_hindrance(mine):
    """Stops at keys whose axes were turned, as the model hands them over: view wants numbers side by side, reshape copies where it must."""
    x = case(1, 2, 2, 2).transpose(1, 2)
    try:
        got = mine(x, 2)
    except RuntimeError as error:
        raise Failed(expected="a result for x.transpose(1, 2)", got=str(error).split(". ")[0]) from error
    same(got, torchs(x, 2))


@check("gradient")
def a_head_learns_from_all_its_copies(mine):
    """The result is right and its gradient is not: a shared head learns from every query head, the sum over its copies."""
    for size, groups in SIZES:
        gradients(lambda x, g=groups: mine(x, g), lambda x, g=groups: torchs(x, g), [case(*size)])


@check("speed")
def all_heads_at_once(mine):
    """Is far slower than the reference: copy whole heads at once, no loop in Python over positions."""
    from groundup.model.attention.scaled_dot_product import repeat_heads

    fast(mine, repeat_heads, (case(2, 4, 64, 32), 4))


COPIES = "return x[:, :, None].expand(-1, -1, groups, -1, -1).reshape(batch, kv_heads * groups, seq, head_dim)"

EXERCISE = Exercise(
    slot="model.attention.repeat_heads",
    title="Grouped-query attention: share keys and values",
    task="""
    While a model writes, the keys and values of all tokens so far stay in memory; with one head of them for every query head
    they soon take more room than the weights. Grouped-query attention keeps fewer: `groups` neighbouring query heads share
    one key/value head. Before the definition of attention can run, every shared head is copied for each of its query heads:
    (batch, kv_heads, seq, head_dim) becomes (batch, kv_heads * groups, seq, head_dim), and head i of the result is head
    i // groups of x. With groups = 1 nothing changes.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.attention.multi_head",),
    hints=(
        "Two heads 1, 2 and groups = 2 give 1, 1, 2, 2, not 1, 2, 1, 2: that is where x.repeat goes wrong.",
        "Make room for the copies beside the heads: x[:, :, None] is (batch, kv_heads, 1, seq, head_dim), and expand repeats "
        "the axis of size 1 without a copy.",
        "A reshape to (batch, kv_heads * groups, seq, head_dim) then joins the two axes; torch has the same in one word, "
        "repeat_interleave along axis 1.",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        only_the_heads_become_more,
        the_dtype_stays,
        copies_stand_side_by_side,
        positions_stay_in_their_head,
        a_batch_keeps_its_rows,
        as_torch,
        turned_axes_are_no_hindrance,
        a_head_learns_from_all_its_copies,
        all_heads_at_once,
    ),
    mutants=(
        Mutant("no reshape", "an axis of their own", ((".reshape(batch, kv_heads * groups, seq, head_dim)", ""),)),
        Mutant("positions repeated", "Repeats the positions", ((COPIES, "return x.repeat_interleave(groups, dim=2)"),)),
        Mutant(
            "groups as the number of heads",
            "for the number of all heads",
            ((COPIES, "return x.repeat_interleave(-(-groups // kv_heads), dim=1)[:, :groups]"),),
        ),
        Mutant(
            "the batch repeated",
            "only the heads become more",
            ((COPIES, "return x.repeat_interleave(groups, dim=0)"),),
        ),
        Mutant("rounded", "copies are exact", ((COPIES, COPIES + ".float()"),)),
        Mutant("the row of heads repeated", "the whole row of heads", ((COPIES, "return x.repeat(1, groups, 1, 1)"),)),
        Mutant(
            "one copy filled",
            "second of the copies empty",
            (
                (
                    COPIES,
                    "copies = x.new_zeros(batch, kv_heads * groups, seq, head_dim)\n    copies[:, ::groups] = x\n    return copies",
                ),
            ),
        ),
        Mutant("shared out", "Shares the numbers out", ((COPIES, COPIES + " / groups"),)),
        Mutant(
            "copies beside the positions",
            "Mixes positions and heads",
            (("x[:, :, None].expand(-1, -1, groups, -1, -1)", "x[:, :, :, None].expand(-1, -1, -1, groups, -1)"),),
        ),
        Mutant(
            "rows of the batch mixed",
            "Mixes the rows of a batch",
            (("x[:, :, None].expand(-1, -1, groups, -1, -1)", "x.transpose(0, 1).repeat_interleave(groups, dim=0)"),),
        ),
        Mutant(
            "a view of turned axes",
            "Stops at keys whose axes were turned",
            ((COPIES, "return x.view(batch * kv_heads, 1, -1).repeat(1, groups, 1).view(batch, -1, seq, head_dim)"),),
        ),
        Mutant(
            "only one copy learns",
            "the sum over its copies",
            (
                (COPIES, "copies = torch.stack([x, *[x.detach()] * (groups - 1)], 2)\n    return copies.flatten(1, 2)"),
                ("    batch, kv", "    import torch\n\n    batch, kv"),
            ),
        ),
        Mutant("outside the graph", "cut off from its inputs", (("return x[:", "return x.detach()[:"),)),
        Mutant(
            "a loop over positions",
            "far slower than the reference",
            (
                (
                    COPIES,
                    "rows = [x[:, head // groups, place] for head in range(kv_heads * groups) for place in range(seq)]\n"
                    "    return torch.stack(rows, 1).reshape(batch, kv_heads * groups, seq, head_dim)",
                ),
                ("    batch, kv", "    import torch\n\n    batch, kv"),
            ),
        ),
    ),
)
