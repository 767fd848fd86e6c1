"""Exercise: a softmax over keys that come a tile at a time."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape

SIZES = [(1, 1, 1), (1, 2, 1), (2, 3, 2), (3, 5, 4)]  # queries, keys, value_dim: the smallest first
NEW = "new_largest = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))"
OWN = "own = scores.amax(dim=-1, keepdim=True)"
SHRINK = "shrink = torch.exp(largest - new_largest)"


def nothing(queries, value_dim, *batch):
    """The three sums before the first key."""
    import torch

    one = torch.zeros(*batch, queries, 1)
    return one + torch.finfo(torch.float32).min, one, torch.zeros(*batch, queries, value_dim)


def tile(queries, keys, value_dim, *batch, seed=0):
    """Scores and values of some keys, the same at every call."""
    import torch

    source = torch.Generator().manual_seed(seed + queries + 10 * keys)
    return torch.randn(*batch, queries, keys, generator=source), torch.randn(*batch, keys, value_dim, generator=source)


def result(sums):
    """What has been attended to so far."""
    return sums[2] / sums[1]


@check("shape")
def three_sums_come_back(mine):
    """Gives other shapes than it took: largest (queries, 1), total (queries, 1), mixed (queries, value_dim); keepdim=True."""
    for queries, keys, value_dim in SIZES:
        sums = mine(*nothing(queries, value_dim), *tile(queries, keys, value_dim))
        for got, size in zip(sums, ((queries, 1), (queries, 1), (queries, value_dim)), strict=True):
            shape(got, size)


@check("shape")
def batches_and_heads_stand_in_front(mine):
    """Cannot take a batch of heads: let amax, sum and @ work on the last axes."""
    sums = mine(*nothing(2, 3, 2, 4), *tile(2, 5, 3, 2, 4))
    shape(sums[2], (2, 4, 2, 3))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the sums."""
    import torch

    for one in mine(*(x.double() for x in (*nothing(1, 1), *tile(1, 2, 1)))):
        dtype(one, torch.float64)


@check("finite")
def large_scores_do_not_overflow(mine):
    """Overflows for large scores: exp of a large number is infinite, so subtract the largest score first, the new one included."""
    for size in (1.0, 1000.0, -1000.0):
        scores, value = tile(1, 2, 1)
        sums = mine(*nothing(1, 1), size * scores.abs() + size, value)
        for one in sums:
            finite(one)


@check("invariant")
def a_hidden_tile_changes_nothing(mine):
    """A tile in which every score is -inf changes the sums: exp(-inf - largest) is 0, and nothing shrinks."""
    import torch

    scores, value = tile(1, 2, 1)
    before = mine(*nothing(1, 1), scores, value)
    same(mine(*before, torch.full((1, 2), -torch.inf), value), before)


@check("values")
def the_first_tile_is_a_softmax(mine):
    """mixed / total after one tile is not the softmax of its scores times its values."""
    for queries, keys, value_dim in SIZES:
        scores, value = tile(queries, keys, value_dim)
        same(result(mine(*nothing(queries, value_dim), scores, value)), scores.softmax(-1) @ value, rtol=1e-4)


@check("values")
def a_smaller_score_later_weighs_less(mine):
    """Forgets that the old keys may hold the largest score: the new maximum is the larger of the old one and the tile's."""
    import torch

    sums = mine(torch.tensor([[2.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0]]), *torch.zeros(2, 1, 1))
    same(sums[0], torch.tensor([[2.0]]))
    same(result(sums), torch.sigmoid(torch.tensor([[2.0]])))


@check("values")
def a_larger_score_later_shrinks_what_was_summed(mine):
    """What was summed before is not shrunk as it should be when a larger score comes: multiply by exp(largest - new_largest)."""
    import torch

    old = torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[1.0]])
    total, mixed = mine(*old, torch.tensor([[2.0]]), torch.tensor([[0.0]]))[1:]
    small = torch.exp(torch.tensor([[-2.0]]))
    mistakes = {
        "The total is not shrunk when a larger score comes: multiply it by exp(largest - new_largest), as the mixed values.": 2
        + 0 * small,
        "Shrinks the wrong way round: exp(largest - new_largest) is at most 1.": 1 + 1 / small,
    }
    same(total, 1 + small, mistakes=mistakes)
    same(
        mixed,
        small,
        "The mixed values are not shrunk when a larger score comes: by exp(largest - new_largest), as the total.",
    )


