"""Lesson: WordPiece, the longest piece that fits, and two rules for which pieces there are."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="WordPiece: the textbook's rule is not the one in use", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.bpe import count_pairs
    from groundup.text.tokenizers.wordpiece import (
        RULES,
        alphabet,
        best_pair,
        encode_word,
        join,
        merge_pair,
        pair_score,
        spell,
        train_wordpiece,
    )
    from groundup.text.tokenizers.wordpiece_tokenizer import train_wordpiece_tokenizer
    from groundup.text.tokenizers.wordpiece_training import count_words, train_wordpiece_fast


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # WordPiece: the textbook's rule is not the one in use

    BERT's tokenizer is nothing but a list of pieces. It knows no merges: a word is cut into the longest pieces that fit.
    Which pieces are on the list is decided in training, and textbooks and programs disagree on how. Afterwards you can do
    both by hand, and know what each costs.
    """)
    return


@app.cell
def _():
    words = count_words(document.text.encode() for document in tinyworld.sample(0, 300))
    unseen = count_words(document.text.encode() for document in tinyworld.sample(1, 60, split="heldout"))

    def bytes_a_token(tokens):
        """Bytes of the unseen stories' words, and the tokens that they are."""
        known = dict.fromkeys(tokens, 0)
        size = sum(len(word.encode()) * times for word, times in unseen.items())
        return size / sum(len(encode_word(word, known)) * times for word, times in unseen.items())

    by_rule = {rule: bytes_a_token(train_wordpiece_fast(words, 300, rule)) for rule in RULES}
    mo.md(
        "Two lists of 300 pieces, learned from the same stories. By the textbook's rule a token of new stories holds "
        f"{by_rule['likelihood']:.2f} bytes, by plain counting **{by_rule['frequency']:.2f}**. Why does anybody teach the first?"
    )
    return by_rule, bytes_a_token, unseen, words


@app.cell
def _(by_rule):
    assert by_rule["frequency"] > 1.4 * by_rule["likelihood"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Cutting a word

    Take the longest piece that the word begins with; then the longest that the rest begins with, and so on. A piece inside a
    word is marked, ##ed, so that *ed* at the beginning of a word can be another token. Here is a list of six.
    """)
    return


@app.cell
def _():
    pieces = {token: id for id, token in enumerate(["un", "une", "##want", "##wa", "##ed", "##ven"])}
    return (pieces,)


@app.cell
def _():
    word = mo.ui.dropdown(["unwanted", "uneven", "unwa", "unfit", "wanted"], value="unwanted", label="word")
    word
    return (word,)


@app.cell
def _(pieces, word):
    cut = encode_word(word.value, pieces)
    mo.md(f"`{word.value}` → " + " ".join(f"`{token}`" for token in cut))
    return (cut,)


@app.cell
def _(cut, pieces, word):
    assert cut == ["[UNK]"] or "".join(token.removeprefix("##") for token in cut) == word.value
    assert encode_word("unwanted", pieces) == ["un", "##want", "##ed"], "##want is longer than ##wa"
    assert encode_word("unfit", pieces) == ["[UNK]"], "un would fit, but what does not end is unknown as a whole"
    assert encode_word("wanted", pieces) == ["[UNK]"], "##want stands only inside a word"
    assert encode_word("unewa", pieces) == ["une", "##wa"] and encode_word("unen", pieces) == ["[UNK]"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two prices of this simplicity. A piece that was taken is never given back, even when a shorter one would have led to the end.
    And one strange letter makes the whole word `[UNK]`: the model is told that there was a word, and nothing else of it.

    ## Learning the pieces

    Begin with the letters. Join a pair of neighbours, put the joined piece on the list, and again, as in byte pair encoding. Which pair?
    The textbook's answer is the one that makes the text likelier:

    $$\frac{\text{count}(ab)}{\text{count}(a)\,\text{count}(b)}$$

    A pair scores high when its parts are seldom seen apart, however rare it is. The words below are hug (10 times), pug (5),
    pun (12), bun (4) and hugs (5).
    """)
    return


@app.cell
def _():
    merges = mo.ui.slider(0, 6, value=0, label="pairs joined", show_value=True)
    merges
    return (merges,)


@app.cell
def _():
    rule = mo.ui.radio(list(RULES), value="likelihood", label="rule", inline=True)
    rule
    return (rule,)


@app.cell
def _():
    few = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}
    return (few,)


@app.cell
def _(few, merges, rule):
    def _state(steps):
        """Counts of pairs and of symbols after some steps, and how the words are spelled."""
        spelled = {word: spell(word) for word in few}
        for step in range(steps + 1):
            pairs: Counter = Counter()
            symbols: Counter = Counter()
            for word, parts in spelled.items():
                symbols.update({part: parts.count(part) * few[word] for part in set(parts)})
                pairs.update({pair: times * few[word] for pair, times in count_pairs(parts).items()})
            if step < steps:
                best = best_pair(pairs, symbols, rule.value)
                spelled = {word: merge_pair(parts, best) for word, parts in spelled.items()}
        return pairs, symbols, spelled

    pairs, symbols, spelled = _state(merges.value)
    scores = {pair: pair_score(pair, pairs, symbols, rule.value) for pair in pairs}
    plots.value_bars(
        {
            "score": {
                " ".join(pair): scores[pair]
                for pair in sorted(scores, key=lambda pair: (-scores[pair], -pairs[pair], pair))
            }
        },
        y="count(ab)" if rule.value == "frequency" else "count(ab) / (count(a) count(b))",
        title="  ".join("·".join(part.removeprefix("##") for part in parts) for parts in spelled.values()),
    )
    return pairs, scores, spelled, symbols


