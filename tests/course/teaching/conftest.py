"""The guide's own example as a pack, and a class of students as folders and archives."""

import re
import zipfile
from pathlib import Path

import pytest

from groundup.course import teaching

GUIDE = Path(teaching.__file__).parent / "GUIDE.md"


def guide_blocks(language: str) -> list[str]:
    """The guide's examples in one language, in order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def pack_folder(tmp_path):
    """The pack of the guide, as an author would type it."""
    folder = tmp_path / "warming-up"
    folder.mkdir()
    solution, exercise = guide_blocks("python")
    (folder / "pack.toml").write_text(guide_blocks("toml")[0])
    (folder / "sum_of_squares.txt").write_text(solution)
    (folder / "sum_of_squares.py").write_text(exercise)
    return folder


@pytest.fixture
def hand_in(tmp_path):
    """hand_in("anna", {"top_p.py": text}): a student's folder, or a .zip where the name says so; the class's folder."""
    folder = tmp_path / "handed-in"

    def hand(name, files):
        folder.mkdir(exist_ok=True)
        if name.endswith(".zip"):
            with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
                for path, text in files.items():
                    archive.writestr(path, text)
            return folder
        (folder / name).mkdir(exist_ok=True)
        for path, text in files.items():
            file = folder / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder

    return hand
