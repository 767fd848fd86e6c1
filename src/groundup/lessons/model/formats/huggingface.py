"""Lesson: a model folder opened file by file, and why what comes back from it gives the same scores."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The model folder, opened", width="medium")

with app.setup:
    import json
    import struct
    import tempfile
    from pathlib import Path

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.errors import FormatError, UnsupportedModel
    from groundup.lessons import given_model
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.model.formats.huggingface import load_config, load_model, save_model, weights_of
    from groundup.text.tokenizers.byte_level import train_tokenizer
    from groundup.text.tokenizers.config import TokenizerConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The model folder, opened

    A trained model is a folder of a few files, and most of the world agrees on which. Afterwards you can read each of
    them without this library, know why the weights are not a pickle, and can tell a folder that is damaged from one
    that is not.
    """)
    return


@app.cell
def _():
    text = "the cat sat on the mat and the dog sat on the cat . " * 20
    _tokenizer = train_tokenizer([text], TokenizerConfig(vocab_size=270))
    config = Qwen3Config(
        vocab_size=len(_tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, tie_word_embeddings=True,
    )  # fmt: skip
    module = build(config, seed=0, scheme="normal")
    parameters = sum(parameter.numel() for parameter in module.parameters())

    def encode(words):
        """The ids of a text."""
        return _tokenizer.encode(words)

    def decode(ids):
        """The text of ids."""
        return _tokenizer.decode(ids)

    def written(model):
        """The files of a model's folder, {name: bytes}; the folder itself is gone again."""
        with tempfile.TemporaryDirectory() as place:
            save_model(Path(place) / "model", model, tokenizer=_tokenizer)
            return {file.name: file.read_bytes() for file in sorted((Path(place) / "model").iterdir())}

    def reading(files, function):
        """What a function says of a folder that holds these files."""
        with tempfile.TemporaryDirectory() as place:
            for name, content in files.items():
                (Path(place) / name).write_bytes(content)
            return function(place)

    contents = written(module)
    beside = len(contents["model.safetensors"]) - 4 * parameters
    mo.md(
        f"A model of {parameters:,} weights became {len(contents)} files. The largest has {len(contents['model.safetensors']):,} "
        f"bytes: four for each weight, and **{beside:,}** that say which is which. There is nothing else in it."
    )
    return beside, config, contents, decode, encode, module, parameters, reading, text, written


@app.cell
def _(beside, contents):
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "checksums.json",
    } <= contents.keys()
    assert 0 < beside < 5000
    return


@app.cell
def _(contents):
    plots.value_bars(
        {"bytes": {name: len(content) for name, content in contents.items()}},
        y="bytes",
        title="The files of a model folder",
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## config.json: what to build

    The names and sizes of the architecture, as text. Nothing in it can be computed from the weights:
    `num_attention_heads` says how a matrix is cut into heads, and no matrix shows it.
    """)
    return


@app.cell
def _(config, contents, reading):
    described = json.loads(contents["config.json"])
    assert reading(contents, load_config) == config, "the configuration is the file, and the file the configuration"
    _shown = [
        "model_type",
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "tie_word_embeddings",
        "dtype",
    ]
    mo.md("| key | value |\n|---|---|\n" + "\n".join(f"| {key} | `{described[key]}` |" for key in _shown))
    return (described,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## model.safetensors: the weights, and where each begins

        8 bytes            how long the header is
        the header         JSON: name -> number format, shape, first and last byte
        the rest           the numbers of all tensors, one after another

    That is the whole format. It can be read with two lines of Python, and it holds nothing that runs. A pickle, the
    format before it, is a program: who loads one from a stranger runs what the stranger wrote.
    """)
    return


@app.cell
def _(contents):
    _raw = contents["model.safetensors"]
    (length,) = struct.unpack("<Q", _raw[:8])
    header = json.loads(_raw[8 : 8 + length])
    data = _raw[8 + length :]
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    _first = next(iter(tensors.items()))
    mo.md(
        f"The header has {length:,} bytes and names **{len(tensors)}** tensors. The first: `{_first[0]}`, `{_first[1]}`."
    )
    return data, header, length, tensors


