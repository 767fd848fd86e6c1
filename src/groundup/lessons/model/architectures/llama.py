"""Lesson: LLaMA and its kin: what each family changes in one blueprint, and what the change costs in weights and in cache."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="LLaMA and its kin: one blueprint, few changes", width="medium")

with app.setup:
    from dataclasses import replace

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.accounting.accounting import parameters
    from groundup.model.accounting.budget import cache_bytes
    from groundup.model.architectures import build
    from groundup.model.architectures.blueprint import Attention, Block, FeedForward, Norm, Rotary
    from groundup.model.architectures.falcon import FalconConfig
    from groundup.model.architectures.gemma import GemmaConfig
    from groundup.model.architectures.gemma2 import Gemma2Config
    from groundup.model.architectures.gemma3 import Gemma3Config
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.architectures.mistral import MistralConfig
    from groundup.model.architectures.qwen2 import Qwen2Config
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.model.layers.residual import parallel_block, pre_norm_block
    from groundup.training.objectives.z_loss import PALM, z_penalty


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # LLaMA and its kin: one blueprint, few changes

    Most open models are LLaMA with two or three other choices. Afterwards you can read such a family as a list of differences,
    say which of them cost weights and which save memory while the model answers, and count a model from its paper.
    """)
    return


@app.cell
def _():
    _wide = dict(hidden_size=4096, num_attention_heads=32)
    _seven = dict(**_wide, num_hidden_layers=32, vocab_size=32_000)
    _gemma = dict(vocab_size=256_000, head_dim=256, num_attention_heads=16)
    models = {
        "LLaMA 2 7B": LlamaConfig(**_seven, intermediate_size=11_008, num_key_value_heads=32),
        "LLaMA 3 8B": LlamaConfig(
            **_wide, num_hidden_layers=32, vocab_size=128_256, intermediate_size=14_336, num_key_value_heads=8
        ),
        "Falcon 7B": FalconConfig(vocab_size=65_024, hidden_size=4544, num_hidden_layers=32, num_attention_heads=71),
        "Mistral 7B": MistralConfig(
            **_seven, intermediate_size=14_336, num_key_value_heads=8, sliding_window=4096
        ),
        "Qwen2.5 7B": Qwen2Config(
            vocab_size=152_064, hidden_size=3584, intermediate_size=18_944, num_hidden_layers=28, num_attention_heads=28,
            num_key_value_heads=4,
        ),
        "Qwen3 8B": Qwen3Config(
            **_wide, vocab_size=151_936, intermediate_size=12_288, num_hidden_layers=36, num_key_value_heads=8
        ),
        "Gemma 7B": GemmaConfig(
            **_gemma, hidden_size=3072, intermediate_size=24_576, num_hidden_layers=28, num_key_value_heads=16
        ),
        "Gemma 2 9B": Gemma2Config(
            **_gemma, hidden_size=3584, intermediate_size=14_336, num_hidden_layers=42, num_key_value_heads=8
        ),
        "Gemma 3 12B": Gemma3Config(
            **_gemma | {"vocab_size": 262_208}, hidden_size=3840, intermediate_size=15_360, num_hidden_layers=48,
            num_key_value_heads=8, sliding_window=1024,
        ),
    }  # fmt: skip
    cache = {name: count(config).kv_cache_bytes_per_token(2) for name, config in models.items()}
    fewer = cache["LLaMA 2 7B"] // cache["Falcon 7B"]
    mo.md(
        f"Two models of 7 billion weights: for each token of a text LLaMA 2 keeps {cache['LLaMA 2 7B']:,} bytes, "
        f"Falcon {cache['Falcon 7B']:,}: **{fewer} times** less. Nothing else of what follows is as large."
    )
    return cache, fewer, models


