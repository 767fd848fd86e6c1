"""Lesson: distillation, a student that is told how likely every word was, and not only which one came."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What a teacher knows beside the answer", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.compression.distillation.distillation import distillation_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What a teacher knows beside the answer

    A text says which word came next. A large model says how likely it held *every* word. A small model that is told the latter
    learns faster and from less text. Afterwards you
    will know what it is told, what a temperature is for, and when it helps.
    """)
    return


@app.cell
def _():
    teacher = torch.tensor([[4.0, 3.4, 1.0, -1.0, -3.0]])
    likely = teacher.softmax(-1)[0]
    _entropy = float(-(likely * likely.log2()).sum())
    mo.md(
        f"A teacher's scores for five words give the likeliest {likely[0]:.0%} and the second {likely[1]:.0%}. One "
        f"word drawn from it tells a student "
        f"which of five it was; the scores tell it **all five probabilities at once**, whose entropy is "
        f"{_entropy:.2f} bits: on average it would "
        f"take {1 / (0.05**2) * float(likely[1] * (1 - likely[1])):.0f} draws to know the second one to 5 points."
    )
    return likely, teacher


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The loss

    The distance from the student's distribution $q$ to the teacher's $p$ is the Kullback-Leibler divergence,

    $$\mathrm{KL}(p \,\|\, q) = \sum_k p_k (\ln p_k - \ln q_k),$$

    zero only where both agree. Its gradient with respect to the student's scores is $q - p$: for a single right word, where
    $p$ is 1 at one place, this is the gradient of the usual loss.
    """)
    return


@app.cell
def _(likely, teacher):
    _student = torch.zeros(1, 5, requires_grad=True)
    _loss = distillation_loss(_student, teacher, 1.0).sum()
    _loss.backward()
    assert torch.allclose(_student.grad[0], 0.2 - likely, atol=1e-6)
    assert torch.allclose(_loss.detach(), math.log(5) + (likely * likely.log()).sum())
    mo.md(
        f"A student that knows nothing gives each word 20 %: it is {_loss.item():.3f} nats away, and the gradient "
        f"of its five scores is {[round(one, 2) for one in _student.grad[0].tolist()]}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The temperature

    A good teacher is often nearly sure, and all else that it knows (a cat is more like a dog than like a lamp) stands in
    probabilities near zero. Dividing all scores by a temperature
    $T$ before the softmax lifts them. The gradient shrinks by $1/T^2$, so the loss is multiplied with $T^2$.
    """)
    return


@app.cell
def _():
    temperature = mo.ui.slider(0.5, 8.0, step=0.5, value=2.0, label="temperature", show_value=True)
    temperature
    return (temperature,)


@app.cell
def _(teacher, temperature):
    _words = ("cat", "dog", "fox", "cup", "lamp")
    soft = (teacher / temperature.value).softmax(-1)[0]
    plots.value_bars(
        {
            f"T = {temperature.value}": dict(zip(_words, soft.tolist(), strict=True)),
            "T = 1": dict(zip(_words, teacher.softmax(-1)[0].tolist(), strict=True)),
        },
        title="what the student is told",
    )
    return (soft,)


@app.cell
def _(likely, soft, temperature):
    _flatter = float(-(soft * soft.log()).sum()) - float(-(likely * likely.log()).sum())
    assert (_flatter > 0) == (temperature.value > 1) or temperature.value == 1
    assert soft.argmax() == likely.argmax()
    mo.md("Above 1 the distribution is flatter, below 1 sharper; the likeliest word stays the likeliest.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two students

    A small language: the next of 32 words depends on the last two, by a table. Both students are the same small network, and
    see the same few hundred words. One is told which word came, the other
    what the table says of every word.
    """)
    return


@app.cell
def _():
    _source = torch.Generator().manual_seed(0)
    table = (2.0 * torch.randn(32, 32, 32, generator=_source)).log_softmax(-1)
    seen = torch.randint(0, 32, (400, 2), generator=_source)
    drawn = torch.multinomial(table[seen[:, 0], seen[:, 1]].exp(), 1, generator=_source)[:, 0]

    def learn(soft_targets, steps=150):
        """The student's distance to the table on all pairs of words, every tenth step."""
        draw = torch.Generator().manual_seed(1)
        parts = [
            torch.randn(shape, generator=draw).mul(0.3).requires_grad_() for shape in ((32, 16), (32, 16), (16, 32))
        ]
        optimizer, far = torch.optim.Adam(parts, lr=0.02), []
        for step in range(steps):
            scores = (parts[0][seen[:, 0]] + parts[1][seen[:, 1]]) @ parts[2]
            told = table[seen[:, 0], seen[:, 1]]
            loss = (
                distillation_loss(scores, told, 1.0).mean() if soft_targets else functional.cross_entropy(scores, drawn)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 9:
                with torch.no_grad():
                    everywhere = ((parts[0][:, None] + parts[1][None]) @ parts[2]).flatten(0, 1)
                    far.append(float(distillation_loss(everywhere, table.flatten(0, 1), 1.0).mean()))
        return far

    curves = {"told which word came": learn(False), "told all probabilities": learn(True)}
    return curves, drawn, learn, seen, table


@app.cell
def _(curves):
    assert min(curves["told all probabilities"]) < min(curves["told which word came"])
    assert curves["told all probabilities"][-1] < 0.7 * curves["told which word came"][-1]
    plots.lines(
        list(range(10, 151, 10)),
        curves,
        x="steps",
        y="nats from the truth, on all pairs",
        title="the same 400 words, two ways to be told of them",
    )
    return


@app.cell
def _(curves):
    _plain = curves["told which word came"]
    mo.md(
        f"Told only which word came, the student is nearest to the truth at step "
        f"{10 * (1 + _plain.index(min(_plain)))} and then goes away from it: it learns the accidents of 400 draws "
        f"by heart. "
        f"Told all probabilities it ends at {curves['told all probabilities'][-1]:.2f} nats instead of {_plain[-1]:.2f}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## From hidden states, and from texts

    A teacher's hidden states can be told as well: the student's are mapped to the teacher's width by a learned matrix, and
    their squared distance is the loss. And where a teacher
    can only be asked for texts, a student learns what it wrote: no probabilities, but as many texts as one likes.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the temperature to 8: the five words come close to each other. At 0.5 the teacher says little more than its answer.
    - Give both students 40,000 words instead of 400: what came next then tells as much, and the curves meet.
    - Set T to 4 in `learn`: the early steps change little, as T squared makes up for the smaller gradient.

    Write it yourself: `groundup learn start distillation_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
