"""Lesson: a state-space layer, what its state keeps and forgets, and how its loop becomes matrix products."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A memory of fixed size", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.recurrence.state_space import (
        decay_matrix,
        state_space_chunked,
        state_space_matrix,
        state_space_reference,
        state_space_step,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A memory of fixed size

    Attention keeps every key and value it has seen, so its cache grows with the text. A state-space layer keeps one matrix
    and folds every new token into it. Afterwards you can say what such a state keeps, what it forgets and why, and how a
    loop over tokens is computed as a few matrix products.
    """)
    return


@app.cell
def _():
    kept_by_attention = {length: 2 * length * 64 for length in (64, 1024, 16_384, 131_072)}
    kept_by_state = 64 * 64
    mo.md(
        f"One head, 64 numbers wide, after 131,072 tokens: attention keeps **{kept_by_attention[131_072]:,}** numbers, a state "
        f"**{kept_by_state:,}**, {kept_by_attention[131_072] // kept_by_state:,} times fewer. It kept as many after 32 tokens."
    )
    return kept_by_attention, kept_by_state


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One step, by hand

    $$S_t = a_t S_{t-1} + k_t v_t^T \qquad o_t = S_t^T q_t$$

    The old state fades by $a$; the value is written under its key; the query reads. With a key of two numbers and a value of one,
    the state is a column of two.
    """)
    return


@app.cell
def _():
    def vector(*numbers):
        """One head of one text."""
        return torch.tensor([[numbers]])

    before = torch.tensor([[[[8.0], [0.0]]]])
    output, after = state_space_step(
        before, query=vector(1.0, 1.0), key=vector(1.0, 2.0), value=vector(3.0), log_decay=torch.tensor([[0.5]]).log()
    )
    mo.md(
        f"8 fades to 4, and 1 x 3 is added: **{after[0, 0, 0, 0]:.0f}**. 0 stays 0, and 2 x 3 is added: **{after[0, 0, 1, 0]:.0f}**. "
        f"The query (1, 1) reads their sum, **{output.item():.0f}**."
    )
    return after, before, output, vector


@app.cell
def _(after, before, output):
    assert after.flatten().tolist() == [7.0, 6.0] and output.item() == 13.0
    assert before.flatten().tolist() == [8.0, 0.0], "a new state; the old one is as it was"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it forgets by fading

    Write 64 random values, each under a key of its own, then ask for each of them with its key. The share of a value that is
    left is the product of all decays since: a straight line on a logarithmic axis. Choose how much a token leaves of the state.
    """)
    return


@app.cell
def _():
    decay = mo.ui.slider(steps=[0.8, 0.9, 0.95, 0.98, 1.0], value=0.95, label="kept at each token", show_value=True)
    decay
    return (decay,)


@app.cell
def _(decay):
    _steps = torch.full((64,), decay.value).log()
    left = decay_matrix(_steps)[-1]  # the last row: what is left at the end of what each token wrote
    plots.lines(
        list(range(63, -1, -1)),
        {"left of what was written": left.tolist()},
        x="tokens ago",
        y="share",
        title=f"Each token keeps {decay.value} of the state",
        log_y=True,
    )
    return (left,)


@app.cell
def _(decay, left):
    assert abs(left[-1].item() - 1.0) < 1e-6, "the last token's own is whole"
    assert abs(left[0].item() - decay.value**63) < 1e-4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it forgets by crowding

    Without any decay nothing fades, and still it cannot hold everything. Values lie on top of one another in one matrix; keys
    that are not at right angles read a little of each other's values. With $n$ random keys of width $d$, the noise is about
    $\sqrt{n / d}$ times the value that is asked for.
    """)
    return


@app.cell
def _():
    def noise(pairs, width):
        """Write pairs of random unit key and value; read each back: the size of the error beside the value's."""
        source = torch.Generator().manual_seed(pairs)
        key = functional.normalize(torch.randn(1, 8, pairs, width, generator=source), dim=-1)
        value = torch.randn(1, 8, pairs, 32, generator=source)
        _, state = state_space_reference(key, key, value, torch.zeros(1, 8, pairs))
        return ((key @ state - value).norm() / value.norm()).item()

    counts = [1, 2, 4, 8, 16, 32, 64, 128, 256]
    errors = {f"keys of {width}": [noise(pairs, width) for pairs in counts] for width in (16, 64)}
    plots.lines(
        counts,
        errors,
        x="pairs written",
        y="error, in sizes of the value",
        title="Crowding",
        log_x=True,
        levels={"all noise": 1.0},
    )
    return counts, errors, noise


