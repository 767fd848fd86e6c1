"""The offline files of Weights & Biases, read back: which steps of a run they hold already.

They are LevelDB's log after 7 bytes of their own, of messages of wandb's own kind (its package reads these, but offers no
reader of the file). Leaves out: the checksums of the pieces.
"""

import importlib
from pathlib import Path
from typing import Any

BLOCK, HEAD = 32768, 7  # LevelDB's log format: blocks, and before each piece checksum (4 bytes), length (2), kind (1)


def records_of_wandb(file: Path) -> list[Any]:
    """The records of an offline file of W&B; what a kill tore off is left out.

    It is LevelDB's log after 7 bytes of its own, of messages of wandb's own kind.
    """
    message = importlib.import_module("wandb.proto.wandb_internal_pb2").Record
    data, at, whole, found = file.read_bytes(), HEAD, b"", []
    while at + HEAD <= len(data):
        if BLOCK - at % BLOCK < HEAD:
            at += BLOCK - at % BLOCK
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        piece = data[at + HEAD : at + HEAD + length]
        at += HEAD + length
        if not kind or len(piece) < length:
            break
        whole = piece if kind in (1, 2) else whole + piece  # 1: whole; 2, 3, 4: first, middle, last piece
        if kind in (1, 4):
            found.append(message.FromString(whole))
    return found


def last_step_of_wandb(file: Path) -> int:
    """The last step that an offline file of W&B holds; 0: none."""
    return max((record.history.step.num for record in records_of_wandb(file) if record.HasField("history")), default=0)
