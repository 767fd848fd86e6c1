import math

import pytest
import torch

from groundup import files
from groundup.errors import InputError
from groundup.training.loop import record

SMALL = record.Attempt(
    model=record.SHAPE | {"num_hidden_layers": 3, "intermediate_size": 64, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2},
    train=record.SETTINGS | {"steps": 12, "batch_size": 4},
    seq_len=16,
    dtypes=("float32",),
)  # fmt: skip


def text(count: int = 30_000) -> str:
    """Words of a few letters in an order that a hash draws, and one letter that is rare."""
    words = ["ab", "cde", "fé", "ghij"]
    made, state = [], 1
    while sum(map(len, made)) < count:
        state = (state * 48271) % 2147483647
        made.append(words[state % 4] + " ")
    return "".join(made)[:count]


def test_every_held_out_character_but_the_first_is_predicted_once():
    ids = torch.arange(1000)
    for seq_len in (64, 100, 333, 999):
        seen = torch.cat([batch.targets.flatten() for batch in record.held_out(ids, seq_len, rows=3)])
        assert seen.tolist() == list(range(1, 1000))
        for batch in record.held_out(ids, seq_len):
            assert torch.equal(batch.input_ids + 1, batch.targets)


def test_the_split_is_the_last_tenth_and_nothing_is_in_both():
    learned, measured = record.split(torch.arange(record.FEWEST))
    assert len(measured) == record.FEWEST // 10 and learned[-1] + 1 == measured[0]
    assert int(record.drawn(learned, 64, 500, seed=1, step=3).targets.max()) <= int(learned[-1])


def test_a_batch_is_a_function_of_seed_and_step():
    ids = torch.arange(5000)
    one, again = (record.drawn(ids, 16, 4, seed=2, step=7) for _ in range(2))
    assert torch.equal(one.input_ids, again.input_ids)
    assert not torch.equal(one.input_ids, record.drawn(ids, 16, 4, seed=2, step=8).input_ids)
    assert not torch.equal(one.input_ids, record.drawn(ids, 16, 4, seed=3, step=7).input_ids)


def test_characters_are_numbered_in_order():
    ids, kinds = record.characters("baé\U0001f600a")
    assert ids.tolist() == [1, 0, 2, 3, 0] and kinds == 4


def test_an_attempt_learns_measures_all_and_says_where_it_was():
    outcome = record.attempt(text(), 1.88, seed=1, curve_every=6, settings=SMALL)
    assert outcome.loss < math.log(11) - 0.3  # of eleven characters, by guessing: 2.40
    assert [point[1] for point in outcome.curve][-1] == pytest.approx(outcome.loss, abs=1e-6)
    assert outcome.steps == 12 and outcome.dtype == "float32" and outcome.seconds >= outcome.training_seconds
    again = record.attempt(text(), 1.88, seed=1, settings=SMALL)
    assert again.loss == outcome.loss  # the measurements on the way change nothing


def test_the_target_itself_is_reached_and_a_hair_above_is_not(tmp_path, monkeypatch):
    def ended(loss):
        return record.Outcome(1.88, 1, loss, 2.0, 1.0, 3, 9, "float32", 1)

    assert ended(1.88).reached and ended(1.2).reached and not ended(1.8801).reached
    monkeypatch.setitem(record.ATTEMPTS, 1.88, SMALL)
    (tmp_path / "text.txt").write_text(text(), "utf-8")
    record.main(str(tmp_path / "text.txt"), "1.88", "1", str(tmp_path / "out.json"))
    written = files.read_json(tmp_path / "out.json")
    assert written["ended"] > 0 and written["loss"] < 2.2 and written["reached"] is (written["loss"] <= 1.88)


def test_a_text_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="20,000 or more"):
        record.attempt("too short", 1.88)


def test_the_attempts_fit_their_models():
    for target, way in record.ATTEMPTS.items():
        assert way.model["head_dim"] * way.model["num_attention_heads"] == way.model["hidden_size"], target
