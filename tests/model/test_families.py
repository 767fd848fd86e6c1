"""Every family against transformers' own class: a tiny random model of theirs loads here with equal logits, and back.

One line a case in CASES; the tests below run over all of them.
"""

import copy
import json
import zlib

import pytest
import safetensors.torch
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.model.accounting import count
from groundup.model.architectures import DECODERS, build, config_from_dict
from groundup.model.attention import masks
from groundup.model.formats.huggingface import load_model, save_model, weights_of
from groundup.model.moe.routing import Router

SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)  # fmt: skip
GPT2 = dict(vocab_size=97, n_embd=32, n_layer=2, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=2)
GROUPED = SIZES | dict(num_key_value_heads=2)
GEMMA = GROUPED | dict(head_dim=12, sliding_window=5, num_hidden_layers=4, query_pre_attn_scalar=20)
BARE = {name: size for name, size in SIZES.items() if name != "intermediate_size"}
NEAR, FAR = "sliding_attention", "full_attention"
ALIBI = dict(hidden_size=48, num_attention_heads=12)  # slopes of 12 heads are no powers of 2, and round in bfloat16
ODD = dict(n_inner=40, scale_attn_by_inverse_layer_idx=True, activation_function="relu", tie_word_embeddings=False)
TRAINED = {"rope_theta": 1e4, "original_max_position_embeddings": 16}
LLAMA3 = TRAINED | {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
YARN = TRAINED | {"rope_type": "yarn", "factor": 4.0}
LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 1e4}
LONG = {
    "rope_type": "longrope", "rope_theta": 1e4,
    "short_factor": [1.0, 1.1, 1.2, 1.3], "long_factor": [1.0, 2.0, 3.0, 4.0],
}  # fmt: skip
EXPERTS = dict(num_experts=6, num_experts_per_tok=2, moe_intermediate_size=20)
LATENT = dict(q_lora_rank=14, kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=6, v_head_dim=10)
DEEPSEEK = SIZES | LATENT | dict(
    num_key_value_heads=4, num_hidden_layers=3, moe_intermediate_size=16, n_routed_experts=8, num_experts_per_tok=3,
    n_group=4, topk_group=2, n_shared_experts=2, first_k_dense_replace=1,
)  # fmt: skip
# name -> their class, without ForCausalLM, and its configuration
CASES = {
    "openai-gpt": ("OpenAIGPTLMHeadModel", GPT2),
    "gpt2": ("GPT2LMHeadModel", GPT2),
    "gpt2 odd": ("GPT2LMHeadModel", GPT2 | ODD),
    "opt": ("OPTForCausalLM", BARE | dict(ffn_dim=56, word_embed_proj_dim=32)),
    "gpt_neox": ("GPTNeoXForCausalLM", SIZES),
    "gpt_neox sequential": (
        "GPTNeoXForCausalLM",
        SIZES | dict(use_parallel_residual=False, attention_bias=False, rotary_pct=1.0, hidden_act="gelu_new"),
    ),
    "llama": ("LlamaForCausalLM", GROUPED),
    "llama 3": (
        "LlamaForCausalLM",
        GROUPED | dict(tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rope_parameters=LLAMA3),
    ),
    "llama yarn": ("LlamaForCausalLM", GROUPED | dict(rope_parameters=YARN)),
    "llama linear": ("LlamaForCausalLM", GROUPED | dict(rope_parameters=LINEAR)),
    "mistral": ("MistralForCausalLM", GROUPED | dict(sliding_window=5)),
    "mistral full": ("MistralForCausalLM", GROUPED | dict(sliding_window=None, head_dim=12)),
    "qwen2": ("Qwen2ForCausalLM", GROUPED | dict(tie_word_embeddings=True)),
    "qwen2 windows": (
        "Qwen2ForCausalLM",
        GROUPED | dict(use_sliding_window=True, sliding_window=5, max_window_layers=1),
    ),
    "qwen3": ("Qwen3ForCausalLM", GROUPED | dict(head_dim=12)),
    "qwen3 windows": (
        "Qwen3ForCausalLM",
        GROUPED | dict(use_sliding_window=True, sliding_window=4, layer_types=[NEAR, FAR], head_dim=8),
    ),
    "gemma": ("GemmaForCausalLM", GROUPED | dict(head_dim=12)),
    "gemma2": ("Gemma2ForCausalLM", GEMMA | dict(attn_logit_softcapping=2.0, final_logit_softcapping=3.0)),
    "gemma3_text": ("Gemma3ForCausalLM", GEMMA | dict(layer_types=[NEAR, NEAR, FAR, NEAR])),
    "phi": ("PhiForCausalLM", SIZES),
    "phi3": ("Phi3ForCausalLM", GROUPED),
    "phi3 window": ("Phi3ForCausalLM", GROUPED | dict(sliding_window=6, partial_rotary_factor=0.5)),
    "phi3 long": (
        "Phi3ForCausalLM",
        GROUPED | dict(original_max_position_embeddings=32, rope_parameters=LONG),
    ),
    "falcon 7b": ("FalconForCausalLM", BARE),
    "falcon 40b": (
        "FalconForCausalLM",
        BARE | dict(new_decoder_architecture=True, num_kv_heads=2, bias=True, ffn_hidden_size=48),
    ),
    "falcon alibi": (
        "FalconForCausalLM",
        BARE | ALIBI | dict(alibi=True, multi_query=False, parallel_attn=False, bias=True),
    ),
    "glm": ("GlmForCausalLM", GROUPED | dict(head_dim=12, pad_token_id=0)),
    "glm4": ("Glm4ForCausalLM", GROUPED | dict(head_dim=8, attention_bias=False)),
    "bloom": ("BloomForCausalLM", {name: BARE[name] for name in ("vocab_size", "num_hidden_layers")} | ALIBI),
    "falcon sequential": (
        "FalconForCausalLM",
        BARE | dict(multi_query=False, parallel_attn=False, tie_word_embeddings=False),
    ),
    "olmo": ("OlmoForCausalLM", GROUPED),
    "olmo2": ("Olmo2ForCausalLM", GROUPED),
    "stablelm": ("StableLmForCausalLM", GROUPED | dict(use_qkv_bias=True)),
    "stablelm parallel": (
        "StableLmForCausalLM",
        GROUPED | dict(use_parallel_residual=True, partial_rotary_factor=0.5),
    ),
    "starcoder2": ("Starcoder2ForCausalLM", GROUPED | dict(sliding_window=5)),
    "mixtral": ("MixtralForCausalLM", GROUPED | dict(num_local_experts=6, head_dim=8)),
    "mixtral window": (
        "MixtralForCausalLM",
        GROUPED | dict(sliding_window=5, head_dim=12, num_local_experts=4, num_experts_per_tok=3),
    ),
    "qwen2_moe": ("Qwen2MoeForCausalLM", GROUPED | EXPERTS | dict(shared_expert_intermediate_size=28)),
    "qwen2_moe windows": (
        "Qwen2MoeForCausalLM",
        GROUPED
        | EXPERTS
        | dict(use_sliding_window=True, sliding_window=5, norm_topk_prob=True, qkv_bias=False, decoder_sparse_step=2),
    ),
    "qwen3_moe": ("Qwen3MoeForCausalLM", GROUPED | EXPERTS | dict(head_dim=12, mlp_only_layers=[1])),
    "qwen3_moe windows": (
        "Qwen3MoeForCausalLM",
        GROUPED
        | EXPERTS
        | dict(head_dim=8, norm_topk_prob=True, use_sliding_window=True, sliding_window=5, attention_bias=True),
    ),
    "deepseek_v3": ("DeepseekV3ForCausalLM", DEEPSEEK),
    "deepseek_v3 odd": (
        "DeepseekV3ForCausalLM",
        DEEPSEEK
        | dict(
            q_lora_rank=None,
            attention_bias=True,
            rope_interleave=False,
            norm_topk_prob=False,
            n_group=1,
            topk_group=1,
            v_head_dim=15,
            first_k_dense_replace=0,
            rope_parameters=YARN | {"mscale": 0.7, "mscale_all_dim": 1.2},
        ),
    ),
    "granite": (
        "GraniteForCausalLM",
        GROUPED | dict(embedding_multiplier=3.0, attention_multiplier=0.2, residual_multiplier=0.5, logits_scaling=4.0),
    ),
}
CLOSE = 1e-4
KERNELS = {"falcon alibi": "sdpa"}  # their eager one adds the bias twice


