"""Lesson: the delta rule, a memory that takes the old answer out before it writes the new one."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A memory that corrects itself", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.recurrence.delta_rule import delta_rule_chunked, delta_rule_reference, delta_rule_step
    from groundup.model.recurrence.state_space import state_space_reference


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A memory that corrects itself

    Ann has the ball. Ann gives it to Bob. Who has the ball? A state that only adds answers with both. The delta rule looks what
    the state says first, and writes the difference. Afterwards you can compute a step by hand, and say when it remembers
    exactly and when it cannot.
    """)
    return


@app.cell
def _():
    _ball = torch.tensor([[[[1.0, 0.0], [1.0, 0.0]]]])  # the same key twice
    _owners = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])  # Ann, then Bob
    _nothing_fades, _wholly = torch.zeros(1, 1, 2), torch.ones(1, 1, 2)
    summed = state_space_reference(_ball, _ball, _owners, _nothing_fades)[0][0, 0, 1]
    corrected = delta_rule_reference(_ball, _ball, _owners, _nothing_fades, _wholly)[0][0, 0, 1]
    mo.md(
        f"Asked for the ball after both sentences, the adding state says Ann {summed[0]:.0f}, Bob {summed[1]:.0f}; the "
        f"correcting one Ann {corrected[0]:.0f}, **Bob {corrected[1]:.0f}**."
    )
    return corrected, summed


@app.cell
def _(corrected, summed):
    assert summed.tolist() == [1.0, 1.0]
    assert corrected.tolist() == [0.0, 1.0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One step, by hand

    $$w = a\,S^T k \qquad S' = a\,S + k\,\big(\beta\,(v - w)\big)^T$$

    The state fades by $a$, is asked what it answers to the key ($w$), and the difference to the value is written, times $\beta$.
    Move $\beta$: how much of the old answer gives way.
    """)
    return


@app.cell
def _():
    beta = mo.ui.slider(steps=[0.0, 0.25, 0.5, 0.75, 1.0], value=0.5, label="beta", show_value=True)
    beta
    return (beta,)


@app.cell
def _(beta):
    def one(*numbers):
        """One head of one text."""
        return torch.tensor([[numbers]])

    answers = [4.0]
    for _ in range(8):  # the same key and value again and again, nothing fades
        _state = torch.tensor([[[[answers[-1]]]]])
        _written = torch.tensor([[beta.value]])
        _said, _ = delta_rule_step(_state, one(1.0), one(1.0), one(10.0), torch.zeros(1, 1), _written)
        answers = [*answers, _said.item()]
    plots.lines(
        list(range(9)),
        {"what the state answers": answers},
        x="times written",
        y="answer",
        title=f"From 4 towards 10, beta = {beta.value}",
        levels={"the value": 10.0},
    )
    return answers, one


@app.cell
def _(answers, beta):
    assert abs(answers[1] - (4 + beta.value * 6)) < 1e-5
    assert abs(answers[8] - (10 - 6 * (1 - beta.value) ** 8)) < 1e-4, "the error shrinks by 1 - beta each time"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    It is one step of gradient descent on the squared error between the state's answer and the value, with $\beta$ as the learning
    rate: the memory is trained while it reads. Widrow and Hoff described this rule in 1960.

    ## A story of many changes

    Eight things, and a long story in which their places change at random. After each sentence ask for all eight. Keys here stand
    at right angles, as many as the state has rows, so that nothing crowds: what goes wrong is only what was overwritten.
    """)
    return


