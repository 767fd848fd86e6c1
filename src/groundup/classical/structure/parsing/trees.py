"""Constituency trees as nested tuples: read from brackets and written, cleaned, binarised and drawn in a terminal.

    (S (NP (DT the) (NN cat)) (VP (VBZ sleeps)))   <->   ("S", ("NP", ("DT", "the"), ("NN", "cat")), ("VP", ("VBZ", "sleeps")))

A tree is its label and its parts; a tag stands over one word, which is a string. The Penn Treebank (Marcus et al. 1993)
also marks what a phrase does (NP-SBJ) and what was moved away (-NONE-): parsers are trained and scored without either.

CKY joins two neighbours at a time, so a rule with three parts has to become two rules. How much the new symbol remembers
decides the grammar (Johnson 1998; Klein and Manning 2003): of the `horizontal` parts that stand before it, and of the
`vertical - 1` phrases above. NP -> DT JJ NN becomes NP -> DT @NP|DT and @NP|DT -> JJ NN. Left out: heads and their words.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from groundup.errors import FormatError, InputError

Tree = tuple[Any, ...]  # (label, Tree, ...) or (tag, word)
TOP = "TOP"  # the label of what stands above a sentence
DEEPEST = 150  # brackets inside each other: the deepest of the Penn Treebank's sample has 29
_PIECES = re.compile(r"\(\s*([^\s()]*)|\)|[^\s()]+")


@contextmanager
def followed(what: str) -> Iterator[None]:
    """InputError for a tree that is nested deeper than Python follows calls, some hundred phrases; no treebank has one."""
    try:
        yield
    except RecursionError:
        raise InputError(
            f"{what} is nested too deeply to be followed (binarised, each part of a phrase lies inside the one before); split the sentence"
        ) from None


def read_brackets(text: str, name: str = "the text") -> list[Tree]:
    """The trees of a text in brackets; damage is answered with the line of `name`.

    >>> read_brackets("(S (NP (NNS cats)) (VP (VBP sleep)))")
    [('S', ('NP', ('NNS', 'cats')), ('VP', ('VBP', 'sleep')))]
    """
    trees: list[Tree] = []
    open_: list[list[Any]] = []
    began = 0
    for piece in _PIECES.finditer(text):
        if piece[0] == ")":
            if not open_:
                raise _damage(text, piece.start(), name, "a bracket closes that was never opened; remove it")
            done = _closed(open_.pop(), text, piece.start(), name)
            (open_[-1] if open_ else trees).append(done)
        elif piece[0][0] == "(":
            began = began if open_ else piece.start()
            open_.append([piece[1] or (TOP if not open_ else "")])
            if len(open_) > DEEPEST:
                raise _damage(text, piece.start(), name, f"more than {DEEPEST} brackets stand open; is one not closed?")
        elif not open_:
            raise _damage(text, piece.start(), name, f"{piece[0]!r} stands outside of any bracket; remove it")
        else:
            open_[-1].append(piece[0])
    if open_:
        raise _damage(text, began, name, f"the tree that begins here lacks {len(open_)} closing brackets; add them")
    return trees


def _closed(parts: list[Any], text: str, place: int, name: str) -> Tree:
    """A bracket's parts as a tree, if they are one: a label over trees, or a tag over one word."""
    words = sum(isinstance(part, str) for part in parts[1:])
    if len(parts) == 1:
        raise _damage(text, place, name, f"nothing stands under {parts[0]!r}; give it a word or a phrase")
    if words and len(parts) != 2:
        raise _damage(text, place, name, f"under {parts[0]!r} stands more than a tag's one word; tag each word")
    if not parts[0]:
        raise _damage(text, place, name, "a bracket has no label; only the outermost may go without")
    return tuple(parts)


def _damage(text: str, place: int, name: str, what: str) -> FormatError:
    return FormatError(f"{name}, line {text.count(chr(10), 0, place) + 1}: {what}")


def write_brackets(tree: Tree) -> str:
    """A tree in brackets, on one line.

    >>> write_brackets(("NP", ("DT", "the"), ("NN", "cat")))
    '(NP (DT the) (NN cat))'
    """
    with followed("the tree"):
        return _bracketed(tree)


def _bracketed(tree: Tree) -> str:
    return f"({tree[0]} {' '.join(part if isinstance(part, str) else _bracketed(part) for part in tree[1:])})"


def is_tag(tree: Tree) -> bool:
    """Whether a tree is a tag over its word."""
    return isinstance(tree[1], str)


