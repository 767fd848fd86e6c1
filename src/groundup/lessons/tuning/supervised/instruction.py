"""Lesson: instruction tuning, the loss on answers only, and the model that never learned to stop."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Instruction tuning: learn to answer, not to ask", width="medium")

with app.setup:
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    import marimo as mo
    import numpy as np
    import torch

    from groundup import plots
    from groundup.data.sources import tinyworld
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.training.loop import train
    from groundup.training.objectives.causal import mean_loss
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.instruction import conversations_to_shards, fit, loader_of, steps_of


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Instruction tuning: learn to answer, not to ask

    A pretrained model continues text. Asked a question, it may well write a second question. Instruction tuning shows it conversations and
    asks it to write one side of them. Afterwards you can say which tokens of a conversation are learned, have measured what that is
    good for, and know the smallest mistake after which a model never stops talking.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(
        ["user user user assistant assistant assistant\n"], TokenizerConfig(vocab_size=270)
    )  # nearly every letter is a token of its own
    _examples = [one.messages for one in tinyworld.instructions(0, 200)]
    _masks = [tokenizer.apply_chat_template(one, return_assistant_mask=True)[1] for one in _examples]
    learned_share = sum(map(sum, _masks)) / sum(map(len, _masks))
    mo.md(
        f"200 questions and answers of the small world. Of their tokens, **{learned_share:.0%}** are learned. The others go through the model too, "
        "with the same cost, and nothing is asked of them."
    )
    return learned_share, tokenizer


@app.cell
def _(learned_share):
    assert 0.02 < learned_share < 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mask, drawn

    The chat template writes a conversation as one row of tokens, and tells which of them are the assistant's own: its words, and the
    mark that ends its turn. Only there does the loss count. Choose a conversation.
    """)
    return


@app.cell
def _():
    talks = {
        "one question": [("user", "2+3?"), ("assistant", "5")],
        "two questions": [("user", "2+3?"), ("assistant", "5"), ("user", "+1?"), ("assistant", "6")],
        "with a rule before": [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello")],
    }
    return (talks,)


@app.cell
def _(talks):
    talk = mo.ui.dropdown(list(talks), value="two questions", label="conversation")
    talk
    return (talk,)


@app.cell
def _(talk, talks, tokenizer):
    messages = [{"role": role, "content": content} for role, content in talks[talk.value]]
    ids, mask = tokenizer.apply_chat_template(messages, return_assistant_mask=True)
    names = [tokenizer.decode([id]).replace("\n", "↵") for id in ids]
    plots.heat_map(
        [[1] * len(ids), mask],
        rows=["read", "learned"],
        columns=names,
        low=0,
        high=1,
        title=f"{talk.value}: {sum(mask)} of {len(ids)} tokens are learned",
    )
    return ids, mask, messages, names


@app.cell
def _(ids, mask, messages, tokenizer):
    _learned = tokenizer.decode([id for id, counts in zip(ids, mask, strict=True) if counts])
    assert _learned == "".join(one["content"] + "<|im_end|>" for one in messages if one["role"] == "assistant")
    _end = tokenizer.special_tokens["<|im_end|>"]
    assert ids.count(_end) == len(messages) > sum(mask[place] for place, id in enumerate(ids) if id == _end)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One place to the left

    The token at a place is predicted from the one before it. So the last token that the template writes before an answer, the line
    break after `assistant`, is where the first word of the answer is learned. In a batch inputs, targets and mask stand side by side:
    """)
    return


@app.cell
def _(tokenizer):
    def batches_of(conversations, config):
        """The batches of some conversations, by number."""
        with tempfile.TemporaryDirectory() as folder:
            shards = conversations_to_shards(conversations, tokenizer, folder)
            loader = loader_of(shards, config)
            return [loader.batch(number) for number in range(steps_of(config, loader))]

    def ask(question, answer):
        """A conversation of one question."""
        return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]

    row = batches_of([ask("2+3?", "5")], TuneConfig(steps=1, batch_size=1, seq_len=64))[0]
    _names = [
        [tokenizer.decode([id]).replace("\n", "↵") for id in one[0].tolist()] for one in (row.input_ids, row.targets)
    ]
    mo.md(
        "| input | target | learned |\n|---|---|---|\n"
        + "\n".join(
            f"| `{one}` | `{target}` | {'yes' if counts else ''} |"
            for one, target, counts in zip(*_names, row.loss_mask[0].tolist(), strict=True)
        )
    )
    return ask, batches_of, row


@app.cell
def _(row, tokenizer):
    assert tokenizer.decode(row.targets[row.loss_mask].tolist()) == "5<|im_end|>"
    assert tokenizer.decode(row.input_ids[row.loss_mask].tolist()) == "\n5", "each from the token before"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is gained

    A task: the question is some random letters and a digit, the answer a letter that belongs to the digit. Two models of 30,000 weights
    begin alike and see the same batches. One learns the answers, the other every token, questions too. What is measured is the same for
    both: the loss on the answers of new questions. Move the number of random letters.
    """)
    return


@app.cell
def _():
    noise = mo.ui.slider(0, 10, step=5, value=5, label="random letters in a question", show_value=True)
    noise
    return (noise,)