def theirs(case):
    """Their model with every parameter random, gains and biases included; eager, as sdpa leaves out Gemma 2's soft cap."""
    name, fields = CASES[case]
    cls = getattr(transformers, name)
    cls_config = getattr(transformers, name.split("ForCausalLM")[0].split("LMHead")[0] + "Config", None)
    config = (cls_config if name != "Gemma3ForCausalLM" else transformers.Gemma3TextConfig)(**copy.deepcopy(fields))
    config._attn_implementation = KERNELS.get(case, "eager")
    model = cls(config).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(case.encode()))
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator) * 0.2
            parameter.copy_(noise if parameter.dim() > 1 else noise + parameter)
        for name, buffer in sorted(model.named_buffers()):
            if name.endswith("e_score_correction_bias"):
                buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.2)
    return model


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A case's two models, made once: theirs, and ours as loaded from the folder that theirs saved."""
    made = {}

    def pair(case):
        if case not in made:
            folder = tmp_path_factory.mktemp(case.replace(" ", "-"))
            oracle = theirs(case)
            oracle.save_pretrained(folder)
            made[case] = oracle, load_model(folder), folder
        return made[case]

    return pair


every_case = pytest.mark.parametrize("case", CASES)


def test_every_family_has_a_case():
    covered = {case.split()[0] for case in CASES}
    assert covered == {name for name in DECODERS if not name.startswith("groundup")}


