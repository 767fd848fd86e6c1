"""Requests that nobody should send, by the ten thousand: no 5xx, no hang, and the server still answers at the end.

    python benchmarks/serving/api/fuzz.py --requests 100000                       against a tiny model in this process
    python benchmarks/serving/api/fuzz.py --url http://127.0.0.1:8000             against a running server

A valid request of a random route is damaged at random: fields of other types, enormous and missing values, unknown fields, cut or flipped bytes. Prints
requests a second, statuses, the slowest answer, and with --json all of it; exit status 1 where a 5xx or a hang was seen.
"""

import argparse
import asyncio
import json
import platform
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

HANG_S = 30.0
MESSAGES = [
    {"role": "user", "content": "the cat"},
    {"role": "assistant", "content": "sat"},
    {"role": "user", "content": "on"},
]
TOOL = {
    "type": "function",
    "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
}
VALID: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": "the cat", "max_tokens": 2, "temperature": 0.5, "n": 1, "stop": ["x"], "logprobs": 1, "seed": 1, "stream": False},
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 2, "tools": [TOOL], "tool_choice": "auto", "stream": True},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 2, "system": "be brief", "tools": [{"name": "add", "input_schema": {"type": "object"}}]},
    "/v1/responses": {"input": [{"role": "user", "content": "the cat"}], "max_output_tokens": 2, "instructions": "x", "stream": True},
    "/v1/embeddings": {"input": ["the cat", "a"], "encoding_format": "float", "dimensions": 4},
    "/rerank": {"query": "cat", "documents": ["a", "b"], "top_n": 1},
    "/score": {"text_1": "a", "text_2": ["b", "c"]},
    "/classify": {"input": "a"},
    "/tokenize": {"prompt": "the cat", "add_special_tokens": True},
    "/detokenize": {"tokens": [1, 2, 3]},
    "/apply-template": {"messages": MESSAGES},
    "/v1/messages/count_tokens": {"messages": MESSAGES},
}  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 3, 1.5, -0.0, 1e308, 10**18, -(10**30), "", "x", "the cat " * 40, "\u0000", "😀", "\u202e", [], {}, [[]], [None], [1, "a"],
    {"a": {"b": [1]}}, {"type": "object"}, {"type": "json_schema", "json_schema": {"name": "a", "schema": {"$ref": "#"}}}, {"regex": "(a|b)*c"},
    {"type": "function"}, [{"role": "user"}], [{"role": "king", "content": 1}], [1] * 300, ["a"] * 1000,
]  # fmt: skip


def damaged(chance: random.Random, value: Any) -> Any:
    """A value with something in it exchanged, removed or added."""
    if chance.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return chance.choice(ODD)
    changed = dict(value) if isinstance(value, dict) else list(value)
    key = chance.choice(list(changed) if isinstance(changed, dict) else range(len(changed)))
    kind = chance.random()
    if kind < 0.15:
        changed.pop(key)
    elif kind < 0.25 and isinstance(changed, dict):
        changed[
            chance.choice(
                ["frobnicate", "temperature", "n", "top_p", "top_k", "stream", "model", "min_p", "logit_bias", "suffix"]
            )
        ] = chance.choice(ODD)
    else:
        changed[key] = damaged(chance, changed[key])
    return changed


def request_of(chance: random.Random) -> tuple[str, bytes]:
    """A path and a body."""
    path = chance.choice(list(VALID))
    body = VALID[path] if chance.random() < 0.1 else damaged(chance, VALID[path])
    raw = json.dumps(body).encode()
    if chance.random() < 0.1 and raw:
        place = chance.randrange(len(raw))
        raw = chance.choice([raw[:place], raw[:place] + bytes([chance.randrange(256)]) + raw[place + 1 :], raw + raw])
    return path, raw


async def fuzz(client: httpx.AsyncClient, requests: int, at_once: int, seed: int) -> dict[str, Any]:
    """Send them; what came back."""
    chance, statuses, faults = random.Random(seed), Counter[int](), []
    left, slowest_s, begun_s = iter(range(requests)), 0.0, time.perf_counter()

    async def worker() -> None:
        nonlocal slowest_s
        for _ in left:
            path, raw = request_of(chance)
            start_s = time.perf_counter()
            try:
                response = await asyncio.wait_for(
                    client.post(path, content=raw, headers={"content-type": "application/json"}), HANG_S
                )
                status, body = response.status_code, response.text
            except TimeoutError:
                status, body = 599, "no answer"
            slowest_s = max(slowest_s, time.perf_counter() - start_s)
            statuses[status] += 1
            if status >= 500 or (200 <= status < 300 and '"type":"server_error"' in body):
                faults.append(
                    {
                        "path": path,
                        "request": raw.decode(errors="replace")[:400],
                        "status": status,
                        "answer": body[:200],
                    }
                )

    await asyncio.gather(*(worker() for _ in range(at_once)))
    after = await client.post("/v1/completions", json={"prompt": "the cat", "max_tokens": 2})
    took_s = time.perf_counter() - begun_s
    return {
        "requests": requests,
        "seconds": round(took_s, 1),
        "a_second": round(requests / took_s, 1),
        "statuses": dict(sorted(statuses.items())),
        "slowest_s": round(slowest_s, 2),
        "answers_after": after.status_code,
        "faults": faults[:20],
        "machine": platform.processor() or platform.machine(),
    }


def tiny_app() -> Any:
    """A server with a tiny random model."""
    import torch

    from groundup.inference.handle import Handle
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.serving.api.app import make_app
    from groundup.serving.api.models import Models
    from groundup.serving.api.service import Service
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    torch.set_num_threads(1)
    sizes = dict(
        hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1
    )
    module = build(Qwen3Config(vocab_size=270, max_position_embeddings=512, tie_word_embeddings=True, **sizes), seed=0)
    tokenizer = train_tokenizer(["the cat sat on the mat and the dog sat on the log"], TokenizerConfig(vocab_size=270))
    return make_app(Service(Models({"tiny": Path("tiny")}, loader=lambda _: Handle(module.eval(), tokenizer))))


def main() -> int:
    """Read the flags, fuzz, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--url", default="")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    async def run() -> dict[str, Any]:
        transport = None if options.url else httpx.ASGITransport(app=tiny_app(), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            base_url=options.url or "http://server", transport=transport, timeout=60
        ) as client:
            return await fuzz(client, options.requests, options.at_once, options.seed)

    told = asyncio.run(run())
    print(json.dumps(told) if options.json else "\n".join(f"{name:<14} {value}" for name, value in told.items()))
    return int(bool(told["faults"]) or told["answers_after"] != 200)


if __name__ == "__main__":
    sys.exit(main())
