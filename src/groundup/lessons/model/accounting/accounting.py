"""Lesson: parameters, operations and memory of a model, counted from its configuration before anything is built."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Accounting: what a model costs before it exists", width="medium")

with app.setup:
    import dataclasses

    import marimo as mo
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Accounting: what a model costs before it exists

    Eight whole numbers describe a model, and everything it will cost follows from them: how many weights, how many
    operations for a token, how many bytes. Afterwards you can count all three in your head well enough to plan, and
    know which of depth and width you pay twice for.
    """)
    return


@app.cell
def _():
    llama_8b = LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8,
    )  # fmt: skip
    llama = count(llama_8b)
    days = llama.training_flops_per_token(8192) * 15e12 / 100e12 / 86_400
    mo.md(
        f"Llama 3 8B has {llama.parameters:,} parameters, and was trained on 15 trillion tokens. At 100 trillion operations a "
        f"second, well below what one fast graphics card promises, that takes **{days / 365:,.0f} years**. "
        "No weight was made to find this out."
    )
    return days, llama, llama_8b


@app.cell
def _(days, llama):
    assert llama.parameters == 8_030_261_248, "as published"
    assert 200 < days / 365 < 400
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Parameters, by hand

    A block has four matrices of attention and three of feed-forward, and two gains. With width $d$, heads as wide as
    the stream in all and a feed-forward of width $f$:

    $$\underbrace{4 d^2}_{q,k,v,o} + \underbrace{3 d f}_{gate,up,down} + \underbrace{2 d}_{gains}$$

    Shared key heads make $k$ and $v$ smaller. Outside the blocks stand the embedding, the head and one last gain.
    """)
    return


@app.cell
def _():
    small = LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=176, num_hidden_layers=4, num_attention_heads=4
    )
    counted = count(small)
    _block = 4 * 64**2 + 3 * 64 * 176 + 2 * 64
    by_hand = 2 * 512 * 64 + 4 * _block + 64
    _module = build(small, device="meta")  # shapes without memory
    built = sum(parameter.numel() for parameter in _module.parameters())
    one_block = sum(parameter.numel() for parameter in _module.model.layers[0].parameters())
    mo.md(f"By hand {by_hand:,}, by the library {counted.parameters:,}, in the module that was built **{built:,}**.")
    return built, by_hand, counted, one_block, small


@app.cell
def _(built, by_hand, counted, one_block):
    assert built == by_hand == counted.parameters
    assert counted.layer_parameters == one_block
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Width or depth?

    Both make a model larger. The blocks grow with depth, but with the **square** of width; embedding and head grow with
    width alone. Choose which of the two is made larger, from a model of 4 layers and width 64.
    """)
    return


@app.cell
def _():
    grown = mo.ui.radio(["width", "depth", "vocabulary"], value="width", label="made larger is the")
    grown
    return (grown,)


@app.cell
def _(grown, small):
    factors = [1, 2, 4, 8, 16]

    def larger(factor, what):
        """The small model with one of its sizes multiplied."""
        sizes = {
            "width": dict(hidden_size=64 * factor, intermediate_size=176 * factor, head_dim=16 * factor),
            "depth": dict(num_hidden_layers=4 * factor),
            "vocabulary": dict(vocab_size=512 * factor),
        }
        return count(dataclasses.replace(small, num_key_value_heads=4, **sizes[what]))

    ladder = [larger(factor, grown.value) for factor in factors]
    parts = {
        "blocks": [one.parameters - one.embedding_parameters - one.head_parameters for one in ladder],
        "embedding and head": [one.embedding_parameters + one.head_parameters for one in ladder],
    }
    plots.lines(
        factors, parts, x=f"{grown.value}, times", y="parameters", log_x=True, log_y=True, marked=True,
        title=f"More {grown.value}: where the parameters go",
    )  # fmt: skip
    return factors, ladder, larger, parts


