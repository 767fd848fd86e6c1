"""Lesson: compression is prediction: an arithmetic code by hand, xz and zstd as language models, and the floor under all of them."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Compression is prediction", width="medium")

with app.setup:
    import math
    from collections import Counter
    from fractions import Fraction

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.evaluation.metrics.compressors import compressors, joined, prepared_compressors, xz, zstd
    from groundup.evaluation.metrics.intrinsic import fit_ngram, ngram_bits_per_byte, tokenize
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Compression is prediction

    A program that makes files small must know what is likely in them: what is likely gets a short code. So every compressor is a language
    model, and every language model a compressor. Afterwards you have coded a word by hand with a model's probabilities, and know the
    oldest baseline that a new model has to beat.
    """)
    return


@app.cell
def _():
    train = [document.text for document in tinyworld.sample(0, 800)]
    held = list(tinyworld.sample(0, 120, split="heldout"))
    texts = [document.text for document in held]
    by_compressor = compressors(texts)
    mo.md(
        f"120 little stories, {sum(map(len, texts)):,} bytes. `xz`, of its kind among the best, leaves **{by_compressor['xz']:.2f}** bits of the 8 in each "
        "byte. It knows no English and no world, and had never seen a story before. What does it know?"
    )
    return by_compressor, held, texts, train


@app.cell
def _(by_compressor):
    assert set(by_compressor) == {"xz", "zstd"}
    assert all(1 < bits < 3 for bits in by_compressor.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It knows what came before

    Both look back for the longest piece that was already written and say: as many bytes, from so far back. Everything that repeats becomes
    cheap, nothing else does. Compressed alone, a story is expensive; the hundredth costs little. Bits a byte by how many stories are compressed together:
    """)
    return


@app.cell
def _(texts):
    counts = [1, 2, 4, 8, 16, 32, 64, 120]
    together = {name: [compressors(texts[:count])[name] for count in counts] for name in ("xz", "zstd")}
    plots.lines(
        counts,
        together,
        x="stories compressed together",
        y="bits a byte",
        log_x=True,
        marked=True,
        title=f"The first story alone: {together['xz'][0]:.1f} bits a byte; all together: {together['xz'][-1]:.1f}",
    )
    return counts, together


@app.cell
def _(texts, together):
    assert together["xz"][0] > 2 * together["xz"][-1] and together["zstd"][0] > 1.5 * together["zstd"][-1]
    _noise = np.random.default_rng(0).bytes(5000)
    assert min(xz(_noise), zstd(_noise)) >= 5000, "what cannot be predicted cannot be made smaller"
    assert xz(joined(texts) * 2) < 1.05 * xz(joined(texts)), "to say it all again costs next to nothing"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A code from probabilities

    Shannon: something of probability $p$ needs $-\log_2 p$ bits. How can a single letter take 0.7 bits? Not alone, but in a row. Cut the line
    from 0 to 1 into parts as wide as the letters are likely, take the part of the first letter, cut it the same way for the second, and so on. At the
    end any number inside the last part tells the whole text. A narrow part needs many digits: $-\log_2$ of its width. Here the letters
    are a, b and c, with the probabilities 3/4, 1/8, 1/8.
    """)
    return


