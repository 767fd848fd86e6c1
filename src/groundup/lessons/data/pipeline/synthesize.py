"""Lesson: training text that a model writes: templates, several answers each, a filter, a card, and what comes of learning from oneself."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Text that nobody wrote", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.data.documents import read_documents
    from groundup.data.pipeline.steps import Length, Match
    from groundup.data.pipeline.synthesize import SynthesisConfig, prompt, synthesize
    from groundup.data.sources import tinyworld
    from groundup.text.ngram.language import NgramConfig, train


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Text that nobody wrote

    Where there is no text of a kind, a model can write some: a template asks, the model answers several times, and a check keeps what
    is good. Afterwards you know what draws the prompts, why several answers are asked for, what a killed run loses, and what becomes of
    models that learn from nothing but models.
    """)
    return


@app.cell
def _():
    stories = [one.text for one in tinyworld.sample(0, 400)]
    writer = train(stories, NgramConfig(order=3, min_count=1))  # knows three words at a time, and writes as it knows
    places = ["kitchen", "garden", "park", "castle", "museum", "library", "orchard", "market"]
    config = SynthesisConfig(
        templates=("{name} is in the", "Now {name} is in the", "Where is {name} ? In the"),
        lists={"name": ["Mira", "Tom", "Clara", "Ben", "Ana"]},
        prompts=40,
        rollouts=5,
        portion=10,
    )
    checks = (
        Match(pattern=rf"[Ii]n the ({'|'.join(places)}) \.", drop_matching=False),
        Length(min_characters=30),
    )

    def made(temperature, out, generate=None):
        """The report of a run, and what was kept. generate: what writes; left out, the model."""

        def write(asked, seed):
            return writer.generate(asked, 8, seed=seed, temperature=temperature)

        report = synthesize(config, generate or write, out, model=f"trigrams at {temperature}", steps=checks)
        kept = [one for path in sorted((Path(out) / "documents").iterdir()) for one in read_documents(path)]
        return report, kept

    with tempfile.TemporaryDirectory() as _folder:
        report, kept = made(0.7, Path(_folder) / "out")
        card = (Path(_folder) / "out" / "README.md").read_text()
    mo.md(
        f"A model of three words writes {config.prompts * config.rollouts} answers, and checks keep **{report['kept']}**. One of them: "
        f"*{kept[3].text}*"
    )
    return card, checks, config, kept, made, places, report, stories, writer


@app.cell
def _(config, kept, places, report):
    _steps = report["steps"]
    assert _steps[0]["seen"] == config.prompts * config.rollouts and report["kept"] == len(kept)
    assert all(before["kept"] == after["seen"] for before, after in zip(_steps, _steps[1:], strict=False))
    assert all(any(f"n the {place} ." in one.text for place in places) for one in kept)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A prompt is a function of its number

    A template has names in braces, and each is filled from a list. The draw for prompt 17 is made from the seed and the number 17
    alone. So one can ask for a hundred today and for a thousand tomorrow, and the first hundred are the same.
    """)
    return


@app.cell
def _(config):
    more = SynthesisConfig(templates=config.templates, lists=config.lists, prompts=4_000)
    asked = [prompt(config, number)[0] for number in range(config.prompts)]
    mo.md(
        "\n".join(f"- {number}: *{text}*" for number, text in enumerate(asked[:5]))
        + f"\n\nAnd {len(set(asked))} different ones among {len(asked)}."
    )
    return asked, more  # fmt: skip


@app.cell
def _(asked, config, kept, more):
    assert [prompt(more, number)[0] for number in range(config.prompts)] == asked
    assert len(set(asked)) <= len(config.templates) * len(config.lists["name"]) == 15
    assert all(one.metadata["prompt"] == asked[int(one.id.partition("/")[0])] for one in kept), (
        "each says what was asked"
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why several answers?

    The checks can tell good from bad, and the model does not do well every time. Asking five times and keeping what passes is then
    the cheapest way to better text: the check teaches, not the model. How wild may the answers be? A cautious model passes more
    often, and says the same again, to this prompt and to the next.
    """)
    return


@app.cell
def _():
    temperature = mo.ui.slider(steps=[0.1, 0.3, 0.5, 0.7, 1.0, 1.5], value=0.7, label="temperature", show_value=True)
    temperature
    return (temperature,)


@app.cell
def _(made, temperature):
    with tempfile.TemporaryDirectory() as _folder:
        _report, _kept = made(temperature.value, Path(_folder) / "out")
    new = len({one.text for one in _kept})
    fates = {
        "kept, new": new,
        "kept, as to another prompt": _report["kept"] - new,
        **{reason: count for step in _report["steps"] for reason, count in sorted(step["dropped"].items())},
    }
    plots.value_bars(
        {"answers": fates},
        y="answers",
        title=f"At temperature {temperature.value}: {_report['kept']} of {sum(fates.values())} kept, {new} of them new",
    )
    return fates, new


