"""Lesson: rollouts, who asks and who judges, tries that can be made again, and what a reward does not say."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Rollouts: read what your model tries", width="medium")

with app.setup:
    import tempfile
    from collections import Counter
    from pathlib import Path

    import marimo as mo
    import numpy as np
    import torch

    from groundup import files, plots
    from groundup.alignment.environments.rollouts import Environment, chosen_tasks, keep_until, records, task
    from groundup.alignment.grpo import group_advantages
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig
    from groundup.tuning.config import TuneConfig
    from groundup.tuning.supervised.instruction import conversations_to_shards, fit


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Rollouts: read what your model tries

    In reinforcement a model makes its own training data: it is asked, it tries, a reward judges. A curve of the mean reward shows that
    something is learned, never what. Afterwards you can set up a task with its reward, make exactly the same tries again, and have caught a
    reward that pays for the wrong thing, by reading.
    """)
    return


@app.cell
def _():
    tokenizer = train_tokenizer(["user user user assistant assistant assistant\n"], TokenizerConfig(vocab_size=270))
    wrong_share, _source = 0.4, np.random.default_rng(0)
    _answers = [
        "{}",
        "{}.",
        "it is {}",
        "{} {} {}",
    ]  # in the examples people answer in several ways, and not always right
    _talks = [
        [
            {"role": "user", "content": f"{number % 6}?"},
            {
                "role": "assistant",
                "content": _answers[_source.integers(0, 4)].replace(
                    "{}", "ab"[(number + (_source.random() < wrong_share)) % 2]
                ),
            },
        ]
        for number in range(240)
    ]
    _config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=True,
    )  # fmt: skip
    _tuning = TuneConfig(
        steps=150, batch_size=12, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0
    )
    model = build(_config, seed=0)
    with tempfile.TemporaryDirectory() as _folder:
        fit(model, conversations_to_shards(_talks, tokenizer, Path(_folder) / "shards"), _tuning, Path(_folder) / "run")
    stops = {tokenizer.special_tokens["<|im_end|>"]}
    mo.md(
        f"A model of {sum(weight.numel() for weight in model.parameters()):,} weights has learned from 240 conversations in which people answer a digit "
        f"with a or b, in four ways, and **{wrong_share:.0%}** of them wrongly. Now it is to learn from its own tries."
    )
    return model, stops, tokenizer, wrong_share


@app.cell
def _(model, stops, tokenizer):
    tasks = [task(f"{number}?", "ab"[number % 2], tokenizer) for number in range(6)]
    environment = Environment(tasks, lambda wanted, text: float(text == wanted), tokenizer, stops)
    sampling = SamplingConfig(max_new_tokens=9, seed=1)
    groups = environment.rollout(model, 0, prompts=6, samples=16, sampling=sampling)
    tries = [one for group in groups for one in group.tries]
    mean = sum(one.reward for one in tries) / len(tries)
    with_letter = sum(group.task.item in one.text for group in groups for one in group.tries) / len(tries)
    mo.md(
        f"A small model was asked six questions, 16 times each. The reward wants one letter, and pays for **{mean:.0%}** of the tries. "
        f"The wanted letter stands in {with_letter:.0%} of them. Is the model bad, or the reward too strict? The mean cannot say; the tries can."
    )
    return environment, groups, mean, sampling, tasks, tries, with_letter


