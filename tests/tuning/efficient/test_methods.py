from typing import get_args

import pytest
import torch

from groundup.errors import ConfigError, InputError, Interrupted
from groundup.tuning.config import MethodName, TuneConfig
from groundup.tuning.efficient.methods import put_on
from groundup.tuning.supervised.instruction import check_length, conversations_to_shards, fit

METHODS = get_args(MethodName)
CONFIG = {
    "batch_size": 4,
    "seq_len": 32,
    "learning_rate": 0.02,
    "optimizer": "adamw",
    "num_virtual_tokens": 4,
    "r": 4,
    "warmup_steps": 0,
}


@pytest.mark.parametrize(
    "method", [pytest.param(one, marks=() if one == "lora" else pytest.mark.slow) for one in METHODS]
)
def test_every_method_learns_and_goes_on_after_a_stop_with_the_same_bits(
    tiny, tokenizer, conversations, tmp_path, method
):
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    config = TuneConfig(
        method=method, steps=8, lora_dropout=0.1 if method == "lora" else 0.0, checkpoint_every=3, **CONFIG
    )

    def run(folder, stop_after=99):
        trained, seen = put_on(tiny(), config, 8), []
        told = {
            "objective": trained.objective,
            "listeners": [*trained.listeners, lambda event: seen.append(event.loss)],
        }
        torch.manual_seed(0)
        fit(trained.module, shards, config, folder, stop=lambda: len(seen) >= stop_after, **told)
        return trained.module, seen

    whole, losses = run(tmp_path / "whole")
    assert losses[-1] < losses[0]
    with pytest.raises(Interrupted):
        run(tmp_path / "stopped", 5)
    again, _ = run(tmp_path / "stopped")
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    if method not in ("full", "qlora"):  # the base is untouched
        base = dict(tiny().named_parameters())
        for name, one in whole.base.named_parameters():
            if (name := name.replace(".base_layer", "")) in base:
                assert torch.equal(one, base[name])


def test_a_checkpoint_holds_the_adapter_alone(tiny, tokenizer, conversations, tmp_path):
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    config = TuneConfig(method="lora", steps=2, **CONFIG)
    trained = put_on(tiny(), config, 2)
    fit(trained.module, shards, config, tmp_path / "run")
    held = sum(path.stat().st_size for path in (tmp_path / "run").rglob("*.safetensors"))
    learned = 4 * sum(one.numel() for one in trained.module.parameters())
    whole = 4 * sum(one.numel() for one in tiny().parameters())
    assert 3 * learned < held < whole / 2  # with AdamW's two numbers a weight


def test_places_before_the_text_count_as_context(tiny):
    config = TuneConfig(method="prompt", steps=1, seq_len=64, num_virtual_tokens=4)
    with pytest.raises(
        InputError, match="num_virtual_tokens=4 are longer than the model's context; use --set tune.seq_len=60"
    ):
        check_length(tiny(context=64), config)


@pytest.mark.parametrize(
    ("method", "told"),
    [
        ("adalora", {"lora_dropout": 0.1}),
        ("adalora", {"use_rslora": True}),
        ("adalora", {"init_lora_weights": "pissa"}),
        ("bottleneck", {"lora_alpha": 8.0}),
        ("ia3", {"lora_alpha": 8.0}),
        ("prompt", {"lora_dropout": 0.1}),
    ],
)
def test_a_setting_that_the_method_does_not_look_at_is_refused(method, told):
    with pytest.raises(ConfigError, match=f"{next(iter(told))}=.* says nothing to method='{method}'; leave it out"):
        TuneConfig(method=method, **told)
    name = next(iter(told))
    TuneConfig(method=method, **{name: getattr(TuneConfig(), name)})
