"""Lesson: the encoder-decoder, which reads a source whole and writes an answer that asks it at every token."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Two stacks: one reads, one writes", width="medium")

with app.setup:
    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.original import OriginalConfig
    from groundup.model.attention.self_cross import split_heads
    from groundup.model.encoder_decoder import Answering, shift_right
    from groundup.model.layers.residual import cross_block


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Two stacks: one reads, one writes

    The transformer of 2017 was made to translate. A sentence to be translated is there whole, so one stack may look at it in every
    direction; the translation is written word by word, so the other may not. Afterwards you know what ties the two together, you have trained such a
    model, and you have seen which letter of the source it looks at.
    """)
    return


@app.cell
def _():
    BEGIN, LETTERS = 0, "abcdefgh"
    base = OriginalConfig(vocab_size=37_000, hidden_size=512, num_hidden_layers=6, num_attention_heads=8)
    counted = count(base)
    mo.md(
        f"The base model of the paper has **{counted.parameters / 1e6:.0f} million parameters**, "
        f"{counted.embedding_parameters / 1e6:.0f} million of them in one matrix that reads the source, reads the answer and scores the next word."
    )
    return BEGIN, LETTERS, base, counted


@app.cell
def _(base, counted):
    assert 62e6 < counted.parameters < 66e6  # the paper's table 3 says 65 million
    assert counted.head_parameters == 0, "the head is the embedding"
    assert base.intermediate_size == 2048
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A block of the writer

    A block of the reader has two parts, attention and feed-forward. A block of the writer has a third one between them, cross-attention, and
    each part adds what it has to say to the stream. Take numbers instead of vectors, and simple functions instead of parts: attention doubles, the
    source says "one more", the feed-forward takes four times; the norms multiply by 3, 5 and 2.
    """)
    return


@app.cell
def _():
    _one = torch.ones(1, 1, 1)
    by_block = cross_block(
        _one,
        lambda x: 3 * x,
        lambda x: 2 * x,
        lambda x: 5 * x,
        lambda x: x + 1,
        lambda x: 2 * x,
        lambda x: 4 * x,
    ).item()
    _after_attention = 1 + 2 * (3 * 1)
    _after_source = _after_attention + (5 * _after_attention + 1)
    by_numbers = _after_source + 4 * (2 * _after_source)
    assert by_block == by_numbers == 387
    mo.md(
        f"By hand: 1, then {_after_attention}, then {_after_source}, then **{by_numbers}**; the library's block says {by_block:.0f}."
    )
    return by_block, by_numbers


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it learns from

    The task: write five letters backwards. The writer is shown the right answer, moved one place to the right, with a beginning in front. So at
    every place it is asked for the letter that stands there, and has read only those before it. All places are learned in one pass.
    """)
    return


@app.cell
def _(BEGIN, LETTERS):
    _source = torch.tensor([[2, 3, 4, 5, 6]])
    answer = _source.flip(1)
    shown = shift_right(answer, BEGIN)
    assert shown.tolist() == [[BEGIN, 6, 5, 4, 3]]
    _rows = {"source": _source, "read by the writer": shown, "asked for": answer}
    _lines = [
        f"| {name} | {' '.join('–' if id == BEGIN else LETTERS[id - 2] for id in ids[0].tolist())} |"
        for name, ids in _rows.items()
    ]
    mo.md("\n".join(["| | |", "|---|---|", *_lines]))
    return answer, shown


@app.cell
def _(BEGIN):
    _config = OriginalConfig(
        vocab_size=10,
        hidden_size=48,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=1,
        tie_word_embeddings=False,
    )
    model = build(_config, seed=1)
    _draws = torch.Generator().manual_seed(1)
    _optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    while len(losses) < 400 and not (losses and max(losses[-5:]) < 0.05):
        _source = torch.randint(2, 10, (32, 5), generator=_draws)
        _targets = _source.flip(1)
        _logits = model(_source, shift_right(_targets, BEGIN))
        _loss = functional.cross_entropy(_logits.flatten(0, 1), _targets.flatten())
        _optimizer.zero_grad()
        _loss.backward()
        _optimizer.step()
        losses.append(_loss.item())
    plots.lines(
        list(range(len(losses))),
        {"loss": losses},
        x="step",
        y="nats a letter",
        levels={"guessing": torch.tensor(8.0).log().item()},
        title="Learning to write backwards",
    )
    return losses, model


