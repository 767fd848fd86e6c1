"""Exercise: whose turn it is, in tokens."""

from groundup.course.exercise import Exercise, Mutant, check
from groundup.course.expect import fast, same


@check("shape")
def nothing_waits(mine):
    """Fails when nobody waits: the order of nothing is an empty list."""
    same(list(mine([], {}, {})), [])


@check("shape")
def everybody_has_one_place(mine):
    """Leaves a request out or names one twice: the result are the places of all requests, each once."""
    requests = [("a", 3), ("b", 1), ("a", 1), ("c", 9), ("b", 2)]
    same(sorted(mine(requests, {}, {})), [0, 1, 2, 3, 4])


@check("invariant")
def a_keys_own_keep_their_order(mine):
    """Changes the order of a key's own requests: among themselves they go as they came."""
    same(list(mine([("a", 5), ("a", 1), ("a", 3)], {}, {})), [0, 1, 2])


@check("values")
def the_smallest_counter_goes_first(mine):
    """Does not begin with the key that was served least."""
    mistakes = {
        "First come, first served: the counters change nothing, and who sends most gets most.": [0, 1, 2],
        "The largest counter goes first: that gives to who has.": [0, 2, 1],
    }
    same(list(mine([("a", 1), ("b", 1), ("c", 1)], {"a": 100, "b": 10, "c": 50}, {})), [1, 2, 0], mistakes=mistakes)


@check("values")
def a_turn_is_charged(mine):
    """Does not charge a turn at once: then one key's whole crowd goes before anybody else."""
    same(list(mine([("a", 10), ("a", 10), ("a", 10), ("b", 10)], {"a": 0, "b": 5}, {})), [0, 3, 1, 2])


@check("values")
def tokens_count_and_not_requests(mine):
    """Counts requests: a key that sends ten times longer ones would get ten times as much."""
    same(
        list(mine([("long", 100), ("long", 100), ("short", 10), ("short", 10), ("short", 10)], {}, {})), [0, 2, 3, 4, 1]
    )


@check("values")
def a_weight_is_a_share(mine):
    """Does not divide by the weight: a key of weight 3 is charged a third, so that it gets three times as much."""
    mistakes = {
        "Leaves the weights out: all keys get the same.": [0, 1, 2, 4, 3],
        "Multiplies by the weight: who should get most gets least.": [0, 1, 2, 3, 4],
    }
    requests = [("a", 10), ("b", 10), ("a", 10), ("a", 10), ("b", 10)]
    same(list(mine(requests, {"a": 0, "b": 1}, {"a": 0.5})), [0, 1, 4, 2, 3], mistakes=mistakes)
    requests = [("iron", 10), ("gold", 10), ("iron", 10), ("gold", 10), ("gold", 10), ("gold", 10)]
    same(list(mine(requests, {}, {"gold": 3.0})), [0, 1, 3, 4, 2, 5])


@check("values")
def of_equal_counters_the_first_to_come(mine):
    """Of equal counters takes another key than the one whose request came first: names must not decide."""
    same(list(mine([("z", 1), ("a", 1), ("m", 1)], {}, {})), [0, 1, 2])


@check("values")
def a_key_without_a_counter_has_none(mine):
    """Fails or puts it last when a key has no counter yet: a newcomer was served nothing."""
    same(list(mine([("old", 1), ("new", 1)], {"old": 7}, {})), [1, 0])


@check("speed")
def a_thousand_wait(mine):
    """Is far slower than the reference: keep the keys in a heap by their counters, and do not look through all for each turn."""
    from groundup.serving.scheduling.batching import fair_order

    requests = [(f"key {number * 7 % 500}", 1 + number % 13) for number in range(3000)]
    fast(mine, fair_order, (requests, {}, {}))


