"""What the text alone decides: each way of not having written the function gets a sentence of its own."""

from pathlib import Path

import pytest

from groundup.course import shelf
from groundup.course.attempt import Attempt, first_look, read
from groundup.course.exercise import solution, stub
from groundup.course.verdict import Verdict

TOP_P = shelf.find("top_p")
COMMENTED = "\n".join(f"# {line}" for line in solution(TOP_P).splitlines())


def look(text: str) -> Verdict | None:
    return first_look(TOP_P, Attempt(text, Path("my/top_p.py")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nothing is written in top_p.py"),
        ("\n\n# soon\n", "nothing is written"),
        ('"""A file."""\nimport torch\n', "nothing is written"),
        (COMMENTED, "top_p is commented out in top_p.py"),
        (stub(TOP_P), "top_p is not written yet"),
        ("def top_p(logits, p):\n    pass\n", "not written yet"),
        ("def top_p(logits, p):\n    '''Doc.'''\n    ...\n", "not written yet"),
        ("def top_k(logits, p):\n    return logits\n", "rename your top_k"),
        ("def f():\n    return 1\n", "write def top_p"),
        ("top_p = lambda logits, p: logits\n", "has no function top_p"),
        ("class A:\n    def top_p(self, logits, p):\n        return logits\n", "outermost level"),
        ("async def top_p(logits, p):\n    return logits\n", "plain def"),
        ("def top_p(logits, p)\n    return logits\n", "line 1: expected ':': def top_p(logits, p); mend the line"),
        ("x = 1\n  y = 2\n", "line 2: unexpected indent: y = 2"),
        ("a\0b", "null bytes"),
        (
            "def top_p(logits):\n    return logits\n",
            "takes (logits) and is called with (logits, p); keep the signature def top_p",
        ),
        ("def top_p(p, logits):\n    return logits\n", "takes (p, logits)"),
        ("def top_p(logits, p, k):\n    return logits\n", "takes (logits, p, k)"),
        ("def top_p(logits, p, *, k):\n    return logits\n", "takes (logits, p, k)"),
        ("from groundup.inference.decoding.sampling import top_p\n", "this is the library's own top_p"),
        (
            "def f():\n    from groundup.inference.decoding.sampling import top_p as t\n",
            "line 2: this is the library's own",
        ),
    ],
)
def test_a_file_that_cannot_be_judged_is_said_so(text, words):
    verdict = look(text)
    assert verdict is not None and verdict.kind == "broken" and words in verdict.sentence


@pytest.mark.parametrize(
    "signature",
    ["logits, p", "logits, p=0.9", "logits, p, k=3", "logits: 'any', p: float, *more", "*a, **b", "logits, p, *, k=1"],
)
def test_a_signature_that_every_call_fits_is_let_through(signature):
    assert look(f"def top_p({signature}):\n    return 1\n") is None


def test_a_default_that_the_reference_has_is_needed():
    advantages = shelf.find("group_advantages")
    text = "def group_advantages(rewards, scaled):\n    return rewards\n"
    assert "keep the signature" in first_look(advantages, Attempt(text, Path("a.py"))).sentence


def test_the_solution_and_its_own_names_are_let_through():
    assert look(solution(TOP_P)) is None


def test_a_file_that_cannot_be_read_is_a_verdict(tmp_path):
    assert "is not there" in read(TOP_P, tmp_path / "gone.py").sentence
    assert "cannot be read" in read(TOP_P, tmp_path).sentence
    (tmp_path / "latin.py").write_bytes(b"# caf\xe9\n")
    assert "save it as UTF-8" in read(TOP_P, tmp_path / "latin.py").sentence
