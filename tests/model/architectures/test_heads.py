"""Heads of decoders against transformers' classes; where a text ends; heads exchanged; a head that learns."""

import zlib

import pytest
import safetensors.torch
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.nn.functional import cross_entropy

from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import DECODERS, FAMILIES, build, config_from_dict, labels
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.heads import first_token, last_token, mean_of_tokens, real_tokens, with_head
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.attention import masks
from groundup.model.formats.huggingface import load_model, save_model

SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=64, pad_token_id=0,
)  # fmt: skip
GROUPED = SIZES | dict(num_key_value_heads=2)
BARE = {name: size for name, size in SIZES.items() if name != "intermediate_size"}
GPT2 = dict(vocab_size=97, n_embd=32, n_layer=2, n_head=4, n_positions=64, pad_token_id=0)
OTHER_SIZES = {
    "gpt2": GPT2,
    "openai-gpt": GPT2,
    "opt": BARE | dict(ffn_dim=56, word_embed_proj_dim=32),
    "falcon": BARE,
    "gpt_neox": SIZES,
    "gemma3_text": GROUPED | dict(head_dim=12, sliding_window=5),
}
FOUND = (
    "llama",
    "gpt2",
    "openai-gpt",
    "opt",
    "gpt_neox",
    "falcon",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma3_text",
    "olmo",
    "stablelm",
)
# (family, head) -> for all families whose class transformers has
CASES = [
    (family, head)
    for family in FOUND
    for head in ("classification", "tagging", "none")
    if head in FAMILIES[family][0].class_names()
]
CLOSE = 1e-4


def theirs(family, head, **fields):
    """Their model with every parameter random."""
    cls = getattr(transformers, FAMILIES[family][0].class_names()[head])
    model = cls(cls.config_class(**OTHER_SIZES.get(family, GROUPED) | fields)).eval()
    generator = torch.Generator().manual_seed(zlib.crc32(f"{family} {head}".encode()))
    with torch.no_grad():
        for _, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator) * 0.2
            parameter.copy_(noise if parameter.dim() > 1 else noise + parameter)
    return model


def scores(found):
    """Logits, or the hidden states of a bare model."""
    return found.logits if "logits" in found else found.last_hidden_state


@torch.no_grad()
@pytest.mark.parametrize("family, head", CASES)
def test_a_folder_of_theirs_scores_alike_with_padding_on_either_side_and_goes_back_key_for_key(
    tmp_path, ids, family, head
):
    oracle = theirs(family, head, num_labels=3)
    oracle.save_pretrained(tmp_path / "theirs")
    ours = load_model(tmp_path / "theirs")
    assert ours.config.head == head
    text = ids(3, 11).clamp(min=1)
    for real in (torch.arange(11) >= torch.tensor([[0], [3], [6]]), torch.arange(11) < torch.tensor([[11], [8], [1]])):
        batch = text.masked_fill(~real, 0)
        positions = (real.cumsum(1) - 1).clamp(min=0)
        inside = {} if family in ("opt",) else {"position_ids": positions}
        expected = scores(oracle(batch, attention_mask=real.long(), **inside))
        found = ours(batch, masks.causal(11) & masks.padding(real), positions)
        kept = slice(None) if head == "classification" else real
        assert (found - expected)[kept].abs().max() < CLOSE
    assert (ours(text) - scores(oracle(text))).abs().max() < CLOSE
    save_model(tmp_path / "ours", ours)
    again, report = type(oracle).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(report.values()), report
    assert all(torch.equal(part, again.state_dict()[key]) for key, part in oracle.state_dict().items())
    files = [safetensors.torch.load_file(tmp_path / place / "model.safetensors").keys() for place in ("ours", "theirs")]
    assert files[0] == files[1] and again.config.num_labels == (3 if head != "none" else 2)
    assert load_model(tmp_path / "ours").config == ours.config


@pytest.mark.parametrize("family", [family for family in DECODERS if not family.startswith("groundup")])
def test_every_class_that_a_family_names_is_one_of_transformers(family):
    for name in FAMILIES[family][0].class_names().values():
        assert hasattr(transformers, name), name


