"""Which language a text is in, by py3langid behind one interface.

Byte n-grams tell some hundred languages apart after a sentence or two; of a few words nobody can, so a text that is too
short has no language (`und`, ISO 639-3's code for undetermined) instead of a wrong one.

A naive Bayes model of byte n-grams: Lui, Baldwin 2012, "langid.py"; `language_posterior` is such a model in a few lines, for
languages whose counts are given. Leaves out: pages in several languages, which count as the one with the most text.
"""

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import ConfigError, did_you_mean, missing_extra
from groundup.slots import slot

UNKNOWN = "und"
LETTERS = re.compile(r"[^\W\d_]")
SHORTEST = 20  # letters
LONGEST = 1_000  # characters that are looked at: more hardly change anything, and 1,000 take 0.4 ms


@dataclass(frozen=True, slots=True)
class Language:
    """code: ISO 639-1, or `und`. probability: how sure the model is, against all languages it may choose."""

    code: str
    probability: float


# ───────── the model, to read ─────────


def byte_ngrams(text: str, length: int = 3) -> Counter[bytes]:
    """How often each run of `length` bytes stands in a text.

    >>> byte_ngrams("then the").most_common(2)
    [(b'the', 2), (b'hen', 1)]
    """
    data = text.encode(errors="replace")
    return Counter(data[at : at + length] for at in range(len(data) - length + 1))


@slot
def language_posterior(found: Mapping[bytes, int], profiles: Mapping[str, Mapping[bytes, int]]) -> dict[str, float]:
    """The probability of each language, given the n-grams of a text, where every language was as likely before.

    found: n-gram -> how often the text has it. profiles: language -> n-gram -> how often its training text had it. With the counts
    c of a language and V kinds of n-grams in all profiles together, p(n-gram | language) = (c + 1) / (sum of c + V): one is added so
    that what a language has not shown yet is rare and not impossible. N-grams that no profile has say nothing and are left out.
    Laplace's rule in the multinomial model of McCallum, Nigam 1998, "A comparison of event models for naive Bayes text classification".
    """
    kinds = {gram for counts in profiles.values() for gram in counts}
    scores = {}
    for language, counts in profiles.items():
        total = sum(counts.values()) + len(kinds)
        scores[language] = sum(
            times * math.log((counts.get(gram, 0) + 1) / total) for gram, times in found.items() if gram in kinds
        )
    # the likelihood of 1,000 bytes is too small for a float: the best one is moved to 1 before exp
    highest = max(scores.values())
    weights = {language: math.exp(score - highest) for language, score in scores.items()}
    return {language: weight / sum(weights.values()) for language, weight in weights.items()}


# ───────── the package ─────────


@functools.cache
def _model() -> Any:
    """The package's model; loading it takes a second."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise missing_extra("py3langid", "data") from None
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def languages() -> list[str]:
    """The codes of all languages that can be told apart."""
    return sorted(_model().nb_classes)


def identify(text: str, among: Sequence[str] = ()) -> Language:
    """The language of a text. among: codes of the only ones it can be, which makes short texts surer."""
    if unknown := [code for code in among if code not in languages()]:
        raise ConfigError(f"no language '{unknown[0]}' is known; {did_you_mean(unknown[0], languages())}")
    model = _model()
    head = text[:LONGEST].encode(errors="replace").decode()
    if not _long_enough(head):
        return Language(UNKNOWN, 0.0)
    head = " ".join(head.split())
    if not among:
        code, probability = model.classify(head)
        return Language(str(code), float(probability))
    ranked = {str(code): float(probability) for code, probability in model.rank(head) if code in among}
    best = max(ranked, key=ranked.__getitem__)
    return Language(best, ranked[best] / max(1e-300, sum(ranked.values())))


def _long_enough(text: str) -> bool:
    """Whether there are letters enough; one of a script without an alphabet is a syllable or a word, and counts as four."""
    letters = LETTERS.findall(text)
    return len(letters) + 3 * sum(letter > "\u2e7f" for letter in letters) >= SHORTEST


def judge(text: str, wanted: Sequence[str], least: float = 0.65, among: Sequence[str] = ()) -> str | None:
    """Why a text is no text in one of the wanted languages; None if it is. least: FineWeb's probability (Penedo et al. 2024)."""
    found = identify(text, among)
    if found.code not in wanted:
        return f"language {found.code}, wanted {' or '.join(wanted)}"
    if found.probability < least:
        return f"language {found.code} with probability {found.probability:.2f}, wanted {least:g} or more"
    return None
