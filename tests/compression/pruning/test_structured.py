"""Structured pruning: smaller shapes in the configuration, the least missed structures gone, the rest repaired by least squares."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import GPT2, QWEN, TEXTS

from groundup.compression.pruning import structured
from groundup.errors import InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats import huggingface


def drawn(seed, rows=6, inputs=12, tokens=80):
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(tokens, inputs, generator=source, dtype=torch.float64)
    x = x @ torch.randn(inputs, inputs, generator=source, dtype=torch.float64)
    return torch.randn(rows, inputs, generator=source, dtype=torch.float64), x


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_the_error_of_a_structure_is_what_least_squares_leaves(seed):
    weight, x = drawn(seed)
    groups = torch.arange(12).view(4, 3)
    found = structured.structure_errors(weight, torch.linalg.inv(x.T @ x), groups)
    for number, group in enumerate(groups):
        kept = [column for column in range(12) if column not in group.tolist()]
        left = torch.linalg.lstsq(x[:, kept], x @ weight.T)  # torch's own least squares, from the inputs
        missing = (x[:, kept] @ left.solution - x @ weight.T).square().sum()
        torch.testing.assert_close(found[number], missing, rtol=1e-6, atol=1e-6)


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_the_repair_is_least_squares(seed):
    weight, x = drawn(seed)
    kept = torch.tensor([0, 1, 4, 5, 6, 9])
    theirs = torch.linalg.lstsq(x[:, kept], x @ weight.T).solution.T
    torch.testing.assert_close(structured.repaired(weight, x.T @ x, kept), theirs, rtol=1e-6, atol=1e-6)


def test_a_column_that_another_can_stand_for_goes_first(monkeypatch):
    monkeypatch.setattr(structured, "DAMPING", 1e-6)
    weight, x = drawn(3)
    x[:, 7] = 2 * x[:, 2]
    left, repair = structured.choose(weight, x.T @ x, torch.arange(12)[:, None], 11, rounds=1)
    assert set(range(12)) - set(left.tolist()) in ({2}, {7})
    error = (x[:, left] @ repair.T - x @ weight.T).square().mean() / (x @ weight.T).square().mean()
    assert error < 1e-4  # but for the damping


@pytest.mark.parametrize(
    ("method", "share", "sizes"),
    [("heads", 0.5, (2, 1, 48, 3)), ("channels", 0.25, (4, 2, 36, 3)), ("layers", 0.34, (4, 2, 48, 2))],
)
def test_the_shapes_are_smaller_in_the_files_and_transformers_reads_them(method, share, sizes, tmp_path, monkeypatch):
    monkeypatch.setattr(structured, "MULTIPLE", 12)
    module = structured.prune(qwen(), method, share, TEXTS)
    names = ("num_attention_heads", "num_key_value_heads", "intermediate_size", "num_hidden_layers")
    assert tuple(getattr(module.config, name) for name in names) == sizes and module.config.head_dim == 8
    huggingface.save_model(tmp_path / "m", module)
    ids = torch.tensor([TEXTS[0]])
    from transformers import AutoModelForCausalLM

    with torch.inference_mode():
        expected = module(ids)
        assert huggingface.load_model(tmp_path / "m")(ids).equal(expected)
        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "m", dtype=torch.float32)(ids).logits
    torch.testing.assert_close(theirs, expected, rtol=1e-4, atol=1e-4)


def read_by(module, part):
    """What a part reads in all texts, a row a token."""
    found = []
    hook = part.register_forward_pre_hook(lambda _part, given: found.append(given[0].flatten(0, -2).double()))
    with torch.inference_mode():
        for text in TEXTS:
            module(torch.tensor([text]))
    hook.remove()
    return torch.cat(found).numpy()


def cut_in(block, method):
    """The map that loses columns, and one that loses the same rows."""
    return (block.mlp.down_proj, block.mlp.up_proj) if method == "channels" else (block.self_attn.o_proj, block.self_attn.q_proj)


@pytest.mark.parametrize("method", ["channels", "heads"])
def test_each_repaired_matrix_is_numpys_least_squares_over_what_it_reads(method):
    """The kept columns give the output of all, behind the smaller blocks; the damping is more rows, which draw towards the old weights."""
    smaller, module = structured.prune(qwen(), method, 0.5, TEXTS), qwen()
    for number, block in enumerate(smaller.model.layers):
        (old, rows), (new, left) = (cut_in(one, method) for one in (module.model.layers[number], block))
        kept = [place for place, row in enumerate(rows.weight) if (left.weight == row).all(1).any()]
        x, weight, made = read_by(module, old), old.weight.detach().double().numpy().T, new.weight.detach().double().numpy().T
        damped = np.vstack([x, np.sqrt(structured.DAMPING * (x * x).sum(0).mean()) * np.eye(len(weight))])
        expected, *_ = np.linalg.lstsq(damped[:, kept], damped @ weight, rcond=None)
        np.testing.assert_allclose(made, expected, rtol=1e-3, atol=1e-4)
        repaired, bare = (np.square(x[:, kept] @ one - x @ weight).sum() for one in (made, weight[kept]))
        assert repaired < bare  # what is only cut is farther away
        module.model.layers[number] = block


def test_a_block_that_does_nothing_goes():
    module = qwen()
    with torch.no_grad():
        for part in (module.model.layers[1].self_attn.o_proj, module.model.layers[1].mlp.down_proj):
            part.weight.zero_()
    ids, expected = torch.tensor([TEXTS[0]]), module(torch.tensor([TEXTS[0]]))
    assert structured.influence(module, TEXTS)[1] == pytest.approx(0, abs=1e-6)
    smaller = structured.prune(module, "layers", 0.34, TEXTS)
    torch.testing.assert_close(smaller(ids), expected, rtol=1e-5, atol=1e-5)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="all or none"):
        structured.prune(qwen(), "heads", 0.1, TEXTS)
    with pytest.raises(UnsupportedModel, match="head_dim"):
        structured.prune(build(config_from_dict(GPT2), seed=0), "heads", 0.5, TEXTS)
    wide = QWEN | {"model_type": "olmo2", "num_attention_heads": 4}
    wide.pop("head_dim")
    with pytest.raises(UnsupportedModel, match="made together"):
        structured.prune(build(config_from_dict(wide), seed=0), "heads", 0.5, TEXTS)


GEMMA2 = QWEN | {"model_type": "gemma2", "num_hidden_layers": 4, "sliding_window": 6, "query_pre_attn_scalar": 8}
GEMMA3 = GEMMA2 | {"model_type": "gemma3_text", "sliding_window_pattern": 2, "num_hidden_layers": 6}


@pytest.mark.parametrize("raw", [GEMMA2, GEMMA3, QWEN | {"num_hidden_layers": 4, "use_sliding_window": True, "sliding_window": 6, "max_window_layers": 2}])
def test_a_kept_block_is_of_the_kind_that_it_was(raw, monkeypatch, tmp_path):
    """Families tell a block's kind from its number, so that the second of four became the first of two, with another window."""
    module = build(config_from_dict(raw), seed=1)
    count = raw["num_hidden_layers"]
    kept = list(range(1, count, 2))
    monkeypatch.setattr(structured, "influence", lambda *given: [number % 2 for number in range(count)])
    old = [module.config.blueprint().blocks[number] for number in kept]
    layers = [module.model.layers[number] for number in kept]
    smaller = structured.prune(module, "layers", 0.5, TEXTS)
    assert list(smaller.config.blueprint().blocks) == old
    huggingface.save_model(tmp_path / "m", smaller)
    assert list(huggingface.load_model(tmp_path / "m").config.blueprint().blocks) == old
    for mine, theirs in zip(smaller.model.layers, layers, strict=True):
        assert mine.self_attn.q_proj.weight.equal(theirs.self_attn.q_proj.weight)


@pytest.mark.parametrize(
    "raw",
    [
        GPT2 | {"scale_attn_by_inverse_layer_idx": True, "n_layer": 4},
        QWEN | {"model_type": "groundup", "residual_scalars": True, "num_hidden_layers": 4},
        QWEN | {"model_type": "groundup", "value_embedding_layers": [0], "num_hidden_layers": 4},
    ],
)
def test_blocks_that_are_told_apart_by_their_number_stay(raw, monkeypatch):
    module = build(config_from_dict(raw), seed=1)
    monkeypatch.setattr(structured, "influence", lambda *given: [0, 1, 2, 3])
    with pytest.raises(UnsupportedModel, match="depends on its number, so none can go without changing others; use another method"):
        structured.prune(module, "layers", 0.5, TEXTS)


def test_what_is_by_chance_as_many_as_the_layers_is_not_cut(monkeypatch):
    module = build(config_from_dict(QWEN | {"num_hidden_layers": 2, "eos_token_id": [3, 4]}), seed=1)
    monkeypatch.setattr(structured, "influence", lambda *given: [0, 1])
    assert list(structured.prune(module, "layers", 0.5, TEXTS).config.eos_token_id) == [3, 4]
