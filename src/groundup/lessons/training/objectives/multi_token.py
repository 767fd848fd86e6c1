"""Lesson: multi-token prediction, asking at each place for several tokens at once."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Multi-token prediction: look further ahead", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.multi_token import MultiToken, losses_ahead, multi_token_loss, targets_ahead


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Multi-token prediction: look further ahead

    At every place a model is asked for the next token. It can be asked for the three after it as well, each by a small layer of its own. Afterwards
    you know what those heads can know and what not, how to make their targets, and why they are worth a draft.

    The text of this page is a walk over sixteen letters: nine times in ten the next letter of the alphabet, which goes round; else any letter.
    """)
    return


@app.cell
def _():
    def chance(further, letters=16, stay=0.9):
        """How likely the letter is that follows without a jump, after so many steps, and how likely each other one."""
        other = (1 - stay**further) / letters
        return stay**further + other, other

    def floor(further, letters=16):
        """The surprise, in nats, of one who knows all of that."""
        right, other = chance(further)
        return -right * math.log(right) - (letters - 1) * other * math.log(other)

    mo.md(
        f"One step ahead the right letter has {chance(1)[0]:.0%}, four steps ahead still **{chance(4)[0]:.0%}**. Whoever knows the walk is "
        f"surprised by {floor(1):.2f} nats at the next letter, and by {floor(4):.2f} at the fourth."
    )
    return chance, floor


@app.cell
def _(chance, floor):
    _right, _other = chance(3)
    assert abs(_right + 15 * _other - 1) < 1e-12, "all letters together"
    assert floor(1) < floor(2) < floor(3) < floor(4) < math.log(16)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The targets

    `targets` holds the next token at each place. Further on, the same row is read some places later. Where the row ends, or another document
    begins, nothing is asked: no text says what was packed behind it. Two documents in one row, three letters and four:
    """)
    return


@app.cell
def _():
    further = mo.ui.slider(0, 4, value=2, label="places further on", show_value=True)
    further
    return (further,)


@app.cell
def _(further):
    _next = torch.tensor([[2, 3, 4, 12, 13, 14, 15]])
    _documents = torch.tensor([[0, 0, 0, 1, 1, 1, 1]])
    asked, counts = targets_ahead(_next, torch.ones_like(_next).bool(), _documents, further.value)
    _rows = [
        ("next token", _next[0].tolist()),
        ("document", _documents[0].tolist()),
        (
            f"{further.value} further",
            [one if real else " " for one, real in zip(asked[0].tolist(), counts[0], strict=True)],
        ),
    ]
    mo.md(
        "\n".join(
            [
                "| |" + " |" * 7,
                "|---" * 8 + "|",
                *(f"| {name} | " + " | ".join(map(str, row)) + " |" for name, row in _rows),
            ]
        )
    )
    return asked, counts


@app.cell
def _(asked, counts, further):
    assert int(counts.sum()) == max(3 - further.value, 0) + max(4 - further.value, 0), "each document loses its last"
    assert (asked[counts] > further.value).all() and not asked[~counts].any()
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One trunk, four heads

    The decoder gives a hidden state $h$ for each place. The next token is scored from $h$; the one after it from $h + \mathrm{silu}(W_1 h)$, then with
    $W_2$ and $W_3$, all by the same head. Every $W$ begins as 0, so all heads begin as the model's own. They add little:
    """)
    return


@app.cell
def _():
    def walk(number, rows=32, seq=24):
        """A batch of walks, for a number."""
        source = torch.Generator().manual_seed(number)
        ids = torch.randint(16, (rows, seq + 1), generator=source)
        stays = torch.rand(rows, seq, generator=source) < 0.9
        for place in range(seq):
            ids[:, place + 1] = torch.where(stays[:, place], (ids[:, place] + 1) % 16, ids[:, place + 1])
        real = torch.ones(rows, seq).bool()
        return Batch(ids[:, :-1], ids[:, 1:], real, torch.zeros(rows, seq).long(), torch.arange(seq).expand(rows, seq))

    _config = LlamaConfig(
        vocab_size=16, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=64,
    )  # fmt: skip
    model, losses = MultiToken(build(_config, seed=0), ahead=4), []
    train(
        model,
        walk,
        TrainConfig(steps=250, batch_size=32, seq_len=24),
        objective=multi_token_loss,
        listeners=[lambda event: losses.append(event.loss)],
    )
    extra = sum(one.numel() for one in model.layers.parameters())
    trunk = sum(one.numel() for one in model.module.parameters())
    mo.md(f"A decoder of {trunk:,} weights, and **{extra:,}** for three more tokens ahead.")
    return extra, losses, model, trunk, walk


