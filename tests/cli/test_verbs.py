"""The command line itself: help, versions, flags, mistakes, exit statuses."""

import io
import os
import subprocess
import sys

import pytest

from groundup import cli
from groundup.cli import verbs
from groundup.cli.export import ExportOptions
from groundup.errors import ConfigError, InputError, Interrupted


def call(capsys, *arguments):
    status = cli.main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_help_lists_every_verb_and_loads_neither_a_room_nor_tyro():
    code = "import sys; from groundup.cli import main; main(['--help']); print([m for m in ('torch', 'numba', 'tyro', 'rich') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert all(f"  {verb} " in out for verb in cli.VERBS)
    assert out.splitlines()[-1] == "[]"


def test_no_argument_is_help(capsys):
    assert call(capsys)[:2] == call(capsys, "--help")[:2]


def test_version(capsys):
    assert call(capsys, "--version") == (0, "groundup 0.1.0\n", "")


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help_without_loading_torch(verb, capsys):
    status, out, _ = call(capsys, verb, "--help")
    assert status == 0 and f"groundup {verb}" in out


@pytest.mark.parametrize("verb", ["demo", "run", "plan", "train", "tune", "align", "generate", "chat", "eval"])
@pytest.mark.parametrize("flag", ["--device", "--dtype", "--threads", "--seed"])
def test_every_verb_that_computes_takes_device_dtype_threads_and_seed(verb, flag, capsys):
    assert flag in call(capsys, verb, "--help")[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chta"], "groundup: 'chta' is not a verb; did you mean `groundup chat`?\n"),
        (["demo", "--fsat"], "groundup: groundup demo has no option --fsat; did you mean --fast?\n"),
        (
            ["runs", "lst"],
            "groundup: 'lst' is not something `groundup runs` does; write groundup runs list or compare or checkpoints or log or remove\n",
        ),
        (["run"], "groundup: run wants a recipe; write groundup run demo, or `groundup run --list` to see them\n"),
        (
            ["run", "demmo"],
            "groundup: there is no recipe 'demmo'; did you mean 'demo'?; a file of your own ends in .toml\n",
        ),
        (
            ["run", "ablation", "--profile"],
            "groundup: --profile looks at one run; leave it out for an ablation, a sweep or --against\n",
        ),
        (
            ["run", "sweep", "--profile"],
            "groundup: --profile looks at one run; leave it out for an ablation, a sweep or --against\n",
        ),
        (
            ["run", "demo-fast", "--against", "train.optimizer=adamw", "--profile"],
            "groundup: --profile looks at one run; leave it out for an ablation, a sweep or --against\n",
        ),
        (
            ["--completion", "tcsh"],
            "groundup: --completion wants the name of your shell; write groundup --completion bash, zsh or fish\n",
        ),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(arguments, sentence, capsys):
    assert call(capsys, *arguments) == (2, "", sentence)


@pytest.mark.parametrize(
    "arguments", [["demo", "--threads", "x"], ["plan", "--device", "tpu"], ["generate"], ["demo", "--out"]]
)
def test_a_flag_that_cannot_be_read_is_one_line_without_a_box(arguments, capsys):
    status, out, err = call(capsys, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "see `groundup" in err and ".;" not in err and "│" not in err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_on_a_terminal_too_the_box_goes_with_its_colours_and_lines(encoding, monkeypatch):
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", Terminal(io.BytesIO(), encoding=encoding))
    with pytest.raises(ConfigError) as wrong:
        verbs.parse(ExportOptions, ["model", "--to", "arpa"], "groundup export")
    assert str(wrong.value) == (
        "Missing from groundup export: OUT the folder (huggingface) or the file (all others) to write (required); see `groundup export --help`"
    )


@pytest.mark.parametrize("flag", ["--out", "--out=words.arpa"])
def test_a_value_that_stands_alone_has_no_flag(flag, capsys):
    expected = "groundup: groundup export has no option --out; write its value alone, as `groundup export --help` shows\n"
    assert call(capsys, "export", "model", "--to", "arpa", flag, "words.arpa") == (2, "", expected)


def test_a_mistyped_flag_is_named_before_what_is_missing_without_it(capsys):
    expected = "groundup: groundup export has no option --too; did you mean --to?\n"
    assert call(capsys, "export", "model", "words.arpa", "--too", "arpa") == (2, "", expected)


def raising(monkeypatch, error):
    def dispatch(arguments):
        raise error

    monkeypatch.setattr(cli, "dispatch", dispatch)


def test_a_fault_of_ours_is_status_1_and_says_how_to_see_the_traceback(monkeypatch, capsys):
    raising(monkeypatch, ZeroDivisionError("division by zero\nsecond line"))
    assert call(capsys, "demo") == (
        1,
        "",
        "groundup: a fault of ours (ZeroDivisionError: division by zero); run it again with GROUNDUP_DEBUG=1 for the traceback to report\n",
    )


def test_groundup_debug_shows_the_traceback(monkeypatch):
    raising(monkeypatch, ZeroDivisionError())
    monkeypatch.setenv("GROUNDUP_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.main(["demo"])


@pytest.mark.parametrize(
    ("error", "status"), [(Interrupted("saved; go on"), 130), (KeyboardInterrupt(), 130), (InputError("no; yes"), 2)]
)
def test_each_kind_of_end_has_its_status(error, status, monkeypatch, capsys):
    raising(monkeypatch, error)
    assert call(capsys, "demo")[0] == status


@pytest.mark.parametrize(
    "arguments",
    [["--mine", "my", "demo", "--fast"], ["demo", "--mine", "my", "--fast"], ["demo", "--fast", "--mine=my"]],
)
def test_mine_is_taken_before_or_after_the_verb(arguments):
    assert cli.take_mine(arguments) == (["demo", "--fast"], "my")


def test_mine_after_two_dashes_is_text():
    assert cli.take_mine(["generate", "m", "--", "--mine"]) == (["generate", "m", "--", "--mine"], None)


@pytest.mark.parametrize("arguments", [["--mine", "{}/no", "doctor"], ["doctor", "--mine", "{}"], ["doctor", "--mine"]])
def test_a_folder_of_functions_that_is_missing_or_empty_is_said(arguments, tmp_path, capsys):
    status, _, err = call(capsys, *(argument.format(tmp_path) for argument in arguments))
    assert status == 2 and err.count("\n") == 1 and ";" in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_verbs_and_flags(shell, capsys):
    status, out, _ = call(capsys, "--completion", shell)
    assert status == 0 and "tokenizer" in out and "fast" in out


def test_no_color_is_obeyed():
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": ""}
    out = subprocess.run(
        [sys.executable, "-m", "groundup.cli", "run", "--list"], capture_output=True, text=True, env=environment
    ).stdout
    assert "demo" in out and "\x1b[" not in out


def test_a_reader_that_leaves_is_no_fault():
    done = subprocess.run(
        f"{sys.executable} -m groundup.cli --help | head -1", shell=True, capture_output=True, text=True
    )
    assert done.stderr == ""
