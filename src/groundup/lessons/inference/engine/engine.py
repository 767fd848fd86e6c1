"""Lesson: continuous batching, who gets how many tokens of a step, and what happens when the memory is full."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The engine: nobody waits for the slowest", width="medium")

with app.setup:
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np

    from groundup import plots
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine import Engine, EngineConfig, Request
    from groundup.inference.engine.scheduling import Standing, share_budget, whom_to_push_out
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The engine: nobody waits for the slowest

    A server gets requests whenever somebody asks, with short prompts and long ones, for two tokens or two hundred. Afterwards you know how
    one model writes for all of them at once, who decides what a step reads, and why an answer is the same on a full machine.
    """)
    return


@app.cell
def _():
    lengths = [40, 3, 5, 4, 30, 3, 6, 4]
    _together = sum(max(lengths[_first : _first + 4]) for _first in (0, 4))
    _ends = [0] * 4
    for _length in lengths:
        _ends[_ends.index(min(_ends))] += _length
    continuous = max(_ends)
    fixed = _together
    mo.md(
        f"Eight answers of {', '.join(map(str, lengths))} tokens, four places. In fixed batches of four, in which all wait for the longest: "
        f"**{fixed}** steps. When a place is given to the next one as soon as it is free: **{continuous}** steps."
    )
    return continuous, fixed, lengths


@app.cell
def _(continuous, fixed, lengths):
    assert continuous < fixed
    assert continuous >= max(max(lengths), sum(lengths) / 4), "no order can be shorter than this"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The loop

    A step of the model reads some tokens of some texts; between two steps everything may change. So an engine does the same four things
    over and over:
    """)
    return


@app.cell
def _():
    plots.flow_chart(
        {
            "add": "add: a request waits",
            "schedule": "schedule: whose tokens are read",
            "run": "run: one call of the model for all",
            "post": "postprocess: a token each, events",
            "gone": "done: its pages are free",
            "again": "not done: in the next step again",
        },
        [("add", "schedule"), ("schedule", "run"), ("run", "post"), ("post", "gone"), ("post", "again")],
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A budget for each step

    A step costs by the tokens that it reads. Texts that are being written want one token each. A new prompt wants all of its tokens at once,
    and if it got them, everybody would wait for somebody else's prompt. So a step has a budget: writers first, then prompts, in pieces.
    """)
    return


@app.cell
def _():
    wanted = [100, 1, 30, 1]
    given = share_budget(wanted, budget=64)
    mo.md(
        f"Four texts want {wanted} tokens, and there are 64: they get **{given}**. The prompt of 100 goes on in the next step."
    )
    return given, wanted


