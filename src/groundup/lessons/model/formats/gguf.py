"""Lesson: a GGUF file opened byte by byte: its head, its tensors, and the rows that stand in another order."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="GGUF: a whole model in one file", width="medium")

with app.setup:
    import struct
    import tempfile
    from pathlib import Path

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.model.formats import gguf
    from groundup.model.formats.gguf import read_value
    from groundup.model.formats.gguf_model import load_gguf, save_gguf, to_halves, to_pairs


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # GGUF: a whole model in one file

    A model for llama.cpp is one file: what it is, its tokenizer and its weights. Afterwards you can read such a file with nothing but
    `struct`, say what a weight costs in each kind, and sort the rows that every converter has got wrong once.
    """)
    return


@app.cell
def _():
    _config = LlamaConfig(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=8,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    module = build(_config, seed=0, scheme="normal")
    files = {}
    with tempfile.TemporaryDirectory() as _folder:
        for _kind in ("F32", "F16", "Q8_0", "Q4_0"):
            save_gguf(Path(_folder) / "m.gguf", module, kind=_kind)
            files[_kind] = (Path(_folder) / "m.gguf").read_bytes()
    mo.md(
        f"One small LLaMA, written four times: **{len(files['F32']):,}** bytes with every weight as float32, **{len(files['Q4_0']):,}** with four "
        "bits and a share of a scale. It is the same model, and in each file its first four bytes are the letters GGUF."
    )
    return files, module


@app.cell
def _(files):
    assert all(data[:4] == b"GGUF" for data in files.values())
    assert len(files["Q4_0"]) < len(files["F32"]) / 4
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The first 24 bytes

    Letters, then three whole numbers with their smallest byte first: the version (4 bytes), how many tensors (8), how many keys (8).
    """)
    return


@app.cell
def _(files):
    version, tensors, keys = struct.unpack_from("<IQQ", files["F32"], 4)
    _shown = " ".join(f"{byte:02x}" for byte in files["F32"][:24])
    mo.md(f"`{_shown}`\n\nversion **{version}**, **{tensors}** tensors, **{keys}** keys")
    return keys, tensors, version


@app.cell
def _(files, keys, tensors, version):
    assert version == 3 and keys > 10
    assert tensors == 1 + 2 * 9 + 1  # embedding, nine in each block, the last norm; the tied head is not stored
    assert files["F32"][8:16] == bytes([tensors, 0, 0, 0, 0, 0, 0, 0])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Keys and values

    A text is its length in bytes and its UTF-8. A key is a text, then four bytes say of which kind the value is, then it follows. Nothing
    says how long an entry is, so the head can only be read from front to back: `read_value` gives the value and the place of the next byte.
    """)
    return


@app.cell
def _(files, keys):
    _at, _lines, found = 24, [], {}
    for _ in range(keys):
        _start = _at
        _key, _at = read_value(files["F32"], _at, gguf.TEXT)
        (_kind,) = struct.unpack_from("<I", files["F32"], _at)
        found[_key], _at = read_value(files["F32"], _at + 4, _kind)
        _lines.append(f"| {_start} | `{_key}` | {_kind} | `{found[_key]}` |")
    mo.md("| byte | key | kind | value |\n|---|---|---|---|\n" + "\n".join(_lines))
    return (found,)