def tagged(tree: Tree) -> list[tuple[str, str]]:
    """The words from left to right, each with its tag.

    >>> tagged(("NP", ("DT", "the"), ("NN", "cat")))
    [('the', 'DT'), ('cat', 'NN')]
    """
    found: list[tuple[str, str]] = []
    ahead = [tree]
    while ahead:
        part = ahead.pop()
        if is_tag(part):
            found.append((part[1], part[0]))
        else:
            ahead += part[:0:-1]
    return found


def words_of(tree: Tree) -> list[str]:
    """The words from left to right."""
    return [word for word, _ in tagged(tree)]


def clean(tree: Tree) -> Tree | None:
    """A tree of the Penn Treebank without traces and functions, under TOP; None when nothing but traces is left.

    >>> clean(("S", ("NP-SBJ-1", ("-NONE-", "*")), ("VP", ("VP", ("VB=2", "go")))))
    ('TOP', ('S', ('VP', ('VB', 'go'))))
    """
    with followed("the tree"):
        kept = _kept(tree)
    return kept if kept is None or kept[0] == TOP else (TOP, kept)


def _kept(tree: Tree) -> Tree | None:
    if tree[0] == "-NONE-":
        return None
    label = tree[0] if tree[0][0] == "-" else re.split("[-=]", tree[0])[0]  # -LRB- is a tag
    if is_tag(tree):
        return (label, tree[1])
    parts = [part for part in map(_kept, tree[1:]) if part is not None]
    if len(parts) == 1 and parts[0][0] == label and not is_tag(parts[0]):
        return parts[0]  # X over nothing but X says nothing
    return (label, *parts) if parts else None


def binarize(tree: Tree, horizontal: int = 2, vertical: int = 1) -> Tree:
    """The tree with at most two parts under each label. horizontal, vertical: what a symbol remembers (the file's docstring).

    >>> binarize(("NP", ("DT", "a"), ("JJ", "big"), ("NN", "cat")), horizontal=1)
    ('NP', ('DT', 'a'), ('@NP|DT', ('JJ', 'big'), ('NN', 'cat')))
    """
    if horizontal < 0 or vertical < 1:
        raise InputError(
            f"horizontal={horizontal}, vertical={vertical}; use horizontal of 0 or more, vertical of 1 or more"
        )
    with followed("the tree"):
        return _binarized(tree, (), horizontal, vertical)


def _binarized(tree: Tree, above: tuple[str, ...], horizontal: int, vertical: int) -> Tree:
    if is_tag(tree):
        return tree
    if "^" in tree[0] or tree[0][0] == "@":
        raise InputError(f"the label {tree[0]!r} has a sign that marks binarised symbols; rename it without ^ and @")
    label = "^".join((tree[0], *above[: vertical - 1]))
    parts = [_binarized(part, (tree[0], *above), horizontal, vertical) for part in tree[1:]]
    names = [part[0] for part in tree[1:]]
    right = parts[-1]
    for place in range(len(parts) - 2, 0, -1):
        seen = "_".join(names[max(0, place - horizontal) : place])
        right = (f"@{label}|{seen}", parts[place], right)
    return (label, parts[0]) if len(parts) == 1 else (label, parts[0], right)


def restore(tree: Tree) -> Tree:
    """Undo `binarize`: the symbols that it made go, their parts stay.

    >>> restore(("NP", ("DT", "a"), ("@NP|DT", ("JJ", "big"), ("NN", "cat"))))
    ('NP', ('DT', 'a'), ('JJ', 'big'), ('NN', 'cat'))
    """
    with followed("the tree"):
        return _restored(tree)


def _restored(tree: Tree) -> Tree:
    if is_tag(tree):
        return tree
    parts = list(tree[1:])
    while not is_tag(parts[-1]) and parts[-1][0][0] == "@":
        parts += parts.pop()[1:]
    return (tree[0].partition("^")[0], *map(_restored, parts))


def tree_text(tree: Tree) -> str:
    """A tree as lines for a terminal.

    >>> print(tree_text(("NP", ("DT", "the"), ("NN", "cat"))))
    NP
    ├─ DT the
    └─ NN cat
    """
    with followed("the tree"):
        return "\n".join(_lines(tree))


def _lines(tree: Tree) -> Iterator[str]:
    if is_tag(tree):
        yield f"{tree[0]} {tree[1]}"
        return
    yield tree[0]
    for place, part in enumerate(tree[1:], 2):
        first, rest = ("└─ ", "   ") if place == len(tree) else ("├─ ", "│  ")
        for number, line in enumerate(_lines(part)):
            yield (rest if number else first) + line
