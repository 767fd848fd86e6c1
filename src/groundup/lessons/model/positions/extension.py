"""Lesson: a model that was trained on short texts reads four times longer ones, by other frequencies alone."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Longer than trained on", width="medium")

with app.setup:
    import copy
    import math

    import marimo as mo
    import torch
    from torch.nn.functional import cross_entropy

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.positions import extension
    from groundup.model.positions.needle import loss_by_position, retrieval
    from groundup.model.positions.rotary import Rotary


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Longer than trained on

    A model trained on texts of 64 tokens is given 256. Without a change it goes wrong; with other rotary frequencies, and no
    further training, it reads on. Afterwards you can say what breaks, what position interpolation, NTK-aware scaling and
    YaRN each do about it, and measure it on a model of your own. You need to know rotary positions.
    """)
    return


@app.cell
def _():
    turns = 4096 * extension.default(128, 10_000.0).frequencies / (2 * math.pi)
    new_angles = int((turns < 1).sum())
    mo.md(
        f"A head of 128 numbers holds 64 clocks. In a training text of 4,096 tokens **{new_angles}** of them do not go round "
        "once. Whatever comes later shows them angles that the model has never met."
    )
    return new_angles, turns


@app.cell
def _(new_angles, turns):
    assert new_angles == 18
    assert turns[0] > 650 and turns[-1] < 0.1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A small model that was trained too short

    Its language has sixteen letters and one law: the next letter follows from the last two, except that one time in ten it is
    drawn at random. So attention must find the letter before the last, exactly there. The best possible loss is known.
    """)
    return


@app.cell
def _():
    TRAINED, LONGER, LETTERS = 64, 256, 16
    HEAD_DIM, THETA = 16, 500.0
    mo.md(f"Texts of {TRAINED} letters to learn from, and of {LONGER} to read.")
    return HEAD_DIM, LETTERS, LONGER, THETA, TRAINED


@app.cell
def _(LETTERS):
    _law = torch.randperm(LETTERS**2, generator=torch.Generator().manual_seed(1)) % LETTERS

    def texts(count, length, seed):
        """Texts of the language, one letter more than length."""
        source = torch.Generator().manual_seed(seed)
        letters = torch.randint(0, LETTERS, (count, length + 1), generator=source)
        drawn = torch.rand(count, length + 1, generator=source) < 0.1
        for place in range(2, length + 1):
            follows = _law[letters[:, place - 1] * LETTERS + letters[:, place - 2]]
            letters[:, place] = torch.where(drawn[:, place], letters[:, place], follows)
        return letters

    _right = 0.9 + 0.1 / LETTERS
    _wrong = 0.1 / LETTERS
    floor = -(_right * math.log(_right) + (LETTERS - 1) * _wrong * math.log(_wrong))
    mo.md(
        f"A model that knows the law has a loss of **{floor:.2f}** nats a letter, one that knows nothing {math.log(16):.2f}."
    )
    return floor, texts


@app.cell
def _(HEAD_DIM, LETTERS, THETA, TRAINED, texts):
    def train(seed, steps=200, batch=16):
        """One layer, two heads, trained on texts of TRAINED letters."""
        sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
        config = LlamaConfig(
            vocab_size=LETTERS, head_dim=HEAD_DIM, max_position_embeddings=TRAINED, rope_theta=THETA, **sizes
        )
        model, rows = build(config, seed=seed), texts(batch * steps, TRAINED, seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3, betas=(0.9, 0.95), weight_decay=0.01)
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = 6e-3 * min(1.0, (step + 1) / 20, (steps - step) / (0.3 * steps))
            chosen = rows[batch * step : batch * (step + 1)]
            loss = cross_entropy(model(chosen[:, :-1]).flatten(0, 1), chosen[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return model

    with torch.random.fork_rng():
        model = train(seed=0)
    return model, train


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What breaks

    The loss at each position, over texts of 256. Up to 64 the model does what it learned. Beyond, its attention meets distances
    whose slow clocks stand where they never stood, and some of those far keys get a high score by accident.
    """)
    return


@app.cell
def _(HEAD_DIM, LETTERS, LONGER, THETA, model, texts):
    _rows = texts(48, LONGER, 99)

    def losses(rotary):
        """The model's loss in windows of 16 positions, turning by another Rotary."""
        turned = copy.copy(model)  # the same weights
        turned.rotaries = [rotary]
        with torch.no_grad():
            return loss_by_position(turned(_rows[:, :-1]), _rows[:, 1:]).view(-1, 16).mean(1)

    places = [*range(8, LONGER, 16)]
    unchanged = losses(Rotary(HEAD_DIM, THETA))
    plots.lines(
        places,
        {"as trained": unchanged},
        x="position",
        y="loss, nats a letter",
        levels={"knows nothing": math.log(LETTERS)},
        title="Trained on 64: what happens beyond",
    )
    return losses, places, unchanged


