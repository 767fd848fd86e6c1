"""Speculative decoding against plain decoding on a model of 10 M parameters, trained briefly on tinyworld, that writes its own kind of text.

    python benchmarks/inference/decoding/speculative.py [--steps 300] [--folder KEPT] [--json]

The model: 12 layers, 256 wide, on tinyworld in byte pairs; the draft model: one layer of the same width, trained as long on the same text;
three Medusa heads, trained on the model as it is. Prompts: the first 24 tokens of held-out documents. The look-up knows the text so far, and in
a second row 100,000 tokens of the training text as well. Greedy, and at temperature 1 and 0.7. All in fp32, one text at a time; the ways are
taken in turns, and each row is the median of its ratio to plain decoding (`generate_batch`) in the same round. "equal" counts answers that are
those of plain decoding (only guesses that were drawn may differ, in no other way than another seed would).
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from groundup.data.sources.tinyworld import sample
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.drafts import ModelDraft, NGramDraft
from groundup.inference.decoding.medusa import MedusaDraft, MedusaHeads, train_heads
from groundup.inference.decoding.speculative import Acceptance, speculate
from groundup.inference.engine.batching import generate_batch
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.processor import processor
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

VOCAB, SEQ, ROWS, NEW, PROMPT = 1024, 128, 8, 96, 24


def shape(layers: int) -> Qwen3Config:
    """The model with so many layers."""
    return Qwen3Config(
        vocab_size=VOCAB, hidden_size=256, intermediate_size=704, num_hidden_layers=layers, num_attention_heads=4, num_key_value_heads=4,
        head_dim=64, max_position_embeddings=256, tie_word_embeddings=True,
    )  # fmt: skip


def trained(layers: int, rows: torch.Tensor, steps: int) -> Any:
    """A model after so many steps of AdamW, and its last losses."""
    module = build(shape(layers), seed=0)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1.5e-3, betas=(0.9, 0.95), weight_decay=0.01)
    source, losses = torch.Generator().manual_seed(1), []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1.5e-3 * min(1, (step + 1) / 30, 2 * (steps - step) / steps)
        some = rows[torch.randint(len(rows), (ROWS,), generator=source)]
        loss = functional.cross_entropy(module(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    print(
        f"{layers} layers, {sum(p.numel() for p in module.parameters()) / 1e6:.1f} M: loss {statistics.mean(losses[-20:]):.2f}",
        flush=True,
    )
    return module.eval()


def made(steps: int, folder: Path | None) -> dict[str, Any]:
    """Text, models and heads, from a folder where they are kept."""
    kept = None if folder is None else folder / f"speculative-{steps}.safetensors"
    texts = [one.text + "\n" for one in sample(3, 4000)]
    tokenizer = train_tokenizer(texts[:1000], TokenizerConfig(vocab_size=VOCAB))
    ids = [id for text in texts for id in tokenizer.encode(text)]
    rows = torch.tensor(ids[: len(ids) // (SEQ + 1) * (SEQ + 1)]).view(-1, SEQ + 1)
    held = [tokenizer.encode(one.text)[:PROMPT] for one in sample(3, 60, "heldout")]
    parts = {name: build(shape(layers), seed=0).eval() for name, layers in (("model", 12), ("draft", 1))}
    parts["heads"] = MedusaHeads(256, 3)
    if kept is not None and kept.is_file():
        stored = load_file(kept)
        for name, part in parts.items():
            part.load_state_dict({key: stored[f"{name}/{key}"] for key in part.state_dict()})
    else:
        parts = {"model": trained(12, rows, steps), "draft": trained(1, rows, steps)}
        parts["heads"], losses = train_heads(parts["model"], rows, steps=steps, batch=ROWS)
        print(f"heads: loss {losses[0]:.2f} to {statistics.mean(losses[-20:]):.2f}", flush=True)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            states = {f"{name}/{key}": one for name, part in parts.items() for key, one in part.state_dict().items()}
            save_file({key: one.clone() for key, one in states.items()}, kept)
    prompts = [prompt for prompt in held if len(prompt) == PROMPT]
    return parts | {"prompts": prompts, "ids": ids[:100_000]}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, {processor()}, {time.strftime('%Y-%m-%d')}", flush=True)
    parts = made(asked.steps, asked.folder)
    module = parts["model"]
    drafts = {
        "look-up in the text": NGramDraft(6),
        "look-up, training text": NGramDraft(6, longest=6, shortest=2, reference=parts["ids"]),
        "one-layer model": ModelDraft(parts["draft"], 5),
        "one-layer model, sure 0.4": ModelDraft(parts["draft"], 8, sure=0.4),
        "three Medusa heads": MedusaDraft(parts["heads"]),
    }
    table = []
    for degree in (0.0, 0.7, 1.0):
        ratios, figures, equal, plain_s = (
            {name: [] for name in drafts},
            {name: [] for name in drafts},
            dict.fromkeys(drafts, 0),
            [],
        )
        for number, prompt in enumerate(parts["prompts"][: asked.rounds]):
            sampling = SamplingConfig(temperature=degree, max_new_tokens=NEW, seed=number)
            start = time.perf_counter()
            (plain,) = generate_batch(module, [prompt], sampling)
            plain_s.append((time.perf_counter() - start) / NEW)
            for name, draft in drafts.items():
                start = time.perf_counter()
                chunks = [*speculate(module, prompt, sampling, draft)]
                ratios[name].append(plain_s[-1] * NEW / (time.perf_counter() - start))
                figures[name] += chunks
                equal[name] += [id for chunk in chunks for id in chunk.ids] == plain.ids
        for name in drafts:
            found = Acceptance.of(figures[name])
            table.append({"temperature": degree, "draft": name, "speed": statistics.median(ratios[name]), "accepted": found.rate,
                          "tokens_a_round": found.tokens_a_round, "equal": equal[name], "plain_ms": 1e3 * statistics.median(plain_s)})  # fmt: skip
    if asked.json:
        print(json.dumps(table))
        return
    print(f"{'temperature':>11}  {'draft':<26}{'speed':>7}{'accepted':>10}{'a round':>9}{'equal':>7}{'plain ms':>10}")
    for row in table:
        print(
            f"{row['temperature']:11.1f}  {row['draft']:<26}{row['speed']:6.2f}x{row['accepted']:10.0%}{row['tokens_a_round']:9.2f}"
            f"{row['equal']:7}{row['plain_ms']:10.1f}"
        )


if __name__ == "__main__":
    main()
