"""Lesson: the residual stream, pre-norm against post-norm, and the gradient at every depth."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Residual: a stream that everyone adds to", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch import nn

    from groundup import plots
    from groundup.model.attention.multi_head import MultiHeadAttention
    from groundup.model.layers.feed_forward import GatedFeedForward
    from groundup.model.layers.initialization import initialize
    from groundup.model.layers.norms import RMSNorm, rms_norm
    from groundup.model.layers.residual import Block, pre_norm_block


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Residual: a stream that everyone adds to

    A block does not replace what came in, it adds to it. That one plus sign is why models can be deep. Afterwards you can
    write the block, say where its norm belongs, and read off the gradient at every depth what goes wrong without it.
    """)
    return


@app.cell
def _():
    def stack(depth, written=1.0):
        """Blocks of attention and feed-forward, 32 wide, with random first values; written: scales what each adds."""
        blocks = nn.ModuleList(
            Block(MultiHeadAttention(32, 4, 4, 8), GatedFeedForward(32, 96), RMSNorm(32), RMSNorm(32))
            for _ in range(depth)
        )
        initialize(blocks, layers=1, std=32**-0.5, seed=0, scheme="normal")
        with torch.no_grad():
            for name, weight in blocks.named_parameters():
                if name.endswith(("o_proj.weight", "down_proj.weight")):
                    weight.mul_(written * 2**0.5)  # `initialize` divided by the root of twice one layer
        return blocks

    def after(norm, part, x):
        """The sum first, then the norm: as in the first transformer."""
        return norm(x + part(x))

    def post_norm(block, x):
        """One block the old way, of the same parts."""
        x = after(block.input_layernorm, lambda y: block.self_attn(y, None), x)
        return after(block.post_attention_layernorm, block.mlp, x)

    def no_sum(block, x):
        """One block whose parts replace what came in."""
        return block.mlp(block.post_attention_layernorm(block.self_attn(block.input_layernorm(x), None)))

    ways = {"no sum": no_sum, "post-norm": post_norm, "pre-norm": lambda block, x: block(x, None)}
    mo.md(f"The same parts, put together in {len(ways)} ways: {', '.join(ways)}.")
    return after, no_sum, post_norm, stack, ways


@app.cell
def _(stack, ways):
    def flow(way, blocks):
        """The stream before and after every block, and the gradient of a loss at the end with respect to each of these."""
        source = torch.Generator().manual_seed(1)
        streams = [torch.randn(1, 8, 32, generator=source).requires_grad_()]
        for block in blocks:
            streams = [*streams, ways[way](block, streams[-1])]
        end = streams[-1] if way == "post-norm" else rms_norm(streams[-1], torch.ones(32), 1e-6)
        loss = (end * torch.randn(1, 8, 32, generator=source)).sum()
        return streams, [gradient.norm().item() for gradient in torch.autograd.grad(loss, streams)]

    _deep = {way: flow(way, stack(48))[1] for way in ways}
    grows = {way: gradients[0] / gradients[-1] for way, gradients in _deep.items()}
    mo.md(
        "48 blocks one behind another, fresh. How much larger is the gradient at the first than at the last? Without the "
        f"sum **{grows['no sum'] / 1e6:.0f} million** times. With a sum and a norm after it {grows['post-norm']:,.0f} times, with the norm "
        f"before each part **{grows['pre-norm']:.0f}** times. Another seed gives other numbers in the same order."
    )
    return flow, grows


@app.cell
def _(grows):
    assert grows["no sum"] > 30 * grows["post-norm"] > 450 * grows["pre-norm"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One number, by hand

    Let a layer be $f(x) = x / 2$. Ten of them behind another pass on a gradient of $(1/2)^{10}$. If each adds to what came in,
    $x + f(x)$, its slope is $1 + f'(x)$: whatever $f$ does, there is a way past it on which nothing is multiplied.
    """)
    return


@app.cell
def _():
    _x = torch.ones((), requires_grad=True)
    _chain, _weak = _x, _x
    for _ in range(10):
        _chain = _chain / 2
        _weak = _weak + 0.01 * _weak / 2  # a layer that adds little
    replaced, added = (torch.autograd.grad(y, _x)[0].item() for y in (_chain, _weak))
    mo.md(f"Replaced ten times: **{replaced:.4f}**. Added to, a little, ten times: **{added:.3f}**.")
    return added, replaced


@app.cell
def _(added, replaced):
    assert replaced == 0.5**10
    assert abs(added - 1.005**10) < 1e-5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The block

    $$x \leftarrow x + \text{attention}(\text{norm}(x)), \qquad x \leftarrow x + \text{feed-forward}(\text{norm}(x))$$

    Each part reads the stream through its own norm and adds what it has to say. The stream itself is never normalised.
    """)
    return


