"""Lesson: one text in, another out, with attention between them and a search over answers."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="From one text to another", width="medium")

with app.setup:
    import random

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.classical.recurrent.attention import attend, bahdanau_scores, luong_attention
    from groundup.classical.recurrent.seq2seq import Seq2SeqConfig, train
    from groundup.inference.decoding.beam import BeamConfig, beam_search, beam_step


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # From one text to another

    "7 October 1909" is "1909-10-07" in another language. The year comes last and is to be written first, a month becomes a number, and nobody writes
    a rule. Below, a network learns it from 800 pairs in about two seconds, letter by letter.
    Afterwards you know what a decoder looks at while it writes, the two
    forms of attention that came before transformers, and why the likeliest next token is not always the best one.
    """)
    return


@app.cell
def _():
    _months = "January February March April May June July August September October November December".split()

    def dates(count, seed):
        source, made = random.Random(seed), []
        for _ in range(count):
            day, month, year = source.randint(1, 28), source.randint(1, 12), source.randint(1900, 2029)
            made.append((f"{day} {_months[month - 1]} {year}", f"{year}-{month:02}-{day:02}"))
        return made

    _small = Seq2SeqConfig(
        vocab_size=257,
        hidden_size=32,
        embedding_size=32,
        epochs=14.0,
        batch_size=32,
        learning_rate=0.015,
        dropout=0.0,
        label_smoothing=0.0,
    )
    translator = train(dates(800, seed=1), _small)
    test = dates(100, seed=2)
    answers = translator.translate_batch([text for text, _ in test], BeamConfig(beams=1))
    right = sum(answer == wanted for answer, (_, wanted) in zip(answers, test, strict=True))
    mo.md(
        f"Of 100 dates it has not trained on, **{right}** are right to the last digit. The first: {test[0][0]} becomes {answers[0]}."
    )
    return answers, dates, right, test, translator


@app.cell
def _(right):
    assert right >= 80
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it looks

    An encoder reads the source from both ends and keeps a state at each letter. The decoder writes one character after the other; before each it
    weighs all those states, and reads their weighted sum. A row below is a character of the answer, and its brightest cell is where the decoder looked. Nobody
    told it: the weights were learned from the pairs alone. ⏎ is the end. Choose a date:
    """)
    return


@app.cell
def _():
    date = mo.ui.dropdown(["28 January 1923", "5 May 2016", "19 August 1945"], value="28 January 1923", label="date")
    date
    return (date,)


@app.cell
def _(date, translator):
    seen = translator.align(date.value)
    plots.heat_map(
        seen.weights,
        rows=seen.answer,
        columns=seen.source,
        x="source",
        y="answer",
        low=0,
        high=1,
        title="Where each character of the answer looked",
    )
    return (seen,)


@app.cell
def _(date, seen):
    _year = date.value.rindex(" ") + 1
    _share = [row[_year + place] for place, row in enumerate(seen.weights[:4])]
    assert min(_share) > 0.4, "each digit of the year is read from that digit, at the other end of the source"
    assert all(abs(sum(row) - 1) < 1e-5 for row in seen.weights)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The year's digits are copied one by one. The month's two digits are read from its name, though no letter of it is a digit: the encoder's state at a
    letter knows the letters around it.

    ## Two ways to ask

    A score says how well a state of the source fits the decoder's. Bahdanau's is a small network, $v \cdot \tanh(W s + U h)$; Luong's a product,
    $s \cdot W h$. With numbers that one can check: the state is 1, the source has three places, of which the last is padding.
    """)
    return


@app.cell
def _():
    _memory, _real = torch.tensor([[[1.0], [-1.0], [5.0]]]), torch.tensor([[True, True, False]])
    additive = bahdanau_scores(torch.tensor([[1.0]]), _memory, torch.tensor([[1.0]]), torch.tensor([1.0]))
    _, _additive_weights = attend(additive[:, None], _memory, _real)
    context, product_weights = luong_attention(torch.tensor([[[1.0]]]), _memory, torch.tensor([[1.0]]), _real)
    mo.md(
        f"""
    | | place 1 | place 2 | padding |
    |---|---|---|---|
    | Bahdanau's score | {additive[0, 0]:.3f} | {additive[0, 1]:.3f} | not asked |
    | its weight | {_additive_weights[0, 0, 0]:.3f} | {_additive_weights[0, 0, 1]:.3f} | {_additive_weights[0, 0, 2]:.0f} |
    | Luong's weight | {product_weights[0, 0, 0]:.3f} | {product_weights[0, 0, 1]:.3f} | {product_weights[0, 0, 2]:.0f} |
    """
    )
    return additive, context, product_weights


