"""`groundup train parser`: a sentence's tree, learned from a treebank (`classical.structure.parsing`).

pcfg       phrases within phrases: a grammar read off trees in brackets (a file, or the members of a .zip)
arc_eager  arcs from word to word, learned from CoNLL-U. It needs tags, so a tagger learned from the same sentences lies beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from groundup.cli.train.making import Making
from groundup.errors import ConfigError

LONGEST = 40  # words of a held-out sentence that a grammar is measured on: a chart grows with their cube
MOST = 200  # of these sentences
TAGGER = "tagger"  # the folder beside a parser of arcs


@dataclass(frozen=True, kw_only=True, slots=True)
class ParserOptions(Making):
    """train a parser on a treebank"""

    treebank: Path
    """sentences with trees: brackets (also a .zip of such files) for pcfg, .conllu for arc_eager"""
    test: Path | None = None
    """sentences to measure on; left out: every twentieth of --treebank, which is not learned from"""
    members: str | None = None
    """pcfg: of a .zip, the files to read; left out: *.mrg"""
    method: Literal["pcfg", "arc_eager"] = "pcfg"
    """the best tree by a grammar; moves that build arcs from left to right"""
    horizontal: int | None = None
    """pcfg: neighbours that a symbol remembers"""
    vertical: int | None = None
    """pcfg: phrases that a symbol knows, itself and those above"""
    rare: int | None = None
    """pcfg: words seen less often are counted by shape and ending"""
    rounds: int | None = None
    """arc_eager: how often each sentence is seen"""
    seed: int | None = None
    """arc_eager: where chance begins"""


SAME = ("horizontal", "vertical", "rare", "rounds", "seed")


def train_parser(options: ParserOptions) -> None:
    """Train, save, parse the held-out sentences."""
    from groundup.cli.train import making

    making.free(options.out)
    if options.members is not None and options.method != "pcfg":
        raise ConfigError(f"--members is for --method pcfg, and {options.method} reads one file; leave it out")
    flags = {name: getattr(options, name) for name in SAME}
    (_phrases if options.method == "pcfg" else _arcs)(options, flags)


def _phrases(options: ParserOptions, flags: dict[str, Any]) -> None:
    from groundup.classical.structure.parsing import pcfg
    from groundup.cli.train import making

    config = making.given(pcfg.PCFGConfig, flags, "--method pcfg")
    members = options.members or "*.mrg"
    trees = read_trees(options.treebank, members)
    if options.test is None:
        train, heldout = making.apart(trees, "trees")
    else:
        train, heldout = trees, read_trees(options.test, members)
    making.make(
        options, "parser", lambda: pcfg.train(train, config), lambda model: measured_phrases(model, heldout),
        method="pcfg", trees=len(train),
        rules=lambda model: len(model.grammar.binary) + len(model.grammar.unary),
        symbols=lambda model: len(model.tables.symbols),
    )  # fmt: skip


def measured_phrases(model: Any, trees: Sequence[Any]) -> dict[str, Any]:
    """Labelled brackets on short sentences, and how many of these have a tree of the grammar."""
    from groundup.classical.structure.parsing.bracketing import bracketing_f1
    from groundup.classical.structure.parsing.trees import clean, words_of
    from groundup.progress import progress

    kept = [tree for tree in map(clean, trees) if tree is not None and len(words_of(tree)) <= LONGEST][:MOST]
    if not kept:
        return {"sentences": 0}
    parses = []
    with progress(len(kept), "held out", "sentences") as bar:
        for tree in kept:
            parses.append(model.parse(words_of(tree)))
            bar.update(1)
    whole = sum(parse.whole for parse in parses) / len(parses)
    return {**bracketing_f1(kept, [parse.tree for parse in parses]), "whole_trees": whole, "sentences": len(kept)}


def _arcs(options: ParserOptions, flags: dict[str, Any]) -> None:
    from groundup.classical.hmm import pos
    from groundup.classical.structure.parsing import dependency
    from groundup.classical.structure.parsing.conllu import read_conllu
    from groundup.cli.train import making
    from groundup.data.sources.tagged import check_tagged

    config = making.given(dependency.ParserConfig, flags, "--method arc_eager")
    sentences = read_conllu(options.treebank)
    if options.test is None:
        train, heldout = making.apart(sentences, "sentences")
    else:
        train, heldout = sentences, read_conllu(options.test)
    known = check_tagged([(one.words, one.tags) for one in train])
    if options.test is None:  # a tag that only one sentence has cannot be learned elsewhere
        heldout = [one for one in heldout if set(one.tags) <= set(known)]
    check_tagged([(one.words, one.tags) for one in heldout], known)
    for one in heldout:
        _ = one.heads  # one that lacks them is refused here, not after training

    def measured(model: Any) -> dict[str, Any]:
        tagger = pos.train([(one.words, one.tags) for one in train])
        tagger.save(options.out / TAGGER)
        return measured_arcs(model, tagger, heldout)

    making.make(
        options, "parser", lambda: dependency.train(train, config), measured, method="arc_eager",
        sentences=len(train), words=sum(len(one.words) for one in train),
        relations=lambda model: len(model.names.labels),
    )  # fmt: skip


def measured_arcs(model: Any, tagger: Any, sentences: Sequence[Any]) -> dict[str, Any]:
    """Right heads (uas) and right relations too (las), with the treebank's tags and with those of the tagger."""
    from groundup.classical.structure.parsing.dependency import attachment

    tags = tagger.tag_batch([one.words for one in sentences])
    arcs = [model.parse(one.words, own) for one, own in zip(sentences, tags, strict=True)]
    own = attachment(sentences, [one.parsed(two.heads, two.labels) for one, two in zip(sentences, arcs, strict=True)])
    return {**model.score(sentences), "uas_with_own_tags": own["uas"], "las_with_own_tags": own["las"]}


def read_trees(path: Path, members: str = "*.mrg") -> list[Any]:
    """Trees in brackets of a file, or of the members of a .zip."""
    from groundup.classical.structure.parsing.trees import read_brackets
    from groundup.data.sources.tagged import texts_of
    from groundup.errors import InputError

    trees = [tree for name, text in texts_of(path, members) for tree in read_brackets(text, name)]
    if not trees:
        raise InputError(f"{path} has no tree ({members} of a .zip); give a treebank in brackets")
    return trees
