"""Lesson: hybrids, where a few layers of attention look up what a state of fixed size has no room for."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A state and a look-up", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch import nn
    from torch.nn import functional

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.attention.multi_head import MultiHeadAttention
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.layers.initialization import initialize
    from groundup.model.recurrence.delta_rule import delta_rule
    from groundup.model.recurrence.hybrid import FULL, LINEAR, HybridCache, layer_types
    from groundup.model.recurrence.state_space import Mamba2, state_space


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A state and a look-up

    Attention looks anything up and pays for it with a cache that grows. A state of fixed size is cheap, knows what came last, and
    has little room. Real models mix them. Afterwards you can say what each kind is bad at, from a measurement of your own,
    and what a mixture keeps in memory.
    """)
    return


@app.cell
def _():
    def cache_numbers(kinds, tokens, width=2048, state=128):
        """Numbers kept of a text: keys and values where there is attention, one matrix for each of 16 heads elsewhere."""
        attention = kinds.count(FULL) * 2 * width * tokens
        return attention + kinds.count(LINEAR) * width * state

    every_fourth = layer_types(24, every=4)
    share = cache_numbers(every_fourth, 100_000) / cache_numbers((FULL,) * 24, 100_000)
    mo.md(
        f"24 layers, every fourth of them attention: after 100,000 tokens the model keeps **{share:.1%}** of what one of attention "
        "alone would keep."
    )
    return cache_numbers, every_fourth, share


@app.cell
def _(every_fourth, share):
    assert every_fourth[:4] == (LINEAR, LINEAR, LINEAR, FULL)
    assert 0.25 < share < 0.26
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much is kept

    Choose every how many layers there is attention. The state's part is flat, so it matters for short texts only.
    """)
    return


@app.cell
def _():
    every = mo.ui.slider(steps=[1, 2, 4, 8, 24], value=4, label="attention every ... layers", show_value=True)
    every
    return (every,)


@app.cell
def _(cache_numbers, every):
    _lengths = [2**power for power in range(4, 18)]
    kinds = layer_types(24, every.value)
    kept = {
        "attention alone": [cache_numbers((FULL,) * 24, length) for length in _lengths],
        f"attention in {kinds.count(FULL)} of 24": [cache_numbers(kinds, length) for length in _lengths],
        "states alone": [cache_numbers((LINEAR,) * 24, length) for length in _lengths],
    }
    plots.lines(_lengths, kept, x="tokens", y="numbers kept", title="Memory of a text", log_x=True, log_y=True)
    return kept, kinds


@app.cell
def _(every, kept, kinds):
    _alone, _mixed, _states = kept.values()
    assert kinds.count(FULL) == 24 // every.value
    assert len(set(_states)) == 1, "the same after 16 tokens and after 131,072"
    assert abs(_mixed[-1] / _alone[-1] - 1 / every.value) < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A task that needs both

    A text is a row of pairs: a name and what it is now, such as `door open`, `lamp red`, `door shut`. There are 24 names and 8
    values, and names come again. At the end one name is asked for, and the **last** value counts. To answer, one must find the
    name's pairs (a look-up) and know which came last (an order). Nobody says at which position a pair stands.
    """)
    return


