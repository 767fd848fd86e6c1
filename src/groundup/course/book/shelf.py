"""The lessons there are, in the order of the syllabus, found by topic, path, folder, function or a name that is nearly so."""

import ast
import difflib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from groundup.course.book import cells
from groundup.course.topics import HOUSE, Topic, syllabus
from groundup.errors import InputError

SHELF = HOUSE / "lessons"


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson. place: its path inside the lessons, which is that of its source inside the house."""

    place: Path

    @property
    def path(self) -> Path:
        """The notebook."""
        return SHELF / self.place

    @property
    def id(self) -> str:
        """Its path with dots: room.module.name."""
        return ".".join(self.place.with_suffix("").parts)

    @property
    def room(self) -> str:
        """The room it belongs to."""
        return self.place.parts[0]

    @property
    def title(self) -> str:
        """What it calls itself."""
        return cells.read(self.path.read_text(encoding="utf-8"), str(self.path)).title or self.id

    def topics(self) -> list[Topic]:
        """The topics of the syllabus that it teaches."""
        return [one for one in syllabus() if one.id == self.id or one.source() == self.place]

    def functions(self) -> set[str]:
        """The functions and classes that its source defines."""
        source = HOUSE / self.place
        if not source.is_file():
            return set()
        kinds = ast.FunctionDef | ast.ClassDef
        return {node.name for node in ast.parse(source.read_text(encoding="utf-8")).body if isinstance(node, kinds)}


@cache
def lessons() -> tuple[Lesson, ...]:
    """Every lesson, in the order of the syllabus; those of one folder in that of its table of contents."""
    found = [Lesson(file.relative_to(SHELF)) for file in SHELF.rglob("*.py") if file.name != "__init__.py"]
    rooms = list(dict.fromkeys(topic.room for topic in syllabus()))
    modules = list(dict.fromkeys(f"{topic.room}.{topic.module}" for topic in syllabus()))
    topics = [topic.id for topic in syllabus()]

    def order(lesson: Lesson) -> tuple[int, int, int, int, str]:
        module = ".".join(lesson.id.split(".")[:2])
        own = [topic.id for topic in lesson.topics()]
        named = [place for place, id in enumerate(topics) if id in own or lesson.id.startswith(f"{id}.")]
        beside = _place(_contents(lesson.place.parent), lesson.place.stem)
        return _place(rooms, lesson.room), _place(modules, module), min(named, default=len(topics)), beside, lesson.id

    return tuple(sorted(found, key=order))


@cache
def _contents(folder: Path) -> list[str]:
    """What the docstring of a package of sources names, a file at the beginning of each line."""
    package = HOUSE / folder / "__init__.py"
    said = (ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or "") if package.is_file() else ""
    return [line.split()[0].strip("`") for line in said.splitlines() if line.strip()]


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else len(names)


def find(word: str) -> Lesson:
    """The one lesson that a word stands for, as in `named`; else InputError with the nearest, or with the several."""
    found = named(word)
    if len(found) > 1:
        raise InputError(f"several lessons teach {word!r}; choose one of {', '.join(one.id for one in found)}")
    return found[0]


def named(word: str) -> list[Lesson]:
    """The lessons that a topic's id, a path, a lesson's own name, a folder or a function stands for, in reading order.

    Most words name one; a folder (a room, a module, a topic of several lessons) names all that lie in it.
    """
    wanted = _dotted(word)
    tests = (
        lambda lesson: wanted == lesson.id,
        lambda lesson: wanted in [topic.id for topic in lesson.topics()],
        lambda lesson: f".{lesson.id}".endswith(f".{wanted}"),
        lambda lesson: wanted and f".{wanted}." in f".{lesson.id}",
        lambda lesson: wanted.rpartition(".")[2] in lesson.functions(),
    )
    for test in tests:
        if found := [lesson for lesson in lessons() if test(lesson)]:
            return found
    raise InputError(f"there is no lesson {word!r}; {_nearest(wanted)}")


def _dotted(word: str) -> str:
    """A path or a name in the form of an id.

    >>> _dotted("src/groundup/lessons/model/attention/masks.py"), _dotted("Top-P")
    ('model.attention.masks', 'top_p')
    """
    plain = word.strip().replace("\\", "/").removesuffix(".py").split("groundup/")[-1]
    return plain.removeprefix("lessons/").strip("/").replace("/", ".").replace("-", "_").lower()


def _nearest(word: str) -> str:
    """The way out: lessons whose name holds the word or is like it, or the first few."""
    names = {name: one.id for one in lessons() for name in (one.id, one.place.stem, *one.functions())}
    holds = [id for name, id in names.items() if word and word in name.lower()]
    near = [names[name] for name in difflib.get_close_matches(word, names, n=3, cutoff=0.5)]
    chosen = list(dict.fromkeys(holds + near))[:3]
    return f"did you mean {' or '.join(chosen)}?" if chosen else "`groundup learn lesson` lists them"
