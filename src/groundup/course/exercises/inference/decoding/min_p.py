"""Exercise: narrow the choice of the next token to those not far behind the likeliest."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, that

FIVE = [0.4, 0.3, 0.15, 0.1, 0.05]


def logits_of(probabilities):
    """One row of logits with these probabilities."""
    import torch

    return torch.tensor([probabilities]).log()


def kept(narrowed):
    """Which tokens may still be chosen, as lists of ids."""
    return [[place for place, number in enumerate(numbers) if number > -math.inf] for numbers in narrowed.tolist()]


def by_hand(logits, p):
    """The ids that stay, in plain Python: likelihood against that of the likeliest."""
    return [
        [place for place, number in enumerate(numbers) if math.exp(number - max(numbers)) >= p]
        for numbers in logits.double().tolist()
    ]


@check("shape")
def the_shape_stays(mine):
    """Gives back only the tokens that are kept; keep every place, and write -inf where a token is dropped."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(0, 9, rows * vocab).reshape(rows, vocab), 0.5), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[2.0, 1.0, 0.0]], dtype=kind), 0.5), kind)


@check("invariant")
def a_p_of_zero_drops_nothing(mine):
    """Stumbles over p = 0: every token is at least 0 times as likely as the likeliest, and 0 has no logarithm."""
    for logits in (logits_of([0.6, 0.4]), logits_of([0.1, 0.7, 0.2])):
        same(mine(logits, 0.0), logits)


@check("invariant")
def something_is_always_kept(mine):
    """Leaves no token to choose: p is a share of the likeliest token's probability, and it is never below that itself."""
    for probabilities in ([0.6, 0.4], FIVE):
        for p in (0.5, 0.99):
            that(kept(mine(logits_of(probabilities), p))[0], expected="token 0 is kept", got="nothing is kept")


@check("invariant")
def kept_logits_are_untouched(mine):
    """Changes the logits that are kept; they pass as they came, not as probabilities."""
    import torch

    logits = torch.tensor([[1.0, 3.0, 2.0]])
    got = mine(logits, 0.2)
    same(torch.where(torch.isinf(got), logits, got), logits)


@check("invariant")
def a_constant_on_all_logits_does_not_matter(mine):
    """Depends on where the logits lie: a number added to all of them changes no probability, so it may change no choice."""
    import torch

    logits = torch.tensor([[2.0, 1.0, 0.0]])
    alone = kept(mine(logits, 0.2))
    for raised in (10.0, -10.0):
        same(kept(mine(logits + raised, 0.2)), alone)


@check("values")
def large_logits_do_not_overflow(mine):
    """Overflows for large logits: exp of a large number is infinite, so compare logits, or take torch.softmax."""
    import torch

    same(kept(mine(torch.tensor([[1000.0, 990.0]]), 0.5)), [[0]])
    same(kept(mine(torch.tensor([[-1000.0, -990.0]]), 0.5)), [[1]])


@check("values")
def p_is_a_share_of_the_likeliest(mine):
    """Draws the line elsewhere than at p times the probability of the likeliest token."""
    mistakes = {
        "Takes p as a probability of its own: what a token must reach is p times the probability of the likeliest.": [
            [0, 1]
        ],
        "Keeps tokens up to a sum, as top-p does: each token is compared with the likeliest, and nothing is summed.": [
            [0]
        ],
    }
    same(kept(mine(logits_of(FIVE), 0.28)), [[0, 1, 2]], mistakes=mistakes)
    same(kept(mine(logits_of([0.6, 0.4]), 0.7)), [[0]])


