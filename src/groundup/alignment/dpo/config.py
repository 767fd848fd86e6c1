"""What a run of preference optimisation is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.alignment.config import warmed
from groundup.errors import ConfigError
from groundup.training.config import OptimizerName, TrackerName, TrainConfig

Method = Literal["dpo", "ipo", "kto", "orpo", "simpo"]
BETA = {"dpo": 0.1, "ipo": 0.1, "kto": 0.1, "orpo": 0.1, "simpo": 2.0}  # the authors' usual values
WITH_REFERENCE = ("dpo", "ipo", "kto")


@dataclass(frozen=True, kw_only=True, slots=True)
class DpoConfig:
    """The numbers of preference optimisation: which loss, how hard, how often every pair is seen."""

    method: Method = "dpo"
    """the loss; kto also takes answers without a partner, orpo and simpo keep no reference"""
    data: str | None = None
    """a JSON-lines file of pairs; none: pairs by tinyworld's written taste, or by a reward model"""
    heldout: int = 200
    """pairs of the file that are kept back to measure, at most a tenth; 0: none"""
    answers: Literal["own", "world"] = "own"
    """whose answers are compared where there is no file: the model's own, drawn before it learns, or those that tinyworld writes"""
    reward: Literal["right", "near", "taste", "model"] = "taste"
    """who orders the model's own answers: as in the methods that try"""
    families: tuple[str, ...] = ()
    """task families of tinyworld that are asked; none named: those that are hard for a small model"""
    pairs: int = 2000
    """questions, each answered `samples` times (own), or pairs (world); what says nothing is left out"""
    samples: int = 4
    """own: answers to a question, of which the best and the worst make a pair"""
    least_margin: float = 0.25
    """own: by how many points of the judge the best must be better; of two wrong answers the shorter one is worth a little more"""
    max_new_tokens: int = 24
    """own: tokens of an answer at most"""
    beta: float | None = None
    """how hard the policy is held to its reference (orpo, simpo: the loss's scale); none: the authors' value, 0.1, simpo 2"""
    label_smoothing: float = 0.0
    """dpo: the share of pairs whose order is taken to be wrong, below 0.5"""
    margin: float = 1.0
    """simpo: by how much the chosen answer must be likelier before its pair counts as learned"""
    desirable_weight: float = 1.0
    """kto: weight of answers that were called good"""
    undesirable_weight: float = 1.0
    """kto: weight of answers that were called bad"""
    too_long: Literal["drop", "cut"] = "drop"
    """a pair that does not fit: leave it out, or cut its answers at the end; both are counted and said"""
    max_length: int = 0
    """tokens of a prompt with one answer at most; 0: the model's context"""
    epochs: float = 1.0
    """how often every pair is seen"""
    steps: int = 0
    """optimiser steps; 0: as many as the epochs take"""
    batch_size: int = 16
    """pairs (kto: answers) that go through the model at once"""
    gradient_accumulation_steps: int = 1
    """batches whose gradients are summed before one step"""
    optimizer: OptimizerName = "adamw"
    """muon: Muon for the matrices inside the blocks, AdamW for the rest; any other: that one for all"""
    optimizer_state: Literal["bf16", "8bit"] | None = None
    """AdamW's two means in 4 or 2 bytes a weight instead of 8, rounded at random; none: fp32"""
    learning_rate: float = 0.0002
    """AdamW's peak rate; ten to a hundred times less than in tuning, for models of billions 5e-7"""
    matrix_learning_rate: float = 0.001
    """Muon's peak rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 5
    """steps over which the rate rises from 0 to its peak; at most half of all"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    checkpoint_every: int = 50
    """steps between checkpoints; 0: only at the end"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl, for example ["tensorboard", "wandb"]; offline, in the stage's folder"""
    seed: int = 1
    """where the order of the pairs begins"""

    def __post_init__(self) -> None:
        if self.method not in BETA:
            raise ConfigError(f"method={self.method!r} is not known; use one of {', '.join(BETA)}")
        if not self.strength > 0:
            raise ConfigError(f"beta={self.beta} would hold the policy to nothing; use a number above 0, such as 0.1")
        if not 0 <= self.label_smoothing < 0.5:
            raise ConfigError(f"label_smoothing={self.label_smoothing} would take most labels for wrong; use 0 to 0.49")
        for name in ("desirable_weight", "undesirable_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name}={getattr(self, name)} is below 0; use 0 or more")
        if self.heldout < 0:
            raise ConfigError(f"heldout={self.heldout} is below 0; use 0 for none, or 200")
        if not self.least_margin >= 0:
            raise ConfigError(f"least_margin={self.least_margin} is below 0; use 0 or more, such as 0.25")
        if self.pairs < 1 or self.samples < 2 or self.max_new_tokens < 1:
            raise ConfigError(
                f"pairs={self.pairs}, samples={self.samples} and max_new_tokens={self.max_new_tokens} make no pair; use 2000, 4 and 24"
            )
        if self.reward == "model" and (self.data or self.answers == "world"):
            raise ConfigError(
                "reward=model orders the model's own answers, and data or answers=world gives pairs that are ordered; leave the reward model "
                "(--reward-model) out, or the pairs (--pairs)"
            )
        if self.steps < 0 or self.max_length < 0:
            raise ConfigError(
                f"steps={self.steps} and max_length={self.max_length} must be 0 or more; 0: found from the data"
            )
        if not self.epochs > 0:
            raise ConfigError(f"epochs={self.epochs} would learn nothing; use a number above 0, such as 1")
        self.training(self.steps or 1)  # checks the numbers that both have

    @property
    def strength(self) -> float:
        """Beta as given, or the authors' value for the method."""
        return BETA[self.method] if self.beta is None else self.beta

    def training(self, steps: int, tokens: int = 1) -> TrainConfig:
        """The training loop's configuration for so many steps over rows of about so many tokens."""
        shared = {name: getattr(self, name) for name in SHARED}
        return TrainConfig(
            steps=steps, warmup_steps=warmed(self.warmup_steps, steps), seq_len=tokens, weight_decay=0.0, validate_every=0, sample_every=0, **shared,
        )  # fmt: skip


SHARED = (
    "batch_size", "gradient_accumulation_steps", "optimizer", "optimizer_state", "learning_rate", "matrix_learning_rate", "schedule",
    "max_grad_norm", "checkpoint_every", "trackers", "seed",
)  # fmt: skip
