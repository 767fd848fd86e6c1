"""Exercise: share the tokens of a step among texts that are written and prompts that are read."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import fast, same, that

CASES = [([100, 1, 30, 1], 64), ([1, 1, 1], 8), ([40, 30], 50), ([500], 64), ([3, 1, 2, 1, 9], 6), ([1, 20, 1], 2)]


def right(wanted, budget):
    """By hand: ones first, then the others, each in order."""
    given: dict[int, int] = {}
    for place in sorted(range(len(wanted)), key=lambda place: wanted[place] != 1):
        given[place] = min(wanted[place], budget - sum(given.values()))
    return [given[place] for place in range(len(wanted))]


@check("shape")
def one_number_a_text(mine):
    """Gives back another number of texts than it was asked about: every text has its place, with 0 where nothing is left."""
    for wanted, budget in [([], 4), ([5, 5, 5], 4), *CASES]:
        got = mine(wanted, budget)
        that(
            isinstance(got, list) and len(got) == len(wanted),
            expected=f"a list of {len(wanted)}",
            got=repr(got),
        )


@check("invariant")
def never_more_than_the_budget(mine):
    """Hands out more tokens than the step has: what one text got is not there for the next."""
    for wanted, budget in CASES:
        got = mine(list(wanted), budget)
        that(sum(got) <= budget, expected=f"at most {budget} tokens for {wanted}", got=f"{got}, which are {sum(got)}")


@check("invariant")
def never_more_than_wanted(mine):
    """Gives a text more tokens than it has: its share ends with what it wants."""
    for wanted, budget in CASES:
        got = mine(list(wanted), budget)
        that(
            all(0 <= one <= want for one, want in zip(got, wanted, strict=True)),
            expected=f"at most {wanted}",
            got=str(got),
        )


@check("values")
def writers_come_first(mine):
    """Lets texts that are being written wait for somebody's prompt: who wants one token is served before all who want more."""
    for wanted, budget in (([100, 1], 50), ([9, 9, 1, 1], 3), ([64, 1, 1, 1], 3)):
        got = mine(list(wanted), budget)
        for place, want in enumerate(wanted):
            if want == 1 and got[place] != 1:
                raise Failed(expected=f"1 for text {place} of {wanted} with a budget of {budget}", got=str(got))


@check("values")
def nothing_is_left_while_somebody_wants(mine):
    """Leaves tokens of the step unused although a prompt wants them: it is read in pieces, so it takes what is left."""
    for wanted, budget in CASES:
        got = mine(list(wanted), budget)
        that(sum(got) == min(budget, sum(wanted)), expected=f"{min(budget, sum(wanted))} tokens in all", got=f"{got}")


@check("values")
def in_order(mine):
    """Serves a later prompt before an earlier one: among those that want more than one token the order decides."""
    for wanted, budget in CASES:
        same(mine(list(wanted), budget), right(wanted, budget))


@check("speed")
def one_walk_or_two(mine):
    """Is far slower than the reference with many texts: walk through them a fixed number of times, not once for each."""
    from groundup.inference.engine.scheduling import share_budget

    fast(mine, share_budget, ([1, 30] * 2000, 3000))


EXERCISE = Exercise(
    slot="inference.engine.share_budget",
    title="One step, many texts: who gets how many tokens",
    task="""
    A server's model takes one step after another, and a step costs by the tokens it reads. A text that is being written wants one
    token a step. A new prompt wants all of its tokens at once, and if it got them, everybody would wait. So a step has a budget.
    `wanted` says how many tokens each text wants: 1 where it is being written, more where it is a prompt. Give back how many each gets:
    first those that want one, in their order, then the prompts in their order, each as much as it wants or as is left.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("inference.engine.batching",),
    hints=(
        "Begin with a list of zeros, as long as `wanted`, and take from the budget what you hand out.",
        "Walk through the texts twice: in the first walk look at those that want 1, in the second at the others.",
        "given[place] = min(wanted[place], budget), then budget -= given[place]: this never goes below zero.",
    ),
    run="groundup --mine my learn lesson inference.engine.engine --run",
    checks=(
        one_number_a_text,
        never_more_than_the_budget,
        never_more_than_wanted,
        writers_come_first,
        nothing_is_left_while_somebody_wants,
        in_order,
        one_walk_or_two,
    ),
    mutants=(
        Mutant(
            "only those that got some",
            "another number of texts",
            (("    return given", "    return [one for one in given if one]"),),
        ),
        Mutant(
            "the whole budget for each",
            "more tokens than the step has",
            (("                budget -= given[place]\n", ""),),
        ),
        Mutant(
            "all that is left",
            "more tokens than it has",
            (("given[place] = min(want, budget)", "given[place] = budget"),),
        ),
        Mutant(
            "prompts first",
            "wait for somebody's prompt",
            (("for short in (True, False):", "for short in (False, True):"),),
        ),
        Mutant(
            "whole prompts only",
            "Leaves tokens of the step unused",
            (("given[place] = min(want, budget)", "given[place] = want if want <= budget else 0"),),
        ),
        Mutant(
            "the last first",
            "Serves a later prompt before an earlier one",
            (("in enumerate(wanted):", "in reversed(list(enumerate(wanted))):"),),
        ),
        Mutant(
            "in place",
            "Changes its argument",
            (
                (
                    "    return given",
                    "    for place, one in enumerate(given):\n        wanted[place] -= one\n    return given",
                ),
            ),
        ),
    ),
)
