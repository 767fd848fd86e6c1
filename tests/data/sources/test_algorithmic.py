"""Small tasks: every answer is right by another way, no held-out question is trained, and the same seed gives the same problems."""

import pytest

from groundup.data.config import DataConfig
from groundup.data.sources import algorithmic
from groundup.data.sources.algorithmic import MODULAR, SEQUENCES, TASKS, Problem, split
from groundup.errors import ConfigError


def solved(problem: Problem, modulus: int) -> bool:
    """Check an answer against its question without the rules of the source."""
    task, question, answer = problem
    if task in SEQUENCES:
        digits, given = question.split(), answer.split()
        return {
            "copy": digits == given,
            "reverse": list(reversed(digits)) == given,
            "sort": all(a <= b for a, b in zip(given, given[1:], strict=False)) and sorted(digits) == sorted(given),
        }[task]
    first, sign, second = question.split()
    a, b, c = int(first), int(second), int(answer)
    if task == "addition":
        return c - a == b
    left = {"+": a + b - c, "-": a - b - c, "*": a * b - c, "/": b * c - a}[sign]
    return left % modulus == 0 and 0 <= c < modulus


@pytest.mark.parametrize("task", TASKS)
def test_every_answer_is_right_and_no_question_is_on_both_sides(task):
    size = 13 if task in MODULAR else 4
    train, heldout = split(task, size, 0.6, 300, 1)
    assert all(solved(problem, size) for problem in train + heldout)
    questions = [problem.question for problem in train + heldout]
    assert len(set(questions)) == len(questions)
    assert len(train) == round(0.6 * len(questions))
    assert split(task, size, 0.6, 300, 1) == (train, heldout) and split(task, size, 0.6, 300, 2)[0] != train


def test_a_modular_task_is_all_its_questions():
    everything = [problem.text for part in split("modular_subtraction", 5, 0.5, 0, 1) for problem in part]
    assert len(everything) == 25 and "1 - 3 = 3" in everything
    assert len(split("modular_division", 5, 0.5, 0, 1)[0]) == 10  # none by 0


def test_a_task_with_few_questions_gives_those_that_there_are():
    train, heldout = split("copy", 1, 0.5, 1000, 1)
    assert len(train) == len(heldout) == 5


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(algorithmic="sorting"), "algorithmic='sorting' is not a task; use one of copy, reverse"),
        (
            dict(algorithmic="modular_addition", algorithmic_size=1),
            "algorithmic_size=1 leaves no questions; use 2 or more",
        ),
        (
            dict(algorithmic="modular_division", algorithmic_size=10),
            "algorithmic_size=10 is no prime, so not every number divides",
        ),
        (
            dict(algorithmic="copy", algorithmic_share=1.0),
            "algorithmic_share=1.0 leaves nothing to learn or nothing to ask",
        ),
        (dict(algorithmic="copy", text="here"), "text and algorithmic both say what is read; leave one"),
    ],
)
def test_tasks_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(**changes)


def test_the_data_stage_writes_them(tmp_path):
    from groundup.data.build import build
    from groundup.data.folder import DataFolder

    build(DataConfig(algorithmic="modular_addition", algorithmic_size=7), tmp_path / "documents")
    data = DataFolder.open(tmp_path / "documents")
    assert data.worlds == ["algorithmic"]
    assert len(data.texts("algorithmic", "train")) + len(data.texts("algorithmic", "heldout")) == 49
    assert algorithmic.split("modular_addition", 7, 0.5, 0, 1)[0][0].text == data.texts("algorithmic", "train")[0]
