"""Lesson: what makes a Llama a Llama: from GPT-2's blueprint to LLaMA's, one part after another; and all families in one table."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="From GPT-2 to LLaMA, one part at a time", width="medium")

with app.setup:
    from dataclasses import fields, replace
    from types import SimpleNamespace

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model import parts
    from groundup.model.accounting import count
    from groundup.model.architectures import DECODERS, FAMILIES, build
    from groundup.model.architectures.blueprint import FeedForward, Norm, Rotary
    from groundup.model.architectures.gpt2 import GPT2Config
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.layers.initialization import initialize


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # From GPT-2 to LLaMA, one part at a time

    More than twenty families of language models can be loaded here, and there is one decoder for all of them. A family is a list of
    parts, its blueprint. Afterwards you can read one, say what each replacement costs and brings, and name a model by its parts.
    """)
    return


@app.cell
def _():
    sizes = dict(vocab_size=32_000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12)
    gpt2 = GPT2Config(**sizes).blueprint()
    _config = LlamaConfig(**sizes, intermediate_size=2048, num_key_value_heads=4, tie_word_embeddings=False)
    llama = _config.blueprint()

    def leaves(part, path=""):
        """Every choice of a blueprint's first block and of what stands around the blocks, by its place."""
        found = {}
        for field in fields(part):
            value = getattr(part, field.name)
            value = value[0] if field.name == "blocks" else value
            inner = hasattr(value, "__dataclass_fields__")
            found |= leaves(value, f"{path}{field.name}.") if inner else {path + field.name: value}
        return found

    _ours, _theirs = leaves(gpt2), leaves(llama)
    different = sorted(name for name in _ours.keys() | _theirs.keys() if _ours.get(name) != _theirs.get(name))
    mo.md(
        f"GPT-2's blueprint makes {len(_ours)} choices. LLaMA's, at the same width and depth, differs in "
        f"**{len(different)}** of them; the rest is the same machine: {', '.join(different[:4])}, ..."
    )
    return different, gpt2, leaves, llama, sizes


@app.cell
def _(different, gpt2, leaves):
    assert 8 <= len(different) < len(leaves(gpt2))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same block, six replacements

    Both have the order $x + \text{attention}(\text{norm}(x))$, then $x + \text{feed-forward}(\text{norm}(x))$. What changes:

    1. **rotary positions**: the learned table goes, every query and key turns by its position
    2. **no biases**: the matrices alone do the work
    3. **RMSNorm**: the mean is no longer taken away, and the norm's bias goes too
    4. **a gate**: three matrices of 8/3 of the width instead of two of four times the width, silu instead of GELU
    5. **shared keys**: three query heads ask one key head, so the cache is a third
    6. **a head of its own**: reading and writing no longer share one matrix; that is said in the configuration, not here
    """)
    return


@app.cell
def _(gpt2, llama):
    def each(shape, **changes):
        """The same change in every block."""
        return replace(shape, blocks=tuple(replace(block, **changes) for block in shape.blocks))

    def _attention(shape, **changes):
        """The same change in every block's attention."""
        return each(shape, attention=replace(shape.blocks[0].attention, **changes))

    def _rotary(shape):
        return replace(_attention(shape, rotary=Rotary()), learned_positions=0)

    def _no_biases(shape):
        return each(_attention(shape, bias=""), feed_forward=replace(shape.blocks[0].feed_forward, bias=False))

    def _rms_norm(shape):
        return replace(each(shape, norm=Norm()), norm=Norm())

    def _gate(shape):
        return each(shape, feed_forward=FeedForward(intermediate=2048))

    def _shared_keys(shape):
        return _attention(shape, kv_heads=4)

    _replacements = {
        "GPT-2": lambda shape: shape,
        "rotary": _rotary,
        "no biases": _no_biases,
        "RMSNorm": _rms_norm,
        "gate": _gate,
        "shared keys": _shared_keys,
    }
    steps = {}
    for _name, _change in _replacements.items():
        steps = steps | {_name: _change(list(steps.values())[-1] if steps else gpt2)}
    mo.md(
        f"Is GPT-2 after {len(steps) - 1} replacements LLaMA, to the last choice? **{steps['shared keys'] == llama}**."
    )
    return each, steps


