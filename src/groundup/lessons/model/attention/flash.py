"""Lesson: FlashAttention, a softmax over a row that is never there as a whole."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="FlashAttention: a row that is never there", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.flash import (
        flash_attention,
        flash_backward_tile,
        flash_forward,
        online_softmax_step,
        spans,
        tiles,
    )
    from groundup.model.attention.masks import causal, documents, sliding_window
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # FlashAttention: a row that is never there

    Attention compares every token with every other, and by its definition it writes all these scores down. FlashAttention gives
    the same numbers and writes none of them. Afterwards you can do its softmax by hand, say which tiles it skips, and
    explain how it finds its way back without the weights.
    """)
    return


@app.cell
def _():
    _tokens, _heads = 131_072, 32
    scores_gb = _tokens**2 * _heads * 2 / 1e9  # bf16: two bytes
    kept_gb = _tokens * _heads * 4 / 1e9  # one float32 a query and head
    mo.md(
        f"A conversation of {_tokens:,} tokens, {_heads} heads, one layer: the scores alone are **{scores_gb:,.0f} GB**. What "
        f"FlashAttention keeps in their place is {kept_gb:.3f} GB, one number a query."
    )
    return kept_gb, scores_gb


@app.cell
def _(kept_gb, scores_gb):
    assert scores_gb / kept_gb == 131_072 / 2, "as many times less as the row is long, halved by the wider number"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A softmax in two pieces, by hand

    Four keys with the scores 1, 3, 2, 5 and the values 10, 20, 30, 40. A softmax subtracts the largest score, so that
    no exponential overflows, and divides by the sum. Both seem to need the whole row. Take the first two keys alone: the largest
    score is 3, and relative to it we sum the exponentials, and the exponentials times the values.
    """)
    return


@app.cell
def _():
    scores = torch.tensor([1.0, 3.0, 2.0, 5.0])
    value = torch.tensor([10.0, 20.0, 30.0, 40.0])
    _first = torch.exp(scores[:2] - 3)
    total_of_two, mixed_of_two = _first.sum(), (_first * value[:2]).sum()
    mo.md(
        f"After two keys: largest 3, total {total_of_two:.4f}, mixed {mixed_of_two:.3f}. Were there no more keys, the result would be "
        f"mixed / total = {mixed_of_two / total_of_two:.3f}."
    )
    return mixed_of_two, scores, total_of_two, value


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Now the other two come, and 5 is larger than 3. Nothing is lost: $e^{s-5} = e^{s-3} \cdot e^{3-5}$, so both old sums are
    multiplied by $e^{3-5}$, as if 5 had been known from the start. Then the new keys are added.
    """)
    return


@app.cell
def _(mixed_of_two, scores, total_of_two, value):
    _shrink = torch.exp(torch.tensor(3.0 - 5.0))
    _second = torch.exp(scores[2:] - 5)
    _total = total_of_two * _shrink + _second.sum()
    _mixed = mixed_of_two * _shrink + (_second * value[2:]).sum()
    by_hand = _mixed / _total
    mo.md(f"mixed / total is now **{by_hand:.4f}**; softmax of the whole row: {scores.softmax(0) @ value:.4f}.")
    return (by_hand,)


