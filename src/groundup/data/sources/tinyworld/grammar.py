"""A grammar in which every choice shows at once, so that a text and its derivation determine each other.

A document is a walk from a start rule. Where the walk meets a choice (which production of a rule, which word of a
slot) an *oracle* decides: `Sampler` draws by the weights, `Reader` looks at the text under its cursor and takes the
one alternative that matches. The chosen alternative's own text comes first in what follows, so the reader never has
to guess: reading is LL(1) over alternatives instead of tokens, the derivation is unique, and the product of the
choices' probabilities is the exact probability of the document (a probabilistic attribute grammar; Booth & Thompson
1973 for the context-free case, here with a world state that guards rules and offers words).

The grammar itself is data. One production a line, columns separated by `|`:

    rule:
      weight | template | guards | effects

In a template `{slot arg:role}` is a choice of a word remembered as `role`, `[echo arg]` repeats something known (no
choice), `<rule>` goes down, `_` is a space at an edge, `\\n` a new line, `$` the end of the document. A line that is
indented further goes on with the one above. Guards (comma-separated, `not x` negates) and effects (`;`-separated,
with arguments) are names of functions of the world.

Left out: backtracking, look-ahead beyond the first words of an alternative, and any learning of the weights.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

LITERAL, CHOICE, ECHO, RULE, PROMPT, END = range(6)


class Options:
    """A fixed distribution over distinct texts; cumulative weights and log-probabilities are made once."""

    __slots__ = ("cumulative", "logs", "probabilities", "position_of", "texts", "_by_first_word")

    def __init__(self, weights: Mapping[str, float]):
        kept = {text: weight for text, weight in weights.items() if weight > 0}
        assert kept, "a distribution needs a positive weight"
        total = math.fsum(kept.values())
        self.texts = list(kept)
        self.probabilities = [weight / total for weight in kept.values()]
        self.logs = [math.log(probability) for probability in self.probabilities]
        self.position_of = {text: position for position, text in enumerate(self.texts)}
        self.cumulative = _running_sum(self.probabilities)
        self._by_first_word: dict[str, list[int]] | None = None

    def entropy_nats(self) -> float:
        """Entropy of one draw in nats."""
        return -math.fsum(p * log for p, log in zip(self.probabilities, self.logs, strict=True))

    def candidates(self, word: str) -> list[int]:
        """Positions of the texts that begin with this word."""
        if self._by_first_word is None:
            self._by_first_word = {}
            for position, text in enumerate(self.texts):
                self._by_first_word.setdefault(first_word(text), []).append(position)
        return self._by_first_word.get(word, [])


class Without(NamedTuple):
    """A distribution with a few texts taken out and the rest renormalised."""

    options: Options
    excluded: Sequence[str]


Offer = Options | Without | list[str]  # a plain list is uniform


def _running_sum(probabilities: Iterable[float]) -> list[float]:
    sums, total = [], 0.0
    for probability in probabilities:
        total += probability
        sums.append(total)
    sums[-1] = 1.0  # random() < 1 then always finds a place
    return sums


def first_word(text: str, position: int = 0) -> str:
    """The letters and digits at a position, or the one character there if it is neither.

    >>> first_word("an old ball"), first_word(", and")
    ('an', ',')
    """
    end = position
    while end < len(text) and text[end].isalnum():
        end += 1
    return text[position : max(end, position + 1)]


def log_probability(offer: Offer, text: str) -> float:
    """Log-probability of a text in an offer, in nats."""
    if isinstance(offer, list):
        return -math.log(len(offer))
    if isinstance(offer, Options):
        return offer.logs[offer.position_of[text]]
    options, excluded = offer
    taken = math.fsum(options.probabilities[options.position_of[e]] for e in set(excluded) if e in options.position_of)
    return options.logs[options.position_of[text]] - math.log1p(-taken)


class Slot(NamedTuple):
    """A place for a word: what is on offer in this world, and what the choice makes known (returns the value to remember)."""

    offer: Callable[..., Offer]
    remember: Callable[..., str] | None = None


@dataclass(frozen=True)
class Vocabulary:
    """The functions of the world that templates may name."""

    slots: Mapping[str, Slot]
    echoes: Mapping[str, Callable[..., str]]
    guards: Mapping[str, Callable[[Any], bool]]
    effects: Mapping[str, Callable[..., Any]]


class Item(NamedTuple):
    """One step of a template; `payload` is a text, a function or a rule, by `kind`."""

    kind: int
    payload: Any
    remember: Callable[[Any, str], None] | None = None


@dataclass
class Production:
    """One alternative of a rule."""

    template: str
    weight: float
    items: list[Item] = field(default_factory=list)
    effects: list[Callable[[Any], None]] = field(default_factory=list)


class Rule:
    """The alternatives of a nonterminal, and their distribution in a given world."""

    def __init__(self, name: str):
        self.name = name
        self.productions: list[Production] = []
        self.guards: list[tuple[Callable[[Any], bool], int]] = []  # a guard and the bits of the productions it closes
        self._tables: dict[int, Options] = {}

    def available(self, world: Any) -> Options:
        """The open productions (named by their index as text) with renormalised weights."""
        closed = 0
        for guard, bits in self.guards:
            if not guard(world):
                closed |= bits
        table = self._tables.get(closed)
        return table if table is not None else self._make_table(closed)

    def _make_table(self, closed: int) -> Options:
        weights = {str(i): p.weight for i, p in enumerate(self.productions) if not closed >> i & 1}
        assert weights, f"rule {self.name} has no open production"
        return self._tables.setdefault(closed, Options(weights))


class Oracle(Protocol):
    """Who decides at a choice, and where the text goes to or comes from."""

    def literal(self, text: str) -> None:
        """Text that leaves no choice."""

    def pick(self, offer: Offer) -> str:
        """Choose one of the words on offer."""

    def production(self, rule: Rule, world: Any) -> Production:
        """Choose one of a rule's open productions."""

    def mark(self) -> int:
        """The place in the text, to be given to `since` later."""

    def since(self, mark: int) -> str:
        """The text from a place up to here."""

    def end(self) -> None:
        """Nothing follows."""


