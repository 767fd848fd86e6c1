"""The house holds: imports run downhill, the syllabus and the folders are one tree, what is named is there.

Everything is read from the source text, so a room that is broken cannot hide from it.
"""

import ast
import doctest
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import groundup
from groundup import slots
from groundup.course.topics import path_ids, paths, resolve, syllabus

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "groundup"
ROOMS = (
    "plots foundations text data machine model inference evaluation training classical interpret compression tuning alignment multimodal "
    "safety applications serving runs recipes lessons course workbench cli"
).split()  # a room imports only rooms that stand before it
WITHOUT_TOPICS = {"plots", "runs", "recipes", "lessons", "cli"}  # rooms that serve the others
PLUMBING = {  # what stands in a room without being a topic, and why
    "text": {"compiled": "how Numba kernels are cached", "folder": "a trained thing on disk"},
    "data": {
        "documents": "the record that flows",
        "build": "documents of a run",
        "config": "settings",
        "folder": "a built folder",
        "splits": "held out",
    },
    "model": {
        "transformer": "the parts composed",
        "parts": "a configuration's parts",
        "summary": "what a model holds",
        "encoder": "a stack that sees both ways composed",
        "encoder_decoder": "two stacks composed",
    },
    "inference": {
        "handle": "what gu.load returns",
        "loading": "device and tokenizer of a folder",
        "readers": "who reads a folder that is no model's own",
        "streaming": "text as it is made",
    },
    "evaluation": {
        "baselines": "who a model is compared with",
        "chain": "a chain of stages",
        "config": "settings",
        "held_out": "held-out text",
    },
    "training": {"config": "settings"},
    "compression": {"calibration": "what goes into each matrix", "compress": "a folder in, a smaller one out", "config": "settings"},
    "tuning": {"config": "settings"},
    "alignment": {
        "config": "settings", "methods": "names of the methods", "answers": "what is sampled and scored",
        "rounds": "asking, judging and learning, for every method", "practice": "rounds carried out",
    },
    "serving": {"encoders": "vectors and scores of texts, for the API's embeddings and ranking"},
}
NOT_YET_BUILT = set(
    """
inference.distributed evaluation.people evaluation.robustness training.parallel
interpret.observe interpret.attribute interpret.intervene interpret.features
multimodal.vision multimodal.audio multimodal.evaluation safety.bias safety.security
safety.society applications.prompting applications.retrieval applications.agents
serving.operations course.pipeline workbench.watch workbench.chat
workbench.inside workbench.text workbench.learn
""".split()
)  # modules of the syllabus without code; this list only shrinks
LONGEST_FUNCTION = 45  # lines

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))


def sources() -> list[Path]:
    return sorted(file for file in HOUSE.rglob("*.py") if "__pycache__" not in file.parts)


def place(file: Path, node: ast.AST | None = None) -> str:
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def room_of(file: Path) -> str:
    return file.relative_to(HOUSE).parts[0].removesuffix(".py")


def leaves() -> set[str]:
    return {file.stem for file in HOUSE.glob("*.py")} - {"__init__"}


