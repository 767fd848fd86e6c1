"""Another head on a finished model: it names a text, gives it a number, tags its words, or finds the span that answers a question.

    task       head                                 loss of a text                                     in the files
    classify   a score a label, of the whole text   -log P(label)                                      ...ForSequenceClassification
    regress    one number, of the whole text        (number - target)^2                                the same, with one label
    tag        a score a label, at every word       -log P(tag), summed over the words' first pieces   ...ForTokenClassification
    span       two scores at every token            -(log P(start) + log P(end)) / 2 over the tokens   the same, with labels start, end

Where a word is cut into pieces its first piece bears the tag and the others count nothing. In a decoder the last token has read the whole text, in an
encoder the first is set apart for it (`model/architectures/heads.py`); in a span's question the context comes behind the question, so that a
decoder has read what is asked. All weights learn, or those that `freeze` leaves.

Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training", section 3.2; Devlin et al. 2019, arXiv:1810.04805, section 4.
Left out: several labels a text, multiple choice, adapters under a new head.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from groundup.data.pipeline.streaming import permutation
from groundup.errors import InputError
from groundup.model.architectures.heads import with_head
from groundup.model.attention import masks
from groundup.slots import slot
from groundup.training import loop
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.labelled import Example, names_of

HEADS = {"classify": "classification", "regress": "reward", "tag": "tagging", "span": "tagging"}


@dataclass(frozen=True, slots=True)
class Item:
    """An example as tokens. targets: an id or number of the text; of a tag (place, id) pairs; of a span its first and its last token."""

    ids: list[int]
    targets: Any
    types: list[int] | None = None
    places: tuple[
        tuple[int, int], ...
    ] = ()  # of a span: the characters of the context behind each token, (0, 0) where none


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts side by side, padded behind. loss_mask: the targets that count, one a text, or one at every token for tags."""

    input_ids: Int[Tensor, "batch seq"]
    real: Bool[Tensor, "batch seq"]
    targets: Tensor
    loss_mask: Tensor
    token_types: Int[Tensor, "batch seq"] | None = None

    @property
    def document_ids(self) -> Int[Tensor, "batch seq"]:
        """Which text a token belongs to, -1: padding."""
        return self.real.long() - 1

    def to(self, device: torch.device | str) -> "Labelled":
        """The same batch on a device."""
        parts: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        moved: dict[str, Any] = {name: one if one is None else one.to(device) for name, one in parts.items()}
        return replace(self, **moved)


def encode(example: Example, task: str, labels: Sequence[str], tokenizer: Any, longest: int) -> Item | None:
    """An example as tokens, cut after `longest`; None where its label was cut off with it, or is none of the labels."""
    ids, places, types = laid_out(example, tokenizer)
    ids, places, types = ids[:longest], places[:longest], types[:longest] if types else None
    if task == "regress":
        return Item(ids, float(example.label), types)
    if task == "classify":
        return Item(ids, labels.index(example.label), types) if example.label in labels else None
    if task == "tag":
        found = [(token, labels.index(tag)) for token, tag in tags_of(example, places) if tag in labels]
        return Item(ids, found) if found else None
    first, last = example.label
    inside = [token for token, (start, end) in enumerate(places) if start < last and end > first]
    if not inside or places[inside[-1]][1] < last:
        return None
    return Item(ids, (inside[0], inside[-1]), types, tuple(places))


def laid_out(example: Example, tokenizer: Any) -> tuple[list[int], list[tuple[int, int]], list[int] | None]:
    """Ids, the characters of the text behind each (of a pair: of the text that stands second for a question), and which of two texts it is in."""
    if example.pair is None:
        return _one(example.text, tokenizer)
    question = isinstance(example.label, tuple) and not example.words
    first, second = (example.pair, example.text) if question else (example.text, example.pair)
    if tokenizer.sep_token_id is None:
        ids, places, _ = _one(f"{first}\n{second}", tokenizer)
        before = len(first) + 1
        return ids, [(max(0, start - before), max(0, end - before)) for start, end in places], None
    ids, types = tokenizer.encode_pair(first, second)
    own, places = tokenizer.offsets(second)
    at = next((k for k in range(len(ids) - len(own), -1, -1) if ids[k : k + len(own)] == own), len(ids))
    return ids, [(0, 0)] * at + places + [(0, 0)] * (len(ids) - at - len(own)), list(types)


def _one(text: str, tokenizer: Any) -> tuple[list[int], list[tuple[int, int]], None]:
    whole = tokenizer.encode_prompt(text)
    ids, places = tokenizer.offsets(text, add_special_tokens=True)
    return whole, [(0, 0)] * (len(whole) - len(ids)) + places, None


