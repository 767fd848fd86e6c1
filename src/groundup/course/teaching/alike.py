"""Submissions that are the same but for names, comments and spaces: reported as alike, which is no accusation.

The normal form of a file is its syntax tree without imports, docstrings and annotations, with every name that the file
itself gives (arguments, locals, helpers) numbered in the order of its first use. Two files with one normal form are alike. Short
functions are alike by nature, so a form under LEAST nodes is left out, and a form that is the library's own solution is marked.
Left out: files whose statements were reordered or rewritten, and a helper imported from another file.
"""

import ast
import hashlib
from collections.abc import Mapping

from groundup.course.parsing import parse

LEAST = 40  # nodes of the tree; a temperature's division has 20, top-k's three lines have 70
TOO_DEEP = (SyntaxError, ValueError, RecursionError, MemoryError)


def normal_form(text: str) -> str:
    """The hash of a file's normal form; "" for one that is short or cannot be read.

    >>> a = "def f(x, n):\\n    total = [y ** n for y in x]  # powers\\n    return max(total) - min(total) + sum(total) / len(total)"
    >>> b = a.replace("total", "found").replace("  # powers", "").replace(":\\n", ":\\n    'Powers.'\\n", 1)
    >>> normal_form(a) == normal_form(b) != ""
    True
    """
    try:
        tree = parse(text)
        if sum(1 for _ in ast.walk(tree)) < LEAST:
            return ""
        given = _given(tree)
        numbers: dict[str, str] = {}
        _Plain(given, numbers).visit(tree)
        return hashlib.sha256(ast.dump(tree).encode(errors="replace")).hexdigest()
    except TOO_DEEP:
        return ""


def _given(tree: ast.Module) -> set[str]:
    """The names that a file gives by itself; not those that it imports."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    defined = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    names |= {node.name for node in ast.walk(tree) if isinstance(node, defined)}
    return names | {node.name for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and node.name}


class _Plain(ast.NodeTransformer):
    """Takes imports, docstrings and annotations out of a tree and numbers the names that the file gives."""

    def __init__(self, given: set[str], numbers: dict[str, str]) -> None:
        self.given, self.numbers = given, numbers

    def visit(self, node: ast.AST) -> ast.AST | None:
        """Plain on the way down, so that numbers follow the text."""
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_bare_text(node):
            return None
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            node = ast.Assign([node.target], node.value)
        for field in ("annotation", "returns", "type_comment"):
            if hasattr(node, field):
                setattr(node, field, None)
        for field in ("id", "arg", "name"):
            name = getattr(node, field, None)
            if name in self.given and not isinstance(node, ast.keyword):
                setattr(node, field, self.numbers.setdefault(name, f"v{len(self.numbers)}"))
        return self.generic_visit(node)


def _is_bare_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def groups(texts: Mapping[str, str]) -> list[list[str]]:
    """The students whose files of one exercise are alike, in groups of two and more."""
    forms: dict[str, list[str]] = {}
    for student, text in texts.items():
        if form := normal_form(text):
            forms.setdefault(form, []).append(student)
    return [students for students in forms.values() if len(students) > 1]
