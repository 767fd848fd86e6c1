"""BERT and RoBERTa against transformers' own classes: tiny random models load here with equal scores, and back, key for key."""

import json
import zlib

import pytest
import safetensors.torch
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.model.accounting import count
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.roberta import RobertaConfig
from groundup.model.attention import masks
from groundup.model.formats.huggingface import load_model, save_model, weights_of

SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=40,
)  # fmt: skip
# their class -> what its configuration says beside the sizes
CASES = {
    "BertModel": dict(hidden_act="relu"),
    "BertForMaskedLM": dict(hidden_act="gelu_new", layer_norm_eps=1e-6),
    "BertForSequenceClassification": dict(num_labels=3),
    "BertForTokenClassification": dict(id2label={0: "O", 1: "PER", 2: "LOC", 3: "ORG"}),
    "RobertaModel": dict(type_vocab_size=1),
    "RobertaForMaskedLM": dict(hidden_act="relu"),
    "RobertaForSequenceClassification": {},
    "RobertaForTokenClassification": dict(num_labels=5, pad_token_id=2),
    "XLMRobertaForMaskedLM": dict(type_vocab_size=1),
}
SCALARS = ("BertForSequenceClassification", "RobertaForTokenClassification")
CLOSE = 1e-4


def theirs(name, **fields):
    """Their model with every parameter random, gains and biases included."""
    cls = getattr(transformers, name)
    model = cls(cls.config_class(**SIZES | fields)).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator) * 0.2
            parameter.copy_(noise if parameter.dim() > 1 else noise + parameter)
    return model


def scores(model, *inputs, **named):
    """What the class is for: its logits, or the hidden states of the bare model."""
    found = model(*inputs, **named)
    return found.logits if "logits" in found else found.last_hidden_state


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Their model and ours, as loaded from the folder that theirs saved; made once."""
    made = {}

    def pair(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            oracle = theirs(name, **CASES[name])
            oracle.save_pretrained(folder)
            made[name] = oracle, load_model(folder), folder
        return made[name]

    return pair


@pytest.fixture
def text(ids):
    """Random ids that are no padding in any of the cases."""
    return lambda *shape, seed=0: ids(*shape, seed=seed).clamp(min=3)


every_case = pytest.mark.parametrize("name", CASES)


@torch.no_grad()
@every_case
def test_a_folder_of_theirs_gives_equal_scores_at_every_length(pairs, text, name):
    oracle, ours, _ = pairs(name)
    for length in (1, 2, 9, 37):
        expected = scores(oracle, text(2, length))
        assert ours(text(2, length)).shape == expected.shape
        assert (ours(text(2, length)) - expected).abs().max() < CLOSE, length
    assert expected.std() > 0.01


@torch.no_grad()
@every_case
def test_a_batch_of_unequal_lengths_gives_theirs_and_each_row_what_it_gives_alone(pairs, text, name):
    """RoBERTa's padding has a position of its own and is not counted; one count for all rows shifts the short ones."""
    oracle, ours, _ = pairs(name)
    batch, lengths = text(3, 11), [11, 8, 5]
    real = torch.arange(11) < torch.tensor(lengths)[:, None]
    batch[~real] = ours.config.pad_token_id
    expected, found = scores(oracle, batch, attention_mask=real.long()), ours(batch, masks.padding(real))
    whole = "Sequence" in name
    assert (found - expected if whole else (found - expected)[real]).abs().max() < CLOSE
    for row, length in enumerate(lengths):
        alone = ours(batch[row : row + 1, :length])[0]
        assert (alone - (found[row] if whole else found[row, :length])).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_left_padding_and_no_mask_at_all_give_what_they_give_there(pairs, text, name):
    oracle, ours, _ = pairs(name)
    batch = text(2, 9)
    batch[1, :4] = ours.config.pad_token_id
    real = batch != ours.config.pad_token_id
    for mask, theirs_mask in ((masks.padding(real), real.long()), (None, torch.ones(2, 9).long())):
        expected, found = scores(oracle, batch, attention_mask=theirs_mask), ours(batch, mask)
        kept = slice(None) if "Sequence" in name or mask is None else real
        assert (found - expected)[kept].abs().max() < CLOSE


@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("Bert")])
def test_two_sentences_are_told_apart_by_their_token_types(pairs, text, name):
    oracle, ours, _ = pairs(name)
    types = (torch.arange(10) > 4).long().expand(2, -1)
    found = ours(text(2, 10), token_types=types)
    assert (found - scores(oracle, text(2, 10), token_type_ids=types)).abs().max() < CLOSE
    assert not torch.allclose(found, ours(text(2, 10)))


