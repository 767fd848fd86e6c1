"""The batch that a stage finds: the same tokens a step, decided once, and a sentence where nothing fits."""

import dataclasses
import os
import sys
from types import SimpleNamespace

import pytest
import torch

from groundup.errors import ConfigError, GroundupError
from groundup.model.architectures import FAMILIES
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.runs import largest_batch, resources
from groundup.runs.context import Context
from groundup.runs.recipe import Recipe
from groundup.runs.settings import MachineConfig
from groundup.runs.stages import STAGES
from groundup.runs.stages.train import shape_of
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
from groundup.training.config import TrainConfig
from groundup.training.objectives import registry

TOKENIZER = SimpleNamespace(vocab_size=64, bos_token_id=0, eos_token_id=0, pad_token_id=0)
MODEL = Qwen3Config(
    vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1, head_dim=16
)  # fmt: skip


@pytest.fixture
def context(tmp_path):
    """A stage `train` with these keys."""

    def make(**keys):
        machine = MachineConfig(device="cpu", threads=1)
        configs = {"model": MODEL, "train": TrainConfig(seq_len=32, **keys), "machine": machine}
        recipe = Recipe(name="small", description="", seed=1, stages=("train",), configs=configs)
        return Context(stage=STAGES["train"], folder=tmp_path, recipe=recipe, inputs={"tokenizer": tmp_path})

    return make


def holding(monkeypatch, bytes_a_row):
    """Let a step need so many bytes a row; the rows that were tried."""
    tried = []

    def trial(about, limit):
        tried.append(about["rows"])
        return bytes_a_row * about["rows"]

    monkeypatch.setattr(largest_batch, "trial", trial)
    monkeypatch.setattr(largest_batch, "guess", lambda *_: 4)
    monkeypatch.setattr(resources, "memory_bytes", lambda *_: 0)
    return tried


def test_without_the_key_the_stage_stays_as_it_is(context):
    made = context()
    assert largest_batch.decide(made, TOKENIZER) is made


def test_the_tokens_of_a_step_stay_and_the_choice_is_made_once(context, monkeypatch, capsys):
    made = context(batch_size=12, gradient_accumulation_steps=2, largest_batch=True, memory_gb=1.0)
    tried = holding(monkeypatch, 1e9 / (6.5 * largest_batch.MORE))
    found = largest_batch.decide(made, TOKENIZER).config
    assert (found.batch_size, found.gradient_accumulation_steps) == (6, 4)
    assert found.tokens_per_step == made.config.tokens_per_step
    assert tried == [4, 6, 12, 8]
    assert "6 of 24 rows at once (0.92 GB of 1.00 GB), 4 batches a step" in capsys.readouterr().err
    monkeypatch.setattr(largest_batch, "trial", lambda *_: pytest.fail("tried again"))
    assert largest_batch.decide(made, TOKENIZER).config == found


def test_where_not_one_row_fits_the_ways_out_are_named(context, monkeypatch):
    holding(monkeypatch, 2e9)
    made = context(batch_size=4, largest_batch=True, memory_gb=1.0)
    with pytest.raises(ConfigError) as error:
        largest_batch.decide(made, TOKENIZER)
    assert "not even one row of 32 tokens fits into 1.00 GB; try --set train.optimizer_state=8bit" in str(error.value)
    assert "activation_checkpointing=layers" in str(error.value)


def test_a_child_that_holds_too_much_is_ended():
    child = largest_batch.subprocess.Popen(
        [sys.executable, "-c", "held = b'x' * 300_000_000; import time; time.sleep(60)"]
    )
    assert not largest_batch._watched(child, 200_000_000)
    assert child.wait() == -9


def test_what_is_free_is_less_than_all_and_more_than_this_process():
    everything = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert resources.memory_bytes() < resources.available_bytes() <= everything + resources.memory_bytes()
    assert largest_batch.limit_bytes(0.5, "cpu") == 500_000_000
    assert 0 < largest_batch.limit_bytes(0, "cpu") < everything


def test_accounting_says_where_to_begin(context, monkeypatch):
    monkeypatch.setattr(resources, "memory_bytes", lambda *_: 0)
    config = context(batch_size=64, largest_batch=True).config
    choices = [1, 2, 4, 8, 16, 32, 64]
    first = largest_batch.guess(MODEL, config, "float32", 3_000_000, choices)
    assert largest_batch.guess(MODEL, config, "float32", 10**12, choices) == 64
    assert 1 < first < 64 and largest_batch.guess(MODEL, config, "float32", 1, choices) == 1


@pytest.mark.parametrize(
    "keys, said", [({"memory_gb": -1.0}, "use a number of GB"), ({"memory_gb": 2.0}, "set largest_batch = true")]
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        TrainConfig(**keys)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="what a child holds is read from /proc")
def test_a_real_trial_needs_more_for_more_rows(tmp_path):
    train_tokenizer(["a few words"], TokenizerConfig(vocab_size=264)).save(tmp_path)
    about = {
        "model": dataclasses.replace(MODEL, vocab_size=264, hidden_size=64).to_dict(),
        "train": dataclasses.asdict(TrainConfig(seq_len=128)),
        "tokenizer": str(tmp_path), "dtype": "float32", "device": "cpu", "threads": 1, "several": False,
    }  # fmt: skip
    few, many = (largest_batch.trial(about | {"rows": rows}, 10**10) for rows in (1, 64))
    assert few is not None and many is not None and few + 5_000_000 < many
    assert largest_batch.trial(about | {"rows": 1}, 50_000_000) is None


@pytest.fixture
def about(tmp_path):
    """What a trial of an objective is asked, with a tokenizer that has its marks or not."""

    def make(objective, *, marked=True):
        config = TrainConfig(objective=objective, seq_len=48)
        bare = TokenizerConfig()
        tokens = registry.with_marks(bare, config) if marked else bare.special_tokens
        tokenizer = train_tokenizer(
            ["a few words"], TokenizerConfig(vocab_size=256 + len(tokens), special_tokens=tokens)
        )
        tokenizer.save(tmp_path)
        family = registry.families(registry.OBJECTIVES[objective].fits)[0]
        sizes = dict(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2)
        shape = shape_of(FAMILIES[family][0](**sizes), tokenizer, objective)
        return {
            "model": shape.to_dict(), "train": dataclasses.asdict(config), "tokenizer": str(tmp_path), "dtype": "float32",
            "device": "cpu", "threads": torch.get_num_threads(), "several": False, "rows": 4,
        }  # fmt: skip

    return make


@pytest.mark.parametrize("objective", ["span", "denoisers", "blanks", "fill_in_middle"])
def test_a_trial_draws_no_token_that_the_objective_sets_itself(objective, about):
    module, config, task, marks = largest_batch.made(about(objective))
    before = {name: one.detach().clone() for name, one in module.named_parameters()}
    largest_batch.two_steps(module, config, task, 4, 1, marks)
    assert any(not torch.equal(before[name], one) for name, one in module.named_parameters())
    assert len(marks) >= len(registry.OBJECTIVES[objective].marks(48))


def test_a_users_mistake_in_a_trial_keeps_its_words(about):
    with pytest.raises(
        GroundupError, match="'span' needs the control tokens .*put the stage 'tokenizer' before 'train'"
    ):
        largest_batch.trial(about("span", marked=False), 10**10)