class Grammar:
    """Rules by name. `prompts` are rules whose text is remembered as a question (`world.asked`)."""

    def __init__(self, sources: Iterable[str], vocabulary: Vocabulary, prompts: Iterable[str] = ()):
        self.rules: dict[str, Rule] = {}
        self.prompts = frozenset(prompts)
        self._vocabulary = vocabulary
        for source in sources:
            self._read(source)
        empty = [name for name, rule in self.rules.items() if not rule.productions]
        assert not empty, f"rules without a production: {empty}"

    @property
    def productions(self) -> int:
        """How many productions there are."""
        return sum(len(rule.productions) for rule in self.rules.values())

    def _read(self, source: str) -> None:
        rule = None
        for line in filter(None, re.sub(r"\n {6,}", " ", source).splitlines()):
            if not line.startswith(" "):
                rule = self._rule(line.strip().rstrip(":"))
                assert not rule.productions, f"rule {rule.name} is written twice"
                continue
            assert rule is not None, f"a production stands before the first rule: {line}"
            self._add(rule, *(column.strip() for column in line.split("|")))

    def _rule(self, name: str) -> Rule:
        return self.rules.setdefault(name, Rule(name))

    def _add(self, rule: Rule, weight: str, template: str, guards: str = "", effects: str = "") -> None:
        bit = 1 << len(rule.productions)
        production = Production(template, float(weight))
        production.items = self._compile(production.template)
        production.effects = [self._call(self._vocabulary.effects, text) for text in _split(effects, ";")]
        rule.productions.append(production)
        for text in _split(guards, ","):
            rule.guards.append((self._guard(text), bit))

    def _guard(self, text: str) -> Callable[[Any], bool]:
        name = text.removeprefix("not ")
        guard = self._vocabulary.guards[name]
        return guard if name == text else lambda world: not guard(world)

    def _call(self, functions: Mapping[str, Callable], text: str) -> Callable[[Any], Any]:
        name, *arguments = text.split()
        return _bound(functions[name], arguments)

    def _compile(self, template: str) -> list[Item]:
        parts = re.findall(r"\{[^}]*\}|\[[^\]]*\]|<[^>]*>|\$|[^{\[<$]+", template)
        assert "".join(parts) == template, f"cannot read the template {template!r}"
        return [self._item(part) for part in parts]

    def _item(self, part: str) -> Item:
        match part[0]:
            case "{":
                return self._choice(part[1:-1])
            case "[":
                return Item(ECHO, self._echo(part[1:-1]))
            case "<":
                return Item(PROMPT if part[1:-1] in self.prompts else RULE, self._rule(part[1:-1]))
            case "$":
                return Item(END, None)
        return Item(LITERAL, part.replace("_", " ").replace("\\n", "\n"))

    def _echo(self, text: str) -> Callable[[Any], str]:
        if text in self._vocabulary.echoes or " " in text:
            return self._call(self._vocabulary.echoes, text)
        return lambda world: world.roles[text]

    def _choice(self, text: str) -> Item:
        call, _, role = text.partition(":")
        name, *arguments = call.split()
        slot = self._vocabulary.slots[name]
        return Item(CHOICE, _bound(slot.offer, arguments), _rememberer(slot.remember, arguments, role))


def _split(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _bound(function: Callable, arguments: list[str]) -> Callable[[Any], Any]:
    if not arguments:
        return function
    return lambda world: function(world, *arguments)


def _rememberer(remember: Callable | None, arguments: list[str], role: str) -> Callable[[Any, str], None] | None:
    def note(world: Any, text: str) -> None:
        value = remember(world, text, *arguments) if remember else text
        if role:
            world.roles[role] = value

    return note if remember or role else None


def derive(rule: Rule, world: Any, oracle: Oracle) -> None:
    """Walk the rule: the one place where the meaning of a template is written down."""
    production = oracle.production(rule, world)
    for kind, payload, remember in production.items:
        if kind == LITERAL:
            oracle.literal(payload)
        elif kind == CHOICE:
            text = oracle.pick(payload(world))
            if remember is not None:
                remember(world, text)
        elif kind == RULE:
            derive(payload, world, oracle)
        elif kind == ECHO:
            oracle.literal(payload(world))
        elif kind == PROMPT:
            mark = oracle.mark()
            derive(payload, world, oracle)
            world.asked.append((payload.name, oracle.since(mark), world.roles["answer"]))
        else:
            oracle.end()
    for effect in production.effects:
        effect(world)
