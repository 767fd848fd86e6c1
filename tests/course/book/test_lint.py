"""Lint: a good lesson has no fault, and each rule has a lesson that breaks it."""

import subprocess
import sys
from pathlib import Path

import pytest

from groundup.course.book.lint import lint, lint_text

FILE = Path(__file__).with_name("lesson.py")
GOOD = FILE.read_text(encoding="utf-8")


def cell(body: str, takes: str = "", makes: str = "") -> str:
    """A further cell before the last."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"@app.cell\ndef _({takes}):\n{lines}\n    return {f'({makes},)' if makes else ''}\n\n\n"


def with_cell(*texts: str) -> str:
    """The good lesson with further cells before its last one."""
    start = GOOD.rindex("@app.cell(hide_code=True)")
    return GOOD[:start] + "".join(texts) + GOOD[start:]


def test_a_good_lesson_has_no_fault():
    assert lint(FILE) == []
    assert lint_text(with_cell(cell("own = [1]\nown.append(2)\nown[0] = 3", makes="own"))) == []


BREAKS = {
    "does not say what it teaches": [("Lesson: how", "How")],
    "has no title": [('app_title="Coins", ', "")],
    "first cell is not the title": [("# Coins", "# Dice")],
    "the first code shows no number": [('mo.md(f"100 throws give **{heads}** heads.")', 'mo.md("Throws.")')],
    "at least 3 times": [("    assert set(faces.tolist()) <= {0, 1}\n", "")],
    "no control changes a picture": [("def _(means, throws):", "def _(heads):"), ("(np.arange(throws.value)", "(np.arange(9)"),
                                     ('{"mean": means}, title=f"{throws.value} throws")', '{"mean": [heads] * 9})')],
    "does not stand alone": [("    return (throws,)", "    other = 1\n    return other, throws")],
    "is used as a whole": [("np.random.default_rng(1).random(throws.value)", "np.random.default_rng(1).random(throws)")],
    "no picture": [("    plots.lines(np.arange(throws.value)", "    max(np.arange(throws.value)")],
    "does not say what to try": [("## Try", "## End")],
    "there is no exercise no_such": [("- a bent coin", "`groundup learn start no_such`")],
    "prose that shows its code": [('@app.cell(hide_code=True)\ndef _():\n    mo.md(r"""\n    ## More', '@app.cell\ndef _():\n    mo.md(r"""\n    ## More')],
    "reads as a list": [("## More", "## More\n\n    Of 40 throws there were\n    22. That is more than half.\n")],
    "code that is hidden": [("@app.cell\ndef _(heads)", "@app.cell(hide_code=True)\ndef _(heads)")],
    "setup holds more than imports": [("    from groundup import plots\n", "    from groundup import plots\n\n    N = 3\n")],
    "plotly.express is imported": [("    import numpy as np\n", "    import numpy as np\n    import plotly.express\n")],
}  # fmt: skip


@pytest.mark.parametrize("sentence", BREAKS)
def test_what_a_lesson_lacks_is_said_once(sentence):
    text = GOOD
    for old, new in BREAKS[sentence]:
        assert old in text
        text = text.replace(old, new)
    faults = lint_text(text)
    assert sum(sentence in fault for fault in faults) == 1, faults


def test_no_control_at_all():
    start, end = GOOD.index("    throws = mo.ui"), GOOD.index("    kind = mo.ui")
    text = GOOD[:start] + "    throws = 20\n    throws\n    return (throws,)\n\n\n@app.cell\ndef _():\n" + GOOD[end:]
    text = text.replace("mo.ui.dropdown(", "dict(").replace("value=", "v=")
    assert any("no control" in fault for fault in lint_text(text))


