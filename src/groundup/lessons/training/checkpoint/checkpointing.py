"""Lesson: a run that is killed and goes on, and all that must be kept for it to be the same run, bit for bit."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Checkpoints: killed and resumed, bit for bit", width="medium")

with app.setup:
    import contextlib
    import io
    import json
    import tempfile
    from pathlib import Path

    import marimo as mo
    import torch
    from torch.nn import functional

    import groundup as gu
    from groundup import plots
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training import checkpoint
    from groundup.training.checkpoint import random_state
    from groundup.training.checkpoint.background import copied
    from groundup.training.checkpoint.checkpointing import tensors_of, write
    from groundup.training.checkpoint.keeping import kept_steps
    from groundup.training.optimizers.adamw import AdamW


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Checkpoints: killed and resumed, bit for bit

    A run of days meets a power cut, a full disk, or someone who needs the machine. It should go on as if nothing had
    happened, and *as if* can be tested: the same bits. Afterwards you know the four things a run consists of, what it
    does when one of them is lost, how a file is written so that no kill leaves half of it, how that is done without
    keeping the run from its work, and which of many checkpoints are worth their place.
    """)
    return


@app.cell
def _(at_first):
    _sizes = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    _config = Qwen3Config(**_sizes, num_key_value_heads=1, head_dim=16)

    def fresh(seed):
        """A model and its optimiser, as a process has them when it starts."""
        model = build(_config, seed=seed, scheme="normal")
        return model, AdamW(dict(model.named_parameters()), learning_rate=3e-2)

    def batch_of(step):
        """The texts of a step: a function of its number, so the number is all that must be kept of the data."""
        columns = [torch.randint(0, 64, (8, 1), generator=torch.Generator().manual_seed(step))]
        for _ in range(15):
            columns.append((5 * columns[-1] + 3) % 64)  # what follows a token is always the same
        return torch.cat(columns, dim=1)

    def go(model, optimizer, steps):
        """Train on the batches of these steps, with a dropout that draws from torch's own generator; the losses."""
        losses = []
        for step in steps:
            ids = batch_of(step)
            scores = model.lm_head(functional.dropout(model.hidden(ids[:, :-1]), 0.1))
            loss = functional.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten())
            model.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    with tempfile.TemporaryDirectory() as _place, torch.random.fork_rng():
        random_state.load(at_first)
        torch.manual_seed(0)
        _model, _optimizer = fresh(seed=0)
        straight = go(_model, _optimizer, range(10))
        checkpoint.save(Path(_place), 10, _model, _optimizer, {"losses": straight})
        straight = straight + go(_model, _optimizer, range(10, 20))
        checkpoint.save(Path(_place), 20, _model, _optimizer, {"losses": straight})
        straight = straight + go(_model, _optimizer, range(20, 40))
        finished = torch.cat([one.detach().flatten() for one in _model.parameters()])
        kept = {str(file.relative_to(_place)): file.read_bytes() for file in sorted(Path(_place).rglob("*.*"))}
    mo.md(
        f"A model of {len(finished):,} weights trains for 40 steps: its loss falls from {straight[0]:.2f} nats to "
        f"**{straight[-1]:.2f}**. After step 10 and after step 20 its state is saved, {len(kept) // 2} files each."
    )
    return batch_of, finished, fresh, go, kept, straight


@app.cell
def _():
    # where Python's and NumPy's generators stand when the run begins: 624 words each, and the place of the next
    at_first = {"random.python": torch.arange(625), "random.numpy": torch.tensor([*range(625), 0])}
    at_first |= {f"{name}.waiting": torch.zeros((), dtype=torch.float64) for name in list(at_first)}
    return (at_first,)


