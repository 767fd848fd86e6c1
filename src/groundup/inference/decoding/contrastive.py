"""Contrastive search: the likely token that says something new, without a draw.

    next = argmax over the k likeliest v of   (1 - alpha) p(v | text)  -  alpha max_j cos(h_v, h_j)

h_v is the model's last hidden state once v is appended, h_j that of each earlier token, prompt included. A model that goes round in
circles comes by hidden states it had before; the second term, the degeneration penalty, is near 1 there. alpha = 0 is greedy decoding.
Su et al. 2022, arXiv:2202.06417, equation 5 (k of 5 to 10, alpha about 0.6).

A step costs one pass of the model over k rows: all candidates at once, each a row of the cache that ends in another token; the chosen
row is then copied k times. Left out: batches of prompts; and the handle, whose `generate` does not reach this yet.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from groundup.errors import ConfigError, InputError
from groundup.inference.cache.kv_cache import KVCache


def contrastive_choice(
    probabilities: Float[Tensor, " k"],
    candidates: Float[Tensor, "k hidden"],
    context: Float[Tensor, "length hidden"],
    alpha: float,
) -> int:
    """Which of the candidates is likely and, by its hidden state, unlike everything before: the place of the best.

    probabilities: of each candidate; candidates: the hidden state after each; context: the hidden states of the text so far.
    """
    similar = functional.cosine_similarity(candidates[:, None], context[None], dim=2).amax(1)
    return int(((1 - alpha) * probabilities - alpha * similar).argmax())


def contrastive_search(
    module: Any,
    prompt: Sequence[int],
    max_new_tokens: int,
    stop_ids: Collection[int] = (),
    *,
    k: int = 5,
    alpha: float = 0.6,
) -> list[int]:
    """Continue a prompt; a stop id that came is the last of the answer. max_new_tokens: cut at the end of the model's context."""
    answer = []
    for token in contrastive_steps(module, prompt, max_new_tokens, k=k, alpha=alpha):
        answer.append(token)
        if token in stop_ids:
            break
    return answer


def contrastive_steps(
    module: Any, prompt: Sequence[int], max_new_tokens: int, *, k: int = 5, alpha: float = 0.6
) -> Iterator[int]:
    """The tokens of an answer, one by one, until it is full."""
    limit = min(max_new_tokens, module.config.max_position_embeddings - len(prompt))
    _check(len(prompt), limit, k, alpha)
    return _steps(module, prompt, limit, min(k, module.config.vocab_size), alpha)


@torch.no_grad()
def _steps(module: Any, prompt: Sequence[int], limit: int, k: int, alpha: float) -> Iterator[int]:
    cache = KVCache.of(module, 1, len(prompt) + limit)
    context = module.hidden(torch.tensor([list(prompt)], device=module.device), None, None, cache)[0]
    last = context[-1]
    cache.select(torch.zeros(k, dtype=torch.long, device=module.device))  # a row a candidate
    for _ in range(limit):
        likely = torch.softmax(module.lm_head(last[None])[0].float(), dim=0).topk(k)
        hidden = module.hidden(likely.indices[:, None], None, None, cache)[:, 0]
        best = contrastive_choice(likely.values, hidden.float(), context.float(), alpha)
        yield int(likely.indices[best])
        last = hidden[best]
        context = torch.cat((context, last[None]))
        cache.select(torch.full((k,), best, device=module.device))


def _check(prompt: int, limit: int, k: int, alpha: float) -> None:
    if not 0 <= alpha <= 1:
        raise ConfigError(f"alpha={alpha} is not possible; use 0 for greedy decoding, or a number up to 1 such as 0.6")
    if k < 1:
        raise ConfigError(f"k={k} leaves nothing to choose from; use a few candidates, such as 5")
    if not prompt or limit < 1:
        raise InputError(
            f"a prompt of {prompt} tokens leaves no answer; give at least one token, max_new_tokens of 1 or more, and a prompt "
            "that is shorter than the model's context"
        )
