"""Exercise: a folder that is whole or not there."""

import hashlib
import json
import tempfile
from pathlib import Path

from groundup.course.exercise import Exercise, Failed, Mutant, check


def writer(name, text="text", also=None):
    """A part that writes one file, and looks at what is there meanwhile."""

    def part(folder):
        target = Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if also is not None:
            also(Path(folder))

    return part


def failing(folder):
    """A part that is stopped in the middle, as by a full disk."""
    (Path(folder) / "half").write_text("half")
    raise OSError(28, "No space left on device")


def visible(folder):
    """The names in a folder, without those that begin with a dot."""
    return sorted(path.name for path in Path(folder).iterdir() if not path.name.startswith("."))


def expect(condition, sentence, expected="", got=""):
    """Fail unless the condition holds."""
    if not condition:
        raise Failed(sentence, input="a new folder on the disk", expected=str(expected), got=str(got))


@check("shape")
def every_part_is_in_the_folder(mine):
    """Does not leave a folder of that name with what each part wrote."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "deep" / "step-000001"
        mine(target, [writer("a", "one"), writer("b/c", "two")])
        expect(
            target.is_dir(),
            "Leaves no folder of that name, whose parent may have to be made too.",
            target,
            visible(place),
        )
        read = {name: (target / name).read_text() for name in ("a", "b/c") if (target / name).is_file()}
        expect(read == {"a": "one", "b/c": "two"}, "Leaves out what a part wrote.", ["a", "b/c"], sorted(read))
        there = (target / "checksums.json").is_file()
        expect(there, "Writes no checksums.json into the folder.", "checksums.json", visible(target))
        hidden = [path.name for path in target.parent.iterdir() if path != target]
        expect(
            not hidden,
            "Leaves the temporary folder beside the finished one: it takes the name, so nothing is left.",
            [],
            hidden,
        )


@check("invariant")
def nothing_has_the_name_before_it_is_whole(mine):
    """Lets the folder be seen under its name while parts are still being written: write to another name beside it, then rename."""
    with tempfile.TemporaryDirectory() as place:
        target, seen = Path(place) / "step-000001", []
        look = writer("a", also=lambda folder: seen.append((target.exists(), folder.parent)))
        mine(target, [look, look])
        seen = seen[:2]  # of the first call: asked again, the folder is there
        expect(
            not any(there for there, _ in seen),
            "",
            "no step-000001 while a part writes",
            "it is there, with half of its files",
        )
        beside = [parent.resolve() == target.parent.resolve() for _, parent in seen]
        expect(
            all(beside),
            "Writes it somewhere else first: a rename is one step only within one disk, so write beside the target.",
        )


@check("invariant")
def the_checksums_are_there_before_the_name(mine):
    """Writes the checksums after the rename: a kill between the two leaves a folder that looks whole and is never trusted."""
    import os

    with tempfile.TemporaryDirectory() as place:
        target, done = Path(place) / "step-000001", []
        kept = {name: getattr(os, name) for name in ("replace", "rename")}

        def watched(name):
            def move(one, other, *rest, **named):
                if Path(other) == target:
                    done.append((Path(one) / "checksums.json").is_file())
                return kept[name](one, other, *rest, **named)

            return move

        try:
            for name in kept:
                setattr(os, name, watched(name))
            mine(target, [writer("a")])
        finally:
            for name, function in kept.items():
                setattr(os, name, function)
        expect(all(done), "", "checksums.json in the folder that is renamed", "none yet")


@check("invariant")
def a_failure_leaves_nothing(mine):
    """Leaves half a folder, or hides the error, where a part fails: remove what was begun and let the error through."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "step-000001"
        try:
            mine(target, [writer("a"), failing])
        except Exception:
            pass
        else:
            expect(False, "Hides the error of a part: whoever called believes that it is saved.", "an error", "none")
        left = sorted(path.name for path in Path(place).iterdir())
        expect(target.name not in left, "Leaves half a folder under its name where a part fails.", [], left)
        expect(
            not left,
            "Leaves the temporary folder where a part fails: on a full disk it takes the space that is missing.",
            [],
            left,
        )


@check("invariant")
def an_older_one_stays_until_the_new_one_is_whole(mine):
    """Removes the old folder of that name before the new one is whole: a part that fails then leaves neither."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "step-000001"
        mine(target, [writer("a", "old")])
        try:
            mine(target, [writer("a", "new"), failing])
        except Exception:
            pass
        there = (target / "a").read_text() if (target / "a").is_file() else "nothing"
        expect(there == "old", "", "the old one", there)
        mine(target, [writer("b", "new")])
        expect(
            visible(target) == ["b", "checksums.json"],
            "Does not put the new folder in the place of an old one of that name: nothing of the old stays.",
            ["b", "checksums.json"],
            visible(target),
        )


@check("values")
def the_checksums_are_those_of_the_files(mine):
    """checksums.json does not hold the sha256 of every file by its path in the folder."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "step-000001"
        mine(target, [writer("a", "one"), writer("b/c", "two")])
        path = target / "checksums.json"
        listed = json.loads(path.read_text())
        right = {name: hashlib.sha256(text).hexdigest() for name, text in (("a", b"one"), ("b/c", b"two"))}
        expect(
            set(right) <= set(listed),
            "Leaves a file out of checksums.json, such as one in a folder inside.",
            right,
            listed,
        )
        expect(
            "checksums.json" not in listed,
            "Lists checksums.json in itself: its own sum cannot stand in it.",
            right,
            listed,
        )
        expect(listed == right, "", right, listed)


