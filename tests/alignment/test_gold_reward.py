"""Every method raises the gold reward of tinyworld, which is known, with an interval above 0 over three seeds."""

import copy
import statistics

import pytest

from groundup.alignment.challenges.speaker import new, talk, teach
from groundup.alignment.config import GrpoConfig, PpoConfig, ReinforceConfig, RlooConfig
from groundup.alignment.dpo import DpoConfig
from groundup.alignment.dpo import fit as prefer
from groundup.alignment.dpo.pairs import own
from groundup.alignment.environments.rollouts import Environment, task
from groundup.alignment.grpo import grpo
from groundup.alignment.ppo import ppo
from groundup.alignment.reinforce import reinforce
from groundup.alignment.rejection import RejectionConfig
from groundup.alignment.rejection import fit as choose
from groundup.alignment.rloo import rloo
from groundup.data.sources.tinyworld import instructions, mannered, taste
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval
from groundup.inference.decoding.config import SamplingConfig
from groundup.tuning.config import TuneConfig

pytestmark = pytest.mark.slow
FAMILIES = ("opposite", "plural", "kind")
ASKED, TOKENS = 60, 32  # held-out questions by which the gold reward is measured; tokens of an answer
TUNING = TuneConfig(
    steps=300, batch_size=16, seq_len=96, learning_rate=0.01, matrix_learning_rate=0.02, schedule="wsd", checkpoint_every=0
)


@pytest.fixture(scope="module")
def speaker():
    """A model that answers rightly and wrongly, politely and rudely, as its texts did."""
    talks = [talk(item.prompt, text) for item, text in mannered(0, 2400, families=FAMILIES)]
    words = [message["content"] for one in talks for message in one]
    return teach(new(words, hidden_size=64, vocab_size=512), talks, TUNING)


def asking(speaker, seed, count, split="train"):
    tasks = [task(item.prompt, item, speaker.tokenizer) for item in instructions(seed, count, split, FAMILIES)]
    return Environment(tasks, taste, speaker.tokenizer, speaker.stops)


def gold(module, speaker, seed):
    sampling = SamplingConfig(max_new_tokens=TOKENS, temperature=1.0, seed=5)
    groups = asking(speaker, 77 + seed, ASKED, "heldout").rollout(module, 0, ASKED, 6, sampling)
    return statistics.fmean(one.reward for group in groups for one in group.tries)


def by_dpo(module, speaker, seed):
    sampling = SamplingConfig(max_new_tokens=TOKENS, temperature=1.0, seed=seed)
    rows = own(module, asking(speaker, seed, 200), 200, 6, sampling, least=0.25)
    prefer(module, rows, DpoConfig(seed=seed, learning_rate=0.001, epochs=2.0, checkpoint_every=0), tokenizer=speaker.tokenizer)


TRIED = {
    "grpo": (grpo, GrpoConfig, {"prompts_per_step": 16, "samples_per_prompt": 6}),
    "rloo": (rloo, RlooConfig, {"prompts_per_step": 16, "samples_per_prompt": 6}),
    "rejection": (choose, RejectionConfig, {"prompts_per_step": 16, "samples_per_prompt": 6}),
    "reinforce": (reinforce, ReinforceConfig, {"prompts_per_step": 96, "samples_per_prompt": 1}),
    "ppo": (ppo, PpoConfig, {"prompts_per_step": 96, "samples_per_prompt": 1}),
}


def by_trying(name):
    """A method that tries, judged by the gold reward itself."""
    improve, kind, groups = TRIED[name]

    def method(module, speaker, seed):
        asked = asking(speaker, seed, 300)
        config = kind(steps=12, max_new_tokens=TOKENS, learning_rate=0.003, seed=seed, checkpoint_every=0, **groups)
        improve(module, speaker.tokenizer, asked.tasks, taste, config, stop_ids=speaker.stops)

    method.__name__ = name
    return method


@pytest.mark.parametrize("method", [by_dpo, *map(by_trying, TRIED)], ids=["dpo", *TRIED])
def test_the_gold_reward_rises(speaker, method):
    gains = []
    for seed in (1, 2, 3):
        better = copy.deepcopy(speaker.module)
        method(better, speaker, seed)
        gains.append(gold(better, speaker, seed) - gold(speaker.module, speaker, seed))
    print(method.__name__, gains)
    assert mean_interval(gains)[0] > 0.1
