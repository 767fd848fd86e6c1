"""Lesson: a prefix cache on disk, what a kill leaves of it, whose it is, and when reading it is quicker than computing it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A cache that survives the restart", width="medium")

with app.setup:
    import copy
    import re
    import subprocess
    import sys
    import tempfile
    import time
    from pathlib import Path
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np
    import torch

    from groundup import files, plots
    from groundup.errors import FormatError, GroundupError
    from groundup.inference.cache.saved import fingerprint, restore, save
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine import Engine, EngineConfig, Request
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A cache that survives the restart

    A server that has read its instructions once keeps their keys and values in memory, and every request that begins with them is
    spared the reading. Then it is started again, and all is lost. Afterwards you know how such a cache is written to disk, what may go
    wrong on the way, whose cache it is, and when it is worth its bytes.
    """)
    return


@app.cell
def _():
    sizes = dict(hidden_size=64, intermediate_size=128, num_attention_heads=4, num_key_value_heads=2)
    module = build(
        LlamaConfig(vocab_size=100, num_hidden_layers=2, max_position_embeddings=2048, initializer_range=0.3, **sizes),
        seed=0,
        scheme="normal",
    )

    def server(model, page_size=16):
        """An engine that has just been started."""
        config = EngineConfig(page_size=page_size, pages=2048 // page_size, max_rows=1, compiled=None)
        return Engine(SimpleNamespace(module=model, generation={}), config)

    def answer(engine, prompt):
        """Six tokens, and what the model thought of each of its 100 tokens in the first place."""
        greedy = SamplingConfig(max_new_tokens=6, temperature=0)
        engine.add(Request(prompt_ids=prompt, sampling=greedy, log_probabilities=100))
        events = [event for _ in iter(lambda: engine.has_work, False) for event in engine.step()]
        likely = next(event for event in events if event.ids).top_log_probabilities[0]
        return [one for event in events for one in event.ids], np.exp([nats for _, nats in sorted(likely)])

    system = np.random.default_rng(0).integers(0, 100, 480).tolist()
    questions = np.random.default_rng(1).integers(0, 100, (3, 8)).tolist()
    _first, _second = server(module), server(module)
    with tempfile.TemporaryDirectory() as _folder:
        before = [answer(_first, system + question)[0] for question in questions]
        save(_first.runner.prefixes, Path(_folder) / "cache", fingerprint(module))
        written = {file.name: file.read_bytes() for file in sorted((Path(_folder) / "cache").iterdir())}
        restore(_second.runner.prefixes, Path(_folder) / "cache", fingerprint(module))
        after = [answer(_second, system + question)[0] for question in questions]
    read = [one.counted["prompt_tokens"] - one.counted["cached_tokens"] for one in (_first, _second)]
    mo.md(
        f"Three questions behind 480 tokens of instructions. The first start reads {read[0]} tokens; the second one, which finds the folder, "
        f"**{read[1]}**."
    )
    return after, answer, before, module, questions, read, server, sizes, system, written


@app.cell
def _(after, before, read):
    assert read == [480 + 3 * 8, 3 * 8], "only the questions are new"
    assert after == before, "and the answers are the same"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What lies in the folder

    Three files. One says which tokens each page holds and which page it follows; one holds the pages, two numbers (a key and a value) for
    each layer, key-value head and place of a head; the last one holds a checksum of each of the other two.
    """)
    return


@app.cell
def _(module, written):
    _shape = module.config
    a_token = 2 * _shape.num_hidden_layers * _shape.num_key_value_heads * 16 * 4  # keys and values, 16 a head, float32
    kept = len(written["pages.safetensors"]) // (16 * a_token)
    _rows = "\n    ".join(f"| {name} | {len(data):,} |" for name, data in written.items())
    mo.md(f"""
    | file | bytes |
    |---|---|
    {_rows}

    A token costs {a_token} bytes here, a page of 16 tokens {16 * a_token:,}; so there are **{kept}** pages: the instructions.
    """)
    return a_token, kept


@app.cell
def _(a_token, kept, written):
    assert kept == 480 // 16
    assert 0 < len(written["pages.safetensors"]) - kept * 16 * a_token < 1000, "the rest is the file's head"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Killed in the middle

    A cache is saved when a server stops, and that is when it is killed. So the files are written into a folder of another name, flushed to
    the disk, and the last act is one exchange of names. Below another process begins to save over the folder, writes half of a file, and kills
    itself with a signal that no program can catch.
    """)
    return


