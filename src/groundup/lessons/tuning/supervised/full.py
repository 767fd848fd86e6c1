"""Lesson: which weights learn: all, all but some, or the layers one after another from the top, and what each costs in memory and time."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Which weights learn?", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.tuning.supervised.full import Unfreezing, cost, depth_of, freeze, lowest_learning, place_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Which weights learn?

    A finished model is to learn something new. Nothing says that every weight of it must move. Afterwards you can freeze a part by
    name, say what that
    saves and what it does not, and let the layers join one after another.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=1000, hidden_size=64, intermediate_size=160, num_hidden_layers=6, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    whole = cost(build(config, seed=0))
    mo.md(
        f"Tuning all {whole['parameters']:,} weights of this model keeps a gradient and two means beside each: **{whole['training_bytes'] / 1e6:.1f} MB** "
        "more than the model itself. A frozen weight has none of the three."
    )
    return config, whole


@app.cell
def _(whole):
    assert whole["training_bytes"] == 12 * whole["parameters"] == 12 * whole["learned_parameters"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By name

    A weight is frozen when its name fits a pattern, or when it stands in a module of that name. The table of tokens is the first
    candidate: most tokens
    hardly occur in a small data set, and it is large. Here it is tied, so the head is frozen with it.
    """)
    return


@app.cell
def _(config):
    spared = {}
    for _patterns in (["model.embed_tokens"], ["model.layers.[0-2]"], ["*.mlp"], ["*norm*"]):
        _module = build(config, seed=0)
        freeze(_module, _patterns)
        spared[_patterns[0]] = cost(_module)["learned_parameters"]
    plots.value_bars({"weights that learn": spared}, x="frozen", y="weights", title="What is left to learn")
    return (spared,)


@app.cell
def _(spared, whole):
    assert spared["model.embed_tokens"] == whole["parameters"] - 1000 * 64
    assert spared["model.layers.[0-2]"] < whole["parameters"]
    assert spared["*norm*"] == whole["parameters"] - (2 * 6 + 1) * 64, "two norms a block and one at the end"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where matters more than how many

    Gradients come from the top. A step has to go back as far as the lowest weight that learns, and not a layer further. So freezing
    the lower half saves
    the way back through it; freezing every second layer saves much less, though as few weights learn. The way is counted here: which
    outputs of blocks
    carry a gradient.
    """)
    return


@app.cell
def _(config):
    def walked(patterns):
        """How many blocks a gradient goes back through."""
        module = build(config, seed=0)
        freeze(module, patterns)
        kept = []
        hooks = [
            block.register_forward_hook(lambda _, __, out: kept.append(out.requires_grad))
            for block in module.model.layers
        ]
        module(torch.arange(8)[None])
        for hook in hooks:
            hook.remove()
        return sum(kept)

    embedding = "model.embed_tokens"
    ways = {
        "nothing": walked([]),
        "lower half": walked([embedding, "model.layers.[0-2]"]),
        "every second": walked([embedding, "model.layers.[024]"]),
        "all but the last": walked([embedding, "model.layers.[0-4]"]),
    }
    plots.value_bars({"blocks with a gradient": ways}, x="frozen", y="blocks of 6", title="How far back a step goes")
    return embedding, walked, ways


@app.cell
def _(ways):
    assert ways == {"nothing": 6, "lower half": 3, "every second": 5, "all but the last": 1}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One after another

    What lies deep in a model is the most general, and a new task's first gradients are large and know little. So let the last block
    learn first, and one
    more below it every so many steps (Howard and Ruder 2018). Choose how long a block waits.
    """)
    return


@app.cell
def _():
    every = mo.ui.slider(2, 20, step=2, value=10, label="steps until the next block joins", show_value=True)
    every
    return (every,)


@app.cell
def _(config, every):
    layers, steps = config.num_hidden_layers, list(range(140))
    lowest = [lowest_learning(_step, every.value, layers) for _step in steps]
    plots.lines(
        steps, {"lowest part that learns": lowest}, x="step", y="block (-1: the embedding)",
        title=f"All learn from step {lowest.index(-1)} on",
    )  # fmt: skip
    return layers, lowest, steps


@app.cell
def _(every, layers, lowest):
    assert lowest[0] == layers - 1 and lowest.index(-1) == every.value * layers
    assert lowest == sorted(lowest, reverse=True), "what learns goes on learning"
    return


@app.cell
def _(config, every):
    module = build(config, seed=0)
    schedule = Unfreezing(module, every.value)
    learning = [schedule.at(_turn * every.value) for _turn in range(depth_of(module) + 1)]
    mo.md(f"Weights that learn, block by block: {', '.join(f'{_count:,}' for _count in learning)}.")
    return learning, module, schedule


@app.cell
def _(learning, module):
    assert learning == sorted(learning) and learning[-1] == cost(module)["parameters"]
    assert place_of("model.layers.5.mlp.up_proj.weight") == 5 and place_of("model.embed_tokens.weight") == -1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Freeze `*norm*` besides: the gains are few, but each of them sits on the way of everything.
    - The optimiser keeps its two means for all layers from the first step on: gradual unfreezing saves time, and not that memory.
    - With weight decay, a layer that waits would shrink. `groundup tune` refuses the two together.

    Write the schedule yourself: `groundup learn start lowest_learning`. A real run: `groundup tune MODEL --freeze model.embed_tokens
    --unfreeze-every 50`
    """)
    return


if __name__ == "__main__":
    app.run()
