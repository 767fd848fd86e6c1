"""Control tokens and chat templates: who may write a token that means something to the model.

A conversation becomes one text with marks between the turns, written by a Jinja template from tokenizer_config.json.
Only the template may write a mark. A mark that somebody typed stays text: before rendering, its first character is
exchanged for a stand-in that occurs nowhere else, so it is not recognised afterwards, and then put back. The template
is foreign code and runs in `template_sandbox`.

A template is prefix-preserving when a longer conversation begins with the text of the shorter one and its generation
prompt. Only then is the place of an answer certain, and the mask for tuning exact. Left out: images and other media.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import jinja2

from groundup.errors import InputError
from groundup.slots import slot
from groundup.text.tokenizers.template_sandbox import LimitReached, environment, limited

# ChatML, as OpenAI published it and Qwen, SmolLM and others use it
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_FIRST_STAND_IN = 0x10F000  # private use, plane 16


def _with_character(text: str, place: int, character: str) -> str:
    return text[:place] + character + text[place + 1 :]


class ControlTokens:
    """The spelled control tokens of a vocabulary, to find them in a text or to hide them from being found."""

    def __init__(self, tokens: Iterable[str]) -> None:
        """tokens: as spelled, such as <|im_end|>."""
        self.tokens = sorted(tokens, key=len, reverse=True)  # of two that start alike the longer one is meant
        self._pattern = re.compile("(" + "|".join(map(re.escape, self.tokens)) + ")") if self.tokens else None

    def split(self, text: str) -> Iterator[tuple[str, bool]]:
        """The text in parts, with whether each is a control token.

        >>> list(ControlTokens(["<a>"]).split("x<a>y"))
        [('x', False), ('<a>', True), ('y', False)]
        """
        parts = self._pattern.split(text) if self._pattern else [text]
        for i, part in enumerate(parts):
            if part:
                yield part, i % 2 == 1

    def hide(self, text: str, stand_in: Mapping[str, str]) -> str:
        """Exchange a character of every control token spelled in the text for its stand-in.

        Also of one cut in two: the text may end with its beginning or start with its end, and the template may put the
        rest beside it.
        """
        while self._pattern and (found := self._pattern.search(text)):
            text = _with_character(text, found.start(), stand_in[found.group()[0]])
        start, end = len(text) - len(text.lstrip()), len(text.rstrip())  # a template may trim
        for token in self.tokens:
            last, first = text[max(start, end - len(token)) : end], text[start : start + len(token)]
            if token[0] not in last and token[-1] not in first:
                continue  # neither edge can hold a part of it: nearly every message
            for cut in range(1, len(token)):
                if text.endswith(token[:cut], start, end):
                    text = _with_character(text, end - cut, stand_in[token[0]])
                if text.startswith(token[cut:], start, end):
                    text = _with_character(text, start, stand_in[token[cut]])
        return text

    def stand_ins(self, texts: str) -> dict[str, str]:
        """A character for each one in the control tokens, none of which occurs in `texts`."""
        characters, first = sorted(set("".join(self.tokens))), _FIRST_STAND_IN
        while any(chr(first + k) in texts for k in range(len(characters))):
            first += len(characters)
        return {character: chr(first + k) for k, character in enumerate(characters)}


@dataclass(frozen=True)
class Rendering:
    """A conversation as text, in parts: (text, whether it is a control token that the template wrote)."""

    parts: list[tuple[str, bool]]

    @functools.cached_property
    def text(self) -> str:
        """The whole text."""
        return "".join(part for part, _ in self.parts)


def _map_strings(value: Any, change: Any) -> Any:
    """The same nested lists and dicts with every string value changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _map_strings(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_map_strings(inner, change) for inner in value]
    return value


