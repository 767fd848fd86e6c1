"""Lesson: families with experts: what Mixtral changes in Mistral, what it costs, and what its two larger kin do otherwise."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Mixtral: 47 billion weights at the price of 13", width="medium")

with app.setup:
    from dataclasses import replace
    from types import SimpleNamespace

    import marimo as mo
    import torch

    from groundup import plots
    from groundup.model.accounting import count
    from groundup.model.architectures import build
    from groundup.model.architectures.blueprint import Experts
    from groundup.model.architectures.deepseek_v3 import DeepseekV3Config
    from groundup.model.architectures.mistral import MistralConfig
    from groundup.model.architectures.mixtral import MixtralConfig
    from groundup.model.architectures.qwen2_moe import Qwen2MoeConfig
    from groundup.model.architectures.qwen3_moe import Qwen3MoeConfig
    from groundup.model.formats.huggingface import weights_of
    from groundup.model.moe.balance import loads
    from groundup.training.objectives.balanced import Balanced
    from groundup.training.objectives.causal import causal_loss


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Mixtral: 47 billion weights at the price of 13

    Mixtral has Mistral's blocks, and where each had one feed-forward there are eight, of which a token uses two. Afterwards you can
    read such a family's blueprint, say from it how many weights it holds and how many a token meets, find an
    expert's matrices in its files, and keep experts busy in a training run. How a token is routed is a lesson of its own: `experts`.
    """)
    return


@app.cell
def _():
    mixtral = MixtralConfig(
        vocab_size=32_000, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=32_768,
    )  # fmt: skip

    def met(config):
        """Parameters in all, and those that one token meets, in billions."""
        shape = config.blueprint()
        idle = sum(block.counted(shape.hidden).idle for block in shape.blocks)
        return count(config).parameters / 1e9, (count(config).parameters - idle) / 1e9

    total, active = met(mixtral)
    mo.md(f"Mixtral 8x7B holds **{total:.1f} billion** parameters, and a token meets **{active:.1f} billion** of them.")
    return active, met, mixtral, total


@app.cell
def _(active, total):
    assert (round(total, 1), round(active, 1)) == (46.7, 12.9)  # as published
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## One change

    A family is a list of parts, its blueprint. Take Mistral's at the same sizes, put `Experts` where `FeedForward` stands, and compare.
    """)
    return


@app.cell
def _(mixtral):
    _sizes = dict(vocab_size=32_000, hidden_size=4096, intermediate_size=14_336, num_hidden_layers=32)
    _heads = dict(num_attention_heads=32, num_key_value_heads=8, max_position_embeddings=32_768)
    _mistral = MistralConfig(**_sizes, **_heads, rope_theta=1_000_000.0, rms_norm_eps=1e-5)
    dense = _mistral.blueprint()
    _experts = Experts(experts=8, chosen=2, intermediate=14_336)
    changed = replace(dense, blocks=tuple(replace(block, feed_forward=_experts) for block in dense.blocks))
    mo.md(f"Is Mistral with eight experts Mixtral, to the last choice? **{changed == mixtral.blueprint()}**.")
    return changed, dense


@app.cell
def _(changed, dense, mixtral):
    assert changed == mixtral.blueprint() != dense
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Why 8 x 7 is not 56

    One expert of a layer has three matrices of 4096 x 14,336, that is 176 million numbers. Eight of them in 32 layers are 45
    billion; attention, embedding and head are there once, not eight times. And a token pays for two experts, not for one,
    so it costs what a dense model of 13 billion costs.
    """)
    return


@app.cell
def _(active, mixtral, total):
    one_expert = 3 * mixtral.hidden_size * mixtral.intermediate_size
    once = total - 32 * 8 * one_expert / 1e9
    by_hand = once + 32 * 2 * one_expert / 1e9
    assert one_expert == 176_160_768 and abs(by_hand - active) < 1e-9
    mo.md(f"There once: {once:.2f} billion. With two experts in 32 layers: {by_hand:.1f} billion, as counted.")
    return by_hand, once, one_expert


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Many small ones

    The next families cut experts finer: the same weights in more and narrower pieces, of which a token uses more. Two of them
    keep one piece for every token: Qwen2-MoE behind a gate, DeepSeek-V3 without. Choose a model; what a token meets is counted by part.
    """)
    return


@app.cell
def _(mixtral):
    _qwen = dict(hidden_size=2048, vocab_size=151_936)
    _deepseek = dict(q_lora_rank=1536, kv_lora_rank=512, qk_nope_head_dim=128, qk_rope_head_dim=64, v_head_dim=128)
    models = {
        "Mixtral 8x7B": mixtral,
        "Qwen1.5-MoE-A2.7B": Qwen2MoeConfig(
            **_qwen, intermediate_size=5632, num_hidden_layers=24, num_attention_heads=16, moe_intermediate_size=1408,
            num_experts=60, num_experts_per_tok=4, shared_expert_intermediate_size=5632,
        ),
        "Qwen3-30B-A3B": Qwen3MoeConfig(
            **_qwen, intermediate_size=6144, num_hidden_layers=48, num_attention_heads=32, num_key_value_heads=4,
            head_dim=128, moe_intermediate_size=768, num_experts=128, num_experts_per_tok=8, norm_topk_prob=True,
        ),
        "DeepSeek-V3": DeepseekV3Config(
            **_deepseek, vocab_size=129_280, hidden_size=7168, intermediate_size=18_432, num_hidden_layers=61,
            num_attention_heads=128, moe_intermediate_size=2048, n_routed_experts=256, num_experts_per_tok=8, n_group=8,
            topk_group=4, first_k_dense_replace=3, routed_scaling_factor=2.5,
        ),
    }  # fmt: skip
    return (models,)


@app.cell
def _(models):
    model = mo.ui.dropdown(list(models), value="Mixtral 8x7B", label="model")
    model
    return (model,)


@app.cell
def _(met, model, models):
    def by_part(config):
        """Billions of parameters by part: of the blocks, and what stands around them."""
        shape = config.blueprint()
        found = {"attention": 0.0, "used": 0.0, "idle experts": 0.0}
        for block in shape.blocks:
            feed_forward = block.feed_forward.counted(shape.hidden)
            attention = sum(block.attention.counted(shape.hidden))
            found = {
                "attention": found["attention"] + attention / 1e9,
                "used": found["used"] + (feed_forward.weights + feed_forward.vectors) / 1e9,
                "idle experts": found["idle experts"] + feed_forward.idle / 1e9,
            }
        return found | {"embedding and head": 2 * shape.vocab * shape.hidden / 1e9}

    shown = by_part(models[model.value])
    _all, _met = met(models[model.value])
    plots.value_bars(
        {model.value: shown},
        y="billion parameters",
        title=f"{model.value}: {_all:.1f} billion, a token meets {_met:.1f}, one in {_all / _met:.1f}",
    )
    return by_part, shown


@app.cell
def _(met, model, models, shown):
    _published = {  # billions in all and met by a token, as their authors say
        "Mixtral 8x7B": (46.7, 12.9),
        "Qwen1.5-MoE-A2.7B": (14.3, 2.7),
        "Qwen3-30B-A3B": (30.5, 3.3),
        "DeepSeek-V3": (671.0, 37.0),
    }
    _all, _met = met(models[model.value])
    assert abs(_all / _published[model.value][0] - 1) < 0.005
    assert abs(_met / _published[model.value][1] - 1) < 0.03
    assert abs(sum(shown.values()) / _all - 1) < 1e-3  # norms are the rest
    assert shown["idle experts"] > shown["used"]
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## In the files

    Inside, the experts of a layer are two stacks, so that each is one tensor. Files hold a matrix an expert, and every family
    has words of its own for them; Mixtral's are w1 (gate), w3 (up) and w2 (down). The family's table of names translates.
    """)
    return


