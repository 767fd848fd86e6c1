"""Lesson: the loss of a large vocabulary, in pieces, so that the scores of all tokens never exist at once."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Cross-entropy: scores that nobody needs to keep", width="medium")

with app.setup:
    import marimo as mo
    import numpy as np
    import torch
    from torch.nn import functional

    from groundup import plots
    from groundup.training.step.cross_entropy import FEWEST_ROWS, PIECE, cross_entropy, cross_entropy_in_pieces


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Cross-entropy: scores that nobody needs to keep

    The last step of a model gives every token of the vocabulary a score, at every position. Afterwards you can compute loss
    and gradient by hand, know why neither may be computed as it is written, and how the largest tensor of training goes away.
    """)
    return


@app.cell
def _():
    _tokens, _vocabulary, _hidden = 8192, 128_256, 2048  # a small batch of a model like Llama 3.2 1B
    scores_bytes = 4 * _tokens * _vocabulary
    head_bytes = 4 * _hidden * _vocabulary
    mo.md(
        f"8,192 tokens and a vocabulary of 128,256: the scores are **{scores_bytes / 1e9:.1f} GB** in fp32, and their gradient "
        f"as much again. The matrix that makes them has {head_bytes / 1e9:.1f} GB, and all that is wanted is one number."
    )
    return head_bytes, scores_bytes


@app.cell
def _(head_bytes, scores_bytes):
    assert scores_bytes == 4 * head_bytes, "as there are four times as many tokens as the hidden state is wide"
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One token, by hand

    $$\text{loss} = \log \sum_v e^{s_v} - s_{\text{target}} \qquad \frac{\partial\, \text{loss}}{\partial s_v} = p_v - [v = \text{target}]$$

    The scores $s$ become probabilities $p$ by the softmax, and the loss is $-\log p$ of the target. Its gradient is the
    probabilities, less 1 at the target: push the right one up, all others down, each by as much as it was believed.
    """)
    return


@app.cell
def _():
    score = mo.ui.slider(-12, 12, step=2, value=0, label="score of the right word, mat", show_value=True)
    score
    return (score,)


@app.cell
def _(score):
    vocabulary = ["mat", "sofa", "floor", "moon"]
    scores = torch.tensor([float(score.value), 3.0, 2.0, -1.0], requires_grad=True)
    loss = torch.logsumexp(scores, 0) - scores[0]
    (gradient,) = torch.autograd.grad(loss, scores)
    probabilities = scores.detach().softmax(0)
    plots.value_bars(
        {
            "probability": dict(zip(vocabulary, probabilities.tolist(), strict=True)),
            "gradient of the score": dict(zip(vocabulary, gradient.tolist(), strict=True)),
        },
        title=f"The right word is “mat”: loss {loss.item():.2f} nats",
    )
    return gradient, loss, probabilities, scores, vocabulary


@app.cell
def _(gradient, loss, probabilities, scores):
    torch.testing.assert_close(gradient, probabilities - torch.tensor([1.0, 0.0, 0.0, 0.0]))
    assert abs(gradient.sum()) < 1e-5, "what one word gains, the others lose"
    assert gradient.abs().max() <= 1, "the loss has no upper end, its gradient has"
    torch.testing.assert_close(loss, functional.cross_entropy(scores[None], torch.tensor([0])))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why not as it is written

    $-\log$ of a softmax is right on paper. In fp32 $e^{89}$ is already infinite, and a probability below $10^{-45}$
    is 0. So the largest score is taken out first: $\log \sum e^{s} = m + \log \sum e^{s - m}$ with $m = \max s$. Below: a
    wrong word whose score is ahead of the target's by more and more.
    """)
    return


@app.cell
def _():
    ahead = torch.arange(0.0, 131.0, 2.0)
    _pairs = torch.stack([torch.zeros_like(ahead), ahead], dim=1)  # the target's score and the other one's
    ways = {
        "log of the sum of exp": _pairs.exp().sum(1).log() - _pairs[:, 0],
        "log of the softmax": -_pairs.softmax(1)[:, 0].log(),
        "largest taken out": torch.logsumexp(_pairs, 1) - _pairs[:, 0],
    }
    last = {name: ahead[values.isfinite()].max().item() for name, values in ways.items()}
    plots.value_bars(
        {"the last loss that is a number": last},
        y="nats",
        title="The largest loss that each way can tell, tried up to 130",
    )
    return ahead, last, ways


