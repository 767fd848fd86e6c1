"""What a run of alignment is told, a dataclass a method; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.training.config import OptimizerName, TrackerName, TrainConfig


def warmed(warmup_steps: int, steps: int) -> int:
    """Steps over which the rate rises: at most half of them all, so that a short run reaches its peak too.

    >>> warmed(10, 100), warmed(10, 6)
    (10, 3)
    """
    return min(warmup_steps, steps // 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundsConfig:
    """The numbers of every method that tries: a step asks tasks, takes answers to each, and moves the weights a few times."""

    data: str | None = None
    """a JSON-lines file of questions with the answers wanted (question or prompt, answer); none: tinyworld's"""
    families: tuple[str, ...] = ()
    """task families of tinyworld that are practised; none named: those that are hard for a small model"""
    reward: Literal["right", "near", "taste", "number", "model"] = "right"
    """who judges: the right answer, how near one comes to it, tinyworld's taste, its last number, or an earlier stage's reward model"""
    environment: Literal["answers", "tools", "reasoning"] = "answers"
    """what may come before an answer: nothing, calls of a calculator, or thoughts in <think>"""
    demonstrations: int = 0
    """conversations that show how, learned before the first round; 0: the model knows the form"""
    steps: int = 40
    """rounds of asking, judging and learning"""
    prompts_per_step: int = 32
    """tasks asked in a step"""
    samples_per_prompt: int = 8
    """answers to each task"""
    updates_per_step: int = 1
    """moves of the weights made with a step's answers, each with a part of them"""
    max_new_tokens: int = 24
    """tokens of an answer at most; one that is cut here is worth no more than the worst of its round"""
    temperature: float = 1.0
    """how freely answers are drawn; 1: as the model itself would, as the theory has it"""
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
    """steps over which the rate rises from 0 to its peak; at most half of all"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    checkpoint_every: int = 10
    """steps between checkpoints; 0: only at the end"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl, for example ["tensorboard", "wandb"]; offline, in the stage's folder"""
    seed: int = 1
    """where the order of the tasks and the drawing of answers begin"""

    def __post_init__(self) -> None:
        least = {"steps": 1, "prompts_per_step": 1, "updates_per_step": 1, "max_new_tokens": 1}
        for name, number in (least | {"samples_per_prompt": self.least_samples}).items():
            if getattr(self, name) < number:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use {number} or more")
        if self.demonstrations < 0 or (self.environment != "answers" and self.reward == "model"):
            raise ConfigError(
                f"demonstrations={self.demonstrations} must be 0 or more, and {self.environment} judges an answer by a program: use reward = right"
            )
        if self.updates_per_step > self.prompts_per_step:
            raise ConfigError(
                f"updates_per_step={self.updates_per_step} is more than there are tasks in a step; "
                f"use {self.prompts_per_step} or less"
            )
        if not self.temperature > 0:
            raise ConfigError(
                f"temperature={self.temperature} would give equal answers; use a number above 0, such as 1"
            )
        if self.kl_coefficient < 0:
            raise ConfigError(f"kl_coefficient={self.kl_coefficient} is below 0; use 0, or a small number such as 0.02")
        self.training()  # checks the numbers that both have

    @property
    def least_samples(self) -> int:
        """Answers to a task that the method needs."""
        return 1

    @property
    def updates(self) -> int:
        """Moves of the weights in a step, all passes over its answers together."""
        return self.updates_per_step

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
        counts = {name: getattr(self, name) * self.updates for name in ("steps", "warmup_steps", "checkpoint_every")}
        counts["warmup_steps"] = warmed(counts["warmup_steps"], counts["steps"])
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


