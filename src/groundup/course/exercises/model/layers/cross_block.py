"""Exercise: the decoder's block, in which an answer asks its source."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.exercises.model.layers.pre_norm_block import Line, Square, stream
from groundup.course.expect import dtype, gradients, same, shape

# attention_norm, attention, cross_norm, cross, feed_forward_norm, feed_forward
PARTS = (Line(3.0), Line(2.0), Line(5.0), Line(1.0, 1.0), Line(2.0), Line(4.0))


@check("shape")
def the_shape_stays(mine):
    """Gives back another shape than that of x: a block changes what the stream holds, not its size."""
    import torch

    for size in ((1, 1, 1), (1, 2, 1), (2, 3, 4)):
        shape(mine(torch.ones(size), *PARTS), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of x: the parts return what they get, so nothing has to be cast."""
    import torch

    for kind in (torch.float32, torch.float64, torch.bfloat16):
        dtype(mine(stream(1.0).to(kind), *PARTS), kind)


@check("values")
def one_token_by_hand(mine):
    """Differs from adding attention, then the source's answer, then the feed-forward, each read through its own norm."""
    mistakes = {
        "Leaves the source out: cross comes between attention and feed-forward.": 63.0,
        "Asks the source first: the answer looks at itself before it asks.": 441.0,
        "Lets all three read the same x: each reads what the one before it added.": 21.0,
        "Loses the stream when it asks the source: add what the source says.": 324.0,
        "Loses the stream after attention: add what attention says.": 333.0,
        "Lets cross read x without its norm.": 135.0,
        "Lets the feed-forward ask before the source: it comes last.": 379.0,
        "Uses attention's norm for the source as well: each part has a norm of its own.": 261.0,
    }
    # 1 + 2 * (3 * 1) = 7; 7 + (5 * 7 + 1) = 43; 43 + 4 * (2 * 43) = 387
    same(mine(stream(1.0), *PARTS), stream(387.0), mistakes={said: stream(number) for said, number in mistakes.items()})


@check("values")
def parts_that_are_not_linear(mine):
    """Differs where a part is not linear: give each part exactly its norm's answer, and scale nothing on the way."""
    # 1 + (2 * 1)^2 = 5; 5 + (5 + 1)^2 = 41; 41 + 41^2 = 1722
    parts = (Line(2.0), Square(), Line(1.0, 1.0), Square(), Line(), Square())
    same(mine(stream(1.0), *parts), stream(1722.0))


@check("gradient")
def the_gradient_passes_on_every_way(mine):
    """The result is right and its gradient is not: it must pass through the stream and through all three parts, so detach nothing."""
    gradients(lambda x: mine(x, *PARTS), lambda x: 378.0 * x + 9.0, [stream(1.0, -2.0)])


FIRST = "x = x + attention(attention_norm(x))"
SECOND = "x = x + cross(cross_norm(x))"
LAST = "return x + feed_forward(feed_forward_norm(x))"

EXERCISE = Exercise(
    slot="model.layers.cross_block",
    title="The decoder's block: look back, ask the source, think",
    task="""
    A block of the decoder that answers a source has three parts. Attention reads what was written so far, cross-attention asks the source
    (it already knows which), the feed-forward works on each token alone. Each reads the stream through a norm of its own and
    adds what it has to say, one after another. All parts come as functions of x. This is T5's block.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.architectures.encoder_decoder",),
    hints=(
        "Three times the same line: the stream plus a part of its norm of the stream.",
        "The source is asked with what attention has added already, so keep the sum in x.",
        "x = x + attention(attention_norm(x)), then cross in the same way, then the feed-forward.",
    ),
    run="groundup --mine my learn lesson model.architectures.encoder_decoder --run",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        one_token_by_hand,
        parts_that_are_not_linear,
        the_gradient_passes_on_every_way,
    ),
    mutants=(
        Mutant("only the last token", "another shape", ((LAST, f"return ({LAST[7:]})[:, -1:]"),)),
        Mutant("float32 inside", "another dtype", ((FIRST, f"x = x.float()\n    {FIRST}"),)),
        Mutant("no source", "Leaves the source out", ((f"    {SECOND}\n", ""),)),
        Mutant("the source first", "Asks the source first", ((f"{FIRST}\n    {SECOND}", f"{SECOND}\n    {FIRST}"),)),
        Mutant(
            "side by side",
            "all three read the same x",
            (
                (
                    f"{FIRST}\n    {SECOND}\n    {LAST}",
                    "return x + attention(attention_norm(x)) + cross(cross_norm(x)) + feed_forward(feed_forward_norm(x))",
                ),
            ),
        ),
        Mutant("the stream lost at the source", "when it asks the source", ((SECOND, SECOND.replace("x + ", "")),)),
        Mutant("the stream lost at first", "after attention", ((FIRST, FIRST.replace("x + ", "")),)),
        Mutant("raw cross", "without its norm", ((SECOND, "x = x + cross(x)"),)),
        Mutant(
            "feed-forward second",
            "it comes last",
            ((f"{SECOND}\n    {LAST}", f"x = {LAST[7:]}\n    return {SECOND[4:]}"),),
        ),
        Mutant(
            "attention's norm twice",
            "attention's norm for the source",
            ((SECOND, SECOND.replace("cross_norm", "attention_norm")),),
        ),
        Mutant("clamped", "not linear", ((LAST, f"return ({LAST[7:]}).clamp(max=1000.0)"),)),
        Mutant(
            "the stream outside the graph",
            "its gradient is not",
            ((LAST, LAST.replace("return x", "return x.detach()")),),
        ),
    ),
)
