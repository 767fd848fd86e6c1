"""Exercise: whether a guessed token stays, and what takes its place."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

P, Q = (0.2, 0.3, 0.5), (0.5, 0.3, 0.2)


def vectors(*rows):
    """Probabilities as tensors."""
    import torch

    return [torch.tensor(row, dtype=torch.float64) for row in rows]


def given(mine, target, draft, token, chance, number):
    """What the function gives, as a plain number."""
    return int(mine(*vectors(target, draft), token, chance, number))


@check("shape")
def one_token(mine):
    """Gives no token: the result is one id, as an int."""
    result = mine(*vectors(P, Q), 2, 0.5, 0.5)
    same(isinstance(result, int), True)


@check("values")
def a_guess_that_the_model_likes_more_stays(mine):
    """Refuses a guess that the model finds likelier than the draft did: such a guess always stays."""
    for chance in (0.0, 0.5, 0.999):
        same(given(mine, P, Q, 2, chance, 0.0), 2)
        same(given(mine, P, Q, 1, chance, 0.0), 1)


@check("values")
def the_chance_is_a_ratio(mine):
    """A guess stays at another chance than target / draft: here 0.2 / 0.5 = 0.4."""
    often = "Keeps a guess too often: it stays only where chance is below target / draft."
    same(given(mine, P, Q, 0, 0.39, 0.99), 0)
    same(given(mine, P, Q, 0, 0.41, 0.99), 2, mistakes={often: 0})


@check("values")
def a_certain_guess(mine):
    """A guess that was not drawn, with a draft probability of 1, stays at another chance than the model's own probability."""
    sure = (1.0, 0.0, 0.0)
    same([given(mine, P, sure, 0, chance, 0.99) for chance in (0.19, 0.21)], [0, 2])


@check("values")
def what_takes_its_place(mine):
    """The replacement is not drawn from what the draft found too unlikely, max(0, target - draft)."""
    p, q = (0.1, 0.3, 0.2, 0.4), (0.7, 0.1, 0.15, 0.05)
    grid = [0.05, 0.3, 0.36, 0.38, 0.45, 0.9]
    rest = [0.0, 0.2, 0.05, 0.35]
    wanted = [1, 1, 2, 2, 3, 3]
    mistakes = {
        "Draws the replacement from the model's own probabilities: then likely tokens come too often.": [
            0,
            1,
            1,
            1,
            2,
            3,
        ],
        "Draws from the draft again.": [0, 0, 0, 0, 0, 2],
        "Takes the likeliest replacement and draws none.": [3] * 6,
    }
    assert abs(sum(rest) - 0.6) < 1e-9
    same([given(mine, p, q, 0, 0.9, number) for number in grid], wanted, mistakes=mistakes)


@check("values")
def together_it_is_the_models_distribution(mine):
    """Guesses and replacements together are not distributed as the model's own tokens."""
    for p, q in ((P, Q), ((0.6, 0.4), (0.8, 0.2)), ((0.1, 0.3, 0.6), (1.0, 0.0, 0.0))):
        made, places = [0.0] * len(p), [(place + 0.5) / 60 for place in range(60)]
        for token, likely in enumerate(q):
            for chance in places if likely else ():
                kept = given(mine, p, q, token, chance, 0.5) == token
                if kept:
                    made[token] += likely / 60
                else:
                    for number in places[3::6]:
                        made[given(mine, p, q, token, chance, number)] += likely / 600
        same([abs(one - other) < 0.06 for one, other in zip(made, p, strict=True)], [True] * len(p))


STAYS = "if chance * float(draft[token]) < float(target[token]):"
REST = "rest = (target - draft).clamp(min=0)"

EXERCISE = Exercise(
    slot="inference.decoding.accept_draft",
    title="A guess that may stay",
    task="""
    A small model guessed the next token: it drew `token` from its probabilities, `draft`. The large model's are `target`. Decide whether the
    guess stays, so that in the end the tokens are distributed by `target` exactly, however bad the draft is. The guess stays with
    probability min(1, target[token] / draft[token]): that is where `chance`, a random number in [0, 1), is below the ratio. Otherwise draw
    another from max(0, target - draft), scaled to a sum of 1, with the second random number. Give the token as an int.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("inference.decoding",),
    hints=(
        "chance < target / draft is the same as chance * draft < target, and divides by nothing.",
        "(target - draft).clamp(min=0) is what is left; it need not sum to 1 if you compare its running sum with number * its sum.",
        "torch.searchsorted(rest.cumsum(0), number * rest.sum(), right=True) is the first place where the running sum exceeds it.",
    ),
    run="groundup --mine my learn lesson inference.decoding.speculative --run",
    checks=(
        one_token,
        a_guess_that_the_model_likes_more_stays,
        the_chance_is_a_ratio,
        what_takes_its_place,
        a_certain_guess,
        together_it_is_the_models_distribution,
    ),
    mutants=(
        Mutant("a tensor", "Returns Tensor where int", (("return token", "return torch.tensor(token)"),)),
        Mutant("always refused", "Refuses a guess", ((STAYS, "if False:"),)),
        Mutant("always kept", "Keeps a guess too often", ((STAYS, "if True:"),)),
        Mutant("half the ratio", "at another chance", ((STAYS, STAYS.replace("]):", "]) * (1.0 if draft[token] <= target[token] else 0.5):")),)),
        Mutant("from the target", "from the model's own probabilities", ((REST, "rest = target"),)),
        Mutant("from the draft", "Draws from the draft again", ((REST, "rest = draft"),)),
        Mutant("the likeliest", "draws none", ((REST, "rest = (target - draft) >= (target - draft).max()"),)),
        Mutant("absolute differences", "not drawn from what the draft found", ((REST, "rest = (target - draft).abs()"),)),
    ),
)  # fmt: skip
