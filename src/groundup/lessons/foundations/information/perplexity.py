"""Lesson: a model's loss as a number of choices, why it compares no vocabularies, and bits per byte, which do."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Among how many does it hesitate?", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.evaluation.metrics.intrinsic import fit_ngram, tokenize
    from groundup.foundations.information.cross_entropy import cross_entropy
    from groundup.foundations.information.entropy import entropy
    from groundup.foundations.information.perplexity import bits_per_byte, perplexity, perplexity_of_bits
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Among how many does it hesitate?

    A loss of 2.08 nats says little to most people. "It hesitates among eight words" says something. This lesson makes
    the one from the other, and then shows how the friendly number misleads as soon as two models cut their texts
    differently, and which number does not. The pieces into which a model's text is cut are its **tokens**: letters, pieces
    of words, whole words; what cuts is a **tokenizer** (the room *text* builds some).
    """)
    return


@app.cell
def _():
    training = [document.text for document in tinyworld.sample(0, 400)]
    unseen = [document.text for document in tinyworld.sample(0, 40, split="heldout")]
    measured = {}
    for _size in (259, 300, 400, 600, 900):
        _tokenizer = train_tokenizer(iter(training), TokenizerConfig(vocab_size=_size))
        _model = fit_ngram(tokenize(training, _tokenizer), 3, _tokenizer.vocab_size)
        _logs = _model.log_probabilities(tokenize(unseen, _tokenizer).stream()[0])
        measured[_size] = (perplexity(_logs), bits_per_byte(_logs, "".join(unseen)), len(_logs))
    few, many = measured[259], measured[900]
    mo.md(
        f"Two models have read the same stories. The first hesitates among {few[0]:.1f} tokens, the second among "
        f"**{many[0]:.1f}**. Yet it is the "
        f"second that writes new stories in half of the space: {many[1]:.2f} bits a byte instead of {few[1]:.2f}."
    )
    return few, many, measured, training, unseen


@app.cell
def _(few, many):
    assert many[0] > 1.5 * few[0], "twice as undecided, it seems"
    assert many[1] < 0.6 * few[1], "and half as large a file"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Equal choices

    Begin where there is no doubt about the number. A model that finds four tokens equally likely gives each the
    probability 1/4. Its surprise is $\ln 4 = 1.386$ nats at every token. To get back to the four, undo the logarithm:

    $$e^{1.386} = 4$$

    So take the average surprise of a text, and put it into the exponential function. That is the **perplexity**. If one
    token was certain and the next one of four, the average is half of 1.386, and

    $$e^{0.693} = 2$$
    """)
    return


@app.cell
def _():
    all_quarters = perplexity(np.log([0.25, 0.25, 0.25]))
    certain_then_four = perplexity(np.log([1.0, 0.25]))
    mo.md(f"Three tokens of 1/4 each: {all_quarters:.1f}. One certain, one of 1/4: **{certain_then_four:.1f}**.")
    return all_quarters, certain_then_four


@app.cell
def _(all_quarters, certain_then_four):
    assert math.isclose(all_quarters, 4) and math.isclose(certain_then_four, 2)
    assert math.isclose(certain_then_four, math.sqrt(1 * 4)), (
        "the square root of the product of the two numbers of choices"
    )
    assert math.isclose(perplexity(np.log(np.full(10, 1 / 50_000))), 50_000), "who knows nothing hesitates among all"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Choices multiply: 1 choice and then 4 are 4 ways to go on, as many as 2 and 2. So perplexity is a mean in which
    numbers are multiplied and a root is taken, the geometric mean of $1/p$.

    A single token can spoil it. Ten tokens, nine of them with probability 1/2. Choose how probable the model held the
    tenth:
    """)
    return


@app.cell
def _():
    tenth = mo.ui.dropdown(
        {"1 in 2": 0.5, "1 in 100": 1e-2, "1 in a million": 1e-6, "1 in a thousand million": 1e-9},
        value="1 in a million",
        label="the tenth token",
    )
    tenth
    return (tenth,)


@app.cell
def _(tenth):
    _chances = [0.5] * 9 + [tenth.value]
    running = [perplexity(np.log(_chances[: count + 1])) for count in range(10)]
    mean_chance = float(np.mean(_chances))
    plots.lines(
        range(1, 11),
        {"perplexity so far": running},
        x="tokens read",
        y="perplexity",
        levels={"1 / mean probability": 1 / mean_chance},
        marked=True,
        title=f"Perplexity of nine tokens {running[8]:.0f}, of ten {running[9]:.1f}",
    )
    return mean_chance, running


