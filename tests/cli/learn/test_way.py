"""`groundup learn path`, `find` and `export` as a learner meets them."""

import io
import json

import pytest

from groundup.course.paths import questions


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def say(monkeypatch):
    def put(*lines):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))

    return put


def right(question):
    return "abcd"[question.choices.index(question.answer)] if question.choices else str(question.answer)


def test_all_paths_stand_in_a_line_each_and_one_is_shown_whole(call):
    status, out, _ = call("learn", "path")
    assert status == 0 and len(out.splitlines()) == 8 and "28-36 hours" in out
    status, out, _ = call("learn", "path", "chapters")
    assert status == 0
    for words in (
        "1. Tokenization  (2-3 hours)",
        "hands-on",
        "train_bpe",
        "milestone",
        "8. Fine-tuning",
    ):
        assert words in out
    found = json.loads(call("learn", "path", "phases", "--json")[1])
    assert len(found["steps"]) == 10 and found["projects"]["beginner"][0]["standing"] == "not judged yet"
    assert len(json.loads(call("learn", "path", "--json")[1])) == 7


def test_milestones_of_an_empty_folder_are_open_or_wait_and_the_status_says_so(call):
    status, out, _ = call("learn", "path", "hands-on", "--check", "--json")
    states = {one["milestone"]: one["state"] for one in json.loads(out)}
    assert status == 1 and states["step-3"] == "open" and set(states.values()) == {"open", "waits"}


def test_projects_are_shown_with_their_state_and_judged(call, tmp_path):
    status, out, _ = call("learn", "path", "phases")
    assert status == 0 and "· backpropagation from scratch (lesson): not judged yet" in out
    assert "– RLHF from scratch (run): waits for" in out and "path phases --check` judges" in out
    (tmp_path / "my").mkdir()
    status, out, _ = call("learn", "path", "phases", "--check")
    assert status == 1 and "✗ beginner project: backpropagation from scratch: open" in out
    assert "the lesson foundations.autograd.gpt is read when these pass" in out
    assert "✗ backpropagation from scratch (lesson): open on" in call("learn", "path", "phases")[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("path", "chaptrs"), "there is no path 'chaptrs'; choose chapters"),
        (("path", "guide", "--check"), "the path guide has no milestones; chapters, phases and hands-on have"),
        (("path", "--quiz", "model.atention"), "did you mean 'model.attention"),
        (("find", "dpoo"), "no topic speaks of 'dpoo'; did you mean 'dpo'?"),
        (("export",), "there is no folder my; `groundup learn start` makes it"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(call, words, sentence):
    status, out, err = call("learn", *words)
    assert status == 2 and sentence in err and not out


def test_the_placement_reads_lines_from_a_pipe_and_recommends(call, say):
    say(*map(right, questions.placement()))
    status, out, _ = call("learn", "path", "--placement", "--json")
    assert status == 0 and json.loads(out)["path"] == "guide"
    say(*("a" if one.choices else "-1" for one in questions.placement()))
    assert "your path: topics, from: Linear algebra" in call("learn", "path", "--placement")[1]


def test_a_quiz_says_what_was_right_and_why(call, say):
    first, *rest = questions.selftest("model.attention")
    say("-1", *map(right, rest))
    status, out, err = call("learn", "path", "--quiz", "model.attention")
    assert status == 0 and out.count("✓") == 2 and first.why in out and "2 of 3 right; `groundup learn find" in out
    assert "1/3" in err
    say(*map(right, [first, *rest]))
    assert [one["right"] for one in json.loads(call("learn", "path", "--quiz", "model.attention", "--json")[1])] == [
        True
    ] * 3


def test_a_line_that_is_no_answer_and_an_early_end_are_named(call, say):
    say("eight")
    assert "question 1: 'eight' is no answer; write a number" in call("learn", "path", "--quiz", "model.attention")[2]
    say("8")
    assert "the input ended at question 2 of 3" in call("learn", "path", "--quiz", "model.attention")[2]


def test_journal_and_export(call, tmp_path):
    assert "my/journal.md: " in call("learn", "path", "--journal", "I learned.")[1]
    status, _, _ = call("learn", "export", "--to", "out")
    assert (
        status == 0
        and (tmp_path / "out" / "index.html").is_file()
        and "I learned." in (tmp_path / "out/my/journal.md").read_text()
    )
    assert call("learn", "export")[0] == 0 and (tmp_path / "my-export").is_dir()


def test_a_word_and_an_id_find_the_places(call):
    [found] = json.loads(call("learn", "find", "model.attention.masks", "--json")[1])
    assert found["source"].endswith("model/attention/masks.py")
    out = call("learn", "find", "masks")[1]
    assert "model.attention.masks" in out and "tests/model/attention/test_masks.py" in out and "not built yet" in out
