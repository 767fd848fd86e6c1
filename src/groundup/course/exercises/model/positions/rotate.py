"""Exercise: turn queries and keys by their positions."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, shape

WIDER = "Multiplies all of x by the cosines, which have one number a pair, half of head_dim: cut x into its two halves first."
TURN = 0.9272952180016122  # the angle with cosine 0.6 and sine 0.8


def angles_of(radians):
    """Cosines and sines, as the model hands them over: (batch or 1, seq, 1, half) from (seq, half) or (batch, seq, half)."""
    from groundup.model.positions.rotary import Angles

    radians = radians if radians.dim() == 3 else radians[None]
    return Angles(radians.cos().unsqueeze(2), radians.sin().unsqueeze(2))


def one(*numbers):
    """One vector as batch 1, seq 1, heads 1."""
    import torch

    return torch.tensor(numbers).reshape(1, 1, 1, -1)


def turn(*radians):
    """The angles of one position, one a pair."""
    import torch

    return angles_of(torch.tensor([radians]))


def case(batch, seq, heads, head_dim):
    """Random vectors, and random angles that differ in every row, position and pair."""
    import torch

    source = torch.Generator().manual_seed(seq)
    x = torch.randn(batch, seq, heads, head_dim, generator=source)
    return x, 3 * torch.randn(batch, seq, head_dim // 2, generator=source)


def by_complex_numbers(x, radians):
    """The same as a product of complex numbers: x_i + i x_(i + half), times e^(i angle)."""
    import torch

    first, second = x.chunk(2, -1)
    turned = torch.complex(first, second) * torch.polar(torch.ones_like(radians), radians).unsqueeze(2)
    return torch.cat([turned.real, turned.imag], -1)


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: both turned halves are put together again along the last axis."""
    for size in ((1, 1, 1, 2), (1, 1, 1, 4), (1, 2, 2, 2), (2, 3, 3, 4)):
        x, radians = case(*size)
        try:
            shape(mine(x, angles_of(radians)), size)
        except RuntimeError as error:
            if "must match the size" not in str(error):
                raise
            raise Failed(WIDER, expected=f"shape {size}", got=str(error).split(" at non-")[0]) from error


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x; the cosines and sines have it already."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(one(1.0, 2.0).to(kind), angles_of(torch.tensor([[TURN]], dtype=kind))), kind)


@check("invariant")
def position_zero_does_not_turn(mine):
    """Changes x where nothing turns: cosine 1 and sine 0 must give x back, its halves in their order."""
    mistakes = {
        "Uses the sine where the cosine belongs: angles is (cos, sin), in this order.": one(-2.0, 1.0),
        "Puts the halves together in the wrong order: what was turned into the first half stands first.": one(2.0, 1.0),
        "Multiplies the first half by the cosine twice: the second half is b cos + a sin.": one(1.0, 1.0),
    }
    same(mine(one(1.0, 2.0), turn(0.0)), one(1.0, 2.0), mistakes=mistakes)
    mistakes = {
        "Takes every other coordinate (0::2 and 1::2): the two halves are the first and the last head_dim/2 coordinates.": one(
            1.0, 3.0, 2.0, 4.0
        )
    }
    same(mine(one(1.0, 2.0, 3.0, 4.0), turn(0.0, 0.0)), one(1.0, 2.0, 3.0, 4.0), mistakes=mistakes)


@check("values")
def one_pair_by_hand(mine):
    """Does not turn a pair (a, b) into (a cos - b sin, b cos + a sin)."""
    mistakes = {
        "Turns the other way round: it is a cos - b sin in the first half and b cos + a sin in the second.": one(
            2.2, 0.4
        ),
        "Adds in both halves, which stretches the vector: the first half is a cos - b sin.": one(2.2, 2.0),
        "Uses the first half after it was turned: the second half needs it as it was.": one(-1.0, 0.4),
        "Only shortens the vector: each half also takes its partner times the sine.": one(0.6, 1.2),
    }
    same(mine(one(1.0, 2.0), turn(TURN)), one(-1.0, 2.0), mistakes=mistakes)  # 0.6 - 1.6, 1.2 + 0.8


