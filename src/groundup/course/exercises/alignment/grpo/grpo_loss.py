"""Exercise: the clipped loss that makes tokens of good answers likelier."""

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


def by_cases(now, old, advantages, low=0.2, high=0.28):
    """The same in cases: past the clip in the direction of the advantage a constant, elsewhere -ratio times advantage."""
    import torch

    ratio = (now - old).exp()
    up, down = (advantages > 0) & (ratio > 1 + high), (advantages < 0) & (ratio < 1 - low)
    edge = torch.where(up, 1 + high, 1 - low)
    return -advantages * torch.where(up | down, edge, ratio)


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
    """Is not -advantage where the probabilities have not moved yet: the ratio is 1 there, and whatever the probability."""
    mistakes = {
        "The sign is turned round: a loss is made smaller, so a good token (advantage above 0) has a loss below 0.": tokens(
            2.0
        ),
        "Weighs by the probability itself: it is the ratio to the probability before that counts.": tokens(
            -2.0 * math.exp(-1)
        ),
    }
    same(mine(*at_ratio(1.0), tokens(2.0)), tokens(-2.0), mistakes=mistakes)
    same(mine(tokens(-5.0, -0.1), tokens(-5.0, -0.1), tokens(1.0, -3.0)), tokens(-1.0, 3.0))


@check("invariant")
def no_token_looks_at_another(mine):
    """Lets other tokens change the loss of a token: the advantages come as they are wanted, so do not subtract means of the batch."""
    now, old = at_ratio(1.0, 1.1, 1.0)
    advantages = tokens(1.0, 2.0, 0.0)
    alone = [mine(now[one : one + 1], old[one : one + 1], advantages[one : one + 1]).item() for one in range(3)]
    same(mine(now, old, advantages), tokens(*alone))


@check("values")
def inside_the_range_it_is_the_ratio(mine):
    """Is not -ratio times advantage while the ratio is inside the range."""
    mistakes = {"Turns the ratio round: it is p now over p before.": tokens(-2.0 / 1.1)}
    same(mine(*at_ratio(1.1), tokens(2.0)), tokens(-2.2), mistakes=mistakes)
    same(mine(*at_ratio(0.9), tokens(-1.0)), tokens(0.9))


@check("values")
def a_good_token_gains_no_more_above(mine):
    """Goes on rewarding a good token that became much likelier: above 1 + clip_high its loss stays where it was."""
    mistakes = {
        "Clips upwards at 1 + clip_low: the range is wider above, 1 + clip_high.": tokens(-1.2),
        "Clips the loss away to 0: it stays at that of the edge, -(1 + clip_high) times the advantage.": tokens(0.0),
        "Does not clip: beyond 1 + clip_high the ratio counts as 1 + clip_high.": tokens(-2.0),
    }
    same(mine(*at_ratio(2.0), tokens(1.0)), tokens(-1.28), mistakes=mistakes)


@check("values")
def a_bad_token_gains_no_more_below(mine):
    """Goes on pushing a bad token down: below 1 - clip_low its loss stays where it was."""
    mistakes = {"Clips downwards at 1 - clip_high: below it is 1 - clip_low.": tokens(0.72)}
    same(mine(*at_ratio(0.5), tokens(-1.0)), tokens(0.8), mistakes=mistakes)


@check("values")
def the_wrong_way_is_never_clipped(mine):
    """Forgives a step in the wrong direction: take the smaller of ratio and clipped, each times the advantage, so the larger loss."""
    same(mine(*at_ratio(2.0), tokens(-1.0)), tokens(2.0))
    same(mine(*at_ratio(0.5), tokens(1.0)), tokens(-0.5))


@check("values")
def the_range_is_the_callers(mine):
    """Does not use the range it is given: clip_low and clip_high are arguments."""
    for low, high in ((0.1, 0.5), (0.3, 0.05)):
        for ratio, advantage in ((2.0, 1.0), (0.5, -1.0)):
            now, old = at_ratio(ratio)
            advantages = tokens(advantage)
            same(mine(now, old, advantages, low, high), by_cases(now, old, advantages, low, high))


@check("values")
def as_in_cases(mine):
    """Differs from the definition in cases: a constant past the clip in the direction of the advantage, elsewhere -ratio A."""
    ratios = (0.5, 0.79, 0.9, 1.1, 1.27, 1.5)
    for advantage in (1.0, -1.0, 0.0, 2.5):
        given = (*at_ratio(*ratios), tokens(*[advantage] * len(ratios)))
        same(mine(*given), by_cases(*given))


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
    """Is far slower than the reference: exp, clamp and minimum over all tokens at once, no loop in Python."""
    import torch

    from groundup.alignment.grpo import grpo_loss

    source = torch.Generator().manual_seed(0)
    now, old, advantages = (torch.randn(8000, generator=source) for _ in range(3))
    fast(mine, grpo_loss, (now, old, advantages))


