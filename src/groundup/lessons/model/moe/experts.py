"""Lesson: mixture of experts: many feed-forwards of which each token uses a few, and what they specialise in."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Experts: more weights, the same work", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.layers.feed_forward import GatedFeedForward
    from groundup.model.layers.initialization import initialize
    from groundup.model.moe.balance import load_of, total_balance_loss, watch
    from groundup.model.moe.experts import MixtureOfExperts, mixture, mixture_reference
    from groundup.model.moe.routing import top_k_routing


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Experts: more weights, the same work

    A feed-forward layer uses all its weights for every token. A mixture of experts has several of them and a router that picks
    a few for each token. Afterwards you can route a token by hand, and see in a picture what experts come to divide among
    themselves without being told.
    """)
    return


@app.cell
def _():
    _experts, _used, _hidden, _inner = 8, 2, 4096, 14_336  # Mixtral 8x7B, one layer
    _one = 3 * _hidden * _inner
    all_weights, active_weights = _experts * _one, _used * _one
    mo.md(
        f"One layer of Mixtral 8x7B holds {all_weights / 1e9:.2f} billion weights in its experts and multiplies a token by "
        f"{active_weights / 1e9:.2f} billion of them: **{all_weights // active_weights} times** the weights for the same work."
    )
    return active_weights, all_weights


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One token, by hand

    The router gives every expert a score; the softmax makes shares of them; the best $k$ are kept, and their shares are divided by
    their sum, so that they add up to 1 again.
    """)
    return


@app.cell
def _():
    chosen = mo.ui.slider(1, 4, value=2, label="experts a token (k)", show_value=True)
    chosen
    return (chosen,)


@app.cell
def _(chosen):
    scores = torch.tensor([[1.0, 3.0, 2.0, 4.0]]).log()  # shares 0.1, 0.3, 0.2, 0.4
    experts, weights = top_k_routing(scores, chosen.value)
    _given = dict(zip(experts[0].tolist(), weights[0].tolist(), strict=True))
    plots.value_bars(
        {
            "softmax": dict(enumerate(scores.softmax(-1)[0].tolist())),
            "weight": {number: _given.get(number, 0.0) for number in range(4)},
        },
        x="expert",
        y="share",
        title=f"k = {chosen.value}",
    )
    return experts, scores, weights


@app.cell
def _(chosen, experts, scores, weights):
    assert experts[0].tolist() == [3, 1, 2, 0][: chosen.value]
    assert abs(weights.sum().item() - 1) < 1e-6
    torch.testing.assert_close(weights, scores.gather(1, experts).softmax(-1))  # a softmax over the chosen
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same, fast

    Token by token is how it is defined. The library sorts the tokens by expert, so that each expert multiplies all of its own at
    once: as many products as there are experts, whatever the length.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    _matrices = torch.randn(4, 6, 6, generator=_source)
    _x = torch.randn(50, 6, generator=_source)
    _routed = top_k_routing(torch.randn(50, 4, generator=_source), 2)
    _calls = torch.zeros(2, dtype=torch.long)

    def _expert(way):
        def multiply(number, rows):
            _calls[way] += 1
            return rows @ _matrices[number]

        return multiply

    _one_by_one = mixture_reference(_x, *_routed, _expert(0))
    _grouped = mixture(_x, *_routed, _expert(1), 4)
    torch.testing.assert_close(_one_by_one, _grouped)
    calls = _calls.tolist()
    mo.md(f"50 tokens with 2 of 4 experts each: {calls[0]} products one by one, {calls[1]} grouped, the same result.")
    return (calls,)


@app.cell
def _(calls):
    assert calls == [100, 4]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What do they divide among themselves?

    Four kinds of tokens, each around a centre of its own, and each kind is to be changed by a matrix of its own. Nobody tells the
    model which token is of which kind. Eight small experts, two a token, learn it together with their router; beside them one
    feed-forward with as many active weights. A small loss keeps the experts evenly used (its own lesson: `balance`).
    """)
    return


