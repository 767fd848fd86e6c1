"""Lesson: why experts idle, and two ways of keeping them busy: a loss, and a bias that no gradient sees."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Who is chosen learns", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.layers.initialization import initialize
    from groundup.model.moe.balance import (
        balance_loss,
        load_of,
        measured,
        steer,
        total_balance_loss,
        update_bias,
        watch,
    )
    from groundup.model.moe.experts import MixtureOfExperts, SharedMixture, SwitchFeedForward
    from groundup.model.moe.routing import capacity_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who is chosen learns

    An expert that is a little better gets more tokens, learns more from them, and gets more still. Afterwards you can
    measure how evenly experts are used, compute the loss that charges for unevenness, and steer the load without any loss.
    """)
    return


@app.cell
def _():
    def trained(layer, loss_weight=0.0, rate=0.0, steps=160):
        """Train a layer on four kinds of tokens; the layer and, for each step, its error and its load."""
        world, source = torch.Generator().manual_seed(9), torch.Generator().manual_seed(1)
        matrices, centres = torch.randn(4, 8, 8, generator=world) / 8**0.5, 2 * torch.randn(4, 8, generator=world)
        initialize(layer, layers=1, std=0.2, seed=0, scheme="normal")
        optimizer, log = torch.optim.Adam(layer.parameters(), lr=0.01), []
        for _ in range(steps):
            kind = torch.randint(0, 4, (256,), generator=source)
            x = centres[kind] + 0.5 * torch.randn(256, 8, generator=source)
            with watch(layer) as routings:
                error = functional.mse_loss(layer(x[None])[0], torch.einsum("nij,nj->ni", matrices[kind], x))
            optimizer.zero_grad()
            (error + loss_weight * total_balance_loss(routings)).backward()
            optimizer.step()
            steer(layer, routings, rate)
            log = [*log, (error.item(), measured(routings["gate"]))]
        return layer, log

    _, alone = trained(MixtureOfExperts(8, 8, experts=8, top_k=2))
    idle = sum(share < 0.01 for share in alone[-1][1].shares)
    mo.md(f"Eight experts, 160 steps, nobody watches: **{idle} of 8** are used for less than one choice in a hundred.")
    return alone, idle, trained


@app.cell
def _(idle):
    assert idle >= 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Evenness in one number

    Take the share of all choices that each expert got. Their entropy, divided by the entropy of an even load, is 1 when all are
    used alike and 0 when one does everything.
    """)
    return


@app.cell
def _():
    def entropy_share(shares):
        """Entropy of shares over the largest it can be."""
        shares = torch.tensor(shares, dtype=torch.float64)
        return (torch.special.entr(shares).sum() / torch.log(torch.tensor(float(len(shares))))).item()

    _choices = torch.tensor([[0], [0], [0], [2]])
    _load = load_of(_choices, 4)
    by_hand = entropy_share((_load / 4).tolist())
    mo.md(f"Four tokens, four experts, load {_load.tolist()}: evenness {by_hand:.2f}.")
    return by_hand, entropy_share


@app.cell
def _(alone, by_hand, entropy_share):
    assert abs(by_hand - 0.406) < 0.001  # (0.75 ln 4/3 + 0.25 ln 4) / ln 4
    assert abs(alone[-1][1].evenness - entropy_share(alone[-1][1].shares)) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A loss

    $$n \sum_i f_i P_i$$

    $f_i$ is the share of choices of expert $i$, $P_i$ its mean probability, $n$ the number of experts. Even use costs 1. $f$ only
    counts; the gradient goes through $P$, so that what is used much becomes less probable.
    """)
    return


@app.cell
def _():
    weight = mo.ui.slider(steps=[0.0, 0.01, 0.1, 1.0], value=0.1, label="weight of the balance loss", show_value=True)
    weight
    return (weight,)


@app.cell
def _(trained, weight):
    _, paid = trained(MixtureOfExperts(8, 8, experts=8, top_k=2), loss_weight=weight.value)
    plots.value_bars(
        {"last step": dict(enumerate(paid[-1][1].shares))},
        x="expert",
        y="share of the choices",
        title=f"Balance loss times {weight.value}: evenness {paid[-1][1].evenness:.2f}",
    )
    return (paid,)


