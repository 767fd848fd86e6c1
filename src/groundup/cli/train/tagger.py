"""`groundup train tagger`: a tag for each word of a sentence, from sentences that have them (`classical.hmm`, `.structure`, `.recurrent`).

What is read: a word and its tag a line (CoNLL), word/tag in running text (Brown), CoNLL-U, trees in brackets; a file, or the members of a .zip.
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any, Literal

from groundup.cli.train.making import Making

Tagged = tuple[list[str], list[str]]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggerOptions(Making):
    """train a tagger of words: parts of speech, names"""

    data: Path
    """tagged sentences: columns, word/tag, .conllu, trees in brackets; or a .zip of such files"""
    test: Path | None = None
    """tagged sentences to measure on; left out: every twentieth of --data, which is not learned from"""
    members: str = "*"
    """of a .zip: the files to read, such as "conll2002/esp.train" """
    test_members: str | None = None
    """of a .zip: the files to measure on"""
    form: Literal["auto", "columns", "slashes", "conllu", "brackets"] = "auto"
    """how the sentences are written; auto: looks"""
    encoding: str = "utf-8"
    """how columns and word/tag are encoded"""
    method: Literal["hmm", "crf", "recurrent"] = "hmm"
    """counts of tags in a row; weights of attributes; a network that reads both ways"""
    order: int | None = None
    """hmm: tags that are looked at together, 2 or 3"""
    l1: float | None = None
    """crf: penalty on the size of weights, which makes most of them 0"""
    l2: float | None = None
    """crf: penalty on their squares"""
    iterations: int | None = None
    """crf: steps of L-BFGS at most"""
    epochs: int | None = None
    """recurrent: how often each sentence is seen"""
    hidden_size: int | None = None
    """recurrent: width of the state"""
    seed: int | None = None
    """recurrent: where chance begins"""


SAME = ("order", "l1", "l2", "iterations", "epochs", "hidden_size", "seed")


def train_tagger(options: TaggerOptions) -> None:
    """Train, save, tag the held-out sentences."""
    from groundup.cli.train import making
    from groundup.data.sources.tagged import check_tagged

    making.free(options.out)
    config = _config(options)
    sentences = read(options.data, options.members, options.form, options.encoding)
    if options.test is None and options.test_members is None:
        train, heldout = making.apart(sentences, "sentences")
    else:
        place, members = options.test or options.data, options.test_members or "*"
        train, heldout = sentences, read(place, members, options.form, options.encoding)
        check_tagged(heldout, check_tagged(train))
    tags = check_tagged(train)
    words = {word for sentence, _ in train for word in sentence}
    making.make(
        options, "tagger", lambda: _trained(options.method, train, config),
        lambda model: measured(model, heldout, words),
        method=options.method, sentences=len(train), words=sum(len(one) for one, _ in train), tags=len(tags),
    )  # fmt: skip


def _config(options: TaggerOptions) -> Any:
    """The configuration of the method, all checks made."""
    from groundup.cli.train import making

    flags = {name: getattr(options, name) for name in SAME}
    what = f"--method {options.method}"
    if options.method == "hmm":
        from groundup.classical.hmm.pos import TaggerConfig

        return making.given(TaggerConfig, flags, what)
    if options.method == "crf":
        from groundup.classical.structure.ner import CRFConfig

        return making.given(CRFConfig, flags, what)
    from groundup.classical.recurrent.bidirectional import TaggerConfig as RecurrentConfig

    return making.given(RecurrentConfig, flags, what)


def _trained(method: str, sentences: Sequence[Tagged], config: Any) -> Any:
    """A tagger, with its bar; the network's is that of the training loop."""
    from groundup.progress import progress

    if method == "hmm":
        from groundup.classical.hmm import pos

        return pos.train(sentences, config, progress(len(sentences), "tagger", "sentences"))
    if method == "crf":
        from groundup.classical.structure import ner

        return ner.train(sentences, config, progress(config.iterations, "tagger", "steps"))
    from groundup.classical.recurrent import bidirectional

    return bidirectional.train([one for one in sentences if one[0]], config)