@torch.no_grad()
@pytest.mark.parametrize(
    "head, name", [("reward", "LlamaForSequenceClassification"), ("value", "LlamaForTokenClassification")]
)
def test_one_label_is_one_number_without_an_axis(tmp_path, ids, head, name):
    oracle = theirs("llama", "classification" if head == "reward" else "tagging", num_labels=1)
    oracle.save_pretrained(tmp_path)
    ours, text = load_model(tmp_path), ids(3, 7).clamp(min=1)
    assert (ours.config.head, ours.config.labels) == (head, ("LABEL_0",))
    assert ours(text).shape == ((3,) if head == "reward" else (3, 7))
    assert (ours(text) - oracle(text).logits[..., 0]).abs().max() < CLOSE
    assert ours.config.to_dict()["architectures"] == [name]


@settings(max_examples=60, deadline=None)
@given(some.lists(some.lists(some.booleans(), min_size=5, max_size=5).filter(any), min_size=1, max_size=4))
def test_the_last_and_the_mean_are_those_of_the_real_tokens_wherever_padding_stands(rows):
    """A reward landed one to the right of the text, on padding (huggingface/trl#3750)."""
    real = torch.tensor(rows)
    hidden = torch.randn(len(rows), 5, 3, generator=torch.Generator().manual_seed(0))
    for row, kept in enumerate(real):
        assert torch.equal(last_token(hidden, real)[row], hidden[row][kept][-1])
        torch.testing.assert_close(mean_of_tokens(hidden, real)[row], hidden[row][kept].mean(dim=0))
        assert torch.equal(first_token(hidden)[row], hidden[row, 0])


def test_a_token_is_padding_where_the_mask_shows_it_to_nobody_whatever_its_id():
    """GPT-2's folders pad with the token that ends a text, so an id alone cannot tell its end from padding."""
    ids = torch.tensor([[5, 2, 2], [2, 6, 2]])
    real = torch.tensor([[True, True, False], [False, True, True]])
    for mask in (masks.causal(3) & masks.padding(real), masks.padding(real)):
        assert torch.equal(real_tokens(ids, mask, 2), real)
    assert torch.equal(real_tokens(ids, masks.causal(3), 2), torch.ones(2, 3, dtype=torch.bool))
    documents = masks.causal(3) & masks.documents(torch.tensor([[0, 1, -1], [0, 0, 0]]))
    assert real_tokens(ids, documents, None).tolist() == [[True, True, False], [True, True, True]]
    assert torch.equal(real_tokens(ids, None, 2), ids != 2)


def test_without_a_mask_and_without_a_padding_token_only_one_text_has_a_known_end(ids):
    module = build(LlamaConfig(**GROUPED | {"pad_token_id": None}, head="reward"), seed=0, scheme="normal")
    assert module(ids(1, 5)).shape == (1,)
    with pytest.raises(InputError, match="in a batch of 2 texts .*; pass a mask, or set pad_token_id in config.json"):
        module(ids(2, 5))
    assert module(ids(2, 5), masks.causal(5)).shape == (2,)


def test_a_text_of_nothing_but_padding_is_named(ids):
    module = build(LlamaConfig(**GROUPED, head="classification"), seed=0)
    with pytest.raises(InputError, match="text 1 of the batch holds nothing but padding; leave it out"):
        module(torch.tensor([[5, 6], [0, 0], [7, 0]]))


@torch.no_grad()
def test_token_by_token_with_a_cache_gives_the_values_and_the_reward_of_the_whole_text(ids):
    text = ids(2, 9).clamp(min=1)
    for head in ("value", "reward"):
        module = build(LlamaConfig(**GROUPED, head=head), seed=0, scheme="normal")
        cache, whole = KVCache.of(module, batch=2, capacity=9), module(text)
        steps = [module(part, cache=cache) for part in text.split([4, 1, 1, 3], dim=1)]
        found = steps[-1] if head == "reward" else torch.cat(steps, dim=1)
        assert (found - whole).abs().max() < CLOSE


@torch.no_grad()
def test_padding_moves_no_reward(ids):
    module = build(LlamaConfig(**GROUPED, head="reward"), seed=0, scheme="normal")
    text = ids(1, 6).clamp(min=1)
    longer = torch.nn.functional.pad(text, (0, 3))
    assert (module(longer) - module(text)).abs().max() < CLOSE


