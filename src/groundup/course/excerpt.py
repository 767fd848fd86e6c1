"""A function cut out of its source file with what it needs, so that it stands alone: the solution, and the stub.

The solution is the library's own text: the imports the function uses, the constants, the function without its mark.
Functions and classes of the same file are imported from there, unless the exercise asks for them to be written too. The
stub is the same up to the end of the docstring. Everything is read as text; nothing is imported.
"""

import ast
from collections.abc import Collection
from dataclasses import dataclass

from groundup.course.parsing import parse

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A function as two files: whole, and up to the end of its docstring; signature: its first line."""

    solution: str
    stub: str
    signature: str


def excerpt(source: str, name: str, module: str = "", written: Collection[str] = ()) -> Excerpt:
    """Cut `name` out of a source text.

    module: where its neighbours are imported from; without it they are copied. written: neighbours that belong to the
    task, whole in the solution and empty in the stub.
    """
    tree, lines = parse(source), source.splitlines()
    functions = {node.name: node for node in tree.body if isinstance(node, Definition)}
    function = functions[name]
    assert isinstance(function, ast.FunctionDef), f"{name} is no function"
    inside = [*written, name] if module else [other for other in functions if other != name] + [name]
    bodies = [functions[other] for other in inside]
    needed = _needed(tree, bodies, set(inside))
    imports = _imports(tree, needed)
    given = [other for other in functions if other in needed]
    imports += [f"from {module} import {', '.join(given)}"] if given else []
    constants = [_text(lines, node) for node in tree.body if _assigned(node) & needed]
    head = "\n\n".join("\n".join(part) for part in (imports, constants) if part)
    whole = [_text(lines, node) for node in bodies]
    begun = [_stub(lines, node) if node.name in (*written, name) else _text(lines, node) for node in bodies]
    signature = f"def {name}({ast.unparse(function.args)})"
    return Excerpt(_file(head, whole), _file(head, begun), signature)


def _file(head: str, bodies: list[str]) -> str:
    return "\n\n\n".join(part for part in (head, *bodies) if part) + "\n"


def _needed(tree: ast.Module, nodes: list[Definition], inside: set[str]) -> set[str]:
    """The names that functions use, directly or through a constant of the file."""
    names = {used.id for node in nodes for used in _names(node)} - inside
    todo = list(tree.body)
    while True:
        more = {used.id for node in todo if _assigned(node) & names for used in _names(node)} - names
        if not more:
            return names
        names |= more


def _names(node: ast.AST) -> list[ast.Name]:
    """The names below a node; a mark like `@slot` is none of them."""
    marks = {id(mark) for mark in getattr(node, "decorator_list", [])}
    return [found for found in ast.walk(node) if isinstance(found, ast.Name) and id(found) not in marks]


def _assigned(node: ast.AST) -> set[str]:
    """The names that a top-level constant gives."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _imports(tree: ast.Module, needed: set[str]) -> list[str]:
    """The imports that are needed, in the groups that the file has."""
    lines, end = [""], 0
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines += [""] if node.lineno > end + 1 and lines[-1] else []
            lines += [line] if (line := _import(node, needed)) else []
            end = node.end_lineno or node.lineno
    return "\n".join(lines).strip("\n").splitlines()


def _import(node: ast.AST, needed: set[str]) -> str:
    """An import with only the names that are needed; "" when none is."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return ""
    if isinstance(node, ast.ImportFrom) and node.module == "__future__":
        return ast.unparse(node)
    kept = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in needed]
    if not kept:
        return ""
    thinned = ast.ImportFrom(node.module, kept, node.level) if isinstance(node, ast.ImportFrom) else ast.Import(kept)
    return ast.unparse(thinned)


def _text(lines: list[str], node: ast.AST) -> str:
    """The lines of a node, without its marks and with its comments."""
    return "\n".join(lines[getattr(node, "lineno", 1) - 1 : getattr(node, "end_lineno", None)])


def _stub(lines: list[str], function: Definition) -> str:
    """The function up to the end of its docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function) is not None
    end = (first.end_lineno or first.lineno) if documented else first.lineno - 1
    return "\n".join([*lines[function.lineno - 1 : end], "    raise NotImplementedError"])
