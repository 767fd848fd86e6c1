"""Training speed of RNN, LSTM and GRU: one layer forward and back, beside torch's fused modules, in turns in one process.

    python benchmarks/classical/recurrent/scan.py [--rounds 9] [--json]

Ratios above 1: ours is faster. "kernels" is the library's own scan throughout, "as used" what the dispatch takes (below 640 units torch's LSTM).
"""

import argparse
import json
import statistics
from typing import Any

import torch

from groundup.classical.recurrent import GRU, LSTM, RNN, scan
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

SIZES = ((32, 64, 128), (64, 35, 200), (32, 64, 256), (16, 128, 512), (16, 32, 1024))
KINDS = ((RNN, torch.nn.RNN), (LSTM, torch.nn.LSTM), (GRU, torch.nn.GRU))


def step(module: Any, inputs: torch.Tensor, below: int) -> None:
    """Forward and back; below: under how many units torch's LSTM is taken."""
    scan.LIBRARY_BELOW = below
    module.zero_grad()
    module(inputs)[0].square().sum().backward()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    arguments, used, rows = parser.parse_args(), scan.LIBRARY_BELOW, []
    for batch, seq, hidden in SIZES:
        for ours, torchs in KINDS:
            mine, peer = ours(hidden, hidden), torchs(hidden, hidden, batch_first=True)
            inputs = torch.randn(batch, seq, hidden, requires_grad=True)
            work = {
                "kernels": lambda mine=mine, inputs=inputs: step(mine, inputs, 0),
                "as used": lambda mine=mine, inputs=inputs: step(mine, inputs, used),
                "torch": lambda peer=peer, inputs=inputs: step(peer, inputs, used),
            }
            took = {name: statistics.median(all_) for name, all_ in in_turns(work, arguments.rounds, warm=1).items()}
            row = {
                "cell": ours.__name__,
                "batch": batch,
                "seq": seq,
                "hidden": hidden,
                "torch_ms": 1000 * took["torch"],
            }
            rows.append(row | {name: took["torch"] / took[name] for name in ("kernels", "as used")})
    if arguments.json:
        print(json.dumps({"machine": machine_name(), "torch": torch.__version__, "rows": rows}, indent=2))
        return
    print(f"{machine_name()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    for row in rows:
        size = f"{row['batch']} x {row['seq']} x {row['hidden']}"
        ratios = f"kernels {row['kernels']:.2f}x, as used {row['as used']:.2f}x"
        print(f"{row['cell']:5} {size:15} torch {row['torch_ms']:6.1f} ms; {ratios} of torch's speed")


if __name__ == "__main__":
    main()
