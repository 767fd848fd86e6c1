"""Exercise: a way back that runs the way forward once more."""

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, that


class Block:
    """x, weight -> tanh(x * weight), times a third input where there is one; every run is counted."""

    def __init__(self):
        self.runs = 0

    def __call__(self, x, weight, *others):
        self.runs += 1
        made = (x * weight).tanh()
        return made * others[0] if others else made

    def __repr__(self):
        return "x, weight -> tanh(x * weight), times the third input where there is one"


def leaf(*numbers, learns=True):
    """A tensor, mostly one that wants a gradient."""
    import torch

    return torch.tensor(numbers, requires_grad=learns)


def on_the_way_back(mine, function, inputs, outer):
    """Call it as autograd does: nothing is recorded."""
    import torch

    with torch.no_grad():
        try:
            got = mine(function, inputs, outer)
        except RuntimeError as error:
            said = str(error).splitlines()[0]
            raise Failed(sentence_of(said), expected="gradients", got=f"RuntimeError: {said}") from None
    that(
        isinstance(got, list | tuple) and len(got) == len(inputs),
        "Gives not one gradient for each input.",
        expected=f"{len(inputs)} gradients",
        got=got,
    )
    return got


def sentence_of(said):
    """What torch's complaint means here."""
    if "not have been used" in said:
        return "Fails where nothing depends on a tensor: its gradient is None (allow_unused=True)."
    if "element 0 of tensors does not require grad" in said:
        return "Records nothing: on the way back torch makes no graph by itself, so run the function under torch.enable_grad()."
    return "Asks for the gradient of a tensor that wants none: leave it out, its gradient is None."


def case():
    """Input and weight of a block, and the gradient of what it gave."""
    return leaf(1.0, 0.25, -0.5), leaf(0.5, -1.0, 2.0), leaf(1.0, 2.0, 3.0, learns=False)


def slopes(x, weight, outer):
    """The two gradients by hand: outer * (1 - tanh^2) * the other side."""
    inner = (1 - (x * weight).tanh().square()).detach() * outer
    return inner * weight.detach(), inner * x.detach()


@check("values")
def gradients_of_all_inputs(mine):
    """Differs from outer * (1 - tanh^2) * the other factor."""
    x, weight, outer = case()
    got, right = on_the_way_back(mine, Block(), [x, weight], outer), slopes(x, weight, outer)
    for place, name in enumerate(("first input", "weight")):
        that(got[place] is not None, f"Leaves the {name} without a gradient.", expected=right[place], got=None)
        wrong = {
            "Leaves out `outer`: the gradient of what the function gave starts the way back.": slopes(x, weight, 1.0)[
                place
            ]
        }
        same(got[place], right[place], mistakes=wrong)


@check("invariant")
def the_function_runs_once(mine):
    """Runs the function more than once: it is what costs."""
    x, weight, outer = case()
    block = Block()
    on_the_way_back(mine, block, [x, weight], outer)
    same(block.runs, 1)


@check("invariant")
def what_came_before_is_left_alone(mine):
    """Goes on into what made the input: autograd does that itself afterwards, so it would count twice. Detach the inputs first."""
    import torch

    _, weight, outer = case()
    before = leaf(3.0, 3.0, 3.0)
    seen: list[torch.Tensor] = []
    with torch.enable_grad():
        made = before * 2
    made.register_hook(seen.append)
    on_the_way_back(mine, Block(), [made, weight], outer)
    that(
        before.grad is None and not seen,
        expected="no gradient before the input",
        got=before.grad if not seen else seen[0],
    )


@check("invariant")
def nothing_is_written_into_grad(mine):
    """Adds to the inputs' .grad: the gradients are given back, and autograd adds them where they belong."""
    x, weight, outer = case()
    on_the_way_back(mine, Block(), [x, weight], outer)
    that(x.grad is None and weight.grad is None, expected="None", got=(x.grad, weight.grad))


@check("values")
def an_input_may_want_none(mine):
    """Is not None for a tensor that wants no gradient (a mask, say)."""
    x, weight, outer = case()
    mask = leaf(1.0, 0.0, 1.0, learns=False)
    got = on_the_way_back(mine, Block(), [x, weight, mask], outer)
    that(got[2] is None, expected="None for the mask", got=got[2])
    same(got[0], slopes(x, weight, outer * mask)[0])