@app.cell
def _(module, server, system, written):
    _child = (
        "import os, signal, sys; from groundup import files\n"
        "with files.atomic_folder(sys.argv[1]) as made:\n"
        "    (made / 'tree.json').write_text('{\"format\"'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with tempfile.TemporaryDirectory() as _folder:
        _place = Path(_folder) / "cache"
        _place.mkdir()
        for _name, _data in written.items():
            (_place / _name).write_bytes(_data)
        ended = subprocess.run([sys.executable, "-c", _child, str(_place)], check=False).returncode
        left = sorted(re.sub(r"\d+", "N", entry.name) for entry in Path(_folder).iterdir())
        _engine = server(module)
        survived = restore(_engine.runner.prefixes, _place, fingerprint(module))
        cleared = [entry.name for entry in Path(_folder).iterdir()]
        found = len(_engine.runner.prefixes.find(system))
    mo.md(
        f"The process ended with {ended}. It left {' and '.join(f'`{name}`' for name in left)}; the next start took **{survived}** pages from the "
        f"old one and cleared the rest away."
    )
    return cleared, ended, found, left, survived


@app.cell
def _(cleared, ended, found, kept, left, survived):
    assert ended == -9 and left == [".tmp-N-N-cache", "cache"]
    assert survived == found == kept and cleared == ["cache"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    What would be there if the files were written straight into their place? Monday's folder holds the instructions A; on Tuesday the server
    has read A and B and saves again. Choose the moment of the kill; the bars are what the next start knows.
    """)
    return


@app.cell
def _():
    moment = mo.ui.dropdown(
        {"before": 0.0, "tree.json is written": 1.0, "half of the pages": 1.5, "all pages": 2.0, "all files": 3.0, "the name is taken": 4.0},
        value="half of the pages",
        label="killed when",
    )  # fmt: skip
    moment
    return (moment,)


@app.cell
def _(answer, module, server, system, written):
    other_text = np.random.default_rng(2).integers(0, 100, 480).tolist()

    def saved_after(texts):
        """The files that a server writes which has read these texts."""
        engine = server(module)
        for text in texts:
            answer(engine, [*text, 1])
        with tempfile.TemporaryDirectory() as folder:
            save(engine.runner.prefixes, Path(folder) / "cache", fingerprint(module))
            return {name: (Path(folder) / "cache" / name).read_bytes() for name in written}

    def lay(folder, data, until=3.0):
        """Write tree, pages and checksums in this order, up to a moment: 1.5 is the first file and half of the second."""
        folder.mkdir(exist_ok=True)
        for number, name in enumerate(("tree.json", "pages.safetensors", "checksums.json")):
            if (share := min(1.0, until - number)) > 0:
                (folder / name).write_bytes(data[name][: round(share * len(data[name]))])

    monday, tuesday = saved_after([system]), saved_after([system, other_text])
    return lay, monday, other_text, saved_after, tuesday


@app.cell
def _(lay, module, moment, monday, other_text, server, system, tuesday):
    known_then = {}
    with tempfile.TemporaryDirectory() as _folder:
        for _way in ("into its place", "beside, then the name"):
            _place = Path(_folder) / _way.split()[0]
            lay(_place, monday)
            if _way == "into its place":
                lay(_place, tuesday, moment.value)
            elif moment.value == 4:
                lay(_place, tuesday)
            _prefixes = server(module).runner.prefixes
            try:
                restore(_prefixes, _place, fingerprint(module))
            except FormatError:
                pass  # the server starts with an empty cache
            known_then = {**known_then, _way: {"A": 16 * len(_prefixes.find(system)), "B": 16 * len(_prefixes.find(other_text))}}
    plots.value_bars(
        known_then, x="instructions", y="tokens known", levels={"all": 480},
        title=f"After a kill the start knows {known_then['into its place']['A']} tokens of A in the one way, "
        f"{known_then['beside, then the name']['A']} in the other",
    )  # fmt: skip
    return (known_then,)


@app.cell
def _(known_then, moment):
    assert known_then["beside, then the name"]["A"] == 480, "at every moment there is a whole folder"
    assert (known_then["into its place"]["A"] == 480) == (moment.value not in (1.0, 1.5, 2.0))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Half a cache is refused because of its checksums. They are no luxury: Tuesday's tree beside Monday's pages has the right sizes
    and no error anywhere, if both days hold as many pages. Here the checksums of such a mixture are made to fit.
    """)
    return


@app.cell
def _(answer, lay, module, monday, other_text, questions, saved_after, server):
    _mixture = {**monday, "tree.json": saved_after([other_text])["tree.json"]}
    _engine = server(module)
    with tempfile.TemporaryDirectory() as _folder:
        lay(Path(_folder), _mixture)
        try:
            restore(_engine.runner.prefixes, _folder, fingerprint(module))
            refused = ""
        except FormatError as _error:
            refused = str(_error).rpartition("/")[2]
        (Path(_folder) / files.CHECKSUMS).unlink()
        files.write_checksums(_folder)
        restore(_engine.runner.prefixes, _folder, fingerprint(module))
    _right = [answer(server(module), other_text + question)[0] for question in questions]
    mixed = sum(answer(_engine, other_text + one)[0] != right for one, right in zip(questions, _right, strict=True))
    mo.md(f"With the checksums: *{refused}*. Without them **{mixed}** of 3 answers are wrong, and nobody is told.")
    return mixed, refused


@app.cell
def _(mixed, refused):
    assert "tree.json is damaged" in refused and mixed >= 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Whose pages these are

    Keys and values mean something to the very weights that made them. A model that was trained on for one step has the same shapes, so its pages
    fit, and they are wrong. Move all weights a little: what does the moved model say
    behind the old pages, and what after reading for itself? The title says what `restore` does when it is told the moved model's own
    `fingerprint`, a hash of its configuration and of all its weights.
    """)
    return


@app.cell
def _():
    moved = mo.ui.dropdown(
        {"not at all": 0.0, "0.1%": 0.001, "1%": 0.01, "3%": 0.03, "10%": 0.1, "30%": 0.3}, value="10%", label="weights moved by"
    )  # fmt: skip
    moved
    return (moved,)


@app.cell
def _(answer, lay, module, moved, questions, server, system, written):
    _draws = torch.Generator().manual_seed(3)
    _other = copy.deepcopy(module)
    with torch.no_grad():
        for _weight in _other.parameters():
            _weight += moved.value * _weight.std() * torch.randn(_weight.shape, generator=_draws) if moved.value else 0.0
    _own = answer(server(_other), system + questions[0])[1]
    _engine = server(_other)
    with tempfile.TemporaryDirectory() as _folder:
        lay(Path(_folder), written)
        restore(_engine.runner.prefixes, _folder, fingerprint(module))  # says that it is the old model
        _foreign = answer(_engine, system + questions[0])[1]
        try:
            verdict = f"took {restore(server(_other).runner.prefixes, _folder, fingerprint(_other))} pages"
        except GroundupError as _error:
            verdict = "refused: " + str(_error).partition(" ")[2].partition(",")[0]
    away = float(abs(_own - _foreign).sum() / 2)
    _top = np.argsort(-_own)[:8].tolist()
    plots.value_bars(
        {"reads for itself": {f"token {one}": _own[one] for one in _top}, "over the old pages": {f"token {one}": _foreign[one] for one in _top}},
        y="probability of the next token", title=f"{away:.1%} of the probability is elsewhere; restore {verdict}",
    )  # fmt: skip
    return away, verdict


@app.cell
def _(away, moved, verdict):
    assert verdict.startswith("took 30" if moved.value == 0 else "refused: was saved with another model")
    assert away < 1e-4 if moved.value == 0 else away > 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Is it worth it?

    Reading $n$ tokens takes about $2 N n$ operations for $N$ weights; restoring them takes $b\, n$ bytes from the disk. Both grow with $n$, so
    the length decides nothing: the machine does. First what this machine just measured, with a model of 3 million weights.
    """)
    return


