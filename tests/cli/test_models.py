"""The verbs that take a model folder: generate, chat (also through a pipe), eval."""

import io
import json

import pytest

from groundup import files


def speak(monkeypatch, text):
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_generate_continues_a_text_and_the_same_seed_gives_the_same(model_folder, call):
    first = call("generate", model_folder, "The cat", "--max-new-tokens", 5, "--temperature", 1, "--seed", 3)
    assert first[0] == 0 and first[1].strip() and first[2] == ""
    assert call("generate", model_folder, "The cat", "--max-new-tokens", 5, "--temperature", 1, "--seed", 3) == first
    assert call("generate", model_folder, "The cat", "--max-new-tokens", 5, "--temperature", 1, "--seed", 4) != first


def test_generate_reads_the_prompt_from_stdin(model_folder, call, monkeypatch):
    given = call("generate", model_folder, "The cat")
    speak(monkeypatch, "The cat")
    assert call("generate", model_folder) == given


def test_generate_as_json_is_json_alone(model_folder, call):
    status, out, _ = call("generate", model_folder, "The cat", "--json", "--max-new-tokens", 3)
    found = json.loads(out)
    assert status == 0 and found["prompt"] == "The cat" and found["sampling"] == {"max_new_tokens": 3}


def test_what_is_not_given_is_the_model_folders_own(model_folder, call):
    own = call("generate", model_folder, "The cat", "--json")
    greedy = json.loads(
        call("generate", model_folder, "The cat", "--json", "--temperature", 0, "--max-new-tokens", 8)[1]
    )
    assert json.loads(own[1])["text"] == greedy["text"]  # its generation_config.json says: do not draw, 8 tokens


def test_generate_answers_where_the_folder_says_that_the_model_chats_and_raw_continues(spoiled, call):
    def text(*flags):
        status, out, _ = call("generate", spoiled, "The cat", "--json", "--max-new-tokens", 4, *flags)
        assert status == 0
        return json.loads(out)["text"]

    continued, answered = text(), text("--chat")
    assert continued != answered  # an answer follows the template's marks, not the bare words
    files.write_json(spoiled / "groundup.json", {"chats": True})
    assert text() == answered and text("--raw") == continued


def test_chat_through_a_pipe_answers_every_line_on_stdout_and_opens_with_two_lines_on_stderr(
    model_folder, call, monkeypatch
):
    speak(monkeypatch, "The cat\n/system Be kind.\nThe dog\n/retry\n/nonsense\n")
    status, out, err = call("chat", model_folder, "--max-new-tokens", 3)
    assert status == 0 and len(out.split("\n")) >= 3
    opening = err.splitlines()[:2]
    assert opening[0].startswith("trained on: ") and opening[1].startswith("try: ")
    assert "/nonsense is not a command" in err


def test_chat_opens_with_what_the_models_maker_wrote(spoiled, call, monkeypatch):
    files.write_json(spoiled / "groundup.json", {"trained_on": "one sentence", "prompts": ["a", "b", "c"]})
    speak(monkeypatch, "/quit\n")
    assert call("chat", spoiled) == (0, "", "trained on: one sentence\ntry: a · b · c\n")


def test_a_conversation_longer_than_the_context_is_said_and_the_pipe_ends_with_status_2(
    model_folder, call, monkeypatch
):
    speak(monkeypatch, "The cat sat on the mat. " * 200)
    status, out, err = call("chat", model_folder)
    assert status == 2 and out == "" and "/reset makes room" in err


def test_eval_on_a_text_gives_bits_per_byte_beside_compressors(model_folder, call, tmp_path):
    (tmp_path / "own.txt").write_text("The cat sat on the red mat, and the dog ran. " * 30)
    status, out, _ = call("eval", model_folder, "--text", tmp_path / "own.txt", "--json")
    found = json.loads(out)["bits_per_byte"]["own.txt"]
    assert status == 0 and {"model", "xz", "zstd"} == found["who"].keys() and found["bytes"] == 45 * 30
    assert 1 < found["who"]["model"]["value"] < 10  # untrained: near log2(270) bits a token


def test_eval_without_a_text_asks_the_world(model_folder, call):
    status, out, _ = call("eval", model_folder, "--documents", 4)
    assert status == 0 and "floor" in out and "held-out instructions" in out


@pytest.mark.parametrize("verb", [["runs", "list"], ["run", "--list"], ["plan", "--help"]])
def test_verbs_without_a_model_do_not_need_one(verb, call, monkeypatch, tmp_path):
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert call(*verb)[0] == 0