@app.cell
def _(finished, fresh, go, kept):
    def unpacked(files, folder):
        """Write files given as {path: bytes} below a folder."""
        for name, content in files.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return Path(folder)

    with tempfile.TemporaryDirectory() as _place, torch.random.fork_rng():
        torch.manual_seed(99)  # as in another process: other weights, other chance
        _model, _optimizer = fresh(seed=99)
        _notes = checkpoint.load_newest(unpacked(kept, _place), _model, _optimizer)
        resumed = _notes["losses"] + go(_model, _optimizer, range(_notes["step"], 40))
        _weights = torch.cat([one.detach().flatten() for one in _model.parameters()])
        differing = int((_weights != finished).sum())
    mo.md(
        "Then the run is lost after step 20. A new model and optimiser, begun from another seed, take it up from the files "
        f"alone. Of all weights at the end, **{differing}** differ from those of the run that was never killed."
    )
    return differing, resumed, unpacked


@app.cell
def _(differing, resumed, straight):
    assert differing == 0
    assert resumed == straight, "every loss on the way too, to the last digit"
    assert straight[-1] < straight[0] - 1, "and the model had something to learn"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Four things

    The next step of a run depends on its **weights**; on the **optimiser's** momenta and step count; on the **random
    state**, from which dropout draws; and on which **data** comes next. Keep the four, and the next step is the same
    step. The data is the cheapest to keep where a batch is a function of its number: then the step says it all.
    """)
    return


@app.cell
def _(kept):
    sizes = {name.split("/")[1]: len(content) for name, content in kept.items() if name.startswith("step-000020/")}
    plots.value_bars({"bytes": sizes}, y="bytes", title="A checkpoint, file by file")
    return (sizes,)


@app.cell
def _(finished, kept, sizes):
    _ratio = sizes["optimizer.safetensors"] / sizes["model.safetensors"]
    _state = json.loads(kept["step-000020/state.json"])
    assert 1.9 < _ratio < 2.6 and _state["step"] == 20
    assert sizes["model.safetensors"] > 4 * len(finished)
    mo.md(
        f"The optimiser's file is **{_ratio:.1f} times** the model's: AdamW keeps two numbers for each weight, and the 15 kB of "
        "the generators of torch, Python and NumPy lie there too. A finished model needs none of it."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    The other files are those of a model: weights under the names that its family uses, and `config.json`. So every
    checkpoint can be loaded, asked and compared while the run goes on, and the weights lie on the disk once.
    """)
    return


@app.cell
def _(batch_of, kept, unpacked):
    with tempfile.TemporaryDirectory() as _place:
        _folders = [unpacked(kept, _place) / name for name in ("step-000010", "step-000020")]
        _models = [gu.load(folder, tokenizer=False) for folder in _folders]
        with torch.no_grad():
            _ids = batch_of(1000)  # texts that no step has seen
            found_right = [(model(_ids[:, :-1]).argmax(-1) == _ids[:, 1:]).float().mean().item() for model in _models]
    mo.md(
        f"Loaded as models, the two name **{found_right[0]:.0%}** and **{found_right[1]:.0%}** of the next tokens of new texts."
    )
    return (found_right,)


