"""Greedy text of a real model: the compiled step beside llama.cpp with the same file's weights, tokens a second.

    python benchmarks/inference/compiled/real.py FOLDER [--codec f32 ...] [--tokens 200] [--threads N] [--json]

FOLDER: a model folder (`groundup get smollm2`, or of a checkpoint of llama2.c). Both write from the first token on, alone, in turns; medians of
five. bare: `llama_decode` with the same argmax in NumPy; wrapper: `Llama.generate` of llama-cpp-python, its greedy sampler included.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from peer import Peer

import groundup
from groundup.inference.compiled.step import lower
from groundup.machine.probe.timing import in_turns
from groundup.model.formats.gguf_model import save_gguf
from groundup.processor import machine_name

KINDS = {"f32": "F32", "bf16": "BF16", "q8_0": "Q8_0", "q4_0": "Q4_0"}
TURNS = 5


def written(step: Any, token: int, count: int) -> list[int]:
    """Greedy ids; step gives the logits after a token."""
    ids = [token]
    for _ in range(count):
        ids.append(int(step(ids[-1]).argmax()))
    return ids[1:]


def measured(model: Any, codec: str, count: int, threads: int | None) -> dict[str, Any]:
    """One codec."""
    import llama_cpp

    lowered = lower(model.module, codec, context=count + 1, threads=threads)
    text, begin = lowered.text(), model.config.bos_token_id or 1
    used = threads or lowered.threads
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "m.gguf")
        save_gguf(path, model.module, model.tokenizer, kind=KINDS[codec])
        peers = {n: Peer(path, n, count + 8) for n in {1, used}}
        wrapper = llama_cpp.Llama(str(path), n_ctx=count + 8, n_threads=used, verbose=False)

        def ours() -> list[int]:
            text.length = 0
            return written(text.step, begin, count)

        def bare(peer: Peer) -> list[int]:
            peer.forget()
            return written(lambda token: (peer.step([token]), peer.logits())[1], begin, count)

        def wrapped() -> list[int]:
            wrapper.reset()
            return [
                int(token) for _, token in zip(range(count), wrapper.generate([begin], temp=0.0, top_k=1), strict=False)
            ]

        ways = (
            {"ours": ours}
            | {f"bare_{n}": lambda peer=peer: bare(peer) for n, peer in peers.items()}
            | {"wrapper": wrapped}
        )
        same = sum(a == b for a, b in zip(ours(), bare(peers[used]), strict=True))
        median = {name: statistics.median(times) for name, times in in_turns(ways, TURNS, warm=1).items()}
        for peer in peers.values():
            peer.close()
        wrapper.close()
    row: dict[str, Any] = {"codec": codec, "threads": lowered.threads, "same_ids": f"{same}/{count}"}
    row |= {f"{name}_tok_s": count / seconds for name, seconds in median.items()}
    return row | {f"ratio_{name}": seconds / median["ours"] for name, seconds in median.items() if name != "ours"}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--codec", action="append", choices=list(KINDS))
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    model = groundup.load(asked.folder)
    rows = [measured(model, codec, asked.tokens, asked.threads) for codec in asked.codec or KINDS]
    if asked.json:
        print(json.dumps({"machine": machine_name(), "rows": rows}))
        return
    print(machine_name())
    for row in rows:
        print(
            "  ".join(
                f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()
            )
        )


if __name__ == "__main__":
    main()
