"""Lesson: the KV cache, what is computed again without it, and the memory that it costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The cache: nothing is computed twice", width="medium")

with app.setup:
    import time

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache, append
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The cache: nothing is computed twice

    A model writes one token at a time, and each new token looks back at all that came before. Done plainly, the whole text goes
    through the model again for every token. Afterwards you know what can be kept, have written the two lines that keep it, and can
    say how much memory a long conversation takes.
    """)
    return


@app.cell
def _():
    without = sum(range(10, 110))  # 10 tokens are read for the first new one, 109 for the hundredth
    with_cache = 10 + 99  # the prompt once, then each new token but the last
    mo.md(
        f"A prompt of 10 tokens, an answer of 100. Plainly, the model reads **{without:,}** tokens for it. With a cache it reads "
        f"{with_cache}, and writes the same answer."
    )
    return with_cache, without


@app.cell
def _(with_cache, without):
    assert without == 100 * (10 + 109) // 2
    assert without / with_cache > 50
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What stays as it was

    A token looks only back. So what the model computes at a place cannot depend on what is written later: the numbers of the
    first six tokens are the same whether four more follow or not. Below is a tiny model that reads six tokens, then ten, and keeps
    each layer's keys and values.
    """)
    return


@app.cell
def _():
    model = build(
        LlamaConfig(
            vocab_size=50,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=2,
            initializer_range=0.4,  # large first weights: an untrained model whose every part matters
        ),
        seed=0,
        scheme="normal",
    )
    text = torch.tensor([[7, 3, 41, 3, 18, 22, 9, 30, 1, 5]])

    def read(ids):
        """What the layers keep of a text."""
        cache = KVCache.of(model, batch=1, capacity=16)
        with torch.no_grad():
            model(ids, cache=cache)
        return cache

    six, ten = read(text[:, :6]), read(text)
    change = max(
        (short[:, :, :6] - long[:, :, :6]).abs().max().item()
        for short, long in zip(six.keys + six.values, ten.keys + ten.values, strict=True)
    )
    mo.md(f"The largest difference at the first six places, over three layers: **{change:.0e}**.")
    return change, model, read, six, ten, text


@app.cell
def _(change, six, ten):
    assert change < 1e-4
    assert (six.length, ten.length) == (6, 10)
    assert not six.keys[0][:, :, 6:].any(), "what is not yet written is zero"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two lines

    Of an earlier token a later one needs the key (to be found by) and the value (to give); its query has been answered. A block of memory
    as long as the text may become is taken at the beginning. New columns are written behind the old ones, and attention gets a view
    of all so far: nothing is copied, nothing grows. Move the slider: a prompt of three tokens, then one at a time.
    """)
    return


@app.cell
def _():
    written = mo.ui.slider(0, 6, value=2, label="passes through the model", show_value=True)
    written
    return (written,)


@app.cell
def _(written):
    block, seen = torch.zeros(1, 1, 8, 4), torch.zeros(1, 1, 0, 4)
    for _pass in range(written.value):
        _new = torch.full((1, 1, 3 if _pass == 0 else 1, 4), float(_pass + 1))  # as if these were the new keys
        seen = append(block, _new, seen.shape[2])
    plots.heat_map(
        block[0, 0].T,
        x="place in the text",
        y="number of the key",
        low=0,
        high=6,
        title=f"After {written.value} passes: {seen.shape[2]} of 8 places are filled, each shows its pass",
    )
    return block, seen


@app.cell
def _(block, seen, written):
    assert seen.shape[2] == (0 if written.value == 0 else 2 + written.value)
    assert torch.equal(block[:, :, : seen.shape[2]], seen) and not block[:, :, seen.shape[2] :].any()
    assert written.value == 0 or seen.data_ptr() == block.data_ptr(), "a view of the block, not a copy"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same answer

    Twice the same greedy decoding: once everything is read again for each token, once only the newest token goes through. How many
    places the model works on is counted, and the answers are compared.
    """)
    return


@app.cell
def _(model, text):
    def plainly(ids, new):
        """Write `new` tokens, reading everything again for each; how many places were read."""
        places = 0
        for _ in range(new):
            places += ids.shape[1]
            ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)
        return ids, places

    def cached(ids, new):
        """The same with a cache: after the prompt only the newest token is read."""
        cache, fresh, places = KVCache.of(model, len(ids), ids.shape[1] + new), ids, 0
        for _ in range(new):
            places += fresh.shape[1]
            fresh = model(fresh, cache=cache)[:, -1:].argmax(-1)
            ids = torch.cat([ids, fresh], dim=1)
        return ids, places

    with torch.no_grad():
        answer_plain, places_plain = plainly(text, 100)
        answer_cached, places_cached = cached(text, 100)
    return answer_cached, answer_plain, cached, places_cached, places_plain, plainly


@app.cell
def _(answer_cached, answer_plain, places_cached, places_plain, with_cache, without):
    assert torch.equal(answer_plain, answer_cached)
    assert (places_plain, places_cached) == (without, with_cache)
    return


@app.cell
def _(cached, plainly, text):
    _seconds = []
    for _write in (plainly, cached):
        _start = time.perf_counter()
        with torch.no_grad():
            _write(text, 60)
        _seconds = [*_seconds, time.perf_counter() - _start]
    mo.md(
        f"60 tokens on this machine, just now: {1000 * _seconds[0]:.0f} ms plainly, {1000 * _seconds[1]:.0f} ms with the cache. This model is so "
        "small that calling its layers takes most of the time, whether one token goes through or a hundred. With a large one the counts below decide."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is left to pay

    Plainly, the $n$-th token costs $n$ places: a text costs the square of its length. With the cache it costs one place, which still
    looks at $n$ keys, so attention alone goes on growing. Counted for a model of 8 billion weights.
    """)
    return


