"""From logits to the next token: filters that narrow the choice, then one draw.

Each filter takes logits (batch, vocab) and gives logits, with -inf for what may not be chosen, so they compose:

    repetition, frequency and presence penalty -> temperature -> top-k -> top-p -> min-p -> typical -> draw

in another order, or with a function of the user's own between them, where `SamplingConfig.order` says so.

Top-k: Fan et al. 2018, arXiv:1805.04833. Top-p (nucleus): Holtzman et al. 2019, arXiv:1904.09751. Min-p: Nguyen et al.
2024, arXiv:2407.01082. Typical: Meister et al. 2022, arXiv:2202.00666, section 4. Repetition penalty: Keskar et al. 2019 (CTRL),
arXiv:1909.05858, section 4.1. Frequency and presence penalty: OpenAI's API reference; they count what was sampled, not the prompt.
Left out: contrastive search (`contrastive.py`), eta and mirostat sampling.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig, wants_the_prompt
from groundup.slots import filled, slot

Logits = Float[Tensor, "batch vocab"]
BLOCK = 64  # tokens whose probabilities are summed before the draw
NUCLEUS_WITHIN = 128  # candidates looked at before a whole vocabulary is sorted


@slot
def repetition_penalty(logits: Logits, penalty: float, previous: Int[Tensor, "batch length"]) -> Logits:
    """Make tokens that occurred less likely: divide a positive logit by the penalty, multiply a negative one.

    previous: the ids so far, -1 where a row is padded; a token counts once, however often it occurred.
    """
    occurred = torch.zeros(len(logits), logits.shape[1] + 1, dtype=torch.bool, device=logits.device)
    occurred.scatter_(1, previous % occurred.shape[1], True)  # -1 lands in the extra column
    return torch.where(occurred[:, :-1], torch.where(logits > 0, logits / penalty, logits * penalty), logits)


def frequency_penalty(logits: Logits, penalty: float, sampled: Int[Tensor, "batch length"]) -> Logits:
    """Take the penalty from a token's logit as many times as it was written.

    sampled: the ids of the answer so far, without the prompt; -1 where a row has none.
    """
    return logits - penalty * occurrences(logits, sampled)


@slot
def presence_penalty(logits: Logits, penalty: float, sampled: Int[Tensor, "batch length"]) -> Logits:
    """Take the penalty from the logit of every token that was written, once however often that was.

    sampled: the ids of the answer so far, without the prompt; -1 where a row has none.
    """
    return logits - penalty * (occurrences(logits, sampled) > 0)


def occurrences(logits: Logits, ids: Int[Tensor, "batch length"]) -> Logits:
    """How often each token of the vocabulary is among a row's ids; -1 is none."""
    counts = torch.zeros(len(logits), logits.shape[1] + 1, dtype=logits.dtype, device=logits.device)
    return counts.scatter_add_(1, ids % counts.shape[1], torch.ones_like(ids, dtype=logits.dtype))[:, :-1]


@slot
def temperature(logits: Logits, degree: float) -> Logits:
    """Sharpen (below 1) or flatten (above 1) the distribution."""
    return logits / degree


@slot
def top_k(logits: Logits, k: int) -> Logits:
    """Keep the k likeliest tokens, and those that tie with the last of them."""
    smallest_kept = torch.topk(logits, min(k, logits.shape[1]), dim=1).values[:, -1:]
    return logits.masked_fill(logits < smallest_kept, -math.inf)


@slot
def top_p(logits: Logits, p: float) -> Logits:
    """Keep the likeliest tokens until their sum reaches p, that which crosses included; of ties the lower id first."""
    ordered, ids = torch.sort(logits, dim=1, descending=True, stable=True)
    probabilities = torch.softmax(ordered, dim=1)
    mass_before = probabilities.cumsum(1) - probabilities
    mass_before[:, 0] = -1.0  # the likeliest token is always kept
    return logits.masked_fill(torch.zeros_like(logits, dtype=torch.bool).scatter(1, ids, mass_before >= p), -math.inf)


@slot
def min_p(logits: Logits, p: float) -> Logits:
    """Keep tokens whose probability is at least p times that of the likeliest."""
    return logits.masked_fill(logits < logits.amax(1, keepdim=True) + math.log(p), -math.inf) if p > 0 else logits


@slot
def typical_p(logits: Logits, p: float) -> Logits:
    """Keep the tokens whose surprise -log p is nearest to the expected one, the entropy, until their sum reaches p.

    That which crosses is included; of tokens that are equally near the lower id first. The likeliest may be dropped.
    """
    log_probabilities = torch.log_softmax(logits, dim=1)
    probabilities = log_probabilities.exp()
    # entr(p) is -p log p, and 0 for a probability of 0, where the product is NaN
    entropy = torch.special.entr(probabilities).sum(1, keepdim=True)
    ids = (log_probabilities + entropy).abs().sort(dim=1, stable=True).indices
    ordered = probabilities.gather(1, ids)
    mass_before = ordered.cumsum(1) - ordered
    mass_before[:, 0] = -1.0  # the most typical token is always kept
    return logits.masked_fill(torch.zeros_like(logits, dtype=torch.bool).scatter(1, ids, mass_before >= p), -math.inf)


@slot
def greedy(logits: Logits) -> Int[Tensor, " batch"]:
    """Take the likeliest token; of ties, the lowest id."""
    return logits.argmax(1)


class Text(NamedTuple):
    """What a step may read: all ids so far, and of these the answer's."""

    previous: Int[Tensor, "batch length"]
    sampled: Int[Tensor, "batch answer"]


