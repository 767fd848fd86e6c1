import pytest
import torch
import transformers
from torch import nn

import groundup as gu
from groundup.errors import FormatError
from groundup.model.architectures import FAMILIES, build
from groundup.text.tokenizers.byte_level import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.training import checkpoint
from groundup.training.checkpoint import model_folder
from groundup.training.config import TrainConfig
from groundup.training.objectives.multi_token import MultiToken
from groundup.training.optimizers import build_optimizer

SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2) | dict(
    moe_intermediate_size=16, n_routed_experts=4, num_experts_per_tok=2, kv_lora_rank=8, qk_nope_head_dim=8,
    qk_rope_head_dim=8, v_head_dim=8, first_k_dense_replace=0,
)  # fmt: skip


def with_noise(module, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, tensor in sorted(model_folder.weights_of(module).items()):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)
    return module


def equal(one, other):
    ours, theirs = model_folder.weights_of(one), model_folder.weights_of(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def built(family):
    config = FAMILIES[family][0]
    known = {name: value for name, value in SIZES.items() if name in config.__dataclass_fields__}
    return build(config(**known), seed=0)


@pytest.mark.parametrize("family", ["qwen3", "llama", "gpt2", "phi3", "falcon", "mixtral", "deepseek_v3", "bert", "t5"])
def test_weights_that_a_family_joins_or_turns_in_its_files_come_back_in_every_bit(family, tmp_path):
    module, other = with_noise(built(family), 0), with_noise(built(family), 1)
    folder = checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig()), {})
    checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert equal(module, other)
    assert equal(module, gu.load(folder, tokenizer=False).module)


def test_transformers_reads_a_checkpoint_with_equal_logits(tiny, trained, tmp_path):
    module, optimizer = trained
    folder = checkpoint.save(tmp_path, 3, module, optimizer, {})
    oracle = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ids = torch.arange(12).reshape(2, 6)
    assert (module(ids) - oracle(ids).logits).abs().max() < 1e-4


def test_with_its_tokenizer_a_checkpoint_writes_text(tiny, tmp_path):
    tokenizer = train_tokenizer(["the cat sat on the mat"] * 3, TokenizerConfig(vocab_size=265))
    module = tiny(vocab_size=tokenizer.vocab_size)
    folder = checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig()), {}, tokenizer)
    handle = gu.load(folder)
    assert handle.tokenizer.encode("the cat") == tokenizer.encode("the cat")
    assert isinstance(handle.generate("the cat", max_new_tokens=3), str)


def test_the_weights_are_written_once(trained, tmp_path):
    module, optimizer = trained
    folder = checkpoint.save(tmp_path, 3, module, optimizer, {})
    size = sum(tensor.nbytes for tensor in [*module.parameters(), *optimizer.state().values()])
    assert sum(path.stat().st_size for path in folder.iterdir()) < size + 40_000  # heads, and 17 kB of generators


def test_a_model_that_computes_in_bf16_keeps_its_fp32_weights(tiny, tmp_path):
    """A bf16 copy would lose updates smaller than a 256th of a weight (workofart/ml-by-hand#85)."""
    module = tiny()
    module.compute_dtype = torch.bfloat16
    with torch.no_grad():
        module.model.norm.weight.fill_(1.0006)
    folder = checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig()), {})
    assert gu.load(folder, tokenizer=False).module.model.norm.weight[0].item() == pytest.approx(1.0006, abs=1e-7)


def test_what_a_model_is_wrapped_in_lies_beside_the_folder_of_the_model(tiny, tmp_path):
    wrapped, other = with_noise(MultiToken(tiny(), 3), 0), with_noise(MultiToken(tiny(), 3), 1)
    folder = checkpoint.save(tmp_path, 3, wrapped, build_optimizer(wrapped, TrainConfig()), {})
    assert equal(wrapped.module, gu.load(folder, tokenizer=False).module)
    checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert equal(wrapped, other)
    with pytest.raises(FormatError, match="is of another"):
        fewer = MultiToken(tiny(), 4)
        checkpoint.load_newest(tmp_path, fewer, build_optimizer(fewer, TrainConfig()))


def test_a_module_of_any_kind_is_kept_under_its_own_names(tmp_path):
    module, other = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    with_noise(module[0], 0)
    folder = checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig(optimizer="adamw")), {})
    assert not (folder / "config.json").exists()
    checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig(optimizer="adamw")))
    assert equal(module, other)
    third = nn.Sequential(nn.Linear(3, 5))
    with pytest.raises(FormatError, match=r"another model: .*0\.bias=\(4,\) \(now \(5,\)\)"):
        checkpoint.load_newest(tmp_path, third, build_optimizer(third, TrainConfig(optimizer="adamw")))


def test_a_model_with_a_part_that_its_configuration_does_not_tell_of_is_kept_too(tiny, tmp_path):
    def extended(seed):
        module = tiny()
        module.extra = nn.Linear(2, 2)
        return with_noise(module, seed)

    module, other = extended(0), extended(1)
    folder = checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig()), {})
    assert not (folder / "config.json").exists()
    checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert equal(module, other)


def test_tied_weights_stay_tied(tiny, tmp_path):
    module, other = with_noise(tiny(tie_word_embeddings=True), 0), tiny(tie_word_embeddings=True, seed=2)
    checkpoint.save(tmp_path, 3, module, build_optimizer(module, TrainConfig()), {})
    checkpoint.load_newest(tmp_path, other, build_optimizer(other, TrainConfig()))
    assert equal(module, other) and other.lm_head.weight is other.model.embed_tokens.weight