@app.cell
def _(fewer, models):
    _released = "6.74 8.03 6.92 7.24 7.62 8.19 8.54 9.24 11.77".split()  # billions; Gemma 3: its text part
    for _config, _billions in zip(models.values(), _released, strict=True):
        assert abs(count(_config).parameters / 1e9 - float(_billions)) < 0.006, _config.model_type
    assert fewer == 64
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The differences

    A family's file makes a blueprint: the list of a model's parts. The table below is read from the blueprints of nine models, and shows
    only where one chose otherwise than LLaMA 2. Sizes are left out, but for how many query heads share a key.
    """)
    return


@app.cell
def _():
    def _windows_of(blocks):
        """How many layers have a window, and how wide."""
        found = [block.attention.window for block in blocks if block.attention.window]
        return f"{found[0]:,} in {len(found)} of {len(blocks)} layers" if found else "none"

    def choices(config):
        """What a blueprint decides beside its sizes, in words."""
        shape = config.blueprint()
        block, attention, feed_forward = shape.blocks[0], shape.blocks[0].attention, shape.blocks[0].feed_forward
        caps = [f"{cap:g}" for cap in (attention.soft_cap, shape.logit_soft_cap) if cap]
        return {
            "queries a key": str(attention.heads // attention.kv_heads),
            "block": block.order.replace("_", "-"),
            "norm": f"{block.norm.kind}{', gain stored less 1' if block.norm.offset else ''}",
            "window": _windows_of(shape.blocks),
            "biases": attention.bias or "none",
            "QK-norm": "yes" if attention.qk_norm else "no",
            "feed-forward": f"{feed_forward.activation.split('_')[0]}{', gated' if feed_forward.gated else ''}",
            "soft caps": ", ".join(caps) or "none",
            "embedding times": f"{shape.embedding_scale:.1f}",
            "head": "tied" if config.tie_word_embeddings else "own",
        }

    return (choices,)


@app.cell
def _(choices, models):
    chosen = {name: choices(config) for name, config in models.items()}
    base = chosen["LLaMA 2 7B"]
    changed = {
        name: {what: said for what, said in found.items() if said != base[what]} for name, found in chosen.items()
    }
    _told = {"LLaMA 2 7B": base} | {name: found for name, found in changed.items() if found}
    mo.md(
        "| model | choices: all of LLaMA 2's, then only what is otherwise |\n|---|---|\n"
        + "\n".join(
            f"| {name} | {'; '.join(f'{what}: {said}' for what, said in found.items())} |" for name, found in _told.items()
        )
    )  # fmt: skip
    return base, changed, chosen


@app.cell
def _(changed):
    assert set(changed["LLaMA 3 8B"]) == {"queries a key"}
    assert set(changed["Mistral 7B"]) == {"queries a key", "window"}
    assert set(changed["Qwen2.5 7B"]) == {"queries a key", "biases"}
    assert set(changed["Qwen3 8B"]) == {"queries a key", "QK-norm"}
    assert max(changed, key=lambda name: len(changed[name])) == "Gemma 2 9B"
    assert changed["Gemma 3 12B"]["window"] == "1,024 in 40 of 48 layers"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## LLaMA turned into Mistral and Qwen

    If the table tells everything, LLaMA's blueprint with the one choice changed must **be** the other family's. Build LLaMA at the
    other's sizes, change that choice in every block, and compare the two blueprints field by field.
    """)
    return


@app.cell
def _(models):
    def llama_like(config):
        """LLaMA's blueprint at another model's sizes, angles and head."""
        names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
        more = ("num_key_value_heads", "head_dim", "rope_theta", "rms_norm_eps", "tie_word_embeddings")
        return LlamaConfig(**{name: getattr(config, name) for name in (*names, *more)}).blueprint()

    def with_attention(shape, **choice):
        """The blueprint with another choice in the attention of each block."""
        blocks = (replace(block, attention=replace(block.attention, **choice)) for block in shape.blocks)
        return replace(shape, blocks=tuple(blocks))

    _choices = {
        "Mistral 7B": {"window": 4096},
        "Qwen2.5 7B": {"bias": "qkv"},
        "Qwen3 8B": {"qk_norm": Norm(eps=models["Qwen3 8B"].rms_norm_eps)},
    }
    same = {
        name: with_attention(llama_like(models[name]), **choice) == models[name].blueprint() != llama_like(models[name])
        for name, choice in _choices.items()
    }
    mo.md(", ".join(f"{name}: **{found}**" for name, found in same.items()))
    return llama_like, same, with_attention