@app.cell
def _():
    def texts(count, pairs):
        """Names, values, the name asked for, and its last value."""
        source = torch.Generator().manual_seed(pairs)
        name = torch.randint(0, 24, (count, pairs), generator=source)
        value = torch.randint(0, 8, (count, pairs), generator=source)
        asked = name.gather(1, torch.randint(0, pairs, (count, 1), generator=source))
        last = torch.where(name == asked, torch.arange(pairs), -1).amax(1, keepdim=True)
        return name, value, asked, value.gather(1, last)[:, 0]

    _name, _value, _asked, _wanted = texts(1, 12)
    _told = [f"{a}={b}" for a, b in zip(_name[0].tolist(), _value[0].tolist(), strict=True)]
    mo.md(f"`{' '.join(_told)}`: what is {_asked.item()} now? **{_wanted.item()}**")
    return (texts,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three readers, built by hand

    Their weights are written down here, not learned, so that each does the best that its kind can. Attention asks with the name and
    takes the mean of what it finds. The state writes each value under its name by the delta rule. The mixture lets a state count
    the pairs (it adds 1 at each and never fades), and gives the count to attention as one more coordinate of the key: among pairs
    that fit, the latest fits best.
    """)
    return


@app.cell
def _():
    def by_attention(name, value, asked):
        """Look all pairs of the name up; the mean of their values."""
        query, key = functional.one_hot(asked, 24).float(), functional.one_hot(name, 24).float()
        return scaled_dot_product_attention(1000 * query, key, functional.one_hot(value, 8).float())[:, 0]

    def by_state(name, value, asked, rows):
        """Keep one matrix with so many rows, whatever the length."""
        source = torch.Generator().manual_seed(rows)
        names = functional.normalize(torch.randn(24, rows, generator=source), dim=-1)
        names = torch.linalg.qr(torch.randn(24, 24, generator=source)).Q if rows >= 24 else names
        key, values = names[name][:, None], functional.one_hot(value, 8).float()[:, None]
        _, state = delta_rule(key, key, values, torch.zeros(key.shape[:3]), torch.ones(key.shape[:3]))
        return (names[asked] @ state[:, 0])[:, 0]

    def by_both(name, value, asked):
        """Count with a state, look up with attention."""
        one = torch.ones(*name.shape, 1)[:, None]
        count = state_space(one, one, one, torch.zeros(one.shape[:3]))[0][:, 0]
        key = torch.cat([functional.one_hot(name, 24), count / 100], dim=-1)  # at most 1: the name decides first
        query = torch.cat([functional.one_hot(asked, 24), torch.ones(*asked.shape, 1)], dim=-1)
        return scaled_dot_product_attention(10_000 * query, key, functional.one_hot(value, 8).float())[:, 0]

    return by_attention, by_both, by_state


@app.cell
def _():
    rows = mo.ui.slider(steps=[2, 4, 8, 16, 24], value=8, label="rows of the state", show_value=True)
    rows
    return (rows,)


@app.cell
def _(by_attention, by_both, by_state, rows, texts):
    numbers_of_pairs = [4, 8, 16, 32, 64, 96]

    def right(reader, pairs, *more):
        """The share of right answers."""
        *text, wanted = texts(600, pairs)
        return (reader(*text, *more).argmax(-1) == wanted).float().mean().item()

    answers = {
        "attention": [right(by_attention, pairs) for pairs in numbers_of_pairs],
        f"state of {rows.value} rows": [right(by_state, pairs, rows.value) for pairs in numbers_of_pairs],
        "both": [right(by_both, pairs) for pairs in numbers_of_pairs],
    }
    plots.lines(
        numbers_of_pairs,
        answers,
        x="pairs in the text",
        y="right answers",
        title="The last value of a name",
        log_x=True,
        levels={"chance": 1 / 8},
    )
    return answers, numbers_of_pairs, right


@app.cell
def _(answers, rows):
    _attention, _state, _both = answers.values()
    assert min(_both) == 1.0, "order from the state, the place from attention"
    assert _attention[0] > 0.9 > 0.6 > _attention[-1], "names come again, and a mean does not know the last"
    assert (min(_state) == 1.0) == (rows.value == 24), "a row for every name, and nothing is lost"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    - **Attention** finds all pairs of the name however many there are, and cannot tell which was last.
    - **The state** knows what came last, and is right as long as each name has a row of its own. A text has as many names as it
      likes; the number of rows was chosen before it was read.
    - **Both** need a state of one number, and one layer of attention.

    Learned models find such divisions themselves: Jamba has no positions at all in its layers of attention. Attention alone
    needs positions, or a second layer that counts how many tokens the first one sees.

    ## One cache for both kinds

    Each block is handed the same cache object. Blocks of attention append keys, the others replace their state. Token by token or at
    once, the answers are equal, and only attention's part grows.
    """)
    return


@app.cell
def _():
    parts = nn.ModuleList([Mamba2(32, heads=2, head_dim=16, state_size=4), MultiHeadAttention(32, 1, 1, 32)])
    initialize(parts, layers=2, std=0.2, seed=0, scheme="normal")
    _cache = HybridCache((LINEAR, FULL), KVCache(1, 1, 1, 64, 32, torch.float32))
    _x = torch.randn(1, 40, 32, generator=torch.Generator().manual_seed(6))
    _outputs, grows = [], {"state": [], "keys and values": []}
    with torch.no_grad():
        _whole = parts[1](parts[0](_x, None), None)
        for _t in range(40):
            _said = parts[0](_x[:, _t : _t + 1], None, cache=_cache, layer=0)
            _outputs = [*_outputs, parts[1](_said, None, cache=_cache, layer=1)]
            _keys = 2 * 4 * 32 * _cache.length  # keys and values, four bytes each
            grows = {
                "state": [*grows["state"], _cache.state_bytes],
                "keys and values": [*grows["keys and values"], _keys],
            }
    apart = (torch.cat(_outputs, 1) - _whole).abs().max().item()
    plots.lines(list(range(1, 41)), grows, x="tokens", y="bytes", title="What one text keeps")
    return apart, grows, parts


@app.cell
def _(apart, grows):
    assert apart < 1e-4, "step by step is the same as all at once"
    assert len(set(grows["state"])) == 1
    assert grows["keys and values"][-1] == 40 * grows["keys and values"][0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set every to 24: one layer of attention is left, and still the line of the mixture bends upwards in the end. Why?
    - Give the state 24 rows: it is right without any attention. Then let there be 25 names.
    - In `by_both` let the count fade (a log decay of -0.1 instead of zeros): for long texts the counts of the last pairs are all
      alike. Where do the answers start to go wrong?

    The step inside: `groundup learn start state_space_step`
    """)
    return


if __name__ == "__main__":
    app.run()
