"""Lesson: whose turn it is when many keys want one model: by arrival, by requests, by tokens; and why an absence must not be saved up."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A fair queue: whose turn it is", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.serving.scheduling.batching import fair_order, lifted


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A fair queue: whose turn it is

    One model, and many who want it. Somebody runs a script that sends a thousand requests; somebody else asks one question. Afterwards you know
    why the order of arrival is not fair, what is counted instead, and the two mistakes that make a fair queue unfair again.
    """)
    return


@app.cell
def _():
    waiting = [("script", 100)] * 40 + [("you", 100)]
    by_arrival = waiting.index(("you", 100))
    by_turns = fair_order(waiting, {}, {}).index(40)
    mo.md(
        f"40 requests of a script wait, then you come. First come, first served: **{by_arrival}** answers are written before yours. In a fair "
        f"queue: **{by_turns}**."
    )
    return by_arrival, by_turns, waiting


@app.cell
def _(by_arrival, by_turns):
    assert by_arrival == 40 and by_turns == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A counter for each key

    Each key has a counter of what it was served, and the turn is always that of the smallest one. Its request's tokens are then added to it.
    The order in which 6 requests are let in, by hand: `a` was served 5 already, `b` nothing.
    """)
    return


@app.cell
def _():
    requests = [("a", 10), ("a", 10), ("b", 4), ("b", 4), ("a", 10), ("b", 4)]
    order = fair_order(requests, {"a": 5, "b": 0}, {})
    counters = [{"a": 5, "b": 0}]
    for _place in order:
        _key, _tokens = requests[_place]
        counters = [*counters, {**counters[-1], _key: counters[-1][_key] + _tokens}]
    plots.lines(
        range(len(counters)),
        {key: [one[key] for one in counters] for key in ("a", "b")},
        x="turns",
        y="counter",
        marked=True,
        title="The turns go to " + ", ".join(requests[place][0] for place in order),
    )
    return counters, order, requests


@app.cell
def _(counters, order, requests):
    for _turn, _place in enumerate(order):
        _before = counters[_turn]
        assert (
            _before[requests[_place][0]] == min(_before.values())
            or len({requests[one][0] for one in order[_turn:]}) == 1
        )
    assert [requests[place][0] for place in order] == ["b", "b", "a", "b", "a", "a"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is counted

    Requests, as a web server does? Then a key that asks for long answers gets more of the machine than one that asks for short ones. Here one key
    sends requests of 20 tokens, the other longer ones; both always have some waiting. Choose what a turn costs.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(20, 200, step=60, value=200, label="tokens of the long requests", show_value=True)
    length
    return (length,)


@app.cell
def _():
    def shares(long: int, by_tokens: bool, turns: int = 400) -> Counter:
        """Tokens that each key was served, of the first 3,000."""
        tokens = {"short": 20, "long": long}
        counted = {"short": 0.0, "long": 0.0}
        served = Counter()
        for _ in range(turns):
            waits = [(key, tokens[key] if by_tokens else 1) for key in ("short", "long")]
            key = waits[fair_order(waits, counted, {})[0]][0]
            counted[key] += tokens[key] if by_tokens else 1
            served[key] += tokens[key]
            if served.total() >= 3000:
                break
        return served

    return (shares,)


@app.cell
def _(length, shares):
    by_requests, by_tokens = shares(length.value, False), shares(length.value, True)
    plots.value_bars(
        {"counting requests": dict(by_requests), "counting tokens": dict(by_tokens)},
        y="tokens served",
        title=f"Counting requests, the long ones get {by_requests['long'] / by_requests['short']:.0f} times as much",
    )
    return by_requests, by_tokens


@app.cell
def _(by_requests, by_tokens, length):
    assert abs(by_tokens["long"] - by_tokens["short"]) <= length.value, "never further apart than one request"
    assert by_requests["long"] / by_requests["short"] >= 0.8 * length.value / 20
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    That the two are never further apart than their largest request, however long it goes on, is the theorem behind the queue (Sheng et al. 2024,
    arXiv:2401.00588, which counts an answer's tokens as they are written). A **weight** divides what a turn costs: with weight 3, a token counts
    a third, and the key gets three times as much.
    """)
    return


@app.cell
def _():
    _many = [(key, 10) for _ in range(60) for key in ("iron", "gold")]
    _order = fair_order(_many, {}, {"gold": 3.0})
    first_forty = Counter(_many[place][0] for place in _order[:40])
    mo.md(f"Of the first 40 turns, gold has **{first_forty['gold']}** and iron {first_forty['iron']}.")
    return (first_forty,)


@app.cell
def _(first_forty):
    assert first_forty == {"gold": 30, "iron": 10}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Nobody saves up his absence

    One mistake is left. A key that was away all night comes back with the counter of yesterday, while the others went on. Its counter is by far the
    smallest, so it has every turn until it has caught up: being absent was saved up, and everybody else pays. So a counter is **lifted**
    on return to the smallest of those that are here.
    """)
    return


@app.cell
def _():
    _back = [("night owl", 10)] * 30 + [("you", 10)] * 30
    _without = fair_order(_back, {"night owl": 0, "you": 200}, {})
    _with = fair_order(_back, {"night owl": lifted(0, [200], last=0), "you": 200}, {})
    turns_before_yours = [next(turn for turn, place in enumerate(one) if place >= 30) for one in (_without, _with)]
    mo.md(
        f"You were served 200 tokens while the other was away. He comes back with 30 requests. Without lifting **{turns_before_yours[0]}** of them go "
        f"before your next one, with it **{turns_before_yours[1]}**."
    )
    return (turns_before_yours,)


@app.cell
def _(turns_before_yours):
    assert turns_before_yours == [21, 1]
    assert lifted(300, [200], last=0) == 300, "nobody is ever lowered"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Long requests of 20 tokens: both ways of counting agree, and only then.
    - In the picture of two counters, begin with `{"a": 50, "b": 0}`: all turns of b come first, and that is right.
    - `groundup serve` uses this order (`FairOrder`), with the weight that a key's line has.

    Write it yourself: `groundup learn start fair_order`, then `groundup learn start lifted`
    """)
    return


if __name__ == "__main__":
    app.run()