@check("values")
def the_partner_is_half_a_head_away(mine):
    """Pairs the wrong coordinates: the partner of i is i + head_dim/2."""
    mistakes = {
        "Pairs neighbours, (0, 1) and (2, 3): the partner of i is i + head_dim/2, so cut x into two halves.": one(
            0.6, 0.8, 0.0, 0.0
        ),
        "Pairs the first with the last: the partner of i is i + head_dim/2.": one(0.6, 0.0, 0.0, 0.8),
    }
    same(mine(one(1.0, 0.0, 0.0, 0.0), turn(TURN, 0.0)), one(0.6, 0.0, 0.8, 0.0), mistakes=mistakes)


@check("values")
def each_pair_has_its_angle(mine):
    """Turns a pair by the angle of another one: pair i has the i-th cosine and sine."""
    mistakes = {
        "Turns every pair by the first pair's angle: take all cosines and sines, not only [..., 0].": one(
            0.6, 0.6, 0.8, 0.8
        )
    }
    same(mine(one(1.0, 1.0, 0.0, 0.0), turn(TURN, 0.0)), one(0.6, 1.0, 0.8, 0.0), mistakes=mistakes)


@check("values")
def each_position_has_its_angle(mine):
    """Mixes positions and heads: all heads of a position turn by its angle, so keep the axis of size 1 in cos and sin."""
    import torch

    x = torch.tensor([1.0, 0.0]).expand(1, 2, 2, 2).contiguous()  # two positions, two heads
    zero, turned = [1.0, 0.0], [0.6, 0.8]
    same(mine(x, angles_of(torch.tensor([[0.0], [TURN]]))), torch.tensor([[[zero, zero], [turned, turned]]]))


@check("values")
def each_row_of_a_batch_has_its_positions(mine):
    """Turns all rows of a batch by the first row's angles: packed and padded rows have positions of their own."""
    import torch

    x = torch.tensor([1.0, 0.0]).expand(2, 1, 1, 2).contiguous()
    same(mine(x, angles_of(torch.tensor([[[0.0]], [[TURN]]]))), torch.tensor([[[[1.0, 0.0]]], [[[0.6, 0.8]]]]))


@check("values")
def only_the_distance_counts(mine):
    """The dot product of two turned vectors changes when both move on by the same: is every coordinate turned exactly once?"""
    import torch

    query, key = one(1.0, 2.0, 3.0, 4.0), one(2.0, -1.0, 0.5, 1.0)
    products = []
    for moved in (0, 1, 5):
        near, far = (angles_of(torch.tensor([[place, 0.1 * place]])) for place in (moved + 1.0, moved + 3.0))
        products.append((mine(query, near) * mine(key, far)).sum())
    same(torch.stack(products), products[0].repeat(3), rtol=1e-4)


@check("values")
def as_complex_numbers(mine):
    """Differs on random numbers from the turn of x_i and x_(i + half) as a complex number."""
    for size in ((1, 1, 1, 2), (1, 2, 1, 4), (2, 3, 2, 8)):
        x, radians = case(*size)
        same(mine(x, angles_of(radians)), by_complex_numbers(x, radians), rtol=1e-4)


@check("gradient")
def the_gradients_turn_back(mine):
    """The result is right and its gradient is not: both halves must stay in the graph."""
    for size in ((1, 1, 1, 2), (1, 2, 2, 4)):
        x, radians = case(*size)
        gradients(lambda x, r=radians: mine(x, angles_of(r)), lambda x, r=radians: by_complex_numbers(x, r), [x])


@check("speed")
def all_pairs_at_once(mine):
    """Is far slower than the reference: cut x into its two halves and turn all pairs at once, no loop in Python."""
    from groundup.model.positions.rotary import rotate

    x, radians = case(2, 32, 2, 32)
    fast(mine, rotate, (x, angles_of(radians)))


HALVES = "first, second = x.chunk(2, dim=-1)"
RESULT = "return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)"

