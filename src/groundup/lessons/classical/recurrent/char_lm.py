"""Lesson: a text written one character at a time, and what the network has learned of it when."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="One character at a time", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.classical.recurrent.char_lm import CharacterConfig, log_probabilities, train
    from groundup.classical.recurrent.truncated import RunningText


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # One character at a time

    Nobody tells the network what a word is. It is asked for the next character, again and again, and words, spaces and lines come of that.
    Afterwards you know how such a model is trained on one long text, what its bits per byte mean, and can look where it is surprised.
    """)
    return


@app.cell
def _():
    _animals, _sounds = "cow pig duck dog cat hen".split(), "moo oink quack woof meow cluck".split()
    song = "".join(
        f"old macdonald had a farm, and on his farm he had a {animal}. {sound} {sound} here, {sound} {sound} there.\n"
        for _ in range(12)
        for animal, sound in zip(_animals, _sounds, strict=True)
    )
    shape = {"kind": "gru", "hidden_size": 48, "batch_size": 8, "seq_len": 32, "learning_rate": 0.015}
    model = train(song, CharacterConfig(steps=150, **shape))
    bits = model.score(song[:2000])["bits_per_byte"]
    mo.md(
        f"A song of {len(song):,} characters, {len(set(song))} different ones: by chance {math.log2(len(set(song))):.1f} bits a character. After 150 steps "
        f"the network needs **{bits:.2f}**."
    )
    return bits, model, shape, song


@app.cell
def _(bits, song):
    assert bits < 1 < math.log2(len(set(song)))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it writes

    Each character is drawn from what the network gives the next one, and read by it in turn. The state is all it has of the text: a transformer would
    keep every character. Turn the temperature up:
    """)
    return


@app.cell
def _():
    heat = mo.ui.slider(0.2, 2.0, step=0.6, value=0.8, label="temperature", show_value=True)
    heat
    return (heat,)


@app.cell
def _(heat, model):
    written = model.generate("old mac", characters=160, temperature=heat.value, seed=3)
    mo.md(f"```text\nold mac{written}\n```")
    return (written,)


@app.cell
def _(heat, model):
    _scores = model.module(torch.tensor([model.tokenizer.encode("had a farm, and on his farm he had a ")]))[
        0, -1
    ].detach()
    _letters = [model.tokenizer.decode([number]) for number in range(1, len(_scores))]
    chances = {
        letter: chance
        for letter, chance in zip(_letters, torch.softmax(_scores[1:] / heat.value, -1).tolist(), strict=True)
        if letter.isalpha()
    }
    plots.value_bars(
        {"probability": chances},
        y="probability",
        title=f"The first letter of the animal, at temperature {heat.value:.1f}",
    )
    return (chances,)


@app.cell
def _(chances):
    assert max(chances, key=lambda letter: chances[letter]) in "cpdh", "cow, pig, duck, dog, cat or hen"
    return


@app.cell
def _(heat, model, written):
    assert 100 < len(written) <= 160 and written == model.generate("old mac", 160, temperature=heat.value, seed=3)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it is surprised

    The bits of each character in one line. Inside a word there is nothing to decide; the animal is news, and its sound is not: who
    remembers the animal knows it.
    """)
    return


@app.cell
def _(model, song):
    _line = song.split("\n")[7] + "\n"
    _before = song[: song.index(_line)][-120:]
    _text = _before + _line
    _surprise = -log_probabilities(model.module, np.array(model.tokenizer.encode(_text)))[-len(_line) :] / math.log(2)
    line = _line.rstrip("\n")
    surprises = _surprise[: len(line)]
    plots.lines(
        list(range(len(line))),
        {"bits": surprises.tolist()},
        x="character",
        y="bits",
        title=f"Surprise along: {line}",
    )
    return line, surprises


@app.cell
def _(line, surprises):
    _new, _known = line.index("had a ", 30) + 6, line.index("here")
    assert surprises[_new] == max(surprises[_new], surprises[:20].mean()), "the animal's first letter is news"
    assert surprises[_new] > surprises[_known : _known + 4].mean()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One long text, in rows

    The song is cut into 8 rows that are read side by side, 32 characters at a time. The next batch goes on where this one ended, with the
    state it ended with; only the gradient stops there.
    """)
    return


@app.cell
def _(model, song):
    running = RunningText(model.tokenizer.encode(song), batch_size=8, seq_len=32)
    first, second = (model.tokenizer.decode(running.batch(step).input_ids[0].tolist()) for step in (0, 1))
    mo.md(f"Row 1 of batch 1: `{first}`\n\nRow 1 of batch 2: `{second}`")
    return first, running, second


@app.cell
def _(first, running, second, song):
    assert (first + second).strip() in song and song.startswith(first)
    assert int(running.batch(1).positions[0, 0]) == 32, "positions go on: 0 would empty the state"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## When it learns what

    First how often each letter is, then which follows which, then words. Bits a character after so many steps:
    """)
    return


@app.cell
def _(bits, shape, song):
    curve = {
        steps: train(song, CharacterConfig(steps=steps, **shape)).score(song[:2000])["bits_per_byte"]
        for steps in (5, 20, 60)
    }
    curve[150] = bits
    _counts = torch.bincount(torch.tensor([ord(one) for one in song])).double() / len(song)
    letters = float(-(_counts * _counts.clamp(min=1e-12).log2()).sum())
    plots.lines(
        list(curve),
        {"network": list(curve.values())},
        x="steps",
        y="bits a character",
        levels={"frequency of letters alone": letters},
        title="Training",
    )
    return curve, letters


@app.cell
def _(curve, letters):
    _values = list(curve.values())
    assert all(one > other for one, other in zip(_values, _values[1:], strict=False)) and _values[-1] < letters
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Temperature 0.2 sings the song; 2.0 spells words that are none, and still closes most of them with a space.
    - `kind="rnn"` in the first cell: does the simple cell know the sound of its animal?
    - A text of your own: `train(open("text.txt").read())`, then `.generate("...")` and `.save("folder")`.

    The cell inside: `groundup learn start gru_cell`
    """)
    return


if __name__ == "__main__":
    app.run()