def imported(file: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (
                (f"{node.module}.{alias.name}" if node.module == "groundup" else node.module or "", node)
                for alias in node.names
            )


def public(file: Path) -> Iterator[Function | ast.ClassDef]:
    """The public functions, classes and methods of a file."""
    todo: list[ast.stmt] = list(tree(file).body)
    for node in todo:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                todo += [method for method in node.body if isinstance(method, Function)]


# ───────── imports ─────────


def test_every_import_is_absolute():
    assert not [
        place(file, node)
        for file in sources()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def test_a_room_imports_only_rooms_above_it():
    uphill = []
    for file in sources():
        room = room_of(file)
        for name, node in imported(file):
            other = [*name.split("."), ""][1] if name.startswith("groundup.") else ""
            if room in ROOMS and other in ROOMS and ROOMS.index(other) > ROOMS.index(room):
                uphill.append(f"{place(file, node)}: {room} imports {other}")
    assert not uphill


def test_leaves_import_no_room():
    wrong = [
        f"{place(file, node)}: {name}"
        for file in HOUSE.glob("*.py")
        if file.stem != "__init__"
        for name, node in imported(file)
        if name.startswith("groundup.") and name.split(".")[1] not in leaves()
    ]
    assert not wrong


def test_foundations_import_no_torch():
    assert not [
        place(file, node)
        for file in sources()
        if room_of(file) == "foundations"
        for name, node in imported(file)
        if name.split(".")[0] == "torch"
    ]


def test_no_pickle_is_read():
    assert not [
        place(file, node)
        for file in sources()
        for name, node in imported(file)
        if name.split(".")[0] in ("pickle", "dill", "cloudpickle", "joblib")
    ]


def test_every_folder_of_the_house_is_a_room():
    folders = {folder.name for folder in HOUSE.iterdir() if folder.is_dir() and folder.name != "__pycache__"}
    assert folders <= set(ROOMS)


@pytest.mark.parametrize(
    "program",
    [
        "import groundup",
        "import groundup; dir(groundup)",
        "from groundup.cli import main; main(['--help'])",
        "import groundup.plots",
        "import groundup.course",
        "import groundup.slots, groundup.files, groundup.sandbox",
    ],
)
def test_light_imports_load_neither_torch_nor_numba(program):
    check = f"{program}\nimport sys\nassert not {{'torch', 'numba', 'transformers'}} & set(sys.modules), 'heavy'"
    done = subprocess.run(
        [sys.executable, "-c", check],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HOUSE.parent)},
    )
    assert done.returncode == 0, done.stderr


def test_what_groundup_exports_is_there():
    for name, module in groundup._EXPORTS.items():
        file = HOUSE.parent / f"{module.replace('.', '/')}.py"
        file = file if file.exists() else file.with_suffix("") / "__init__.py"
        assert re.search(rf"\b{name}\b", file.read_text()), f"{module} has no {name}"


def test_the_exports_are_listed_once():
    assert sorted(groundup.__all__) == sorted(["__version__", *groundup._EXPORTS])


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(AttributeError, match="groundup has no 'laod'; it exports load, "):
        groundup.laod  # noqa: B018


# ───────── the syllabus, the paths and the folders ─────────


def built(room: str) -> set[str]:
    """The modules of a room that have code."""
    folder = HOUSE / room
    if not folder.is_dir():
        return set()
    return {
        entry.stem
        for entry in folder.iterdir()
        if entry.suffix == ".py" or (entry.is_dir() and any(entry.rglob("*.py")))
    } - {"__init__"}


def modules() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for topic in syllabus():
        found.setdefault(topic.room, set()).add(topic.module)
    return found


def test_every_room_of_the_syllabus_is_a_room_of_the_house():
    assert set(modules()) == set(ROOMS) - WITHOUT_TOPICS


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in WITHOUT_TOPICS | {"course", "workbench"}])
def test_every_module_of_a_room_is_in_the_syllabus_or_declared(room):
    assert built(room) - modules()[room] - set(PLUMBING.get(room, {})) == set()


def test_declared_plumbing_exists():
    assert not [f"{room}.{name}" for room, names in PLUMBING.items() for name in names if name not in built(room)]


def test_what_is_not_yet_built_is_said_and_only_that():
    missing = {f"{room}.{name}" for room, names in modules().items() for name in names if name not in built(room)}
    assert missing - NOT_YET_BUILT == set(), "removed from the house, and still in the syllabus"
    assert NOT_YET_BUILT - missing == set(), "built by now: take it off the list"


def test_every_id_of_the_paths_is_in_the_syllabus():
    for path in paths():
        for id in path_ids(path):
            assert resolve(id)


