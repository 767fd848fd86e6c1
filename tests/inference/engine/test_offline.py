"""A file of prompts: answers in order, a killed run goes on and ends with the same bytes, bad lines are named."""

import json
from types import SimpleNamespace

import pytest
import torch

from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.inference.decoding.config import OFF, SamplingConfig
from groundup.inference.engine import EngineConfig, offline

SAMPLING = SamplingConfig(max_new_tokens=6, seed=4, stop=("!?",))
LETTERS = SimpleNamespace(special_tokens={}, token_bytes=lambda id: bytes([33 + id]))
CONFIG = EngineConfig(deterministic=True, portion=16, page_size=8, max_rows=3, max_tokens_a_step=32)


@pytest.fixture
def answer(tiny, tmp_path):
    """Answer a file; `stop_after`: be killed after so many lines, in the middle of the next."""
    handle = SimpleNamespace(module=tiny(), tokenizer=LETTERS, folder=tmp_path / "model", generation={})

    def run(source, name="out.jsonl", stop_after=None, monkeypatch=None, sampling=SAMPLING, handle=handle):
        target = tmp_path / name
        encode = lambda line: ([ord(letter) - 33 for letter in line["prompt"]], {1, 2})  # noqa: E731
        if stop_after is not None:
            full = offline._answers

            def killed(*arguments):
                for count, one in enumerate(full(*arguments)):
                    if count == stop_after:
                        with (tmp_path / f"{name}.part").open("ab") as file:
                            file.write(b'{"index": ')
                        raise KeyboardInterrupt
                    yield one

            with monkeypatch.context() as patched:
                patched.setattr(offline, "_answers", killed)
                with pytest.raises(KeyboardInterrupt):
                    offline.answer_file(handle, source, target, sampling, encode=encode, config=CONFIG)
            return None
        summary = offline.answer_file(handle, source, target, sampling, encode=encode, config=CONFIG)
        return summary, target.read_bytes()

    return run


@pytest.fixture
def prompts(tmp_path):
    """A file of ten prompts, one of them too long for the model, and an empty line."""
    path = tmp_path / "prompts.jsonl"
    lines = [json.dumps({"prompt": "abc" * (1 + index % 4)}) for index in range(9)] + [
        "",
        json.dumps({"prompt": "a" * 70}),
    ]
    path.write_text("\n".join(lines))
    return path


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(answer, prompts, monkeypatch, tmp_path):
    whole, expected = answer(prompts)
    lines = [json.loads(line) for line in expected.splitlines()]
    assert [line["index"] for line in lines] == list(range(10))
    assert "context is 64" in lines[9]["error"] and whole.failed == 1
    assert all(line["finish_reason"] in ("stop", "length") and "!?" not in line["text"] for line in lines[:9])
    for stop_after in (4,):
        answer(prompts, f"again{stop_after}.jsonl", stop_after, monkeypatch)
        summary, found = answer(prompts, f"again{stop_after}.jsonl")
        assert found == expected and summary.resumed == stop_after
    assert not list(tmp_path.glob("*.part"))


def test_answers_of_other_weights_in_the_same_folder_are_not_gone_on_with(answer, prompts, monkeypatch, tiny, tmp_path):
    answer(prompts, "out.jsonl", 2, monkeypatch)
    module = tiny()
    with torch.no_grad():
        next(module.parameters()).add_(1)
    other = SimpleNamespace(module=module, tokenizer=LETTERS, folder=tmp_path / "model", generation={})
    with pytest.raises(InputError, match="out.jsonl.part holds answers of another model"):
        answer(prompts, handle=other)


def test_answers_to_other_prompts_or_of_a_finished_run_are_not_touched(answer, prompts, monkeypatch):
    answer(prompts, "out.jsonl", 2, monkeypatch)
    with pytest.raises(InputError, match="out.jsonl.part holds answers .* other settings; remove it"):
        answer(prompts, sampling=SamplingConfig(max_new_tokens=7))
    answer(prompts)
    with pytest.raises(InputError, match="out.jsonl is there already; remove it, or name another"):
        answer(prompts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"prompt": "a"}\n{"prompt": 3}\n[1]\nx', "line 2: has no .*; line 3: is a list; .*; line 4: is no JSON"),
        ('{"prompt": "a", "messages": []}', "line 1: has no .* or both; give one"),
        ("x\n" * 9, "and 4 more"),
        ("[" * 100_000, "line 1: is no JSON"),
        ("\n", "has no line; write one prompt a line"),
    ],
)
def test_bad_lines_are_named_before_anything_is_answered(answer, tmp_path, text, words):
    (tmp_path / "bad.jsonl").write_text(text)
    with pytest.raises(InputError, match=words):
        answer(tmp_path / "bad.jsonl")
    assert not list(tmp_path.glob("out*"))


def test_two_runs_do_not_write_to_one_file(answer, prompts, tmp_path):
    with files.held(tmp_path / "out.jsonl.part"), pytest.raises(GroundupError, match="being written by another command"):
        answer(prompts)
    summary, _ = answer(prompts)
    assert summary.resumed == 0 and not list(tmp_path.glob("*.part"))


def test_a_run_with_a_step_of_the_users_own_goes_on_where_the_step_is_the_same(answer, prompts, monkeypatch):
    def step(less):
        return SamplingConfig(max_new_tokens=6, seed=4, order=(lambda logits, ids: logits - less, *OFF))

    answer(prompts, stop_after=4, monkeypatch=monkeypatch, sampling=step(1.0))
    with pytest.raises(InputError, match="with other settings"):
        answer(prompts, sampling=step(2.0))
    summary, _ = answer(prompts, sampling=step(1.0))
    assert summary.resumed == 4
