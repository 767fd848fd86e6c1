"""A learner's folder with the solutions of two chapters, and a run's results that name them."""

import json

import pytest

from groundup.course import shelf
from groundup.course.exercise import solution

SOLVED = ("train_bpe", "encode_piece", "scaled_dot_product_attention")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """The learner's folder."""
    (tmp_path / "my").mkdir()
    for name in SOLVED:
        (tmp_path / "my" / f"{name}.py").write_text(solution(shelf.find(name)))
    return tmp_path / "my"


@pytest.fixture
def write_run(tmp_path, folder):
    """Write the results of a run in which the learner's functions were called."""

    def write(name="demo-fast", slots=(), loss=None, **results):
        entries = [
            {"id": id, "file": f"{folder.resolve()}/{id.rpartition('.')[2]}.py:1", "calls": 7, "stages": ["train"]}
            | ({"loss": {"mine": loss[0], "reference": loss[1], "steps": 30}} if loss else {})
            for id in slots
        ]
        path = tmp_path / "runs" / name
        path.mkdir(parents=True)
        (path / "results.json").write_text(json.dumps({"slots": entries} | results))
        return path

    return write