def _checked(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The messages without keys that are None; what is no message is refused."""
    if isinstance(messages, str | Mapping) or not all(isinstance(message, Mapping) for message in messages):
        raise InputError('a conversation is a list of messages; write [{"role": "user", "content": "..."}]')
    for i, message in enumerate(messages):
        if not isinstance(message.get("role"), str):
            raise InputError(f'message {i} has no role; write {{"role": "user", "content": "..."}}')
    return [{key: value for key, value in message.items() if value is not None} for message in messages]


class ChatTemplate:
    """A Jinja chat template, compiled."""

    def __init__(self, source: str, controls: ControlTokens, variables: Mapping[str, Any] | None = None) -> None:
        """controls: the tokens that `source` may write; variables: names it may ask for, such as eos_token."""
        self._source, self._controls, self._variables = source, controls, dict(variables or {})
        try:
            self._template = environment().from_string(source)
        except (jinja2.TemplateError, RecursionError) as error:
            raise InputError(
                f"the chat template cannot be read: {error}; correct chat_template in tokenizer_config.json"
            ) from error

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = False,
        variables: Mapping[str, Any] | None = None,
    ) -> Rendering:
        """Write the conversation. Control tokens in the messages or in `variables` stay text."""
        given = {**(variables or {}), "messages": _checked(messages)}
        strings: list[str] = []
        _map_strings(given, strings.append)
        stand_in = self._controls.stand_ins(self._source + "".join(strings))
        names = {
            **self._variables,
            "tools": None,
            "documents": None,
            **_map_strings(given, lambda text: self._controls.hide(text, stand_in)),
        }
        try:
            with limited():
                text = self._template.render(**names, add_generation_prompt=add_generation_prompt)
        except LimitReached as error:
            raise InputError(f"the chat template was stopped: {error}; use the one that the model came with") from error
        except Exception as error:  # it is foreign code: whatever it raises, it is what came that is wrong
            raise InputError(f"the chat template refuses this conversation: {error}; give what it asks for") from error
        back = str.maketrans({hidden: character for character, hidden in stand_in.items()})
        return Rendering([(part.translate(back), control) for part, control in self._controls.split(text)])

    def answers(
        self, messages: Sequence[Mapping[str, Any]], text: str, variables: Mapping[str, Any] | None = None
    ) -> list[tuple[int, int]]:
        """Where the assistant's answers stand in the rendered `text`: each with the control token that closes it."""
        places = []
        for i, message in enumerate(messages):
            if message["role"] != "assistant":
                continue
            prompt = self.render(messages[:i], True, variables).text
            rendering = self.render(messages[: i + 1], False, variables)
            if not (rendering.text.startswith(prompt) and text.startswith(rendering.text)):
                raise InputError(
                    f"the chat template changes what it wrote up to message {i} when the conversation goes on, so an "
                    "answer has no certain place; tune with a prefix-preserving template such as ChatML"
                )
            places.append((len(prompt), _closing_edge(rendering, len(prompt))))
        return places


@slot
def answer_mask(sizes: Sequence[int], answers: Sequence[tuple[int, int]]) -> list[int]:
    """Mark the tokens that tuning learns: 1 where a token begins inside an answer, 0 elsewhere.

    sizes: bytes of each token, in order; answers: where each begins and ends (the byte after it) in the text they spell.

    >>> answer_mask([1, 2, 2, 1, 3], [(1, 5)])
    [0, 1, 1, 0, 0]
    """
    starts = list(accumulate(sizes, initial=0))[:-1]
    return [int(any(first <= start < end for first, end in answers)) for start in starts]


def _closing_edge(rendering: Rendering, start: int) -> int:
    """End of the last control token after `start`: what follows it (a newline) is the template's, not the answer's."""
    place, edge = 0, 0
    for part, control in rendering.parts:
        place += len(part)
        if control:
            edge = place
    return edge if edge > start else place


def is_prefix_preserving(template: ChatTemplate, messages: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each beginning of this conversation is rendered as the beginning of the whole."""
    whole = template.render(messages).text
    try:
        template.answers(messages, whole)
    except InputError:
        return False
    return all(whole.startswith(template.render(messages[:i]).text) for i in range(1, len(messages)))
