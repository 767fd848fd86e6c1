"""Lesson: DeepSeek-V3, part by part: a small cache, a choice in two steps, a bias in place of a loss, and what YaRN adds."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="DeepSeek-V3: 671 billion weights, 35,136 numbers a token", width="medium")

with app.setup:
    import math
    from dataclasses import replace
    from types import SimpleNamespace

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.inference.cache.kv_cache import KVCache
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.blueprint import Experts, FeedForward, LatentAttention
    from groundup.model.architectures.deepseek_v3 import DeepseekV3Config
    from groundup.model.moe.balance import loads
    from groundup.model.moe.routing import grouped_sigmoid_routing
    from groundup.training.objectives.balanced import Balanced
    from groundup.training.objectives.causal import causal_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # DeepSeek-V3: 671 billion weights, 35,136 numbers a token

    Two parts set this family apart from LLaMA: attention that keeps a short latent of each token, and experts that are chosen in two
    steps and kept even without a loss. Afterwards you can read its configuration key by key, say what each of them costs,
    and train and decode a small model of its shape.
    """)
    return


@app.cell
def _():
    _attention = dict(q_lora_rank=1536, kv_lora_rank=512, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128)
    _experts = dict(n_routed_experts=256, num_experts_per_tok=8, n_group=8, topk_group=4, routed_scaling_factor=2.5)
    large = DeepseekV3Config(
        **_attention, **_experts, vocab_size=129_280, hidden_size=7168, intermediate_size=18_432, moe_intermediate_size=2048,
        num_hidden_layers=61, num_attention_heads=128, first_k_dense_replace=3, max_position_embeddings=163_840,
    )  # fmt: skip
    counted = count(large)
    _idle = sum(block.counted(large.hidden_size).idle for block in large.blueprint().blocks)
    met = counted.parameters - _idle
    mo.md(
        f"It holds **{counted.parameters / 1e9:.0f} billion** parameters; a token meets {met / 1e9:.1f} billion of them and leaves "
        f"{counted.cache_elements_per_token:,} numbers in the cache."
    )
    return counted, large, met


@app.cell
def _(counted, met):
    assert round(counted.parameters / 1e9) == 671 and 36 < met / 1e9 < 38.5  # published: 671 and 37
    assert counted.cache_elements_per_token == 61 * (512 + 64)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## The blueprint

    The first three blocks have one wide feed-forward, the other 58 experts of a ninth of that width. Attention is the same in all.
    """)
    return


@app.cell
def _(large):
    shape = large.blueprint()
    _kinds = [type(block.feed_forward).__name__ for block in shape.blocks]
    dense, sparse = shape.blocks[0].feed_forward, shape.blocks[-1].feed_forward
    mo.md(
        f"{_kinds.count('FeedForward')} blocks with a feed-forward of {dense.intermediate:,}, {_kinds.count('Experts')} with "
        f"{sparse.experts} experts of {sparse.intermediate:,}, of which a token uses {sparse.chosen}, and {sparse.shared:,} for all."
    )
    return dense, shape, sparse


@app.cell
def _(dense, shape, sparse):
    assert isinstance(dense, FeedForward) and isinstance(sparse, Experts)
    assert all(isinstance(block.attention, LatentAttention) for block in shape.blocks)
    # 8 experts and the shared one are as wide as the dense layers: a token's work is the same in all 61
    assert sparse.chosen * sparse.intermediate + sparse.shared == dense.intermediate
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What the cache keeps

    Keys of 192 and values of 128 numbers for 128 heads would be 40,960 a layer. Kept are the latent of 512, in the place of a
    key, and one turned key of 64 for all heads, in the place of a value. The bars compare with sharing: what would
    grouped-query attention of these heads keep? Move the number of its key/value heads.
    """)
    return


@app.cell
def _():
    kv_heads = mo.ui.slider(
        steps=[1, 2, 4, 8, 16], value=8, label="key/value heads of grouped-query attention", show_value=True
    )
    kv_heads
    return (kv_heads,)


