"""What a tuning run is told; importing it loads no torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from groundup.errors import ConfigError, did_you_mean
from groundup.training.config import OptimizerName, TrackerName, TrainConfig

MethodName = Literal[
    "full", "lora", "dora", "adalora", "qlora", "ia3", "bottleneck", "parallel", "prompt", "prefix", "p_tuning"
]  # groundup.tuning.efficient.methods
TaskName = Literal["chat", "classify", "regress", "tag", "span", "domain"]  # groundup.tuning.supervised
LABELLED = ("classify", "regress", "tag", "span")  # those that put another head on the model
PROMPTS = ("prompt", "prefix", "p_tuning")
UNMERGEABLE = ("bottleneck", "parallel", *PROMPTS)
OF_LORA = ("lora_dropout", "use_rslora", "init_lora_weights")
UNUSED = {"adalora": OF_LORA, **dict.fromkeys(("ia3", *UNMERGEABLE), ("lora_alpha", *OF_LORA))}  # by method


@dataclass(frozen=True, kw_only=True, slots=True)
class TuneConfig:
    """Tuning: which task on which data, which weights, how often, how fast. The loop's numbers mean what they mean there."""

    task: TaskName = "chat"
    """chat: answers of conversations; classify, regress, tag, span: another head, on labelled rows; domain: text of another kind"""
    data: str | None = None
    """the user's own conversations (JSON lines with messages, or prompt and answer), labelled rows, or text; none: tinyworld's instructions"""
    heldout: int | None = None
    """rows at the end of the user's file that are kept back and measured before and after; none: of labelled rows a tenth, else 0"""
    heldout_data: str | None = None
    """a file of such rows instead"""
    replay: float = 0.1
    """domain: share of the rows that are of the old kind of text, so that it is not forgotten"""
    old_data: str | None = None
    """domain: text of the kind that the model knows, a file or "tinyworld" or "python"; none: that of the data stage"""
    freeze: tuple[str, ...] = ()
    """full: weights that keep their values, as names of modules or shell patterns, for example ["model.embed_tokens", "*norm*"]"""
    unfreeze_every: int = 0
    """full: the last block learns first, and every so many steps one more below it; 0: all from the start"""
    method: MethodName = "full"
    """full: every weight learns; the others freeze the model and learn an adapter beside it (`groundup.tuning.efficient`)"""
    merge: bool = False
    """write one merged model instead of the adapter's folder"""
    r: int = 8
    """rank of lora, dora, qlora; triplets a matrix that adalora keeps; width of a bottleneck"""
    lora_alpha: float = 16.0
    """lora, dora, qlora, adalora: what an adapter's change is multiplied by, divided by r"""
    lora_dropout: float = 0.0
    """lora, dora, qlora: share of an adapter's inputs that are set to 0 while training"""
    use_rslora: bool = False
    """divide lora_alpha by the root of r instead, so that a large rank learns as fast as a small one"""
    init_lora_weights: Literal["kaiming", "gaussian", "pissa", "olora"] = "kaiming"
    """how an adapter begins; pissa: with the largest singular directions of its matrix; olora: with the first of its QR factorisation"""
    target_modules: tuple[str, ...] = ()
    """the ends of the names of what gets an adapter, ["all-linear"]: all matrices but the head; none: the method's usual ones"""
    num_virtual_tokens: int = 16
    """places before the text, of prompt, prefix and p_tuning"""
    turns: int = 1
    """questions of tinyworld in one conversation at most: half have one, the others 2 to this many; the user's own conversations stay as they are"""
    epochs: float = 3.0
    """how often every conversation is seen"""
    steps: int = 0
    """optimiser steps; 0: as many as the epochs take"""
    batch_size: int = 16
    """rows that go through the model at once; a row holds several conversations"""
    seq_len: int = 256
    """tokens in a row; a longer conversation is cut"""
    gradient_accumulation_steps: int = 1
    """batches whose gradients are summed before one step"""
    optimizer: OptimizerName = "muon"
    """muon: Muon for the matrices inside the blocks, AdamW for embedding, head and gains; any other: that one for all"""
    optimizer_state: Literal["bf16", "8bit"] | None = None
    """AdamW's two means in 4 or 2 bytes a weight instead of 8, rounded at random; none: fp32"""
    learning_rate: float = 0.002
    """AdamW's peak rate"""
    matrix_learning_rate: float = 0.01
    """Muon's peak rate"""
    weight_decay: float = 0.0
    """decoupled decay of the matrices, a fraction of the learning rate"""
    schedule: Literal["wsd", "linear", "cosine", "constant"] = "linear"
    """how the rate falls after the warm-up"""
    warmup_steps: int = 5
    """steps over which the rate rises from 0 to its peak"""
    max_grad_norm: float = 1.0
    """a longer gradient is scaled down to this norm; 0: never"""
    on_spike: Literal["off", "skip", "rollback", "stop"] = "off"
    """a loss or gradient far above those before, or NaN: skip that step, roll back to the last checkpoint's state, or stop; off: only NaN stops"""
    spike_factor: float = 6.0
    """how many deviations above the median of the last 64 steps are far"""
    ema_decay: float = 0.0
    """share of itself that the running mean of the weights keeps a step, such as 0.99; 0: there is none"""
    validate_every: int = 50
    """steps between validations; 0: only at the end"""
    checkpoint_every: int = 50
    """steps between checkpoints; 0: only at the end"""
    keep_checkpoints: int = 2
    """how many checkpoints stay"""
    trackers: tuple[TrackerName, ...] = ()
    """who gets every step besides metrics.jsonl, for example ["tensorboard", "wandb"]; offline, in the stage's folder"""
    seed: int = 1
    """where the order of the conversations begins"""

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ConfigError(f"steps={self.steps} is below 0; use 0 to go by epochs, or 1 or more")
        if self.method not in get_args(MethodName):
            raise ConfigError(
                f"method={self.method!r} is not known; {did_you_mean(str(self.method), get_args(MethodName))}"
            )
        self._check_task()
        self._check_used()
        if self.merge and self.method in UNMERGEABLE:
            raise ConfigError(
                f"method={self.method!r} is no change of matrices, so it cannot be merged; leave merge out and keep the adapter's folder"
            )
        if self.turns < 1:
            raise ConfigError(
                f"turns={self.turns} would ask nothing; use 1, or 3 for conversations of up to three questions"
            )
        if not self.epochs > 0:
            raise ConfigError(f"epochs={self.epochs} would tune nothing; use a number above 0, such as 3")
        self.training(self.steps or 1)  # checks the numbers that both have

    def _check_task(self) -> None:
        """Words and numbers that only some tasks have."""
        from groundup.tuning.supervised.full import check

        if self.task not in get_args(TaskName):
            raise ConfigError(f"task={self.task!r} is not known; {did_you_mean(str(self.task), get_args(TaskName))}")
        if self.task in LABELLED and self.method != "full":
            raise ConfigError(
                f"task={self.task!r} puts a new head on the model, which has to learn too; use method='full', with freeze=[\"model\"] for the head alone"
            )
        if self.task != "chat" and self.data is None:
            raise ConfigError(f"task={self.task!r} learns from the user's own file; name it with --data")
        if self.heldout is not None and self.heldout < 0:
            raise ConfigError(f"heldout={self.heldout} is below 0; use 0 or more")
        if not 0 <= self.replay < 1:
            raise ConfigError(f"replay={self.replay} must be at least 0 and below 1; use 0.1")
        check(self.method, self.freeze, self.unfreeze_every, self.weight_decay)

    def _check_used(self) -> None:
        """Refuse what neither the task nor the method would look at."""
        if self.heldout or self.heldout_data:
            if self.data is None:
                raise ConfigError(
                    "heldout and heldout_data are rows of the user's own; name the file to learn from with --data, or leave them out"
                )
            if self.task == "domain":
                raise ConfigError(
                    "task='domain' keeps some of each text back by itself; leave heldout and heldout_data out"
                )
        for name in UNUSED.get(self.method, ()):
            if (value := getattr(self, name)) != type(self).__dataclass_fields__[name].default:
                raise ConfigError(
                    f"{name}={value!r} says nothing to method={self.method!r}; leave it out, or use method='lora'"
                )

    @property
    def places(self) -> int:
        """How many of the context's places a learned prompt takes."""
        return self.num_virtual_tokens if self.method in PROMPTS else 0

    def training(self, steps: int) -> TrainConfig:
        """The training loop's configuration for so many steps."""
        shared = {name: getattr(self, name) for name in SHARED}
        return TrainConfig(steps=steps, sample_every=0, **shared)


SHARED = (
    "batch_size", "seq_len", "gradient_accumulation_steps", "optimizer", "optimizer_state", "learning_rate", "matrix_learning_rate",
    "weight_decay", "schedule", "warmup_steps", "max_grad_norm", "on_spike", "spike_factor", "ema_decay", "validate_every", "checkpoint_every",
    "keep_checkpoints", "trackers", "seed",
)  # fmt: skip
