"""Exercise: the parallel block, in which attention and feed-forward read the same stream side by side."""

from typing import Any

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.exercises.model.layers.pre_norm_block import Line, Square, stream
from groundup.course.expect import dtype, gradients, same, shape

PARTS = (Line(3.0), Line(1.0, 1.0), Line(2.0), Line(5.0))  # attention_norm, attention, feed_forward_norm, feed_forward
ONE_NORM = (Line(3.0), Line(1.0, 1.0), None, Line(5.0))


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
    """Differs from x + attention(attention_norm(x)) + feed_forward(feed_forward_norm(x)), both of the same x."""
    mistakes = {
        "Lets the feed-forward read what attention added: both read the same x.": 55.0,
        "Loses the stream: add to x what the parts say.": 14.0,
        "Adds x twice: once is enough.": 16.0,
        "Leaves out what attention says.": 11.0,
        "Leaves out what the feed-forward says.": 5.0,
        "Lets the feed-forward read x itself: it reads through its norm.": 10.0,
        "Lets attention read x itself: it reads through its norm.": 13.0,
        "Has the two norms the wrong way round: each part has its own.": 19.0,
        "Uses attention's norm for both, though the feed-forward has its own.": 20.0,
    }
    # 1 + (3 * 1 + 1) + 5 * (2 * 1) = 15
    same(mine(stream(1.0), *PARTS), stream(15.0), mistakes={said: stream(number) for said, number in mistakes.items()})


@check("values")
def one_norm_for_both(mine):
    """Is wrong where feed_forward_norm is None: then both parts read the stream through attention_norm."""
    mistakes = {
        "Lets the feed-forward read x itself where it has no norm of its own: both read attention_norm(x).": stream(
            10.0
        ),
    }
    same(mine(stream(1.0), *ONE_NORM), stream(20.0), mistakes=mistakes)  # 1 + (3 + 1) + 5 * 3


@check("values")
def parts_that_are_not_linear(mine):
    """Differs where a part is not linear: give each part exactly its norm's answer, and scale nothing on the way."""
    # 2 + (2 * 2)^2 + (1 + 2)^2 = 27
    same(mine(stream(2.0), Line(2.0), Square(), Line(1.0, 1.0), Square()), stream(27.0))


@check("invariant")
def the_shared_norm_is_computed_once(mine):
    """Computes the shared norm twice: keep its answer in a variable; that both parts can use it is the point of the block."""
    calls: list[Any] = []

    def counted(x):
        calls.append(x)
        return 3.0 * x

    mine(stream(1.0), *ONE_NORM)  # the first call of a check is repeated, to see whether the answer stays the same
    mine(stream(1.0), counted, *ONE_NORM[1:])
    if len(calls) != 1:
        raise Failed(input="feed_forward_norm=None", expected="1 call of attention_norm", got=f"{len(calls)} calls")


@check("gradient")
def the_gradient_passes_on_all_three_ways(mine):
    """The result is right and its gradient is not: it must pass through the sum and through both parts, so detach nothing."""
    gradients(lambda x: mine(x, *PARTS), lambda x: 14.0 * x + 1.0, [stream(1.0, -2.0)])


READ = "read = attention_norm(x)"
BESIDE = "beside = read if feed_forward_norm is None else feed_forward_norm(x)"
RESULT = "return x + attention(read) + feed_forward(beside)"

EXERCISE = Exercise(
    slot="model.layers.parallel_block",
    title="The parallel block: both parts side by side",
    task="""
    In GPT-J, PaLM, Falcon and Phi the feed-forward does not wait for attention: both read the same stream and both results
    are added to it at once. Their matrices can then be multiplied together, and in large models little is lost. Falcon 7B has
    one norm for both parts (feed_forward_norm is None), GPT-NeoX one for each. All parts come as functions of x.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.layers.residual",),
    hints=(
        "One sum of three: the stream, what attention says of it, what the feed-forward says of it.",
        "Both read the x that came in; neither sees what the other one said.",
        "Keep attention_norm(x) in a variable: where the feed-forward has no norm of its own, it reads the same one.",
    ),
    run="groundup --mine my learn lesson model.architectures.decoder --run",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        one_token_by_hand,
        one_norm_for_both,
        parts_that_are_not_linear,
        the_shared_norm_is_computed_once,
        the_gradient_passes_on_all_three_ways,
    ),
    mutants=(
        Mutant(
            "only the last token", "another shape", ((RESULT, RESULT.replace("return ", "return (") + ")[:, -1:]"),)
        ),
        Mutant("float32 inside", "another dtype", ((READ, f"x = x.float()\n    {READ}"),)),
        Mutant(
            "one after the other",
            "what attention added",
            (
                (
                    RESULT,
                    "x = x + attention(read)\n    return x + feed_forward(read if feed_forward_norm is None else feed_forward_norm(x))",
                ),
            ),
        ),
        Mutant("no stream", "Loses the stream", (("return x + ", "return "),)),
        Mutant("the stream twice", "Adds x twice", (("return x + ", "return 2 * x + "),)),
        Mutant("no attention", "Leaves out what attention says", ((RESULT, "return x + feed_forward(beside)"),)),
        Mutant("no feed-forward", "Leaves out what the feed-forward says", ((RESULT, "return x + attention(read)"),)),
        Mutant("raw feed-forward", "Lets the feed-forward read x itself: it reads", ((BESIDE, "beside = x"),)),
        Mutant(
            "raw attention",
            "Lets attention read x itself",
            ((RESULT, RESULT.replace("attention(read)", "attention(x)")),),
        ),
        Mutant("one norm always", "Uses attention's norm for both", ((BESIDE, "beside = read"),)),
        Mutant("raw without a norm", "where it has no norm of its own", ((BESIDE, BESIDE.replace("read if", "x if")),)),
        Mutant("clamped", "not linear", ((RESULT, RESULT.replace("return ", "return (") + ").clamp(max=25.0)"),)),
        Mutant(
            "the norm twice",
            "Computes the shared norm twice",
            ((BESIDE, BESIDE.replace("read if", "attention_norm(x) if")),),
        ),
        Mutant("the stream outside the graph", "through the sum", (("return x + ", "return x.detach() + "),)),
    ),
)
