"""Exercise: narrow the choice of the next token to the k likeliest."""

import math

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, same, shape, that


def row(*numbers):
    """One row of logits."""
    import torch

    return torch.tensor([numbers])


def kept(narrowed):
    """Which tokens may still be chosen, as lists of ids."""
    return [[place for place, number in enumerate(numbers) if number > -math.inf] for numbers in narrowed.tolist()]


def by_hand(logits, k):
    """The ids that stay, in plain Python: fewer than k tokens are likelier."""
    return [
        [place for place, number in enumerate(numbers) if sum(other > number for other in numbers) < k]
        for numbers in logits.tolist()
    ]


@check("shape")
def the_shape_stays(mine):
    """Gives back only the k tokens; keep every place of the vocabulary, and write -inf where a token is dropped."""
    import torch

    for rows, vocab in ((1, 2), (2, 3), (3, 50)):
        shape(mine(torch.linspace(0, 1, rows * vocab).reshape(rows, vocab), 1), (rows, vocab))


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    for kind in (torch.float32, torch.float64):
        dtype(mine(torch.tensor([[2.0, 1.0, 0.0]], dtype=kind), 2), kind)


@check("invariant")
def kept_logits_are_untouched(mine):
    """Changes the logits that are kept; they pass as they came, not as probabilities, and in their own places."""
    import torch

    logits = row(1.0, 3.0, 2.0)
    got = mine(logits, 2)
    same(torch.where(torch.isinf(got), logits, got), logits)


@check("invariant")
def what_is_dropped_cannot_be_drawn(mine):
    """A dropped token can still be drawn: only the logit -inf has the probability 0, while the logit 0 is a good one."""
    for logits in (row(3.0, 2.0, 1.0), row(-1.0, -2.0, -3.0, -4.0)):
        got = mine(logits, 1)
        that((got == -math.inf).any(), expected="-inf where a token is dropped", got=got)


@check("values")
def a_k_as_large_as_the_vocabulary_drops_nothing(mine):
    """Cannot take a k beyond the size of the vocabulary: there is nothing to drop then."""
    for logits in (row(1.0, 2.0), row(1.0, 3.0, 2.0)):
        for k in (logits.shape[1], logits.shape[1] + 1, 1000):
            same(mine(logits, k), logits)


@check("values")
def k_tokens_stay(mine):
    """Keeps another number of tokens than k."""
    for logits, k, expected in (
        (row(2.0, 1.0), 1, [0]),
        (row(4.0, 3.0, 2.0, 1.0), 2, [0, 1]),
        (row(4.0, 3.0, 2.0, 1.0), 3, [0, 1, 2]),
    ):
        mistakes = {
            "Drops the k-th likeliest too: below it is dropped, and it itself is kept.": [expected[:-1]],
            "Keeps one token too many: the k-th likeliest is the last.": [[*expected, len(expected)]],
            "Keeps the k least likely tokens: the likeliest have the largest logits.": [
                list(range(logits.shape[1] - k, logits.shape[1]))
            ],
        }
        same(kept(mine(logits, k)), [expected], mistakes=mistakes)


@check("values")
def the_order_of_the_vocabulary_does_not_matter(mine):
    """Keeps the wrong places: the k likeliest tokens stay where they stood in the vocabulary, not at its beginning."""
    same(kept(mine(row(1.0, 2.0), 1)), [[1]])
    same(kept(mine(row(-3.0, -1.0, -4.0, -2.0), 2)), [[1, 3]])


@check("values")
def ties_with_the_last_stay(mine):
    """Drops tokens that are as likely as the last one kept: which of them goes would be an accident, so all stay."""
    same(kept(mine(row(1.0, 1.0), 1)), [[0, 1]])
    same(kept(mine(row(1.0, 3.0, 1.0, 0.0), 2)), [[0, 1, 2]])


@check("values")
def every_row_is_its_own(mine):
    """Mixes the rows of a batch: each has k likeliest tokens of its own, so look along the vocabulary."""
    import torch

    logits = torch.tensor([[1.0, 9.0, 8.0], [0.3, 0.1, 0.2]])
    same(kept(mine(logits, 1)), [[1], [0]])
    same(kept(mine(logits, 2)), [[1, 2], [0, 2]])


@check("values")
def as_by_hand_on_random_logits(mine):
    """Differs from the definition on random logits: a token stays when fewer than k tokens are likelier."""
    import torch

    source = torch.Generator().manual_seed(3)
    for vocab in (3, 8, 12):
        logits = torch.randn(2, vocab, generator=source).round(decimals=1)  # with ties
        for k in (1, 2, vocab - 1):
            same(kept(mine(logits, k)), by_hand(logits, k))


