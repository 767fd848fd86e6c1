"""Exercise: a tensor in eight bits, with a scale of its own."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def drawn(size=1.0):
    """Sixty-four numbers."""
    import torch

    return torch.randn(8, 8, generator=torch.Generator().manual_seed(0)) * size


def shown(x):
    """A tensor as plain numbers."""
    return x.float().flatten().tolist()


@check("shape")
def values_keep_the_shape_and_the_scale_is_one_number(mine):
    """Does not give a pair: values of x's shape, and a scale without axes."""
    import torch

    values, scale = mine(drawn(), torch.float8_e4m3fn)
    that(tuple(values.shape) == (8, 8), f"Values of the shape {tuple(values.shape)} where x has (8, 8).")
    that(scale.dim() == 0, "A scale for each row or number: here the whole tensor has one, a tensor without axes.")


@check("dtype")
def values_are_float8_and_the_scale_is_not(mine):
    """Does not cast the values to `dtype`, or casts the scale as well."""
    import torch

    values, scale = mine(drawn().bfloat16(), torch.float8_e5m2)
    that(values.dtype == torch.float8_e5m2, f"Values in {values.dtype} where {torch.float8_e5m2} was asked for.")
    that(
        scale.dtype == torch.float32, f"The scale is in {scale.dtype}: it must be float32, or it spoils every product."
    )


@check("finite")
def zeros_have_a_scale_too(mine):
    """Divides by 0 where x is all zeros: hold the scale above some tiny number."""
    import torch

    values, scale = mine(torch.zeros(4), torch.float8_e4m3fn)
    that(
        float(scale) > 0 and shown(values) == [0.0] * 4,
        "Divides by 0 where x is all zeros: hold the scale above some tiny number.",
    )


@check("values")
def values_times_scale_are_x(mine):
    """Gives values and a scale whose product is not x."""
    import torch

    values, scale = mine(torch.tensor([448.0, -224.0, 112.0]), torch.float8_e4m3fn)
    mistakes = {"Gives 1 / scale: x = values * scale, so the scale is what x was divided by.": True}
    values, scale = mine(torch.tensor([0.5, -0.25]), torch.float8_e4m3fn)
    turned = abs(float(values[0].float()) / float(scale) - 0.5) < 1e-3 and abs(float(scale) - 1) > 1e-3
    same(turned, False, mistakes=mistakes)
    back = (values.float() * scale).tolist()
    that(abs(back[0] - 0.5) < 0.04 and abs(back[1] + 0.25) < 0.02, f"[0.5, -0.25] comes back as {back}.")


@check("values")
def the_largest_becomes_the_largest(mine):
    """Does not bring the largest value to the largest of the format."""
    import torch

    for dtype, largest in ((torch.float8_e4m3fn, 448.0), (torch.float8_e5m2, 57344.0)):
        values, _ = mine(drawn(), dtype)
        found = float(values.float().abs().max())
        mistakes = {
            "Does not scale: tiny gradients vanish, and half of the format stays unused.": float(drawn().to(dtype).float().abs().max()),
            "Brings the largest value to 1: the format goes on to 448 (e4m3) or 57,344 (e5m2), torch.finfo(dtype).max.": 1.0,
            "Uses 448 for every format: e5m2 reaches 57,344, torch.finfo(dtype).max.": 448.0 if dtype == torch.float8_e5m2 else -1.0,
        }  # fmt: skip
        same(found, largest, mistakes=mistakes)


@check("values")
def a_large_negative_counts(mine):
    """Looks at the largest value and not at the largest size: -8 beside 1 is cut off, or no number."""
    import torch

    values, scale = mine(torch.tensor([-8.0, 1.0]), torch.float8_e4m3fn)
    same(round(float(values[0].float() * scale), 3), -8.0)


@check("values")
def tiny_gradients_are_kept(mine):
    """Loses gradients of 1e-7, all of which fit once they are scaled: divide before you cast."""
    import torch

    x = drawn(1e-7)
    values, scale = mine(x, torch.float8_e5m2)
    off = float((values.float() * scale - x).norm() / x.norm())
    that(off < 0.1, f"Gradients of 1e-7 come back {off:.0%} off: divide before you cast, in float32.")


