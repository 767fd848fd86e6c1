"""A student taught by a finished model over the one training loop: `groundup compress TEACHER OUT --method distill --student STUDENT`.

logits, features, sequences    the three objectives of `distillation`; hidden states are compared at blocks spread evenly over both models
"""

import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from groundup.compression.distillation import distillation
from groundup.compression.distillation.config import DistillConfig
from groundup.errors import InputError

PROMPT = 8  # tokens of a text with which the teacher begins
ANSWER = 64  # tokens that it writes


def teach(
    teacher: Any, student: Any, texts: Sequence[Sequence[int]], config: DistillConfig, seq_len: int, stop_ids: Collection[int] = ()
) -> None:
    """Train a student in place. teacher, student: decoders of one vocabulary. texts: of ids. stop_ids: what ends a text of the teacher.

    InputError: another vocabulary, or too little text for a row.
    """
    from groundup.data.pipeline.formats import write_shards
    from groundup.data.pipeline.streaming import Loader
    from groundup.training.config import TrainConfig
    from groundup.training.loop.trainer import train

    distillation.check(student, teacher)
    told = _written(teacher, texts, config, stop_ids) if config.way == "sequences" else texts
    training = TrainConfig(
        steps=config.steps, batch_size=config.batch_size, seq_len=seq_len, optimizer="adamw", learning_rate=config.learning_rate,
        schedule="cosine", warmup_steps=min(20, config.steps // 10), validate_every=0, sample_every=0,
    )  # fmt: skip
    offsets = np.cumsum([0, *map(len, told)])
    if offsets[-1] <= seq_len:
        raise InputError(f"the texts have {offsets[-1]} tokens, too few for a row of {seq_len}; give more with --text or a smaller --seq-len")
    with tempfile.TemporaryDirectory() as folder:
        shards = write_shards(
            Path(folder) / "tokens", np.concatenate([np.array(ids, dtype=np.int64) for ids in told]), offsets,
            start_id=None, text_bytes=0, vocab_size=student.config.vocab_size,
        )  # fmt: skip
        loader = Loader(shards, seq_len, config.batch_size)
        objective, forget = _objective(teacher, student, config)
        student.train()
        try:
            train(student, loader.batch, training, title="distilling", **({"objective": objective} if objective else {}))
        finally:
            forget()
            student.eval()


def _written(teacher: Any, texts: Sequence[Sequence[int]], config: DistillConfig, stop_ids: Collection[int]) -> list[list[int]]:
    """Texts of the teacher's; with the token that ends one only where it came."""
    from groundup.inference.decoding.config import SamplingConfig

    prompts = [list(text)[:PROMPT] for text in texts[: config.prompts]]
    most = min(ANSWER, teacher.config.max_position_embeddings - PROMPT)
    return distillation.written_by(teacher, prompts, SamplingConfig(temperature=0.0, max_new_tokens=most), stop_ids)


def _objective(teacher: Any, student: Any, config: DistillConfig) -> tuple[Any, Callable[[], None]]:
    """What the loop asks, and what takes away again what it put into the student."""
    if config.way == "logits":
        return distillation.Distillation(teacher, temperature=config.temperature, weight=config.weight), lambda: None
    if config.way == "sequences":
        return None, lambda: None
    matching = distillation.FeatureMatching(student, teacher, pairs(len(student.model.layers), len(teacher.model.layers)))
    student.add_module("feature_maps", matching.maps)  # the loop trains what it finds in the module
    return _Features(matching, config.weight), lambda: delattr(student, "feature_maps")


class _Features:
    """Hidden states for the teacher's part, the next token for the rest."""

    def __init__(self, matching: distillation.FeatureMatching, weight: float):
        self.matching, self.weight = matching, weight

    def __call__(self, module: Any, batch: Any) -> tuple[Tensor, int]:
        """The summed loss and the number of targets."""
        from groundup.training.objectives.causal import causal_loss

        features, _ = self.matching(module, batch)
        plain, count = causal_loss(module, batch)
        return self.weight * features + (1 - self.weight) * plain, count


def pairs(student: int, teacher: int) -> list[tuple[int, int]]:
    """Each block of the student with the teacher's at the same part of the way; the last with the last.

    >>> pairs(2, 4), pairs(3, 3)
    ([(0, 1), (1, 3)], [(0, 0), (1, 1), (2, 2)])
    """
    return [(number, (number + 1) * teacher // student - 1) for number in range(student)]