@app.cell
def _(extra, losses, trunk):
    assert extra == 3 * 32 * 32 < trunk
    assert losses[0] > 4 * 2.5 and losses[-1] < 0.75 * losses[0], "the loss is the sum over four heads"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What each head can know

    The heads see the same hidden state, not the letters between. So the fourth cannot be better than one who knows the walk and looks four steps ahead.
    All come close to that floor, on walks that they have not seen:
    """)
    return


@app.cell
def _(floor, model, walk):
    with torch.no_grad():
        measured = [loss.item() / count for loss, count in losses_ahead(model, walk(10_000, rows=400))]
    plots.lines(
        [1, 2, 3, 4],
        {"measured": measured, "the walk's own": [floor(further) for further in (1, 2, 3, 4)]},
        x="tokens ahead",
        y="nats",
        marked=True,
        levels={"all letters alike": math.log(16)},
        title="Further ahead is harder, and known how much",
    )
    return (measured,)


@app.cell
def _(floor, measured):
    for _further, _loss in enumerate(measured, 1):
        assert floor(_further) - 0.1 < _loss < floor(_further) + 0.25
    assert measured == sorted(measured)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a head thinks

    After *a b c*: the letters that a head believes in. The further, the flatter; the highest stays the one that follows without a jump.
    """)
    return


@app.cell
def _():
    head = mo.ui.slider(1, 4, value=1, label="tokens ahead", show_value=True)
    head
    return (head,)


@app.cell
def _(chance, head, model):
    with torch.no_grad():
        _read = model.hidden(torch.tensor([[0, 1, 2]]))[head.value - 1]
        thought = torch.softmax(model.module.lm_head(_read)[0, -1], dim=0)
    _right, _other = chance(head.value)
    _exact = {"abcdefghijklmnop"[one]: _right if one == 2 + head.value else _other for one in range(16)}
    plots.value_bars(
        {"head": dict(zip(_exact, thought.tolist(), strict=True)), "the walk": _exact},
        y="probability",
        title=f"{head.value} after a b c",
    )
    return (thought,)


@app.cell
def _(chance, head, thought):
    assert thought.argmax() == 2 + head.value
    assert abs(thought.max().item() - chance(head.value)[0]) < 0.15
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A draft

    Four tokens from one pass. Speculative decoding lets the model check them in the next pass and keeps those up to the first wrong one, so the text is
    the same and the passes are fewer. How often the first so many all agree with the text:
    """)
    return


@app.cell
def _(model, walk):
    _walks = walk(20_000, rows=1000)
    _drafts = model.draft(_walks.input_ids[:, :20])
    _agree = (_drafts == _walks.targets[:, 19:23]).cumprod(dim=1).float().mean(dim=0)
    agreeing = {f"the first {one}": value for one, value in enumerate(_agree.tolist(), 1)}
    plots.value_bars(
        {"share of drafts": agreeing}, title=f"On average {1 + sum(agreeing.values()):.1f} tokens a pass and check"
    )
    return (agreeing,)


@app.cell
def _(agreeing):
    for _number, _share in enumerate(agreeing.values(), 1):
        assert abs(_share - (0.9 + 0.1 / 16) ** _number) < 0.05, (
            "each step is right nine times in ten, and once more by luck"
        )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the places further on to 4: neither document has a token so far on, and nothing is asked.
    - Look four tokens ahead: a third of the belief has gone to letters that only a jump reaches.
    - Make the walk stay half of the time (0.5 in `chance` and in `walk`): how much is left for the fourth head to know?

    Write it yourself: `groundup learn start targets_ahead`
    """)
    return


if __name__ == "__main__":
    app.run()