@app.cell
def _(llama, steps):
    assert steps["shared keys"] == llama
    assert all(shape != llama for name, shape in steps.items() if name != "shared keys")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What each replacement costs

    Parameters are counted from the blueprint; nothing is built. Move the slider: the bars are the model after that many
    replacements, and beside them what one token leaves in the cache.
    """)
    return


@app.cell
def _(steps):
    done = mo.ui.slider(0, len(steps) - 1, value=0, label="replacements", show_value=True)
    done
    return (done,)


@app.cell
def _(done, steps):
    def cost(shape):
        """Parameters by part, in millions; and numbers a token leaves in the cache."""
        counted = count(SimpleNamespace(blueprint=lambda: shape, tie_word_embeddings=True))
        block = shape.blocks[0]
        attention, feed_forward = (sum(part.counted(shape.hidden)) for part in (block.attention, block.feed_forward))
        rest = counted.parameters - counted.embedding_parameters - len(shape.blocks) * (attention + feed_forward)
        named = {
            "embedding": counted.embedding_parameters,
            "attention": len(shape.blocks) * attention,
            "feed-forward": len(shape.blocks) * feed_forward,
            "norms and positions": rest,
        }
        return {name: number / 1e6 for name, number in named.items()}, counted.cache_elements_per_token

    chosen = list(steps)[done.value]
    _parameters, _cache = cost(steps[chosen])
    plots.value_bars(
        {"now": _parameters, "GPT-2": cost(steps["GPT-2"])[0]},
        title=f"after “{chosen}”: {sum(_parameters.values()):.1f} million parameters, {_cache:,} numbers a token in the cache",
    )
    return chosen, cost


@app.cell
def _(chosen, cost, steps):
    _totals = {name: sum(cost(shape)[0].values()) for name, shape in steps.items()}
    _caches = {name: cost(shape)[1] for name, shape in steps.items()}
    assert _totals["rotary"] < _totals["GPT-2"] and _totals["no biases"] < _totals["rotary"]
    assert abs(_totals["gate"] / _totals["RMSNorm"] - 1) < 0.01  # 3 * 8/3 = 2 * 4: a gate costs nothing
    assert _caches["shared keys"] * 3 == _caches["GPT-2"] and _caches[chosen] in (18_432, 6_144)
    mo.md(
        f"The gate is free: {_totals['RMSNorm']:.1f} and {_totals['gate']:.1f} million, as 3 · 8/3 = 2 · 4. Only the last "
        f"step touches the cache: {_caches['gate']:,} numbers a token become {_caches['shared keys']:,}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One decoder builds them all

    `parts.compose` looks up what the blueprint names and nothing else; no layer knows which family it stands in. So what lies
    between two families can be built and run as well. Here are six small models that differ by one replacement each, and how large
    their logits are at the start; only the first and the last have a name.
    """)
    return


