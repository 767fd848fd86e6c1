"""Lesson: part-of-speech tagging by counting, with a hidden Markov model whose states are tags."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Noun or verb? A tagger made of counts", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.classical.hmm.lexicon import endings
    from groundup.classical.hmm.pos import deleted_interpolation, induce, ngram_counts, score, train
    from groundup.classical.hmm.scaled import BaumWelchConfig
    from groundup.evaluation.metrics.clusters import many_to_one, v_measure


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Noun or verb? A tagger made of counts

    "The old man the boats": *man* is a verb here, and only the words around it say so. A part-of-speech tagger decides for
    all words of a sentence at once. Afterwards you know a tagger that learns from 85,000 words of the Wall Street Journal in
    a third of a second, by counting alone.
    """)
    return


@app.cell
def _():
    _text = """
    the/D dog/N barks/V ./. || a/D cat/N sees/V the/D dog/N ./. || the/D dogs/N bark/V loudly/R ./. || she/P walks/V quickly/R ./. ||
    the/D old/J man/N walks/V ./. || she/P sees/V the/D old/J dog/N ./. || they/P walk/V ./. || the/D walk/N ends/V slowly/R ./. ||
    he/P walked/V the/D dog/N ./. || they/P barked/V loudly/R ./. || a/D barking/J dog/N walked/V quickly/R ./. || he/P sees/V her/P ./. ||
    the/D sleeping/J cat/N ends/V the/D walk/N ./. || they/P man/V the/D boats/N ./. || the/D boats/N walk/V ./. || he/P ended/V it/P ./.
    """
    corpus = [tuple(zip(*(item.split("/") for item in part.split()), strict=True)) for part in _text.split("||")]
    corpus = [(list(words), list(tags)) for words, tags in corpus]
    tagger = train(corpus)
    _words = "the old man the boats .".split()
    mo.md(
        f"From {len(corpus)} sentences, {sum(len(words) for words, _ in corpus)} words with their tags: "
        + " ".join(f"{word}/**{tag}**" for word, tag in zip(_words, tagger.tag(_words), strict=True))
    )
    return corpus, tagger


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is counted

    The states of the hidden Markov model are the tags; here they are not hidden, somebody wrote them down, and so the
    probabilities are shares of counts. Which tag follows which, in a picture:
    """)
    return


@app.cell
def _(corpus, tagger):
    _numbers = {tag: number for number, tag in enumerate(tagger.tags)}
    counts = ngram_counts([np.array([_numbers[tag] for tag in tags]) for _, tags in corpus], len(tagger.tags))
    following = counts[1] / counts[1].sum(1, keepdims=True)
    plots.heat_map(
        following, rows=[*tagger.tags, "begin"], columns=[*tagger.tags, "end"], x="next tag", y="tag", low=0, high=1,
        text=True, title="After an article comes a noun or an adjective",
    )  # fmt: skip
    return counts, following


@app.cell
def _(following, tagger):
    _at = {tag: number for number, tag in enumerate(tagger.tags)}
    assert np.allclose(following.sum(1), 1)
    assert following[_at["D"], _at["N"]] + following[_at["D"], _at["J"]] == 1.0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two tags back

    A tag depends on the two before it. But of the triples of tags most were seen once or never, so their shares are mixed
    with those of pairs and of single tags. How much of each? Every triple that was seen is taken out once, and votes for the
    order that would have foretold it best (Brants 2000).
    """)
    return


@app.cell
def _():
    part = mo.ui.slider(2, 16, step=2, value=16, label="sentences", show_value=True)
    part
    return (part,)


@app.cell
def _(corpus, part, tagger):
    _numbers = {tag: number for number, tag in enumerate(tagger.tags)}
    _ids = [np.array([_numbers[tag] for tag in tags]) for _, tags in corpus[: part.value]]
    weights = deleted_interpolation(*(one.astype(float) for one in ngram_counts(_ids, len(tagger.tags))))
    plots.value_bars(
        {"weight": dict(zip(["one tag", "two tags", "three tags"], weights.tolist(), strict=True))}, y="weight",
        title=f"What {part.value} sentences say of how far back to look",
    )  # fmt: skip
    return (weights,)