@app.cell
def _():
    def eight_billion(kv_heads=8):
        """The shape of an open model of 8 billion weights; kv_heads: how many heads keep keys of their own."""
        sizes = {"vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32}
        return count(LlamaConfig(**sizes, num_attention_heads=32, num_key_value_heads=kv_heads))

    lengths = [2**power for power in range(7, 18)]
    operations = {
        "plainly": [eight_billion().flops_per_token(length) * length for length in lengths],
        "with a cache": [eight_billion().flops_per_token(length) for length in lengths],
    }
    plots.lines(
        lengths,
        operations,
        x="tokens so far",
        y="operations for the next token",
        log_x=True,
        log_y=True,
        title="The next token",
    )
    return eight_billion, lengths, operations


@app.cell
def _(lengths, operations):
    _plain, _cached = operations["plainly"], operations["with a cache"]
    assert all(plain == one * length for plain, one, length in zip(_plain, _cached, lengths, strict=True))
    assert _cached[3] < 1.05 * _cached[0], "up to a thousand tokens the weights are all of the cost"
    assert _cached[-1] > 4 * _cached[0], "at 131,072 tokens looking back costs more than the weights"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs: memory

    $$\text{bytes a token} = 2 \cdot \text{layers} \cdot \text{key heads} \cdot \text{head width} \cdot \text{bytes a number}$$

    for every token of every conversation that runs at the same time. The only factor that can be made small without making the
    model narrow is the number of heads that have keys of their own: that is why several query heads share one.
    """)
    return


@app.cell
def _():
    kv_heads = mo.ui.dropdown(
        {"32: every head has its own": 32, "8: four share one": 8, "1: all share one": 1},
        value="8: four share one",
        label="key heads",
    )
    kv_heads
    return (kv_heads,)


@app.cell
def _(eight_billion, kv_heads, lengths):
    bytes_a_token = eight_billion(kv_heads.value).kv_cache_bytes_per_token(2)
    weights = eight_billion(kv_heads.value).weight_bytes(2)
    crossing = weights / bytes_a_token
    plots.lines(
        lengths,
        {
            f"cache of {rows} conversation{'s' * (rows > 1)}": [rows * bytes_a_token * n / 1e9 for n in lengths]
            for rows in (1, 16)
        },
        x="tokens in a conversation",
        y="GB in bfloat16",
        log_x=True,
        log_y=True,
        levels={"weights": weights / 1e9},
        title=f"{bytes_a_token / 1024:,.0f} KiB a token; one conversation of {crossing:,.0f} tokens weighs as much as the model",
    )
    return bytes_a_token, crossing, weights


@app.cell
def _(bytes_a_token, crossing, kv_heads, model):
    assert bytes_a_token == 2 * 32 * kv_heads.value * 128 * 2
    assert (kv_heads.value == 32) == (crossing < 40_000)
    _cache = KVCache.of(model, batch=1, capacity=1)  # and the formula is what the object really takes
    _held = sum(tensor.nbytes for tensor in _cache.keys + _cache.values)
    assert _held == count(model.config).kv_cache_bytes_per_token(4) == 2 * 3 * 2 * 8 * 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One prompt, several answers

    What is kept can be copied. Who wants several answers to one question reads it once and gives each answer a row: `select` names the
    rows that go on, and a row that is named twice is copied. The same call closes the gap when a row is done.
    """)
    return


@app.cell
def _(model, read, text):
    _branches = torch.tensor([[11], [12], [13]])  # three different next words
    _cache = read(text)
    _cache.select(torch.tensor([0, 0, 0]))
    with torch.no_grad():
        branched = model(_branches, cache=_cache)[:, -1]
        whole = model(torch.cat([text.expand(3, -1), _branches], dim=1))[:, -1]
    mo.md(
        f"Three next words, the prompt read once: {text.shape[1] + 3} places instead of {3 * (text.shape[1] + 1)}. The scores differ by "
        f"{(branched - whole).abs().max():.0e} from those of three whole texts."
    )
    return branched, whole


@app.cell
def _(branched, whole):
    torch.testing.assert_close(branched, whole, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(branched[0], branched[1], atol=1e-2), "the branches are three"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the passes to 6, then append once more in a cell of your own: the block is full, and says so.
    - 32 key heads: sixteen conversations of 2,048 tokens need nearly as much memory as the model. With 1 they hardly count.
    - Change the token `text[:, 2]` before the second reading: in the first layer one key is another, in the last all from there on.

    Write it yourself: `groundup learn start append`
    """)
    return


if __name__ == "__main__":
    app.run()
