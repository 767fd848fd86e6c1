"""The parts are accounting's, their sum meets the measured peak, and the advice is what it says."""

import dataclasses
import sys

import pytest

from groundup.course.challenges import memory
from groundup.course.challenges.memory import Shape
from groundup.errors import ConfigError, InputError
from groundup.model.accounting import Training, count, kept
from groundup.model.accounting import memory as counted
from groundup.model.architectures import FAMILIES
from groundup.runs import recipe
from groundup.training.config import TrainConfig


def shape_of(family="llama", dtype="float32", train=None, **changes) -> Shape:
    sizes = {
        "vocab_size": 300, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
    }  # fmt: skip
    return Shape(
        model=FAMILIES[family][0](**sizes | changes), train=train or TrainConfig(batch_size=4, seq_len=32), dtype=dtype
    )


@pytest.mark.parametrize("family", memory.KNOWN)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_parts_are_those_of_accounting_and_what_is_held_besides(family, dtype):
    shape = shape_of(family, dtype)
    use = Training(batch=4, seq_len=32, optimizer="muon", dtype=dtype)
    found, truth = memory.moments(shape), counted(shape.model, use)
    for moment, parts in found.items():
        besides = parts.pop("held besides")
        assert parts == truth.moments[moment]
        come = sum(parts.get(name, 0) for name in ("gradients", "activations", "working space"))
        assert besides == pytest.approx(come / 4 + (26e6 if dtype == "bfloat16" else 0), abs=1)
    assert memory.study(shape, 10**12).activations == kept(shape.model, use)


def test_the_answers_memory_is_weights_and_a_full_cache():
    shape = shape_of("qwen3", max_position_embeddings=100)
    found = memory.study(shape, 10**12, program=7)
    assert found.cache_bytes == 100 * 2 * 2 * 2 * 16 * 4  # tokens, blocks, key and value, heads, numbers, bytes
    assert found.inference_bytes == found.cache_bytes + count(shape.model).weight_bytes() + 7


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process can be put back only on Linux")
@pytest.mark.parametrize(
    "shape",
    [
        shape_of("qwen3", vocab_size=3072, hidden_size=128, intermediate_size=352, num_hidden_layers=4, head_dim=32,
                 tie_word_embeddings=True, train=TrainConfig(batch_size=16, seq_len=256)),
        shape_of("llama", vocab_size=4096, hidden_size=512, intermediate_size=1408, num_hidden_layers=6, head_dim=64,
                 num_attention_heads=8, num_key_value_heads=8, train=TrainConfig(batch_size=2, seq_len=64, optimizer="adamw")),
    ],
    ids=["activations", "weights"],
)  # fmt: skip
def test_the_total_is_within_15_percent_of_the_peak_of_a_real_process(shape):
    assert memory.total_bytes(shape) == pytest.approx(memory.measured_bytes(shape), rel=0.15)


def test_what_fits_is_said_to_fit_and_gets_no_advice():
    shape = shape_of()
    found = memory.study(shape, memory.total_bytes(shape))
    assert found.fits and not found.changes and found.sentence.startswith("it fits")
    assert sum(found.parts.values()) == found.total_bytes == memory.total_bytes(shape)


def applied(shape: Shape, change: memory.Change) -> Shape:
    """A shape after `--set` of a change's settings."""
    for setting in change.settings:
        name, _, value = setting.partition("=")
        table, _, key = name.partition(".")
        if table == "machine":
            shape = dataclasses.replace(shape, dtype=value)
            continue
        old = getattr(shape, table)
        value = type(getattr(old, key))(value)
        shape = dataclasses.replace(shape, **{table: dataclasses.replace(old, **{key: value})})
    return shape


@pytest.mark.parametrize("share", [0.9, 0.6, 0.4, 0.2, 0.1])
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_each_change_has_the_total_that_its_settings_give(share, optimizer):
    shape = shape_of(num_hidden_layers=4, train=TrainConfig(batch_size=8, seq_len=128, optimizer=optimizer))
    available = round(share * memory.total_bytes(shape))
    found = memory.study(shape, available, program=0)
    assert found.changes and not found.fits and found.sentence.startswith("it does not fit")
    for change in found.changes:
        total = memory.total_bytes(applied(shape, change))
        assert change.total_bytes == total < memory.total_bytes(shape)
        assert change.fits == (total <= available)


def test_the_change_that_alters_the_result_least_comes_first_and_keeps_the_tokens_of_a_step():
    shape = shape_of(train=TrainConfig(batch_size=8, seq_len=128))
    found = memory.study(shape, round(0.8 * memory.total_bytes(shape)))
    first = found.changes[0]
    after = applied(shape, first).train
    assert first.name.startswith("smaller batch") and after.tokens_per_step == shape.train.tokens_per_step
    assert "train.batch_size" in found.sentence


def test_changes_are_put_together_where_none_alone_is_enough():
    shape = shape_of(num_hidden_layers=8, train=TrainConfig(batch_size=8, seq_len=128))
    alone = min(change.total_bytes for change in memory.changes(shape, 1) if " + " not in change.name)
    last = list(memory.changes(shape, round(0.9 * alone)))[-1]
    assert " + " in last.name and last.fits


def test_the_largest_part_is_named():
    wide = shape_of(vocab_size=50_000, train=TrainConfig(batch_size=1, seq_len=32, optimizer="adamw"))
    long = shape_of(train=TrainConfig(batch_size=64, seq_len=256))
    assert memory.study(wide, 10).largest == "optimiser state"
    assert (
        memory.study(long, 10).largest == "activations" and "most of it activations" in memory.study(long, 10).sentence
    )


def test_a_recipe_gives_its_shape_and_one_that_trains_nothing_is_refused(tmp_path):
    shape = memory.of_recipe(recipe.load("demo", ["train.batch_size=4", "machine.dtype=bfloat16"]))
    assert shape.train.batch_size == 4 and shape.dtype == "bfloat16" and shape.model.model_type == "qwen3"
    (tmp_path / "r.toml").write_text('name = "r"\nstages = ["data"]\n')
    with pytest.raises(InputError, match="trains no model"):
        memory.of_recipe(recipe.load(tmp_path / "r.toml"))


@pytest.mark.parametrize("text", ["", "much", "-1GB", "4 parsecs", "nan", "0"])
def test_an_amount_that_is_none_is_one_sentence(text):
    with pytest.raises(ConfigError, match="write for example 4GB"):
        memory.parse_bytes(text)


def test_this_machine_has_memory():
    assert memory.resources.available_bytes() > memory.program_bytes() > 10_000_000


def test_the_picture_stacks_the_parts_and_shows_what_there_is():
    shape = shape_of()
    figure = memory.picture(memory.study(shape, 1000))
    assert {bar.name for bar in figure.data} >= {"weights", "activations", "after the change"}
    assert any("there are" in (note.text or "") for note in figure.layout.annotations)
