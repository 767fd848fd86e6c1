"""What a tokenizer does to learning: small transformers on sums and on spelling, three seeds each, in one run.

    python benchmarks/text/tokenizers/impact.py [--steps 3000] [--digits 3] [--chunk 2] [--seeds 3] [--task arithmetic|spelling]

The same as `groundup tokenizer impact`, with the machine's name and the time of each task beside it, and nothing kept.
"""

import argparse
import platform
import time

import torch

from groundup.evaluation.tasks.tokenizer_impact import TASKS, ImpactConfig, measure
from groundup.processor import processor


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--digits", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", choices=TASKS, action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{processor()}, Python {platform.python_version()}, torch {torch.__version__}, {arguments.steps} steps")
    config = ImpactConfig(steps=arguments.steps, digits=arguments.digits, chunk=arguments.chunk)
    for name in arguments.task or TASKS:
        start = time.perf_counter()
        results = measure([name], arguments.seeds, config)[name]
        print(f"\n{name}, {time.perf_counter() - start:.0f} s")
        for way, result in results.items():
            each = "  ".join(f"{100 * one:5.1f}" for one in result.accuracies)
            print(
                f"{way:<22} {100 * result.mean:5.1f} %   seeds {each}   {result.vocab_size:5} ids, "
                f"{result.tokens_per_example:.1f} tokens an example",
                flush=True,
            )


if __name__ == "__main__":
    main()
