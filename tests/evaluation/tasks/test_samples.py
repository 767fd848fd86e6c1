"""Samples are kept, resumed and judged."""

from dataclasses import dataclass

import pytest

from groundup.evaluation.tasks.samples import answer_all, exact, read_samples


@dataclass
class Item:
    prompt: str
    answer: str
    family: str = "add"
    composition: str = "seen"


ITEMS = [Item("x" * (9 - n), str(n)) for n in range(9)]


class Asked:
    """Answers right, and remembers whom it was asked."""

    def __init__(self, stop_after: int = 99):
        self.calls, self.stop_after = [], stop_after

    def __call__(self, items):
        if len(self.calls) == self.stop_after:
            raise KeyboardInterrupt
        self.calls.append([item.answer for item in items])
        return [f" {item.answer}\n" for item in items]


def test_samples_come_in_the_order_of_the_items_and_are_asked_short_prompts_first():
    asked = Asked()
    samples = answer_all(asked, ITEMS, at_once=4)
    assert [sample.expected for sample in samples] == [item.answer for item in ITEMS]
    assert asked.calls == [["8", "7", "6", "5"], ["4", "3", "2", "1"], ["0"]]
    assert all(sample.correct and sample.answer == f" {sample.expected}\n" for sample in samples)


def test_a_run_cut_off_goes_on_behind_its_samples_even_behind_a_torn_line(tmp_path):
    path = tmp_path / "log.jsonl"
    with pytest.raises(KeyboardInterrupt):
        answer_all(Asked(stop_after=2), ITEMS, path=path, at_once=3)
    with open(path, "ab") as log:
        log.write('{"index": 2, "prompt": "é'.encode()[:-1])
    asked = Asked()
    counted = []
    samples = answer_all(asked, ITEMS, path=path, at_once=3, advance=counted.append)
    assert asked.calls == [["2", "1", "0"]] and counted == [6, 3]
    assert samples == answer_all(Asked(), ITEMS) == read_samples(path)


def test_a_finished_log_asks_nobody(tmp_path):
    answer_all(Asked(), ITEMS, path=tmp_path / "log.jsonl")
    assert answer_all(Asked(stop_after=0), ITEMS, path=tmp_path / "log.jsonl") == answer_all(Asked(), ITEMS)


def test_a_log_of_other_questions_is_not_taken_for_ours(tmp_path):
    path = tmp_path / "log.jsonl"
    answer_all(Asked(), [Item("another", "1"), *ITEMS[1:]], path=path)
    assert [sample.prompt for sample in answer_all(Asked(), ITEMS, path=path)] == [item.prompt for item in ITEMS]
    assert len(read_samples(path)) == len(ITEMS)


@pytest.mark.parametrize("reward, correct", [(True, True), (1.0, True), (0.9, False), (0, False)])
def test_a_reward_below_1_is_not_right(reward, correct):
    assert answer_all(Asked(), ITEMS[:1], lambda item, answer: reward)[0].correct is correct


@pytest.mark.parametrize(
    "answer, right",
    [("Rome.", True), (" Rome.\n", True), ("rome.", False), ("Rome", False), ("", False), ("Rome. It is", False)],
)
def test_an_answer_is_right_to_the_letter(answer, right):
    assert exact(Item("Where?", "Rome."), answer) is right
