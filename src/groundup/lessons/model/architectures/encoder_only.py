"""Lesson: encoders of BERT's kind, which see both sides of a word, fill masks, and cannot write."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="BERT: read both ways, fill the gap", width="medium")

with app.setup:
    import itertools
    import math

    import marimo as mo
    import torch
    from torch.nn.functional import cross_entropy

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.bert import BertConfig
    from groundup.model.architectures.gpt2 import GPT2Config
    from groundup.model.attention.masks import causal, padding


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # BERT: read both ways, fill the gap

    A decoder sees what came before. An encoder sees what came before and after, so it understands a finished text better and
    cannot write one. Afterwards you know what changes in the model (little), in the training (much), and you have a
    model of your own that fills gaps, trained in this page.

    The language of this lesson has five words a sentence: an article, a noun, a verb, an article, a noun. *An* stands before
    *ant, ape, eel, owl*, *a* before *cat, dog, hen, pig*.
    """)
    return


@app.cell
def _():
    _nouns = ["ant", "ape", "eel", "owl", "cat", "dog", "hen", "pig"]
    words = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "a", "an", *_nouns, "sees", "hears", "bites"]
    _number = {word: index for index, word in enumerate(words)}

    def encoded(sentence):
        """A sentence as ids, between [CLS] and [SEP]."""
        return [_number[word] for word in f"[CLS] {sentence} [SEP]".split()]

    _pairs = itertools.product(_nouns, ["sees", "hears", "bites"], _nouns)
    _sentences = [
        f"{'an' if s[0] in 'aeo' else 'a'} {s} {v} {'an' if o[0] in 'aeo' else 'a'} {o}" for s, v, o in _pairs
    ]
    corpus = torch.tensor([encoded(sentence) for sentence in _sentences])

    def known(text, place, sides):
        """How often the best guess at a place is right, for one who knows the words on these sides of it."""
        best = {}
        for row in text.tolist():
            seen = (tuple(row[:place]) if "left" in sides else (), tuple(row[place + 1 :]) if "right" in sides else ())
            tally = best.setdefault(seen, {})
            tally[row[place]] = tally.get(row[place], 0) + 1
        return sum(max(tally.values()) for tally in best.values()) / len(text)

    left, both = known(corpus, 4, "left"), known(corpus, 4, "left right")
    mo.md(
        f"There are {len(corpus)} sentences. Whoever knows all of them, and sees the words before the second article, guesses "
        f"that article right in **{left:.0%}** of them. Whoever sees the word behind it too: {both:.0%}."
    )
    return both, corpus, encoded, known, left, words


@app.cell
def _(both, corpus, known, left):
    assert left == 0.5 and both == 1.0 and len(corpus) == 192
    assert known(corpus, 5, "left") == 0.25, "of the noun the article says which half it is from"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mask is gone

    In a decoder row $i$ of the mask says yes to the columns $0$ to $i$. In an encoder it says yes everywhere, but to padding, which
    fills the short texts of a batch. Nothing else in attention changes.
    """)
    return


@app.cell
def _():
    kind = mo.ui.radio(["decoder", "encoder", "encoder, 2 places padded"], value="encoder", label="whose mask")
    kind
    return (kind,)


@app.cell
def _(kind, words):
    _real = torch.arange(7)[None] < (5 if "padded" in kind.value else 7)
    looks = causal(7)[0] if kind.value == "decoder" else padding(_real).expand(1, 7, 7)[0]
    _names = ["[CLS]", "an", "owl", "sees", "a", "cat", "[SEP]"]
    _shown = [name if real else words[0] for name, real in zip(_names, _real[0].tolist(), strict=True)]
    _axis = [f"{index} {name}" for index, name in enumerate(_shown)]
    plots.heat_map(looks, rows=_axis, columns=_axis, x="may be looked at", y="looks", low=0, high=1, title=kind.value)
    return (looks,)


@app.cell
def _(kind, looks):
    assert looks.sum() == {"decoder": 28, "encoder": 49, "encoder, 2 places padded": 35}[kind.value]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What goes in

    Three vectors are added at each place: which word it is, which place it is, and which of two sentences it stands in (its
    *type*). Their sum goes through a LayerNorm, and then through blocks in the order of 2017: part, addition, norm. By hand, from
    the model's own tables:
    """)
    return


