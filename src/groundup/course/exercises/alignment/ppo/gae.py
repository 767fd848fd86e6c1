"""Exercise: generalised advantage estimation, from the last token backwards."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape


def rows(*numbers):
    """One row an answer."""
    import torch

    return torch.tensor(numbers)


def all_real(rewards):
    """No padding."""
    import torch

    return torch.ones_like(rewards, dtype=torch.bool)


def by_sums(rewards, values, discount, decay):
    """The double sum of the definition, for one answer without padding."""
    ahead, count = [*values, 0.0], len(rewards)
    surprise = [rewards[t] + discount * ahead[t + 1] - values[t] for t in range(count)]
    return [sum((discount * decay) ** (later - t) * surprise[later] for later in range(t, count)) for t in range(count)]


@check("shape")
def one_advantage_for_each_token(mine):
    """Gives another shape than that of the rewards: every token of every answer has an advantage."""
    import torch

    for size in ((1, 1), (3, 4)):
        rewards = torch.ones(size)
        shape(mine(rewards, rewards, all_real(rewards)), size)


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the rewards."""
    import torch

    for kind in (torch.float32, torch.float64):
        rewards = torch.ones(1, 3, dtype=kind)
        dtype(mine(rewards, rewards, all_real(rewards)), kind)


@check("finite")
def padding_is_not_read(mine):
    """Reads what stands in the padding: where real is False nothing counts, not even times 0 (0 times nan is nan)."""
    import torch

    nan = float("nan")
    for padding in (1, 2):
        rewards = torch.tensor([[0.0, 1.0] + [nan] * padding])
        finite(mine(rewards, rewards, ~rewards.isnan()))


@check("invariant")
def padding_gets_nothing_and_changes_nothing(mine):
    """Lets padding change an advantage, or gives padding one: after an answer's last token nothing is expected any more."""
    for decay in (0.5, 1.0):
        padded = mine(rows([0.0, 1.0, 7.0]), rows([0.2, 0.5, 9.0]), rows([True, True, False]), 1.0, decay)
        alone = mine(rows([0.0, 1.0]), rows([0.2, 0.5]), rows([True, True]), 1.0, decay)
        same(padded[:, :2], alone)
        same(padded[:, 2:], rows([0.0]))


@check("values")
def the_last_token_has_what_came_less_what_was_expected(mine):
    """The last token's advantage is not its reward less its value: nothing comes after it."""
    mistakes = {"Expects something after the end: the value behind the last token is 0.": rows([0.7])}
    for decay in (0.0, 0.95):
        same(
            mine(rows([1.0]), rows([0.3]), all_real(rows([1.0])), 1.0, decay),
            rows([0.7]),
            mistakes={} if decay else mistakes,
        )


@check("values")
def with_lambda_0_it_is_the_surprise_alone(mine):
    """With decay 0 it is not reward + discount * next value - value."""
    rewards, values = rows([0.0, 0.0, 1.0]), rows([0.2, 0.5, 0.7])
    mistakes = {
        "Leaves out what is expected after the token: the next value, times the discount.": rewards - values,
        "Adds its own value in place of taking it away.": rows([0.7, 1.2, 1.7]),
    }
    same(mine(rewards, values, all_real(rewards), 1.0, 0.0), rows([0.3, 0.2, 0.3]), mistakes=mistakes)


@check("values")
def with_lambda_1_it_is_all_that_came_less_the_value(mine):
    """With decay 1 it is not everything that came after, less the value: the surprises are to be added up from the end."""
    rewards, values = rows([0.5, 0.0, 1.0]), rows([0.2, 0.5, 0.7])
    same(mine(rewards, values, all_real(rewards), 1.0, 1.0), rows([1.3, 0.5, 0.3]))


@check("values")
def a_surprise_counts_less_the_later_it_is(mine):
    """Is not the sum of all later surprises, each times (discount * decay) to the power of its distance."""
    import torch

    rewards, values = [0.5, 0.0, 1.0, -1.0], [0.2, 0.5, 0.7, 0.1]
    for discount, decay in ((0.9, 0.8), (0.5, 1.0), (1.0, 0.5)):
        right = rows(by_sums(rewards, values, discount, decay))
        without = torch.zeros(4)
        after = 0.0
        for t in reversed(range(4)):
            after = rewards[t] + discount * ([*values, 0.0][t + 1]) - values[t] + decay * after
            without[t] = after
        mistakes = {"Fades by the decay alone: it is discount times decay.": without[None]} if discount != 1 else {}
        same(mine(rows(rewards), rows(values), all_real(rows(rewards)), discount, decay), right, mistakes=mistakes)


