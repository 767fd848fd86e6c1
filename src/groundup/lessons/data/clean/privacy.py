"""Lesson: numbers that prove what they are: how cards and accounts are told from prices and dates."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Masking what leads to a person", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.privacy import is_card, is_iban, luhn, mask


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Masking what leads to a person

    A model repeats addresses and numbers that stood in its training text (Carlini et al. 2021). They must go before training. But
    text is full of numbers,
    and most are prices, dates and measures. Afterwards you can say which numbers prove themselves, and how sure that is.
    """)
    return


@app.cell
def _():
    text = (
        "Write to anna.berg@example.org, or pay 4539 1488 0343 6467 and 1,234,567 euros to GB82 WEST 1234 5698 7654 32. "
        "The serial number 4539 1488 0343 6468 is none of a card."
    )
    masked, found = mask(text)
    mo.md(f"**{len(found)}** things in this text lead to a person:\n\n> {masked.replace('<', '&lt;')}")
    return found, masked, text


@app.cell
def _(found, masked):
    assert len(found) == 3 and "anna" not in masked and "1,234,567" in masked
    assert "4539 1488 0343 6468" in masked, "one digit more, and it is no card's number"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The check digit

    The last digit of a card's number follows from the others (Luhn 1960). From the right every second digit is doubled, 9 is
    taken from what is then more than 9, and
    the sum of all is divisible by ten.
    """)
    return


@app.cell
def _():
    digits = "79927398713"
    _values = [int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits))]
    added = [value - 9 * (value > 9) for value in _values]
    mo.md(f"`{digits}` from the right: {_values} → {added}, together **{sum(added)}**.")
    return added, digits


@app.cell
def _(added, digits):
    assert sum(added) == 70 and luhn(digits)
    assert [luhn(digits[:-1] + str(last)) for last in range(10)].count(True) == 1, "one last digit of ten fits"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    It was made against typing errors: any single wrong digit is found, and nearly every two that were exchanged. For us it is
    evidence: of ten numbers that are no cards, nine are found out.

    ## How much is that worth?

    Here are 20,000 random numbers of so many digits. One in ten passes the check. A card also has a known beginning and the
    length that goes with it, and only both
    together are convincing.
    """)
    return


@app.cell
def _():
    length = mo.ui.slider(12, 19, value=16, label="digits", show_value=True)
    length
    return (length,)


@app.cell
def _(length):
    _draw = np.random.default_rng(0)
    _numbers = ["".join(map(str, row)) for row in _draw.integers(0, 10, (20_000, length.value)).tolist()]
    passed = float(np.mean([luhn(number) for number in _numbers]))
    cards = float(np.mean([is_card(number) for number in _numbers]))
    plots.value_bars(
        {"of random numbers": {"check digit": passed, "a card's in all": cards}},
        y="part",
        title=f"{passed:.1%} have the check digit, {cards:.2%} also the beginning and length of a card",
    )
    return cards, passed


@app.cell
def _(cards, length, passed):
    assert abs(passed - 0.1) < 0.01
    assert cards < passed / 2
    assert length.value != 12 or cards == 0, "no card has 12 digits"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Accounts

    An IBAN is better protected: its letters become numbers, its first four characters go to the end, and the whole has the
    remainder 1 modulo 97 (ISO 13616). Of random ones about one
    in a hundred passes; with the length that its country asks for hardly any.
    """)
    return


@app.cell
def _():
    account = "GB82 WEST 1234 5698 7654 32"
    _plain = account.replace(" ", "")
    number = int("".join(str(int(character, 36)) for character in _plain[4:] + _plain[:4]))
    _others = [f"GB{at:02} WEST 1234 5698 7654 32" for at in range(2, 99)]
    valid = sum(map(is_iban, _others))
    mo.md(
        f"`{account}` becomes {number}, and that modulo 97 is **{number % 97}**. Of its {len(_others)} possible check numbers {valid} fits."
    )
    return account, number, valid


@app.cell
def _(account, number, valid):
    assert number % 97 == 1 and is_iban(account) and valid == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What no check digit has

    An e-mail address shows itself by its form. A telephone number does not: ten digits may be anything, so it is masked only with
    a country's prefix, in a usual way of writing, or after
    a word such as *call*. Names and streets have no form at all; they need a tagger, which errs far more often, and are left.
    """)
    return


@app.cell
def _():
    sentences = ["Call 030 1234567.", "Ring +49 30 1234567 at noon.", "In 2019 there were 0301234567 grains."]
    after = [mask(one)[0] for one in sentences]
    mo.md("\n".join(f"- {one} → {other.replace('<', '&lt;')}" for one, other in zip(sentences, after, strict=True)))
    return after, sentences


@app.cell
def _(after, sentences):
    assert [one != other for one, other in zip(sentences, after, strict=True)] == [True, True, False]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Exchange two neighbouring digits of a card's number. Which pair is not noticed? (Try 0 and 9.)
    - How many e-mail addresses are in your own corpus? `groundup data profile` and a pipeline with `pii` say so.
    - What is lost when a masked text is trained on: does the model then write `<EMAIL>`?

    Write it yourself: `groundup learn start luhn`
    """)
    return


if __name__ == "__main__":
    app.run()
