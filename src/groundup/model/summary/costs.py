"""What a model costs in use, as a short table: to answer with a full context, to train on a row, to train two thin matrices beside it.

    answering       one text as long as the context allows: all but the last token are read, and that one is written
    training step   AdamW, weights and gradients in fp32
    LoRA step       the model frozen in its own number format, rank 8 beside queries and values

Memory is the peak by `model.accounting`, without the program itself; operations count masked pairs too. An encoder reads and does
not write; an encoder-decoder's source is as long as its answer.
Left out: whatever accounting cannot count of an architecture of one's own; such a row is missing.
"""

from typing import Any

from groundup.errors import ConfigError, UnsupportedModel
from groundup.model.accounting import Inference, Lora, Training, flops, memory
from groundup.model.accounting.operations import block_matrices, writes

ROW = 1024  # tokens of the row that is trained on, where the context is longer
NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
}  # of the weights -> in which they are used; all others: bfloat16
LORA = Lora()


def costs(config: Any, context: int, dtype: str = "float32", training: Training | None = None) -> list[dict[str, Any]]:
    """The rows of the table: [{"use", "rows", "tokens", "dtype", "memory_bytes", "flops", "parts"}].

    dtype: of weights and products. training: the step (None: one row of AdamW); LoRA takes its batch.
    """
    step = training or Training(seq_len=min(context, ROW), dtype=dtype)
    chosen = tuple(name for name in LORA.targets if any(name in matrices for matrices in block_matrices(config)))
    uses: dict[str, Inference | Training] = {
        "answering" if writes(config) else "reading": Inference(context=context, dtype=dtype),
        f"training step, {step.optimizer}": step,
    }
    if chosen:
        uses[f"LoRA step, rank {LORA.rank}"] = Training(
            batch=step.batch, seq_len=step.seq_len, dtype=step.dtype, weight_dtype=dtype, lora=Lora(targets=chosen),
            gradient_accumulation_steps=step.gradient_accumulation_steps,
        )  # fmt: skip
    return [row for name, use in uses.items() if (row := _row(name, config, use)) is not None]


def _row(name: str, config: Any, use: Inference | Training) -> dict[str, Any] | None:
    try:
        held, work = memory(config, use), flops(config, use)
    except (UnsupportedModel, ConfigError):
        return None
    rows, tokens = (
        (use.batch * use.gradient_accumulation_steps, use.seq_len)
        if isinstance(use, Training)
        else (use.batch, use.context)
    )
    return {
        "use": name,
        "rows": rows,
        "tokens": tokens,
        "dtype": use.dtype,
        "memory_bytes": held.total,
        "flops": work.total,
        "parts": held.parts,
    }
