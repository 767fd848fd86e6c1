"""The learner's functions in one model, measured in a process of their own, where `GROUNDUP_MINE` stands before any import.

gradients      a small decoder's gradients, against those of the reference: every function has to be differentiable as a part
logits         text to logits with a run's own weights, against transformers' model of the same folder
conversation   one turn with a run's model, drawn by the learner's sampler through the learner's cache

The child is this file: `python -m groundup.course.paths.together MEASURE [MODEL]`; its last line is JSON. Like a real run it
runs the learner's code with the user's own rights; only the exercises' checker confines it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup import slots
from groundup.errors import InputError, missing_extra

TEXT = "The quick brown fox gave the small red ball to Anna, and 12 + 30 = 42."
CLOSE = 1e-4  # of the largest value: float32 in another order of the sums differs by about 1e-6
TIMEOUT_S = 300


def measure(name: str, folder: Path | None, model: Path | None = None) -> dict[str, Any]:
    """Run a measure in a child, with the functions of `folder` or, without one, with the library's own."""
    environment = {key: value for key, value in os.environ.items() if key != slots.VARIABLE}
    environment |= {"GROUNDUP_QUIET": "1"} | ({slots.VARIABLE: str(folder.resolve())} if folder else {})
    command = [sys.executable, "-m", "groundup.course.paths.together", name, *([str(model)] if model else [])]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"your functions took over {TIMEOUT_S} s for one small model; make them faster") from None
    if done.returncode:
        raise InputError((done.stderr.strip().splitlines() or ["the process ended without a word"])[-1])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def difference(mine: list[float], reference: list[float]) -> float:
    """The largest difference over the largest value of the reference; infinite where one is no number.

    >>> difference([1.0, 2.5], [1.0, 2.0])
    0.25
    """
    assert len(mine) == len(reference), (len(mine), len(reference))
    largest = max(abs(one) for one in reference)
    apart = [abs(one - other) for one, other in zip(mine, reference, strict=True)]
    return max(apart) / largest if all(one == one for one in apart) else float("inf")


# ───────── in the child ─────────


def gradients(model: Path | None) -> dict[str, Any]:
    """Every gradient of a small decoder over one batch."""
    import torch

    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config

    config = Qwen3Config(
        vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, max_position_embeddings=32,
    )  # fmt: skip
    module, chance = build(config, seed=1), torch.Generator().manual_seed(2)
    with torch.no_grad():  # the library's first values hold zeros, through which no gradient would flow
        for parameter in module.parameters():
            parameter.add_(torch.empty_like(parameter).normal_(0.0, 0.3, generator=chance))
    ids = torch.randint(48, (2, 12), generator=chance)
    logits = module(ids[:, :-1])
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten()).backward()
    found = [parameter.grad if parameter.grad is not None else 0 * parameter for parameter in module.parameters()]
    return {"values": [one for gradient in found for one in gradient.flatten().tolist()]}  # none at all counts as zero


def logits(model: Path | None) -> dict[str, Any]:
    """Logits of one text by our model and by transformers', from one folder."""
    import torch

    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        raise missing_extra("transformers", "test") from None
    import groundup

    handle = groundup.load(model, dtype="float32", device="cpu")
    ids = handle.tokenizer.encode(TEXT)
    theirs = AutoTokenizer.from_pretrained(str(model))(TEXT, add_special_tokens=False)["input_ids"]
    if ids != theirs:
        raise InputError(
            f"the text becomes {len(ids)} tokens here and {len(theirs)} in transformers; look at your tokenizer"
        )
    other = AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        mine, reference = handle(torch.tensor([ids]))[0], other(torch.tensor([ids])).logits[0]
    return {"difference": difference(mine.flatten().tolist(), reference.flatten().tolist()), "tokens": len(ids)}


def conversation(model: Path | None) -> dict[str, Any]:
    """One turn, drawn with temperature, top-k and top-p."""
    import groundup

    asked = "What is 2 + 3?"
    handle = groundup.load(model, device="cpu")
    answer = handle.chat(
        [{"role": "user", "content": asked}], max_new_tokens=24, temperature=0.8, top_k=20, top_p=0.9, seed=1
    )
    return {"asked": asked, "answer": answer}


MEASURES: dict[str, Callable[[Path | None], dict[str, Any]]] = {
    "gradients": gradients,
    "logits": logits,
    "conversation": conversation,
}


def main(name: str, model: str = "") -> int:
    """Measure and print; a learner's mistake is one sentence on stderr."""
    import torch

    torch.set_num_threads(1)
    try:
        found = MEASURES[name](Path(model) if model else None)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found | {"calls": {one.id: one.calls for one in slots.active()}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
