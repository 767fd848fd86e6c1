"""Log-probabilities as OpenAI's two endpoints write them. JSON has no minus infinity: -9999 stands for it, as in other servers."""

import itertools
from collections.abc import Sequence
from typing import Any

from groundup.inference.engine import Event, Scored

LOWEST = -9999.0


def of_event(event: Event) -> list[Scored]:
    """The scored tokens of one event."""
    tops = event.top_log_probabilities or [()] * len(event.ids)
    return [Scored(*one) for one in zip(event.ids, event.log_probabilities, tops, strict=False)]


def finite(value: float | None) -> float | None:
    """A log-probability that JSON can hold.

    >>> finite(float("-inf")), finite(-0.5)
    (-9999.0, -0.5)
    """
    return None if value is None else max(float(value), LOWEST)


def token(tokenizer: Any, id: int) -> tuple[str, list[int]]:
    """A token as text and as bytes."""
    try:
        raw = tokenizer.token_bytes(id)
    except Exception:  # an id of a padded vocabulary that stands for nothing
        return f"<{id}>", []
    return raw.decode(errors="replace"), list(raw)


def chat_tokens(tokenizer: Any, scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """`logprobs.content` of chat completions."""

    def one(id: int, value: float | None) -> dict[str, Any]:
        text, raw = token(tokenizer, id)
        return {"token": text, "logprob": finite(value), "bytes": raw}

    return [
        {**one(token.id, token.log_probability), "top_logprobs": [one(id, value) for id, value in token.top]}
        for token in scored
    ]


def completion_tokens(tokenizer: Any, scored: Sequence[Scored], start: int, top: int) -> dict[str, Any]:
    """`logprobs` of completions: lists side by side. start: characters of the text before the first token."""
    known: dict[int, str] = {}  # the same few thousand tokens again and again: 20 beside each of a long prompt

    def text(id: int) -> str:
        if id not in known:
            known[id] = token(tokenizer, id)[0]
        return known[id]

    texts = [text(one.id) for one in scored]
    offsets = list(itertools.accumulate(map(len, texts), initial=start))[:-1]
    tops = [
        None
        if one.log_probability is None
        else {text(id): finite(value) for id, value in (*one.top, (one.id, one.log_probability))}
        for one in scored
    ]
    return {
        "tokens": texts,
        "token_logprobs": [finite(one.log_probability) for one in scored],
        "top_logprobs": tops if top else None,
        "text_offset": offsets,
    }