CELLS = {
    "an empty cell": cell("pass"),
    "4 lines too long": cell("\n".join(f"_x{i} = {i}" for i in range(47))),
    "twice is made and not returned": cell("twice = 2"),
    "an import inside a cell": cell("import math\nmath.pi"),
    "mo.hstack cannot be shown": cell("mo.hstack([1])"),
    "mo.ui.table is no control": cell("mo.ui.table([])"),
    "draws from a generator that all cells share": cell("np.random.seed(0)"),
    "means is changed": cell("means.sort()", "means"),
    "means[0] is changed": cell("means[0] = 1", "means"),
    "heads is changed": cell("heads += 1", "heads"),
    "means.shape is changed": cell("means.shape = (2, 2)", "means"),
    "np.inf is changed": cell("np.inf = 1"),
    "faces is changed": cell("faces.fill(0)", "faces"),
    "part is changed": cell("part = faces[1:]\npart.sort()", "faces"),
    "row is changed": cell("for row in enumerate(faces):\n    row.append(1)", "faces"),
    "faces[0] is changed": cell("del faces[0]", "faces"),
}


@pytest.mark.parametrize("sentence", CELLS)
def test_what_a_cell_must_not_do_is_said(sentence):
    assert any(sentence in fault for fault in lint_text(with_cell(CELLS[sentence])))


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("model.weight.fill_(0)", "model.weight is changed"),
        ("clip_(model.parameters_list, 1)", "model.parameters_list is changed"),
        ("optimizer.step()", "optimizer is changed"),
        ("(model(1) - 2).backward()", ""),
        ("loss.backward()", "loss is changed"),
        ("model.x.append(1)", "model.x is changed"),
        ("figure.update_layout(title=1)", "figure is changed"),
        ("setattr(model, 'x', 1)", "model is changed"),
        ("value = next(batches)", "batches is changed"),
        ("heads.__class__", ""),
        ("sorted(model)", ""),
        ("other = model.copy()\nother.append(1)", ""),
        ("(lambda model: model.append(1))([])", ""),
    ],
)
def test_changes_through_methods_are_found_and_what_changes_nothing_is_left_alone(body, sentence):
    faults = [
        fault
        for fault in lint_text(with_cell(cell(body, "model, loss, optimizer, figure, batches, heads")))
        if "changed" in fault
    ]
    assert len(faults) == bool(sentence) and all(sentence in fault for fault in faults)


def test_a_generator_that_cells_share_is_found():
    text = with_cell(cell("rng = np.random.default_rng(0)", makes="rng"), cell("x = rng.random()", "rng", "x"))
    assert any("rng is used up by whoever draws from it" in fault for fault in lint_text(text))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("torch.randn(3)", True),
        ("torch.randn(3, generator=torch.Generator().manual_seed(0))", False),
        ("with torch.random.fork_rng():\n    torch.manual_seed(0)\n    x = torch.randn(3)", False),
        ("random.random()", True),
        ("random.Random(0).random()", False),
    ],
)
def test_draws_have_a_generator_of_their_cell(body, found):
    assert any("generator that all cells share" in fault for fault in lint_text(with_cell(cell(body)))) == found


def test_a_fault_names_its_line():
    text = with_cell(cell("means.sort()", "means"))
    line = text.splitlines().index("    means.sort()") + 1
    assert f"line {line}: means is changed, and another cell made it; make a new object instead" in lint_text(text)


def test_a_lesson_that_points_to_no_exercise_or_uses_nothing_of_its_source():
    faults = lint_text(GOOD, Path("text/tokenizers/bpe.py"))
    assert any("points to no exercise; add `groundup learn start" in fault for fault in faults)
    assert any("nothing of groundup.text.tokenizers.bpe is imported" in fault for fault in faults)


def test_linting_needs_neither_torch_nor_marimo():
    program = "from groundup.course.book import lint, lessons\nfor one in list(lessons())[::10]: lint(one.path)\nimport sys\n"
    check = "assert not {'torch', 'marimo', 'numba'} & set(sys.modules), 'heavy'"
    source = str(Path(sys.modules["groundup"].__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program + check], capture_output=True, text=True, env={"PYTHONPATH": source}
    )
    assert done.returncode == 0, done.stderr
