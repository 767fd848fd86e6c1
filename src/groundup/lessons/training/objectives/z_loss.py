"""Lesson: the z-loss, which holds the scores of a head where their number format can tell them apart."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The z-loss: what a softmax does not see", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.runs import recipe
    from groundup.training.objectives.causal import causal_asked, causal_loss
    from groundup.training.objectives.z_loss import PALM, charged, drift, z_penalty


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The z-loss: what a softmax does not see

    Add 100 to every score of a token and its probabilities stay as they were, so training does not hold the scores where they are. The number format
    minds. Afterwards you know what log Z is, can say what its penalty does to a gradient, and have seen scores drift, and held.
    """)
    return


@app.cell
def _():
    near, far = (torch.tensor([shift, shift + 0.3]).bfloat16().float() for shift in (0.0, 100.0))
    mo.md(
        f"Two scores, 0.3 apart. In bf16 they are **{(near[1] - near[0]).item():.2f}** apart near 0, "
        f"and **{(far[1] - far[0]).item():.2f}** near 100."
    )
    return far, near


@app.cell
def _(far, near):
    assert abs((near[1] - near[0]).item() - 0.3) < 0.01
    assert (far[1] - far[0]).item() in (0.0, 0.5), "at 100, neighbours in bf16 are 0.5 apart"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## log Z

    The probability of a token is $e^{s} / Z$, with $Z = \sum_i e^{s_i}$ over the vocabulary. The surprise at the target is then $\log Z - s_{target}$.
    Move all scores by the same number and both terms move alike: the surprise stays, $\log Z$ does not.
    """)
    return


@app.cell
def _():
    shift = mo.ui.slider(-200, 200, step=20, value=60, label="added to every score", show_value=True)
    shift
    return (shift,)


@app.cell
def _(shift):
    _scores = torch.randn(400, 50, generator=torch.Generator().manual_seed(0))
    _targets = _scores.softmax(1).multinomial(1, generator=torch.Generator().manual_seed(1))[:, 0]
    exact = torch.nn.functional.cross_entropy(_scores.double(), _targets).item()
    _moved = _scores + shift.value
    log_z = drift(_moved)[1]
    in_fp32 = torch.nn.functional.cross_entropy(_moved, _targets).item()
    in_bf16 = torch.nn.functional.cross_entropy(_moved.bfloat16().float(), _targets).item()
    plots.value_bars(
        {"surprise": {"exact": exact, "scores in fp32": in_fp32, "scores in bf16": in_bf16}},
        title=f"log Z = {log_z:.0f}: what a token costs, in nats",
    )
    return exact, in_bf16, in_fp32, log_z


@app.cell
def _(exact, in_bf16, in_fp32, log_z, shift):
    assert abs(in_fp32 - exact) < 1e-3, "fp32 does not mind"
    assert abs(log_z - shift.value - 4.4) < 0.3
    assert abs(shift.value) < 100 or abs(in_bf16 - exact) > 5e-3, "bf16 has rounded away what the model wanted to say"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The penalty

    PaLM adds $10^{-4} \log^2 Z$ to each token's loss. Its gradient is $2 \cdot 10^{-4} \log Z$ times the softmax, and the surprise's own is softmax minus
    one-hot, so both together are

    $$(1 + 2 z \log Z)\,\mathrm{softmax} - \text{one-hot}$$

    One factor more, at the one place where the scores are in hand: the chunked cross-entropy has it for a product.
    """)
    return


@app.cell
def _():
    _scores = torch.tensor([[4.0, 2.0, 0.0, -2.0]], requires_grad=True)
    _z, _one_hot = 0.05, torch.tensor([0.0, 1.0, 0.0, 0.0])
    _loss = torch.nn.functional.cross_entropy(_scores, torch.tensor([1]), reduction="sum")
    by_autograd = torch.autograd.grad(charged(_loss, _scores, _z), _scores)[0][0]
    _softmax, _log_z = _scores.detach().softmax(1)[0], z_penalty(_scores.detach()).sqrt()
    by_hand = (1 + 2 * _z * _log_z) * _softmax - _one_hot
    plain = _softmax - _one_hot
    plots.heat_map(
        torch.stack([plain, by_hand]),
        rows=["surprise alone", f"with z = {_z}"],
        columns=["4", "2 (target)", "0", "-2"],
        text=True,
        title="Gradient of each score",
    )
    return by_autograd, by_hand, plain


