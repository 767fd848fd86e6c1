"""What a training run is told; importing it loads no torch, so recipes and the command line can read it at once."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from groundup.errors import ConfigError, did_you_mean
from groundup.training.schedules import batches_before

OptimizerName = Literal[
    "muon", "adamw", "adam", "lion", "adafactor", "rmsprop", "nesterov", "momentum", "sgd"
]  # groundup.training.optimizers


ScheduleName = Literal["wsd", "linear", "cosine", "constant"]  # groundup.training.schedules


InitializationName = Literal["scaled", "normal", "look_back"]  # groundup.model.layers


ObjectiveName = Literal[
    "causal",
    "multi_token",
    "fill_in_middle",
    "prefix",
    "answer",
    "masked",
    "contrastive",
    "span",
    "denoisers",
    "blanks",
]  # groundup.training.objectives.registry


TrackerName = Literal["tensorboard", "mlflow", "wandb", "trackio"]  # groundup.training.monitor.trackers


WORDS = {
    "objective": ObjectiveName,
    "optimizer": OptimizerName,
    "schedule": ScheduleName,
    "initialization": InitializationName,
}


def check_trackers(names: tuple[str, ...]) -> None:
    """Refuse a tracker that is not known or stands twice."""
    known = get_args(TrackerName)
    for place, name in enumerate(names):
        if name not in known:
            raise ConfigError(f"trackers: {name!r} is not known; {did_you_mean(str(name), known)}")
        if name in names[:place]:
            raise ConfigError(f"trackers: {name!r} stands twice; name it once")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """The loop's numbers. One step is gradient_accumulation_steps * batch_size rows of seq_len tokens."""

    objective: ObjectiveName = "causal"
    """what the model is asked: every next token, or the hidden ones (masked: an encoder), cut-out spans (span, denoisers: an encoder-decoder), ..."""
    z_loss: float = 0.0
    """pulls the scores' log Z to 0 so that they do not drift, such as 1e-4; 0: off"""
    steps: int = 1000
    """optimiser steps"""
    batch_size: int = 16
    """rows that go through the model at once"""
    seq_len: int = 256
    """tokens in a row"""
    gradient_accumulation_steps: int = 1
    """batches whose gradients are summed before one step"""
    batch_ramp_steps: int = 0
    """steps over which the number of batches summed grows from 1 to gradient_accumulation_steps; 0: all from the first step on"""
    optimizer: OptimizerName = "muon"
    """muon: Muon for the matrices inside the blocks, AdamW for embedding, head and gains; any other: that one for all"""
    optimizer_state: Literal["bf16", "8bit"] | None = None
    """AdamW's two means in 4 or 2 bytes a weight instead of 8, rounded at random; none: fp32"""
    learning_rate: float = 0.006
    """peak rate of all that Muon does not move; lion wants a fifth of AdamW's, sgd tens of times as much"""
    matrix_learning_rate: float = 0.02
    """Muon's peak rate"""
    matrix_momentum: float = 0.95
    """share of itself that Muon's velocity keeps a step; short runs want less: 0.7 in one of 150 steps"""
    weight_decay: float = 0.05
    """decay of the matrices, a fraction of the learning rate; part of the gradient for adam, rmsprop, nesterov, momentum, sgd"""
    beta1: float = 0.9
    """share of itself that the mean of the gradients, or the velocity, keeps a step"""
    beta2: float | None = None
    """share that the mean of the squares keeps (lion: its mean); none: 0.95 for AdamW, else its authors' own (adam 0.999, rmsprop and lion 0.99)"""
    schedule: ScheduleName = "wsd"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 20
    """steps over which the rate rises from 0 to its peak"""
    decay_fraction: float = 0.6
    """wsd: the last part of the run in which the rate falls to 0"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    on_spike: Literal["off", "skip", "rollback", "stop"] = "off"
    """a loss or gradient far above those before, or NaN: skip that step, roll back to the last checkpoint's state, or stop; off: only NaN stops"""
    spike_factor: float = 6.0
    """how many deviations above the median of the last 64 steps are far"""
    ema_decay: float = 0.0
    """share of itself that the running mean of the weights keeps a step, such as 0.99; 0: there is none"""
    validate_every: int = 200
    """steps between validations; 0: only at the end"""
    score_every: int = 0
    """steps between scores of copying (a random sequence continued the second time it is seen); 0: never"""
    sample_every: int = 200
    """steps between samples of the model's text; 0: only at the end"""
    checkpoint_every: int = 100
    """steps between checkpoints; 0: only at the end"""
    keep_checkpoints: int = 2
    """how many of the newest checkpoints stay"""
    keep_best: int = 0
    """how many of those with the lowest validation stay besides; only steps that are validated count"""
    keep_every: int = 0
    """a checkpoint after every so many steps is made, and stays for good; 0: none"""
    save_in_background: bool = True
    """write checkpoints while training goes on, from a copy in memory (once more the weights and the optimiser's state)"""
    on_failed_save: Literal["stop", "go_on"] = "stop"
    """when a checkpoint cannot be written, as the disk is full: stop the run, or say so and train on"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl, for example ["tensorboard", "wandb"]; offline, in the stage's folder"""
    largest_batch: bool = False
    """let as many rows at once through the model as fit, and accumulate the fewer batches: batch_size * gradient_accumulation_steps stays"""
    memory_gb: float = 0.0
    """largest_batch: what the process may hold, in 10^9 bytes; 0: nine tenths of what is free"""
    activation_checkpointing: Literal["none", "layers", "offload"] = "none"
    """what blocks keep for the way back; layers: what enters them, the rest is computed again; offload: elsewhere (beside a GPU, on disk)"""
    activation_checkpointing_every: int = 1
    """only the first of each so many blocks does; 1: all"""
    compile: bool = False
    """let torch compile the blocks (needs a C++ compiler on a CPU, and half a minute): measure before you use it"""
    initialization: InitializationName = "scaled"
    """first weights; look_back: heads that copy from the start, for small budgets (a qwen3 with a tied head)"""
    seed: int = 1
    """where the order of the data and the first weights begin"""

    def __post_init__(self) -> None:
        self._check_words()
        self._check_finite()
        self._check_optimizer()
        for name in ("steps", "batch_size", "seq_len", "gradient_accumulation_steps", "keep_checkpoints"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        for name in ("learning_rate", "matrix_learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(
                    f"{name}={getattr(self, name)} would train nothing; use a number above 0, such as 0.006"
                )
        for name in (
            "batch_ramp_steps",
            "warmup_steps",
            "weight_decay",
            "max_grad_norm",
            "validate_every",
            "score_every",
            "sample_every",
            "checkpoint_every",
            "keep_best",
            "keep_every",
        ):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name}={getattr(self, name)} is below 0; use 0 or more")
        for name, usual in (("beta1", 0.9), ("beta2", 0.95), ("matrix_momentum", 0.95), ("ema_decay", 0.99)):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ConfigError(f"{name}={value} must be at least 0 and below 1; use {usual}")
        if not 0 <= self.z_loss < 1:
            raise ConfigError(f"z_loss={self.z_loss} must be at least 0 and below 1; use 1e-4, or 0 for none")
        if not self.spike_factor > 0:
            raise ConfigError(
                f"spike_factor={self.spike_factor} would call every step a spike; use 6, or 4 to be strict"
            )
        self._check_memory()
        if self.batch_ramp_steps and self.gradient_accumulation_steps == 1:
            raise ConfigError(
                f"batch_ramp_steps={self.batch_ramp_steps} lets the number of batches of a step grow to gradient_accumulation_steps, "
                "which is 1; use 2 or more of them, or leave batch_ramp_steps out"
            )
        if not 0 < self.decay_fraction <= 1:
            raise ConfigError(f"decay_fraction={self.decay_fraction} must be above 0 and at most 1; use 0.6")

    def _check_finite(self) -> None:
        """Numbers that no other check holds on both sides: NaN is neither below 0 nor above."""
        for name in ("learning_rate", "matrix_learning_rate", "weight_decay", "max_grad_norm"):
            value = getattr(self, name)
            if not math.isfinite(value):
                usual = type(self).__dataclass_fields__[name].default
                raise ConfigError(f"{name}={value} is no finite number; use one such as {usual}")

    def _check_memory(self) -> None:
        if self.activation_checkpointing not in ("none", "layers", "offload"):
            raise ConfigError(
                f"activation_checkpointing={self.activation_checkpointing!r} is not known; use 'none', 'layers' or 'offload'"
            )
        if self.activation_checkpointing_every < 1:
            raise ConfigError(
                f"activation_checkpointing_every={self.activation_checkpointing_every} is not possible; use 1 for all blocks, "
                "2 for every other one"
            )
        if not 0 <= self.memory_gb < 1e6:
            raise ConfigError(
                f"memory_gb={self.memory_gb} is no amount of memory; use a number of GB, or 0 for what is free"
            )
        if self.memory_gb and not self.largest_batch:
            raise ConfigError(
                f"memory_gb={self.memory_gb} is the limit of largest_batch; set largest_batch = true, or leave it out"
            )
        if self.largest_batch and (self.batch_ramp_steps or self.objective == "contrastive"):
            other = "batch_ramp_steps" if self.batch_ramp_steps else "objective = 'contrastive'"
            raise ConfigError(
                f"largest_batch = true divides a step as this machine's memory wants it, and {other} depends on the division; "
                "set batch_size and gradient_accumulation_steps yourself"
            )
        if self.compile and self.activation_checkpointing != "none":
            raise ConfigError(
                "compile = true and activation_checkpointing cannot both be had: compiled blocks choose for themselves what "
                "they keep; leave one of them out"
            )

    def _check_words(self) -> None:
        """Keys that take one of a few words."""
        check_trackers(self.trackers)
        for name, words in WORDS.items():
            value = getattr(self, name)
            if value not in get_args(words):
                raise ConfigError(f"{name}={value!r} is not known; {did_you_mean(str(value), get_args(words))}")
        if self.on_failed_save not in ("stop", "go_on"):
            raise ConfigError(f"on_failed_save={self.on_failed_save!r} is not known; use 'stop' or 'go_on'")
        if self.on_spike not in ("off", "skip", "rollback", "stop"):
            raise ConfigError(f"on_spike={self.on_spike!r} is not known; use 'off', 'skip', 'rollback' or 'stop'")

    def _check_optimizer(self) -> None:
        if self.optimizer_state not in (None, "bf16", "8bit"):
            raise ConfigError(f"optimizer_state={self.optimizer_state!r} is not known; use 'bf16', '8bit', or none")
        if self.optimizer_state and self.optimizer not in ("adamw", "muon"):
            raise ConfigError(
                f"optimizer_state={self.optimizer_state!r} is for AdamW's means, and {self.optimizer} keeps others; "
                "use optimizer = 'adamw' or 'muon', or leave optimizer_state out"
            )

    @property
    def last_steps(self) -> int:
        """The last tenth of the run, whose mean loss is the run's result."""
        return max(1, self.steps // 10)

    @property
    def tokens(self) -> int:
        """Positions that the whole run sees, padding included."""
        return self.tokens_before(self.steps)

    def tokens_before(self, step: int) -> int:
        """Positions that so many first steps see."""
        batches = batches_before(step, self.gradient_accumulation_steps, self.batch_ramp_steps)
        return batches * self.batch_size * self.seq_len

    @property
    def tokens_per_step(self) -> int:
        """Positions that one optimiser step sees, padding included; with a batch that grows, from the end of its growth on."""
        return self.batch_size * self.seq_len * self.gradient_accumulation_steps