@app.cell
def _(floor, unchanged):
    _inside, _beyond = unchanged[1:4].mean().item(), unchanged[8:].mean().item()
    assert floor < _inside < 1.2 and _beyond > _inside + 0.3
    mo.md(f"Up to 64: **{_inside:.2f}**. From 128 on: **{_beyond:.2f}** nats a letter.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three ways out

    - **Position interpolation** divides every frequency by 4: position 256 then looks like 64, and nothing is new. But
      neighbours look like a quarter of a step apart, and this model must tell the last letter from the one before.
    - **NTK-aware scaling** changes theta. The fastest clock stays, so neighbours stay apart; the slowest is 4 times slower;
      those between are stretched a little, which is too little for some of them.
    - **YaRN** asks each clock how often it went round in training. Often: leave it. Never: divide by 4. A ramp between.
      And as a longer text has more keys to be distracted by, it sharpens the scores a little.

    One may look at it as the factor by which each clock is slowed.
    """)
    return


@app.cell
def _():
    factor = mo.ui.dropdown({"2": 2.0, "4": 4.0, "16": 16.0}, value="4", label="times longer")
    factor
    return (factor,)


@app.cell
def _(factor):
    _trained = extension.default(128, 10_000.0).frequencies
    slowed = {
        "interpolation": _trained / extension.linear(128, 10_000.0, factor=factor.value).frequencies,
        "NTK-aware": _trained / extension.ntk(128, 10_000.0, factor=factor.value).frequencies,
        "YaRN": _trained
        / extension.yarn(128, 10_000.0, factor=factor.value, original_max_position_embeddings=4096).frequencies,
    }
    plots.lines(
        torch.arange(64),
        slowed,
        x="pair, fast to slow",
        y="times slower",
        title="Which clocks are slowed (head of 128)",
    )
    return (slowed,)


@app.cell
def _(factor, slowed):
    assert torch.allclose(slowed["interpolation"], torch.tensor(factor.value))
    for _name in ("NTK-aware", "YaRN"):
        assert abs(slowed[_name][0] - 1) < 1e-4 and abs(slowed[_name][-1] - factor.value) < 1e-2
        assert (slowed[_name].diff() > -1e-3).all()
    assert (slowed["YaRN"][:20] < 1.001).all() and (slowed["NTK-aware"][5:20] > 1.01).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Side by side

    The same weights, the same texts, no further training: only the frequencies differ.
    """)
    return


@app.cell
def _(HEAD_DIM, THETA, TRAINED, losses, places, unchanged):
    _yarn = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": TRAINED}
    by_scheme = {
        "as trained": unchanged,
        "interpolation": losses(Rotary(HEAD_DIM, THETA, {"rope_type": "linear", "factor": 4.0}, TRAINED)),
        "NTK-aware": losses(Rotary(HEAD_DIM, extension.ntk_theta(HEAD_DIM, THETA, 4.0))),
        "YaRN": losses(Rotary(HEAD_DIM, THETA, _yarn, TRAINED)),
    }
    plots.lines(
        places,
        by_scheme,
        x="position",
        y="loss, nats a letter",
        title="Four times the trained length, without training",
    )
    return (by_scheme,)


@app.cell
def _(by_scheme):
    _beyond = {name: found[4:].mean().item() for name, found in by_scheme.items()}
    _inside = {name: found[1:4].mean().item() for name, found in by_scheme.items()}
    assert _beyond["YaRN"] < _beyond["NTK-aware"] < _beyond["as trained"]
    assert _beyond["YaRN"] < _beyond["interpolation"] - 0.2
    assert _inside["interpolation"] > _inside["YaRN"] + 0.2, "neighbours are blurred at every position"
    assert _inside["as trained"] <= _inside["YaRN"]
    _rows = "\n".join(f"| {name} | {_inside[name]:.2f} | {_beyond[name]:.2f} |" for name in by_scheme)
    mo.md(f"| | up to 64 | from 64 on |\n|---|---|---|\n{_rows}")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    YaRN stays level to the end. Nothing is free: within the trained length the unchanged model is the best, which is why
    *dynamic* scaling changes nothing until a text grows longer. After a short training at the new length even interpolation
    becomes good: the model learns the new spacing. That is how it was published.

    ## A needle in the hay

    The loss is an average, and a model may be good at it without ever looking far back. So one hides a fact in a long text, at
    each depth, and asks for it. Any reader can be measured so; here is one that sees the last 100 tokens alone.
    """)
    return


@app.cell
def _():
    sees = mo.ui.slider(50, 250, step=50, value=100, label="tokens that the reader sees", show_value=True)
    sees
    return (sees,)


@app.cell
def _(sees):
    lengths, depths = [50, 100, 150, 200, 250], [0.0, 0.25, 0.5, 0.75, 1.0]
    found = retrieval(
        lambda text, trial: float(f"needle {trial}" in text[-sees.value :]),
        lambda length, trial: ["hay"] * length,
        lambda trial: [f"needle {trial}"],
        lengths=lengths,
        depths=depths,
        trials=1,
    )
    plots.heat_map(
        found, rows=depths, columns=lengths, low=0, high=1, x="length", y="depth", title="Found, by length and depth"
    )
    return depths, found, lengths


@app.cell
def _(depths, found, lengths, sees):
    for _row, _depth in enumerate(depths):
        for _column, _length in enumerate(lengths):
            _from_the_end = _length - round(_depth * (_length - 1))
            assert found[_row, _column] == (_from_the_end <= sees.value)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 16 times longer: interpolation rises to 16 for all clocks, YaRN still leaves the first third alone.
    - Move the reader's window: the lower left of the picture is found, and the frontier moves with it.
    - Give `train` another seed, or THETA = 10,000: far fewer clocks go round in 64 tokens, and less breaks.

    Write it yourself: `groundup learn start ntk_theta`, and then `groundup learn start yarn_ramp`
    """)
    return


if __name__ == "__main__":
    app.run()
