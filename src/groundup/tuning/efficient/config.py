"""What the ways of tuning few weights are told; importing it loads no torch. Fields carry PEFT's names, as its adapter_config.json has them."""

from dataclasses import dataclass
from typing import Literal, get_args

from groundup.errors import ConfigError, did_you_mean

Targets = tuple[str, ...]
Initial = Literal["kaiming", "gaussian", "pissa", "olora"]
ATTENTION: Targets = ("q_proj", "k_proj", "v_proj", "o_proj")
ALL_LINEAR = "all-linear"


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraConfig:
    """LoRA: W + scale B A beside each target; also DoRA (use_dora) and rank-stabilised (use_rslora)."""

    r: int = 8
    """rank: columns of B and rows of A"""
    lora_alpha: float = 16.0
    """the scale is lora_alpha / r; rank-stabilised: lora_alpha / sqrt(r)"""
    lora_dropout: float = 0.0
    """share of the inputs of A that are set to 0 while training"""
    target_modules: Targets = ATTENTION
    """the ends of the names of the matrices that get an adapter; "all-linear": all but the head"""
    use_rslora: bool = False
    """scale by 1 / sqrt(r), so that a large rank learns as fast as a small one"""
    use_dora: bool = False
    """learn the length of each row apart from its direction (DoRA)"""
    init_lora_weights: Initial = "kaiming"
    """kaiming, gaussian: B = 0; pissa: the largest singular directions of W; olora: the first of its QR factorisation"""
    seed: int = 0
    """where the draws of A and of the dropout begin"""

    def __post_init__(self) -> None:
        at_least_one(self, "r")
        if not self.lora_alpha > 0:
            raise ConfigError(
                f"lora_alpha={self.lora_alpha} would switch the adapter off; use a number above 0, such as 2 r"
            )
        if not 0 <= self.lora_dropout < 1:
            raise ConfigError(f"lora_dropout={self.lora_dropout} must be at least 0 and below 1; use 0.05")
        if self.init_lora_weights not in get_args(Initial):
            raise ConfigError(
                f"init_lora_weights={self.init_lora_weights!r} is not known; {did_you_mean(str(self.init_lora_weights), get_args(Initial))}"
            )
        has_targets(self.target_modules)

    @property
    def scaling(self) -> float:
        """What B A is multiplied by."""
        return self.lora_alpha / (self.r**0.5 if self.use_rslora else self.r)


@dataclass(frozen=True, kw_only=True, slots=True)
class AdaLoraConfig:
    """AdaLoRA: starts with init_r triplets a matrix, and keeps on average target_r of them, the most important of the model."""

    init_r: int = 12
    """triplets a matrix at the start"""
    target_r: int = 8
    """triplets a matrix on average at the end"""
    lora_alpha: float = 16.0
    """what the sum of the triplets is multiplied by, divided by init_r"""
    target_modules: Targets = ATTENTION
    """as in LoRA"""
    total_step: int = 100
    """steps of the whole run"""
    tinit: int = 10
    """steps before the first triplet is dropped"""
    tfinal: int = 20
    """steps at the end in which the choice stays"""
    deltaT: int = 1
    """steps between two choices"""
    beta1: float = 0.85
    """share of itself that the mean importance keeps a step"""
    beta2: float = 0.85
    """share of itself that its mean deviation keeps a step"""
    orth_reg_weight: float = 0.5
    """what the distance of A A^T and B^T B from the identity costs"""
    seed: int = 0
    """where the draws begin"""

    def __post_init__(self) -> None:
        at_least_one(self, "init_r", "target_r", "total_step", "deltaT")
        if self.target_r > self.init_r:
            raise ConfigError(
                f"target_r={self.target_r} is more than init_r={self.init_r}; triplets are only dropped, so use less"
            )
        if self.tinit + self.tfinal >= self.total_step:
            raise ConfigError(
                f"tinit={self.tinit} and tfinal={self.tfinal} leave none of total_step={self.total_step} for dropping; use fewer"
            )
        has_targets(self.target_modules)


@dataclass(frozen=True, kw_only=True, slots=True)
class IA3Config:
    """IA3: a number for each output of the targets, and for each input of those that are feed-forward."""

    target_modules: Targets = ("k_proj", "v_proj", "down_proj")
    """the ends of the names of the matrices"""
    feedforward_modules: Targets = ("down_proj",)
    """those whose inputs are scaled and not their outputs"""

    def __post_init__(self) -> None:
        has_targets(self.target_modules)
        ends = {target.rpartition(".")[2] for target in self.target_modules}
        if left := set(self.feedforward_modules) - ends - set(self.target_modules):
            raise ConfigError(
                f"feedforward_modules names {', '.join(sorted(left))}, which are no target_modules; name them there too"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class BottleneckConfig:
    """Bottleneck adapters: two thin layers after a part of each block, or beside it."""

    width: int = 16
    """coordinates in the middle"""
    target_modules: Targets = ("self_attn", "mlp")
    """which parts of a block get one"""
    parallel: bool = False
    """reads what enters the part, not what leaves it"""
    scaling: float = 1.0
    """what its output is multiplied by before it is added; He et al. use 4 beside a feed-forward"""
    seed: int = 0
    """where the draws begin"""

    def __post_init__(self) -> None:
        at_least_one(self, "width")
        has_targets(self.target_modules)


@dataclass(frozen=True, kw_only=True, slots=True)
class PromptConfig:
    """Tokens that no text has: learned vectors before the text (prompt, p_tuning), or keys and values before it (prefix)."""

    kind: Literal["prompt", "prefix", "p_tuning"] = "prompt"
    """prompt: the vectors learn; p_tuning: a small network makes them; prefix: keys and values of every layer learn"""
    num_virtual_tokens: int = 16
    """how many"""
    encoder_hidden_size: int = 128
    """width of p_tuning's network"""
    init_ids: tuple[int, ...] = ()
    """prompt: tokens whose vectors they begin with, repeated as needed; none: drawn rows of the embedding"""
    seed: int = 0
    """where the draws begin"""

    def __post_init__(self) -> None:
        at_least_one(self, "num_virtual_tokens", "encoder_hidden_size")
        if self.kind not in ("prompt", "prefix", "p_tuning"):
            raise ConfigError(
                f"kind={self.kind!r} is not known; {did_you_mean(str(self.kind), ('prompt', 'prefix', 'p_tuning'))}"
            )
        if self.init_ids and self.kind != "prompt":
            raise ConfigError(f"init_ids is not possible with kind={self.kind}; use kind=prompt, or leave it out")


AnyConfig = LoraConfig | AdaLoraConfig | IA3Config | BottleneckConfig | PromptConfig


def at_least_one(config: object, *names: str) -> None:
    """Refuse a count below 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{name}={getattr(config, name)} is not possible; use 1 or more")


def has_targets(targets: Targets) -> None:
    """Refuse a text where names are wanted, and no name at all."""
    if isinstance(targets, str) or not targets:
        raise ConfigError(
            f'target_modules={targets!r} names no matrices; write for example ("q_proj", "v_proj"), or ("{ALL_LINEAR}",)'
        )
