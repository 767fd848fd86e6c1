"""Lesson: first values, by width and by depth, and why some of them are zero."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="First values: begin with knowing nothing", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.layers.feed_forward import GatedFeedForward
    from groundup.model.layers.initialization import deviation_of, initialize


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # First values: begin with knowing nothing

    Before the first step a model is random numbers. How large they are decides whether the first hundred steps teach it
    something or only repair the start. Afterwards you can say how large a weight should be from the width and the depth, and why
    this library starts some matrices at zero.
    """)
    return


@app.cell
def _():
    def fresh(layers, scheme, std=1 / 8):
        """A small LLaMA: 1,000 tokens, 64 wide; 1/8 is 1 / sqrt(64)."""
        config = LlamaConfig(
            vocab_size=1000,
            hidden_size=64,
            intermediate_size=176,
            num_hidden_layers=layers,
            num_attention_heads=4,
            initializer_range=std,
        )
        return build(config, seed=0, scheme=scheme)

    def loss_of(model):
        """The loss on random text: of 1,000 tokens each is as likely as any other."""
        text = torch.randint(1000, (8, 33), generator=torch.Generator().manual_seed(0))
        return functional.cross_entropy(model(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())

    with torch.no_grad():
        losses = {
            "ones": loss_of(fresh(4, "normal", std=1.0)).item(),
            "table": loss_of(fresh(4, "scaled")).item(),
        }
    mo.md(
        f"Who knows nothing of 1,000 tokens has a loss of ln 1,000 = {math.log(1000):.3f}. A fresh model whose weights are all drawn "
        f"with deviation 1 has **{losses['ones']:.1f}**: it is sure, and wrong. By the table of this lesson: **{losses['table']:.3f}**."
    )
    return fresh, loss_of, losses


@app.cell
def _(losses):
    assert abs(losses["table"] - math.log(1000)) < 1e-4
    assert losses["ones"] > 2 * math.log(1000)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By width

    One output of a matrix is a sum of $n$ products. With inputs of variance 1 and weights of deviation $s$ its variance is
    $n s^2$. To hand on what came in, neither louder nor softer, $s$ must be $1 / \sqrt{n}$. By hand, for $n = 4$: each weight is about
    1/2.

    GPT-2 drew everything with 0.02. Move the width, and see for which one that was right.
    """)
    return


@app.cell
def _():
    width = mo.ui.slider(steps=[16, 64, 256, 1024, 2500], value=256, label="inputs", show_value=True)
    width
    return (width,)


@app.cell
def _(width):
    _source = torch.Generator().manual_seed(1)
    _x, _draws = torch.randn(width.value, generator=_source), torch.randn(2000, width.value, generator=_source)
    outputs = {"deviation 0.02": _draws @ _x * 0.02, "deviation 1 / sqrt(inputs)": _draws @ _x / width.value**0.5}
    plots.histogram(outputs, x="output", title=f"2,000 outputs of {width.value} inputs", bins=60)
    return (outputs,)


@app.cell
def _(outputs, width):
    _fixed, _scaled = (values.std().item() for values in outputs.values())
    assert 0.5 < _scaled < 1.6, "as loud as what came in, at every width"
    assert abs(_fixed / _scaled - 0.02 * width.value**0.5) < 1e-3, "right at 2,500 inputs only"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By depth

    Every block adds twice to the stream. What is independent adds up by variance: after $L$ blocks $2L$ parts have come in. GPT-2
    therefore divides the matrices that write to the stream by $\sqrt{2L}$. Here they are zero at first: the stream passes
    unchanged, and the model is as good as shallow until its blocks have learned to say something.
    """)
    return


@app.cell
def _():
    depth = mo.ui.slider(steps=[2, 4, 8, 16, 32], value=16, label="blocks", show_value=True)
    depth
    return (depth,)


@app.cell
def _(depth, fresh):
    def sizes(scheme, times=1.0):
        """The root mean square of the stream before and after every block."""
        model = fresh(depth.value, scheme)
        x = torch.randn(2, 16, 64, generator=torch.Generator().manual_seed(2))
        angles, found = model.rotary.angles(torch.arange(16), x.dtype), [x.square().mean().sqrt().item()]
        with torch.no_grad():
            for block in model.model.layers:
                block.self_attn.o_proj.weight.mul_(times)
                block.mlp.down_proj.weight.mul_(times)
                x = block(x, angles)
                found.append(x.square().mean().sqrt().item())
        return found

    streams = {
        "normal, not divided": sizes("normal", times=math.sqrt(2 * depth.value)),
        "normal": sizes("normal"),
        "scaled (ours)": sizes("scaled"),
    }
    plots.lines(
        range(depth.value + 1),
        streams,
        x="after block",
        y="root mean square",
        title=f"The stream of {depth.value} blocks",
    )
    return sizes, streams


