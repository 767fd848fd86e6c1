"""Two metrics of the same answers: exact match jumps where the chance of a token rises evenly."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling import emergence
from groundup.training.scaling.emergence import additions, exact_match_expected, judge, scores, sharpness


def test_answers_are_judged_by_hand():
    truth = np.array([[1, 2, 3], [4, 5, 6]])
    assert judge(np.array([[1, 2, 3], [4, 0, 6]]), truth) == (5 / 6, 0.5)
    found = scores(np.array([[1, 2, 3], [4, 0, 6]]), truth)
    assert found.edit_distance == 0.5 and found.independent == 0.5


def test_independent_tokens_give_the_power_that_is_expected():
    drawn = np.random.default_rng(0)
    truth = np.zeros((40_000, 4), int)
    for chance in (0.5, 0.9):
        answers = (drawn.random(truth.shape) > chance).astype(int)
        accuracy, exact = judge(answers, truth)
        assert exact == pytest.approx(exact_match_expected(np.array(accuracy), 4), abs=0.01)
        assert scores(answers, truth).independent == pytest.approx(exact, abs=0.01)


def test_the_expected_exact_match_is_that_of_scipys_binomial():
    stats = pytest.importorskip("scipy.stats")
    chance = np.linspace(0, 1, 11)
    assert np.allclose(exact_match_expected(chance, 5), stats.binom.pmf(5, 5, chance))


def test_under_a_power_law_the_exact_match_is_the_sharper_the_longer_the_answer():
    size = np.geomspace(1e6, 1e13, 15)
    token = np.exp(-((1e8 / size) ** 0.5))  # Schaeffer et al. 2023, section 2
    curves = [exact_match_expected(token, length) for length in (1, 5, 30)]
    halves = [size[np.argmax(curve > 0.5)] for curve in curves]
    assert halves == sorted(halves) and halves[0] < halves[-1]
    assert curves[2][5] < 0.01 < curves[0][5]


def test_sharpness_tells_a_jump_from_a_line():
    assert sharpness([0, 0, 0, 1]) == 1 and sharpness([0, 1, 2, 3]) == pytest.approx(1 / 3)
    with pytest.raises(InputError, match="does not rise"):
        sharpness([1.0, 1.0])


def test_additions_add_up():
    question, answer = additions(200, 3, seed=4)
    assert question.shape == (200, 8) and answer.shape == (200, 4)
    tens = 10 ** np.arange(4)
    first, second = question[:, :3] @ tens[:3], question[:, 4:7] @ tens[:3]
    assert (first + second == answer @ tens).all()
    assert (question[:, 3] == emergence.PLUS).all() and (question[:, 7] == emergence.EQUALS).all()
    assert (additions(200, 3, seed=4)[0] == question).all() and answer.max() <= 9


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InputError, match="rows of the same tokens"):
        scores([[1, 2]], [[1, 2, 3]])
    with pytest.raises(InputError, match="use 1 to 9"):
        additions(3, 0, seed=0)
