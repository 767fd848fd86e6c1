"""A reward model whose head is told how surprising the answer was: two layers on the last state and on the answer's own log-probabilities.

    r(answer) = W2 tanh(W1 [state, sum of log p, least log p, tokens])        log p: of its tokens, by the same model
    loss      = -log sigmoid(r(chosen) - r(rejected)) + language * (the chosen answer's own loss a token)

A tuned model knows a wrong answer when it reads one: some token of it is unlikely. Its last state hardly says so, and the sum of log-probabilities
says too much: of two wrong answers the longer or rarer one is far less likely and no worse (rewards/likelihood.py). Here the surprise is an input that
the head may bend, so that wrong is wrong, and the state tells the manner. The second term teaches the model to read answers of every manner. The surprise as
a sign of truth: Kadavath et al. 2022, arXiv:2207.05221, section 3; the loss: Stiennon et al. 2020, arXiv:2009.01325, section 3.4, and the
chosen answers' own, as in Yang et al. 2024 (GRM), arXiv:2406.10216, eq. 6. The model is an ordinary folder; the head stands in `reward.json` beside. Left
out: a reference.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup import files
from groundup.alignment.answers import AnswerBatch, log_probabilities, states
from groundup.alignment.dpo.dpo import sums_of_answers
from groundup.alignment.preferences.data import Encoded
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.likelihood import KEPT, LikelihoodModel
from groundup.alignment.rewards.reward_model import PairBatch, batches_of, bradley_terry_loss, steps_of
from groundup.errors import InputError
from groundup.training import loop
from groundup.training.objectives.around import Around

SCORE = "informed"
WIDTH, TOLD = 32, 3  # of the head's first layer; the numbers that it is told beside the state
TENS = torch.tensor([0.1, 0.25, 0.1])  # brings them to about 1: nats of a whole answer, of one token, tokens


class Informed(Around):
    """A decoder and the head that reads it."""

    def __init__(self, module: Any):
        super().__init__(module)
        self.first = nn.Linear(module.config.hidden_size + TOLD, WIDTH, device=module.device)
        self.second = nn.Linear(WIDTH, 1, bias=False, device=module.device)

    def forward(self, batch: AnswerBatch, count: int) -> tuple[Float[Tensor, " answers"], Float[Tensor, " answers"]]:
        """What each of `count` answers is worth, and the mean log-probability of its tokens."""
        read = states(self.module, batch)
        said, answers = log_probabilities(self.module, batch, read), batch.answers
        sums = sums_of_answers(said, answers, count)
        lengths = torch.bincount(answers, minlength=count)
        least = said.new_zeros(count).scatter_reduce(0, answers, said, "amin", include_self=False)
        told = torch.stack([sums, least, lengths.to(said.dtype)], 1) * TENS.to(said.device)
        last = read[lengths.cumsum(0) - 1].float()
        return self.second(torch.tanh(self.first(torch.cat([last, told], 1))))[:, 0], sums / lengths


def fit(
    module: Any, pairs: Sequence[Encoded], config: RewardConfig, *, member: int = 0, mark: Any = lambda batches: batches, **watched: Any
) -> tuple[Any, loop.TrainResult]:
    """A head on `module`, which is trained with it; arguments as `reward_model.fit`'s."""
    if not pairs:
        raise InputError("there is no pair to learn from; give at least one")
    seed = config.seed + 1000 * member
    torch.manual_seed(seed)
    model = Informed(module)

    def objective(model: Any, batch: PairBatch) -> tuple[Tensor, int]:
        made, spoken = model(batch.answers, 2 * len(batch.margin))
        margin = batch.margin if config.margin else 0.0
        losses = bradley_terry_loss(made[0::2], made[1::2], margin, config.centre)
        return (losses - config.language * spoken[0::2]).sum(), len(losses)

    batches = mark(batches_of(pairs, config, seed))
    training = config.training(steps_of(len(pairs), config))
    return model, loop.train(model, batches, training, objective=objective, title="reward model", **watched)


class InformedModel(LikelihoodModel):
    """A decoder with its head, and a tokenizer: what an answer is worth."""

    def __init__(self, module: Informed, tokenizer: Any):
        super().__init__(module, tokenizer, 1.0)

    def worth(self, batch: AnswerBatch, count: int) -> Float[Tensor, " answers"]:
        """What each of `count` answers is worth."""
        worth: Tensor = self.module(batch, count)[0]
        return worth


def keep(folder: Path, model: Informed, config: RewardConfig) -> None:
    """Write the head beside the model's files."""
    head = {name: weight.tolist() for name, weight in model.state_dict().items() if not name.startswith("module.")}
    files.write_json(folder / KEPT, {"score": SCORE, "head": head})


def restored(module: Any, head: Any) -> Informed:
    """The decoder of a folder with the head that was written beside it. InputError: a head of another shape, or none."""
    model = Informed(module)
    try:
        own = {name: torch.tensor(weight) for name, weight in head.items()}
        model.load_state_dict(model.state_dict() | own)
    except (AttributeError, RuntimeError, TypeError, ValueError):
        raise InputError(f"{KEPT} holds no head for this model; learn one with `groundup align MODEL --method reward`") from None
    return model
