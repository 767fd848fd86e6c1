"""What the model computed inside: the last hidden state of every new token, what the head read to score the next one (`return_hidden_states: true`).

As lists of float32 in JSON: about 10 bytes a number, so a long answer of a wide model would be hundreds of megabytes; `MOST_NUMBERS` bounds tokens times
width, and a request that could go beyond is refused with both numbers. Attention weights are not given: the engine never writes them down.
"""

from typing import Any

from groundup.inference.engine import Event
from groundup.serving.api.errors import bad

MOST_NUMBERS = 1 << 20  # numbers of one call: about 10 MB of JSON


def check_size(served: Any, fields: Any, most_new: int, answers: int) -> None:
    """Refuse what could become too long to send."""
    if not fields.return_hidden_states:
        return
    width = int(served.handle.config.hidden_size)
    if most_new * width * answers > MOST_NUMBERS:
        raise bad(
            f"hidden states of {most_new * answers} tokens of {width} numbers are {most_new * width * answers:,} numbers but at most "
            f"{MOST_NUMBERS:,} are given; ask for max_tokens {max(1, MOST_NUMBERS // (width * answers))} or less",
            "return_hidden_states",
        )


class Kept:
    """The hidden states of one answer as they come."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []

    @classmethod
    def of(cls, event: Event) -> "Kept":
        """Those of one event."""
        one = cls()
        one.add(event)
        return one

    def add(self, event: Event) -> None:
        """Take those of an event, where it has some."""
        if event.hidden_states is not None:
            self.rows += event.hidden_states.tolist()

    def fields(self) -> dict[str, Any]:
        """What is added to a choice."""
        return {"hidden_states": self.rows} if self.rows else {}
