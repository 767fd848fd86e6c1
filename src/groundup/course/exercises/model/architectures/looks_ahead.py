"""Exercise: the causality check, which finds a leak of the future in any model by exchanging one token at a time."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

VOCAB = 5


def ids(rows=2, length=5):
    """Token ids in which the last word of the vocabulary occurs."""
    import torch

    return (torch.arange(rows * length).reshape(rows, length) * 3 + 4) % VOCAB


def one_hot(input_ids):
    """Each token as a vector; an id beyond the vocabulary fails as it would in an embedding."""
    import torch

    return torch.nn.functional.one_hot(input_ids, VOCAB).float()


def running_sum(input_ids):
    """A causal model: the sum of all tokens so far."""
    return one_hot(input_ids).cumsum(1)


def next_token(input_ids):
    """A mask that is off by one: the next token is seen."""
    return one_hot(input_ids).roll(-1, 1)


def third_token(input_ids):
    """A model that sees the token three places on, and nothing between."""
    return one_hot(input_ids).roll(-3, 1)


def mean(input_ids):
    """A model that takes the mean over the whole text."""
    return one_hot(input_ids) + one_hot(input_ids).mean(1, keepdim=True)


def second_row(input_ids):
    """A model that leaks in the second text of a batch alone."""
    import torch

    ahead = next_token(input_ids)
    return torch.cat([running_sum(input_ids)[:1], ahead[1:]])


def nearly(input_ids):
    """A causal model whose sums are made in another order each time: they differ by a millionth."""
    import torch

    return running_sum(input_ids) + 1e-6 * one_hot(input_ids).mean(1, keepdim=True) * torch.ones(VOCAB)


def faint(input_ids):
    """A leak of a hundredth."""
    return running_sum(input_ids) + 0.01 * next_token(input_ids)


@check("values")
def a_causal_model(mine):
    """Finds a leak in a model that has none: the logits at the exchanged place and after it may move."""
    mistakes = {
        "Counts the exchanged place itself: only logits before it tell of the future.": {0},
    }
    same(mine(running_sum, ids(), VOCAB), set(), mistakes=mistakes)


@check("values")
def one_token_ahead(mine):
    """Does not find that a model sees the next token: {1}."""
    mistakes = {
        "Finds nothing where the next token is seen: is a token of the text really exchanged, and by another one?": set(),
        "Has the distances the wrong way round: the later place less the earlier one.": {-1},
    }
    same(mine(next_token, ids(1, 4), VOCAB), {1}, mistakes=mistakes)


@check("values")
def several_ahead(mine):
    """Does not find the distances of a model that sees every place: with 4 tokens {1, 2, 3}."""
    mistakes = {
        "Exchanges the last token alone, or stops at the first leak: a mistake at any place counts.": {1},
    }
    same(mine(mean, ids(1, 4), VOCAB), {1, 2, 3}, mistakes=mistakes)
    same(
        mine(third_token, ids(1, 5), VOCAB),
        {3},
        "Names other distances than 3 for a model that sees the third token on.",
    )


@check("values")
def every_row(mine):
    """Looks at the first text of the batch alone: a leak in another one counts as well."""
    same(mine(second_row, ids(), VOCAB), {1})


@check("values")
def rounding_is_no_leak(mine):
    """Takes rounding for a leak: a difference of a millionth comes from the order of sums; compare with a tolerance."""
    same(mine(nearly, ids(1, 4), VOCAB), set())


@check("values")
def a_faint_leak_is_one(mine):
    """Overlooks a leak of a hundredth: the tolerance is 1e-4 of the largest logit."""
    same(mine(faint, ids(1, 4), VOCAB), {1})


CHANGED = "changed[:, place] = (input_ids[:, place] + 1) % vocab_size"
FOUND = "apart(logits_of(changed)[:, :place], logits[:, :place])"
LOOP = "for place in range(1, input_ids.shape[1]):"

EXERCISE = Exercise(
    slot="model.architectures.looks_ahead",
    title="The causality check: does a model see the future?",
    task="""
    A model that sees the token it has to predict gets a splendid loss and writes nonsense. No shape and no type tells; but a
    test of a few lines does, whatever is inside: exchange one token of a text, and look whether a logit before it moves.
    Do so for every place from the second on, and give the set of all distances between a place whose logits moved and the later
    place that was exchanged: the empty set for a causal model, {1} where the mask is off by one, {1, ..., length - 1} where
    nothing hides the future. Rounding is no leak: logits have moved where they differ by more than 1e-4 of the largest.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("model.attention.masks", "model.architectures.your_own"),
    hints=(
        "Compute the logits of the text once; then, for each place, those of a copy in which the token there is another one.",
        "(id + 1) % vocab_size is always another token, and always one of the vocabulary.",
        "For each earlier place compare the logits of all rows: ((other - logits)[:, before].abs().max() > tolerance).",
    ),
    run="groundup --mine my learn lesson model.architectures.your_own --run",
    checks=(
        a_causal_model,
        one_token_ahead,
        several_ahead,
        every_row,
        rounding_is_no_leak,
        a_faint_leak_is_one,
    ),
    mutants=(
        Mutant("a list", "Returns list where set is expected", (("return ahead", "return sorted(ahead)"),)),
        Mutant("in place", "Changes its argument input_ids in place", (("input_ids.clone()", "input_ids"),)),
        Mutant(
            "the place itself",
            "Counts the exchanged place itself",
            ((FOUND, "apart(logits_of(changed)[:, : place + 1], logits[:, : place + 1])"),),
        ),
        Mutant("all places", "may move", ((FOUND, "apart(logits_of(changed), logits)"),)),
        Mutant("the same token", "by another one", ((CHANGED, "changed[:, place] = input_ids[:, place]"),)),
        Mutant("the wrong way round", "wrong way round", (("place - before for", "before - place for"),)),
        Mutant("the last place alone", "stops at the first leak", ((LOOP, "for place in [1]:"),)),
        Mutant(
            "the first row alone",
            "first text of the batch alone",
            ((FOUND, "apart(logits_of(changed)[:1, :place], logits[:1, :place])"),),
        ),
        Mutant(
            "equal to the last bit",
            "Takes rounding for a leak",
            ((FOUND, "[one for one in range(place) if (logits_of(changed) != logits)[:, one].any()]"),),
        ),
        Mutant(
            "a coarse tolerance",
            "Overlooks a leak of a hundredth",
            ((FOUND, "[one for one in range(place) if (logits_of(changed) - logits)[:, one].abs().max() > 0.1]"),),
        ),
    ),
)
