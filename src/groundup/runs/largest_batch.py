"""How many rows go through the model at once, where [train] says `largest_batch`: found by trying steps, decided once a stage.

A trial is a child process that builds the model, makes two steps on random tokens, with everything that the run would hold (optimiser, gradients of an
accumulation, running mean, the copy of a background save), and says what it had at its peak. It is ended as soon as it holds more than it may. The limit is
`memory_gb`, or what is free now less a tenth; what this process holds already counts. `model.accounting` says where to begin; what it leaves out is the
program itself, which is added. Two steps are not a run: validations, samples and what the allocator keeps for later come on top (`MORE`).
"""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from groundup import files, progress
from groundup.errors import ConfigError
from groundup.runs import child, resources
from groundup.runs.context import Context
from groundup.training.monitor.gauges import resident

MAY_USE = 0.9  # of what is free: other programs move too
MORE = 1.3  # of what a trial needs beside its program: a run of 16 rows of 256 tokens, four layers 128 wide, peaked at 1.29 of it
LOOK_EVERY_S = 0.05
RESULT, ASKED = "peak.json", "asked.json"


def decide(context: Context, tokenizer: Any) -> Context:
    """The stage with the batch that was found; as it is where none is asked for."""
    config = context.config
    if not config.largest_batch:
        return context
    rows = config.batch_size * config.gradient_accumulation_steps
    found = context.choose("largest_batch", lambda: find(context, tokenizer, rows))
    fitted = dataclasses.replace(config, batch_size=found, gradient_accumulation_steps=rows // found)
    configs = dict(context.recipe.configs) | {context.stage.sections[-1]: fitted}
    return dataclasses.replace(context, recipe=dataclasses.replace(context.recipe, configs=configs))


def find(context: Context, tokenizer: Any, rows: int) -> int:
    """The largest divisor of `rows` whose step fits; ConfigError where not one row does."""
    from groundup.model.formats.huggingface import load_config
    from groundup.runs.stages.train import shape_of
    from groundup.training.step.low_memory import divisors, largest_that_fits

    config = context.config
    if "start" in context.inputs:
        shape = load_config(context.inputs["start"])
    else:
        shape = shape_of(context.recipe.configs["model"], tokenizer, config.objective)
    limit = limit_bytes(config.memory_gb, context.device())
    about = {
        "model": shape.to_dict(),
        "train": dataclasses.asdict(config) | {"largest_batch": False, "memory_gb": 0.0},
        "tokenizer": str(Path(context.inputs["tokenizer"]).resolve()),
        "dtype": context.dtype() or "float32",
        "device": context.device(),
        "threads": context.recipe.configs["machine"].threads,
    }
    peaks: dict[int, int] = {}
    resources.give_back()
    held = resources.memory_bytes() if about["device"] == "cpu" else 0

    def fits(batch: int) -> bool:
        needed = trial(about | {"rows": batch, "several": batch < rows}, limit)
        if needed is not None:
            peaks[batch] = held + round(MORE * needed)
        return needed is not None and peaks[batch] <= limit

    choices = divisors(rows)
    found = largest_that_fits(choices, fits, guess(shape, config, about["dtype"], limit, choices))
    if not found:
        raise ConfigError(nothing_fits(config, limit))
    progress.say(
        f"largest batch: {found} of {rows} rows at once ({said(peaks[found])} of {said(limit)}), {rows // found} batches a step"
    )
    return found


def limit_bytes(memory_gb: float, device: str) -> int:
    """What a run may hold at its peak, the program included."""
    if memory_gb:
        return round(memory_gb * 1e9)
    if device.startswith("cuda"):
        import torch

        return round(MAY_USE * torch.cuda.mem_get_info(device)[0])
    return round(MAY_USE * resources.available_bytes())


def guess(shape: Any, config: Any, dtype: str, limit: int, choices: list[int]) -> int:
    """The largest batch that accounting lets fit; the smallest where it cannot count this model."""
    from groundup.errors import UnsupportedModel
    from groundup.model.accounting import memory
    from groundup.runs.estimate import step_of

    try:
        sizes = {
            batch: memory(shape, step_of(dataclasses.replace(config, batch_size=batch), dtype)).total
            for batch in choices
        }
    except UnsupportedModel:
        return choices[0]
    return max((batch for batch, size in sizes.items() if size + resources.memory_bytes() <= limit), default=choices[0])


def trial(about: dict[str, Any], limit: int) -> int | None:
    """Bytes that two steps with so many rows need beside the program; None where the child held more than `limit` or died of it."""
    with tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        files.write_json(Path(folder) / ASKED, about)
        environment = os.environ | {"GROUNDUP_QUIET": "1"}
        said = Path(folder) / "said.txt"  # a file: nobody reads a pipe while the child is watched
        with open(said, "w", encoding="utf-8") as file:
            tried = subprocess.Popen(
                child.command("largest_batch", folder), env=environment, stdin=subprocess.DEVNULL, stderr=file
            )
            fits = _watched(tried, limit if about["device"] == "cpu" else sys.maxsize)
        errors, result = said.read_text("utf-8", "replace"), Path(folder) / RESULT
        if not fits or child.lacked_memory(tried.returncode, errors):
            return None
        child.raise_mistake(tried.returncode, errors)
        assert result.exists(), f"the trial of {about['rows']} rows failed: {errors.strip()[-2000:]}"
        return files.read_json(result)["needed_bytes"]


def _watched(tried: subprocess.Popen, limit: int) -> bool:
    """Wait for a child; False where it was ended because it held more than it may."""
    while tried.poll() is None:
        held = resident(Path(f"/proc/{tried.pid}/status")).get("VmHWM")
        if held is not None and held > limit:
            tried.kill()
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def main(folder: str) -> None:
    """Make two steps as a run would and write down what they need; a child process of `trial`."""
    import torch

    about = json.loads((Path(folder) / ASKED).read_text("utf-8"))
    module, config, task, marks = made(about)
    on_gpu = about["device"].startswith("cuda")
    began = 0 if on_gpu else resources.memory_bytes() - sum(one.nbytes for one in module.parameters())
    two_steps(module, config, task, about["rows"], 2 if about["several"] else 1, marks)
    peak = torch.cuda.max_memory_reserved() if on_gpu else resources.memory_bytes("VmHWM")
    files.write_json(Path(folder) / RESULT, {"needed_bytes": peak - began})


def made(about: dict[str, Any]) -> tuple[Any, Any, Any, set[int]]:
    """Module, configuration and task of a trial, and the tokens that stand in no text."""
    from groundup.model.architectures import build, config_from_dict
    from groundup.runs.settings import MachineConfig, apply
    from groundup.text.tokenizers import load_tokenizer
    from groundup.training.config import TrainConfig
    from groundup.training.objectives.registry import marks_of
    from groundup.training.objectives.task import prepare
    from groundup.training.step.float8 import compute_in

    apply(MachineConfig(threads=about["threads"]))
    train: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in about["train"].items()
    }
    config = TrainConfig(**train)
    tokenizer = load_tokenizer(about["tokenizer"])
    task = prepare(config, tokenizer)
    marks = {*tokenizer.special_tokens.values(), *marks_of(tokenizer, config.objective, config.seq_len)}
    module = task.trained(build(config_from_dict(about["model"]), seed=0, device=about["device"]))
    compute_in(module, about["dtype"])
    return module, config, task, marks


def two_steps(module: Any, config: Any, task: Any, rows: int, batches: int, marks: Collection[int] = ()) -> None:
    """Two optimiser steps on random tokens, with all that a run holds beside. marks: tokens that stand in no text."""
    from groundup.runs.precision import synthetic_batch
    from groundup.training.loop.state import RunState
    from groundup.training.objectives.balanced import balanced
    from groundup.training.objectives.registry import text_length
    from groundup.training.step.activation_checkpointing import with_less_kept

    run = RunState(module, config, with_less_kept(module, balanced(module, task.loss)[0], config))
    run.remember()
    held = (*module.state_dict().values(), *run.state().values())
    copies = [tensor.clone() for tensor in held] if config.save_in_background else []
    plain = synthetic_batch(module, rows, text_length(config.objective, config.seq_len), marks)
    for _ in range(2):
        run.gradient([task.batch(plain, 0)] * batches)
        run.update(1.0)
        module.zero_grad(set_to_none=True)
    del copies


def nothing_fits(config: Any, limit: int) -> str:
    """What to do where not even one row fits."""
    return f"not even one row of {config.seq_len} tokens fits into {said(limit)}; {child.ways(config)}"


def said(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e9:.2f} GB"
