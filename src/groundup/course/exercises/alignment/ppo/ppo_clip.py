"""Exercise: PPO's clipped loss of a token."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape


def at_ratio(*ratios):
    """Log-probabilities now and before, whose ratios are these."""
    import torch

    old = torch.full((len(ratios),), -1.0)
    return old + torch.tensor([math.log(ratio) for ratio in ratios]), old


def tokens(*numbers):
    """One number a token."""
    import torch

    return torch.tensor(numbers)


def by_cases(now, old, advantages, clip=0.2):
    """The same in cases: past the clip in the direction of the advantage a constant, elsewhere -ratio times advantage."""
    import torch

    ratio = (now - old).exp()
    up, down = (advantages > 0) & (ratio > 1 + clip), (advantages < 0) & (ratio < 1 - clip)
    return -advantages * torch.where(up | down, torch.where(up, 1 + clip, 1 - clip), ratio)


@check("shape")
def one_loss_for_each_token(mine):
    """Gives another shape than one loss for each token: whoever calls it takes the sum or the mean."""
    for count in (1, 2, 5):
        shape(mine(*at_ratio(*[1.1] * count), tokens(*[1.0] * count)), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the log-probabilities."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(*(one.to(kind) for one in (*at_ratio(1.1), tokens(1.0)))), kind)


@check("finite")
def unlikely_tokens_have_a_ratio(mine):
    """Divides two probabilities that are both rounded to 0: subtract the logarithms first, then take exp."""
    for log_probability in (-10.0, -200.0, -1000.0):
        finite(mine(tokens(log_probability), tokens(log_probability), tokens(1.0)))


@check("invariant")
def where_nothing_moved_it_is_minus_the_advantage(mine):
    """Is not -advantage where the probabilities have not moved yet: the ratio is 1 there, and advantages come as they are wanted."""
    mistakes = {"The sign is turned round: a good token (advantage above 0) has a loss below 0.": tokens(2.0, -4.0)}
    same(mine(*at_ratio(1.0, 1.0), tokens(2.0, -4.0)), tokens(-2.0, 4.0), mistakes=mistakes)
    same(mine(tokens(-5.0, -0.1), tokens(-5.0, -0.1), tokens(1.0, -3.0)), tokens(-1.0, 3.0))


@check("values")
def inside_the_range_it_is_the_ratio(mine):
    """Is not -ratio times advantage while the ratio is inside the range."""
    mistakes = {"Turns the ratio round: it is p now over p before.": tokens(-2.0 / 1.1)}
    same(mine(*at_ratio(1.1), tokens(2.0)), tokens(-2.2), mistakes=mistakes)
    same(mine(*at_ratio(0.9), tokens(-1.0)), tokens(0.9))


@check("values")
def far_enough_is_far_enough(mine):
    """Goes on rewarding a token that moved far enough: beyond the clip its loss stays where it was."""
    mistakes = {
        "Clips the loss away to 0: it stays at that of the edge.": tokens(0.0, 0.0),
        "Does not clip: beyond 1 + clip the ratio counts as 1 + clip, below 1 - clip as 1 - clip.": tokens(-2.0, 0.5),
    }
    same(mine(*at_ratio(2.0, 0.5), tokens(1.0, -1.0)), tokens(-1.2, 0.8), mistakes=mistakes)


@check("values")
def the_wrong_way_is_never_clipped(mine):
    """Forgives a step in the wrong direction: of the two losses, clipped and not, the larger one counts."""
    same(mine(*at_ratio(2.0, 0.5), tokens(-1.0, 1.0)), tokens(2.0, -0.5))


@check("values")
def the_range_is_the_callers(mine):
    """Does not use the clip it is given."""
    for clip in (0.1, 0.4):
        (now, old), advantages = at_ratio(2.0, 0.5, 1.05), tokens(1.0, -1.0, 1.0)
        same(mine(now, old, advantages, clip), by_cases(now, old, advantages, clip))


@check("gradient")
def the_gradient_is_that_of_the_cases(mine):
    """The loss is right and its gradient is not: 0 past the clip, elsewhere -ratio times advantage, also where the ratio is 1."""
    for ratios in ((1.1,), (1.0,), (0.5, 0.9, 1.5)):
        for advantage in (1.0, -1.0):
            now, old = at_ratio(*ratios)
            advantages = tokens(*[advantage] * len(ratios))
            gradients(
                lambda leaf, old=old, advantages=advantages: mine(leaf, old, advantages),
                lambda leaf, old=old, advantages=advantages: by_cases(leaf, old, advantages),
                [now],
            )


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: exp, clamp and maximum over all tokens at once, no loop in Python."""
    import torch

    from groundup.alignment.ppo import ppo_clip

    made = torch.Generator().manual_seed(0)
    fast(mine, ppo_clip, tuple(torch.randn(4096, generator=made) for _ in range(3)))


RETURN = "torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))"

EXERCISE = Exercise(
    slot="alignment.ppo.ppo_clip",
    title="PPO: not too far at once",
    task="""
    Answers are used for several updates, and after the first of them the model is not the one that answered. The ratio of a token's probability now to that
    before says how far it has gone. Its loss is minus the ratio times the advantage, until the ratio has moved by more than `clip` in the direction that
    the advantage asks for: there the loss is flat. A step in the wrong direction always counts in full. One loss a token.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("alignment.ppo.ppo",),
    hints=(
        "The ratio is exp of the difference of the logarithms.",
        "There are two losses, with the ratio and with ratio.clamp(1 - clip, 1 + clip).",
        "The larger of the two counts: torch.maximum of -advantages * ratio and -advantages * clipped.",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --method ppo --set align.steps=2 --set align.prompts_per_step=8",
    checks=(
        one_loss_for_each_token,
        the_dtype_stays,
        unlikely_tokens_have_a_ratio,
        where_nothing_moved_it_is_minus_the_advantage,
        inside_the_range_it_is_the_ratio,
        far_enough_is_far_enough,
        the_wrong_way_is_never_clipped,
        the_range_is_the_callers,
        the_gradient_is_that_of_the_cases,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant("the mean", "another shape", edits=((f"return {RETURN}", f"return {RETURN}.mean()"),)),
        Mutant(
            "a quotient",
            "both rounded to 0",
            edits=(
                (
                    "torch.exp(log_probabilities - old_log_probabilities)",
                    "log_probabilities.exp() / old_log_probabilities.exp()",
                ),
            ),
        ),
        Mutant("the other sign", "The sign is turned round", edits=((RETURN, f"-{RETURN}"),)),
        Mutant(
            "old over new",
            "Turns the ratio round",
            edits=(("log_probabilities - old_log_probabilities", "old_log_probabilities - log_probabilities"),),
        ),
        Mutant("no clip", "Does not clip", edits=((RETURN, "-advantages * ratio"),)),
        Mutant(
            "clipped both ways", "Forgives a step", edits=((RETURN, "-advantages * ratio.clamp(1 - clip, 1 + clip)"),)
        ),
        Mutant("a clip of its own", "Does not use the clip", edits=(("1 - clip, 1 + clip", "0.8, 1.2"),)),
        Mutant(
            "a detached ratio",
            "its gradient is not",
            edits=((RETURN, RETURN.replace("-advantages * ratio,", "-advantages * ratio.detach(),")),),
        ),
    ),
)
