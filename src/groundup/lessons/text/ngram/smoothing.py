"""Lesson: smoothing, how counts become probabilities for what was never seen, and why Kneser-Ney beats adding a constant."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Smoothing: what to expect of the unseen", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.ngram.counts import adjusted_reference, count_reference
    from groundup.text.ngram.smoothing import KneserNey, discounts, kneser_ney_reference
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Smoothing: what to expect of the unseen

    The simplest language model counts which token followed which. Its weakness is what it never saw. Afterwards you can
    smooth counts by hand, twice, and know the baseline that every neural model has to beat.
    """)
    return


@app.cell
def _():
    _train, _held = list(tinyworld.sample(0, 1000)), list(tinyworld.sample(0, 150, split="heldout"))
    tokenizer = train_tokenizer((document.text for document in _train), TokenizerConfig(vocab_size=512))

    def stream(documents):
        """Token ids of all documents, each between two marks."""
        ids = [tokenizer.eos_token_id]
        return np.array(ids + [id for one in documents for id in [*tokenizer.encode(one.text), tokenizer.eos_token_id]])

    train, held = stream(_train), stream(_held)
    held_bytes = sum(len(document.text.encode()) for document in _held)
    entropy = sum(-document.log_probability for document in _held) / held_bytes / np.log(2)
    _seen = {tuple(train[at : at + 4].tolist()) for at in range(len(train) - 3)}
    _four = [tuple(held[at : at + 4].tolist()) for at in range(len(held) - 3)]
    unseen = sum(four not in _seen for four in _four) / len(_four)
    mo.md(
        f"1,000 stories of a small world, {len(train):,} tokens. Of the runs of four tokens in 150 new stories, **{unseen:.0%}** "
        "never occurred in them. A model of plain counts gives each of those probability 0, and one 0 makes the "
        "whole text impossible. What should it expect instead?"
    )
    return entropy, held, held_bytes, tokenizer, train, unseen, stream


@app.cell
def _(unseen):
    assert 0.05 < unseen < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Adding a constant

    The oldest remedy (Laplace): pretend that every token followed every context $k$ times more than it did. With vocabulary $V$

    $$P(w \mid c) = \frac{\text{count}(c\,w) + k}{\text{count}(c) + k V}$$

    Nothing is impossible any more. But a context that was seen three times is drowned: with $k = 1$ and 512 tokens, 99% of
    its probability goes to what never happened. So take $k$ small. Which one?
    """)
    return


@app.cell
def _(held, held_bytes, tokenizer, train):
    constants = [0.0001, 0.001, 0.01, 0.1, 1.0]

    def runs(ids, order):
        """Each run of `order` tokens as one number; marks stand before the first."""
        padded = np.concatenate([np.full(order - 1, tokenizer.eos_token_id), ids[1:]])
        windows = np.lib.stride_tricks.sliding_window_view(padded, order)
        return windows @ tokenizer.vocab_size ** np.arange(order - 1, -1, -1)

    def occurrences(those, among):
        """How often each of those numbers stands among the others."""
        known, times = np.unique(among, return_counts=True)
        place = np.searchsorted(known, those).clip(max=len(known) - 1)
        return np.where(known[place] == those, times[place], 0)

    def add_k_bits(order):
        """Bits a byte of the held-out stories for each of the constants."""
        ours, theirs = runs(train, order), runs(held, order)
        whole = occurrences(theirs, ours)
        context = occurrences(theirs // tokenizer.vocab_size, ours // tokenizer.vocab_size)
        return [-np.log2((whole + k) / (context + k * tokenizer.vocab_size)).sum() / held_bytes for k in constants]

    return add_k_bits, constants, occurrences, runs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Not how often, but after how many

    Kneser and Ney asked better questions. What is the chance of a word after a context that tells nothing? Its frequency
    misleads: *francisco* is frequent, but only after *san*. Count the **different tokens before it** instead. The text below
    is "in san francisco . near san francisco . of san francisco . the cat . a cat . my cat ."
    """)
    return


@app.cell
def _():
    text = "in san francisco . near san francisco . of san francisco . the cat . a cat . my cat ."
    words = sorted(set(text.split()))
    ids = [words.index(word) for word in text.split()]
    counts = count_reference(ids, 2)
    adjusted = adjusted_reference(counts, 2)
    plots.value_bars(
        {
            "occurrences": {word: counts[(at,)] for at, word in enumerate(words)},
            "different words before it": {word: adjusted[(at,)] for at, word in enumerate(words)},
        },
        y="count",
        title="Seen how often, and after how many",
    )
    return adjusted, counts, ids, words, text


