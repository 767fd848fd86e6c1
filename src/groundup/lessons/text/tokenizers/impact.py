"""Lesson: the same sums cut differently, and what that does to learning."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="What a tokenizer lets a model learn", width="medium")

with app.setup:
    from collections import Counter

    import marimo as mo

    from groundup import plots
    from groundup.text.tokenizers.impact import (
        Result,
        additions,
        arithmetic,
        cut,
        from_left,
        from_right,
        spelled,
        spelling,
        study,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # What a tokenizer lets a model learn

    A model never sees a number or a word: it sees tokens. Cut the same sums in another way, and the same model learns
    them or does not. Afterwards you know
    why the order of digits matters, what chunks of three do, and why a model can fail to spell a word that it uses
    well.
    """)
    return


@app.cell
def _():
    measured = {
        "digits": (0.030, 0.058, 0.542),
        "digits, last first": (1.000, 1.000, 0.724),
        "chunks from the left": (0.062, 0.056, 0.078),
        "chunks from the right": (0.088, 0.172, 0.136),
    }
    _means = {way: sum(one) / 3 for way, one in measured.items()}
    mo.md(
        f"A small transformer (two layers, 64 wide), 1,200 steps on 7,500 sums of up to three digits: new sums right, digit by digit, "
        f"**{_means['digits']:.0%}**. With the answer's digits written from the last to the first: **{_means['digits, last first']:.0%}**."
    )
    return (measured,)


@app.cell
def _(measured):
    assert sum(measured["digits, last first"]) > 3 * sum(measured["digits"]) and min(
        measured["digits, last first"]
    ) > max(measured["digits"])
    assert sum(measured["chunks from the right"]) > sum(measured["chunks from the left"])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    These are the figures of one run of `benchmarks/text/tokenizers/impact.py` with three seeds each; the seeds differ
    much, so only large differences mean something.
    More steps would lift all of them: what is compared is how soon.
    """)
    return


@app.cell
def _(measured):
    plots.value_bars(
        {f"seed {seed}": {way: one[seed] for way, one in measured.items()} for seed in range(3)},
        y="sums right, of 500 new ones",
        title="The same sums, the same model, another tokenizer",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four ways to cut a number

    Single digits, in both orders of the answer, or chunks. Counted from the left, as published split patterns do it, a
    chunk's value depends on how long the
    number is: in 1234 the chunk 123 means a thousand and more, in 123 it does not. Counted from the right, thousands
    stay thousands.
    """)
    return


@app.cell
def _():
    number = mo.ui.dropdown(["123", "1234", "12345", "123456", "1234567"], value="1234", label="number")
    number
    return (number,)


@app.cell
def _(number):
    left, right = from_left(number.value), from_right(number.value)
    plots.value_bars(
        {
            "from the left": {f"token {place}": int(chunk) for place, chunk in enumerate(left, 1)},
            "from the right": {f"token {place}": int(chunk) for place, chunk in enumerate(right, 1)},
        },
        y="the token's own number",
        title=f"{number.value}: {' '.join(left)} from the left, {' '.join(right)} from the right",
    )
    return left, right


@app.cell
def _(left, number, right):
    assert "".join(left) == "".join(right) == number.value
    assert sum(int(chunk) * 1000**place for place, chunk in enumerate(reversed(right))) == int(number.value), (
        "a digit of base 1000"
    )
    assert left == right or len(number.value) % 3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the first token depends on

    The model writes the answer from the left. What must it know for the first token? If the last digit comes first,
    only the last digits of both numbers. If
    the first digit comes first, it may need all of them: a carry can run through from the other end. No large model is
    needed to see that: look the answer's first token up
    by a part of the question, and count how often the commonest answer is right.
    """)
    return


@app.cell
def _():
    problems = additions(4_000, 2, seed=1)
    _ends = {
        "last digit first, by both last digits": lambda a, b, total: ((a[-1], b[-1]), total[-1]),
        "first digit first, by both last digits": lambda a, b, total: ((a[-1], b[-1], len(a), len(b)), total[0]),
        "first digit first, by both first digits": lambda a, b, total: ((a[0], b[0], len(a), len(b)), total[0]),
    }
    sure = {}
    for _name, _look in _ends.items():
        _counts = Counter(_look(a, b, total) for (a, b), total in problems)
        _commonest = {key: count for (key, _), count in sorted(_counts.items(), key=lambda item: item[1])}
        sure = {**sure, _name: sum(_commonest.values()) / len(problems)}
    plots.value_bars(
        {"right": sure}, y="share of first tokens", title="Two digits decide the last digit, but not the first"
    )
    return problems, sure


@app.cell
def _(problems, sure):
    assert sure["last digit first, by both last digits"] == 1.0
    assert sure["first digit first, by both last digits"] < sure["first digit first, by both first digits"] < 1.0
    assert all(int(a) + int(b) == int(total) for (a, b), total in problems)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The price of digits

    Digits are easy and long: the same sum in chunks has fewer tokens, but more ids, each of which is seen less often.
    """)
    return


