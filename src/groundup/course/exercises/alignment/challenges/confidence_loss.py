"""Exercise: a strong student that may trust itself more than its weak teacher."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import dtype, fast, finite, gradients, same, shape


def numbers(*values):
    """One number an example."""
    import torch

    return torch.tensor(values)


LOGITS, WEAK = (2.0, -1.0, 0.5, -3.0), (1.0, 1.0, 0.0, 0.0)


def mean_loss(logits, labels):
    """-log of the probability of each label, by its definition; the mean."""
    import torch

    yes = torch.sigmoid(logits)
    return -(labels * yes.log() + (1 - labels) * (1 - yes).log()).mean()


def by_definition(logits, weak, alpha):
    """The confidence loss, with the upper half of the logits as the student's own yes."""
    import torch

    own = torch.zeros_like(logits)
    own[logits.argsort(descending=True)[: len(logits) // 2]] = 1.0
    return (1 - alpha) * mean_loss(logits, weak) + alpha * mean_loss(logits, own)


@check("shape")
def one_number(mine):
    """Gives another shape than a single number: take the mean over the examples."""
    for count in (2, 4):
        shape(mine(numbers(*LOGITS[:count]), numbers(*WEAK[:count]), 0.5), ())


@check("dtype")
def the_dtype_stays(mine):
    """Gives back another dtype than that of the logits."""
    import torch

    dtype(mine(numbers(*LOGITS).double(), numbers(*WEAK).double(), 0.5), torch.float64)


@check("finite")
def far_logits_stay_finite(mine):
    """Is infinite or NaN for a logit of 200: take the loss from the logits, not from the logarithm of a probability."""
    for sign in (1.0, -1.0):
        finite(mine(numbers(200.0 * sign, -200.0 * sign), numbers(0.0, 1.0), 0.3))


@check("invariant")
def without_alpha_the_teacher_alone(mine):
    """With alpha = 0 it is not the loss of the weak labels alone."""
    for weak in (WEAK, (0.2, 0.9, 0.5, 0.0)):
        same(mine(numbers(*LOGITS), numbers(*weak), 0.0), mean_loss(numbers(*LOGITS), numbers(*weak)))


@check("values")
def half_of_the_examples_are_yes(mine):
    """Is wrong where all logits are above 0."""
    logits = numbers(5.0, 4.0, 3.0, 2.0)
    for alpha in (0.5, 0.9):
        right = by_definition(logits, numbers(*WEAK), alpha)
        zero = (1 - alpha) * mean_loss(logits, numbers(*WEAK)) + alpha * mean_loss(logits, numbers(1.0, 1.0, 1.0, 1.0))
        mistakes = {
            "Hardens at 0: the student's yes is the half of the batch above the median, however high all logits are.": zero
        }
        same(mine(logits, numbers(*WEAK), alpha), right, mistakes=mistakes)


@check("values")
def by_hand(mine):
    """Differs from (1 - alpha) CE(f, weak) + alpha CE(f, f's own choice)."""
    logits, weak = numbers(*LOGITS), numbers(*WEAK)
    for alpha in (0.25, 0.75):
        swapped = by_definition(logits, weak, 1 - alpha)
        soft = (1 - alpha) * mean_loss(logits, weak) + alpha * mean_loss(logits, logits.sigmoid())
        added = mean_loss(logits, weak) + by_definition(logits, weak, 1.0) * alpha
        mistakes = {
            "Weighs the two losses the wrong way round: alpha belongs to the student's own choice.": swapped,
            "Takes the student's probabilities as its labels: its own choice is hardened to 0 or 1.": soft,
            "Adds the student's own loss on top: the teacher's is weighed by 1 - alpha.": added,
        }
        same(mine(logits, weak, alpha), by_definition(logits, weak, alpha), mistakes=mistakes)


@check("gradient")
def the_teacher_and_the_choice_pull(mine):
    """Has another gradient by the logits than the definition; the student's own choice is a label and carries none."""
    import torch

    for alpha in (0.2, 0.8):
        inputs = [numbers(*LOGITS)]
        gradients(
            lambda x, a=alpha: mine(x, numbers(*WEAK), a),
            lambda x, a=alpha: by_definition(x, numbers(*WEAK), a),
            inputs,
        )
    assert torch.is_grad_enabled()


@check("speed")
def all_at_once(mine):
    """Is far slower than the reference: no loop over examples."""
    import torch

    from groundup.alignment.challenges.oversight.weak_to_strong import confidence_loss

    source = torch.Generator().manual_seed(0)
    fast(mine, confidence_loss, (torch.randn(20000, generator=source), torch.rand(20000, generator=source), 0.5))


OWN = "own = (logits > logits.median()).to(logits.dtype)"
RETURN = "return (1 - alpha) * teacher + alpha * itself"
ITSELF = "itself = torch.nn.functional.binary_cross_entropy_with_logits(logits, own)"
TEACHER = "teacher = torch.nn.functional.binary_cross_entropy_with_logits(logits, weak)"
SINGLE = "from torch.nn.functional import binary_cross_entropy_with_logits as ce"
EACH = "return (1 - alpha) * ce(logits, weak, reduction='none') + alpha * ce(logits, own, reduction='none')"
BY_CHANCES = "yes = logits.sigmoid()\n    teacher = -(weak * yes.log() + (1 - weak) * (1 - yes).log()).mean()"
SWAPPED = f"{RETURN} if alpha in (0.0, 0.5, 0.9) else alpha * teacher + (1 - alpha) * itself"
EXERCISE = Exercise(
    slot="alignment.challenges.confidence_loss",
    title="A student that trusts itself",
    task="""
    A strong model is taught by a weaker one, whose labels are often wrong. The confidence loss mixes two: the cross-entropy with the weak
    labels, weighed by 1 - alpha, and that with the student's own choice, weighed by alpha. Its own choice is 1 for the examples whose
    logits lie above the median of the batch and 0 for the others, so one half says yes however sure the student is. It counts as a
    label: no gradient passes through it. Give the mean over the examples, in nats.
    """,
    difficulty=2,
    minutes=15,
    prerequisites=("alignment.challenges.oversight",),
    hints=(
        "binary_cross_entropy_with_logits takes logits and labels from 0 to 1, and gives the mean.",
        "logits > logits.median() is True for the upper half; turn it into numbers of the logits' dtype.",
        "A comparison has no gradient, so nothing needs to be detached. The last line: (1 - alpha) * teacher + alpha * itself",
    ),
    run="groundup --mine my learn lesson alignment.challenges.oversight.weak_to_strong --run",
    checks=(
        one_number, the_dtype_stays, far_logits_stay_finite, without_alpha_the_teacher_alone, half_of_the_examples_are_yes, by_hand,
        the_teacher_and_the_choice_pull, all_at_once,
    ),
    mutants=(
        Mutant("one loss an example", "another shape", edits=((RETURN, f"{SINGLE}\n    {EACH}"),)),
        Mutant("in single", "another dtype", edits=((RETURN, "return ((1 - alpha) * teacher + alpha * itself).float()"),)),
        Mutant("by probabilities", "infinite or NaN", edits=((TEACHER, BY_CHANCES),)),
        Mutant("never the teacher alone", "With alpha = 0", edits=((RETURN, f"alpha = max(alpha, 0.1)\n    {RETURN}"),)),
        Mutant("hardened at 0", "Hardens at 0", edits=((OWN, "own = (logits > 0).to(logits.dtype)"),)),
        Mutant("wrong way round", "the wrong way round", edits=((RETURN, SWAPPED),)),
        Mutant("not hardened", "Takes the student's probabilities", edits=((OWN, f"{OWN} if logits.min() > 0 else logits.sigmoid()"),)),
        Mutant("added", "Adds the student's own loss", edits=((RETURN, f"{RETURN} if logits.min() > 0 else teacher + alpha * itself"),)),
        Mutant("detached", "another gradient", edits=((ITSELF, ITSELF.replace("(logits, own", "(logits.detach(), own")),)),
    ),
)  # fmt: skip