@torch.no_grad()
@pytest.mark.parametrize("name, first", [("BertForMaskedLM", 0), ("RobertaForMaskedLM", 2)])
def test_positions_begin_at_0_whatever_row_the_family_begins_with(pairs, text, name, first):
    oracle, ours, _ = pairs(name)
    places = torch.tensor([4, 5, 0, 7])
    expected = oracle(text(1, 4), position_ids=(places + first)[None]).logits
    assert (ours(text(1, 4), positions=places) - expected).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_saved_from_here_it_loads_there_key_for_key_in_one_file_and_in_shards(pairs, text, tmp_path, name):
    oracle, ours, folder = pairs(name)
    for place, size in (("one", "1GB"), ("two", sum(part.nbytes for part in weights_of(ours).values()) * 2 // 3)):
        save_model(tmp_path / place, ours, max_shard_size=size)
        again, report = type(oracle).from_pretrained(tmp_path / place, output_loading_info=True)
        assert not any(report.values()), report
        for key, tensor in oracle.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[key]), key
        assert torch.equal(load_model(tmp_path / place)(text(2, 9)), ours(text(2, 9)))
    written = safetensors.torch.load_file(tmp_path / "one/model.safetensors")
    assert written.keys() == safetensors.torch.load_file(folder / "model.safetensors").keys()
    assert len(list((tmp_path / "two").glob("*.safetensors"))) > 1


@every_case
def test_the_configuration_says_to_transformers_what_theirs_said(pairs, name):
    oracle, ours, _ = pairs(name)
    written = type(oracle.config).from_dict(json.loads(json.dumps(ours.config.to_dict()))).to_dict()
    said = oracle.config.to_dict()
    vague = {"transformers_version", "dtype", "_name_or_path", "label2id"} | {key for key in said if "drop" in key}
    assert {key: written.get(key) for key in said.keys() - vague} == {key: said[key] for key in said.keys() - vague}
    assert config_from_dict(ours.config.to_dict()) == ours.config


@torch.no_grad()
@pytest.mark.parametrize("name", SCALARS)
def test_one_label_is_one_number_of_a_text_or_of_a_token(text, tmp_path, name):
    oracle = theirs(name, num_labels=1)
    oracle.save_pretrained(tmp_path)
    ours = load_model(tmp_path)
    assert ours.config.head == ("reward" if "Sequence" in name else "value")
    assert (ours(text(3, 7)) - oracle(text(3, 7)).logits[..., 0]).abs().max() < CLOSE


@torch.no_grad()
def test_the_older_words_gamma_and_beta_and_the_doubled_weights_of_published_files_are_read(text, tmp_path):
    """bert-base-uncased holds gamma and beta, the head's matrix and bias twice, positions as a buffer, and pretraining's weights."""
    oracle = theirs("BertForPreTraining")
    oracle.config.architectures = ["BertForMaskedLM"]
    oracle.config.save_pretrained(tmp_path)
    held = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): tensor.clone()
        for name, tensor in oracle.state_dict().items()
    }
    held["bert.embeddings.position_ids"] = torch.arange(40)[None]
    safetensors.torch.save_file(held, tmp_path / "model.safetensors")
    assert "cls.predictions.decoder.bias" in held and "bert.embeddings.LayerNorm.gamma" in held
    assert (load_model(tmp_path)(text(2, 7)) - oracle(text(2, 7)).prediction_logits).abs().max() < CLOSE
    oracle.config.architectures = ["BertForPreTraining"]
    oracle.config.save_pretrained(tmp_path)
    assert load_model(tmp_path).config.architecture == "BertForMaskedLM"


@torch.no_grad()
def test_a_bare_model_gives_hidden_states_and_its_pooler_one_vector_a_text(pairs, text):
    oracle, ours, folder = pairs("BertModel")
    found, expected = ours(text(2, 7)), oracle(text(2, 7))
    assert found.shape == (2, 7, 32)
    assert (ours.model.pooler(found) - expected.pooler_output).abs().max() < CLOSE
    assert "embeddings.word_embeddings.weight" in safetensors.torch.load_file(folder / "model.safetensors")


def test_every_token_sees_the_whole_text_and_padding_is_seen_by_none(pairs, text):
    ours = pairs("BertForMaskedLM")[1]
    changed = text(1, 9)
    changed[0, 6] += 1
    before, after = ours(text(1, 9)), ours(changed)
    assert (before - after).abs().amax(-1).min() > 1e-6  # those before it too
    hidden = masks.padding(torch.arange(9)[None] != 6)
    kept = [place for place in range(9) if place != 6]
    assert torch.equal(ours(text(1, 9), hidden)[:, kept], ours(changed, hidden)[:, kept])


