"""Exercise: trim, elect a sign, average those that agree."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same, shape


def numbers(*rows):
    """One row a model."""
    import torch

    return torch.tensor(rows)


def drawn(*shape, seed=0):
    """Normal numbers, always the same."""
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def oracle(changes, density):
    """Number by number."""
    import torch

    rows = [row.flatten() for row in changes]
    kept = max(1, int(density * rows[0].numel()))
    trimmed = []
    for row in rows:
        places = row.abs().argsort(descending=True)[:kept]
        trimmed.append(torch.zeros_like(row).index_put((places,), row[places]))
    found = []
    for column in torch.stack(trimmed).T:
        sign = float(column.sum().sign())
        agree = [float(one) for one in column if one != 0 and float(one.sign()) == sign]
        found.append(sum(agree) / len(agree) if agree else 0.0)
    return torch.tensor(found).reshape(changes.shape[1:])


@check("shape")
def one_change(mine):
    """Gives another shape than that of one model's change."""
    shape(mine(drawn(3, 4, 5), 0.5), (4, 5))
    shape(mine(drawn(2, 6), 0.5), (6,))


@check("values")
def one_model_is_only_trimmed(mine):
    """Of one model's change not just the largest numbers stay: floor(density * numbers) of them, at least one, with their signs."""
    mistakes = {
        "Keeps the smallest numbers.": numbers([0.0, 1.0, -2.0, 0.0])[0],
        "Keeps the largest by value: their magnitude counts.": numbers([0.0, 1.0, 0.0, 3.0])[0],
        "Keeps everything: density is the share that stays.": numbers([-4.0, 1.0, -2.0, 3.0])[0],
        "Loses the signs.": numbers([4.0, 0.0, 0.0, 3.0])[0],
    }
    same(mine(numbers([-4.0, 1.0, -2.0, 3.0]), 0.5), numbers([-4.0, 0.0, 0.0, 3.0])[0], mistakes=mistakes)
    same(mine(numbers([-4.0, 1.0, -2.0, 3.0]), 0.1), numbers([-4.0, 0.0, 0.0, 0.0])[0])


@check("values")
def only_those_that_agree(mine):
    """Is wrong where models disagree: of 3, 2 and -1 the sum is above 0, so the result is the mean of 3 and 2."""
    mistakes = {
        "Averages all models: those of the other sign are left out.": numbers([4 / 3])[0],
        "Divides by the number of all models: only those that agree count.": numbers([5 / 3])[0],
        "Adds those that agree: their mean is wanted.": numbers([5.0])[0],
        "Elects the weaker sign.": numbers([-1.0])[0],
    }
    same(mine(numbers([3.0], [2.0], [-1.0]), 1.0), numbers([2.5])[0], mistakes=mistakes)


@check("values")
def magnitude_elects(mine):
    """Elects the sign of the most models: it is that of the sum, so one large change outvotes two small ones."""
    same(mine(numbers([5.0], [-1.0], [-1.0]), 1.0), numbers([5.0])[0])


@check("values")
def a_number_that_was_trimmed_does_not_count(mine):
    """Counts a trimmed number as one that agrees."""
    same(mine(numbers([4.0, 1.0], [1.0, 6.0]), 0.5), numbers([4.0, 6.0])[0])


@check("values")
def number_by_number(mine):
    """Differs from the rule applied number by number: each model is trimmed for itself."""
    for density in (0.2, 0.5, 1.0):
        changes = drawn(4, 5, 6, seed=3) * numbers([1.0], [2.0], [0.5], [3.0])[:, :, None]
        same(mine(changes, density), oracle(changes, density), rtol=1e-4)


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: no loop over numbers."""
    from groundup.tuning.merging.merging import ties_merge

    fast(mine, ties_merge, (drawn(3, 20_000), 0.2))


EXERCISE = Exercise(
    slot="tuning.merging.ties_merge",
    title="TIES: merging without cancelling",
    task="""
    Several models were tuned from one base; `changes` (models, ...) is what each changed of a weight. An average cancels where two moved a
    number in opposite directions. TIES merges in three steps:

    Trim: of each model's change only the floor(density * numbers) largest magnitudes stay, at least one; the others become 0.
    Elect: a number's sign is that of the sum over the models of what is left.
    Merge: the mean over the models whose number is not 0 and has that sign; 0 where there is none.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("tuning.merging.merging",),
    hints=(
        "changes.flatten(1) is one row a model; .abs().topk(kept, dim=1).indices are the places that stay.",
        "torch.zeros_like(flat).scatter(1, places, flat.gather(1, places)) keeps only these.",
        "agree = (trimmed.sign() == trimmed.sum(0).sign()) & (trimmed != 0); divide the sum of those by agree.sum(0).clamp_min(1).",
    ),
    run="groundup --mine my learn lesson tuning.merging.merging",
    checks=(
        one_change,
        one_model_is_only_trimmed,
        only_those_that_agree,
        magnitude_elects,
        a_number_that_was_trimmed_does_not_count,
        number_by_number,
        all_at_once,
    ),
    mutants=(
        Mutant(
            "flat",
            "another shape",
            (("merged.unflatten(0, changes.shape[1:]) if changes.dim() > 1 else merged", "merged"),),
        ),
        Mutant("smallest", "Keeps the smallest", (("topk(kept, dim=1)", "topk(kept, dim=1, largest=False)"),)),
        Mutant("by value", "Keeps the largest by value", (("flat.abs().topk", "flat.topk"),)),
        Mutant("no trimming", "Keeps everything", (("int(density * flat.shape[1])", "flat.shape[1]"),)),
        Mutant("sizes", "Loses the signs", (("flat = changes.flatten(1)", "flat = changes.flatten(1).abs()"),)),
        Mutant(
            "all averaged",
            "Averages all models",
            (("(trimmed * agree).sum(0) / agree.sum(0).clamp_min(1)", "trimmed.mean(0)"),),
        ),
        Mutant("by all", "Divides by the number of all", (("agree.sum(0).clamp_min(1)", "len(flat)"),)),
        Mutant("sum", "Adds those that agree", ((" / agree.sum(0).clamp_min(1)", ""),)),
        Mutant("weaker", "Of one model", (("trimmed.sign() == sign", "trimmed.sign() == -sign"),)),
        Mutant(
            "votes", "Elects the sign of the most models", (("trimmed.sum(0).sign()", "trimmed.sign().sum(0).sign()"),)
        ),
        Mutant(
            "before trimming",
            "Counts a trimmed number",
            (("agree = (trimmed.sign() == sign) & (trimmed != 0)", "agree = flat.sign() == sign"),),
        ),
        Mutant(
            "trimmed together",
            "number by number",
            (
                (
                    "places = flat.abs().topk(kept, dim=1).indices\n    trimmed = torch.zeros_like(flat).scatter(1, places, flat.gather(1, places))",
                    "least = flat.abs().flatten().topk(kept * len(flat)).values[-1]\n    trimmed = flat * (flat.abs() >= least)",
                ),
            ),
        ),
    ),
)
