"""Exercise: which checkpoints of a run stay."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same

STEPS = [100, 200, 300, 400, 500, 600]
MEASURED = {100: 3.0, 200: 1.5, 300: 1.2, 500: 1.4, 600: 1.9}


def kept(mine, expected, *told, mistakes=None, **named):
    """Fail unless these steps stay, whatever list they come in."""
    same(list(mine(*told, **named)), expected, mistakes=mistakes)


@check("shape")
def a_list_of_steps_oldest_first(mine):
    """Does not give a list of the steps that stay, oldest first and each once."""
    mistakes = {
        "Gives the newest first: the oldest comes first.": [300, 200],
        "Keeps the oldest: it is the newest that stay.": [100, 200],
    }
    same(mine([100, 200, 300], {}, 2), [200, 300], mistakes=mistakes)


@check("invariant")
def nothing_is_there_to_keep(mine):
    """Fails where there are fewer checkpoints than the rule would keep, or none."""
    kept(mine, [], [], {}, 3, best=2, every=10)
    kept(mine, [100], [100], {}, 3, best=2)


@check("invariant")
def the_newest_always_stays(mine):
    """Lets the newest go: whatever the rule says, the run goes on from it."""
    kept(mine, [600], STEPS, {}, 1, best=3)


@check("values")
def the_newest_few_stay(mine):
    """Does not keep the `last` newest: those with the largest step, in whatever order they come."""
    kept(mine, [500, 600], STEPS, {}, 2)
    kept(mine, [500, 600], [600, 100, 300, 500, 200, 400], {}, 2)
    kept(mine, [900, 1000], [900, 1000, 800], {}, 2)


@check("values")
def a_step_that_was_not_validated_is_not_the_best(mine):
    """Takes a step without a validation for one of the best: it was not measured, so nothing is known of it."""
    kept(mine, [200, 400], [100, 200, 300, 400], {200: 5.0}, 1, best=3)


@check("values")
def the_best_are_those_with_the_lowest_validation(mine):
    """Does not keep the `best` with the lowest validation besides the newest."""
    kept(
        mine,
        [300, 500, 600],
        STEPS,
        MEASURED,
        1,
        best=2,
        mistakes={
            "Keeps those with the highest validation: it is a loss, so the lowest is the best.": [100, 600],
            "Keeps one of the best too few.": [300, 600],
            "Keeps none of the best.": [600],
        },
    )


@check("values")
def a_best_one_among_the_newest_counts_for_both(mine):
    """Looks for the best among those that are left: a step that is among the newest may be one of the best as well."""
    kept(mine, [400, 500], [300, 400, 500], {300: 2.0, 400: 1.8, 500: 1.0}, 2, best=1)


@check("values")
def a_validation_of_a_checkpoint_that_is_gone_is_no_matter(mine):
    """Keeps, or counts, a step whose checkpoint is not there: `validations` may tell of more steps than `steps` holds."""
    kept(mine, [200, 300], [200, 300], {100: 0.1, 200: 1.0}, 1, best=1)


@check("values")
def of_equal_ones_the_earlier_is_the_better(mine):
    """Of two with the same validation it keeps the later: the earlier got there with less training."""
    kept(mine, [100, 300], [100, 200, 300], {200: 1.0, 100: 1.0}, 1, best=1)


@check("values")
def every_nth_stays_for_good(mine):
    """Does not keep the multiples of `every`; 0 means that there is no such rule."""
    kept(mine, [200, 400, 600], STEPS, {}, 1, every=200)
    kept(mine, [300, 600], STEPS, {}, 1, every=150)
    kept(mine, [600], STEPS, {}, 1, every=0)


@check("values")
def a_step_stays_when_any_rule_keeps_it(mine):
    """Keeps only what all rules agree on, or one rule's: each keeps its own, and together they are the union."""
    kept(mine, [200, 300, 400, 600], STEPS, MEASURED, 1, best=1, every=200)


