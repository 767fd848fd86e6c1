"""Which language a text is in, by py3langid behind one interface.

Byte n-grams tell some hundred languages apart after a sentence or two; of a few words nobody can, so a text that is too
short has no language (`und`, ISO 639-3's code for undetermined) instead of a wrong one.

A naive Bayes model of byte n-grams: Lui, Baldwin 2012, "langid.py". Leaves out: pages in several languages, which count as
the one with the most text.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import ConfigError, did_you_mean, missing_extra

UNKNOWN = "und"
LETTERS = re.compile(r"[^\W\d_]")
SHORTEST = 20  # letters
LONGEST = 1_000  # characters that are looked at: more hardly change anything, and 1,000 take 0.4 ms


@dataclass(frozen=True, slots=True)
class Language:
    """code: ISO 639-1, or `und`. probability: how sure the model is, against all languages it may choose."""

    code: str
    probability: float


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
