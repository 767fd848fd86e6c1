"""GRPO beside TRL's GRPOTrainer: the same model, prompts, reward, group and lengths; steps a second of both in one run.

    python benchmarks/alignment/grpo.py runs/demo/model [--steps 6] [--prompts 8] [--samples 8] [--tokens 24]

A step asks `prompts` questions, takes `samples` answers to each of at most `tokens` tokens, and moves the weights once with all of them (AdamW, no
pull). TRL runs on `transformers` on the same threads, its answers by `generate`. One step of each is made before and not counted; then they take
turns, and the median of the turns counts.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from groundup.alignment.config import GrpoConfig
from groundup.alignment.environments.rollouts import task
from groundup.alignment.grpo import grpo
from groundup.alignment.rewards.verifiable import right
from groundup.data.sources.tinyworld import check, instructions
from groundup.inference.handle import end_of_turn, load
from groundup.processor import machine_name

FAMILIES = ("sort", "sum_long")


def ours(folder: Path, options: Any) -> float:
    """Seconds a step of ours: the time between its first and its last step."""
    handle = load(folder, device="cpu")
    handle.module.compute_dtype = torch.float32
    items = list(instructions(1, 400, "train", FAMILIES))
    tasks = [task(item.prompt, item, handle.tokenizer) for item in items]
    config = GrpoConfig(
        steps=options.steps + 1, prompts_per_step=options.prompts, samples_per_prompt=options.samples, max_new_tokens=options.tokens,
        checkpoint_every=0, warmup_steps=0, schedule="constant", learning_rate=1e-5,
    )  # fmt: skip
    times: list[float] = []
    stops = handle.stop_ids() | end_of_turn(handle.tokenizer)
    listeners = [lambda event: times.append(time.perf_counter())]
    grpo(handle.module, handle.tokenizer, tasks, right, config, stop_ids=stops, listeners=listeners)
    return (times[-1] - times[0]) / options.steps


def theirs(folder: Path, options: Any) -> float:
    """Seconds a step of TRL's."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    words, items = AutoTokenizer.from_pretrained(folder), list(instructions(1, 400, "train", FAMILIES))
    rows = [{"prompt": [{"role": "user", "content": item.prompt}], "place": place} for place, item in enumerate(items)]

    def judge(completions: Any, place: Any, **_: Any) -> list[float]:
        return [float(check(items[at], one[0]["content"])) for one, at in zip(completions, place, strict=True)]

    class Clock(TrainerCallback):
        times: list[float] = []  # noqa: RUF012

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.times.append(time.perf_counter())

    clock, batch = Clock(), options.prompts * options.samples
    clock.times = []
    with tempfile.TemporaryDirectory() as out:
        asked = GRPOConfig(
            output_dir=out, max_steps=options.steps + 1, per_device_train_batch_size=batch, num_generations=options.samples,
            max_completion_length=options.tokens, beta=0.0, learning_rate=1e-5, lr_scheduler_type="constant", use_cpu=True, bf16=False,
            report_to=[], save_strategy="no", logging_steps=1000, disable_tqdm=True, gradient_checkpointing=False, seed=1,
        )  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        trainer = GRPOTrainer(
            model=model, reward_funcs=judge, args=asked, train_dataset=Dataset.from_list(rows), processing_class=words, callbacks=[clock]
        )
        trainer.train()
    return (clock.times[-1] - clock.times[0]) / options.steps


def main() -> None:
    """Take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    for name, value in (("steps", 6), ("prompts", 8), ("samples", 8), ("tokens", 24), ("turns", 3), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found: dict[str, list[float]] = {"groundup": [], "trl": []}
    for _ in range(options.turns):
        found["groundup"].append(ours(options.model, options))
        found["trl"].append(theirs(options.model, options))
    middle = {name: statistics.median(times) for name, times in found.items()}
    print(f"{machine_name()}, {options.threads} threads, float32; {options.prompts} x {options.samples} answers of at most {options.tokens} tokens a step")
    print("| | seconds a step | steps a second |\n|---|---|---|")
    for name, seconds in middle.items():
        print(f"| {name} | {seconds:.3f} | {1 / seconds:.2f} |")
    print(f"ratio {middle['trl'] / middle['groundup']:.2f}")


if __name__ == "__main__":
    main()
