"""One optimiser step of the demo's model: ours beside torch's, and beside what memory allows.

    python benchmarks/training/optimizers.py

AdamW reads weight, gradient and two momenta and writes three of them: 28 bytes a weight is the least that can be moved.
Muon's work is its matrix products; the least is their operations at the measured peak. Runs are interleaved, best counts.
"""

from collections.abc import Callable

import torch

from groundup.machine.probe.roofline import probe
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training.optimizers import AdamW, Muon

CONFIG = Qwen3Config(
    vocab_size=4096, hidden_size=192, intermediate_size=512, num_hidden_layers=4, num_attention_heads=6,
    num_key_value_heads=2, head_dim=32, max_position_embeddings=256, tie_word_embeddings=True,
)  # fmt: skip
ROUNDS = 15


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


def interleaved(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Best seconds of each, taken in turns."""
    return {name: min(times) for name, times in in_turns(work, ROUNDS).items()}


def torch_adamw(**options: bool) -> Callable[[], object]:
    """Torch's AdamW with our settings."""
    return torch.optim.AdamW(parameters().values(), lr=1e-3, weight_decay=0.1, **options).step


def main() -> None:
    """Print the table."""
    machine, count = probe(), sum(value.numel() for value in parameters().values())
    best = interleaved({
        "AdamW": AdamW(parameters(), learning_rate=1e-3, weight_decay=0.1).step,
        "torch AdamW, foreach": torch_adamw(foreach=True),
        "torch AdamW, fused": torch_adamw(fused=True),
        "torch AdamW, a loop": torch_adamw(foreach=False, fused=False),
        "Muon, fp32": Muon(matrices(), learning_rate=0.02).step,
        "Muon, bf16": Muon(matrices(), learning_rate=0.02, dtype=torch.bfloat16).step,
        "torch Muon": torch.optim.Muon(matrices().values(), lr=0.02).step,
    })  # fmt: skip
    least = {
        "AdamW": 28 * count / machine.memory_bytes_per_s,
        "Muon, fp32": muon_flops() / machine.matmul_flops["float32"],
        "Muon, bf16": muon_flops() / machine.matmul_flops["bfloat16"],
    }
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine.processor}, {count / 1e6:.1f} M weights"
    )
    print(f"{'':24}{'ms a step':>10}{'of the limit':>14}")
    for name, seconds in best.items():
        share = f"{least[name] / seconds:13.0%}" if name in least else ""
        print(f"{name:24}{1000 * seconds:10.2f}{share}")
    fastest = min(seconds for name, seconds in best.items() if name.startswith("torch AdamW"))
    print(f"AdamW against the fastest of torch: {fastest / best['AdamW']:.2f}x")
    print(f"Muon against torch's:               {best['torch Muon'] / best['Muon, bf16']:.2f}x")


if __name__ == "__main__":
    main()
