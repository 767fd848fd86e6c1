"""Lesson: show a task or learn it: zero-shot, few-shot and tuned on the same questions, and what each way costs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Show it, or learn it?", width="medium")

with app.setup:
    import tempfile
    from collections import Counter
    from pathlib import Path

    import marimo as mo

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.instruction import conversations_to_shards, fit
    from groundup.tuning.supervised.labelled import Example
    from groundup.tuning.supervised.transfer import (
        Way,
        answer_scores,
        conversations_of,
        drawn_shots,
        few_shot_messages,
        shown,
    )


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Show it, or learn it?

    A model can be asked for something, be shown some examples of it first, or be tuned on many. The three answer the same questions
    here. Afterwards you can build a
    few-shot prompt, score answers without writing them, and say when examples in the prompt are enough.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(["user assistant vowel other system\n"] * 3, TokenizerConfig(vocab_size=268))
    pool = [
        Example(f"{letter}{number}", "vowel" if letter in "aeiou" else "other")
        for letter in "abeirst"
        for number in range(6)
    ]
    kept, learned = pool[::3], [one for place, one in enumerate(pool) if place % 3]
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=16, max_position_embeddings=256, tie_word_embeddings=True,
    )  # fmt: skip
    model = build(config, seed=0)
    asked = few_shot_messages([("a1", "vowel"), ("b1", "other")], "e5")
    length = len(tokenizer.apply_chat_template(asked, add_generation_prompt=True))
    mo.md(f"A prompt that shows two examples has **{length} tokens**, and has them again for every question.")
    return asked, config, kept, learned, length, model, pool, tokenizer


@app.cell
def _(asked, length, tokenizer):
    _alone = len(tokenizer.apply_chat_template(asked[-1:], add_generation_prompt=True))
    assert [message["role"] for message in asked] == ["user", "assistant"] * 2 + ["user"] and length > 2 * _alone
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which examples

    They are drawn label by label in turn. Drawn blindly, three of four could be of one label by chance, and a model repeats what it
    saw most. Choose how many.
    """)
    return


@app.cell
def _():
    count = mo.ui.slider(0, 6, step=1, value=4, label="examples shown", show_value=True)
    count
    return (count,)


@app.cell
def _(count, learned):
    shots = drawn_shots(learned, count.value, seed=0)
    labels = Counter(one.label for one in shots)
    mo.md(
        ", ".join(f"{one.text} → {one.label}" for one in shots) or "No example: the question stands alone (zero-shot)."
    )
    return labels, shots


@app.cell
def _(count, labels, learned, shots):
    assert len(shots) == count.value and (
        not shots or max(labels.values()) - min(labels.get(name, 0) for name in ("vowel", "other")) <= 1
    )
    assert drawn_shots(learned, count.value + 1, seed=0)[: count.value] == shots, "more examples begin with the fewer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Chosen, not written

    A small model that knows the answer may still write something else first. So it is not asked to write: of all labels the likeliest
    is taken, by the sum of its
    tokens' log-probabilities, the one that ends the answer included.
    """)
    return


@app.cell
def _(asked, model, tokenizer):
    found = answer_scores(model, tokenizer, [asked], ["other", "vowel"])
    mo.md(f"log P(other) = {float(found[0, 0]):.2f}, log P(vowel) = {float(found[0, 1]):.2f}")
    return (found,)


@app.cell
def _(found):
    assert found.shape == (1, 2) and bool((found < 0).all())
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The three ways on the same questions

    This model was never trained on anything, so what is shown to it says nothing to it: few-shot learning is itself something that a
    model learns, from texts in which
    examples stand beside each other. Tuning needs none of that. The questions are new; their letters were seen with other numbers.
    """)
    return


@app.cell
def _(count, kept, learned, model, tokenizer):
    zero = shown(model, tokenizer, learned, kept, 0)
    few = shown(model, tokenizer, learned, kept, count.value)
    _folder = Path(tempfile.mkdtemp())
    _shards = conversations_to_shards(conversations_of(learned), tokenizer, _folder / "shards")
    _tuned = build(model.config, seed=0)
    fit(
        _tuned,
        _shards,
        TuneConfig(
            epochs=20, batch_size=4, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0
        ),
        _folder,
    )
    tuned = Way("tuned", shown(_tuned, tokenizer, learned, kept, 0).right)
    rows = {way.name: way.row(zero.right) for way in (zero, few, tuned)}
    plots.value_bars(
        {"right": {name: row["value"] for name, row in rows.items()}}, y="share", title=f"{len(kept)} new questions"
    )
    return few, rows, tuned, zero


@app.cell
def _(few, rows, tuned, zero):
    assert len(zero.right) == len(few.right) == len(tuned.right) == 14
    assert rows["tuned"]["value"] >= 0.8 and rows["tuned"]["low"] < rows["tuned"]["value"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What each costs

    | | once | for each question |
    |---|---|---|
    | zero-shot | nothing | the question |
    | few-shot | nothing | the question and all examples, again (a prefix cache reads them once) |
    | tuned | a training run, and a model or an adapter to keep | the question |

    ## Try

    - No example and one: the same model, another answer. An untrained model hardly moves.
    - A pretrained one does: `python benchmarks/tuning/supervised/transfer.py MODEL` makes this table for a model of yours.

    Write the prompt yourself: `groundup learn start few_shot_messages`
    """)
    return


if __name__ == "__main__":
    app.run()
