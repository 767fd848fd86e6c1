"""Exercise: several small batches that count as one large batch."""

import math
from dataclasses import dataclass, field
from typing import Any

from groundup.course.exercise import Exercise, Failed, Mutant, check
from groundup.course.expect import same, shown, that


@dataclass(frozen=True, repr=False)
class Batch:
    """Inputs, targets and a mask: true where a target counts."""

    input_ids: Any
    targets: Any
    loss_mask: Any

    def __repr__(self) -> str:
        return f"Batch({', '.join(f'{name}={shown(value)}' for name, value in vars(self).items())})"


@dataclass
class SquaredErrors:
    """An objective: the sum of the squared errors at the targets that count, and how many these are.

    Without a target the loss is a plain 0, outside of any graph. gradients: at each call, whether the module had gradients.
    """

    gradients: list[bool] = field(default_factory=list)

    def __call__(self, module: Any, batch: Batch) -> tuple[Any, int]:
        self.gradients.append(module.weight.grad is not None)
        if not batch.loss_mask.any():
            return 0 * batch.targets.sum(), 0  # as GRPO's, where all answers are equally good
        errors = (module(batch.input_ids[:, None])[:, 0] - batch.targets)[batch.loss_mask]
        return errors.square().sum(), len(errors)

    def __repr__(self) -> str:
        return "the sum of (weight * input - target)^2 where the mask is true, and how many these are"


def batch(targets, inputs=None, places=0):
    """A batch with these targets; beyond them, up to so many places, nothing counts."""
    import torch

    missing = max(0, places - len(targets))
    given = torch.tensor([*(inputs or [1.0] * len(targets)), *[1.0] * missing])
    mask = torch.arange(len(targets) + missing) < len(targets)
    return Batch(given, torch.tensor([*targets, *[9.0] * missing]), mask)


def module_of_one_weight():
    """A model whose answer is weight * input, with the weight 0."""
    import torch

    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    return module


def uneven():
    """One target in the first batch, three in the second."""
    return [batch([2.0], places=3), batch([1.0, 1.0, 1.0])]


def loss_and_gradient(mine, batches):
    """What comes back, and the gradient of the one weight afterwards."""
    module = module_of_one_weight()
    loss = mine(module, batches, SquaredErrors())
    return loss, module.weight.grad


@check("finite")
def without_a_target_there_is_no_backward(mine):
    """Calls backward where a batch has no target: its loss may be a plain 0 without a graph, so pass it over where count is 0."""
    for batches in ([batch([1.0]), batch([], places=1)], [batch([], places=1)]):
        try:
            loss_and_gradient(mine, batches)
        except RuntimeError as error:
            raise Failed(expected="no backward for that batch", got=f"RuntimeError: {error}") from None
        except ZeroDivisionError:
            pass  # the next checks' question


@check("finite")
def a_batch_may_have_no_target(mine):
    """Divides by the number of targets of one batch, which may be 0: divide by that of all batches together."""
    for batches in ([batch([1.0]), batch([], places=1)], [batch([], places=1), batch([1.0, 1.0])]):
        try:
            loss, gradient = loss_and_gradient(mine, batches)
        except ZeroDivisionError:
            raise Failed(expected="finite numbers", got="ZeroDivisionError") from None
        that(math.isfinite(loss), expected="a finite loss", got=loss)
        that(gradient is None or gradient.isfinite().all(), expected="a finite gradient", got=gradient)


@check("finite")
def no_batch_may_have_a_target(mine):
    """Divides by 0 where no batch has a target: hold the number at 1 or more, and the loss is 0."""
    try:
        same(loss_and_gradient(mine, [batch([], places=1)])[0], 0.0)
    except ZeroDivisionError:
        raise Failed(expected="0", got="ZeroDivisionError") from None


@check("invariant")
def every_batch_is_computed_once(mine):
    """Asks the objective more than once for a batch: that is a whole pass through the model. Count the targets in loss_mask."""
    objective = SquaredErrors()
    mine(module_of_one_weight(), uneven(), objective)
    asked = len(objective.gradients)
    that(asked <= 2, expected="2 calls for 2 batches", got=f"{asked} calls")
    that(
        asked >= 2,
        "Leaves batches out: each of them goes through the objective.",
        expected="2 calls",
        got=f"{asked} calls",
    )


