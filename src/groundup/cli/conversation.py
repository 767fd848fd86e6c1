"""A conversation in a terminal or through a pipe: reading what was said, the commands, the messages so far.

A line that ends in a backslash goes on in the next one; a line that begins with three double quotes opens a block that ends with three. The model is a plain
callable from messages to pieces of text, so all of this is tested without one.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from groundup import files
from groundup.errors import GroundupError, InputError

Message = dict[str, str]
Answer = Callable[[list[Message]], Iterator[str]]
BLOCK = '"""'
COMMANDS = {
    "/reset": "forget what was said",
    "/system": "TEXT: set the system message, and forget what was said; without TEXT: none",
    "/save": "FILE: write the conversation as JSON",
    "/retry": "answer the last message again",
    "/help": "these lines",
    "/quit": "leave",
}


def turns(read: Callable[[], str | None]) -> Iterator[str]:
    """What the user says, turn by turn; `read` gives a line without its end, or None when there are no more."""
    while (line := read()) is not None:
        if line.lstrip().startswith(BLOCK):
            yield _block(line.lstrip().removeprefix(BLOCK), read)
            continue
        while line.endswith("\\"):
            line = line[:-1] + "\n" + (read() or "")
        if line.strip():
            yield line


def _block(first: str, read: Callable[[], str | None]) -> str:
    """The lines up to one that ends in three double quotes, or to the end of the input."""
    lines, line = [], first
    while not line.rstrip().endswith(BLOCK):
        lines.append(line)
        if (following := read()) is None:
            return "\n".join(lines).strip("\n")
        line = following
    return "\n".join([*lines, line.rstrip().removesuffix(BLOCK)]).strip("\n")


class Conversation:
    """Messages so far and what the commands do to them. `say(text)` shows something that is not part of an answer."""

    def __init__(self, answer: Answer, show: Callable[[str], None], say: Callable[[str], None]) -> None:
        self.answer, self.show, self.say = answer, show, say
        self.system: list[Message] = []
        self.messages: list[Message] = []
        self.commands: dict[str, Callable[[str], None]] = {
            "/reset": self.reset,
            "/system": self.set_system,
            "/save": self.save,
            "/retry": self.retry,
            "/help": self.help,
        }

    def take(self, turn: str) -> bool:
        """Do what one turn asks; False when it asks to leave."""
        word, _, rest = turn.partition(" ")
        if not word.startswith("/"):
            self._ask({"role": "user", "content": turn})
        elif word not in COMMANDS:
            self.say(f"{word} is not a command; /help lists them")
        elif word == "/quit":
            return False
        else:
            self.commands[word](rest.strip())
        return True

    def reset(self, rest: str = "") -> None:
        """Forget what was said; the system message stays."""
        self.messages = []
        self.say("the conversation begins anew")

    def set_system(self, text: str) -> None:
        """Set or remove the system message."""
        self.system = [{"role": "system", "content": text}] if text else []
        self.reset()

    def save(self, rest: str) -> None:
        """Write the messages as JSON, in the form that `groundup tune` reads."""
        if not rest:
            self.say("/save wants a file; write /save conversation.jsonl")
            return
        text = json.dumps({"messages": self.system + self.messages}, ensure_ascii=False) + "\n"
        try:
            files.write_text(Path(rest), text)
        except (OSError, GroundupError) as error:
            self.say(f"{rest} cannot be written ({error}); give another place")
            return
        self.say(f"saved to {rest}")

    def retry(self, rest: str = "") -> None:
        """Forget the last answer and give another."""
        before = list(self.messages)
        while self.messages and self.messages[-1]["role"] == "assistant":
            self.messages.pop()
        if not self.messages:
            self.say("there is nothing to answer again; say something first")
            return
        try:
            self._ask(self.messages.pop())
        except GroundupError:
            self.messages = before
            raise

    def help(self, rest: str = "") -> None:
        """Show the commands."""
        self.say(
            "\n".join(f"{command:<8} {about}" for command, about in COMMANDS.items())
            + f"\na line ending in \\ goes on; {BLOCK} opens and closes a block"
        )

    def _ask(self, message: Message) -> None:
        """Show the answer as it comes and keep it; Ctrl-C keeps what came so far; a mistake leaves the messages as they were."""
        said: list[str] = []
        try:
            for piece in self.answer([*self.system, *self.messages, message]):
                self.show(piece)
                said.append(piece)
        except KeyboardInterrupt:
            self.say("(stopped)")
        except InputError as error:
            raise InputError(f"{error}; /reset makes room") from None
        self.show("\n")
        self.messages += [message, {"role": "assistant", "content": "".join(said)}]
