"""Exercise: who gets the bits when there are not enough for all."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import same, that


def matrices():
    """What the loss rises by when each matrix has few bits, and how large each is."""
    return {"query": 0.2, "up": 0.5, "down": 0.4, "value": 0.3}, {"query": 10, "up": 100, "down": 100, "value": 10}


def mean_of(made, sizes):
    """Bits of a weight, on average."""
    return sum(made[name] * size for name, size in sizes.items()) / sum(sizes.values())


@check("shape")
def bits_for_every_name(mine):
    """Does not give every matrix its bits, by its name: those that get few are to be named too."""
    rises, sizes = matrices()
    same(sorted(mine(rises, sizes, 6.0)), sorted(rises))


@check("invariant")
def one_of_the_two(mine):
    """Gives something that is neither few nor many: both are arguments, and no matrix gets another number."""
    rises, sizes = matrices()
    for few, many in ((4, 8), (3, 6)):
        made = mine(rises, sizes, (few + many) / 2, few, many)
        that(set(made.values()) <= {few, many}, expected=f"{few} or {many}", got=str(sorted(set(made.values()))))


@check("invariant")
def the_mean_is_kept(mine):
    """Spends more than there is: what one matrix got is no longer there for the next."""
    sizes = dict.fromkeys("abcd", 10)
    for mean in (4.5, 5.0, 6.0, 7.9):
        found = mean_of(mine({"a": 0.1, "b": 0.2, "c": 0.3, "d": 0.4}, sizes, mean), sizes)
        that(found <= mean + 1e-9, expected=f"at most {mean} bits a weight", got=f"{found:.2f}")


@check("invariant")
def each_weight_counts(mine):
    """Counts matrices and not weights: one of 100 weights takes ten times the bits of one of 10."""
    sizes = {"a": 100, "b": 10, "c": 10}
    found = mean_of(mine({"a": 100.0, "b": 0.1, "c": 0.1}, sizes, 6.0), sizes)
    that(found <= 6.0, expected="at most 6 bits a weight", got=f"{found:.2f}")


@check("values")
def all_and_none(mine):
    """Keeps bits back that are there: with mean_bits = many all get many, with mean_bits = few none does."""
    rises, sizes = matrices()
    same(mine(rises, sizes, 8.0), dict.fromkeys(rises, 8))
    same(mine(rises, sizes, 4.0), dict.fromkeys(rises, 4))


@check("values")
def who_minds_most_is_first(mine):
    """Does not begin with who minds most: of three alike in size the one whose rise is largest gets the bits."""
    same(mine({"a": 0.01, "b": 0.5, "c": 0.02}, {"a": 10, "b": 10, "c": 10}, 5.4), {"a": 4, "b": 8, "c": 4})


@check("values")
def a_weight(mine):
    """Compares whole matrices: what counts is the rise a weight, as a large matrix takes the bits of many small ones."""
    rises, sizes = matrices()
    same(mine(rises, sizes, 5.9), {"query": 8, "up": 4, "down": 4, "value": 8})


@check("values")
def what_does_not_fit_is_passed_over(mine):
    """Stops at the first matrix that no longer fits: a smaller one after it may, and its bits are there."""
    same(mine({"a": 9.0, "b": 100.0, "c": 0.1}, {"a": 10, "b": 100, "c": 10}, 4.7), {"a": 8, "b": 4, "c": 8})


@check("values")
def what_cannot_be_is_refused(mine):
    """Takes a mean_bits that cannot be: below few or above many nothing comes out right; raise ConfigError."""
    from groundup.errors import ConfigError

    for mean in (3.0, 9.0):
        try:
            made = mine(*matrices(), mean)
        except ConfigError:
            continue
        that(False, expected="ConfigError", got=str(made))


EXERCISE = Exercise(
    slot="compression.quantization.choose_bits",
    title="Bits for those who mind",
    task="""
    Some matrices of a model can be rounded to 4 bits and nothing happens; others cannot. `rises` says, for each by its name, what the loss rises by when it
    alone has `few` bits, and `sizes` how many weights it has. There are `mean_bits` bits for a weight on average, over all matrices. Give `many` bits to some
    and `few` to the others: go through them by their rise a weight, the largest first, and give each `many` if what is left suffices for it. One that does
    not fit keeps `few`, and the next ones are still asked. Refuse (ConfigError) a mean_bits that is not between few and many.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("compression.quantization.ptq",),
    hints=(
        "If all have few, how many bits are left over? (mean_bits - few) for each weight of the model.",
        "One matrix with many instead of few takes (many - few) * sizes[name] of them.",
        "sorted(rises, key=lambda name: -rises[name] / sizes[name]); begin with dict.fromkeys(rises, few).",
    ),
    run="groundup --mine my learn lesson compression.quantization.ptq --run",
    checks=(
        bits_for_every_name,
        one_of_the_two,
        the_mean_is_kept,
        each_weight_counts,
        all_and_none,
        who_minds_most_is_first,
        a_weight,
        what_does_not_fit_is_passed_over,
        what_cannot_be_is_refused,
    ),
    mutants=(
        Mutant("only those that got many", "give every matrix its bits", (("dict.fromkeys(rises, few)", "{}"),)),
        Mutant("always 8", "neither few nor many", (("spare = many,", "spare = 8,"),)),
        Mutant("never spent", "Spends more than there is", (("many, spare - cost", "many, spare"),)),
        Mutant("matrices counted", "Counts matrices", (("(many - few) * sizes[name]", "(many - few) * total / len(sizes)"),)),
        Mutant("one kept back", "Keeps bits back", (("<= spare", "< spare"),)),
        Mutant("least first", "begin with who minds most", (("-rises[name] / sizes[name]", "rises[name] / sizes[name]"),)),
        Mutant("whole matrices", "Compares whole matrices", (("-rises[name] / sizes[name]", "-rises[name]"),)),
        Mutant("stops", "Stops at the first", (("many, spare - cost", "many, spare - cost\n        else:\n            break"),)),
        Mutant("takes anything", "Takes a mean_bits", (("not few <= mean_bits <= many", "False"),)),
    ),
)
