"""Bits per byte of a 5-gram, RNN, LSTM, GRU and transformer on one text: equal parameters, and equal tokens or equal time. One command, one picture.

    python benchmarks/classical/recurrent/beside.py [--text FILE] [--parameters 200000] [--seconds 40] [--steps 600] [--seeds 3] [--json] [--out beside.html]

The text is read by characters; its last tenth is held out (at most 50,000 characters of it are scored). Every network is made as wide as the number
of parameters allows and trained by the one loop with AdamW at one rate for all; the transformer (Llama's parts, three layers) sees 128 characters, the
recurrent ones get 128 at a time and carry their state over. Equal tokens: so many steps. Equal time: as many steps as fit into so many seconds,
by each one's own speed, which is measured first, in turns: start it on a quiet machine; what the runs themselves take may be more then. About
sixteen minutes of one core. The 5-gram is
`text.ngram.KneserNey`. Left out: dropout, tuned rates; with them all networks gain.
"""

import argparse
import json
import math
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup import plots
from groundup.classical.recurrent.char_lm import log_probabilities
from groundup.classical.recurrent.language_model import RecurrentConfig, RecurrentLM
from groundup.classical.recurrent.truncated import Carried, RunningText
from groundup.machine.probe.timing import in_turns
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.processor import processor
from groundup.text.ngram import KneserNey
from groundup.text.tokenizers.character import train_character_tokenizer
from groundup.training.config import TrainConfig
from groundup.training.loop.trainer import train
from groundup.training.objectives.causal import causal_loss

KINDS = ("rnn", "lstm", "gru", "transformer")
SEQ, ROWS, LAYERS, HEADS = 128, 32, 3, 4


def network(kind: str, vocab: int, hidden: int, seed: int) -> Any:
    """A network of a width."""
    if kind != "transformer":
        config = RecurrentConfig(model_type=f"{kind}_lm", vocab_size=vocab, hidden_size=hidden)
        return RecurrentLM(config, seed=seed)
    shape = LlamaConfig(
        vocab_size=vocab,
        hidden_size=hidden,
        intermediate_size=hidden * 8 // 3,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        head_dim=hidden // HEADS,
        max_position_embeddings=2 * SEQ,
        tie_word_embeddings=True,
    )
    return build(shape, seed=seed)


def size(module: Any) -> int:
    """How many parameters a network has."""
    return sum(parameter.numel() for parameter in module.parameters())


def width(kind: str, vocab: int, parameters: int) -> int:
    """The widest that has no more parameters, in steps of 8."""
    found = 8
    while size(network(kind, vocab, found + 8, 0)) <= parameters:
        found += 8
    return found


