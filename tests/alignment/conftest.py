"""A decoder of 30,000 parameters that answers "a" or "b" to a digit, and tasks that want one of the two."""

import copy
import sys

import numpy as np
import pytest

from groundup.alignment.environments.rollouts import task
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, fit


@pytest.fixture(scope="session")
def tokenizer():
    words = ["user user user assistant assistant assistant\n"]
    return train_tokenizer(words, TokenizerConfig(vocab_size=270))


def talk(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@pytest.fixture(scope="session")
def undecided(tokenizer, tmp_path_factory):
    """Tuned on answers of which one third is wrong: it knows the form, and is often right."""
    config = Qwen3Config(
        vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, head_dim=16, max_position_embeddings=128,
        tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    right = np.random.default_rng(0).random(160) < 0.65
    folder = tmp_path_factory.mktemp("undecided")
    conversations = [talk(f"{index % 8}?", "ab"[(index + (not right[index])) % 2]) for index in range(160)]
    module = build(config, seed=0)
    shards = conversations_to_shards(conversations, tokenizer, folder / "shards")
    tuning = TuneConfig(
        steps=60, batch_size=16, seq_len=64, learning_rate=0.01, matrix_learning_rate=0.02, checkpoint_every=0
    )
    fit(module, shards, tuning, folder)
    return module


@pytest.fixture
def module(undecided):
    """The undecided model, to be changed."""
    return copy.deepcopy(undecided)


@pytest.fixture
def tasks(tokenizer):
    """Even numbers want a, odd ones b."""
    return [task(f"{number}?", "ab"[number % 2], tokenizer) for number in range(8)]


@pytest.fixture
def stops(tokenizer):
    return {tokenizer.special_tokens["<|im_end|>"], tokenizer.eos_token_id}


def right(item, text):
    """1 for the wanted letter."""
    return float(text == item)


@pytest.fixture
def reward():
    return right


@pytest.fixture
def trl(monkeypatch):
    """TRL, where it is installed.

    transformers takes a process in which a lesson's test has loaded marimo for a notebook, and its Trainer then wants IPython.
    """
    monkeypatch.delitem(sys.modules, "marimo", raising=False)
    return pytest.importorskip("trl")
