"""Who writes: the compiled step where it can and pays, torch where it cannot, and no weight is changed unasked."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, UnsupportedModel
from groundup.inference.compiled import checks, choose
from groundup.inference.compiled.checks import off
from groundup.inference.handle import Handle


@pytest.fixture
def module(tiny):
    return tiny().eval()


def test_auto_keeps_the_weights_as_they_are(module):
    assert choose.codec_for(module) == "f32"
    assert choose.codec_for(module.bfloat16()) == "bf16"
    assert choose.codec_for(module.half()) == "f32"


def test_float32_weights_give_torchs_logits_nearly_to_the_last_bit(module, monkeypatch):
    monkeypatch.setattr(choose, "faster", lambda lowered: True)
    text = choose.decoder_for(Handle(module), threads=1).text()
    ids = np.random.default_rng(0).integers(0, 70, 40).tolist()
    text.prefill(ids[:33])
    for count in range(34, 41):
        found = text.step(ids[count - 1])
        with torch.inference_mode():
            expected = module(torch.tensor([ids[:count]]))[0, -1].numpy()
        assert off(found, expected) < 1e-5


def test_the_slower_of_the_two_is_not_taken(module, monkeypatch):
    monkeypatch.setattr(choose, "in_turns", lambda *_, **__: {"compiled": [2.0, 2.0, 9.0], "torch": [3.0, 1.0, 1.0]})
    assert choose.decoder_for(module, threads=1) is None
    assert choose.decoder_for(module, "f32", threads=1) is not None  # asked for


def test_code_that_is_off_is_left_to_torch(module, monkeypatch):
    def wrong(lowered):
        raise UnsupportedModel("off")

    monkeypatch.setattr(checks, "check", wrong)
    assert choose.decoder_for(module, "f32", threads=1) is None


@pytest.mark.parametrize("change", ["hook", "slot", "weights", "part"])
def test_what_keeps_a_module_is_named(module, monkeypatch, change):
    assert choose.why_not(module) is None
    if change == "hook":
        module.model.layers[0].mlp.register_forward_hook(lambda *_: None)
    elif change == "slot":
        monkeypatch.setattr(choose, "active", lambda: [SimpleNamespace(id="model.attention.attend")])
    elif change == "weights":
        monkeypatch.setattr(choose, "MOST_WEIGHTS", 10)
    else:
        module.model.layers[0].self_attn.q_proj = torch.nn.Identity()
    words = {"hook": "watches", "slot": "your own", "weights": "weights", "part": "more than one matrix"}[change]
    assert words in choose.why_not(module)
    assert choose.decoder_for(module) is None


def test_an_unknown_codec_is_refused(module):
    with pytest.raises(ConfigError, match="use f32, bf16, q8_0, q4_0"):
        choose.decoder_for(module, "q2")
