"""Hateful, obscene and adult text: by a classifier that was trained on labelled rows, or else by rules.

A list of words finds what one would not read aloud, and misses what is said in clean words; it also drops medicine,
law and the talk of those who are insulted (Dodge et al. 2021, arXiv:2104.08758, section 5, on C4's list). So a list is only
what is used without rows, and its verdicts say so: `rules`. With rows: `classifier.train_filter`.

Leaves out: lists for other languages; give your own with `read_words`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundup.data.clean.classifier import Classifier
from groundup.errors import ConfigError, InputError

# words that are hardly ever used in another sense; a longer list is the user's to choose
WORDS = (
    "asshole assholes bitch bitches blowjob bukkake cocksucker creampie cumshot cunt cunts dickhead faggot faggots fuck fucked "
    "fucker fuckers fucking gangbang hentai hoes kike kikes milf milfs motherfucker motherfuckers nigga niggas nigger niggers "
    "porn porno pussies retarded shemale shithead slut sluts spic spics threesome tranny twat wetback whore whores xxx"
).split()
LETTERS = str.maketrans("01345@$!", "oieasasi")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a text is dropped. by: `rules` or `classifier`; score: the part of words listed, or the probability."""

    by: str
    score: float
    reason: str


class Rules:
    """A list of words: a text is dropped if it has `least` of them and they are at least the part `share` of its words."""

    def __init__(self, words: Iterable[str] = WORDS, share: float = 0.005, least: int = 2) -> None:
        self.words = frozenset(word.lower() for word in words)
        self.share, self.least = share, least
        if not self.words:
            raise ConfigError("the list of words is empty; give at least one, or leave this step out")
        if not 0 <= share <= 1 or least < 1:
            raise ConfigError(f"share={share} and least={least} cannot be; use a part from 0 to 1, and 1 or more")

    def judge(self, text: str) -> Verdict | None:
        """Why the text is dropped, None if it stays.

        >>> Rules(["zounds"], share=0.1).judge("Zounds, z0unds!").reason
        'rules: 2 of 2 words are on the list (zounds)'
        """
        words = re.findall(r"[\w@$!]*\w", text.lower())
        found = [word for word in (self._listed(word) for word in words) if word]
        if len(found) < self.least or len(found) < self.share * len(words):
            return None
        named = ", ".join(sorted(set(found))[:3])
        return Verdict(
            "rules", len(found) / len(words), f"rules: {len(found)} of {len(words)} words are on the list ({named})"
        )

    def _listed(self, word: str) -> str | None:
        plain = word if word.isalpha() else word.translate(LETTERS)
        return plain if plain in self.words else None


def check_threshold(threshold: float) -> None:
    """Refuse a threshold that drops everything or nothing."""
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold={threshold} is no probability; use a number between 0 and 1, such as 0.5")


class Trained:
    """A trained classifier with the probability from which on a text is dropped."""

    def __init__(self, classifier: Classifier, threshold: float = 0.5) -> None:
        check_threshold(threshold)
        self.classifier, self.threshold = classifier, threshold

    def judge(self, text: str) -> Verdict | None:
        """Why the text is dropped, None if it stays."""
        return self.judge_all([text])[0]

    def judge_all(self, texts: Sequence[str]) -> list[Verdict | None]:
        """The verdicts of many texts."""
        return [
            Verdict("classifier", score, f"classifier: {score:.2f}, allowed below {self.threshold:g}")
            if score >= self.threshold
            else None
            for score in self.classifier.scores(texts).tolist()
        ]


def open_filter(folder: str | Path | None = None, threshold: float = 0.5) -> Rules | Trained:
    """The trained filter of a folder; without one the rules."""
    return Rules() if folder is None else Trained(Classifier.load(folder), threshold)


def read_words(path: str | Path) -> list[str]:
    """The words of a file, one a line; what begins with # is a comment."""
    if not Path(path).is_file():
        raise InputError(f"{path} is not there; give a text file with one word a line")
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
