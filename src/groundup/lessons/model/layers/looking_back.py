"""Lesson: induction, two attention heads in a row that copy what followed when the same word stood before."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Induction: what stood before comes again", width="medium")

with app.setup:
    import math

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.model.attention.masks import causal
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention
    from groundup.model.layers.looking_back import SHARP
    from groundup.model.positions.rotary import rotate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Induction: what stood before comes again

    A name that no training text ever held is still written correctly the second time it comes up: the model reads it
    off the page. Two attention heads in a row do this, one of the few circuits of a transformer that is understood to
    the bottom. Afterwards you can build it by hand, see it in a model, and know why one head is not enough.
    """)
    return


@app.cell
def _():
    _sizes = dict(vocab_size=512, hidden_size=128, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4)
    _config = Qwen3Config(**_sizes, num_key_value_heads=2, head_dim=32, tie_word_embeddings=True, initializer_range=0.1)
    models = {scheme: build(_config, seed=1, scheme=scheme) for scheme in ("scaled", "look_back")}
    _once = torch.randint(0, 512, (16, 40), generator=torch.Generator().manual_seed(0))
    twice = torch.cat([_once, _once], dim=1)  # forty random tokens, and the same forty again

    def by_position(model, ids):
        """The loss at each place of a text, in nats: the mean over the rows."""
        with torch.no_grad():
            scores = model(ids[:, :-1])
        return functional.cross_entropy(scores.transpose(1, 2), ids[:, 1:], reduction="none").mean(0)

    losses = {scheme: by_position(model, twice) for scheme, model in models.items()}
    first, again = losses["look_back"][:39].mean().item(), losses["look_back"][40:].mean().item()
    mo.md(
        f"Forty random tokens out of 512, then the same forty again. This model has seen no training text at all. In the first "
        f"half it pays {first:.2f} nats a token, in the second **{again:.2f}**: it noticed. Its first values were not all "
        "drawn at random."
    )
    return again, by_position, first, losses, models, twice


@app.cell
def _(again, first, losses):
    assert again < first - 1
    assert abs(losses["scaled"][40:].mean() - losses["scaled"][:39].mean()) < 0.3, (
        "from random values nothing is noticed"
    )
    return


@app.cell
def _(losses):
    plots.lines(
        range(1, 80),
        {"two heads laid out": losses["look_back"], "random first values": losses["scaled"]},
        x="place in the text (the repetition begins at 40)",
        y="loss, nats",
        levels={"a guess among 512": math.log(512)},
        title="Two models before any training",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The upper line begins at twice a guess, because a fresh model whose head is its embedding expects every token to
    come again at once (the lesson on the embedding shows it). What matters here is that nothing happens to it at 40.

    ## The rule, without any model

    *Where did the current word stand before? Say what followed it there.* That is all. It needs no knowledge of the
    language, and works for a text of nonsense as well as for a name.
    """)
    return


@app.cell
def _():
    def what_followed(text):
        """What came after the last earlier place of the last word; None if it is new."""
        places = [place for place in range(len(text) - 1) if text[place] == text[-1]]
        return text[places[-1] + 1] if places else None

    words = "Mira has a red hat . Mira has a".split()
    mo.md(
        f"“{' '.join(words)} ...” is followed by **{what_followed(words)}**, if the rule of one earlier place is right."
    )
    return what_followed, words


@app.cell
def _(twice, what_followed, words):
    assert what_followed(words) == "red" and what_followed(words[:3]) is None
    _rows = twice.tolist()
    _right = sum(what_followed(row[: place + 1]) == row[place + 1] for row in _rows for place in range(40, 79))
    assert _right / (39 * len(_rows)) > 0.85, "of the second half nearly all; a token that stood in two places misleads"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why it takes two heads

    Attention compares a query with keys, and a key is made from the vector at its own place. The place to be found is
    the one *after* the earlier `a`. There stands `red`, and nothing in the vector of `red` says that an `a` came before
    it. So a first head must write that there:

    - **head one**, at every place: look one back, and note that word beside your own
    - **head two**: let the query be the current word, and the key the note. Read the word that stands there.
    """)
    return


