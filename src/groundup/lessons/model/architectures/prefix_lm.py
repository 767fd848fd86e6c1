"""Lesson: the prefix LM, one stack that reads the question both ways and answers token by token."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Prefix LM: one mask instead of two stacks", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.blanks import blank_infilling
    from groundup.model.architectures.glm import GLM2022Config
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.architectures.prefix_lm import PrefixLM, prefix_mask
    from groundup.model.attention.masks import causal


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Prefix LM: one mask instead of two stacks

    A question is there whole before the answer begins, and yet a causal decoder reads it as if it came word by word. A prefix LM reads
    it both ways and needs no second stack for that. Afterwards you can write its mask, say what it means for the cache, and make the task
    with which GLM learned to fill blanks.
    """)
    return


@app.cell
def _():
    _question = 500
    hidden = 1 - causal(_question).float().mean().item()
    mo.md(
        f"Of the pairs of tokens in a question of {_question}, a causal decoder hides **{hidden:.1%}**, though nothing in them is secret."
    )
    return (hidden,)


@app.cell
def _(hidden):
    assert abs(hidden - 499 / 1000) < 1e-3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mask

    A query sees a key for one of two reasons: the key is not after it, or the key belongs to the prefix. Move the prefix's end. At 0 it is the
    mask of GPT, at 8 that of BERT; everything between is a question and its answer.
    """)
    return


@app.cell
def _():
    prefix = mo.ui.slider(0, 8, value=4, label="tokens of the prefix", show_value=True)
    prefix
    return (prefix,)


@app.cell
def _(prefix):
    mask = prefix_mask(torch.tensor([prefix.value]), 8)
    plots.heat_map(
        mask[0].float(), x="key", y="query", low=0, high=1, title=f"Who sees whom, a prefix of {prefix.value}"
    )
    return (mask,)


@app.cell
def _(mask, prefix):
    assert mask[0].sum() == 8 * 9 // 2 + prefix.value * (prefix.value - 1) // 2, (
        "what the prefix adds is its upper triangle"
    )
    assert torch.equal(mask | causal(8), mask), "nothing that a decoder sees is lost"
    assert torch.equal(mask[:, prefix.value :], causal(8)[:, prefix.value :]), "the answer is written as ever"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What changes inside

    The model is a decoder, weight for weight; only the mask is another one. Change the last token of a text of eight and look at what
    moves: with a causal mask only the last place; with the prefix all places inside it, as far as it reaches.
    """)
    return


@app.cell
def _():
    _config = LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4
    )
    decoder = build(_config, seed=0, scheme="normal")
    mo.md(f"A little decoder of {sum(one.numel() for one in decoder.parameters()):,} random weights.")
    return (decoder,)


@app.cell
def _(decoder, prefix):
    _model, _ids = decoder, torch.arange(8)[None]
    _other = _ids.clone()
    _last = max(prefix.value - 1, 0)
    _other[0, _last] = 40
    _both = prefix_mask(torch.tensor([prefix.value]), 8)
    with torch.no_grad():
        moved = {
            name: (_model(_other, seen) - _model(_ids, seen)).abs().amax(-1)[0].tolist()
            for name, seen in {"causal": causal(8), "prefix": _both}.items()
        }
    plots.lines(
        list(range(8)),
        moved,
        x="place",
        y="how far its logits move",
        title=f"The token at place {_last} is changed",
    )
    return (moved,)


@app.cell
def _(moved, prefix):
    _last = max(prefix.value - 1, 0)
    assert all(moved["causal"][place] == 0 for place in range(_last)), "a decoder's past knows nothing of it"
    assert all(moved["prefix"][place] > 0 for place in range(prefix.value)), "in the prefix every place feels it"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The cache

    Keys and values of the prefix depend on all of it, so it has to enter the cache in one pass; a chunk read alone would not have seen the next.
    After that a step is a decoder's step. `PrefixLM` does just that: the first pass into an empty cache is the prefix.
    """)
    return


@app.cell
def _(decoder):
    _model, _ids = decoder, torch.arange(3, 11)[None]
    with torch.no_grad():
        _whole = _model(_ids, prefix_mask(torch.tensor([5]), 8))
        errors = {}
        for _name, _sizes in {"prefix in one pass": (5, 1, 1, 1), "prefix in two": (3, 2, 1, 1, 1)}.items():
            _cache, _bound = KVCache.of(_model, batch=1, capacity=8), PrefixLM(_model)
            _steps = torch.cat([_bound(part, cache=_cache) for part in _ids.split(_sizes, dim=1)], dim=1)
            errors[_name] = (_steps - _whole)[:, -1].abs().max().item()
    plots.value_bars(
        {"largest error of the last logits": errors}, y="largest error of a logit", title="Against one full pass"
    )
    return (errors,)


@app.cell
def _(errors):
    assert errors["prefix in one pass"] < 1e-5
    assert errors["prefix in two"] > 100 * errors["prefix in one pass"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Filling blanks

    GLM (2022) learns with this mask to fill holes anywhere in a text. Each hole becomes one `[M]`; the holes themselves follow, one after another,
    each behind an `[S]`. A token of a hole stands where its `[M]` stands, and has a second place inside the hole. So the model knows
    which hole it fills and how far it is, and not how much is left.
    """)
    return


@app.cell
def _():
    _words = "the cat sat on the warm mat".split()
    _spans = [(4, 6), (1, 2)]
    row = blank_infilling(list(range(len(_words))), _spans, 100, 101, 102)
    _names = dict(enumerate(_words)) | {100: "[M]", 101: "[S]", 102: "[E]", -100: " "}
    _columns = [
        ("reads", [_names[id] for id in row.input_ids.tolist()]),
        ("in the text", row.positions[:, 0].tolist()),
        ("in the blank", row.positions[:, 1].tolist()),
        ("asked for", [_names[id] for id in row.targets.tolist()]),
    ]
    _lines = [f"| **{name}** | " + " | ".join(map(str, cells)) + " |" for name, cells in _columns]
    mo.md("\n".join(["|" + " |" * (len(row.input_ids) + 1), "|" + "---|" * (len(row.input_ids) + 1), *_lines]))
    return (row,)


@app.cell
def _(row):
    assert row.prefix == 6
    assert row.input_ids.tolist() == [0, 100, 2, 3, 100, 6, 101, 4, 5, 101, 1]
    assert row.positions[row.prefix :].tolist() == [[4, 1], [4, 2], [4, 3], [1, 1], [1, 2]]
    return


@app.cell
def _():
    _base = GLM2022Config(vocab_size=30_522, hidden_size=768, num_hidden_layers=12, num_attention_heads=12)
    _millions = count(_base).parameters / 1e6
    assert 109 < _millions < 111
    mo.md(
        f"The base model of that paper: **{_millions:.0f} million parameters**, as published; two tables of places in the place of one."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Set the prefix to 1: the mask is causal. Why?
    - In the table, swap the two spans: what changes in part A, and what in part B?
    - Give a decoder that was trained causally a prefix mask: its loss rises, as it never saw such states. UL2 and GLM train with it.

    Write it yourself: `groundup learn start prefix_mask` and `groundup learn start blank_infilling`
    """)
    return


if __name__ == "__main__":
    app.run()
