"""Lesson: the language of a text, from counts of three bytes, how much text that takes, and how sure such a model may be."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Which language is this?", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.clean.language import SHORTEST, byte_ngrams, identify, judge, language_posterior
    from groundup.errors import MissingExtra


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Which language is this?

    A crawl brings hundreds of languages, and a model for one of them is spoiled by the others' pages. Nobody writes down their grammars
    for that: the language of a text shows in its smallest pieces. Afterwards you can tell seven languages apart with a few
    sentences of each, and you know when such a model must not be believed.
    """)
    return


@app.cell
def _():
    learned = {  # the Universal Declaration of Human Rights, articles 1, 3 and 4
        "en": "All human beings are born free and equal in dignity and rights. They are endowed with reason and conscience and should"
        " act towards one another in a spirit of brotherhood. Everyone has the right to life, liberty and security of person. "
        "No one shall be held in slavery or servitude; slavery and the slave trade shall be prohibited in all their forms.",
        "de": "Alle Menschen sind frei und gleich an Würde und Rechten geboren. Sie sind mit Vernunft und Gewissen begabt und sollen "
        "einander im Geist der Brüderlichkeit begegnen. Jeder hat das Recht auf Leben, Freiheit und Sicherheit der Person. "
        "Niemand darf in Sklaverei oder Leibeigenschaft gehalten werden; Sklaverei und Sklavenhandel sind in allen ihren Formen"
        " verboten.",
        "nl": "Alle mensen worden vrij en gelijk in waardigheid en rechten geboren. Zij zijn begiftigd met verstand en geweten, en "
        "behoren zich jegens elkander in een geest van broederschap te gedragen. Een ieder heeft het recht op leven, vrijheid "
        "en onschendbaarheid van zijn persoon. Niemand zal in slavernij of horigheid gehouden worden. Slavernij en slavenhandel"
        " in iedere vorm zijn verboden.",
        "fr": "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et "
        "doivent agir les uns envers les autres dans un esprit de fraternité. Tout individu a droit à la vie, à la liberté et à"
        " la sûreté de sa personne. Nul ne sera tenu en esclavage ni en servitude; l'esclavage et la traite des esclaves sont "
        "interdits sous toutes leurs formes.",
        "es": "Todos los seres humanos nacen libres e iguales en dignidad y derechos y, dotados como están de razón y conciencia, "
        "deben comportarse fraternalmente los unos con los otros. Todo individuo tiene derecho a la vida, a la libertad y a la "
        "seguridad de su persona. Nadie estará sometido a esclavitud ni a servidumbre; la esclavitud y la trata de esclavos "
        "están prohibidas en todas sus formas.",
        "pt": "Todos os seres humanos nascem livres e iguais em dignidade e em direitos. Dotados de razão e de consciência, devem "
        "agir uns para com os outros em espírito de fraternidade. Todo o indivíduo tem direito à vida, à liberdade e à "
        "segurança pessoal. Ninguém será mantido em escravatura ou em servidão; a escravatura e o trato dos escravos, sob todas"
        " as formas, são proibidos.",
        "it": "Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti. Essi sono dotati di ragione e di coscienza e "
        "devono agire gli uni verso gli altri in spirito di fratellanza. Ogni individuo ha diritto alla vita, alla libertà ed "
        "alla sicurezza della propria persona. Nessun individuo potrà essere tenuto in stato di schiavitù o di servitù; la "
        "schiavitù e la tratta degli schiavi saranno proibite.",
    }
    profiles = {code: byte_ngrams(text) for code, text in learned.items()}
    sentence = "The river rises in the hills to the north and runs through the valley."
    sure = language_posterior(byte_ngrams(sentence), profiles)
    _second, _first = sorted(sure.values())[-2:]
    mo.md(
        f"Seven languages, {sum(map(len, learned.values())):,} characters in all, none of them about a river. *{sentence}* "
        f"English is likelier than any other by **{_first / _second:,.0f} to one**."
    )
    return learned, profiles, sentence, sure


