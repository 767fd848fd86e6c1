"""Lesson: a language model as a lossless compressor, from a range of a hundred numbers to a file that can be opened again."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A text as one number", width="medium")

with app.setup:
    import math

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.errors import InputError
    from groundup.evaluation.metrics.archive import ngram_packer, pack, unpack
    from groundup.evaluation.metrics.compressors import joined, xz
    from groundup.evaluation.metrics.intrinsic import fit_ngram, ngram_bits_per_byte, tokenize
    from groundup.foundations.information.compressor import (
        TOTAL,
        Encoder,
        compress,
        decompress,
        frequencies,
        narrow,
    )
    from groundup.foundations.information.cross_entropy import cross_entropy
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A text as one number

    A model's loss in bits is said to be the size of the file that it could write. Here it writes the file, and reads it back to the last
    letter. Afterwards you know how a letter can take a tenth of a bit, why whole numbers are enough for it, and what a wrong belief costs.
    """)
    return


@app.cell
def _():
    training = [document.text for document in tinyworld.sample(0, 600)]
    stories = [document.text for document in tinyworld.sample(0, 12, split="heldout")]
    tokenizer = train_tokenizer(iter(training), TokenizerConfig(vocab_size=512))
    model = fit_ngram(tokenize(training, tokenizer), 4, tokenizer.vocab_size)
    packed = pack(stories, ngram_packer(model, tokenizer))
    size = sum(len(story.encode()) for story in stories)
    mo.md(
        f"Twelve stories, {size:,} bytes. The program `xz` at its best makes {xz(joined(stories)):,} of them; a model that has only counted which token "
        f"followed which makes **{len(packed):,}**, and gives every letter back."
    )
    return model, packed, size, stories, tokenizer, training


@app.cell
def _(model, packed, size, stories, tokenizer):
    assert unpack(packed, ngram_packer(model, tokenizer)) == stories
    assert len(packed) < 0.7 * xz(joined(stories)) < size
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A hundred numbers

    Take the numbers 0 to 99, and three tokens of which the first comes in two of four cases, the others in one. The first gets the numbers
    0 to 49, the second 50 to 74, the third 75 to 99. A token that comes chooses its part, which is then cut in the same way. Here is the
    text `0 2 1`:
    """)
    return


@app.cell
def _():
    counts = {0: (0, 2), 1: (2, 3), 2: (3, 4)}  # from, up to; of 4
    first = narrow(0, 99, *counts[0], 4)
    second = narrow(*first, *counts[2], 4)
    third = narrow(*second, *counts[1], 4)
    mo.md(f"0 to 99, then {first[0]} to {first[1]}, then {second[0]} to {second[1]}, then {third[0]} to {third[1]}.")
    return counts, first, second, third


@app.cell
def _(counts, first, second, third):
    assert (first, second, third) == ((0, 49), (37, 49), (43, 45))
    _parts = [narrow(0, 99, *counts[token], 4) for token in counts]
    assert _parts == [(0, 49), (50, 74), (75, 99)], "side by side, no gap, no overlap"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Whoever hears "44" and knows the counts can tell the text: 44 lies in 0 to 49, so the first token was 0; within that in 37 to 49, so the
    second was 2; and so on. The three numbers that are left say what is wrong with this: after a few more tokens there is nothing left to
    cut.

    ## Digits that are certain leave

    Write the range in binary. As soon as both ends begin with the same digit, no later token can change it: it is written into the file,
    and the range becomes twice as wide. Ends of 32 digits are then enough for a text of any length. What is left in the range is never less
    than a quarter of the whole, so two digits at most are owed. Choose a text of three letters with the probabilities 0.9, 0.05, 0.05:
    """)
    return


@app.cell
def _():
    text = mo.ui.dropdown(
        ["aaaaaaaaaaaaaaaaaaaa", "aaaaabaaaaacaaaaaaaa", "bcbcbcbcbcbcbcbcbcbc", "aaaaaaaaaabbbbbbbbbb"],
        value="aaaaabaaaaacaaaaaaaa",
        label="text",
    )
    text
    return (text,)


@app.cell
def _(text):
    _letters = {"a": 0.9, "b": 0.05, "c": 0.05}
    table = frequencies(list(_letters.values()))
    _ends = np.cumsum(table).tolist()

    def _digits_after(letters_read):
        """How many digits are certain (written or held back) once these letters were encoded."""
        encoder = Encoder()
        for _letter in letters_read:
            _place = "abc".index(_letter)
            encoder.encode(_ends[_place] - int(table[_place]), _ends[_place], TOTAL)
        return len(encoder.digits) + encoder.pending

    _lengths = list(range(len(text.value) + 1))
    digits = [_digits_after(text.value[:length]) for length in _lengths]
    surprise = [sum(-math.log2(_letters[letter]) for letter in text.value[:length]) for length in _lengths]
    plots.lines(
        _lengths,
        {"surprise so far": surprise, "digits that are certain": digits},
        x="letters read",
        y="bits",
        marked=True,
        title=f"{surprise[-1]:.1f} bits of surprise, {digits[-1]} digits certain",
    )
    return digits, surprise, table