@app.cell
def _(depth, streams):
    assert len(set(streams["scaled (ours)"])) == 1, "at the start every block is the identity"
    assert streams["normal"][-1] < 2
    assert streams["normal, not divided"][-1] > (4 if depth.value >= 16 else 1.2)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Can zeros learn?

    If everything were equal, no. Units with the same weights get the same gradient, and stay the same for ever: a thousand of
    them are one. Random numbers are there to make them different.
    """)
    return


@app.cell
def _():
    def different(drawn):
        """How many of 16 units differ after 20 steps, begun with equal or with drawn weights."""
        module = GatedFeedForward(8, 16)
        initialize(module, layers=1, std=0.3, seed=0, scheme="normal")
        source = torch.Generator().manual_seed(3)
        x, y = torch.randn(2, 64, 8, generator=source)
        parameters = list(module.parameters())
        with torch.no_grad():
            for parameter in parameters:
                parameter.copy_(parameter if drawn else torch.full_like(parameter, 0.1))
        for _ in range(20):
            gradients = torch.autograd.grad((module(x) - y).square().mean(), parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(0.1 * gradient)
        return len({tuple(row) for row in module.gate_proj.weight.detach().mul(1e4).round().tolist()})

    equal, drawn = different(False), different(True)
    assert (equal, drawn) == (1, 16)
    mo.md(
        f"16 units after 20 steps. Begun equal, they are still **{equal}** unit, 16 times; begun with draws, **{drawn}** different ones."
    )
    return different, drawn, equal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A matrix of zeros behind random ones is another matter: it gets a different gradient in each row. The one before it gets
    none, but only until the zeros have moved. Learning runs back through the model, one part a step.
    """)
    return


@app.cell
def _(fresh, loss_of):
    _parts = ["lm_head", "mlp.down_proj", "self_attn.o_proj", "mlp.gate_proj", "self_attn.q_proj", "embed_tokens"]
    _model = fresh(2, "scaled")
    _parameters = dict(_model.named_parameters())
    _steps: list[list[bool]] = []
    for _ in range(4):
        _gradients = torch.autograd.grad(loss_of(_model), list(_parameters.values()))
        _found = dict(zip(_parameters, _gradients, strict=True))
        _steps = [*_steps, [any(g.any() for name, g in _found.items() if part in name) for part in _parts]]
        with torch.no_grad():
            for _name, _parameter in _parameters.items():
                _parameter.sub_(0.5 * _found[_name])
    awake = torch.tensor(_steps).T
    plots.heat_map(
        awake, rows=_parts, columns=["step 1", "step 2", "step 3", "step 4"], title="Who gets a gradient", low=0, high=1
    )
    return (awake,)


@app.cell
def _(awake):
    assert awake[:, 0].tolist() == [True, False, False, False, False, False], "the head alone"
    assert awake[:, 1].tolist() == [True, True, True, False, False, True], "then what writes to the stream"
    assert awake[:, 2:].all(), "from the third step on, everything"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The table

    One function answers for every parameter of every model, from its name and shape. Here it is asked for a model of 2
    blocks, 64 wide, with the configuration's `initializer_range` at 0.02.
    """)
    return


@app.cell
def _(fresh):
    _names = "embed_tokens q_proj o_proj gate_proj down_proj input_layernorm lm_head".split()
    _all = dict(fresh(2, "scaled").named_parameters())
    _chosen = {short: next(name for name in _all if short in name) for short in _names}
    table = {
        short: [deviation_of(name, _all[name], 2, 0.02, scheme) for scheme in ("scaled", "normal")]
        for short, name in _chosen.items()
    }
    _written = {short: ["one" if value is None else f"{value:.3f}" for value in row] for short, row in table.items()}
    mo.md(
        "| parameter | scaled (ours) | normal (GPT-2) |\n|---|---|---|\n"
        + "\n".join(f"| `{short}` | {ours} | {normal} |" for short, (ours, normal) in _written.items())
    )
    return (table,)


@app.cell
def _(table):
    assert table["q_proj"] == [1 / 8, 0.02]
    assert table["o_proj"] == table["down_proj"] == [0.0, 0.02 / 2]  # the root of twice 2 layers is 2
    assert table["input_layernorm"] == [None, None]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 16 inputs: at 0.02 nearly all outputs are next to 0, a signal that the next layer hardly hears. 2,500: both are alike.
    - 2 blocks and 32: undivided, the stream's size grows with depth; divided, it ends at about the same place.
    - In the first code give `fresh(4, "normal", std=0.02)`: the loss is near ln 1,000 as well, and not exactly there.

    Write it yourself: `groundup learn start deviation_of`
    """)
    return


if __name__ == "__main__":
    app.run()