@check("values")
def answers_of_several_lengths_stand_together(mine):
    """Is wrong for the shorter answers of a batch: each ends at its own last real token."""
    rewards, values = rows([0.0, 1.0, 0.0], [0.0, 0.0, 2.0]), rows([0.3, 0.4, 5.0], [0.1, 0.2, 0.3])
    real = rows([True, True, False], [True, True, True])
    first, second = (by_sums(r, v, 1.0, 0.9) for r, v in (([0.0, 1.0], [0.3, 0.4]), ([0.0, 0.0, 2.0], [0.1, 0.2, 0.3])))
    same(mine(rewards, values, real, 1.0, 0.9), rows([*first, 0.0], second))


@check("speed")
def a_loop_over_places_not_over_answers(mine):
    """Is far slower than the reference: loop over the places alone, from the last to the first, with all answers at once."""
    import torch

    from groundup.alignment.ppo import gae

    made = torch.Generator().manual_seed(0)
    rewards, values = torch.rand(512, 12, generator=made), torch.rand(512, 12, generator=made)
    fast(mine, gae, (rewards, values, all_real(rewards)))


EXERCISE = Exercise(
    slot="alignment.ppo.gae",
    title="PPO: how much better a token went than expected",
    task="""
    A value head says before each token what the rest of the answer will earn. The surprise of a token is its reward, plus `discount` times what is expected
    after it, less what was expected before it. GAE adds to a token's surprise the later ones, each times (discount * decay) for every token that lies
    between: with decay 0 it believes the value head, with decay 1 the rewards that came. Rows are answers, filled up on the right; `real` is
    True at tokens. Padding counts for nothing, whatever stands there, and gets 0; after an answer's last token nothing is expected.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("alignment.ppo.ppo",),
    hints=(
        "Go from the last place to the first: A at t is the surprise at t plus discount * decay * A at t + 1.",
        "Carry two things backwards, each one number an answer: the advantage and the value of the place behind; both are 0 at the end.",
        "torch.where(real[:, place], new, 0.0) keeps both at 0 in the padding; multiplying by the mask would let nan through.",
    ),
    run="groundup demo --fast && groundup --mine my align runs/demo-fast/model --method ppo --set align.steps=2 --set align.prompts_per_step=8",
    checks=(
        one_advantage_for_each_token,
        the_dtype_stays,
        padding_is_not_read,
        padding_gets_nothing_and_changes_nothing,
        the_last_token_has_what_came_less_what_was_expected,
        with_lambda_0_it_is_the_surprise_alone,
        with_lambda_1_it_is_all_that_came_less_the_value,
        a_surprise_counts_less_the_later_it_is,
        answers_of_several_lengths_stand_together,
        a_loop_over_places_not_over_answers,
    ),
    mutants=(
        Mutant(
            "one number an answer", "another shape", edits=(("    return advantages", "    return advantages[:, 0]"),)
        ),
        Mutant(
            "masked by multiplication",
            "Reads what stands in the padding",
            edits=(
                (
                    "torch.where(real[:, place], surprise + discount * decay * after, 0.0)",
                    "(surprise + discount * decay * after) * real[:, place]",
                ),
                ("torch.where(real[:, place], values[:, place], 0.0)", "values[:, place] * real[:, place]"),
            ),
        ),
        Mutant(
            "padding as an answer",
            "Lets padding change",
            edits=(
                (
                    "torch.where(real[:, place], surprise + discount * decay * after, 0.0)",
                    "(surprise + discount * decay * after).nan_to_num()",
                ),
                ("torch.where(real[:, place], values[:, place], 0.0)", "values[:, place].nan_to_num()"),
            ),
        ),
        Mutant("no next value", "Leaves out what is expected after", edits=((" + discount * following", ""),)),
        Mutant("surprises alone", "added up from the end", edits=((" + discount * decay * after", ""),)),
        Mutant(
            "faded by the decay", "Fades by the decay alone", edits=(("discount * decay * after", "decay * after"),)
        ),
        Mutant(
            "no discount of the next value",
            "to the power of its distance",
            edits=(("discount * following", "following"),),
        ),
        Mutant("in double", "another dtype", edits=(("    return advantages", "    return advantages.double()"),)),
    ),
)
