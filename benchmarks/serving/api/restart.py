"""The first answer after a restart, with the cache folder and without: `groundup serve MODEL --cache-folder FOLDER`.

    python benchmarks/serving/api/restart.py MODEL [--tokens 900] [--rounds 3] [--json]

A server reads a prompt of so many tokens (or as many as the model's context holds) and is ended by SIGTERM. Then, in turns, a server that has its folder
and one that has none are started, answer another question (so that their code is ready), and are asked that prompt with one token to write: the time to
the first token, as a client sees it. Medians.
"""

import argparse
import json
import statistics
import tempfile
import time
import urllib.request
from datetime import date
from pathlib import Path
from typing import Any

import groundup
from groundup.cli.bench.serve import served
from groundup.processor import machine_name


def asked(url: str, prompt: list[int]) -> tuple[float, int]:
    """Milliseconds until the only token of an answer, and how many tokens of the prompt were known."""
    body = json.dumps({"prompt": prompt, "max_tokens": 1, "temperature": 0, "ignore_eos": True}).encode()
    request = urllib.request.Request(f"{url}/v1/completions", body, {"content-type": "application/json"})
    begun = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        told = json.load(answer)
    return 1e3 * (time.perf_counter() - begun), told["usage"]["prompt_tokens_details"]["cached_tokens"]


def started(model: str, prompt: list[int], *flags: str) -> tuple[float, int]:
    """The same of a server that is started for it."""
    with served(model, *flags) as (url, _):
        for word in (3, 4):
            asked(url, [word] * 40)
        return asked(url, prompt)


def measured(model: str, tokens: int, rounds: int) -> dict[str, Any]:
    """The figures of both."""
    config = groundup.load(model).config
    tokens = min(tokens, config.max_position_embeddings - 1)
    prompt = [(7 * place + 11) % config.vocab_size for place in range(tokens)]
    times: dict[str, list[float]] = {"with the folder": [], "without": []}
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--cache-folder", str(Path(folder) / "cache"), "--cache-save-every", "0")
        started(model, prompt, *flags)
        for _ in range(rounds):
            for name, given in (("with the folder", flags), ("without", ())):
                milliseconds, cached = started(model, prompt, *given)
                assert (cached > 0) == bool(given), "the folder alone makes the prompt known"
                times[name].append(milliseconds)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    median = {name: statistics.median(these) for name, these in times.items()}
    return {"tokens": tokens, "folder_mb": size / 1e6, **median, "times sooner": median["without"] / median["with the folder"]}


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model")
    options.add_argument("--tokens", type=int, default=900)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    told = measured(given.model, given.tokens, given.rounds)
    if given.json:
        print(json.dumps({"machine": machine_name(), "date": date.today().isoformat(), "model": given.model, **told}))
        return
    print(
        f"{given.model}, a prompt of {told['tokens']} tokens: first token after {told['with the folder']:.0f} ms with the folder ({told['folder_mb']:.1f} MB), "
        f"{told['without']:.0f} ms without, {told['times sooner']:.1f} times sooner; {machine_name()}, {date.today()}"
    )


if __name__ == "__main__":
    main()