@app.cell
def _(by_autograd, by_hand, plain):
    assert torch.allclose(by_autograd, by_hand, atol=1e-6)
    assert abs(plain.sum().item()) < 1e-6, "the surprise pushes no score up without pushing others down as much"
    assert by_hand.sum() > 0.3, "the penalty pushes all of them down together"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A head that drifts

    A small decoder learns rows of letters that count on, with three coefficients and the same batches. What is drawn is how far log Z lies from 0 after each
    step. It begins at log 32, where all letters are alike, and without the penalty it leaves.
    """)
    return


@app.cell
def _():
    def _batch(number):
        """Rows that count on from a random letter."""
        starts = torch.randint(32, (16, 1), generator=torch.Generator().manual_seed(number))
        ids = (starts + torch.arange(13)) % 32
        same = torch.zeros(16, 12, dtype=torch.long)
        return Batch(ids[:, :-1], ids[:, 1:], same == 0, same, torch.arange(12).expand(16, 12))

    _sizes = dict(hidden_size=24, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2)
    _config = LlamaConfig(vocab_size=32, max_position_embeddings=32, **_sizes)
    drifts, losses = {}, {}
    for _z in (0.0, PALM, 0.01):
        _module, _name = build(_config, seed=0), f"z = {_z:g}"
        _optimizer = torch.optim.Adam(_module.parameters(), 0.02)
        drifts[_name], losses[_name] = [], []
        for _step in range(120):
            _loss, _count = causal_loss(_module, _batch(_step), _z)
            (_loss / _count).backward()
            _optimizer.step()
            _optimizer.zero_grad()
            with torch.no_grad():
                _hidden, _ = causal_asked(_module, _batch(_step)).chosen()
                drifts[_name].append(drift(_module.lm_head(_hidden))[0])
            losses[_name].append(_loss.item() / _count)
    plots.lines(range(1, 121), drifts, x="step", y="root mean square of log Z", title="How far the scores have drifted")
    return drifts, losses


@app.cell
def _(drifts, losses):
    _off, _palm, _strong = (curve[-1] for curve in drifts.values())
    assert _off > 9, "nothing holds log Z, and it grows on after the task is learned"
    assert _palm < _off - 0.5 and _strong < 2, "the penalty brings it back"
    assert all(sum(curve[-10:]) / 10 < 0.05 for curve in losses.values()), "and the surprise hardly notices"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The number that a run reports stays the surprise: only the gradient of the penalty enters. So a run with `z_loss` and one without can be compared.

    ## PaLM's recipe beside UL2's

    Two papers of one house and one year, two answers to what a model should be asked. Both are recipes here, in small, on the same documents:
    `groundup run palm` and `groundup run ul2`.
    """)
    return


@app.cell
def _():
    recipes = {name: recipe.load(name).configs for name in ("palm", "ul2")}
    _rows = {
        "model": {name: one["model"].model_type for name, one in recipes.items()},
        "asked": {name: one["train"].objective for name, one in recipes.items()},
        "z-loss": {name: one["train"].z_loss for name, one in recipes.items()},
        "optimizer": {name: one["train"].optimizer for name, one in recipes.items()},
        "control tokens": {name: len(one["tokenizer"].special_tokens) for name, one in recipes.items()},
    }
    mo.md(
        "| | palm | ul2 |\n|---|---|---|\n"
        + "\n".join(f"| {what} | {row['palm']} | {row['ul2']} |" for what, row in _rows.items())
    )
    return (recipes,)


@app.cell
def _(recipes):
    _palm, _ul2 = recipes["palm"], recipes["ul2"]
    assert _palm["data"] == _ul2["data"] and _palm["train"].steps == _ul2["train"].steps
    assert _palm["train"].z_loss == PALM
    assert "[S2S]" in _ul2["tokenizer"].special_tokens
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the shift to 200: in bf16 the surprise is wrong by more than at 60. At -200 as well: log Z may drift both ways.
    - `groundup run palm --set train.z_loss=0`: the same documents and the same first weights without the penalty.
    - The losses of palm and ul2 cannot be compared: one is asked every token, the other those that were cut out, with both sides in sight.

    Write it yourself: `groundup learn start z_penalty`
    """)
    return


if __name__ == "__main__":
    app.run()
