"""A local speed record: seconds from the start of a process to a held-out loss, in characters of one text.

    learned from    the first 90 % of the text; measured: all of the last 10 %, in windows side by side, as long
                    as those that were learned from (64 characters, or what the attempt takes), none left out
    the clock       from the start of the process, so importing torch counts, to the end of the measurement
    the only rule   what the model knows of the text it has learned by gradient steps: no counts, no other text, no weights from elsewhere

The targets are 1.88 nats, where nanoGPT's published settings for a CPU end after 2,000 steps, and 1.60. Loss per second is what
people wait for, and it is not loss per step: large batches use the processor well and learn little from each token, deep models learn more from
a token and need longer for it. What was tried, and what did not help, stands in docs/record.md.

    python -m groundup.training.loop.record TEXT TARGET SEED OUT

runs one attempt; `groundup bench record` starts that in a process of its own and keeps the results.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from groundup import files
from groundup.errors import InputError

HELD_OUT = 0.1
WINDOW = 64  # characters that a window predicts: nanoGPT's block size on a CPU
FEWEST = 20_000  # characters: below it the last tenth holds too few windows for a loss to mean anything


@dataclass(frozen=True, slots=True)
class Attempt:
    """What trains towards a target: a model's shape, and the loop's numbers."""

    model: Mapping[str, Any]
    train: Mapping[str, Any]
    seq_len: int = WINDOW
    dtypes: tuple[str, ...] = ("bfloat16", "float32")  # the faster of these on this machine


SHAPE = {"hidden_size": 128, "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 16, "tie_word_embeddings": True,
         "initializer_range": 0.05}  # fmt: skip
SETTINGS = {"learning_rate": 0.03, "matrix_learning_rate": 0.04, "matrix_momentum": 0.7, "beta1": 0.8, "weight_decay": 0.0,
            "warmup_steps": 3, "decay_fraction": 0.8, "initialization": "look_back", "checkpoint_every": 0}  # fmt: skip

ATTEMPTS: Mapping[float, Attempt] = {
    1.88: Attempt(
        model=SHAPE | {"num_hidden_layers": 3, "intermediate_size": 256},
        train=SETTINGS | {"steps": 170, "batch_size": 16},
    ),
    1.60: Attempt(
        model=SHAPE
        | {
            "hidden_size": 192,
            "head_dim": 24,
            "num_key_value_heads": 4,
            "num_hidden_layers": 3,
            "intermediate_size": 512,
        },
        train=SETTINGS
        | {"steps": 400, "batch_size": 16, "matrix_momentum": 0.8, "warmup_steps": 5, "decay_fraction": 0.7},
        seq_len=128,
    ),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt went; seconds count from the start of the process."""

    target: float
    seed: int
    loss: float  # nats a character, all of the held-out text
    seconds: float
    training_seconds: float
    steps: int
    parameters: int
    dtype: str
    threads: int
    curve: list[tuple[float, float]] = field(default_factory=list)  # seconds of training, held-out loss

    @property
    def reached(self) -> bool:
        """Whether the loss is at the target or below."""
        return self.loss <= self.target


def characters(text: str) -> tuple[Any, int]:
    """The text as numbers of its characters, an int64 tensor, and how many different ones there are."""
    import numpy as np
    import torch

    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    known, ids = np.unique(codes, return_inverse=True)
    return torch.from_numpy(ids.astype(np.int64)), len(known)


def split(ids: Any) -> tuple[Any, Any]:
    """What is learned from, and what is measured."""
    if len(ids) < FEWEST:
        raise InputError(
            f"the text has {len(ids):,} characters; a record wants {FEWEST:,} or more, so that a tenth can be measured"
        )
    place = int((1 - HELD_OUT) * len(ids))
    return ids[:place], ids[place:]


def windows(ids: Any, starts: Any, seq_len: int) -> Any:
    """Rows that begin at these places, as a batch."""
    import torch

    rows = ids.unfold(0, seq_len + 1, 1)[starts]
    whole = torch.ones(len(starts), seq_len, dtype=torch.bool)
    same = torch.zeros(len(starts), seq_len, dtype=torch.int64)
    return SimpleNamespace(input_ids=rows[:, :-1], targets=rows[:, 1:], loss_mask=whole, document_ids=same,
                           positions=torch.arange(seq_len).expand(len(starts), seq_len))  # fmt: skip


