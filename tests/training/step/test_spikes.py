import math
import random
import statistics

import numpy as np
import pytest
from scipy import stats

from groundup.errors import Diverged
from groundup.training.config import TrainConfig
from groundup.training.step.spikes import FEWEST, IN_A_ROW, ROLLBACKS, Rising, Watch, is_spike, way_out


def noise(count, mean=2.0, spread=0.1, seed=0):
    return [random.Random(seed + number).gauss(mean, spread) for number in range(count)]


def test_the_deviation_is_scipys_median_distance_made_normal():
    before = noise(50)
    limit = np.median(before) + 6 * stats.median_abs_deviation(before, scale="normal")
    assert is_spike(limit + 1e-4, before) and not is_spike(limit - 1e-4, before)


def test_wild_values_in_the_window_do_not_hide_the_next_one():
    """Five spikes in a window of 64 move the mean by 4 and make the standard deviation 13: three of them would be at 44."""
    before = noise(59) + [50.0] * 5
    assert is_spike(4.0, before)
    assert not is_spike(2.3, before)
    assert not 4.0 > statistics.fmean(before) + 3 * statistics.stdev(before)


def test_a_low_value_is_no_spike_and_no_number_always_is():
    assert not is_spike(-100.0, noise(30))
    assert all(is_spike(value, noise(30)) for value in (math.nan, math.inf, -math.inf))


def test_steps_that_are_nearly_alike_leave_room_of_a_few_percent():
    assert not is_spike(2.1, [2.0] * 30) and is_spike(2.3, [2.0] * 30)


def test_of_ten_thousand_normal_losses_almost_none_is_called_a_spike():
    watch, calls = Watch("skip"), 0
    for value in noise(10_000):
        calls += watch.judge(0, value, 1.0, "") != "go"
    assert calls <= 2


def warm(policy, **more):
    watch = Watch(policy, **more)
    for number, value in enumerate(noise(40)):
        assert watch.judge(number, value, 1.0, "") == "go"
    return watch


def test_the_policy_decides_what_is_done_about_a_spike():
    assert warm("off").judge(40, 9.0, 1.0, "") == "go"
    assert warm("skip").judge(40, 9.0, 1.0, "") == "skip"
    assert warm("rollback").judge(40, 2.0, 9.0, "") == "rollback"
    with pytest.raises(
        Diverged, match=r"the loss of step 41 is 9 where (1\.9\d+|2(\.0\d*)?) is normal: a spike; the way out"
    ):
        warm("stop").judge(40, 9.0, 1.0, "the way out")


@pytest.mark.parametrize("policy, given", [("off", None), ("stop", None), ("skip", "skip"), ("rollback", "rollback")])
@pytest.mark.parametrize("loss, norm, named", [(math.nan, 1.0, "loss"), (2.0, math.inf, "gradient")])
def test_no_number_is_odd_from_the_first_step_on(policy, given, loss, norm, named):
    if given:
        assert Watch(policy).judge(0, loss, norm, "") == given
    else:
        with pytest.raises(Diverged, match=f"the {named} of step 1 is (nan|inf): training diverged; the way out"):
            Watch(policy).judge(0, loss, norm, "the way out")


def test_nothing_is_a_spike_while_there_is_little_to_compare_with():
    watch = Watch("stop")
    for number in range(FEWEST):
        assert watch.judge(number, 10.0 * 2**number, 1.0, "") == "go"


def test_a_spike_does_not_make_the_next_one_normal_and_letting_go_for_ever_is_refused():
    watch = warm("skip")
    for number in range(IN_A_ROW):
        assert watch.judge(number, 9.0, 1.0, "") == "skip"
    with pytest.raises(Diverged, match="8 steps in a row did not help, and the loss of step 50 is 9 where"):
        watch.judge(49, 9.0, 1.0, "")
    watch = warm("rollback")
    for number in range(ROLLBACKS):
        assert watch.judge(number, 9.0, 1.0, "") == "rollback"
    with pytest.raises(Diverged, match="4 rollbacks to one state did not help"):
        watch.judge(0, 9.0, 1.0, "")


def test_a_restored_watch_judges_as_the_one_that_was_saved():
    watch, other = warm("skip"), Watch("skip")
    watch.judge(40, 9.0, 1.0, "")
    watch.jumped = 7
    other.load(watch.state())
    assert (other.losses, other.norms) == (watch.losses, watch.norms)
    assert (other.in_a_row, other.rollbacks, other.jumped) == (1, 0, 7)
    assert Watch("off").state() == {}


def test_a_loss_above_its_beginning_for_long_is_said_once():
    rising = Rising()
    said = [rising.tell(loss) for loss in [4.0, 4.1, 3.9] + [6.0] * 60]
    assert sum(said) == 1 and said.index(True) == 3 + Rising.FOR - 1
    told = rising.sentence(24, 6.0, way_out(TrainConfig()))
    assert told.endswith(
        "(6 at step 24, 3.9 at first): the rate is probably too high; try --set train.matrix_learning_rate=0.01 "
        "--set train.learning_rate=0.003 or --set train.on_spike=rollback"
    )


@pytest.mark.parametrize(
    "losses", [[4.0] * 3 + [4.2] * 60, [0.0] * 3 + [0.5] * 60, [4.0] * 3 + ([4.8] + [3.9] * 3) * 20]
)
def test_a_loss_that_wavers_or_began_at_nothing_is_not_meant(losses):
    rising = Rising()
    assert not any(rising.tell(loss) for loss in losses)


def test_the_way_out_names_the_rates_that_the_optimizer_has():
    assert way_out(TrainConfig(optimizer="adamw", on_spike="skip")) == "try --set train.learning_rate=0.003"
