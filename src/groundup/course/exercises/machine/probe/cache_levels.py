"""Exercise: the caches read off the stairs of a pointer chase."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that

SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256]


@check("shape")
def pairs_in_a_list(mine):
    """Does not give a list of pairs (size, latency)."""
    found = mine([1, 2, 4], [1.0, 1.0, 1.0])
    that(isinstance(found, list) and all(len(one) == 2 for one in found), expected=[(4, 1.0)], got=found)


@check("finite")
def nothing_measured(mine):
    """Does not give [] where there is nothing to read, or too little for a level."""
    same(mine([], []), [])
    same(mine([1, 2], [1.0, 1.0]), [])


@check("values")
def two_flat_stretches(mine):
    """Does not find two levels with the largest size and the time of each."""
    same(
        mine(SIZES[:6], [1.0, 1.0, 1.0, 4.0, 4.0, 4.0]),
        [(4, 1.0), (32, 4.0)],
        mistakes={
            "Gives the smallest size of a level: how large it is, its largest says.": [(1, 1.0), (8, 4.0)],
            "Gives the size behind the level, which no longer fits into it.": [(8, 1.0), (32, 4.0)],
            "Leaves the last stretch out: it ends with the sizes.": [(4, 1.0)],
        },
    )


@check("values")
def a_rise_is_no_level(mine):
    """Takes the sizes of a rise for a level: they are neither here nor there, and belong to none."""
    same(mine(SIZES[:8], [1.0, 1.0, 1.0, 2.0, 3.0, 9.0, 9.0, 9.0]), [(4, 1.0), (128, 9.0)])


@check("values")
def a_slow_rise(mine):
    """Compares each time with the one before it: a slow rise then never ends a level. Compare with the first of the stretch."""
    same(mine(SIZES[:6], [1.0, 1.2, 1.44, 1.73, 2.07, 2.49]), [])


@check("values")
def the_median(mine):
    """Is not the median of the stretch: one time that was disturbed would change it."""
    same(
        mine(SIZES[:5], [1.0, 1.02, 1.04, 1.2, 1.24]),
        [(16, 1.04)],
        mistakes={
            "Takes the mean.": [(16, 1.1)],
            "Takes the first time.": [(16, 1.0)],
            "Takes the last time.": [(16, 1.24)],
        },
    )


@check("values")
def the_search_goes_on_one_size_further(mine):
    """Jumps over a short stretch as a whole: a level may begin with its second size."""
    same(mine(SIZES[:6], [1.0, 1.2, 1.3, 1.35, 1.4, 9.0]), [(16, 1.325)])


@check("values")
def what_is_asked_for(mine):
    """Does not use `tolerance` and `least`."""
    same(mine(SIZES[:4], [1.0, 1.4, 5.0, 5.0], tolerance=0.5, least=2), [(2, 1.2), (8, 5.0)])


EXERCISE = Exercise(
    slot="machine.probe.cache_levels",
    title="Reading the caches off a staircase",
    task="""
    A pointer chase through arrays of growing size gives one latency for each. While an array fits into a cache, a step takes
    that cache's latency; where it no longer fits, the time rises to the next level's. Find the levels: walk from the smallest
    size on; a stretch goes on as long as its times are at most (1 + tolerance) times its first. With `least` sizes or more it is
    a level, (its largest size, the median of its times), and the search goes on behind it; with fewer it is part of a rise, and
    the search goes on one size further.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("machine.probe.single_cycle",),
    hints=(
        "Two places are enough: where the stretch begins, and how far it goes. A while loop over the first holds one over the second.",
        "last + 1 < len(sizes) has to be asked before latencies[last + 1] is.",
        "A level: append (sizes[last], float(np.median(latencies[first : last + 1]))) and go to last + 1; no level: go to first + 1.",
    ),
    run="groundup --mine my learn lesson machine.probe.caches",
    checks=(
        pairs_in_a_list,
        nothing_measured,
        two_flat_stretches,
        a_rise_is_no_level,
        a_slow_rise,
        the_median,
        the_search_goes_on_one_size_further,
        what_is_asked_for,
    ),
    mutants=(
        Mutant("sizes alone", "a list of pairs", (("found.append((sizes[last], float(np.median(latencies[first : last + 1]))))",
                                                  "found.append([sizes[last]])"),)),
        Mutant("two are enough", "too little for a level", (("last - first + 1 >= least", "last - first + 2 >= least"),)),
        Mutant("first size", "smallest size", (("found.append((sizes[last],", "found.append((sizes[first],"),)),
        Mutant("the size behind", "size behind the level", (("found.append((sizes[last],", "found.append((sizes[min(last + 1, len(sizes) - 1)],"),)),
        Mutant("neighbours", "Compares each time with the one before", (("(1 + tolerance) * latencies[first]", "(1 + tolerance) * latencies[last]"),)),
        Mutant("mean", "Takes the mean", (("np.median(", "np.mean("),)),
        Mutant("first time", "Takes the first time", (("np.median(latencies[first : last + 1])", "latencies[first]"),)),
        Mutant("jumps", "Jumps over a short stretch", (("            first += 1", "            first = last + 1"),)),
        Mutant("fixed tolerance", "use `tolerance`", (("(1 + tolerance)", "1.25"),)),
    ),
)  # fmt: skip