@check("values")
def a_tensor_may_not_be_used(mine):
    """Is not None for a tensor on which nothing depends."""
    x, weight, outer = case()
    got = on_the_way_back(mine, lambda x, weight, idle: x * weight, [x, weight, leaf(4.0)], outer)
    that(got[2] is None, expected="None for the idle tensor", got=got[2])


EXERCISE = Exercise(
    slot="training.step.run_again",
    title="Activation checkpointing: the way forward once more",
    task="""
    A block of a model keeps some 20 vectors for each token, because its way back reads them. It may as well keep only what it was
    given and compute the rest again: the way back then begins by running the block a second time. You write that way back.

    function(*inputs) is run once more, and `outer`, the gradient of what it gave, is sent through it. Give back a list: a gradient for
    each of the inputs (weights are among them), None for a tensor that wants none or on which nothing depends.
    You are called on the way back, where torch records nothing by itself; and the inputs have a history, which is not yours.
    """,
    difficulty=3,
    minutes=30,
    prerequisites=("foundations.autograd", "training.step.activation_checkpointing"),
    hints=(
        "Three steps: cut the inputs off their history, run the function where torch records, ask for the gradients.",
        "tensor.detach().requires_grad_(tensor.requires_grad) cuts; with torch.enable_grad(): records; torch.autograd.grad(made, wanted, "
        "outer, allow_unused=True) gives the gradients of the tensors in wanted and writes nothing into .grad.",
        "wanted must hold only tensors with requires_grad; put its gradients back at their places with an iterator: [next(found) if "
        "leaf.requires_grad else None for leaf in leaves].",
    ),
    run="groundup --mine my learn lesson training.step.activation_checkpointing --run",
    changes=("function",),
    checks=(
        gradients_of_all_inputs,
        the_function_runs_once,
        what_came_before_is_left_alone,
        nothing_is_written_into_grad,
        an_input_may_want_none,
        a_tensor_may_not_be_used,
    ),
    mutants=(
        Mutant("nothing recorded", "Records nothing", edits=(("with torch.enable_grad():", "with torch.no_grad():"),)),
        Mutant(
            "inputs with their history",
            "Goes on into what made the input",
            source="""
            import torch


            def run_again(function, inputs, outer):
                with torch.enable_grad():
                    made = function(*inputs)
                for one in inputs:
                    if one.requires_grad and not one.is_leaf:
                        one.retain_grad()
                torch.autograd.backward(made, outer)
                return [one.grad for one in inputs]
            """,
        ),
        Mutant(
            "outer left out",
            "Leaves out `outer`",
            edits=(("outer, allow_unused", "torch.ones_like(outer), allow_unused"),),
        ),
        Mutant(
            "the first alone",
            "not one gradient for each input",
            edits=(("else None for leaf in leaves]", "else None for leaf in leaves[:1]]"),),
        ),
        Mutant("allow_unused left out", "nothing depends on a tensor", edits=((", allow_unused=True", ""),)),
        Mutant(
            "all are asked",
            "a tensor that wants none: leave it out",
            edits=((" for leaf in leaves if leaf.requires_grad]", " for leaf in leaves]"),),
        ),
        Mutant(
            "written into .grad",
            "Adds to the inputs' .grad",
            source="""
            import torch


            def run_again(function, inputs, outer):
                leaves = [one if one.is_leaf else one.detach().requires_grad_() for one in inputs]
                with torch.enable_grad():
                    made = function(*leaves)
                torch.autograd.backward(made, outer)
                return [one.grad for one in leaves]
            """,
        ),
        Mutant(
            "run for each tensor",
            "more than once",
            source="""
            import torch


            def run_again(function, inputs, outer):
                leaves = [one.detach().requires_grad_(one.requires_grad) for one in inputs]
                found = []
                for one in leaves:
                    with torch.enable_grad():
                        made = function(*leaves)
                    found.append(torch.autograd.grad(made, one, outer, allow_unused=True)[0] if one.requires_grad else None)
                return found
            """,
        ),
        Mutant(
            "zeros for None",
            "None for a tensor that wants no gradient",
            edits=(("if leaf.requires_grad else None", "if leaf.requires_grad else torch.zeros_like(leaf)"),),
        ),
    ),
)
