"""What reinforcement is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class GRPOConfig:
    """The numbers of GRPO. One step asks prompts_per_step questions samples_per_prompt times and moves once."""

    steps: int = 40
    """rounds of answers, rewards, and one move of the weights"""
    prompts_per_step: int = 32
    """questions in a round"""
    samples_per_prompt: int = 8
    """answers to each question, compared with each other"""
    max_new_tokens: int = 16
    """tokens in an answer at most; a longer one is cut and rarely right"""
    temperature: float = 1.0
    """of the answers; 1: the model's own distribution, as the theory has it"""
    optimizer: Literal["muon", "adamw"] = "adamw"
    """how gradients become moves"""
    learning_rate: float = 0.0005
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.002
    """Muon's peak rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 3
    """steps over which the rate rises"""
    clip_low: float = 0.2
    """how far below 1 the ratio to the sampling policy may still push"""
    clip_high: float = 0.28
    """how far above 1"""
    kl_coefficient: float = 0.0
    """pull towards the model before reinforcement; 0: none, and no copy of it is kept"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    rows_at_once: int = 128
    """answers that go through the model at once"""
    checkpoint_every: int = 10
    """steps between checkpoints; 0: only at the end"""
    families: tuple[str, ...] = ()
    """families of instructions to practise; none named: those marked as hard"""
    seed: int = 3
    """where chance begins"""

    def __post_init__(self) -> None:
        for name, least in (("prompts_per_step", 1), ("samples_per_prompt", 2), ("max_new_tokens", 1), ("rows_at_once", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use {least} or more")
        for name in ("temperature", "clip_low", "clip_high"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)} must be above 0; leave it out for the usual value")
        if self.kl_coefficient < 0:
            raise ConfigError(f"kl_coefficient={self.kl_coefficient} is below 0; use 0 or a small number such as 0.02")
        try:
            self.training()
        except ConfigError as error:
            raise ConfigError(str(error).replace("train.", "align.")) from error

    @property
    def parts(self) -> int:
        """Batches that a round is cut into: whole groups, at most rows_at_once answers each."""
        groups = max(1, self.rows_at_once // self.samples_per_prompt)
        return -(-self.prompts_per_step // groups)

    def training(self) -> TrainConfig:
        """The same numbers for the training loop."""
        names = ("steps", "optimizer", "learning_rate", "matrix_learning_rate", "schedule", "warmup_steps", "max_grad_norm",
                 "checkpoint_every", "seed")
        rows = -(-self.prompts_per_step // self.parts) * self.samples_per_prompt
        return TrainConfig(batch_size=rows, seq_len=self.max_new_tokens, gradient_accumulation_steps=self.parts, weight_decay=0.0,
                           **{name: getattr(self, name) for name in names})
