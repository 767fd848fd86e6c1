"""A set as a folder for students: one stub an exercise, a README with the tasks and how to hand in, and the manifest."""

import textwrap
from pathlib import Path

from groundup import files
from groundup.course.exercise import Exercise, stub
from groundup.course.teaching.points import RULE, rungs_of
from groundup.course.teaching.sets import MANIFEST, ExerciseSet
from groundup.errors import InputError


def release(chosen: ExerciseSet, folder: Path) -> None:
    """Write the set into a folder that is new or empty: what stands there is never overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not empty; choose a new folder with --out")
    with files.atomic_folder(folder) as new:
        for task in chosen.tasks:
            files.write_text(new / task.file, stub(task.exercise))
        files.write_text(new / MANIFEST, chosen.to_toml())
        files.write_text(new / "README.md", readme(chosen))


def readme(chosen: ExerciseSet) -> str:
    """The tasks as Markdown."""
    count = len(chosen.tasks)
    pack = f" --pack FOLDER` (FOLDER: the pack {chosen.pack})" if chosen.pack else "`"
    head = f"""# {chosen.name}

{count} exercise{"" if count == 1 else "s"}, {_points(chosen.points)}. {RULE}

Write your code into the files beside this one; keep their names and the functions' names. In this folder,
`groundup learn check {chosen.tasks[0].exercise.name} --folder .{pack} says at once what is wrong, and
`groundup learn hint {chosen.tasks[0].exercise.name} --folder .{pack} helps on. Hand in this folder, or a .zip of it.
"""
    return head + "".join(_part(task.exercise, task.file, task.weight) for task in chosen.tasks)


def _part(exercise: Exercise, file: str, weight: float) -> str:
    task = textwrap.dedent(exercise.task).strip()
    facts = f"`{file}` · `{exercise.name}` · difficulty {exercise.difficulty} of 5 · about {exercise.minutes} minutes"
    return f"\n## {exercise.title}\n\n{facts} · {_points(weight)} · rungs: {', '.join(rungs_of(exercise))}\n\n{task}\n"


def _points(number: float) -> str:
    return f"{number:g} point{'' if number == 1 else 's'}"
