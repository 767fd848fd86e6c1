"""What is wrong with a lesson, from its text alone: one sentence a fault, with its line and the way out.

A notebook promises that what it shows does not depend on what was clicked before. It holds only while no cell changes what
another one made, so that is looked for here: methods that change their object, assignments into it, and draws from a
generator that cells share. What cannot be seen in the text (a function that changes its argument), `run.unsteady` finds.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from groundup import slots
from groundup.course.book.cells import Cell, Notebook, is_call, read
from groundup.course.book.shelf import SHELF

CELLS = (12, 32)
ASSERTS, LONGEST_CELL = 3, 45
CONTROLS = ("slider", "dropdown", "radio", "switch", "checkbox", "number")
CHANGES = set(
    """append extend insert remove pop popitem clear sort reverse update setdefault add discard subtract difference_update
    intersection_update symmetric_difference_update fill put resize shuffle step backward zero_grad load_state_dict train eval
    register_forward_hook register_forward_pre_hook register_buffer register_module""".split()
)
CHANGING_STARTS = ("update_", "add_")  # a figure's own ways
TORCH_DRAWS = set("rand randn randint randperm normal multinomial bernoulli manual_seed seed".split())
SOURCES = ("default_rng", "Generator", "Random", "manual_seed", "iter")  # what makes an object that use changes
NUMBERED = re.compile(r"^\s*(\d+)\. ", re.MULTILINE)  # an item of a list, or the end of a sentence
START = re.compile(r"groundup learn start (\w+)")


def lint(path: str | Path) -> list[str]:
    """The faults of a lesson's file; [] when there are none."""
    path = Path(path)
    place = path.resolve().relative_to(SHELF) if path.resolve().is_relative_to(SHELF) else None
    return lint_text(path.read_text(encoding="utf-8"), place, str(path))


def lint_text(text: str, place: Path | None = None, origin: str = "the lesson") -> list[str]:
    """The faults of a lesson's text. place: its path inside the lessons, where it has one."""
    notebook = read(text, origin)
    rules = (_frame, _beginning, _proof, _controls, _pictures, _each_cell, _draws, _changes)
    return [fault for rule in rules for fault in rule(notebook)] + list(_ending(notebook, place))


def _at(node: ast.AST, sentence: str) -> str:
    return f"line {getattr(node, 'lineno', 1)}: {sentence}"


# ───────── what it consists of ─────────


def _frame(notebook: Notebook) -> Iterator[str]:
    if not (ast.get_docstring(notebook.tree) or "").startswith("Lesson: "):
        yield 'line 1: the file does not say what it teaches; begin it with """Lesson: ..."""'
    if not notebook.title:
        yield "line 1: the lesson has no title; write marimo.App(app_title=...)"
    if not CELLS[0] <= len(notebook.cells) <= CELLS[1]:
        yield f"line 1: {len(notebook.cells)} cells; 15 to 25 make a lesson, more are two"
    written = sum(cell.prose is not None for cell in notebook.cells)
    if 4 * written < len(notebook.cells):
        yield f"line 1: {written} of {len(notebook.cells)} cells are prose; say before each code what to look for"
    for node in notebook.setup:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            yield _at(node, "the setup holds more than imports; move it into a cell")


def _beginning(notebook: Notebook) -> Iterator[str]:
    first = notebook.cells[0].prose if notebook.cells else None
    if first is None or not first.strip().startswith(f"# {notebook.title}"):
        yield f"line 1: the first cell is not the title; begin its prose with '# {notebook.title}'"
    codes = [cell for cell in notebook.cells if cell.prose is None]
    if codes and not _says_a_number(codes[0]):
        yield _at(codes[0].node, 'the first code shows no number; end it with mo.md(f"... **{number}** ...")')


def _says_a_number(cell: Cell) -> bool:
    shown = cell.shows
    return (
        shown is not None
        and is_call(shown, "mo.md")
        and any(isinstance(one, ast.FormattedValue) for one in ast.walk(shown))
    )


def _proof(notebook: Notebook) -> Iterator[str]:
    asserts = sum(
        isinstance(node, ast.Assert) or _is_assert_call(node) for c in notebook.cells for node in ast.walk(c.node)
    )
    if asserts < ASSERTS:
        yield f"line 1: {asserts} asserts; assert what the lesson claims, at least {ASSERTS} times"


def _is_assert_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and "assert" in ast.unparse(node.func).rpartition(".")[2]


