"""Events to text: pieces that are certain, and an end that knows whether a stop string came.

text = TextEvents(tokenizer, stop=["\\n\\n"])
for event in events:
    piece = text.push(event)       # piece.text, often empty; piece.finish_reason, None until the end
    if piece.finish_reason: break  # a stop string ends a text before the engine does: whoever reads on cancels the request
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from groundup.inference.engine.requests import Event
from groundup.inference.streaming import TextStream


class Piece(NamedTuple):
    """Text that is certain by now. cut: a stop string ended the text, which the engine does not know."""

    text: str
    finish_reason: str | None
    cut: bool = False


class TextEvents:
    """Turns the events of one request into text."""

    def __init__(self, tokenizer: Any, stop: Sequence[str] = ()):
        self.stream = TextStream(tokenizer, stop)

    def push(self, event: Event) -> Piece:
        """Take one event; what can be said by now."""
        text = ""
        for id in event.ids:
            text += self.stream.push(id)
            if self.stream.stopped:
                return Piece(text, "stop", event.finish_reason is None)
        if event.finish_reason is None:
            return Piece(text, None)
        text += self.stream.finish()
        return Piece(text, "stop" if self.stream.stopped else event.finish_reason)
