"""Exercise: what the cache of latent attention keeps of a token."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, gradients, same, shape

SIZES = [(1, 1, 1, 2), (1, 1, 2, 2), (1, 2, 3, 4), (2, 3, 4, 6)]  # batch, seq, rank, rope_dim: the smallest first


def case(batch, seq, rank, rope_dim, start=0):
    """projected, gain, angles: the same at every call."""
    import torch

    from groundup.model.positions.rotary import Rotary

    source = torch.Generator().manual_seed(seq + 10 * rank)
    projected = torch.randn(batch, seq, rank + rope_dim, generator=source, dtype=torch.float64)
    gain = 1 + torch.rand(rank, generator=source, dtype=torch.float64)
    return projected, gain, Rotary(rope_dim).angles(torch.arange(start, start + seq), torch.float64)


def latent_of(projected, gain, eps=1e-6):
    """torch's RMSNorm of the first part."""
    import torch

    return torch.nn.functional.rms_norm(projected[..., : len(gain)], (len(gain),), gain, eps)


def turned(projected, gain, angles):
    """The pairs (2i, 2i + 1) as complex numbers, turned; real parts first, then the imaginary ones."""
    import torch

    pairs = torch.view_as_complex(projected[..., len(gain) :].unflatten(-1, (-1, 2)).clone())
    pairs = pairs * torch.complex(angles.cos, angles.sin)[:, :, 0]
    return torch.cat((pairs.real, pairs.imag), -1)


@check("shape")
def a_latent_and_a_rotary_key(mine):
    """Gives other shapes than (batch, seq, rank) and (batch, seq, rope_dim): the first len(gain) numbers are the latent, the rest is the key."""
    for batch, seq, rank, rope_dim in SIZES:
        latent, rope = mine(*case(batch, seq, rank, rope_dim))
        shape(latent, (batch, seq, rank))
        shape(rope, (batch, seq, rope_dim))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of what came."""
    import torch

    projected, gain, angles = case(1, 1, 2, 2)
    for kind in (torch.float64, torch.bfloat16):
        small = type(angles)(*(one.to(kind) for one in angles))
        for one in mine(projected.to(kind), gain.to(kind), small):
            dtype(one, kind)


@check("invariant")
def at_position_0_nothing_turns(mine):
    """Changes the rotary key at position 0, where the angle is 0: bring its pairs apart, do not normalise it, take it from after the latent."""
    import torch

    for rope_dim in (2, 4):
        projected, gain, angles = case(1, 1, 2, rope_dim)
        key = projected[..., 2:]
        same(mine(projected, gain, angles)[1], torch.cat((key[..., 0::2], key[..., 1::2]), -1))


@check("values")
def the_latent_is_normalised(mine):
    """The latent is not the RMSNorm of its own numbers, times the gain."""
    import torch

    projected, gain, angles = case(1, 1, 2, 2)
    mistakes = {
        "The latent is not normalised: it goes through RMSNorm before it is kept.": projected[..., :2],
        "The gain of the norm is missing.": latent_of(projected, torch.ones_like(gain)),
        "The rotary key takes part in the latent's mean square: normalise the latent alone.": torch.nn.functional.rms_norm(
            projected, (4,), eps=1e-6
        )[..., :2]
        * gain,
    }
    same(mine(projected, gain, angles)[0], latent_of(projected, gain), mistakes=mistakes)
    for size in SIZES:
        projected, gain, angles = case(*size, start=3)
        same(mine(projected, gain, angles)[0], latent_of(projected, gain))


@check("values")
def eps_is_used(mine):
    """Does not hand eps on to the norm."""
    projected, gain, angles = case(1, 2, 3, 4)
    same(mine(projected, gain, angles, 0.5)[0], latent_of(projected, gain, 0.5))


@check("values")
def the_key_is_turned(mine):
    """The rotary key is not turned by its position's angles, pairs (2i, 2i + 1)."""
    import torch

    from groundup.model.positions.rotary import rotate

    projected, gain, angles = case(1, 1, 2, 4, start=3)
    key = projected[..., 2:]
    mistakes = {
        "The rotary key is not turned.": torch.cat((key[..., 0::2], key[..., 1::2]), -1),
        "Turns the pairs (i, i + half): in DeepSeek's files they are (2i, 2i + 1); pairs_apart brings them to their places.": rotate(
            key[:, :, None], angles
        )[:, :, 0],
    }
    same(mine(projected, gain, angles)[1], turned(projected, gain, angles), mistakes=mistakes)
    for size in SIZES:
        given = case(*size, start=3)
        same(mine(*given)[1], turned(*given))


