"""Lesson: Unigram, a tokenizer that begins with too many pieces and drops those that are missed least."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Unigram: which pieces would be missed least?", width="medium")

with app.setup:
    import math
    import random
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.sentencepiece_training import count_marked_words
    from groundup.text.tokenizers.unigram import (
        expected_counts,
        log_likelihood,
        maximize,
        n_best_pieces,
        prune_pieces,
        sample_pieces,
        seed_pieces,
        train_unigram_reference,
        viterbi_segment,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Unigram: which pieces would be missed least?

    Byte pair encoding adds pieces one by one and never asks whether an old one is still of use. Unigram, the default of
    SentencePiece, goes the other way: it begins with every string that repeats, gives each a probability, and drops what
    the text would miss least. Afterwards you know how it cuts a word, how it learns, and why it can cut a word in several ways.
    """)
    return


@app.cell
def _():
    _texts = [document.text for document in tinyworld.sample(0, 40)]
    words = count_marked_words("▁" + "▁".join(text.split()) for text in _texts)
    pieces = dict(train_unigram_reference(words, 120))
    seeds = seed_pieces(words)
    _tokens = sum(len(viterbi_segment(word, pieces)) * times for word, times in words.items())
    _letters = sum(len(word) * times for word, times in words.items())
    mo.md(
        f"40 little stories hold {len(seeds):,} strings that occur more than once. Unigram kept **{len(pieces)}** of them, and "
        f"with these it writes the stories in {_letters / _tokens:.1f} characters a token. `▁` is where a space was."
    )
    return pieces, seeds, words


@app.cell
def _(pieces, seeds):
    assert len(pieces) == 120 < len(seeds)
    assert all(letter in pieces for piece in pieces for letter in piece), (
        "every character stays, so anything can be spelled"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The best way through a word

    Each piece has a log probability, a segmentation has the sum of its pieces'. A word of $n$ letters can be cut in
    $2^{n-1}$ ways; nobody looks at all of them, because the best way to a place is the best way to an earlier place and
    one piece more. That is the Viterbi algorithm, and it takes about $n^2$ steps.
    """)
    return


@app.cell
def _():
    toy = {"h": -4.0, "u": -4.0, "g": -4.0, "s": -3.0, "hu": -3.0, "ug": -3.5, "hug": -5.0, "gs": -6.0}
    ways = n_best_pieces("hugs", toy, 8)
    _rows = [f"| {' · '.join(cut)} | {score:.1f} | {math.exp(score):.5f} |" for score, cut in ways]
    mo.md("| cut | sum of logs | probability |\n|---|---|---|\n" + "\n".join(_rows))
    return toy, ways


@app.cell
def _(toy, ways):
    assert viterbi_segment("hugs", toy) == ["hug", "s"] == ways[0][1]
    assert len(ways) < 8 and all(a[0] >= b[0] for a, b in zip(ways, ways[1:], strict=False))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How often is a piece used? On average

    To improve the probabilities one would count pieces, but in which cut? In all of them, each by its probability. The sum
    of all ways up to a place, times the piece, times all ways behind it, over all ways through the word:

    $$\text{count}(x) = \sum_{\text{places of } x} \frac{\text{before} \cdot p(x) \cdot \text{behind}}{\text{whole}}$$
    """)
    return


@app.cell
def _():
    chosen = mo.ui.dropdown(["hugs", "hug", "gugs", "hughugs"], value="hugs", label="word")
    chosen
    return (chosen,)


@app.cell
def _(chosen, toy):
    counts = expected_counts(chosen.value, toy)
    plots.value_bars(
        {"on average": counts, "in the best cut": dict(Counter(viterbi_segment(chosen.value, toy)))},
        y="used",
        title=f"The pieces of {chosen.value}",
    )
    return (counts,)


