"""Exercise: choose the text that leaves when the memory for keys and values runs out."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, that


def standings(*pairs):
    """Texts of (priority, number)."""
    from groundup.inference.engine.scheduling import Standing

    return [Standing(*pair) for pair in pairs]


@check("shape")
def a_place(mine):
    """Gives back a text or its number: what is asked for is its place in the list, from 0 on."""
    for pairs in ([(0, 40)], [(0, 41), (0, 40)], [(1, 70), (1, 90), (1, 80)]):
        got = mine(standings(*pairs))
        that(
            isinstance(got, int) and 0 <= got < len(pairs),
            expected=f"a place from 0 to {len(pairs) - 1}",
            got=repr(got),
        )


@check("values")
def the_lowest_priority(mine):
    """Pushes out a text that is more urgent than another: the lowest priority goes first, whoever came when."""
    for pairs, place in (([(0, 1), (5, 2)], 0), ([(3, 9), (2, 1), (7, 5)], 1), ([(5, 1), (5, 2), (-1, 0)], 2)):
        got = mine(standings(*pairs))
        that(got == place, expected=f"place {place} of {pairs} as (priority, number)", got=f"place {got}")


@check("values")
def the_one_that_came_last(mine):
    """Pushes out a text although one of the same priority came later: who came last has the least to lose."""
    for pairs, place in (([(0, 3), (0, 7), (0, 5)], 1), ([(4, 8), (0, 6), (0, 2)], 1)):
        got = mine(standings(*pairs))
        that(got == place, expected=f"place {place} of {pairs} as (priority, number)", got=f"place {got}")


@check("values")
def whatever_the_order_of_the_list(mine):
    """Chooses another text when the same ones stand in another order: nothing but priority and number decides."""
    pairs = [(0, 3), (5, 9), (0, 7), (2, 1)]
    for turn in range(4):
        turned = pairs[turn:] + pairs[:turn]
        got = turned[mine(standings(*turned))]
        that(got == (0, 7), expected="(0, 7)", got=f"{got} of {turned}")


@check("values")
def somebody_gets_done(mine):
    """Lets texts push one another out for ever: the first that came with the highest priority must never be chosen."""
    texts = standings((1, 4), (1, 6), (0, 1), (1, 8), (0, 2))
    left = list(texts)
    while len(left) > 1:
        left.pop(mine(left))
    that(left == [texts[0]], expected="(1, 4) stays to the end", got=str(tuple(left[0])))


@check("speed")
def one_walk(mine):
    """Is far slower than the reference with many texts: look at each once."""
    from groundup.inference.engine.scheduling import whom_to_push_out

    fast(mine, whom_to_push_out, (standings(*((number % 3, number * 7919 % 10007) for number in range(5000))),))


EXERCISE = Exercise(
    slot="inference.engine.whom_to_push_out",
    title="Memory is short: who leaves",
    task="""
    The texts that a server writes at the same time grow, and with them their keys and values, until no page is free. Then one text has to
    leave: its pages go to the others, and it is read again later, which costs time but loses no word. `running` holds for each text its
    priority (higher is more urgent) and its number in the order of arrival. Give back the place of the one that leaves: of the lowest
    priority the one that came last.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("inference.cache.paged", "inference.engine.batching"),
    hints=(
        "What is compared has two parts: first the priority, and the number only where priorities are equal.",
        "Tuples are compared like that: (0, -7) < (0, -3) < (5, -9).",
        "min over the places, with key=lambda place: (running[place].priority, -running[place].number).",
    ),
    run="groundup --mine my learn lesson inference.engine.engine --run",
    checks=(
        a_place,
        the_lowest_priority,
        the_one_that_came_last,
        whatever_the_order_of_the_list,
        somebody_gets_done,
        one_walk,
    ),
    mutants=(
        Mutant(
            "its number",
            "Gives back a text or its number",
            (("    return min(", "    return running[min("), (".number))", ".number))].number")),
        ),
        Mutant(
            "the most urgent",
            "more urgent than another",
            (("(running[place].priority,", "(-running[place].priority,"),),
        ),
        Mutant("the first", "came later", (("-running[place].number", "running[place].number"),)),
        Mutant(
            "everybody is asked for each",
            "far slower",
            (("-running[place].number)", "-running[place].number + 0 * sum(one.number for one in running))"),),
        ),
    ),
)