@app.cell
def _(kv_heads, shape):
    kept = {
        "latent": sum(shape.blocks[0].attention.cache_widths),
        f"{kv_heads.value} shared heads": 2 * 128 * kv_heads.value,
    }
    plots.value_bars(
        {"numbers a token and layer": kept}, title="A cache of 576 is that of two and a quarter shared heads"
    )
    return (kept,)


@app.cell
def _(kept, kv_heads):
    _latent, _shared = kept.values()
    assert _latent == 576 and (_shared < _latent) == (kv_heads.value <= 2)
    return


@app.cell
def _():
    small = DeepseekV3Config(
        vocab_size=32, hidden_size=32, intermediate_size=48, moe_intermediate_size=16, num_hidden_layers=3,
        num_attention_heads=4, q_lora_rank=16, kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=8,
        n_routed_experts=8, num_experts_per_tok=2, n_group=4, topk_group=2, first_k_dense_replace=1, initializer_range=0.3,
        tie_word_embeddings=True,
    )  # fmt: skip
    _model = build(small, seed=0, scheme="normal")
    _ids = torch.randint(0, 32, (1, 10), generator=torch.Generator().manual_seed(0))
    cache = KVCache.of(_model, batch=1, capacity=10)
    with torch.no_grad():
        _whole = _model(_ids)
        _steps = torch.cat([_model(_ids[:, [at]], cache=cache) for at in range(10)], dim=1)
    gap = (_whole - _steps).abs().max().item()
    mo.md(
        f"A small one, token by token from its cache ({tuple(cache.keys[0].shape)} latents, {tuple(cache.values[0].shape)} keys a "
        f"layer): at most {gap:.0e} from the pass over the whole text, which makes all keys and values."
    )
    return cache, gap, small


@app.cell
def _(cache, gap):
    assert gap < 1e-4
    assert cache.keys[0].shape == (1, 1, 10, 12) and cache.values[0].shape == (1, 1, 10, 4)
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## A choice in two steps

    In training, groups of experts stand on different machines, and a token should not travel to all of them. So the groups are
    ranked by their two best scores together, and experts are chosen in the best groups alone. Eight experts in four groups, scores
    0.9 0.1 | 0.6 0.5 | 0.8 0.1 | 0.4 0.4; a token uses two. Move how many groups it may go to.
    """)
    return


@app.cell
def _():
    topk_group = mo.ui.slider(1, 4, value=2, label="groups a token may go to (topk_group)", show_value=True)
    topk_group
    return (topk_group,)


@app.cell
def _(topk_group):
    _scores = torch.tensor([[0.9, 0.1, 0.6, 0.5, 0.8, 0.1, 0.4, 0.4]])
    experts, weights = grouped_sigmoid_routing(
        torch.logit(_scores), torch.zeros(8), 2, 4, topk_group.value, scaling=2.5
    )
    _given = dict(zip(experts[0].tolist(), weights[0].tolist(), strict=True))
    plots.value_bars(
        {
            "score": dict(enumerate(_scores[0].tolist())),
            "weight": {number: _given.get(number, 0.0) for number in range(8)},
        },
        x="expert",
        title=f"with {topk_group.value} of 4 groups: experts {sorted(_given)}",
    )
    return experts, weights


@app.cell
def _(experts, topk_group, weights):
    _expected = {1: [2, 3], 2: [0, 2], 3: [0, 4], 4: [0, 4]}  # groups are worth 1.0, 1.1, 0.9 and 0.8
    assert sorted(experts[0].tolist()) == _expected[topk_group.value]
    assert abs(weights.sum().item() - 2.5) < 1e-5  # divided by their sum, times routed_scaling_factor
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Even without a loss

    Each expert has a bias that is added to its score when it is chosen, and nowhere else. After a step it goes up where the load was below
    the mean, down where it was above. It is no parameter: the files hold it, no gradient reaches it. Move the size of its steps.
    """)
    return


@app.cell
def _():
    rate = mo.ui.slider(steps=[0.0, 0.005, 0.02], value=0.02, label="how far the bias moves a step", show_value=True)
    rate
    return (rate,)