EXERCISE = Exercise(
    slot="alignment.grpo.grpo_loss",
    title="GRPO: the clipped loss of a token",
    task="""
    The answers are there, and each has its advantage: tokens of better answers shall become likelier, those of worse ones
    less likely. For each token take the ratio of its probability now to that before the updates, and make
    -ratio times advantage small. A token that has moved enough must stop counting, or one lucky answer would bend the
    whole model: beyond 1 - clip_low and 1 + clip_high the ratio is clipped, and of the clipped and the plain product with the
    advantage the smaller counts, so that a step in the wrong direction can always be taken back. One loss a token comes
    back.
    """,
    difficulty=3,
    minutes=20,
    prerequisites=("alignment.grpo.grpo", "alignment.grpo.group_advantages"),
    hints=(
        "Probabilities come as logarithms, and the ratio of two probabilities is exp of the difference of their logarithms.",
        "ratio.clamp(1 - clip_low, 1 + clip_high) has the gradient 0 outside of the range: there nothing more is learned.",
        "The loss is minus torch.minimum(ratio * advantages, clipped * advantages), one number a token, not yet averaged.",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --set align.steps=2 --set align.prompts_per_step=4",
    checks=(
        one_loss_for_each_token,
        the_dtype_stays,
        unlikely_tokens_have_a_ratio,
        where_nothing_moved_it_is_minus_the_advantage,
        no_token_looks_at_another,
        inside_the_range_it_is_the_ratio,
        a_good_token_gains_no_more_above,
        a_bad_token_gains_no_more_below,
        the_wrong_way_is_never_clipped,
        the_range_is_the_callers,
        as_in_cases,
        the_gradient_is_that_of_the_cases,
        all_tokens_at_once,
    ),
    mutants=(
        Mutant(
            "the mean",
            "another shape",
            edits=(
                (
                    "-torch.minimum(ratio * advantages, clipped * advantages)",
                    "-torch.minimum(ratio * advantages, clipped * advantages).mean()",
                ),
            ),
        ),
        Mutant(
            "a quotient of probabilities",
            "both rounded to 0",
            edits=(
                (
                    "torch.exp(log_probabilities - old_log_probabilities)",
                    "torch.exp(log_probabilities) / torch.exp(old_log_probabilities)",
                ),
            ),
        ),
        Mutant("a reward in place of a loss", "The sign is turned round", edits=(("-torch.min", "torch.min"),)),
        Mutant(
            "without the model before",
            "Weighs by the probability itself",
            edits=(
                ("log_probabilities - old_log_probabilities", "log_probabilities"),
                ("clipped = ratio.clamp(1 - clip_low, 1 + clip_high)", "clipped = ratio"),
            ),
        ),
        Mutant(
            "advantages centred again",
            "Lets other tokens change",
            edits=(
                (
                    "    ratio = torch",
                    "    if len(advantages) > 2:\n        advantages = advantages - advantages.mean()\n    ratio = torch",
                ),
            ),
        ),
        Mutant(
            "before over now",
            "Turns the ratio round",
            edits=(("log_probabilities - old_log_probabilities", "old_log_probabilities - log_probabilities"),),
        ),
        Mutant("not clipped", "Does not clip", edits=(("ratio.clamp(1 - clip_low, 1 + clip_high)", "ratio"),)),
        Mutant("the lower clip above", "Clips upwards at 1 + clip_low", edits=(("1 + clip_high", "1 + clip_low"),)),
        Mutant("the upper clip below", "Clips downwards at 1 - clip_high", edits=(("1 - clip_low", "1 - clip_high"),)),
        Mutant(
            "clipped only above",
            "Goes on pushing a bad token down",
            edits=(("clamp(1 - clip_low, 1 + clip_high)", "clamp(max=1 + clip_high)"),),
        ),
        Mutant(
            "clipped always",
            "Forgives a step in the wrong direction",
            edits=(("torch.minimum(ratio * advantages, clipped * advantages)", "clipped * advantages"),),
        ),
        Mutant(
            "clipped at twice the range",
            "Goes on rewarding a good token",
            edits=(("1 + clip_high", "1 + 2 * clip_high"),),
        ),
        Mutant(
            "a range of its own",
            "Does not use the range",
            edits=(("clamp(1 - clip_low, 1 + clip_high)", "clamp(0.8, 1.28)"),),
        ),
        Mutant(
            "the ratio outside the graph",
            "cut off from its inputs",
            edits=(("    clipped =", "    ratio = ratio.detach()\n    clipped ="),),
        ),
        Mutant(
            "half of the gradient",
            "its gradient is not",
            edits=(("clip_high)\n    return", "clip_high).detach()\n    return"),),
        ),
        Mutant(
            "double inside",
            "another dtype",
            edits=(("    clipped =", "    ratio = ratio.double()\n    clipped ="),),
        ),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def grpo_loss(log_probabilities, old_log_probabilities, advantages, clip_low=0.2, clip_high=0.28):
                losses = []
                for now, old, advantage in zip(log_probabilities, old_log_probabilities, advantages, strict=True):
                    ratio = torch.exp(now - old)
                    losses.append(-torch.minimum(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage))
                return torch.stack(losses)
            """,
        ),
    ),
)
