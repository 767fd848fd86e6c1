"""Lesson: a probabilistic grammar, a text sampled with its own probability, and the floor that no model can pass."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A world whose entropy is known", width="medium")

with app.setup:
    import lzma
    import math
    import random
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.data.sources.tinyworld.grammar import Grammar, Options, Slot, Vocabulary, derive
    from groundup.data.sources.tinyworld.oracles import Reader, Sampler
    from groundup.errors import InputError


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A world whose entropy is known

    A model reaches a loss of 1.9. Is that good? For English nobody can say, since nobody knows what is left to learn. So this
    library can make a world for which one knows: a grammar that writes stories and says of each how probable it was.
    Afterwards you can compute that probability by hand, and say what the floor of a loss is.
    """)
    return


@app.cell
def _():
    documents = list(tinyworld.sample(0, 400, split="heldout"))
    bits = np.array([-document.log_probability / math.log(2) for document in documents])
    sizes = np.array([len(document.text.encode()) for document in documents])
    floor = bits.sum() / sizes.sum()
    _before = "\n\n".join(document.text for document in tinyworld.sample(0, 800)).encode()
    _after = "\n\n".join(document.text for document in documents).encode()
    xz = 8 * (len(lzma.compress(_before + _after)) - len(lzma.compress(_before))) / len(_after)
    mo.md(
        f"The compressor xz, which has seen 800 documents of the world, needs {xz:.2f} bits for each byte of 400 new ones. What "
        f"they really hold, by the grammar that wrote them, is **{floor:.2f}** bits a byte. How can one know?"
    )
    return bits, documents, floor, sizes, xz


@app.cell
def _(floor, xz):
    assert 0 < floor < xz / 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A grammar of five choices

    One production a line: a weight, then a template. `{who}` is a word to choose, `<end>` goes on with another rule.
    Whoever writes a text by it makes choices, each with a known probability, and the text's probability is their product.
    """)
    return


@app.cell
def _():
    def toy(weight):
        """The little grammar; `weight` against 1 that somebody runs."""
        rules = f"s:\n  {weight} | {{who}} runs<end>\n  1 | it rains<end>\nend:\n  1 | .\n  1 | _fast."
        names = Options({"Mira": 2, "Tom": 1})
        return Grammar([rules], Vocabulary({"who": Slot(lambda world: names)}, {}, {}, {}))

    def probability(grammar, text):
        """The probability of a text, by reading it: at each choice the one alternative that stands there."""
        reader = Reader(text)
        derive(grammar.rules["s"], None, reader)
        return math.exp(reader.log_probability)

    by_hand = 3 / 4 * 2 / 3 * 1 / 2  # somebody runs; it is Mira; and not fast
    mo.md(f"`Mira runs.` is three choices: 3/4 · 2/3 · 1/2 = **{by_hand}**.")
    return by_hand, probability, toy


@app.cell
def _(by_hand, probability, toy):
    assert math.isclose(probability(toy(3), "Mira runs."), by_hand)
    _draw = Sampler(random.Random(0).random)
    derive(toy(3).rules["s"], None, _draw)
    _drawn = _draw.derivation()
    assert math.isclose(probability(toy(3), _drawn.text), math.exp(_drawn.log_probability)), "written and read alike"
    return


@app.cell
def _():
    weight = mo.ui.slider(
        steps=[0.25, 0.5, 1, 2, 3, 6, 12], value=3, label="weight that somebody runs", show_value=True
    )
    weight
    return (weight,)


@app.cell
def _(probability, toy, weight):
    texts = [start + end for start in ("Mira runs", "Tom runs", "it rains") for end in (".", " fast.")]
    chances = np.array([probability(toy(weight.value), text) for text in texts])
    entropy = -(chances * np.log2(chances)).sum()
    plots.value_bars(
        {"probability": dict(zip(texts, chances.tolist(), strict=True))},
        y="probability",
        title=f"All that this grammar can write: {entropy:.2f} bits a text",
    )
    return chances, entropy, texts


@app.cell
def _(chances, entropy, weight):
    assert math.isclose(chances.sum(), 1), "six texts, and nothing else"
    _run = weight.value / (weight.value + 1)
    _choice = -_run * math.log2(_run) - (1 - _run) * math.log2(1 - _run)
    _name = Options({"Mira": 2, "Tom": 1}).entropy_nats() / math.log(2)
    assert math.isclose(entropy, _choice + _run * _name + 1), "the entropy is that of its choices, where they are made"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The floor

    The loss of a model is the mean of $-\log_2 q(\text{text})$, where $q$ is what the model believes and the texts come from the
    world's $p$. It splits in two:

    $$\text{loss} = \sum p \log_2 \frac{1}{p} + \sum p \log_2 \frac{p}{q}$$

    The first part is the world's entropy. The second is what is not learned yet, and never negative. So the entropy is a
    floor, and the distance to it is all that training can still gain.
    Below, a model knows everything of the little grammar but the weight.
    """)
    return