def test_every_topic_stands_in_a_path():
    reached = {topic.id for path in paths() for id in path_ids(path) for topic in resolve(id)}
    assert not [
        topic.id for topic in syllabus() if topic.id not in reached and topic.room not in ("course", "workbench")
    ]


def test_milestones_have_ids_of_their_own_and_a_known_check():
    milestones = [chapter["milestone"] for chapter in paths()["chapters"]["chapter"]] + paths()["roadmap"]["steps"]
    ids = [milestone["id"] for milestone in milestones]
    assert len(ids) == len(set(ids)) and {milestone["check"] for milestone in milestones} <= {
        "function",
        "run",
        "equal",
        "report",
    }


def test_a_test_stands_where_its_source_stands():
    folders = {test.parent.relative_to(ROOT / "tests") for test in (ROOT / "tests").rglob("test_*.py")}
    assert not [
        str(folder)
        for folder in folders
        if not (HOUSE / folder).exists() and not (HOUSE / folder).with_suffix(".py").exists()
    ]


# ───────── the source itself ─────────


def test_every_file_says_what_it_is():
    assert not [place(file) for file in sources() if not ast.get_docstring(tree(file)) and tree(file).body]


def test_every_public_name_is_documented():
    bare = [
        f"{place(file, node)} {node.name}"
        for file in sources()
        if room_of(file) not in ("lessons",)
        for node in public(file)
        if not ast.get_docstring(node)
    ]
    assert not bare


def test_no_function_is_longer_than_a_screen():
    functions = [(file, node) for file in sources() for node in ast.walk(tree(file)) if isinstance(node, Function)]
    long = [
        f"{place(file, node)} {node.name}: {length} lines"
        for file, node in functions
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long


def test_every_slot_that_is_asked_for_exists():
    known = slots.known_slots()
    asked = [
        (file, node)
        for file in sources()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("filled", "slots.filled")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    assert not [f"{place(file, node)}: {node.args[0].value}" for file, node in asked if node.args[0].value not in known]


def test_no_file_names_the_place_where_it_was_written():
    pattern = re.compile(r"(?<![\w.])/(?:work|home|Users)/\w+")
    texts = [
        file
        for folder in ("src", "tests", "benchmarks")
        for file in (ROOT / folder).rglob("*")
        if file.suffix in (".py", ".toml", ".md")
    ]
    texts += [*ROOT.glob("*.md"), ROOT / "pyproject.toml"]
    assert not [
        f"{place(file)}: {found[0]}" for file in texts if (found := pattern.search(file.read_text(encoding="utf-8")))
    ]


EXAMPLES = [file for file in sources() if ">>> " in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.relative_to(HOUSE)))
def test_the_examples_in_docstrings_are_true(file):
    module = importlib.import_module(
        ".".join(["groundup", *file.relative_to(HOUSE).with_suffix("").parts]).removesuffix(".__init__")
    )
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    examples = [found for found in finder.find(module) if found.examples]
    for example in examples:
        runner.run(example)
    assert runner.summarize(verbose=False).failed == 0


# ───────── references ─────────


def texts() -> Iterator[tuple[Path, str]]:
    """Every document, and every docstring of the source."""
    for file in ROOT.glob("*.md"):
        if file.name != "CHANGELOG.md":
            yield file, file.read_text(encoding="utf-8")
    for file in sources():
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Module | Function | ast.ClassDef) and (text := ast.get_docstring(node)):
                yield file, text


WRITTEN_BY_RUNS = {  # files that groundup or its user writes, named in prose
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "README.md",
    "results.json",
    "metrics.jsonl",
    "report.html",
    "chosen.json",
    "stage.toml",
    "recipe.toml",
    "done.json",
    "index.json",
    "checksums.json",
    "model.safetensors",
    "sittings.jsonl",
    "conversation.jsonl",
}


