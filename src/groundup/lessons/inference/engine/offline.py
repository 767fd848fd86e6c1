"""Lesson: a whole file of prompts, killed and gone on with, and answers that do not show it in a single byte."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="A file of prompts that a kill does not change", width="medium")

with app.setup:
    import contextlib
    import json
    import tempfile
    import time
    from pathlib import Path
    from types import SimpleNamespace

    import marimo as mo
    import numpy as np
    import torch

    from groundup import files, plots
    from groundup.errors import GroundupError
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine import Engine, EngineConfig, Request
    from groundup.inference.engine.offline import answer_file
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # A file of prompts that a kill does not change

    To judge a model, or to let it write examples, one asks it ten thousand things at once, overnight. Nobody waits for an answer, but
    everybody counts on the file: that a run which was killed goes on where it was, and that what it ends with is what an undisturbed run
    ends with. Afterwards you know the three things that this takes.
    """)
    return


@app.cell
def _():
    module = build(
        LlamaConfig(vocab_size=70, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.3), seed=0, scheme="normal",
    )  # fmt: skip
    letters = SimpleNamespace(special_tokens={}, token_bytes=lambda id: bytes([33 + id]))  # a token is a character
    _draws = np.random.default_rng(0)
    prompts = ["".join(map(chr, _draws.integers(33, 103, _draws.integers(3, 20)))) for _ in range(23)] + ["a" * 70]
    drawing = SamplingConfig(max_new_tokens=16, temperature=0.9, seed=5)
    in_batches = EngineConfig(deterministic=True, portion=16, page_size=8, max_rows=4, max_tokens_a_step=32, compiled=None)

    def run(folder, texts, kill_at=None, model=module, sampling=drawing):
        """Answer some texts into folder/answers.jsonl; kill_at: the number of the text with whose coming the process ends."""

        def encode(line):
            if kill_at is not None and line["prompt"] == texts[kill_at]:
                raise KeyboardInterrupt
            return [ord(letter) - 33 for letter in line["prompt"]], {1, 2}

        source, handle = Path(folder) / "prompts.jsonl", SimpleNamespace(module=model, tokenizer=letters, generation={})
        source.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
        with contextlib.suppress(KeyboardInterrupt):
            return answer_file(handle, source, Path(folder) / "answers.jsonl", sampling, encode=encode, config=in_batches)

    with tempfile.TemporaryDirectory() as _one, tempfile.TemporaryDirectory() as _two:
        run(_one, prompts)
        whole = (Path(_one) / "answers.jsonl").read_bytes()
        run(_two, prompts, kill_at=16)
        with (Path(_two) / "answers.jsonl.part").open("ab") as _part:
            _part.write(b'{"index": 9, "te')  # a kill may come in the middle of a line
        part = (Path(_two) / "answers.jsonl.part").read_bytes()
        summary = run(_two, prompts)
        gone_on = (Path(_two) / "answers.jsonl").read_bytes()
    differing = sum(one != other for one, other in zip(whole, gone_on, strict=True))
    mo.md(
        f"24 prompts, killed in the middle of a line. The second run finds {summary.resumed} answers and makes the other "
        f"{summary.answers - summary.resumed}. Of the {len(whole):,} bytes of an undisturbed run **{differing}** are others."
    )
    return differing, drawing, gone_on, in_batches, letters, module, part, prompts, run, summary, whole


@app.cell
def _(differing, gone_on, summary, whole):
    assert gone_on == whole and differing == 0
    assert 0 < summary.resumed < 16 and summary.answers == 24 and summary.failed == 1
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The file that is not done

    Until the end the answers stand in `answers.jsonl.part`. Its first line says what they are answers to: hashes of the prompts and of
    the model's weights, and how tokens are drawn. Then a line an answer, in the order of the prompts, so that the count of whole lines is all that a
    run has to remember. The last one is torn, and is cut off.
    """)
    return


@app.cell
def _(part, whole):
    _lines = part.split(b"\n")
    header, torn = json.loads(_lines[0]), _lines[-1].decode()
    answers = [json.loads(line) for line in whole.splitlines()]
    _shown = [f"{'{'}prompts: {header['prompts'][:8]}..., model: {header['model'][:8]}..., sampling: ...{'}'}", *part.decode().split("\n")[1:3]]
    _code = "\n".join(line[:120] for line in [*_shown, "...", torn])
    mo.md(f"```text\n{_code}\n```\n\nThe last prompt has 70 tokens, the model sees 64. Its line: *{answers[-1]['error']}*.")
    return answers, header, torn


@app.cell
def _(answers, header, torn):
    assert set(header) == {"prompts", "model", "sampling"} and not torn.endswith("}")
    assert [one["index"] for one in answers] == list(range(24))
    assert "error" in answers[-1], "a prompt that cannot be answered has a line as well, and the others do not suffer"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Choose when it is killed. An answer that is ready before a slower one in front of it waits for that one, in memory, and a kill loses
    it: this is the price of the order.
    """)
    return


