"""Lesson: what a block keeps for the way back, and how to keep next to nothing."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Activation checkpointing: compute it twice, keep it never", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import Training, flops, kept
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.step.activation_checkpointing import recompute, recompute_reference, recomputing


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Activation checkpointing: compute it twice, keep it never

    Training holds weights, gradients, the optimiser's numbers, and what the way forward leaves for the way back. The last grows with
    the batch and soon is the largest. Afterwards you know what it is, how to do without it, and what that costs.
    """)
    return


@app.cell
def _():
    large = LlamaConfig(
        vocab_size=128_256,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=16,
        num_attention_heads=32,
        num_key_value_heads=8,
    )  # the shape of Llama 3.2 1B
    _use = {"batch": 8, "seq_len": 2048, "dtype": "bfloat16"}
    plain_bytes = sum(kept(large, Training(**_use)).values())
    less_bytes = sum(kept(large, Training(**_use, checkpointing=True)).values())
    mo.md(
        f"A model like Llama 3.2 1B, 8 rows of 2,048 tokens in bf16: its way forward leaves **{plain_bytes / 1e9:.0f} GB** behind, and with "
        f"checkpointing **{less_bytes / 1e9:.0f} GB**. Gradients and weights come out the same to the last bit."
    )
    return large, less_bytes, plain_bytes


@app.cell
def _(less_bytes, plain_bytes):
    assert less_bytes < 0.3 * plain_bytes
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is kept, and why

    The gradient of $y = w x$ for $w$ needs $x$; that of $\tanh(y)$ needs $\tanh(y)$. So each step forward leaves something for its
    step back. torch tells a hook of every tensor that it keeps. Here three steps, each on a thousand numbers:
    """)
    return


@app.cell
def _():
    def kept_by(run):
        """What torch keeps while something runs: a list of the tensors' sizes."""
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.numel()) or tensor, lambda one: one
        ):
            run()
        return sizes

    x, weight = torch.ones(1000, requires_grad=True), torch.full((1000,), 0.5, requires_grad=True)

    def block(given, weight):
        """A block in small: a product, a bend, an addition."""
        return given + (given * weight).tanh()

    of_block = kept_by(lambda: block(x, weight))
    mo.md(
        f"The block kept {len(of_block)} tensors: both sides of the product, and what tanh gave. The addition needs nothing."
    )
    return block, kept_by, of_block, weight, x


@app.cell
def _(of_block):
    assert of_block == [1000, 1000, 1000]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    A function of one's own for torch has two halves. The first keeps only what it was given. The second is the way back: run again, this time
    with a graph, and send the gradient of the result through it.
    """)
    return


@app.cell
def _(block):
    class Recomputed(torch.autograd.Function):
        """block(given, weight) that keeps its two inputs."""

        @staticmethod
        def forward(ctx, given, weight):
            ctx.save_for_backward(given, weight)
            return block(given, weight)  # torch makes no graph inside of a function

        @staticmethod
        def backward(ctx, outer):
            leaves = [one.detach().requires_grad_() for one in ctx.saved_tensors]  # what came before is not our part
            with torch.enable_grad():
                made = block(*leaves)
            return torch.autograd.grad(made, leaves, outer)

    return (Recomputed,)


@app.cell
def _(Recomputed, block, kept_by, weight, x):
    def chain(form, blocks):
        """A stream through several blocks."""
        stream = x
        for _ in range(blocks):
            stream = form(stream, weight)
        return stream

    counts = list(range(1, 13))
    forms = {"plain": block, "recomputed": Recomputed.apply}
    numbers = {
        name: [sum(kept_by(lambda form=form, many=many: chain(form, many))) for many in counts]
        for name, form in forms.items()
    }
    slopes = {name: torch.autograd.grad(chain(form, 12).square().sum(), [x, weight]) for name, form in forms.items()}
    return chain, counts, forms, numbers, slopes


@app.cell
def _(counts, numbers):
    plots.lines(
        counts,
        numbers,
        x="blocks",
        y="numbers kept",
        marked=True,
        title="A stream of 1,000 numbers through small blocks",
    )
    return


@app.cell
def _(numbers, slopes):
    assert all(torch.equal(one, other) for one, other in zip(slopes["plain"], slopes["recomputed"], strict=True))
    assert numbers["plain"][-1] == 36_000 and numbers["recomputed"][-1] == 24_000
    mo.md(
        "Twelve blocks keep 24 tensors in place of 36, and 12 of those 24 are one weight, which is there anyway. The gradients are equal, bit for "
        "bit: the same kernels computed the same numbers twice."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A real block

    A block of a transformer keeps some 20 vectors a token, and needs one: the stream that enters it. `recomputing` lets a model's blocks run that
    way while it is open; here a small decoder, its bytes by the formula (`model/accounting`), which the tests hold against torch's own record.
    """)
    return