NEWEST = "newest = sorted(steps)[max(0, len(steps) - last) :]"
LOWEST = "lowest = sorted((step for step in steps if step in validations), key=lambda step: (validations[step], step))[:best]"
MARKED = "marked = [step for step in steps if every and step % every == 0]"
RETURN = "return sorted({*newest, *lowest, *marked})"

EXERCISE = Exercise(
    slot="training.checkpoint.kept_steps",
    title="Which checkpoints stay",
    task="""
    A checkpoint takes 12 bytes a weight, so a long run cannot keep all of them. Three rules say which stay; one that any of them keeps
    stays:

    the `last` with the largest step: the run goes on from the newest, or from the one before it where that is damaged

    the `best` with the lowest validation: the model that generalises best is often not the last; `validations` holds the steps that were
    validated, of equal ones the earlier is the better

    each multiple of `every`: a trail through the run; 0 means none

    Give the steps that stay, oldest first, each once.
    """,
    difficulty=1,
    minutes=15,
    prerequisites=("training.checkpoint.checkpointing",),
    hints=(
        "Make three lists and join them as sets: {*newest, *lowest, *marked}.",
        "Sort the validated steps by the pair (validation, step): then equal ones come earlier first, and [:best] are the best.",
        "sorted(steps)[-last:] are the newest where last is at least 1; x % 0 is an error, so ask `every and step % every == 0`.",
    ),
    run="groundup --mine my run demo-fast --set train.checkpoint_every=20 --set train.keep_best=1 --set train.keep_every=40",
    changes=(),
    checks=(
        a_list_of_steps_oldest_first,
        nothing_is_there_to_keep,
        the_newest_always_stays,
        the_newest_few_stay,
        a_step_that_was_not_validated_is_not_the_best,
        the_best_are_those_with_the_lowest_validation,
        a_best_one_among_the_newest_counts_for_both,
        a_validation_of_a_checkpoint_that_is_gone_is_no_matter,
        of_equal_ones_the_earlier_is_the_better,
        every_nth_stays_for_good,
        a_step_stays_when_any_rule_keeps_it,
    ),
    mutants=(
        Mutant("newest first", "Gives the newest first", edits=((RETURN, RETURN.replace("})", "}, reverse=True)")),)),
        Mutant("a set", "Returns set where list", edits=((RETURN, RETURN.replace("sorted(", "set(")),)),
        Mutant("the oldest", "Keeps the oldest", edits=((NEWEST, "newest = sorted(steps)[:last]"),)),
        Mutant(
            "as they come", "in whatever order they come", edits=((NEWEST, NEWEST.replace("sorted(steps)", "steps")),)
        ),
        Mutant(
            "the highest",
            "Keeps those with the highest validation",
            edits=((LOWEST, LOWEST.replace("(validations[step], step))", "(-validations[step], step))")),),
        ),
        Mutant(
            "one best too few", "one of the best too few", edits=((LOWEST, LOWEST.replace("[:best]", "[: best - 1]")),)
        ),
        Mutant(
            "the best of the rest",
            "Looks for the best among those that are left",
            edits=(
                (LOWEST, LOWEST.replace("if step in validations)", "if step in validations and step not in newest)")),
            ),
        ),
        Mutant(
            "unmeasured is best",
            "Takes a step without a validation",
            edits=(
                (
                    LOWEST,
                    "lowest = sorted(steps, key=lambda step: (validations.get(step, 0.0), step))[: best if validations else 0]",
                ),
            ),
        ),
        Mutant(
            "those that are gone",
            "whose checkpoint is not there",
            edits=((LOWEST, "lowest = sorted(validations, key=lambda step: (validations[step], step))[:best]"),),
        ),
        Mutant(
            "the later of equals",
            "keeps the later",
            edits=((LOWEST, LOWEST.replace("(validations[step], step))", "(validations[step], -step))")),),
        ),
        Mutant("no trail", "Does not keep the multiples", edits=((MARKED, "marked = []"),)),
        Mutant(
            "all agree",
            "only what all rules agree on",
            edits=(
                (
                    RETURN,
                    "return sorted({*newest, *(set(lowest) & set(marked) if best and every else {*lowest, *marked})})",
                ),
            ),
        ),
    ),
)
