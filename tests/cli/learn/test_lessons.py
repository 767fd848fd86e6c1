"""`groundup learn lesson` and `book`: listed, printed, opened as a copy of the learner's own, exported."""

import importlib.util
import json
import subprocess
import sys

import pytest

from groundup.cli import main
from groundup.course import book, shelf
from groundup.course import exercise as exercises
from groundup.lessons import VARIABLE


def test_without_a_name_the_lessons_are_listed(capsys):
    assert main(["learn", "lesson"]) == 0
    said = capsys.readouterr().out
    assert "text.tokenizers.bpe " in said and "`groundup learn lesson NAME` opens one" in said


def test_a_topic_of_several_lessons_lists_them_in_reading_order_with_their_commands(capsys):
    assert main(["learn", "lesson", "cuda"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    folder = "groundup learn lesson machine.kernels.cuda."
    assert len(lines) > 2 and all(line.startswith(folder) for line in lines)
    assert last == f"{len(lines)} lessons teach cuda, in the order to read them in; --run prints one here"
    first = lines[0].split()[3]
    assert book.named("machine.kernels.cuda")[0].id == first and first.endswith(".grid"), "as the folder's contents say"


def test_several_lessons_cannot_be_printed_at_once(capsys):
    assert main(["learn", "lesson", "cuda", "--run"]) == 2
    assert "several lessons teach 'cuda'; choose one of machine.kernels.cuda." in capsys.readouterr().err


@pytest.mark.parametrize("words, count", [([], None), (["cuda"], None), (["bpe"], 1)])
def test_lessons_are_listed_as_json(words, count, capsys):
    assert main(["learn", "lesson", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found) == (count or len(book.named(*words) if words else book.lessons()))
    assert found[0]["command"] == f"groundup learn lesson {found[0]['id']}" and found[0]["title"]


def test_a_lesson_is_printed_with_its_numbers_and_the_titles_of_its_pictures(capsys):
    pytest.importorskip("marimo")
    assert main(["learn", "lesson", "top_p", "--run"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("# Sampling") and "29%" in said and "[picture: Draws follow the probabilities]" in said


def test_an_opened_lesson_is_a_copy_that_stays_the_learners(tmp_path, monkeypatch, capsys):
    pytest.importorskip("marimo")
    monkeypatch.chdir(tmp_path)
    calls = []
    monkeypatch.setattr(subprocess, "call", lambda command, env: calls.append((command, env)) or 0)
    assert main(["learn", "lesson", "bpe", "--model", "runs/demo/model"]) == 0
    copy = tmp_path / "my" / "lessons" / "text" / "tokenizers" / "bpe.py"
    command, environment = calls[0]
    assert command[1:] == ["-m", "marimo", "edit", "my/lessons/text/tokenizers/bpe.py"]
    assert environment[VARIABLE] == str(tmp_path / "runs" / "demo" / "model")
    copy.write_text("mine")
    main(["learn", "lesson", "bpe"])
    assert copy.read_text() == "mine"


@pytest.mark.parametrize("arguments", [["lesson", "bpe"], ["book"]])
def test_without_marimo_the_pip_line_is_said_and_nothing_is_written(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "marimo" else find_spec(name, *rest)
    )
    assert main(["learn", *arguments]) == 2
    assert "pip install 'groundup[learn]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.lesson
def test_one_lesson_is_exported(tmp_path, monkeypatch, capsys):
    pytest.importorskip("marimo")
    monkeypatch.chdir(tmp_path)
    assert main(["learn", "book", "--out", "pages", "--lessons", "sampling"]) == 0
    assert "1 lessons: open pages/index.html" in capsys.readouterr().out
    assert (tmp_path / "pages" / "inference.decoding.sampling.html").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("", "yours: foundations.autograd.unbroadcast"), ("2 * ", "does not hold with your unbroadcast")],
)
def test_a_lesson_runs_with_the_learners_function_and_names_it_where_a_claim_fails(tmp_path, wrong, said):
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    solution = exercises.solution(shelf.find("unbroadcast"))
    (tmp_path / "mine.py").write_text(solution.replace("return gradient.sum", f"return {wrong}gradient.sum"))
    command = [
        sys.executable,
        "-m",
        "groundup.cli",
        "--mine",
        str(tmp_path),
        "learn",
        "lesson",
        "foundations.autograd.autodiff",
        "--run",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert said in done.stderr and done.returncode == (2 if wrong else 0)
