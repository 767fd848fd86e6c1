"""Fair shares: the order by brute force, nobody starves whoever floods, two who both want more are never far apart."""

from types import SimpleNamespace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.serving.scheduling.batching import ANSWER_COST, FairOrder, fair_order, lifted

KEYS = st.sampled_from("abcd")
REQUESTS = st.lists(st.tuples(KEYS, st.integers(1, 50)), max_size=30)
COUNTERS = st.dictionaries(KEYS, st.integers(0, 100))
WEIGHTS = st.dictionaries(KEYS, st.sampled_from([0.5, 1.0, 2.0, 4.0]))


def by_brute_force(requests, counters, weights):
    """One turn at a time, looking through all."""
    counters, left, order = dict(counters), list(range(len(requests))), []
    while left:
        firsts = {}
        for place in left:
            firsts.setdefault(requests[place][0], place)
        place = min(firsts.values(), key=lambda one: (counters.get(requests[one][0], 0), one))
        key, tokens = requests[place]
        counters[key] = counters.get(key, 0) + tokens / weights.get(key, 1.0)
        left.remove(place)
        order.append(place)
    return order


@given(REQUESTS, COUNTERS, WEIGHTS)
def test_the_order_is_that_of_one_turn_at_a_time(requests, counters, weights):
    before = (list(requests), dict(counters), dict(weights))
    order = fair_order(requests, counters, weights)
    assert order == by_brute_force(requests, counters, weights)
    assert sorted(order) == list(range(len(requests))) and before == (requests, counters, weights)


@given(st.floats(0, 100), st.lists(st.floats(0, 100), max_size=5), st.floats(0, 100))
def test_a_return_is_never_below_who_is_here_and_takes_nothing_back(counter, here, last):
    raised = lifted(counter, here, last)
    assert raised >= counter and raised >= (min(here) if here else last) and raised in (counter, last, *here)


class Machine:
    """An engine's side of the bargain with no model: so many rows at once, a token each a step."""

    def __init__(self, order, rows=2):
        self.order, self.rows, self.waiting, self.running, self.done = order, rows, [], [], []
        self.served, self.number, self.step_number = {}, 0, 0

    def ask(self, key, prompt=10, answer=10, priority=0):
        request = SimpleNamespace(key=key, priority=priority)
        row = SimpleNamespace(request=request, number=self.number, arrived=float(self.step_number), prompt=prompt, wanted=prompt,
                              ids=[0] * prompt, computed=0, cached=0, began=False, limit=prompt + answer)  # fmt: skip
        self.number += 1
        self.waiting.append(row)
        return row

    def step(self):
        for row in list(self.order(list(self.waiting))):
            if len(self.running) == self.rows:
                break
            self.waiting.remove(row)
            self.running.append(row)
            row.began = True
            self._serve(row, row.prompt)
            row.computed = row.prompt
        for row in list(self.running):
            row.computed = len(row.ids)
            row.ids.append(1)
            self._serve(row, ANSWER_COST)
            if len(row.ids) >= row.limit:
                self.running.remove(row)
                self.done.append(row)
        self.step_number += 1

    def _serve(self, row, cost):
        self.served[row.request.key] = self.served.get(row.request.key, 0) + cost


def fair(weights=None, **told):
    machine = Machine(None)
    machine.order = FairOrder(weights, clock=lambda: float(machine.step_number), **told)
    return machine


def test_one_who_floods_does_not_hold_back_another():
    machine = fair()
    for _ in range(200):
        machine.ask("flood")
    for _ in range(30):
        machine.step()
    mine = machine.ask("small")
    for _ in range(30):
        machine.step()
    assert mine in machine.done
    assert sum(row.request.key == "flood" for row in machine.done) >= 8, "and the other goes on"


