"""Greedy answers of a real model by the engine and by transformers, both in float32: the ids have to be the same.

    python benchmarks/inference/engine/greedy.py FOLDER [--tokens 40] [--json]

FOLDER: a chat model's folder (`groundup get smollm2`). Two conversations and three texts, all five at once in the engine, one after another in transformers.
"""

import argparse
import json
import os
from typing import Any

import torch

from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Engine, EngineConfig, Request
from groundup.inference.handle import Handle, load

CHATS = ("What is the capital of France?", "Write a short poem about the sea.")
TEXTS = ("Once upon a time", "def fibonacci(n):", "The three laws of thermodynamics are")


def prompts_of(handle: Handle) -> list[list[int]]:
    """The ids of all prompts; those of a conversation by the model's template."""
    chats = [[{"role": "user", "content": text}] for text in CHATS]
    return [
        *(handle.tokenizer.apply_chat_template(one, add_generation_prompt=True) for one in chats),
        *(handle.tokenizer.encode_prompt(text) for text in TEXTS),
    ]


def ours(handle: Handle, prompts: list[list[int]], tokens: int) -> list[list[int]]:
    """The engine's answers, all at once."""
    engine = Engine(handle, EngineConfig(compiled=None, max_rows=len(prompts)))
    sampling, stops = SamplingConfig(max_new_tokens=tokens, temperature=0.0), list(handle.stop_ids())
    ids: dict[str, list[int]] = {
        engine.add(Request(prompt_ids=one, sampling=sampling, stop_ids=stops)): [] for one in prompts
    }
    while engine.has_work:
        for event in engine.step():
            ids[event.request_id] += event.ids
    return list(ids.values())


@torch.inference_mode()
def theirs(model: Any, prompt: list[int], tokens: int) -> list[int]:
    """The answer of transformers."""
    ids = torch.tensor([prompt])
    made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return made[0, len(prompt) :].tolist()


def main() -> None:
    """Print whether they are the same; status 1 where one is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    handle = load(asked.folder, dtype="float32", device="cpu")
    prompts = prompts_of(handle)
    found = ours(handle, prompts, asked.tokens)
    model = transformers.AutoModelForCausalLM.from_pretrained(asked.folder, dtype=torch.float32).eval()
    same = [theirs(model, prompt, asked.tokens) == mine for prompt, mine in zip(prompts, found, strict=True)]
    if asked.json:
        print(json.dumps({"same": sum(same), "answers": len(same), "tokens": [len(one) for one in found]}))
    else:
        for alike, mine in zip(same, found, strict=True):
            print(f"{'same ' if alike else 'OTHER'} {len(mine):3} tokens  {handle.tokenizer.decode(mine)[:80]!r}")
        print(f"{sum(same)} of {len(same)} answers have the ids of transformers {transformers.__version__}")
    raise SystemExit(not all(same))


if __name__ == "__main__":
    main()
