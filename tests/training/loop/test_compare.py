import random
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.loop.compare import compare, difference, parting


def curves(seeds, shift=0.0, noise=0.05, steps=50):
    """Falling losses; what a seed does to all runs is larger than the shift between configurations."""
    made = []
    for seed in range(seeds):
        draw = random.Random(seed)
        level = draw.gauss(0, 0.3)
        made.append([4 - step / 25 + level + draw.gauss(0, 0.2) for step in range(steps)])
    rough = random.Random(99 + round(1000 * shift))
    return [[loss + shift + rough.gauss(0, noise) for loss in curve] for curve in made]


def test_the_interval_is_scipys_of_the_paired_differences():
    first, second = curves(6, noise=0.0), curves(6, shift=-0.1)
    verdict = compare(first, second)
    ends = [np.mean(np.array(b[-5:]) - np.array(a[-5:])) for a, b in zip(first, second, strict=True)]
    expected = stats.ttest_1samp(ends, 0.0).confidence_interval(0.95)
    assert verdict.differences == pytest.approx(ends)
    assert verdict.interval == pytest.approx((expected.low, expected.high))
    assert verdict.word == "better" and verdict.sentence("adamw", "muon").startswith("muon is better: it ends 0.")


def test_the_pairs_see_what_the_means_do_not():
    """Seeds differ by 0.3, the configurations by 0.1: without pairs nothing could be told from six runs each."""
    first, second = curves(6, noise=0.0), curves(6, shift=-0.1)
    unpaired = stats.ttest_ind([np.mean(c[-5:]) for c in first], [np.mean(c[-5:]) for c in second])
    assert unpaired.pvalue > 0.2 and compare(first, second).word == "better"
    assert compare(second, first).word == "worse"


def test_noise_alone_is_not_told_apart():
    verdict = compare(curves(4, noise=0.0), curves(4, shift=0.0001, noise=0.3))
    assert verdict.word == "not told apart" and "more seeds or more steps would narrow it" in verdict.sentence()


def test_equal_is_said_to_the_bit_and_up_to_rounding():
    first = curves(2, noise=0.0)
    assert (
        compare(first, [list(curve) for curve in first]).sentence("a", "b")
        == "a and b are equal: every loss is the same, bit for bit"
    )
    verdict = compare(first, [[loss * (1 + 3e-7) for loss in curve] for curve in first])
    assert verdict.word == "equal" and verdict.sentence().endswith("no loss differs by more than 1e-05 of itself")


def test_one_seed_has_a_difference_and_no_interval():
    first = [[3.0, 2.0, 1.0]]
    verdict = compare(first, [[3.0, 2.0, 1.5, 9.0]])
    assert verdict.interval is None and verdict.word == "one seed" and verdict.parted == 3
    assert verdict.sentence() == (
        "the second ends 0.5000 nats above the first from one seed (they part at step 3); a second seed would say whether that is chance"
    )


@pytest.mark.parametrize("first, second", [([], []), ([[1.0]], []), ([[]], [[1.0]])])
def test_what_cannot_be_compared_is_refused(first, second):
    with pytest.raises(InputError, match="give a pair for each seed|let both make steps first"):
        compare(first, second)


def test_the_last_tenth_counts_and_at_least_one_step():
    assert difference([1.0] * 30, [1.0] * 27 + [2.0] * 3) == 1.0
    assert difference([1.0], [1.25]) == 0.25
    assert parting([1.0, 1.0], [1.0, 1.0 + 2e-5]) == 2


def test_a_batch_in_two_halves_is_equal_and_twice_the_rate_is_not(tiny, batches):
    def losses(seed, config):
        seen = []
        loop.train(tiny(seed), batches, config, listeners=[lambda event: seen.append(event.loss)])
        return seen

    config = TrainConfig(steps=20, batch_size=4, seq_len=16, warmup_steps=2, optimizer="adamw")
    first = [losses(seed, config) for seed in (0, 1)]
    assert compare(first, [losses(seed, replace(config, ema_decay=0.9)) for seed in (0, 1)]).word == "identical"
    assert compare(first, [losses(seed, replace(config, learning_rate=0.012)) for seed in (0, 1)]).parted <= 4
