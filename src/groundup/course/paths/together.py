"""The learner's functions at work together, measured in a process of their own, where `GROUNDUP_MINE` stands before any import.

gradients      a small decoder's gradients, against those of the reference: every function has to be differentiable as a part
logits         text to logits with a run's own weights, against transformers' model of the same folder
conversation   one turn with a run's model, drawn by the learner's sampler through the learner's cache
lesson         a lesson read from top to bottom: its asserts hold, and which frameworks were loaded by then

The child is this file: `python -m groundup.course.paths.together MEASURE [MODEL or LESSON]`; its last line is JSON: what the
measure found, how often each function was called, how often it was compared with the reference, and which gave something
else. Like a real run it runs the learner's code with the user's own rights; only the exercises' checker confines it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup import sandbox, slots
from groundup.errors import GroundupError, InputError, missing_extra

TEXT = "The quick brown fox gave the small red ball to Anna, and 12 + 30 = 42."
CLOSE = 1e-4  # of the largest value: float32 in another order of the sums differs by about 1e-6
TIMEOUT_S = 300
FRAMEWORKS = ("torch", "jax", "tensorflow")


def measure(name: str, folder: Path | None, given: Path | str | None = None) -> dict[str, Any]:
    """Run a measure in a child, with the functions of `folder` or, without one, with the library's own.

    given: the model's folder or the lesson's id. The child has one thread: models this small gain nothing from several, which
    wait for each other beside other work.
    """
    environment = {key: value for key, value in os.environ.items() if key != slots.VARIABLE} | sandbox.QUIET
    environment |= {"GROUNDUP_QUIET": "1"} | ({slots.VARIABLE: str(folder.resolve())} if folder else {})
    command = [sys.executable, "-m", "groundup.course.paths.together", name, *([str(given)] if given else [])]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise InputError(
            f"your functions took over {TIMEOUT_S} s for one small {'lesson' if name == 'lesson' else 'model'}; make them faster"
        ) from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["the process ended without a word"])[-1]
        raise InputError(last.removeprefix("groundup.errors.InputError: "))  # of a folder that was refused at import
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


def gradients(_: str) -> dict[str, Any]:
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


def logits(model: str) -> dict[str, Any]:
    """Logits of one text by our model and by transformers', from one folder."""
    import torch

    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError:
        raise missing_extra("transformers", "test") from None
    import groundup

    handle = groundup.load(model, dtype="float32", device="cpu")
    ids = handle.tokenizer.encode(TEXT)
    theirs = AutoTokenizer.from_pretrained(model)(TEXT, add_special_tokens=False)["input_ids"]
    if ids != theirs:
        raise InputError(
            f"the text becomes {len(ids)} tokens here and {len(theirs)} in transformers; look at your tokenizer"
        )
    other = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        mine, reference = handle(torch.tensor([ids]))[0], other(torch.tensor([ids])).logits[0]
    return {"difference": difference(mine.flatten().tolist(), reference.flatten().tolist()), "tokens": len(ids)}


def conversation(model: str) -> dict[str, Any]:
    """One turn, drawn with temperature, top-k and top-p."""
    import groundup

    asked = "What is 2 + 3?"
    handle = groundup.load(model, device="cpu")
    answer = handle.chat(
        [{"role": "user", "content": asked}], max_new_tokens=24, temperature=0.8, top_k=20, top_p=0.9, seed=1
    )
    return {"asked": asked, "answer": answer}


def lesson(id: str) -> dict[str, Any]:
    """A lesson as it stands. An assert that fails, and a function of the learner's that raises, is one sentence."""
    from groundup.course import book

    try:
        ran = book.run(book.find(id).path)
    except Exception as error:  # marimo wraps what a cell raised
        raise _told(error) from error
    return {"seconds": round(ran.seconds, 2), "frameworks": [name for name in FRAMEWORKS if name in sys.modules]}


def _told(error: BaseException) -> GroundupError:
    """What a lesson ended with, as a sentence: the first of its causes that says one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, GroundupError):
            return cause
        if isinstance(cause, AssertionError):
            return InputError(f"with your functions an assert of the lesson fails: {cause}")
        cause = cause.__cause__ or cause.__context__
    return InputError(f"with your functions the lesson ends in {type(error).__name__}: {error}")


MEASURES: dict[str, Callable[[str], dict[str, Any]]] = {
    "gradients": gradients,
    "logits": logits,
    "conversation": conversation,
    "lesson": lesson,
}


def main(name: str, given: str = "") -> int:
    """Measure and print; a learner's mistake is one sentence on stderr."""
    try:
        found = MEASURES[name](given)
    except GroundupError as error:
        print(error, file=sys.stderr)
        return 2
    filled = slots.active()
    counted = {
        "calls": {one.id: one.calls for one in filled},
        "compared": {one.id: one.compared for one in filled},
        "differs": {one.id: one.differs_at for one in filled if one.differs_at is not None},
    }
    print(json.dumps(found | counted))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
