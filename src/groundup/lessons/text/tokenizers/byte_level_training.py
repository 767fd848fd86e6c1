"""Lesson: how BPE is trained in a second: words counted once, counts corrected beside each merge, lazy heap."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Fast training: correct the counts, do not take them anew", width="medium")

with app.setup:
    import time
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.text.tokenizers.bpe import best_pair, count_pairs, merge_pair, train_bpe
    from groundup.text.tokenizers.byte_level_counting import count_words
    from groundup.text.tokenizers.byte_level_training import train_bpe_fast


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Fast training: correct the counts, do not take them anew

    To learn 8,192 tokens by the definition, a computer counts the pairs of all words 8,000 times. The fast form counts them once. Afterwards
    you know what changes when a pair is merged, what does not, and why a heap with wrong entries still gives the right answer.
    """)
    return


@app.cell
def _():
    stories = [document.text.encode() for document in tinyworld.sample(0, 300)]
    words = count_words(stories, "qwen2")
    size = sum(map(len, stories))
    mo.md(
        f"300 stories of {size:,} bytes are **{len(words):,}** different words. Everything that training learns, it learns from these."
    )
    return size, stories, words


@app.cell
def _(size, words):
    assert sum(map(len, words)) < size / 10, "the words spelled once are a small part of the text"
    assert sum(words.values()) > 10 * len(words)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What one merge changes

    Merge `h` and `e`, and only pairs beside an `he` change: `t`+`h` is lost where it was `t`+`he` now. All other counts stay. The bars are
    the pairs of the words below that change when the commonest pair is merged, out of all pairs.
    """)
    return


@app.cell
def _(words):
    frequent = dict(sorted(words.items(), key=lambda one: (-one[1], one[0]))[:60])

    def pairs_of(spelled: dict) -> Counter:
        """All pairs of the spelled words, counted as often as the words occur."""
        counts: Counter = Counter()
        for word, symbols in spelled.items():
            for pair, times in count_pairs(symbols).items():
                counts[pair] += times * frequent[word]
        return counts

    start = {word: [bytes([byte]) for byte in word] for word in frequent}
    return frequent, pairs_of, start


@app.cell
def _():
    merges = mo.ui.slider(1, 20, value=1, label="merge number", show_value=True)
    merges
    return (merges,)


@app.cell
def _(frequent, merges, pairs_of, start):
    _spelled = start
    for _pair in train_bpe(frequent, merges.value - 1):
        _spelled = {word: merge_pair(symbols, _pair) for word, symbols in _spelled.items()}
    before = pairs_of(_spelled)
    merged = best_pair(before)
    after = pairs_of({word: merge_pair(symbols, merged) for word, symbols in _spelled.items()})
    touched = [pair for pair in before | after if before[pair] != after[pair]]
    plots.value_bars(
        {"pairs": {"changed by the merge": len(touched), "as they were": len(before | after) - len(touched)}},
        y="pairs",
        title=f"Merge {merges.value}: {merged[0].decode()!r} + {merged[1].decode()!r}",
    )
    return after, before, merged, touched


@app.cell
def _(after, before, merged, touched):
    assert after[merged] == 0, "the merged pair is gone"
    _new = merged[0] + merged[1]
    assert all(_new in pair or set(pair) & set(merged) for pair in touched), (
        "only pairs with a half of it, or with the new token"
    )
    assert all(after[pair] <= before[pair] for pair in touched if _new not in pair), "an old pair's count never grows"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A heap that may be wrong

    The last line above is the trick. The best pair must be found 8,000 times among some 100,000. A heap has the largest on top, but every
    merge changes counts inside it. Let them be wrong: an old pair's count only ever shrinks, so an entry that is too large comes to the top
    too early, is compared with the true count, and is put back. No pair can be missed.
    """)
    return


@app.cell
def _(frequent, pairs_of, start):
    _spelled, stale, tops = start, 0, 0
    _entries = dict(pairs_of(start))
    for _ in range(60):
        _true = pairs_of(_spelled)
        while True:
            _top = min(_entries, key=lambda pair: (-_entries[pair], pair))
            tops += 1
            if _entries[_top] == _true[_top]:
                break
            stale += 1
            _entries = {**_entries, _top: _true[_top]}
        _spelled = {word: merge_pair(symbols, _top) for word, symbols in _spelled.items()}
        _new = {pair: count for pair, count in pairs_of(_spelled).items() if _top[0] + _top[1] in pair}
        _entries = {**_entries, **_new}
    found = _spelled
    mo.md(f"60 merges looked at the top {tops} times, and {stale} of these entries were out of date.")
    return found, stale, tops


@app.cell
def _(found, frequent, stale, start, tops):
    _expected = start
    for _pair in train_bpe(frequent, 60):
        _expected = {word: merge_pair(symbols, _pair) for word, symbols in _expected.items()}
    assert found == _expected, "the same words, spelled in the same tokens"
    assert tops == 60 + stale
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Only the words that hold the pair

    Each pair keeps a list of the words it stands in, so a merge visits those and no others. After the first merges these lists are short:
    the curve is the share of words that merge number n touches.
    """)
    return


@app.cell
def _(words):
    _learned = train_bpe_fast(words, 120)
    _spelled = {word: [bytes([byte]) for byte in word] for word in words}
    visited = []
    for _pair in _learned:
        _changed = {word: merge_pair(symbols, _pair) for word, symbols in _spelled.items()}
        visited.append(sum(len(_changed[word]) < len(_spelled[word]) for word in words) / len(words))
        _spelled = _changed
    plots.lines(
        list(range(1, 121)),
        {"words touched": visited},
        x="merge",
        y="share of all words",
        title="Most merges touch few words",
    )
    return (visited,)


@app.cell
def _(visited):
    assert sum(visited[60:]) < sum(visited[:60])
    assert sum(visited) / len(visited) < 0.1, "on average not one word in ten"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same merges

    Whatever is done to be fast, the merges must be those of the definition, in the same order, ties included.
    """)
    return


@app.cell
def _(stories, words):
    _few = dict(sorted(words.items(), key=lambda one: (-one[1], one[0]))[:300])
    _started = time.perf_counter()
    slow = train_bpe(_few, 100)
    _slow = time.perf_counter() - _started
    train_bpe_fast(_few, 2)
    _started = time.perf_counter()
    quick = train_bpe_fast(_few, 100)
    _quick = time.perf_counter() - _started
    mo.md(
        f"100 merges of 300 words: {_slow * 1e3:.0f} ms by the definition, {_quick * 1e3:.1f} ms by corrected counts, on this machine."
    )
    return quick, slow


@app.cell
def _(quick, slow):
    assert quick == slow
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the control to later merges: fewer pairs change. Which early merge changes most?
    - Take a text with long runs of one letter: why are `aaa` and its pairs the hard case?
    - Shuffle the words before training. Why are the merges the same?

    Write it yourself: `groundup learn start train_bpe`
    """)
    return


if __name__ == "__main__":
    app.run()
