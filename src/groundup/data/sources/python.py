"""A corpus that is on every machine: the documentation and the source of the Python that runs this.

    documentation   the language reference's topics (pydoc_data), and for each module of the standard library its
                    docstrings under the signatures they explain: real prose about real code
    source          the modules themselves

Nothing is imported or run: docstrings are read from the syntax tree. Tests, the graphical editor and installed packages
are left out, so the result depends on Python's version alone. Paragraphs that occur twice are kept once.
"""

import ast
import hashlib
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from groundup.data.dedup import exact
from groundup.data.documents import Document
from groundup.errors import InputError

KINDS = ("documentation", "source")
LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "__pycache__", "idle_test"}
MIN_CHARACTERS = 200
HELD_OUT = 16  # one module in this many


def documents(kinds: Iterable[str] = KINDS) -> Iterator[Document]:
    """The corpus in a fixed order, deduplicated by paragraph; held-out modules last, so that theirs are the paragraphs dropped.

    metadata: kind, module, split ("train" or "heldout", by a hash of the module's name).
    InputError when this Python was installed without its sources.
    """
    files = library_files()
    if not files:
        raise InputError("this Python was installed without its standard library's sources; "
                         "use a Python from python.org or your system's full package, or give --text PATH")
    found = [document for kind in kinds for document in READERS[kind](files)]
    found.sort(key=lambda document: document.metadata["split"], reverse=True)
    return (document for document in exact.paragraphs(found) if len(document.text) >= MIN_CHARACTERS)


def split(source: Iterable[Document]) -> tuple[list[Document], list[Document]]:
    """Documents for training, and those of held-out modules."""
    train: list[Document] = []
    heldout: list[Document] = []
    for document in source:
        (heldout if document.metadata["split"] == "heldout" else train).append(document)
    return train, heldout


def library_files() -> list[tuple[str, Path]]:
    """The standard library's modules: (name as a path, file), sorted by name."""
    root = Path(sysconfig.get_path("stdlib"))
    named = ((path.relative_to(root).as_posix(), path) for path in root.rglob("*.py"))
    return sorted((name, path) for name, path in named if not LEFT_OUT & set(Path(name).parts[:-1]))


def _document(kind: str, module: str, text: str) -> Document:
    number = int.from_bytes(hashlib.sha256(module.encode()).digest()[:4], "big")
    where = "heldout" if number % HELD_OUT == 0 else "train"
    return Document(f"{kind}/{module}", text, "python", {"kind": kind, "module": module, "split": where})


def topics() -> Iterator[Document]:
    """The language reference's sections, as `help()` shows them; none where pydoc_data is missing."""
    try:
        from pydoc_data.topics import topics as texts
    except ImportError:
        return
    for name, text in sorted(texts.items()):
        yield _document("documentation", f"topic {name}", text.strip() + "\n")


def _documentation(files: list[tuple[str, Path]]) -> Iterator[Document]:
    yield from topics()
    for name, path in files:
        tree = _tree(path)
        if tree is not None and name != "pydoc_data/topics.py":
            sections = list(_sections(tree))
            if sections:
                yield _document("documentation", name, name + "\n\n" + "\n\n".join(sections) + "\n")


def _source(files: list[tuple[str, Path]]) -> Iterator[Document]:
    for name, path in files:
        text = _text(path)
        if text and name != "pydoc_data/topics.py":
            yield _document("source", name, text)


READERS = {"documentation": _documentation, "source": _source}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(_text(path))
    except (SyntaxError, ValueError):
        return None


def _sections(tree: ast.Module) -> Iterator[str]:
    """The docstrings of a module, each under the signature of what it explains."""
    if docstring := ast.get_docstring(tree):
        yield docstring
    yield from _members(tree, "")


def _members(node: ast.AST, prefix: str) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = ast.get_docstring(child)
            if docstring and len(docstring) > 20:
                yield f"{_signature(child, prefix)}\n{docstring}"
            inside = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
            yield from _members(child, inside)


def _signature(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {prefix}{node.name}"
    return f"{prefix}{node.name}({ast.unparse(node.args)})"
