"""One optimiser step of the demo's model: each of ours beside torch's, and beside what memory allows.

    python benchmarks/training/optimizers.py

The least that can be moved: an optimiser reads weight, gradient and state and writes weight and state, 4 bytes a number each
(AdamW: 28 bytes a weight). Muon's work is its matrix products; the least is their operations at the measured peak. Runs are
interleaved, best counts. Above 100 % of the limit: 2.4 M weights with their state fit into a server's third cache.
"""

from collections.abc import Callable
from typing import Any

import torch

from groundup.machine.probe.roofline import probe
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training import optimizers
from groundup.training.optimizers import LowMemoryAdamW, Muon

CONFIG = Qwen3Config(
    vocab_size=4096, hidden_size=192, intermediate_size=512, num_hidden_layers=4, num_attention_heads=6,
    num_key_value_heads=2, head_dim=32, max_position_embeddings=256, tie_word_embeddings=True,
)  # fmt: skip
ROUNDS = 15
DECAY = 0.1
# name -> torch's options for the same move, and the bytes that have to be moved for each weight
ALONE: dict[str, tuple[dict[str, Any] | None, int]] = {
    "SGD": ({}, 12),
    "Momentum": ({"momentum": 0.9}, 20),
    "Nesterov": ({"momentum": 0.9, "nesterov": True}, 20),
    "RMSprop": ({}, 20),
    "Adam": ({}, 28),
    "AdamW": ({}, 28),
    "Adafactor": ({}, 12),
    "Lion": (None, 20),  # torch has none
}
FUSED = ("SGD", "Momentum", "Nesterov", "Adam", "AdamW")  # what torch has a fused kernel for


def parameters() -> dict[str, torch.Tensor]:
    """The model's weights with random gradients."""
    named = dict(build(CONFIG, seed=0).named_parameters())
    for parameter in named.values():
        parameter.grad = torch.randn_like(parameter)
    return named


def matrices() -> dict[str, torch.Tensor]:
    """Those inside the blocks."""
    return {name: value for name, value in parameters().items() if value.dim() == 2 and ".layers." in name}


def muon_flops(steps: int = 5) -> float:
    """Operations of the Newton-Schulz iteration: X X', its square, and their product with X."""
    shapes = [sorted(value.shape) for value in matrices().values()]
    return sum(steps * (4 * small**2 * large + 2 * small**3) for small, large in shapes)


def ours(name: str) -> Callable[[], object]:
    """A step of one of ours."""
    return getattr(optimizers, name)(parameters(), learning_rate=1e-3, weight_decay=DECAY).step


def torchs(name: str, **options: Any) -> Callable[[], object]:
    """A step of torch's with our settings."""
    told = ALONE[name][0]
    assert told is not None, f"torch has no {name}"
    make = getattr(torch.optim, "SGD" if name in ("Momentum", "Nesterov") else name)
    return make(parameters().values(), lr=1e-3, weight_decay=DECAY, **told, **options).step


def works() -> dict[str, Callable[[], object]]:
    """Every step that is timed, by its name in the table."""
    found: dict[str, Callable[[], object]] = {}
    for name, (told, _) in ALONE.items():
        found[name] = ours(name)
        if told is not None:
            found[f"torch {name}, foreach"] = torchs(name, foreach=True)
        if name in FUSED:
            found[f"torch {name}, fused"] = torchs(name, fused=True)
    for form in ("bf16", "8bit"):
        found[f"AdamW, {form} state"] = LowMemoryAdamW(parameters(), form=form, learning_rate=1e-3).step
    named = {"Muon, fp32": torch.float32, "Muon, bf16": torch.bfloat16}
    found |= {name: Muon(matrices(), learning_rate=0.02, dtype=dtype).step for name, dtype in named.items()}
    return found | {"torch Muon": torch.optim.Muon(matrices().values(), lr=0.02).step}


def main() -> None:
    """Print the table."""
    machine, count = probe(), sum(value.numel() for value in parameters().values())
    best = {name: min(times) for name, times in in_turns(works(), ROUNDS).items()}
    least = {name: moved * count / machine.memory_bytes_per_s for name, (_, moved) in ALONE.items()}
    least |= {
        "Muon, fp32": muon_flops() / machine.matmul_flops["float32"],
        "Muon, bf16": muon_flops() / machine.matmul_flops["bfloat16"],
    }
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine.processor}, {count / 1e6:.1f} M weights, "
        f"{machine.memory_bytes_per_s / 1e9:.1f} GB/s"
    )
    print(f"{'':26}{'ms a step':>10}{'ms a million':>14}{'of the limit':>14}{'to torch best':>15}")
    for name, seconds in best.items():
        share = f"{least[name] / seconds:14.0%}" if name in least else " " * 14
        peers = [time for peer, time in best.items() if peer.split(",")[0] == f"torch {name.split(',')[0]}"]
        against = f"{min(peers) / seconds:14.2f}x" if peers and not name.startswith("torch") else ""
        print(f"{name:26}{1e3 * seconds:10.2f}{1e9 * seconds / count:14.2f}{share}{against}")


if __name__ == "__main__":
    main()
