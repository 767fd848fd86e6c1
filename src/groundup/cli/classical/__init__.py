"""Models before the transformer, for the verbs that take any model: which kind a folder is, and how it is loaded.

questions   the flags of `inspect` that ask such a model something
inspecting  what a model is and what it answers: the tables, and what is refused
language    counts and recurrent networks: a text's score, a continuation
words       vectors: neighbours, analogies, a map
sentences   taggers and parsers: a sentence's tags, tree or arcs
exporting   ARPA and word2vec files
"""

from pathlib import Path
from typing import Any

HOMES = {  # model_type of a config.json -> the module and class that load the folder
    "ngram": ("text.ngram.language", "NgramLanguageModel"),
    "word_vectors": ("classical.embeddings.vectors", "WordVectors"),
    "hmm_tagger": ("classical.hmm.pos", "HMMTagger"),
    "crf_tagger": ("classical.structure.ner", "CRFTagger"),
    "recurrent_tagger": ("classical.recurrent.bidirectional", "Tagger"),
    "pcfg": ("classical.structure.parsing.pcfg", "PCFG"),
    "dependency_parser": ("classical.structure.parsing.dependency", "DependencyParser"),
    "rnn_lm": ("classical.recurrent.char_lm", "CharacterModel"),
    "lstm_lm": ("classical.recurrent.char_lm", "CharacterModel"),
    "gru_lm": ("classical.recurrent.char_lm", "CharacterModel"),
}
FILES = {".arpa": "ngram", ".vec": "word_vectors", ".bin": "word_vectors", ".txt": "word_vectors"}
WRITERS = ("ngram", "rnn_lm", "lstm_lm", "gru_lm")


def kind(path: Path) -> str | None:
    """The model_type of a folder or file that is a model of this kind; None for any other."""
    from groundup import files

    if path.is_file():
        return FILES.get(Path(path.name.lower().removesuffix(".gz")).suffix)
    if not (path / "config.json").is_file():
        return None
    raw = files.read_json(path / "config.json")
    found = raw.get("model_type") if isinstance(raw, dict) else None
    return found if found in HOMES else None


def load(path: Path, model_type: str) -> Any:
    """The model of a folder, or of an ARPA or word2vec file."""
    import importlib

    module, name = HOMES[model_type]
    made = getattr(importlib.import_module(f"groundup.{module}"), name)
    if path.is_file():
        return made.from_arpa(path) if model_type == "ngram" else made.load_word2vec(path)
    return made.load(path)


def named(model_type: str) -> str:
    """A kind in words, with its article.

    >>> named("hmm_tagger"), named("ngram"), named("gru_lm"), named("crf_tagger")
    ('an HMM tagger', 'an n-gram model', 'a GRU language model', 'a CRF tagger')
    """
    special = {"ngram": "an n-gram model", "word_vectors": "word vectors", "pcfg": "a PCFG"}
    first, _, rest = model_type.partition("_")
    short = first.upper() if len(first) <= 4 else first
    article = "an" if short in ("HMM", "RNN", "LSTM") else "a"
    return special.get(model_type, f"{article} {short} {'language model' if rest == 'lm' else rest}")
