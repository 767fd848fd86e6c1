"""A step's line: rates by hand, NaN that strict readers survive and that is marked, and a resume that leaves no step twice."""

import json
import math
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from groundup import files, plots
from groundup.model.architectures.llama import LlamaConfig
from groundup.training.config import TrainConfig
from groundup.training.monitor.monitoring import (
    Monitor,
    costs,
    curve,
    least_bytes,
    marked,
    mbu,
    mfu,
    progress_of,
    unmarked,
)

LLAMA = LlamaConfig(vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)


@dataclass
class Event:
    step: int
    loss: float
    seconds: float = 0.5
    rate_factor: float = 0.5

    @property
    def numbers(self):
        return {"step": self.step, "loss": self.loss, "seconds": self.seconds, "rate_factor": self.rate_factor}


def no_gauges():
    return {}


def strict(text):
    """JSON as readers in other languages take it."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def test_mfu_of_gpt3_sized_training_by_hand():
    # 6 N tokens/s / peak, and attention 12 layers * width * context more: PaLM, appendix B
    layers, width, context, weights = 96, 12288, 2048, 175_000_000_000
    flops = 6 * weights + 12 * layers * width * context
    assert mfu(weights, 4 * layers * width, context, 1000.0, 312e12) == pytest.approx(1000 * flops / 312e12, rel=1e-12)


def test_mfu_counts_what_torch_counts():
    """The operations of a real forward and backward, by torch's own counter."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    from groundup.model.architectures import build

    module, ids = build(LLAMA, seed=0), torch.zeros(2, 16, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):  # it knows no fused kernel of a CPU
        hidden = module(ids)
        torch.nn.functional.cross_entropy(hidden.flatten(0, 1), ids.flatten()).backward()
    spent = costs(LLAMA, TrainConfig(batch_size=2, seq_len=16))
    mine = mfu(spent.weights, spent.pair_flops, 16, 32, 1.0)
    assert counter.get_total_flops() == pytest.approx(mine, rel=0.01)  # torch counts the rotary angles' products too


def test_bytes_that_a_step_must_move():
    assert least_bytes(1000) == 4 * 1000 * (3 + 7)
    assert least_bytes(1000, batches=4) == 4 * 1000 * (12 + 3 + 7)
    assert least_bytes(10, states=0, bytes_per_weight=2) == 2 * 10 * 6
    assert least_bytes(1000, bytes_per_state=1) == 1000 * (4 * 6 + 4 * 1)
    assert mbu(4e9, 2.0, 8e9) == 0.25


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_survives_strict_json_and_comes_back(broken, tmp_path):
    path = tmp_path / "metrics.jsonl"
    files.append_jsonl(path, marked({"step": 1, "loss": broken, "rate": 0.1}))
    line = strict(path.read_text())
    assert line["loss"] is None and line["not_finite"] == {"loss": str(broken)} and line["rate"] == 0.1
    back = unmarked(line)["loss"]
    assert back == broken or (math.isnan(back) and math.isnan(broken))


def test_a_healthy_line_is_not_changed():
    record = {"step": 1, "loss": 2.0, "note": "nan", "samples": [1], "none": None}
    assert marked(record) == record == unmarked(record)


def test_a_loss_at_every_fifth_step_and_nan_between_is_drawn_and_marked(tmp_path):
    monitor = Monitor(tmp_path / "metrics.jsonl", gauges=no_gauges)
    for step in range(1, 11):
        monitor(Event(step, 1.0 if step % 5 == 0 else math.nan))
    lines = [strict(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps, values = curve(lines, "loss")
    figure = plots.loss_curve(steps, values)
    assert [step for step, value in zip(steps, figure.data[0].y, strict=True) if value is not None] == [5, 10]
    assert list(figure.data[1].x) == [1, 2, 3, 4, 6, 7, 8, 9]


def test_a_line_holds_speed_use_memory_and_rate(tmp_path):
    limits = SimpleNamespace(matmul_flops={"float32": 1e9}, memory_bytes_per_s=1e9)
    config = TrainConfig(batch_size=2, seq_len=16, learning_rate=0.01, optimizer="adamw")
    told = []
    spent = costs(LLAMA, config, limits)
    monitor = Monitor(tmp_path / "metrics.jsonl", spent, takers=[lambda step, numbers: told.append((step, numbers))])
    monitor(Event(1, 2.0))
    line = files.read_jsonl(tmp_path / "metrics.jsonl")[0]
    assert line["tokens_per_second"] == 64 and line["learning_rate"] == 0.005
    assert line["mfu"] == pytest.approx(mfu(spent.weights, spent.pair_flops, 16, 64, 1e9))
    assert line["mbu"] == pytest.approx(spent.moved_bytes / 0.5 / 1e9)
    assert line["peak_memory_bytes"] >= line["memory_bytes"] > 1e6
    assert told[0][0] == 1 and told[0][1]["mfu"] == line["mfu"] and "step" not in told[0][1]


@pytest.mark.parametrize(("state", "size"), [(None, 4), ("bf16", 2), ("8bit", 1)])
def test_short_states_of_adamw_are_fewer_bytes_to_move(state, size):
    spent = costs(LLAMA, TrainConfig(batch_size=2, seq_len=16, optimizer="adamw", optimizer_state=state))
    assert spent.moved_bytes == spent.parameters * (4 * 6 + 2 * 2 * size)
    muon = [costs(LLAMA, TrainConfig(optimizer="muon", optimizer_state=one)).moved_bytes for one in (None, state)]
    assert muon[0] == muon[1], "the velocities of its matrices stay fp32"


def test_without_limits_there_is_no_share_of_them(tmp_path):
    found = costs(LLAMA, TrainConfig(batch_size=2, seq_len=16)).numbers(0.5)
    assert found == {"tokens_per_second": 64.0}


def test_while_the_batch_grows_a_step_has_fewer_tokens():
    spent = costs(LLAMA, TrainConfig(batch_size=2, seq_len=16, gradient_accumulation_steps=4, batch_ramp_steps=8))
    assert [spent.numbers(1.0, step=step)["tokens_per_second"] for step in (1, 4, 8, 9)] == [32, 64, 128, 128]


def test_mfu_of_palm_is_that_of_its_paper():
    """540 B weights at 238.3K tokens/s on 6,144 chips of 275 TFLOP/s: 46.2 %, Chowdhery et al. 2022, table 3."""
    layers, heads, head_dim, context = 118, 48, 256, 2048
    found = mfu(540_350_000_000, 4 * layers * heads * head_dim, context, 238_300, 6144 * 275e12)
    assert round(100 * found, 1) == 46.2


def test_progress_of_a_run_is_the_last_step_at_the_pace_of_the_last_ones():
    lines = [{"step": step, "loss": 3.0 - step / 100, "seconds": 0.5} for step in range(1, 41)]
    lines[3]["seconds"] = 60.0  # a pause is not the pace
    found = progress_of([*lines, {"step": 40, "bits_per_byte_x": 1.0}], 100)
    assert found["step"] == 40 and found["seconds_left"] == 30.0 and found["loss"] == 2.6
    assert progress_of([{"step": 1, "samples": []}], 100) == {}
    assert math.isnan(progress_of([marked({"step": 1, "loss": math.nan, "seconds": 1.0})], 2)["loss"])
