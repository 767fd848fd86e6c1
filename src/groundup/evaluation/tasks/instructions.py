"""A chat model follows instructions: how it is asked, and what share it gets right, by family of task.

Every share has its Wilson interval. Compositions that training held out ("unseen": both words were seen, never together)
are counted apart, because only they tell rules from memory. Two models that answered the same items are compared pair by
pair: the mean difference with a bootstrap interval, and McNemar's exact test.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from groundup.evaluation.metrics.calibration import mcnemar, paired_bootstrap, wilson
from groundup.evaluation.tasks.samples import Answerer, Sample

ROOM_TOKENS = 8  # beyond the longest right answer: enough to see that an answer went on


def chat_answerer(handle: Any, max_new_tokens: int = 0, rows_at_once: int = 256) -> Answerer:
    """Answer as the model of `handle` does in a chat, always with the likeliest token.

    max_new_tokens: 0 gives each call eight tokens more than its longest right answer has.
    """
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import generate_batch
    from groundup.inference.handle import end_of_turn

    tokenizer = handle.tokenizer
    stops = handle.stop_ids() | end_of_turn(tokenizer)

    def answer(items: Sequence[Any]) -> list[str]:
        prompts = [prompt_ids(tokenizer, item.prompt) for item in items]
        limit = max_new_tokens or longest_answer(tokenizer, items) + ROOM_TOKENS
        sampling = SamplingConfig(max_new_tokens=limit, temperature=0.0)
        completions = generate_batch(
            handle.module, prompts, sampling, stops, pad_id=tokenizer.pad_token_id or 0, rows_at_once=rows_at_once
        )
        return [tokenizer.decode(completion.ids, skip_special_tokens=True) for completion in completions]

    return answer


def prompt_ids(tokenizer: Any, prompt: str) -> list[int]:
    """One user message as the chat template writes it, with the answer about to begin."""
    return tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)


def longest_answer(tokenizer: Any, items: Sequence[Any]) -> int:
    """Tokens of the longest right answer."""
    return max(map(len, tokenizer.encode_batch([item.answer for item in items])), default=0)


def share(samples: Sequence[Sample], confidence: float = 0.95) -> dict[str, float]:
    """How many of the samples are right, as a share with its interval."""
    correct = sum(sample.correct for sample in samples)
    accuracy, low, high = wilson(correct, len(samples), confidence)
    return {"correct": correct, "count": len(samples), "accuracy": accuracy, "low": low, "high": high}


def accuracy(samples: Sequence[Sample], confidence: float = 0.95) -> dict[str, Any]:
    """The share of right answers overall, by family, and by composition."""
    return {
        "overall": share(samples, confidence),
        "families": {name: share(group, confidence) for name, group in grouped(samples, "family").items()},
        "compositions": {name: share(group, confidence) for name, group in grouped(samples, "composition").items()},
    }


def grouped(samples: Sequence[Sample], name: str) -> dict[str, list[Sample]]:
    """The samples by the value of one of their fields, in alphabetical order."""
    values = sorted({getattr(sample, name) for sample in samples})
    return {value: [sample for sample in samples if getattr(sample, name) == value] for value in values}


def compare(
    before: Sequence[Sample], after: Sequence[Sample], confidence: float = 0.95, seed: int = 0
) -> dict[str, Any]:
    """What changed between two models on the same items, overall and by family."""
    assert [sample.prompt for sample in before] == [sample.prompt for sample in after], "pairs need the same items"
    families = {name: [sample.index for sample in group] for name, group in grouped(before, "family").items()}
    first, second = ({sample.index: sample for sample in samples} for samples in (before, after))
    return _difference(before, after, confidence, seed) | {
        "families": {
            name: _difference(_of(first, rows), _of(second, rows), confidence, seed) for name, rows in families.items()
        }
    }


def _of(samples: Mapping[int, Sample], rows: list[int]) -> list[Sample]:
    return [samples[row] for row in rows]


def _difference(before: Sequence[Sample], after: Sequence[Sample], confidence: float, seed: int) -> dict[str, float]:
    first, second = ([sample.correct for sample in samples] for samples in (before, after))
    difference, low, high = paired_bootstrap(first, second, confidence=confidence, seed=seed)
    return {"count": len(first), "difference": difference, "low": low, "high": high} | mcnemar(first, second)._asdict()
