"""Lesson: the training loop, a model that learns to its floor in two seconds, and a run that goes on as if never stopped."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="The loop: down to the floor", width="medium")

with app.setup:
    import math
    import tempfile
    from contextlib import suppress
    from pathlib import Path

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.data.pipeline.streaming import Batch
    from groundup.errors import GroundupError, Interrupted
    from groundup.model.architectures import build
    from groundup.model.architectures.llama import LlamaConfig
    from groundup.training.config import TrainConfig
    from groundup.training.loop import train
    from groundup.training.objectives.causal import causal_loss
    from groundup.training.optimizers import build_optimizer
    from groundup.training.schedules import rate_factor
    from groundup.training.step.accumulation import accumulate
    from groundup.training.step.clipping import clip_


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # The loop: down to the floor

    Everything before comes together in six lines. Afterwards you have trained a transformer from nothing until it cannot get
    better, know beforehand where that is, can read a loss curve, and know what a run must keep to go on as if it had never been stopped.
    """)
    return


@app.cell
def _():
    names, colours, things = "Tom Ida Max Eva".split(), "red blue old new".split(), "cup hat box key".split()
    words = ["<start>", *names, *colours, *things, *"has the . who it ?".split()]
    answer_at = 10  # the last of 11 targets
    floor = 3 * math.log(4) / 11  # a name, a colour and a thing are drawn; all else follows
    without_memory = 4 * math.log(4) / 11  # the answer guessed: who sees only the question mark
    mo.md(
        "“Tom has the red cup . who has it ? Tom” One of four names, four colours and four things, then nothing is left to chance. That is "
        f"3 log 4 nats for a text of 11 guesses: no model can have a loss below **{floor:.3f}**. One that forgot the name: {without_memory:.3f}."
    )
    return answer_at, colours, floor, names, things, without_memory, words


@app.cell
def _(floor, without_memory):
    assert abs(floor - math.log(64) / 11) < 1e-9, "64 texts, all equally likely"
    assert abs(without_memory / floor - 4 / 3) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A batch for each number

    The loop asks for `batches(0)`, `batches(1)`, ...: a batch is a function of its number, not the next thing out of a stream. Whoever stops
    after any step can go on with the very batch that would have come.
    """)
    return


@app.cell
def _(colours, names, things, words):
    def batches(number):
        """16 texts, drawn by their number."""
        source = torch.Generator().manual_seed(number)
        rows = []
        for name, colour, thing in torch.randint(0, 4, (16, 3), generator=source).tolist():
            text = f"<start> {names[name]} has the {colours[colour]} {things[thing]} . who has it ? {names[name]}"
            rows = [*rows, [words.index(word) for word in text.split()]]
        ids = torch.tensor(rows)
        inputs, targets = ids[:, :-1], ids[:, 1:]
        places = torch.arange(inputs.shape[1]).expand(inputs.shape)
        return Batch(inputs, targets, torch.ones_like(inputs).bool(), torch.zeros_like(inputs), places)

    def model(seed=0):
        """A transformer of one layer that knows nothing."""
        sizes = {"vocab_size": len(words), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
        return build(LlamaConfig(**sizes, num_attention_heads=2, num_key_value_heads=2, head_dim=16), seed=seed)

    mo.md(f"A text: `{' '.join(words[one] for one in batches(0).targets[0])}`")
    return batches, model


@app.cell
def _(answer_at, batches):
    assert torch.equal(batches(7).input_ids, batches(7).input_ids)
    assert torch.equal(batches(7).input_ids[:, 1:], batches(7).targets[:, :-1]), "targets are the ids moved by one"
    assert torch.equal(batches(7).targets[:, answer_at:], batches(7).targets[:, :1]), "the answer is the name"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Six lines

    For each step: add up the gradients of its batches, bound them, move the weights at the rate of this step, clear the gradients,
    tell whoever listens. This is the whole loop; `train` adds checkpoints, a progress bar and a check that the loss is a number.
    """)
    return


@app.cell
def _(batches, model):
    config = TrainConfig(steps=120, batch_size=16, seq_len=11, warmup_steps=5, learning_rate=0.02)
    by_hand, losses_by_hand = model(), []
    _optimizer = build_optimizer(by_hand, config)
    for _step in range(config.steps):
        if _step == 60:
            halfway = {name: parameter.detach().clone() for name, parameter in by_hand.named_parameters()}
        losses_by_hand = [*losses_by_hand, accumulate(by_hand, [batches(_step)], causal_loss)]
        clip_(list(by_hand.parameters()), 1.0)
        _optimizer.step(rate_factor(config, _step))
        by_hand.zero_grad()
    return by_hand, config, halfway, losses_by_hand


@app.cell
def _(batches, config, model):
    learned, told = model(), []
    result = train(learned, batches, config, listeners=[lambda event: told.append(event.loss)]).loss
    return learned, result, told


@app.cell
def _(by_hand, learned, losses_by_hand, told, words):
    assert losses_by_hand == told, "the same losses, to the last bit"
    assert all(torch.equal(one, other) for one, other in zip(by_hand.parameters(), learned.parameters(), strict=True))
    assert abs(told[0] - math.log(len(words))) < 1e-4, "who knows nothing begins at log(vocabulary)"
    return


@app.cell
def _(floor, told, without_memory):
    plots.loss_curve(
        range(1, len(told) + 1),
        told,
        floor=floor,
        baselines={"who forgot the name": without_memory},
        title="From log(vocabulary) to the floor",
    )
    return


