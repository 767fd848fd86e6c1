"""German into English on Multi30k: train for so many minutes, translate test2016 greedily and by beam search, BLEU by sacreBLEU, attention as a picture.

    python benchmarks/classical/recurrent/seq2seq.py --data FOLDER [--minutes 30 | --epochs 10] [--attention luong] [--feeding] [--cell gru]
        [--threads 2] [--json] [--out attention.html] [--model FOLDER]

FOLDER holds train, val and test_2016_flickr as .de.gz and .en.gz, one sentence a line. How many epochs fit into the time is reckoned from the speed of
the first steps, so that the rate falls to 0 at the end. Text is scored as it stands (cased, sacreBLEU's own tokens). In one run: training, the loss on
val, both searches with their time, and a table of widths and penalties. --model: use a trained folder if it is there, else write it.
"""

import argparse
import gzip
import json
import platform
import time
from pathlib import Path
from typing import Any

import torch

from groundup import plots
from groundup.classical.recurrent import seq2seq
from groundup.classical.recurrent.seq2seq import Translator, train
from groundup.classical.recurrent.seq2seq_network import Seq2SeqConfig, translation_loss
from groundup.inference.decoding.beam import BeamConfig
from groundup.processor import processor
from groundup.progress import progress

TRIED = ((1, 0.0), (5, 0.0), (5, 0.6), (5, 1.0), (10, 1.0))  # beams, length penalty
SHOWN = "Ein kleines Mädchen klettert in ein Spielhaus aus Holz."


def lines(folder: Path, name: str) -> list[str]:
    """A text of one sentence a line."""
    with gzip.open(folder / f"{name}.gz", "rt", encoding="utf-8") as stream:
        return stream.read().splitlines()


def pairs_of(folder: Path, part: str) -> list[tuple[str, str]]:
    """German and English, without the pairs of which one side is empty."""
    both = zip(lines(folder, f"{part}.de"), lines(folder, f"{part}.en"), strict=True)
    return [(german.strip(), english.strip()) for german, english in both if german.strip() and english.strip()]


def epochs_in(
    seconds: float, pairs: list[tuple[str, str]], config: Seq2SeqConfig, warm: int = 3, steps: int = 20
) -> float:
    """How many epochs fit, by the median speed of a few steps without the optimiser's, which takes 1 % of them."""
    translator, buckets = seq2seq._untrained(pairs, config)
    translator.network.train()
    taken = []
    for step in range(warm + steps):
        clock = time.perf_counter()
        loss, count = translation_loss(translator.network, translator.batch(buckets[step]))
        (loss / count).backward()
        taken.append(time.perf_counter() - clock)
    return seconds / (sum(taken[warm:]) / steps) / buckets.batches


def bleu(hypotheses: list[str], references: list[str]) -> float:
    """sacreBLEU's score of a corpus."""
    import sacrebleu

    return float(sacrebleu.corpus_bleu(hypotheses, [references]).score)


def scored(translator: Translator, test: list[tuple[str, str]]) -> list[dict[str, float]]:
    """BLEU and time of each search."""
    rows = []
    for beams, penalty in TRIED:
        clock = time.perf_counter()
        with progress(len(test), f"beams {beams}, penalty {penalty}", "texts") as bar:
            found = translator.translate_batch(
                [german for german, _ in test], BeamConfig(beams=beams, length_penalty=penalty), progress=bar
            )
        seconds = time.perf_counter() - clock
        score = bleu(found, [english for _, english in test])
        rows.append({"beams": beams, "length_penalty": penalty, "bleu": score, "seconds": seconds})
    return rows


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train or read the model, score it, draw where it looks."""
    torch.set_num_threads(arguments.threads)
    pairs, valid, test = (pairs_of(arguments.data, part) for part in ("train", "val", "test_2016_flickr"))
    config = Seq2SeqConfig(cell=arguments.cell, attention=arguments.attention, input_feeding=arguments.feeding)
    clock, epochs = time.perf_counter(), None
    if arguments.model and (arguments.model / "config.json").exists():
        translator = Translator.load(arguments.model)
    else:
        epochs = arguments.epochs or epochs_in(60 * arguments.minutes, pairs, config)
        translator = train(pairs, Seq2SeqConfig(**{**vars_of(config), "epochs": epochs}))
        if arguments.model:
            translator.save(arguments.model)
    seen = translator.align(SHOWN)
    plots.heat_map(
        seen.weights, rows=seen.answer, columns=seen.source, low=0, high=1, title="Where each English token looked"
    ).write_html(arguments.out)
    return {
        "machine": f"{processor()}, {platform.system()}, torch {torch.__version__}, {arguments.threads} threads",
        "epochs": epochs,
        "minutes": (time.perf_counter() - clock) / 60,
        "parameters": sum(parameter.numel() for parameter in translator.network.parameters()),
        "val_nats_per_token": translator.loss(valid),
        "test2016": scored(translator, test),
        "picture": str(arguments.out),
    }


def vars_of(config: Seq2SeqConfig) -> dict[str, Any]:
    """A configuration's fields."""
    from dataclasses import asdict

    return asdict(config)


def table(result: dict[str, Any]) -> str:
    """The result as text."""
    head = [f"{name}: {value}" for name, value in result.items() if name != "test2016"]
    body = [
        f"{row['beams']:>5} {row['length_penalty']:>8} {row['bleu']:>6.2f} {row['seconds']:>8.1f}"
        for row in result["test2016"]
    ]
    return "\n".join([*head, "beams  penalty   BLEU  seconds", *body])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--attention", default="luong")
    parser.add_argument("--feeding", action="store_true")
    parser.add_argument("--cell", default="gru")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("attention.html"))
    parser.add_argument("--model", type=Path)
    told = parser.parse_args()
    found = main(told)
    print(json.dumps(found) if told.json else table(found))
