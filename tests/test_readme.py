"""What the README promises is what the project does."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def code(language: str) -> list[str]:
    """The README's blocks of one language."""
    return [block.replace("\n  ", "\n").strip() for block in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)]


def test_it_opens_with_one_sentence_and_two_commands_of_one_line():
    opening, first, second = README.split("\n\n")[1], *code("bash")[:2]
    assert opening.endswith(".") and "\n" not in opening
    assert first == "python3 -m venv .venv && .venv/bin/pip install -e . && .venv/bin/groundup demo"
    assert second == ".venv/bin/pip install -e '.[test]' && .venv/bin/python -m pytest"


def test_ci_runs_the_readmes_own_test_command():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'readme_command "-m pytest"' in ci
    assert [line for line in README.splitlines() if "-m pytest" in line] == [code("bash")[1]]


def test_every_command_uses_a_verb_that_exists():
    from groundup.cli import VERBS

    verbs = re.findall(r"groundup(?: --mine \w+)? ([a-z]+)", "\n".join(code("bash")))
    assert set(verbs) <= set(VERBS) and "demo" in verbs and "chat" in verbs


def test_the_example_of_a_learners_function_computes_what_the_librarys_does():
    torch = pytest.importorskip("torch")
    from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention

    names: dict = {}
    exec(next(block for block in code("python") if "def scaled_dot_product_attention" in block), names)
    torch.manual_seed(0)
    query, key, value = torch.randn(3, 2, 4, 6, 8)
    causal = torch.ones(6, 6, dtype=torch.bool).tril()
    for mask in (None, causal):
        theirs = names["scaled_dot_product_attention"](query, key, value, mask)
        torch.testing.assert_close(theirs, scaled_dot_product_attention(query, key, value, mask))
