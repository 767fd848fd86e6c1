"""Exercise: Katz's back-off weight, which makes the probabilities after a context sum to one."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

SEEN, SHORTER = {0: 0.5, 1: 0.3}, [0.4, 0.2, 0.3, 0.1]


@check("dtype")
def a_number(mine):
    """Gives something else than a number."""
    that(isinstance(mine(dict(SEEN), list(SHORTER)), float), expected=0.5, got=mine(dict(SEEN), list(SHORTER)))


@check("finite")
def nobody_left(mine):
    """Divides by zero where all tokens were seen: there is nobody left to give to, and the weight is 1."""
    same(mine({0: 0.6, 1: 0.4}, [0.5, 0.5]), 1.0)
    same(mine({0: 0.5, 1: 0.4}, [0.5, 0.5]), 1.0)


@check("values")
def the_weight(mine):
    """Differs from what is freed divided by what the shorter context gives the unseen."""
    same(mine(dict(SEEN), list(SHORTER)), 0.5, mistakes={
        "Gives what is freed, undivided: the unseen would get only their part of it.": 0.2,
        "Divides by what the shorter context gives the seen: it is shared among the unseen.": 0.2 / 0.6,
        "Divides what is kept, not what is freed.": 2.0,
    })  # fmt: skip


@check("values")
def they_sum_to_one(mine):
    """With this weight the probabilities do not sum to 1."""
    for seen in ({0: 0.9}, {2: 0.2, 3: 0.1}, {0: 0.3, 1: 0.3, 2: 0.3}):
        weight = mine(dict(seen), list(SHORTER))
        total = sum(seen[word] if word in seen else weight * SHORTER[word] for word in range(4))
        that(abs(total - 1) < 1e-9, expected=1.0, got=total)


EXERCISE = Exercise(
    slot="text.ngram.back_off_weight",
    title="Back-off: who was not seen shares what is left",
    task="""
    After a context each token that was seen keeps a little less than its share, so something is free. Katz gives it to the
    tokens not seen there, in the proportions of the context one token shorter: P(word) = weight * shorter[word].
    Find the weight with which everything sums to one.

    You get what each seen token keeps, and the probabilities of all tokens in the shorter context. Where every token was seen give 1.0.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("text.ngram.smoothing",),
    hints=(
        "What is free: 1 minus the sum of what is kept. What the shorter context gives the unseen: 1 minus what it gives the seen.",
        "Divide the one by the other.",
        "left = 1 - sum(shorter[word] for word in seen); (1 - sum(seen.values())) / left, or 1.0 where len(seen) == len(shorter).",
    ),
    run="groundup --mine my learn lesson text.ngram.smoothing --run",
    checks=(a_number, nobody_left, the_weight, they_sum_to_one),
    mutants=(
        Mutant(
            "a text",
            "Returns str where float is expected",
            source="""
            def back_off_weight(seen, shorter):
                return '0.5'
            """,
        ),
        Mutant(
            "nobody left",
            "ZeroDivisionError",
            source="""
            def back_off_weight(seen, shorter):
                return (1 - sum(seen.values())) / (1 - sum(shorter[word] for word in seen))
            """,
        ),
        Mutant(
            "undivided",
            "undivided",
            source="""
            def back_off_weight(seen, shorter):
                left = 1 - sum(shorter[word] for word in seen)
                return 1.0 if len(seen) == len(shorter) else 1 - sum(seen.values())
            """,
        ),
        Mutant(
            "the seen",
            "gives the seen",
            source="""
            def back_off_weight(seen, shorter):
                left = 1 - sum(shorter[word] for word in seen)
                return 1.0 if len(seen) == len(shorter) else (1 - sum(seen.values())) / sum(shorter[word] for word in seen)
            """,
        ),
        Mutant(
            "what is kept",
            "what is kept, not",
            source="""
            def back_off_weight(seen, shorter):
                left = 1 - sum(shorter[word] for word in seen)
                return 1.0 if len(seen) == len(shorter) else sum(seen.values()) / left
            """,
        ),
        Mutant(
            "evenly",
            "do not sum to 1",
            source="""
            def back_off_weight(seen, shorter):
                if len(seen) == len(shorter):
                    return 1.0
                weight = (1 - sum(seen.values())) / (1 - sum(shorter[word] for word in seen))
                return weight if set(seen) == {0, 1} else 1.0
            """,
        ),
    ),
)
