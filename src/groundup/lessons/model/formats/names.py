"""Lesson: one model, three ways to call and to lay down its weights; the table that translates in both directions."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Names: the same weights under other words", width="medium")

with app.setup:
    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import FAMILIES, build
    from groundup.model.architectures.gpt2 import GPT2Config
    from groundup.model.architectures.gpt_neox import GPTNeoXConfig
    from groundup.model.formats.huggingface import weights_of
    from groundup.model.formats.names import Rule


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Names: the same weights under other words

    A checkpoint is a table from names to matrices, and every family has its own words. Afterwards you can read such a table, take a fused
    matrix apart, and say what happens when it is cut in the wrong place: no error, and a model that talks nonsense.
    """)
    return


@app.cell
def _():
    sizes = dict(vocab_size=50, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=16)
    module = build(GPT2Config(**sizes), seed=0, scheme="normal")
    ours, theirs = module.state_dict(), weights_of(module)
    shared = ours.keys() & theirs.keys()
    mo.md(
        f"A GPT-2 of two blocks has {len(ours)} tensors here and {len(theirs)} in its file, and **{len(shared)}** of their names are the same. "
        "The numbers are."
    )
    return module, ours, shared, sizes, theirs


@app.cell
def _(ours, shared, theirs):
    assert not shared and len(theirs) < len(ours)
    _head = ours["lm_head.weight"].numel()  # tied: one storage, so the file holds it once
    assert sum(t.numel() for t in theirs.values()) == sum(t.numel() for t in ours.values()) - _head
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Three things a table has to say

    - **a word for a word**: `h.0.ln_1` is `layers.0.input_layernorm`
    - **one for several**: `attn.c_attn` holds query, key and value, one below the other
    - **on its side**: GPT-2 stores (inputs, outputs), everyone else (outputs, inputs)

    With the smallest numbers, by hand: one row each of query, key and value.
    """)
    return


@app.cell
def _():
    query, key, value = torch.tensor([[1, 2]]), torch.tensor([[3, 4]]), torch.tensor([[5, 6]])
    lying = Rule("c_attn", ("q", "k", "v"), transposed=True)
    stored = lying.join([query, key, value], groups=1)
    plots.heat_map(
        stored, rows=["input 0", "input 1"], columns=["query", "key", "value"], text=True, title="as GPT-2 stores it"
    )
    return key, lying, query, stored, value


@app.cell
def _(key, lying, query, stored, value):
    assert stored.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert all(torch.equal(a, b) for a, b in zip(lying.split(stored, [1, 1, 1], 1), (query, key, value), strict=True))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Head by head

    GPT-NeoX and Falcon fuse the three as well, but head by head: the rows of head 0's query, key and value, then those of head 1. The shape is
    the same as of GPT-2's, so nothing can tell the two apart but the table. Choose how many heads there are; each column
    of the picture is a row of the fused matrix, and its colour says what it is.
    """)
    return


@app.cell
def _():
    heads = mo.ui.slider(1, 4, value=2, label="heads", show_value=True)
    heads
    return (heads,)


@app.cell
def _(heads):
    rows = 2 * heads.value  # two rows a head
    kinds = [torch.full((rows, 1), float(kind)) for kind in range(3)]
    stacked = Rule("qkv", ("q", "k", "v")).join(kinds, heads.value)
    grouped = Rule("qkv", ("q", "k", "v"), grouped=True).join(kinds, heads.value)
    plots.heat_map(
        torch.cat([stacked, grouped], dim=1).T, rows=["stacked", "head by head"], low=0, high=2,
        title="what each row of the fused matrix is: 0 query, 1 key, 2 value",
    )  # fmt: skip
    return grouped, kinds, rows, stacked


@app.cell
def _(grouped, heads, kinds, rows, stacked):
    assert torch.equal(stacked, grouped) is (heads.value == 1)
    _found = Rule("qkv", ("q", "k", "v"), grouped=True).split(grouped, [rows] * 3, heads.value)
    assert all(torch.equal(part, kind) for part, kind in zip(_found, kinds, strict=True))
    wrong = sum(int((part != kind).sum()) for part, kind in zip(grouped.split(rows), kinds, strict=True))
    mo.md(
        f"With {heads.value} heads, cutting the second picture into thirds puts **{wrong} of {3 * rows}** rows where they do not belong"
        + (
            ": with one head both are the same, which is why a test with one head finds nothing."
            if heads.value == 1
            else "."
        )
    )
    return (wrong,)


@app.cell
def _(heads, rows, wrong):
    assert (wrong == 0) is (heads.value == 1) and wrong < 3 * rows
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a wrong cut does

    A small GPT-NeoX, its fused matrix cut into thirds instead of head by head. Every shape fits, nothing is NaN, nothing complains.
    How like the right logits are the wrong ones?
    """)
    return


@app.cell
def _(sizes):
    _right = build(
        GPTNeoXConfig(
            **sizes | {"hidden_size": 64, "num_attention_heads": 4},
            intermediate_size=64,
            partial_rotary_factor=1.0,
            initializer_range=0.2,
        ),
        seed=0,
        scheme="normal",
    )
    _miscut = build(_right.config, seed=0, scheme="normal")
    with torch.no_grad():
        for _block in _miscut.model.layers:
            _parts = [_block.self_attn.q_proj, _block.self_attn.k_proj, _block.self_attn.v_proj]
            _fused = Rule("qkv", ("q", "k", "v"), grouped=True).join([part.weight * 1 for part in _parts], 4)
            for _part, _third in zip(_parts, _fused.split(64), strict=True):
                _part.weight.copy_(_third)
        _ids = torch.randint(0, 50, (4, 16), generator=torch.Generator().manual_seed(0))
        alike = torch.nn.functional.cosine_similarity(_right(_ids).flatten(), _miscut(_ids).flatten(), dim=0).item()
        agree = (_right(_ids).argmax(-1) == _miscut(_ids).argmax(-1)).float().mean().item()
    mo.md(
        f"The cosine between them is **{alike:.2f}**, and the likeliest next token is the same in {agree:.0%} of the places."
    )
    return agree, alike


@app.cell
def _(agree, alike):
    assert alike < 0.95 and agree < 0.95
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The tables of all families

    Most need none: LLaMA's words became the common ones. Counted here: how many of the names in a block are other words, and how many
    matrices a family fuses.
    """)
    return


@app.cell
def _():
    _tables = {name: family.names for name, (family, _) in FAMILIES.items()}
    other = {name: sum(theirs != ours for theirs, ours in names.inside.items()) for name, names in _tables.items()}
    fused = {name: sum(len(ours.split()) > 1 for ours in names.inside.values()) for name, names in _tables.items()}
    plots.value_bars({"other words": other, "fused": fused}, title="names in a block that are not LLaMA's")
    return fused, other


@app.cell
def _(fused, other):
    assert other["llama"] == other["qwen3"] == 0 and fused["phi3"] == 2 and fused["gpt2"] == 1
    assert sum(count == 0 for count in other.values()) >= len(other) // 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Print `weights_of(module).keys()` and find GPT-2's positions: `transformer.wpe.weight`.
    - Give the model of the wrong cut one head instead of four: the cosine becomes 1.
    - Why does splitting what is stacked copy nothing, and sorting does? Compare `data_ptr()` of the parts with that of the whole.
    """)
    return


if __name__ == "__main__":
    app.run()