@app.cell
def _(problems):
    tasks = {way: cut(problems[:3_500], problems[3_500:], how) for way, how in arithmetic(2).items()}
    _long = next(place for place, (_, total) in enumerate(problems) if len(total) == 3)
    _rows = [
        f"| {way} | {len(task.vocabulary)} | {task.longest} | {' '.join(task.vocabulary.decode([*task.train[_long].question, 2, *task.train[_long].answer]))} |"
        for way, task in tasks.items()
    ]
    mo.md("| | ids | longest example | one example |\n|---|---|---|---|\n" + "\n".join(_rows))
    return (tasks,)


@app.cell
def _(tasks):
    assert tasks["digits"].longest > tasks["chunks from the left"].longest
    assert len(tasks["digits"].vocabulary) < 20 < len(tasks["chunks from the left"].vocabulary)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Spelling

    A word that is one token hides its letters. Asked to spell it, a model can only know what it was told for that very
    token; for a new word there is nothing. From pieces it
    can learn how each is spelled.
    """)
    return


@app.cell
def _():
    _words = ["walking", "talking", "walked", "talked", "parking", "parked", "marking", "marked"]
    shown = {way: how.question("talking") for way, how in spelling(_words, merges=12).items()}
    mo.md("\n".join(f"- {way}: " + " ".join(f"`{token}`" for token in tokens) for way, tokens in shown.items()))
    return (shown,)


@app.cell
def _(shown):
    assert shown["one token a word"] == ["talking"] and shown["letters"] == list("talking")
    assert 1 < len(shown["pieces"]) < 7 and "".join(shown["pieces"]) == "talking"
    _new = cut(spelled(["walk"]), spelled(["park"]), spelling(["walk"], 0)["one token a word"])
    assert _new.vocabulary.decode(_new.test[0].question) == ["<unk>"], "a new word is nothing at all"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Measured by the same benchmark (`--task spelling --steps 800`): 2,000 words of Python's documentation were told, 400
    others asked. From letters it is
    copying, and what still fails are words with repeated letters; from pieces a quarter to a third is right; from whole
    words nothing can be.
    """)
    return


@app.cell
def _():
    spelled_right = {
        "letters": (0.938, 0.938, 0.938),
        "pieces": (0.305, 0.252, 0.300),
        "one token a word": (0.0, 0.0, 0.0),
    }
    plots.value_bars(
        {f"seed {seed}": {way: one[seed] for way, one in spelled_right.items()} for seed in range(3)},
        y="new words spelled right, of 400",
        title="What a token hides cannot be spelled",
    )
    return (spelled_right,)


@app.cell
def _(spelled_right):
    assert min(spelled_right["letters"]) > max(spelled_right["pieces"]) > max(spelled_right["one token a word"]) == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A study

    `study` trains with every seed on every way. This room knows no model, so the function that trains is given: here
    one that learns by heart, which fails on
    every new sum, as it must.
    """)
    return


@app.cell
def _(tasks):
    def by_heart(task, seed):
        """Knows the examples that it has seen and guesses no other."""
        known = {one.question: one.answer for one in task.train}
        return sum(known.get(one.question) == one.answer for one in task.test) / len(task.test)

    results: dict[str, Result] = study(by_heart, tasks, seeds=(0, 1, 2))
    plots.value_bars(
        {"accuracy": {way: one.mean for way, one in results.items()}},
        y="new sums right",
        title="Learned by heart: nothing",
    )
    return by_heart, results


@app.cell
def _(results):
    assert all(one.mean == 0 for one in results.values()), "no sum was asked that had been told"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Choose 123 and 1234 in the list: from the left, 123 is the first token of both.
    - Run the benchmark with `--steps 3000`: which way gains most?
    - What would you do with dates, prices and telephone numbers?
    """)
    return


if __name__ == "__main__":
    app.run()
