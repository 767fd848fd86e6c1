"""Knowledge distillation: a student is told not only the next token but how likely its teacher holds every other one.

    logits      T^2 KL(teacher_T || student_T), T a temperature that shows the small probabilities      Hinton et al. 2015, arXiv:1503.02531, section 2
    features    the mean square of student W - teacher, hidden states at some blocks, W learned          Romero et al. 2014, arXiv:1412.6550, eq. 3
    sequences   texts that the teacher wrote, learned as if they were documents                          Kim and Rush 2016, arXiv:1606.07947, section 3.2

The gradient of the KL shrinks with 1 / T^2, which T^2 makes up for; so its share beside the plain loss does not depend on T. An objective here is what the
training loop takes: (module, batch) -> sum of losses, number of targets.
"""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError, InputError
from groundup.slots import slot
from groundup.training.objectives.causal import Asked, causal_asked, loss_where


@slot
def distillation_loss(
    student: Float[Tensor, "tokens vocab"], teacher: Float[Tensor, "tokens vocab"], temperature: float
) -> Float[Tensor, " tokens"]:
    """T^2 KL(p_teacher || p_student) of each token, in nats; both distributions at that temperature. Hinton et al. 2015, section 2."""
    wide = torch.promote_types(student.dtype, torch.float32)
    told = functional.log_softmax(teacher.to(wide) / temperature, dim=-1)
    said = functional.log_softmax(student.to(wide) / temperature, dim=-1)
    return temperature**2 * (told.exp() * (told - said)).sum(-1)


class Distillation:
    """An objective for the training loop: weight * distillation + (1 - weight) * plain loss.

    teacher: a decoder with the student's tokenizer; it is not trained. temperature: above 0, usually 1 to 4.
    """

    def __init__(self, teacher: Any, *, temperature: float = 2.0, weight: float = 0.9):
        if not temperature > 0:
            raise ConfigError(f"temperature={temperature} is not possible; use a number above 0, such as 2")
        if not 0 <= weight <= 1:
            raise ConfigError(f"weight={weight} is not possible; use 0 (only the text) to 1 (only the teacher)")
        self.teacher, self.temperature, self.weight = teacher.eval(), temperature, weight
        self.teacher.requires_grad_(False)

    def __call__(self, module: Any, batch: Any) -> tuple[Tensor, int]:
        """The summed loss of a batch, and how many targets there were."""
        check(module, self.teacher)
        asked = causal_asked(module, batch)
        plain, count = loss_where(asked)
        told = self._of_the_teacher(asked, batch)
        return self.weight * distillation_loss(_scores(asked), told, self.temperature).sum() + (
            1 - self.weight
        ) * plain, count

    @torch.no_grad()
    def _of_the_teacher(self, asked: Asked, batch: Any) -> Float[Tensor, "tokens vocab"]:
        return _scores(causal_asked(self.teacher, batch)._replace(targets=asked.targets, kept=asked.kept))


def _scores(asked: Asked) -> Float[Tensor, "tokens vocab"]:
    hidden, _ = asked.chosen()
    return asked.head(hidden[None])[0]


def check(student: Any, teacher: Any) -> None:
    """Refuse a teacher of another vocabulary: its probabilities would be about other tokens."""
    ours, theirs = student.config.vocab_size, teacher.config.vocab_size
    if ours != theirs:
        raise InputError(f"the student has {ours} tokens and the teacher {theirs}; give both one tokenizer")


class FeatureMatching(nn.Module):
    """An objective that draws hidden states of a student towards a teacher's; the maps between their widths are learned beside the student.

    pairs: (block of the student, block of the teacher), counted from 0. Give the loop a module that holds both, or train `self.maps` as well.
    """

    def __init__(self, student: Any, teacher: Any, pairs: Sequence[tuple[int, int]]):
        super().__init__()
        layers = len(student.model.layers), len(teacher.model.layers)
        for pair in pairs:
            if not all(0 <= one < many for one, many in zip(pair, layers, strict=True)):
                raise ConfigError(
                    f"blocks {pair} are not there; the student has {layers[0]} and the teacher {layers[1]}"
                )
        self.pairs, self._teacher = tuple(pairs), [teacher.eval()]
        widths = student.config.hidden_size, teacher.config.hidden_size
        self.maps = nn.ModuleList(nn.Linear(*widths, bias=False) for _ in pairs)

    def forward(self, module: Any, batch: Any) -> tuple[Tensor, int]:
        """The summed squared distance a token (mean over coordinates), and how many tokens there were."""
        ours = hidden_states(module, batch, [one for one, _ in self.pairs])
        with torch.no_grad():
            theirs = hidden_states(self._teacher[0], batch, [other for _, other in self.pairs])
        kept = batch.loss_mask.bool()
        total = sum(
            ((move(mine) - told).square().mean(-1) * kept).sum()
            for move, mine, told in zip(self.maps, ours, theirs, strict=True)
        )
        return torch.as_tensor(total), int(kept.sum())


def hidden_states(module: Any, batch: Any, blocks: Sequence[int]) -> list[Float[Tensor, "batch seq hidden"]]:
    """What some blocks give, with gradients, in the order asked for."""
    found: dict[int, Tensor] = {}

    def keep(number: int) -> Any:
        return lambda _block, _given, made: found.__setitem__(number, made)

    hooks = [module.model.layers[number].register_forward_hook(keep(number)) for number in set(blocks)]
    try:
        causal_asked(module, batch)
    finally:
        for hook in hooks:
            hook.remove()
    return [found[number] for number in blocks]


def written_by(
    teacher: Any, prompts: Sequence[Sequence[int]], sampling: Any, stop_ids: Collection[int] = ()
) -> list[list[int]]:
    """Texts for a student to learn: each prompt with what the teacher made of it (greedy decoding is the mode that Kim and Rush learn from)."""
    from groundup.inference.engine.batching import generate_batch

    answers = generate_batch(teacher, prompts, sampling, stop_ids)
    return [[*prompt, *answer.ids] for prompt, answer in zip(prompts, answers, strict=True)]