@app.cell
def _():
    plots.flow_chart(
        {
            "a": "a, earlier",
            "red": "red, next to it",
            "now": "a, now",
            "one": "head one: look one back",
            "note": "red, with the note: after a",
            "two": "head two: whose note is a?",
            "say": "red",
        },
        [("a", "one"), ("red", "one"), ("one", "note"), ("note", "two"), ("now", "two"), ("two", "say")],
        groups={"a": "the text", "red": "the text", "now": "the text", "one": "a head", "two": "a head"},
        down=True,
        title="Two heads in a row",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Here are both heads by hand, with one-hot vectors. Head one is a matrix that shifts; how far it looks back can be
    moved. What does head two find when the notes are of the word itself, or of the word two back?
    """)
    return


@app.cell
def _():
    distance = mo.ui.slider(0, 3, step=1, value=1, label="head one looks back", show_value=True)
    distance
    return (distance,)


@app.cell
def _(distance, words):
    vocabulary = list(dict.fromkeys(words))
    _current = functional.one_hot(torch.tensor([vocabulary.index(word) for word in words])).float()
    _one_back = torch.eye(len(words)).roll(distance.value, dims=0).tril()  # row i has its 1 at i - distance
    _notes = _one_back @ _current
    found = scaled_dot_product_attention(40 * _current, _notes, torch.eye(len(words)), causal(len(words))[0])
    said = vocabulary[int((found[-1] @ _current).argmax())]
    plots.heat_map(
        found, rows=words, columns=words, x="looks at", y="the current word", low=0, high=1, text=True,
        title=f"Head two, head one looks {distance.value} back: says “{said}”",
    )  # fmt: skip
    return found, said, vocabulary


@app.cell
def _(distance, found, said, what_followed, words):
    assert said == words[2 + distance.value], (
        "the first a is word 2: read is what stands as far behind it as head one looks"
    )
    assert (said == what_followed(words)) == (distance.value == 1)
    torch.testing.assert_close(found[1, :2], torch.full((2,), 0.5) if distance.value else torch.tensor([0.0, 1.0]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A word that is new agrees with no note, so its row is spread evenly: attention cannot say nothing.

    ## The same in a model

    A model has no one-hot vectors and no shifting matrix, and does not need them. Random vectors of width 128 hardly
    agree with one another, so a projection of 32 numbers is a good enough sketch of a word. The shift comes from rotary
    positions: query and key are one fixed vector, the key turned by the angle of one place, so they agree best at a
    distance of 1. `look_back` writes this into the first three blocks. Which attention do you want to see, on twelve
    tokens twice?
    """)
    return


@app.cell
def _():
    looked_at = mo.ui.dropdown(
        ["block 0, first heads", "block 0, last heads", "block 1, first heads", "block 2, first heads"],
        value="block 0, first heads",
        label="attention of",
    )
    looked_at
    return (looked_at,)


@app.cell
def _(models, twice):
    def attention_maps(model, ids):
        """Who looks at whom: for each block the weights of the first and of the last head."""
        maps = []
        seq = ids.shape[1]
        with torch.no_grad():
            x = model.model.embed_tokens(ids)
            angles = model.rotary.angles(torch.arange(seq), x.dtype)
            for block in model.model.layers:
                part, read = block.self_attn, block.input_layernorm(x)
                query = rotate(part.q_norm(part.q_proj(read).unflatten(-1, (-1, part.head_dim))), angles)[0]
                key = rotate(part.k_norm(part.k_proj(read).unflatten(-1, (-1, part.head_dim))), angles)[0]
                maps.append(
                    [
                        scaled_dot_product_attention(query[:, head], key[:, head], torch.eye(seq), causal(seq)[0])
                        for head in (0, -1)
                    ]
                )
                x = block(x, angles)
        return maps

    short = torch.cat([twice[:1, :12], twice[:1, :12]], dim=1)
    maps = attention_maps(models["look_back"], short)
    drawn_at_random = attention_maps(models["scaled"], short)
    return attention_maps, drawn_at_random, maps, short


@app.cell
def _(looked_at, maps, short):
    _block = int(looked_at.value[6])
    shown = maps[_block][0 if "first" in looked_at.value else 1]
    plots.heat_map(
        shown, rows=short[0].tolist(), columns=short[0].tolist(), low=0, high=1, x="looks at", y="the current token",
        title=f"{looked_at.value.capitalize()}: twelve tokens twice",
    )  # fmt: skip
    return (shown,)


