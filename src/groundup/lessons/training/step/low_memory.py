"""Lesson: the largest batch that memory allows, found with two questions, and the same step whatever it is."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The largest batch that fits", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.accounting import Training, memory
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.step.low_memory import divisors, largest_that_fits


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The largest batch that fits

    A step of training sees so many rows of text. How many of them go through the model at once is a question of memory alone: the others
    may come after, and their gradients are added. Afterwards you can find that number with as few trials as possible.
    """)
    return


@app.cell
def _():
    config = Qwen3Config(
        vocab_size=32_768,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=4,
        head_dim=64,
    )

    def needs(batch, **more):
        """Bytes of a training step of so many rows of 1,024 tokens, by the formula."""
        return memory(config, Training(batch=batch, seq_len=1024, optimizer="muon", **more)).total

    one, sixtyfour = needs(1), needs(64)
    mo.md(
        f"A model of about 120 million weights: a step of 64 rows of 1,024 tokens needs **{sixtyfour / 1e9:.0f} GB**, of one row "
        f"{one / 1e9:.1f} GB. The same 64 rows one after another need hardly more than the one."
    )
    return config, needs, one, sixtyfour


@app.cell
def _(needs, one, sixtyfour):
    assert sixtyfour > 15 * one
    assert needs(1, gradient_accumulation_steps=64) < 1.3 * one
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## It is one step all the same

    The loss of a step is the sum over all targets, divided by their number. A sum may be made in parts. Here the gradient of 12 rows at
    once, and of the same 12 in smaller batches:
    """)
    return


@app.cell
def _():
    def gradient(batch):
        """The gradient of a small head over 12 rows, `batch` of them at a time."""
        source = torch.Generator().manual_seed(0)
        weight = torch.randn(8, 4, generator=source).requires_grad_()
        rows, targets = torch.randn(12, 4, generator=source), torch.randint(0, 8, (12,), generator=source)
        for some, right in zip(rows.split(batch), targets.split(batch), strict=True):
            (functional.cross_entropy(some @ weight.T, right, reduction="sum") / 12).backward()
        return weight.grad

    apart = {batch: (gradient(batch) - gradient(12)).abs().max().item() for batch in divisors(12)}
    mo.md(f"The largest difference of any number: {max(apart.values()):.0e}, which is rounding.")
    return apart, gradient


@app.cell
def _(apart):
    assert list(apart) == [1, 2, 3, 4, 6, 12] and max(apart.values()) < 1e-6
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    So the batch must be a divisor of the rows of a step, and the largest is mostly the fastest, as wide products use a machine better than
    narrow ones. What does each need, and what is there?
    """)
    return


@app.cell
def _():
    gigabytes = mo.ui.slider(2, 30, step=4, value=10, label="memory, GB", show_value=True)
    gigabytes
    return (gigabytes,)


@app.cell
def _(gigabytes, needs):
    choices = divisors(64)
    sizes = {batch: needs(batch) / 1e9 for batch in choices}
    plots.lines(
        choices,
        {"a step needs": list(sizes.values())},
        x="rows at once",
        y="GB",
        log_x=True,
        log_y=True,
        marked=True,
        levels={"there is": gigabytes.value},
        title="The line is crossed once",
    )
    return choices, sizes


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A question is dear

    The formula counts tensors. What a process really holds is more (libraries, what an allocator keeps), so the answer comes from trying: a process of
    its own makes two steps, and may die of it. That takes seconds. Below, the machine really needs a tenth more than the formula says.
    """)
    return


@app.cell
def _(choices, gigabytes, sizes):
    def ask(guess):
        """The answer, and which batches were tried on the way."""
        tried = []

        def fits(batch):
            """A trial."""
            tried.append(batch)
            return 1.1 * sizes[batch] <= gigabytes.value

        return largest_that_fits(choices, fits, guess), tried

    guess = max((batch for batch in choices if sizes[batch] <= gigabytes.value), default=1)
    answer, tried = ask(guess)
    blind = {start: len(ask(start)[1]) for start in choices}
    plots.value_bars(
        {"trials": {str(start): count for start, count in blind.items()}},
        x="first batch that is tried",
        y="trials",
        title=f"Largest batch: {answer}; the formula says {guess}, and {len(tried)} trials were made",
    )
    return answer, ask, blind, guess, tried


@app.cell
def _(answer, ask, blind, choices, gigabytes, guess, sizes, tried):
    assert answer == max((batch for batch in choices if 1.1 * sizes[batch] <= gigabytes.value), default=0)
    assert all(ask(start)[0] == answer for start in choices), "where one begins changes the price, not the answer"
    assert len(tried) <= 3 and tried[0] == guess
    assert blind[max(answer, 1)] == min(blind.values()) <= 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Two trials are the least that can be: one that fits and the next that does not. The search begins at the guess, asks its neighbour, doubles its
    steps while it is on one side, and halves the gap when the answer lies within.
    """)
    return


@app.cell
def _():
    thousand = list(range(1, 1001))

    def trials(largest, guess):
        """How many were tried among a thousand."""
        tried = []
        largest_that_fits(thousand, lambda batch: tried.append(batch) or batch <= largest, guess)
        return len(tried)

    far = {f"off by {off}": trials(500, 500 + off) for off in (0, 5, 50, 400)}
    plots.value_bars({"trials": far}, y="trials", title="Among 1,000 batches, by how wrong the guess is")
    return far, thousand, trials


@app.cell
def _(far, trials):
    assert far["off by 0"] == 2 and list(far.values()) == sorted(far.values())
    assert max(trials(largest, 1) for largest in range(0, 1001, 7)) <= 22
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Or need less
    """)
    return


@app.cell
def _(needs):
    ways = {
        "as it is": needs(16) / 1e9,
        "blocks recomputed": needs(16, checkpointing=True) / 1e9,
        "one row at a time": needs(1, gradient_accumulation_steps=16) / 1e9,
    }
    plots.value_bars({"GB": ways}, y="GB", title="16 rows of 1,024 tokens")
    return (ways,)


@app.cell
def _(ways):
    assert ways["blocks recomputed"] < 0.7 * ways["as it is"] and ways["one row at a time"] < 0.5 * ways["as it is"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - 2 GB: not one row fits, and the answer is 0. A run then says what to change.
    - Make the machine need twice what the formula says: the guess is one power of two too high, and one trial more finds it.
    - A run of your own: `groundup run demo --set train.largest_batch=true --set train.memory_gb=2`. It says what it found, and keeps it in the
      stage's chosen.json.

    Write it yourself: `groundup learn start largest_that_fits`
    """)
    return


if __name__ == "__main__":
    app.run()
