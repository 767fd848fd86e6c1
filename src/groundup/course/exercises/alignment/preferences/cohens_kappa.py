"""Exercise: how far two judges agree beyond what their habits alone would give."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("finite")
def one_judgement_for_everything(mine):
    """Divides by zero where both judges say the same to everything: they agree wholly, which is 1."""
    try:
        found = mine("aaaa", "aaaa")
    except ZeroDivisionError:
        found = "a division by zero"
    same(found, 1.0)


@check("invariant")
def the_order_of_the_judges(mine):
    """Gives another number when the judges are exchanged: each is measured by its own habit, and neither is the first."""
    same(mine("aaabbc", "aabbcc"), mine("aabbcc", "aaabbc"))


@check("invariant")
def names_do_not_matter(mine):
    """Depends on what the judgements are called: any things that can be compared are judgements, numbers and words too."""
    same(mine([0, 0, 1, 2], [0, 1, 1, 2]), mine("aabc", "abbc"))


@check("values")
def all_alike_is_one(mine):
    """Does not give 1 where all is judged alike: there is nothing more to agree on."""
    same(mine("abab", "abab"), 1.0)


@check("values")
def below_zero(mine):
    """Does not go below 0 where judges contradict each other: that is less agreement than by chance."""
    same(mine("abab", "baba"), -1.0)


@check("values")
def habits_alone_are_nothing(mine):
    """Takes habits for agreement: two who say yes in four of five cases, whatever they see, agree on 68 % and have a kappa of 0."""
    first = "y" * 20 + "n" * 5
    second = ("y" * 16 + "n" * 4) + ("y" * 4 + "n")
    found = mine(first, second)
    that(abs(found) < 1e-9, expected="0", got=f"{found:.3f}")


@check("values")
def each_has_a_habit_of_its_own(mine):
    """Gives both judges one habit: chance is the sum over kinds of the first's share times the second's."""
    same(mine("aaab", "abbb"), 0.2)


@check("values")
def kinds_that_one_never_uses(mine):
    """Fails or is wrong where one judge uses a kind that the other never does: that share is 0."""
    same(mine("aabb", "aabc"), 1 - 0.25 / 0.625)


EXERCISE = Exercise(
    slot="alignment.preferences.cohens_kappa",
    title="Agreement beyond chance",
    task="""
    Two judges judged the same items. `agreement(first, second)` is the share that they judged alike, o. If each threw a coin with its own habits (how often it
    gave each judgement), they would agree on a share e: for each kind of judgement the share of the first times the share of the second, summed. Cohen's
    kappa is (o - e) / (1 - e): 0 where they agree no more than that, 1 where they agree wholly, below 0 where they contradict each other. Where e is 1, both
    said one and the same to everything: give 1.
    """,
    difficulty=1,
    minutes=12,
    prerequisites=("foundations.probability.bayes",),
    hints=(
        "collections.Counter(first) has how often each judgement was given; a kind that was never given counts 0.",
        "e is sum(times * others[kind] for kind, times in habits.items()) / count**2.",
        "1.0 if e == 1 else (o - e) / (1 - e)",
    ),
    run="groundup --mine my learn lesson alignment.preferences.data --run",
    checks=(
        one_judgement_for_everything,
        the_order_of_the_judges,
        names_do_not_matter,
        all_alike_is_one,
        below_zero,
        habits_alone_are_nothing,
        each_has_a_habit_of_its_own,
        kinds_that_one_never_uses,
    ),
    mutants=(
        Mutant("no guard", "Divides by zero", (("1.0 if chance == 1 else (seen - chance)", "(seen - chance)"),)),
        Mutant("the first's habit", "judges are exchanged", (("others = Counter(first), Counter(second)", "others = Counter(first), Counter(first)"),)),
        Mutant("not divided by the rest", "all is judged alike", (("(seen - chance) / (1 - chance)", "(seen - chance)"),)),
        Mutant("cut at zero", "go below 0", (("(seen - chance) / (1 - chance)", "max(0.0, (seen - chance) / (1 - chance))"),)),
        Mutant("agreement itself", "habits for agreement", (("(seen - chance) / (1 - chance)", "2 * seen - 1"),)),
        Mutant(
            "one habit for both",
            "both judges one habit",
            (
                (
                    "sum(times * others[kind] for kind, times in habits.items()) / count**2",
                    "sum(((habits[kind] + others[kind]) / 2) ** 2 for kind in {*habits, *others}) / count**2",
                ),
            ),
        ),
    ),
)
