"""A part of a run in a process of its own: what it holds and what it breaks ends with it, and it ends with its parent.

    python -m groundup.runs.child MODULE [ARGUMENT ...]     calls groundup.runs.MODULE.main(*arguments)

A user's mistake that shows there is one line of stderr and the exit status of `GroundupError`: `mistake` makes it one again here.
"""

import importlib
import signal
import sys
from typing import Any

from groundup import orphans
from groundup.errors import GroundupError

NO_MEMORY = ("out of memory", "can't allocate memory", "MemoryError")


def command(module: str, *arguments: Any) -> list[str]:
    """The command line that calls groundup.runs.`module`.main."""
    return [sys.executable, "-m", __name__, module, *map(str, arguments)]


def lacked_memory(status: int, errors: str) -> bool:
    """Whether a child ended for want of memory: the system took it down, or it said so."""
    return status == -signal.SIGKILL or any(words in errors for words in NO_MEMORY)


def raise_mistake(status: int, errors: str) -> None:
    """Raise a user's mistake that a child ended with, in the child's words."""
    if status == GroundupError.exit_status:
        raise GroundupError(errors.strip().splitlines()[-1])


def ways(config: Any) -> str:
    """How a training takes less memory, as the end of a sentence. config: a `TrainConfig`."""
    found = [f"a shorter train.seq_len than {config.seq_len}"]
    if config.activation_checkpointing == "none":
        found.insert(0, "--set train.activation_checkpointing=layers")
    if config.optimizer in ("adamw", "muon") and config.optimizer_state is None:
        found.insert(0, "--set train.optimizer_state=8bit")
    if config.batch_size > 1 and not (
        config.largest_batch or config.batch_ramp_steps or config.objective == "contrastive"
    ):
        found.insert(0, "--set train.largest_batch=true")
    return f"try {', '.join(found)}, or a smaller model"


def main(module: str, *arguments: str) -> None:
    """Call a module's main; what went wrong by the user's mistake is said in one line."""
    orphans.end_with_parent()
    try:
        importlib.import_module(f"groundup.runs.{module}").main(*arguments)
    except GroundupError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main(*sys.argv[1:])