@app.cell
def _(profiles, sure):
    assert abs(sum(sure.values()) - 1) < 1e-9 and set(sure) == set(profiles)
    assert sure["en"] > 0.999
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three bytes

    What was counted are all runs of three bytes, blanks among them. No word list is needed, no alphabet, and no rule where a word
    ends, so Chinese needs no other program than English. An ü is two bytes, and so a run of its own.
    """)
    return


@app.cell
def _(profiles):
    def shown(gram):
        """A run of bytes to read, a blank as a visible one."""
        return gram.decode(errors="replace").replace(" ", "␣").replace("\ufffd", "·")

    top = {code: [gram for gram, _ in counts.most_common(8)] for code, counts in profiles.items()}
    mo.md(
        "| | the eight most frequent |\n|---|---|\n"
        + "\n".join(f"| {code} | {' '.join(f'`{shown(gram)}`' for gram in grams)} |" for code, grams in top.items())
    )
    return shown, top


@app.cell
def _(top):
    assert byte_ngrams("then the")[b"the"] == 2
    assert byte_ngrams("ü", 2) == {"ü".encode(): 1}, "two bytes"
    assert b"the" in top["en"] and b"und" in top["de"] and b" et" in top["fr"], "small words are frequent everywhere"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a run of bytes says

    A text's probability in a language is taken to be the product over its runs, as if each was drawn on its own. With $c$ for
    the counts of a language and $V$ for the kinds of runs that were met anywhere,

    $$p(\text{run} \mid \text{language}) = \frac{c(\text{run}) + 1}{\sum c + V}$$

    The 1 is for what was not met: after 300 letters of French nearly everything is still to come, and one zero would make the whole
    product zero. Below: what each run of the sentence says for English and against Dutch, in bits.
    """)
    return


@app.cell
def _(profiles, sentence, shown):
    kinds = len(set().union(*profiles.values()))

    def bits(gram, code):
        """The logarithm of what the formula gives."""
        counts = profiles[code]
        return float(np.log2((counts.get(gram, 0) + 1) / (sum(counts.values()) + kinds)))

    _known = [gram for gram in byte_ngrams(sentence) if any(gram in counts for counts in profiles.values())]
    speaks = {gram: bits(gram, "en") - bits(gram, "nl") for gram in _known}
    _strong = sorted(speaks, key=speaks.get)
    _strong = _strong[:6] + _strong[-14:]
    plots.value_bars(
        {"bits": {shown(gram): speaks[gram] for gram in _strong}},
        x="run of three bytes",
        y="bits for English, against Dutch",
        title="A few runs decide",
    )
    return bits, kinds, speaks


@app.cell
def _(profiles, sentence, speaks):
    _found = byte_ngrams(sentence)
    _pair = language_posterior(_found, {code: profiles[code] for code in ("en", "nl")})
    assert speaks[b"the"] > 2 and min(speaks.values()) < 0, "some speak for the wrong one"
    assert sum(times * speaks.get(gram, 0) for gram, times in _found.items()) > 20
    assert _pair["en"] > 0.999
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How much text does it take?

    Other sentences, about a river and a market, are cut into pieces of so many letters. How often is the language right? Choose how
    long a run of bytes is.
    """)
    return


@app.cell
def _():
    asked = {
        "en": "The river rises in the hills to the north and runs through the valley. On Monday the farmers bring their cheese to the"
        " market.",
        "de": "Der Fluss entspringt in den Hügeln im Norden und fließt durch das Tal. Am Montag bringen die Bauern ihren Käse auf den"
        " Markt.",
        "nl": "De rivier ontspringt in de heuvels in het noorden en stroomt door het dal. Op maandag brengen de boeren hun kaas naar "
        "de markt.",
        "fr": "La rivière prend sa source dans les collines du nord et traverse la vallée. Le lundi les paysans apportent leur "
        "fromage au marché.",
        "es": "El río nace en las colinas del norte y atraviesa todo el valle. El lunes los campesinos llevan su queso al mercado del"
        " pueblo.",
        "pt": "O rio nasce nas colinas do norte e atravessa todo o vale. Na segunda-feira os camponeses levam o seu queijo ao mercado"
        " da vila.",
        "it": "Il fiume nasce nelle colline del nord e attraversa tutta la valle. Il lunedì i contadini portano il loro formaggio al "
        "mercato.",
    }
    return (asked,)


@app.cell
def _():
    length = mo.ui.slider(1, 5, value=3, label="bytes in a run", show_value=True)
    length
    return (length,)


@app.cell
def _(asked, learned, length):
    pieces = [5, 10, 20, 40, 80]
    _profiles = {code: byte_ngrams(text, length.value) for code, text in learned.items()}

    def _guessed(text):
        """The most likely language."""
        posterior = language_posterior(byte_ngrams(text, length.value), _profiles)
        return max(posterior, key=posterior.get)

    right = {
        code: [
            float(np.mean([_guessed(text[at : at + size]) == code for at in range(0, len(text) - size + 1, 3)]))
            for size in pieces
        ]
        for code, text in asked.items()
    }
    average = np.mean(list(right.values()), axis=0)
    plots.lines(
        pieces,
        {"all seven": average, "es": right["es"], "de": right["de"]},
        x="letters",
        y="right",
        marked=True,
        levels={"guessing": 1 / 7},
        title=f"Runs of {length.value}: {average[2]:.0%} right with {pieces[2]} letters",
    )
    return average, pieces, right


@app.cell
def _(average, length):
    assert average[-1] > average[0], "more text, surer"
    if length.value in (2, 3):
        assert average[-1] > 0.9 and average[0] < 0.75
    if length.value == 1:
        assert average[-1] < 0.9, "letters alone hardly tell Spanish from Portuguese"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Too sure of itself

    Here English words give way to Spanish ones, a word at a time. At half and half, honest would be one half. But
    the runs are not drawn on their own: each shares two bytes with the next, and a word brings four at once. So the product counts
    the same evidence several times, and
    the model jumps from one certainty to the other.
    """)
    return


