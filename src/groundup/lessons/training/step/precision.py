"""Lesson: computing in bf16 while the weights stay fp32, and what is lost when they do not."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Precision: a weight that does not feel its update", width="medium")

with app.setup:
    from types import SimpleNamespace

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.step.accumulation import accumulate
    from groundup.training.step.precision import choose_dtype, next_scale


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Precision: a weight that does not feel its update

    Models compute in 16 bits, because half as many bytes move twice as fast. But training is many small steps, and a
    short number cannot take a small step. Afterwards you know how far apart two numbers of a format are, why weights
    are kept in fp32, and why bf16 is enough for nearly everything else.
    """)
    return


@app.cell
def _():
    _weight = torch.tensor(1.0, dtype=torch.bfloat16)
    for _ in range(1000):
        _weight = _weight + 0.002
    after = _weight.item()
    mo.md(f"A weight of 1.0 in bf16, and a thousand updates of 0.002 each. It should now be 3. It is **{after}**.")
    return (after,)


@app.cell
def _(after):
    assert after == 1.0, "not one of a thousand updates was felt"
    assert abs(sum([torch.tensor(0.002)] * 1000, torch.tensor(1.0)).item() - 3) < 1e-3, "in fp32 all of them were"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sixteen bits, spent in two ways

    A number is a sign, an exponent and a fraction: $\pm\, 1.\text{fraction} \cdot 2^{\text{exponent}}$. Bits for the
    exponent give range, bits for the fraction give precision.

    | format | exponent | fraction | largest | next number after 1 |
    |---|---|---|---|---|
    | fp32 | 8 bits | 23 bits | $3 \cdot 10^{38}$ | 1.00000012 |
    | fp16 | 5 bits | 10 bits | 65,504 | 1.00098 |
    | bf16 | 8 bits | 7 bits | $3 \cdot 10^{38}$ | 1.0078 |

    bf16 is the first half of an fp32 number. The step after 1 is $2^{-7} = 0.0078$, so an update of 0.002 is less than
    half a step and is rounded away. Here are the bits.
    """)
    return


@app.cell
def _():
    def bits(number, dtype):
        """The bits of a number: sign, exponent, fraction."""
        whole, size, exponent = {"bfloat16": (torch.int16, 16, 8), "float32": (torch.int32, 32, 8)}[dtype]
        raw = torch.tensor(number, dtype=getattr(torch, dtype)).view(whole).item() & (2**size - 1)
        written = f"{raw:0{size}b}"
        return f"{written[0]} {written[1 : 1 + exponent]} {written[1 + exponent :]}"

    mo.md(
        "\n".join(
            f"- {number} in {dtype}: `{bits(number, dtype)}`"
            for number in (1.0, 1.002, 1.0078125)
            for dtype in ("float32", "bfloat16")
        )
    )
    return (bits,)


@app.cell
def _(bits):
    assert bits(1.002, "bfloat16") == bits(1.0, "bfloat16") != bits(1.0078125, "bfloat16")
    assert bits(3.14, "float32").startswith(bits(3.125, "bfloat16")[:10]), "bf16 is fp32 cut short: the same exponent"
    assert torch.finfo(torch.bfloat16).eps == 2**-7 and torch.finfo(torch.float16).max == 65_504
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How large a step is felt?

    The gaps grow with the number: near 1 they are 0.0078, near 100 half a unit. Below half a gap an update is lost
    altogether, above it is rounded to whole gaps. Move the size of the update, in a weight of 1 that gets a hundred of
    them.
    """)
    return


@app.cell
def _():
    size = mo.ui.slider(
        steps=[0.0001, 0.0005, 0.002, 0.004, 0.006, 0.01, 0.05], value=0.002, label="size of an update", show_value=True
    )
    size
    return (size,)


@app.cell
def _(size):
    def path(dtype):
        """A weight of 1 after each of a hundred updates."""
        weight, seen = torch.tensor(1.0, dtype=dtype), []
        for _ in range(100):
            weight = weight + size.value
            seen.append(weight.item())
        return seen

    paths = {"fp32": path(torch.float32), "fp16": path(torch.float16), "bf16": path(torch.bfloat16)}
    plots.lines(range(1, 101), paths, x="updates", y="the weight", title=f"Updates of {size.value}")
    return path, paths


