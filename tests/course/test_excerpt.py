"""A function is cut out of its file with what it needs, and nothing more."""

import ast

import pytest

from groundup import slots
from groundup.course.excerpt import excerpt

SOURCE = '''"""A file."""

import math
import os as system
from collections import Counter, OrderedDict

from groundup.slots import slot

LEAST = 0.01  # why it is so
HALF = LEAST / 2
OTHER = 3


def helper(x):
    """Help."""
    return Counter(x)


@slot
def work(x: "a string", scale: float = HALF) -> float:
    """Do it.

    Carefully.
    """
    # the reason
    return helper(x)[0] * math.pi * scale
'''


def test_the_solution_has_what_it_needs_and_no_mark():
    cut = excerpt(SOURCE, "work", "house.room")
    assert cut.solution.startswith(
        "import math\nfrom house.room import helper\n\nLEAST = 0.01  # why it is so\nHALF = LEAST / 2\n"
    )
    assert "@slot" not in cut.solution and "OTHER" not in cut.solution and "system" not in cut.solution
    assert "    # the reason\n" in cut.solution
    ast.parse(cut.solution)


def test_the_stub_ends_after_the_docstring():
    cut = excerpt(SOURCE, "work", "house.room")
    assert cut.stub.endswith('    Carefully.\n    """\n    raise NotImplementedError\n')
    assert "the reason" not in cut.stub and "math.pi" not in cut.stub


def test_a_function_that_belongs_to_the_task_is_part_of_the_solution():
    cut = excerpt(SOURCE, "work", "house.room", written=("helper",))
    assert "from collections import Counter\n" in cut.solution and "def helper(x):" in cut.solution
    assert "house.room" not in cut.solution
    assert "def helper(x):" in cut.stub and "return Counter" not in cut.stub


def test_without_a_module_the_neighbours_are_copied_whole():
    cut = excerpt(SOURCE, "work")
    assert "return Counter(x)" in cut.solution and "return Counter(x)" in cut.stub


def test_a_function_without_a_docstring_keeps_its_signature_only():
    cut = excerpt("def f(\n    x,\n    y=1,\n):\n    return x\n", "f", "m")
    assert cut.stub.strip() == "def f(\n    x,\n    y=1,\n):\n    raise NotImplementedError"
    assert cut.signature == "def f(x, y=1)"


@pytest.mark.parametrize("id", slots.known_slots())
def test_every_slot_of_the_library_can_be_cut_out(id):
    path = slots.known_slots()[id]
    name = id.rpartition(".")[2]
    module = ".".join(["groundup", *path.with_suffix("").parts])
    cut = excerpt((slots.HOUSE / path).read_text(), name, module)
    for text in (cut.solution, cut.stub):
        names: dict = {}
        exec(compile(text, id, "exec"), names)
        assert callable(names[name]) and names[name].__doc__