@app.cell
def _(given, wanted):
    assert sum(given) == 64
    assert all(_got == 1 for _got, _want in zip(given, wanted, strict=True) if _want == 1), "writers never wait"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a run looks like

    A tiny model and six requests; the fourth has a prompt of 60 tokens and comes while others write. Each row is a request, each column a
    step, the colour how many of its tokens were read (as log2 of that number and 1). Choose the budget.
    """)
    return


@app.cell
def _():
    model = build(
        LlamaConfig(
            vocab_size=60,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            max_position_embeddings=128,
            initializer_range=0.4,
        ),
        seed=0,
        scheme="normal",
    )
    _source = np.random.default_rng(0)
    _sizes = [(6, 12), (4, 5), (9, 8), (60, 6), (5, 9), (7, 4)]
    requests = [
        Request(
            prompt_ids=_source.integers(0, 60, _prompt).tolist(),
            sampling=SamplingConfig(max_new_tokens=_new, temperature=0.0),
            request_id=str(_number),
        )
        for _number, (_prompt, _new) in enumerate(_sizes)
    ]
    return model, requests


@app.cell
def _(model):
    def watched(asked, every=2, **config):
        """Let a request come every few steps; which tokens of whom each step read, all answers, and the engine's figures."""
        engine = Engine(SimpleNamespace(module=model), EngineConfig(page_size=8, prefix_cache=False, **config))
        read, answers, step = [], {request.request_id: [] for request in asked}, 0
        run = engine.runner.run
        engine.runner.run = lambda pieces: (
            read.append({piece.row.name: piece.size for piece in pieces}),
            run(pieces),
        )[1]
        while engine.has_work or step < every * len(asked):
            if step % every == 0 and step // every < len(asked):
                engine.add(asked[step // every])
            for event in engine.step():
                answers[event.request_id] += event.ids
            step += 1
        return read, answers, engine.stats()

    return (watched,)


@app.cell
def _():
    budget = mo.ui.slider(8, 72, step=16, value=24, label="tokens a step", show_value=True)
    budget
    return (budget,)


@app.cell
def _(budget, requests, watched):
    read, answers, _ = watched(requests, max_tokens_a_step=budget.value, max_rows=4)
    picture = np.array([[_step.get(_one.request_id, 0) for _step in read] for _one in requests])
    longest = int(picture.sum(0).max())
    plots.heat_map(
        np.log2(picture + 1),
        x="step",
        y="request",
        title=f"No step read more than {longest} tokens; the prompt of 60 took {int((picture[3] > 1).sum())} of them",
    )
    return answers, longest, picture, read


@app.cell
def _(answers, budget, longest, picture, requests):
    assert longest <= budget.value
    assert picture.sum(1).tolist() == [len(_one.prompt_ids) + _one.sampling.max_new_tokens - 1 for _one in requests], (
        "every token is read once, the last one never"
    )
    assert [len(answers[_one.request_id]) for _one in requests] == [_one.sampling.max_new_tokens for _one in requests]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    With a small budget the long prompt is spread over many steps, and those who write get their token in each of them. With a large one it
    is read at once, and that step takes as long as all of its tokens.

    ## Memory is short

    Keys and values of a text stand in pages, and texts grow. When no page is free, somebody has to leave: its pages go to the others, it
    waits, and what it had written is read again later. Nothing of it is lost but time. Who leaves?
    """)
    return


@app.cell
def _():
    running = [Standing(priority=0, number=3), Standing(priority=5, number=9), Standing(priority=0, number=7)]
    victim = whom_to_push_out(running)
    mo.md(
        f"Of {', '.join(f'(priority {_one.priority}, number {_one.number})' for _one in running)} it is **place {victim}**."
    )
    return running, victim


@app.cell
def _(running, victim):
    assert running[victim].priority == min(_one.priority for _one in running)
    assert running[victim].number == max(_one.number for _one in running if _one.priority == 0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The lowest priority, and of these the one that came last: it has the least to lose, and whoever came first always gets done. Choose how
    many pages of 8 tokens there are for six requests of 4 tokens, with answers of 26 each.
    """)
    return


@app.cell
def _():
    pages = mo.ui.slider(9, 29, step=5, value=9, label="pages", show_value=True)
    pages
    return (pages,)


@app.cell
def _(pages, watched):
    _long = [
        Request(
            prompt_ids=[_number] * 4,
            sampling=SamplingConfig(max_new_tokens=26, temperature=0.0),
            request_id=str(_number),
        )
        for _number in range(6)
    ]
    tight, said, figures = watched(_long, every=1, pages=pages.value, max_rows=6, max_tokens_a_step=64)
    _, at_ease, _ = watched(_long, every=1, pages=60, max_rows=6, max_tokens_a_step=64)
    _picture = np.array([[_step.get(_one.request_id, 0) for _step in tight] for _one in _long])
    plots.heat_map(
        np.log2(_picture + 1),
        x="step",
        y="request",
        title=f"{pages.value} pages: {figures['preemptions']} times a text was pushed out, {len(tight)} steps",
    )
    return at_ease, figures, said, tight


@app.cell
def _(at_ease, figures, pages, said):
    assert said == at_ease, "the same answers, however little memory there was"
    assert figures["free_pages"] == pages.value, "and no page is lost"
    assert (figures["preemptions"] > 0) == (pages.value < 24)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The answers are the ids that come where nobody has to leave. With sampling they are too, because a text's random numbers belong to its
    seed and its positions. The last bits of a score may still differ: a sum inside a matrix product is added in another order when there are
    more rows. Where that matters
    (`deterministic=True`), every call of the model has one of a few shapes.
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A budget of 8: the long prompt takes the most steps, and no column of the others has a hole.
    - 9 pages: texts are pushed out and read again, which is the dark column in the middle of a row; 24 and more: nobody has to leave.

    Write it yourself: `groundup learn start share_budget`, `groundup learn start whom_to_push_out`
    """)
    return


if __name__ == "__main__":
    app.run()