@app.cell
def _(same):
    assert same == {"Mistral 7B": True, "Qwen2.5 7B": True, "Qwen3 8B": True}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a change weighs

    Take LLaMA 2 7B and make one change at a time. Biases, QK-norm and twice the norms are next to nothing. Shared keys take
    matrices away, which models spend on a wider feed-forward. Choose a model and see where its weights stand: how much is the embedding
    where the vocabulary has 256,000 tokens, and how much where it has 32,000?
    """)
    return


@app.cell
def _(models, with_attention):
    _shape = models["LLaMA 2 7B"].blueprint()
    _one = Norm(eps=1e-6)
    _changes = {
        "biases of q, k, v (Qwen 2)": with_attention(_shape, bias="qkv"),
        "QK-norm (Qwen 3)": with_attention(_shape, qk_norm=_one),
        "four norms a block (Gemma 2)": replace(_shape, blocks=tuple(replace(b, order="sandwich") for b in _shape.blocks)),
        "a window (Mistral)": with_attention(_shape, window=4096),
        "8 key heads (LLaMA 3)": with_attention(_shape, kv_heads=8),
        "one key head (Falcon, PaLM)": with_attention(_shape, kv_heads=1),
    }  # fmt: skip

    def of_blocks(shape):
        return sum(sum(block.counted(shape.hidden)) for block in shape.blocks)

    weighs = {name: of_blocks(shape) - of_blocks(_shape) for name, shape in _changes.items()}
    mo.md(
        "| change in LLaMA 2 7B | parameters |\n|---|---:|\n"
        + "\n".join(f"| {name} | {number:+,} |" for name, number in weighs.items())
    )
    return of_blocks, weighs


@app.cell
def _(models, weighs):
    _all = count(models["LLaMA 2 7B"]).parameters
    _by_name = list(weighs.values())
    assert _by_name[:4] == [32 * 3 * 4096, 32 * 2 * 128, 32 * 2 * 4096, 0] and sum(_by_name[:4]) < 1e-3 * _all
    assert _by_name[4] == -32 * 2 * 4096 * (32 - 8) * 128 and -_by_name[5] > 0.15 * _all
    return


@app.cell
def _(models):
    family = mo.ui.dropdown(list(models), value="Gemma 7B", label="model")
    family
    return (family,)


@app.cell
def _(family, models):
    parts = {name: number / 1e9 for name, number in parameters(models[family.value]).items()}
    _share = parts["embedding"] / sum(parts.values())
    plots.value_bars(
        {family.value: parts},
        y="billion parameters",
        title=f"{family.value}: {sum(parts.values()):.2f} billion, {_share:.0%} of it the embedding",
    )
    return (parts,)


@app.cell
def _(family, models, parts):
    assert abs(sum(parts.values()) * 1e9 / count(models[family.value]).parameters - 1) < 1e-9
    assert parts["norms and biases"] < 1e-3 * sum(parts.values()) < parts["attention"] < parts["feed-forward"]
    assert ("head" in parts) != models[family.value].tie_word_embeddings
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a text keeps

    Keys and values stay while a text is written. Two changes make them fewer: **shared keys** lower the line, a **window** ends it,
    for a layer keeps no more than its window and some room. Gemma 3 lets one layer in six see all. Move that number: how
    seldom may a layer see everything until the cache of the long text hardly shrinks any more?
    """)
    return


@app.cell
def _():
    every = mo.ui.slider(steps=[1, 2, 3, 6, 12, 24], value=6, label="one layer of so many sees all", show_value=True)
    every
    return (every,)


@app.cell
def _(every, models):
    _gemma = replace(models["Gemma 3 12B"], sliding_window_pattern=every.value)
    lengths = [1 << number for number in range(10, 18)]
    kept = {
        name: [cache_bytes(config, length, dtype="bfloat16") / 1e9 for length in lengths]
        for name, config in {
            "LLaMA 2 7B": models["LLaMA 2 7B"],
            "LLaMA 3 8B": models["LLaMA 3 8B"],
            "Mistral 7B": models["Mistral 7B"],
            "Falcon 7B": models["Falcon 7B"],
            "Gemma 3 12B so": _gemma,
        }.items()
    }
    plots.lines(
        lengths,
        kept,
        x="tokens of a text",
        y="gigabytes in bfloat16",
        log_x=True,
        log_y=True,
        marked=True,
        title=f"One in {every.value} sees all: {kept['Gemma 3 12B so'][-1]:.1f} GB at {lengths[-1]:,} tokens",
    )
    return kept, lengths