@check("values")
def tile_by_tile_is_the_whole_row(mine):
    """Several tiles one after another are not the softmax of the whole row."""
    import torch

    for queries, keys, value_dim in SIZES:
        tiles = [tile(queries, keys, value_dim, seed=seed) for seed in range(4)]
        sums = nothing(queries, value_dim)
        for scores, value in tiles:
            sums = mine(*sums, scores, value)
        scores, value = torch.cat([one[0] for one in tiles], -1), torch.cat([one[1] for one in tiles], -2)
        same(result(sums), scores.softmax(-1) @ value, rtol=1e-4)
        same(sums[0] + sums[1].log(), scores.logsumexp(-1, keepdim=True), rtol=1e-4)


@check("speed")
def a_tile_at_once(mine):
    """Is far slower than the reference: a few operations on the whole tile, no loop over queries or keys."""
    from groundup.model.attention.flash import online_softmax_step

    fast(mine, online_softmax_step, (*nothing(64, 16, 2, 2), *tile(64, 128, 16, 2, 2)))


EXERCISE = Exercise(
    slot="model.attention.online_softmax_step",
    title="A softmax that never sees its whole row",
    task="""
    FlashAttention's heart. Of the keys seen so far you have the largest score, the sum of exp(score - largest), and the sum of
    exp(score - largest) * value. A new tile of scores and values comes: give the three as they stand now. If a score is
    larger than all before, what was summed relative to the old maximum has to shrink. Hidden keys have the score -inf. In
    the end mixed / total is softmax(scores) @ values, and no row of scores was ever held.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("model.attention.flash",),
    hints=(
        "The new maximum first: the larger of the old one and the tile's own, for every query.",
        "exp(score - new) = exp(score - old) * exp(old - new): so both old sums are multiplied by exp(largest - new_largest).",
        "Then add the tile's: weights = exp(scores - new_largest), their sum over the keys (keepdim=True), and weights @ value.",
    ),
    run="groundup --mine my learn lesson model.attention.flash --run",
    checks=(
        three_sums_come_back,
        batches_and_heads_stand_in_front,
        the_dtype_stays,
        large_scores_do_not_overflow,
        a_hidden_tile_changes_nothing,
        the_first_tile_is_a_softmax,
        a_smaller_score_later_weighs_less,
        a_larger_score_later_shrinks_what_was_summed,
        tile_by_tile_is_the_whole_row,
        a_tile_at_once,
    ),
    mutants=(
        Mutant(
            "only the tile's maximum",
            "changes the sums",
            ((NEW, "new_largest = scores.amax(dim=-1, keepdim=True).clamp(min=-1e30)"),),
        ),
        Mutant("the maximum never moves", "Overflows", ((NEW, "new_largest = largest.clamp(min=0.0)"),)),
        Mutant("the total does not shrink", "The total is not shrunk", (("total * shrink", "total"),)),
        Mutant("the values do not shrink", "The mixed values are not shrunk", (("mixed * shrink", "mixed"),)),
        Mutant(
            "shrinks the wrong way",
            "Shrinks the wrong way",
            ((SHRINK, "shrink = torch.exp((new_largest - largest).clamp(max=50.0))"),),
        ),
        Mutant(
            "the values not weighted",
            "mixed / total after one tile",
            (("+ weights @ value", "+ (weights > 0).to(value.dtype) @ value"),),
        ),
        Mutant("the axis is lost", "keepdim", (("weights.sum(dim=-1, keepdim=True)", "weights.sum(dim=-1)"),)),
        Mutant(
            "the tile's maximum where it has one",
            "Forgets that the old keys",
            ((NEW, f"{OWN}\n    new_largest = torch.where(own.isfinite(), own, largest)"),),
        ),
        Mutant(
            "a loop over keys",
            "far slower than the reference",
            source="""
            import torch


            def online_softmax_step(largest, total, mixed, scores, value):
                for index in range(scores.shape[-1]):
                    for row in range(scores.shape[-2]):
                        score = scores[..., row, index, None]
                        new = torch.maximum(largest[..., row, :], score)
                        shrink, weight = torch.exp(largest[..., row, :] - new), torch.exp(score - new)
                        total, mixed, largest = total.clone(), mixed.clone(), largest.clone()
                        total[..., row, :] = total[..., row, :] * shrink + weight
                        mixed[..., row, :] = mixed[..., row, :] * shrink + weight * value[..., index, :]
                        largest[..., row, :] = new
                return largest, total, mixed
            """,
        ),
    ),
)
