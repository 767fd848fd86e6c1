"""Lesson: an architecture of your own: its three pieces, and the checks that tell a good idea from a leak of the future."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A loss too good to be true", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build, your_own
    from groundup.model.architectures.conformance import CHECKS, conform
    from groundup.model.architectures.conformance.reading import looks_ahead


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A loss too good to be true

    You have an idea for another attention and write it down. It trains, and the loss is splendid. Is the idea good, or is there
    a mistake? Afterwards you can write an architecture as three small pieces, and you know the checks that find the mistakes
    which no shape, no error and no loss curve tells.
    """)
    return


@app.cell
def _():
    def _trained(text):
        """The loss after 60 steps on dice: each token is drawn at random, so none can be foretold."""
        with your_own.borrowed(text) as mine:
            module = build(mine.example, seed=0, scheme="normal")
        dice, optimizer = torch.Generator().manual_seed(0), torch.optim.AdamW(module.parameters(), lr=0.01)
        for _ in range(60):
            ids = torch.randint(0, 64, (16, 17), generator=dice)
            loss = torch.nn.functional.cross_entropy(module(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()

    template = your_own.template()
    floor, honest = math.log(64), _trained(template)
    leaking = _trained(template.replace("causal=True", "causal=False"))
    mo.md(
        f"Two models learn to foretell dice with 64 faces, which nobody can do better than log 64 = {floor:.2f} nats. One ends at "
        f"{honest:.2f}. The other, in which one word of the code differs, ends at **{leaking:.2f}**."
    )
    return floor, honest, leaking, template


@app.cell
def _(floor, honest, leaking):
    assert leaking < floor - 0.5  # better than possible: it reads the answer
    assert honest > floor - 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The second model has no causal mask. While it trains, the answer stands in its input, one place on. When it writes, nothing stands there
    yet, and it is lost. On a real text nobody knows the floor, so that such a loss looks like a good idea.

    ## Three pieces

    `groundup inspect --template my` writes an architecture that works. It has three pieces:

    - a **description** of the part that is new, which counts its parameters without building it;
    - a **module**, which holds weights and computes;
    - a **configuration**, whose `blueprint` says which parts the decoder is composed of.

    The template's idea is a gate behind the heads: $\text{out} = W_o\,(\sigma(W_g x) \odot \text{heads}(x))$. Softmax weights
    sum to one, so that a head which finds nothing has to look somewhere none the less. With the gate it can say nothing.
    """)
    return


@app.cell
def _(template):
    with your_own.borrowed(template) as _mine:
        counted = count(_mine.example).parameters
        built = sum(weight.numel() for weight in build(_mine.example, seed=0).parameters())
    mo.md(f"Counted from the description: {counted:,} parameters. Counted in the module: {built:,}.")
    return built, counted


@app.cell
def _(built, counted):
    assert counted == built
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Does it see the future?

    One test answers for every model, whatever is inside. Exchange one token and look whose logits move. In the picture a row is the place that
    is exchanged, a column is a place whose logits are read. What lies left of the diagonal stands *before* the exchanged token, and there
    nothing may be dark.
    """)
    return


@app.cell
def _():
    _attend, _gate = "mixed = attend(query, key, value, mask, causal=True)", "self.gate_proj(x)"
    _wrong = "torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril(1)"
    variants = {  # what is replaced in the template, and by what
        "as it should be": (_attend, _attend),
        "no mask": (_attend, _attend.replace("True", "False")),
        "a mask off by one": (_attend, f"mixed = attend(query, key, value, {_wrong})"),
        "a mean over the text": (_gate, "self.gate_proj(x.mean(1, keepdim=True))"),
    }
    f"{len(variants)} variants of the template's attention"
    return (variants,)


@app.cell
def _(variants):
    variant = mo.ui.radio(list(variants), value="as it should be", label="the attention")
    variant
    return (variant,)


@app.cell
def _(template, variant, variants):
    with your_own.borrowed(template.replace(*variants[variant.value])) as _mine:
        _module = build(_mine.example, seed=0, scheme="normal").eval()
    _ids = torch.randint(0, 64, (1, 8), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        _logits = _module(_ids)
        _exchanged = [torch.where(torch.arange(8) == place, (_ids + 1) % 64, _ids) for place in range(8)]
        moved = torch.stack([(_module(ids) - _logits)[0].abs().amax(-1) for ids in _exchanged])
        ahead = looks_ahead(_module, _ids, 64)
    plots.heat_map(
        (moved > 1e-4 * moved.max()).float(),
        x="place whose logits are read",
        y="place that is exchanged",
        low=0.0,
        high=1.0,
        title=f"{variant.value}: sees {sorted(ahead) or 'nothing'} ahead",
    )
    return ahead, moved


@app.cell
def _(ahead, moved, variant):
    _wanted = {
        "as it should be": set(),
        "no mask": set(range(1, 8)),
        "a mask off by one": {1, 2},  # two layers: one place further in each
        "a mean over the text": set(range(1, 8)),
    }
    assert ahead == _wanted[variant.value]
    assert (moved.diagonal() > 0).all()  # a token always moves its own logits
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A mask that is off by one shows two places ahead in a model of two layers: each layer carries the leak one place further. The
    function that gives the distances is `looks_ahead`, and it asks the model for nothing but its logits.

    ## The other mistakes

    A leak is one of many. A cache that counts from 0, a weight that nothing reads, a mean over the batch, dropout that stays on: the model
    runs, and is wrong. Each check compares two ways to the same numbers. Where they part, it tries what the likely mistakes would do and
    names the one that fits.
    """)
    return


@app.cell
def _():
    _update, _gated = "key, value = cache.update(layer, key, value)", "torch.sigmoid(self.gate_proj(x)) * mixed"
    faults = {
        "none": (_update, _update),
        "a cache that is written and not read": (_update, "cache.update(layer, key, value)"),
        "a weight that is not used": (_gated, "mixed"),
        "rows that are mixed": (_gated, _gated + " - mixed.mean(0, keepdim=True)"),
        "a cast to float64": (_gated, _gated.replace("(x))", "(x).double())")),
    }
    f"{len(CHECKS)} checks: {', '.join(CHECKS)}"
    return (faults,)


@app.cell
def _(faults):
    fault = mo.ui.dropdown(list(faults), value="a cache that is written and not read", label="planted")
    fault
    return (fault,)


@app.cell
def _(fault, faults, template):
    with your_own.borrowed(template.replace(*faults[fault.value])) as _mine:
        _all = list(conform(_mine.example))
    _last = next((place for place, one in enumerate(_all) if one.state == "failed"), len(_all))
    verdicts = _all[: _last + 1]
    mo.md(
        "| check | what it said |\n|---|---|\n"
        + "\n".join(f"| {one.name} | {one.said or 'passed: ' + one.about} |" for one in verdicts)
    )
    return (verdicts,)


@app.cell
def _(fault, verdicts):
    _named = {
        "none": ("first loss", ""),
        "a cache that is written and not read": ("cache", "sees nothing of the first"),
        "a weight that is not used": ("gradient", "gate_proj"),
        "rows that are mixed": ("batch", "self_attn"),
        "a cast to float64": ("numbers", "float64"),
    }
    _check, _words = _named[fault.value]
    assert verdicts[-1].name == _check and _words in verdicts[-1].said
    assert (len(verdicts) == len(CHECKS)) == (fault.value == "none")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Every weight of the model that is tried is random, the output projections too. A fresh model's are zero, so that each block says
    nothing at first, and a mistake inside would say nothing either.

    What the checks cannot tell is whether the idea is any good. That takes training, several seeds, and something to compare with:
    `groundup --mine my train --set model.model_type=my_architecture --set train.initialization=scaled`.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose *a mask off by one* and count: the dark places left of the diagonal are two wide, one for each layer.
    - Plant *a cast to float64*. The check names the part in which the numbers first change their format.
    - Write the template with `groundup inspect --template my`, break one line of it, and read what `groundup inspect my --check` says.

    Write it yourself: `groundup learn start looks_ahead`
    """)
    return


if __name__ == "__main__":
    app.run()
