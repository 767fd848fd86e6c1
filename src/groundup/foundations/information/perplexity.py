"""Perplexity and bits per byte: one loss, as two numbers that people can picture.

    perplexity      exp(-mean of ln p(token))             among how many equally likely tokens the model hesitates
    bits per byte   -sum of log2 p(token) / UTF-8 bytes   how large the text would be as a file, against 8

Jelinek et al. 1977 named perplexity. It is 2 to the power of the cross-entropy, the geometric mean of 1 / p: k for a model
that finds k tokens equally likely, infinite for a text that it excludes. It is a number *a token*: halve the tokens of a
text and it squares, so models with different vocabularies cannot be compared by it. The bytes of a text are everybody's.

`compressor.py` makes the file. Measuring a model on documents, with its context's windows, is
`evaluation/metrics/intrinsic.py`; xz and zstd beside it, `evaluation/metrics/compressors.py`.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.information.entropy import Numbers


def _logarithms(log_probabilities: ArrayLike) -> Numbers:
    """Log-probabilities, checked: at least one, none above 0."""
    logs = np.asarray(log_probabilities, np.float64)
    if not logs.size or np.isnan(logs).any():
        raise InputError("there are no log-probabilities, or NaN among them; give one for each token")
    if logs.max() > 1e-6:  # a float32 log-softmax may round a certain token to 1e-7
        raise InputError(f"a log-probability is {logs.max():g}, above log(1) = 0; give logarithms, not probabilities")
    return logs


def perplexity(log_probabilities: ArrayLike, units: int | None = None) -> float:
    """Perplexity of a text from the natural logarithm of each of its tokens' probability.

    units: what to count instead of tokens (words, characters), so that models with other tokens may be compared.

    >>> round(perplexity(np.log([0.25, 0.25, 0.25])), 9), round(perplexity(np.log([1.0, 0.25])), 9)
    (4.0, 2.0)
    """
    logs = _logarithms(log_probabilities)
    count = logs.size if units is None else units
    if count < 1:
        raise InputError(f"units={units} cannot be averaged over; count at least one")
    nats = -float(logs.sum()) / count
    return math.exp(nats) if nats < 709 else math.inf


def bits_per_byte(log_probabilities: ArrayLike, text: str) -> float:
    """Bits that a model needs for each UTF-8 byte of a text; the natural logarithms are of its tokens, in any cut.

    >>> round(bits_per_byte(np.log([0.5, 0.25]), "né"), 9)
    1.0
    """
    if not text:
        raise InputError("the text is empty, so there is no byte to divide by; give one that is not")
    return float(0.0 - _logarithms(log_probabilities).sum() / math.log(2) / len(text.encode()))


def perplexity_of_bits(bits_per_byte: float, bytes_per_token: float) -> float:
    """The perplexity a token that bits per byte mean, for tokens of this length: 2 to the power of the bits of a token.

    >>> perplexity_of_bits(1.0, 3.0), perplexity_of_bits(1.0, 6.0)
    (8.0, 64.0)
    """
    if not bits_per_byte >= 0 or not bytes_per_token > 0:
        raise InputError(
            f"{bits_per_byte:g} bits a byte and {bytes_per_token:g} bytes a token are no measure; give positive numbers"
        )
    return float(2.0 ** (bits_per_byte * bytes_per_token))