@check("values")
def what_is_no_number_is_not_hidden(mine):
    """Hides an infinity or a NaN: a step that diverged must be seen, so the values become NaN."""
    import torch

    values, scale = mine(torch.tensor([1.0, torch.inf]), torch.float8_e4m3fn)
    that(
        not bool((values.float() * scale).isfinite().any()),
        "Hides an infinity or a NaN: a step that diverged must be seen, so the values become NaN.",
    )


EXERCISE = Exercise(
    slot="training.step.to_float8",
    title="Eight bits and a scale",
    task="""
    Float8 has 3 or 2 bits of fraction and ends at 448 (e4m3) or 57,344 (e5m2); below 2^-9 and 2^-16 there is nothing but 0. A gradient
    of 1e-7 is lost in either. So a tensor is divided by one number first:

    - scale: the largest absolute value of x over the largest number of the format, in float32, and above 0 for a tensor of zeros
    - values: x / scale, held within the format's largest number, cast to `dtype`

    Give back both, with x = values * scale up to rounding.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("training.step.precision", "machine.numbers.formats"),
    hints=(
        "torch.finfo(dtype).max is the largest number; x.abs().max() the largest size.",
        "Everything before the cast is in float32: a scale rounded to bf16 would be wrong by 0.4 %.",
        "scale = (x.abs().max().float() / largest).clamp(min=1e-30); (x.float() / scale).clamp(-largest, largest).to(dtype)",
    ),
    run="groundup --mine my learn lesson training.step.float8 --run",
    checks=(
        values_keep_the_shape_and_the_scale_is_one_number,
        values_are_float8_and_the_scale_is_not,
        zeros_have_a_scale_too,
        values_times_scale_are_x,
        the_largest_becomes_the_largest,
        a_large_negative_counts,
        tiny_gradients_are_kept,
        what_is_no_number_is_not_hidden,
    ),
    mutants=(
        Mutant("not cast", "where torch.float8_e5m2 was asked for", edits=((".to(dtype), scale", ", scale"),)),
        Mutant("the other way", "Gives 1 / scale", edits=((".to(dtype), scale", ".to(dtype), 1 / scale"),)),
        Mutant(
            "a short scale",
            "it must be float32",
            edits=(("scale = scale_of(x, dtype)", "scale = scale_of(x, dtype).bfloat16()"),),
        ),
        Mutant("no scale", "Does not scale", edits=(("scale = scale_of(x, dtype)", "scale = torch.ones(())"),)),
        Mutant(
            "to one",
            "Brings the largest value to 1",
            edits=(("scale = scale_of(x, dtype)", "scale = x.abs().max().float().clamp(min=1e-30)"),),
        ),
        Mutant(
            "a row a scale",
            "A scale for each row",
            source="""
            import torch

            def to_float8(x, dtype):
                largest = torch.finfo(dtype).max
                scale = (x.abs().amax(-1, keepdim=True).float() / largest).clamp(min=1e-30)
                return (x.float() / scale).clamp(-largest, largest).to(dtype), scale
            """,
        ),
        Mutant(
            "divides by nothing",
            "Divides by 0",
            source="""
            import torch

            def to_float8(x, dtype):
                largest = torch.finfo(dtype).max
                scale = x.abs().max().float() / largest
                return (x.float() / scale).clamp(-largest, largest).to(dtype), scale
            """,
        ),
        Mutant(
            "one format",
            "Uses 448 for every format",
            source="""
            import torch

            def to_float8(x, dtype):
                scale = (x.abs().max().float() / 448).clamp(min=1e-30)
                return (x.float() / scale).clamp(-448, 448).to(dtype), scale
            """,
        ),
        Mutant(
            "no sign",
            "Looks at the largest value and not at the largest size",
            source="""
            import torch

            def to_float8(x, dtype):
                largest = torch.finfo(dtype).max
                scale = (x.max().float() / largest).clamp(min=1e-30)
                return (x.float() / scale).clamp(-largest, largest).to(dtype), scale
            """,
        ),
        Mutant(
            "hides",
            "Hides an infinity or a NaN",
            source="""
            import torch

            def to_float8(x, dtype):
                x, largest = torch.nan_to_num(x.float()), torch.finfo(dtype).max
                scale = (x.abs().max() / largest).clamp(min=1e-30)
                return (x / scale).clamp(-largest, largest).to(dtype), scale
            """,
        ),
    ),
)
