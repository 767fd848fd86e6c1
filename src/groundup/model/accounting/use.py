"""What a model is used for, and on how many devices: what `flops` and `memory` are told besides the configuration.

    Inference    texts that are read and continued, with a cache
    Training     one optimiser step; `Lora` in it: only two thin matrices beside each chosen one learn
    Layout       how model and batch are shared out: data (with ZeRO's three stages), tensor, pipeline, expert

Sizes are of one device's batch. LoRA: Hu et al. 2021, arXiv:2106.09685. ZeRO: Rajbhandari et al. 2019, arXiv:1910.02054,
section 5 (stage 1 shares out the optimiser's state, 2 the gradients too, 3 the weights too).
"""

from dataclasses import dataclass

from groundup.errors import ConfigError

# Bytes of a number in which a model can be kept and trained; `steps.WIDTHS` adds those in which chips only multiply.
BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
# Bytes of state a trained number: how many numbers of which width are kept beside weight and gradient.
EIGHT_BIT = 1 + 4 / 256  # a code, and an fp32 scale for each block of 256 (arXiv:2110.02861)
NF4 = 1 / 2 + 1 / 64 + 4 / (64 * 256)  # half a byte a weight, a byte a block of 64, an fp32 size for 256 of these (arXiv:2305.14314)
OPTIMIZERS = {
    "adamw": 8.0,
    "adamw_bf16": 4.0,
    "adamw_8bit": 2 * EIGHT_BIT,
    "muon": 4.0,  # for the matrices inside the blocks; AdamW for the rest, in these forms
    "muon_bf16": 4.0,
    "muon_8bit": 4.0,
    "adam": 8.0,
    "lion": 4.0,
    "rmsprop": 4.0,
    "nesterov": 4.0,
    "momentum": 4.0,
    "sgd": 0.0,
    "adafactor": 0.0,  # a row and a column of means a matrix: `budget.adafactor_bytes`
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inference:
    """`batch` texts of up to `context` tokens, of which `prompt` (0: all but one) are read at once; the others come one by one.

    An encoder reads all at once. Of an encoder-decoder's answer one token is given where no prompt is.
    """

    batch: int = 1
    context: int = 1024
    prompt: int = 0
    dtype: str = "float32"  # of weights, products and cache
    source: int = 0  # tokens that an encoder-decoder reads and answers; 0: as many as the answer's

    def __post_init__(self) -> None:
        _positive(self, "batch", "context")
        _not_negative(self.source)
        _known_dtype(self.dtype)
        if not 0 <= self.prompt <= self.context:
            raise ConfigError(
                f"prompt={self.prompt} does not fit into context={self.context}; use at most that many tokens"
            )

    @property
    def read(self) -> int:
        """Tokens that are read at once."""
        return self.prompt or max(1, self.context - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lora:
    """W x + B (A x), of which only A (rank, inputs) and B (outputs, rank) learn, beside each matrix of these names in every block.

    nf4: QLoRA; all matrices of the blocks are held in 4 bits, experts in stacks apart, and decoded when they are multiplied with.
    """

    rank: int = 8
    targets: tuple[str, ...] = ("q_proj", "v_proj")
    nf4: bool = False

    def __post_init__(self) -> None:
        _positive(self, "rank")
        if not self.targets:
            raise ConfigError("targets is empty, so nothing would learn; name matrices, such as q_proj and v_proj")


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """One optimiser step of `gradient_accumulation_steps` batches of `batch` rows of `seq_len` tokens."""

    batch: int = 1
    seq_len: int = 1024
    gradient_accumulation_steps: int = 1
    optimizer: str = "adamw"
    dtype: str = "float32"  # of products and activations
    weight_dtype: str = "float32"  # of weights and gradients; the optimiser's numbers are fp32
    checkpointing: bool = False  # keep only what enters each block, and compute the rest again on the way back
    offload: bool = False  # keep elsewhere (beside the device, or on a disk) what the blocks keep
    every: int = 1  # of checkpointing and offload: only the first of each so many blocks
    source: int = 0  # tokens of the source that an encoder-decoder answers; 0: as many as seq_len
    pieces: bool = True  # the loss goes through the vocabulary in pieces (`training.step.cross_entropy`)
    lora: Lora | None = None

    def __post_init__(self) -> None:
        _positive(self, "batch", "seq_len", "gradient_accumulation_steps", "every")
        _not_negative(self.source)
        _known_dtype(self.dtype)
        _known_dtype(self.weight_dtype)
        if self.optimizer not in OPTIMIZERS:
            raise ConfigError(f"optimizer={self.optimizer!r} is not known; use one of {', '.join(OPTIMIZERS)}")

    @property
    def less(self) -> bool:
        """Whether blocks keep less than their way back reads."""
        return self.checkpointing or self.offload

    @property
    def tokens(self) -> int:
        """Tokens that go through the model at once."""
        return self.batch * self.seq_len


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How many devices share what. data: copies of the model, each with a batch of its own; zero: what these copies share out.

    tensor: parts of each matrix; pipeline: stages of blocks; expert: over how many of the copies a block's experts are spread.
    """

    data: int = 1
    zero: int = 0
    tensor: int = 1
    pipeline: int = 1
    expert: int = 1

    def __post_init__(self) -> None:
        _positive(self, "data", "tensor", "pipeline", "expert")
        if self.zero not in (0, 1, 2, 3):
            raise ConfigError(f"zero={self.zero} is no stage of ZeRO; use 0 (none), 1, 2 or 3")
        if self.data % self.expert:
            raise ConfigError(
                f"expert={self.expert} does not divide data={self.data}: experts are spread over the copies; use a divisor"
            )

    @property
    def devices(self) -> int:
        """Devices in all."""
        return self.data * self.tensor * self.pipeline


def _positive(given: object, *names: str) -> None:
    for name in names:
        if getattr(given, name) < 1:
            raise ConfigError(f"{name}={getattr(given, name)} is not possible; use 1 or more")


def _not_negative(source: int) -> None:
    if source < 0:
        raise ConfigError(f"source={source} is not possible; use 1 or more, or 0 for one as long as the answer")


def _known_dtype(name: str) -> None:
    if name not in BYTES:
        raise ConfigError(f"dtype {name!r} is not counted; use one of {', '.join(BYTES)}")