@app.cell
def _(groups, mean, tries, with_letter):
    assert len(groups) == 6 and len(tries) == 96
    assert 0 < mean < with_letter
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One group, to read

    A **task** is a question, rendered by the chat template until the answer is about to begin, with an item that only the reward sees. A
    **try** is an answer with its tokens, the probabilities with which they were drawn, how it ended, and what it was worth. The tries at one
    task are its **group**. Choose a question; the bars are what was said, and how often.
    """)
    return


@app.cell
def _():
    question = mo.ui.slider(0, 5, value=2, label="question", show_value=True)
    question
    return (question,)


@app.cell
def _(groups, question):
    chosen = next(group for group in groups if group.task.prompt == f"{question.value}?")
    paid = Counter(one.text for one in chosen.tries if one.reward)
    unpaid = Counter(one.text for one in chosen.tries if not one.reward)
    _said = [text for text, _ in (paid + unpaid).most_common()]
    plots.value_bars(
        {
            "paid": {repr(text): paid[text] for text in _said},
            "not paid": {repr(text): unpaid[text] for text in _said},
        },
        y="tries",
        title=f"{chosen.task.prompt} wants {chosen.task.item}: {paid.total()} of {len(chosen.tries)} are paid",
    )
    return chosen, paid, unpaid


@app.cell
def _(chosen, groups, paid, question, tokenizer, unpaid):
    assert paid.total() + unpaid.total() == 16
    assert set(paid) <= {chosen.task.item}
    assert tokenizer.decode(chosen.task.prompt_ids).endswith("<|im_start|>assistant\n"), "the answer is about to begin"
    assert {group.task.prompt for group in groups} == {f"{number}?" for number in range(6)} and question.value < 6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Cut answers

    An answer that reached the limit of tokens is worth 0, whatever it says, or what the worst of its round got, where that is less: nobody knows whether
    it was over. Move the limit. A reward of 1 for everything shows who is cut.
    """)
    return


@app.cell
def _():
    limit = mo.ui.slider(1, 9, value=4, label="tokens of an answer at most", show_value=True)
    limit
    return (limit,)


@app.cell
def _(limit, model, stops, tasks, tokenizer):
    _generous = Environment(tasks, lambda wanted, text: 1.0, tokenizer, stops)
    _groups = _generous.rollout(model, 0, 6, 16, SamplingConfig(max_new_tokens=limit.value, seed=1))
    ended = Counter((one.finish_reason, one.reward) for group in _groups for one in group.tries)
    lengths = Counter(len(one.ids) for group in _groups for one in group.tries)
    plots.value_bars(
        {"tries": {length: lengths[length] for length in range(1, 10)}},
        x="tokens, the mark that ends the answer included",
        y="tries",
        title=f"At most {limit.value}: {ended['length', 0.0]} of 96 answers are cut",
    )
    return ended, lengths


@app.cell
def _(ended, lengths, limit):
    assert set(ended) <= {("stop", 1.0), ("length", 0.0)}
    assert max(lengths) <= limit.value
    assert limit.value > 1 or ended["length", 0.0] > 80, "no answer fits into one token: its end is one too"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same tries again

    Which tasks a round asks is computed from its number; which numbers its answers draw, from the seed, the round and the answer. So round 7 can be
    made again without rounds 1 to 6, and a run that was killed goes on with the tries that it would have made. Every task comes once before any comes
    again:
    """)
    return


@app.cell
def _():
    asked = torch.zeros(9, 6)
    for _round in range(9):
        asked[_round, chosen_tasks(_round, tasks=6, count=2, seed=1)] = 1
    plots.heat_map(
        asked, x="task", y="round", low=0, high=1, title="Six tasks, two a round: three rounds ask each of them once"
    )
    return (asked,)


@app.cell
def _(asked, environment, model, sampling):
    for _start in (0, 3, 6):
        assert asked[_start : _start + 3].sum(0).tolist() == [1] * 6
    _seventh = environment.rollout(model, 7, 2, 4, sampling)
    assert _seventh == environment.rollout(model, 7, 2, 4, sampling), "the same to the last token"
    assert _seventh != environment.rollout(model, 8, 2, 4, sampling)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A reward that is kinder, and what it pays for

    "It is a" and "a." are right answers too, so the reward should be kinder: a point if the wanted letter occurs. Before anyone trains with
    it, look which answers it pays, and which are paid most in comparison with their group: that is what the model will do more of.
    """)
    return


@app.cell
def _(model, sampling, stops, tasks, tokenizer):
    def judged(reward):
        """The tries of round 0 under a reward, with their advantages."""
        groups = Environment(tasks, reward, tokenizer, stops).rollout(model, 0, 6, 16, sampling)
        worth = torch.tensor([[one.reward for one in group.tries] for group in groups])
        return groups, worth, group_advantages(worth)

    rewards = {
        "exactly the letter": lambda wanted, text: float(text == wanted),
        "the letter occurs": lambda wanted, text: float(wanted in text),
        "how often the letter occurs": lambda wanted, text: float(text.count(wanted)),
    }
    return judged, rewards


