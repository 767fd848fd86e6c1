"""`groundup bench serve`: a table, figures and a picture from one command; mistakes in a sentence."""

import json

import pytest

from groundup import files
from groundup.cli import main
from groundup.cli.bench.serve import PARTS


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("GROUNDUP_QUIET", "1")


def command(server, out, *flags):
    return [
        "bench",
        "serve",
        server.url,
        "--seconds",
        "0.3",
        "--max-tokens",
        "4",
        "--prompt-tokens",
        "3",
        "--out",
        str(out),
        *flags,
    ]


def test_saturation_is_found_and_then_parts_of_it_are_sent(fake, tmp_path, capsys):
    with fake() as server:
        assert main(command(server, tmp_path, "--clients", "8")) == 0
    said, told = capsys.readouterr().out, files.read_json(tmp_path / "load.json")
    parts = [level["of_saturation"] for level in told["levels"]]  # where so short a load sends nothing, there is none
    assert parts and parts == sorted(parts) and set(parts) <= set(PARTS)
    assert told["model"] == "fake" and told["closed"]["answered"] == told["closed"]["requests"] and "TTFT" in said
    assert all(level["failed"] == 0 for level in told["levels"]) and "load.html" in said.replace("\n", "")
    assert "plotly" in (tmp_path / "load.html").read_text().lower()


def test_rates_of_ones_own_and_json(fake, tmp_path, capsys):
    with fake() as server:
        assert main(command(server, tmp_path, "--rate", "20", "--rate", "40", "--json", "--cancelled", "0.5")) == 0
    told = json.loads(capsys.readouterr().out)
    assert [level["rate"] for level in told["levels"]] == [20, 40] and "closed" not in told
    assert sum(level["cancelled"] for level in told["levels"]) > 0


def test_a_trace_is_played_again(fake, tmp_path, capsys):
    files.write_jsonl(
        tmp_path / "t.jsonl", [{"at_s": 0.1, "prompt": "hi", "max_tokens": 2}, {"at_s": 0.0, "max_tokens": 3}]
    )
    with fake() as server:
        assert main(command(server, tmp_path, "--trace", str(tmp_path / "t.jsonl"))) == 0
    told = files.read_json(tmp_path / "load.json")
    assert told["trace"]["answered"] == 2 and told["levels"] == [] and not (tmp_path / "load.html").exists()
    assert [body["max_tokens"] for body in server.bodies] == [3, 2]


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--clients", "0"], "--clients 0 is not possible; use 1 or more"),
        (["--seconds", "0"], "use more than 0"),
        (["--cancelled", "2"], "use a number from 0 to 1"),
        (["--trace", "t.jsonl", "--closed"], "leave --rate and --closed out"),
        (["--closed", "--rate", "2"], "leave one of the two out"),
    ],
)
def test_a_mistake_is_one_sentence(flags, words, tmp_path, capsys):
    assert main(["bench", "serve", "http://127.0.0.1:1", "--out", str(tmp_path / "o"), *flags]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and words in said and not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "target, words",
    [
        ("http://127.0.0.1:1", "no server answers"),
        ("http://a:99999", "is no address"),
        ("nowhere", "neither an address"),
    ],
)
def test_a_target_that_is_none_is_one_sentence(target, words, tmp_path, capsys):
    assert main(["bench", "serve", target, "--out", str(tmp_path / "o")]) == 2
    assert words in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_said_before_the_load(fake, tmp_path, capsys):
    (tmp_path / "o").write_text("in the way")
    with fake() as server:
        assert main(command(server, tmp_path / "o")) == 2
    assert "stands in its way" in capsys.readouterr().err and not server.bodies


def test_a_server_that_refuses_everything_is_said(fake, tmp_path, capsys):
    with fake(refuse_every=1) as server:
        assert main(command(server, tmp_path)) == 2
    assert "answered no request" in capsys.readouterr().err
