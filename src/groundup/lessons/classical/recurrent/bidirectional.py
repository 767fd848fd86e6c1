"""Lesson: a tagger that reads a sentence from both ends, letter by letter too."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Reading from both ends", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.classical.recurrent.bidirectional import TaggerConfig, train
    from groundup.classical.recurrent.layers import turn
    from groundup.classical.recurrent.lstm import LSTM


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Reading from both ends

    "That barks" and "that dog barks": what *that* is, is said by the word behind it. A network that reads forwards has not seen it yet.
    Afterwards you know how two networks share a sentence, how rows of unequal length are turned around, and what letters are good for.
    """)
    return


@app.cell
def _():
    _nouns, _verbs = "dog cat bird cow".split(), "barks sleeps eats sings".split()
    sentences = [(["that", verb], ["pronoun", "verb"]) for verb in _verbs]
    sentences += [(["that", noun, verb], ["article", "noun", "verb"]) for noun in _nouns for verb in _verbs]
    _small = TaggerConfig(
        hidden_size=12, word_size=8, character_size=8, epochs=20, batch_size=8, learning_rate=0.02, dropout=0.0
    )
    tagger = train(sentences, _small)
    tagged = {
        " ".join(words): tagger.tag(words)
        for words in (["that", "barks"], ["that", "cow", "barks"], ["that", "cow", "begs"])
    }
    mo.md(
        "\n".join(
            [
                f"After {len(sentences)} sentences of a tiny grammar:\n\n| sentence | tags |",
                "|---|---|",
                *(f"| {text} | {' '.join(tags)} |" for text, tags in tagged.items()),
            ]
        )
    )
    return sentences, tagged, tagger


@app.cell
def _(tagged):
    assert tagged["that barks"] == ["pronoun", "verb"] and tagged["that cow barks"][0] == "article"
    assert tagged["that cow begs"][-1] == "verb", "a word that training never saw, known by its last letter"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two states at each word

    At word $t$ one network has read words $1 \dots t$, the other words $n \dots t$. Which words can change the state at a word? Put a gradient there and look.
    Move the word:
    """)
    return


@app.cell
def _():
    place = mo.ui.slider(1, 7, step=1, value=3, label="word", show_value=True)
    place
    return (place,)


@app.cell
def _(place):
    def _influence(both):
        with torch.random.fork_rng():
            torch.manual_seed(1)
            made, words = LSTM(4, 8, bidirectional=both), torch.randn(1, 7, 4)
        read = words.requires_grad_()
        (gradient,) = torch.autograd.grad(made(read)[0][0, place.value - 1].sum(), read)
        return gradient.norm(dim=-1)[0].tolist()

    seen = {"forwards": _influence(False), "both ways": _influence(True)}
    plots.value_bars(
        {name: dict(enumerate(values, 1)) for name, values in seen.items()},
        x="word",
        y="gradient",
        title=f"Which words the state at word {place.value} depends on",
    )
    return (seen,)


@app.cell
def _(place, seen):
    assert all(value == 0 for value in seen["forwards"][place.value :]), "forwards, nothing behind the word counts"
    assert all(value > 0 for value in seen["both ways"]), "both ways, every word does"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    This is why such a network tags and does not write: at every word it knows the next one.

    ## Sentences of unequal length

    In a batch short sentences are padded behind. Turned around as a whole the padding would be read first, and enter the state. So each row is
    turned within its own length:
    """)
    return


@app.cell
def _():
    rows = torch.tensor([[1.0, 2, 3, 4, 5], [1, 2, 3, 0, 0], [1, 0, 0, 0, 0]])
    lengths = torch.tensor([5, 3, 1])
    turned = turn(rows.T[..., None], lengths)[..., 0].T
    plots.heat_map(
        turned.tolist(),
        rows=["5 words", "3 words", "1 word"],
        x="place",
        text=True,
        title="Each row from its last word; 0 is padding",
    )
    return lengths, rows, turned


@app.cell
def _(lengths, rows, turned):
    assert turned.tolist() == [[5, 4, 3, 2, 1], [3, 2, 1, 0, 0], [1, 0, 0, 0, 0]]
    assert torch.equal(turn(turned.T[..., None], lengths)[..., 0].T, rows), "twice is as before"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Letters

    A word's own vector says nothing about a word that was never seen. A small network of the same kind reads its letters from both ends, and its two last
    states are the other half of the word's vector. Words that training did not have:
    """)
    return


@app.cell
def _(tagger):
    guesses = {word: tagger.tag(["that", word, "sleeps"])[1] for word in ("dot", "cab", "bard")}
    verbs_guessed = {word: tagger.tag(["that", "bird", word])[2] for word in ("begs", "sits", "swims")}
    mo.md(", ".join(f"*{word}*: {tag}" for word, tag in (guesses | verbs_guessed).items()))
    return guesses, verbs_guessed


@app.cell
def _(guesses, verbs_guessed):
    assert set(guesses.values()) == {"noun"} and set(verbs_guessed.values()) == {"verb"}
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    On the Penn Treebank's sample (3,938 sentences, the last tenth held out) this tagger, with its
    usual sizes and five passes, is right in 95.8 % of all words, in
    97.6 % of those that it saw twice or more, and in 83.9 % of the others. Each tag is chosen by itself; that tags follow one another by rules is what
    `classical.structure.ner` adds.

    ## Try

    - Word 7: forwards and both ways depend on the same words. Word 1: forwards, only on itself.
    - Tag "that sings that": the sentence is none of the grammar; which tag does the last word get, and from which end did it come?

    The cell inside: `groundup learn start lstm_cell`
    """)
    return


if __name__ == "__main__":
    app.run()
