"""Lesson: tricks of small models: what each switch does to a fresh model, and what it was worth when it was measured."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Tricks, and what they are worth", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.groundup import GroundupConfig
    from groundup.model.architectures.tricks import add_value_embedding, mix_with_start
    from groundup.model.layers.norms import rms_norm


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Tricks, and what they are worth

    Whoever trains a GPT-2 as fast as possible collects tricks. Each is a few lines, and each came with a curve that it improved.
    Here every one is a switch. Afterwards you can write the two that are new, say what a switch does to a model before
    it has learned anything, and read a table of measurements in which most of them cannot be told from nothing.
    """)
    return


@app.cell
def _():
    _gpt2 = dict(
        vocab_size=50_304, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12
    )
    _plain = GroundupConfig(**_gpt2, tie_word_embeddings=True)
    _tables = GroundupConfig(**_gpt2, tie_word_embeddings=True, value_embedding_layers=(0, 11))
    plain, tables = count(_plain), count(_tables)
    more_weights = tables.parameters / plain.parameters - 1
    more_work = tables.flops_per_token(1024) / plain.flops_per_token(1024) - 1
    mo.md(
        f"Give two blocks of a GPT-2 a value embedding, and the model has **{more_weights:.0%} more weights** and "
        f"**{more_work:.0%} more work** to do for a token: a row is looked up, and nothing is multiplied."
    )
    return more_weights, more_work, plain, tables


@app.cell
def _(more_weights, more_work, plain, tables):
    assert tables.parameters - plain.parameters == 2 * 50_304 * 768
    assert more_work == 0 and more_weights > 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A second embedding for the values

    Attention copies values. What is copied should say which token it came from, and deep in the model the stream hardly says
    that any more. So a block gets a table of its own, as wide as its values, and each value takes the row of its token along:

    $$v_t \leftarrow v_t + E_{\text{value}}[\text{token}_t]$$
    """)
    return


@app.cell
def _():
    _table = torch.tensor([[0.0, 0.0], [1.0, 2.0], [5.0, 7.0]])
    _value = torch.tensor([[[10.0, 20.0], [30.0, 40.0], [50.0, 60.0]]])
    with_rows = add_value_embedding(_value, _table, torch.tensor([[2, 1, 2]]))
    mo.md(
        f"Tokens 2, 1, 2: the values become **{with_rows[0].tolist()}**. Token 2 gets the same row wherever it stands."
    )
    return (with_rows,)


@app.cell
def _(with_rows):
    assert with_rows.tolist() == [[[15.0, 27.0], [31.0, 42.0], [55.0, 67.0]]]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The embedding comes back

    The other way to remember the token is to add its embedding again. Before block $l$ the stream $x$ is mixed with what it
    began as, by two numbers that the block learns:

    $$x \leftarrow \text{keep}_l \, x + \text{add}_l \, x_0, \qquad \text{keep} = 1, \; \text{add} = 0 \text{ at the start}$$
    """)
    return


@app.cell
def _():
    _x, _start = torch.tensor([[[3.0]]]), torch.tensor([[[5.0]]])
    mixed = mix_with_start(_x, _start, torch.tensor(0.5), torch.tensor(0.1)).item()
    first = mix_with_start(_x, _start, torch.tensor(1.0), torch.tensor(0.0)).item()
    mo.md(
        f"Half of a stream of 3 and a tenth of a start of 5: **{mixed:g}**. With the first numbers it stays {first:g}."
    )
    return first, mixed