@check("gradient")
def the_gradients_are_torchs(mine):
    """The result is right and its gradient is not: leave nothing of it out of the graph."""
    import torch

    projected, gain, angles = case(1, 2, 3, 4, start=3)
    gradients(
        lambda x, weight: torch.cat(mine(x, weight, angles), -1),
        lambda x, weight: torch.cat((latent_of(x, weight), turned(x, weight, angles)), -1),
        (projected, gain),
    )


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: all tokens at once, no loop in Python."""
    from groundup.model.attention.latent import compress

    fast(mine, compress, case(2, 128, 32, 16))


EXERCISE = Exercise(
    slot="model.attention.compress",
    title="What the cache keeps of a token",
    task="""
    Latent attention keeps two short vectors a token instead of the keys and values of all heads. A linear map has
    made `projected`: its first len(gain) numbers are the latent, which is normalised (RMSNorm) before it is kept; the rest is the
    one rotary key of all heads, which is turned by the token's position and not normalised. Its pairs lie side by side,
    (2i, 2i + 1): `pairs_apart` brings them where `rotate` expects them.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("model.attention.multi_head", "model.positions.rotary"),
    hints=(
        "Cut `projected` at len(gain).",
        "normalize(x, gain, eps) and rotate(x, angles) are given; rotate wants an axis of heads: (batch, seq, 1, rope_dim).",
        "rotate(pairs_apart(rope)[:, :, None], angles)[:, :, 0] is the key; the latent is normalize(latent, gain, eps).",
    ),
    run="groundup --mine my learn lesson model.attention.latent --run",
    checks=(
        a_latent_and_a_rotary_key,
        the_dtype_stays,
        at_position_0_nothing_turns,
        the_latent_is_normalised,
        eps_is_used,
        the_key_is_turned,
        the_gradients_are_torchs,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant("not normalised", "The latent is not normalised", (("normalize(latent, gain, eps)", "latent"),)),
        Mutant(
            "without the gain",
            "The gain of the norm",
            (("normalize(latent, gain, eps)", "normalize(latent, gain * 0 + 1, eps)"),),
        ),
        Mutant(
            "normalised together",
            "takes part in the latent's mean square",
            (
                (
                    "normalize(latent, gain, eps)",
                    "normalize(projected, projected[0, 0] * 0 + 1, eps)[..., :rank] * gain",
                ),
            ),
        ),
        Mutant(
            "eps forgotten", "eps on to the norm", (("normalize(latent, gain, eps)", "normalize(latent, gain, 1e-6)"),)
        ),
        Mutant(
            "the key not turned",
            "The rotary key is not turned",
            (("rotate(pairs_apart(rope)[:, :, None], angles)[:, :, 0]", "pairs_apart(rope)"),),
        ),
        Mutant("the pairs of LLaMA", "position 0", (("pairs_apart(rope)", "rope"),)),
        Mutant(
            "turned backwards",
            "by its position's angles",
            (("[:, :, None], angles)", "[:, :, None], Angles(angles.cos, -angles.sin))"),),
        ),
        Mutant(
            "the gain outside the graph",
            "its gradient is not",
            (("normalize(latent, gain, eps)", "normalize(latent, gain.detach(), eps)"),),
        ),
    ),
)
