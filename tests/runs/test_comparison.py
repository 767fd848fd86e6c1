"""The reference beside the learner's functions: a curve that broke off is no reason to break off the learner's run."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from groundup import files
from groundup.errors import GroundupError
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.runs import comparison, largest_batch, precision, report
from groundup.runs.stages import train
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.monitor.monitoring import add_line
from groundup.training.objectives.causal import causal_loss

SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2)
CONFIG = TrainConfig(
    steps=40, batch_size=4, seq_len=16, checkpoint_every=10, learning_rate=0.002, matrix_learning_rate=0.005
)
WILD = 25  # the batch whose loss is no usual one


def batch(number):
    ids = torch.randint(0, 64, (4, 17), generator=torch.Generator().manual_seed(number % 8))
    return SimpleNamespace(
        number=number, input_ids=ids[:, :-1], targets=ids[:, 1:], loss_mask=torch.ones(4, 16, dtype=torch.bool),
        document_ids=torch.zeros(4, 16, dtype=torch.int64), positions=torch.arange(16).expand(4, 16),
    )  # fmt: skip


def times(factor):
    def objective(module, batch):
        loss, count = causal_loss(module, batch)
        return loss * (factor if batch.number == WILD else 1.0), count

    return objective


@pytest.fixture
def context(tmp_path, monkeypatch):
    """A stage `train` without documents, with a factor on the wild batch's loss."""

    def make(factor, **keys):
        task = SimpleNamespace(trained=lambda module: module, batches=lambda made: made, loss=times(factor))
        monkeypatch.setattr("groundup.text.tokenizers.load_tokenizer", lambda path: None)
        monkeypatch.setattr(largest_batch, "decide", lambda context, tokenizer: context)
        monkeypatch.setattr(precision, "decide", lambda *told: None)
        monkeypatch.setattr(train, "task_of", lambda *told: task)
        monkeypatch.setattr(train, "batches_of", lambda *told: SimpleNamespace(batch=batch))
        monkeypatch.setattr(train, "new_module", lambda *told: build(Qwen3Config(**SIZES), seed=0))
        filled = SimpleNamespace(id="training.x", name="x", calls=1, differs_at=None)
        monkeypatch.setattr(comparison.slots, "active", lambda: [filled])
        return SimpleNamespace(
            config=replace(CONFIG, **keys), folder=tmp_path, run_folder=tmp_path, inputs={"tokenizer": tmp_path},
            stage=SimpleNamespace(uses=("training",)), choose_machine=lambda: None,
        )  # fmt: skip

    return make


def answered(monkeypatch, folder, curves, status=0, errors=""):
    """Let the child have written these curves."""

    def run(command, **told):
        assert command[1:4] == ["-m", "groundup.runs.child", "comparison"]
        if curves is not None:
            files.write_json(folder / comparison.REFERENCE, curves)
        return SimpleNamespace(returncode=status, stderr=errors)

    monkeypatch.setattr(comparison.subprocess, "run", run)


def test_a_curve_that_diverges_is_none(context):
    assert comparison.losses(context(math.nan), 1) == []
    assert len(comparison.losses(context(1.0), 1)) == comparison.STEPS


def test_steps_that_a_rollback_took_back_are_not_in_the_curve(context):
    made, last = context(40.0, on_spike="rollback"), {}
    listener = [lambda event: last.update({event.step: event.loss})]
    loop.train(build(Qwen3Config(**SIZES), seed=0), batch, made.config, objective=times(40.0), listeners=listener)
    assert comparison.losses(made, 1) == [last[step] for step in range(1, comparison.STEPS + 1)]


def test_a_reference_that_diverges_is_said_and_the_run_goes_on(context, monkeypatch, capsys, tmp_path):
    made = context(1.0)
    answered(monkeypatch, tmp_path, [[], [2.0] * 30, [2.0] * 30])
    assert comparison.reference_losses(made) == []
    assert "the reference diverges within 30 steps too" in capsys.readouterr().err
    assert comparison.compare(made, []) is None


def test_another_seed_that_diverges_is_left_out_of_the_noise(context, monkeypatch, tmp_path):
    made = context(1.0)
    answered(monkeypatch, tmp_path, [[2.0] * 30, [3.0] * 30, [], [math.nan] * 30])
    reference = comparison.reference_losses(made)
    for step in range(1, 31):
        add_line(tmp_path / "metrics.jsonl", {"step": step, "loss": 2.5})
    found = comparison.compare(made, reference)
    assert (found["mine"], found["reference"]) == (2.5, 2.0) and found["noise"] == pytest.approx(0.5**0.5)


def test_a_users_mistake_in_the_reference_run_keeps_its_words(context, monkeypatch, tmp_path):
    made = context(1.0)
    answered(monkeypatch, tmp_path, None, GroundupError.exit_status, "a line\nthere is no such file; give another\n")
    with pytest.raises(GroundupError, match="^there is no such file; give another$"):
        comparison.reference_losses(made)


def test_a_loss_of_the_learners_that_is_no_number_is_compared_and_told(context, tmp_path):
    made = context(1.0)
    for step, loss in ((1, 2.5), (2, math.nan)):
        add_line(tmp_path / "metrics.jsonl", {"step": step, "loss": loss})
    loss = files.strict(comparison.compare(made, [[3.0, 2.0], [3.0, 2.1]]))
    slot = {"id": "training.x", "calls": 1, "compared": 2, "difference": 0.5, "differs_at": 1, "loss": loss}
    assert report.loss_change(slot) == "all of yours: no number against 2.0000 after 2 steps"
    alone = slot | {"loss": loss | {"mine": 2.5, "alone": {"training.x": None}}, "loss_alone": None}
    assert report.loss_change(alone) == "this one alone: no number against 2.0000 after 2 steps"
    [only] = report.verdicts([slot])
    assert "no number" in only