def tags_of(example: Example, places: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
    """The token at which each word's tag stands, its first piece; words that were cut off are left out."""
    found, token, start = [], 0, 0
    for word, tag in zip(example.words, example.label, strict=True):
        while token < len(places) and places[token][1] <= start:
            token += 1
        if token < len(places):
            found.append((token, tag))
        start += len(word) + 1
    return found


def collate(items: Sequence[Item], task: str, pad_id: int = 0) -> Labelled:
    """Items as a batch."""
    longest = max(len(item.ids) for item in items)
    ids = torch.tensor([item.ids + [pad_id] * (longest - len(item.ids)) for item in items])
    real = torch.arange(longest) < torch.tensor([[len(item.ids)] for item in items])
    types = None
    if any(item.types and any(item.types) for item in items):
        types = torch.tensor([[*(item.types or []), *[0] * (longest - len(item.types or []))] for item in items])
    if task != "tag":
        targets = torch.tensor(
            [item.targets for item in items], dtype=torch.float32 if task == "regress" else torch.long
        )
        return Labelled(ids, real, targets, torch.ones(len(items), dtype=torch.bool), types)
    targets, kept = torch.zeros_like(ids), torch.zeros_like(real)
    for row, item in enumerate(items):
        for token, label in item.targets:
            targets[row, token], kept[row, token] = label, True
    return Labelled(ids, real, targets, kept, types)


def scores(module: Any, batch: Labelled) -> Float[Tensor, "..."]:
    """What the head makes of a batch, in fp32."""
    mask = masks.padding(batch.real)
    if module.config.blueprint().blocks[0].attention.causal:
        mask = mask & masks.causal(mask.shape[-1], device=mask.device)
    more = {} if batch.token_types is None else {"token_types": batch.token_types}
    return module(batch.input_ids, mask, **more).float()


@slot
def span_loss(
    scores: Float[Tensor, "batch seq 2"], real: Bool[Tensor, "batch seq"], spans: Int[Tensor, "batch 2"]
) -> Float[Tensor, " batch"]:
    """The loss of each text in nats: the mean of the surprise at its span's first token and at its last.

    scores: of each token as first and as last; real: False at padding, where no span can begin or end; spans: the true first and last token.
    """
    shut = scores.masked_fill(~real[..., None], float("-inf"))
    chosen = torch.log_softmax(shut, dim=1).gather(1, spans[:, None, :])[:, 0]
    return -chosen.mean(dim=1)


def objective_of(task: str) -> Callable[[Any, Labelled], tuple[Tensor, int]]:
    """The training loop's objective: the sum of the losses, and how many targets."""

    def objective(module: Any, batch: Labelled) -> tuple[Tensor, int]:
        made, count = scores(module, batch), int(batch.loss_mask.sum())
        if task == "regress":
            return (made - batch.targets).square().sum(), count
        if task == "span":
            return span_loss(made, batch.real, batch.targets).sum(), count
        kept = (made, batch.targets) if task == "classify" else (made[batch.loss_mask], batch.targets[batch.loss_mask])
        return functional.cross_entropy(*kept, reduction="sum"), count

    return objective


def encoded(examples: Sequence[Example], task: str, labels: Sequence[str], tokenizer: Any, longest: int) -> list[Item]:
    """All examples whose label is still there as tokens; InputError where none is."""
    made = [encode(one, task, labels, tokenizer, longest) for one in examples]
    items = [item for item in made if item is not None]
    if not items:
        raise InputError(f"no example keeps its label within {longest} tokens; use a larger --set tune.seq_len")
    return items


def batches_of(items: Sequence[Item], task: str, config: TuneConfig, pad_id: int) -> Callable[[int], Labelled]:
    """Step number -> texts: every text once before any comes again, each time in another order."""

    def batch(number: int) -> Labelled:
        places = range(number * config.batch_size, (number + 1) * config.batch_size)
        orders = {
            epoch: permutation(len(items), (config.seed, epoch)) for epoch in {place // len(items) for place in places}
        }
        return collate([items[orders[place // len(items)][place % len(items)]] for place in places], task, pad_id)

    return batch


def steps_of(items: int, config: TuneConfig) -> int:
    """The steps that the configuration means: as given, or so many that every text was seen `epochs` times."""
    return config.steps or max(
        1, -(-round(config.epochs * items) // (config.batch_size * config.gradient_accumulation_steps))
    )


def headed(module: Any, task: str, examples: Sequence[Example], seed: int) -> Any:
    """The model under the head that a task asks for, its labels those of the examples."""
    return with_head(module, HEADS[task], names_of(examples, task), seed=seed)


def fit(module: Any, items: Sequence[Item], config: TuneConfig, pad_id: int = 0, **watched: Any) -> loop.TrainResult:
    """Train a model with a head on items, in place. watched: folder, listeners, stop, way_on, tokenizer of `loop.train`."""
    batches = watched.pop("mark", lambda made: made)(batches_of(items, config.task, config, pad_id))
    training = config.training(steps_of(len(items), config))
    return loop.train(module, batches, training, objective=objective_of(config.task), title="tuning", **watched)
