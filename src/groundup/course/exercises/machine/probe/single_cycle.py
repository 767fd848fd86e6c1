"""Exercise: an order that visits every place before it comes back."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, shape, that


def generator(seed=0):
    """Numbers that are drawn."""
    import numpy as np

    return np.random.default_rng(seed)


@check("shape")
def one_next_place_each(mine):
    """Does not give one next place for each place."""
    shape(mine(5, generator()), (5,))
    shape(mine(1, generator()), (1,))


@check("invariant")
def every_place_once(mine):
    """Is no permutation: some place is the next of two others."""
    same(sorted(int(place) for place in mine(20, generator())), list(range(20)))


@check("invariant")
def one_cycle(mine):
    """Falls into several cycles, as a plain shuffle does: exchange each place with an earlier one, never with itself."""
    for seed in range(20):
        following, place, steps = mine(9, generator(seed)), 0, 0
        while steps == 0 or (place and steps < 9):
            place, steps = int(following[place]), steps + 1
        that(steps == 9, expected="back at place 0 after 9 steps", got=f"after {steps}")


@check("invariant")
def without_a_pattern(mine):
    """Always gives the same order: it has to be drawn from the generator."""
    that(len({tuple(int(place) for place in mine(12, generator(seed))) for seed in range(4)}) == 4)


@check("values")
def all_cycles_equally_likely(mine):
    """Does not draw all single cycles with the same chance: draw among all earlier places, from the last place down to the second."""
    drawn = generator(3)
    found: dict[tuple[int, ...], int] = {}
    for _ in range(1200):
        cycle = tuple(int(place) for place in mine(4, drawn))
        found[cycle] = found.get(cycle, 0) + 1
    that(
        len(found) == 6 and max(found.values()) < 270,
        expected="6 cycles, each about 200 times",
        got=sorted(found.values()),
    )


EXERCISE = Exercise(
    slot="machine.probe.single_cycle",
    title="One cycle through all places",
    task="""
    A pointer chase goes from place to place, and each says where the next one is. It has to come through all places: a cycle that
    is shorter fits into a smaller cache, and measures that one. Give back for each of `places` places the next, as an array,
    drawn so that every single cycle is equally likely.
    """,
    difficulty=2,
    minutes=20,
    hints=(
        "Begin with np.arange(places), where each place is its own next one: as many cycles as places.",
        "Exchanging what two places of different cycles hold joins the two cycles.",
        "Sattolo: for place from places - 1 down to 1, exchange it with generator.integers(0, place), an earlier one.",
    ),
    run="groundup --mine my learn lesson machine.probe.caches",
    checks=(one_next_place_each, every_place_once, one_cycle, without_a_pattern, all_cycles_equally_likely),
    mutants=(
        Mutant("one too few", "one next place for each", (("return following", "return following[1:]"),)),
        Mutant("not exchanged", "Is no permutation", (("following[place], following[other] = following[other], following[place]",
                                                      "following[place] = following[other]"),)),
        Mutant("a plain shuffle", "Falls into several cycles", (("generator.integers(0, place)", "generator.integers(0, place + 1)"),)),
        Mutant("the neighbour", "Always gives the same order", (("generator.integers(0, place)", "place - 1"),)),
        Mutant("near ones", "with the same chance", (("generator.integers(0, place)", "generator.integers(max(0, place - 2), place)"),)),
    ),
)  # fmt: skip