@app.cell
def _(paid, weight):
    _evenness = sum(load.evenness for _, load in paid[-20:]) / 20
    assert _evenness > 0.93 or weight.value < 0.1
    assert _evenness < 0.9 or weight.value > 0
    _shares, _means = torch.tensor([[0], [0]]), torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    torch.testing.assert_close(balance_loss(_means, _shares), torch.tensor(2 * 0.7))  # f = (1, 0), P = (0.7, 0.3)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bias instead

    A loss pulls at everything below the router. DeepSeek-V3 gives each expert a number that is added to its score when experts are
    chosen, and is no part of the weights. After each step it goes up where the load was below the mean, down where it was above.
    No gradient is touched.
    """)
    return


@app.cell
def _():
    step_up = update_bias(torch.zeros(3), torch.tensor([6, 2, 1]), rate=0.02)
    mo.md(f"Load 6, 2, 1, mean 3: the biases move to {[round(one, 2) for one in step_up.tolist()]}.")
    return (step_up,)


@app.cell
def _(step_up):
    torch.testing.assert_close(step_up, torch.tensor([-0.02, 0.02, 0.02]))
    return


@app.cell
def _(trained):
    _, left_alone = trained(SharedMixture(8, 8, experts=8, top_k=1))
    steered_layer, steered = trained(SharedMixture(8, 8, experts=8, top_k=1), rate=0.02)
    plots.lines(
        list(range(len(steered))),
        {
            "left alone": [load.evenness for _, load in left_alone],
            "steered by a bias": [load.evenness for _, load in steered],
        },
        x="step",
        y="evenness",
        title="One of eight experts a token, beside a shared one",
    )
    return left_alone, steered, steered_layer


@app.cell
def _(left_alone, steered, steered_layer):
    even_alone, even_steered = (sum(load.evenness for _, load in log[-20:]) / 20 for log in (left_alone, steered))
    assert even_steered > 0.9 > 0.8 > even_alone
    assert not steered_layer.gate.e_score_correction_bias.requires_grad, "steered, not learned"
    mo.md(
        f"Evenness {even_alone:.2f} left alone, {even_steered:.2f} steered; the error at the end is "
        f"{left_alone[-1][0]:.3f} and {steered[-1][0]:.3f}."
    )
    return even_alone, even_steered


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When there is no room

    Switch gives each expert a fixed room: an even share of the text times a factor. Whoever comes when it is full is dropped,
    and only the residual carries the token on. So an uneven load is lost work.
    """)
    return


@app.cell
def _():
    _layer = SwitchFeedForward(8, 8, experts=8)
    initialize(_layer, layers=1, std=0.2, seed=0, scheme="normal")
    _x = torch.randn(1, 256, 8, generator=torch.Generator().manual_seed(2)) + 1.0  # tokens that are much alike
    _factors = [0.5, 1.0, 1.25, 2.0, 4.0, 8.0]

    def _dropped(factor):
        tight = SwitchFeedForward(8, 8, experts=8, capacity_factor=factor)
        tight.load_state_dict(_layer.state_dict())
        return measured(tight.gate(_x)).dropped

    dropped = {factor: _dropped(factor) for factor in _factors}
    plots.lines(
        list(dropped),
        {"dropped": list(dropped.values())},
        x="capacity factor",
        y="share of the tokens",
        title="No room",
        log_x=True,
    )
    return (dropped,)


@app.cell
def _(dropped):
    assert capacity_of(256, 8, 1.25) == 40
    assert dropped[8.0] == 0.0, "room for all at every expert"
    assert dropped[0.5] >= 0.5, "room for half of the tokens"
    assert dropped[1.25] > 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the weight to 0: some experts get nothing at all. To 1: the bars are level; is the error still as small?
    - Ten times the rate of the bias (0.2): the load swings, since every step overshoots.
    - Give the last picture's tokens no common part (remove `+ 1.0`): how many are dropped at 1.25 now?

    Write them yourself: `groundup learn start balance_loss`, then `groundup learn start update_bias`
    """)
    return


if __name__ == "__main__":
    app.run()