@app.cell
def _(answer_at, batches, floor, learned, result):
    _batch = batches(10_000)  # a number that was not trained on
    with torch.no_grad():
        certainty = learned(_batch.input_ids).softmax(-1).gather(2, _batch.targets[..., None])[..., 0].mean(0)
    assert floor - 0.02 < result < 1.05 * floor
    assert certainty[answer_at:].min() > 0.9 and certainty[:1].item() < 0.35
    mo.md(
        f"The last tenth of the steps: **{result:.3f}**, the floor {floor:.3f}. To the first word it gives {certainty[0]:.0%}, which is all that can "
        f"be known; to the answer {certainty[-1]:.1%}. Single batches lie a little above and below: their draws do."
    )
    return (certainty,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rate decides

    The same model, the same batches, other learning rates. Too small a rate looks like a model that is too small, until a second run
    tells them apart. Too large a one shakes, and is saved here by the fall of the rate at the end.
    """)
    return


@app.cell
def _():
    scale = mo.ui.dropdown(
        {"a hundredth": 0.01, "a tenth": 0.1, "as it was": 1.0, "ten times": 10.0}, value="a tenth", label="rate"
    )
    scale
    return (scale,)


@app.cell
def _(batches, floor, model, scale, told, without_memory):
    _rates = TrainConfig(
        steps=120,
        batch_size=16,
        seq_len=11,
        warmup_steps=5,
        learning_rate=0.02 * scale.value,
        matrix_learning_rate=0.02 * scale.value,
    )
    other = []
    train(model(), batches, _rates, listeners=[lambda event: other.append(event.loss)])
    plots.lines(
        range(1, 121),
        {"as it was": told, f"{scale.value:g} times the rate": other},
        x="step",
        y="nats a token",
        log_y=True,
        levels={"floor": floor, "who forgot the name": without_memory},
        title=f"{scale.value:g} times the rate: ends at {sum(other[-12:]) / 12:.3f}",
    )
    return (other,)


@app.cell
def _(other, scale, told):
    assert (other == told) == (scale.value == 1.0), "one seed, one run"
    assert scale.value >= 1 or sum(other[-12:]) > sum(told[-12:])
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Stopped, and gone on

    A run is stopped after step 60 and started again with the same call. It must end with the same weights, to the last bit. What does it
    have to keep? Below also the run of someone who kept the weights alone and began a new optimizer.
    """)
    return


@app.cell
def _(batches, config, model):
    with tempfile.TemporaryDirectory() as _folder:
        _asked = iter(range(1, 1000))
        with suppress(Interrupted):
            train(model(), batches, config, folder=_folder, stop=lambda: next(_asked) == 60)
        kept = {path.name: path.stat().st_size for path in sorted(Path(_folder).glob("checkpoints/step-000060/*"))}
        resumed = model(seed=9)  # other weights: what counts is in the folder
        after = []
        train(resumed, batches, config, folder=_folder, listeners=[lambda event: after.append(event.loss)])
    mo.md("| kept | bytes |\n|---|---|\n" + "\n".join(f"| {name} | {size:,} |" for name, size in kept.items()))
    return after, kept, resumed


@app.cell
def _(after, kept, learned, resumed, told):
    assert after == told[60:]
    assert all(torch.equal(one, other) for one, other in zip(resumed.parameters(), learned.parameters(), strict=True))
    assert set(kept) == {"config.json", "model.safetensors", "optimizer.safetensors", "state.json", "checksums.json"}
    assert kept["optimizer.safetensors"] > 0.9 * kept["model.safetensors"], (
        "momenta are as large as the weights, or twice"
    )
    return


@app.cell
def _(batches, config, halfway, model, told):
    _module, weights_only = model(), []
    _module.load_state_dict(halfway)
    _optimizer = build_optimizer(_module, config)  # its momenta begin at 0
    for _step in range(60, 90):
        weights_only = [*weights_only, accumulate(_module, [batches(_step)], causal_loss)]
        clip_(list(_module.parameters()), 1.0)
        _optimizer.step(rate_factor(config, _step))
        _module.zero_grad()
    apart = [other - one for other, one in zip(weights_only, told[60:90], strict=True)]
    worst = max(range(30), key=lambda step: apart[step])
    assert apart[0] == 0 and all(apart[1:]), "the first loss is of the same weights, no other is"
    plots.lines(
        range(51, 91),
        {"never stopped, or resumed": told[50:90], "only the weights kept": told[50:60] + weights_only},
        x="step",
        y="nats a token",
        title=f"A new optimizer at step 60: {apart[worst]:+.3f} at step {61 + worst}",
    )
    return apart, weights_only, worst


@app.cell
def _(batches, config, model):
    _broken = model()
    with torch.no_grad():
        _broken.lm_head.weight.fill_(float("nan"))
    said = ""
    try:
        train(_broken, batches, config)
    except GroundupError as error:
        said = str(error)
    assert "loss of step 1 is nan" in said
    mo.md(f"And a loss that is no number stops the run before it reaches the weights: “{said}”")
    return (said,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - A hundredth of the rate: after 120 steps it has not even learned which words there are. Ten times: it arrives, but see how.
    - Let the text begin with two names and two things, and ask for one: compute the floor first, then train.
    - Give `model` two layers: the same loss for more time, since one look back from `?` to the name is all it needs.
    - Train with `optimizer="adamw"` in the configuration: does it find the name in 120 steps?
    - Your own text: `groundup run --list`, and `groundup learn lesson causal` on what its loss means.
    """)
    return


if __name__ == "__main__":
    app.run()