def test_who_comes_first_would_have_waited_for_all():
    machine = Machine(lambda waiting: waiting)
    for _ in range(200):
        machine.ask("flood")
    mine = machine.ask("small")
    for _ in range(300):
        machine.step()
    assert mine not in machine.done


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(5, 60), st.integers(1, 30)), min_size=2, max_size=4), st.integers(1, 3))
def test_keys_that_all_want_more_get_the_same_up_to_a_few_requests(shapes, rows):
    machine = fair(patience_s=1e9)
    machine.rows = rows
    for _ in range(400):
        for number, (prompt, answer) in enumerate(shapes):
            waiting = sum(row.request.key == str(number) for row in machine.waiting)
            for _ in range(waiting, 4):  # more than there are rows, so that each always wants more
                machine.ask(str(number), prompt, answer)
        machine.step()
    largest = max(prompt + ANSWER_COST * answer for prompt, answer in shapes)
    assert max(machine.served.values()) - min(machine.served.values()) <= 2 * (rows + 1) * largest


def test_shares_are_as_the_weights():
    machine = fair({"gold": 3.0})
    for _ in range(1500):
        for key in ("gold", "iron"):
            if sum(row.request.key == key for row in machine.waiting) < 3:
                machine.ask(key)
        machine.step()
    assert 2.7 < machine.served["gold"] / machine.served["iron"] < 3.3


def test_who_was_away_gets_no_more_than_who_stayed():
    machine = fair()
    machine.ask("guest")
    for _ in range(200):
        machine.ask("host")
        machine.step()
    for _ in range(100):
        machine.ask("guest")
    before = dict(machine.served)
    for _ in range(100):
        machine.ask("host")
        machine.step()
    gained = {key: machine.served[key] - before[key] for key in before}
    assert 0.7 < gained["guest"] / gained["host"] < 1.4


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.lists(st.tuples(KEYS, st.integers(1, 40), st.integers(1, 20), st.integers(0, 3)), min_size=1, max_size=12),
    st.data(),
)
def test_nobody_starves_whoever_goes_on_asking(asked, data):
    machine = fair(patience_s=20.0)
    rows = [machine.ask(*one) for one in asked]
    flood = data.draw(st.sampled_from("xab"))
    for _ in range(3000):
        if len(machine.waiting) < 20:
            machine.ask(flood, 20, 10, priority=3)
        machine.step()
        if all(row in machine.done for row in rows):
            return
    raise AssertionError([(row.request.key, row.request.priority) for row in rows if row not in machine.done])


def test_a_higher_priority_goes_first_and_a_keys_own_by_priority_then_arrival():
    machine = fair()
    late = [
        machine.ask("a", priority=0),
        machine.ask("a", priority=2),
        machine.ask("a", priority=0),
        machine.ask("b", priority=1),
    ]
    assert machine.order(machine.waiting) == [late[1], late[0], late[2], late[3]]


def test_a_request_of_a_high_priority_is_as_one_that_came_earlier():
    machine = fair(patience_s=20.0)
    first = machine.ask("a", priority=0)
    machine.step_number = 19
    second = machine.ask("a", priority=1)
    machine.step_number = 21
    third = machine.ask("a", priority=1)
    assert machine.order(machine.waiting) == [second, first, third]


def test_what_a_cache_had_is_not_charged_and_a_row_that_waits_again_not_twice():
    machine = fair()
    row = machine.ask("a", prompt=100)
    machine.order(machine.waiting)
    row.began, row.cached, row.computed = True, 90, 100
    machine.order([])
    assert machine.order.counters["a"] == 10
    row.computed = 0  # pushed out
    machine.order([row])
    row.computed = 100
    machine.order([])
    assert machine.order.counters["a"] == 10


def test_a_thousand_keys_that_left_are_forgotten():
    machine = fair()
    for number in range(300):
        machine.ask(f"key {number}", 5, 2)
        for _ in range(3):
            machine.step()
    for _ in range(60):
        machine.ask("last", 5, 2)
        machine.step()
    assert len(machine.order.counters) < 20 and len(machine.order._rows) < 80


def test_patience_must_be_a_time():
    with pytest.raises(ConfigError, match="use more than 0 seconds"):
        FairOrder(patience_s=0)
