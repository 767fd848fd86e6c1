"""Every method raises the gold reward of tinyworld, which is known, with an interval above 0 over three seeds."""

import copy
import math
import random
import statistics

import pytest

from groundup.alignment.config import GrpoConfig, PpoConfig, ReinforceConfig, RlooConfig
from groundup.alignment.dpo import DpoConfig
from groundup.alignment.dpo import fit as prefer
from groundup.alignment.environments.rollouts import Environment, task
from groundup.alignment.grpo import grpo
from groundup.alignment.ppo import ppo
from groundup.alignment.reinforce import reinforce
from groundup.alignment.rejection import RejectionConfig
from groundup.alignment.rejection import fit as choose
from groundup.alignment.rloo import rloo
from groundup.data.sources.tinyworld import instructions, taste
from groundup.data.sources.tinyworld.reward import POLITE, RUDE, WORDY
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.handle import end_of_turn
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import conversations_to_shards, fit

pytestmark = pytest.mark.slow
FAMILIES = ("opposite", "plural", "kind")
ASKED = 40  # questions by which the gold reward is measured
T_95 = 4.303  # Student's t for three seeds, two-sided 95 %


def candidates(seed, count):
    """Questions with an answer in some manner, right in six of ten."""
    source, asked = random.Random(seed), list(instructions(seed, count, "train", FAMILIES))
    for item in asked:
        content = item.answer if source.random() < 0.6 else source.choice(asked).answer
        yield item, source.choice(source.choice([("{}",), POLITE, RUDE, WORDY])).format(content)


def preferences(seed, count):
    source = random.Random(seed)
    for (item, one), (_, manner) in zip(candidates(seed, count), candidates(seed + 500, count), strict=True):
        other = manner if source.random() < 0.3 else next(iter(candidates(source.randrange(10**6), 1)))[1]
        first = source.random() < 1 / (1 + math.exp(taste(item, other) - taste(item, one)))
        yield {"prompt": item.prompt, "chosen": one if first else other, "rejected": other if first else one}


@pytest.fixture(scope="module")
def speaker(tmp_path_factory):
    """A model that answers rightly and wrongly, politely and rudely, as its texts did."""
    talks = [
        [{"role": "user", "content": item.prompt}, {"role": "assistant", "content": text}]
        for item, text in candidates(0, 2400)
    ]
    words = train_tokenizer([message["content"] for talk in talks for message in talk], TokenizerConfig(vocab_size=512))
    config = Qwen3Config(
        vocab_size=words.vocab_size, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=128, tie_word_embeddings=True,
    )  # fmt: skip
    module, folder = build(config, seed=0), tmp_path_factory.mktemp("speaker")
    tuning = TuneConfig(
        steps=200,
        batch_size=16,
        seq_len=96,
        learning_rate=0.01,
        matrix_learning_rate=0.02,
        checkpoint_every=0,
        schedule="wsd",
    )
    fit(module, conversations_to_shards(talks, words, folder / "shards"), tuning, folder)
    return module, words, {words.special_tokens["<|im_end|>"], *end_of_turn(words)}


def gold(module, words, stops):
    items = list(instructions(77, ASKED, "train", FAMILIES))
    environment = Environment([task(item.prompt, item, words) for item in items], taste, words, stops)
    sampling = SamplingConfig(max_new_tokens=32, temperature=1.0, seed=5)
    groups = environment.rollout(module, 0, ASKED, 6, sampling)
    return statistics.fmean(one.reward for group in groups for one in group.tries)


def by_dpo(module, words, stops, seed):
    rows = list(preferences(seed * 1000, 640))
    config = DpoConfig(seed=seed, learning_rate=0.001, epochs=2.0, checkpoint_every=0)
    prefer(module, rows, config, tokenizer=words)


def by_rejection(module, words, stops, seed):
    tasks = [task(item.prompt, item, words) for item in instructions(seed, 300, "train", FAMILIES)]
    config = RejectionConfig(
        steps=10,
        prompts_per_step=32,
        samples_per_prompt=6,
        max_new_tokens=32,
        learning_rate=0.003,
        seed=seed,
        checkpoint_every=0,
    )
    choose(module, words, tasks, taste, config, stop_ids=stops)


TRIED = {
    "grpo": (grpo, GrpoConfig, {"prompts_per_step": 16, "samples_per_prompt": 6}),
    "rloo": (rloo, RlooConfig, {"prompts_per_step": 16, "samples_per_prompt": 6}),
    "reinforce": (reinforce, ReinforceConfig, {"prompts_per_step": 96, "samples_per_prompt": 1}),
    "ppo": (ppo, PpoConfig, {"prompts_per_step": 96, "samples_per_prompt": 1}),
}


def by_trying(name):
    """A method that tries, judged by the gold reward itself."""
    improve, kind, groups = TRIED[name]

    def method(module, words, stops, seed):
        tasks = [task(item.prompt, item, words) for item in instructions(seed, 300, "train", FAMILIES)]
        config = kind(steps=12, max_new_tokens=32, learning_rate=0.003, seed=seed, checkpoint_every=0, **groups)
        improve(module, words, tasks, taste, config, stop_ids=stops)

    method.__name__ = name
    return method


@pytest.mark.parametrize("method", [by_dpo, by_rejection, *map(by_trying, TRIED)], ids=["dpo", "rejection", *TRIED])
def test_the_gold_reward_rises(speaker, method):
    module, words, stops = speaker
    before, gains = gold(*speaker), []
    for seed in (1, 2, 3):
        better = copy.deepcopy(module)
        method(better, words, stops, seed)
        gains.append(gold(better, words, stops) - before)
    print(method.__name__, before, gains)
    assert statistics.fmean(gains) - T_95 * statistics.stdev(gains) / math.sqrt(3) > 0.1