@app.cell
def _(corpus, words):
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=16, initializer_range=0.3,
    )  # fmt: skip
    fresh = build(config, seed=0, scheme="normal")
    _trunk, _ids = fresh.model, corpus[:2]
    by_hand = _trunk.embed_norm(
        _trunk.embed_tokens.weight[_ids] + _trunk.embed_positions.weight[:7] + _trunk.embed_types.weight[0]
    )
    embedded = fresh.embedded(_ids)
    mo.md(f"Largest difference to the library's: **{(by_hand - embedded).abs().max().item():.0e}**.")
    return by_hand, config, embedded, fresh


@app.cell
def _(by_hand, embedded):
    torch.testing.assert_close(by_hand, embedded)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## How it learns

    A model that sees the whole text cannot be asked for the next word: it would look. So words are hidden behind `[MASK]`, and only
    there the model is asked. In BERT 15 % of the words, so a text teaches about a seventh of what it teaches a decoder.
    (BERT leaves one in ten of the chosen words as it is and exchanges another, so that the model cannot rely on seeing
    `[MASK]`. This lesson hides all of them.)
    """)
    return


@app.cell
def _(config, corpus, words):
    def trained(steps=250):
        """A model that has filled gaps for some steps, and its loss at each of them."""
        source = torch.Generator().manual_seed(1)
        module = build(config, seed=1)
        optimizer = torch.optim.AdamW(module.parameters(), lr=5e-3, weight_decay=0.01)
        losses = []
        for step in range(steps):
            text = corpus[torch.randint(0, len(corpus), (32,), generator=source)]
            chosen = torch.rand(text.shape, generator=source) < 0.25
            chosen[:, [0, 6]] = False
            scores = module(text.masked_fill(chosen, words.index("[MASK]")))
            loss = cross_entropy(scores[chosen], text[chosen])
            optimizer.zero_grad()
            loss.backward()
            for group in optimizer.param_groups:
                group["lr"] = 5e-3 * min(1, (step + 1) / 20) * (1 - step / steps)
            optimizer.step()
            losses.append(loss.item())
        return module.eval(), losses

    model, losses = trained()
    floor = (2 * math.log(4) + math.log(3)) / 5  # the articles are certain; four nouns and three verbs are alike
    plots.lines(
        range(len(losses)),
        {"loss at the hidden words": losses},
        x="step",
        y="nats",
        levels={"as well as it can be known, one word hidden": floor},
        title="A tiny BERT learns",
    )
    return floor, losses, model, trained


@app.cell
def _(floor, losses):
    assert losses[0] > 2 and floor - 0.15 < sum(losses[-50:]) / 50 < floor + 0.4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Fill the gap

    Hide any word of a sentence that it knows, and look at what the model thinks stood there. The articles are certain, since the
    noun behind them says which it is. The nouns and verbs are as uncertain as the language is: any of four or three would do.
    """)
    return


@app.cell
def _():
    gap = mo.ui.slider(1, 5, value=4, label="the hidden word", show_value=True)
    gap
    return (gap,)


@app.cell
def _(encoded, gap, model, words):
    _ids = torch.tensor([encoded("an owl sees a cat")])
    hidden = _ids.clone()
    hidden[0, gap.value] = words.index("[MASK]")
    with torch.no_grad():
        chances = torch.softmax(model(hidden)[0, gap.value], dim=0)
    plots.value_bars(
        {"probability": {word: chances[number].item() for number, word in enumerate(words) if number > 3}},
        title=" ".join(words[number] for number in hidden[0].tolist()),
    )
    return chances, hidden


