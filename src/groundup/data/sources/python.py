"""A corpus that is on every machine: the documentation and the source of the Python that runs this.

    documentation   the language reference's topics (pydoc_data), and for each module of the standard library its
                    docstrings under the signatures they explain: real prose about real code
    source          the modules themselves

Nothing is imported or run: docstrings are read from the syntax tree. Left out are installed packages, tests, tables
made by machines, and what some systems put into packages of their own (tkinter, idlelib, distutils ...), so that the
corpus depends on Python's version alone. A paragraph of documentation that occurs twice is kept once; source stays as
it is.

The order is that of a hash (topics first), so a beginning of the corpus is a fair sample of its modules. One module in
sixteen is held out, by the hash of its name, with its documentation and source; paragraphs that also stand in training
documents are cut from it.
"""

import ast
import hashlib
import os
import re
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from groundup.data.dedup.exact import Seen, new_paragraphs
from groundup.data.documents import Document
from groundup.errors import InputError
from groundup.progress import say

Split = Literal["train", "heldout"]
KINDS = ("documentation", "source")
LEFT_OUT = frozenset(
    "site-packages dist-packages __pycache__ lib-dynload test tests idle_test pydoc_data encodings"
    " idlelib tkinter turtledemo distutils lib2to3 ensurepip".split()
)
MIN_CHARACTERS = 200  # a shorter document is a title and a line
MIN_DOCSTRING = 20
HELD_OUT = 16  # one module in this many


def documents(kinds: Iterable[str] = KINDS) -> Iterator[Document]:
    """The whole corpus: documents for training, then held-out ones. metadata: kind, module, split."""
    seen, kinds = Seen(), tuple(kinds)
    yield from read("train", kinds, seen)
    yield from read("heldout", kinds, seen)


def split(source: Iterable[Document]) -> tuple[list[Document], list[Document]]:
    """Documents for training, and those of held-out modules."""
    train: list[Document] = []
    heldout: list[Document] = []
    for document in source:
        (heldout if document.metadata["split"] == "heldout" else train).append(document)
    return train, heldout


def read(part: Split, kinds: Iterable[str] = KINDS, seen: Seen | None = None) -> Iterator[Document]:
    """One split's documents as they are read, in a fixed order; give "heldout" the `seen` that "train" filled.

    InputError when this Python was installed without its sources.
    """
    modules, seen = [module for module in library() if split_of(module[0]) == part], Seen() if seen is None else seen
    for kind in kinds:
        for module, text in READERS[kind](modules, part):
            text = clean(text)
            new = new_paragraphs(text, seen)
            if kind == "documentation" or part == "heldout":
                text = "\n\n".join(new)
            if len(text) >= MIN_CHARACTERS:
                yield Document(f"{kind}/{module}", text, "python", {"kind": kind, "module": module, "split": part})


def library() -> list[tuple[str, Path]]:
    """The standard library's modules as (dotted name, file), in the order of a hash of the name."""
    root = Path(sysconfig.get_path("stdlib"))
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        package = Path(folder).relative_to(root).parts
        modules = [
            name.removesuffix(".py") for name in names if name.endswith(".py") and not name.startswith("_sysconfigdata")
        ]
        found += [
            (".".join((*package, name)).removesuffix(".__init__"), Path(folder, f"{name}.py")) for name in modules
        ]
    if len(found) < 50:  # some systems keep a few files where the library would be
        raise InputError(
            f"this Python was installed without the sources of its standard library ({root} has {len(found)} modules); "
            "use a Python from python.org or your system's full package, or train on your own text with --text PATH"
        )
    return sorted(found, key=lambda module: _hash(module[0]))


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


def split_of(module: str) -> Split:
    """Where a module's documents belong, by the hash of its name."""
    return "heldout" if _hash(module)[-1] % HELD_OUT == 0 else "train"


def clean(text: str) -> str:
    """Drop what no reader needs: white space at line ends, page breaks, rows of underlining, long gaps.

    >>> clean("Title\\n=====\\n\\n\\n\\ntext  \\n")
    'Title\\n\\ntext\\n'
    """
    text = re.sub(r"^([=*~^\"-])\1{3,}$\n?", "", text.replace("\f", ""), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)).strip("\n") + "\n"


def topics(part: Split) -> Iterator[tuple[str, str]]:
    """The language reference's sections, as `help()` shows them."""
    try:
        from pydoc_data.topics import topics as texts
    except ImportError:
        say("this Python has no pydoc_data, so the language reference is left out; a full Python package has it")
        return
    for name in sorted(texts, key=_hash):
        if split_of(f"topic {name}") == part:
            yield f"topic {name}", texts[name]


def _documentation(modules: list[tuple[str, Path]], part: Split) -> Iterator[tuple[str, str]]:
    yield from topics(part)
    for module, path in modules:
        if sections := list(_sections(_text(path))):
            yield module, module + "\n\n" + "\n\n".join(sections)


def _source(modules: list[tuple[str, Path]], part: Split) -> Iterator[tuple[str, str]]:
    for module, path in modules:
        yield module, _text(path)


READERS = {"documentation": _documentation, "source": _source}


def _text(path: Path) -> str:
    """A module's text; one that cannot be read, or is in an old encoding, counts as empty."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _sections(text: str) -> Iterator[str]:
    """The docstrings of a module, each under the signature of what it explains."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # a template, or a form of Python that this one does not read
        return
    if docstring := ast.get_docstring(tree):
        yield docstring
    yield from _members(tree, "")


def _members(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[str]:
    for child in node.body:
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = ast.get_docstring(child)
        if docstring and len(docstring) >= MIN_DOCSTRING:
            yield f"{_signature(child, prefix)}\n{docstring}"
        if isinstance(child, ast.ClassDef):
            yield from _members(child, f"{prefix}{child.name}.")


def _signature(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, prefix: str) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {prefix}{node.name}"
    return f"{prefix}{node.name}({ast.unparse(node.args)})"