@check("invariant")
def each_graph_is_gone_before_the_next(mine):
    """Holds the graphs of all batches at once, and to spare that memory the batch was split: call backward in the loop."""
    module, objective = module_of_one_weight(), SquaredErrors()
    mine(module, uneven(), objective)
    gradient = module.weight.grad
    that(
        gradient is not None,
        "Leaves no gradient: call backward on the loss of each batch.",
        expected="-2.5",
        got="None",
    )
    same(objective.gradients, [False, True])


@check("values")
def the_loss_is_the_mean_over_all_targets(mine):
    """Is not the sum of all losses (4 + 3) over the number of all targets (1 + 3)."""
    mistakes = {
        "Takes the mean of the batches' means: one target of a short batch then counts as much as three of a long one.": 2.5,
        "Gives back the sum: divide it by the number of all targets.": 7.0,
        "Divides by the number of batches: the number of all targets is wanted.": 3.5,
        "Gives back the loss of the last batch only.": 0.75,
        "Gives back the mean of the last batch only.": 1.0,
        "Counts also what the mask leaves out: targets are where loss_mask is true.": 7 / 6,
        "Adds up the batches' means.": 5.0,
    }
    same(loss_and_gradient(mine, uneven())[0], 1.75, mistakes=mistakes)


@check("gradient")
def the_gradient_is_that_of_the_mean_over_all_targets(mine):
    """The gradient is not that of the mean over all targets: -2 (2 + 1 + 1 + 1) / 4."""
    import torch

    mistakes = {
        "The gradients are those of the mean of the batches' means: divide each batch's sum by the number of all targets.": -3.0,
        "The loss is divided and the gradients are not: divide before backward.": -10.0,
        "The gradients are divided by the number of batches: the number of all targets is wanted.": -5.0,
        "Only the gradient of the last batch is left: backward adds to what is there, so do not set it to 0 in between.": -1.5,
        "Each batch's gradient is divided by its own number of targets.": -6.0,
        "The gradients are divided by all places: targets are where loss_mask is true.": -10 / 6,
        "The gradients are divided twice.": -10 / 16,
    }
    gradient = loss_and_gradient(mine, uneven())[1]
    that(
        gradient is not None,
        "Leaves no gradient: call backward on the loss of each batch.",
        expected="-2.5",
        got="None",
    )
    named = {sentence: torch.tensor([[wrong]]) for sentence, wrong in mistakes.items()}
    same(gradient, torch.tensor([[-2.5]]), mistakes=named)


@check("gradient")
def as_one_large_batch(mine):
    """Differs from the gradient of one large batch that holds the rows of all."""
    import torch

    source = torch.Generator().manual_seed(0)
    parts = [torch.randn(2, size, generator=source).tolist() for size in (1, 2, 4)]
    module = torch.nn.Linear(1, 1, bias=False)
    inputs, targets = (torch.tensor([number for part in parts for number in part[which]]) for which in (0, 1))
    expected = (module(inputs[:, None])[:, 0] - targets).square().mean()
    (gradient,) = torch.autograd.grad(expected, [module.weight])
    loss = mine(module, [batch(part[1], part[0]) for part in parts], SquaredErrors())
    same(loss, expected.item(), rtol=1e-4)
    same(module.weight.grad, gradient, rtol=1e-4)


COUNT = "sum(int(batch.loss_mask.sum()) for batch in batches)"
GUARD = "if count:  # without targets a loss may be a plain 0, outside of any graph"
BACKWARD = "(loss / total).backward()"

