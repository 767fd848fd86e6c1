"""A lesson's text as cells. A notebook is plain Python: each cell a function whose arguments are what other cells made.

Read from the syntax tree alone, so neither marimo nor torch is needed.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from groundup.errors import InputError


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell. takes, makes: names; code: its text without the `return`; prose: it is one mo.md without code to show."""

    node: ast.FunctionDef
    takes: tuple[str, ...]
    makes: tuple[str, ...]
    code: str
    hidden: bool

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.node.lineno

    @property
    def body(self) -> list[ast.stmt]:
        """Its statements without the last `return`."""
        return self.node.body[:-1] if isinstance(self.node.body[-1], ast.Return) else self.node.body

    @property
    def defines(self) -> set[str]:
        """Every name it binds that is not its own (`_name`), also one that no other cell uses and it does not return."""
        return {name for name in _bound(self.body) if not name.startswith("_")}

    @property
    def shows(self) -> ast.expr | None:
        """The expression it shows: its last statement, when that is one."""
        return last.value if self.body and isinstance(last := self.body[-1], ast.Expr) else None

    @property
    def prose(self) -> str | None:
        """The Markdown of a cell that is nothing else; None for any other."""
        shown = self.shows
        if len(self.body) == 1 and isinstance(shown, ast.Call) and is_call(shown, "mo.md"):
            text = shown.args[0] if shown.args else None
            return inspect.cleandoc(str(text.value)) if isinstance(text, ast.Constant) else None
        return None

    def calls(self) -> Iterator[ast.Call]:
        """Every call in it, those inside its functions too."""
        return (
            node for node in ast.walk(self.node) if isinstance(node, ast.Call) and node not in self.node.decorator_list
        )


@dataclass(frozen=True, slots=True)
class Notebook:
    """A lesson as it stands in its file. title: the app's; setup: the statements of the setup block."""

    tree: ast.Module
    title: str
    setup: tuple[ast.stmt, ...]
    cells: tuple[Cell, ...]

    def maker(self, name: str) -> Cell | None:
        """The cell that makes a name."""
        return next((cell for cell in self.cells if name in cell.makes), None)

    def after(self, name: str) -> list[Cell]:
        """The cells that use a name, or what was made with it, in the order of the file."""
        reached, names = set[int](), {name}
        while grown := [c for c in self.cells if id(c.node) not in reached and names & set(c.takes)]:
            reached |= {id(cell.node) for cell in grown}
            names |= {made for cell in grown for made in cell.makes}
        return [cell for cell in self.cells if id(cell.node) in reached]


def _bound(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The names that statements bind in their own scope: not inside functions, classes and comprehensions."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            yield from _bound(ast.iter_child_nodes(node))


def is_call(node: ast.AST, name: str) -> bool:
    """Whether a node is a call of a dotted name.

    >>> is_call(ast.parse("mo.md('x')", mode="eval").body, "mo.md")
    True
    """
    return isinstance(node, ast.Call) and ast.unparse(node.func) == name


def read(text: str, origin: str = "the lesson") -> Notebook:
    """Read a lesson's text; InputError for what is no Python."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise InputError(f"{origin}, line {error.lineno}: {error.msg}; mend the line") from error
    lines = text.splitlines()
    setups = [node for node in tree.body if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "app.setup"]
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and _mark(node) is not None]
    return Notebook(
        tree, _title(tree), tuple(setups[0].body) if setups else (), tuple(_cell(node, lines) for node in functions)
    )


def _title(tree: ast.Module) -> str:
    """What marimo.App(app_title=...) says; "" where it says nothing."""
    for node in ast.walk(tree):
        if is_call(node, "marimo.App"):
            assert isinstance(node, ast.Call)
            titles = [
                k.value.value for k in node.keywords if k.arg == "app_title" and isinstance(k.value, ast.Constant)
            ]
            return str(titles[0]) if titles else ""
    return ""


def _mark(node: ast.FunctionDef) -> ast.expr | None:
    """The decorator that makes a function a cell."""
    marks = (mark for mark in node.decorator_list if ast.unparse(mark).split("(")[0] == "app.cell")
    return next(marks, None)


def _cell(node: ast.FunctionDef, lines: list[str]) -> Cell:
    mark, last = _mark(node), node.body[-1]
    assert mark is not None
    makes = [one.id for one in ast.walk(last) if isinstance(one, ast.Name)] if isinstance(last, ast.Return) else []
    ends = (last.lineno - 1 if isinstance(last, ast.Return) else last.end_lineno) or 0
    code = textwrap.dedent("\n".join(lines[_first_line(node, lines) - 1 : ends])).strip("\n")
    return Cell(node, tuple(a.arg for a in node.args.args), tuple(makes), code, "hide_code=True" in ast.unparse(mark))


def _first_line(node: ast.FunctionDef, lines: list[str]) -> int:
    """The line after the signature: a comment above the first statement belongs to the code."""
    line = max([node.lineno, *(argument.end_lineno or 0 for argument in node.args.args)])
    while not lines[line - 1].rstrip().endswith("):"):
        line += 1
    return line + 1
