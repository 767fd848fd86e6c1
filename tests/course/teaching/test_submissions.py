"""What is handed in is taken without trust: links, ways out, bombs and broken archives are refused with a sentence."""

import os
import stat
import zipfile

import pytest

from groundup.course.teaching import submissions
from groundup.course.teaching.submissions import Refused, collect, file_name, plain
from groundup.errors import InputError


def only(folder):
    [found], _ = collect(folder)
    return found


def test_folders_and_archives_are_students_and_the_rest_is_named(hand_in):
    hand_in("bo", {"top_p.py": "1", "notes.txt": "x", ".git/a.py": "x", "__pycache__/b.py": "x"})
    folder = hand_in("anna.zip", {"homework/top_p.py": "2", "__MACOSX/._top_p.py": "x", "model.bin": "x"})
    (folder / "late.rar").write_text("x")
    (folder / ".DS_Store").write_text("x")
    found, others = collect(folder)
    assert [(one.student, one.files) for one in found] == [
        ("anna", {"homework/top_p.py": b"2"}),
        ("bo", {"top_p.py": b"1"}),
    ]
    assert others == ["late.rar"] and found[0].find("top_p.py") == "homework/top_p.py"


def test_the_outermost_file_of_a_name_is_taken_and_two_as_far_out_are_not(hand_in):
    one = only(hand_in("a", {"x/y/f.py": "", "z/f.py": ""}))
    assert one.find("f.py") == "z/f.py"
    hand_in("a", {"w/f.py": ""})
    with pytest.raises(Refused, match="two files f.py"):
        only(hand_in("a", {})).find("f.py")
    with pytest.raises(Refused, match="no file g.py"):
        one.find("g.py")


def test_a_link_is_not_followed_wherever_it_stands(hand_in, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "f.py").write_text("SECRET = 1")
    folder = hand_in("a", {"g.py": "x"})
    (folder / "a" / "f.py").symlink_to(secret / "f.py")
    (folder / "a" / "more").symlink_to(secret)
    (folder / "b").symlink_to(secret)
    os.mkfifo(folder / "a" / "pipe.py")  # a read of it would wait for ever
    found, _ = collect(folder)
    assert found[0].files == {"g.py": b"x"} and "is a link" in found[1].refusal and not found[1].files
    with pytest.raises(Refused, match="f.py is a link, which is not followed"):
        found[0].find("f.py")


@pytest.mark.parametrize("name", ["../out.py", "/etc/out.py", "a/../../out.py", "C:/out.py", "..\\out.py", "\\out.py"])
def test_an_archive_that_leads_out_is_refused(hand_in, name):
    one = only(hand_in("a.zip", {name: "x", "top_p.py": "x"}))
    assert "leads out of it" in one.refusal and not one.files


def test_a_link_in_an_archive_is_refused(hand_in):
    folder = hand_in("a.zip", {})
    entry = zipfile.ZipInfo("top_p.py")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "a link" in only(folder).refusal


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"model.bin": b"\0" * (submissions.UNPACKED_BYTES + 1)}, "would unpack to more than"),
        ({f"{number}.txt": "" for number in range(submissions.MOST_ENTRIES + 1)}, "would unpack to more than"),
        ({"f.py": b"#" * (submissions.FILE_BYTES + 1)}, "f.py is larger than 256 kB"),
        ({f"{number}.py": "" for number in range(submissions.MOST_FILES + 1)}, "more than 200 Python files"),
    ],
    ids=["large", "many", "one long file", "many files"],
)
def test_a_bomb_is_refused(hand_in, files, words):
    assert words in only(hand_in("a.zip", files)).refusal


def test_an_archive_that_lies_about_its_size_is_read_no_further_than_the_limit(hand_in):
    folder = hand_in("a.zip", {"f.py": b"#" * (submissions.FILE_BYTES * 8)})
    data = (folder / "a.zip").read_bytes()
    (folder / "a.zip").write_bytes(
        data.replace((submissions.FILE_BYTES * 8).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    )
    assert only(folder).refusal


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 40])
def test_a_broken_archive_is_told(hand_in, content):
    folder = hand_in("a.zip", {})
    (folder / "a.zip").write_bytes(content)
    assert "cannot be read as a zip archive" in only(folder).refusal


def test_a_folder_without_submissions_or_with_a_student_twice_is_a_sentence(hand_in, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for folder, words in (
        ("empty", "holds no submission; put one"),
        ("file", "is a file; give"),
        ("gone", "is not there; give"),
    ):
        with pytest.raises(InputError, match=words):
            collect(tmp_path / folder)
    hand_in("anna", {})
    with pytest.raises(InputError, match=r"holds anna and anna.zip for the student anna; keep one"):
        collect(hand_in("anna.zip", {}))


def test_names_lose_what_a_table_or_a_disk_could_mistake():
    assert plain("a\x00b\ud800\x1b[31m\u202e") == "ab[31m" and plain("\n") == "unnamed"
    taken: set[str] = set()
    assert [file_name(name, taken) for name in ("../../etc", "..", "Ann Li", "ann/li", "名前", "a" * 300)] == [
        "etc",
        "student",
        "Ann_Li",
        "ann_li-2",
        "名前",
        "a" * 60,
    ]