EXERCISE = Exercise(
    slot="training.step.accumulate",
    title="Many small batches as one large batch",
    task="""
    The batch you want does not fit into memory, so it comes in parts. Send each part through the objective, call backward on
    its loss, and forget it; backward adds to the gradients that are there. At the end they shall be those of the one large
    batch. A mean of the parts' means is not that: a part with one target would weigh as much as a part with a thousand, a
    fault that training programs in wide use had for years. Every loss is divided by the number of all targets of all parts.

    Give back the mean loss over all targets, a float. Parts without any target happen, and
    the loss of such a part may be a plain 0 that nothing can be learned from.
    """,
    difficulty=2,
    minutes=20,
    prerequisites=("training.step.accumulation", "training.objectives.causal"),
    hints=(
        "What must every loss be divided by? It has to be known before the first backward, and loss_mask tells it without the model.",
        "total = sum(int(batch.loss_mask.sum()) for batch in batches), held at 1 or more. Then one loop over the batches: objective, "
        "divide, backward.",
        "In the loop: loss, count = objective(module, batch); if count: (loss / total).backward(); loss_sum += float(loss). After it: "
        "loss_sum / total.",
    ),
    run="groundup --mine my demo --fast --set train.gradient_accumulation_steps=2",
    changes=("module", "objective"),
    checks=(
        without_a_target_there_is_no_backward,
        a_batch_may_have_no_target,
        no_batch_may_have_a_target,
        every_batch_is_computed_once,
        each_graph_is_gone_before_the_next,
        the_loss_is_the_mean_over_all_targets,
        the_gradient_is_that_of_the_mean_over_all_targets,
        as_one_large_batch,
    ),
    mutants=(
        Mutant("backward always", "Calls backward where", edits=((f"{GUARD}\n            {BACKWARD}", BACKWARD),)),
        Mutant(
            "each batch by its own number",
            "which may be 0",
            edits=(("float(loss.detach())", "float(loss.detach() / count)"),),
        ),
        Mutant(
            "the mean of the means",
            "Takes the mean of the batches' means",
            edits=(
                ("loss_sum += float(loss.detach())", "loss_sum += float(loss.detach()) / max(1, count)"),
                ("return loss_sum / total", "return loss_sum / len(batches)"),
            ),
        ),
        Mutant(
            "the gradient of the means",
            "those of the mean of the batches' means",
            edits=((BACKWARD, "(loss / count / len(batches)).backward()"),),
        ),
        Mutant("added means", "divided by its own number", edits=((BACKWARD, "(loss / count).backward()"),)),
        Mutant("no target at all", "Divides by 0 where no batch", edits=((f"max(1, {COUNT})", COUNT),)),
        Mutant(
            "counted by the objective",
            "more than once for a batch",
            edits=((COUNT, "sum(objective(module, batch)[1] for batch in batches)"),),
        ),
        Mutant(
            "the first batch",
            "Leaves batches out",
            edits=(("    for batch in batches:", "    for batch in batches[:1]:"),),
        ),
        Mutant(
            "all graphs at once",
            "Holds the graphs of all batches",
            source="""
            def accumulate(module, batches, objective):
                results = [objective(module, batch) for batch in batches]
                loss = sum(loss for loss, _ in results) / max(1, sum(count for _, count in results))
                if loss.requires_grad:
                    loss.backward()
                return float(loss)
            """,
        ),
        Mutant("the sum", "Gives back the sum", edits=(("return loss_sum / total", "return loss_sum"),)),
        Mutant(
            "over the batches",
            "Divides by the number of batches",
            edits=(("return loss_sum / total", "return loss_sum / len(batches)"),),
        ),
        Mutant("the last loss", "the loss of the last batch", edits=(("loss_sum +=", "loss_sum ="),)),
        Mutant(
            "masked places counted",
            "what the mask leaves out",
            edits=(("int(batch.loss_mask.sum())", "batch.loss_mask.numel()"),),
        ),
        Mutant("not divided", "the gradients are not", edits=((BACKWARD, "loss.backward()"),)),
        Mutant(
            "gradients over the batches",
            "gradients are divided by the number of batches",
            edits=((BACKWARD, "(loss / len(batches)).backward()"),),
        ),
        Mutant(
            "set to 0 in between",
            "Only the gradient of the last batch",
            edits=((BACKWARD, f"module.zero_grad()\n            {BACKWARD}"),),
        ),
        Mutant("no backward", "Leaves no gradient", edits=((BACKWARD, "pass"),)),
        Mutant("a tensor given back", "Returns Tensor where float", edits=(("float(loss.detach())", "loss.detach()"),)),
    ),
)
