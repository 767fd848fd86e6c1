"""Operations and bytes by part: a matrix's intensity by hand, the sum beside the accounting's, what one token waits for."""

import pytest

from groundup.errors import InputError
from groundup.model.accounting.accounting import count
from groundup.model.accounting.operations import forward
from groundup.model.accounting.traffic import optimizer, parts, product_intensity
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.mixtral import MixtralConfig
from groundup.model.architectures.qwen3_moe import Qwen3MoeConfig
from groundup.model.architectures.t5 import T5Config

LLAMA = LlamaConfig(
    vocab_size=100,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=2,
)
SIZES = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}

GPT2 = GPT2Config(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=16)


def test_one_token_uses_each_weight_once_and_many_tokens_as_often_as_the_side():
    assert product_intensity(1, 4096, 4096, 2) == pytest.approx(1, rel=1e-3)  # 2 operations for 2 bytes
    n = 300
    assert product_intensity(n, n, n, 4) == pytest.approx(n / 6)  # 2 n^3 on 3 n^2 numbers of 4 bytes
    assert product_intensity(10**9, 512, 512, 2) == pytest.approx(256, rel=1e-3)  # what each token brings and takes


def test_the_parts_operations_are_those_of_the_accounting():
    found = {part.name: part for part in parts(LLAMA, 2, 10)}
    expected = forward(LLAMA, 10, causal=True)
    assert found["feed-forward"].flops * 3 == 2 * expected["feed-forward"]
    assert found["head"].flops == 2 * expected["head"]
    assert found["scores and values"].flops * 3 == 2 * (expected["scores"] + expected["values"])
    assert found["attention products"].flops * 3 == 2 * sum(expected[name] for name in "qkvo")


def test_decoding_moves_every_weight_once_and_the_cache():
    found = parts(LLAMA, 1, 1, 500, size=2)
    weights = 2 * (count(LLAMA).matrix_parameters)
    moved = sum(part.times * part.moved_bytes for part in found if part.name != "scores and values")
    assert weights < moved < 1.15 * weights
    [looking] = [part for part in found if part.name == "scores and values"]
    assert looking.times * looking.moved_bytes == pytest.approx(
        2 * 500 * count(LLAMA).cache_elements_per_token, rel=0.01
    )
    assert all(part.intensity < 2.1 for part in found)


def test_a_norm_and_the_optimizer_move_more_than_they_compute():
    assert next(part for part in parts(LLAMA, 8, 128) if part.name == "norm").intensity == pytest.approx(0.5, rel=1e-3)
    learns = optimizer(LLAMA)
    assert learns.moved_bytes == 28 * count(LLAMA).parameters and learns.intensity < 0.6
    assert [part.flops for part in parts(LLAMA, 1, 1) if part.name == "embedding"] == [0]


def test_another_family_has_the_same_parts():
    assert [part.name for part in parts(GPT2, 1, 4)] == [part.name for part in parts(LLAMA, 1, 4)]


MIXTRAL = MixtralConfig(**SIZES, num_local_experts=8, num_experts_per_tok=2)


def test_experts_compute_what_each_token_chose_and_read_those_that_the_tokens_meet():
    one, many = ({part.name: part for part in parts(MIXTRAL, 1, tokens)} for tokens in (1, 4096))
    assert "feed-forward" not in one
    expected = 2 * (32 * 8 + 2 * 3 * 32 * 48)
    assert one["experts"].flops == expected and many["experts"].flops == 4096 * expected
    read = 4 * (32 * 8 + 32 + 8 + 2 * 3 * (32 * 48 + 32 + 48))  # one token meets its two
    assert one["experts"].moved_bytes == pytest.approx(read)
    weights = 4 * (32 * 8 + 8 * 3 * 32 * 48)  # many meet all
    assert many["experts"].moved_bytes == pytest.approx(weights + 4 * 4096 * (32 + 8 + 2 * 3 * (32 + 48)))


@pytest.mark.parametrize(
    "config",
    [
        MIXTRAL,
        BertConfig(**SIZES, head="masked_language_model"),
        Qwen3MoeConfig(**SIZES, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2, mlp_only_layers=(1,)),
    ],
    ids=lambda one: one.model_type,
)
def test_the_operations_of_all_parts_are_those_of_the_accounting(config):
    mine = sum(part.times * part.flops for part in parts(config, 2, 10) if part.name != "norm")
    assert mine == 2 * sum(forward(config, 10, causal=True).values())


def test_a_block_without_experts_among_those_with_them_is_counted_for_itself():
    config = Qwen3MoeConfig(
        **SIZES, moe_intermediate_size=16, num_experts=4, num_experts_per_tok=2, mlp_only_layers=(1,)
    )
    found = {part.name: part.times for part in parts(config, 1, 4)}
    assert (found["experts"], found["feed-forward"]) == (1, 1)


def test_a_model_that_judges_texts_has_no_head_that_counts():
    assert "head" not in [part.name for part in parts(BertConfig(**SIZES, head="none"), 1, 4)]


def test_an_encoder_with_a_decoder_is_refused_and_not_counted_as_nothing():
    with pytest.raises(InputError, match="the parts of this model are not counted: .* choose another model"):
        parts(T5Config(**SIZES), 1, 4)
