"""The running Python's own text: enough of it, each once, held out by module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from groundup.data.sources import python
from groundup.errors import InputError

PROGRAM = """
import hashlib
from groundup.data.sources import python
digest = hashlib.sha256()
for document in python.read("heldout"):
    digest.update(repr(document).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def corpus():
    return list(python.documents())


def paragraphs(documents, least):
    return [part for document in documents for part in document.text.split("\n\n") if len(part) >= least]


def test_there_are_eight_megabytes_even_when_docstrings_count_once(corpus):
    """They stand in the source too, so source and topics are what is there once."""
    once = [d for d in corpus if d.metadata["kind"] == "source" or d.metadata["module"].startswith("topic ")]
    assert sum(len(document.text.encode()) for document in once) >= 8_000_000


def test_source_for_training_still_parses(corpus):
    source = [document for document in python.split(corpus)[0] if document.metadata["kind"] == "source"]
    for document in source[::8]:
        ast.parse(document.text)


def test_the_documentation_alone_is_more_than_a_megabyte_and_a_half_of_prose(corpus):
    documentation = [document for document in corpus if document.metadata["kind"] == "documentation"]
    assert sum(len(document.text) for document in documentation) > 1_500_000
    text = next(d.text for d in documentation if d.metadata["module"] == "textwrap")
    assert text.startswith(
        "textwrap\n\nText wrapping and filling.\n\nclass TextWrapper\nObject for wrapping/filling text."
    )
    assert "\n\nwrap(text, width=70, **kwargs)\nWrap a single paragraph of text" in text


def test_the_language_reference_is_in_it(corpus):
    topics = [document for document in corpus if document.metadata["module"].startswith("topic ")]
    assert len(topics) > 50
    assert not [line for document in topics for line in document.text.split("\n") if line and not line.strip("*=")]


def test_nothing_is_there_twice(corpus):
    assert len({document.id for document in corpus}) == len(corpus)
    assert len({document.text for document in corpus}) == len(corpus)
    long = paragraphs([document for document in corpus if document.metadata["kind"] == "documentation"], 60)
    assert len(set(long)) == len(long)


def test_no_paragraph_of_a_held_out_module_is_in_a_training_document(corpus):
    train, heldout = python.split(corpus)
    assert not set(paragraphs(train, 60)) & set(paragraphs(heldout, 60))


def test_a_module_is_held_out_with_all_its_kinds(corpus):
    train, heldout = python.split(corpus)
    assert not {d.metadata["module"] for d in train} & {d.metadata["module"] for d in heldout}
    share = sum(len(d.text) for d in heldout) / sum(len(d.text) for d in corpus)
    assert 0.02 < share < 0.12


def test_tests_and_installed_packages_are_left_out(corpus):
    modules = {document.metadata["module"] for document in corpus}
    assert {"json.decoder", "asyncio.events", "argparse"} <= modules
    assert not [name for name in modules if {"test", "tests", "site-packages", "idlelib"} & set(name.split("."))]


def test_another_process_reads_the_same():
    """The order of a set or of a folder's entries must not decide; hashing of strings differs by process."""
    runs = {
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True,
                       env={"PYTHONPATH": "src", "PYTHONHASHSEED": seed}, cwd=Path(__file__).parents[3]).stdout
        for seed in "12"
    }  # fmt: skip
    assert len(runs) == 1


def test_a_python_without_its_sources_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(python.sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(InputError, match="--text PATH"):
        next(python.documents())


def test_a_python_without_pydoc_data_is_used_and_said(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    assert list(python.topics("train")) == []
    assert "no pydoc_data" in capsys.readouterr().err


def test_a_file_that_cannot_be_parsed_gives_no_documentation():
    assert list(python._sections("def broken(:")) == []
    assert list(python._sections("x = '\0'")) == []