@app.cell
def _(small):
    def texts(seed):
        """Eight rows of 17 tokens, small numbers far more often than large ones; each is followed by one a little larger."""
        source = torch.Generator().manual_seed(seed)
        start = torch.rand(8, 1, generator=source).pow(3).mul(20).long()
        ids = start + torch.randint(0, 2, (8, 17), generator=source).cumsum(1)
        zeros = torch.zeros(8, 16, dtype=torch.long)
        return SimpleNamespace(
            input_ids=ids[:, :-1] % 32, targets=ids[:, 1:] % 32, loss_mask=zeros == 0, document_ids=zeros,
            positions=torch.arange(16).expand(8, 16),
        )  # fmt: skip

    def trained(step_of_bias, steps=50):
        """The model after so many steps, and for each step its loss and the evenness of its layers."""
        model, objective, log = build(small, seed=0, scheme="normal"), Balanced(causal_loss, rate=step_of_bias), []
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for step in range(steps):
            loss, targets = objective(model, texts(step))
            optimizer.zero_grad()
            (loss / targets).backward()
            optimizer.step()
            objective.steer(SimpleNamespace(module=model))
            found = loads(model, texts(step + 1).input_ids).values()
            log = [*log, (loss.item() / targets, sum(load.evenness for load in found) / len(found))]
        return model, log

    _, left_alone = trained(0.0)
    return left_alone, texts, trained


@app.cell
def _(left_alone, rate, trained):
    model, log = trained(rate.value)
    plots.lines(
        list(range(len(log))),
        {"no bias": [even for _, even in left_alone], f"steps of {rate.value}": [even for _, even in log]},
        x="step",
        y="evenness",
        title=f"loss at the end {log[-1][0]:.2f}, without a bias {left_alone[-1][0]:.2f}",
    )
    return log, model


@app.cell
def _(left_alone, log, model, rate):
    _end = slice(-10, None)
    even, alone = (sum(one for _, one in curve[_end]) / 10 for curve in (log, left_alone))
    assert log == left_alone or rate.value > 0
    assert even > alone or rate.value < 0.02
    assert log[-1][0] < 1.5 < log[0][0]
    _biases = [part for name, part in model.named_buffers() if name.endswith("e_score_correction_bias")]
    assert len(_biases) == 2 and not any(part.requires_grad for part in _biases)
    mo.md(f"Evenness over the last ten steps: {alone:.3f} without, {even:.3f} with steps of {rate.value}.")
    return alone, even


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## What YaRN adds

    The model was trained on 4,096 positions and stretched to 163,840 by YaRN with factor 40. `mscale_all_dim` then makes the scores larger: each
    of query and key by $0.1 \cdot \text{mscale} \cdot \ln 40 + 1$. In other families YaRN puts this into cosines and sines; here only a
    third of a head turns, so it stands in the scale of the scores.
    """)
    return


@app.cell
def _(large):
    _scaling = {
        "rope_type": "yarn",
        "factor": 40.0,
        "original_max_position_embeddings": 4096,
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
    }
    _stretched = replace(large, rope_scaling=_scaling)
    plain, louder = (config.blueprint().blocks[0].attention.scale for config in (large, _stretched))
    mo.md(
        f"Scores are multiplied by {plain:.4f} as trained and by {louder:.4f} stretched, {louder / plain:.3f} times as much."
    )
    return louder, plain


@app.cell
def _(louder, plain):
    assert abs(plain - 192**-0.5) < 1e-12
    assert abs(louder / plain - (0.1 * math.log(40) + 1) ** 2) < 1e-9
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - In `large`, let `kv_lora_rank` be 256: how many numbers does the cache keep, and how many parameters go?
    - Give expert 1 a bias of 0.9 (`torch.zeros(8)` becomes a tensor with it): it is chosen, and its weight is as small as its score.
    - Let the bias move by 0.2 a step: the load swings, as every step overshoots.

    Write the pieces: `groundup learn start compress`, `latent_attention`, `update_bias`
    """)
    return


if __name__ == "__main__":
    app.run()