@dataclass(frozen=True, kw_only=True, slots=True)
class GrpoConfig(RoundsConfig):
    """The numbers of GRPO: several answers to each task, judged against each other."""

    method: Literal["grpo"] = "grpo"
    """each answer against the others of its group"""
    scale_advantages: bool = True
    """whether advantages are divided by the group's deviation (GRPO) or not (Dr. GRPO)"""
    average: Literal["token", "answer", "longest"] = "token"
    """what weighs alike: tokens (DAPO), answers (GRPO as published), or every answer's sum over max_new_tokens (Dr. GRPO)"""
    importance: Literal["token", "sequence"] = "token"
    """what has a ratio: each token, or an answer as a whole (GSPO; its ranges are narrow, such as clip_low=0.0003, clip_high=0.0004)"""
    clip_low: float = 0.2
    """how far below 1 the ratio to the model that answered still counts"""
    clip_high: float = 0.28
    """how far above 1; wider, so that rare tokens can become likely (DAPO)"""

    def __post_init__(self) -> None:
        RoundsConfig.__post_init__(self)
        if not (0 < self.clip_low < 1 and self.clip_high > 0):
            raise ConfigError(
                f"clip_low={self.clip_low} and clip_high={self.clip_high} are no range around 1; use 0.2 and 0.28"
            )

    @property
    def least_samples(self) -> int:
        """A group of one has nothing to be compared with."""
        return 2


@dataclass(frozen=True, kw_only=True, slots=True)
class RlooConfig(RoundsConfig):
    """The numbers of RLOO: what is expected of an answer is the mean of the others to the same task."""

    method: Literal["rloo"] = "rloo"
    """each answer against the mean of the others of its group"""
    samples_per_prompt: int = 4
    """answers to each task"""

    @property
    def least_samples(self) -> int:
        """The mean of no other answer is nothing."""
        return 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ReinforceConfig(RoundsConfig):
    """The numbers of REINFORCE: an answer's reward, less a baseline, pushes its tokens."""

    method: Literal["reinforce"] = "reinforce"
    """the policy gradient itself"""
    samples_per_prompt: int = 1
    """answers to each task"""
    prompts_per_step: int = 128
    """tasks asked in a step"""
    baseline: Literal["none", "batch"] = "batch"
    """what is expected of an answer: nothing, or the mean of the other answers of the step"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PpoConfig(RoundsConfig):
    """The numbers of PPO: a second head guesses what an answer will be worth, token by token, and the answers are used several times."""

    method: Literal["ppo"] = "ppo"
    """each token against what a value head expected"""
    samples_per_prompt: int = 1
    """answers to each task"""
    prompts_per_step: int = 128
    """tasks asked in a step"""
    updates_per_step: int = 2
    """parts that a step's answers are cut into; each moves the weights once a pass"""
    epochs: int = 2
    """passes over a step's answers"""
    clip: float = 0.2
    """how far from 1 the ratio to the model that answered still counts"""
    value_clip: float = 0.2
    """how far a guess of the value may move in a step and still count; 0: any distance"""
    value_coefficient: float = 0.1
    """weight of the value head's loss beside the policy's"""
    discount: float = 1.0
    """what a reward one token later is worth; 1: an answer is one thing"""
    decay: float = 0.95
    """lambda of GAE: 0 believes the value head, 1 the rewards"""
    whiten: bool = True
    """whether advantages are brought to mean 0 and deviation 1 over the step's tokens"""
    kl_coefficient: float = 0.02
    """price of a nat away from the model before reinforcement; 0: none, and no copy of it is kept"""
    kl_target: float = 0.0
    """nats an answer that the price is adapted to; 0: the price stays"""

    def __post_init__(self) -> None:
        RoundsConfig.__post_init__(self)
        if self.epochs < 1:
            raise ConfigError(f"epochs={self.epochs} is not possible; use 1 or more")
        if not 0 < self.clip < 1 or self.value_clip < 0:
            raise ConfigError(
                f"clip={self.clip} and value_clip={self.value_clip} are no distances; use 0.2 for both, or value_clip 0"
            )
        for name in ("discount", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not between 0 and 1; use 1, or 0.95")
        if self.value_coefficient < 0 or self.kl_target < 0:
            raise ConfigError(
                f"value_coefficient={self.value_coefficient} and kl_target={self.kl_target} cannot be below 0; use 0.1 and 0"
            )
        if self.kl_target and not self.kl_coefficient:
            raise ConfigError(
                f"kl_target={self.kl_target} needs a price to adapt; set kl_coefficient, for example to 0.02"
            )

    @property
    def updates(self) -> int:
        """Moves of the weights in a step, all passes over its answers together."""
        return self.updates_per_step * self.epochs
