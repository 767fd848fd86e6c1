"""Exercise: which block is the lowest that learns, when layers join from the top down."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


@check("values")
def the_last_block_begins(mine):
    """Begins with another block than the last: blocks are counted from 0, so of 6 the last one is 5."""
    same(
        mine(0, 10, 6),
        5,
        mistakes={
            "Begins at the bottom: the top layers learn first.": 0,
            "Begins behind the last block: they are counted from 0.": 6,
        },
    )


@check("values")
def one_joins_every_so_many_steps(mine):
    """Lets a block join at another step: with every = 10 the second one joins at step 10, not before and not after."""
    same(mine(9, 10, 6), 5, mistakes={"Lets one join a step too early: at step 10, not 9.": 4})
    same(mine(10, 10, 6), 4, mistakes={"Lets one join a step too late: at step 10 it learns.": 5})
    same(mine(25, 10, 6), 3)


@check("values")
def the_embedding_joins_last(mine):
    """Never lets the embedding learn: after block 0 comes -1, which stands for it."""
    same(mine(59, 10, 6), 0)
    same(mine(60, 10, 6), -1, mistakes={"Stops at block 0: the embedding joins after it.": 0})


@check("values")
def and_nothing_after_it(mine):
    """Goes on counting below the embedding: from there on everything learns, and the answer stays -1."""
    same(mine(1000, 10, 6), -1)


@check("values")
def none_waits(mine):
    """Fails for every = 0, which means that all layers learn from the first step on: -1, and no division by 0."""
    try:
        found = [mine(step, 0, 6) for step in (0, 7)]
    except ZeroDivisionError:
        found = None
    that(found == [-1, -1])


@check("dtype")
def a_whole_number(mine):
    """Gives no whole number: blocks are counted, so divide without a rest."""
    that(isinstance(mine(7, 4, 3), int))


EXERCISE = Exercise(
    slot="tuning.supervised.lowest_learning",
    title="Gradual unfreezing: the layers join from the top",
    task="""
    A finished model of `layers` blocks is tuned. At step 0 only what stands above the blocks and the last block learn. Every `every` steps the next
    block below joins, and at last the embedding. Give the number of the lowest block that learns at a step; -1 once the embedding does, and from
    then on. With every = 0 nothing waits.
    """,
    difficulty=1,
    minutes=8,
    prerequisites=("tuning.supervised.full",),
    hints=(
        "step // every blocks have joined besides the first.",
        "The last block is layers - 1; take off what joined.",
        "max(-1, ...) keeps the answer from going below the embedding; every = 0 is asked first.",
    ),
    run="groundup --mine my tune runs/demo/model --unfreeze-every 20",
    checks=(
        a_whole_number,
        the_last_block_begins,
        one_joins_every_so_many_steps,
        the_embedding_joins_last,
        and_nothing_after_it,
        none_waits,
    ),
    mutants=(
        Mutant("bottom up", "Begins at the bottom", (("layers - 1 - step // every", "step // every"),)),
        Mutant("counted from 1", "Begins behind the last block", (("layers - 1 - step", "layers - step"),)),
        Mutant("early", "a step too early", (("step // every", "(step + 1) // every"),)),
        Mutant("late", "a step too late", (("step // every", "max(step - 1, 0) // every"),)),
        Mutant("no embedding", "Stops at block 0", (("max(-1, ", "max(0, "),)),
        Mutant(
            "endless",
            "Goes on counting below",
            (("max(-1, layers - 1 - step // every)", "layers - 1 - step // every"),),
        ),
        Mutant("no zero", "Fails for every = 0", (("    if not every:\n        return -1\n", ""),)),
        Mutant(
            "halves", "Returns float where int", (("layers - 1 - step // every", "layers - 1 - float(step // every)"),)
        ),
    ),
)
