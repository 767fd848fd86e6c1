import dataclasses
import shutil

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError, InputError
from groundup.inference.handle import load
from groundup.model.formats.huggingface import save_model
from groundup.tuning.efficient.config import BottleneckConfig, IA3Config, LoraConfig, PromptConfig
from groundup.tuning.efficient.many import apply
from groundup.tuning.efficient.peft_files import save_adapter
from groundup.tuning.merging.config import MergeConfig
from groundup.tuning.merging.merging import average, dare_drop, merge_folders, slerp, ties_merge


def test_the_mean_is_weighted():
    models = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    torch.testing.assert_close(average(models), torch.tensor([2.0, 4.0]))
    torch.testing.assert_close(average(models, (3.0, 1.0)), torch.tensor([1.5, 3.0]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(0, 1))
def test_the_arc_keeps_the_length_that_the_chord_loses(seed, t):
    draw = torch.Generator().manual_seed(seed)
    one, other = (
        torch.nn.functional.normalize(torch.randn(6, dtype=torch.float64, generator=draw), dim=0) for _ in range(2)
    )
    assert abs(slerp(one, other, t).norm() - 1) < 1e-3  # vectors nearly alike are taken along the chord
    torch.testing.assert_close(slerp(one, other, 0.0), one)
    torch.testing.assert_close(slerp(one, other, 1.0), other)


def test_the_arc_by_hand_and_where_there_is_none():
    half = slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), 0.5)
    torch.testing.assert_close(half, torch.full((2,), 0.5**0.5))
    torch.testing.assert_close(slerp(torch.ones(2), 3 * torch.ones(2), 0.5), 2 * torch.ones(2))
    torch.testing.assert_close(slerp(torch.ones(2), torch.zeros(2), 0.25), 0.75 * torch.ones(2))
    torch.testing.assert_close(slerp(torch.ones(2), -torch.ones(2), 0.5), torch.zeros(2))


def test_a_merge_of_ties_by_hand():
    changes = torch.tensor([[3.0, 1.0, -2.0, 0.1], [2.0, -4.0, 0.2, 0.3], [-1.0, 0.0, -6.0, 5.0]])
    # kept: 3, -2 | 2, -4 | -6, 5
    torch.testing.assert_close(ties_merge(changes, 0.5), torch.tensor([2.5, -4.0, -4.0, 5.0]))


@pytest.mark.parametrize("density", [0.1, 0.5, 1.0])
def test_ties_is_that_of_peft(density):
    merging = pytest.importorskip("peft.utils.merge_utils")
    changes = torch.randn(4, 6, 7, generator=torch.Generator().manual_seed(0))
    expected = merging.ties(list(changes), torch.ones(4), density)
    torch.testing.assert_close(ties_merge(changes, density), expected)


def test_what_is_dropped_is_made_up_for_by_what_stays():
    change = torch.full((200, 200), 2.0)
    found = dare_drop(change, 0.9, torch.Generator().manual_seed(0))
    torch.testing.assert_close(found.unique(), torch.tensor([0.0, 20.0]))
    assert abs(found.mean() - 2) < 0.1 and abs((found != 0).float().mean() - 0.1) < 0.01
    torch.testing.assert_close(dare_drop(change, 0.0, torch.Generator()), change)


@pytest.fixture
def folders(tiny, tokenizer, tmp_path):
    made = []
    for seed in range(3):
        module = tiny(0)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(seed)) * 0.1 * seed)
        save_model(tmp_path / str(seed), module, tokenizer)
        made.append(tmp_path / str(seed))
    return made


@pytest.mark.parametrize("method", ["average", "slerp", "ties", "dare"])
def test_folders_become_one_model_that_loads(folders, tmp_path, method):
    base = folders[0] if method in ("ties", "dare") else None
    merge_folders(folders[1:], tmp_path / "out", MergeConfig(method=method, density=1.0, drop=0.0), base)
    made, parts = load(tmp_path / "out", device="cpu"), [load(one, device="cpu") for one in folders]
    name = "model.layers.0.self_attn.q_proj.weight"
    zero, one, two = (part.module.state_dict()[name] for part in parts)
    expected = {"average": (one + two) / 2, "slerp": slerp(one, two, 0.5), "dare": (one + two) / 2}
    expected["ties"] = zero + ties_merge(torch.stack([one - zero, two - zero]), 1.0)
    torch.testing.assert_close(made.module.state_dict()[name], expected[method])
    assert made.tokenizer.decode(made.tokenizer.encode("blue sky")) == "blue sky"


