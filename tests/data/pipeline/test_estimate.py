"""Token estimates: the formula by hand and by the bootstrap, the interval's coverage by simulation, blocks that hold every line once."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.data.pipeline import estimate as module
from groundup.data.pipeline.estimate import Unit, estimate, ratio_estimate, read, summed, units_of
from groundup.errors import ConfigError, InputError


def words(texts):
    return sum(len(text.split()) for text in texts)


def test_the_estimate_by_hand():
    total, error = ratio_estimate(np.array([10.0, 30.0]), np.array([50.0, 100.0]), 300.0, 4)
    ratio = 40 / 150
    residuals = (10 - ratio * 50) ** 2 + (30 - ratio * 100) ** 2
    assert total == pytest.approx(80) and error == pytest.approx(300 / 75 * np.sqrt(residuals * (1 - 2 / 4) / 2))


def test_the_error_is_that_of_the_bootstrap():
    draw = np.random.default_rng(0)
    sizes = draw.integers(500, 3000, 200).astype(float)
    tokens = sizes * draw.normal(0.25, 0.04, 200)
    _, error = ratio_estimate(tokens, sizes, 1e9, 10**9)
    chosen = draw.integers(0, 200, (4000, 200))
    assert np.std(1e9 * tokens[chosen].sum(1) / sizes[chosen].sum(1)) == pytest.approx(error, rel=0.05)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(1)
    sizes = draw.integers(500, 3000, 300)
    tokens = np.round(sizes * draw.gamma(20, 0.25 / 20, 300)).astype(int)
    held = 0
    for _ in range(200):
        chosen = draw.choice(300, 20, replace=False)
        made = summed(tokens[chosen].tolist(), sizes[chosen].tolist(), int(sizes.sum()), 300)
        held += made.low <= tokens.sum() <= made.high
    assert 0.9 <= held / 200 <= 0.99


def test_reading_everything_leaves_no_error():
    made = summed([10, 20], [100, 150], 250, 2)
    assert (made.tokens, made.low, made.high, made.relative) == (30, 30, 30, 0)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.text(st.characters(codec="ascii", exclude_characters="\n\r"), max_size=30), min_size=1, max_size=20),
    st.integers(1, 50),
    st.booleans(),
)
def test_blocks_hold_every_line_once(tmp_path, lines, block, ended):
    path = tmp_path / "x.txt"
    path.write_text("\n".join(lines) + "\n" * ended + "x")
    units, total = units_of(path, block)
    parts = [read(unit) for unit in units]
    assert "".join(text for _, texts in parts for text in texts) == path.read_text()
    assert sum(size for size, _ in parts) == total == path.stat().st_size


def test_the_total_of_a_corpus_is_within_its_interval(tmp_path):
    draw = np.random.default_rng(2)
    total = 0
    for name in range(3):
        rows = ["word " * int(draw.integers(5, 60)) for _ in range(3000)]
        total += words(rows)
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    *_, made = estimate(tmp_path, words, within=0.004, block_bytes=1 << 13)
    assert made.low <= total <= made.high and made.relative <= 0.004
    assert made.bytes_read < made.total_bytes / 2


def test_the_same_seed_draws_the_same_units(tmp_path):
    (tmp_path / "x.txt").write_text("some words in a line\n" * 5000)
    runs = [list(estimate(tmp_path, words, seed=3, block_bytes=1 << 10)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_what_cannot_be_estimated_is_a_sentence(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"text": "fine"}\n{"body": "x"}\n')
    with pytest.raises(InputError, match="has no text under 'text'"):
        list(estimate(tmp_path, words))
    with pytest.raises(ConfigError, match="must be between 0 and 1"):
        list(estimate(tmp_path, words, within=0))
    with pytest.raises(InputError, match="say nothing about the spread"):
        summed([1], [10], 100, 5)


def test_units_of_other_kinds_are_whole_files(tmp_path):
    (tmp_path / "page.html").write_text("<p>one two</p>")
    assert module.units_of(tmp_path)[0] == [Unit(str(tmp_path / "page.html"), "page.html", 0, -1)]


def test_tokens_are_estimated_from_few_blocks_and_nothing_is_a_sentence(tmp_path):
    for name in range(8):
        (tmp_path / f"{name}.txt").write_text("some words\n" * (name + 1))
    (made,) = estimate(tmp_path, lambda texts: sum(map(len, texts)), most_units=3)
    assert (made.units, made.of_units) == (3, 8)
    with pytest.raises(ConfigError, match="use 2 or more"):
        next(estimate(tmp_path, len, most_units=0))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no text"):
        next(estimate(tmp_path / "empty", len))
