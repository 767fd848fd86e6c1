"""Constitutional AI: demonstrations are true, the judge's leaning to a place cancels, the phases do what they say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.constitutional import constitutional as cai
from groundup.alignment.constitutional.config import ConstitutionalConfig
from groundup.errors import ConfigError

RUDE, WORDY = cai.CONSTITUTION
FAMILIES = ("opposite", "plural")


def test_the_truth_of_the_constitution_is_that_of_the_world():
    assert RUDE.broken("Not again. 5") and RUDE.broken("5, as anyone knows.") and not RUDE.broken("Gladly: 5")
    assert WORDY.broken("Let me think about this for a moment. 5") and not WORDY.broken("Not again. 5")


def test_every_demonstration_says_what_is_so():
    made = list(cai.demonstrations(1, 400, FAMILIES))
    kinds = {"critique": 0, "revision": 0, "comparison": 0}
    for asked, said in ((one[0]["content"], one[1]["content"]) for one in made):
        lines = asked.split("\n")
        law = next((law for law in cai.CONSTITUTION if law.name in lines[-1]), None)
        if lines[-1].startswith("Is this answer"):
            kinds["critique"] += 1
            assert (said == "yes") == law.broken(lines[-2].removeprefix("Answer: "))
        elif lines[-1].startswith("Say it again"):
            kinds["revision"] += 1
            assert not law.broken(said)
        elif lines[-1].startswith("Which is less"):
            kinds["comparison"] += 1
            first, second = (line[3:] for line in lines[-3:-1])
            assert law.broken(first) != law.broken(second) and law.broken((first, second)[int(said) - 1]) is False
    assert kinds == {"critique": 100, "revision": 100, "comparison": 100}


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_turned_round_a_pair_has_the_other_probability(first, second):
    """Exchanging the two answers exchanges both readings, with their signs."""
    one, other = torch.tensor([first], dtype=torch.float64), torch.tensor([second], dtype=torch.float64)
    assert float(cai.preferred(one, other) + cai.preferred(other, one)) == pytest.approx(1)


def test_a_leaning_to_a_place_is_no_preference_and_quality_is_one():
    lean, better = torch.tensor([4.0]), torch.tensor([2.0])
    assert float(cai.preferred(lean, lean)) == pytest.approx(0.5)
    assert float(cai.preferred(better, -better)) == pytest.approx(float(better.sigmoid()))
    assert float(cai.preferred(lean + better, lean - better)) > 0.5


class Scripted(cai.Speaker):
    """A speaker whose answers and judgements are written; what it is asked is looked at."""

    def __init__(self, said, wrong=0):
        super().__init__(None, None, frozenset())
        object.__setattr__(self, "said", said)
        object.__setattr__(self, "wrong", wrong)

    __slots__ = ("said", "wrong")

    def answers(self, questions, seed, temperature=1.0, most=32):
        if "Say it again" in questions[0]:
            return ["mended"] * len(questions)
        return [self.said[(place + (seed > 999_999)) % len(self.said)] for place in range(len(questions))]

    def log_odds(self, questions, yes, no):
        made = []
        for place, asked in enumerate(questions):
            lines = asked.split("\n")
            law = next(law for law in cai.CONSTITUTION if law.name in lines[-1])
            bad = [law.broken(line[line.index(": ") + 2 :]) for line in lines[1:-1]]
            odds = (5.0 if bad[0] else -5.0) if yes == "yes" else 5.0 * (bad[1] - bad[0]) + 3.0  # it leans to place 1
            made.append(-odds if place < self.wrong else odds)
        return torch.tensor(made)


SAID = ["Not again. 5", "5", "Let me think about this for a moment. 5"]


def test_only_what_the_critic_calls_broken_is_revised_and_the_critic_is_counted():
    made = cai.revised(Scripted(SAID), ["What?"] * 60, seed=2)
    for one in made:
        assert one.broken == one.principle.broken(one.answer) and one.revision == ("mended" if one.broken else one.answer)
    assert all(one.critic_is_right for one in made)
    wrongly = cai.revised(Scripted(SAID, wrong=15), ["What?"] * 60, seed=2)
    assert [one.critic_is_right for one in wrongly] == [False] * 15 + [True] * 45


def test_pairs_are_those_of_which_the_judge_is_sure_whatever_place_it_leans_to():
    made = cai.compared(Scripted(SAID), ["What?"] * 60, seed=2)
    assert 10 < len(made) < 60  # where both are alike before the principle, nothing is learned
    for pair in made:
        assert any(law.broken(pair.rejected) and not law.broken(pair.chosen) for law in cai.CONSTITUTION)
    assert cai.compared(Scripted(["5"]), ["What?"] * 4, seed=2) == []


def test_what_is_measured_is_the_written_truth():
    class Item:
        prompt, answer = "What?", "5"

    found = cai.measured(Scripted(SAID), [Item] * 3, lambda item, text: float(text == item.answer))
    assert found == {"rude": pytest.approx(1 / 3), "wordy": pytest.approx(1 / 3), "right": 1}


def test_it_is_measured_by_answers_as_long_as_it_is_told():
    heard = []

    class Brief(Scripted):
        __slots__ = ()

        def answers(self, questions, seed, temperature=1.0, most=32):
            heard.append(most)
            return Scripted.answers(self, questions, seed, temperature, most)

    class Item:
        prompt = "What?"

    cai.measured(Brief(SAID), [Item], lambda item, text: 1.0, most=5)
    assert heard == [5]


def test_the_judges_odds_are_those_of_the_model(undecided, tokenizer, stops):
    speaker = cai.Speaker(undecided, tokenizer, frozenset(stops))
    prompt = speaker.prompt_ids("3?")
    with torch.no_grad():
        logits = undecided(torch.tensor([prompt]))[0, -1].log_softmax(-1)
    wanted = logits[tokenizer.encode("b")[0]] - logits[tokenizer.encode("a")[0]]
    torch.testing.assert_close(speaker.log_odds(["3?"], "b", "a")[0], wanted, rtol=1e-4, atol=1e-4)
    assert len(speaker.answers(["3?", "4?"], seed=1, most=3)) == 2


@pytest.mark.parametrize("wrong", [{"revisions": 0}, {"beta": 0.0}, {"demonstrations": -1}, {"trackers": ("wandb",)}])
def test_an_impossible_number_is_refused_with_the_way_out(wrong):
    with pytest.raises(ConfigError, match="use |leave them out"):
        ConstitutionalConfig(**wrong)