def drawn(ids: Any, seq_len: int, rows: int, seed: int, step: int) -> Any:
    """The batch of a step: windows from anywhere, the same whenever it is asked for."""
    import torch

    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    return windows(ids, torch.randint(len(ids) - seq_len, (rows,), generator=generator), seq_len)


def held_out(ids: Any, seq_len: int, rows: int = 64) -> Iterator[Any]:
    """All of a text in windows side by side; the last, which is shorter, too."""
    import torch

    starts = torch.arange(0, len(ids) - seq_len, seq_len)
    for place in range(0, len(starts), rows):
        yield windows(ids, starts[place : place + rows], seq_len)
    rest = (len(ids) - 1) % seq_len
    if rest:
        yield windows(ids, torch.tensor([len(ids) - 1 - rest]), rest)


def attempt(
    text: str,
    target: float,
    seed: int = 1,
    *,
    began: float | None = None,
    curve_every: int = 0,
    settings: Attempt | None = None,
) -> Outcome:
    """Train towards a target and measure; began: when the clock started (`time.monotonic`), else now.

    curve_every: measure every so many steps too; the clock of the curve's points leaves those measurements out, the outcome's does not.
    """
    began = time.monotonic() if began is None else began
    import torch

    from groundup.training.config import TrainConfig
    from groundup.training.loop.trainer import train
    from groundup.training.objectives.causal import mean_loss

    way = settings or ATTEMPTS[target]
    ids, kinds = characters(text)
    learned, measured = split(ids)
    config = TrainConfig(**way.train, seq_len=way.seq_len, seed=seed)

    def batch(step: int) -> Any:
        return drawn(learned, way.seq_len, config.batch_size, seed, step)

    def loss_of(module: Any) -> float:
        return mean_loss(module, held_out(measured, way.seq_len))

    module, dtype = model_of(way, kinds, config, batch(0))
    started, curve = time.monotonic(), Curve(curve_every, loss_of)
    train(module, batch, config, listeners=[curve] if curve_every else [], title="record")
    trained, loss = time.monotonic(), loss_of(module)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return Outcome(target, seed, loss, time.monotonic() - began, trained - started, config.steps, parameters, dtype,
                   torch.get_num_threads(), curve.points)  # fmt: skip


def model_of(way: Attempt, kinds: int, config: Any, batch: Any) -> tuple[Any, str]:
    """The model to train, for so many kinds of characters, and the number format in which this batch is quickest."""
    import torch

    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.training.objectives.causal import causal_loss
    from groundup.training.step.precision import choose_dtype

    shape = Qwen3Config(**way.model, vocab_size=kinds, max_position_embeddings=way.seq_len)
    module = build(shape, seed=config.seed, scheme=config.initialization)
    dtype = choose_dtype(module, batch, causal_loss) if len(way.dtypes) > 1 else way.dtypes[0]
    module.compute_dtype = getattr(torch, dtype)
    return module, dtype


class Curve:
    """A listener that measures every so many steps; its seconds leave its own measurements out."""

    def __init__(self, every: int, loss_of: Callable[[Any], float]):
        self.every, self.loss_of = every, loss_of
        self._started, self._spent = time.monotonic(), 0.0
        self.points: list[tuple[float, float]] = []

    def __call__(self, event: Any) -> None:
        """Measure where it is time."""
        if self.every and event.step % self.every == 0:
            at = time.monotonic()
            self.points.append((at - self._started - self._spent, self.loss_of(event.module)))
            self._spent += time.monotonic() - at


def main(text: str, target: str, seed: str, out: str) -> None:
    """One attempt, in this process, whose parent looked at the clock before it started us; its outcome as JSON."""
    from dataclasses import asdict

    outcome = attempt(Path(text).read_text("utf-8"), float(target), int(seed))
    files.write_json(Path(out), asdict(outcome) | {"reached": outcome.reached, "ended": time.monotonic()})


if __name__ == "__main__":
    main(*sys.argv[1:])
