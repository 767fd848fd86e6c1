"""Structured pruning: smaller shapes in the configuration, the least missed structures gone, the rest repaired by least squares."""

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


def test_what_is_repaired_is_nearer_than_what_is_only_cut(monkeypatch):
    ids, errors = torch.tensor([TEXTS[0]]), []
    monkeypatch.setattr(structured, "MULTIPLE", 1)
    with torch.inference_mode():
        before = qwen()(ids)
        for how in (structured.repaired, lambda weight, hessian, kept: weight[:, kept]):
            monkeypatch.setattr(structured, "repaired", how)
            errors.append(float((structured.prune(qwen(), "channels", 0.25, TEXTS)(ids) - before).square().mean()))
    assert errors[0] < 0.95 * errors[1]


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
