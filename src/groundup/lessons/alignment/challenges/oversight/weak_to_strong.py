"""Lesson: weak-to-strong generalisation, a student that may become better than its teacher."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Weak to strong: better than one's teacher", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.alignment.challenges.oversight.weak_to_strong import (
        best_possible,
        confidence_loss,
        examples,
        gap_recovered,
        generalise,
        taught,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Weak to strong: better than one's teacher

    People will have to teach models that know more than they do. Does the strong model then learn the task, or the mistakes of its teacher?
    Afterwards you know how this is measured without waiting for such models, which mistakes a student copies and which it
    does not, and a loss that helps it to trust itself.
    """)
    return


@app.cell
def _():
    train, test = examples(1500, error=0.3, seed=1), examples(3000, error=0.3, seed=2)
    first = generalise(train, test)
    mo.md(
        f"A teacher is wrong in three of ten cases. A student who never hears the truth, only this teacher, is right in **{first.student:.0%}** of "
        f"new cases, the teacher in {first.weak:.0%}. Taught by the truth it would be {first.ceiling:.0%}. Where does it know that from?"
    )
    return first, test, train


@app.cell
def _(first):
    assert first.student > first.weak + 0.1 and first.student < first.ceiling
    assert abs(first.weak - 0.7) < 0.03
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The gap, and how much of it is recovered

    $$\text{recovered} = \frac{\text{student} - \text{weak}}{\text{ceiling} - \text{weak}}$$

    0: the student is its teacher again. 1: it is as good as if it had been taught the truth. The ceiling is known here: eight coordinates speak of the
    truth, each a little, and whoever weighs them rightly is right in 92 % of the cases, no more.
    """)
    return


@app.cell
def _(first):
    plots.value_bars(
        {"accuracy": {"weak teacher": first.weak, "student": first.student, "ceiling": first.ceiling, "best possible": best_possible()}},
        y="share right",
        title=f"{first.recovered:.0%} of the gap is recovered",
    )  # fmt: skip
    return


@app.cell
def _(first):
    assert abs(first.ceiling - best_possible()) < 0.03
    assert first.recovered == gap_recovered(first.weak, first.student, first.ceiling) > 0.6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Mistakes that look like chance, and mistakes that follow a rule

    Mistakes that the student cannot predict cancel each other: in a thousand labels the truth is still the majority. But say that the teacher
    falls for something, such as length: wherever one coordinate is large, it says yes. The student sees that coordinate too. Choose how
    many of the mistakes are of this kind.
    """)
    return


@app.cell
def _():
    imitable = mo.ui.slider(
        steps=[0, 0.25, 0.5, 0.75, 1], value=0, label="share of mistakes that follow a rule", show_value=True
    )
    imitable
    return (imitable,)


@app.cell
def _(imitable):
    ruled = examples(1500, 0.25, float(imitable.value), seed=3)
    student = taught(ruled.features, ruled.weak)
    _names = [*(f"signal {k}" for k in range(1, 9)), "the rule", *(f"noise {k}" for k in range(1, 12))]
    plots.value_bars(
        {"weight": dict(zip(_names, student.weights.tolist(), strict=True))},
        y="weight",
        title="What the student listens to",
    )
    return ruled, student


@app.cell
def _(imitable, student):
    _signal, _rule = student.weights[:8].mean(), student.weights[8]
    assert _signal > 0.1, "the truth is heard"
    assert (_rule > _signal) == (imitable.value > 0), "and so is the rule, as soon as there is one"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The more there is to imitate, the less is gained

    Dashed: the teacher, and the best that is possible. The share of mistakes is the same everywhere, one in four.
    """)
    return


@app.cell
def _():
    _shares = [0.0, 0.5, 1.0]
    _pairs = [(examples(1500, 0.25, share, 5), examples(3000, 0.25, share, 6)) for share in _shares]
    plain = [generalise(*pair).student for pair in _pairs]
    sure = [generalise(*pair, alpha=0.6).student for pair in _pairs]
    plots.lines(
        _shares, {"student": plain, "student, confidence loss": sure}, x="share of mistakes that follow a rule", y="accuracy", marked=True,
        levels={"the weak teacher": 0.75, "the best possible": best_possible()}, title="Which mistakes are copied",
    )  # fmt: skip
    return plain, sure


@app.cell
def _(plain, sure):
    assert plain[0] > 0.85 and plain[-1] < 0.75, "from nearly the ceiling to below the teacher"
    assert all(b > a for a, b in zip(plain[1:], sure[1:], strict=True)), (
        "trusting oneself helps where the teacher has a habit"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Trust yourself a little

    $$(1 - \alpha)\ \text{CE}(f, \text{weak label}) + \alpha\ \text{CE}(f, \text{own choice})$$

    The student's own choice is yes for the half of the batch that it finds likelier. At first it has no opinion, so $\alpha$ rises slowly. Then what
    agrees with the rest of what it believes grows, and what only the teacher says fades.
    """)
    return


@app.cell
def _():
    alpha = mo.ui.slider(steps=[0, 0.3, 0.6, 0.8], value=0.6, label="alpha", show_value=True)
    alpha
    return (alpha,)


@app.cell
def _(alpha):
    _train, _test = examples(1500, 0.25, 1.0, 7), examples(3000, 0.25, 1.0, 8)
    trusting = generalise(_train, _test, float(alpha.value))
    believing = generalise(_train, _test, 0.0)
    plots.value_bars(
        {"accuracy": {"weak teacher": trusting.weak, "student, alpha 0": believing.student, f"student, alpha {alpha.value}": trusting.student,
                      "ceiling": trusting.ceiling}},
        y="share right", title=f"Every mistake follows the rule: {trusting.recovered:.0%} of the gap recovered",
    )  # fmt: skip
    return believing, trusting


@app.cell
def _(alpha, believing, trusting):
    assert alpha.value == 0 or trusting.student > believing.student
    assert trusting.student < trusting.ceiling, "it is no cure"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## By hand

    Four examples, the student's log-odds and the teacher's labels. Above the median lie two.
    """)
    return


@app.cell
def _():
    logits, weak = torch.tensor([2.0, -1.0, 0.5, -3.0]), torch.tensor([1.0, 1.0, 0.0, 0.0])
    _own = torch.tensor([1.0, 0.0, 1.0, 0.0])
    _ce = torch.nn.functional.binary_cross_entropy_with_logits
    by_hand = 0.5 * _ce(logits, weak) + 0.5 * _ce(logits, _own)
    mo.md(f"Half and half: {confidence_loss(logits, weak, 0.5):.4f} nats, by hand {by_hand:.4f}.")
    return by_hand, logits, weak


@app.cell
def _(by_hand, logits, weak):
    torch.testing.assert_close(confidence_loss(logits, weak, 0.5), by_hand)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Every mistake by the rule: the student is worse than its teacher, as it carries the rule further than the teacher does.
    - Will people's mistakes look like chance to a strong model, or like a rule? Nobody knows; that is the open question.
    - From three seeds, with intervals: `groundup run oversight`

    Write the loss yourself: `groundup learn start confidence_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