@app.cell
def _(mean_chance, running, tenth):
    assert math.isclose(running[-1], (2**9 / tenth.value) ** 0.1), "the tenth root of all choices multiplied"
    assert running[-1] >= 1 / mean_chance - 1e-9, "the mean of the probabilities would hide it"
    assert perplexity([math.log(0.5)] * 9 + [-math.inf]) == math.inf, "and one excluded token makes it infinite"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A die with a bias

    Of a distribution one can ask the same: $2^{H}$, with the entropy $H$ in bits, is the number of equal choices that
    would be as uncertain. A die that shows its six in half of all throws has fewer than six sides, so to say. And who
    takes it for fair hesitates among six.
    """)
    return


@app.cell
def _():
    _die = [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]
    sides = {"who knows it": 2 ** entropy(_die), "who thinks it fair": 2 ** cross_entropy(_die, [1 / 6] * 6)}
    _throws = np.random.default_rng(0).choice(6, size=4000, p=_die)
    seen = {
        "who knows it": perplexity(np.log(np.array(_die)[_throws])),
        "who thinks it fair": perplexity(np.log(np.full(4000, 1 / 6))),
    }
    plots.value_bars(
        {"from the probabilities": sides, "from 4,000 throws": seen},
        y="perplexity",
        title=f"A die of {sides['who knows it']:.2f} sides",
    )
    return seen, sides


@app.cell
def _(seen, sides):
    assert all(abs(seen[name] - sides[name]) < 0.2 for name in sides)
    assert sides["who knows it"] < 4.5 and math.isclose(sides["who thinks it fair"], 6)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A number a token

    Now the trap. Take a text of twelve letters, each with probability 1/2, so 12 bits in all. One model reads it letter
    by letter, another in pairs, a third in threes. Nothing is known better or worse: a pair has the probability
    $1/2 \cdot 1/2$. Choose the letters in a token.
    """)
    return


@app.cell
def _():
    length = mo.ui.dropdown([1, 2, 3, 4, 6], value=2, label="letters in a token")
    length
    return (length,)


@app.cell
def _(length):
    _text = "abbaabababba"
    _tokens = [_text[start : start + length.value] for start in range(0, 12, length.value)]
    _logs = [len(token) * math.log(0.5) for token in _tokens]
    numbers = {"perplexity": perplexity(_logs), "bits per byte": bits_per_byte(_logs, _text)}
    per_letter = perplexity(_logs, units=12)
    plots.value_bars(
        {"the same text, the same knowledge": numbers | {"perplexity a letter": per_letter}},
        title=f"{' | '.join(_tokens)}: perplexity {numbers['perplexity']:.0f}",
    )
    return numbers, per_letter


@app.cell
def _(length, numbers, per_letter):
    assert math.isclose(numbers["perplexity"], 2**length.value), "twice as long is squared"
    assert math.isclose(numbers["bits per byte"], 1) and math.isclose(per_letter, 2), "these do not see the cut"
    assert math.isclose(perplexity_of_bits(1.0, length.value), numbers["perplexity"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A text has one number of bytes, whoever reads it. So add up all surprises in bits and divide by that:

    $$\text{bits per byte} = \frac{-\sum \log_2 p(\text{token})}{\text{bytes of the text}}$$

    It has a second meaning: as a file the text takes 8 bits a byte, and a coder that uses the model's probabilities
    needs this many.

    ## The two models of the beginning

    They count which token follows which two. Their tokenizers have from 259 tokens, hardly more than single bytes, to
    900, whole words among them.
    """)
    return


@app.cell
def _(measured):
    plots.lines(
        list(measured),
        {
            "perplexity": [one[0] for one in measured.values()],
            "bits per byte": [one[1] for one in measured.values()],
        },
        x="tokens in the vocabulary",
        log_y=True,
        marked=True,
        title="As the tokens grow, one number rises and the other falls",
    )
    return


@app.cell
def _(measured, training, unseen):
    _values = np.array(list(measured.values()))
    assert (np.diff(_values[:, 0]) > 0).all() and (np.diff(_values[:, 1]) < 0).all()
    _bytes = len("".join(unseen).encode())
    assert all(math.isclose(perplexity_of_bits(bits, _bytes / count), value) for value, bits, count in _values), (
        "one loss"
    )
    assert not set(training) & set(unseen), "the stories are new"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Who sees two tokens back sees farther when they are words. The second model knows more and has more to choose from,
    and the perplexity shows only the latter. Within one tokenizer it is right: there it rises and falls with bits per
    byte.

    ## Try

    - The tenth token, one in a thousand million: nine good guesses and a perplexity of 15. Give your models no zeros.
    - Six letters in a token: a perplexity of 64, and still one bit per byte.
    - `bits_per_byte(np.log([0.5, 0.25]), "né")` is 1: `é` takes two bytes, so the text has three.

    The floor beneath these numbers: `groundup learn start entropy`. The file itself: `groundup learn start narrow`
    """)
    return


if __name__ == "__main__":
    app.run()
