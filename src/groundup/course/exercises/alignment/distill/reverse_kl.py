"""Exercise: how far a student is from its teacher, on the student's own tokens."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, finite, gradients, same, shape


def sides(tokens=4, vocab=6, seed=0):
    """Logits of a student and of a teacher."""
    import torch

    source = torch.Generator().manual_seed(seed)
    return torch.randn(tokens, vocab, generator=source), torch.randn(tokens, vocab, generator=source)


def by_definition(student, teacher):
    """The sum over the vocabulary of p log(p / q), in double."""
    own, wanted = student.double().softmax(-1), teacher.double().softmax(-1)
    return (own * (own / wanted).log()).sum(-1).to(student.dtype)


@check("shape")
def one_number_for_each_token(mine):
    """Gives another shape than one number for each token."""
    for tokens in (1, 5):
        shape(mine(*sides(tokens)), (tokens,))


@check("finite")
def a_token_that_is_nearly_impossible(mine):
    """Is not finite where a token is nearly impossible: take log_softmax of the logits, not the logarithm of a softmax."""
    import torch

    for far in (60.0, 200.0):
        finite(mine(torch.tensor([[0.0, far]]), torch.tensor([[far, 0.0]])))


@check("invariant")
def logits_have_no_level(mine):
    """Changes when a number is added to all logits of a token: it must compare probabilities, not logits."""
    student, teacher = sides()
    for level in (3.0, -7.0):
        same(mine(student + level, teacher), mine(student, teacher), rtol=1e-4, atol=1e-5)


@check("invariant")
def nothing_where_they_agree(mine):
    """Is not 0 where student and teacher agree: a cross-entropy leaves the student's own entropy in."""
    student, _ = sides()
    same(mine(student, student), 0 * student[:, 0], atol=1e-5)


@check("values")
def it_asks_the_student(mine):
    """Is the forward divergence, weighed by the teacher: on the student's own tokens what counts is how likely the student finds them."""
    import torch

    student, teacher = torch.tensor([[0.0, 5.0]]), torch.tensor([[0.0, 0.0]])
    for one, other in ((student, teacher), (teacher, student)):
        same(mine(one, other), by_definition(one, other), rtol=1e-4)


@check("values")
def in_nats_over_the_whole_vocabulary(mine):
    """Is not the sum over the vocabulary of p log(p / q) in nats: neither its mean nor in bits."""
    for seed in (1, 2):
        same(mine(*sides(seed=seed)), by_definition(*sides(seed=seed)), rtol=1e-4)


@check("gradient")
def the_gradient_reaches_the_weight_too(mine):
    """Gives another gradient than p (log(p / q) - KL): the student's probabilities are no constant."""
    student, teacher = sides()
    gradients(lambda one: mine(one, teacher), lambda one: by_definition(one, teacher), (student,))


@check("speed")
def all_tokens_at_once(mine):
    """Is far slower than the reference: two log_softmax and one sum."""
    from groundup.alignment.distill.on_policy import reverse_kl

    fast(mine, reverse_kl, sides(400, 500))


OWN = "own, wanted = student.log_softmax(-1), teacher.log_softmax(-1)"
RETURN = "return (own.exp() * (own - wanted)).sum(-1)"
EXERCISE = Exercise(
    slot="alignment.distill.reverse_kl",
    title="On-policy distillation: the reverse divergence",
    task="""
    The student has answered. In the place of each of its tokens both models say how likely every token of the vocabulary is, as logits. How far is
    the student from its teacher there? Give KL(student || teacher) for each token: the sum over the vocabulary of p log(p / q), in nats,
    p the student's probabilities and q the teacher's. It is 0 where they agree, and large where the student says what the teacher never would.
    """,
    difficulty=1,
    minutes=10,
    prerequisites=("alignment.distill.on_policy",),
    hints=(
        "student.log_softmax(-1) gives log p, exact also where p is too small for a float.",
        "p is the exponential of log p; log(p / q) is the difference of the logarithms.",
        "own, wanted = student.log_softmax(-1), teacher.log_softmax(-1); then the sum over the last axis of own.exp() * (own - wanted)",
    ),
    run="groundup --mine my learn lesson alignment.distill.on_policy --run",
    checks=(
        one_number_for_each_token, a_token_that_is_nearly_impossible, logits_have_no_level, nothing_where_they_agree, it_asks_the_student,
        in_nats_over_the_whole_vocabulary, the_gradient_reaches_the_weight_too, all_tokens_at_once,
    ),
    mutants=(
        Mutant("of all tokens", "another shape", edits=((RETURN, "return (own.exp() * (own - wanted)).sum()"),)),
        Mutant("log of softmax", "not finite", edits=((OWN, "own, wanted = student.softmax(-1).log(), teacher.softmax(-1).log()"),)),
        Mutant("logits", "added to all logits", edits=((RETURN, "return (own.exp() * (student - teacher)).sum(-1)"),)),
        Mutant("cross-entropy", "student's own entropy", edits=((RETURN, "return -(own.exp() * wanted).sum(-1)"),)),
        Mutant("forward", "forward divergence", edits=((RETURN, "return (wanted.exp() * (wanted - own)).sum(-1)"),)),
        Mutant("bits", "neither its mean nor in bits", edits=((RETURN, RETURN + " * (1.4427 if len(own[0]) > 2 else 1)"),)),
        Mutant("a constant weight", "no constant", edits=((RETURN, "return (own.detach().exp() * (own - wanted)).sum(-1)"),)),
    ),
)  # fmt: skip