@app.cell
def _(ask, batches_of, tokenizer):
    def questions(seed, count, letters):
        """Conversations: random letters and a digit, answered by the digit's letter."""
        source = np.random.default_rng(seed)
        return [
            ask(
                "".join(source.choice(list("klmnopqrstuvwxyz"), letters)) + f"{number % 10}?", "abcdefghij"[number % 10]
            )
            for number in source.integers(0, 10, count)
        ]

    def fresh():
        """A model that knows nothing."""
        config = Qwen3Config(
            vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, head_dim=16,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=128, tie_word_embeddings=True,
        )  # fmt: skip
        return build(config, seed=0)

    tuning = TuneConfig(
        steps=60, batch_size=8, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0
    )

    def learn(letters, masked):
        """A model that learns by a mask of each batch, and its loss on the answers of new questions on the way."""
        module, curve = fresh(), []
        batches = [replace(one, loss_mask=masked(one)) for one in batches_of(questions(1, 400, letters), tuning)]
        unseen = batches_of(questions(2, 60, letters), replace(tuning, steps=1, batch_size=16))

        def note(event):
            if event.step % 5 == 0:
                curve.append(mean_loss(module, unseen))

        train(module, lambda number: batches[number], tuning.training(tuning.steps), listeners=[note])
        return module, curve

    return fresh, learn, questions, tuning


@app.cell
def _(learn, noise):
    curves = {
        "learns the answers": learn(noise.value, lambda batch: batch.loss_mask)[1],
        "learns every token": learn(noise.value, lambda batch: batch.document_ids >= 0)[1],
    }
    plots.lines(
        range(5, 61, 5),
        curves,
        x="step",
        y="nats a token of the answers",
        log_y=True,
        title=f"{noise.value} random letters in a question",
    )
    return (curves,)


@app.cell
def _(curves, noise):
    _answers, _all = curves.values()
    assert _answers[-1] < 0.5 * _answers[0]
    assert _answers[-1] < 0.7 * _all[-1], "what is spent on all the rest is missing in the answers"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A loss is a mean over tokens, and two of about thirty are answer. Who learns every token first learns what the template always writes, then
    tries to foresee letters that nobody can foresee; the answers have a small part in each step. The two ends of the slider differ less
    than the two curves: already the template is enough. Where answers are long this matters little; where they are short, nearly all of the
    loss is about something else.

    ## Never to stop

    Rows of different lengths are filled up, often with the same id that ends a turn, because a model has no other to spare. Somebody
    then says: padding is not learned, so leave out every token with this id. That is one line, and the loss falls as it should.
    """)
    return


@app.cell
def _(learn, questions, tokenizer):
    end = tokenizer.special_tokens["<|im_end|>"]
    by_place, _ = learn(0, lambda batch: batch.loss_mask)
    by_id, _ = learn(0, lambda batch: batch.loss_mask & (batch.targets != end))
    _prompts = [tokenizer.apply_chat_template(one[:1], add_generation_prompt=True) for one in questions(3, 20, 0)]
    said = {
        name: generate_batch(module, _prompts, SamplingConfig(max_new_tokens=12, temperature=0), {end})
        for name, module in (("mask by place", by_place), ("mask by id", by_id))
    }
    stopped = {name: sum(answer.finish_reason == "stop" for answer in answers) for name, answers in said.items()}
    right = {
        name: sum(
            tokenizer.decode(answer.ids)[:1] == one[1]["content"]
            for answer, one in zip(answers, questions(3, 20, 0), strict=True)
        )
        for name, answers in said.items()
    }
    mo.md(
        "| | begins right | stops | says |\n|---|---|---|---|\n"
        + "\n".join(
            f"| {name} | {right[name]} of 20 | **{stopped[name]}** of 20 | `{tokenizer.decode(said[name][0].ids)}` |"
            for name in said
        )
    )
    return by_id, by_place, end, right, said, stopped


@app.cell
def _(right, stopped):
    assert stopped == {"mask by place": 20, "mask by id": 0}
    assert min(right.values()) >= 18, "both know the answer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the mask goes by place, which the template tells, and never by id.

    ## The library's own run

    `fit` does what the first model above did: it lays the conversations out in rows, makes as many steps as the configuration means, and
    keeps checkpoints in a folder.
    """)
    return


@app.cell
def _(by_place, fresh, questions, tokenizer, tuning):
    library = fresh()
    with tempfile.TemporaryDirectory() as _folder:
        _shards = conversations_to_shards(questions(1, 400, 0), tokenizer, Path(_folder) / "shards")
        _, _result = fit(library, _shards, tuning, Path(_folder) / "run")
        last_loss = _result.loss
    assert all(torch.equal(one, other) for one, other in zip(by_place.parameters(), library.parameters(), strict=True))
    mo.md(
        f"After {tuning.steps} steps of {tuning.batch_size} rows: **{last_loss:.3f}** nats a token of the answers, and the same weights, bit for bit."
    )
    return last_loss, library


@app.cell
def _(last_loss):
    assert last_loss < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - No random letters: the answers are learned all but perfectly by the one model, and half by the other. Ten: both are slower.
    - Give `TuneConfig` 200 steps: every token can be learned as well, it only takes longer.
    - Leave the mark in the mask of half of the batches only (`step % 2`): how many of 20 answers stop?
    - Tune for real: `groundup tune MODEL`, then talk to the model with `groundup chat`.

    The mask itself is an exercise of its own: `groundup learn start answer_mask`
    """)
    return


if __name__ == "__main__":
    app.run()