def _ending(notebook: Notebook, place: Path | None) -> Iterator[str]:
    last = (notebook.cells[-1].prose if notebook.cells else None) or ""
    if "## Try" not in last:
        yield "line 1: the last cell does not say what to try; end with prose that begins with '## Try'"
    exercises = _exercises()
    for name in START.findall(last):
        if name not in {one.rpartition(".")[2] for one in exercises}:
            yield _at(notebook.cells[-1].node, f"there is no exercise {name}; `groundup learn list` names them")
    if place is None:
        return
    mine = {one.rpartition(".")[2] for one, file in exercises.items() if Path(file) == place}
    if mine and not mine & set(START.findall(last)):
        yield _at(
            notebook.cells[-1].node, f"the last cell points to no exercise; add `groundup learn start {min(mine)}`"
        )
    module = ".".join(["groundup", *place.with_suffix("").parts])
    if not any(_imports(node, module) for node in notebook.setup):
        yield f"line 1: nothing of {module} is imported; a lesson uses the library's own functions"


def _exercises() -> dict[str, str]:
    """Each exercise's id with the file of the library that holds its solution."""
    from groundup.course import shelf  # later: it reads every exercise

    known = slots.known_slots()
    return {one.id: str(known.get(one.slot, "")) for one in shelf.exercises()}


def _imports(node: ast.stmt, module: str) -> bool:
    """Whether an import brings a module, a part of it, or the folder that it stands in."""
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return any(f"{name}.".startswith(f"{module}.") or name == module.rpartition(".")[0] for name in names)


# ───────── what it shows ─────────


def _controls(notebook: Notebook) -> Iterator[str]:
    controls = {name: cell for cell in notebook.cells for name in _made_controls(cell)}
    if not controls:
        yield "line 1: no control; add one (mo.ui.slider, mo.ui.dropdown) that changes a picture"
    elif not any(_draws_picture(cell) for name in controls for cell in notebook.after(name)):
        yield f"line 1: no control changes a picture; use {next(iter(controls))}.value in a cell that draws"
    for name, cell in controls.items():
        if cell.makes != (name,) or not (isinstance(cell.shows, ast.Name) and cell.shows.id == name):
            yield _at(
                cell.node, f"the control {name} does not stand alone; make, show and return it in a cell of its own"
            )
        if not notebook.after(name):
            yield _at(cell.node, f"the control {name} does nothing; use {name}.value in another cell")
        for node in (one for other in notebook.cells if other is not cell for one in _bare(other, name)):
            yield _at(node, f"the control {name} is used as a whole; take {name}.value")


def _made_controls(cell: Cell) -> list[str]:
    return [
        node.targets[0].id
        for node in cell.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).startswith("mo.ui.")
    ]  # fmt: skip


def _bare(cell: Cell, name: str) -> Iterator[ast.Name]:
    """Uses of a control that are not its value."""
    if name in cell.takes:
        body = [node for statement in cell.body for node in ast.walk(statement)]
        valued = {id(node.value) for node in body if isinstance(node, ast.Attribute) and node.attr == "value"}
        yield from (node for node in body if isinstance(node, ast.Name) and node.id == name and id(node) not in valued)


def _draws_picture(cell: Cell) -> bool:
    return any(ast.unparse(call.func).startswith("plots.") for call in cell.calls())


def _pictures(notebook: Notebook) -> Iterator[str]:
    if not any(_draws_picture(cell) for cell in notebook.cells):
        yield "line 1: no picture; draw one with groundup.plots"
    for node in notebook.setup:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
        for name in names:
            if name and name.split(".")[0] in ("plotly", "matplotlib", "altair", "seaborn"):
                yield _at(node, f"{name} is imported; pictures come from groundup.plots")


def _each_cell(notebook: Notebook) -> Iterator[str]:
    for cell in notebook.cells:
        if all(isinstance(node, ast.Pass) for node in cell.body):
            yield _at(cell.node, "an empty cell; remove it")
        if length := max(0, (cell.node.end_lineno or 0) - cell.line + 1 - LONGEST_CELL):
            yield _at(cell.node, f"the cell is {length} lines too long to be read at once; make two of it")
        for name in sorted(cell.defines - set(cell.makes)):
            yield _at(cell.node, f"{name} is made and not returned; return it, or call it _{name}")
        if cell.prose is not None and not cell.hidden:
            yield _at(cell.node, "prose that shows its code; write @app.cell(hide_code=True)")
        for paragraph in re.split(r"\n\s*\n", cell.prose or ""):
            if item := NUMBERED.search(paragraph) if not NUMBERED.match(paragraph) else None:
                yield _at(cell.node, f"'{item[1]}.' begins a line and reads as a list; break the line elsewhere")
        if cell.hidden and cell.prose is None:
            yield _at(cell.node, "code that is hidden; write @app.cell")
        for node in ast.walk(cell.node):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield _at(node, "an import inside a cell; move it to the setup")
            if isinstance(node, ast.Attribute) and (fault := _unknown_to_the_book(node)):
                yield _at(node, fault)


