"""Lesson: who gets what a smoothing frees: everyone, the unseen by the shorter context, or the unseen alike; and Katz."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Who gets the rest? Katz, and two others", width="medium")

with app.setup:
    import importlib

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.text.ngram.combining import back_off_weight, combine, probability_reference
    from groundup.text.ngram.counts import count_ngrams, count_reference
    from groundup.text.ngram.good_turing import (
        discounted_by_ratio,
        discounted_by_ratio_reference,
        good_turing,
        katz_ratios,
    )
    from groundup.text.ngram.model import NgramModel
    from groundup.text.ngram.smoothing import fit
    from groundup.text.tokenizers.word import words_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Who gets the rest? Katz, and two others

    Every smoothing answers two questions. What does a word that was seen keep of its share? And who gets what that frees? Afterwards you can answer
    both as Katz did, compute his weight by hand, and say when each of the three answers to the second question is a bad one.
    """)
    return


@app.cell
def _():
    _topics = importlib.import_module("pydoc_data.topics").topics
    _parts = "\n\n".join(_topics[name] for name in sorted(_topics)).split("\n\n")
    _words = words_of(" ".join(dict.fromkeys(_parts)).lower())  # paragraphs that come twice would spoil the counts
    vocabulary = {word: id for id, word in enumerate(dict.fromkeys(_words))}
    _ids = np.array([vocabulary[word] for word in _words])
    counted, test = np.split(_ids, [len(_ids) * 9 // 10])
    size = len(vocabulary)
    _seen = set(zip(counted[:-1].tolist(), counted[1:].tolist(), strict=True))
    _pairs = list(zip(test[:-1].tolist(), test[1:].tolist(), strict=True))
    unseen = sum(pair not in _seen for pair in _pairs) / len(_pairs)
    mo.md(
        f"Nine tenths of Python's manual are counted. Of the pairs of words in the last tenth **{unseen:.0%}** were never seen: what is freed "
        "has to serve them all."
    )
    return counted, size, test, unseen, vocabulary


@app.cell
def _(unseen):
    assert 0.2 < unseen < 0.7
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a count keeps

    Of the pairs that were seen once, how often may one be expected in as much new text? Less than once: some of them will not come again, and their
    places go to pairs never seen. Good and Turing read it off the counts of counts: $r^* = (r + 1)\, n_{r+1} / n_r$. Katz trusts counts
    above 5 as they are and leaves of the others $d_r < 1$, such that all that is freed is still what Good-Turing gives the unseen.
    """)
    return


@app.cell
def _(counted):
    _counts = count_reference(counted.tolist(), 2)
    _pairs = [count for ngram, count in _counts.items() if len(ngram) == 2]
    counts_of_counts = {r: _pairs.count(r) for r in range(1, 8)}
    kept = katz_ratios(counts_of_counts)
    mo.md(
        "| seen r times | kinds of pairs | r* | of each count is left |\n|---:|---:|---:|---:|\n"
        + "\n".join(
            f"| {r} | {counts_of_counts[r]:,} | {good_turing(counts_of_counts, r):.2f} | {kept[r]:.2f} |"
            for r in range(1, 6)
        )
    )
    return counts_of_counts, kept


@app.cell
def _(counts_of_counts, kept):
    assert all(0 < share < 1 for share in kept.values()) and sorted(kept.values()) == list(kept.values())
    _freed = sum(counts_of_counts[r] * r * (1 - kept[r]) for r in range(1, 6))
    assert np.isclose(_freed, counts_of_counts[1]), "what Good-Turing gives to all the unseen"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The weight, by hand

    After *green* two words were seen: *eggs* keeps 0.5, *tea* keeps 0.3. So 0.2 is free. The shorter context, which knows no *green*, gives
    eggs 0.4, tea 0.3, *house* 0.2, *ideas* 0.1. Katz gives the rest to the unseen, *house* and *ideas*, in the proportion of the shorter
    context: each gets $\alpha$ times its probability there, and

    $$\alpha = \frac{1 - (0.5 + 0.3)}{1 - (0.4 + 0.3)} = \frac{0.2}{0.3} = \frac{2}{3}$$
    """)
    return


@app.cell
def _():
    _shorter = [0.4, 0.3, 0.2, 0.1]
    alpha = back_off_weight({0: 0.5, 1: 0.3}, _shorter)
    assert np.isclose(alpha, 2 / 3) and np.isclose(0.8 + alpha * 0.2 + alpha * 0.1, 1)
    mo.md(
        f"`back_off_weight` says {alpha:.4f}: house {alpha * 0.2:.3f}, ideas {alpha * 0.1:.3f}, and all four sum to one."
    )
    return (alpha,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three answers

    The same counts of a small text, the same discounts. **evenly**: the unseen share alike. **back_off**: the unseen share as the shorter context says.
    **interpolate**: everyone, seen or not, gets a part. Choose.
    """)
    return


@app.cell
def _():
    rule = mo.ui.radio(["evenly", "back_off", "interpolate"], value="back_off", label="who gets the rest")
    rule
    return (rule,)


@app.cell
def _(rule):
    _text = "the cat sat on the mat . the cat ate the fish . the dog sat on the cat .".split()
    names = list(dict.fromkeys(_text))
    small = [names.index(word) for word in _text]
    _counts = count_reference(small, 2)
    _own = discounted_by_ratio_reference(_counts, "katz")
    _chance = probability_reference(_counts, _own, rule.value, len(names))
    after_the = {word: _chance(id, (names.index("the"),)) for id, word in enumerate(names)}
    _kept = {word: _own.get((names.index("the"), id), 0.0) for id, word in enumerate(names)}
    plots.value_bars(
        {"kept": _kept, "with what it got": after_the}, y="P(word | the)", title=f"After 'the': {rule.value}"
    )
    return after_the, names, small


@app.cell
def _(after_the, names, rule):
    assert np.isclose(sum(after_the.values()), 1), "whoever gets the rest, all is given away"
    _unseen = [after_the[word] for word in (".", "sat", "ate")]
    assert np.isclose(max(_unseen), min(_unseen)) == (rule.value == "evenly")
    assert len(names) == len(after_the)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## At the size of a manual

    The dictionary of the small text would be slow for all pairs and threes of a manual. `combine` does the same with sorted arrays, one length
    after the other. It must give every context probabilities that sum to one, seen or not:
    """)
    return


@app.cell
def _(counted, size, vocabulary):
    katz = fit(counted, 3, "katz", vocab_size=size)
    _contexts = [["the"], ["of", "the"], ["lambda", "the"], ["yield", "nonlocal"]]
    sums = {" ".join(c): float(katz.distribution([vocabulary[word] for word in c]).sum()) for c in _contexts}
    mo.md("\n".join(f"- after *{context}*: {whole:.12f}" for context, whole in sums.items()))
    return katz, sums


@app.cell
def _(sums):
    assert all(abs(whole - 1) < 1e-9 for whole in sums.values())
    return


@app.cell
def _(after_the, names, rule, small):
    _levels = count_ngrams(np.array(small), 2, len(names))
    _arrays = combine(_levels, discounted_by_ratio(_levels, "katz"), rule.value, len(names))
    fast = NgramModel(_arrays, 2, len(names), None, alone=rule.value == "evenly").distribution([names.index("the")])
    assert np.allclose(fast, list(after_the.values())), "the arrays say what the dictionary says"
    mo.md(
        f"Of the small text, by `{rule.value}`, both say the same to {np.abs(fast - list(after_the.values())).max():.0e}."
    )
    return (fast,)


@app.cell
def _(counted, katz, size, test):
    perplexity = {"katz: back off": katz.perplexity(test)} | {
        f"{name}: {how}": fit(counted, 3, whole, vocab_size=size).perplexity(test)
        for whole, name, how in [
            ("good_turing", "good_turing", "evenly"),
            ("kneser_ney", "one discount", "interpolate"), ("kneser_ney_back_off", "one discount", "back off"),
            ("modified_kneser_ney", "three discounts", "interpolate"),
            ("modified_kneser_ney_back_off", "three discounts", "back off"),
        ]
    }  # fmt: skip
    _shown = {name: value for name, value in perplexity.items() if not name.endswith("evenly")}
    plots.value_bars(
        {"order 3": _shown}, y="perplexity", title=f"Sharing evenly: {perplexity['good_turing: evenly']:.0f}"
    )
    return (perplexity,)


@app.cell
def _(perplexity):
    assert 2 * perplexity["katz: back off"] < perplexity["good_turing: evenly"], "the unseen are not all alike"
    assert perplexity["one discount: back off"] < perplexity["one discount: interpolate"]
    assert abs(perplexity["three discounts: back off"] / perplexity["three discounts: interpolate"] - 1) < 0.05
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - evenly: *ate*, *sat* and the full stop are equally likely after *the*, though one of them is everywhere.
    - interpolate: *cat* gets a part back of what it gave away. With one discount for all counts that hurts here; with three, in which a word
      seen once gives less than one seen often, the two rules are level. On longer texts Chen and Goodman found interpolation ahead.
    - `groundup train ngram --text FILE --smoothing katz --out model` counts your own text.

    Write it yourself: `groundup learn start back_off_weight`. What a count keeps: `groundup learn start good_turing`
    """)
    return


if __name__ == "__main__":
    app.run()