@app.cell
def _(found, module):
    assert found["general.architecture"] == "llama"
    assert found["llama.block_count"] == module.config.num_hidden_layers
    assert found["llama.attention.head_count_kv"] == 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Where the weights are

    After the keys comes one entry a tensor: name, number of dimensions, sizes (the length of a row first), kind, place. Then
    zeros up to a multiple of 32, and the data. Nothing has to be unpacked: the file is mapped into memory, and a weight is read when it
    is touched. Choose a kind, and see what the file is made of.
    """)
    return


@app.cell
def _():
    kind = mo.ui.dropdown(["F32", "F16", "Q8_0", "Q4_0"], value="Q4_0", label="matrices as")
    kind
    return (kind,)


@app.cell
def _(files, kind):
    with tempfile.TemporaryDirectory() as _folder:
        (Path(_folder) / "m.gguf").write_bytes(files[kind.value])
        stored = {
            name: (one.kind, one.shape, len(one.data))
            for name, one in gguf.read(Path(_folder) / "m.gguf").tensors.items()
        }
    parts = {"token_embd": 0, "attn_": 0, "ffn_": 0, "norm": 0}
    for _name, (_, _, _size) in stored.items():
        parts["norm" if "norm" in _name else next(part for part in parts if part in _name)] += _size
    parts["head of the file"] = len(files[kind.value]) - sum(parts.values())
    plots.value_bars({"bytes": parts}, title=f"{len(files[kind.value]):,} bytes, matrices as {kind.value}")
    return parts, stored


@app.cell
def _(kind, parts, stored):
    _bits = {"F32": 32, "F16": 16, "Q8_0": 8.5, "Q4_0": 4.5}[kind.value]
    _kind, _shape, _size = stored["blk.0.ffn_up.weight"]
    assert _kind == kind.value and 8 * _size == _bits * _shape[0] * _shape[1]
    assert stored["output_norm.weight"][0] == "F32"  # vectors stay as they are: they are few and decide much
    assert stored["token_embd.weight"][0] == ("Q8_0" if kind.value == "Q4_0" else kind.value)
    assert parts["ffn_"] > parts["attn_"] > parts["norm"]
    mo.md(f"A weight of a matrix takes **{_bits} bits**; in Q4_0 the embedding keeps 8.5, as it decides every token.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Rows in pairs

    Rotary positions turn two coordinates of a head together. Hugging Face's LLaMA takes $i$ and $i + d/2$, llama.cpp $2i$ and $2i + 1$. So
    the rows of the query's and the key's matrix are sorted when such a file is written, and sorted back when it is read. Below, each column
    is a row of a matrix, its number the row that it is here. Choose how many heads share 16 rows.
    """)
    return


@app.cell
def _():
    heads = mo.ui.radio(["1", "2", "4"], value="2", label="heads in 16 rows", inline=True)
    heads
    return (heads,)


@app.cell
def _(heads):
    _count = int(heads.value)
    here = torch.arange(16)
    in_file = to_pairs(here, _count)
    back = to_halves(in_file, _count)
    plots.heat_map(
        torch.stack([here, in_file, back]), rows=["here", "in the file", "read back"], text=True,
        title=f"16 rows of {_count} head{'s' * (_count > 1)}",
    )  # fmt: skip
    return back, here, in_file


@app.cell
def _(back, here, in_file):
    assert torch.equal(back, here) and not torch.equal(in_file, here)
    assert in_file[0] == 0 and in_file[-1] == 15  # a head's first and last row stay where they are
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The mistake that everyone makes once

    Here eight query heads share two key heads, so query rows are sorted by 8 and key rows by 2. Take 8 / 2 = 4 for the keys, which fits
    the one famous model with 64 heads and 8: the file loads, no shape is wrong, and the sentences stay fluent.
    """)
    return


@app.cell
def _(files, module):
    with tempfile.TemporaryDirectory() as _folder:
        (Path(_folder) / "m.gguf").write_bytes(files["F32"])
        _loaded = load_gguf(Path(_folder) / "m.gguf")
    _wrong = build(module.config, seed=0, scheme="normal")
    _ids = torch.randint(0, 256, (4, 32), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _block in _wrong.model.layers:
            _key = _block.self_attn.k_proj
            _key.weight.copy_(to_halves(to_pairs(_key.weight, 2), 4))
        right = (_loaded(_ids) - module(_ids)).abs().max().item()
        same = (_wrong(_ids).argmax(-1) == module(_ids).argmax(-1)).float().mean().item()
    mo.md(
        f"Read back rightly, the largest difference of a logit is **{right:.1g}**. With the keys sorted by 4 the model still agrees on "
        f"**{same:.0%}** of the likeliest tokens: wrong, and not obviously."
    )
    return right, same


@app.cell
def _(right, same):
    assert right < 1e-4
    assert 0.02 < same < 0.98
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - `groundup get smollm2` makes a model folder of a real file; open that file with the cells above: 272 tensors, 210 of them Q4_1.
    - Change one byte of `files["F32"]` in the middle of a matrix and load it: nothing notices, as GGUF has no checksums.
    - Cut the file short by one byte: `gguf.read` says which tensor it no longer holds.

    Write it yourself: `groundup learn start read_value`, then `groundup learn start to_halves`
    """)
    return


if __name__ == "__main__":
    app.run()