@app.cell
def _(found_right):
    assert found_right[0] < found_right[1], "ten more steps helped"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What if one of them is lost?

    The same kill after 20 steps, but the new process does not get everything back. Choose what it lacks. The picture
    shows its loss beside that of the run that was never killed.
    """)
    return


@app.cell
def _():
    lacking = mo.ui.dropdown(
        ["nothing", "the random state", "the place in the data", "the optimiser's state", "the weights"],
        value="the optimiser's state",
        label="lost is",
    )
    lacking
    return (lacking,)


@app.cell
def _(fresh, go, kept, lacking, straight, unpacked):
    with tempfile.TemporaryDirectory() as _place, torch.random.fork_rng():
        _model, _optimizer = fresh(seed=99)
        _notes = checkpoint.load_newest(unpacked(kept, _place), _model, _optimizer)
        if lacking.value == "the random state":
            torch.manual_seed(99)
        if lacking.value == "the optimiser's state":
            _optimizer = AdamW(dict(_model.named_parameters()), learning_rate=3e-2)
        if lacking.value == "the weights":
            _model, _other = fresh(seed=99)
            _other.load(_optimizer.state())
            _optimizer = _other
        _first = 0 if lacking.value == "the place in the data" else 20
        after_kill = go(_model, _optimizer, range(_first, _first + 20))
        final = torch.cat([one.detach().flatten() for one in _model.parameters()])
    away = [new - old for new, old in zip(after_kill, straight[20:], strict=True)]
    plots.lines(
        range(1, 41), {"never killed": straight, "killed after 20, resumed": straight[:20] + after_kill}, x="step",
        y="loss, nats", title=f"Lost: {lacking.value}",
    )  # fmt: skip
    return after_kill, away, final


@app.cell
def _(away, final, finished, lacking):
    _same = (final == finished).float().mean().item()
    assert (_same == 1.0) == (lacking.value == "nothing"), "whatever is lost, it is another run"
    assert (max(map(abs, away)) == 0) == (lacking.value == "nothing")
    assert lacking.value != "the weights" or away[0] > 1
    assert lacking.value != "the optimiser's state" or max(away) > 0.1, "a bump"
    assert lacking.value != "the optimiser's state" or away[0] == 0 != away[1], "its first loss still is the old one"
    mo.md(
        f"Lost is {lacking.value}: {_same:.0%} of the weights are the same at the end, and the loss was away by up to "
        f"**{max(map(abs, away)):.2g}** nats."
    )
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    Without the random state the run is as good, but it is another one: whoever looks for the cause of a difference can
    no longer compare. Without the optimiser's state the first steps are taken without knowing how large they should be.
    A run that is resumed like that shows a bump at every restart.

    ## Whole or not at all

    A kill does not wait for a file to be finished. So a checkpoint is written under another name, beside its place,
    forced to the disk, and renamed when it is whole: a rename has no half. What a kill leaves is a folder that no one
    takes for a checkpoint.
    """)
    return


@app.cell
def _(kept, unpacked):
    _half = {".tmp-1-0-step-000030/model.safetensors": kept["step-000020/model.safetensors"][:1000]}
    with tempfile.TemporaryDirectory() as _place:
        names = [folder.name for folder in checkpoint.found(unpacked(kept | _half, _place))]
        _lying = sorted(folder.name for folder in Path(_place).iterdir())
    mo.md(f"In the folder lie {', '.join(f'`{name}`' for name in _lying)}. Checkpoints of it: **{len(names)}**.")
    return (names,)


@app.cell
def _(names):
    assert names == ["step-000010", "step-000020"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A bit that flips later

    Disks and copies fail in silence. Beside the files stands a checksum of each, and a checkpoint is read only where
    they hold. Here one bit of one file is flipped. Choose the file.
    """)
    return


@app.cell
def _(sizes):
    hit = mo.ui.dropdown(
        [name for name in sizes if name != "checksums.json"], value="model.safetensors", label="a bit flips in"
    )
    hit
    return (hit,)


@app.cell
def _(fresh, hit, kept, unpacked):
    _name = f"step-000020/{hit.value}"
    _middle = len(kept[_name]) // 2
    _flipped = kept[_name][:_middle] + bytes([kept[_name][_middle] ^ 1]) + kept[_name][_middle + 1 :]
    with (
        tempfile.TemporaryDirectory() as _place,
        torch.random.fork_rng(),
        contextlib.redirect_stderr(io.StringIO()) as _said,
    ):
        used = checkpoint.load_newest(unpacked(kept | {_name: _flipped}, _place), *fresh(seed=99))
        sentence = _said.getvalue().replace(f"{_place}/", "").strip()
    mo.md(f"It says: *{sentence}* Then it goes on from step **{used['step']}**.")
    return sentence, used


@app.cell
def _(hit, sentence, used):
    assert used["step"] == 10, "the one before it is whole"
    assert "step-000020 is not used" in sentence and hit.value in sentence
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    This is why more than one is kept. Ten steps are lost, and not the run. The damaged one is set aside under another name,
    as someone may want what is left of it.

    ## While training goes on

    A disk is slow, and a run that waits for it does nothing else. So the state is copied in memory, and a thread writes the
    copy while the next steps are made: with 124 million weights on two cores the run waits 0.09 s, where `torch.save`
    with a flush takes 1.7 s. It must be a copy: the weights are no longer those of step 20 when the thread comes to them.
    """)
    return


