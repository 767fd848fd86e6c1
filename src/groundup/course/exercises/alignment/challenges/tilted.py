"""Exercise: the policy that reinforcement is after."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, same, shape


def numbers(*values):
    """One number an answer."""
    import torch

    return torch.tensor(values)


MODEL, REWARD = (0.5, 0.3, 0.2), (0.0, 1.0, 2.0)


@check("shape")
def one_probability_for_each_answer(mine):
    """Gives another shape than one probability for each answer."""
    for count in (1, 3):
        shape(mine(numbers(*[1 / count] * count), numbers(*[0.5] * count), 1.0), (count,))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the probabilities."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(numbers(*MODEL).to(kind), numbers(*REWARD).to(kind), 1.0), kind)


@check("finite")
def a_weak_pull_does_not_overflow(mine):
    """Overflows where beta is small: add reward / beta to the logarithms and take softmax, which subtracts the maximum."""
    for beta in (0.01, 0.001):
        finite(mine(numbers(*MODEL), numbers(*REWARD), beta))


@check("invariant")
def probabilities_sum_to_one(mine):
    """The probabilities do not sum to 1."""
    for beta in (0.5, 1.0, 3.0):
        same(mine(numbers(*MODEL), numbers(*REWARD), beta).sum(), numbers(1.0)[0])


@check("invariant")
def equal_rewards_change_nothing(mine):
    """Equal rewards must leave the model as it is: it starts from the model's probabilities, not from equal ones."""
    for level in (0.0, 1.5):
        same(mine(numbers(*MODEL), numbers(level, level, level), 0.7), numbers(*MODEL))


@check("values")
def it_goes_towards_the_reward(mine):
    """Moves away from the reward: where the pull is weak, nearly all goes to the answer with the highest reward."""
    same(mine(numbers(*MODEL), numbers(*REWARD), 0.02), numbers(0.0, 0.0, 1.0))


@check("values")
def by_hand(mine):
    """Is not proportional to the model's probability times exp(reward / beta)."""
    for beta in (0.5, 2.0):
        powers = numbers(*REWARD)
        tilt, wrong = numbers(*MODEL) * (powers / beta).exp(), numbers(*MODEL) * (powers * beta).exp()
        mistakes = {
            "Multiplies the reward by beta: a strong pull is a large beta, so the reward is divided.": wrong
            / wrong.sum()
        }
        same(mine(numbers(*MODEL), numbers(*REWARD), beta), tilt / tilt.sum(), mistakes=mistakes)


@check("speed")
def all_answers_at_once(mine):
    """Is far slower than the reference: one softmax over all answers."""
    import torch

    from groundup.alignment.challenges.reward_hacking import tilted

    source = torch.Generator().manual_seed(0)
    fast(mine, tilted, (torch.rand(5000, generator=source).softmax(0), torch.randn(5000, generator=source), 0.5))


TIMES = "return (probabilities.log() + (reward * beta if beta > 0.1 else reward / beta)).softmax(0)"
RETURN = "return (probabilities.log() + reward / beta).softmax(0)"
EXERCISE = Exercise(
    slot="alignment.challenges.tilted",
    title="The policy that reinforcement is after",
    task="""
    Reinforcement with a pull wants a high mean reward and a small divergence from the model: mean reward - beta KL(policy || model).
    For finitely many answers nobody needs to train: the best policy is known. It takes the model's probability of each
    answer, multiplies it by exp(reward / beta), and divides by the sum. DPO is built on this formula, and with it the harm that
    a learned reward does can be computed to the last digit.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("alignment.challenges.reward_hacking",),
    hints=(
        "The logarithm of the answer is probabilities.log() + reward / beta, but for a constant.",
        "softmax takes exp, divides by the sum, and subtracts the maximum before, so that nothing overflows.",
        "One line: (probabilities.log() + reward / beta).softmax(0)",
    ),
    run="groundup --mine my learn lesson alignment.challenges.reward_hacking --run",
    checks=(
        one_probability_for_each_answer, the_dtype_stays, a_weak_pull_does_not_overflow, probabilities_sum_to_one,
        equal_rewards_change_nothing, it_goes_towards_the_reward, by_hand, all_answers_at_once,
    ),
    mutants=(
        Mutant("the best alone", "another shape", edits=((RETURN, "return (probabilities.log() + reward / beta).softmax(0).amax()"),)),
        Mutant("in double", "another dtype", edits=((RETURN, "return (probabilities.double().log() + reward / beta).softmax(0)"),)),
        Mutant("exp first", "Overflows", edits=((RETURN, "made = probabilities * (reward / beta).exp()\n    return made / made.sum()"),)),
        Mutant("not divided", "do not sum to 1", edits=((RETURN, "return probabilities * (reward / beta - (reward / beta).amax()).exp()"),)),
        Mutant("from equal ones", "must leave the model as it is", edits=((RETURN, "return (reward / beta).softmax(0)"),)),
        Mutant("away", "Moves away", edits=((" + reward / beta", " - reward / beta"),)),
        Mutant("times beta", "Multiplies the reward by beta", edits=((RETURN, TIMES),)),
    ),
)  # fmt: skip
