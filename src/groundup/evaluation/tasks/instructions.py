"""A chat model follows instructions: how it is asked, and what share it gets right, by family of task.

Every share has its Wilson interval. Compositions that training held out ("unseen": both words were seen, but never
together) are counted apart, because only they tell rules from memory. Two models that answered the same items are
compared pair by pair: the mean difference with a bootstrap interval, and McNemar's exact test.
"""

from collections.abc import Callable, Sequence
from typing import Any

from groundup.evaluation.metrics.calibration import mcnemar, paired_bootstrap, wilson
from groundup.evaluation.tasks.samples import Answerer, Sample

COMPOSITIONS = ("seen", "unseen")
ROOM_TOKENS = 8


def chat_answerer(handle: Any, max_new_tokens: int, rows_at_once: int = 256) -> Answerer:
    """Answer as the model of `handle` does in a chat, always with the likeliest token."""
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch
    from groundup.inference.handle import end_of_turn

    tokenizer = handle.tokenizer
    stops = handle.stop_ids() | end_of_turn(tokenizer)
    sampling = SamplingConfig(max_new_tokens=max_new_tokens, temperature=0.0)

    def answer(items: Sequence[Any]) -> list[str]:
        prompts = [prompt_ids(tokenizer, item.prompt) for item in items]
        completions = generate_batch(
            handle.module, prompts, sampling, stops, pad_id=tokenizer.pad_token_id or 0, rows_at_once=rows_at_once
        )
        return [tokenizer.decode(completion.ids, skip_special_tokens=True) for completion in completions]

    return answer


def prompt_ids(tokenizer: Any, prompt: str) -> list[int]:
    """One user message as the chat template writes it, with the answer about to begin."""
    return tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)


def answer_room(tokenizer: Any, items: Sequence[Any]) -> int:
    """How many tokens an answer may have: those of the longest right one, and a few by which a wrong one is seen."""
    return max(map(len, tokenizer.encode_batch([item.answer for item in items])), default=0) + ROOM_TOKENS


def share(samples: Sequence[Sample], confidence: float = 0.95) -> dict[str, float]:
    """What share of the samples is right, with its interval."""
    correct = sum(sample.correct for sample in samples)
    return wilson(correct, len(samples), confidence)._asdict() | {"n": len(samples), "correct": correct}


def accuracy(samples: Sequence[Sample], confidence: float = 0.95) -> dict[str, Any]:
    """The shares of right answers: overall, "seen" and "unseen" where there are such, and the same for each family."""

    def measure(part: Sequence[Sample]) -> dict[str, float]:
        return share(part, confidence)

    return _table(samples, measure) | {"families": {name: _table(part, measure) for name, part in families(samples)}}


def families(samples: Sequence[Sample]) -> list[tuple[str, list[Sample]]]:
    """The samples of each family, in alphabetical order."""
    names = sorted({sample.family for sample in samples})
    return [(name, [sample for sample in samples if sample.family == name]) for name in names]


def _table(samples: Sequence[Sample], measure: Callable[[Sequence[Sample]], dict[str, float]]) -> dict[str, Any]:
    """A measure of all samples and of each composition that occurs."""
    parts = {"overall": samples} | {
        kind: [sample for sample in samples if sample.composition == kind] for kind in COMPOSITIONS
    }
    return {name: measure(part) for name, part in parts.items() if part or name == "overall"}


def compare(
    before: Sequence[Sample], after: Sequence[Sample], confidence: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """The gain in right answers between two models on the same items, in the form of `accuracy`."""
    first = {sample.index: sample for sample in before}
    assert [sample.prompt for sample in before] == [sample.prompt for sample in after], "pairs need the same items"

    def measure(part: Sequence[Sample]) -> dict[str, float]:
        return gain(
            [first[sample.index].correct for sample in part], [sample.correct for sample in part], confidence, seed
        )

    return _table(after, measure) | {"families": {name: _table(part, measure) for name, part in families(after)}}


def gain(before: Sequence[bool], after: Sequence[bool], confidence: float = 0.95, seed: int = 0) -> dict[str, float]:
    """The difference of two shares over pairs with its bootstrap interval, and McNemar's exact test."""
    difference = paired_bootstrap(before, after, confidence=confidence, seed=seed)
    return difference._asdict() | {"n": len(before)} | mcnemar(before, after)._asdict()