@app.cell
def _(asked, profiles):
    _english, _spanish = (asked[code].split()[:22] for code in ("en", "es"))
    changed = list(range(23))
    _mixed = [language_posterior(byte_ngrams(" ".join(_spanish[:n] + _english[n:])), profiles) for n in changed]
    curves = {code: [one[code] for one in _mixed] for code in ("en", "es")}
    between = sum(0.05 < value < 0.95 for value in curves["en"])
    plots.lines(
        changed,
        curves,
        x="Spanish words, of 22",
        y="probability",
        marked=True,
        levels={"a usual threshold": 0.65},
        title=f"Of {len(changed)} mixtures the model doubts {between}",
    )
    return between, changed, curves


@app.cell
def _(between, changed, curves):
    assert curves["en"][0] > 0.999 and curves["es"][-1] > 0.999
    assert between <= len(changed) // 5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    FineWeb keeps pages whose probability, by another kind of model, is 0.65 or more (Penedo et al. 2024). By one like this, such a
    threshold takes out little besides other languages: a page that is half menu in English passes with 1.00, or is gone. And of a
    few words even a good model says something with confidence. So the library asks nobody below 20 letters: such a text is `und`,
    undetermined.

    ## The real one

    The library's judge is such a model, with some hundred languages and runs of one to four bytes that were chosen for what they tell
    (Lui, Baldwin 2012). It is a package of its own.
    """)
    return


@app.cell
def _(asked):
    def _said(text):
        """The package's language, or how to get the package."""
        try:
            return identify(text).code
        except MissingExtra as error:
            return str(error)

    answers = {text: _said(text) for text in [*(one.split(". ")[0] for one in asked.values()), "Hello there"]}
    mo.md("| text | language |\n|---|---|\n" + "\n".join(f"| {text} | {code} |" for text, code in answers.items()))
    return (answers,)


@app.cell
def _(answers, asked):
    _codes = list(answers.values())
    if "pip install" not in _codes[0]:
        assert _codes == [*asked, "und"]
        assert judge(asked["es"], ["en"]) == "language es, wanted en" and judge(asked["en"], ["en"]) is None
    assert sum(map(str.isalpha, "Hello there")) < SHORTEST
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Runs of 1: single letters confuse neighbours. Of 5: more is new in every text, and short pieces are left to chance.
    - Take Portuguese out of `learned`: where do its sentences go, and with what probability?
    - In a pipeline: `kind = "language"`, `wanted = ["en"]`; then `groundup data inspect OUT --step language` shows what was dropped.

    Write it yourself: `groundup learn start language_posterior`
    """)
    return


if __name__ == "__main__":
    app.run()