@app.cell
def _(first, mixed):
    assert abs(mixed - 2.0) < 1e-6 and first == 3.0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a switch does before anything is learned

    A fresh model of twelve blocks reads 32 tokens. How much does the stream still look like the embedding, block by block? The
    cosine between the two says it: 1 is the same direction. Choose a switch, and for the residual scalars how much they add.
    """)
    return


@app.cell
def _():
    switches = {
        "zero-initialised projections": {"zero_init_projections": True},
        "residual scalars": {"residual_scalars": True},
        "sandwich norm": {"block_order": "sandwich"},
        "output norm": {"block_order": "output_norm"},
        "post-norm": {"block_order": "post_norm"},
        "QK-norm": {"qk_norm": True},
        "value embeddings": {"value_embedding_layers": (0, 11)},
    }
    mo.md(
        f"{len(switches)} switches, each alone on a plain block: no QK-norm, projections that write from the first step on."
    )
    return (switches,)


@app.cell
def _(switches):
    switch = mo.ui.dropdown(list(switches), value="residual scalars", label="switch")
    switch
    return (switch,)


@app.cell
def _():
    add = mo.ui.slider(steps=[0.0, 0.1, 0.3, 1.0], value=0.1, label="add, of the residual scalars", show_value=True)
    add
    return (add,)


@app.cell
def _():
    def likeness(add=0.0, **changes):
        """Cosine between the embedding and the stream after each of twelve blocks of a fresh model."""
        plain = dict(qk_norm=False, zero_init_projections=False, initializer_range=1.0)
        sizes = dict(vocab_size=32, hidden_size=32, intermediate_size=64, num_hidden_layers=12, num_attention_heads=4)
        module = build(GroundupConfig(**sizes | plain | changes), seed=0)
        if changes.get("residual_scalars"):
            with torch.no_grad():
                module.model.residual_scalars.bias.fill_(add)
        after = []
        for block in module.model.layers:
            block.register_forward_hook(lambda part, given, output: after.append(output))
        with torch.no_grad():
            start = module.model.embed_tokens(torch.arange(32)[None])
            module(torch.arange(32)[None])
        return [torch.cosine_similarity(start, x, dim=-1).mean().item() for x in [start, *after]]

    base = likeness()
    mo.md(f"Without any switch the cosine falls from 1 to **{base[-1]:.2f}** over twelve blocks.")
    return base, likeness


@app.cell
def _(add, base, likeness, switch, switches):
    changed = likeness(add.value, **switches[switch.value])
    plots.lines(
        range(13),
        {"none": base, switch.value: changed},
        x="after block",
        y="cosine with the embedding",
        title=f"What is left of the token: {switch.value}",
    )
    return (changed,)


@app.cell
def _(add, base, changed, switch):
    assert base[0] > 0.999 and base[-1] < 0.9
    if switch.value == "zero-initialised projections":
        assert min(changed) > 0.9999, "who writes zero changes nothing"
    if switch.value in ("sandwich norm", "output norm"):
        assert changed[-1] < base[-1] - 0.2, "each part writes a vector of unit size, however sure it is"
    if switch.value in ("QK-norm", "value embeddings"):
        assert abs(changed[-1] - base[-1]) < 0.1, "these work inside attention"
    if switch.value == "residual scalars":
        assert changed[-1] >= base[-1] - 1e-5
        assert add.value == 0.0 or changed[-1] > base[-1] + 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A sandwich norm makes every part as loud as a token, from the first step on; zero-initialised projections make every part
    silent. Both are recommended. Pictures of fresh models do not decide what helps; measurements do.

    ## A bound for the scores

    QK-norm brings each query and each key to unit mean square, so that both are $\sqrt{d}$ long, and their product over $\sqrt{d}$
    is at most $\sqrt{d}$, whatever the weights have grown to.
    """)
    return


@app.cell
def _():
    _generator = torch.Generator().manual_seed(0)
    _query, _key = (torch.randn(1000, 16, generator=_generator) for _ in range(2))
    _gain = torch.ones(16)
    largest = {}
    for _times in (1, 10, 100):
        _louder = _times * _query
        _raw, _normed = _louder, rms_norm(_louder, _gain, 1e-6)
        largest = largest | {
            _times: ((_raw @ _key.T / 4).max().item(), (_normed @ rms_norm(_key, _gain, 1e-6).T / 4).max().item())
        }
    mo.md(
        f"A million scores of heads of 16. The largest is {largest[1][0]:.1f}, with queries a hundred times as loud **{largest[100][0]:.0f}**. "
        f"Behind the norm it is **{largest[1][1]:.2f}** and **{largest[100][1]:.2f}**, and 4 is the bound."
    )
    return (largest,)