@app.cell
def _():
    kill_at = mo.ui.slider(8, 23, value=16, label="killed when this prompt comes in", show_value=True)
    kill_at
    return (kill_at,)


@app.cell
def _(kill_at, prompts, run):
    with tempfile.TemporaryDirectory() as _folder:
        run(_folder, prompts, kill_at=kill_at.value)
        _lines = (Path(_folder) / "answers.jsonl.part").read_bytes().splitlines()[1:]
        again = run(_folder, prompts)
        ended_with = (Path(_folder) / "answers.jsonl").read_bytes()
    on_disk = len(_lines)
    _tokens = [json.loads(line).get("completion_tokens", 0) for line in ended_with.splitlines()]
    plots.value_bars(
        {"first run": {row: _tokens[row] for row in range(on_disk)}, "second run": {row: _tokens[row] for row in range(on_disk, 24)}},
        x="prompt", y="tokens of its answer", title=f"{kill_at.value} prompts had come in, {on_disk} answers were on the disk",
    )  # fmt: skip
    return again, ended_with, on_disk


@app.cell
def _(again, ended_with, kill_at, on_disk, whole):
    assert ended_with == whole, "whenever it was killed"
    assert again.resumed == on_disk < kill_at.value
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## First: chance belongs to the line

    Suppose somebody goes on by hand: the prompts that have no answer yet become a file of their own, with the same seed. Their first line is
    now line 0, and draws what line 0 drew. In one run, each line's chance comes from (seed, number of the line, position) and from nothing else.
    """)
    return


@app.cell
def _(answers, prompts, run, summary):
    with tempfile.TemporaryDirectory() as _folder:
        run(_folder, prompts[summary.resumed : 23])
        _by_hand = [json.loads(line)["text"] for line in (Path(_folder) / "answers.jsonl").read_bytes().splitlines()]
    _expected = [one["text"] for one in answers[summary.resumed : 23]]
    by_hand = sum(one != other for one, other in zip(_by_hand, _expected, strict=True))
    rest = len(_expected)
    mo.md(f"Gone on with by hand, **{by_hand}** of the {rest} answers are others than those of the undisturbed run.")
    return by_hand, rest


@app.cell
def _(by_hand, rest):
    assert by_hand > rest / 2
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Second: company

    A batch of another size may be multiplied in another order, and sums of floats in another order are rounded elsewhere. After a kill a
    line has other company. Below the same prompts are answered alone and with more and more others: how far does the log-probability of a token
    move? In the deterministic mode all calls have the same shape, whoever is there.
    """)
    return


@app.cell
def _():
    def written_by(model, texts, rows, fixed, tokens=10):
        """(ids, log-probabilities) of each text, so many at once."""
        config = EngineConfig(deterministic=fixed, portion=16, page_size=8, max_rows=rows, max_tokens_a_step=64, prefix_cache=False, compiled=None)
        engine = Engine(SimpleNamespace(module=model, generation={}), config)
        sampling = SamplingConfig(max_new_tokens=tokens, temperature=0)
        names = [
            engine.add(Request(prompt_ids=[ord(letter) - 33 for letter in text], sampling=sampling, log_probabilities=0)) for text in texts
        ]
        events = [event for _ in iter(lambda: engine.has_work, False) for event in engine.step()]
        mine = [[event for event in events if event.request_id == name] for name in names]
        return [([id for one in own for id in one.ids], [nats for one in own for nats in one.log_probabilities]) for own in mine]

    return (written_by,)


@app.cell
def _(module, prompts, written_by):
    _texts, _rows = prompts[:8], (1, 2, 4, 8)
    moved = {"as it comes": [], "deterministic": []}
    for _name, _fixed in (("as it comes", False), ("deterministic", True)):
        _alone = written_by(module, _texts, 1, _fixed)
        for _count in _rows:
            _together = written_by(module, _texts, _count, _fixed)
            _pairs = [pair for one, other in zip(_alone, _together, strict=True) for pair in zip(one[1], other[1], strict=True)]
            moved[_name].append(1e6 * max(abs(one - other) for one, other in _pairs))
    plots.lines(
        _rows, moved, x="texts at once", y="millionths of a nat", log_x=True, marked=True,
        title=f"Company moves a log-probability by up to {max(moved['as it comes']):.2g} millionths of a nat, or by {max(moved['deterministic']):.0f}",
    )  # fmt: skip
    return (moved,)