@app.cell
def _(config, fates, new, temperature):
    assert sum(fates.values()) == config.prompts * config.rollouts, "each answer has one fate"
    if temperature.value == 0.1:
        assert fates["the same answer again"] > 40 and new < 110, "it repeats itself"
    if temperature.value == 0.3:
        assert new > 130, "in between is most"
    if temperature.value == 1.5:
        assert new < 20, "and here nearly nothing passes"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The power fails

    Writing is the expensive part. So the work goes in portions of prompts, each a file that is there whole or not at all, and every
    answer has a seed that follows from its number. Here the power fails at the 120th answer. What is asked afterwards, and is the
    result another?
    """)
    return


@app.cell
def _(config, made, writer):
    def _counting(log, most):
        def write(asked, seed):
            if len(log) == most:
                raise InterruptedError("power")
            log.append(seed)
            return writer.generate(asked, 8, seed=seed)

        return write

    with tempfile.TemporaryDirectory() as _folder:
        _whole, _broken = Path(_folder) / "whole", Path(_folder) / "broken"
        seeds = {"never": [], "first try": [], "second try": []}
        made(0.7, _whole, _counting(seeds["never"], None))
        try:
            made(0.7, _broken, _counting(seeds["first try"], 120))
        except InterruptedError:
            pass
        made(0.7, _broken, _counting(seeds["second try"], None))
        equal = all(
            path.read_bytes() == (_broken / path.relative_to(_whole)).read_bytes()
            for path in _whole.rglob("*")
            if path.is_file()
        )
    wasted = len(seeds["first try"]) + len(seeds["second try"]) - config.prompts * config.rollouts
    mo.md(
        f"Asked again: {len(seeds['second try'])} answers, **{wasted}** of them for the second time, those of the portion that was not "
        "finished. "
        f"All files are the same byte for byte: {equal}."
    )
    return equal, seeds, wasted


@app.cell
def _(config, equal, seeds, wasted):
    assert equal and len(set(seeds["never"])) == config.prompts * config.rollouts, "every answer has a seed of its own"
    assert wasted == 120 % (config.portion * config.rollouts) == 20
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whose text is this?

    In ten years nobody will see that these sentences had no author. So the folder says so itself, in a card that the run writes,
    and every document has its prompt and its seed.
    """)
    return


@app.cell
def _(card):
    mo.md("\n".join(f"> {line}" if line else ">" for line in card.replace("# ", "").splitlines()[:8]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Learning from oneself

    Now without any check: a model writes 200 texts, the next one learns from these, writes 200, and so on. What is rare has a
    chance to be missing from a sample, and what is missing is never written again. Shumailov et al. (2024, Nature 631) call it
    model collapse. Choose how much of the real text stays in the mixture.
    """)
    return


@app.cell
def _():
    real = mo.ui.slider(0.0, 1.0, step=0.25, value=0.0, label="part of the texts that stays real", show_value=True)
    real
    return (real,)


@app.cell
def _(real, stories):
    _held = [one.text for one in tinyworld.sample(0, 60, split="heldout")]
    generations = list(range(5))
    _texts, surprise, words = stories[:200], [], []
    for _generation in generations:
        _model = train(_texts, NgramConfig(order=3, min_count=1))
        surprise.append(float(np.log2(_model.perplexity(_held))))
        words.append(len({word for text in _texts for word in text.split()}))
        _kept = int(200 * real.value)
        _written = [_model.generate("", 60, seed=1_000 * _generation + at) for at in range(200 - _kept)]
        _texts = stories[:_kept] + _written
    plots.lines(
        generations,
        {"surprise by real text": surprise},
        x="generation",
        y="bits a word",
        marked=True,
        levels={"at the beginning": surprise[0]},
        title=f"Known words: {words[0]:,} at first, {words[-1]:,} in the end",
    )
    return generations, surprise, words


@app.cell
def _(real, surprise, words):
    if real.value == 0:
        assert surprise == sorted(surprise) and surprise[-1] > surprise[0] + 1.5, "worse with every generation"
        assert words[-1] < words[1]
    if real.value == 1:
        assert len(set(surprise)) == 1, "nothing was written, nothing is lost"
    if 0 < real.value < 1:
        assert surprise[-1] - surprise[-2] < 0.4, "the real part holds it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Without real text each generation is worse. With a quarter of it, where does the line settle?
    - At temperature 0.1 the checks drop little, and half is new. What would more rollouts bring there, and what at 1.5?
    - With a model of yours: `groundup data synthesize MODEL --recipe FILE.toml --out synthetic`, then read synthetic/README.md.
    """)
    return


if __name__ == "__main__":
    app.run()
