"""Domain adaptation: a model goes on learning from text of another kind, and what it forgets of the old kind is measured.

    loss of a row of the new kind or, for a share `replay` of the rows, of the old one; bits per byte of held-out text of both, before and after

Training on the new text alone moves weights that the old text needs; a small share of old rows holds most of it at hardly any price for the new.
Forgetting is the rise in bits per byte on the old kind, adaptation the fall on the new one, each over the same documents with a paired interval.

Gururangan et al. 2020, arXiv:2004.10964 (adaptation by further pretraining); McCloskey and Cohen 1989 (forgetting); Ibrahim et al. 2024,
arXiv:2403.08763, section 4.2 (a replay of 5 % suffices between similar kinds of text). Left out: penalties on moved weights (EWC).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.streaming import Loader
from groundup.data.pipeline.tokenize import tokenize as to_shards
from groundup.errors import InputError
from groundup.evaluation.metrics.calibration import paired_bootstrap
from groundup.evaluation.metrics.intrinsic import Bits, bits_per_byte, tokenize
from groundup.tuning.config import TuneConfig

WORLDS, HELDOUT_BYTES, WORLD_BYTES = ("tinyworld", "python"), 40_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Domain:
    """Text of one kind, to learn from and to measure on."""

    name: str
    train: list[str]
    heldout: list[str]


def read_domain(source: str | Path, heldout_bytes: int = HELDOUT_BYTES, world_bytes: int = WORLD_BYTES) -> Domain:
    """The text of a file or folder, some of it held out; or of an embedded world, "tinyworld" or "python", about so many bytes of it."""
    from groundup.data import build, splits
    from groundup.data.dedup.exact import Seen
    from groundup.data.sources import files as own
    from groundup.data.sources import python

    sizes: dict[Any, int] = {"train": world_bytes, "heldout": heldout_bytes}
    seen = Seen()
    if str(source) == "tinyworld":
        sides = [build.up_to(build.tinyworld_documents(11, split), size) for split, size in sizes.items()]
    elif str(source) == "python":
        sides = [build.up_to(python.read(split, ("documentation",), seen), size) for split, size in sizes.items()]
    else:
        sides = list(splits.hold_out(own.documents(source), most_bytes=heldout_bytes))
    return Domain(Path(source).name, *([document.text for document in documents] for documents in sides))


def mixed(new: Domain, old: Domain, tokenizer: Any, config: TuneConfig, folder: str | Path) -> Loader:
    """Rows of the new kind, and of the old one for the share `config.replay` of them; tokens are kept in the folder."""
    sources = []
    for one, weight in ((new, 1 - config.replay), (old, config.replay)):
        place = Path(folder) / ("new" if one is new else "old")
        if weight:
            made = Shards.open(place) if (place / "index.json").exists() else to_shards(one.train, tokenizer, place)
            sources.append((made, weight))
    shortest = min(shards.num_tokens for shards, _ in sources)
    if shortest < 2:
        raise InputError(f"{new.name} or {old.name} has no text to learn from; give more of it")
    return Loader(sources, min(config.seq_len, shortest), config.batch_size, config.seed)


def steps_of(config: TuneConfig, loader: Loader) -> int:
    """The steps that the configuration means: as given, or so many that the new text was seen `epochs` times."""
    rows = config.batch_size * config.gradient_accumulation_steps * (1 - config.replay)
    return config.steps or max(1, math.ceil(config.epochs * len(loader.rows[0]) / rows))


def bits_of(module: Any, tokenizer: Any, domains: Sequence[Domain], places: int = 0) -> list[Bits]:
    """What the model needs for each held-out document of each domain. places: of its context that a learned prompt takes."""
    was, context = module.training, module.config.max_position_embeddings - places
    module.eval()
    found = [bits_per_byte(module, tokenize(one.heldout, tokenizer), context=context) for one in domains]
    module.train(was)
    return found


def change(before: Bits, after: Bits) -> dict[str, float]:
    """Bits per byte before and after on the same documents, and the change with its interval (below 0: learned; above: forgotten)."""
    found = paired_bootstrap(before.nats / math.log(2), after.nats / math.log(2), before.sizes)
    return {
        "before": before.per_byte,
        "after": after.per_byte,
        "change": found.value,
        "low": found.low,
        "high": found.high,
    }