@app.cell
def _(fresh, go, unpacked, kept):
    def _written_late(copy):
        """Go on for three steps after step 20 before its state is written: how many weights in the file are step 20's."""
        with tempfile.TemporaryDirectory() as place, torch.random.fork_rng():
            model, optimizer = fresh(seed=99)
            checkpoint.load_newest(unpacked(kept, place), model, optimizer)
            weights, table = tensors_of(model, optimizer)
            right = torch.cat([one.flatten() for one in weights.values()]).clone()
            if copy:
                weights, table = copied(weights, {}), copied(table, {})
            go(model, optimizer, range(20, 23))
            write(Path(place) / "late", model, (weights, table), {"step": 20})
            late = gu.load(Path(place) / "late", tokenizer=False).module
            return (torch.cat([one.detach().flatten() for one in late.parameters()]) == right).float().mean().item()

    shares = {"a copy": _written_late(True), "the weights themselves": _written_late(False)}
    mo.md(
        f"Written three steps late from a copy, **{shares['a copy']:.0%}** of the weights in the file are those of step 20; "
        f"written from the weights themselves, {shares['the weights themselves']:.0%}. That file is whole, its checksums hold, "
        "and it is of no step at all."
    )
    return (shares,)


@app.cell
def _(shares):
    assert shares["a copy"] == 1
    assert shares["the weights themselves"] < 0.5
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Which stay?

    A large model's checkpoint takes gigabytes, so most of them go. The newest few stay for the next start; the few with the
    lowest validation, as the model that generalises best is often not the last; every n-th, for who wants to look back.
    Here is a run of 20 checkpoints whose validation falls and then rises again. Choose a rule.
    """)
    return


@app.cell
def _():
    rule = mo.ui.dropdown(
        ["the last 2", "the last 2 and the best 3", "the last 2 and every 500th", "all three"],
        value="the last 2 and the best 3",
        label="what stays",
    )
    rule
    return (rule,)


@app.cell
def _(rule):
    _steps = list(range(100, 2001, 100))
    validations = {step: 2.0 + ((step - 1150) / 1000) ** 2 for step in _steps}
    stay = kept_steps(
        _steps,
        validations,
        last=2,
        best=3 if "best" in rule.value or rule.value == "all three" else 0,
        every=500 if "500" in rule.value or rule.value == "all three" else 0,
    )
    plots.lines(
        _steps,
        {
            "validation": list(validations.values()),
            "stays": [validations[step] if step in stay else float("nan") for step in _steps],
        },
        x="step",
        y="validation, nats",
        marked=True,
        title=f"{len(stay)} of {len(_steps)} stay",
    )
    return stay, validations


@app.cell
def _(rule, stay, validations):
    assert stay[-2:] == [1900, 2000], "whatever the rule, the run can go on"
    _best = min(validations, key=lambda step: (validations[step], step))
    assert (_best in stay) == (rule.value in ("the last 2 and the best 3", "all three"))
    assert (500 in stay) == (rule.value in ("the last 2 and every 500th", "all three"))
    mo.md(f"Of the run stay the steps {', '.join(map(str, stay))}; the best was step **{_best}**.")
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    A removal is careful too: it counts only checkpoints that look whole, and comes after the newest one is on the disk.

    ## Try

    - Lose the place in the data: the run learns as well, but reads its first texts twice and never comes to the last
      ones. Lose the weights: it starts over.
    - Which file would be nearly empty for plain gradient descent, which keeps no momenta?
    - Start `groundup demo`, press Ctrl-C in the middle, and start it again: it says from which step it goes on.
    - `groundup runs checkpoints runs/demo` shows what a run has kept, and holds every byte to its checksum.

    Write both yourself: `groundup learn start write_whole`, `groundup learn start kept_steps`
    """)
    return


if __name__ == "__main__":
    app.run()
