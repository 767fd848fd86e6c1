"""Lesson: the gradient of attention by hand, and who learns from a mistake."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Who learns from a mistake of attention", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.attention.gradient import attention_backward, attention_by_hand
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who learns from a mistake of attention

    Attention has mixed some values, and the loss says: the mixture should have been another. Who is told what? Afterwards you can
    work out the gradients of query, key and value with a pencil, and you know which keys can never learn that they were missed.
    """)
    return


@app.cell
def _():
    _query, _key = torch.tensor([[1.0]]), torch.tensor([[0.0], [8.0]])
    _value, _push = torch.tensor([[1.0], [0.0]]), torch.tensor([[1.0]])
    _, told, _ = attention_backward(_query, _key, _value, None, _push)
    weight = torch.softmax(_key[:, 0], 0)[0].item()
    mo.md(
        f"Two keys with the scores 0 and 8. The first holds exactly what was wanted, the second nothing. The first is told to "
        f"come nearer with a force of **{told[0].item():.5f}**: its weight was {weight:.5f}, and who is not looked at is hardly told."
    )
    return told, weight


@app.cell
def _(told, weight):
    assert abs(told[0].item() - weight * (1 - weight)) < 1e-7
    assert told[0].item() < 0.001
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two keys, with a pencil

    One query, two keys, the scores $0$ and $\ln 3$. The exponentials are 1 and 3, so the weights are $\tfrac14$ and $\tfrac34$. The values are 0 and 1:
    the result is $\tfrac34$. Now somebody pulls the result upwards with a force of 1.

    **The values.** Each value stands in the result with its weight, so it is pulled with its weight: $\tfrac14$ and $\tfrac34$.

    **The scores.** If the weights could move freely, each would be pulled by its value: 0 and 1. But they are a softmax and sum to 1. A key can
    gain only what it has over the mean: $0 - \tfrac34$ and $1 - \tfrac34$, and as much of that as it has weight:
    $\tfrac14 \cdot (-\tfrac34) = -\tfrac{3}{16}$ and $\tfrac34 \cdot \tfrac14 = \tfrac{3}{16}$.
    """)
    return


@app.cell
def _():
    query = torch.tensor([[1.0]])
    key = torch.tensor([[1.0], [3.0]]).log()
    value = torch.tensor([[0.0], [1.0]])
    of_query, of_key, of_value = attention_backward(query, key, value, None, torch.tensor([[1.0]]))
    mo.md(
        f"The library: values {of_value[0].item():.4f} and {of_value[1].item():.4f}; scores (the query is 1, so these are the keys') "
        f"{of_key[0].item():.4f} and {of_key[1].item():.4f}; 3/16 is {3 / 16:.4f}."
    )
    return key, of_key, of_query, of_value, query, value


@app.cell
def _(of_key, of_query, of_value):
    assert torch.allclose(of_value, torch.tensor([[0.25], [0.75]]))
    assert torch.allclose(of_key, torch.tensor([[-3 / 16], [3 / 16]]))
    assert abs(of_key.sum().item()) < 1e-6, "the scores of a row are only pushed against one another"
    assert of_query.item() > 0, "the query is told to turn towards the second key"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In matrices

    Attention is a product, a softmax and a product: $S = QK^T/\sqrt d$, $P = \text{softmax}(S)$, $O = PV$. Backwards, with $dO$ given:

    $$dV = P^T dO \qquad dP = dO\, V^T \qquad dS = P \odot \left(dP - \textstyle\sum P \odot dP\right)$$

    $$dQ = dS\, K / \sqrt d \qquad dK = dS^T Q / \sqrt d$$

    Five lines. The sum runs over the row: it is the mean that was taken, by the weights. Autograd must come to the same.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _leaves = [one.requires_grad_() for one in torch.randn(3, 6, 4, generator=_source).double()]
    _push = torch.randn(6, 4, generator=_source).double()
    _seen = causal(6)[0]
    by_autograd = torch.autograd.grad(scaled_dot_product_attention(*_leaves, _seen), _leaves, _push)
    with torch.no_grad():
        by_hand = attention_backward(*_leaves, _seen, _push)
    difference = max((one - other).abs().max().item() for one, other in zip(by_hand, by_autograd, strict=True))
    assert difference < 1e-14
    mo.md("Six tokens under a causal mask, in double precision: the five lines and autograd agree to 14 places.")
    return by_autograd, by_hand, difference


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Sure, and wrong

    A query has the wrong favourite. How hard is the right key pulled up, depending on how far behind it is? Its pull is $p\,(1-p)$ with
    two keys: the largest when both are equal, and next to nothing when the gap is large. With more keys in the row the right one shares
    its weight with them, and the top of the hill moves to where it stands out among all of them.
    """)
    return


