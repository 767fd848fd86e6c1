"""Lesson: where the memory of training and of writing goes, by part, counted before anything is built."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A budget: where the memory goes", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import Inference, Layout, Lora, Training, count, flops, kept, memory
    from groundup.model.accounting.budget import cache_bytes
    from groundup.model.accounting.operations import pairs
    from groundup.model.architectures import build
    from groundup.model.architectures.gemma3 import Gemma3Config
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.objectives.causal import loss_of_targets


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A budget: where the memory goes

    A model that fits on a card cannot always be trained there, and one that trains cannot always answer long questions. Both can be
    known beforehand, from the configuration alone. Afterwards you can say which part of the memory grows with what, and
    what each of the usual savings saves.
    """)
    return


@app.cell
def _():
    llama_8b = LlamaConfig(
        vocab_size=128_256, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=131_072,
    )  # fmt: skip
    held = memory(llama_8b, Training(seq_len=1024, dtype="bfloat16")).total / 1e9
    answers = memory(llama_8b, Inference(context=1024, dtype="bfloat16")).total / 1e9
    mo.md(
        f"Llama 3 8B answers in {answers:.0f} GB. To train it on a single row of 1,024 tokens takes **{held:.0f} GB**, eight times as much; "
        "a large card has 80."
    )
    return answers, held, llama_8b


@app.cell
def _(answers, held):
    assert 7 < held / answers < 11
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sixteen bytes a weight

    In fp32 a number takes 4 bytes. While a model trains, each weight is accompanied by its gradient, and AdamW keeps two
    running means of that: four numbers, **16 bytes**, whatever the batch. Muon keeps one mean for the matrices inside
    the blocks, LoRA freezes the weights and trains two thin matrices beside some of them, so that only these have companions.
    """)
    return


@app.cell
def _():
    small = LlamaConfig(
        vocab_size=512, hidden_size=64, intermediate_size=176, num_hidden_layers=4, num_attention_heads=4
    )
    companions = {
        "AdamW": Training(seq_len=32),
        "AdamW, state in 8 bits": Training(seq_len=32, optimizer="adamw_8bit"),
        "Muon": Training(seq_len=32, optimizer="muon"),
        "LoRA of rank 4": Training(seq_len=32, lora=Lora(rank=4)),
    }
    bytes_a_weight = {}
    for _name, _use in companions.items():
        _parts = memory(small, _use).moments["in the optimiser's step"]
        _steady = _parts["weights"] + _parts["gradients"] + _parts["optimiser state"]
        bytes_a_weight[_name] = _steady / count(small).parameters
    plots.value_bars(
        {"bytes a weight": bytes_a_weight}, y="bytes", title="What is held for each weight while it trains"
    )
    return bytes_a_weight, companions, small


@app.cell
def _(bytes_a_weight):
    assert bytes_a_weight["AdamW"] == 16
    assert 4 < bytes_a_weight["LoRA of rank 4"] < 5 < bytes_a_weight["AdamW, state in 8 bits"] < 11
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the way forward leaves behind

    To know a matrix's gradient one must still have what it read. So nearly every tensor of the way forward is kept until the way back has
    passed it. For one token of one block with width $h$, queries and keys as wide and a feed-forward of $f$ units these are

    $$\underbrace{4h}_{\text{the stream and its norm, twice}} + \underbrace{4h}_{q,\,k,\,v,\,\text{mixed}} +
    \underbrace{4f}_{\text{gate, its silu, up, product}}$$

    numbers, and a few single ones: one for each norm, and one for each head. They grow with the **tokens** and not with the weights.
    """)
    return


@app.cell
def _(small):
    _tokens, _h, _f, _heads, _layers = 2 * 32, 64, 176, 4, 4
    _block = 4 * (8 * _h + 4 * _f) + 4 * (2 + _heads)
    by_hand = _layers * _tokens * _block
    counted = kept(small, Training(batch=2, seq_len=32))
    _blocks = counted["attention"] + counted["feed-forward"]
    mo.md(f"Two rows of 32 tokens, four blocks: by hand {by_hand:,} bytes, by the library **{_blocks:,}**.")
    return by_hand, counted