@app.cell
def _(ahead, last, ways):
    assert last["log of the sum of exp"] == 88 and 100 <= last["log of the softmax"] < 110
    torch.testing.assert_close(ways["largest taken out"][50:], ahead[50:])
    _far = torch.full((1, 1), 100.0), torch.tensor([[50.0], [-50.0]]), torch.tensor([1])
    assert cross_entropy(*_far).item() == cross_entropy_in_pieces(*_far).item() == 10_000.0
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In pieces

    Every token's loss is its own: take some rows, make their scores, add up their loss. And nobody needs to wait for the way
    back: a row's gradient is $p - [\text{target}]$, known as soon as its scores are. So a piece leaves behind only what
    will be wanted, the gradient of its hidden states and its share of the gradient of the head.
    """)
    return


@app.cell
def _():
    def in_pieces(hidden, weight, targets, rows):
        """Loss, gradient of the hidden states, gradient of the head; `rows` tokens at a time."""
        total, to_hidden, to_weight = 0.0, [], torch.zeros_like(weight)
        for piece, target in zip(hidden.split(rows), targets.split(rows), strict=True):
            scores = piece @ weight.T
            total = total + functional.cross_entropy(scores, target, reduction="sum")
            slope = scores.softmax(1) - functional.one_hot(target, len(weight))
            to_hidden = [*to_hidden, slope @ weight]
            to_weight = to_weight + slope.T @ piece
        return total, torch.cat(to_hidden), to_weight  # the scores are gone

    _source = torch.Generator().manual_seed(0)
    hidden = torch.randn(600, 16, generator=_source)
    weight = torch.randn(4096, 16, generator=_source)
    targets = torch.randint(0, 4096, (600,), generator=_source)
    return hidden, in_pieces, targets, weight


@app.cell
def _(hidden, in_pieces, targets, weight):
    def with_gradients(function):
        """A loss and its gradients, by autograd."""
        leaves = [hidden.clone().requires_grad_(), weight.clone().requires_grad_()]
        loss = function(*leaves, targets)
        return loss.detach(), *torch.autograd.grad(loss, leaves)

    whole = with_gradients(cross_entropy)
    for _other in (
        with_gradients(cross_entropy_in_pieces),
        in_pieces(hidden, weight, targets, 600),
        in_pieces(hidden, weight, targets, 7),
    ):
        for _one, _right in zip(_other, whole, strict=True):
            torch.testing.assert_close(_one, _right, rtol=1e-4, atol=1e-3)
    mo.md(
        f"All at once, by the library in pieces, by hand 600 and 7 rows at a time: **{whole[0]:,.1f}** nats, and one gradient."
    )
    return whole, with_gradients


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What is kept, measured

    torch tells a hook of every tensor that it keeps for the way back. Counted here, for 256 tokens that are 64 wide and
    vocabularies of growing size; the inputs are left out, since they are there anyway.
    """)
    return


@app.cell
def _():
    def kept_bytes(function, tokens, vocabulary):
        """Bytes that a loss keeps between forward and backward, beyond its inputs; each storage once."""
        hidden, weight = torch.zeros(tokens, 64, requires_grad=True), torch.zeros(vocabulary, 64, requires_grad=True)
        targets = torch.zeros(tokens, dtype=torch.int64)
        given = {tensor.untyped_storage().data_ptr() for tensor in (hidden, weight, targets)}
        kept = {}

        def pack(tensor):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            _loss = function(hidden, weight, targets)
        return sum(size for place, size in kept.items() if place not in given)

    vocabularies = [256, 1024, 4096, 16_384]
    kept = {
        "all scores": [kept_bytes(cross_entropy, 256, size) for size in vocabularies],
        "in pieces": [kept_bytes(cross_entropy_in_pieces, 256, size) for size in vocabularies],
    }
    return kept, kept_bytes, vocabularies


@app.cell
def _(kept, vocabularies):
    plots.lines(
        vocabularies,
        {name: np.array(sizes) / 1e6 for name, sizes in kept.items()},
        x="vocabulary",
        y="MB kept for the way back",
        log_x=True,
        log_y=True,
        marked=True,
        title="256 tokens, 64 wide",
    )
    return


@app.cell
def _(kept, kept_bytes, vocabularies):
    for _size, _all, _pieces in zip(vocabularies, kept["all scores"], kept["in pieces"], strict=True):
        assert _all >= 4 * 256 * _size, "the scores at least"
        assert _pieces == 4 * 64 * (256 + _size), "the two gradients, and nothing else"
    more = {tokens: kept_bytes(cross_entropy_in_pieces, tokens, 1024) for tokens in (256, 1024)}
    assert more[1024] - more[256] == 4 * 64 * 768, "a further token adds its own gradient, whatever the vocabulary"
    mo.md(
        f"At a vocabulary of 16,384: **{kept['all scores'][-1] / 1e6:.1f} MB** against {kept['in pieces'][-1] / 1e6:.1f}. The second "
        f"is the gradients themselves. While it works, a piece holds {PIECE:,} scores, {4 * PIECE / 1e6:.0f} MB, which fit the "
        f"processor's cache; it never has fewer than {FEWEST_ROWS} rows, or the matrix products would be too thin."
    )
    return (more,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - Score of mat at 12: loss and gradient are 0; there is nothing left to learn. At -12: the loss is 15.3, the gradient of mat is
      -1 and no longer grows. At -4 it was -1 already.
    - Make `in_pieces` take 1 row at a time: the same numbers, slowly. That is why a piece is as large as the cache allows.
    - Set `hidden` and `weight` to bf16 and call both: the scores lose digits, the sum does not, since it is made in fp32.

    Write it yourself: `groundup learn start cross_entropy`
    """)
    return


if __name__ == "__main__":
    app.run()