@check("values")
def equals_of_the_likeliest_stay(mine):
    """Drops a token that is exactly at the line: at least p times as likely is enough, so with p = 1 the equals of the likeliest stay."""
    import torch

    same(kept(mine(torch.tensor([[1.0, 1.0]]), 1.0)), [[0, 1]])
    same(kept(mine(torch.tensor([[0.0, 2.0, 1.0, 2.0]]), 1.0)), [[1, 3]])


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each has a likeliest token of its own."""
    import torch

    logits = torch.tensor([[5.0, 4.0, 0.0], [0.0, -1.0, -5.0]])
    same(kept(mine(logits, 0.3)), [[0, 1], [0, 1]])


@check("values")
def as_by_hand_on_random_logits(mine):
    """Differs from the definition on random logits; compare each probability with the largest by hand."""
    import torch

    source = torch.Generator().manual_seed(3)
    for vocab in (3, 8, 12):
        logits = 2 * torch.randn(2, vocab, generator=source)
        for p in (0.02, 0.11, 0.55):
            same(kept(mine(logits, p)), by_hand(logits, p))


@check("speed")
def a_vocabulary_is_narrowed_at_once(mine):
    """Is far slower than the reference: one comparison for all rows, with keepdim=True, in place of a Python loop over tokens."""
    import torch

    from groundup.inference.decoding.sampling import min_p

    fast(mine, min_p, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)), 0.1))


EXERCISE = Exercise(
    slot="inference.decoding.min_p",
    title="Min-p: drop what is far behind the likeliest",
    task="""
    How unlikely is too unlikely? That depends on how sure the model is. Min-p measures every token by the likeliest one:
    keep those whose probability is at least p times that of the likeliest, as they are, and give all others the logit
    -inf. A model that is sure leaves one or two tokens, a model that is not leaves many, at a high temperature too. With
    p = 0 nothing is dropped. The probabilities themselves need not be computed: a ratio of probabilities is a difference
    of logits.
    """,
    difficulty=2,
    minutes=10,
    prerequisites=("inference.decoding",),
    hints=(
        "Write the condition down, probability >= p * largest probability, and take the logarithm of both sides: the sum that "
        "softmax divides by cancels.",
        "A token stays when its logit is at least the largest logit of its row plus math.log(p); amax(1, keepdim=True) is "
        "that largest logit.",
        "logits.masked_fill(logits < logits.amax(1, keepdim=True) + math.log(p), -math.inf), and the logits themselves when p "
        "is 0, which has no logarithm.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 1.5 --min-p 0.1",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        a_p_of_zero_drops_nothing,
        a_constant_on_all_logits_does_not_matter,
        something_is_always_kept,
        kept_logits_are_untouched,
        large_logits_do_not_overflow,
        p_is_a_share_of_the_likeliest,
        equals_of_the_likeliest_stay,
        every_row_is_its_own,
        as_by_hand_on_random_logits,
        a_vocabulary_is_narrowed_at_once,
    ),
    mutants=(
        Mutant("the logarithm of 0", "math domain error", ((" if p > 0 else logits", ""),)),
        Mutant(
            "a probability of its own",
            "Leaves no token to choose",
            (("logits < logits.amax(1, keepdim=True) + math.log(p)", "logits.softmax(1) < p"),),
        ),
        Mutant(
            "a probability of its own, one always kept",
            "Takes p as a probability of its own",
            (
                (
                    "logits < logits.amax(1, keepdim=True) + math.log(p)",
                    "(logits.softmax(1) < p) & (logits < logits.amax(1, keepdim=True))",
                ),
            ),
        ),
        Mutant(
            "summed as top-p",
            "Keeps tokens up to a sum",
            source="""
            import math

            import torch


            def min_p(logits, p):
                if p == 0:
                    return logits
                ordered, ids = torch.sort(logits, dim=1, descending=True)
                probabilities = torch.softmax(ordered, dim=1)
                drop = probabilities.cumsum(1) - probabilities >= p
                drop[:, 0] = False
                return logits.masked_fill(torch.zeros_like(drop).scatter(1, ids, drop), -math.inf)
            """,
        ),
        Mutant(
            "p times the largest logit",
            "Depends on where the logits lie",
            (("logits.amax(1, keepdim=True) + math.log(p)", "logits.amax(1, keepdim=True) * p"),),
        ),
        Mutant(
            "exp of the logits",
            "Overflows for large logits",
            (
                (
                    "logits < logits.amax(1, keepdim=True) + math.log(p)",
                    "logits.exp() < p * logits.exp().amax(1, keepdim=True)",
                ),
            ),
        ),
        Mutant("p squared", "Draws the line elsewhere", (("math.log(p)", "2 * math.log(p)"),)),
        Mutant("the line itself dropped", "exactly at the line", (("logits < logits", "logits <= logits"),)),
        Mutant("the likeliest of the batch", "Mixes the rows", (("logits.amax(1, keepdim=True)", "logits.amax()"),)),
        Mutant(
            "probabilities given back",
            "Changes the logits that are kept",
            (("return logits.masked_fill", "return logits.softmax(1).masked_fill"),),
        ),
        Mutant(
            "only the kept given back",
            "Gives back only the tokens that are kept",
            (
                (
                    "return logits.masked_fill",
                    "return logits[:, :1] if p > 0 else logits\n    return logits.masked_fill",
                ),
            ),
        ),
        Mutant("in place", "Changes its argument logits in place", (("logits.masked_fill(", "logits.masked_fill_("),)),
        Mutant("double inside", "Gives back another dtype", (("return logits", "return logits.double()"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import math

            import torch


            def min_p(logits, p):
                rows = []
                for row in logits.tolist():
                    largest = max(row)
                    rows.append([one if math.exp(one - largest) >= p else -math.inf for one in row] if p else row)
                return torch.tensor(rows, dtype=logits.dtype)
            """,
        ),
    ),
)
