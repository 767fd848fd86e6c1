"""The grammar's engine: probabilities sum to one over everything a rule can write, and no text has two derivations."""

import math
import random

import pytest

from groundup.data.sources.tinyworld.documents import tiny_grammar
from groundup.data.sources.tinyworld.grammar import Grammar, Options, Slot, Vocabulary, Without, derive, log_probability
from groundup.data.sources.tinyworld.oracles import Reader, Sampler
from groundup.data.sources.tinyworld.world import World
from groundup.errors import InputError


class Scripted:
    """An oracle that follows a script of positions and, beyond its end, takes the first; it counts the others."""

    def __init__(self, script):
        self.script, self.widths, self.pieces, self.log_probability = script, [], [], 0.0
        self.literal = self.pieces.append

    def _next(self, width):
        position = self.script[len(self.widths)] if len(self.widths) < len(self.script) else 0
        self.widths.append(width)
        return position

    def pick(self, offer):
        options = offer.options if isinstance(offer, Without) else offer
        texts = list(options) if isinstance(options, list) else options.texts
        texts = [t for t in texts if not (isinstance(offer, Without) and t in offer.excluded)]
        text = texts[self._next(len(texts))]
        self.log_probability += log_probability(offer, text)
        self.pieces.append(text)
        return text

    def production(self, rule, world):
        if len(rule.productions) == 1:
            return rule.productions[0]
        table = rule.available(world)
        position = self._next(len(table.texts))
        self.log_probability += table.logs[position]
        return rule.productions[int(table.texts[position])]

    def mark(self):
        return len(self.pieces)

    def since(self, mark):
        return "".join(self.pieces[mark:])

    def end(self):
        pass


def enumerate_rule(grammar, name, composition="seen"):
    """Every (text, log-probability) that a rule can write, depth first."""
    script = []
    while True:
        oracle = Scripted(script)
        derive(grammar.rules[name], World(composition=composition), oracle)
        yield "".join(oracle.pieces), oracle.log_probability
        script = [*script, *[0] * (len(oracle.widths) - len(script))]
        while script and script[-1] + 1 == oracle.widths[len(script) - 1]:
            script.pop()
        if not script:
            return
        script[-1] += 1


@pytest.mark.parametrize("composition", ["seen", "unseen"])
@pytest.mark.parametrize("rule", ["add", "subtract", "series", "sum_long", "fact"])
def test_probabilities_of_all_texts_of_a_rule_sum_to_one_and_no_text_comes_twice(rule, composition):
    found = list(enumerate_rule(tiny_grammar(), rule, composition))
    assert len({text for text, _ in found}) == len(found)
    assert math.isclose(math.fsum(math.exp(log) for _, log in found), 1.0, abs_tol=1e-9)


def test_exact_entropy_of_a_rule_agrees_with_the_mean_of_samples():
    exact = -math.fsum(math.exp(log) * log for _, log in enumerate_rule(tiny_grammar(), "subtract"))
    source, logs = random.Random(0), []
    for _ in range(4000):
        sampler = Sampler(source.random)
        derive(tiny_grammar().rules["subtract"], World(), sampler)
        logs.append(-sampler.log_probability)
    mean = math.fsum(logs) / len(logs)
    error = math.sqrt(math.fsum((log - mean) ** 2 for log in logs)) / len(logs)
    assert abs(mean - exact) < 4 * error < 0.1


def toy(text, **slots):
    return Grammar([text], Vocabulary({k: Slot(lambda w, v=v: v) for k, v in slots.items()}, {}, {}, {}))


def test_a_toy_grammar_has_the_probabilities_that_one_computes_by_hand():
    grammar = toy(
        "s:\n  3 | {who} runs<end>\n  1 | it rains<end>\nend:\n  1 | .\n  1 | _fast.",
        who=Options({"Mira": 2, "Tom": 1}),
    )
    assert dict(enumerate_rule(grammar, "s")) == pytest.approx(
        {
            "Mira runs.": math.log(1 / 4),
            "Mira runs fast.": math.log(1 / 4),
            "Tom runs.": math.log(1 / 8),
            "Tom runs fast.": math.log(1 / 8),
            "it rains.": math.log(1 / 8),
            "it rains fast.": math.log(1 / 8),
        }
    )


def test_the_reader_refuses_a_text_with_two_derivations():
    grammar = toy("s:\n  1 | {who} runs.\n  1 | Mira runs.", who=["Mira", "Tom"])
    with pytest.raises(InputError, match="2 alternatives match"):
        derive(grammar.rules["s"], World(), Reader("Mira runs."))


def test_a_word_matches_only_up_to_its_end():
    grammar = toy("s:\n  1 | {who} runs.", who=["Ann", "Anna"])
    reader = Reader("Anna runs.")
    derive(grammar.rules["s"], World(), reader)
    assert reader.choices == ["Anna"]


def test_words_taken_out_leave_a_distribution_that_sums_to_one():
    offer = Without(Options({"a": 5, "b": 3, "c": 2}), ["a"])
    assert math.exp(log_probability(offer, "b")) == pytest.approx(0.6)
    assert math.exp(log_probability(offer, "c")) == pytest.approx(0.4)


def test_sampled_words_come_as_often_as_their_weights_say():
    sampler = Sampler(random.Random(0).random)
    drawn = [sampler.pick(Without(Options({"a": 5, "b": 3, "c": 2}), ["a"])) for _ in range(4000)]
    assert abs(drawn.count("b") / 4000 - 0.6) < 4 * math.sqrt(0.24 / 4000)


def test_a_rule_written_twice_is_an_error():
    with pytest.raises(AssertionError, match="written twice"):
        toy("s:\n  1 | a\ns:\n  1 | b")


def test_there_are_at_least_four_hundred_productions():
    assert tiny_grammar().productions >= 400
