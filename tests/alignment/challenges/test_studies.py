"""What the studies' pictures show, held to what must be so."""

import numpy as np
import pytest

from groundup.alignment.challenges import studies
from groundup.alignment.challenges.found import ChallengeConfig


@pytest.fixture(scope="module")
def picture():
    found = studies.reward_hacking_study(ChallengeConfig(topic="reward_hacking"), 1, lambda text: None)
    return found.pictures[0]


def test_every_reward_is_counted_from_its_own_mean_under_the_model(picture):
    """The proxy was once counted from the gold's mean: it seemed to fall before it rose."""
    for name, curve in (picture.measured | picture.truth).items():
        assert curve[0] == pytest.approx(0, abs=1e-9) and curve[1] > 0.15, name
    assert min(np.diff(picture.measured["proxy, reinforcement"])) >= 0  # what is optimised never falls
    assert min(np.diff(picture.truth["gold, if gold itself were optimised"])) >= 0


def test_no_way_has_more_gold_at_a_distance_than_optimising_gold_itself(picture):
    bound = np.array(picture.truth["gold, if gold itself were optimised"])
    assert max(bound) <= picture.levels["the best gold there is"]
    for name in ("reinforcement", "best of n", "policy gradient"):
        assert (np.array(picture.measured[f"gold, {name}"]) <= bound + 0.02).all(), name  # between places a curve is a straight line


def test_reinforcement_turns_where_it_was_foretold_within_a_step_of_the_grid(picture):
    best = picture.places[int(np.argmax(picture.measured["gold, reinforcement"]))]
    assert abs(best - picture.upright["the turn of reinforcement, foretold"]) < 0.11
