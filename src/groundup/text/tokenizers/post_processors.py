"""Post-processors: the marks that a model wants around a text or two: [CLS] A [SEP] B [SEP], or <s> before all.

The post-processors of Hugging Face's tokenizer.json, by their names there, each with one method, `process`: ids of one
text or two in, ids and type ids (which of the two each belongs to) out. What trims the places of tokens there
(`trim_offsets`) has no effect here: places cover the whole text, blanks included.
"""

from collections.abc import Sequence as Ids
from dataclasses import dataclass
from typing import Any

from groundup.text.tokenizers.parts import Part, read_part

Step = tuple[int | None, tuple[int, ...], int]  # which of the texts (or None), else the ids of a mark, type id
PLAIN: tuple[tuple[Step, ...], tuple[Step, ...]] = (((0, (), 0),), ((0, (), 0), (1, (), 1)))


def carry_out(steps: Ids[Step], texts: Ids[Ids[int]]) -> tuple[list[int], list[int]]:
    """Ids and type ids of the texts with the marks around them.

    >>> carry_out([(None, (9,), 0), (0, (), 0)], [[5, 6]])
    ([9, 5, 6], [0, 0, 0])
    """
    ids: list[int] = []
    types: list[int] = []
    for text, marks, type_id in steps:
        new = marks if text is None else texts[text]
        ids += new
        types += [type_id] * len(new)
    return ids, types


class PostProcessor(Part):
    """What all post-processors share: the steps that put marks and texts in order."""

    def steps(self, pair: bool) -> tuple[Step, ...]:
        """Marks and texts in order, for one text or a pair."""
        return PLAIN[pair]

    def process(self, first: Ids[int], second: Ids[int] | None = None) -> tuple[list[int], list[int]]:
        """Ids and type ids of one text or two with the marks."""
        texts = [first] if second is None else [first, second]
        return carry_out(self.steps(second is not None), texts)


@dataclass(frozen=True, slots=True)
class ByteLevel(PostProcessor):
    """Adds nothing."""

    add_prefix_space: bool = True
    trim_offsets: bool = True
    use_regex: bool = True


def _mark(pair: Any) -> tuple[str, int]:
    content, id = pair
    if not isinstance(content, str) or not isinstance(id, int):
        raise TypeError(f"{pair!r} is no token with its id")
    return content, id


@dataclass(frozen=True, slots=True)
class BertProcessing(PostProcessor):
    """[CLS] A [SEP] and [CLS] A [SEP] B [SEP]."""

    sep: tuple[str, int]
    cls: tuple[str, int]

    def __post_init__(self) -> None:
        """Lists of a file to pairs."""
        object.__setattr__(self, "sep", _mark(self.sep))
        object.__setattr__(self, "cls", _mark(self.cls))

    def steps(self, pair: bool) -> tuple[Step, ...]:
        """See the class."""
        sep, cls = (self.sep[1],), (self.cls[1],)
        single: tuple[Step, ...] = ((None, cls, 0), (0, (), 0), (None, sep, 0))
        return (*single, (1, (), 1), (None, sep, 1)) if pair else single


@dataclass(frozen=True, slots=True)
class RobertaProcessing(BertProcessing):
    """<s> A </s> and <s> A </s></s> B </s>, all of type 0."""

    trim_offsets: bool = True
    add_prefix_space: bool = True

    def steps(self, pair: bool) -> tuple[Step, ...]:
        """See the class."""
        sep, cls = (self.sep[1],), (self.cls[1],)
        single: tuple[Step, ...] = ((None, cls, 0), (0, (), 0), (None, sep, 0))
        return (*single, (None, sep, 0), (1, (), 0), (None, sep, 0)) if pair else single


@dataclass(frozen=True, slots=True)
class TemplateProcessing(PostProcessor):
    """Marks and texts in an order that the file writes out."""

    single: Any
    pair: Any
    special_tokens: Any

    def __post_init__(self) -> None:
        """Refuse a template that names a mark without its ids, or knows other texts than A and B."""
        for item in (*self.single, *self.pair):
            self._step(item)

    def _step(self, item: Any) -> Step:
        ((kind, value),) = item.items()
        if kind == "Sequence":
            return "AB".index(value["id"]), (), int(value["type_id"])
        if kind != "SpecialToken":
            raise ValueError(f"{kind} is nothing that a template holds")
        ids = self.special_tokens[value["id"]]["ids"]
        return None, tuple(map(int, ids)), int(value["type_id"])

    def steps(self, pair: bool) -> tuple[Step, ...]:
        """The items of the template."""
        return tuple(self._step(item) for item in (self.pair if pair else self.single))


@dataclass(frozen=True, slots=True)
class Sequence(PostProcessor):
    """Several, of which at most one adds marks."""

    processors: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Refuse marks around marks."""
        if sum(not isinstance(processor, ByteLevel) for processor in self.processors) > 1:
            raise ValueError("more than one post_processor of a Sequence adds tokens")

    def steps(self, pair: bool) -> tuple[Step, ...]:
        """Those of the one that adds marks."""
        adding = [processor for processor in self.processors if not isinstance(processor, ByteLevel)]
        return adding[0].steps(pair) if adding else PLAIN[pair]  # type: ignore[attr-defined]


POST_PROCESSORS = {
    part.__name__: part for part in (ByteLevel, BertProcessing, RobertaProcessing, TemplateProcessing, Sequence)
}


def read_post_processor(raw: Any) -> Any:
    """The post-processor that a tokenizer.json describes, or None."""
    return read_part(raw, "post_processor", POST_PROCESSORS)


def surrounded(before: Ids[tuple[str, int]], after: Ids[tuple[str, int]] = ()) -> TemplateProcessing:
    """A template that puts marks (token, id) before and after each text.

    >>> surrounded([("<s>", 1)], [("</s>", 2)]).process([5, 6])
    ([1, 5, 6, 2], [0, 0, 0, 0])
    """

    def around(name: str, type_id: int) -> list[dict[str, Any]]:
        marks = [[{"SpecialToken": {"id": token, "type_id": type_id}} for token, _ in side] for side in (before, after)]
        return [*marks[0], {"Sequence": {"id": name, "type_id": type_id}}, *marks[1]]

    known = {token: {"id": token, "ids": [id], "tokens": [token]} for token, id in (*before, *after)}
    return TemplateProcessing(around("A", 0), around("A", 0) + around("B", 1), known)
