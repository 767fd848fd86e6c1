"""Lesson: exact deduplication, what a copy of a test does to a measurement, and how to find it by its fingerprint."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Duplicates: a loss that is too good", width="medium")

with app.setup:
    import hashlib
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.dedup.exact import Seen, documents, new_paragraphs
    from groundup.data.documents import Document
    from groundup.data.sources import tinyworld
    from groundup.text.ngram.smoothing import KneserNey
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Duplicates: a loss that is too good

    The web holds the same page a hundred times, and the test one sets aside may stand in the training text too. Then the loss
    measures memory. Afterwards you know how a copy is found among a billion texts, what it costs to leave it in, and which
    copies an exact comparison cannot see.
    """)
    return


@app.cell
def _():
    world = list(tinyworld.sample(0, 200))
    held = list(tinyworld.sample(0, 30, split="heldout"))
    _tokenizer = train_tokenizer((document.text for document in world), TokenizerConfig(vocab_size=512))
    held_bytes = sum(len(document.text.encode()) for document in held)
    floor = sum(-document.log_probability for document in held) / math.log(2) / held_bytes
    clean = [Document(f"train-{at}", document.text, "world") for at, document in enumerate(world)]

    def stream(texts):
        """Token ids of all texts, each between two marks."""
        end = _tokenizer.eos_token_id
        return np.array([end] + [id for text in texts for id in [*_tokenizer.encode(text), end]])

    _measured = stream(document.text for document in held)

    def bits(training):
        """Bits a byte on the held-out stories of a Kneser-Ney model that was fitted to training documents."""
        model = KneserNey.fit(
            stream(document.text for document in training),
            8,
            vocab_size=_tokenizer.vocab_size,
            boundary=_tokenizer.eos_token_id,
        )
        return float(-model.log_probabilities(_measured)[1:].sum() / math.log(2) / held_bytes)

    _leaked = [Document(f"copy-{at}", document.text, "copies") for at, document in enumerate(held * 8)]
    honest, leaky = bits(clean), bits(clean + _leaked)
    mo.md(
        f"A small n-gram model predicts 30 new stories at {honest:.2f} bits a byte. With eight copies of each among its "
        f"training documents, as the web has them, it reaches **{leaky:.2f}**. But these stories come from a world whose entropy is known, and "
        f"nobody who has not seen them can get below {floor:.2f}."
    )
    return bits, clean, floor, held, honest, leaky, held_bytes, stream, world


@app.cell
def _(floor, honest, leaky):
    assert leaky < floor < honest
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A fingerprint

    Comparing every text with every other takes the square of their number. So each becomes a fingerprint of 16 bytes, by
    a hash, and a set says at once whether it was there before. White space is made alike first: a copy with other line breaks is
    still a copy. By hand:
    """)
    return


@app.cell
def _():
    def fingerprint(text, size=16):
        """The hash of a text's words."""
        return hashlib.blake2b(" ".join(text.split()).encode(), digest_size=size).digest()

    tried = ["The cat sleeps.", "The  cat\nsleeps. ", "The cat sleeps!", "the cat sleeps."]
    mo.md(
        "| text | fingerprint |\n|---|---|\n"
        + "\n".join(f"| `{text!r}` | `{fingerprint(text).hex()[:16]}...` |" for text in tried)
    )
    return fingerprint, tried


@app.cell
def _(fingerprint, tried):
    _seen = Seen()
    assert [_seen.again(text) for text in tried] == [False, True, False, False]
    assert _seen.fingerprints == {fingerprint(text) for text in tried}
    assert not any(_seen.again(text) for text in ("", " ", "")), "a text without a word is no copy"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How long must it be?

    Two different texts may get the same fingerprint, and the second is lost. Among $n$ texts there are about $n^2 / 2$ pairs, and
    each agrees by chance once in $2^{8b}$ for $b$ bytes:

    $$\text{lost} \approx \frac{n^2}{2 \cdot 256^b}$$

    This is the birthday problem: with one byte, 256 values, trouble begins at 20 texts and not at 256.
    """)
    return


@app.cell
def _():
    width = mo.ui.slider(1, 4, value=2, label="bytes of a fingerprint", show_value=True)
    width
    return (width,)


@app.cell
def _(fingerprint, width):
    amounts = [10, 30, 100, 300, 1000, 3000, 10000]
    _prints = [fingerprint(f"text number {number}", width.value) for number in range(amounts[-1])]
    lost = [amount - len(set(_prints[:amount])) for amount in amounts]
    _values = 256.0**width.value
    expected = [amount - _values * -math.expm1(amount * math.log1p(-1 / _values)) for amount in amounts]
    plots.lines(
        amounts,
        {"lost by chance": np.array(lost, float), "expected": expected},
        x="different texts",
        y="lost texts",
        log_x=True,
        marked=True,
        title=f"{width.value} bytes: {lost[-1]:,} of 10,000 different texts are taken for copies",
    )
    return expected, lost, amounts


@app.cell
def _(expected, lost):
    for _count, _mean in zip(lost, expected, strict=True):
        assert abs(_count - _mean) <= 5 * math.sqrt(_mean) + 2, "chance, as computed"
    assert 1e12**2 / 2 / 256.0**16 < 1e-14, "with 16 bytes, a trillion texts lose none"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is found, and what is not

    Now a part of the held-out stories gets into the training documents, eight copies of each. The held-out ones pass a `Seen` first, and then the training
    documents: what was met is dropped. Choose how the copies were made.
    """)
    return


