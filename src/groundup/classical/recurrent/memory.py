"""How far back a recurrent network learns: the gradient by distance, and a task that asks for what was long ago.

    gradient     |d (v . h_T) / d x_t| over T - t, for a v drawn at random: by how much the input at t could change the end
    copy task    symbols, then `distance` blanks, then a question for each of them: to answer, the symbols must have been kept

In a simple network the gradient falls by a factor each step, and after some tens of steps there is nothing to learn from (Hochreiter 1991;
Bengio, Simard and Frasconi 1994, IEEE Trans. Neural Networks 5(2), section IV). Gates make the factor a number that is learned, near 1 where something is
to be kept. The copy task is that of Hochreiter and Schmidhuber 1997, section 5.2, in the form of Arjovsky et al. 2016, arXiv:1511.06464, section 4.1.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM
from groundup.classical.recurrent.layers import Recurrent
from groundup.data.pipeline.streaming import Batch
from groundup.errors import ConfigError


def gradient_by_distance(network: Recurrent, inputs: Float[Tensor, "batch seq inputs"], seed: int = 0) -> list[float]:
    """The norm of the last state's gradient with respect to the input so many steps before it; the first is that of the last input."""
    read = inputs.detach().clone().requires_grad_(True)
    last = network(read)[0][:, -1]
    direction = torch.randn(last.shape, generator=torch.Generator().manual_seed(seed)).to(last)
    (gradient,) = torch.autograd.grad((last * direction).sum(), read)
    return gradient.norm(dim=-1).mean(0).flip(0).tolist()


@dataclass(frozen=True)
class CopyTask:
    """`length` symbols out of `symbols` kinds, to be told again after `distance` blanks."""

    symbols: int = 8
    length: int = 1
    distance: int = 20

    def __post_init__(self) -> None:
        if self.symbols < 2 or self.length < 1 or self.distance < 0:
            raise ConfigError(
                f"{self} asks for nothing; use two symbols or more, a length of 1 or more, and a distance of 0 or more"
            )

    @property
    def vocab_size(self) -> int:
        """The symbols, a blank, and the question."""
        return self.symbols + 2

    def batch(self, step: int, rows: int = 32, seed: int = 0) -> Batch:
        """The rows of a step, drawn from its number: only the answers count."""
        source = torch.Generator().manual_seed(1_000_003 * seed + step)
        told = torch.randint(self.symbols, (rows, self.length), generator=source)
        blanks = torch.full((rows, self.distance), self.symbols)
        questions = torch.full((rows, self.length), self.symbols + 1)
        ids = torch.cat((told, blanks, questions), dim=1)
        targets = torch.cat((torch.zeros_like(ids[:, : -self.length]), told), dim=1)
        asked = torch.zeros_like(ids, dtype=torch.bool)
        asked[:, -self.length :] = True
        return Batch(ids, targets, asked, torch.zeros_like(ids), torch.arange(ids.shape[1]).expand_as(ids))


@torch.no_grad()
def recalled(module: Any, task: CopyTask, rows: int = 256) -> float:
    """The share of symbols that a model tells again; by chance 1 / symbols."""
    batch = task.batch(0, rows, seed=-1)  # drawn apart from what is trained on
    guessed = module(batch.input_ids, None, batch.positions).argmax(-1)
    return float((guessed == batch.targets)[batch.loss_mask].float().mean())


@torch.no_grad()
def keep_for(network: Recurrent, steps: int) -> None:
    """Let the gates that keep begin where a memory falls to 1 / e in about so many steps; a simple network has none.

    The gate's bias is ln(steps): sigmoid(ln n) = n / (n + 1), whose n-th power is about 1 / e. The LSTM's writing gate gets the opposite of it:
    Tallec and Ollivier 2018, arXiv:1804.11188, section 3. So an LSTM learns what a far gradient says, which at 0 it never hears.
    """
    bias, width = math.log(steps), network.hidden_size
    for layer in range(network.num_layers if network.cell.name != "rnn" else 0):
        gates = getattr(network, f"bias_ih_l{layer}")
        gates[width : 2 * width] = bias  # torch's second block: the LSTM's forget gate, the GRU's update gate
        if network.cell.name == "lstm":
            gates[:width] = -bias


def learn(
    kind: str, task: CopyTask, steps: int = 300, hidden_size: int = 32, seed: int = 1, kept_for: int | None = None
) -> RecurrentLM:
    """Train a model on the task by the training loop. kind: rnn_lm, lstm_lm or gru_lm. kept_for: steps for `keep_for`; None: as it is drawn."""
    from groundup.training.config import TrainConfig
    from groundup.training.loop.trainer import train

    config = RecurrentConfig(model_type=kind, vocab_size=task.vocab_size, hidden_size=hidden_size)
    module = RecurrentLM(config, seed=seed)
    if kept_for is not None:
        keep_for(module.layers, kept_for)
    length = task.distance + 2 * task.length
    told = TrainConfig(
        steps=steps,
        batch_size=32,
        seq_len=length,
        optimizer="adamw",
        learning_rate=0.01,
        weight_decay=0.0,
        warmup_steps=min(10, steps // 10),
        checkpoint_every=0,
        seed=seed,
    )
    train(module, lambda step: task.batch(step, seed=seed), told, title=f"{kind}: {task.distance} steps back")
    return module