@app.cell
def _(paths, size):
    _wanted = 1 + 100 * size.value
    assert abs(paths["fp32"][-1] - _wanted) < 1e-4
    assert (paths["bf16"][-1] == 1.0) == (size.value < 2**-8), "half a gap of 2^-7 decides"
    assert (paths["fp16"][-1] == 1.0) == (size.value < 2**-11), (
        "fp16 has three bits more, and feels updates an eighth as large"
    )
    assert size.value != 0.006 or paths["bf16"][-1] > _wanted + 0.1, "what is felt is rounded up to a whole gap"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Who does not mind

    An update is small **beside its weight**, and the sum of many is what counts. A product in the middle of a model is
    neither: its error of up to 0.4 % is fresh each time, and thousands of them average out. So: keep the weights in
    fp32, cast them where they multiply. In this library it is one attribute, `compute_dtype`.
    """)
    return


@app.cell
def _():
    _sizes = dict(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4)
    config = Qwen3Config(**_sizes, head_dim=16)
    _ids = torch.randint(0, 64, (8, 17), generator=torch.Generator().manual_seed(0))
    batch = SimpleNamespace(input_ids=_ids[:, :-1], targets=_ids[:, 1:], loss_mask=torch.ones(8, 16, dtype=torch.bool))

    def objective(model, given):
        """The summed loss of a batch, and of how many targets; scores are compared in fp32."""
        scores = model(given.input_ids).float()
        return functional.cross_entropy(
            scores.flatten(0, 1), given.targets.flatten(), reduction="sum"
        ), given.targets.numel()

    def _gradient(dtype):
        """Every gradient of a fresh model in one row, and the formats of weights and gradients."""
        model = build(config, seed=0, scheme="normal")
        model.compute_dtype = dtype
        accumulate(model, [batch], objective)
        formats = {parameter.dtype for parameter in model.parameters()} | {one.grad.dtype for one in model.parameters()}
        return torch.cat([parameter.grad.flatten() for parameter in model.parameters()]), formats

    exact, _ = _gradient(torch.float32)
    short, formats = _gradient(torch.bfloat16)
    agreement = functional.cosine_similarity(exact, short, dim=0).item()
    mo.md(
        f"Forward and back in bf16, the gradient of {len(exact):,} weights points where the exact one points, to a cosine of "
        f"**{agreement:.5f}**."
    )
    return agreement, batch, config, exact, formats, objective, short


@app.cell
def _(agreement, formats):
    assert agreement > 0.99
    assert formats == {torch.float32}, "only what is multiplied was short; weights and gradients never were"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Trained three ways

    The same model, the same texts, the same 40 steps. Once everything is fp32; once it computes in bf16 with fp32
    weights; once the weights themselves are bf16, and each update is rounded away where it is small.
    """)
    return


@app.cell
def _(batch, config, objective):
    def trained(compute, weights):
        """The losses of 40 steps; weights: the format to which they are rounded after each step."""
        model = build(config, seed=0, scheme="normal")
        model.compute_dtype = compute
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
        losses = []
        start = torch.cat([one.detach().flatten().clone() for one in model.parameters()]).to(weights).float()
        stuck = torch.ones_like(start, dtype=torch.bool)
        for _ in range(40):
            losses.append(accumulate(model, [batch], objective))
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.copy_(parameter.to(weights))
            stuck &= torch.cat([one.detach().flatten() for one in model.parameters()]) == start
        gains = torch.cat([torch.full((one.numel(),), one.dim() == 1) for one in model.parameters()])
        return losses, stuck[gains].float().mean().item()

    runs = {
        "all fp32": trained(torch.float32, torch.float32),
        "fp32 weights, bf16 products": trained(torch.bfloat16, torch.float32),
        "all bf16": trained(torch.bfloat16, torch.bfloat16),
    }
    plots.lines(
        range(40),
        {name: losses for name, (losses, _) in runs.items()},
        x="step",
        y="loss, nats",
        title="Forty steps at a rate of 0.001",
    )
    return runs, trained