@check("values")
def it_is_on_the_disk_before_it_has_its_name(mine):
    """Renames what is not on the disk yet: a power cut then leaves the name with empty files; os.fsync each file first."""
    import os

    with tempfile.TemporaryDirectory() as place:
        target, flushed, written = Path(place) / "step-000001", [], []
        sync = os.fsync

        def noted(handle):
            if not target.exists():
                flushed.append(os.fstat(handle).st_ino)
            return sync(handle)

        os.fsync = noted
        try:
            mine(target, [writer("a", also=lambda folder: written.append((folder / "a").stat().st_ino))])
        finally:
            os.fsync = sync
        expect(written[0] in flushed, "", "os.fsync of every file, before the rename", f"{len(flushed)} flushed")


BODY = """    with files.atomic_folder(target) as temporary:
        for part in parts:
            part(temporary)
        files.write_checksums(temporary)
"""
HEAD = "    import hashlib, json, os, shutil\n    from pathlib import Path\n    target = Path(target)\n"
SUMS = """    sums = {path.relative_to(work).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(work.rglob("*")) if path.is_file()}
    (work / "checksums.json").write_text(json.dumps(sums))
"""
FLUSH = """    for path in work.rglob("*"):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
"""
BEGIN = """    work = target.with_name(".work-" + target.name)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        for part in parts:
            part(work)
    except BaseException:
        shutil.rmtree(work)
        raise
"""
MOVE = "    shutil.rmtree(target, ignore_errors=True)\n    os.replace(work, target)\n"


def by_hand(*pieces):
    """A version without the library's helper, in one of whose pieces something is wrong."""
    return ((BODY, HEAD + "".join(pieces)),)


EXERCISE = Exercise(
    slot="training.checkpoint.write_whole",
    title="Whole or not at all",
    task="""
    A run may be killed at any moment, also while it saves. Write the folder `target` such that under its name there is all of it or nothing:

    call each function of `parts` with the path of a new folder beside `target`, into which it writes its files

    add `checksums.json`: {path of a file in the folder: its sha256 as hexadecimal digits}, of every file but itself

    flush every file to the disk (os.fsync), then rename the folder to `target`, in place of an older one

    Where a part fails, remove what was begun, leave an older `target` as it was, and let the error through. `groundup.files` has what the
    library uses for this; it can be written with os, hashlib and json as well.
    """,
    difficulty=2,
    minutes=30,
    timeout_s=60,
    prerequisites=("training.checkpoint.checkpointing",),
    hints=(
        "The new folder stands beside the target, under a name that nobody takes for a checkpoint, such as one that begins with a dot.",
        "try: the parts, the checksums, the flush; except BaseException: remove the folder and raise; only then os.replace.",
        "files.atomic_folder(target) gives the folder, flushes and renames; files.write_checksums(folder) writes the list.",
    ),
    run="groundup --mine my run demo-fast --set train.checkpoint_every=20",
    changes=(),
    checks=(
        every_part_is_in_the_folder,
        nothing_has_the_name_before_it_is_whole,
        the_checksums_are_there_before_the_name,
        a_failure_leaves_nothing,
        an_older_one_stays_until_the_new_one_is_whole,
        the_checksums_are_those_of_the_files,
        it_is_on_the_disk_before_it_has_its_name,
    ),
    mutants=(
        Mutant(
            "in place",
            "while parts are still being written",
            edits=(
                (
                    BODY,
                    "    target.mkdir(parents=True, exist_ok=True)\n    for part in parts:\n        part(target)\n    files.write_checksums(target)\n",
                ),
            ),
        ),
        Mutant(
            "another disk",
            "Writes it somewhere else first",
            edits=by_hand(
                BEGIN.replace(
                    'target.with_name(".work-" + target.name)', 'Path(__import__("tempfile").mkdtemp()) / "w"'
                ),
                SUMS,
                FLUSH,
                "    target.parent.mkdir(parents=True, exist_ok=True)\n    shutil.rmtree(target, ignore_errors=True)\n    shutil.move(work, target)\n",
            ),
        ),
        Mutant(
            "sums after the name",
            "Writes the checksums after the rename",
            edits=by_hand(BEGIN, FLUSH, MOVE, SUMS.replace("work", "target")),
        ),
        Mutant(
            "the first part alone",
            "Leaves out what a part wrote",
            edits=(("for part in parts:", "for part in parts[:1]:"),),
        ),
        Mutant(
            "half stays",
            "Leaves the temporary folder where a part fails",
            edits=by_hand(
                BEGIN.replace("        shutil.rmtree(work)\n        raise", "        raise"), SUMS, FLUSH, MOVE
            ),
        ),
        Mutant(
            "the error is hidden",
            "Hides the error",
            edits=by_hand(BEGIN.replace("        raise\n", "        return\n"), SUMS, FLUSH, MOVE),
        ),
        Mutant(
            "the old one goes first",
            "Removes the old folder",
            edits=by_hand("    shutil.rmtree(target, ignore_errors=True)\n", BEGIN, SUMS, FLUSH, MOVE),
        ),
        Mutant("no checksums", "Writes no checksums.json", edits=(("        files.write_checksums(temporary)\n", ""),)),
        Mutant(
            "only the top",
            "Leaves a file out",
            edits=by_hand(BEGIN, SUMS.replace('rglob("*")', 'glob("*")'), FLUSH, MOVE),
        ),
        Mutant("not flushed", "Renames what is not on the disk yet", edits=by_hand(BEGIN, SUMS, MOVE)),
        Mutant(
            "md5",
            "does not hold the sha256",
            edits=by_hand(BEGIN, SUMS.replace("sha256", "md5"), FLUSH, MOVE),
        ),
    ),
)