@app.cell
def _(moved):
    assert moved["deterministic"] == [0.0] * 4, "to the bit"
    assert moved["as it comes"][0] == 0 and max(moved["as it comes"]) < 1000, "tiny, and on another machine other numbers"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A millionth decides nothing until two tokens are that close. With half as many bits they sometimes are: the same model in bfloat16. One token
    that is another makes the rest of the answer another.
    """)
    return


@app.cell
def _(module, prompts, written_by):
    _rough = build(module.config, seed=0, scheme="normal").to(torch.bfloat16)
    changed_by_company = {}
    for _name, _fixed in (("as it comes", False), ("deterministic", True)):
        _alone, _together = (written_by(_rough, prompts[:12], rows, _fixed, tokens=12) for rows in (1, 12))
        _changed = sum(one[0] != other[0] for one, other in zip(_alone, _together, strict=True))
        changed_by_company = {**changed_by_company, _name: _changed}
    mo.md(
        f"Of 12 answers of 12 tokens in bfloat16, written together instead of one by one, **{changed_by_company['as it comes']}** came out "
        f"otherwise; in the deterministic mode {changed_by_company['deterministic']}."
    )
    return (changed_by_company,)


@app.cell
def _(changed_by_company):
    assert changed_by_company["deterministic"] == 0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Third: the same question

    Half a file of one model and half of another would look like one file. So whoever goes on must ask the same model the same prompts in the same
    way, and the first line of the unfinished file is compared. A mistake in the prompts is named before the first answer, not after a night.
    """)
    return


@app.cell
def _(drawing, letters, module, prompts, run):
    _nudged = build(module.config, seed=0, scheme="normal")
    with torch.no_grad():
        next(_nudged.parameters())[0, 0] += 1e-3
    _cases = {
        "one weight is another": dict(texts=prompts, model=_nudged),
        "one prompt more": dict(texts=[*prompts, "abc"]),
        "another temperature": dict(texts=prompts, sampling=SamplingConfig(max_new_tokens=16, temperature=0.8, seed=5)),
    }
    said = {}
    with tempfile.TemporaryDirectory() as _folder:
        run(_folder, prompts, kill_at=16)
        _before = (Path(_folder) / "answers.jsonl.part").read_bytes()
        _tries = {name: (lambda told=told: run(_folder, **told)) for name, told in _cases.items()}
        _bad, _handle = Path(_folder) / "bad.jsonl", SimpleNamespace(module=module, tokenizer=letters, generation={})
        files.write_text(_bad, '{"prompt": "abc"}\n{"promt": "abc"}\n')
        _tries["a mistake in line 2"] = lambda: answer_file(_handle, _bad, Path(_folder) / "new.jsonl", drawing, encode=None)
        for _name, _try in _tries.items():
            try:
                said = {**said, _name: f"went on: {_try()}"}
            except GroundupError as _error:
                said = {**said, _name: str(_error).replace(f"{_folder}/", "")}
        untouched = (Path(_folder) / "answers.jsonl.part").read_bytes() == _before and not list(Path(_folder).glob("new*"))
    mo.md("| what is other | what is said |\n|---|---|\n" + "\n".join(f"| {name} | {words} |" for name, words in said.items()))
    return said, untouched


@app.cell
def _(said, untouched):
    assert all("holds answers of another model, to other prompts or with other settings" in words for words in list(said.values())[:3])
    assert "line 2: has no" in said["a mistake in line 2"] and untouched
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it costs

    Calls of one shape write eight texts each, filled up where fewer run; more than eight need a second call. So the mode costs least where
    few are written at once and most where a large batch would gain most. Measured on this machine just now. Whoever needs no equal bits
    gives `answer_file` a configuration without it: order and chance still hold.
    """)
    return


@app.cell
def _(module, prompts, written_by):
    _rates = {"as it comes": [], "deterministic": []}
    for _rows in (1, 2, 4, 8, 16):
        for _name, _fixed in (("as it comes", False), ("deterministic", True)):
            _start = time.perf_counter()
            _tokens = sum(len(ids) for ids, _ in written_by(module, prompts[:16], _rows, _fixed, tokens=4))
            _rates[_name].append(_tokens / (time.perf_counter() - _start))
    plots.lines(
        (1, 2, 4, 8, 16), _rates, x="texts at once", y="tokens a second", log_x=True, marked=True,
        title=f"16 at once: {_rates['deterministic'][-1] / _rates['as it comes'][-1]:.0%} of the speed for the same bits",
    )  # fmt: skip
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Kill it with prompt 8: eight were in the engine, no answer is on the disk, and all begins anew.
    - Set `temperature=0` in `drawing`: going on by hand then changes nothing, for no chance is left.
    - Write with `max_rows=16`: more is under way at a kill, and the bytes at the end are the same.

    Who gets how many tokens of a step: `groundup learn start share_budget`
    """)
    return


if __name__ == "__main__":
    app.run()