@app.cell
def _(each, steps):
    def _small(shape):
        """The same parts, 48 wide and two blocks deep, with first values."""
        block = shape.blocks[0]
        attention = replace(block.attention, heads=3, kv_heads=3 if block.attention.kv_heads == 12 else 1, head_dim=16)
        width = 128 if block.feed_forward.gated else 192
        shape = replace(
            shape, hidden=48, vocab=64, blocks=shape.blocks[:2], learned_positions=min(shape.learned_positions, 32)
        )
        shape = each(shape, attention=attention, feed_forward=replace(block.feed_forward, intermediate=width))
        config = SimpleNamespace(blueprint=lambda: shape, tie_word_embeddings=True, max_position_embeddings=32)
        module = parts.compose(config)
        initialize(module, layers=2, std=0.2, seed=0, scheme="normal")
        return module

    models = {name: _small(shape) for name, shape in steps.items()}
    ids = torch.randint(0, 64, (2, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = {name: model(ids) for name, model in models.items()}
    spread = {name: output.std().item() for name, output in logits.items()}
    plots.value_bars({"deviation of the logits": spread}, title="from GPT-2 to LLaMA: six models, all of them run")
    return ids, logits, models, spread


@app.cell
def _(logits, models, spread):
    assert all(output.isfinite().all() for output in logits.values())
    assert all(0.1 < value < 10 for value in spread.values())
    assert any("bias" in name for name in models["rotary"].state_dict())
    assert not any("bias" in name for name in models["RMSNorm"].state_dict())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## All families in one table

    The same few choices, read off the blueprints of small configurations. Nobody wrote this table: it is made from the code that builds
    the models, and every row (but `groundup`, which is no published family) is held to the logits of `transformers` by a test.
    Rotary 25% turns a quarter of each head.
    """)
    return


@app.cell
def _():
    def tiny(family):
        """A small configuration of a family."""
        known = FAMILIES[family][0].__dataclass_fields__.keys() - FAMILIES[family][0].fixed
        sizes = dict(
            vocab_size=64, hidden_size=32, num_hidden_layers=6, num_attention_heads=4, max_position_embeddings=64
        )
        latent = dict(kv_lora_rank=8, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8)
        experts = dict(moe_intermediate_size=16, num_experts=8, n_routed_experts=8, num_experts_per_tok=2)
        asked = dict(intermediate_size=64, sliding_window=4, use_sliding_window=True) | latent | experts
        needed = {} if family == "openai-gpt" else {name: value for name, value in asked.items() if name in known}
        return FAMILIES[family][0](**sizes, **needed)

    def _described(family):
        """A family's choices in words."""
        shape = tiny(family).blueprint()
        block = shape.blocks[0]
        attention, feed_forward = block.attention, block.feed_forward
        windows = sum(one.attention.window is not None for one in shape.blocks)
        positions = "learned" if shape.learned_positions else "a bias by distance"
        positions = positions if attention.rotary is None else f"rotary {attention.turning / attention.head_dim:.0%}"
        norm = ("RMSNorm" if block.norm.kind == "rms" else "LayerNorm") + (
            " without weights" if not block.norm.gain else ""
        )
        caps = "soft caps" if attention.soft_cap or shape.logit_soft_cap else ""
        qk = "" if attention.qk_norm is None else f"QK-norm, {attention.qk_norm_over}"
        sparse = f"{feed_forward.chosen} of {feed_forward.experts} experts" if hasattr(feed_forward, "experts") else ""
        latent = "keys from a latent" if hasattr(attention, "kv_lora_rank") else ""
        extras = [f"{windows} of 6 windowed" if windows else "", caps, qk, sparse, latent]
        bend = f"{feed_forward.activation}{', gated' if feed_forward.gated else ''}"
        return [block.order, norm, positions, bend, attention.bias or "none", "; ".join(filter(None, extras))]

    rows = {family: _described(family) for family in DECODERS}
    _lines = [f"| {family} | {' | '.join(row)} |".replace("_", " ") for family, row in rows.items()]
    mo.md("\n".join(["| family | order | norm | positions | feed-forward | biases | and |", "|" + "---|" * 7, *_lines]))
    return rows, tiny


@app.cell
def _(rows):
    assert len(rows) >= 24 and len({tuple(row) for row in rows.values()}) >= 18
    assert "2 of 8 experts" in rows["mixtral"][-1] and "keys from a latent" in rows["deepseek_v3"][-1]
    assert rows["gpt2"][:3] == ["pre_norm", "LayerNorm", "learned"] and rows["llama"][:2] == ["pre_norm", "RMSNorm"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the norms stand

    The order of a block is the choice one sees least in a name and most in a loss curve. Choose a family.
    """)
    return


@app.cell
def _():
    family = mo.ui.dropdown(
        ["gpt2", "openai-gpt", "falcon", "gpt_neox", "gemma2", "olmo2"], value="gpt2", label="family"
    )
    family
    return (family,)


@app.cell
def _(family, rows):
    _orders = {
        "pre_norm": "x norm attention + norm feed-forward +",
        "post_norm": "x attention + norm feed-forward + norm",
        "sandwich": "x norm attention norm + norm feed-forward norm +",
        "output_norm": "x attention norm + feed-forward norm +",
    }
    order = rows[family.value][0]
    if order in _orders:
        _words = _orders[order].split()
        _boxes = {str(place): word for place, word in enumerate(_words)}
        _arrows = [(str(place), str(place + 1)) for place in range(len(_words) - 1)]
        _sums = [place for place, word in enumerate(_words) if word == "+"]
        _starts = [
            0,
            *(place + (order == "post_norm") for place in _sums),
        ]  # the stream after the norm, where it is normalised
        _past = [(str(start), str(end)) for start, end in zip(_starts, _sums, strict=False)]
        _arrows = _arrows + _past
    else:
        _boxes = {
            "x": "x",
            "n": "norm",
            "m": "norm" if order == "parallel_two_norms" else "the same norm",
            "a": "attention",
            "f": "feed-forward",
            "s": "+",
        }
        _arrows = [("x", "n"), ("x", "m"), ("n", "a"), ("m", "f"), ("a", "s"), ("f", "s"), ("x", "s")]
    plots.flow_chart(_boxes, _arrows)
    return (order,)


@app.cell
def _(family, ids, order, tiny):
    with torch.no_grad():
        _model = build(tiny(family.value), seed=0, scheme="normal")
        _changed = torch.cat([ids[:, :8], (ids[:, 8:9] + 1) % 64, ids[:, 9:]], dim=1)
        _moved = (_model(ids) - _model(_changed)).abs().amax((0, 2))
    assert not _moved[:8].any() and _moved[8:].any()
    mo.md(
        f"**{family.value}** has the order *{order}*. Whatever the order, a token moves only what stands at its place or after it."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - In `steps`, put the gate first: the parameters end at the same number, the order of the replacements does not matter.
    - Add a step that gives every block `order="parallel"`: which family's block is it then?
    - Set the slider to “shared keys” and let `kv_heads` be 1: the cache shrinks twelvefold, as in Falcon 7B.

    Write the parts that the other families add: `groundup learn start layer_norm`, `parallel_block`, `sliding_window`, `soft_cap`
    """)
    return


if __name__ == "__main__":
    app.run()
