"""PPO for language models: a value head guesses what an answer will be worth, token by token, and each token is judged by the surprise.

    rewards      r_t = -k log(p / p_ref), and the score on top at the answer's last token       the way from the model before has a price
    GAE          d_t = r_t + g V_(t+1) - V_t,   A_t = d_t + g l A_(t+1),   return = A + V        V after the end is 0
    policy       max(-A w, -A clip(w, 1 - c, 1 + c)),   w = p / p_old                            flat once a token moved enough
    value        half max((V - return)^2, (V_clipped - return)^2),   V_clipped within c of V_old
    price        k <- k (1 + 0.1 clip(kl / target - 1, -0.2, 0.2))                               if a target is given

The value head is one linear layer, 0 at first, on the policy's own hidden states: the trunk is run once for both. With V = 0 and
l = g = 1 every token of an answer gets the answer's whole score, as in REINFORCE.

Schulman et al. 2017, arXiv:1707.06347, eq. 7; Schulman et al. 2015, arXiv:1506.02438, eq. 16; for language models Ziegler et al. 2019,
arXiv:1909.08593, section 2.2 (the price), and Stiennon et al. 2020, arXiv:2009.01325, section 3.4. The clip of the value is OpenAI's
implementation's, in no paper (Huang et al. 2022, "The 37 implementation details of PPO", detail 9). Left out: a value network of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from groundup.alignment.answers import AnswerBatch, log_probabilities, states
from groundup.alignment.environments.rollouts import Environment, Group
from groundup.alignment.practice import align_folder, improve
from groundup.alignment.rounds import Rounds, before, of_answers
from groundup.slots import slot
from groundup.training.objectives.around import Around

__all__ = ["gae", "ppo_clip", "value_loss", "adapted", "token_rewards", "ActorCritic", "PpoRounds", "ppo", "align"]

LARGEST_STEP, RATE = 0.2, 0.1  # of the price: Ziegler et al. 2019, section 2.2
TINY = 1e-8


@slot
def gae(
    rewards: Float[Tensor, "answers seq"],
    values: Float[Tensor, "answers seq"],
    real: Bool[Tensor, "answers seq"],
    discount: float = 1.0,
    decay: float = 0.95,
) -> Float[Tensor, "answers seq"]:
    """How much better each token went than the value head expected; real: True at tokens, which stand on the left of their row.

    Padding gets 0, whatever stands there in rewards and values; after the last token nothing more is expected.
    """
    advantages = torch.zeros_like(rewards)
    after = following = torch.zeros_like(rewards[:, 0])
    for place in reversed(range(rewards.shape[1])):
        surprise = rewards[:, place] + discount * following - values[:, place]
        after = torch.where(real[:, place], surprise + discount * decay * after, 0.0)
        following = torch.where(real[:, place], values[:, place], 0.0)
        advantages[:, place] = after
    return advantages


@slot
def ppo_clip(
    log_probabilities: Float[Tensor, " tokens"],
    old_log_probabilities: Float[Tensor, " tokens"],
    advantages: Float[Tensor, " tokens"],
    clip: float = 0.2,
) -> Float[Tensor, " tokens"]:
    """The policy's loss of each token; where the ratio moved past the clip in the direction of the advantage, its gradient is 0."""
    ratio = torch.exp(log_probabilities - old_log_probabilities)
    return torch.maximum(-advantages * ratio, -advantages * ratio.clamp(1 - clip, 1 + clip))


def value_loss(
    values: Float[Tensor, " tokens"],
    old_values: Float[Tensor, " tokens"],
    returns: Float[Tensor, " tokens"],
    clip: float = 0.2,
) -> Float[Tensor, " tokens"]:
    """Half the squared error of each guess; one that moved past the clip towards its return counts no more. clip 0: none."""
    errors = (values - returns).square()
    if clip:
        errors = torch.maximum(errors, (old_values + (values - old_values).clamp(-clip, clip) - returns).square())
    return errors / 2


def adapted(price: float, kl: float, target: float) -> float:
    """The price of a nat after a step whose answers went `kl` nats away; target 0: it stays.

    >>> adapted(0.1, 12.0, 6.0), adapted(0.1, 6.0, 6.0), adapted(0.1, 6.0, 0.0)
    (0.10200000000000001, 0.1, 0.1)
    """
    if not target:
        return price
    return price * (1 + RATE * min(max(kl / target - 1, -LARGEST_STEP), LARGEST_STEP))


def token_rewards(
    batch: AnswerBatch, scores: Float[Tensor, " answers"], away: Float[Tensor, " tokens"], price: float
) -> Float[Tensor, " tokens"]:
    """What each token earns: less the price of its way, and at the answer's last token, ended or cut, the score."""
    following = torch.nn.functional.pad(batch.answers[1:], (0, 1), value=-1)
    last = batch.answers != following
    return torch.where(last, scores[batch.answers], 0.0) - price * away


def in_rows(batch: AnswerBatch) -> tuple[Bool[Tensor, "answers seq"], Callable[[Tensor], Tensor]]:
    """Where tokens stand when every answer is a row, and how the values of all tokens are laid out so."""
    lengths = torch.bincount(batch.answers)
    real = torch.arange(int(lengths.max()), device=lengths.device) < lengths[:, None]

    def lay(values: Tensor) -> Tensor:
        rows = torch.zeros(real.shape, dtype=values.dtype, device=values.device)
        rows[real] = values
        return rows

    return real, lay


