"""Addition learned by small models of several sizes: exact match beside the accuracy of one digit, of the same answers.

    python benchmarks/training/scaling/emergence.py [--steps 600] [--digits 3]

A table for each number of steps: the longer a model learns, the smoother the digit's accuracy rises and the later and steeper the exact match. The
lesson of `training/scaling/emergence.py` keeps the table that this printed.
"""

import argparse
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.processor import machine_name
from groundup.training.config import TrainConfig
from groundup.training.optimizers import build_optimizer
from groundup.training.scaling.emergence import BASE, additions, scores

ROWS, ASKED = 64, 500


def model(width: int, digits: int) -> Any:
    """A small transformer over the twelve tokens of addition."""
    config = Qwen3Config(
        vocab_size=BASE, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2, num_attention_heads=width // 16,
        num_key_value_heads=width // 16, head_dim=16, max_position_embeddings=3 * digits + 3, tie_word_embeddings=True,
    )  # fmt: skip
    return build(config, seed=1)


def answers(module: Any, question: torch.Tensor, length: int) -> np.ndarray:
    """The likeliest digits, one after the other."""
    rows = question
    with torch.no_grad():
        for _ in range(length):
            rows = torch.cat([rows, module(rows)[:, -1].argmax(-1, keepdim=True)], 1)
    return rows[:, question.shape[1] :].numpy()


def learn(width: int, digits: int, steps: int, asked_at: list[int]) -> list[tuple[int, Any]]:
    """Train one model and judge it at these steps."""
    module, config = model(width, digits), TrainConfig(steps=steps, learning_rate=0.01, matrix_learning_rate=0.02)
    optimizer, found = build_optimizer(module, config), []
    asked, truth = additions(ASKED, digits, seed=1)
    for step in range(1, steps + 1):
        question, answer = additions(ROWS, digits, seed=1000 + step)
        row = torch.tensor(np.concatenate([question, answer], 1))
        logits = module(row[:, :-1])[:, question.shape[1] - 1 :]
        functional.cross_entropy(logits.flatten(0, 1), row[:, question.shape[1] :].flatten()).backward()
        optimizer.step(min(1.0, step / 20) * min(1.0, 2 * (1 - step / (steps + 1))))
        module.zero_grad()
        if step in asked_at:
            found.append((step, scores(answers(module, torch.tensor(asked), digits + 1), truth)))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--digits", type=int, default=3)
    parser.add_argument("--width", type=int, default=64)
    given = parser.parse_args()
    torch.set_num_threads(1)
    marks = sorted({int(mark) for mark in np.linspace(given.steps / 12, given.steps, 12)})
    print(f"{machine_name()}: addition of {given.digits} digits, width {given.width}, {ROWS} sums a step")
    print("step  digit  exact  independent")
    for step, one in learn(given.width, given.digits, given.steps, marks):
        print(f"{step:4d}  {one.token_accuracy:.3f}  {one.exact_match:.3f}  {one.independent:.3f}", flush=True)


if __name__ == "__main__":
    main()