@app.cell
def _(BEGIN, losses, model):
    assert losses[0] > 2.0, "it begins by guessing"
    assert max(losses[-5:]) < 0.05, "and learns the task"
    with torch.no_grad():
        _source = torch.randint(2, 10, (200, 5), generator=torch.Generator().manual_seed(7))
        right = (
            (model(_source, shift_right(_source.flip(1), BEGIN)).argmax(-1) == _source.flip(1)).float().mean().item()
        )
    assert right > 0.97
    mo.md(f"After {len(losses)} steps **{right:.1%}** of the letters of 200 new words are right.")
    return (right,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where it looks

    Nobody told the model that the first letter of the answer is the last of the source. Choose a word, and see how each written letter's
    query weighs the source.
    """)
    return


@app.cell
def _():
    word = mo.ui.dropdown(["abcde", "hgfab", "badge", "cabbc", "aaaab"], value="badge", label="word")
    word
    return (word,)


@app.cell
def _(BEGIN, LETTERS, model, word):
    _source = torch.tensor([[LETTERS.index(letter) + 2 for letter in word.value]])
    _block = model.model.decoder.layers[0]
    with torch.no_grad():
        _key = model.read(_source).memories[0].key
        _written = model.model.embed(shift_right(_source.flip(1), BEGIN), torch.arange(5))
        _asking = _block.post_attention_layernorm(_written + _block.self_attn(_written, None))
        _query = split_heads(_block.cross_attn.q_proj(_asking), 1)
        weights = torch.softmax(_query @ _key.transpose(-2, -1) / 48**0.5, dim=-1)[0, 0]
    plots.heat_map(
        weights,
        rows=[f"{place}. {letter}" for place, letter in enumerate(reversed(word.value), 1)],
        columns=[f"{place}. {letter}" for place, letter in enumerate(word.value, 1)],
        x="source",
        y="answer",
        low=0,
        high=1,
        title=f"Who asks whom, {word.value} backwards",
    )
    return (weights,)


@app.cell
def _(weights):
    _mirrored = weights.flip(1).diagonal().sum().item() / weights.sum().item()
    assert torch.allclose(weights.sum(-1), torch.ones(5), atol=1e-5)
    assert _mirrored > 0.5, "most of the weight lies where the mirrored letter stands"
    mo.md(
        f"{_mirrored:.0%} of all weight lies on the other diagonal: there are no positions in cross-attention, so it found them in the states."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Read once, write many

    While it writes, the source does not change. `read` makes the states and, for every block of the writer, their keys and values; then a
    step costs one token. `Answering` is a model that has read its source: it takes what a decoder takes, and the whole machinery of
    sampling and streaming works with it.
    """)
    return


@app.cell
def _(BEGIN, LETTERS, model, word):
    _source = torch.tensor([[LETTERS.index(letter) + 2 for letter in word.value]])
    with torch.no_grad():
        bound = Answering(model, model.read(_source))
        _cache, _ids = KVCache.of(bound, batch=1, capacity=6), [BEGIN]
        for _ in range(5):
            _ids.append(int(bound(torch.tensor([_ids[-1:]]), cache=_cache)[0, -1].argmax()))
        _whole = model(_source, torch.tensor([_ids[:-1]])).argmax(-1)[0].tolist()
    assert _whole == _ids[1:], "step by step is one pass"
    written = "".join(LETTERS[id - 2] if id >= 2 else "–" for id in _ids[1:])
    mo.md(f"Step by step it writes **{written}** for {word.value}.")
    return bound, written


@app.cell
def _(bound, written):
    assert len(written) == 5
    assert bound.source.memories[0].key.shape[2] == 5, "five keys of the source, after any number of steps"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## And today?

    A decoder alone can do the same with source and answer in one row, and most models since GPT-2 are such. Two stacks still pay where
    sources are long and answers short: the source is read by half of the layers, both ways, and nothing of it is read
    again. T5 is this shape with better parts: `t5`.

    ## Try

    - Choose `aaaab`: five letters, four of them alike. Does it still look at the right place?
    - Train with `num_attention_heads=2`: which head looks where?
    - Let the words have six letters and ask for a word of five: what did it learn about the end?

    Write it yourself: `groundup learn start cross_block`
    """)
    return


if __name__ == "__main__":
    app.run()