@torch.no_grad()
@every_case
def test_a_folder_of_theirs_gives_equal_logits(pairs, ids, case):
    oracle, ours, _ = pairs(case)
    for length in (1, 4, 5, 6, 7, 17):  # around the windows of 4, 5 and 6
        text = ids(2, length)
        expected = oracle(text).logits
        assert (ours(text) - expected).abs().max() < CLOSE, length
    assert expected.std() > 0.01


@torch.no_grad()
@every_case
def test_short_rows_of_a_batch_padded_on_either_side_give_equal_logits(pairs, ids, case):
    """One shared position for all rows made the short row nonsense, without an error (unslothai/unsloth#3699)."""
    oracle, ours, _ = pairs(case)
    text = ids(3, 11)
    left = (torch.arange(11) >= torch.tensor([[0], [3], [6]])).long()
    for real in (left, left.flip(1)):
        positions = (real.cumsum(1) - 1).clamp(min=0)
        expected = oracle(text, attention_mask=real, position_ids=positions).logits
        logits = ours(text, masks.causal(11) & masks.padding(real), positions)
        assert (logits - expected)[real.bool()].abs().max() < CLOSE
        for row in range(3):  # and each row is what it is alone
            alone = text[row, real[row].bool()][None]
            assert (ours(alone)[0] - logits[row, real[row].bool()]).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_step_by_step_with_a_cache_gives_their_logits(pairs, ids, case):
    """The mask admitted one key too many, or the cache rolled early, at the window's edge (ml-explore/mlx-lm#390)."""
    oracle, ours, _ = pairs(case)
    text, cache = ids(2, 14), KVCache.of(ours, batch=2, capacity=14)
    expected = oracle(text).logits
    logits = [ours(part, cache=cache) for part in text.split([3, 2, 1, 1, 1, 1, 1, 4], dim=1)]
    assert (torch.cat(logits, dim=1) - expected).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_a_batch_of_unequal_lengths_with_a_cache_gives_what_each_row_gives_alone(pairs, ids, case):
    _, ours, _ = pairs(case)
    text, cache = ids(2, 12), KVCache.of(ours, batch=2, capacity=12)
    real = torch.tensor([[1] * 12, [0] * 4 + [1] * 8])
    positions = (real.cumsum(1) - 1).clamp(min=0)
    found, start = [], 0
    for size in (5, 1, 1, 2, 3):
        end = start + size
        mask = masks.causal(size, end) & masks.padding(real[:, :end])
        found.append(ours(text[:, start:end], mask, positions[:, start:end], cache))
        start = end
    logits = torch.cat(found, dim=1)
    assert (logits[0] - ours(text[:1])[0]).abs().max() < CLOSE
    assert (logits[1, 4:] - ours(text[1:, 4:])[0]).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_greedy_answers_to_a_batch_of_unequal_prompts_are_theirs_to_each(pairs, case):
    oracle, ours, _ = pairs(case)
    prompts = [[5, 6, 7], [9, 8, 7, 6, 5, 4, 3, 2, 1], [40]]
    asked = dict(max_new_tokens=6, do_sample=False, eos_token_id=None, pad_token_id=0)
    found = generate_batch(ours, prompts, SamplingConfig(max_new_tokens=6, temperature=0.0))
    for prompt, completion in zip(prompts, found, strict=True):
        expected = oracle.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), **asked)
        assert completion.ids == expected[0, len(prompt) :].tolist()