@app.cell
def _(adjusted, counts, words):
    _cat, _city = (words.index("cat"),), (words.index("francisco"),)
    assert counts[_cat] == counts[_city] == 3
    assert (adjusted[_cat], adjusted[_city]) == (3, 1), "after an unknown word, expect a cat"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Take a little from everyone

    Second question: where does the probability of the unseen come from? From every count a **discount** $D$ is taken, and
    what that frees goes to the shorter context. A context followed by many different tokens frees much: it can surprise.

    $$P(w \mid c) = \frac{\max(\text{count}(c\,w) - D, 0) + D \cdot \text{followers}(c) \cdot P(w \mid \text{shorter } c)}{\text{count}(c)}$$

    $D$ is no free choice. The number of things seen once and twice tells how much a count is too high; modified
    Kneser-Ney has one $D$ for counts of one, of two, and of more.
    """)
    return


@app.cell
def _(adjusted, ids, words):
    _pairs = [count for run, count in adjusted.items() if len(run) == 2]
    take = discounts([_pairs.count(times) for times in (1, 2, 3, 4)], modified=False)[0]
    model = kneser_ney_reference(ids, 2, len(words), modified=False)
    the, cat = words.index("the"), words.index("cat")
    by_hand = (1 - take) / 1 + take * 1 / 1 * model(cat, ())  # `the` occurs once, with one follower
    mo.md(
        f"`the` was followed by `cat`, once. The discount is {take:.3f}, so `cat` keeps {1 - take:.3f} and gets a share of "
        f"what was freed: together **{by_hand:.3f}**. `francisco` after `the`, never seen: "
        f"{model(words.index('francisco'), (the,)):.3f}."
    )
    return by_hand, cat, model, the, take


@app.cell
def _(by_hand, cat, ids, model, the, words):
    assert abs(by_hand - model(cat, (the,))) < 1e-12
    _fast = KneserNey.fit(np.array(ids), 2, vocab_size=len(words), modified=False)
    for _context in range(len(words)):
        _row = [model(word, (_context,)) for word in range(len(words))]
        assert abs(sum(_row) - 1) < 1e-9 and min(_row) > 0, "a distribution, in which nothing is impossible"
        assert np.allclose(_row, _fast.distribution([_context]), atol=1e-6), "the fast form is the formula"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Side by side on the stories

    The order is how many tokens a run has: order 3 looks two tokens back. Bits a byte say how well the held-out stories
    are predicted, and are comparable between tokenizers; less is better. The stories come from a world whose own entropy is known, so
    there is a floor that no model can pass.
    """)
    return


@app.cell
def _():
    order = mo.ui.slider(1, 6, value=4, label="order", show_value=True)
    order
    return (order,)


@app.cell
def _(held, held_bytes, tokenizer, train):
    orders = [1, 2, 3, 4, 5, 6]
    models = {
        count: KneserNey.fit(train, count, vocab_size=tokenizer.vocab_size, boundary=tokenizer.eos_token_id)
        for count in orders
    }
    smoothed = [-one.log_probabilities(held)[1:].sum() / np.log(2) / held_bytes for one in models.values()]
    return models, orders, smoothed


@app.cell
def _(add_k_bits, constants, entropy, order, smoothed):
    plots.lines(
        constants,
        {"add k": add_k_bits(order.value)},
        x="k",
        y="bits a byte",
        log_x=True,
        marked=True,
        levels={"Kneser-Ney": smoothed[order.value - 1], "entropy": entropy},
        title=f"Order {order.value}: no constant is right for all contexts",
    )
    return


@app.cell
def _(models, order, tokenizer):
    _written = models[order.value].generate([tokenizer.eos_token_id], 60, seed=3, stop=tokenizer.eos_token_id)
    mo.md(f"What Kneser-Ney of order {order.value} writes:\n\n> " + tokenizer.decode(_written).replace("\n", " "))
    return


@app.cell
def _(add_k_bits, entropy, models, order, smoothed):
    assert order.value < 3 or smoothed[order.value - 1] < 0.95 * min(add_k_bits(order.value))
    assert order.value > 2 or abs(smoothed[order.value - 1] / min(add_k_bits(order.value)) - 1) < 0.02
    assert smoothed[order.value - 1] > entropy, "nobody passes the floor"
    assert abs(models[order.value].distribution([5, 6, 7]).sum() - 1) < 1e-4
    return


@app.cell
def _(add_k_bits, entropy, orders, smoothed):
    constant_bits = [add_k_bits(length) for length in orders]
    best = [min(bits) for bits in constant_bits]
    plots.lines(
        orders,
        {"add 1": [bits[-1] for bits in constant_bits], "best k": best, "Kneser-Ney": smoothed},
        x="order",
        y="bits a byte",
        marked=True,
        levels={"entropy": entropy},
        title="A longer context helps only who can smooth",
    )
    return best, constant_bits


@app.cell
def _(best, constant_bits, smoothed):
    assert smoothed[0] > smoothed[1] > smoothed[2] > smoothed[3]
    assert best[5] > min(best) and best.index(min(best)) <= 3, "add-k gets worse when the context grows"
    assert constant_bits[5][-1] > constant_bits[0][-1], "add 1 with a long context is worse than no context at all"
    assert smoothed[5] < min(best)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Orders 1 and 2: nearly every pair of 512 tokens that will ever come was seen, and the best constant is as good as
      Kneser-Ney. There is nothing to smooth.
    - Order 6: no constant comes near. Look at what order 1 and order 6 write.
    - Train on `tinyworld.sample(0, 100)` instead: which curve suffers most?

    A neural model of the next lessons has these bits a byte to beat: `groundup train` shows them beside its own.
    """)
    return


if __name__ == "__main__":
    app.run()
