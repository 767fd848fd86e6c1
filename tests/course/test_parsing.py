"""Texts are parsed one at a time, from however many threads."""

import ast
from concurrent.futures import ThreadPoolExecutor

import pytest

from groundup.course.parsing import parse


def test_many_threads_parse_what_one_does():
    texts = [f"x = {'(' * depth}1{')' * depth}\n" + "def f():\n    return [a + b for a, b in c]\n" * 40 for depth in range(1, 60)]
    with ThreadPoolExecutor(8) as pool:
        assert [ast.dump(tree) for tree in pool.map(parse, texts)] == [ast.dump(ast.parse(text)) for text in texts]


def test_a_mistake_names_its_line_and_file():
    with pytest.raises(SyntaxError) as error:
        parse("x = 1\ny = = 2\n", "mine.py")
    assert (error.value.lineno, error.value.filename) == (2, "mine.py")
