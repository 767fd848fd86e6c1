"""The demo on a user's text: the steps follow its size, so that a short text is not learned by heart."""

from pathlib import Path

from groundup.cli.demo import FEWEST, READINGS, fitting_steps, text_changes
from groundup.runs import recipe


def made(path: Path, size: int) -> Path:
    path.write_bytes(b"x" * size)
    return path


def test_a_longer_text_gets_more_steps_up_to_the_recipes(tmp_path):
    full = recipe.load("text").configs["train"]
    sizes = (0, 1000, 1_100_000, 2_200_000, 50_000_000)
    steps = [fitting_steps(made(tmp_path / "text.txt", size)) for size in sizes]
    assert steps[0] == steps[1] == FEWEST < steps[2] < steps[3] < steps[4] == full.steps
    tokens = full.batch_size * full.seq_len * full.gradient_accumulation_steps
    assert abs(steps[2] * tokens - READINGS * 1_100_000 / 3) < tokens


def test_a_folder_counts_all_its_files_and_what_is_not_there_none(tmp_path):
    made(tmp_path / "a.txt", 600_000)
    (tmp_path / "deeper").mkdir()
    made(tmp_path / "deeper" / "b.txt", 500_000)
    together = fitting_steps(tmp_path)
    assert together == fitting_steps(made(tmp_path / "deeper" / "b.txt", 1_100_000)) > fitting_steps(tmp_path / "a.txt")
    assert fitting_steps(tmp_path / "nothing") == FEWEST


def test_fast_has_steps_of_its_own(tmp_path):
    changes = text_changes(made(tmp_path / "my notes.txt", 10), fast=True)
    assert changes["name"] == "text-my-notes" and changes["train"] == {"steps": 60}
