"""What `groundup inspect` can ask a model before the transformer; each flag belongs to some kinds of them."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

SENTENCES = ("hmm_tagger", "crf_tagger", "recurrent_tagger", "pcfg", "dependency_parser")
BELONGS = {  # flag -> the model_types that answer
    "word": ("word_vectors",),
    "analogy": ("word_vectors",),
    "map": ("word_vectors",),
    "sentence": (*SENTENCES, "ngram"),
    "picture": SENTENCES,
    "tagger": ("dependency_parser",),
    "text": ("ngram", "rnn_lm", "lstm_lm", "gru_lm"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Questions:
    """What to ask."""

    word: str | None = None
    """vectors: show the nearest words to this one"""
    analogy: tuple[str, str, str] | None = None
    """vectors: a is to b as c is to what"""
    map: Path | None = None
    """vectors: write a map of the most frequent words to this .html"""
    sentence: str | None = None
    """taggers, parsers: show this sentence's tags, tree or arcs; n-grams: what may follow it"""
    picture: Path | None = None
    """with --sentence: draw it to this .html as well"""
    tagger: Path | None = None
    """parser of arcs: the folder of the tagger to use; left out: the one beside it, or tags as in word/TAG"""
    text: Path | None = None
    """language models: score this file or folder, in bits a byte"""

    def asked(self) -> dict[str, Any]:
        """What was asked."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name)) is not None}


def refuse(questions: Questions, path: Path, model_type: str | None) -> None:
    """ConfigError for a question that this kind of model has no answer to."""
    from groundup.cli.classical import named
    from groundup.errors import ConfigError, InputError

    for name in questions.asked():
        if not path.exists():
            raise InputError(f"{path} is not there; give a model folder or file")
        if model_type not in BELONGS[name]:
            what = "a transformer, or not a model" if model_type is None else named(model_type)
            whose = ", ".join(named(one) for one in BELONGS[name])
            raise ConfigError(f"--{name} is answered by {whose}, and {path} is {what}; leave it out")
    if questions.sentence is None and (questions.picture or questions.tagger):
        flag = "picture" if questions.picture else "tagger"
        raise ConfigError(f'--{flag} says how a sentence is shown; add --sentence "..."')
