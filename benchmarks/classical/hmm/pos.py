"""The part-of-speech tagger side by side with NLTK's TnT: accuracy, and time to train and to tag.

    python benchmarks/classical/hmm/pos.py TREEBANK.zip [--brown BROWN.zip] [--rounds 3] [--json]

TREEBANK.zip: NLTK's sample of the Penn Treebank; the first nine tenths of its sentences are counted, the last tenth tagged.
Tools take turns; a time is the median, a ratio theirs over ours. Accuracy of words seen in training, of those not, of all.
"""

import argparse
import json
import platform
import statistics
from datetime import date

from groundup.classical.hmm import pos
from groundup.data.sources.tagged import Tagged, read_tagged
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name


def accuracy(gold: list[Tagged], found: list[list[str]], seen: set[str]) -> dict[str, float]:
    """Share of right tags: of words seen in training, not seen, and all."""
    pairs = [(w in seen, a == b) for (words, tags), own in zip(gold, found, strict=True)
             for w, a, b in zip(words, tags, own, strict=True)]  # fmt: skip
    parts = {
        "seen": [right for known, right in pairs if known],
        "unseen": [right for known, right in pairs if not known],
    }
    parts["all"] = [right for _, right in pairs]
    return {name: sum(part) / max(1, len(part)) for name, part in parts.items()}


def compare(name: str, sentences: list[Tagged], rounds: int) -> dict[str, object]:
    """Both tools on one split."""
    from nltk.tag import tnt

    cut = len(sentences) * 9 // 10
    train, held_out = sentences[:cut], sentences[cut:]
    words = [one for one, _ in held_out]
    seen = {word for one, _ in train for word in one}
    tagger, made = pos.train(train), {}

    def theirs() -> None:
        made["tnt"] = tnt.TnT(N=100)
        made["tnt"].train([list(zip(*one, strict=True)) for one in train])

    training = in_turns({"ours": lambda: pos.train(train), "NLTK TnT": theirs}, rounds, warm=1)
    tagging = in_turns(
        {"ours": lambda: tagger.tag_batch(words), "NLTK TnT": lambda: made["tnt"].tagdata(words)}, rounds, warm=1
    )
    found = [[tag for _, tag in one] for one in made["tnt"].tagdata(words)]
    ratio = {step: statistics.median(b / a for a, b in zip(times["ours"], times["NLTK TnT"], strict=True))
             for step, times in (("train", training), ("tag", tagging))}  # fmt: skip
    return {
        "corpus": name, "sentences": [len(train), len(held_out)], "tags": len(tagger.tags),
        "accuracy": accuracy(held_out, tagger.tag_batch(words), seen),
        "nltk_tnt_accuracy": accuracy(held_out, found, seen),
        "train_s": statistics.median(training["ours"]), "times_nltk": ratio,
    }  # fmt: skip


def main() -> None:
    """Print the comparison."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("treebank")
    options.add_argument("--brown")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    corpora = {"Penn Treebank sample": read_tagged(asked.treebank, "*/tagged/*.pos", form="slashes")}
    if asked.brown:
        brown = read_tagged(asked.brown, "brown/c[a-r][0-9]*", form="slashes")
        corpora["Brown, tags cut at - + *"] = [
            (w, [t[:1] + t[1:].split("-")[0].split("+")[0].split("*")[0] for t in tags]) for w, tags in brown
        ]
    results = [compare(name, sentences, asked.rounds) for name, sentences in corpora.items()]
    if asked.json:
        print(
            json.dumps(
                {
                    "date": str(date.today()),
                    "machine": machine_name(),
                    "python": platform.python_version(),
                    "results": results,
                }
            )
        )
        return
    print(f"{machine_name()}, Python {platform.python_version()}, {date.today()}")
    for result in results:
        print("\n".join(f"  {key:28} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
