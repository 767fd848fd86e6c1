"""Lesson: gradients of several small batches that are those of one large one, and the mean of means that is not."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Accumulation: a mean of means is no mean", width="medium")

with app.setup:
    from types import SimpleNamespace

    import marimo as mo
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.training.step.accumulation import accumulate


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Accumulation: a mean of means is no mean

    A large batch does not fit into memory, so it goes through in parts whose gradients are added. Afterwards you can do this exactly,
    know the mistake that many training programs made for years, and can say what a model learns from it.
    """)
    return


@app.cell
def _():
    surprise = {"short": [5.0] * 3, "long": [1.0] * 9}  # nats at the targets of two batches
    _sums, _counts = [sum(one) for one in surprise.values()], [len(one) for one in surprise.values()]
    mean = sum(_sums) / sum(_counts)
    mean_of_means = sum(total / count for total, count in zip(_sums, _counts, strict=True)) / 2
    mo.md(
        "One batch has three targets with a loss of 5 each, another has nine with a loss of 1. The mean of the two batches' means is "
        f"**{mean_of_means}**. The mean of the twelve losses is {mean}."
    )
    return mean, mean_of_means, surprise


@app.cell
def _(mean, mean_of_means):
    assert (mean, mean_of_means) == (2.0, 3.0)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What a target weighs

    In a mean over $n_1 + n_2$ targets each has the weight $1 / (n_1 + n_2)$. In the mean of two means a target of the first batch has
    $1 / (2 n_1)$. Batches differ in their number of targets because texts do: padding and questions are not learned from, answers are.
    Move the boundary between the two batches.
    """)
    return


@app.cell
def _():
    first = mo.ui.slider(1, 23, value=6, label="targets in the first batch, of 24", show_value=True)
    first
    return (first,)


@app.cell
def _(first):
    counts = [first.value, 24 - first.value]
    in_mean_of_means = [1 / (2 * count) for count in counts]
    _names = [f"first batch, {counts[0]} targets", f"second batch, {counts[1]} targets"]
    plots.value_bars(
        {
            "mean of means": dict(zip(_names, in_mean_of_means, strict=True)),
            "mean": dict.fromkeys(_names, 1 / 24),
        },
        y="weight of one target",
        title=f"A target of the first batch counts {in_mean_of_means[0] / in_mean_of_means[1]:.2g} times one of the second",
    )
    return counts, in_mean_of_means


@app.cell
def _(counts, in_mean_of_means):
    assert abs(sum(count * weight for count, weight in zip(counts, in_mean_of_means, strict=True)) - 1) < 1e-9
    assert (counts[0] == 12) == (abs(in_mean_of_means[0] - 1 / 24) < 1e-9), "right only where both are of one size"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is learned from it

    Short answers say A, long ones say B: three targets against nine. The truth is that A comes in a quarter of all places. The model is
    the smallest there is: two scores that depend on nothing. It learns by either rule until it stands still.
    """)
    return


@app.cell
def _():
    def batch_of(ids, targets, mask=None):
        """A batch of the form that `accumulate` needs."""
        return SimpleNamespace(
            input_ids=ids, targets=targets, loss_mask=torch.ones_like(ids).bool() if mask is None else mask
        )

    def summed_loss(module, batch):
        """An objective: the sum of the losses at the targets that count, and how many these are."""
        kept = batch.loss_mask
        scores = module(batch.input_ids)[kept]
        return functional.cross_entropy(scores, batch.targets[kept], reduction="sum"), int(kept.sum())

    def mean_of_means_backward(module, batches):
        """The mistake: each batch's own mean, divided by the number of batches."""
        for batch in batches:
            loss, count = summed_loss(module, batch)
            (loss / count / len(batches)).backward()

    return batch_of, mean_of_means_backward, summed_loss


@app.cell
def _(batch_of, mean_of_means_backward, summed_loss):
    def share_of_a(rule):
        """The probability of A after 150 steps by a rule, at every step."""
        module = torch.nn.Embedding(1, 2, _weight=torch.zeros(1, 2))
        batches = [
            batch_of(torch.zeros(1, count).long(), torch.full((1, count), token)) for count, token in ((3, 0), (9, 1))
        ]
        shares = []
        for _ in range(150):
            shares = [*shares, module.weight.detach().softmax(1)[0, 0].item()]
            module.zero_grad()
            rule(module, batches)
            with torch.no_grad():
                module.weight -= 0.3 * module.weight.grad
        return shares

    learned = {
        "mean of means": share_of_a(mean_of_means_backward),
        "mean": share_of_a(lambda module, batches: accumulate(module, batches, summed_loss)),
    }
    plots.lines(
        range(150),
        learned,
        x="step",
        y="probability of A",
        levels={"as it is in the data": 0.25},
        title="Two rules, two truths",
    )
    return learned, share_of_a


