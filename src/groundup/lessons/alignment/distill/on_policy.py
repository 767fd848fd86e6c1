"""Lesson: on-policy distillation: a teacher corrects the student's own sentences, word by word."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="On-policy distillation: corrected where one really goes wrong", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.distill.on_policy import forward_kl, reverse_kl


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # On-policy distillation: corrected where one really goes wrong

    Who learns chess from a master's games has seen only good positions. After the first own mistake stands a position that was in no game. A
    teacher who
    looks on while you play, and says at every move what was better, teaches exactly there. Afterwards you can say why the same teacher, the same
    model
    and the same number of steps give two different students.
    """)
    return


@app.cell
def _():
    LENGTH = 12  # places of the way; as many ditches beside it

    def walk(weights, steps, source):
        """Games of a policy: places 0, 1, 2 ...; a right move goes on, a wrong one to the ditch, from which one can climb out."""
        place, seen = torch.zeros(512, dtype=torch.long), []
        for _ in range(steps):
            seen.append(place)
            move = torch.multinomial(weights[place].softmax(-1), 1, generator=source)[:, 0]
            place = torch.where(place < LENGTH, torch.where(move == 0, (place + 1) % LENGTH, place + LENGTH), torch.where(move == 1, place - LENGTH, place))
        return torch.stack(seen)

    teacher = torch.zeros(2 * LENGTH, 3)
    teacher[:LENGTH, 0] = 4.0  # on the way: go on
    teacher[LENGTH:, 1] = 4.0  # in the ditch: climb out
    beginner = torch.zeros(2 * LENGTH, 3)
    _lost = float((walk(beginner, 40, torch.Generator().manual_seed(1)) >= LENGTH).float().mean())
    mo.md(f"A beginner, who moves by chance, spends **{_lost:.0%}** of the moves in the ditch.")
    return LENGTH, beginner, teacher, walk


@app.cell
def _(LENGTH, teacher, walk):
    _games = walk(teacher, 40, torch.Generator().manual_seed(0))
    shown = torch.bincount(_games.flatten(), minlength=2 * LENGTH).float() / _games.numel()
    ditch = float(shown[LENGTH:].sum())
    mo.md(
        f"The master is in the ditch in **{ditch:.1%}** of its moves. Whoever learns from its games hears that seldom how to get out."
    )
    return ditch, shown


@app.cell
def _(ditch):
    assert 0 < ditch < 0.06
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One lesson, two classrooms

    Both students have a table of 24 places with three moves each and the same number of steps of the same size. **Written**: each step draws
    places from the teacher's
    games and lowers KL(teacher || student) there: tuning on the teacher's texts. **Own**: each step draws places from the student's own games and
    lowers
    KL(student || teacher). Choose how many steps.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(steps=[4, 8, 16, 32], value=16, label="steps", show_value=True)
    steps
    return (steps,)


@app.cell
def _(LENGTH, beginner, steps, teacher, walk):
    def _learned(own, rate=4.0):
        """A student after the chosen steps, and after each the share of its moves that are spent in the ditch."""
        weights, source, told = beginner.clone(), torch.Generator().manual_seed(1), []
        for _ in range(steps.value):
            places = walk(weights if own else teacher, 20, source).flatten()
            weights = weights.detach().requires_grad_()
            divergence = reverse_kl if own else forward_kl
            loss = divergence(weights[places], teacher[places]).mean()
            weights = weights.detach() - rate * torch.autograd.grad(loss, weights)[0]
            told.append(float((walk(weights, 40, source) >= LENGTH).float().mean()))
        return weights, told

    students = {"on written games": _learned(False), "on its own games": _learned(True)}
    plots.lines(
        range(1, steps.value + 1),
        {name: told for name, (_, told) in students.items()},
        x="step",
        y="share of moves in the ditch",
        title="; ".join(f"{name}: {told[-1]:.0%}" for name, (_, told) in students.items()),
    )
    return (students,)