@every_case
def test_counts_equal_the_module_and_what_torch_counts(pairs, text, name):
    oracle, ours, _ = pairs(name)
    counted = count(ours.config)
    assert counted.parameters == oracle.num_parameters() == sum(part.numel() for part in ours.parameters())
    assert counted.layer_parameters == sum(part.numel() for part in ours.model.layers[0].parameters())
    assert counted.kv_cache_bytes_per_token() == 0
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as forward:
        ours(text(2, 16))
    expected, once = 2 * 16 * counted.flops_per_token(16), 2 * 2 * ours.config.blueprint().head_counted().idle
    pooled = 2 * 2 * 32 * 32 if name == "BertForSequenceClassification" else 0
    assert forward.get_total_flops() == expected + once + pooled


@every_case
def test_every_parameter_learns(pairs, text, name):
    module = build(pairs(name)[1].config, seed=0, scheme="normal")
    found = module(text(2, 9), token_types=torch.arange(9)[None] % module.config.type_vocab_size)
    pooled = module.model.pooler(found).square().sum() if module.config.head == "none" else 0.0
    (found.square().sum() + pooled).backward()
    untouched = {name for name, part in module.named_parameters() if part.grad is None or not part.grad.abs().sum() > 0}
    assert not untouched


SIZED = SIZES | {"num_attention_heads": 4}


@pytest.mark.parametrize("config_class", [BertConfig, RobertaConfig])
def test_a_text_that_is_too_long_is_refused_with_its_limit(config_class):
    module = build(config_class(**SIZED), seed=0)
    longest = module.config.places
    assert longest == (40 if config_class is BertConfig else 38)
    assert module(torch.full((1, longest), 5)).shape == (1, longest, 97)
    with pytest.raises(InputError, match=f"shorten the text to {longest} tokens"):
        module(torch.full((1, longest + 1), 5))


def test_a_token_type_without_a_row_is_refused():
    module = build(BertConfig(**SIZED), seed=0)
    for types in (torch.tensor([[0, 2]]), torch.tensor([[-1, 0]])):
        with pytest.raises(InputError, match="has no row in a table of 2; use 0 to 1"):
            module(torch.tensor([[5, 6]]), token_types=types)


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"is_decoder": True}, UnsupportedModel, "is_decoder=True would change the output"),
        ({"add_cross_attention": True}, UnsupportedModel, "add_cross_attention=True"),
        ({"position_embedding_type": "relative_key"}, UnsupportedModel, "position_embedding_type='relative_key'"),
        ({"pruned_heads": {"0": [1]}}, UnsupportedModel, "pruned_heads="),
        ({"pooler_type": "mean"}, UnsupportedModel, "pooler_type='mean'"),
        ({"rope_theta": 1e4}, UnsupportedModel, "rope_theta=10000.0"),
        ({"hidden_act": "mish"}, ConfigError, "hidden_act='mish' is not an activation; use silu"),
        ({"hidden_size": 30}, ConfigError, "hidden_size=30 cannot be split evenly over num_attention_heads=4; use"),
        ({"tie_word_embeddings": False}, ConfigError, "set it to true"),
        ({"type_vocab_size": 0}, ConfigError, "type_vocab_size=0 is not possible; use 1 or more"),
        (
            {"architectures": ["BertForQuestionAnswering"]},
            UnsupportedModel,
            "known are BertForMaskedLM, BertForSequence",
        ),
        ({"architectures": ["BertLMHeadModel"]}, UnsupportedModel, "names a head that is not implemented for bert"),
    ],
)
def test_what_an_encoder_cannot_do_is_refused_by_name(changes, error, words):
    with pytest.raises(error, match=words):
        config_from_dict(BertConfig(**SIZED).to_dict() | changes)


PUBLISHED = {
    "bert": dict(
        pooler_fc_size=768, pooler_num_attention_heads=12, pooler_num_fc_layers=3, pooler_size_per_head=128,
        pooler_type="first_token_transform", directionality="bidi", gradient_checkpointing=False,
        position_embedding_type="absolute", classifier_dropout=None, finetuning_task=None, num_labels=2,
    ),
    "roberta": dict(output_past=True, position_embedding_type="absolute", bos_token_id=0, pruned_heads={}),
}  # fmt: skip


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_older_keys_of_published_files_are_read(family):
    raw = transformers.AutoConfig.for_model(family).to_dict() | PUBLISHED[family]
    assert config_from_dict(raw).model_type == family


def test_roberta_without_a_padding_id_does_not_know_where_positions_begin():
    with pytest.raises(ConfigError, match="pad_token_id=None says at which of 40 rows"):
        RobertaConfig(**SIZED, pad_token_id=None)


def test_the_published_counts():
    """Devlin et al. 2019, section 3: 110 and 340 million (with the pooler, without the head)."""
    base = dict(vocab_size=30522, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    large = base | dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16)
    assert count(BertConfig(**base, head="none")).parameters == 109_482_240
    assert count(BertConfig(**large, head="none")).parameters == 335_141_888