@app.cell
def _(additive, context, product_weights):
    assert abs(float(additive[0, 0]) - 0.964) < 1e-3, "tanh(1 + 1)"
    assert abs(float(product_weights[0, 0, 0]) - 0.881) < 1e-3 and float(product_weights[0, 0, 2]) == 0, "e / (e + 1/e)"
    assert abs(float(context) - (0.881 - 0.119)) < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Bahdanau's decoder asks with the state *before* the new word, so each step waits for the last. Luong's asks with the state *after* it. In training
    the right answer is known, so all his states come from one scan and all questions are one product of matrices, as in a transformer.

    ## The likeliest next word may be a trap

    A small language: from the start, `a` has probability 0.6 and `b` 0.4. After `a` nothing is clear, six words share what comes; after `b` one word is almost
    sure. Greedy decoding takes `a`. A beam keeps both beginnings:
    """)
    return


@app.cell
def _():
    _words = ["a", "b", "c", "d", "e", "f", "end"]
    _table = torch.full((7, 7), 1e-9)
    _table[6, :2] = torch.tensor([0.6, 0.4])  # the start is the end of what was before
    _table[0, :6] = 1 / 6
    _table[1, 2] = 0.95
    _table[1, 3] = 0.05
    _table[2:6, 6] = 1.0

    def search(beams, penalty):
        def _step(state, ids):
            return _table[ids].log().clamp(max=0), state

        best = beam_search(_step, None, torch.tensor([6]), 6, 4, BeamConfig(beams=beams, length_penalty=penalty))[0][0]
        return " ".join(_words[id] for id in best.ids), round(float(torch.tensor(best.log_probability).exp()), 3)

    greedy, wide = search(1, 0.0), search(2, 0.0)
    mo.md(f"Greedy: **{greedy[0]}**, probability {greedy[1]}. Two beams: **{wide[0]}**, probability {wide[1]}.")
    return greedy, search, wide


@app.cell
def _(greedy, wide):
    assert greedy[0].startswith("a") and wide == ("b c end", 0.38) and wide[1] > 3 * greedy[1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    One step of it: to the sum of each beginning every next log-probability is added, and of all these the best k stay. A sum falls with every token, so
    finished answers are compared by sum / length^α. The sum is negative: a larger α helps the *longer* one. −2 with two tokens against −3.5 with four:
    """)
    return


@app.cell
def _():
    _sums = torch.tensor([[-1.0, -2.0]])
    _next = torch.tensor([[[0.5, 0.3, 0.2], [0.9, 0.05, 0.05]]]).log()
    best, beams, tokens = beam_step(_sums, _next, 3)
    _alphas = [step / 20 for step in range(31)]
    penalized = {"2 tokens, sum -2": [-2 / 2**a for a in _alphas], "4 tokens, sum -3.5": [-3.5 / 4**a for a in _alphas]}
    plots.lines(_alphas, penalized, x="α", y="score", title="From α = 0.81 on the longer answer wins")
    return beams, best, penalized, tokens


@app.cell
def _(beams, best, penalized, tokens):
    _short, _long = penalized.values()
    assert _short[0] > _long[0] and _short[16] > _long[16] and _short[17] < _long[17], (
        "they cross between 0.80 and 0.85"
    )
    assert beams[0].tolist() == [0, 1, 0] and tokens[0].tolist() == [0, 0, 1] and float(best[0, 0]) > float(best[0, 1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The same network, 256 wide, on the 29,000 sentences of Multi30k, German into English: after twelve passes (twenty minutes) it reaches 31.8 BLEU on
    test2016 greedily, and 33.8 with five beams and α = 1. `benchmarks/classical/recurrent/seq2seq.py --data FOLDER --minutes 10` printed that.

    ## Try

    - "5 May 2016": the day has one digit, and the answer two. Where does the decoder look when it writes the 0?
    - `translator.translate("31 February 1800")`: no such year was in training. Which digits go wrong?
    - `search(2, 1.0)` and `search(6, 0.0)`: do more beams find a likelier text?

    The ideas: `groundup learn start bahdanau_scores`, `luong_attention`, `beam_step`
    """)
    return


if __name__ == "__main__":
    app.run()