@app.cell
def _():
    def small(coefficient=0.0):
        """A Mixtral of 20,000 parameters, always with the same first values."""
        config = MixtralConfig(
            vocab_size=32, hidden_size=32, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
            num_local_experts=6, initializer_range=0.3, router_aux_loss_coef=coefficient, tie_word_embeddings=True,
        )  # fmt: skip
        return build(config, seed=4, scheme="normal")

    _inside, _written = small().state_dict(), weights_of(small())
    stack = _inside["model.layers.0.mlp.experts.gate_up_proj"]
    files = {name: tensor for name, tensor in _written.items() if ".layers.0.block_sparse_moe.experts." in name}
    mo.md(
        f"One stack of shape {tuple(stack.shape)} and one of down projections; in the file {len(files)} matrices: "
        + ", ".join(name.removeprefix("model.layers.0.") for name in list(files)[:3])
        + ", ..."
    )
    return files, small, stack


@app.cell
def _(files, stack):
    assert len(files) == 6 * 3
    _place = "model.layers.0.block_sparse_moe.experts.5."
    assert torch.equal(stack[5], torch.cat([files[_place + "w1.weight"], files[_place + "w3.weight"]]))
    return


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Keeping them busy

    `router_aux_loss_coef` is what the training loop multiplies the balance loss by. Here a small Mixtral learns texts in which a few
    tokens are frequent. Move the coefficient and look at how many tokens each expert gets.
    """)
    return


@app.cell
def _():
    coefficient = mo.ui.slider(
        steps=[0.0, 0.1, 1.0], value=0.0, label="coefficient of the balance loss", show_value=True
    )
    coefficient
    return (coefficient,)


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

    def trained(weight, steps=60):
        """The model after so many steps, and the mean loss of the last ten."""
        model, objective, losses = small(weight), Balanced(causal_loss, weight), []
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for step in range(steps):
            loss, targets = objective(model, texts(step))
            optimizer.zero_grad()
            (loss / targets).backward()
            optimizer.step()
            losses = [*losses, loss.item() / targets]
        return model, sum(losses[-10:]) / 10

    return texts, trained


@app.cell
def _(coefficient, texts, trained):
    learned, last_loss = trained(coefficient.value)
    found = loads(learned, torch.cat([texts(900 + number).input_ids for number in range(8)]))
    plots.heat_map(
        [list(load.shares) for load in found.values()],
        rows=["layer 0", "layer 1"],
        columns=[f"expert {number}" for number in range(6)],
        low=0,
        high=0.5,
        text=True,
        title=f"shares of the tokens at coefficient {coefficient.value}: loss {last_loss:.2f}",
    )
    return found, last_loss, learned


@app.cell
def _(coefficient, found, last_loss):
    evenness = sum(load.evenness for load in found.values()) / len(found)
    assert last_loss < 1.5  # 3.47 is the logarithm of the vocabulary
    assert evenness > 0.95 or coefficient.value < 1.0
    assert all(sum(load.tokens) == 8 * 8 * 16 * 2 for load in found.values())
    mo.md(f"Evenness (1: all alike) is {evenness:.3f}; the loss that is reported never includes the charge.")
    return (evenness,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Try

    - In `mixtral`, let `num_experts_per_tok` be 1: which figure moves, the weights held or the weights met?
    - Let `num_local_experts` be 16 and `intermediate_size` 7168, with 4 a token: both figures stay, but 1,820 combinations
      take the place of 28.
    - Set `initializer_range` to 0.6: the router is more certain from the start, and without the loss more experts stay idle.

    Write the pieces: `groundup learn start top_k_routing`, then `groundup learn start balance_loss`
    """)
    return


if __name__ == "__main__":
    app.run()