STEPS = {  # name of a field -> what it does: logits, the field's value, text -> logits
    "repetition_penalty": lambda logits, value, text: repetition_penalty(logits, value, text.previous),
    "frequency_penalty": lambda logits, value, text: frequency_penalty(logits, value, text.sampled),
    "presence_penalty": lambda logits, value, text: presence_penalty(logits, value, text.sampled),
    "temperature": lambda logits, value, text: temperature(logits, value),
    "top_k": lambda logits, value, text: top_k(logits, value),
    "top_p": lambda logits, value, text: (top_p if filled("inference.decoding.top_p") else nucleus)(logits, value),
    "min_p": lambda logits, value, text: min_p(logits, value),
    "typical_p": lambda logits, value, text: typical_p(logits, value),
}


def sample(
    logits: Logits,
    config: SamplingConfig,
    uniform: Float[Tensor, " batch"] | None = None,
    previous: Int[Tensor, "batch length"] | None = None,
    prompt: int = 0,
) -> Int[Tensor, " batch"]:
    """Choose the next token of every row. uniform: one number in [0, 1) a row decides its draw (`streams.uniform`).

    previous: ids so far, -1 where a row is padded. prompt: how many of its columns come before the answer.
    """
    logits = narrow(logits.float(), config, previous, prompt)
    if config.greedy:
        return greedy(logits)
    assert uniform is not None, f"temperature={config.temperature} draws, so a uniform number a row is needed"
    return draw(logits, uniform)


def narrow(
    logits: Logits, config: SamplingConfig, previous: Int[Tensor, "batch length"] | None = None, prompt: int = 0
) -> Logits:
    """Apply the steps that are switched on, in the user's order."""
    if previous is None:
        previous = torch.zeros(len(logits), 0, dtype=torch.long, device=logits.device)
    text = Text(previous, previous[:, prompt:])
    for step in config.steps:
        if isinstance(step, str):
            logits = STEPS[step](logits, getattr(config, step), text)
        else:
            told = (previous, prompt) if wants_the_prompt(step) else (previous,)
            logits = _checked(step(logits, *told), logits)
    return logits


def _checked(processed: Any, logits: Logits) -> Logits:
    """What a user's own step gave, if one can draw from it."""
    if not isinstance(processed, Tensor) or processed.shape != logits.shape:
        got = tuple(processed.shape) if isinstance(processed, Tensor) else type(processed).__name__
        raise InputError(f"a step in order gave {got}; it must return logits of {tuple(logits.shape)}, as it got them")
    highest = processed.amax(1)
    if not bool(torch.isfinite(highest).all()):
        raise InputError(
            "a step in order left a row without a possible token, or with NaN or inf; keep one finite logit a row"
        )
    return processed


def nucleus(logits: Logits, p: float, within: int = NUCLEUS_WITHIN) -> Logits:
    """The same as `top_p`, row by row, without sorting the vocabulary: the likeliest few are mostly enough.

    A row whose crossing is not among them, or ties with a dropped token, is looked at again in a wider part.
    """
    if logits.shape[1] <= 2 * within:
        return top_p(logits, p)
    likeliest = torch.topk(logits, within, dim=1).values
    mass = torch.exp(likeliest - torch.logsumexp(logits, dim=1, keepdim=True)).cumsum(1)
    before = (mass < p).sum(1, keepdim=True)  # how many tokens stand before the one that crosses
    place = before.clamp(max=within - 2)
    smallest_kept, largest_dropped = likeliest.gather(1, place), likeliest.gather(1, place + 1)
    narrowed = logits.masked_fill(logits < smallest_kept, -math.inf)
    uncertain = torch.nonzero((before > place) | (smallest_kept == largest_dropped))[:, 0]
    if len(uncertain):
        narrowed[uncertain] = nucleus(logits[uncertain], p, 8 * within)
    return narrowed


def draw(logits: Logits, uniform: Float[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    """Invert the cumulative distribution: the first token whose cumulative probability exceeds the uniform number.

    First the block of tokens, then the token in it: the long sum over the vocabulary is never written down.
    """
    wide = torch.float32 if logits.device.type == "mps" else torch.float64  # Apple's GPUs have no float64
    blocks = functional.pad(torch.softmax(logits, dim=1), (0, -logits.shape[1] % BLOCK)).unflatten(1, (-1, BLOCK))
    mass = blocks.sum(2, dtype=wide).cumsum(1)
    target = uniform.to(mass)[:, None] * mass[:, -1:]
    block = _first_beyond(mass, target)
    target = target - torch.where(block > 0, mass.gather(1, (block - 1).clamp(min=0)), 0.0)
    chosen = blocks.gather(1, block[:, :, None].expand(-1, -1, BLOCK))[:, 0]
    return (block * BLOCK + _first_beyond(chosen.cumsum(1, dtype=wide), target))[:, 0]


def _first_beyond(cumulative: Float[Tensor, "batch n"], target: Float[Tensor, "batch 1"]) -> Int[Tensor, "batch 1"]:
    """The first place where a growing sum exceeds the target; rounding may not push the target past the end."""
    end = torch.nextafter(cumulative[:, -1:], torch.zeros_like(cumulative[:, -1:]))
    return torch.searchsorted(cumulative, torch.minimum(target, end), right=True)


def log_probability(logits: Logits, ids: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """Log-probability in nats of the chosen tokens under the model itself: temperature 1, nothing left out."""
    logits = logits.float()
    return logits.gather(1, ids[:, None])[:, 0] - torch.logsumexp(logits, dim=1)


def top_log_probabilities(logits: Logits, k: int) -> tuple[Float[Tensor, "batch k"], Int[Tensor, "batch k"]]:
    """The k likeliest tokens under the model itself, best first: their log-probabilities in nats, and their ids."""
    values, ids = logits.float().topk(min(k, logits.shape[1]), dim=1)
    return values - torch.logsumexp(logits.float(), dim=1, keepdim=True), ids
