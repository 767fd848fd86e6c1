"""Lesson: a GPT in NumPy, trained within the lesson: every gradient of it comes from the rules of this room."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A GPT in NumPy", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.foundations.autograd.autodiff import Tensor, detach
    from groundup.foundations.autograd.derivatives import gradient
    from groundup.foundations.autograd.functions import attention, layer_norm_backward
    from groundup.foundations.autograd.gpt import GPTConfig, batches, loss, make_parameters, read, scores, train


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A GPT in NumPy

    The models that write are built from a handful of parts, and the derivative of each follows from the rules of this
    module. Here they are put together, in GPT-2's form, and trained on two sentences while you wait. Afterwards you know
    what goes in, what is asked of it, what its loss means, and that nothing else is hidden in it.

    Each part is told here in a few sentences; most have a lesson of their own later in this room. So read this once now, to
    see where everything leads, and once more at the end of the room.
    """)
    return


@app.cell
def _():
    text = "the cat sat on the mat. the dog sat on the log. " * 4
    trained = train(text, steps=150, n_positions=16, n_embd=32, n_layer=2, n_head=2)
    weights = sum(one.data.size for one in trained.parameters.values())
    first, last = (float(np.exp(-nats)) for nats in (trained.losses[0], trained.losses[-1]))
    mo.md(
        f"{weights:,} random numbers, 150 steps. Before, the right next letter got {first:.0%} of the probability (in the geometric mean), as much as "
        f"by guessing among {len(trained.characters)} characters. Now it gets **{last:.0%}**, and `the c` goes on as "
        f"`{trained.continue_text('the c', 32)}`. All derivatives were found by NumPy and a walk back."
    )
    return first, last, text, trained, weights


@app.cell
def _(first, last, trained):
    assert abs(first * len(trained.characters) - 1) < 0.1, "untrained it guesses evenly"
    assert last > 0.7, "the trained model knows the next letter"
    assert trained.continue_text("the c", 13).startswith("the cat sat on the"), (
        "the trained model writes a sentence of its text"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it is asked

    Each character is a number. The model gets a piece of the text and has to say, at **every** position, which character
    comes next. So a single piece of 8 characters is 8 questions at once, from "what follows t?" to "what follows these
    eight?". The answers are the same piece, one further.
    """)
    return


@app.cell
def _(text):
    characters, ids = read(text)
    _piece = ids[4:13]
    _shown = ["".join(characters[one] for one in _piece[:end]).replace(" ", "␣") for end in range(1, 9)]
    _next = [characters[one].replace(" ", "␣") for one in _piece[1:]]
    questions = dict(zip(_shown, _next, strict=True))
    mo.md(
        f"The characters: `{characters.replace(' ', '␣')}`\n\n| it sees | right is |\n|---|---|\n"
        + "\n".join(f"| `{seen}` | `{answer}` |" for seen, answer in questions.items())
    )
    return characters, ids, questions


@app.cell
def _(characters, ids, questions, text):
    assert "".join(characters[one] for one in ids) == text
    assert list(questions)[-1] == "cat␣sat␣" and questions["cat␣sat␣"] == "o"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the loss says

    The loss is the mean of $-\ln p$ of the right character: how surprised the model was, in **nats**. Its height can be
    compared with readers of whom we know what they know. One guesses evenly. One knows how often each letter occurs. One
    knows which letter tends to follow which. The model passes them one after the other.
    """)
    return


@app.cell
def _(text, trained):
    def surprise(counts):
        """The mean surprise, in nats, of who knows these frequencies."""
        total = sum(counts.values())
        return -sum(times / total * np.log(times / total) for times in counts.values())

    _pairs = list(zip(text, text[1:], strict=False))
    readers = {
        "guesses evenly": float(np.log(len(trained.characters))),
        "knows the letters": surprise(Counter(after for _, after in _pairs)),
        "knows the pairs": surprise(Counter(_pairs)) - surprise(Counter(before for before, _ in _pairs)),
    }
    plots.lines(
        range(len(trained.losses)),
        {"the model": trained.losses},
        x="step",
        y="loss in nats",
        levels=readers,
        title="Three readers, passed",
    )
    return readers, surprise