@torch.no_grad()
@every_case
def test_saved_from_here_it_loads_there_key_for_key_in_one_file_and_in_shards(pairs, ids, tmp_path, case):
    oracle, ours, folder = pairs(case)
    for name, size in (("one", "1GB"), ("two", sum(tensor.nbytes for tensor in weights_of(ours).values()) * 2 // 3)):
        save_model(tmp_path / name, ours, max_shard_size=size)
        again, report = type(oracle).from_pretrained(
            tmp_path / name, attn_implementation=KERNELS.get(case, "eager"), output_loading_info=True
        )
        assert not any(report.values()), report
        for key, tensor in oracle.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[key]), key
        text = ids(2, 9)
        assert (again.eval()(text).logits - oracle(text).logits).abs().max() < CLOSE
        assert torch.equal(load_model(tmp_path / name)(text), ours(text))
    written = safetensors.torch.load_file(tmp_path / "one/model.safetensors")
    assert written.keys() == safetensors.torch.load_file(folder / "model.safetensors").keys()
    assert len(list((tmp_path / "two").glob("*.safetensors"))) > 1


@every_case
def test_the_configuration_says_to_transformers_what_theirs_said(pairs, case):
    oracle, ours, _ = pairs(case)
    again = type(oracle.config).from_dict(json.loads(json.dumps(ours.config.to_dict())))
    written, said = again.to_dict(), oracle.config.to_dict()
    vague = {
        "n_inner",  # null there is four times n_embd here
        "num_nextn_predict_layers",  # layers that predict further tokens are not read, so none is promised
        "transformers_version",
        "dtype",
        "architectures",
        "torch_dtype",
        "layer_types",
        "rope_parameters",
        "_name_or_path",
    }
    assert {key: written.get(key) for key in said.keys() - vague if "drop" not in key} == {
        key: said[key] for key in said.keys() - vague if "drop" not in key
    }
    assert config_from_dict(ours.config.to_dict()) == ours.config


@every_case
def test_counts_equal_the_module_and_what_torch_counts(pairs, ids, case):
    oracle, ours, _ = pairs(case)
    counted = count(ours.config)
    assert counted.parameters == oracle.num_parameters() == sum(p.numel() for p in ours.parameters())
    assert counted.layer_parameters == sum(p.numel() for p in ours.model.layers[0].parameters())
    module = build(ours.config, seed=0, scheme="normal")
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as forward:
            logits = module(ids(2, 16))
        with FlopCounterMode(display=False) as backward:
            logits.sum().backward()
    assert forward.get_total_flops() == 2 * 16 * counted.flops_per_token(16)
    total = forward.get_total_flops() + backward.get_total_flops()
    assert total == pytest.approx(2 * 16 * counted.training_flops_per_token(16), rel=0.02)
    cache = KVCache.of(ours, batch=3, capacity=10)
    assert sum(tensor.nbytes for tensor in cache.keys + cache.values) == 30 * counted.kv_cache_bytes_per_token(4)


@every_case
def test_every_parameter_learns_and_a_token_never_moves_what_stands_before_it(pairs, ids, case):
    config = pairs(case)[1].config
    module, text = build(config, seed=0, scheme="normal"), ids(2, 9)
    after = text.clone()
    after[:, 5] = (after[:, 5] + 1) % 97
    # experts multiply all their tokens at once, and a product of other size is summed in another order
    rounding = 1e-6 if any(isinstance(part, Router) for part in module.modules()) else 0.0
    assert (module(text)[:, :5] - module(after)[:, :5]).abs().max() <= rounding
    torch.nn.functional.cross_entropy(module(text).flatten(0, 1), ids(2, 9, seed=1).flatten()).backward()
    untouched = {name for name, parameter in module.named_parameters() if not parameter.grad.abs().sum() > 0}
    assert not untouched