@app.cell
def _(cache, every, kept, lengths, models):
    assert abs(kept["LLaMA 2 7B"][-1] * 1e9 / (lengths[-1] * cache["LLaMA 2 7B"]) - 1) < 1e-9
    assert kept["LLaMA 2 7B"][-1] / kept["LLaMA 3 8B"][-1] == 4 and kept["Mistral 7B"][-1] == kept["Mistral 7B"][-2]
    _long, _width = lengths[-1], cache["Gemma 3 12B"] / 48
    _full, _near = 48 // every.value, 1023 + 256  # a layer's window less one, and a quarter of it more
    assert abs(kept["Gemma 3 12B so"][-1] * 1e9 - _width * (_full * _long + (48 - _full) * _near)) < 1
    assert models["Gemma 3 12B"].sliding_window_pattern == 6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Side by side

    Falcon and PaLM let attention and feed-forward read the **same** stream, so the two no longer wait for each other. What is lost is
    what the feed-forward would have seen of attention's word. Here both blocks have the same parts: where each writes a tenth as
    loud, the two results lie a hundred times nearer together.
    """)
    return


@app.cell
def _():
    _draw = torch.Generator().manual_seed(3)
    _x = torch.randn(1, 64, 128, generator=_draw)
    _first, _second = (torch.randn(128, 128, generator=_draw) / 128**0.5 for _ in range(2))

    def _norm(x):
        return x * x.square().mean(-1, keepdim=True).rsqrt()

    loudness = [0.01, 0.03, 0.1, 0.3, 1.0]
    apart = []
    for _loud in loudness:
        _parts = (_norm, lambda x, s=_loud: s * (x @ _first), _norm, lambda x, s=_loud: s * torch.relu(x @ _second))
        _distance = (parallel_block(_x, *_parts) - pre_norm_block(_x, *_parts)).norm() / _x.norm()
        apart = [*apart, _distance.item()]
    plots.lines(
        loudness, {"parallel against one after the other": apart}, x="how loud each part writes, stream = 1",
        y="distance of the results, stream = 1", log_x=True, log_y=True, marked=True, title="Quiet parts hardly miss each other",
    )  # fmt: skip
    return apart, loudness


@app.cell
def _(apart):
    assert 80 < apart[2] / apart[0] < 125 and apart[0] < 1e-4 < 0.1 < apart[-1]
    return


@app.cell
def _():
    _falcon = build(
        FalconConfig(vocab_size=64, hidden_size=32, num_hidden_layers=1, num_attention_heads=4), seed=1
    ).model.layers[0]
    _readers = [_falcon.self_attn.q_proj, _falcon.self_attn.k_proj, _falcon.self_attn.v_proj, _falcon.mlp.up_proj]
    _x = torch.randn(5, 32, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        _at_once = _x @ torch.cat([one.weight for one in _readers]).T
        _alone = torch.cat([one(_x) for one in _readers], dim=-1)
    off = (_at_once - _alone).abs().max().item()
    widths = [one.weight.shape[0] for one in _readers]
    mo.md(
        f"So a block needs two products in a row in place of four: the matrices that read, here {' + '.join(map(str, widths))} rows, "
        f"are one, and differ from the four by at most **{off:.0e}**."
    )
    return off, widths


@app.cell
def _(off, widths):
    assert off < 1e-5 and widths == [32, 8, 8, 128]  # one key head of 8 for 4 query heads
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## PaLM, from its paper

    No file of PaLM was ever published, but its paper says enough to write the blueprint: 118 parallel blocks, width 18,432, 48 query heads of
    256 that share one key, a gated feed-forward four times as wide, no biases, a tied head for 256,000 tokens. PaLM also
    charges $10^{-4} \log^2 Z$, for a softmax does not see when all scores rise together, and their number format does.
    """)
    return


@app.cell
def _():
    _block = Block(
        order="parallel", norm=Norm(kind="layer"), attention=Attention(heads=48, kv_heads=1, head_dim=256, rotary=Rotary()),
        feed_forward=FeedForward(intermediate=4 * 18_432),
    )  # fmt: skip
    palm = (118 * sum(_block.counted(18_432)) + 256_000 * 18_432 + 18_432) / 1e9
    _scores, _asked = torch.tensor([[2.0, 1.9, -1.0]]), torch.tensor([0])
    charge = {}
    for _rise in (0.0, 100.0):
        _surprise = torch.nn.functional.cross_entropy(_scores + _rise, _asked).item()
        _short = (_scores + _rise).bfloat16()
        charge[_rise] = (_surprise, PALM * z_penalty(_scores + _rise).item(), bool(_short[0, 0] > _short[0, 1]))
    mo.md(
        f"Counted: **{palm:.2f} billion** parameters; the paper says 540.35. All scores 100 higher: "
        f"the surprise stays {charge[100.0][0]:.3f}, the charge rises from {charge[0.0][1]:.4f} to {charge[100.0][1]:.2f}, "
        "and in bfloat16 the first token is no longer ahead of the second."
    )
    return charge, palm


@app.cell
def _(charge, palm):
    assert abs(palm - 540.35) < 0.01  # as published, Chowdhery et al. 2022, table 1
    assert abs(charge[0.0][0] - charge[100.0][0]) < 1e-4 and charge[0.0][1] < 1e-3 < 1 < charge[100.0][1]
    assert charge[0.0][2] and not charge[100.0][2]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose `LLaMA 3 8B` and then `Qwen2.5 7B`: head and embedding are two matrices there, and one in Gemma.
    - Let one layer in 24 see all. Below which length of a text do these two layers keep less than the other 46?
    - Write another family that you know as a change of `with_attention`, and see whether its blueprint agrees.

    Write the pieces: `groundup learn start parallel_block`, then `groundup learn start cache_numbers`
    """)
    return


if __name__ == "__main__":
    app.run()
