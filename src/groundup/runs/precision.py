"""The number format of a training stage: the one asked for, or the faster by a short measurement, decided once a stage and once a machine."""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from groundup.runs.context import Context


def decide(
    context: Context, module: Any, batch: Callable[[], Any], objective: Any = None, *, frozen: bool = False
) -> str:
    """Let `module` compute in the stage's number format; `batch` gives one of the stage's shape, made only when it must be measured.

    objective: what is trained; left out, next-token prediction. frozen: only an adapter will learn, so no matrix gets a gradient meanwhile.
    """
    from groundup.training.objectives.causal import causal_loss
    from groundup.training.step import choose_dtype
    from groundup.training.step.float8 import compute_in

    def measure() -> str:
        made = batch()
        about: dict[str, Any] = {"model": dataclasses.asdict(module.config), "shape": list(made.input_ids.shape)}
        about |= {"device": context.device()} | ({"frozen": True} if frozen else {})
        with matrices_frozen(module) if frozen else nullcontext():
            return context.measured("dtype", about, lambda: choose_dtype(module, made, objective or causal_loss))

    asked = context.dtype()
    chosen = context.choose("dtype", measure if asked is None else lambda: asked)
    compute_in(module, chosen)
    return chosen


@contextmanager
def matrices_frozen(module: Any) -> Iterator[None]:
    """Within it only vectors (gains, biases) learn, as little as an adapter: a gradient is led through every matrix, and none of it is made.

    A model without vectors stays as it is, as nothing would learn.
    """
    learning = [one for one in module.parameters() if one.requires_grad]
    matrices = [one for one in learning if one.dim() > 1]
    matrices = matrices if len(matrices) < len(learning) else []
    for one in matrices:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in matrices:
            one.requires_grad_(True)


def synthetic_batch(module: Any, rows: int, tokens: int, without: Collection[int] = ()) -> Any:
    """A batch of random tokens, but for those `without`, for stages whose own batches only exist once they run."""
    import torch

    from groundup.data.pipeline.streaming import Batch

    known = torch.tensor([one for one in range(module.config.vocab_size) if one not in without])
    ids = known[torch.randint(0, len(known), (rows, tokens), generator=torch.Generator().manual_seed(0))]
    zeros = torch.zeros_like(ids)
    return Batch(ids, ids, torch.ones_like(ids, dtype=torch.bool), zeros, torch.arange(tokens).expand(rows, tokens))
