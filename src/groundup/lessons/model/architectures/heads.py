"""Lesson: heads, what is read from the hidden states of a text, and at which token."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Heads: one trunk, many questions", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn.functional import logsigmoid, pad

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.heads import last_token, mean_of_tokens, with_head
    from groundup.model.architectures.labels import ABILITIES
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.attention.masks import causal, padding


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Heads: one trunk, many questions

    A transformer makes a vector for every token. What is asked of these vectors is the head's affair: the next token, a label for the
    text, a label for every token, one number for how good an answer is. Afterwards you know from which token each head reads,
    how padding spoils it, and you have trained a reward model.
    """)
    return


@app.cell
def _():
    _batches = torch.randint(4, 33, (300, 32), generator=torch.Generator().manual_seed(0))  # lengths
    _longest = _batches.max(dim=1, keepdim=True).values
    padded = (_batches < _longest).float().mean().item()
    mo.md(
        "Answers of 4 to 32 tokens come in batches of 32, and the short ones are filled up at the right. Whoever reads the last place of "
        f"each row, `hidden[:, -1]`, reads padding in **{padded:.0%}** of them. No error is raised."
    )
    return (padded,)


@app.cell
def _(padded):
    assert padded > 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The last real token

    In a decoder only the last token has seen the whole text, so a text is judged from its vector. Where that token stands depends on
    its length and on the side of the padding: right in training, left while answers are written. Here each vector is the
    number of its place, so that one sees which was taken.
    """)
    return


@app.cell
def _():
    side = mo.ui.radio(["right", "left", "on both sides"], value="right", label="padding")
    side
    return (side,)


@app.cell
def _(side):
    _lengths = torch.tensor([[8], [5], [2]])
    _start = {"right": 0 * _lengths, "left": 8 - _lengths, "on both sides": (8 - _lengths) // 2}[side.value]
    _place = torch.arange(8)
    real = (_place >= _start) & (_place < _start + _lengths)
    places = _place.float()[None, :, None].expand(3, 8, 1)
    taken = last_token(places, real)[:, 0]
    plots.heat_map(
        real + (_place == taken[:, None]).float(), rows=["text 0", "text 1", "text 2"], columns=range(8), x="place", y="",
        low=0, high=2, title=f"padding {side.value}: 0 padding, 1 a token, 2 the token that is read",
    )  # fmt: skip
    return places, real, taken


@app.cell
def _(places, real, side, taken):
    assert taken.tolist() == {"right": [7, 4, 1], "left": [7, 7, 7], "on both sides": [7, 5, 4]}[side.value]
    _by_hand = torch.stack([row[kept][-1] for row, kept in zip(places, real, strict=True)])[:, 0]
    assert torch.equal(taken, _by_hand)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Counting the real tokens finds the place only where padding stands on the right, and comparing ids with the padding's id fails where
    a text ends with that very token (GPT-2's folders pad with the end of text). The library takes the mask if it is given one: what
    nobody may look at is padding. Without a mask it takes `pad_token_id`, and without that it refuses a batch.

    ## The mean of all real tokens

    Two texts are compared by one vector each. Their mean is the usual choice, and padding belongs neither above the line nor below:
    """)
    return


@app.cell
def _():
    _hidden = torch.tensor([[1.0, 3.0, 100.0, 100.0]])[..., None]
    _real = torch.tensor([[True, True, False, False]])
    mean = mean_of_tokens(_hidden, _real).item()
    mo.md(
        f"Of 1 and 3, with two places of padding that hold 100: **{mean:g}**. Over all places it would be {_hidden.mean():g}."
    )
    return (mean,)


@app.cell
def _(mean):
    assert mean == 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The same trunk under every head

    `with_head` puts another head on a trunk; the trunk's weights are shared. The class names are those of `transformers`; a folder says
    in its `config.json` which of them it holds, and both libraries load it.
    """)
    return


@app.cell
def _():
    config = LlamaConfig(
        vocab_size=12, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=32, pad_token_id=0, initializer_range=0.05,
    )  # fmt: skip
    trunk = build(config, seed=0)
    _text = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]])
    rows = []
    for _head in ("language_model", "classification", "reward", "tagging", "value", "none"):
        _module = with_head(trunk, _head, seed=0)
        _folder = _module.config.to_dict()["architectures"][0]
        rows.append(
            (_head, ABILITIES[_head], list(_module(_text).shape), count(_module.config).head_parameters, _folder)
        )
    _lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    mo.md(
        "\n".join(
            ["| head | it | shape of 2 texts of 4 | weights | in the folder |", "|" + "---|" * 5, *_lines]
        ).replace("_", r"\_")
    )
    return config, rows, trunk


@app.cell
def _(rows):
    _shapes = {row[0]: row[2] for row in rows}
    assert _shapes == {
        "language_model": [2, 4, 12], "classification": [2, 2], "reward": [2], "tagging": [2, 4, 2], "value": [2, 4], "none": [2, 4, 32],
    }  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A reward model

    A reward is learned from pairs: people say which of two answers they prefer, and the loss $-\log \sigma(r_{better} - r_{worse})$ pulls
    the numbers apart. Here the one who prefers is simple: the text with more sevens is better. The texts have 3 to 10 digits.
    """)
    return


