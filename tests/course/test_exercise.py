"""The format refuses what could not be judged, and makes stub and solution out of the library's own text."""

import ast

import pytest

from groundup.course import shelf
from groundup.course.exercise import Check, Exercise, Mutant, check, reference, solution, source_of, stub
from groundup.errors import ConfigError


@check("values")
def it_adds(mine):
    """Does
    not add."""
    assert mine(1, 2) == 3


def made(**changes) -> Exercise:
    given = {
        "slot": "a.b.add",
        "title": "t",
        "task": "t",
        "difficulty": 1,
        "minutes": 5,
        "hints": ("a", "b", "c"),
        "run": "groundup demo",
    }
    return Exercise(**{**given, "checks": (it_adds,), "mutants": (), **changes})


def test_a_checks_docstring_is_the_likely_mistake():
    assert (it_adds.name, it_adds.rung, it_adds.mistake) == ("it_adds", "values", "Does not add.")


def test_a_check_without_a_rung_or_a_mistake_is_refused():
    with pytest.raises(ConfigError, match="use one of shape, dtype"):
        Check("value", it_adds.function)
    with pytest.raises(ConfigError, match="names no mistake"):
        check("values")(lambda mine: None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"difficulty": 6}, "use 1 to 5"),
        ({"hints": ("a", "b")}, "write three"),
        ({"hints": ("a", "b", "")}, "write three"),
        ({"checks": ()}, "no checks"),
    ],
)
def test_an_exercise_that_is_not_whole_is_refused(changes, words):
    with pytest.raises(ConfigError, match=words):
        made(**changes)


def test_checks_are_asked_rung_by_rung_in_the_order_of_the_file():
    rungs = ("speed", "values", "shape", "values")
    checks = tuple(Check(rung, it_adds.function) for rung in rungs)
    assert made(checks=checks).in_order() == [checks[2], checks[1], checks[3], checks[0]]


def test_id_and_name_come_from_the_slot():
    assert (made().id, made().name) == ("a.b.add", "add")


def test_a_slot_that_is_none_is_named():
    with pytest.raises(ConfigError, match=r"a.b.add is no slot of the library"):
        source_of(made())


def test_a_mutants_edit_stands_exactly_once():
    assert Mutant("m", "c", edits=(("1", "2"), ("a", "b"))).text("a = 1") == "b = 2"
    assert Mutant("m", "c", source="\n    def f():\n        pass\n").text("a") == "def f():\n    pass\n"
    for edits in ((("1", "2"),), (("a", "b"),)):
        with pytest.raises(ConfigError, match="make it once"):
            Mutant("m", "c", edits=edits).text("a = a")
    for mutant in (Mutant("m", "c"), Mutant("m", "c", edits=(("a", "b"),), source="x")):
        with pytest.raises(ConfigError, match="either edits or a source"):
            mutant.text("a")


def test_the_solution_is_the_librarys_source_and_the_stub_its_beginning():
    top_p = shelf.find("top_p")
    library = source_of(top_p).read_text()
    assert solution(top_p).split("def top_p")[1].strip() in library
    unwritten = stub(top_p)
    assert unwritten.startswith('"""Top-p: choose from the nucleus\n\nA model gives')
    assert 'Logits = Float[Tensor, "batch vocab"]' in unwritten and "cumsum" not in unwritten
    function = ast.parse(unwritten).body[-1]
    assert isinstance(function, ast.FunctionDef) and ast.get_docstring(function) in library


def test_the_reference_is_the_librarys_function():
    from groundup.inference.decoding.sampling import top_p

    assert reference(shelf.find("top_p")) is top_p


def test_an_exercise_outside_the_library_has_its_reference_beside_it(tmp_path):
    (tmp_path / "reference.py").write_text(
        'def half(x):\n    """Half."""\n    return x / 2\n\n\ndef add(x, y):\n    """Add."""\n    return x + 2 * half(y)\n'
    )
    exercise = made(reference="reference.py", file=tmp_path / "add.py")
    assert "def half" in solution(exercise) and "x + 2" not in stub(exercise) and reference(exercise)(1, 2) == 3