@app.cell
def _(drawn_at_random, looked_at, maps, shown):
    _back = [maps[0][0].diagonal(-1)[1:].mean().item(), maps[0][1].diagonal(-2)[1:].mean().item()]
    _match = {block: maps[block][0].diagonal(-11)[2:].mean().item() for block in (1, 2)}
    assert min(_back) > 0.8, "block 0 looks one back with its first heads, two back with its last"
    assert _match[1] > 0.4, "block 1 looks behind the place where the same two tokens stood: 12 - 1 back"
    assert _match[2] > 2 / 18, "block 2, with one token to go by, less surely: twice an even share"
    assert drawn_at_random[0][0].diagonal(-1).mean() < 0.3
    assert torch.allclose(shown.sum(1), torch.ones(24)), looked_at.value
    mo.md(
        f"With a gain of {SHARP:g}, block 0 puts **{_back[0]:.0%}** of its attention on the token before, its last heads "
        f"{_back[1]:.0%} on the one before that. In the repetition block 1 puts {_match[1]:.0%} on the token that followed "
        f"last time, block 2 {_match[2]:.0%}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Block 1 compares two words, the current one and the one before it; block 2 only the current one. It matters:

    > The ball is Mira's. The hat is Emil's. Who has the hat? The hat is ...

    `is` stood before in two places. Only together with the word before it is the right one found. Here are 128 such
    riddles of random tokens, for the two models that have never been trained.
    """)
    return


@app.cell
def _(models):
    _source = torch.Generator().manual_seed(0)
    _nouns = torch.stack([torch.randperm(250, generator=_source)[:2] + 10 for _ in range(128)])
    _names = torch.stack([torch.randperm(250, generator=_source)[:2] + 260 for _ in range(128)])
    _asked = torch.randint(0, 2, (128,), generator=_source)
    _is, _dot = torch.full((128, 1), 1), torch.full((128, 1), 2)
    _facts = [_nouns[:, :1], _is, _names[:, :1], _dot, _nouns[:, 1:], _is, _names[:, 1:], _dot]
    riddles = torch.cat([*_facts, _nouns.gather(1, _asked[:, None]), _is], dim=1)
    with torch.no_grad():
        right = {
            scheme: (model(riddles)[:, -1].gather(1, _names).argmax(1) == _asked).float().mean().item()
            for scheme, model in models.items()
        }
    mo.md(
        f"Of the two names the right one: **{right['look_back']:.0%}** with the heads laid out, {right['scaled']:.0%} without."
    )
    return right, riddles


@app.cell
def _(right):
    assert right["look_back"] > 0.75 > 0.65 > right["scaled"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Training finds it late

    Trained models have such heads without having been given them. But neither head is of use without the other, so
    there is no slope that leads to the pair, and for a long time nothing happens; then the loss on repeated text falls
    all at once. Beginning near the final form skips the wait. Both models, trained alike on random tokens that repeat:
    """)
    return


@app.cell
def _():
    _sizes = dict(vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2)
    _config = Qwen3Config(**_sizes, head_dim=16, tie_word_embeddings=True, initializer_range=0.1)
    learned = {"look_back": [], "scaled": []}
    for _scheme, _curve in learned.items():
        _model = build(_config, seed=0, scheme=_scheme)
        _optimizer = torch.optim.AdamW(_model.parameters(), lr=2e-3)
        _source = torch.Generator().manual_seed(1)
        for _ in range(30):
            _half = torch.randint(0, 64, (16, 16), generator=_source)
            _ids = torch.cat([_half, _half], dim=1)
            _loss = functional.cross_entropy(_model(_ids[:, :-1])[:, 15:].flatten(0, 1), _ids[:, 16:].flatten())
            _optimizer.zero_grad()
            _loss.backward()
            _optimizer.step()
            _curve.append(_loss.item())
    plots.lines(
        range(30),
        {"two heads laid out": learned["look_back"], "random first values": learned["scaled"]},
        x="step", y="loss on the repetition, nats", levels={"a guess among 64": math.log(64)}, title="Thirty steps of training",
    )  # fmt: skip
    return (learned,)


@app.cell
def _(learned):
    assert learned["look_back"][-1] < learned["look_back"][0] / 2
    assert learned["scaled"][-1] > 2 * learned["look_back"][-1]
    mo.md(
        f"After thirty steps the repetition costs {learned['scaled'][-1]:.2f} nats a token from random values, and "
        f"**{learned['look_back'][-1]:.2f}** from the heads laid out."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Let head one look 0 back: head two finds the word itself, and says it again. Let it look 3 back: it skips two
      words.
    - Look at block 0, then 1, then 2: a line just below the diagonal, then one eleven below it, in the repetition only:
      clear in block 1, which compares two words, and fainter in block 2.
    - Put a second `Mira has a blue coat .` into `words`: two places agree, and attention takes the mean of what
      follows.

    The attention that both heads use: `groundup learn start scaled_dot_product_attention`
    """)
    return


if __name__ == "__main__":
    app.run()