def fit(kind: str, module: Any, ids: np.ndarray, steps: int, rate: float) -> float:
    """Train for so many steps; the seconds it took."""
    config = TrainConfig(
        steps=steps,
        batch_size=ROWS,
        seq_len=SEQ,
        optimizer="adamw",
        learning_rate=rate,
        warmup_steps=min(20, steps // 5),
        weight_decay=0.01,
        checkpoint_every=0,
    )
    recurrent = kind != "transformer"
    running = RunningText(ids, ROWS, SEQ, carried=recurrent)
    started = time.perf_counter()
    train(module, running.batch, config, objective=Carried() if recurrent else causal_loss, title=kind)
    return time.perf_counter() - started


@torch.inference_mode()
def transformers_nats(module: Any, ids: np.ndarray, lead: int = 96) -> np.ndarray:
    """ln P of each id but the first, each given the `lead` ids before its piece at least."""
    found, stride = np.zeros(len(ids) - 1), SEQ - lead
    begins = [0, *range(stride, len(ids) - SEQ, stride), max(0, len(ids) - 1 - SEQ)]
    for first in range(0, len(begins), 64):
        some = begins[first : first + 64]
        rows = torch.from_numpy(np.stack([ids[begin : begin + SEQ + 1] for begin in some]))
        scores = torch.log_softmax(module(rows[:, :-1]).float(), -1).gather(-1, rows[:, 1:, None])[..., 0].numpy()
        for begin, row in zip(some, scores, strict=True):
            skipped = 0 if begin == 0 else lead
            found[begin + skipped : begin + SEQ] = row[skipped:]
    return found


def bits(kind: str, module: Any, ids: np.ndarray, bytes_: int) -> float:
    """Bits a byte of a text."""
    nats = transformers_nats(module, ids) if kind == "transformer" else log_probabilities(module, ids)
    return -float(nats.sum()) / math.log(2) / bytes_


def one(kind: str, data: dict[str, Any], hidden: int, steps: int, seed: int, rate: float) -> dict[str, float]:
    """Train a network and score it."""
    module = network(kind, data["vocab"], hidden, seed)
    seconds = fit(kind, module, data["train"], steps, rate)
    return {"bits_per_byte": bits(kind, module, data["held_out"], data["bytes"]), "seconds": seconds, "steps": steps}


def read(path: str | None) -> tuple[str, str]:
    """The text and its name: a file, tiny Shakespeare beside the project, or Python's own documentation."""
    plays = Path(__file__).parents[4] / "shared" / "data" / "tinyshakespeare" / "input.txt"
    if path or plays.exists():
        return Path(path or plays).read_text(encoding="utf-8"), Path(path).name if path else "tiny Shakespeare"
    from groundup.data.sources import python

    return "\n\n".join(document.text for document in python.documents(("documentation",))), "Python's documentation"


def prepare(text: str) -> dict[str, Any]:
    """The text as ids, its last tenth held out."""
    cut = len(text) * 9 // 10
    tokenizer = train_character_tokenizer(text[:cut])
    held_out = text[cut : cut + 50_000]
    ids = (np.asarray(tokenizer.encode(part), np.int64) for part in (text[:cut], held_out))
    return dict(zip(("train", "held_out"), ids, strict=True)) | {
        "vocab": tokenizer.vocab_size,
        "bytes": len(held_out[1:].encode()),
    }


def counted(data: dict[str, Any]) -> dict[str, float]:
    """The 5-gram of characters."""
    started = time.perf_counter()
    model = KneserNey.fit(data["train"], 5, vocab_size=data["vocab"])
    seconds = time.perf_counter() - started
    nats = -float(model.log_probabilities(data["held_out"])[1:].sum())
    return {
        "bits_per_byte": nats / math.log(2) / data["bytes"],
        "seconds": seconds,
        "parameters": len(model.words),
    }


def measured(arguments: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    """Every figure."""
    text, name = read(arguments.text)
    data = prepare(text)
    widths = {kind: width(kind, data["vocab"], arguments.parameters) for kind in KINDS}
    rows: dict[str, Any] = {"5-gram": counted(data)}
    modules = {kind: network(kind, data["vocab"], widths[kind], 0) for kind in KINDS}
    work = {kind: lambda kind=kind: fit(kind, modules[kind], data["train"], 8, arguments.rate) for kind in KINDS}
    speed = {kind: min(seconds) / 8 for kind, seconds in in_turns(work, 5, warm=1).items()}
    for kind, module in modules.items():
        rows[kind] = {"parameters": size(module), "hidden_size": widths[kind], "seconds_per_step": speed[kind]}
    for budget, steps in (
        ("equal_tokens", dict.fromkeys(KINDS, arguments.steps)),
        ("equal_time", {kind: max(20, round(arguments.seconds / speed[kind])) for kind in KINDS}),
    ):
        made: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
        for seed in range(1, arguments.seeds + 1):
            for kind in KINDS:
                made[kind].append(one(kind, data, widths[kind], steps[kind], seed, arguments.rate))
                say(f"{budget} seed {seed} {kind}: {made[kind][-1]}")
        for kind in KINDS:
            values = [run["bits_per_byte"] for run in made[kind]]
            rows[kind][budget] = {
                "bits_per_byte": statistics.median(values),
                "lowest": min(values),
                "highest": max(values),
                "steps": steps[kind],
                "seconds": statistics.median(run["seconds"] for run in made[kind]),
            }
    machine = {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
    return vars(arguments) | {"text": name, "characters": len(text), "machine": machine, "rows": rows}


def table(result: dict[str, Any]) -> str:
    """The figures as lines of text."""
    lines = [
        f"{'':12} {'parameters':>10} {'ms a step':>10} {'bits/byte, equal tokens':>26} {'equal time':>18} {'steps':>6}"
    ]
    gram = result["rows"]["5-gram"]
    lines.append(
        f"{'5-gram':12} {gram['parameters']:10,} {'':10} {gram['bits_per_byte']:18.3f}, in {gram['seconds']:.2f} s"
    )
    for kind in KINDS:
        row = result["rows"][kind]
        tokens, timed = row["equal_tokens"], row["equal_time"]
        lines.append(
            f"{kind:12} {row['parameters']:10,} {1000 * row['seconds_per_step']:10.1f} {tokens['bits_per_byte']:18.3f} ({tokens['seconds']:4.0f} s) "
            f"{timed['bits_per_byte']:9.3f} ({timed['lowest']:.3f}-{timed['highest']:.3f}) {timed['steps']:6}"
        )
    return "\n".join(lines)


def picture(result: dict[str, Any]) -> Any:
    """Bars: every model, by either budget."""
    gram, rows = result["rows"]["5-gram"]["bits_per_byte"], result["rows"]
    series = {
        f"equal tokens ({result['steps']} steps)": {
            kind: rows[kind]["equal_tokens"]["bits_per_byte"] for kind in KINDS
        },
        f"equal time ({result['seconds']:g} s)": {kind: rows[kind]["equal_time"]["bits_per_byte"] for kind in KINDS},
    }
    filled = {name: {"5-gram": gram} | values for name, values in series.items()}
    title = f"{result['text']}: about {result['parameters']:,} parameters each"
    return plots.value_bars(filled, y="bits per byte, held out", title=title)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text")
    parser.add_argument("--parameters", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0.004)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--out", default="beside.html")
    arguments = parser.parse_args()
    result = measured(arguments, lambda line: print(line, file=sys.stderr, flush=True))
    Path(arguments.out).write_text(plots.to_html([picture(result)], title="Before transformers"), encoding="utf-8")
    print(json.dumps(result, indent=2) if arguments.json else table(result))


if __name__ == "__main__":
    main()