EXERCISE = Exercise(
    slot="serving.scheduling.fair_order",
    title="Fair queue: whose turn it is",
    task="""
    Many keys want one machine. Each has a counter of the tokens it was served, divided by its weight. The turn is always that of the
    key with the smallest counter, which then has the tokens of its request, over its weight, more; a key's own requests keep their
    order. Give back the places of the waiting requests in the order in which they take their turns. It is a forecast: the
    counters that you were given stay as they are.
    """,
    difficulty=3,
    minutes=25,
    prerequisites=("serving.scheduling",),
    hints=(
        "Give each key a queue of its own places, and a counter of its own that you may change (a copy).",
        "Again and again: the key with the smallest (counter, place of its first request); take that request; add tokens / weight.",
        "A heap of (counter, first place, key) makes a turn cheap: pop the smallest, push it back with its new counter while it has "
        "requests left.",
    ),
    run="groundup demo --fast && groundup --mine my bench serve runs/demo-fast/model --seconds 5",
    checks=(
        nothing_waits,
        everybody_has_one_place,
        a_keys_own_keep_their_order,
        the_smallest_counter_goes_first,
        a_turn_is_charged,
        tokens_count_and_not_requests,
        of_equal_counters_the_first_to_come,
        a_weight_is_a_share,
        a_key_without_a_counter_has_none,
        a_thousand_wait,
    ),
    mutants=(
        Mutant(
            "first come, first served",
            "First come, first served",
            source="""
            def fair_order(requests, counters, weights):
                return list(range(len(requests)))
            """,
        ),
        Mutant("the last first", "Changes the order of a key's own requests", (("in reversed(range(len(requests)))", "in range(len(requests))"),)),
        Mutant("to who has", "The largest counter goes first", (("(counters.get(key, 0.0), places[-1], key)", "(-counters.get(key, 0.0), places[-1], key)"),)),
        Mutant("no charge", "Does not charge a turn at once", (("counter + requests[place][1] / weights.get(key, 1.0)", "counter"),)),
        Mutant("a request is a request", "Counts requests", (("requests[place][1] /", "10 /"),)),
        Mutant("no weights", "Leaves the weights out", ((" / weights.get(key, 1.0)", ""),)),
        Mutant("weights the wrong way", "Multiplies by the weight", (("/ weights.get", "* weights.get"),)),
        Mutant(
            "names decide",
            "names must not decide",
            (
                ("(counters.get(key, 0.0), places[-1], key)", "(counters.get(key, 0.0), key, key)"),
                ("counter, place, key = turns[0]", "counter, _, key = turns[0]; place = own[key][-1]"),
                ("own[key][-1], key))", "key, key))"),
            ),
        ),
        Mutant(
            "newcomers last",
            "puts it last when a key has no counter",
            (("(counters.get(key, 0.0), places[-1], key)", "(counters.get(key, max(counters.values(), default=0) + 1), places[-1], key)"),),
        ),
        Mutant(
            "charged for good",
            "Changes its argument counters in place",
            source="""
            def fair_order(requests, counters, weights):
                left, order = list(range(len(requests))), []
                while left:
                    place = min({requests[one][0]: one for one in reversed(left)}.values(), key=lambda one: (counters.get(requests[one][0], 0.0), one))
                    key, tokens = requests[place]
                    counters[key] = counters.get(key, 0.0) + tokens / weights.get(key, 1.0)
                    left.remove(place)
                    order.append(place)
                return order
            """,
        ),
        Mutant(
            "all for each turn",
            "far slower than the reference",
            source="""
            def fair_order(requests, counters, weights):
                counters, left, order = dict(counters), list(range(len(requests))), []
                while left:
                    place = min({requests[one][0]: one for one in reversed(left)}.values(), key=lambda one: (counters.get(requests[one][0], 0.0), one))
                    key, tokens = requests[place]
                    counters[key] = counters.get(key, 0.0) + tokens / weights.get(key, 1.0)
                    left.remove(place)
                    order.append(place)
                return order
            """,
        ),
    ),
)  # fmt: skip
