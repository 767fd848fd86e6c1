"""The journal grows by whole entries, one heading each."""

import re
from datetime import datetime

import pytest

from groundup.course.paths import journal
from groundup.course.record import Record
from groundup.errors import InputError

WHEN = datetime(2026, 1, 31, 14, 5)


def test_an_entry_names_the_day_the_exercise_and_the_step(tmp_path):
    Record(tmp_path).started("model.attention.scaled_dot_product_attention")
    title = journal.write(tmp_path, "Scores are divided.", WHEN)
    assert title == "## 2026-01-31 14:05 · model.attention.scaled_dot_product_attention · chapter 3. Attention"
    assert (tmp_path / journal.NAME).read_text() == f"# Learning journal\n\n{title}\n\nScores are divided.\n"


def test_entries_are_appended_and_a_heading_in_the_text_makes_no_entry(tmp_path):
    for text in ("one", "# two\n## three", "four"):
        journal.write(tmp_path, text, WHEN)
    written = (tmp_path / journal.NAME).read_text()
    assert (
        len(re.findall(r"^## ", written, re.M)) == 3
        and r"\# two" in written
        and written.index("one") < written.index("four")
    )


def test_before_the_first_exercise_the_first_step_is_named(tmp_path):
    assert "no exercise yet · chapter 1. Tokenization" in journal.write(tmp_path / "new", "hello", WHEN)


def test_an_empty_entry_is_refused(tmp_path):
    with pytest.raises(InputError, match="the entry is empty; write groundup learn path --journal"):
        journal.write(tmp_path, " \n", WHEN)
    assert not (tmp_path / journal.NAME).exists()