@app.cell
def _(chosen, counts, toy):
    _letters = sum(len(piece) * count for piece, count in counts.items())
    assert abs(_letters - len(chosen.value)) < 1e-9, "each letter is in exactly one piece, whichever cut"
    _ways = n_best_pieces(chosen.value, toy, 1000)
    _whole = sum(math.exp(score) for score, _ in _ways)
    assert abs(math.log(_whole) - log_likelihood(chosen.value, toy)) < 1e-9
    _first = _ways[0][1][0]
    _share = sum(math.exp(score) * cut.count(_first) for score, cut in _ways) / _whole
    assert abs(_share - counts[_first]) < 1e-9, "the same as going through every cut"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Counting again makes the text likelier

    Counts give new probabilities, these give new counts. Every round makes the text likelier or leaves it as it is; pieces
    that nobody needs fade, and those under half an occurrence are dropped. Two rounds are enough between two prunings.
    """)
    return


@app.cell
def _(seeds, words):
    _scores = dict(seeds)
    likelihoods, sizes = [], []
    for _ in range(4):
        likelihoods.append(sum(times * log_likelihood(word, _scores) for word, times in words.items()))
        sizes.append(len(_scores))
        _counts: Counter = Counter()
        for _word, _times in words.items():
            for _piece, _count in expected_counts(_word, _scores).items():
                _counts[_piece] += _times * _count
        _scores = maximize(_counts, {letter for word in words for letter in word})
    improved = _scores
    _letters = sum(len(word) * times for word, times in words.items())
    plots.lines(
        list(range(4)),
        {"bits a character": [-value / _letters / math.log(2) for value in likelihoods]},
        x="rounds",
        y="bits a character",
        title=f"From {sizes[0]} pieces to {len(improved)}",
    )
    return improved, likelihoods, sizes


@app.cell
def _(improved, likelihoods, sizes):
    assert likelihoods[1] > likelihoods[0] and likelihoods[-1] > likelihoods[0]
    assert sizes[0] > sizes[-1] >= len(improved)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What would be missed?

    If a piece went, its second best cut would stand in its place. What the text loses by that, times how often, is what
    the piece is worth. `▁the` is worth a lot; a piece whose halves are common anyway is worth little. Move the slider and
    watch what goes.
    """)
    return


@app.cell
def _():
    keep = mo.ui.slider(80, 200, step=20, value=100, label="pieces kept", show_value=True)
    keep
    return (keep,)


@app.cell
def _(improved, keep, words):
    left = prune_pieces(words, improved, keep.value)
    _by_length = Counter(len(piece) for piece in left)
    plots.value_bars(
        {"pieces": {str(length): _by_length[length] for length in range(1, 10)}},
        x="characters of a piece",
        y="pieces",
        title=f"{len(left)} pieces, the longest {max(left, key=len)}",
    )
    return (left,)


@app.cell
def _(improved, keep, left, words):
    _letters = {letter for word in words for letter in word}
    assert _letters <= left.keys() <= improved.keys(), "no character is dropped, and nothing new comes"
    assert len(left) <= max(keep.value, len(_letters))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## More than one way

    Because other cuts have probabilities too, a word can be cut at random: with $p^\alpha$, small $\alpha$ for nearly any
    cut, large for the best alone. A model that sees `▁gar den` today and `▁g arden` tomorrow learns what the pieces have in
    common. Kudo (2018) called it subword regularisation.
    """)
    return


@app.cell
def _():
    alpha = mo.ui.radio(["0", "0.2", "1", "5"], value="0.2", label="alpha", inline=True)
    alpha
    return (alpha,)


@app.cell
def _(alpha, improved, words):
    # a piece by itself would be drawn nearly always: the longest word that is none
    long_word = max((word for word in words if word not in improved), key=len)
    _choose = random.Random(0)
    drawn = Counter(tuple(sample_pieces(long_word, improved, float(alpha.value), _choose)) for _ in range(150))
    _rows = [f"| {' · '.join(cut)} | {times} |" for cut, times in drawn.most_common(5)]
    mo.md(f"150 draws of `{long_word}`, {len(drawn)} different:\n\n| cut | times |\n|---|---|\n" + "\n".join(_rows))
    return drawn, long_word


@app.cell
def _(alpha, drawn, improved, long_word):
    assert all("".join(cut) == long_word for cut in drawn)
    _best = tuple(viterbi_segment(long_word, improved))
    assert alpha.value != "5" or drawn.most_common(1)[0][0] == _best
    assert alpha.value not in ("0", "0.2") or len(drawn) > 1, "the word has more than one cut worth drawing"
    assert alpha.value != "0" or len(drawn) > 20, "alike for all: hardly any cut comes twice"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - In the toy vocabulary make `gs` likelier (-4 instead of -6): which cut of `hugs` wins now, and by how much?
    - Keep 80 pieces only: what is left beside the characters is worth most. Are these the pieces that are used most?
    - Draw with alpha 1: the best cut comes as often as its probability says, which is less than you may think.

    Write it yourself: `groundup learn start viterbi_segment`, then `expected_counts` and `prune_pieces`
    """)
    return


if __name__ == "__main__":
    app.run()