@app.cell
def _(largest):
    assert largest[100][0] > 99 * largest[1][0]
    assert all(abs(normed - largest[1][1]) < 1e-3 and normed <= 4.0001 for _, normed in largest.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What they were worth

    `groundup run ablation` trained a plain base of 0.2 million parameters (3 blocks of width 64) and each switch alone on it: 200 steps on tinyworld,
    from three seeds, on an AMD EPYC with 2 cores. A dot is the mean difference from the base with the same seed, a line its
    95 % interval. Left of zero is better; grey could not be told from nothing.
    """)
    return


@app.cell
def _():
    _found = {  # difference from the base, and its 95 % interval
        "QK-norm": (0.0398, 0.0192, 0.0605),
        "squared ReLU, equal weights": (-0.0060, -0.0206, 0.0086),
        "logit soft cap 15": (0.0149, 0.0058, 0.0239),
        "attention soft cap 50": (0.0001, -0.0005, 0.0007),
        "value embeddings, first and last block": (-0.0021, -0.0276, 0.0235),
        "residual scalars": (-0.0176, -0.0275, -0.0077),
        "zero-initialised projections": (-0.0554, -0.0958, -0.0149),
        "untied head": (0.0276, 0.0206, 0.0346),
        "embedding norm": (-0.0281, -0.0325, -0.0237),
        "sandwich norm": (0.0768, 0.0626, 0.0910),
        "eight together": (-0.0592, -0.0868, -0.0315),
    }
    measured = {name: {"value": value, "low": low, "high": high} for name, (value, low, high) in _found.items()}
    plots.differences(
        measured,
        x="bits per byte, difference from the base (left is better)",
        title="What each switch was worth, three seeds",
    )
    return (measured,)


@app.cell
def _(measured):
    better = [name for name, one in measured.items() if one["high"] < 0]
    worse = [name for name, one in measured.items() if one["low"] > 0]
    assert {"zero-initialised projections", "embedding norm", "residual scalars"} <= set(better)
    assert {"sandwich norm", "QK-norm"} <= set(worse)
    assert measured["eight together"]["value"] > sum(
        measured[name]["value"] for name in better if name != "eight together"
    )
    mo.md(
        f"{len(better)} better, {len(worse)} worse, **{len(measured) - len(better) - len(worse)} not told apart**. Eight together gain "
        f"{-measured['eight together']['value']:.3f}, hardly more than the best of them alone, "
        f"{-measured['zero-initialised projections']['value']:.3f}: gains do not add up."
    )
    return better, worse


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why these

    Three of the switches change one thing at the start: how loud the first block is, against the token it reads. Compute that
    of the fresh models alone, without a single step, and compare it with what was measured after 200.
    """)
    return


@app.cell
def _():
    def loudness(**changes):
        """What the first block of the ablation's model writes, against the embedding that it reads; before any step."""
        sizes = dict(vocab_size=1024, hidden_size=64, intermediate_size=176, num_hidden_layers=3, num_attention_heads=4)
        plain = dict(
            num_key_value_heads=2, tie_word_embeddings=True, initializer_range=0.1, qk_norm=False, gated_mlp=True
        )
        module = build(
            GroundupConfig(**sizes | plain | {"hidden_act": "silu", "zero_init_projections": False} | changes), seed=1
        )
        heard = []
        module.model.layers[0].register_forward_hook(lambda part, given, output: heard.append((given[0], output)))
        with torch.no_grad():
            module(torch.arange(256).view(2, 128))
        before, after = heard[0]
        return ((after - before).norm() / before.norm()).item()

    loud = {
        "sandwich norm": loudness(block_order="sandwich"),
        "none": loudness(),
        "embedding norm": loudness(embedding_norm=True),
        "zero-initialised projections": loudness(zero_init_projections=True),
    }
    plots.value_bars(
        {"first block against the token": loud}, y="times as loud", title="How loud the first block begins"
    )
    return loud, loudness


@app.cell
def _(loud, measured):
    _worth = [measured[name]["value"] if name in measured else 0.0 for name in loud]
    assert list(loud.values()) == sorted(loud.values(), reverse=True) and _worth == sorted(_worth, reverse=True)
    assert loud["sandwich norm"] > 10 and loud["none"] > 2 and loud["zero-initialised projections"] == 0
    mo.md(
        f"Sandwich {loud['sandwich norm']:.0f} times as loud as the token, base **{loud['none']:.1f}**, embedding norm {loud['embedding norm']:.2f}, "
        "zero projections 0: the quieter the first block begins, the better the model was after 200 steps. A trick's worth "
        "belongs to what it is put on: with a louder embedding these would probably have been worth less."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    QK-norm has another bound to blame, most likely: with heads of 16 a score stays below 4 until the gains have grown, and a head
    that looks for one token among a hundred cannot listen to it alone. In large models it is there against divergence; nothing
    diverged here. And 200 steps of a small model say little about a large one: this is how one finds out, not what one finds.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Residual scalars with add at 0: the curve is the base's own, as the switch begins as no change. At 1 the token never leaves.
    - Post-norm: the cosine falls as without a switch, though the stream has unit size after every block.
    - Measure your own change: copy `ablation.toml`, name a variant, `groundup run my.toml`. What has run already is not run again.

    Write them yourself: `groundup learn start mix_with_start` and `groundup learn start add_value_embedding`
    """)
    return


if __name__ == "__main__":
    app.run()