EXERCISE = Exercise(
    slot="model.positions.rotate",
    title="Rotary positions: turn each pair by its angle",
    task="""
    Attention by itself cannot tell one order of tokens from another. Rotary positions turn the coordinates of queries and
    keys in pairs, by an angle that grows with the position; a query and a key then meet with the difference of their angles,
    so that only the distance counts. The partner of coordinate i is i + head_dim/2, and the pair (a, b) becomes
    (a cos - b sin, b cos + a sin).

    x is (batch, seq, heads, head_dim). The cosines and sines are given, one for each position and pair, as (batch or 1, seq,
    1, head_dim/2): all heads of a position turn alike. Every layer of the model calls this for its queries and its keys.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.positions.rotary",),
    hints=(
        "x.chunk(2, dim=-1) cuts the last axis into its two halves; coordinate i of one is the partner of i of the other.",
        "cos, sin = angles unpacks them; their axis of size 1 lets them meet all heads, so no reshape is needed.",
        "Compute both new halves from the old ones, then join them: torch.cat((..., ...), dim=-1).",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        position_zero_does_not_turn,
        one_pair_by_hand,
        the_partner_is_half_a_head_away,
        each_pair_has_its_angle,
        each_position_has_its_angle,
        each_row_of_a_batch_has_its_positions,
        only_the_distance_counts,
        as_complex_numbers,
        the_gradients_turn_back,
        all_pairs_at_once,
    ),
    mutants=(
        Mutant("halves stacked", "another shape than that of x", (("torch.cat(", "torch.stack("),)),
        Mutant(
            "all of x by the cosines",
            "cut x into its two halves first",
            ((RESULT, "return x * cos + torch.cat((-second, first), dim=-1) * sin"),),
        ),
        Mutant("float32 inside", "another dtype", ((HALVES, "first, second = x.float().chunk(2, dim=-1)"),)),
        Mutant("sine before cosine", "angles is (cos, sin)", (("cos, sin = angles", "sin, cos = angles"),)),
        Mutant(
            "halves put together the other way",
            "in the wrong order",
            ((RESULT, "return torch.cat((second * cos + first * sin, first * cos - second * sin), dim=-1)"),),
        ),
        Mutant(
            "every other coordinate",
            "every other coordinate",
            ((HALVES, "first, second = x[..., 0::2], x[..., 1::2]"),),
        ),
        Mutant(
            "one cosine twice", "by the cosine twice", (("second * cos + first * sin", "first * cos + second * sin"),)
        ),
        Mutant(
            "the other way round",
            "Turns the other way round",
            ((" - second * sin", " + second * sin"), (" + first * sin", " - first * sin")),
        ),
        Mutant("a sign forgotten", "Adds in both halves", ((" - second * sin", " + second * sin"),)),
        Mutant(
            "turned twice",
            "after it was turned",
            (
                (
                    RESULT,
                    "first = first * cos - second * sin\n    return torch.cat((first, second * cos + first * sin), dim=-1)",
                ),
            ),
        ),
        Mutant("cosines only", "Only shortens", ((" - second * sin", ""), (" + first * sin", ""))),
        Mutant(
            "neighbours",
            "Pairs neighbours",
            (
                (HALVES, "first, second = x[..., 0::2], x[..., 1::2]"),
                (
                    RESULT,
                    "return torch.stack((first * cos - second * sin, second * cos + first * sin), dim=-1).flatten(-2)",
                ),
            ),
        ),
        Mutant(
            "first with last",
            "first with the last",
            (
                (HALVES, "first, second = x.chunk(2, dim=-1)\n    second = second.flip(-1)"),
                ("second * cos + first * sin)", "(second * cos + first * sin).flip(-1))"),
            ),
        ),
        Mutant(
            "one angle for all pairs",
            "first pair's angle",
            (("cos, sin = angles", "cos, sin = (part[..., :1] for part in angles)"),),
        ),
        Mutant(
            "heads turned by positions",
            "Mixes positions and heads",
            (("cos, sin = angles", "cos, sin = (part.transpose(1, 2) for part in angles)"),),
        ),
        Mutant(
            "the first row for all",
            "by the first row's angles",
            (("cos, sin = angles", "cos, sin = (part[:1] for part in angles)"),),
        ),
        Mutant(
            "half outside the graph", "both halves must stay", ((HALVES, f"{HALVES}\n    second = second.detach()"),)
        ),
        Mutant("in place", "Changes its argument x in place", ((RESULT, f"first.mul_(cos)\n    {RESULT}"),)),
        Mutant(
            "a loop over pairs and positions",
            "far slower than the reference",
            (
                (
                    RESULT,
                    "pairs = [[(a * c - b * s, b * c + a * s) for a, b, c, s in zip(*(part[:, place].unbind(-1) for part in "
                    "(first, second, cos, sin)))] for place in range(x.shape[1])]\n"
                    "    rows = [torch.stack([pair[half] for half in (0, 1) for pair in row], -1) for row in pairs]\n"
                    "    return torch.stack(rows, 1)",
                ),
            ),
        ),
    ),
)