def whitened(values: Float[Tensor, " tokens"]) -> Float[Tensor, " tokens"]:
    """Mean 0 and deviation 1; a single one stays."""
    return values if len(values) < 2 else (values - values.mean()) * torch.rsqrt(values.var() + TINY)


class ActorCritic(Around):
    """A decoder and a value head on its hidden states: what is trained. The decoder alone is what is kept.

    price: that of a nat; with the weights, so that a run that goes on has the one it stopped with.
    """

    price: Tensor

    def __init__(self, module: Any, price: float = 0.0):
        super().__init__(module)
        self.value_head = nn.Linear(module.config.hidden_size, 1, device=module.device)
        nn.init.zeros_(self.value_head.weight)
        nn.init.zeros_(self.value_head.bias)
        self.register_buffer("price", torch.tensor(price, dtype=torch.float64))

    def forward(self, batch: AnswerBatch) -> tuple[Float[Tensor, " tokens"], Float[Tensor, " tokens"]]:
        """The log-probability of every token of every answer, and the value before it."""
        read = states(self.module, batch)
        values = self.value_head(read[: len(batch.predictors)].float())[:, 0]
        return log_probabilities(self.module, batch, read), values


@dataclass(slots=True)
class PpoLesson:
    """What one update learns from: a part of a step's answers, with what the model said of them before the step."""

    batch: AnswerBatch
    old: Float[Tensor, " tokens"]
    old_values: Float[Tensor, " tokens"]
    away: Float[Tensor, " tokens"]  # nats from the model before
    advantages: Float[Tensor, " tokens"]
    returns: Float[Tensor, " tokens"]

    @property
    def loss_mask(self) -> Tensor:
        """Every token of an answer counts."""
        return self.batch.loss_mask

    @property
    def document_ids(self) -> Tensor:
        """Which text each token belongs to, -1: padding."""
        return self.batch.parts


class PpoRounds(Rounds):
    """Rounds whose tokens are judged by a value head; `module` is an `ActorCritic`."""

    @classmethod
    def begin(cls, module: Any, environment: Environment, config: Any, folder: Path | None) -> "PpoRounds":
        """A value head beside the model, both trained."""
        critic = ActorCritic(module, config.kl_coefficient)
        return cls(critic, environment, config, folder, before(module, config))

    @property
    def policy(self) -> Any:
        """The model that answers."""
        return self.module.module

    def taught(self, groups: Sequence[Group], rewards: Float[Tensor, "groups samples"]) -> tuple[Tensor, list[Any]]:
        """Each answer's mean advantage, and a lesson for each part of the step."""
        count = self.config.updates_per_step
        places = [list(range(len(groups)))[part::count] for part in range(count)]
        lessons = [self.seen([groups[row] for row in part], rewards[part].float()) for part in places]
        if self.config.whiten:
            flat = whitened(torch.cat([lesson.advantages for lesson in lessons]))
            for lesson, part in zip(lessons, flat.split([len(one.old) for one in lessons]), strict=True):
                lesson.advantages = part
        advantages = torch.zeros(rewards.shape, dtype=torch.float64)
        for lesson, part in zip(lessons, places, strict=True):
            lengths = of_answers(lesson.batch, torch.ones_like(lesson.old))
            advantages[part] = (
                (of_answers(lesson.batch, lesson.advantages) / lengths).double().cpu().reshape(len(part), -1)
            )
        self.pay(lessons, rewards.numel())
        return advantages, lessons

    def seen(self, groups: Sequence[Group], scores: Float[Tensor, "groups samples"]) -> PpoLesson:
        """What the model says of answers before the step, and what they taught."""
        batch, config = self.laid_out(groups), self.config
        # with gradients, as the update itself computes them: without, another kernel rounds differently and the ratio is not 1
        old, values = (made.detach() for made in self.module(batch))
        away = torch.zeros_like(old)
        if self.reference is not None:
            with torch.no_grad():
                away = old - log_probabilities(self.reference, batch)
        earned = token_rewards(batch, scores.flatten().to(old.device), away, float(self.module.price))
        real, lay = in_rows(batch)
        advantages = gae(lay(earned), lay(values), real, config.discount, config.decay)[real]
        return PpoLesson(batch, old, values, away, advantages, advantages + values)

    def pay(self, lessons: Sequence[PpoLesson], answers: int) -> None:
        """Note how far the step's answers went and what that cost, and adapt the price for the next step."""
        price = float(self.module.price)
        away = sum(float(lesson.away.sum()) for lesson in lessons) / answers
        returns = torch.cat([lesson.returns for lesson in lessons])
        errors = returns - torch.cat([lesson.old_values for lesson in lessons])
        spread = float(returns.var()) if len(returns) > 1 else 0.0
        explained = 1 - float(errors.var()) / spread if spread else 0.0
        self.numbers |= {"kl": away, "kl_price": price, "value_explained": explained}
        self.module.price.fill_(adapted(price, away, self.config.kl_target))

    def objective(self, module: Any, lesson: PpoLesson) -> tuple[Tensor, int]:
        """The sum of both losses over the tokens of a lesson, and how many there are."""
        config = self.config
        now, values = module(lesson.batch)
        losses = ppo_clip(now, lesson.old, lesson.advantages, config.clip)
        guesses = value_loss(values, lesson.old_values, lesson.returns, config.value_clip)
        return (losses + config.value_coefficient * guesses).sum(), len(now)


ppo = partial(improve, PpoRounds)
align = partial(align_folder, PpoRounds)