@app.cell
def _(counts, errors):
    for _width in (16, 64):
        _measured, _said = errors[f"keys of {_width}"][-1], ((counts[-1] - 1) / _width) ** 0.5
        assert abs(_measured / _said - 1) < 0.1, "the root of pairs over width"
    assert errors["keys of 64"][0] < 1e-5, "one pair comes back whole"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So a layer that chooses its decay chooses between two ways of forgetting: the old fades, or everything blurs. Mamba's answer is
    that the token itself sets $a_t$: an unimportant one leaves the state alone, a full stop may clear it. The next lesson's
    answer is to take out what a new value replaces: the delta rule.

    ## The same as a matrix

    Write the recurrence out and every output is a sum over earlier tokens: a score of query and key, times what is left since
    then. That is attention without a softmax, and its mask is not just 0 and 1.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(3)
    _fades = torch.rand(12, generator=_source) * 0.5 + 0.5
    fading = torch.where(torch.arange(12) == 6, 0.02, _fades)  # at token 6 a new sentence begins
    mask = decay_matrix(fading.log())
    plots.heat_map(
        mask, x="written at", y="read at", title="What is left: the state is cleared at token 6", low=0, high=1
    )
    return fading, mask


@app.cell
def _(fading, mask):
    assert mask.triu(1).eq(0).all(), "nothing from the future"
    assert mask[6:, :6].max() <= 0.021, "what was before token 6 is all but gone"
    torch.testing.assert_close(mask[5, 2], fading[3] * fading[4] * fading[5])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chunks: neither a loop nor a square

    The loop takes a step for every token; the matrix takes a score for every pair. In chunks, a token reads its own chunk by pairs
    and everything before by the state at the chunk's start. Count the multiplications for one head of width 64.
    """)
    return


@app.cell
def _():
    lengths = [2**power for power in range(8, 17)]
    pairs = [length * length * 128 for length in lengths]
    chunked = [length * 64 * 128 + 2 * length * 64 * 64 for length in lengths]
    plots.lines(
        lengths,
        {"all pairs": pairs, "chunks of 64": chunked},
        x="tokens",
        y="multiplications",
        title="Growth",
        log_x=True,
        log_y=True,
    )
    return chunked, lengths, pairs


@app.cell
def _(chunked, lengths, pairs):
    _double = [later / earlier for earlier, later in zip(chunked, chunked[1:], strict=False)]
    assert max(_double) == min(_double) == 2.0, "twice the text, twice the work"
    assert pairs[-1] / pairs[-2] == 4.0
    mo.md(
        f"At {lengths[-1]:,} tokens the chunks need {pairs[-1] / chunked[-1]:,.0f} times fewer, and the loop over chunks has "
        f"{lengths[-1] // 64:,} steps instead of {lengths[-1]:,}."
    )
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(4)
    _query, _key, _value = torch.randn(3, 1, 2, 100, 8, generator=_source, dtype=torch.float64)
    _log_decay = -torch.rand(1, 2, 100, generator=_source, dtype=torch.float64)
    _loop, _state = state_space_reference(_query, _key, _value, _log_decay)
    _square = state_space_matrix(_query, _key, _value, _log_decay)
    _chunks, _last = state_space_chunked(_query, _key, _value, _log_decay, chunk=16)
    apart = max((_loop - other).abs().max().item() for other in (_square, _chunks))
    assert apart < 1e-10 and (_state - _last).abs().max() < 1e-10
    mo.md(f"Loop, square and chunks on the same numbers: at most {apart:.0e} apart.")
    return (apart,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the decay to 1: nothing fades, the line is flat, and the state fills up until all is noise. To 0.8: after twenty tokens
      one percent is left.
    - Change 0.02 in the heat map's cell to 1: the wall at token 6 disappears.
    - Take keys of 256 in the crowding cell: how many pairs until the error is as large as the value?

    Write them yourself: `groundup learn start state_space_step`, then `groundup learn start state_space_chunked`
    """)
    return


if __name__ == "__main__":
    app.run()