@app.cell
def _(chances, gap, words):
    _fits = {
        1: ["an"],
        2: ["ant", "ape", "eel", "owl"],
        3: ["sees", "hears", "bites"],
        4: ["a"],
        5: ["cat", "dog", "hen", "pig"],
    }
    _right = sum(chances[words.index(word)].item() for word in _fits[gap.value])
    assert _right > 0.9, "nearly all of the probability lies on words that fit"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Ask from outside who sees whom

    Change one word at the input and see which vectors move. In the encoder all of them do; in a decoder of the same size none
    before the change. That is also why an encoder has no cache: a word that is added behind the text moves every vector before
    it, so nothing computed earlier can be kept. To write with it, the whole text would have to be read again for each word.
    """)
    return


@app.cell
def _(corpus, fresh, words):
    def moved_by(module, text):
        """How far each place's vector (row) moves when one word (column) is exchanged."""
        with torch.no_grad():
            before = module.hidden(text)
            after = [module.hidden(text.index_fill(1, torch.tensor([place]), 4)) for place in range(7)]
        return torch.stack([(other - before)[0].norm(dim=-1) for other in after], dim=1)

    _decoder = build(
        GPT2Config(vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2),
        seed=0,
        scheme="normal",
    )
    moved = {"encoder": moved_by(fresh, corpus[:1]), "decoder": moved_by(_decoder, corpus[:1])}
    plots.heat_map(
        moved["encoder"] > 1e-6,
        x="the word that was exchanged",
        y="the vector that moved",
        title="encoder",
        low=0,
        high=1,
    )
    return moved, moved_by


@app.cell
def _(moved):
    assert (moved["encoder"] > 1e-6).all()
    assert not moved["decoder"].triu(1).any() and (moved["decoder"].diagonal() > 1e-6).all()
    return


@app.cell
def _(corpus, encoded, model):
    _text = torch.tensor([encoded("an owl sees a cat")])
    _padded = torch.cat([_text, torch.zeros(1, 4, dtype=torch.long)], dim=1)
    _real = padding(_padded != 0)
    with torch.no_grad():
        _alone, _with_mask, _without = model(_text), model(_padded, _real)[:, :7], model(_padded)[:, :7]
    masked_off, open_off = ((one - _alone).abs().max().item() for one in (_with_mask, _without))
    mo.md(
        f"Padding is hidden by a mask, which the caller gives: with it the scores of the text move by **{masked_off:.0e}**, "
        f"without it by {open_off:.2f}. (The batch has {len(corpus[0])} real places and 4 padded ones.)"
    )
    return masked_off, open_off


@app.cell
def _(masked_off, open_off):
    assert masked_off < 1e-4 < open_off
    return


@app.cell
def _():
    _base = BertConfig(
        vocab_size=30522,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        head="none",
    )
    parameters = count(_base).parameters
    mo.md(
        f"The same code in the sizes of BERT base: **{parameters:,}** parameters, the 110 million of the paper. Its folder on the hub, "
        "`google-bert/bert-base-uncased`, loads with `groundup.load`; `generate` on it refuses, and says what the model does instead."
    )
    return (parameters,)


@app.cell
def _(parameters):
    assert parameters == 109_482_240
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Move the gap from word to word: the articles come out near 1, the verbs near a third each, the nouns near a quarter.
    - Choose the padded mask: the two last columns are dark, and nobody looks there; their own rows are of no interest.
    - Train for 50 steps instead of 250: the model knows which words are frequent, but not yet which article fits.
    - Use `RobertaConfig` instead: the same blocks, but positions begin at row 2, after the padding's own.

    Next: what can be read from such vectors, `groundup learn lesson model.architectures.heads`
    """)
    return


if __name__ == "__main__":
    app.run()
