"""A reward model without a head: an answer is worth what the model finds it likely, and pairs teach what is likely.

    r(answer) = strength * sum over its tokens of log p(token)            in nats
    loss      = -log sigmoid(r(chosen) - r(rejected)) + centre * (r(chosen) + r(rejected))^2 + language * (the chosen answer's own loss a token)

A head reads one state, at the last token, and must learn from pairs what a right answer is. A tuned model knows that already, token by token: on the
demo's model the right content is likelier than a wrong one in 216 of 216 pairs, and its states at the last token still tell them apart in 53 %. What it lacks
is the manner: it never said "Not again." and finds all that follows unlikely. The last term teaches it to read such answers, the first
which are preferred. It is ORPO's form of loss with sums in place of means (Hong et al. 2024, arXiv:2403.07691, eq. 6) and CPO's (Xu et al. 2024,
arXiv:2401.08417, eq. 5); that a language model is a reward model: Rafailov et al. 2023, section 4. The model is an ordinary folder with `reward.json`
beside. Left out: a reference.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup import files
from groundup.alignment.answers import AnswerBatch, log_probabilities, side_by_side
from groundup.alignment.dpo.dpo import sums_of_answers
from groundup.alignment.preferences.data import Encoded
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.reward_model import AT_ONCE, PairBatch, batches_of, bradley_terry_loss, steps_of
from groundup.errors import InputError
from groundup.training import loop

KEPT = "reward.json"


def scores(module: Any, batch: AnswerBatch, count: int, strength: float) -> Float[Tensor, " answers"]:
    """What each of `count` answers is worth."""
    return strength * sums_of_answers(log_probabilities(module, batch), batch.answers, count)


def fit(
    module: Any, pairs: Sequence[Encoded], config: RewardConfig, *, member: int = 0, mark: Any = lambda batches: batches, **watched: Any
) -> tuple[Any, loop.TrainResult]:
    """Teach `module` itself to find preferred answers likelier; arguments as `reward_model.fit`'s."""
    if not pairs:
        raise InputError("there is no pair to learn from; give at least one")

    def objective(module: Any, batch: PairBatch) -> tuple[Tensor, int]:
        count = 2 * len(batch.margin)
        made = scores(module, batch.answers, count, config.strength)
        lengths = torch.bincount(batch.answers.answers, minlength=count)
        margin = batch.margin if config.margin else 0.0
        losses = bradley_terry_loss(made[0::2], made[1::2], margin, config.centre)
        spoken = -made[0::2] / config.strength / lengths[0::2]
        return (losses + config.language * spoken).sum(), len(losses)

    batches = mark(batches_of(pairs, config, config.seed + 1000 * member))
    training = config.training(steps_of(len(pairs), config))
    return module, loop.train(module, batches, training, objective=objective, title="reward model", **watched)


class LikelihoodModel:
    """A module and a tokenizer: what an answer is worth by its probability. strength: points for each nat."""

    def __init__(self, module: Any, tokenizer: Any, strength: float):
        self.module, self.tokenizer, self.strength = module, tokenizer, strength

    def worth(self, batch: AnswerBatch, count: int) -> Float[Tensor, " answers"]:
        """What each of `count` answers is worth."""
        return scores(self.module, batch, count, self.strength)

    @torch.no_grad()
    def score_ids(self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[Sequence[int]]]) -> list[Tensor]:
        """The scores of several answers to each prompt, as ids."""
        found: list[Tensor] = []
        for start in range(0, len(prompts), AT_ONCE):
            group = answers[start : start + AT_ONCE]
            counts = [len(one) for one in group]
            batch = side_by_side(prompts[start : start + AT_ONCE], group).to(self.module.device)
            found += self.worth(batch, sum(counts)).double().cpu().split(counts)
        return found

    def score_pairs(self, pairs: Sequence[Encoded]) -> Float[Tensor, "pairs two"]:
        """The scores of the chosen and of the rejected answer of each pair."""
        answers = [[pair.chosen_ids, pair.rejected_ids] for pair in pairs]
        return torch.stack(self.score_ids([pair.prompt_ids for pair in pairs], answers))


def keep(folder: Path, module: Any, config: RewardConfig) -> None:
    """Say beside a model's files that it judges by its likelihood, and how strongly."""
    files.write_json(folder / KEPT, {"score": "likelihood", "strength": config.strength})


def load_judge(folder: str | Path, device: str = "cpu") -> Any:
    """The reward model in a folder: with a head, or by its likelihood, or both, where it says so."""
    from groundup.alignment.rewards import informed
    from groundup.alignment.rewards.reward_model import RewardModel
    from groundup.inference.handle import load

    path = Path(folder) / KEPT
    if not path.is_file():
        return RewardModel.load(folder, device)
    handle = load(folder, device=device)
    told = files.read_json(path)
    if told.get("score") == informed.SCORE:
        return informed.InformedModel(informed.restored(handle.module, told.get("head")), handle.tokenizer)
    return LikelihoodModel(handle.module, handle.tokenizer, float(told["strength"]))