@app.cell
def _(learned):
    assert abs(learned["mean"][-1] - 0.25) < 0.01
    assert abs(learned["mean of means"][-1] - 0.5) < 1e-6, "one half: as often as there are batches that say so"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The rule

    $$\text{loss} = \frac{\sum_b \sum_i \text{loss}_{b,i}}{\sum_b n_b}$$

    Add sums, and divide once, by the number of **all** targets. It has to be known before the first part goes backward, so it is
    counted from the masks. That is why an objective gives a sum and a count, never a mean.
    """)
    return


@app.cell
def _(batch_of, mean_of_means_backward, summed_loss):
    _source = torch.Generator().manual_seed(0)
    _table = torch.randn(6, 6, generator=_source)
    _ids, _targets = torch.randint(0, 6, (2, 4, 12), generator=_source)
    _mask = torch.arange(12) < torch.tensor([[2], [12], [5], [9]])  # rows of four lengths
    _rows = [batch_of(*(whole[row : row + 1] for whole in (_ids, _targets, _mask))) for row in range(4)]

    def gradient_by(rule):
        """The gradient that a rule leaves in a fresh table."""
        module = torch.nn.Embedding.from_pretrained(_table.clone(), freeze=False)
        return rule(module), module.weight.grad

    loss_whole, whole = gradient_by(lambda module: accumulate(module, [batch_of(_ids, _targets, _mask)], summed_loss))
    loss_parts, parts = gradient_by(lambda module: accumulate(module, _rows, summed_loss))
    _, wrong = gradient_by(lambda module: mean_of_means_backward(module, _rows))
    angle = functional.cosine_similarity(whole.flatten(), wrong.flatten(), dim=0).arccos().rad2deg().item()
    mo.md(
        f"Four rows with 2, 12, 5 and 9 targets. As one batch and row by row: loss {loss_whole:.6f} and {loss_parts:.6f}, and the gradients "
        f"differ by {(whole - parts).abs().max():.0e}. The mean of means points **{angle:.0f} degrees** elsewhere."
    )
    return angle, gradient_by, loss_parts, loss_whole, parts, whole, wrong


@app.cell
def _(angle, loss_parts, loss_whole, parts, whole):
    assert abs(loss_parts - loss_whole) < 1e-5
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-6)
    assert angle > 5
    return


@app.cell
def _(batch_of, summed_loss):
    _module = torch.nn.Embedding(2, 2, _weight=torch.zeros(2, 2))
    _batch = batch_of(torch.tensor([[0, 1]]), torch.tensor([[1, 1]]))
    _none = batch_of(_batch.input_ids, _batch.targets, torch.zeros(1, 2).bool())
    assert accumulate(_module, [_none], summed_loss) == 0.0, "a batch without targets adds nothing"
    accumulate(_module, [_batch, _none], summed_loss)
    _once = _module.weight.grad.clone()
    accumulate(_module, [_batch], summed_loss)
    assert torch.equal(_module.weight.grad, 2 * _once), "it adds to what is there: the loop clears it after each step"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What it saves

    The way back needs what the way forward computed, and each part frees its own before the next begins. Measured: the bytes that torch
    keeps for 64 rows of 32 tokens, through two layers of width 128, in so many parts.
    """)
    return


@app.cell
def _(batch_of, summed_loss):
    def most_kept(part_count):
        """The largest number of bytes that one of the parts keeps for its way back, weights left out."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            layers = [torch.nn.Embedding(50, 128), torch.nn.Linear(128, 128), torch.nn.ReLU(), torch.nn.Linear(128, 50)]
        module, peaks = torch.nn.Sequential(*layers), []
        weights = {weight.untyped_storage().data_ptr() for weight in module.parameters()}

        def counted(module, batch):
            kept = {}

            def pack(tensor):
                storage = tensor.untyped_storage()
                kept[storage.data_ptr()] = storage.nbytes()
                return tensor

            with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
                result = summed_loss(module, batch)
            peaks.append(sum(size for place, size in kept.items() if place not in weights))
            return result

        ids = torch.arange(64 * 32).view(64, 32) % 50
        accumulate(module, [batch_of(part, part) for part in ids.chunk(part_count)], counted)
        return max(peaks)

    part_counts = [1, 2, 4, 8, 16]
    peaks = [most_kept(count) for count in part_counts]
    plots.lines(
        part_counts,
        {"kept": [peak / 1e6 for peak in peaks]},
        x="parts",
        y="MB kept at once",
        log_x=True,
        log_y=True,
        marked=True,
        title="Half the rows at once, half the memory; the gradient is the same",
    )
    return most_kept, part_counts, peaks


@app.cell
def _(part_counts, peaks):
    for _count, _peak in zip(part_counts, peaks, strict=True):
        assert 0.8 < _peak * _count / peaks[0] < 1.3
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - One target in the first batch: it counts as much as the 23 others together. 12: the mistake cannot be seen, which is how it lived so long.
    - Give the short batch of the two-score model 1 target: what does the mean of means learn now? The same one half.
    - Several processes train together, each with its own batch: whose number of targets must the sum be divided by?

    Write it yourself: `groundup learn start accumulate`
    """)
    return


if __name__ == "__main__":
    app.run()