@app.cell
def _(grown, parts):
    _blocks, _outside = (values[-1] / values[0] for values in parts.values())
    _expected = {"width": (256, 16), "depth": (16, 1), "vocabulary": (1, 16)}[grown.value]
    assert abs(_blocks / _expected[0] - 1) < 0.02 and _outside == _expected[1], "of 16 times as much"
    mo.md(
        f"16 times the {grown.value}: the blocks have **{_blocks:.0f} times** the parameters, embedding and head {_outside:.0f} times."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Operations

    A matrix of $n$ weights multiplies $n$ times for a token and adds $n$ times: $2n$ operations. On the way back the
    same matrix is used twice, for the gradient of its input and of itself: $4n$ more. So a training token costs about
    **six operations a weight**. Attention adds $4 \cdot \text{heads} \cdot \text{head\_dim}$ for each pair of query and
    key and layer.
    """)
    return


@app.cell
def _(counted, small):
    _model = build(small, seed=0, scheme="normal")
    _ids = torch.randint(0, 512, (1, 32), generator=torch.Generator().manual_seed(0))
    with sdpa_kernel(SDPBackend.MATH):  # torch's counter does not know its fused kernel
        with FlopCounterMode(display=False) as _forward:
            _logits = _model(_ids)
        with FlopCounterMode(display=False) as _backward:
            _logits.sum().backward()
    measured = {"forward": _forward.get_total_flops(), "backward": _backward.get_total_flops()}
    forecast = {"forward": 32 * counted.flops_per_token(32), "backward": 2 * 32 * counted.flops_per_token(32)}
    plots.value_bars(
        {"forecast": forecast, "counted by torch while it ran": measured}, y="operations", title="One row of 32 tokens"
    )
    return forecast, measured


@app.cell
def _(counted, forecast, measured):
    assert measured["forward"] == forecast["forward"], "not about: exactly"
    assert abs(measured["backward"] / forecast["backward"] - 1) < 0.01
    _rule = 6 * counted.parameters
    mo.md(
        f"Six times the parameters would be {_rule / 1e6:.2f} million a token; counted are "
        f"**{sum(measured.values()) / 32 / 1e6:.2f} million**. The rule counts the embedding, which only looks up, and leaves out "
        "what attention does to pairs."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When attention takes over

    The matrices cost the same for every token. The pairs cost more with every token of context. Where do they meet?
    Choose a length for Llama 3 8B.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(
        steps=[512, 2048, 8192, 32_768, 131_072, 524_288], value=8192, label="tokens in the context", show_value=True
    )
    length
    return (length,)


@app.cell
def _(length, llama):
    work = {
        "matrices": 2 * llama.matrix_parameters / 1e9,
        "attention": llama.attention_flops_per_pair * length.value / 1e9,
    }
    bytes_held = {
        "weights": llama.weight_bytes(2) / 1e9,
        "cache of one text": llama.kv_cache_bytes_per_token(2) * length.value / 1e9,
    }
    plots.value_bars(
        {"billion operations a token": work, "gigabytes, bf16": bytes_held},
        title=f"Llama 3 8B with {length.value:,} tokens",
    )
    return bytes_held, work


@app.cell
def _(bytes_held, length, llama, work):
    assert abs(sum(work.values()) * 1e9 - llama.flops_per_token(length.value)) < 1e3
    assert (work["attention"] > work["matrices"]) == (length.value > 28_628), "they meet at 28,628 tokens"
    assert (bytes_held["cache of one text"] > bytes_held["weights"]) == (length.value > 122_532)
    mo.md(
        f"At {length.value:,} tokens attention is **{work['attention'] / sum(work.values()):.0%}** of the operations, and the cache "
        f"of a single text takes {bytes_held['cache of one text']:.2g} GB beside {bytes_held['weights']:.0f} GB of weights."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Bytes

    A weight takes 4 bytes in fp32, 2 in bf16. Training holds more: with AdamW each weight has a gradient and two means,
    16 bytes in all, before any activation. Writing keeps a key and a value for each token, layer and key head: the
    **cache**. The forecast can be compared with the real thing.
    """)
    return


@app.cell
def _(counted, small):
    _cache = KVCache.of(build(small, seed=0), batch=3, capacity=10)
    held = sum(tensor.nbytes for tensor in _cache.keys + _cache.values)
    assert held == 3 * 10 * counted.kv_cache_bytes_per_token(4)
    assert counted.weight_bytes(4) == 4 * counted.parameters
    mo.md(
        f"Three texts of ten tokens: **{held:,} bytes**, as forecast. Training takes {16 * counted.parameters / 1e6:.1f} MB."
    )
    return (held,)


@app.cell
def _(llama, llama_8b):
    _each = count(dataclasses.replace(llama_8b, num_key_value_heads=32))
    shared, unshared = (one.kv_cache_bytes_per_token(2) * 8192 / 1e9 for one in (llama, _each))
    assert unshared == 4 * shared and _each.parameters / llama.parameters < 1.11
    mo.md(
        f"Why Llama 3 shares its key heads by four: for 8,192 tokens the cache takes {shared:.2f} GB instead of **{unshared:.1f} GB**, "
        "and a graphics card serves four times as many texts."
    )
    return shared, unshared


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - More depth: the two lines part slowly. More width: the blocks climb twice as steeply. More vocabulary: only the
      outside grows.
    - Set the context to 524,288 tokens: nearly all work is attention, and the cache outgrows the weights four times.
    - Count a model of yours: `count(load_config("runs/demo/model"))`, with `load_config` of
      `groundup.model.formats.huggingface`. `groundup plan` adds time and the memory of activations, measured on your
      machine.

    Count one token's operations yourself: `groundup learn start token_flops`. What shared key heads do: `groundup learn start repeat_heads`
    """)
    return


if __name__ == "__main__":
    app.run()
