"""Lesson: a recurrent network, its gradient's way back through time, and why it forgets."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A network that reads, and why it forgets", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.classical.recurrent.memory import gradient_by_distance
    from groundup.classical.recurrent.rnn import RNN, gradient_through_time, rnn_cell


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A network that reads, and why it forgets

    A recurrent network reads a text one token after the other and keeps a state: all that it knows of what came before. Afterwards you can write its
    step, follow a gradient back through a text by hand, and say with a number why it does not learn what was long ago.
    """)
    return


@app.cell
def _():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = RNN(8, 32)
        texts = torch.randn(16, 61, 8)
    by_distance = gradient_by_distance(network, texts)
    mo.md(
        f"The last state of a fresh network with 32 units: changing the input just read moves it {by_distance[0] / by_distance[20]:.1g} times as much as "
        f"changing the input of **20 tokens ago**. For a gradient, the beginning of this sentence is gone."
    )
    return by_distance, network, texts


@app.cell
def _(by_distance):
    assert by_distance[0] > 1e4 * by_distance[20] > 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One step

    $$h_t = \tanh(W_{ih} x_t + b_{ih} + W_{hh} h_{t-1} + b_{hh})$$

    With one unit, $W_{ih} = 1$, $W_{hh} = 0.5$ and no biases, and a text of a single 1 and then zeros: the state remembers the 1, and lets go of it.
    """)
    return


@app.cell
def _():
    _one, _none = torch.ones(1, 1), torch.zeros(1)
    states = [torch.zeros(1, 1)]
    for _x in (1.0, 0.0, 0.0, 0.0):
        states.append(rnn_cell(_x * _one, states[-1], _one, 0.5 * _one, _none, _none))
    walked = [round(state.item(), 3) for state in states]
    mo.md(f"Reading 1, 0, 0, 0 the state goes: **{' → '.join(map(str, walked))}**.")
    return states, walked


@app.cell
def _(walked):
    _by_hand = [0.0, np.tanh(1.0)]
    for _ in range(3):
        _by_hand.append(np.tanh(0.5 * _by_hand[-1]))
    assert np.allclose(walked, _by_hand, atol=6e-4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Back through time

    The loss stands at the end; the weights worked at every step. So the gradient goes back along the states, and at each step it is multiplied by
    $W_{hh}^\top$ and by the slope of tanh, $1 - h_t^2$, which is at most 1:

    $$d_t = (u_t + W_{hh}^\top d_{t+1}) \cdot (1 - h_t^2)$$

    Of 40 steps with states near 0 only the weight is left: $0.5^{40}$ or $2^{40}$. Move the weight.
    """)
    return


@app.cell
def _():
    weight = mo.ui.slider(0.5, 1.5, step=0.1, value=0.9, label="weight of the state", show_value=True)
    weight
    return (weight,)


@app.cell
def _(weight):
    _upstream = torch.zeros(41, 1, 1)
    _upstream[-1] = 1.0
    back = gradient_through_time(_upstream, torch.zeros(41, 1, 1), torch.tensor([[weight.value]]))[:, 0, 0]
    plots.lines(
        list(range(41)),
        {"gradient": back.flip(0).tolist()},
        x="steps back",
        y="gradient",
        log_y=True,
        title=f"Each step back multiplies by {weight.value:.1f}",
    )
    return (back,)


@app.cell
def _(back, weight):
    assert abs(back[0].item() / weight.value**40 - 1) < 1e-3
    assert (back[0] < back[-1]) == (weight.value < 1) or abs(weight.value - 1) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Below 1 it **vanishes**, above 1 it **explodes**, and exactly 1 is no place where training stays. An explosion is seen and clipped
    (`clipping`). What vanished is just not learned, and nothing says so.

    With many units the number becomes a matrix, and its largest singular value, times the slopes, takes the weight's part. The same network as above,
    its $W_{hh}$ scaled:
    """)
    return


@app.cell
def _(network, texts):
    def _scaled(times):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            made = RNN(8, 32)
        made.load_state_dict(network.state_dict())
        with torch.no_grad():
            made.weight_hh_l0 *= times
        return gradient_by_distance(made, texts)

    scales = {f"W_hh x {times}": [max(norm, 1e-30) for norm in _scaled(times)] for times in (1, 1.5, 2)}
    plots.lines(
        list(range(61)),
        scales,
        x="tokens back",
        y="gradient",
        log_y=True,
        title="How much an input of long ago could change the end",
    )
    return (scales,)


@app.cell
def _(scales):
    _plain, _more, _most = (norms[20] / norms[0] for norms in scales.values())
    assert _plain < 1e-4 and _plain < _more < _most, "a larger matrix forgets more slowly"
    assert all(norms[40] < norms[10] for norms in scales.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Cut on purpose

    A text of a million tokens cannot be gone back through to its beginning. So the state is carried on, and the gradient is cut every so many tokens:
    backpropagation through time, truncated. A window of 8 in a text of 24:
    """)
    return


@app.cell
def _():
    _upstream = torch.zeros(24, 1, 1)
    _upstream[-1] = 1.0
    cut = gradient_through_time(_upstream, torch.zeros(24, 1, 1), torch.tensor([[0.9]]), window=8)[:, 0, 0]
    plots.value_bars({"gradient": dict(enumerate(cut.tolist()))}, x="step", title="Cut after 8 steps")
    return (cut,)


@app.cell
def _(cut):
    assert (cut[:16] == 0).all() and (cut[16:] > 0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Weight 1.0: the gradient arrives as it left. That is what an LSTM builds on, with a gate in the weight's place.
    - Scale $W_{hh}$ by 3 in the last cell but three: now tanh is mostly flat, and its slopes take what the matrix gives.

    Write it yourself: `groundup learn start rnn_cell`, then `groundup learn start gradient_through_time`
    """)
    return


if __name__ == "__main__":
    app.run()