@app.cell
def _(readers, trained):
    _heights = list(readers.values())
    assert _heights == sorted(_heights, reverse=True), "who knows more is surprised less"
    assert trained.losses[-1] < readers["knows the pairs"] / 2, "it must have looked further back than one letter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is in it

    A character becomes a vector of 32 numbers, its **embedding** (a row of a table of weights), and its position another; they
    are added. Then twice the same **block**, whose two parts only **add** to the vector (lesson *residual*):

    - **attention** lets a position collect from those before it: the next section does it by hand
    - the **MLP** works on what was collected: $\text{gelu}(x W_1 + b_1)\, W_2 + b_2$, 32 numbers to 128 and back, where gelu is a
      bend that lets large numbers through and stops very negative ones (lesson *activations*)

    Before each part stands a **layer norm**, which brings the 32 numbers of a vector to mean 0 and variance 1, times a weight
    and plus a bias for each (lesson *normalization*). At last the vector is multiplied with each character's embedding: the
    dot product is that character's score, and the softmax of the scores is the answer. So the table of embeddings is used
    twice, and its gradient is the sum of what comes back by both ways.
    """)
    return


@app.cell
def _(trained):
    def part(name):
        """The part of the model that a weight belongs to."""
        if name.startswith("wte"):
            return "characters"
        if name.startswith("wpe"):
            return "positions"
        return "attention" if ".attn" in name else "MLP" if ".mlp" in name else "norms"

    sizes: Counter = Counter()
    for _name, _one in trained.parameters.items():
        sizes[part(_name)] += _one.data.size
    plots.flow_chart(
        {
            "in": "character\n+ position",
            "a": "norm, then\nattention",
            "kept": "unchanged",
            "b": "add",
            "c": "norm, then\nMLP",
            "also": "unchanged",
            "d": "add",
            "e": "norm, then\nscores",
        },
        [
            ("in", "a"),
            ("in", "kept"),
            ("a", "b"),
            ("kept", "b"),
            ("b", "c"),
            ("b", "also"),
            ("c", "d"),
            ("also", "d"),
            ("d", "e"),
        ],
        title="One block; the second follows at the last add",
    )
    return part, sizes


@app.cell
def _(sizes):
    plots.value_bars({"numbers": dict(sizes.most_common())}, y="numbers", title="Where the weights are")
    return


@app.cell
def _(sizes, weights):
    assert sum(sizes.values()) == weights
    assert sizes["MLP"] > sizes["attention"] > sizes["norms"], "most of a GPT is its MLPs"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Attention, by hand

    From its vector each position makes three others, by three matrices of weights: a **query** (what it looks for), a **key**
    (what it can be found by) and a **value** (what it hands over). A query's dot product with a key says how well they fit.
    It is divided by $\sqrt d$, where $d$ counts the numbers of a key, for sums of more products are larger. A softmax turns
    the fits into shares; what a position collects is the values in these shares:

    $$\text{softmax}\left(\frac{Q K^T}{\sqrt d}\right) V$$

    A position sees only itself and those before it: the fits of the others become $-\infty$, whose share is 0. Three positions
    with keys (1, 0), (0, 1), (1, 0) and values 10, 20, 30. The second asks for (0, 2): its fits with the first two keys are 0
    and $2 / \sqrt 2 = 1.41$, the shares 0.20 and 0.80, and it collects $0.20 \cdot 10 + 0.80 \cdot 20 = 18.0$.
    """)
    return


@app.cell
def _():
    _query = np.array([[2.0, 2.0], [0.0, 2.0], [2.0, 0.0]])
    _key, _value = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), np.array([[10.0], [20.0], [30.0]])
    _fits = np.where(np.tri(3, dtype=bool), _query @ _key.T / np.sqrt(2), -np.inf)
    looks = np.exp(_fits) / np.exp(_fits).sum(axis=1, keepdims=True)
    collected = looks @ _value
    by_library = attention(Tensor(_query), Tensor(_key), Tensor(_value), causal=True).data
    _names = ["first", "second", "third"]
    plots.heat_map(looks, rows=_names, columns=_names, x="is looked at", y="looks", text=True, title="Shares")
    return by_library, collected, looks


@app.cell
def _(by_library, collected, looks):
    assert np.allclose(collected, by_library), "attention does what was done by hand"
    assert np.allclose(looks.sum(axis=1), 1) and not np.triu(looks, 1).any(), "shares, and none of what comes later"
    assert abs(collected[1, 0] - 18.0) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The model does this twice beside each other in each block, with 16 of the 32 numbers each (two **heads**), lays the results
    side by side and multiplies by one more matrix.

    ## It cannot look ahead

    If a position saw the next character, the question would be no question. The mask in attention forbids it, and one can
    see it from outside: change one character of a text and look where the scores move.
    """)
    return


@app.cell
def _():
    changed = mo.ui.slider(0, 15, value=6, label="position of the changed character", show_value=True)
    changed
    return (changed,)


@app.cell
def _(changed, ids, trained):
    _before = ids[None, :16]
    _after = _before.copy()
    _after[0, changed.value] = (_after[0, changed.value] + 1) % len(trained.characters)
    _one, _other = (scores(trained.parameters, these, trained.config).data[0] for these in (_before, _after))
    shifts = np.abs(_one - _other).max(axis=1)
    plots.value_bars(
        {"largest change of a score": dict(enumerate(shifts.tolist()))},
        x="position",
        title=f"The character at position {changed.value} is another one",
    )
    return (shifts,)


@app.cell
def _(changed, shifts):
    assert np.all(shifts[: changed.value] < 1e-9), "nothing before it moves"
    assert np.all(shifts[changed.value :] > 1e-9), "everything from it on does"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A gradient that knows what does not matter

    A layer norm makes each vector's mean 0 and its variance 1. Add the same to all its numbers, or double them: the result
    stays. So no push in these two directions can help, and the gradient that comes through has no part in them. What
    arrives in blue; what passes in orange.
    """)
    return