@app.cell
def _(runs):
    _exact, _mixed, _short = (runs[name] for name in runs)
    assert abs(_exact[0][-1] - _mixed[0][-1]) < 0.05, "the curves of fp32 and mixed lie on one another"
    assert _short[1] == 1.0 and _mixed[1] < 0.1, "the gains begin at 1, where the gap is widest"
    mo.md(
        f"At the end the losses are {_exact[0][-1]:.3f}, {_mixed[0][-1]:.3f} and {_short[0][-1]:.3f}. Small weights still moved in "
        f"bf16. Of the gains of the norms, which begin at 1, **{_short[1]:.0%}** have not moved once."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## fp16, and a loss that is made larger

    Older cards have no bf16. fp16 has more bits for the fraction and pays with range: its smallest number is $6 \cdot 10^{-8}$, and many
    gradients are below. They would become 0. But a gradient is as large as the loss it comes from: multiply the loss by $s$, take the
    gradient in fp16, divide it by $s$ in fp32. What a scale saves at the lower end it may lose at the upper, above 65,504.
    """)
    return


@app.cell
def _():
    _slopes = torch.exp(
        torch.randn(20_000, generator=torch.Generator().manual_seed(0)) * 3 - 17
    )  # sizes as in a real backward pass
    scales = [2.0**power for power in range(0, 33, 2)]
    gone = [float((_slopes * scale).half().eq(0).float().mean()) for scale in scales]
    burst = [float((_slopes * scale).half().isinf().float().mean()) for scale in scales]
    plots.lines(
        scales,
        {"become 0": gone, "become infinite": burst},
        x="what the loss is multiplied by",
        y="share of the gradients",
        log_x=True,
        title="Gradients that fp16 loses",
    )
    return burst, gone, scales


@app.cell
def _(burst, gone, scales):
    assert gone[0] > 0.3 and burst[0] == 0, "unscaled, a third and more is gone"
    assert gone[scales.index(65536.0)] < 0.01 and burst[scales.index(65536.0)] == 0, (
        "the usual first scale loses next to nothing"
    )
    assert burst[-1] > 0, "too large a scale makes infinities, and one of them spoils the whole step"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The best scale changes as the training goes on, so it is felt for. A step whose gradient overflowed is left out and the scale
    halved; after 2,000 good steps in a row it is doubled. Here the largest scale that holds falls from $2^{22}$ to $2^{13}$ on the way,
    and the count of good steps is 25 instead of 2,000, so that something is to be seen.
    """)
    return


@app.cell
def _():
    _scale, _good, path_of_scale, left_out, limits = 65536.0, 0, [], 0, []
    for _step in range(400):
        _limit = 2.0 ** (22 - 9 * _step / 400)
        _overflowed = _scale > _limit
        left_out += _overflowed
        path_of_scale.append(_scale)
        limits.append(_limit)
        _scale, _good = next_scale(_scale, _good, _overflowed, 25)
    plots.lines(
        range(400),
        {"scale": path_of_scale, "what fp16 holds": limits},
        x="step",
        y="scale",
        log_y=True,
        title=f"{left_out} of 400 steps left out",
    )
    return left_out, limits, path_of_scale


@app.cell
def _(left_out, limits, path_of_scale):
    assert left_out < 25
    assert all(scale <= 2 * limit for scale, limit in zip(path_of_scale, limits, strict=True)), "never far above"
    assert all(8 * scale >= limit for scale, limit in zip(path_of_scale[200:], limits[200:], strict=True)), (
        "nor far below"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whether it is faster has to be measured

    On a recent graphics card bf16 is nearly always faster. On a processor it depends: some have instructions for it, others convert
    each number back and forth. `choose_dtype` runs a batch both ways, here, and names the faster; it leaves the model
    as it was.
    """)
    return


@app.cell
def _(batch, config, objective):
    _model = build(config, seed=0)
    _choice = choose_dtype(_model, batch, objective, repeats=1)
    assert _choice in ("float32", "bfloat16") and _model.compute_dtype == torch.float32
    assert all(parameter.grad is None for parameter in _model.parameters())
    mo.md("For a model of this size, on this machine and at this moment: **" + _choice + "**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Updates of 0.006: bf16 feels each, and each as 0.0078. The weight arrives, at the wrong place.
    - Updates of 0.0001: fp16 loses them too. Every format has such a size; fp32 has it at 0.00000006.
    - Set the rate in `trained` to 1e-5: now most of the small weights are stuck too, and the third curve lies flat.

    - `groundup run demo-fast --dtype float16`: `loss_scale` stands in every line of the metrics. Most processors are slow in fp16.

    Write it yourself: `groundup learn start next_scale`
    """)
    return


if __name__ == "__main__":
    app.run()