@app.cell
def _(by_hand, mixed_of_two, scores, total_of_two, value):
    assert torch.isclose(by_hand, scores.softmax(0) @ value)
    _sums = torch.tensor([[3.0]]), total_of_two.reshape(1, 1), mixed_of_two.reshape(1, 1)
    _sums = online_softmax_step(*_sums, scores[None, 2:], value[2:, None])
    assert torch.isclose(_sums[2] / _sums[1], by_hand), "the library's step does the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Along a row

    $$m' = \max(m, \max s) \qquad \ell' = \ell\, e^{m-m'} + \sum e^{s-m'} \qquad o' = o\, e^{m-m'} + \sum e^{s-m'} v$$

    Here 64 keys come eight at a time. The line is what the result would be if the row ended there; the dots between are only
    intermediate, and the last one is exact. Choose another order of the keys: the way is another one, the end is the same.
    """)
    return


@app.cell
def _():
    order = mo.ui.radio(["as they come", "largest last", "largest first"], value="as they come", label="the keys")
    order
    return (order,)


@app.cell
def _(order):
    _source = torch.Generator().manual_seed(0)
    _scores, _value = 3 * torch.randn(64, generator=_source), torch.randn(64, generator=_source).cumsum(0)
    _sorted = _scores.argsort()
    _places = {"as they come": torch.arange(64), "largest last": _sorted, "largest first": _sorted.flip(0)}[order.value]
    whole = (_scores.softmax(0) @ _value).item()
    so_far, shrinks = [], 0
    _sums = torch.full((1, 1), torch.finfo(torch.float32).min), torch.zeros(1, 1), torch.zeros(1, 1)
    for _span in spans(64, 8):
        _next = online_softmax_step(*_sums, _scores[_places][None, _span], _value[_places][_span, None])
        shrinks += bool(so_far) and _next[0].item() > _sums[0].item()
        _sums = _next
        so_far = [*so_far, (_sums[2] / _sums[1]).item()]
    plots.lines(
        list(range(8, 72, 8)),
        {"mixed / total": so_far},
        x="keys seen",
        y="result",
        levels={"softmax of the whole row": whole},
        title=f"{order.value}: shrunk {shrinks} times",
        marked=True,
    )
    return shrinks, so_far, whole


@app.cell
def _(order, shrinks, so_far, whole):
    assert abs(so_far[-1] - whole) < 1e-4
    assert order.value != "largest first" or shrinks == 0, "the largest score came first: nothing had to shrink"
    assert order.value != "largest last" or shrinks == 7, "each tile brought a larger one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Tiles that nobody needs

    The queries are cut into blocks as well, so the scores are a board of tiles and one tile is held at a time. A tile that the mask
    hides wholly costs nothing: it is not computed. Of a causal mask that is nearly half of the board.
    """)
    return


@app.cell
def _():
    kind = mo.ui.dropdown(
        ["everything", "causal", "causal, a window of 16", "causal, four documents"], value="causal", label="mask"
    )
    kind
    return (kind,)