@app.cell
def _():
    others = mo.ui.slider(steps=[1, 3, 15, 63, 255], value=1, label="wrong keys", show_value=True)
    others
    return (others,)


@app.cell
def _(others):
    lead = [step / 2 for step in range(-24, 25)]
    pulls = []
    for _ahead in lead:  # the right key's score; the others have 0
        _key = torch.tensor([[_ahead]] + [[0.0]] * others.value)
        _value = torch.tensor([[1.0]] + [[0.0]] * others.value)
        pulls += [attention_backward(torch.ones(1, 1), _key, _value, None, torch.ones(1, 1))[1][0].item()]
    plots.lines(
        lead,
        {"pull on the right key": pulls},
        x="its score less the others'",
        y="gradient of its score",
        title=f"One right key, wrong ones: {others.value}",
    )
    return lead, pulls


@app.cell
def _(lead, others, pulls):
    _top = lead[pulls.index(max(pulls))]
    assert abs(_top - torch.log(torch.tensor(float(others.value))).item()) <= 0.5, "where it has half of the weight"
    assert abs(max(pulls) - 0.25) < 0.01, "and there the pull is a quarter, whatever the row's length"
    assert pulls[0] < 1e-4, "far behind, it learns nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Far to the left lies the trouble of saturated attention: the loss is at its worst and the gradient is nearly 0. That is one more
    reason for the $\sqrt d$, for small initial weights and for a warm-up: keep the rows away from there.

    ## What each pair is told

    Eight tokens. Blue: the score of this query and key should rise; orange: fall. Each row sums to 0, and what the mask hides stays 0.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(3)
    _query, _key, _value, _push = torch.randn(4, 8, 8, generator=_source)
    _scores = (_query @ _key.T / 8**0.5).masked_fill(~causal(8)[0], -torch.inf)
    _weights, _felt = _scores.softmax(-1), _push @ _value.T
    of_scores = _weights * (_felt - (_weights * _felt).sum(-1, keepdim=True))
    assert torch.allclose(
        of_scores @ _key / 8**0.5, attention_backward(_query, _key, _value, causal(8)[0], _push)[0], atol=1e-5
    )
    plots.heat_map(of_scores, x="key", y="query", title="Gradient of the scores")
    return (of_scores,)


@app.cell
def _(of_scores):
    assert of_scores.sum(-1).abs().max() < 1e-5
    assert of_scores.triu(1).eq(0).all()
    assert of_scores[0, 0].abs() < 1e-6, "the first token sees itself alone: its weight is 1, whatever the score"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In use

    `attention_by_hand` is attention with this way back built in: autograd calls `attention_backward` (or yours) where it would have
    followed its own graph. Here two numbers a token learn to look at the right one of four keys.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(5)
    _query = torch.randn(4, 2, generator=_source).requires_grad_()
    _key = torch.randn(4, 2, generator=_source).requires_grad_()
    losses = []
    for _ in range(60):
        _loss = (attention_by_hand(_query, _key, torch.eye(4)) - torch.eye(4)).square().sum()
        _slopes = torch.autograd.grad(_loss, (_query, _key))
        _query, _key = (
            (one - 1.0 * slope).detach().requires_grad_() for one, slope in zip((_query, _key), _slopes, strict=True)
        )
        losses = [*losses, _loss.item()]
    plots.lines(
        list(range(60)), {"loss": losses}, x="step", y="squared error", title="Four tokens learn to find themselves"
    )
    return (losses,)


@app.cell
def _(losses):
    assert losses[-1] < losses[0] / 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the slider to 255: the hill has the same height, and stands further right.
    - In the last run, start with `20 *` the query: the loss stays where it is for long. Why?
    - Set all values to the same number: every gradient of a score is 0.

    Write it yourself: `groundup learn start attention_backward`
    """)
    return


if __name__ == "__main__":
    app.run()
