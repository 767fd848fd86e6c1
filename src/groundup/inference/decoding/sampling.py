"""From logits to the next token: filters that narrow the choice, then one draw.

Each filter takes logits (batch, vocab) and gives logits, with -inf for what may not be chosen, so they compose:

    repetition penalty -> temperature -> top-k -> top-p -> min-p -> draw

Top-k: Fan et al. 2018, arXiv:1805.04833. Top-p (nucleus): Holtzman et al. 2019, arXiv:1904.09751. Min-p: Nguyen et al.
2024, arXiv:2407.01082. Repetition penalty: Keskar et al. 2019 (CTRL), arXiv:1909.05858, section 4.1.
Left out: typical and contrastive sampling, a user's own order.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.inference.decoding.config import SamplingConfig
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
def greedy(logits: Logits) -> Int[Tensor, " batch"]:
    """Take the likeliest token; of ties, the lowest id."""
    return logits.argmax(1)


def sample(
    logits: Logits,
    config: SamplingConfig,
    uniform: Float[Tensor, " batch"] | None = None,
    previous: Int[Tensor, "batch length"] | None = None,
) -> Int[Tensor, " batch"]:
    """Choose the next token of every row. uniform: one number in [0, 1) a row decides its draw (`streams.uniform`)."""
    logits = narrow(logits.float(), config, previous)
    if config.greedy:
        return greedy(logits)
    assert uniform is not None, f"temperature={config.temperature} draws, so a uniform number a row is needed"
    return draw(logits, uniform)


def narrow(logits: Logits, config: SamplingConfig, previous: Int[Tensor, "batch length"] | None = None) -> Logits:
    """Apply the filters that are switched on."""
    if config.repetition_penalty != 1 and previous is not None:
        logits = repetition_penalty(logits, config.repetition_penalty, previous)
    if config.greedy:
        return logits
    if config.temperature != 1:
        logits = temperature(logits, config.temperature)
    if config.top_k:
        logits = top_k(logits, config.top_k)
    if config.top_p < 1:
        logits = top_p(logits, config.top_p) if filled("inference.decoding.top_p") else nucleus(logits, config.top_p)
    return min_p(logits, config.min_p) if config.min_p else logits


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