@app.cell
def _(stack):
    _block = stack(1)[0]
    _x = torch.randn(1, 8, 32, generator=torch.Generator().manual_seed(2))
    _attention = lambda y: _block.self_attn(y, None)  # noqa: E731
    with torch.no_grad():
        _said_first = _attention(_block.input_layernorm(_x))
        _said_second = _block.mlp(_block.post_attention_layernorm(_x + _said_first))
        by_hand = _x + _said_first + _said_second
        torch.testing.assert_close(by_hand, _block(_x, None))
        torch.testing.assert_close(
            by_hand,
            pre_norm_block(_x, _block.input_layernorm, _attention, _block.post_attention_layernorm, _block.mlp),
        )
        _quiet = stack(1, written=0.0)[0]
        assert torch.equal(_quiet(_x, None), _x), "who says nothing changes nothing"
    mo.md(
        f"Stream {_x.norm():.1f} long, attention adds {_said_first.norm():.1f}, feed-forward **{_said_second.norm():.1f}**; "
        "together the block's own output."
    )
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways, by depth

    The gradient of one loss with respect to the stream, at every depth, in fresh models. Where a line is level, the
    first block hears the loss as loudly as the last. The axis is logarithmic. Choose how many blocks there are.
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(steps=[4, 8, 16, 32, 48], value=48, label="blocks", show_value=True)
    depth
    return (depth,)


@app.cell
def _():
    written = mo.ui.slider(steps=[0.1, 0.2, 0.5, 1.0], value=1.0, label="what each block adds, times", show_value=True)
    written
    return (written,)


@app.cell
def _(depth, flow, stack, ways, written):
    flows = {way: flow(way, stack(depth.value, written.value)) for way in ways}
    gradients = {way: [one / found[-1] for one in found] for way, (_, found) in flows.items()}
    plots.lines(
        range(depth.value + 1),
        gradients,
        x="after block",
        y="gradient, 1 at the end",
        log_y=True,
        title=f"{depth.value} blocks, each adds times {written.value}",
    )
    return flows, gradients


@app.cell
def _(depth, gradients, written):
    assert max(gradients["pre-norm"]) < 100, "pre-norm stays within two powers of ten, everywhere"
    if depth.value >= 32:
        assert gradients["no sum"][0] > 10 * gradients["pre-norm"][0]
        assert written.value < 1 or gradients["post-norm"][0] > 3 * gradients["pre-norm"][0]
        assert written.value > 0.2 or gradients["post-norm"][0] < 10, "post-norm is level where blocks add little"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    After each sum post-norm divides the whole stream, the old part of it too. On the way back that is a factor at every block,
    and factors become powers. This is why the first transformers needed a careful warmup. Blocks that add little cure it at
    the start: move the second control to 0.2 and post-norm is as level as pre-norm. Which way the factors go, up here
    and down in others' measurements, depends on the parts; that they are powers does not.

    ## The price

    Nothing ever makes the pre-norm stream smaller, so it grows with depth, and each further block, which reads a vector of
    unit size, is a smaller part of the sum.
    """)
    return


@app.cell
def _(depth, flows):
    stream_sizes = {
        way: [stream.detach().square().mean().sqrt().item() for stream in flows[way][0]]
        for way in ("post-norm", "pre-norm")
    }
    plots.lines(
        range(depth.value + 1), stream_sizes, x="after block", y="root mean square", title="How large the stream is"
    )
    return (stream_sizes,)


@app.cell
def _(depth, stream_sizes, written):
    assert all(abs(size - 1) < 0.01 for size in stream_sizes["post-norm"][1:])
    assert stream_sizes["pre-norm"][-1] > stream_sizes["pre-norm"][0]
    if written.value == 1.0 and depth.value >= 16:
        assert stream_sizes["pre-norm"][-1] > 3
    return


@app.cell
def _(depth, flows):
    _streams = [stream.detach() for stream in flows["pre-norm"][0]]
    _turns = [torch.cosine_similarity(a, b, dim=-1).mean().item() for a, b in zip(_streams, _streams[1:], strict=False)]
    first_turn, last_turn = _turns[0], _turns[-1]
    mo.md(
        f"Pre-norm, {depth.value} blocks: the first leaves a vector with a cosine of **{first_turn:.2f}** to the one before, "
        f"the last of **{last_turn:.2f}**. Late blocks only nudge, which is why some can be cut out of trained models."
    )
    return first_turn, last_turn


@app.cell
def _(first_turn, last_turn):
    assert last_turn > first_turn
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 4 blocks: all three ways are much alike. Depth is what separates them.
    - 48 blocks, times 0.2: post-norm has become level; without a sum the gradient is still off by many thousands.
    - In `stack`, another `seed`: the first sentence has other numbers, and they stand in the same order.

    Write it yourself: `groundup learn start pre_norm_block`
    """)
    return


if __name__ == "__main__":
    app.run()
