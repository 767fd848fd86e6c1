"""Lesson: a model that goes on with text of another kind: what it learns, what it forgets, and how little of the old text holds it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="New text, and what is forgotten", width="medium")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.training.loop import train
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.domain import Domain, bits_of, change, mixed


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # New text, and what is forgotten

    A model of one kind of text shall read another: laws, code, a dialect. It goes on training, and nobody looks at what it loses.
    Afterwards you can measure both
    sides in one unit, and say what a tenth of old text among the new is worth.
    """)
    return


@app.cell
def _():
    old = Domain(
        "tales",
        ["the queen walks to the garden and the fox sleeps. the fox sleeps in the garden. "] * 30,
        ["the fox walks to the garden. "] * 4,
    )
    new = Domain(
        "rules",
        ["if x then y else z; if y then z else x; return z; return x; "] * 30,
        ["if z then x else y; return y; "] * 4,
    )
    tokenizer = train_tokenizer([*old.train[:2], *new.train[:2]], TokenizerConfig(vocab_size=290))
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp())

    def told(replay, steps):
        """The numbers of a run."""
        return TuneConfig(
            task="domain", data="rules", replay=replay, steps=steps, batch_size=8, seq_len=32, learning_rate=0.006, matrix_learning_rate=0.02,
            warmup_steps=0, checkpoint_every=0,
        )  # fmt: skip

    def learn(module, first, second, replay, steps=20):
        """Train on the first kind with a share of the second."""
        loader = mixed(first, second, tokenizer, told(replay, steps), folder / f"{first.name}-{replay}")
        train(module, loader.batch, told(replay, steps).training(steps))
        return module

    start = learn(build(config, seed=0), old, new, 0.0)
    before = bits_of(start, tokenizer, [new, old])
    mo.md(
        f"A model of tales needs {before[1].per_byte:.2f} bits for a byte of a tale and **{before[0].per_byte:.2f}** for a byte of a rule."
    )
    return before, config, folder, learn, new, old, start, tokenizer, told


@app.cell
def _(before):
    assert before[1].per_byte + 0.5 < before[0].per_byte, (before[1].per_byte, before[0].per_byte)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The unit is the byte

    Loss a token depends on how text is cut, bits a byte do not: so tales and rules can be compared, and the same documents are
    measured before and after. The change
    has an interval over the documents: below 0 something was learned, above 0 something was forgotten.

    Now the model goes on with rules. Choose which share of the rows stays old.
    """)
    return


@app.cell
def _():
    replay = mo.ui.slider(
        steps=[0.0, 0.05, 0.1, 0.25, 0.5], value=0.1, label="replay: share of old rows", show_value=True
    )
    replay
    return (replay,)


@app.cell
def _(before, config, learn, new, old, replay, start, tokenizer):
    def after(share):
        """Learned and forgotten with a share of old rows."""
        module = build(config, seed=0)
        module.load_state_dict({name: one.clone() for name, one in start.state_dict().items()})
        found = bits_of(learn(module, new, old, share), tokenizer, [new, old])
        return [change(one, other) for one, other in zip(before, found, strict=True)]

    shares = sorted({0.0, replay.value, 0.25})
    results = {share: after(share) for share in shares}
    plots.lines(
        shares,
        {"rules (new)": [results[share][0]["after"] for share in shares], "tales (old)": [results[share][1]["after"] for share in shares]},
        x="share of old rows", y="bits a byte",
        title=f"With {replay.value:.0%} old rows the tales need {results[replay.value][1]['change']:+.2f} bits more",
    )  # fmt: skip
    return after, results, shares


@app.cell
def _(results):
    assert all(found[0]["high"] < 0 for found in results.values()), "rules are learned with any of these shares"
    assert results[0.0][1]["change"] > 0.5, "without old rows the tales are forgotten"
    assert results[0.25][1]["change"] < 0.4 * results[0.0][1]["change"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Without any old row the tales are gone in twenty steps. A small share of them holds most of it, and the rules pay hardly anything
    for it: the model had room
    for both. Where it has not, the two curves move against each other.

    ## What a share means

    Rows are not drawn by chance: the n-th row's source follows from n, so every stretch of rows has its share, and a run that was
    stopped goes on with the rows it
    would have had.
    """)
    return


@app.cell
def _(new, old, tokenizer):
    _told = TuneConfig(task="domain", data="rules", replay=0.1, batch_size=10, seq_len=32)
    _loader = mixed(new, old, tokenizer, _told, Path(tempfile.mkdtemp()))
    sources = torch.tensor([[source for source, _ in _loader.chosen(step)] for step in range(20)])
    plots.heat_map(sources, x="row of the batch", y="step", title="Old rows among the new: one in ten, spread evenly")
    return (sources,)


@app.cell
def _(sources):
    assert 18 <= int(sources.sum()) <= 22 and int(sources[:10].sum()) in (9, 10, 11)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Is the change real?

    Four held-out documents of each kind are few. The interval is drawn over documents, before and after in pairs: it says what other documents of the
    same kind would show.
    """)
    return


@app.cell
def _(results):
    mo.md(
        f"Without old rows the tales need {results[0.0][1]['change']:+.2f} bits a byte more ({results[0.0][1]['low']:+.2f} to {results[0.0][1]['high']:+.2f})."
    )
    return


@app.cell
def _(results):
    assert results[0.0][1]["low"] > 0, "forgotten for sure"
    return


@app.cell
def _(results):
    assert all(found[0]["low"] <= found[0]["change"] <= found[0]["high"] for found in results.values())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Half of the rows old: the rules take a little longer, and nothing is forgotten.
    - An adapter instead of all weights forgets too while it is on; switched off, the base is what it was (the lesson on many adapters).

    The unit of both sides: `groundup learn start per_byte`. A real run: `groundup tune MODEL --task domain --data laws/ --set
    tune.old_data=news/`, or
    `groundup run domain`
    """)
    return


if __name__ == "__main__":
    app.run()
