"""The two that decide at a choice: one draws, the other reads a given text.

All walk the same grammar by `derive`, so a document that was sampled is read back to the same choices with the same
log-probability, and the reader is the proof that a text has one derivation: it fails unless exactly one alternative
matches.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from groundup.data.sources.tinyworld.grammar import (
    CHOICE,
    ECHO,
    END,
    LITERAL,
    Offer,
    Options,
    Production,
    Rule,
    Without,
    first_word,
    log_probability,
)
from groundup.errors import InputError

_LOG_OF_COUNT = [0.0] + [math.log(n) for n in range(1, 64)]


@dataclass(frozen=True)
class Derivation:
    """The choices of a document in order (the chosen text, or the index of the production) and their log-probability in nats."""

    text: str
    choices: tuple[str, ...]
    log_probability: float


class Sampler:
    """Draws each choice by its weight."""

    def __init__(self, random: Callable[[], float]):
        self._random = random
        self.pieces: list[str] = []
        self.choices: list[str] = []
        self.log_probability = 0.0
        self.literal = self.pieces.append

    def pick(self, offer: Offer) -> str:
        """Draw a word, write it, and count its log-probability."""
        if isinstance(offer, list):
            text = offer[int(self._random() * len(offer))]
            self.log_probability -= _LOG_OF_COUNT[len(offer)]
        elif isinstance(offer, Options):
            position = bisect_right(offer.cumulative, self._random())
            text = offer.texts[position]
            self.log_probability += offer.logs[position]
        else:
            text = self._draw_without(offer)
        self.pieces.append(text)
        self.choices.append(text)
        return text

    def _draw_without(self, offer: Without) -> str:
        options, excluded = offer
        while (text := options.texts[bisect_right(options.cumulative, self._random())]) in excluded:
            pass
        self.log_probability += log_probability(offer, text)
        return text

    def production(self, rule: Rule, world: Any) -> Production:
        """Draw one of the open productions."""
        productions = rule.productions
        if len(productions) == 1:
            return productions[0]
        table = rule.available(world)
        position = bisect_right(table.cumulative, self._random())
        self.log_probability += table.logs[position]
        choice = table.texts[position]
        self.choices.append(choice)
        return productions[int(choice)]

    def mark(self) -> int:
        """Where the text stands now."""
        return len(self.pieces)

    def since(self, mark: int) -> str:
        """The text written since the mark."""
        return "".join(self.pieces[mark:])

    def end(self) -> None:
        """The document is complete."""

    def derivation(self) -> Derivation:
        """What was drawn."""
        return Derivation("".join(self.pieces), tuple(self.choices), self.log_probability)


class Reader:
    """Takes at each choice the one alternative that the text shows at the cursor."""

    def __init__(self, text: str):
        self.text = text
        self.position = 0
        self.choices: list[str] = []
        self.log_probability = 0.0

    def literal(self, text: str) -> None:
        """Pass over a text that must stand here."""
        if not self.text.startswith(text, self.position):
            raise self._refusal(f"expected {text!r}")
        self.position += len(text)

    def pick(self, offer: Offer) -> str:
        """The one word on offer that stands here."""
        text = self._only(self._words(offer, self.position), "word")
        self.position += len(text)
        self.log_probability += log_probability(offer, text)
        self.choices.append(text)
        return text

    def production(self, rule: Rule, world: Any) -> Production:
        """The one open production that can begin here."""
        if len(rule.productions) == 1:
            return rule.productions[0]
        table = rule.available(world)
        matching = [i for i in table.texts if self._begins(rule.productions[int(i)], world, self.position)]
        choice = self._only(matching, f"production of <{rule.name}>")
        self.log_probability += table.logs[table.position_of[choice]]
        self.choices.append(choice)
        return rule.productions[int(choice)]

    def _only(self, matching: list[str], what: str) -> str:
        if len(matching) != 1:
            raise self._refusal(f"{len(matching)} alternatives match as a {what}: {matching}")
        return matching[0]

    def _refusal(self, reason: str) -> InputError:
        return InputError(
            f"this text is not of the small world: at character {self.position} ({self.text[self.position :][:30]!r}) {reason};"
            " give a whole document as `sample` makes it"
        )

    def _words(self, offer: Offer, position: int) -> list[str]:
        texts: Iterable[str]
        if isinstance(offer, list):
            texts = offer
        else:
            options = offer.options if isinstance(offer, Without) else offer
            excluded = offer.excluded if isinstance(offer, Without) else ()
            found = options.candidates(first_word(self.text, position))
            texts = [options.texts[i] for i in found if options.texts[i] not in excluded]
        return [text for text in texts if self._stands(text, position)]

    def _stands(self, text: str, position: int) -> bool:
        if not self.text.startswith(text, position):
            return False
        end = position + len(text)
        return not (text[-1].isalnum() and self.text[end : end + 1].isalnum())

    def _begins(self, production: Production, world: Any, position: int) -> bool:
        """Whether the production's first words stand at the position: up to its first choice and a literal after it."""
        for index, (kind, payload, _) in enumerate(production.items):
            if kind == END:
                return position == len(self.text)
            if kind == CHOICE:
                words = self._words(payload(world), position)
                return any(self._goes_on(production, index + 1, position + len(word)) for word in words)
            if kind not in (LITERAL, ECHO):
                return self._begins_rule(payload, world, position)
            text = payload if kind == LITERAL else payload(world)
            if not self.text.startswith(text, position):
                return False
            position += len(text)
        return True

    def _goes_on(self, production: Production, index: int, position: int) -> bool:
        item = production.items[index] if index < len(production.items) else None
        return item is None or item.kind != LITERAL or self.text.startswith(item.payload, position)

    def _begins_rule(self, rule: Rule, world: Any, position: int) -> bool:
        return any(self._begins(rule.productions[int(i)], world, position) for i in rule.available(world).texts)

    def mark(self) -> int:
        """Where the cursor stands."""
        return self.position

    def since(self, mark: int) -> str:
        """The text read since the mark."""
        return self.text[mark : self.position]

    def end(self) -> None:
        """The document must end here."""
        if self.position != len(self.text):
            raise self._refusal("the document should end")

    def derivation(self) -> Derivation:
        """What was read."""
        return Derivation(self.text, tuple(self.choices), self.log_probability)
