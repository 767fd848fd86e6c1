"""What a tokenizer costs in each language: the same declaration, up to ten times the tokens.

A tokenizer learned mostly from English gives English few tokens and spells other scripts byte by byte. Who writes those pays more
for the same content, waits longer, and fits less of it into a context. Four measures, on parallel texts:

    fertility             tokens a word (Rust et al. 2021, arXiv:2012.15613); 1 would be every word a token
    tokens a character    where a script has no spaces, words cannot be counted
    bytes a token         how much text a token holds; UTF-8 itself charges 1 byte for a Latin letter, 2 for a Greek one, 3 for a Thai one
    cost                  tokens relative to English for the same content ("premium": Petrov et al. 2023, arXiv:2305.15425)

Code is a language here like any other. Left out: what the difference does to a model's answers.
"""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from groundup.errors import InputError
from groundup.slots import slot

NAMES = {  # of the codes by which the declaration's translations are filed
    "eng": "English", "deu": "German", "fra": "French", "spa": "Spanish", "ita": "Italian", "por_BR": "Portuguese", "nld": "Dutch",
    "pol": "Polish", "ces": "Czech", "fin": "Finnish", "hun": "Hungarian", "tur": "Turkish", "vie": "Vietnamese", "ind": "Indonesian",
    "swh": "Swahili", "yor": "Yoruba", "hau_NG": "Hausa", "zul": "Zulu", "rus": "Russian", "ukr": "Ukrainian", "bul": "Bulgarian",
    "ell_monotonic": "Greek", "heb": "Hebrew", "arb": "Arabic", "pes_1": "Persian", "urd": "Urdu", "hin": "Hindi", "ben": "Bengali",
    "tam": "Tamil", "mal": "Malayalam", "tha": "Thai", "lao": "Lao", "khm": "Khmer", "mya": "Burmese", "bod": "Tibetan", "kat": "Georgian",
    "hye": "Armenian", "amh": "Amharic", "kor": "Korean", "jpn": "Japanese", "cmn_hans": "Chinese", "chr": "Cherokee",
}  # fmt: skip
WITHOUT_SPACES = 12  # characters a word: a text with more has no spaces between words (Thai: 60; Finnish: 8)


class Encodes(Protocol):
    """What is asked of a tokenizer here."""

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text."""


@slot
def fertility(encode: Callable[[str], Sequence[int]], texts: Sequence[str]) -> float:
    """Tokens a word over all texts: their tokens together, divided by their words together (between spaces).

    A text is encoded whole, since a word at its place has the space before it. Without any word: 0.

    >>> fertility(list, ["ab c", "d"])  # a tokenizer of characters: the space is a token too
    1.6666666666666667
    """
    words = sum(len(text.split()) for text in texts)
    return sum(len(encode(text)) for text in texts) / words if words else 0.0


@dataclass(frozen=True, slots=True)
class Measure:
    """A tokenizer on a text: counts, and what follows from them."""

    tokens: int
    words: int
    characters: int
    bytes: int
    unknown: int = 0  # of the tokens: where the vocabulary has no letter, a text looks cheap and is lost

    @property
    def unknown_share(self) -> float:
        """The share of the tokens that say nothing but that something stood there."""
        return self.unknown / max(1, self.tokens)

    @property
    def spaced(self) -> bool:
        """Whether words stand between spaces in this text, so that counting them means something."""
        return self.words > 0 and self.characters / self.words <= WITHOUT_SPACES

    @property
    def tokens_per_word(self) -> float | None:
        """Fertility; None where words are not written apart."""
        return self.tokens / self.words if self.spaced else None

    @property
    def tokens_per_character(self) -> float:
        """Tokens a character."""
        return self.tokens / max(1, self.characters)

    @property
    def bytes_per_token(self) -> float:
        """Bytes of UTF-8 that a token stands for."""
        return self.bytes / max(1, self.tokens)


def measure(tokenizer: Encodes, texts: Mapping[str, str]) -> dict[str, Measure]:
    """Measure a tokenizer on each text, by its name (a language, a file)."""
    encoded, unknown = tokenizer.encode_batch(list(texts.values())), getattr(tokenizer, "unk_token_id", None)
    return {
        name: Measure(
            len(ids), len(text.split()), len(text), len(text.encode(errors="replace")), sum(id == unknown for id in ids)
        )
        for (name, text), ids in zip(texts.items(), encoded, strict=True)
    }


def relative_costs(measures: Mapping[str, Measure], base: str = "eng") -> dict[str, float]:
    """Tokens of each parallel text relative to the one called `base`, the dearest last.

    >>> relative_costs({"eng": Measure(10, 8, 40, 40), "tha": Measure(45, 1, 40, 120)})
    {'eng': 1.0, 'tha': 4.5}
    """
    if base not in measures:
        raise InputError(f"there is no text '{base}' to compare with; give one of {', '.join(list(measures)[:8])}")
    tokens = max(1, measures[base].tokens)
    costs = {name: one.tokens / tokens for name, one in measures.items()}
    return dict(sorted(costs.items(), key=lambda item: (item[1], item[0])))


def read_parallel(path: str | Path, least: float = 0.3) -> dict[str, str]:
    """Parallel texts by name: the .txt files of a folder or a zip archive (NLTK's udhr2.zip is one).

    A text much shorter than the others is not the whole one and would look cheap: with less than `least` times the median
    number of UTF-8 bytes it is left out.
    """
    texts = {name: text.strip() for name, text in _files(Path(path)).items()}
    if not texts:
        raise InputError(f"{path} holds no .txt file; give a folder or zip archive with one text a language")
    lengths = sorted(len(text.encode()) for text in texts.values())
    median = lengths[len(lengths) // 2]
    return {name: text for name, text in sorted(texts.items()) if len(text.encode()) >= least * median}


def _files(path: Path) -> dict[str, str]:
    try:
        if path.is_dir():
            return {file.stem: file.read_bytes().decode("utf-8-sig") for file in path.glob("*.txt")}
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".txt")]
            return {Path(name).stem: archive.read(name).decode("utf-8-sig") for name in names}
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} holds a text that is no UTF-8 (byte {error.start}); convert it or take it out"
        ) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read as a folder or zip archive of texts; check the path") from error