@app.cell
def _(few, merges, pairs, rule, scores, spelled, symbols):
    assert all("".join(part.removeprefix("##") for part in parts) == word for word, parts in spelled.items())
    assert join(best_pair(pairs, symbols, rule.value)) == train_wordpiece(few, 8 + merges.value, rule.value)[-1]
    assert max(scores.values()) == scores[best_pair(pairs, symbols, rule.value)], (
        "the first of the tallest bars is joined next"
    )
    assert train_wordpiece(few, 8)[-1] == "##gs", "5 of 5 times that ##s occurs it is behind a ##g: 5 / (20 x 5)"
    assert train_wordpiece(few, 8, "frequency")[-1] == "##ug", "20 times, though ##u is everywhere: 20 / (36 x 20)"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the rule costs

    The score does not care how often a pair occurs. Two letters that occur once in the whole text, together, have
    $1 / (1 \cdot 1)$, and nothing can beat that. The textbook's rule therefore begins at the rare end of the text.
    """)
    return


@app.cell
def _(words):
    letters = len(alphabet(words))
    first = {rule: train_wordpiece_fast(words, letters + 10, rule)[letters:] for rule in RULES}
    mo.md("\n".join(f"- {rule}: " + " ".join(f"`{token}`" for token in tokens) for rule, tokens in first.items()))
    return first, letters


@app.cell
def _(first, unseen, words):
    def _occurrences(token):
        """How often a piece's letters stand in the words, wherever."""
        return sum(word.count(token.removeprefix("##")) * times for word, times in (words | unseen).items())

    _seldom, _often = (sorted(map(_occurrences, first[rule]))[5] for rule in RULES)
    assert _often > 5 * _seldom, "the median of the first ten pieces"
    return


@app.cell
def _():
    least = mo.ui.slider(steps=[1, 5, 20, 50, 100], value=1, label="times that a pair must occur", show_value=True)
    least
    return (least,)


@app.cell
def _(bytes_a_token, least, letters, words):
    learned = {rule: train_wordpiece_fast(words, 1000, rule, (), least.value) for rule in RULES}
    _sizes = [letters, 100, 150, 200, 300, 400, 600, 800, 1000]
    curves = {rule: [bytes_a_token(tokens[:size]) for size in _sizes] for rule, tokens in learned.items()}
    plots.lines(
        _sizes,
        curves,
        x="tokens in the vocabulary",
        y="bytes a token",
        marked=True,
        title=f"Unseen stories; pairs that occur at least {least.value} times",
    )
    return curves, learned


@app.cell
def _(curves, learned, least):
    assert curves["likelihood"][0] == curves["frequency"][0] == 1.0, "the alphabet alone: a byte a token"
    assert curves["frequency"][2] > curves["likelihood"][2], "at 150 tokens"
    assert least.value < 100 or abs(curves["likelihood"][-1] / curves["frequency"][-1] - 1) < 0.1
    assert least.value < 50 or max(map(len, learned.values())) < 600, "then no pair is left to join"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With a higher least count the two curves meet: when the list ends because no frequent pair is left, both rules have found much the same.
    Programs that train WordPiece today, Hugging Face's among them, count pairs and nothing else; what BERT's authors ran was never published.
    The score is a good idea about *which* pairs belong together; a vocabulary of fixed size needs to know which pairs are *worth a place*.

    ## A whole tokenizer

    Around the list stand BERT's normaliser (small letters, no accents, no controls) and splitter (white space and
    punctuation). They are why a decoded text is not the one that was typed.
    """)
    return


@app.cell
def _():
    tokenizer = train_wordpiece_tokenizer((document.text for document in tinyworld.sample(0, 300)), 600)
    typed = "The GARDENER, naïve as ever, has a κήπος."
    ids = tokenizer.encode(typed)
    mo.md(f"{typed}\n\n→ {' '.join(f'`{tokenizer.decode([id])}`' for id in ids)}\n\n→ {tokenizer.decode(ids)}")
    return ids, tokenizer, typed


@app.cell
def _(ids, tokenizer, typed):
    assert tokenizer.decode(ids) != typed
    assert tokenizer.encode(typed.lower().replace("ï", "i")) == ids
    assert ids.count(tokenizer.special_tokens["[UNK]"]) == 1, "the Greek word, whole"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Rule `frequency` on the five words: the first bar is ##u ##g. After three pairs joined, hug is whole; by `likelihood` it takes six.
    - Least count 20: the curve of `likelihood` comes nearer, since its first places no longer go to what occurs once.
    - Add `"##f": 6, "##i": 7, "##t": 8` to the pieces: unfit is no longer unknown, at a token a letter.

    Write it yourself: `groundup learn start encode_word`, then `groundup learn start train_wordpiece`
    """)
    return


if __name__ == "__main__":
    app.run()