@app.cell
def _(weights):
    assert np.isclose(weights.sum(), 1) and (weights >= 0).all()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Words that were never seen

    Real text is full of them: one word in ten of a new newspaper page. Their endings speak. The tagger counts tags for every
    ending of its rare words and mixes long endings with shorter ones, so that it always has an answer.
    """)
    return


@app.cell
def _():
    unseen = mo.ui.dropdown(["jumped", "madly", "dozing", "cats", "zzz"], value="madly", label="word")
    unseen
    return (unseen,)


@app.cell
def _(tagger, unseen):
    keys = [key for key in endings(unseen.value) if key in tagger.lexicon.nodes]
    table = np.array([tagger.lexicon.shares[tagger.lexicon.nodes[key]] for key in keys])
    plots.heat_map(
        table, rows=[repr(key) for key in keys], columns=tagger.tags, x="tag", y="what is known of the word", low=0, high=1,
        text=True, title=f"{unseen.value}: from all words, by its shape, to its longest known ending",
    )  # fmt: skip
    return keys, table


@app.cell
def _(keys, table, tagger, unseen):
    assert not tagger.lexicon.knows(unseen.value)
    assert np.allclose(table.sum(1), 1, atol=1e-5)
    assert np.allclose(tagger.lexicon.distribution(unseen.value), table[-1])
    if unseen.value == "madly":
        assert tagger.tags[int(table[-1].argmax())] == "R" and len(keys) > 3
    return


@app.cell
def _(corpus, tagger):
    _new = [
        ("a dog walks madly .".split(), "D N V R .".split()),
        ("the dozing cat jumped .".split(), "D J N V .".split()),
    ]
    _own, _held_out = score(tagger, corpus), score(tagger, _new)
    assert _own["all"]["accuracy"] > 0.95 and _held_out["seen"]["accuracy"] == 1.0
    mo.md(
        f"On its own sentences {_own['all']['accuracy']:.0%} of the tags are right. On two new ones: of {_held_out['seen']['words']} "
        f"words that it knows {_held_out['seen']['accuracy']:.0%}, of {_held_out['unseen']['words']} that it does not "
        f"{_held_out['unseen']['accuracy']:.0%}. On the Penn Treebank sample (3,544 sentences to count, 394 to tag, 46 tags) it is "
        "**96.8 %** of known words, 84.3 % of unknown ones and 95.6 % of all."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Without a teacher

    Take the tags away. Baum and Welch find states that make the words likely. Are they parts of speech? Give each state the
    tag that most of its words have, and count who is right (many-to-one); or ask how much states and tags tell about each
    other (V-measure).
    """)
    return


@app.cell
def _(corpus):
    _gold = [tag for _, tags in corpus for tag in tags]
    fits = {}
    for _states in (1, 2, 4, 6, 8, 12):
        _found, _likelihoods = induce(
            [words for words, _ in corpus], BaumWelchConfig(num_states=_states, iterations=60), least=1
        )
        _groups = [state for one in _found for state in one]
        fits[_states] = many_to_one(_groups, _gold), v_measure(_groups, _gold).v
        assert all(after >= before - 1e-8 for before, after in zip(_likelihoods, _likelihoods[1:], strict=False))
    plots.lines(
        list(fits), {"many-to-one": [one for one, _ in fits.values()], "V-measure": [v for _, v in fits.values()]},
        x="states", y="score", title="States that nobody named, against the tags",
    )  # fmt: skip
    return (fits,)


@app.cell
def _(fits):
    assert fits[1][1] == 0.0, "one state tells nothing"
    assert fits[8][0] > fits[1][0] + 0.2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The states are no accident, and no parts of speech either: what makes words likely is not what a grammarian had in mind.
    Many-to-one rises with the number of states by itself, to 1 with a state for every word; V-measure does not forgive that.

    ## Try

    - Tag "they bark ." and "the bark ." : the same word, two tags.
    - Move the slider to 2: of so few triples almost none would have been foretold.
    - Choose `zzz`: nothing is known of its ending, so the row of all small words decides.

    Write it yourself: `groundup learn start deleted_interpolation`
    """)
    return


if __name__ == "__main__":
    app.run()