@app.cell
def _(ditch, steps, students):
    _ends = {name: told[-1] for name, (_, told) in students.items()}
    assert _ends["on its own games"] < _ends["on written games"]
    assert steps.value < 16 or _ends["on written games"] > 2 * ditch
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the teaching went

    The written games teach every place of the way well and the ditch hardly; the student falls in anyway, and stays. On its own games it is taught
    where it is.
    Below: how far each student is from the teacher in each place.
    """)
    return


@app.cell
def _(LENGTH, students, teacher):
    _apart = {name: reverse_kl(weights, teacher).tolist() for name, (weights, _) in students.items()}
    in_ditch = {name: sum(one[LENGTH:]) / LENGTH for name, one in _apart.items()}
    plots.lines(
        range(2 * LENGTH),
        _apart,
        x=f"place; from {LENGTH} on: in the ditch",
        y="KL(student || teacher), nats",
        marked=True,
        title="; ".join(f"{name}: {value:.2f} in the ditch" for name, value in in_ditch.items()),
    )
    return (in_ditch,)


@app.cell
def _(in_ditch):
    assert in_ditch["on its own games"] < in_ditch["on written games"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which way round

    $$\mathrm{KL}(p \,\|\, q) = \sum_i p_i \log \frac{p_i}{q_i} \qquad \text{reverse: } p \text{ the student, } q \text{ the teacher}$$

    A small student cannot be all that its teacher is. Here the teacher likes two moves far apart, and the student is a bell with one width. The
    forward divergence wants all
    of the teacher covered, with much between that nobody ever plays; the reverse one picks a side.
    """)
    return


@app.cell
def _():
    _grid = torch.linspace(-4, 4, 81)
    two_hills = torch.logsumexp(torch.stack([-8 * (_grid - 2) ** 2 - 0.1, -8 * (_grid + 2) ** 2]), 0)

    def _fitted(divergence):
        middle, width = torch.tensor(0.8, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
        optimizer = torch.optim.Adam([middle, width], lr=0.05)
        for _ in range(300):
            optimizer.zero_grad()
            bell = -((_grid - middle) ** 2) / (2 * width.exp() ** 2)
            divergence(bell[None], two_hills[None]).mean().backward()
            optimizer.step()
        return (-((_grid - middle) ** 2) / (2 * width.exp() ** 2)).softmax(0).detach()

    bells = {"forward": _fitted(forward_kl), "reverse": _fitted(reverse_kl)}
    plots.lines(
        _grid,
        {"teacher": two_hills.softmax(0).tolist()} | {name: one.tolist() for name, one in bells.items()},
        x="move",
        y="probability",
        title="forward covers, reverse chooses",
    )
    return bells, two_hills


@app.cell
def _(bells, two_hills):
    _between = slice(35, 46)  # where the teacher never goes
    assert two_hills.softmax(0)[_between].sum() < 0.01
    assert bells["forward"][_between].sum() > 0.1 and bells["reverse"][_between].sum() < 0.01
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## As often as there are words

    Reinforcement tells a student one number at the end of an answer. Here each token has its own lesson, the whole distribution of the teacher, so
    far fewer answers are needed. The
    gradient by a logit is $p_i (\log(p_i / q_i) - \mathrm{KL})$: what is likelier than the teacher finds it goes down, by as much as it is likely.
    """)
    return


@app.cell
def _():
    _student = torch.tensor([[2.0, 0.5, -1.0]], requires_grad=True)
    _teacher = torch.tensor([[0.0, 1.5, -1.0]])
    _kl = reverse_kl(_student, _teacher)
    (_pushes,) = torch.autograd.grad(_kl.sum(), _student)
    _own, _wanted = _student.log_softmax(-1), _teacher.log_softmax(-1)
    _by_hand = (_own.exp() * (_own - _wanted - _kl[:, None])).detach()
    assert torch.allclose(_pushes, _by_hand, atol=1e-6) and abs(float(_pushes.sum())) < 1e-6
    mo.md(f"Three tokens, pushed by the gradient: {', '.join(f'{-float(one):+.3f}' for one in _pushes[0])}. By the formula: the same.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 4 steps: both are bad, and already differ in the ditch.
    - 32 steps: the one with written games still has not learned to climb; nobody showed it often.
    - Two hills: with the forward divergence the bell stands in the valley.

    Write it yourself: `groundup learn start reverse_kl`. A real run: `groundup align SMALL --method distill --teacher LARGE`
    """)
    return


if __name__ == "__main__":
    app.run()
