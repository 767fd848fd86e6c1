"""`groundup align`: every kind of method from the command line, and what a user's pairs may be wrong in."""

import json
from pathlib import Path

import pytest

from groundup.files import read_jsonl
from groundup.inference.handle import load

GOOD = [{"prompt": f"{number} cats?", "chosen": f"{number} cats", "rejected": "a dog"} for number in range(8)]
ASKED = {"role": "user", "content": "Why?"}
BASE = ("--dtype", "float32", "--threads", 1, "--json")
SMALL = ("--set", "align.steps=2", "--set", "align.batch_size=4")


def pairs(folder, *rows):
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("method", ["dpo", "kto"])
def test_pairs_make_a_model_folder(model_folder, tmp_path, call, method):
    rows = [*GOOD, {"prompt": "9 cats?", "completion": "9 cats", "label": True}] if method == "kto" else GOOD
    arguments = ("--method", method, "--pairs", pairs(tmp_path, *rows), *BASE, *SMALL, "--out", tmp_path / "out")
    status, out, err = call("align", model_folder, *arguments)
    assert status == 0, err
    found = json.loads(out)
    assert found["numbers"]["pairs"] == len(rows)
    (log,) = (tmp_path / "out").glob("stages/*/logs/rank0.jsonl")
    assert [line["steps"] for line in read_jsonl(log) if "begins" in line["message"]] == [2]
    assert load(Path(found["made"][-1])).module.config.vocab_size == 270


@pytest.mark.parametrize(
    "row, sentence",
    [
        ({"messages": [{"content": "Why?"}], "chosen": "So.", "rejected": "No."}, "neither a text nor messages with role and content"),
        ({"messages": [{"role": "me", "content": "Why?"}], "chosen": "So.", "rejected": "No."}, "whose role is none of system, developer, user"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": ""}, "has not both a chosen and a rejected answer"),
        ({"prompt": "Why?", "chosen": " ", "rejected": "No."}, "has an empty answer"),
        (
            {"messages": [{"role": "system", "content": "s"}] * 2 + [ASKED], "chosen": "So.", "rejected": "No."},
            "has two system messages; join them into one",
        ),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "So."}, "has the same answer as chosen and as rejected"),
    ],
)
def test_a_row_that_says_nothing_is_left_out_and_said_and_alone_refused(model_folder, tmp_path, call, row, sentence, monkeypatch):
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    file = pairs(tmp_path, *GOOD, row)
    status, _, err = call("align", model_folder, "--method", "dpo", "--pairs", file, *BASE, *SMALL, "--out", tmp_path / "out")
    flat = " ".join(err.split())
    assert status == 0 and "1 records are left out; the first: " in flat and "record 9" in flat and sentence in flat
    status, _, err = call("align", model_folder, "--method", "dpo", "--pairs", pairs(tmp_path, row), *BASE, "--out", tmp_path / "alone")
    assert status == 2 and sentence in " ".join(err.split()) and "Traceback" not in err
    assert not (tmp_path / "alone").exists()