@pytest.mark.parametrize("head", ["classification", "reward", "tagging", "value", "none", "language_model"])
@pytest.mark.parametrize("tied", [True, False])
def test_another_head_stands_on_the_same_trunk(ids, head, tied):
    module = build(LlamaConfig(**GROUPED, tie_word_embeddings=tied), seed=0, scheme="normal")
    other = with_head(module, head, seed=1)
    assert other.model.embed_tokens.weight is module.model.embed_tokens.weight
    assert torch.equal(other.hidden(ids(1, 5)), module.hidden(ids(1, 5)))
    assert not any(part.is_meta for part in other.parameters())
    assert count(other.config).parameters == sum(part.numel() for part in other.parameters())
    again = with_head(module, head, seed=1)
    assert torch.equal(again(ids(1, 5)), other(ids(1, 5)))


def test_a_masked_language_model_becomes_a_classifier_with_named_labels_and_is_saved_as_one(ids, tmp_path):
    module = build(BertConfig(**SIZES), seed=0, scheme="normal")
    made = with_head(module, "classification", ["good", "bad", "neither"], seed=3)
    assert made(ids(2, 5)).shape == (2, 3) and made.lm_head is None
    save_model(tmp_path / "m", made)
    again = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    assert again.config.id2label == {0: "good", 1: "bad", 2: "neither"}
    assert (again(ids(2, 5)).logits - made(ids(2, 5))).abs().max() < CLOSE
    assert load_model(tmp_path / "m").config.labels == ("good", "bad", "neither")


@pytest.mark.parametrize("changes, words", [
    (dict(head="tagger"), "head='tagger' is none that this family has; use language_model, classification"),
    (dict(head="classification", labels=("a",)), "head='classification' cannot have 1 label.*; use head='reward'"),
    (dict(head="reward", labels=("a", "b")), "use head='classification'"),
    (dict(head="tagging", labels=("a",)), "use head='value'"),
    (dict(head="value", labels=("a", "b")), "use head='tagging'"),
    (dict(labels=("a", "b")), "head='language_model' has no labels, but 2 are named; leave labels out"),
    (dict(head="classification", labels=("a", "a")), "name two alike"),
])  # fmt: skip
def test_a_head_that_cannot_be_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        LlamaConfig(**GROUPED, **changes)


@pytest.mark.parametrize("changes, error, words", [
    ({"architectures": ["LlamaForQuestionAnswering"]}, UnsupportedModel, "known are LlamaForCausalLM, LlamaForSequence"),
    ({"architectures": "LlamaForCausalLM"}, FormatError, "write a list of one name"),
    ({"architectures": ["LlamaModel", "LlamaForCausalLM"]}, FormatError, "write a list of one name"),
    ({"id2label": {"0": "a", "2": "b"}}, FormatError, "without gaps"),
    ({"id2label": ["a", "b"]}, FormatError, "id2label="),
    ({"id2label": {"0": "a", "1": "b"}, "num_labels": 3}, FormatError, "names 2 labels but num_labels=3"),
    ({"id2label": None, "num_labels": "many"}, FormatError, "num_labels='many'"),
])  # fmt: skip
def test_a_config_json_whose_head_is_not_clear_is_refused(changes, error, words):
    raw = LlamaConfig(**GROUPED, head="classification").to_dict()
    with pytest.raises(error, match=words):
        config_from_dict(raw | changes)


def test_a_file_that_names_no_class_or_one_of_its_own_is_the_language_model():
    raw = LlamaConfig(**GROUPED).to_dict()
    for named in (None, [], ["LlamaForCausalLM"], ["LLaMAForCausalLM"]):
        assert config_from_dict(raw | {"architectures": named}).head == labels.LANGUAGE_MODEL
    assert config_from_dict(raw | {"id2label": {"0": "a"}}).labels == ()
    two = {"architectures": ["LlamaForSequenceClassification"]}
    assert config_from_dict(raw | two).labels == ("LABEL_0", "LABEL_1")


@pytest.mark.parametrize("family", ["llama", "groundup"])
def test_a_head_alone_learns_to_tell_which_token_comes_last(ids, family):
    """The trunk stands still; one matrix on its last token finds out in a few steps whether that token's id is even."""
    text = ids(256, 6) % 20 + 1
    wanted = text[:, -1] % 2
    trunk = build(FAMILIES[family][0](**GROUPED), seed=0, scheme="normal")
    module = with_head(trunk, "classification", ["even", "odd"], seed=0)
    with torch.no_grad():
        hidden = module.hidden(text)
    optimizer = torch.optim.Adam(module.score.parameters(), lr=0.05)
    for _ in range(150):
        loss = cross_entropy(module.score(hidden, None, torch.ones_like(text, dtype=torch.bool)), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (module(text).argmax(-1) == wanted).float().mean() > 0.99