def _unknown_to_the_book(node: ast.Attribute) -> str:
    name = ast.unparse(node)
    if name.startswith("mo.ui.") and node.attr not in CONTROLS:
        return f"{name} is no control that the book knows; use one of {', '.join(CONTROLS)}"
    if isinstance(node.value, ast.Name) and node.value.id == "mo" and node.attr not in ("md", "ui"):
        return f"{name} cannot be shown in the book; a lesson uses mo.md and mo.ui"
    return ""


# ───────── what it must leave alone ─────────


def _draws(notebook: Notebook) -> Iterator[str]:
    """Chance that does not belong to one cell."""
    makers = {name: cell for cell in notebook.cells for name in _sources(cell)}
    for cell in notebook.cells:
        for name in makers.keys() & set(cell.takes):
            yield _at(cell.node, f"{name} is used up by whoever draws from it; make it anew in the cell that draws")
        forked = {id(one) for node in ast.walk(cell.node) if _is_fork(node) for one in ast.walk(node)}
        for call in cell.calls():
            if id(call) not in forked and _is_global_draw(call):
                yield _at(
                    call,
                    f"{ast.unparse(call.func)} draws from a generator that all cells share; give it one of its own",
                )


def _is_fork(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any("fork_rng" in ast.unparse(item) for item in node.items)


def _sources(cell: Cell) -> list[str]:
    """The names of generators and iterators that a cell hands on."""
    return [
        target.id
        for node in cell.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).rpartition(".")[2] in SOURCES
        for target in node.targets
        if isinstance(target, ast.Name) and target.id in cell.makes
    ]  # fmt: skip


def _is_global_draw(call: ast.Call) -> bool:
    owner, _, name = ast.unparse(call.func).rpartition(".")
    if owner == "torch":
        return name in TORCH_DRAWS and not any(keyword.arg == "generator" for keyword in call.keywords)
    return (owner == "random" and name != "Random") or (owner in ("np.random", "numpy.random") and name not in SOURCES)


def _changes(notebook: Notebook) -> Iterator[str]:
    imported = {
        alias.asname or alias.name.split(".")[0] for node in notebook.setup for alias in getattr(node, "names", ())
    }
    for cell in notebook.cells:
        foreign = _with_other_names(cell, set(cell.takes))
        for node in (one for statement in cell.body for one in ast.walk(statement)):
            if (changed := _changed(node, foreign, imported)) is not None:
                yield _at(
                    node, f"{ast.unparse(changed)} is changed, and another cell made it; make a new object instead"
                )


def _with_other_names(cell: Cell, foreign: set[str]) -> set[str]:
    """The names that stand for another cell's object: its own, what was set to it, and the variables of loops over it."""
    for node in ast.walk(cell.node):
        if isinstance(node, ast.For | ast.comprehension) and any(
            isinstance(one, ast.Name) and one.id in foreign for one in ast.walk(node.iter)
        ):
            foreign |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call) and _root(node.value) in foreign:
            foreign |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    own = {arg.arg for node in ast.walk(cell.node) if isinstance(node, ast.Lambda | ast.FunctionDef) and node is not cell.node
           for arg in node.args.args}  # fmt: skip
    return foreign - own


def _root(node: ast.AST) -> str | None:
    """The name that an expression like `model.layers[0].weight` begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _changed(node: ast.AST, foreign: set[str], imported: set[str]) -> ast.AST | None:
    """What a statement or call changes of others' objects."""
    if isinstance(node, ast.Call):
        return _changed_by_call(node, foreign)
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign | ast.Delete):
        targets = [one for target in node.targets for one in getattr(target, "elts", [target])]
    elif isinstance(node, ast.AugAssign):
        if isinstance(node.target, ast.Name) and node.target.id in foreign:
            return node.target
        targets = [node.target]
    inner = [one for one in targets if isinstance(one, ast.Attribute | ast.Subscript)]
    return next((one for one in inner if _root(one) in foreign | imported), None)


def _changed_by_call(node: ast.Call, foreign: set[str]) -> ast.AST | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    in_place = name.endswith("_") and not name.endswith("__")
    if isinstance(node.func, ast.Attribute) and _root(node.func.value) in foreign:
        if name in CHANGES or in_place or name.startswith(CHANGING_STARTS):
            return node.func.value
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    if in_place or name in ("setattr", "delattr", "next", "shuffle"):
        return next((one for one in given if _root(one) in foreign), None)
    return None
