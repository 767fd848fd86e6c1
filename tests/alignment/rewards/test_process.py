import copy

import pytest
import torch

from groundup.alignment.rewards import process
from groundup.alignment.rewards.config import RewardConfig
from groundup.alignment.rewards.process import Solution
from groundup.errors import InputError

GOOD, BAD = 20, 21
CONFIG = RewardConfig(
    batch_size=16, epochs=6.0, optimizer="muon", learning_rate=0.01, matrix_learning_rate=0.02, warmup_steps=0,
    checkpoint_every=0,
)  # fmt: skip


def solutions(count, seed):
    """Steps of two tokens, of which the second says whether the step is right."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        right = [bool(one) for one in torch.rand(3, generator=generator) < 0.5]
        made.append(Solution([5, 6], [[30, GOOD if one else BAD] for one in right], right))
    return made


def test_labels_stand_at_each_steps_last_token_and_nowhere_else():
    batch = process.laid_out([Solution([5, 6], [[7], [8, 9]], [True, False]), Solution([5], [[7]], [True])])
    assert batch.labels.tolist() == [[-1, -1, 1, -1, 0], [-1, 1, -1, -1, -1]]


@pytest.mark.slow
def test_it_finds_the_wrong_steps_of_solutions_it_has_not_seen(undecided):
    model, _ = process.fit(copy.deepcopy(undecided), solutions(96, 0), CONFIG)
    for one in solutions(10, 1):
        found = process.step_probabilities(model, one)
        assert [bool(p > 0.5) for p in found] == one.right


def test_the_loss_is_the_mean_surprise_of_the_steps(undecided):
    model = process.with_head(copy.deepcopy(undecided), "value", seed=0)
    given = solutions(4, 2)
    loss, count = process.process_loss(model, process.laid_out(given))
    by_hand = sum(
        -torch.log(p if right else 1 - p)
        for one in given
        for p, right in zip(process.step_probabilities(model, one), one.right, strict=True)
    )
    assert count == 12 and loss.item() == pytest.approx(float(by_hand), rel=1e-4)


def test_a_chain_is_worth_its_steps():
    steps = torch.tensor([0.5, 0.8])
    assert process.whole(steps) == pytest.approx(0.4)
    assert process.whole(steps, "least") == 0.5 and process.whole(steps, "last") == pytest.approx(0.8)


def test_a_step_is_worth_what_continuations_from_it_reach():
    """After a wrong step nothing reaches the answer."""
    made = process.labels_by_completing(["2", "+2", "=5"], lambda text: "" if "5" in text else "=4", lambda text: text.endswith("=4"), tries=2)  # fmt: skip
    assert made == [1.0, 1.0, 0.0]


def test_what_cannot_be_is_one_sentence(undecided):
    with pytest.raises(InputError, match="give one label to each step"):
        Solution([5], [[6]], [True, False])
    with pytest.raises(InputError, match="no solution to learn from"):
        process.fit(undecided, [], CONFIG)
    with pytest.raises(InputError, match="use 1 or more"):
        process.labels_by_completing(["a"], str, bool, tries=0)