def adapter_of(config, base, path):
    """A folder of an adapter that changes something, with its base's words."""
    adapted = apply(load(base, device="cpu").module, config)
    draw = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for one in adapted.parameters():
            if one.requires_grad:
                one.add_(0.1 * torch.randn(one.shape, generator=draw))
    save_adapter(path, adapted, base=str(base))
    for words in base.glob("tokenizer*"):
        shutil.copy(words, path)
    return path


@pytest.mark.parametrize("config", [LoraConfig(r=4, target_modules=("v_proj", "down_proj")), IA3Config()], ids=["lora", "ia3"])
def test_one_adapter_goes_into_its_base_as_pefts_merge_and_unload_puts_it(folders, tmp_path, config):
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    adapter = adapter_of(config, folders[1], tmp_path / "adapter")
    merge_folders([adapter], tmp_path / "out", MergeConfig())
    base = transformers.AutoModelForCausalLM.from_pretrained(folders[1])
    theirs = peft.PeftModel.from_pretrained(base, adapter).merge_and_unload().state_dict()
    mine = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    assert mine.keys() == theirs.keys()
    for name, one in theirs.items():
        torch.testing.assert_close(mine[name], one, msg=name)
    name = "model.layers.0.self_attn.v_proj.weight"
    assert (mine[name] - load(folders[1], device="cpu").module.state_dict()[name]).abs().max() > 0.01
    assert load(tmp_path / "out").tokenizer.decode(load(folders[1]).tokenizer.encode("blue sky")) == "blue sky"


@pytest.mark.parametrize("config", [PromptConfig(num_virtual_tokens=3), BottleneckConfig(width=4)], ids=["prompt", "bottleneck"])
def test_what_is_no_change_of_matrices_is_not_merged(folders, tmp_path, config):
    adapter = adapter_of(config, folders[0], tmp_path / "adapter")
    for models in ([adapter], [adapter, adapter], [folders[0], adapter]):
        with pytest.raises(InputError, match="adapter that is no change of matrices"):
            merge_folders(models, tmp_path / "out", MergeConfig())
    assert not (tmp_path / "out").exists()


def test_a_merge_by_chance_is_the_same_again(folders, tmp_path):
    for name in ("a", "b"):
        merge_folders(folders[1:], tmp_path / name, MergeConfig(method="dare"), folders[0])
    one, other = (load(tmp_path / name, device="cpu").module.state_dict() for name in "ab")
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_merged_is_refused(folders, tiny, tokenizer, tmp_path):
    for models, told, base, sentence in (
        (folders[:1], {}, None, "nothing to merge by average; give two folders or more, or one adapter folder"),
        (folders[:1], {"method": "slerp"}, None, "nothing to merge by slerp; give two folders or more$"),
        ([], {"method": "dare"}, folders[0], "0 model is nothing to merge by dare"),
        (folders, {"method": "slerp"}, None, "slerp goes from one model to another"),
        (folders, {"method": "ties"}, None, "--base"),
        (folders, {}, folders[0], "uses no base"),
        (folders, {"weights": (1.0,)}, None, "1 weights were given for 3 models"),
    ):
        with pytest.raises((InputError, ConfigError), match=sentence):
            merge_folders(models, tmp_path / "out", MergeConfig(**told), base)
    module = tiny(0)
    module.model.layers = module.model.layers[:1]
    module.config = dataclasses.replace(module.config, num_hidden_layers=1)
    save_model(tmp_path / "short", module, tokenizer)
    with pytest.raises(InputError, match=r"different shapes: model.layers.1.*missing"):
        merge_folders([folders[0], tmp_path / "short"], tmp_path / "out", MergeConfig())
    endless = ({"weights": (float("nan"), 1.0)}, {"method": "ties", "scale": float("inf")})
    for wrong in (*endless, {"method": "tie"}, {"t": 2.0}, {"density": 0.0}, {"drop": 1.0}, {"weights": (1.0, -1.0)}):
        with pytest.raises(ConfigError):
            MergeConfig(**wrong)
    with pytest.raises(ConfigError, match="not for slerp, which goes from the first model to the second by t; use t=0.5"):
        MergeConfig(method="slerp", weights=(1.0, 1.0))