@app.cell
def _():
    def tokens(count, seed):
        """Kind, token and what it should become."""
        world, source = torch.Generator().manual_seed(9), torch.Generator().manual_seed(seed)
        matrices, centres = torch.randn(4, 8, 8, generator=world) / 8**0.5, 2 * torch.randn(4, 8, generator=world)
        kind = torch.randint(0, 4, (count,), generator=source)
        x = centres[kind] + 0.5 * torch.randn(count, 8, generator=source)
        return kind, x, torch.einsum("nij,nj->ni", matrices[kind], x)

    def learned(layer, steps=220):
        """Train a layer on fresh tokens; the layer and its errors."""
        initialize(layer, layers=1, std=0.2, seed=0, scheme="normal")
        optimizer, errors = torch.optim.Adam(layer.parameters(), lr=0.01), []
        for step in range(steps):
            _, x, wanted = tokens(256, seed=100 + step)
            with watch(layer) as routings:
                error = functional.mse_loss(layer(x[None])[0], wanted)
            loss = error + 0.1 * total_balance_loss(routings) if routings else error
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            errors = [*errors, error.item()]
        return layer, errors

    return learned, tokens


@app.cell
def _(learned):
    experts_layer, expert_errors = learned(MixtureOfExperts(8, 8, experts=8, top_k=2))
    _, dense_errors = learned(GatedFeedForward(8, 16))
    plots.lines(
        list(range(len(expert_errors))),
        {"8 experts, 2 a token": expert_errors, "one feed-forward": dense_errors},
        x="step",
        y="squared error",
        title="The same work a token",
        log_y=True,
    )
    return dense_errors, expert_errors, experts_layer


@app.cell
def _(dense_errors, expert_errors):
    _end = slice(-20, None)
    final_experts, final_dense = sum(expert_errors[_end]) / 20, sum(dense_errors[_end]) / 20
    assert final_experts < 0.7 * final_dense
    mo.md(f"At the end the experts' error is {final_experts:.3f}, the feed-forward's {final_dense:.3f}.")
    return final_dense, final_experts


@app.cell
def _(experts_layer, tokens):
    _kind, _x, _ = tokens(2000, seed=7)
    _routing = experts_layer.gate(_x[None])
    _counts = torch.stack([load_of(_routing.experts[_kind == one], 8) for one in range(4)]).float()
    specialised = _counts / _counts.sum(1, keepdim=True)
    plots.heat_map(
        specialised,
        rows=[f"kind {one}" for one in range(4)],
        columns=[f"expert {one}" for one in range(8)],
        x="goes to",
        y="token",
        title="Who sees what",
        low=0,
        high=0.5,
    )
    return (specialised,)


@app.cell
def _(specialised):
    _even = specialised.sum(0) / 4
    assert _even.min() > 0.04, "every expert is used"
    assert specialised.topk(3, dim=1).values.sum(1).min() > 0.6, "each kind goes mostly to few of them"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Kinds were found, and not one expert a kind: two experts are mixed for each token, so pairs of experts divide the kinds among
    them. In language models the division is seldom by topic; tokens and their neighbours decide more than themes.

    ## Fine-grained and shared

    Two of eight experts can be combined in 28 ways. Cut each into four and use eight of 32: the same weights, the same work.
    DeepSeek's models do that, and keep one expert for all tokens beside them.
    """)
    return


@app.cell
def _():
    pieces = [1, 2, 4, 8]
    _combinations = [
        torch.lgamma(torch.tensor(8.0 * n + 1))
        - torch.lgamma(torch.tensor(2.0 * n + 1))
        - torch.lgamma(torch.tensor(6.0 * n + 1))
        for n in pieces
    ]
    ways = [round(one.double().exp().item()) for one in _combinations]
    plots.lines(
        pieces,
        {"ways to combine": ways},
        x="pieces of each of 8 experts",
        y="ways",
        title="A quarter of them is used",
        log_y=True,
    )
    return pieces, ways


@app.cell
def _(ways):
    assert ways[0] == 28
    assert abs(ways[2] / 10_518_300 - 1) < 1e-3, "eight of 32"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set k to 1: the one weight is 1, whatever its share was. A router that learns through that weight alone learns nothing, so
      Switch, which uses one expert, keeps the share itself.
    - Leave the balance loss out (0.1 becomes 0): some experts idle, and the picture has empty columns.
    - Give the mixture 4 experts and one a token: does each kind get its own?

    Write the router yourself: `groundup learn start top_k_routing`
    """)
    return


if __name__ == "__main__":
    app.run()
