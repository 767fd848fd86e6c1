"""Configurations as GGUF keys: every family comes back with the same parts, in the kinds that llama.cpp's readers ask for."""

from pathlib import Path

import numpy as np
import pytest

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures import FAMILIES
from groundup.model.formats.gguf import GGUF, Stored, write_value
from groundup.model.formats.gguf_config import ARCHITECTURES, WRITTEN_AS, config_of, metadata_of

SIZES = dict(
    vocab_size=96, hidden_size=64, intermediate_size=96, num_hidden_layers=6, num_attention_heads=8, max_position_embeddings=48
)  # fmt: skip
OWN = {
    "gemma2": dict(query_pre_attn_scalar=16, head_dim=16),
    "gemma3_text": dict(query_pre_attn_scalar=16, head_dim=16),
}
BIASED = {"starcoder2": "blk.0.attn_q.bias"}


def in_memory(config, **changes):
    """A file's metadata and the shapes that decide something, without a file."""
    names = {"token_embd.weight", BIASED.get(config.model_type, "token_embd.weight")}
    names |= set() if config.tie_word_embeddings else {"output.weight"}
    tensors = {name: Stored((config.vocab_size, config.hidden_size), "F32", np.empty(0, np.uint8)) for name in names}
    whole = metadata_of(config) | {key.replace("_DOT_", "."): value for key, value in changes.items()}
    return GGUF(Path("m.gguf"), 3, {key: value for key, value in whole.items() if value is not None}, tensors)


def config(family, **changes):
    return FAMILIES[family][0](**SIZES | OWN.get(family, {}) | changes)


@pytest.mark.parametrize("family", WRITTEN_AS)
def test_the_parts_come_back(family):
    again = config_of(in_memory(config(family, **({"sliding_window": None} if family == "mistral" else {}))))
    assert again.blueprint() == config(family).blueprint()
    assert again.tie_word_embeddings == config(family).tie_word_embeddings


@pytest.mark.parametrize("family", WRITTEN_AS)
def test_whole_numbers_are_uint32_and_others_float32(family):
    theirs = {type(value): set() for value in metadata_of(config(family)).values()}
    for value in metadata_of(config(family)).values():
        theirs[type(value)].add(write_value(value)[0])
    assert theirs.pop(str) == {8} and theirs.pop(int) == {4} and theirs.pop(float, {6}) == {6}
    assert theirs.pop(bool, {7}) == {7} and not theirs


def test_every_key_is_one_that_ggmls_package_knows():
    theirs = pytest.importorskip("gguf").Keys
    known = {
        value for room in (theirs.General, theirs.LLM, theirs.Attention, theirs.Rope) for value in vars(room).values() if isinstance(value, str)
    }  # fmt: skip
    for family, name in WRITTEN_AS.items():
        for key in metadata_of(config(family)):
            assert key.replace(f"{name}.", "{arch}.", 1) in known, key


def test_a_default_of_llama_cpp_is_taken_where_a_key_is_left_out():
    file = in_memory(config("gemma3_text"), gemma3_DOT_rope_DOT_freq_base=None)
    assert config_of(file).rope_theta == 10_000.0  # and not the family's own 1,000,000
    assert config_of(in_memory(config("llama"), llama_DOT_attention_DOT_head_count_kv=None)).num_key_value_heads == 8


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_key_that_nobody_reads_is_refused_for_every_architecture(name):
    family = ARCHITECTURES[name].family
    with pytest.raises(UnsupportedModel, match=rf"m.gguf: {name}.attention.strange=2 would change the output"):
        config_of(in_memory(config(family), **{f"{name}_DOT_attention_DOT_strange": 2}))
    with pytest.raises(FormatError, match=f"lacks the key {name}.embedding_length"):
        config_of(in_memory(config(family), **{f"{name}_DOT_embedding_length": None}))