@app.cell
def _():
    def texts(number, source):
        """Texts of 3 to 10 random digits (ids 1 to 10; 8 is the seven), padded at the right with 0, and their sevens."""
        ids = torch.randint(1, 11, (number, 10), generator=source)
        lucky = torch.rand(number, 10, generator=source) < 0.25
        ids = ids.masked_fill(lucky, 8)
        lengths = torch.randint(3, 11, (number, 1), generator=source)
        ids = ids.masked_fill(torch.arange(10) >= lengths, 0)
        return ids, (ids == 8).sum(dim=1)

    return (texts,)


@app.cell
def _(texts, trunk):
    def trained(steps=180):
        """A reward model that has seen pairs for some steps, and its loss at each of them."""
        source = torch.Generator().manual_seed(1)
        module = with_head(build(trunk.config, seed=1), "reward", seed=1)
        optimizer = torch.optim.AdamW(module.parameters(), lr=5e-3)
        losses = []
        for step in range(steps):
            ids, sevens = texts(48, source)
            rewards = module(ids)
            gap = (rewards[:24] - rewards[24:]) * (sevens[:24] - sevens[24:]).sign()
            loss = -logsigmoid(gap[gap != 0]).mean()
            optimizer.zero_grad()
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = 5e-3 * min(1, (step + 1) / 20) * (1 - step / steps)
            optimizer.step()
            losses.append(loss.item())
        return module.eval(), losses

    model, losses = trained()
    plots.lines(
        range(len(losses)), {"loss of a pair": losses}, x="step", y="nats", title="A reward model learns from pairs"
    )
    return losses, model, trained


@app.cell
def _(losses):
    assert abs(losses[0] - 0.69) < 0.1, "a new head says nothing: both texts are as likely the better one"
    assert sum(losses[-20:]) / 20 < 0.25
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Read at the wrong token

    The same weights, the same texts; only the token that is read changes. Choose, and look at how well the reward still tells the texts
    apart that nobody has shown it.
    """)
    return


@app.cell
def _():
    read = mo.ui.radio(
        ["the last real token", "the last place", "the first token"], value="the last real token", label="read"
    )
    read
    return (read,)


@app.cell
def _(model, read, texts):
    _ids, _sevens = texts(400, torch.Generator().manual_seed(2))
    with torch.no_grad():
        _every = model.score.out_proj(model.hidden(_ids))[..., 0]
        _rewards = {
            "the last real token": model(_ids),
            "the last place": _every[:, -1],
            "the first token": _every[:, 0],
        }[read.value]
    _order = (_sevens[:200] - _sevens[200:]).sign()
    right = ((_rewards[:200] - _rewards[200:]).sign() == _order)[_order != 0].float().mean().item()
    _counts = range(6)
    plots.lines(
        _counts,
        {"mean reward": [_rewards[_sevens == number].mean().item() for number in _counts]},
        x="sevens in the text",
        y="reward",
        title=f"read at {read.value}: {right:.0%} of the pairs in the right order",
    )
    return (right,)


@app.cell
def _(read, right):
    assert right > 0.9 if read.value == "the last real token" else right < 0.9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A value at every token

    Asked at every token, the same number says what the text is worth so far. A *value head* is trained for that: how much reward is still
    to come. It is one matrix on every vector, and padding needs no care, since each token is read where it stands.
    """)
    return


@app.cell
def _(model):
    _ids = torch.tensor([[3, 8, 5, 8, 8, 2, 4, 8, 1, 9]])
    with torch.no_grad():
        so_far = model.score.out_proj(model.hidden(_ids))[0, :, 0]
    _sevens = (_ids[0] == 8).cumsum(0)
    plots.lines(
        range(1, 11), {"number so far": so_far.tolist(), "sevens so far": _sevens.tolist()}, x="tokens read", y="",
        title="2 7 4 7 7 1 3 7 0 8: each seven is good news",
    )  # fmt: skip
    return (so_far,)


@app.cell
def _(so_far):
    _sevens = torch.tensor([0, 1, 1, 2, 3, 3, 3, 4, 4, 4.0])
    assert torch.corrcoef(torch.stack([so_far, _sevens]))[0, 1] > 0.8
    return


@app.cell
def _(model):
    _text = torch.tensor([[3, 8, 5, 8]])
    with torch.no_grad():
        _alone = model(_text)
        _right = model(pad(_text, (0, 6)))
        _left_ids, _real = pad(_text, (6, 0)), torch.arange(10)[None] >= 6
        _places = (_real.long().cumsum(1) - 1).clamp(min=0)
        _left = model(_left_ids, causal(10) & padding(_real), _places)
    moved = max((_right - _alone).abs().item(), (_left - _alone).abs().item())
    mo.md(f"Six places of padding, right or left, move the reward of a text by **{moved:.0e}** at most.")
    return (moved,)


@app.cell
def _(moved):
    assert moved < 1e-4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Padding left: the token that is read is the last place in every row. On both sides: neither a count nor the last place finds it.
    - Read at the last place: the order of the pairs gets worse, as padding that was never trained on is judged.
    - Read at the first token: a coin's toss, since that token has seen one digit alone.
    - `AutoModelForSequenceClassification` of `transformers` loads what `save_model` writes of the reward model.

    Write it yourself: `groundup learn start last_token`, then `groundup learn start mean_of_tokens`
    """)
    return


if __name__ == "__main__":
    app.run()
