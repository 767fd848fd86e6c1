"""What a run of reinforcement is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import OptimizerName, TrackerName, TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GrpoConfig:
    """The numbers of GRPO: a step asks tasks, takes several answers to each, and moves the weights a few times."""

    families: tuple[str, ...] = ()
    """task families of tinyworld that are practised; none named: those that are hard for a small model"""
    steps: int = 40
    """rounds of asking, judging and learning"""
    prompts_per_step: int = 32
    """tasks asked in a step"""
    samples_per_prompt: int = 8
    """answers to each task; they are judged against each other"""
    updates_per_step: int = 1
    """moves of the weights made with a step's answers, each with a part of them"""
    max_new_tokens: int = 24
    """tokens of an answer at most; one that is cut here gets no reward"""
    temperature: float = 1.0
    """how freely answers are drawn; 1: as the model itself would, as the theory has it"""
    scale_advantages: bool = True
    """whether advantages are divided by the group's deviation (GRPO) or not (Dr. GRPO)"""
    clip_low: float = 0.2
    """how far below 1 the ratio to the model that answered still counts"""
    clip_high: float = 0.28
    """how far above 1; wider, so that rare tokens can become likely (DAPO)"""
    kl_coefficient: float = 0.0
    """pull towards the model before reinforcement; 0: none, and no copy of it is kept"""
    optimizer: OptimizerName = "adamw"
    """muon: Muon for the matrices inside the blocks, AdamW for the rest; any other: that one for all"""
    optimizer_state: Literal["bf16", "8bit"] | None = None
    """AdamW's two means in 4 or 2 bytes a weight instead of 8, rounded at random; none: fp32"""
    learning_rate: float = 0.0005
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.002
    """Muon's peak rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 3
    """steps over which the rate rises from 0 to its peak"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    checkpoint_every: int = 10
    """steps between checkpoints; 0: only at the end"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl, for example ["tensorboard", "wandb"]; offline, in the stage's folder"""
    seed: int = 1
    """where the order of the tasks and the drawing of answers begin"""

    def __post_init__(self) -> None:
        least = {"steps": 1, "prompts_per_step": 1, "samples_per_prompt": 2, "updates_per_step": 1, "max_new_tokens": 1}
        for name, number in least.items():
            if getattr(self, name) < number:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use {number} or more")
        if self.updates_per_step > self.prompts_per_step:
            raise ConfigError(
                f"updates_per_step={self.updates_per_step} is more than there are tasks in a step; "
                f"use {self.prompts_per_step} or less"
            )
        if not self.temperature > 0:
            raise ConfigError(
                f"temperature={self.temperature} would give equal answers; use a number above 0, such as 1"
            )
        if not (0 < self.clip_low < 1 and self.clip_high > 0):
            raise ConfigError(
                f"clip_low={self.clip_low} and clip_high={self.clip_high} are no range around 1; use 0.2 and 0.28"
            )
        if self.kl_coefficient < 0:
            raise ConfigError(f"kl_coefficient={self.kl_coefficient} is below 0; use 0, or a small number such as 0.02")
        self.training()  # checks the numbers that both have

    def training(self) -> TrainConfig:
        """The training loop's configuration; one step of the loop is one update."""
        names = (
            "optimizer",
            "optimizer_state",
            "learning_rate",
            "matrix_learning_rate",
            "schedule",
            "max_grad_norm",
            "trackers",
            "seed",
        )
        counts = {
            name: getattr(self, name) * self.updates_per_step for name in ("steps", "warmup_steps", "checkpoint_every")
        }
        rows = -(-self.prompts_per_step // self.updates_per_step)
        shared = {name: getattr(self, name) for name in names}
        return TrainConfig(
            batch_size=rows,
            seq_len=self.samples_per_prompt * self.max_new_tokens,
            weight_decay=0.0,
            validate_every=0,
            sample_every=0,
            **counts,
            **shared,
        )