@app.cell
def _(chances, entropy, probability, texts, toy, weight):
    beliefs = [0.125, 0.25, 0.5, 1, 2, 3, 6, 12, 24]
    losses = [-(chances * np.log2([probability(toy(belief), text) for text in texts])).sum() for belief in beliefs]
    plots.lines(
        beliefs,
        {"loss of the model": losses},
        x="the weight that the model believes",
        y="bits a text",
        log_x=True,
        marked=True,
        levels={"floor": entropy},
        title=f"The world's weight is {weight.value}",
    )
    return beliefs, losses


@app.cell
def _(beliefs, entropy, losses, weight):
    assert beliefs[int(np.argmin(losses))] == weight.value, "the best belief is the truth"
    assert math.isclose(min(losses), entropy), "and its loss is the entropy"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A world that remembers

    A story is more than a grammar: who has eaten is not hungry. So a production may have a guard, asked of the world's state,
    and an effect, which changes it. The weights of what is still open are made to sum to 1 again.
    """)
    return


@app.cell
def _():
    def sate(state):
        """The effect of a meal."""
        state.hungry = False

    _rules = "s:\n  1 | <act> <act>.\nact:\n  3 | eats | hungry | sate\n  1 | sleeps"
    living = Grammar([_rules], Vocabulary({}, {}, {"hungry": lambda state: state.hungry}, {"sate": sate}))

    def chance(text):
        """The probability of a text of this world."""
        reader = Reader(text)
        derive(living.rules["s"], SimpleNamespace(hungry=True), reader)
        return math.exp(reader.log_probability)

    mo.md(
        "\n".join(f"- `{text}` {chance(text):.4f}" for text in ("eats sleeps.", "sleeps eats.", "sleeps sleeps."))
        + "\n- `eats eats.` cannot be written: who has eaten can only sleep"
    )
    return chance, living, sate


@app.cell
def _(chance):
    assert math.isclose(chance("eats sleeps."), 3 / 4 * 1)
    assert math.isclose(chance("sleeps eats."), 1 / 4 * 3 / 4)
    try:
        chance("eats eats.")
        refused = False
    except InputError:
        refused = True
    assert refused
    return (refused,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The real one

    The library's world has hundreds of productions and works in the same way. Its documents cannot be counted through, so its entropy is a
    mean over drawn ones. One condition carries all of it: a text has exactly **one** derivation. Could it be written
    in two ways, its probability would be their sum, and the one we kept would be too small.
    """)
    return


@app.cell
def _(bits, documents, sizes):
    _one = int(np.argmin(sizes))
    mo.md(
        f"The grammar has **{tinyworld.tiny_grammar().productions}** productions. Its shortest document here is "
        f"{len(documents[_one].derivation.choices)} choices, "
        f"{bits[_one]:.0f} bits:\n\n```text\n{documents[_one].text.strip()}\n```"
    )
    return


@app.cell
def _(documents):
    for _document in documents[:40]:
        _read = tinyworld.parse(_document.text, "heldout")  # refuses a text with two derivations
        assert _read.choices == _document.derivation.choices
        assert math.isclose(_read.log_probability, _document.log_probability, rel_tol=1e-9)
    return


@app.cell
def _():
    count = mo.ui.slider(steps=[10, 25, 50, 100, 200, 400], value=100, label="documents", show_value=True)
    count
    return (count,)


@app.cell
def _(bits, count, sizes):
    _bits, _sizes = bits[: count.value], sizes[: count.value]
    estimate = _bits.sum() / _sizes.sum()
    error = math.sqrt(((_bits - estimate * _sizes) ** 2).mean() / (count.value - 1)) / _sizes.mean()
    plots.histogram(
        {"documents": _bits / _sizes},
        bins=24,
        x="bits a byte of one document",
        title=f"{count.value} documents: {estimate:.3f} ± {error:.3f} bits a byte",
    )
    return error, estimate


@app.cell
def _(bits, count, error, estimate, floor, sizes):
    assert abs(estimate - floor) < 4 * error, "few documents give the floor as well, with a wider margin"
    assert error < 0.5 / math.sqrt(count.value)
    _again = tinyworld.entropy(400, seed=0)
    assert math.isclose(_again.bits_per_byte, floor) and math.isclose(bits.sum() / sizes.sum(), floor)
    return


@app.cell
def _(bits, documents, floor, sizes):
    kinds = sorted({document.kind for document in documents})
    _is = {kind: np.array([document.kind == kind for document in documents]) for kind in kinds}
    by_kind = {kind: float(bits[_is[kind]].sum() / sizes[_is[kind]].sum()) for kind in kinds}
    plots.value_bars(
        {"bits": dict(sorted(by_kind.items(), key=lambda item: item[1]))},
        y="bits a byte",
        title=f"Not every kind of document is as predictable; together {floor:.2f}",
    )
    return by_kind, kinds


@app.cell
def _(by_kind, floor):
    assert min(by_kind.values()) < floor < max(by_kind.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Weight 12, then 0.25: the texts' entropy falls as one choice becomes certain, and the lowest point of the loss goes along.
    - Look at the loss beside that lowest point: a belief twice too large costs little, one 20 times too large a lot.
    - Give `{who}` three names: the names cost more bits, and only where somebody runs.
    - Change a word of a document and give it to `tinyworld.parse`: it says where the text left the world.
    """)
    return


if __name__ == "__main__":
    app.run()
