"""Instruction tuning of an encoder-decoder: the conversation so far is read, and the answer is what the decoder learns to write.

    read        the turns up to an answer, as the chat template writes them; without a template the question as it stands (T5: "translate ...: ...")
    asked for   the answer and the token that ends a text; every place of it counts, and nothing of what is read

Each answer of a conversation is an example of its own, since the encoder reads what stands before it whole.
Raffel et al. 2020, arXiv:1910.10683, section 2.4 (every task is text to text); Chung et al. 2022 (Flan-T5), arXiv:2210.11416.
Left out: adapters, packing of several sources in one row.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from groundup import progress
from groundup.data.pipeline.streaming import permutation
from groundup.errors import InputError
from groundup.machine.probe.device import device_of_module, placed
from groundup.training import loop
from groundup.training.objectives.span import Answers, answers, span_loss
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.instruction import Conversation
from groundup.tuning.supervised.tool_calls import written_for

ROWS = 16  # pairs measured at once
Pair = tuple[list[int], list[int]]  # what is read, what is asked for


def pairs_of(conversations: Sequence[Conversation], tokenizer: Any, longest: int) -> list[Pair]:
    """Source and answer of every answer. InputError where there is none.

    longest: tokens of each at most; a source loses its beginning, since the question stands at its end, and an answer its end, which then is not
    learned as one. How many were cut is said.
    """
    end, pairs, cut = tokenizer.eos_token_id, [], 0
    for conversation in conversations:
        written, names = written_for(conversation, tokenizer.chat_template or "")
        for place, message in enumerate(written):
            if message["role"] == "assistant" and message["content"]:
                read, asked = source_of(written[:place], tokenizer, names), tokenizer.encode(message["content"])
                cut += max(len(read), len(asked)) > longest
                closed = [*asked, end] if end is not None and len(asked) <= longest else asked[:longest]
                pairs.append((read[-longest:], closed))
    if not pairs:
        raise InputError("there is no conversation to learn from; give at least one")
    if cut:
        progress.say(
            f"{cut} of {len(pairs)} answers, or what is read before them, are longer than {longest} tokens and were cut"
        )
    return pairs


def source_of(before: Sequence[dict[str, Any]], tokenizer: Any, names: dict[str, Any]) -> list[int]:
    """What the encoder reads before an answer."""
    if tokenizer.chat_template:
        return list(tokenizer.apply_chat_template(list(before), add_generation_prompt=True, **names))
    if not before:
        raise InputError(
            "a conversation begins with an answer, and there is nothing to read before it; let a user's message come first"
        )
    return list(tokenizer.encode_prompt("\n".join(message["content"] for message in before)))


def batches_of(pairs: Sequence[Pair], config: TuneConfig, pad_id: int) -> Callable[[int], Answers]:
    """Step number -> pairs: every pair once before any comes again, each time in another order."""

    def batch(number: int) -> Answers:
        places = range(number * config.batch_size, (number + 1) * config.batch_size)
        orders = {
            epoch: permutation(len(pairs), (config.seed, epoch)) for epoch in {place // len(pairs) for place in places}
        }
        return answers([pairs[orders[place // len(pairs)][place % len(pairs)]] for place in places], pad_id)

    return batch


@torch.no_grad()
def loss_of(module: Any, pairs: Sequence[Pair], pad_id: int = 0) -> float:
    """The mean surprise in nats a token of all answers."""
    was, device = module.training, device_of_module(module)
    module.eval()
    found = [
        span_loss(module, placed(answers(pairs[at : at + ROWS], pad_id), device)) for at in range(0, len(pairs), ROWS)
    ]
    module.train(was)
    return float(sum(loss for loss, _ in found)) / sum(count for _, count in found)


def fit(module: Any, pairs: Sequence[Pair], config: TuneConfig, pad_id: int = 0, **watched: Any) -> loop.TrainResult:
    """Tune an encoder-decoder in place. watched: folder, listeners, stop, way_on, tokenizer of `loop.train`, and mark for the batches."""
    batches = watched.pop("mark", lambda made: made)(batches_of(pairs, config, pad_id))
    rows = config.batch_size * config.gradient_accumulation_steps
    steps = config.steps or max(1, -(-round(config.epochs * len(pairs)) // rows))
    return loop.train(module, batches, config.training(steps), objective=span_loss, title="tuning", **watched)
