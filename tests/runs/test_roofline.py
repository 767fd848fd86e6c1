"""The parts of a small model under the roofs of a machine with round numbers; the table, the page and the picture of it."""

import json

import pytest

from groundup import files
from groundup.errors import InputError
from groundup.machine.probe.limits import Level, Limits
from groundup.machine.probe.products import Peak
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.mixtral import MixtralConfig
from groundup.model.architectures.t5 import T5Config
from groundup.runs import roofline

SMALL = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
                    num_key_value_heads=2, tie_word_embeddings=True)  # fmt: skip
GPT2 = GPT2Config(vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=8)
NAMES = {"embedding", "norm", "attention products", "scores and values", "feed-forward", "head", "whole step"}


@pytest.fixture(scope="module")
def limits():
    levels = [
        Level("L1", 32 << 10, 30 << 10, [1.0] * 2, [200e9, 220e9]),
        Level("memory", 0, 0, [90.0] * 2, [20e9, 22e9]),
    ]
    peaks = [Peak("float32", 512, "torch", [100e9, 110e9]), Peak("bfloat16", 512, "torch", [200e9, 210e9])]
    return Limits("a processor", 2, 1, peaks, {"read": [20e9, 22e9]}, levels, [])


@pytest.fixture(scope="module")
def placed(limits):
    return roofline.place(SMALL, limits, batch=2, seq_len=16, rounds=1, repeats=2)


def test_every_part_is_timed_in_training_and_in_decoding(placed):
    by_kind = {kind: {one.name for one in placed if one.kind == kind} for kind in ("train", "decode")}
    assert by_kind == {"train": NAMES | {"optimizer"}, "decode": NAMES}
    assert all(len(one.seconds) == 2 and min(one.seconds) > 0 for one in placed)


def test_the_roof_is_the_lower_of_peak_and_bandwidth_of_the_level_that_holds_it(placed, limits):
    roofs = {(one.kind, one.name): one for one in placed}
    token = roofs["decode", "feed-forward"]
    assert token.level == "L1" and token.roof == pytest.approx(210e9 * token.flops / token.moved_bytes)
    step = roofs["train", "whole step"]
    assert step.level == "memory" and step.roof == pytest.approx(min(105e9, 21e9 * step.flops / step.moved_bytes))
    assert 0 < token.share and 0 < roofs["train", "embedding"].share


def test_another_family_is_placed_as_well(limits):
    assert len(roofline.place(GPT2, limits, batch=1, seq_len=8,
                              rounds=1, repeats=1)) == 15  # fmt: skip


def test_bf16_is_placed_under_its_own_peak(limits):
    found = roofline.place(SMALL, limits, batch=4, seq_len=64, dtype="bfloat16", rounds=1, repeats=1)
    head = next(one for one in found if (one.kind, one.name) == ("train", "head"))
    assert head.moved_bytes == 2 * (256 * 32 + 32 * 64 + 256 * 64) and head.roof <= 205e9


def test_page_table_and_picture_hold_every_figure(placed, limits):
    text = roofline.page(limits, placed, roofline.named(SMALL), "float32", "groundup bench roofline")
    assert text.startswith("# The roofline of this machine") and "groundup bench roofline" in text
    assert (
        "| train, feed-forward |" in text and "a processor, 2 cores, 1 threads" in text and "21 (20 to 22) GB/s" in text
    )
    figure = roofline.picture(limits, placed, "title", "float32")
    assert (
        sum(len(trace.x) for trace in figure.data if trace.mode == "markers") == len(placed) - 2
    )  # without the embeddings
    assert json.loads(json.dumps(files.strict(roofline.as_json(limits, placed))))["parts"][0]["share"] > 0


SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4}


def test_experts_are_a_part_of_their_own(limits):
    config = MixtralConfig(**SIZES, num_local_experts=4)
    roofline.check(config)
    found = roofline.place(config, limits, batch=2, seq_len=8, rounds=1, repeats=1)
    names = NAMES - {"feed-forward"} | {"experts"}
    assert {one.name for one in found if one.kind == "decode"} == names
    text = roofline.page(limits, found, "name", "float32", "command")
    assert "| train, experts |" in text and "The matrices of the experts do about" in text


@pytest.mark.parametrize("head", ["masked_language_model", "none"])
def test_an_encoder_is_timed_in_its_pretraining_and_does_not_decode(limits, head):
    config = BertConfig(**SIZES, head=head)
    roofline.check(config)
    found = roofline.place(config, limits, batch=2, seq_len=8, rounds=1, repeats=1)
    assert [one.kind for one in found] == ["train"] * 8 and {one.name for one in found} == NAMES | {"optimizer"}
    assert "Writing one token" not in roofline.page(limits, found, "name", "float32", "command")


def test_a_model_that_cannot_be_timed_part_by_part_is_refused():
    with pytest.raises(
        InputError, match="t5 cannot be timed part by part here; use 3m, 10m, 124m, or a decoder or an enc"
    ):
        roofline.check(T5Config(**SIZES))


def test_a_model_whose_training_does_not_fit_is_refused(monkeypatch):
    roofline.check(SMALL)
    monkeypatch.setattr(roofline, "available_bytes", lambda: 1000)
    with pytest.raises(InputError, match=r"its training needs .* GB; use 3m, 10m, 124m"):
        roofline.check(SMALL)
