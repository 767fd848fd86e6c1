"""On-policy distillation: the student answers, and the teacher says of each of its tokens what it would have said in that place.

    loss       mean over the tokens of the student's own answers of KL(student || teacher)        the whole vocabulary, exact, in nats
    gradient   by a logit: p_i (log(p_i / q_i) - KL)                                              p: student, q: teacher

Tuning on the teacher's texts teaches what to do where the teacher would be; the student's own mistakes lead elsewhere, and there it was never told anything.
Reinforcement teaches there, but one number an answer; here every token has a whole distribution. The reverse divergence asks for nothing
that the student cannot do: it may leave out what the teacher also says, and is punished for what it never would.

Agarwal et al. 2023 (GKD), arXiv:2306.13649, algorithm 1 with lambda = 1; Gu et al. 2023 (MiniLLM), arXiv:2306.08543, eq. 1; Ross et al. 2011 (DAgger). The
student's draw is a constant for the gradient, as in GKD. Left out: teachers with other tokens; mixtures of own and written answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch, states
from groundup.alignment.environments.rollouts import Environment, Group
from groundup.alignment.practice import improve
from groundup.alignment.rounds import Lesson, Rounds
from groundup.errors import InputError
from groundup.slots import slot

__all__ = ["reverse_kl", "forward_kl", "Taught", "DistillRounds", "distill"]


@slot
def reverse_kl(student: Float[Tensor, "tokens vocab"], teacher: Float[Tensor, "tokens vocab"]) -> Float[Tensor, " tokens"]:
    """KL(student || teacher) in each place, in nats, from logits; 0 where they agree.

    >>> reverse_kl(torch.zeros(1, 2), torch.log(torch.tensor([[0.25, 0.75]]))).round(decimals=4)
    tensor([0.1438])
    """
    own, wanted = student.log_softmax(-1), teacher.log_softmax(-1)
    return (own.exp() * (own - wanted)).sum(-1)


def forward_kl(student: Float[Tensor, "tokens vocab"], teacher: Float[Tensor, "tokens vocab"]) -> Float[Tensor, " tokens"]:
    """KL(teacher || student) in each place, in nats, from logits."""
    return reverse_kl(teacher, student)


@dataclass(frozen=True, slots=True)
class Taught(Environment):
    """An environment with a teacher: a module with the student's vocabulary."""

    teacher: Any = None


def next_token_logits(module: Any, batch: AnswerBatch) -> Float[Tensor, "tokens vocab"]:
    """What a module says in the place of every token of every answer."""
    logits: Tensor = module.lm_head(states(module, batch))
    return logits[: len(batch.predictors)].float()


class DistillRounds(Rounds):
    """Rounds whose lesson is the teacher's distribution in every place; the reward is only told."""

    @classmethod
    def begin(cls, module: Any, environment: Environment, config: Any, folder: Path | None) -> "DistillRounds":
        """The teacher is the environment's."""
        teacher = getattr(environment, "teacher", None)
        if teacher is None:
            raise InputError("distillation needs a teacher; give a larger model's folder as --teacher FOLDER")
        if teacher.config.vocab_size != module.config.vocab_size:
            raise InputError(
                f"the teacher has {teacher.config.vocab_size:,} tokens and the student {module.config.vocab_size:,}, so they cannot be "
                "compared token by token; take two models with one tokenizer"
            )
        return cls(module, environment, config, folder, teacher.requires_grad_(False))

    def advantages(self, rewards: Float[Tensor, "groups samples"]) -> Float[Tensor, "groups samples"]:
        """None: no answer is judged as a whole."""
        return torch.zeros_like(rewards)

    def lesson(self, groups: Sequence[Group], advantages: Tensor, part: int) -> Lesson:
        """Lay groups out for one update."""
        batch = self.laid_out(groups)
        return Lesson(batch, torch.zeros(len(batch.targets), device=batch.targets.device))

    def objective(self, module: Any, lesson: Lesson) -> tuple[Tensor, int]:
        """The sum of the divergences over the tokens of a lesson, and how many there are."""
        with torch.no_grad():
            wanted = next_token_logits(self.reference, lesson.batch)
        divergence = reverse_kl if self.config.divergence == "reverse" else forward_kl
        losses = divergence(next_token_logits(module, lesson.batch), wanted)
        self.numbers["kl"] = float(losses.detach().mean())
        return losses.sum(), len(losses)


distill = partial(improve, DistillRounds)