@pytest.mark.parametrize("how, told", [("drop", "1 dropped, longer than 512 tokens"), ("cut", "1 cut at 512 tokens")])
def test_an_answer_longer_than_the_context_is_dropped_or_cut_and_said(model_folder, tmp_path, call, how, told, monkeypatch):
    monkeypatch.delenv("GROUNDUP_QUIET", raising=False)
    file = pairs(tmp_path, *GOOD, {"prompt": "Why?", "chosen": "So, " * 400, "rejected": "No."})
    arguments = ("--method", "dpo", "--pairs", file, "--set", f"align.too_long={how}", *BASE, *SMALL, "--out", tmp_path / "out")
    status, _, err = call("align", model_folder, *arguments)
    assert status == 0 and told in " ".join(err.split())


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (("--method", "simppo"), "--method simppo is none; did you mean 'simpo'?"),
        (("--method", "grpo", "--pairs", "x.jsonl"), "--pairs says nothing to grpo, which tries answers itself; use --method dpo"),
        (("--method", "dpo", "--pairs", "missing.jsonl"), "there is no file or folder missing.jsonl; check the path"),
        (("--method", "dpo", "--questions", "x.jsonl"), "--questions are for methods that try answers, and dpo does not; use --pairs"),
        (("--method", "distill",), "needs a teacher; give a larger model's folder as --teacher FOLDER"),
        (("--set", "align.demonstrations=4"), "use environment = tools or reasoning"),
        (("--method", "dpo", "--set", "align.samples=1"), "make no pair; use 2000, 4 and 24"),
        (("--environment", "tools", "--set", "align.reward=model"), "judges an answer by a program: use reward = right"),
        (("--teacher", "FOLDER"), "--teacher says nothing to grpo; leave it out, or use --method distill"),
        (("--method", "reward", "--teacher", "FOLDER"), "--teacher says nothing to reward; leave it out"),
        (("--method", "reward", "--environment", "tools"), "--environment is for methods that try answers, and reward does not; leave it out"),
        (("--method", "dpo", "--environment", "reasoning"), "--environment is for methods that try answers, and dpo does not; leave it out"),
        (("--method", "distill", "--teacher", "FOLDER", "--environment", "tools"), "environment=tools is not played by distill"),
        (("--method", "distill", "--teacher", "FOLDER", "--reward-model", "FOLDER"), "reward=model would judge nothing here"),
        (("--method", "dpo", "--pairs", "FOLDER", "--reward-model", "FOLDER"), "leave the reward model (--reward-model) out, or the pairs"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(model_folder, tmp_path, call, arguments, sentence):
    given = [model_folder if one == "FOLDER" else one for one in arguments]
    status, _, err = call("align", model_folder, *given, *BASE, "--out", tmp_path / "out")
    assert status == 2 and sentence in " ".join(err.split()), err
    assert "Traceback" not in err


RUNS = {
    "own answers": ("--method", "ipo", "--set", "align.pairs=8", "--set", "align.samples=4", "--set", "align.max_new_tokens=4"),
    "questions": ("--questions", "QUESTIONS", "--set", "align.reward=number", "--set", "align.steps=1", "--set", "align.prompts_per_step=2"),
    "tools": ("--environment", "tools", "--set", "align.demonstrations=12", "--set", "align.steps=1", "--set", "align.prompts_per_step=2"),
    "reasoning": ("--environment", "reasoning", "--set", "align.demonstrations=12", "--set", "align.steps=1", "--set", "align.prompts_per_step=2"),
    "constitutional": (
        "--method", "constitutional", "--set", "align.demonstrations=16", "--set", "align.revisions=6", "--set", "align.comparisons=6",
        "--set", "align.held_out=4", "--set", "align.max_new_tokens=4",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNS)
def test_every_other_kind_of_method_makes_a_model_folder(model_folder, tmp_path, call, kind):
    rows = [{"question": f"{n} and 1?", "answer": f"It is {n} and one more. #### {n + 1}"} for n in range(4)]
    rows.append({"question": "Why? " * 600, "answer": "4"})
    file = pairs(tmp_path, *rows)
    asked = [file if one == "QUESTIONS" else one for one in RUNS[kind]]
    status, out, err = call("align", model_folder, *asked, *BASE, "--out", tmp_path / "out")
    if kind == "own answers" and status == 2:  # the model has learned nothing: its answers may all be worth the same, and that is said
        assert "none has answers of unequal worth; ask more (align.pairs)" in " ".join(err.split())
        return
    assert status == 0, err
    found = json.loads(out)
    assert (Path(found["made"][-1]) / "model.safetensors").is_file()
    folder = next((tmp_path / "out" / "stages").iterdir())
    kept = {"tools": "rollouts.jsonl", "reasoning": "thinking.json", "constitutional": "revised.jsonl"}
    assert kind not in kept or (folder / kept[kind]).is_file()
    if kind == "questions":
        assert found["numbers"]["families"] == []
    if kind == "constitutional":
        for phase in ("checkpoints/demonstrations", "checkpoints/revisions"):
            assert (folder / phase / "metrics.jsonl").is_file()
        assert {"before_rude", "revised_rude", "after_rude", "critic"} <= found["numbers"].keys()


@pytest.mark.slow
def test_a_teacher_teaches_from_the_command_line(model_folder, tmp_path, call):
    asked = ("--method", "distill", "--teacher", model_folder, "--set", "align.steps=1", "--set", "align.prompts_per_step=4")
    status, out, err = call("align", model_folder, *asked, "--set", "align.families=[]", *BASE, "--out", tmp_path / "out")
    assert status == 0, err
    assert json.loads(out)["numbers"]["steps"] == 1
