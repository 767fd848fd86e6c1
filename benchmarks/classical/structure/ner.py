"""Named entities side by side with CRFsuite, with the same attributes: F1, and time to train and to tag.

    python benchmarks/classical/structure/ner.py TRAIN TEST [--encoding latin-1] [--members ned.train ned.testa] [--sentences N]
        [--rounds 3] [--l1 0.1] [--l2 0.1] [--iterations 100] [--json]

TRAIN and TEST: files of CoNLL columns (or one .zip, and --members). Tools take turns; a time is the median, a ratio theirs over
ours. CRFsuite gets the attributes of `Window()`, written out as strings; "given" leaves the time of writing them out, and ours
does not. Both find weights by L-BFGS or OWL-QN of the same penalties, with a weight for every step from label to label.
"""

import argparse
import json
import platform
import statistics
from datetime import date

from groundup.classical.structure import ner
from groundup.classical.structure.attributes import Window
from groundup.data.sources.tagged import read_tagged
from groundup.evaluation.metrics.spans import span_f1
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name


def main() -> None:
    """Train and tag with both, in turns."""
    import sklearn_crfsuite

    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("train")
    options.add_argument("test")
    options.add_argument("--encoding", default="utf-8")
    options.add_argument("--members", nargs=2, default=["*", "*"])
    for name, kind, value in (("sentences", int, None), ("rounds", int, 3), ("l1", float, 0.1), ("l2", float, 0.1),
                              ("iterations", int, 100), ("threads", int, 2)):  # fmt: skip
        options.add_argument(f"--{name}", type=kind, default=value)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    train, test = (read_tagged(file, f"*{member}", encoding=asked.encoding)
                   for file, member in zip((asked.train, asked.test), asked.members, strict=True))  # fmt: skip
    train = train[: asked.sentences]
    words, gold, labels = [one for one, _ in test], [tags for _, tags in test], [tags for _, tags in train]
    config = ner.CRFConfig(l1=asked.l1, l2=asked.l2, iterations=asked.iterations, threads=asked.threads)
    window, made = Window(), {}
    ner.train(train[:20], config).tag_batch(words[:2])  # compiles

    def theirs() -> None:
        made["given"] = [window(one) for one, _ in train]

    def theirs_fit() -> None:
        made["theirs"] = sklearn_crfsuite.CRF(algorithm="lbfgs", c1=asked.l1, c2=asked.l2, all_possible_transitions=True,
                                              max_iterations=asked.iterations)  # fmt: skip
        made["theirs"].fit(made["given"], labels)

    def ours() -> None:
        made["ours"] = ner.train(train, config)

    theirs()
    training = in_turns({"ours": ours, "attributes": theirs, "given": theirs_fit}, asked.rounds)
    found = {}
    tagging = in_turns({"ours": lambda: found.update(ours=made["ours"].tag_batch(words)),
                        "theirs": lambda: found.update(theirs=made["theirs"].predict([window(one) for one in words]))},
                       asked.rounds)  # fmt: skip
    whole = [a + b for a, b in zip(training["attributes"], training["given"], strict=True)]
    times = {"train": (training["ours"], whole), "train, attributes given": (training["ours"], training["given"]),
             "tag": (tagging["ours"], tagging["theirs"])}  # fmt: skip
    result = {
        "sentences": [len(train), len(test)], "labels": len(made["ours"].labels),
        "f1": {name: span_f1(gold, one)["all"].f1 for name, one in found.items()},
        "ours_s": {step: statistics.median(own) for step, (own, _) in times.items()},
        "crfsuite_over_ours": {step: statistics.median(b / a for a, b in zip(*both, strict=True)) for step, both in times.items()},
        "settings": {"l1": asked.l1, "l2": asked.l2, "iterations": asked.iterations, "threads": asked.threads},
        "machine": machine_name(), "python": platform.python_version(), "date": str(date.today()),
    }  # fmt: skip
    print(json.dumps(result) if asked.json else "\n".join(f"{key:20} {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