@check("speed")
def a_vocabulary_is_narrowed_at_once(mine):
    """Is far slower than the reference: torch.topk finds the k likeliest of all rows, without a loop in Python."""
    import torch

    from groundup.inference.decoding.sampling import top_k

    fast(mine, top_k, (torch.randn(4, 8000, generator=torch.Generator().manual_seed(0)), 40))


EXERCISE = Exercise(
    slot="inference.decoding.top_k",
    title="Top-k: choose from the k likeliest",
    task="""
    The end of a vocabulary is long: each of its tokens is unlikely, and together they are drawn often. The simplest cure
    keeps the k likeliest tokens of every row, as they are, and gives all others the logit -inf, so that no draw can take
    them. Tokens that tie with the last one kept stay as well, so that no accident of sorting decides; and a k beyond the
    size of the vocabulary drops nothing.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("inference.decoding",),
    hints=(
        "You need one number a row: the smallest logit that is still kept. All below it is dropped.",
        "torch.topk(logits, k, dim=1).values is sorted from the largest down, so its last column is that number; [:, -1:] "
        "keeps the axis for the comparison.",
        "topk refuses a k beyond the vocabulary, so ask for min(k, logits.shape[1]); logits.masked_fill(logits < smallest, "
        "-math.inf) does the rest, ties included.",
    ),
    run="groundup demo --fast && groundup --mine my generate runs/demo-fast/model 'Anna' --temperature 1 --top-k 40",
    checks=(
        the_shape_stays,
        the_dtype_stays,
        what_is_dropped_cannot_be_drawn,
        kept_logits_are_untouched,
        k_tokens_stay,
        a_k_as_large_as_the_vocabulary_drops_nothing,
        the_order_of_the_vocabulary_does_not_matter,
        ties_with_the_last_stay,
        every_row_is_its_own,
        as_by_hand_on_random_logits,
        a_vocabulary_is_narrowed_at_once,
    ),
    mutants=(
        Mutant("the k-th dropped too", "Drops the k-th likeliest too", (("logits < smallest", "logits <= smallest"),)),
        Mutant("one too many", "Keeps one token too many", (("min(k, logits", "min(k + 1, logits"),)),
        Mutant(
            "ties dropped by place",
            "as likely as the last one kept",
            source="""
            import math

            import torch


            def top_k(logits, k):
                ids = torch.sort(logits, dim=1, descending=True, stable=True).indices[:, :k]
                return torch.full_like(logits, -math.inf).scatter(1, ids, logits.gather(1, ids))
            """,
        ),
        Mutant(
            "the least likely",
            "least likely tokens",
            (
                ("dim=1).values[:, -1:]", "dim=1, largest=False).values[:, -1:]"),
                ("logits < smallest", "logits > smallest"),
            ),
        ),
        Mutant("k beyond the vocabulary", "out of range", (("min(k, logits.shape[1])", "k"),)),
        Mutant("dropped to 0", "can still be drawn", (("-math.inf", "0.0"),)),
        Mutant(
            "the first k places",
            "Keeps the wrong places",
            (
                (
                    "logits.masked_fill(logits < smallest_kept, -math.inf)",
                    "logits.masked_fill(torch.arange(logits.shape[1]) >= (logits >= smallest_kept).sum(1, keepdim=True), -math.inf)",
                ),
            ),
        ),
        Mutant(
            "the smallest of the batch",
            "Mixes the rows",
            (("values[:, -1:]", "values[:, -1:].amin()"),),
        ),
        Mutant(
            "probabilities given back",
            "Changes the logits that are kept",
            (("return logits.masked_fill", "return torch.softmax(logits, dim=1).masked_fill"),),
        ),
        Mutant(
            "only the kept given back",
            "Gives back only the k tokens",
            (("return logits", "return torch.topk(logits, min(k, logits.shape[1]), dim=1).values\n    return logits"),),
        ),
        Mutant("in place", "Changes its argument logits in place", (("logits.masked_fill(", "logits.masked_fill_("),)),
        Mutant("double inside", "Gives back another dtype", (("return logits", "return logits.double()"),)),
        Mutant(
            "a loop over tokens",
            "far slower than the reference",
            source="""
            import torch


            def top_k(logits, k):
                rows = []
                for row in logits.tolist():
                    smallest = sorted(row)[-min(k, len(row))]
                    rows.append([number if number >= smallest else float("-inf") for number in row])
                return torch.tensor(rows, dtype=logits.dtype)
            """,
        ),
    ),
)