@app.cell
def _(by_hand, counted, small):
    _module = build(small, seed=0)
    _ids = torch.randint(0, 512, (2, 32), generator=torch.Generator().manual_seed(0))
    _weights = {parameter.untyped_storage().data_ptr() for parameter in _module.parameters()}
    _alive, _sizes = [], {}

    def _notice(tensor):
        """Write down a tensor that autograd keeps, once for each piece of memory."""
        _alive.append(tensor)
        _sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(_notice, lambda tensor: tensor):
        _places = torch.arange(32).expand(2, -1)
        loss_of_targets(_module.lm_head, _module.hidden(_ids, positions=_places).flatten(0, 1), _ids.flatten())
    real = sum(size for address, size in _sizes.items() if address not in _weights)
    assert counted["attention"] + counted["feed-forward"] == by_hand
    assert sum(counted.values()) == real, "not about: to the byte"
    mo.md(
        f"With what stands around the blocks it is {sum(counted.values()):,} bytes, and autograd really kept **{real:,}**."
    )
    return (real,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The budget over the length of the context

    Now the whole budget of one row, in bf16 with fp32 weights. Choose how long it is, and how the model is trained.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(steps=[256, 1024, 4096, 16_384, 65_536], value=1024, label="tokens in a row", show_value=True)
    length
    return (length,)


@app.cell
def _():
    way = mo.ui.radio(["plain", "checkpointing", "LoRA", "both"], value="plain", label="trained")
    way
    return (way,)


@app.cell
def _(length, llama_8b, way):
    use = Training(
        seq_len=length.value,
        dtype="bfloat16",
        checkpointing=way.value in ("checkpointing", "both"),
        lora=Lora(rank=16) if way.value in ("LoRA", "both") else None,
    )
    budget = memory(llama_8b, use)
    plots.value_bars(
        {"GB": {name: size / 1e9 for name, size in budget.parts.items()}}, y="GB",
        title=f"{length.value:,} tokens, {way.value}: {budget.total / 1e9:,.0f} GB, {budget.moment}",
    )  # fmt: skip
    return budget, use


@app.cell
def _(budget, length, llama_8b, use, way):
    _plain = memory(llama_8b, Training(seq_len=length.value, dtype="bfloat16"))
    assert budget.total <= _plain.total, "no saving costs memory"
    _back = "when the way back begins"
    if way.value in ("checkpointing", "both"):
        assert budget.moments[_back]["activations"] < 0.5 * _plain.moments[_back]["activations"]
    assert (_plain.moment == _back) == (length.value >= 4096), "the peak moves from the step to the way back"
    _work = flops(llama_8b, use).total / flops(llama_8b, Training(seq_len=length.value)).total
    mo.md(
        f"The plain way needs {_plain.total / 1e9:,.0f} GB, this one **{budget.total / 1e9:,.0f} GB**, for {_work:.2f} times the "
        "operations: checkpointing computes each block's way forward twice, LoRA leaves a third of all products out."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Writing: the cache, and windows

    A model that writes keeps no activations, but a key and a value of every token in every layer. A layer with a **window** can forget
    what lies further back than it looks. Gemma 3 has a window of 1,024 in five layers of six.
    """)
    return


@app.cell
def _(llama_8b):
    _gemma = Gemma3Config(
        vocab_size=262_208, hidden_size=3840, intermediate_size=15_360, num_hidden_layers=48, num_attention_heads=16,
        num_key_value_heads=8, head_dim=256, sliding_window=1024,
    )  # fmt: skip
    lengths = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]
    caches = {
        name: [cache_bytes(config, tokens, dtype="bfloat16") / 1e9 for tokens in lengths]
        for name, config in {"Llama 3 8B, no window": llama_8b, "Gemma 3 12B, windows": _gemma}.items()
    }
    plots.lines(
        lengths, caches, x="tokens", y="GB", log_x=True, log_y=True, marked=True, title="The cache of one text in bf16"
    )
    return caches, lengths


@app.cell
def _(caches, lengths):
    _llama, _gemma = caches.values()
    assert _gemma[0] > 2.9 * _llama[0], "wider and deeper, so a short text costs three times as much"
    assert _gemma[-1] < 0.6 * _llama[-1], "and a long one little more than half"
    mo.md(
        f"A token of Gemma's costs three times what Llama's costs. Still, at {lengths[-1]:,} tokens its cache has **{_gemma[-1]:.1f} GB** and "
        f"Llama's {_llama[-1]:.1f}."
    )
    return


@app.cell
def _():
    _whole, _seen, _near = pairs(8192, 8192), pairs(8192, 8192, causal=True), pairs(8192, 8192, 1024, causal=True)
    assert _seen == 8192 * 8193 // 2 and _near < _seen / 4
    mo.md(
        f"The same holds for the work. Of {_whole:,} pairs in a row of 8,192 tokens a causal mask leaves {_seen / _whole:.1%}, and a window of "
        f"1,024 **{_near / _whole:.1%}**."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Several devices

    Eight cards that each hold a copy can hold less: ZeRO shares out the optimiser's state (stage 1), the gradients too (2),
    the weights too (3). Activations are not shared, since each card has a row of its own.
    """)
    return


@app.cell
def _():
    stage = mo.ui.slider(0, 3, value=1, label="stage of ZeRO, 8 cards", show_value=True)
    stage
    return (stage,)


@app.cell
def _(llama_8b, stage):
    _use = Training(seq_len=1024, dtype="bfloat16")
    on_a_card = memory(llama_8b, _use, Layout(data=8, zero=stage.value))
    alone = memory(llama_8b, _use)
    plots.value_bars(
        {f"stage {stage.value}": {name: size / 1e9 for name, size in on_a_card.moments["in the optimiser's step"].items()}},
        y="GB", title=f"On each of eight cards, in the optimiser's step: {on_a_card.total / 1e9:,.0f} GB at the peak",
    )  # fmt: skip
    return alone, on_a_card


@app.cell
def _(alone, on_a_card, stage):
    _parts, _whole = (one.moments["in the optimiser's step"] for one in (on_a_card, alone))
    _names = ["optimiser state", "gradients", "weights"]
    _shared = [round(_whole[name] / _parts[name]) for name in _names]
    assert _shared == [8 if place < stage.value else 1 for place in range(3)]
    mo.md(f"The peak of a card falls from {alone.total / 1e9:,.0f} to **{on_a_card.total / 1e9:,.0f} GB**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Make the row longer, from 1,024 to 65,536 tokens: weights and state stay, activations take over, and the peak moves from the
      optimiser's step to the beginning of the way back.
    - Then choose checkpointing: the activations shrink to the streams between the blocks. With LoRA the state is gone, and
      the activations stay.
    - Stage 3 of ZeRO: all three bars are an eighth, and what is left of the peak are activations.

    Count them yourself: `groundup learn start cache_numbers` and `groundup learn start pairs`
    """)
    return


if __name__ == "__main__":
    app.run()
