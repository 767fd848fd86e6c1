'''Lessons: one notebook for each source file that holds an idea, at the same path, to read, to run and to play with.

    groundup learn lesson scaled_dot_product          opens it; --run prints it; --model FOLDER gives it your own model
    groundup learn book --out book                    all of them as pages that need no network

A lesson is a marimo notebook: plain Python, which `python -P FILE` runs as well. Its form, held by `groundup.course.book.lint`:

    """Lesson: what the file at this path is about, in one line."""

    import marimo

    __generated_with = "0.25.2"
    app = marimo.App(app_title="The title, a question or a claim", width="medium")

    with app.setup:                                   # every import of the lesson, and nothing else
        import marimo as mo
        import torch

        from groundup import plots
        from groundup.model.attention.masks import causal


    @app.cell(hide_code=True)                         # prose: one mo.md of a raw string, its code is not shown
    def _():
        mo.md(r"""
        # The title, a question or a claim

        Three sentences: what one will know afterwards. A formula is $a / \\sqrt{b}$ or, on lines of its own, $$...$$.
        """)
        return


    @app.cell                                         # the first code shows one number, in a sentence
    def _():
        visible = causal(512).float().mean().item()
        mo.md(f"Of a context of 512 a causal mask leaves **{visible:.1%}** to be seen.")
        return (visible,)


    @app.cell                                         # a control stands alone in its cell
    def _():
        width = mo.ui.slider(2, 64, step=2, value=8, label="width", show_value=True)
        width
        return (width,)


    @app.cell                                         # and another cell draws what it says
    def _(width):
        plots.heat_map(causal(width.value)[0], x="key", y="query", title="who sees whom")
        return


    @app.cell                                         # what is claimed is asserted, for every value of the controls
    def _(width):
        assert causal(width.value).sum() == width.value * (width.value + 1) / 2
        return


    @app.cell(hide_code=True)
    def _():
        mo.md(r"""
        ## Try

        - what to change, and what one should see

        Write it yourself: `groundup learn start NAME`
        """)
        return


    if __name__ == "__main__":
        app.run()

15 to 25 cells, half of them prose. A cell takes what other cells made as arguments, returns every name of its own that is not
`_private`, shows its last expression (a mo.md, a control, a figure, a number, a string), and never changes what it was given:
it makes something new. Whatever is drawn at random comes from a generator made in the same cell; what can draw only from
torch's own (a new layer) stands under `with torch.random.fork_rng():` and a seed. A control is asked only for its `.value`: the
book then makes it work without Python, by running the cells after it for each of its places. Of marimo a lesson uses mo.md
and mo.ui (slider, dropdown, radio, switch, checkbox, number); tables are Markdown. At most a few seconds, no network, no trained
model: `given_model` is the learner's own folder, and where there is none the lesson makes a tiny model itself.
'''

import os
from pathlib import Path
from typing import Any

from groundup.errors import InputError

VARIABLE = "GROUNDUP_LESSON_MODEL"  # it reaches the notebook's own process


def given_model() -> Path | None:
    """The model folder that the learner gave (`groundup learn lesson NAME --model FOLDER`); None without one."""
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    if not (Path(named) / "config.json").is_file():
        raise InputError(f"{named} is no model folder; give the one that a run wrote, such as runs/demo/model")
    return Path(named)


def drawn_model(vocab_size: int, seed: int = 0) -> Any:
    """A tiny Qwen3 (2 x 32, context 256) whose every weight is drawn, as if it had learned something; always the same for a seed."""
    import torch

    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config

    sizes: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    module = build(Qwen3Config(vocab_size=vocab_size, max_position_embeddings=256, **sizes), seed=0)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for one in module.parameters():
            noise = torch.randn(one.shape, generator=draw)
            one.copy_(noise * 0.4 if one.dim() > 1 else 1 + noise * 0.2)
    return module.eval()