@app.cell
def _(answer, server):
    _model = build(
        LlamaConfig(vocab_size=100, hidden_size=256, intermediate_size=768, num_hidden_layers=4, num_attention_heads=4,
                    num_key_value_heads=2, max_position_embeddings=2048), seed=0,
    )  # fmt: skip
    _lengths, _seconds, _bytes = (128, 256, 512, 1024), {"read the text": [], "save": [], "restore": []}, []
    for _length in _lengths:
        _engine, _again, _marks = server(_model), server(_model), [time.perf_counter()]
        with tempfile.TemporaryDirectory() as _folder:
            answer(_engine, [number % 100 for number in range(_length)])
            _marks.append(time.perf_counter())
            save(_engine.runner.prefixes, Path(_folder) / "cache", "m")
            _marks.append(time.perf_counter())
            restore(_again.runner.prefixes, Path(_folder) / "cache", "m")
            _marks.append(time.perf_counter())
            _bytes.append((Path(_folder) / "cache" / "pages.safetensors").stat().st_size)
        for _name, _took in zip(_seconds, np.diff(_marks), strict=True):
            _seconds[_name].append(_took)
    plots.lines(
        _lengths, _seconds, x="tokens", y="seconds", marked=True,
        title=f"1024 tokens: {_bytes[-1] / 1e6:.1f} MB written, {_seconds['read the text'][-1] - _seconds['restore'][-1]:.2f} s saved at every start",
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Now a real one: 0.6 billion weights, 28 layers, 8 key-value heads of 128 places, two bytes a number. The slow line falls with the
    machine's speed, the disk's does not.
    """)
    return


@app.cell
def _():
    token_bytes, token_operations = 2 * 28 * 8 * 128 * 2, 2 * 0.6e9
    _speeds = np.logspace(10, 15, 26)
    break_even = {name: disk * token_operations / token_bytes for name, disk in (("0.2 GB/s", 0.2e9), ("2 GB/s", 2e9))}
    plots.lines(
        _speeds, {"read 1000 tokens": 1000 * token_operations / _speeds}, x="operations a second", y="seconds", log_x=True, log_y=True,
        levels={"restore, 0.2 GB/s": 1000 * token_bytes / 0.2e9, "restore, 2 GB/s": 1000 * token_bytes / 2e9},
        title=f"{token_bytes:,} bytes a token: a disk of 2 GB/s wins below {break_even['2 GB/s'] / 1e12:.0f} trillion operations a second",
    )  # fmt: skip
    return break_even, token_bytes, token_operations


@app.cell
def _(break_even, token_bytes, token_operations):
    assert token_bytes == 114_688
    assert 20e12 < break_even["2 GB/s"] < 22e12, "a CPU is far below, a large GPU is above: it reads the text again"
    assert abs(token_operations / break_even["0.2 GB/s"] - token_bytes / 0.2e9) < 1e-12
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Kill it when all pages are written: into its place, all is there but the checksums, and all is refused.
    - Move the weights by 0.1%: the answer hardly changes, and still the folder is refused. A hash knows no "nearly".
    - Restore into an engine of a few `pages`: texts are taken beginnings first, those used last before the others.
    - `groundup serve MODEL --cache-folder FOLDER` does all this to a server; end it with Ctrl-C, start it again, and read what it says.

    How pages are found again: `groundup learn start longest_prefix`
    """)
    return


if __name__ == "__main__":
    app.run()