@app.cell
def _():
    def right_answers(length, things, rows, fading=1.0):
        """The share of things whose last place is the nearest to what each kind of state answers at the end."""
        source = torch.Generator().manual_seed(things)
        names = torch.linalg.qr(torch.randn(rows, rows, generator=source)).Q
        more = functional.normalize(torch.randn(things, rows, generator=source), dim=-1)
        names = names[:things] if things <= rows else more
        places = functional.normalize(torch.randn(16, 32, generator=source), dim=-1)
        stories = 40
        thing = torch.randint(0, things, (stories, length), generator=source)
        place = torch.randint(0, 16, (stories, length), generator=source)
        keys, values = names[thing][:, None], places[place][:, None]
        decay = torch.full((stories, 1, length), fading).log()
        states = {
            "adds": state_space_reference(keys, keys, values, decay)[1],
            "corrects": delta_rule_reference(keys, keys, values, decay, torch.ones(stories, 1, length))[1],
        }
        told = (thing[:, :, None] == torch.arange(things)) * torch.arange(1, length + 1)[:, None]
        last = place.gather(1, (told.amax(1) - 1).clamp(min=0))
        heard = told.amax(1) > 0
        return {
            name: ((names @ state[:, 0] @ places.T).argmax(-1) == last)[heard].float().mean().item()
            for name, state in states.items()
        }

    return (right_answers,)


@app.cell
def _(right_answers):
    lengths = [4, 8, 16, 32, 64, 128]
    _told = [right_answers(length, things=8, rows=8) for length in lengths]
    by_length = {name: [one[name] for one in _told] for name in ("adds", "corrects")}
    plots.lines(
        lengths,
        by_length,
        x="sentences",
        y="right answers",
        title="Eight things that move",
        log_x=True,
        levels={"chance": 1 / 16},
    )
    return by_length, lengths


@app.cell
def _(by_length):
    assert min(by_length["corrects"]) == 1.0, "with keys at right angles it is never wrong"
    assert by_length["adds"][-1] < 0.5 < by_length["adds"][0]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Letting everything fade helps the adding state much (try it below), since old places fade more than new ones; it also loses
    the things that have not been spoken of for long. The delta rule takes out exactly what is replaced, however old it is.

    ## Its limit is the number of rows

    More things than rows cannot all stand at right angles. Then correcting one answer bends others: the memory is full.
    """)
    return


@app.cell
def _(right_answers):
    things = [4, 8, 12, 16, 24, 32, 48]
    full = {f"{rows} rows": [right_answers(96, one, rows)["corrects"] for one in things] for rows in (8, 16, 32)}
    plots.lines(things, full, x="things in the story", y="right answers", title="The delta rule, 96 sentences")
    return full, things


@app.cell
def _(full, things):
    for _rows in (8, 16, 32):
        assert full[f"{_rows} rows"][things.index(8 if _rows == 8 else 16)] == 1.0
        assert full[f"{_rows} rows"][-1] < 1.0 or _rows == 32
    assert full["8 rows"][-1] < full["16 rows"][-1] < full["32 rows"][-1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In chunks

    What a token writes depends on what the tokens before it wrote, so it seems that no two can be computed at once. But within a
    chunk it depends on them linearly: all corrections of a chunk are the solution of one triangular system of equations.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(5)
    _query, _key, _value = torch.randn(3, 1, 2, 100, 8, generator=_source, dtype=torch.float64)
    _key = functional.normalize(_key, dim=-1)
    _log_decay, _beta = -torch.rand(2, 1, 2, 100, generator=_source, dtype=torch.float64)
    _loop, _ = delta_rule_reference(_query, _key, _value, _log_decay, -_beta)
    _chunks, _ = delta_rule_chunked(_query, _key, _value, _log_decay, -_beta, chunk=16)
    apart = (_loop - _chunks).abs().max().item()
    assert apart < 1e-10
    mo.md(f"Token by token and in chunks of 16, on the same numbers: {apart:.0e} apart.")
    return (apart,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set beta to 1: one writing is enough. To 0: it never learns.
    - In the cell of eight things pass `fading=0.9`: the adding state gets far better, and still is not always right.
    - Why do the published layers scale keys to length 1? Take a key of length 2 with beta = 1 in the step: the answer overshoots.

    Write it yourself: `groundup learn start delta_rule_step`
    """)
    return


if __name__ == "__main__":
    app.run()