@app.cell
def _(kind):
    _ids = torch.arange(128)[None] // 32
    _mask = {"causal, a window of 16": sliding_window(128, 128, 16), "causal, four documents": documents(_ids)}
    board = torch.zeros(16, 16)
    for _row, _span in enumerate(spans(128, 8)):
        for _columns, _visible in tiles(_span, 128, 128, 8, _mask.get(kind.value), kind.value != "everything"):
            board[_row, _columns.start // 8] = 1.0 if _visible is None else 0.5
    visited = int((board > 0).sum())
    plots.heat_map(
        board,
        x="block of keys",
        y="block of queries",
        low=0,
        high=1,
        title=f"{visited} of 256 tiles; in the paler ones the mask is asked",
    )
    return board, visited


@app.cell
def _(board, kind, visited):
    _expected = {"everything": 256, "causal": 136, "causal, a window of 16": 16 + 15 + 14, "causal, four documents": 40}
    assert visited == _expected[kind.value]
    assert kind.value == "everything" or board.triu(1).eq(0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The way back

    The gradient needs the weights, and they were thrown away. They can be had again: of each query one number was kept, the
    log of its sum, $L = m + \log \ell$, and then any weight is $e^{s-L}$, without its neighbours. So the backward pass walks
    over the same tiles, computes the scores a second time and adds up what each tile says.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(1)
    query, key, given_value = torch.randn(3, 1, 2, 40, 8, dtype=torch.float64, generator=_source)
    _, log_sum_exp = flash_forward(query, key, given_value, causal=True, blocks=(8, 8))
    _scores = query @ key.mT / 8**0.5
    again = torch.exp(_scores[0, 0, 20:28, :8] - log_sum_exp[0, 0, 20:28])  # one tile, alone
    _weights = _scores.masked_fill(~causal(40), -torch.inf).softmax(-1)
    assert torch.allclose(again, _weights[0, 0, 20:28, :8])
    mo.md(
        f"The weights of one tile of 8 x 8, from its scores and 8 numbers; the first query spends {again[0].sum():.1%} here."
    )
    return again, given_value, key, log_sum_exp, query


@app.cell
def _(given_value, key, query):
    def gradients(attention):
        """The gradients of a weighted sum of the result."""
        leaves = [one.clone().requires_grad_() for one in (query, key, given_value)]
        result = attention(*leaves)
        push = torch.linspace(-1, 1, result.numel(), dtype=torch.float64).reshape(result.shape)
        return [result.detach(), *torch.autograd.grad(result, leaves, push)]

    by_tiles = gradients(lambda *leaves: flash_attention(*leaves, causal=True, blocks=(8, 16)))
    by_definition = gradients(lambda *leaves: scaled_dot_product_attention(*leaves, causal(40)))
    apart = max((one - other).abs().max().item() for one, other in zip(by_tiles, by_definition, strict=True))
    assert apart < 1e-12
    mo.md("Result and all three gradients, by tiles and by the definition, in double precision: equal to 12 places.")
    return apart, by_definition, by_tiles, gradients


@app.cell
def _(by_definition, given_value, key, log_sum_exp, query):
    _push = torch.linspace(-1, 1, query.numel(), dtype=torch.float64).reshape(query.shape)
    _row_dot = (_push * by_definition[0]).sum(-1, keepdim=True)
    _part = slice(32, 40)  # the last keys: only the last queries see them
    _tile = flash_backward_tile(
        query[:, :, _part],
        key[:, :, _part],
        given_value[:, :, _part],
        _push[:, :, _part],
        log_sum_exp[:, :, _part],
        _row_dot[:, :, _part],
        causal(8),
        8**-0.5,
    )
    assert torch.allclose(_tile[1], by_definition[2][:, :, _part]), "one tile is all that those keys are told"
    assert torch.allclose(_tile[2], by_definition[3][:, :, _part])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is kept

    Between the forward and the backward pass something has to be kept. Counted here, not computed: every number that autograd
    puts aside, for one head of width 32.
    """)
    return


@app.cell
def _():
    def kept(attention, length):
        """The numbers that autograd keeps for the way back, each tensor once."""
        leaves = [torch.zeros(1, 1, length, 32, requires_grad=True) for _ in range(3)]
        seen = {}

        def note(tensor):
            seen[tensor.data_ptr()] = tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            held = attention(*leaves)
        return sum(seen.values()) if held.requires_grad else 0

    lengths = [64, 128, 256, 512, 1024]
    put_aside = {
        "definition": [kept(scaled_dot_product_attention, length) for length in lengths],
        "flash": [kept(flash_attention, length) for length in lengths],
    }
    plots.lines(
        lengths, put_aside, x="tokens", y="numbers", log_x=True, log_y=True, title="Kept for the way back", marked=True
    )
    return kept, lengths, put_aside


@app.cell
def _(lengths, put_aside):
    assert put_aside["flash"] == [length * (4 * 32 + 1) for length in lengths], "query, key, value, result, one number"
    assert put_aside["definition"][-1] > 1024**2
    assert put_aside["definition"][-1] / put_aside["definition"][0] > 60
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Twice the tokens: twice the numbers, where the definition soon needs four times as many. The products are not fewer; the scores are
    even computed twice. That it is faster all the same comes from memory: a tile stays near the core, and the board of all scores is
    never written out and read again. `python benchmarks/model/attention/flash.py` measures it on your machine: at 4,096 tokens on
    one core of ours these loops took a quarter of the definition's time.

    ## Try

    - "largest first": the line starts near its end. "largest last": every tile overthrows what was there before.
    - Choose the window: how does the number of tiles grow with the length, if the window stays?
    - In `kept`, double the width of the head: which of the two lines moves?

    Write it yourself: `groundup learn start online_softmax_step`, then `groundup learn start flash_backward_tile`
    """)
    return


if __name__ == "__main__":
    app.run()