@app.cell
def _():
    copied = mo.ui.dropdown(
        ["letter by letter", "with other white space", "with one word added"],
        value="with one word added",
        label="copied",
    )
    copied
    return (copied,)


@app.cell
def _(bits, clean, copied, floor, held):
    shares = [0.0, 0.25, 0.5, 1.0]
    _change = {
        "letter by letter": lambda text: text,
        "with other white space": lambda text: "\n" + text + "\n\n",
        "with one word added": lambda text: text + " Amen.",
    }[copied.value]
    _copies = [Document(f"copy-{at}", _change(document.text), "copies") for at, document in enumerate(held)]
    _mixed = [clean + 8 * _copies[: int(share * len(_copies))] for share in shares]

    _tests = [Document(f"held-{at}", document.text, "held out") for at, document in enumerate(held)]

    def cleaned(training):
        """The training documents without those that are held out."""
        return [one for one in documents([*_tests, *training], Seen()) if one.source != "held out"]

    kept = [cleaned(training) for training in _mixed]
    curves = {"as it came": [bits(one) for one in _mixed], "deduplicated": [bits(one) for one in kept]}
    plots.lines(
        shares,
        curves,
        x="share of the held-out stories in the training text",
        y="bits a byte, held out",
        marked=True,
        levels={"the world's entropy": floor},
        title=f"Copied {copied.value}",
    )
    return cleaned, curves, kept, shares


@app.cell
def _(clean, copied, curves, floor, held, honest, kept):
    _raw, _deduplicated = curves.values()
    assert _raw == sorted(_raw, reverse=True) and _raw[-1] < floor < _raw[0]
    if copied.value == "with one word added":
        assert len(kept[-1]) == len(clean) + len(held), "eight altered copies are one another's copies, so one stays"
        assert _deduplicated[-1] < 0.6 * honest, "and one is enough to be remembered"
    else:
        assert np.allclose(_deduplicated, honest), "found and dropped: an honest measurement"
        assert all(one == clean for one in kept)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Copies that are nearly the same are found by the words they share, not by one fingerprint of the whole; MinHash does that. Exact
    deduplication comes first because it is cheap, and because it is never wrong about what it drops.

    ## Paragraphs

    Whole pages differ although their footers are the same. So paragraphs are compared too, but only long ones: a heading such as
    `Example:` belongs to what stands below it. How long is long?
    """)
    return


@app.cell
def _():
    footer = "All rights reserved. No part of this page may be copied without leave."
    pages = [
        f"Example:\n\nThe {animal} eats {food} at noon.\n\n{footer}"
        for animal, food in [("cat", "fish"), ("horse", "hay"), ("bird", "seeds"), ("cat", "fish")]
    ]
    return footer, pages


@app.cell
def _():
    least = mo.ui.slider(steps=[5, 20, 60, 100], value=60, label="shortest paragraph that is compared", show_value=True)
    least
    return (least,)


@app.cell
def _(footer, least, pages):
    _seen = Seen()
    left = [new_paragraphs(page, _seen, least.value) for page in pages]
    _of = {
        "heading": lambda part: part == "Example:",
        "text": lambda part: part.startswith("The"),
        "footer": lambda part: part == footer,
    }
    kinds = {name: [sum(map(is_it, parts)) for parts in left] for name, is_it in _of.items()}
    plots.value_bars(
        {name: {f"page {at}": value for at, value in enumerate(values, 1)} for name, values in kinds.items()},
        y="kept",
        title=f"Paragraphs of {least.value} characters or more are kept once",
    )
    return kinds, left


@app.cell
def _(kinds, least):
    assert kinds["footer"] == ([1, 1, 1, 1] if least.value == 100 else [1, 0, 0, 0])
    assert kinds["heading"] == ([1, 0, 0, 0] if least.value == 5 else [1, 1, 1, 1])
    assert kinds["text"] == ([1, 1, 1, 0] if least.value <= 20 else [1, 1, 1, 1])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Copied letter by letter: the deduplicated line is level, whatever was mixed in. With one word added, seven of eight copies are
      dropped and the eighth still spoils the measurement.
    - Fingerprints of 1 byte: of 10,000 texts, 256 are left. With 4, none is lost.
    - Paragraphs of 5: the headings go, and the examples stand without one. Of 100: the footer is learned four times.
    """)
    return


if __name__ == "__main__":
    app.run()