@app.cell
def _(data, module, tensors):
    def by_hand(name):
        """A tensor from the bytes between its two offsets."""
        begin, end = tensors[name]["data_offsets"]
        return torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32).reshape(tensors[name]["shape"])

    for _name, _weight in weights_of(module).items():
        assert torch.equal(by_hand(_name), _weight), "every weight, to the last bit"
    assert max(entry["data_offsets"][1] for entry in tensors.values()) == len(data), "no byte is left over"
    assert "lm_head.weight" not in tensors and module.lm_head.weight is module.model.embed_tokens.weight
    return (by_hand,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The head is missing, because it is the embedding: what is one matrix in the model is one in the file. A loader that
    does not know this leaves the head at random values, with no error and a model that talks nonsense.

    ## tokenizer.json: from text to ids

    The same ids mean other words to another tokenizer, so it travels with the weights: the tokens with their ids, and
    the merges in the order in which they were learned.
    """)
    return


@app.cell
def _(config, contents, decode, encode, text):
    _file = json.loads(contents["tokenizer.json"])
    _merges = [
        tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in _file["model"]["merges"]
    ]
    assert len(_file["model"]["vocab"]) + len(_file["added_tokens"]) >= config.vocab_size
    assert decode(encode(text)) == text
    mo.md(
        f"{len(_file['model']['vocab'])} tokens and **{len(_merges)}** merges, the first of them "
        f"`{_merges[0][0]}` + `{_merges[0][1]}`. The sign Ġ stands for the byte of the space."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Out and in again

    What matters is what the model says. If every weight comes back bit for bit, every score does. In a shorter number
    format the file is half as long, and the scores are others. How much others? Choose the format that is written.
    """)
    return


@app.cell
def _():
    stored = mo.ui.dropdown(["float32", "bfloat16", "float16"], value="bfloat16", label="written as")
    stored
    return (stored,)


@app.cell
def _(config, encode, module, reading, stored, written):
    ids = torch.tensor([encode("the cat sat on the mat")])
    files = written(build(config, seed=0, scheme="normal", dtype=getattr(torch, stored.value)))
    loaded = reading(files, lambda folder: load_model(folder, dtype="float32"))
    with torch.no_grad():
        before, after = module(ids)[0, -1], loaded(ids)[0, -1]
    largest = (after - before).abs().max().item()
    plots.scatter(
        torch.stack([before, after - before], dim=1), x="score before", y="difference after the round trip",
        title=f"{stored.value}: {len(files['model.safetensors']):,} bytes",
    )  # fmt: skip
    return after, before, files, ids, largest, loaded


@app.cell
def _(after, before, files, largest, loaded, module, stored):
    assert (largest == 0) == (stored.value == "float32"), "the same scores, to the last bit, in the format they had"
    assert largest < 0.05 * before.abs().max() and after.isfinite().all()
    assert loaded.lm_head.weight is loaded.model.embed_tokens.weight, "tied again"
    assert loaded.config == module.config
    _state = json.loads(files["config.json"])["dtype"]
    assert _state == stored.value
    mo.md(
        f"Written as {stored.value}, the largest difference of a score is **{largest:.2g}**; the scores themselves go up to "
        f"{before.abs().max().item():.2g}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a loader must refuse

    A folder can be wrong in ways that do not stop a careless loader: it builds something, and the something speaks
    nonsense. Here are four, each with the sentence that it gets.
    """)
    return


@app.cell
def _(contents, reading):
    def without_place(name, changed):
        """The sentence that a damaged folder gets, without the folder's name."""

        def refusal(folder):
            try:
                load_model(folder)
            except (FormatError, UnsupportedModel) as error:
                return str(error).replace(f"{folder}/", "").replace(folder, "the folder")
            return ""

        return reading(contents | {name: changed}, refusal)

    _config = json.loads(contents["config.json"])
    _weights = contents["model.safetensors"]
    refusals = {
        "the weights cut short by 100 bytes": without_place("model.safetensors", _weights[:-100]),
        "a configuration of another width": without_place(
            "config.json", json.dumps(_config | {"hidden_size": 64}).encode()
        ),
        "one layer more than there are weights": without_place(
            "config.json", json.dumps(_config | {"num_hidden_layers": 3}).encode()
        ),
        "a key that would change the result": without_place(
            "config.json", json.dumps(_config | {"logit_softcap": 30}).encode()
        ),
    }
    mo.md("\n".join(f"- **{fault}**: {sentence}" for fault, sentence in refusals.items()))
    return refusals, without_place


@app.cell
def _(contents, refusals, without_place):
    assert all(refusals.values()), "none of them gives a model"
    assert "logit_softcap" in refusals["a key that would change the result"]
    assert without_place("config.json", contents["config.json"]) == "", "the folder as it was written is taken"
    return


@app.cell
def _(described):
    _folder = given_model()
    _config = load_config(_folder).to_dict() if _folder else described
    mo.md(
        f"{'Your model' if _folder else 'The model above'}: a {_config['model_type']} with {_config['num_hidden_layers']} layers of width "
        f"{_config['hidden_size']}, and a vocabulary of {_config['vocab_size']:,}."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Write it as float16, then as bfloat16: the files are as long, the differences eight times smaller. float16 spends
      three more bits on precision and three fewer on range; for weights near 0 that is the better trade.
    - Open `runs/demo/model/config.json` of a run of yours with any editor, then `groundup learn lesson huggingface
      --model FOLDER`.
    - Load the folder elsewhere: `transformers.AutoModelForCausalLM.from_pretrained(FOLDER)` gives the same scores.

    What the tokenizer's merges do: `groundup learn start encode_piece`
    """)
    return


if __name__ == "__main__":
    app.run()
