"""A tokenizer's configuration refuses what cannot be trained and says what can."""

import pytest

from groundup.errors import ConfigError
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.text.tokenizers.splitting import PATTERNS


@pytest.mark.parametrize(
    ("values", "way_out"),
    [
        ({"vocab_size": 258}, "use at least 259"),
        ({"vocab_size": 1 << 20}, "use less than"),
        ({"pattern": "qwen"}, "use one of 'qwen2', 'llama3', 'gpt2', 'cl100k', 'o200k'"),
        ({"special_tokens": ("<|a|>", "<|a|>")}, "remove the repeated one"),
        ({"sample_bytes": 0}, "use at least 1"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_the_way_out(values, way_out):
    with pytest.raises(ConfigError, match=way_out):
        TokenizerConfig(**values)


def test_every_pattern_that_texts_can_be_split_by_can_be_trained_with():
    for pattern in PATTERNS:
        assert TokenizerConfig(pattern=pattern).pattern == pattern


def test_the_smallest_vocabulary_is_the_bytes_and_the_special_tokens():
    assert TokenizerConfig(vocab_size=259).vocab_size == 259


def test_a_list_from_a_recipe_becomes_a_tuple():
    assert TokenizerConfig(special_tokens=["<|a|>"]).special_tokens == ("<|a|>",)


def test_the_configuration_and_the_package_load_neither_numba_nor_torch(child):
    loaded = child(
        "import sys, groundup.text.tokenizers, groundup.text.ngram, groundup.text.tokenizers.config\n"
        "print({'numba', 'torch', 'numpy', 'jinja2'} & set(sys.modules))"
    )
    assert loaded.strip() == "set()"
