"""CKY beside NLTK's chart parsers, and the speed and scores of the dependency parser, in one run.

    python benchmarks/classical/structure/parsing.py [--treebank treebank.zip] [--ewt FOLDER] [--rounds 3] [--json FILE]

All parsers get one grammar, read off the first trees of the Penn Treebank's sample, and the same short sentences: NLTK's
walk through every rule for every span, which a whole grammar makes them do for hours. The best probability has to be equal to 1e-9
in its logarithm. The dependency parser learns from UD English EWT's dev part and is scored on its test part, with gold tags.
Medians of seconds of this process alone (`time.process_time`), taken in turns.
"""

import argparse
import importlib.metadata
import json
import math
import platform
import statistics
import time
import zipfile
from pathlib import Path
from typing import Any

from groundup.classical.structure.parsing import PCFG, PCFGConfig, read_conllu, train_parser, train_pcfg
from groundup.classical.structure.parsing.trees import Tree, clean, read_brackets, words_of
from groundup.files import write_json
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

SHARED = Path(__file__).parents[4] / "shared" / "data"


def treebank(path: Path) -> list[Tree]:
    """The cleaned trees of the sample."""
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if "combined/wsj" in name)
        found = [clean(tree) for name in names for tree in read_brackets(archive.read(name).decode(), name)]
    return [tree for tree in found if tree is not None]


def nltk_grammar(model: PCFG) -> Any:
    """The same rules as NLTK has them."""
    import nltk

    grammar = model.grammar
    rules = [
        nltk.ProbabilisticProduction(
            nltk.Nonterminal(rule[0]), [nltk.Nonterminal(name) for name in rule[1:]], prob=math.exp(score)
        )
        for kind in (grammar.binary, grammar.unary)
        for rule, score in kind.items()
    ]
    words = [
        nltk.ProbabilisticProduction(nltk.Nonterminal(tag), [word], prob=math.exp(score))
        for (tag, word), score in grammar.words.items()
    ]
    return nltk.PCFG(nltk.Nonterminal(grammar.start), rules + words)


def cky(path: Path, rounds: int, trees_read: int = 200, longest: int = 8) -> dict[str, Any]:
    """Seconds for the same sentences by our parser and NLTK's two, and the largest difference in the best probability."""
    import nltk

    trees = treebank(path)
    model = train_pcfg(trees[:trees_read], PCFGConfig(rare=1))
    sentences = [words_of(tree) for tree in trees[:trees_read] if 5 <= len(words_of(tree)) <= longest][:3]
    grammar = nltk_grammar(model)
    parsers = {
        "ViterbiParser": nltk.ViterbiParser(grammar, max_time=None),
        "InsideChartParser": nltk.InsideChartParser(grammar),
    }
    found: dict[str, list[float]] = {"groundup": []}
    work: dict[str, Any] = {
        "groundup": lambda: found.__setitem__("groundup", [model.parse(words).log_probability for words in sentences])
    }
    for name, parser in parsers.items():
        work[name] = lambda name=name, parser=parser: found.__setitem__(
            name, [math.log(next(iter(parser.parse(words))).prob()) for words in sentences]
        )
    model.parse(sentences[0])
    times = in_turns({"groundup": work["groundup"]}, 9, clock=time.process_time)
    times |= in_turns({name: work[name] for name in parsers}, rounds, clock=time.process_time)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    apart = max(abs(a - b) for a, b in zip(found["groundup"], found["ViterbiParser"], strict=True))
    return {
        "rules": len(grammar.productions()), "sentences": len(sentences), "words": sum(map(len, sentences)),
        "seconds": medians, "ratio": {name: medians[name] / medians["groundup"] for name in parsers}, "difference": apart,
    }  # fmt: skip


def whole_treebank(path: Path) -> dict[str, Any]:
    """Labelled F1 and words a second on held-out sentences of at most 40 words, for each memory of the grammar."""
    trees = treebank(path)
    held_out = [tree for tree in trees[::20] if len(words_of(tree)) <= 40]
    rest = [tree for number, tree in enumerate(trees) if number % 20]
    results = {}
    for horizontal, vertical in ((2, 1), (1, 2), (2, 2)):
        model = train_pcfg(rest, PCFGConfig(horizontal=horizontal, vertical=vertical))
        model.parse(words_of(held_out[0]))
        start = time.process_time()
        score = model.score(held_out)
        words = sum(len(words_of(tree)) for tree in held_out)
        rate = {"words_per_s": words / (time.process_time() - start), "symbols": len(model.grammar.symbols)}
        results[f"horizontal {horizontal}, vertical {vertical}"] = score | rate
    return results


def dependency(folder: Path) -> dict[str, Any]:
    """Scores on EWT's test part, and words a second in learning and in parsing."""
    dev, test = (read_conllu(folder / f"en_ewt-ud-{part}.conllu.gz") for part in ("dev", "test"))
    train_parser(dev[:2]).parse(["a"], dev[0].tags[:1])
    start = time.process_time()
    parser = train_parser(dev)
    learned, pairs = time.process_time() - start, [(sentence.words, sentence.tags) for sentence in test]
    times = in_turns({"parse": lambda: [parser.parse(*pair) for pair in pairs]}, 5, clock=time.process_time)
    score = parser.score(test)
    return score | {
        "learning_s": learned,
        "learning_words_per_s": parser.report["words"] * parser.config.rounds / learned,
        "parsing_words_per_s": score["words"] / statistics.median(times["parse"]),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--treebank", type=Path, default=SHARED / "nltk-corpora" / "treebank.zip")
    parser.add_argument("--ewt", type=Path, default=SHARED / "ud-english-ewt")
    parser.add_argument("--rounds", type=int, default=1, help="of NLTK's parsers")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    machine = {"name": machine_name(), "python": platform.python_version()}
    results: dict[str, Any] = {"machine": machine, "nltk": importlib.metadata.version("nltk")}
    if arguments.treebank.exists():
        results |= {"cky": cky(arguments.treebank, arguments.rounds), "treebank": whole_treebank(arguments.treebank)}
    if arguments.ewt.exists():
        results["dependency"] = dependency(arguments.ewt)
    print(json.dumps(results, indent=2))
    if arguments.json:
        write_json(arguments.json, results)


if __name__ == "__main__":
    main()
