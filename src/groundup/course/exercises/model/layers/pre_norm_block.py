"""Exercise: the residual block, in which two parts add what they have to say to a stream."""

from dataclasses import dataclass
from typing import Any

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import dtype, gradients, same, shape


@dataclass(frozen=True)
class Line:
    """A part of a block that stands for a norm, an attention or a feed-forward: x -> factor * x + shift."""

    factor: float = 1.0
    shift: float = 0.0

    def __call__(self, x):
        return self.factor * x + self.shift

    def __repr__(self):
        factor = "" if self.factor == 1 else f"{self.factor:g} "
        return f"x -> {factor}x" + (f" + {self.shift:g}" if self.shift else "")


@dataclass(frozen=True)
class Square:
    """A part that is not linear: x -> x^2."""

    def __call__(self, x):
        return x * x

    def __repr__(self):
        return "x -> x^2"


PARTS = (Line(3.0), Line(1.0, 1.0), Line(2.0), Line(5.0))  # attention_norm, attention, feed_forward_norm, feed_forward


def stream(*numbers):
    """Tokens of one number each, as (batch 1, seq, hidden 1)."""
    import torch

    return torch.tensor(numbers).reshape(1, -1, 1)


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


@check("invariant")
def every_part_is_asked_once(mine):
    """Does not ask each part exactly once: keep its answer in a variable; a second call costs its time again and fills the cache twice."""
    for place, name in enumerate(("attention_norm", "attention", "feed_forward_norm", "feed_forward")):
        calls: list[Any] = []
        parts: list[Any] = list(PARTS)
        parts[place] = lambda x, part=PARTS[place], calls=calls: calls.append(x) or part(x)
        mine(stream(1.0), *PARTS)  # the first call of a check is repeated, to see whether the answer stays the same
        mine(stream(1.0), *parts)
        if len(calls) != 1:
            raise Failed(input=f"any x, with {name} counted", expected=f"1 call of {name}", got=f"{len(calls)} calls")


@check("values")
def one_token_by_hand(mine):
    """Differs from x + attention(attention_norm(x)), then x + feed_forward(feed_forward_norm(x)) with the new x."""
    mistakes = {
        "Loses the stream at attention: add to x what attention says, x + attention(...).": 44.0,
        "Loses the stream at the feed-forward: add to x what it says, x + feed_forward(...).": 50.0,
        "Loses the stream twice: add to x what each part says.": 40.0,
        "Lets attention read x itself: it reads attention_norm(x).": 33.0,
        "Lets the feed-forward read x itself: it reads feed_forward_norm(x).": 30.0,
        "Has the two norms the wrong way round: each part has its own.": 64.0,
        "Normalises the sum (post-norm, as in 2017): here each part reads through its norm, and the stream stays as it is.": 108.0,
        "Normalises what the parts say: the norm stands before each part, part(norm(x)).": 60.0,
        "Adds to the normalised x: what a part says is added to the stream as it was.": 84.0,
        "Lets the feed-forward read the x from before attention: it reads the new one.": 15.0,
        "Has the feed-forward first: attention comes first, then the feed-forward.": 45.0,
        "Adds x once more at the end: the second sum begins with the new x only.": 56.0,
        "Takes the stream away from what the parts say: add them.": 35.0,
    }
    # 1 + (3 * 1 + 1) = 5, then 5 + 5 * (2 * 5) = 55
    same(mine(stream(1.0), *PARTS), stream(55.0), mistakes={said: stream(number) for said, number in mistakes.items()})


@check("values")
def parts_that_are_not_linear(mine):
    """Differs where a part is not linear: give each part exactly its norm's answer, and scale nothing on the way."""
    # 1 + (2 * 1)^2 = 5, then 5 + (1 + 5)^2 = 41; for 2: 2 + 4^2 = 18, then 18 + 19^2 = 379
    same(mine(stream(1.0), Line(2.0), Square(), Line(1.0, 1.0), Square()), stream(41.0))
    same(mine(stream(1.0, 2.0), Line(2.0), Square(), Line(1.0, 1.0), Square()), stream(41.0, 379.0))


