"""T5 against transformers' own class: v1.0 and v1.1, tied and not, padding, cross-attention cache, shards, greedy answers."""

import copy
import json
import zlib

import pytest
import safetensors.torch
import torch
import transformers

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.t5 import T5Config
from groundup.model.attention import masks
from groundup.model.encoder_decoder import Answering
from groundup.model.formats.huggingface import load_model, save_model, weights_of

SIZES = dict(
    vocab_size=97, d_model=32, d_kv=12, d_ff=56, num_layers=2, num_decoder_layers=3, num_heads=4,
    relative_attention_num_buckets=8, relative_attention_max_distance=12, decoder_start_token_id=0,
)  # fmt: skip
# name -> their class, its configuration, and whether the head has a matrix of its own
CASES = {
    "v1.0": ("T5", SIZES, False),
    "v1.1": ("T5", SIZES | dict(feed_forward_proj="gated-gelu", tie_word_embeddings=False), True),
    "one depth": ("T5", SIZES | dict(num_decoder_layers=None, feed_forward_proj="gated-silu"), False),
    "own head, scaled": ("T5", SIZES | dict(feed_forward_proj="gelu_new"), True),
    "tied, not scaled": ("T5", SIZES | dict(tie_word_embeddings=False), False),
    "mt5": ("MT5", SIZES, True),
}
CLOSE = 1e-4
every_case = pytest.mark.parametrize("case", CASES)


def theirs(case):
    """Their model with every parameter random, gains included."""
    family, fields, own_head = CASES[case]
    config = getattr(transformers, f"{family}Config")(**copy.deepcopy(fields))
    model = getattr(transformers, f"{family}ForConditionalGeneration")(config).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(case.encode()))
    if own_head:
        model.lm_head.weight = torch.nn.Parameter(torch.empty(97, 32))
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator) * 0.2
            parameter.copy_(noise if parameter.dim() > 1 else 1 + noise)
    return model


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """A case's two models, made once: theirs, and ours as loaded from the folder that theirs saved."""
    made = {}

    def pair(case):
        if case not in made:
            folder = tmp_path_factory.mktemp("t5")
            oracle = theirs(case)
            oracle.save_pretrained(folder)
            made[case] = oracle, load_model(folder), folder
        return made[case]

    return pair


@torch.no_grad()
@every_case
def test_a_folder_of_theirs_gives_equal_logits_at_every_length(pairs, ids, case):
    oracle, ours, _ = pairs(case)
    for source, answer in (
        (1, 1),
        (2, 7),
        (9, 3),
        (17, 14),
        (30, 1),
    ):  # shorter and longer than the buckets' last distance
        given = ids(2, source), ids(2, answer, seed=1)
        expected = oracle(given[0], decoder_input_ids=given[1]).logits
        assert (ours(*given) - expected).abs().max() < CLOSE, (source, answer)
    assert expected.std() > 0.01


@torch.no_grad()
@every_case
def test_padding_of_the_source_and_of_the_answer_on_either_side(pairs, ids, case):
    oracle, ours, _ = pairs(case)
    source, answer = ids(3, 11), ids(3, 8, seed=1)
    right = (torch.arange(11) < torch.tensor([[11], [6], [1]])).long()
    left = (torch.arange(8) >= torch.tensor([[0], [3], [5]])).long()
    for real, written in ((right, left), (right.flip(1), left.flip(1))):
        expected = oracle(source, attention_mask=real, decoder_input_ids=answer, decoder_attention_mask=written).logits
        found = ours(source, answer, real, masks.causal(8) & masks.padding(written))
        assert (found - expected)[written.bool()].abs().max() < CLOSE
        for row in range(3):  # and each row is what it is alone
            given = source[row, real[row].bool()][None], answer[row, written[row].bool()][None]
            assert (ours(*given)[0] - found[row, written[row].bool()]).abs().max() < CLOSE