@app.cell
def _():
    every = mo.ui.slider(1, 6, value=1, label="recomputed: the first of each so many blocks", show_value=True)
    every
    return (every,)


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=176,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    module = build(config, seed=0)
    ids = torch.randint(0, 256, (4, 64), generator=torch.Generator().manual_seed(0))

    def stays(use):
        """MB that a way forward leaves by the formula, by part."""
        return {name: size / 1e6 for name, size in kept(config, use).items()}

    def gradients(less=None):
        """All gradients of a loss, its blocks recomputed (the first of each `less`) or not."""
        module.zero_grad()
        if less is None:
            module(ids).square().mean().backward()
        else:
            with recomputing(module, less):
                module(ids).square().mean().backward()
        return [parameter.grad for parameter in module.parameters()]

    return config, gradients, ids, module, stays


@app.cell
def _(every, stays):
    whole = stays(Training(batch=4, seq_len=64))
    less = stays(Training(batch=4, seq_len=64, checkpointing=True, every=every.value))
    plots.value_bars(
        {"plain": {"all": sum(whole.values())}, "recomputed": {"all": sum(less.values())}},
        y="MB kept for the way back",
        title=f"Six blocks, of which {-(-6 // every.value)} are recomputed",
    )
    return less, whole


@app.cell
def _(every, gradients, less, whole):
    assert sum(less.values()) < sum(whole.values()), "less is kept at every place of the slider"
    assert all(torch.equal(one, other) for one, other in zip(gradients(), gradients(every.value), strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The price

    A product of matrices is made once forward and twice back. Recomputing makes the one forward again: four in place of three, all but the head's.
    """)
    return


@app.cell
def _(large):
    _use = {"batch": 8, "seq_len": 2048}
    more = flops(large, Training(**_use, checkpointing=True)).total / flops(large, Training(**_use)).total
    assert 1.2 < more < 4 / 3
    mo.md(f"For the model at the beginning: **{more:.2f}** times the operations, as its large head is not made again.")
    return (more,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is drawn must be drawn again

    Dropout sets other numbers to 0 each time. The second run must draw the first one's, and leave the generator where it was for what
    comes later. So the generator's state is kept as well, 5 KB.
    """)
    return


@app.cell
def _():
    def dropping(given):
        """Half of the numbers become 0, drawn anew at each call."""
        return torch.nn.functional.dropout(given, 0.5)

    found = {}
    for _name, _form in {
        "plain": lambda f, one: f(one),
        "graph emptied": recompute,
        "function by hand": recompute_reference,
    }.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            _given = torch.ones(8, requires_grad=True)
            _form(dropping, _given).sum().backward()
            found[_name] = _given.grad
    assert all(torch.equal(found["plain"], other) for other in found.values())
    mo.md(
        f"The gradient is 2 where a number stayed and 0 where it went, in all three forms: `{found['plain'].int().tolist()}`."
    )
    return dropping, found


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Recompute the first of six blocks only: five sixths stay. With every other one, half of the price saves less than half of the bytes, as one block
      at a time is whole.
    - Leave out `detach` in `Recomputed`: the way back runs into the blocks before, and their gradients count twice.
    - A run of your own: `groundup run demo --set train.activation_checkpointing=layers`, or `offload`, which writes to a disk what blocks keep
      and computes nothing twice.

    Write it yourself: `groundup learn start run_again`
    """)
    return


if __name__ == "__main__":
    app.run()