def measured(tagger: Any, sentences: Sequence[Tagged], known: set[str]) -> dict[str, Any]:
    """The share of words tagged right: all, those seen in training, those not; and of names how many were found."""
    from groundup.evaluation.metrics.spans import span_f1

    found = tagger.tag_batch([words for words, _ in sentences])
    right = [
        (one == other, word in known)
        for (words, tags), own in zip(sentences, found, strict=True)
        for word, one, other in zip(words, tags, own, strict=True)
    ]
    parts = {
        "accuracy": right,
        "accuracy_seen_words": [one for one in right if one[1]],
        "accuracy_unseen_words": [one for one in right if not one[1]],
    }
    numbers: dict[str, Any] = {
        name: sum(one[0] for one in part) / len(part) if part else None for name, part in parts.items()
    }
    gold = [tags for _, tags in sentences]
    if is_bio({tag for tags in gold for tag in tags}):
        score = span_f1(gold, found)["all"]
        numbers |= {"names_precision": score.precision, "names_recall": score.recall, "names_f1": score.f1}
    return numbers | {"words": len(right)}


def is_bio(tags: set[str]) -> bool:
    """Whether tags mark names: O, B-X and I-X.

    >>> is_bio({"O", "B-LOC"}), is_bio({"NN", "O"})
    (True, False)
    """
    return "O" in tags and len(tags) > 1 and all(tag == "O" or tag[:2] in ("B-", "I-") for tag in tags)


# ───────── reading ─────────


def read(path: Path, members: str, form: str, encoding: str = "utf-8") -> list[Tagged]:
    """Tagged sentences of a file, or of the members of a .zip."""
    from groundup.data.sources.tagged import read_tagged
    from groundup.errors import InputError

    form = form_of(path, members) if form == "auto" else form
    if form in ("conllu", "brackets") and encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        raise InputError(
            f"{path} is read as {form}, which is UTF-8, so --encoding {encoding} says nothing about it; leave it out, or "
            "save the file as UTF-8"
        )
    if form == "conllu":
        found = [(one.words, one.tags) for one in _conllu(path, members)]
    elif form == "brackets":
        from groundup.classical.structure.parsing.trees import clean, tagged
        from groundup.cli.train.parser import read_trees

        cleaned = [tree for tree in map(clean, read_trees(path, members)) if tree is not None]
        found = [([word for word, _ in pairs], [tag for _, tag in pairs]) for pairs in map(tagged, cleaned)]
    else:
        found = read_tagged(path, members, form=form, encoding=encoding)
    if not any(words for words, _ in found):
        raise InputError(f"{path} has no tagged word; give sentences whose words have tags")
    return found


def _conllu(path: Path, members: str) -> list[Any]:
    """Sentences of CoNLL-U, of a file or of the members of a .zip."""
    from groundup.classical.structure.parsing.conllu import parse_conllu, read_conllu
    from groundup.data.sources.tagged import is_archive, texts_of

    if not is_archive(path):
        return read_conllu(path)  # packed with gzip or not
    return [one for name, text in texts_of(path, members) for one in parse_conllu(text, name)]


def form_of(path: Path, members: str = "*") -> str:
    """How tagged sentences are written, by the name of the file and how it begins.

    CoNLL-U has ten columns apart by tabs, of which the first is a number, and comments above them; trees open a second
    bracket before anything is closed; in running text every item has its slash.
    """
    name, begin = _begin(path, members)
    lines = [line for line in begin.split("\n") if line.strip()]
    row = next((line for line in lines if not line.startswith("# ")), "").split("\t")
    if ".conllu" in name or (len(row) == 10 and re.fullmatch(r"\d+([-.]\d+)?", row[0])):
        return "conllu"
    first = (lines or [""])[0].split()
    if re.match(r"\s*\(\s*[^\s()]*\s*\(", begin):
        return "brackets"
    words = [item for item in first if item not in ("[", "]") and item.strip("=")]
    return "slashes" if words and all("/" in word.strip("/") for word in words) else "columns"


def _begin(path: Path, members: str) -> tuple[str, str]:
    """The name and the first characters of a file, or of the first member of a .zip."""
    from groundup.data.sources.tagged import is_archive, readable

    if not path.is_file():
        return path.name, ""
    with readable(path):
        if not is_archive(path):
            with open(path, "rb") as file:
                return path.name, _start(file)
        with zipfile.ZipFile(path) as archive:
            names = [name for name in sorted(archive.namelist()) if fnmatch(name, members) and not name.endswith("/")]
            return (names[0], _start(archive.open(names[0]))) if names else ("", "")


def _start(file: IO[bytes]) -> str:
    """Enough of a file to see its form (comments may stand above it), without the mark that some editors begin with."""
    return file.read(10_000).removeprefix(b"\xef\xbb\xbf").decode("latin-1")
