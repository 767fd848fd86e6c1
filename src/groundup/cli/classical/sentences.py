"""Taggers and parsers, asked: a sentence's tags, its tree or its arcs, as text and as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup.cli.classical.inspecting import Shown
from groundup.cli.classical.questions import Questions
from groundup.errors import ConfigError, InputError


def answer(model: Any, model_type: str, path: Path, questions: Questions) -> Shown:
    """Take the sentence apart as the model was taught to."""
    from groundup import files, plots

    words, tags = split(questions.sentence or "", tagged=model_type == "dependency_parser")
    if tags is not None and questions.tagger is not None:
        raise ConfigError("the sentence has tags of its own (word/TAG); leave --tagger out, or the tags")
    if model_type == "pcfg":
        found, text, figure = _tree(model, words)
    elif model_type == "dependency_parser":
        found, text, figure = _arcs(model, words, tags or _tagged(path, questions.tagger, words))
    else:
        found, text, figure = _tags(model, words)
    if questions.picture is not None:
        files.write_text(questions.picture, plots.to_html([figure()], title=" ".join(words)))
        found["picture"] = str(questions.picture)

    def print_it() -> None:
        print(text)
        if "picture" in found:
            print(f"drawn: {found['picture']}")

    return {"sentence": found}, print_it


def split(sentence: str, tagged: bool = True) -> tuple[list[str], list[str] | None]:
    """Words, and tags where every word has one. tagged: whether word/TAG is read so; to others a slash is the text's own.

    >>> split("Cats sleep."), split("Cats/NOUN sleep/VERB")
    ((['Cats', 'sleep', '.'], None), (['Cats', 'sleep'], ['NOUN', 'VERB']))
    """
    from groundup.text.preprocess.words import split_words

    items = sentence.split()
    if not items:
        raise InputError('the sentence has no word; write --sentence "The cat sleeps."')
    pairs = [item.rpartition("/") for item in items]
    if tagged and all(word and tag for word, _, tag in pairs):
        return [word for word, _, _ in pairs], [tag for _, _, tag in pairs]
    return split_words(sentence), None


def _tags(model: Any, words: Sequence[str]) -> tuple[dict[str, Any], str, Any]:
    from groundup import plots
    from groundup.cli.train.tagger import is_bio
    from groundup.evaluation.metrics.spans import bio_spans

    tags = model.tag(words)
    found: dict[str, Any] = {"words": list(words), "tags": tags}
    width = max(map(len, words))
    lines = [f"{word:<{width}}  {tag}" for word, tag in zip(words, tags, strict=True)]
    if is_bio({*tags, "O", "B-X"}):
        found["names"] = [[*span, " ".join(words[span.start : span.end])] for span in bio_spans(tags)]
        lines += [f"{kind}: {text}" for _, _, kind, text in found["names"]]
    return found, "\n".join(lines), lambda: plots.constituency_tree(("", *zip(tags, words, strict=True)))


def _tree(model: Any, words: Sequence[str]) -> tuple[dict[str, Any], str, Any]:
    from groundup import plots
    from groundup.classical.structure.parsing.trees import tree_text, write_brackets

    parse = model.parse(words)
    found = {
        "words": list(words), "tree": write_brackets(parse.tree), "log_probability": parse.log_probability,
        "whole": parse.whole,
    }  # fmt: skip
    said = (
        f"probability: e^{parse.log_probability:.1f}"
        if parse.whole
        else "no tree of the grammar covers the sentence; these are the fewest pieces that do"
    )
    return found, f"{tree_text(parse.tree)}\n{said}", lambda: plots.constituency_tree(parse.tree)


def _arcs(model: Any, words: Sequence[str], tags: Sequence[str]) -> tuple[dict[str, Any], str, Any]:
    from groundup import plots
    from groundup.classical.structure.parsing.drawn import arcs_text

    arcs = model.parse(words, tags)
    found = {"words": list(words), "tags": list(tags), "heads": arcs.heads, "relations": arcs.labels}
    text = f"{arcs_text(words, arcs.heads, arcs.labels)}\n{' '.join(map('/'.join, zip(words, tags, strict=True)))}"
    return found, text, lambda: plots.dependency_arcs(words, arcs.heads, arcs.labels, tags=tags)


def _tagged(path: Path, folder: Path | None, words: Sequence[str]) -> list[str]:
    """The tags of a parser's sentence, from the tagger that was named or lies beside it."""
    from groundup.cli.classical import kind, load
    from groundup.cli.train.parser import TAGGER

    place = folder or path / TAGGER
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give --tagger the folder of a tagger")
    if not place.is_dir():
        raise InputError(
            f"{path} needs tags and has no tagger beside it; write word/TAG for each word, or give --tagger"
        )
    found = kind(place)
    if found not in ("hmm_tagger", "crf_tagger", "recurrent_tagger"):
        raise ConfigError(f"{place} is no tagger; give the folder of one that knows the parser's tags")
    return load(place, found).tag(words)