@app.cell
def _():
    _x = np.array([[3.0, 1.0, -1.0, 0.5]])
    _arriving = np.array([[1.0, -0.5, 0.0, 0.5]])
    passing, _, _ = layer_norm_backward(_arriving, _x, np.ones(4))
    normal = (_x - _x.mean()) / _x.std()
    slow = gradient(lambda x: (_arriving * (x - x.mean()) / np.sqrt(x.var() + 1e-5)).sum(), _x)
    plots.value_bars(
        {
            "arrives": dict(zip(["3", "1", "-1", "0.5"], _arriving[0].tolist(), strict=True)),
            "passes": dict(zip(["3", "1", "-1", "0.5"], passing[0].tolist(), strict=True)),
        },
        x="the number",
        y="gradient",
        title="What was a wish to move all numbers, or to enlarge them, is gone",
    )
    return normal, passing, slow


@app.cell
def _(normal, passing, slow):
    assert np.allclose(passing, slow, atol=1e-7), "as measured"
    assert abs(passing.sum()) < 1e-9, "no part along 'the same for all'"
    assert abs((passing * normal).sum()) < 1e-4, "no part along 'larger'; the small eps leaves a trace"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The whole, measured

    The loss of the whole model at some of its weights: derived by the walk back, and measured by pushing each a little. If
    one rule in any part were wrong, these would differ.
    """)
    return


@app.cell
def _(ids):
    _config = GPTConfig(vocab_size=int(ids.max()) + 1, n_positions=8, n_embd=16)
    _parameters = make_parameters(_config, seed=1)
    _piece = batches(ids, _config, 2, np.random.default_rng(1))
    loss(_parameters, _piece, _config).backward()
    pairs = {}
    for _name in ("wte", "wpe", "h0.ln1", "h0.attn.in", "h0.attn.out", "h1.mlp.in", "h1.mlp.out.bias", "ln_f"):
        _tensor = _parameters[_name]
        _place = (0,) * _tensor.data.ndim
        _pushed = []
        for _h in (1e-5, -1e-5):
            _moved = _tensor.data.copy()
            _moved[_place] += _h
            _pushed.append(loss(_parameters | {_name: Tensor(_moved)}, _piece, _config).item())
        pairs[_name] = (float(_tensor.grad[_place]), (_pushed[0] - _pushed[1]) / 2e-5)
    mo.md(
        "| weight | derived | measured |\n|---|---|---|\n"
        + "\n".join(f"| `{name}` | {one:.8f} | {other:.8f} |" for name, (one, other) in pairs.items())
    )
    return (pairs,)


@app.cell
def _(pairs):
    assert all(abs(one - other) < 1e-8 for one, other in pairs.values()), (
        "derived is as measured, in every part of the model"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Watch it learn

    A step of training draws eight pieces of the text, computes the loss, walks back, and moves every weight against its
    gradient, by a rule that gives each weight a step of its own length (Adam, lesson *adaptive*). The same model after fewer
    steps: the picture shows, after `the cat s`, what it thinks comes next; its title, what it writes when it takes the
    likeliest character each time.
    """)
    return


@app.cell
def _():
    steps = mo.ui.slider(steps=[0, 10, 30, 60, 120], value=30, label="steps of training", show_value=True)
    steps
    return (steps,)


@app.cell
def _(ids, steps, text):
    early = train(text, steps=steps.value, n_positions=16, n_embd=32, n_layer=2, n_head=2)
    _frozen = {name: detach(one) for name, one in early.parameters.items()}
    _row = scores(_frozen, ids[None, :9], early.config).data[0, -1]
    chances = np.exp(_row - _row.max()) / np.exp(_row - _row.max()).sum()
    plots.value_bars(
        {"probability": dict(zip(early.characters.replace(" ", "␣"), chances.tolist(), strict=True))},
        x="next character after: the cat s",
        title=f"After {steps.value} steps it writes: {early.continue_text('the cat s', 30)}",
    )
    return chances, early


@app.cell
def _(chances, early, steps):
    assert abs(chances.sum() - 1) < 1e-9
    assert steps.value > 0 or chances.max() < 0.2, "untrained: all much alike"
    assert steps.value < 120 or early.characters[int(chances.argmax())] == "a"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - After 10 steps it has passed the reader who knows the letters, after 60 the one who knows the pairs: now it writes words,
      and only their order is strange.
    - Change the character at position 0: every position moves. At position 15: only the last.
    - Write two sentences of your own into `text`. With four copies of them it takes as long.
    - Ask `trained.continue_text("the ", 40, seed=1)`: now it draws. Both animals come up, since both follow `the `.

    Write it yourself: `groundup learn start layer_norm_backward`, and see this lesson train with it
    """)
    return


if __name__ == "__main__":
    app.run()
