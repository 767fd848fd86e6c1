"""What a run of on-policy distillation is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.alignment.config import RoundsConfig
from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class DistillConfig(RoundsConfig):
    """The numbers of on-policy distillation: the student answers, and every token is compared with the teacher's."""

    method: Literal["distill"] = "distill"
    """a larger model of the same tokens teaches (--teacher FOLDER)"""
    samples_per_prompt: int = 1
    """answers to each task"""
    prompts_per_step: int = 64
    """tasks asked in a step"""
    divergence: Literal["reverse", "forward"] = "reverse"
    """reverse: KL(student || teacher), which leaves out what the teacher would not say; forward: KL(teacher || student), which covers it all"""
    learning_rate: float = 0.001
    """AdamW's peak rate"""

    def __post_init__(self) -> None:
        RoundsConfig.__post_init__(self)
        if self.environment != "answers":
            raise ConfigError(
                f"environment={self.environment} is not played by distill, whose teacher speaks to plain answers; leave it out, or use method = grpo"
            )
        if self.reward == "model":
            raise ConfigError(
                "reward=model would judge nothing here, as the teacher judges every token; leave the reward model (--reward-model) out, "
                "or use method = grpo"
            )
        if self.kl_coefficient:
            raise ConfigError(
                f"kl_coefficient={self.kl_coefficient} would pull back to the student as it was; leave it out, the teacher pulls"
            )