@check("gradient")
def the_gradient_passes_through_the_stream(mine):
    """The result is right and its gradient is not: it must pass through the sum and through the part, so detach nothing."""
    for x in (stream(1.0), stream(1.0, -2.0)):
        gradients(lambda x: mine(x, *PARTS), lambda x: 44.0 * x + 11.0, [x])  # (1 + 3) * (1 + 2 * 5)


FIRST = "x = x + attention(attention_norm(x))"
SECOND = "return x + feed_forward(feed_forward_norm(x))"

EXERCISE = Exercise(
    slot="model.layers.pre_norm_block",
    title="The residual block: add to the stream",
    task="""
    A transformer is a stream of vectors, one for each token, to which block after block adds something. A block does it
    twice: attention reads the stream through its norm and adds what it found in other tokens; then the feed-forward reads
    the new stream through its own norm and adds what it makes of it. The stream itself is never normalised, so a gradient
    reaches the first layer undiminished however deep the model is. All four parts come as functions of x.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("model.layers.residual", "model.layers.norms"),
    hints=(
        "Two sums, one after the other; each begins with the stream as it is at that moment.",
        "A part reads through its norm: attention(attention_norm(x)). What it returns is added to x, not to the normalised x.",
        "Make a new x of the first sum and let the second begin with it; x += would change the caller's tensor.",
    ),
    run="groundup --mine my demo --fast",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        every_part_is_asked_once,
        one_token_by_hand,
        parts_that_are_not_linear,
        the_gradient_passes_through_the_stream,
    ),
    mutants=(
        Mutant(
            "only the last token", "another shape", ((SECOND, f"{SECOND}[:, -1:]".replace("x + ", "x[:, -1:] + ")),)
        ),
        Mutant("float32 inside", "another dtype", ((FIRST, f"x = x.float()\n    {FIRST}"),)),
        Mutant("attention asked twice", "exactly once", ((FIRST, f"attention(x)\n    {FIRST}"),)),
        Mutant("in place", "Changes its argument x in place", ((FIRST, "x += attention(attention_norm(x))"),)),
        Mutant("no stream at attention", "stream at attention", ((FIRST, "x = attention(attention_norm(x))"),)),
        Mutant("no stream at the end", "stream at the feed-forward", (("return x + ", "return "),)),
        Mutant("no stream", "stream twice", ((FIRST, "x = attention(attention_norm(x))"), ("return x + ", "return "))),
        Mutant(
            "attention without its norm",
            "attention read x itself",
            ((FIRST, "attention_norm(x)\n    x = x + attention(x)"),),
        ),
        Mutant(
            "the norms exchanged",
            "wrong way round",
            (("(attention_norm(", "(feed_forward_norm("), (SECOND, "return x + feed_forward(attention_norm(x))")),
        ),
        Mutant(
            "post-norm",
            "post-norm",
            (
                (FIRST, "x = attention_norm(x + attention(x))"),
                (SECOND, "return feed_forward_norm(x + feed_forward(x))"),
            ),
        ),
        Mutant(
            "added to the normalised",
            "to the normalised x",
            (
                (FIRST, "x = attention_norm(x)\n    x = x + attention(x)"),
                (SECOND, "x = feed_forward_norm(x)\n    return x + feed_forward(x)"),
            ),
        ),
        Mutant(
            "side by side",
            "from before attention",
            ((FIRST, "said = attention(attention_norm(x))"), ("return x + ", "return x + said + ")),
        ),
        Mutant(
            "feed-forward first",
            "feed-forward first",
            (
                (FIRST, "x = x + feed_forward(feed_forward_norm(x))"),
                (SECOND, "return x + attention(attention_norm(x))"),
            ),
        ),
        Mutant("clamped", "not linear", ((SECOND, f"{SECOND.replace('return ', 'return (')}).clamp(max=100.0)"),)),
        Mutant("the stream outside the graph", "through the sum", ((FIRST, FIRST.replace("x + ", "x.detach() + ")),)),
    ),
)
