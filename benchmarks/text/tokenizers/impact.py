"""What a tokenizer does to learning: small transformers on sums and on spelling, three seeds each, in one run.

    python benchmarks/text/tokenizers/impact.py [--steps 3000] [--digits 3] [--chunk 2] [--seeds 3] [--task arithmetic|spelling]

The same examples for every way of cutting; only the tokens differ. Accuracy is of whole answers on examples that were not trained on. The
spelling task's words are those of the embedded world's stories and of Python's documentation.
"""

import argparse
import platform
import re
import time
from collections.abc import Iterable

import torch

from groundup.data.sources import python
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import processor
from groundup.text.tokenizers.impact import Task, additions, arithmetic, cut, spelled, spelling, study

IGNORED = -100  # a target that costs nothing: the question and the padding


def rows(examples: Iterable, longest: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, padded; only the answer and its end are targets."""
    inputs, targets = [], []
    for one in examples:
        ids = [*one.question, 2, *one.answer]
        hidden = [IGNORED] * len(one.question) + list(one.answer)
        fill = longest - len(ids)
        inputs.append(ids[:-1] + [0] * fill)
        targets.append(hidden + [IGNORED] * fill)
    return torch.tensor(inputs), torch.tensor(targets)


def train(task: Task, seed: int, steps: int, width: int = 64, layers: int = 2) -> float:
    """Train a small transformer and give the share of test answers that are right in every token."""
    config = LlamaConfig(
        vocab_size=len(task.vocabulary),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=width // 4,
    )
    module = build(config, seed=seed)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    inputs, targets = rows(task.train, task.longest)
    source = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        chosen = torch.randint(len(inputs), (64,), generator=source)
        logits = module(inputs[chosen])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets[chosen].flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    inputs, targets = rows(task.test, task.longest)
    with torch.no_grad():
        right = (module(inputs).argmax(-1) == targets) | (targets == IGNORED)
    return right.all(1).float().mean().item()


def words(most: int) -> list[str]:
    """Lower-case words of Python's documentation, the first `most` different ones of 4 to 10 letters."""
    found: dict[str, None] = {}
    for document in python.documents(["documentation"]):
        found.update(dict.fromkeys(re.findall(r"\b[a-z]{4,10}\b", document.text)))
        if len(found) >= most:
            break
    return list(found)[:most]


def tasks(name: str, digits: int, chunk: int) -> dict[str, Task]:
    """The ways of one task."""
    if name == "arithmetic":
        problems = additions(8_000, digits, seed=1)
        return {way: cut(problems[:7_500], problems[7_500:], how) for way, how in arithmetic(chunk).items()}
    found = words(2_400)
    told, asked = found[:2_000], found[2_000:]
    return {way: cut(spelled(told), spelled(asked), how) for way, how in spelling(told, merges=150).items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--digits", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--task", choices=("arithmetic", "spelling"), action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(
        f"{processor()}, Python {platform.python_version()}, torch {torch.__version__}, {arguments.steps} steps"
    )
    for name in arguments.task or ["arithmetic", "spelling"]:
        start = time.perf_counter()
        made = tasks(name, arguments.digits, arguments.chunk)
        results = study(lambda task, seed: train(task, seed, arguments.steps), made, range(arguments.seeds))
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