@cache
def all_paths() -> frozenset[str]:
    folders = [ROOT / name for name in ("src", "tests", "benchmarks", ".ci") if (ROOT / name).is_dir()]
    paths = [path for folder in folders for path in folder.rglob("*")] + list(ROOT.iterdir())
    return frozenset(str(path.relative_to(ROOT)) for path in paths)


def is_there(reference: str) -> bool:
    name = reference.rstrip("/")
    return name in WRITTEN_BY_RUNS or any(path == name or path.endswith(f"/{name}") for path in all_paths())


def test_files_that_are_named_exist():
    pattern = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|md))`")
    gone = [
        f"{file.relative_to(ROOT)}: {name}"
        for file, text in texts()
        for name in pattern.findall(text)
        if not is_there(name) and not any(mark in name for mark in ("my/", "test_*"))
    ]
    assert not gone


def test_modules_that_are_named_exist():
    gone = []
    for file, text in texts():
        for name in re.findall(r"`(groundup(?:\.[a-z_]\w*)+)", text):
            if name in ("groundup.json", "groundup.toml"):
                continue
            parts = name.split(".")[1:]
            if parts[0] not in leaves() | set(ROOMS) | set(groundup._EXPORTS):
                gone.append(f"{file.relative_to(ROOT)}: {name}")
            elif len(parts) > 1 and not any(
                (HOUSE / Path(*parts[:n])).with_suffix(".py").exists() or (HOUSE / Path(*parts[:n])).is_dir()
                for n in (len(parts), len(parts) - 1)
            ):
                gone.append(f"{file.relative_to(ROOT)}: {name}")
    assert not gone


def test_commands_that_are_named_exist():
    from groundup.cli import VERBS

    gone = [
        f"{file.relative_to(ROOT)}: groundup {verb}"
        for file, text in texts()
        for verb in re.findall(r"[`/]groundup ([a-z]+)", text)
        if verb not in {*VERBS, "verb"}
    ]
    assert not gone


# ───────── what is shipped ─────────


def shipped_data() -> set[str]:
    return {str(file.relative_to(HOUSE.parent)) for file in HOUSE.rglob("*") if file.suffix in (".toml", ".typed")}


def test_the_wheel_holds_code_recipes_syllabus_and_paths(tmp_path):
    builder = pytest.importorskip("hatchling.builders.wheel").WheelBuilder(str(ROOT))
    held = {file.distribution_path for file in builder.recurse_included_files()}
    assert {
        "groundup/recipes/demo.toml",
        "groundup/course/syllabus.toml",
        "groundup/course/paths.toml",
        "groundup/py.typed",
    } <= held
    assert shipped_data() <= held
    assert {str(file.relative_to(HOUSE.parent)) for file in sources()} <= held
    assert not [name for name in held if "__pycache__" in name]


def test_nothing_of_the_source_is_ignored_by_git():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("no git checkout")
    names = "\n".join(str(file.relative_to(ROOT)) for file in [*sources(), *HOUSE.rglob("*.toml")])
    done = subprocess.run(["git", "check-ignore", "--stdin"], input=names, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == ""


def test_extras_are_resolved_by_one_command_with_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {
        "test",
        "dev",
        "serve",
        "data",
        "hub",
        "sentencepiece",
        "learn",
        "evaluate",
        "cluster",
        "track",
        "oracles",
        "kernels",
        "xla",
        "export",
        "peers",
    } == set(project["optional-dependencies"])
    assert any(re.fullmatch(r"torch>=\d+\.\d+,<\d+\.\d+", line) for line in project["dependencies"]), (
        "without an upper bound pip takes a CUDA build"
    )


def test_every_extra_that_a_message_names_exists():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    calls = [
        (file, node)
        for file in sources()
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] in ("missing_extra", "pip_line")
        and isinstance(node.args[-1], ast.Constant)
    ]
    assert not [
        f"{place(file, node)}: {node.args[-1].value}" for file, node in calls if node.args[-1].value not in extras
    ]