@app.cell
def _(digits, surprise, table):
    assert all(0 <= one - count + 1e-6 and one - count <= 2 for one, count in zip(surprise, digits, strict=True))
    assert digits == sorted(digits), "what is certain stays"
    assert table.sum() == TOTAL and table.min() > 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    An `a` costs 0.15 bits: it adds no digit, it narrows the range a little, and after some six of them a digit becomes certain. A `b` costs
    4.3 bits at once. The digits follow the surprise and are never more than two behind.

    ## What a wrong belief costs

    The coder writes any text with any probabilities; only the length differs. Here are 1,000 coins, of which a share shows heads, written
    with every belief about that share. Choose the true share.
    """)
    return


@app.cell
def _():
    share = mo.ui.dropdown({"one half": 0.5, "7 of 10": 0.7, "9 of 10": 0.9}, value="9 of 10", label="heads")
    share
    return (share,)


@app.cell
def _(share):
    _heads = round(1000 * share.value)
    _tokens = [0] * _heads + [1] * (1000 - _heads)  # their order does not matter to who believes in a share
    beliefs = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]

    def _size_for(belief):
        """Bits a coin in a file that is written with this belief."""
        return 8 * len(compress(_tokens, lambda before: [belief, 1 - belief])) / 1000

    sizes = [_size_for(belief) for belief in beliefs]
    truth = share.value
    predicted = [cross_entropy([truth, 1 - truth], [belief, 1 - belief]) for belief in beliefs]
    plots.lines(
        beliefs,
        {"the file": sizes, "cross-entropy": predicted},
        x="believed share of heads",
        y="bits a coin",
        levels={"one bit a coin": 1.0},
        marked=True,
        title=f"The shortest file, {min(sizes):.2f} bits a coin, is written by who believes the truth",
    )
    return beliefs, predicted, sizes, truth


@app.cell
def _(beliefs, predicted, sizes, truth):
    assert np.allclose(sizes, predicted, atol=0.02), "the file is the cross-entropy, to some digits at the end"
    assert abs(beliefs[int(np.argmin(sizes))] - truth) < 0.051
    assert max(sizes) > 1, "a bad belief is worse than none"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The two curves are one. Below the dashed line a belief is worth something; beyond it the text would better be written plainly. How far
    the curve lies above its lowest point is the divergence between truth and belief.

    ## What it does not forgive

    Reading follows writing step by step: the reader asks the same model for the same probabilities. With a model that has read only half
    the stories:
    """)
    return


@app.cell
def _(packed, tokenizer, training):
    _other = fit_ngram(tokenize(training[:300], tokenizer), 4, tokenizer.vocab_size)
    try:
        answer = unpack(packed, ngram_packer(_other, tokenizer))[0]
    except InputError as error:
        answer = str(error)
    mo.md(f"> {answer}")
    return (answer,)


@app.cell
def _(answer, model, packed, stories, tokenizer):
    assert "what came out is not what was packed" in answer or "with another model" in answer
    _own = ngram_bits_per_byte(model, tokenize(stories, tokenizer)).nats.sum() / math.log(2)
    assert 8 * (len(packed) - 8) < 1.005 * _own + 16, "the file is the model's own bits; 8 bytes are header"
    assert decompress(compress([1], lambda before: [1.0, 0.0]), lambda before: [1.0, 0.0], count=1) == [1]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The last assertion writes a token to which the model gave probability 0. `frequencies` rounds probabilities to whole counts out of
    $2^{28}$ and leaves each token at least one, so the impossible costs 28 bits and not infinitely many.

    ## Try

    - `aaaaaaaaaaaaaaaaaaaa`: twenty letters in three bits. `bcbc...`: more than four bits for every letter.
    - One half: the curve touches one bit at its lowest point, so nobody can shorten fair coins.
    - A model folder of yours: `model_packer(groundup.load(folder))` from `groundup.evaluation.metrics.archive` makes a packer of it; use it
      where `ngram_packer` stands. All of it against `xz` and `zstd`: `benchmarks/foundations/information/compressor.py`.

    Write it yourself: `groundup learn start narrow`
    """)
    return


if __name__ == "__main__":
    app.run()
