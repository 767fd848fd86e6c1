"""Pieces of text to what was said: thinking, words, and calls of tools.

    <think>Two and two...</think>Four.<tool_call>{...}</tool_call>   ->   Thought("Two and two..."), Words("Four."), Begin(0, "f"), Arguments(0, "{...}")

Thinking comes first or not at all; a chat template may have opened it in the prompt already. Marks are recognised wherever they are cut.
Left out: thinking in the middle of an answer, which is words.
"""

from collections.abc import Callable
from dataclasses import dataclass

from groundup.inference.streaming import longest_beginning
from groundup.serving.api.tool_formats import Parsed, Reader
from groundup.serving.api.tool_formats.calls import Arguments, Begin, Words


@dataclass(frozen=True, slots=True)
class Thought:
    """A piece of thinking."""

    text: str


Said = Thought | Words | Begin | Arguments


class ThinkingReader:
    """Splits thinking from the rest. marks: how it opens and closes; inside: the prompt has opened it."""

    def __init__(self, marks: tuple[str, str] | None, inside: bool = False):
        self.marks, self.held = marks, ""
        self.state = "outside" if marks is None else "inside" if inside else "before"
        self.fresh = (
            inside  # blank lines at the beginning of thinking, and of the words behind it, belong to the format
        )

    def push(self, text: str, final: bool = False) -> list[Said]:
        """Take text; give what is certain."""
        self.held += text
        said: list[Said] = []
        if self.marks is not None and self.state == "before":
            begun = self.held.lstrip()
            if begun.startswith(self.marks[0]):
                self.state, self.fresh, self.held = "inside", True, begun.removeprefix(self.marks[0])
            elif final or not self.marks[0].startswith(begun):
                self.state = "outside"
        if self.marks is not None and self.state == "inside":
            said += self._thought(self.marks[1], final)
        return said + self._words() if self.state == "outside" else said

    def _thought(self, close: str, final: bool) -> list[Said]:
        thought, mark, behind = self.held.partition(close)
        keep = 0 if mark else longest_beginning(thought, ("\n" + close, close))
        certain, self.held = thought[: len(thought) - keep], thought[len(thought) - keep :]
        if final and not mark:
            certain, self.held = certain + self.held, ""
        if mark:
            self.state, self.held = "outside", behind
            certain = certain.removesuffix("\n")
        certain = certain.lstrip("\n") if self.fresh else certain
        self.fresh = bool(mark) or (self.fresh and not certain)
        return [Thought(certain)] if certain else []

    def _words(self) -> list[Said]:
        words, self.held = self.held.lstrip("\n") if self.fresh else self.held, ""
        self.fresh = self.fresh and not words
        return [Words(words)] if words else []


class Speaker:
    """Reads one answer. parse: how calls are written, None where no tools were given."""

    def __init__(
        self,
        marks: tuple[str, str] | None = None,
        inside: bool = False,
        parse: Callable[[str, bool], Parsed] | None = None,
    ):
        self.thinking, self.calls = ThinkingReader(marks, inside), Reader(parse) if parse else None
        self.called = False

    def push(self, text: str, final: bool = False) -> list[Said]:
        """Take text; what was said. final: the answer ends here."""
        said: list[Said] = []
        for part in self.thinking.push(text, final):
            if isinstance(part, Words) and self.calls is not None:
                said += self.calls.push(part.text)
            else:
                said.append(part)
        if final and self.calls is not None:
            said += self.calls.finish()
        self.called = self.called or any(isinstance(part, Begin) for part in said)
        return said

    def reason(self, engine_reason: str) -> str:
        """OpenAI's finish_reason; a call that was cut off by the length was not finished."""
        return "tool_calls" if self.called and engine_reason == "stop" else engine_reason