@torch.no_grad()
@every_case
def test_a_source_read_once_and_step_by_step_gives_the_full_pass(pairs, ids, case):
    oracle, ours, _ = pairs(case)
    source, answer = ids(2, 9), ids(2, 16, seed=1)
    real = (torch.arange(9) < torch.tensor([[9], [4]])).long()
    expected = oracle(source, attention_mask=real, decoder_input_ids=answer).logits
    read = ours.read(source, real)
    for sizes in ([1] * 16, [3, 2, 1, 1, 1, 1, 1, 6]):
        cache = KVCache.of(Answering(ours, read), batch=2, capacity=16)
        steps = [ours.decode(part, read, cache=cache) for part in answer.split(sizes, dim=1)]
        assert (torch.cat(steps, dim=1) - expected).abs().max() < CLOSE


@torch.no_grad()
def test_a_step_makes_no_keys_of_the_source_again(pairs, ids, monkeypatch):
    _, ours, _ = pairs("v1.0")
    read = ours.read(ids(1, 9))
    cross = ours.model.decoder.layers[0].cross_attn
    monkeypatch.setattr(cross.k_proj, "forward", lambda x: pytest.fail("the source is read once"))
    ours.decode(ids(1, 1), read)


@torch.no_grad()
@every_case
def test_saved_from_here_it_loads_there_key_for_key_in_one_file_and_in_shards(pairs, ids, tmp_path, case):
    oracle, ours, folder = pairs(case)
    given = ids(2, 9), ids(2, 5, seed=1)
    for name, size in (("one", "1GB"), ("two", sum(tensor.nbytes for tensor in weights_of(ours).values()) * 2 // 3)):
        save_model(tmp_path / name, ours, max_shard_size=size)
        again, report = type(oracle).from_pretrained(tmp_path / name, output_loading_info=True)
        assert not any(report.values()), report
        for key, tensor in oracle.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[key]), key
        expected = oracle(given[0], decoder_input_ids=given[1]).logits
        assert (again.eval()(given[0], decoder_input_ids=given[1]).logits - expected).abs().max() < CLOSE
        assert torch.equal(load_model(tmp_path / name)(*given), ours(*given))
    written = safetensors.torch.load_file(tmp_path / "one/model.safetensors")
    assert written.keys() == safetensors.torch.load_file(folder / "model.safetensors").keys()
    assert len(list((tmp_path / "two").glob("*.safetensors"))) > 1


@every_case
def test_the_configuration_says_to_transformers_what_theirs_said(pairs, case):
    oracle, ours, _ = pairs(case)
    again = type(oracle.config).from_dict(json.loads(json.dumps(ours.config.to_dict()))).to_dict()
    said = oracle.config.to_dict()
    vague = {"transformers_version", "dtype", "architectures", "torch_dtype", "_name_or_path", "initializer_factor"}
    assert {key: again.get(key) for key in said.keys() - vague} == {key: said[key] for key in said.keys() - vague}
    assert config_from_dict(ours.config.to_dict()) == ours.config


@every_case
def test_counts_equal_the_module(pairs, case):
    oracle, ours, _ = pairs(case)
    assert count(ours.config).parameters == oracle.num_parameters() == sum(p.numel() for p in ours.parameters())


@every_case
def test_every_parameter_learns_and_an_answer_never_moves_what_stands_before_it(pairs, ids, case):
    module, source, answer = build(pairs(case)[1].config, seed=0, scheme="normal"), ids(2, 7), ids(2, 9, seed=1)
    after = answer.clone()
    after[:, 5] = (after[:, 5] + 1) % 97
    assert torch.equal(module(source, answer)[:, :5], module(source, after)[:, :5])
    torch.nn.functional.cross_entropy(module(source, answer).flatten(0, 1), ids(2, 9, seed=2).flatten()).backward()
    assert not {name for name, parameter in module.named_parameters() if not parameter.grad.abs().sum() > 0}


def test_first_scores_are_of_the_size_that_a_division_would_give(ids):
    """Undivided scores of unit queries and keys would have the deviation sqrt(head_dim), and their softmax one winner."""
    sizes = dict(vocab_size=97, hidden_size=64, head_dim=64, intermediate_size=64, num_hidden_layers=1)
    module = build(T5Config(**sizes, num_attention_heads=4), seed=0)
    x = torch.nn.functional.rms_norm(torch.randn(1, 50, 64), (64,))
    attention = module.model.encoder.layers[0].self_attn
    query, key = (part(x).unflatten(-1, (4, 64)).transpose(1, 2) for part in (attention.q_proj, attention.k_proj))
    assert 0.7 < (query @ key.transpose(-2, -1)).std() < 1.4


@torch.no_grad()
def test_in_bfloat16_it_stays_near(pairs, ids):
    _, ours, folder = pairs("v1.1")
    rounded, given = load_model(folder, dtype="bfloat16"), (ids(2, 9), ids(2, 5, seed=1))
    exact = ours(*given)
    assert rounded(*given).dtype == torch.bfloat16
    assert (rounded(*given).float() - exact).abs().mean() < 0.05 * exact.std()


# ───────── what is refused ─────────


def config(**changes):
    return config_from_dict({"model_type": "t5", **SIZES, **changes})


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"feed_forward_proj": "gated-tanh"}, "is not a feed-forward; use relu, gated-gelu"),
        ({"feed_forward_proj": "open-relu"}, "is not a feed-forward; use relu"),
        ({"decoder_start_token_id": 97}, "is no token of a vocabulary of 97; use the padding's id"),
        ({"num_decoder_layers": -1}, "num_decoder_layers=-1 is not possible; use 1 or more"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_with_the_way_out(changes, message):
    with pytest.raises(ConfigError, match=message):
        config(**changes)


def test_buckets_that_cannot_be_shared_out_are_refused():
    with pytest.raises(ConfigError, match="cannot be shared out; use an even number of at least 4 buckets"):
        build(config(relative_attention_num_buckets=3), device="meta")


def test_a_key_that_would_change_the_numbers_is_refused_by_name():
    with pytest.raises(UnsupportedModel, match="attention_kind='sparse' would change the output"):
        config(attention_kind="sparse")


def test_a_class_without_the_decoder_is_refused():
    with pytest.raises(UnsupportedModel, match="T5EncoderModel"):
        config(architectures=["T5EncoderModel"])


def test_files_without_the_decoder_are_refused(pairs, tmp_path):
    _, ours, _ = pairs("v1.0")
    save_model(tmp_path / "model", ours)
    path = tmp_path / "model/model.safetensors"
    stored = safetensors.torch.load_file(path)
    safetensors.torch.save_file({name: part for name, part in stored.items() if "EncDec" not in name}, path)
    with pytest.raises(FormatError, match="the weights lack decoder.block.0.layer.1.EncDecAttention"):
        load_model(tmp_path / "model")


@torch.no_grad()
def test_what_older_files_hold_twice_is_passed_over(pairs, ids, tmp_path):
    _, ours, _ = pairs("v1.0")
    save_model(tmp_path / "model", ours)
    path = tmp_path / "model/model.safetensors"
    stored = safetensors.torch.load_file(path)
    for name in ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"):
        stored[name] = stored["shared.weight"].clone()
    stored["decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"] = torch.zeros(8, 4)
    safetensors.torch.save_file(stored, path)
    again = load_model(tmp_path / "model")
    assert again.lm_head.weight is again.model.embed_tokens.weight
    assert torch.equal(again(ids(2, 4), ids(2, 3)), ours(ids(2, 4), ids(2, 3)))


@pytest.mark.parametrize(
    "sizes, parameters",
    [
        ((512, 64, 2048, 6, 8, "relu"), 60_506_624),
        ((768, 64, 3072, 12, 12, "relu"), 222_903_552),
        ((512, 64, 1024, 8, 6, "gated-gelu"), 76_961_152),
    ],
)
def test_published_models_have_their_published_number_of_parameters(sizes, parameters):
    """T5 small and base, and v1.1 small, as their model cards say."""
    names = "hidden_size head_dim intermediate_size num_hidden_layers num_attention_heads feed_forward_proj".split()
    fields = dict(zip(names, sizes, strict=True))
    config = T5Config(vocab_size=32_128, **fields, tie_word_embeddings="gated" not in sizes[-1])
    assert count(config).parameters == parameters