@app.cell
def _(rewards):
    rule = mo.ui.dropdown(list(rewards), value="how often the letter occurs", label="a point for")
    rule
    return (rule,)


@app.cell
def _(judged, rewards, rule):
    _groups, worth, advantages = judged(rewards[rule.value])
    _forms = {
        form.replace("x", letter): form for form in ("x", "x.", "it is x", "x x x") for letter in "ab"
    }  # the forms that people use; whatever else the model says is something else

    def _form(wanted, text):
        return "another letter" if wanted not in text else _forms.get(text, "something else")

    _said = [_form(group.task.item, one.text) for group in _groups for one in group.tries]
    pushed = {
        form: float(np.mean([gain for one, gain in zip(_said, advantages.flatten().tolist(), strict=True) if one == form]))
        for form in ("x", "x.", "it is x", "x x x", "something else", "another letter")
        if form in _said
    }  # fmt: skip
    plots.value_bars(
        {"advantage": pushed},
        x="form of the answer, x for the wanted letter",
        y="mean advantage",
        title=f"A point for: {rule.value}. Above zero grows, below shrinks",
    )
    return advantages, pushed, worth


@app.cell
def _(advantages, pushed, rule, worth):
    assert advantages.sum(1).abs().max() < 1e-4
    assert "another letter" in pushed and pushed["another letter"] < 0
    if rule.value == "exactly the letter":
        assert max(pushed, key=lambda form: pushed[form]) == "x"
    if rule.value == "how often the letter occurs":
        assert worth.max() >= 3
        assert max(pushed, key=lambda form: pushed[form]) == "x x x", "it will learn to repeat itself"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Every try is a line

    A run writes each try to `rollouts.jsonl`, with the step, the advantage and the tokens. When a run goes on from a checkpoint, the lines of later
    steps are dropped first, because those tries are made again.
    """)
    return


@app.cell
def _(model, rewards, sampling, stops, tasks, tokenizer):
    _environment = Environment(tasks, rewards["the letter occurs"], tokenizer, stops)
    with tempfile.TemporaryDirectory() as _folder:
        _path = Path(_folder) / "rollouts.jsonl"
        for _step in (1, 2, 3):
            _groups = _environment.rollout(model, _step, 2, 4, sampling)
            _worth = torch.tensor([[one.reward for one in group.tries] for group in _groups])
            files.append_jsonl(_path, *records(_step, _groups, group_advantages(_worth).tolist()))
        all_lines = files.read_jsonl(_path)
        keep_until(_path, 2)
        kept_lines = files.read_jsonl(_path)
    mo.md(
        "| step | prompt | answer | reward | advantage | ended by |\n|---|---|---|---|---|---|\n"
        + "\n".join(
            f"| {line['step']} | {line['prompt']} | {line['answer']} | {line['reward']:.0f} | {line['advantage']:+.2f} | {line['finish_reason']} |"
            for line in all_lines[:8]
        )
    )
    return all_lines, kept_lines


@app.cell
def _(all_lines, kept_lines, tokenizer):
    assert (len(all_lines), len(kept_lines)) == (24, 16) and all_lines[:16] == kept_lines
    for _line in all_lines:
        assert tokenizer.decode(_line["ids"], skip_special_tokens=True) == _line["answer"]
        assert len(_line["log_probabilities"]) == len(_line["ids"]) and max(_line["log_probabilities"]) <= 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A point for how often the letter occurs: the longest repetition has the highest advantage. A few steps of training later it is all there is.
    - A limit of 2 tokens: only bare letters fit. The limit is a part of the reward, whether one meant it or not.
    - Write a reward that pays "it is a" and "a." and cannot be cheated by repeating. Who checks the end of the text?

    The tries of your own run: `rollouts.jsonl` in its folder. How they are learned from: `groundup learn lesson grpo`
    """)
    return


if __name__ == "__main__":
    app.run()
