"""Instructions: many families, right answers (by a second interpreter), open answers, held-out pairs kept out."""

import re
from collections import Counter
from itertools import pairwise

import pytest

from groundup.data.sources.tinyworld import documents, questions, tasks
from groundup.data.sources.tinyworld.world import WORDS, fact_table, held_out
from groundup.errors import InputError


def asked(family, n=150, split="train"):
    return list(questions.instructions(5, n, split, (family,)))


def where_is(prompt):
    """A second reading of a place story: the last sentence that moves the person or thing decides."""
    *story, question = re.split(r"(?<=[.?])\s", prompt)
    place = {}
    for sentence in story:
        sentence = re.sub(r"^(Then |Now |See, )?(The |the )?", "", sentence).rstrip(".")
        if m := re.fullmatch(r"In the (.+) is (\w+)", sentence):
            place[m[2]] = m[1]
        elif m := re.fullmatch(r"(\w+) carries the (.+) to the (.+)", sentence):
            place[m[1]] = place[m[2]] = m[3]
        elif m := re.fullmatch(r"(.+) (?:is in|lies in|goes to|walks to|runs to) the (.+)", sentence):
            place[m[1]] = m[2].removesuffix(" too")
        else:
            raise AssertionError(sentence)
    [name] = [name for name in place if re.search(rf"\b{name}\b", question)]
    return f"in the {place[name]}"


def who_has(prompt):
    """A second reading of a possession story."""
    *story, question = re.split(r"(?<=[.?])\s", prompt)
    holder = {}
    for sentence in story:
        sentence = sentence.removeprefix("Then ").rstrip(".")
        if m := re.fullmatch(r"\w+ (?:gives|hands|sells) the (.+) to (\w+)", sentence):
            holder[m[1]] = m[2]
        elif m := re.fullmatch(r"(?:The|Now the) (.+) is (\w+)'s", sentence):
            holder[m[1]] = m[2]
        else:
            assert re.search("nothing|There are", sentence), sentence
    [thing] = [thing for thing in holder if thing in question]
    return f"The {thing} is {holder[thing]}'s"


@pytest.mark.parametrize("family, answer", [("where", where_is), ("who", who_has)])
@pytest.mark.parametrize("split", ["train", "heldout", "unseen"])
def test_state_questions_agree_with_an_independent_reading_of_the_story(family, answer, split):
    for instruction in asked(family, split=split):
        assert answer(instruction.prompt) == instruction.answer, instruction.prompt


def items(prompt):
    return re.search(r": ([^:.?]+)[.?]", prompt)[1].split(", ")


def numbers(prompt):
    return [int(n) for n in re.findall(r"\d+", prompt)]


ANSWERS = {
    "say": lambda p: "Words: " + ", ".join(items(p)),
    "backwards": lambda p: "Words: " + ", ".join(items(p)[::-1]),
    "count": lambda p: str(len(items(p))),
    "pick": lambda p: "the " + items(p)[0 if "first" in p else 1 if "second" in p else -1],
    "add": lambda p: str(sum(numbers(p))),
    "sum_long": lambda p: str(sum(numbers(p))),
    "subtract": lambda p: str(numbers(p)[0] - numbers(p)[1]),
    "sort": lambda p: ", ".join(map(str, sorted(numbers(p), reverse="large to small" in p))),
    "series": lambda p: str(2 * numbers(p)[-1] - numbers(p)[-2]),
}


@pytest.mark.parametrize("family", ANSWERS)
@pytest.mark.parametrize("split", ["train", "unseen"])
def test_answers_are_what_one_computes_from_the_prompt(family, split):
    for instruction in asked(family, split=split):
        assert ANSWERS[family](instruction.prompt) == instruction.answer, instruction.prompt


def test_comparisons_name_the_larger_or_the_smaller_number():
    for instruction in asked("compare"):
        pick = max if "larger" in instruction.prompt else min
        assert instruction.answer == str(pick(numbers(instruction.prompt)))


def test_word_problems_add_what_comes_and_subtract_what_goes():
    for instruction in asked("problem"):
        first, second = numbers(instruction.prompt)
        goes = re.search("sells|takes", instruction.prompt)
        assert instruction.answer == str(first - second if goes else first + second)


def test_facts_asked_are_the_facts_known():
    for instruction in asked("fact"):
        [subject] = {s for s, _ in fact_table() if re.search(rf"\b{s}\b", instruction.prompt)}
        known = {value for (s, _), value in fact_table().items() if s == subject}
        assert re.sub("^(an?|in|the|It is) ", "", instruction.answer) in known


@pytest.mark.parametrize("family", tasks.FAMILIES)
def test_every_family_has_several_phrasings_short_answers_and_prompts_of_both_compositions(family):
    seen, unseen = asked(family), asked(family, split="unseen")
    assert {i.composition for i in seen} == {"seen"} and {i.composition for i in unseen} == {"unseen"}
    assert all(1 <= len(re.findall(r"\w+|[^\w\s]", i.answer)) <= 14 for i in seen + unseen)
    assert not {i.prompt for i in seen} & {i.prompt for i in unseen}
    assert len({i.prompt for i in seen}) > 12


def test_instruction_splits_are_disjoint():
    train = {i.prompt for i in questions.instructions(0, 3000)}
    heldout = {i.prompt for i in questions.instructions(0, 300, "heldout")}
    assert not train & heldout


def test_no_answer_dominates():
    answers = Counter(i.answer for i in questions.instructions(0, 2000))
    assert answers.most_common(1)[0][1] < 0.05 * 2000


def test_held_out_adjective_noun_pairs_stand_in_no_training_text_and_in_unseen_instructions():
    banned = {f"{a} {n}" for a in WORDS["adjective"] for n in WORDS["thing"] if held_out("adjective-noun", a, n)}
    text = " ".join(d.text for d in documents.sample(0, 1500))
    words = re.findall(r"[\w-]+|[^\w\s]", text)
    assert not banned & {f"{a} {b}" for a, b in pairwise(words)}
    for family in ("where", "who", "opposite", "plural", "past", "caption"):
        for instruction in asked(family, 60, "unseen"):
            words = re.findall(r"[\w-]+|[^\w\s]", instruction.prompt)
            assert banned & {f"{a} {b}" for a, b in pairwise(words)}, instruction.prompt


def test_an_unknown_family_names_the_families():
    with pytest.raises(InputError, match="use some of where, who"):
        list(questions.instructions(0, 1, families=("dance",)))