@app.cell
def _():
    letters = {"a": Fraction(3, 4), "b": Fraction(1, 8), "c": Fraction(1, 8)}

    def part_of(text):
        """Where the part of a text begins, and how wide it is, exactly."""
        start, width = Fraction(0), Fraction(1)
        for letter in text:
            before = sum((p for other, p in letters.items() if other < letter), Fraction(0))
            start, width = start + width * before, width * letters[letter]
        return start, width

    def binary(start, width):
        """The fewest binary digits whose every continuation lies inside the part."""
        for count in range(200):
            number = -(-(start * 2**count) // 1)  # rounded up
            if number + 1 <= (start + width) * 2**count:
                return format(int(number), f"0{count}b") if count else ""
        raise AssertionError("the part is narrower than 200 digits can tell")

    def decoded(digits, length):
        """Read the letters back out of the digits."""
        place, text = Fraction(int(digits or "0", 2), 2 ** len(digits)), ""
        for _ in range(length):
            text += next(one for one in letters if place < sum(part_of(text + one)))
        return text

    return binary, decoded, letters, part_of


@app.cell
def _():
    word = mo.ui.dropdown(["a", "aaaa", "aaaaaaaaaaaa", "aabaaaca", "cccc", "bcbcbcbc"], value="aabaaaca", label="text")
    word
    return (word,)


@app.cell
def _(binary, letters, part_of, word):
    parts = [part_of(word.value[:length]) for length in range(len(word.value) + 1)]
    digits = binary(*parts[-1])
    information = sum(-math.log2(letters[letter]) for letter in word.value)
    plots.lines(
        range(len(parts)),
        {
            "upper end": [float(start + width) for start, width in parts],
            "lower end": [float(start) for start, _ in parts],
        },
        x="letters read",
        y="the part of the line",
        marked=True,
        title=f"{word.value}: {information:.2f} bits of information, written in {len(digits)} digits: {digits}",
    )
    return digits, information, parts


@app.cell
def _(decoded, digits, information, parts, word):
    assert decoded(digits, len(word.value)) == word.value
    assert abs(information + math.log2(parts[-1][1])) < 1e-9, "the width of the part is the probability of the text"
    assert information <= len(digits) < information + 2, "at most two digits more, however long the text"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So a model's loss in bits *is* the size of the file that it would write, to within two bits. Nothing has to be compressed to know it.

    ## Side by side

    An n-gram model counts which token followed which in training stories. To be fair, the compressors may read some of the same stories
    first, and only what the new ones add is charged. The grammar's own entropy is the floor. Choose how much everyone has read.
    """)
    return


@app.cell
def _():
    prepared = mo.ui.dropdown(
        {"nothing": 0, "5,000 bytes": 5_000, "20,000 bytes": 20_000, "80,000 bytes": 80_000},
        value="20,000 bytes",
        label="read before",
    )
    prepared
    return (prepared,)


@app.cell
def _(held, prepared, texts, train):
    _read, _size = [], 0
    for _text in train:  # as `joined` does it: whole texts until the limit is reached
        if _size >= prepared.value:
            break
        _read, _size = [*_read, _text], _size + len(_text.encode()) + 1
    bits = prepared_compressors(texts, train, prepared.value) if prepared.value else compressors(texts)
    if _read:
        _tokenizer = train_tokenizer(iter(_read), TokenizerConfig(vocab_size=512))
        _model = fit_ngram(tokenize(_read, _tokenizer), 4, _tokenizer.vocab_size)
        ngram = ngram_bits_per_byte(_model, tokenize(texts, _tokenizer)).per_byte
    else:
        ngram = 8.0  # who has counted nothing gives each of 256 bytes the same
    floor = -sum(document.log_probability for document in held) / math.log(2) / sum(map(len, texts))
    plots.value_bars(
        {"bits": bits | {"n-gram of order 4": ngram, "floor": floor}},
        y="bits a byte",
        title=f"{len(joined(_read)):,} bytes read before",
    )
    return bits, floor, ngram


@app.cell
def _(bits, by_compressor, floor, ngram, prepared):
    assert all(one > floor for one in [*bits.values(), ngram]), "nobody passes the floor"
    assert prepared.value < 80_000 or ngram < min(bits.values()), "with enough to count, counting wins"
    assert prepared.value > 0 or bits == by_compressor
    assert prepared.value == 0 or bits["xz"] < by_compressor["xz"], "who has read before needs less"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The compressors go on learning while they read the new stories, one from the next; the n-gram model does not, and begins each story afresh. That is why
    they are ahead of it where there was little to read. A compressor keeps pieces and repeats them; a model keeps counts and knows that several things may
    follow. The second is worth more the more has been seen.

    ## Where the bits go

    A fair coin costs one bit, whoever tosses it. In these stories names and things are drawn by chance and cost bits, and nearly all else follows.
    The most frequent words of the stories, and how often:
    """)
    return


@app.cell
def _(texts):
    words = Counter(" ".join(texts).split())
    total = words.total()
    alone = sum(-count * math.log2(count / total) for count in words.values()) / sum(map(len, texts))
    plots.value_bars(
        {"share": {word: count / total for word, count in words.most_common(20)}},
        y="share of the words",
        title=f"Words without their order: {alone:.2f} bits a byte",
    )
    return alone, total, words


@app.cell
def _(alone, by_compressor, floor, total, words):
    assert abs(sum(words.values()) - total) == 0 and len(words) > 200
    assert alone > 3 * floor, "what words there are is little of what there is to know"
    assert 0.4 < alone / by_compressor["xz"] < 1.5, "xz is about as good as knowing the frequencies of the words"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `aaaaaaaaaaaa`: twelve letters in five digits. `cccc`: three digits a letter. What a model finds unlikely makes the file long.
    - Nothing read: the model that counts has nothing to count, and the compressors win by far. 80,000 bytes: the order is turned around.
    - Give `compressors` your own text. English prose comes to between 2 and 3 bits a byte with `xz`; a large language model needs less than one.

    A run's report shows these two beside the model and the floor: `groundup run demo`.
    """)
    return


if __name__ == "__main__":
    app.run()
