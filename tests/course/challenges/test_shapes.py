"""Every tensor of a pass has the shape that its words say, for every family; the quiz says which axis is wrong and why."""

import pytest
import torch

from groundup.course.challenges import shapes
from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.groundup import GroundupConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.qwen3 import Qwen3Config

SIZES = {"vocab_size": 50, "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 4}


def traced(family=Qwen3Config, batch=2, seq=7, **changes):
    config = family(**SIZES | {"num_key_value_heads": 2, "head_dim": 10} | changes)
    module = build(config, seed=1)
    return shapes.trace(module, torch.zeros(batch, seq, dtype=torch.long)), shapes.sizes(config, batch, seq), module


@pytest.mark.parametrize("family", [LlamaConfig, Qwen3Config, GroundupConfig])
@pytest.mark.parametrize(("batch", "seq", "kv_heads"), [(1, 1, 1), (2, 7, 2), (3, 5, 4)])
def test_the_words_of_every_row_are_its_sizes(family, batch, seq, kv_heads):
    rows, known, _ = traced(family, batch, seq, num_key_value_heads=kv_heads)
    assert [tuple(known[word] for word in row.axes) for row in rows] == [row.shape for row in rows]


@pytest.mark.parametrize("family", [LlamaConfig, Qwen3Config, GroundupConfig])
def test_every_submodule_and_every_tensor_of_attention_has_a_row(family):
    rows, _, module = traced(family)
    called = {name for name, part in module.named_modules() if name not in ("", "model", "model.layers")}
    inside = {
        f"model.layers.{i}.self_attn.{name}" for i in range(3) for name in ("query", "key", "value", "scores", "mixed")
    }
    assert called | inside <= {row.path for row in rows}
    assert rows[0].path == "input_ids" and rows[-1].path == "lm_head"


def test_the_model_computes_the_same_afterwards_and_keeps_no_hook():
    _, _, module = traced()
    ids = torch.arange(6)[None]
    before = module(ids)
    shapes.trace(module, ids)
    assert torch.equal(module(ids), before)
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


def test_a_failing_pass_leaves_no_hook_either():
    _, _, module = traced()
    with pytest.raises(IndexError):
        shapes.trace(module, torch.tensor([[10_000]]))
    assert not any(part._forward_hooks for part in module.modules())


def test_bytes_are_those_of_the_number_format():
    rows, _, module = traced()
    module.compute_dtype = torch.bfloat16
    halved = shapes.trace(module, torch.zeros(2, 7, dtype=torch.long))
    sizes = {row.path: row.size_bytes for row in rows if row.role in ("q_proj", "units")}
    assert {row.path: 2 * row.size_bytes for row in halved if row.role in ("q_proj", "units")} == sizes


def test_blocks_of_one_shape_are_shown_once():
    rows, _, _ = traced()
    shown, layers = shapes.folded(rows)
    assert layers == 3 and {row.layer for row in shown} == {None, 0}


def test_the_picture_has_a_box_for_every_row_and_an_arrow_into_each_but_the_first():
    rows, _, _ = traced()
    shown, _ = shapes.folded(rows)
    notes = shapes.picture(rows).layout.annotations
    boxes = [note.text for note in notes if note.text]
    assert len(boxes) == len(shown) and "batch heads seq keys" in " ".join(boxes)
    ends = {(note.x, round(note.y - 0.41, 2)) for note in notes if note.showarrow}
    assert len(ends) == len(shown) - 1


def row_of(role, **changes):
    rows, known, _ = traced(**changes)
    return next(row for row in rows if row.role == role), known


@pytest.mark.parametrize(
    "answer", ["2 2 7 10", "(2, 2, 7, 10)", "2x2x7x10", "batch kv_heads seq head_dim", "[2,kv_heads,7,10]"]
)
def test_a_right_shape_is_right_however_it_is_written(answer):
    row, known = row_of("key")
    assert shapes.judge(row, answer, known).right


@pytest.mark.parametrize(
    ("role", "answer", "reason"),
    [
        ("key", "2 4 7 10", "axis 2 is kv_heads = 2, and 4 is heads"),
        ("key", "2 7 2 10", "their order is not"),
        ("key", "2 7 20", "two of your axes are apart"),
        ("q_proj", "2 7 4 10", "two of your axes are one"),
        ("scores", "2 4 7", "it has 4 axes, not 3"),
        ("lm_head", "2 7 24", "axis 3 is vocab = 50, and 24 is hidden"),
        ("down_proj", "2 7 99", "99 is no size of this model"),
        ("lm_head", "two by two", "is no shape"),
        ("lm_head", "", "is no shape"),
    ],
)
def test_a_wrong_shape_is_answered_with_the_axis_and_the_reason(role, answer, reason):
    row, known = row_of(role)
    judged = shapes.judge(row, answer, known)
    assert not judged.right and reason in judged.sentence


def test_a_word_that_is_no_axis_is_refused():
    with pytest.raises(InputError, match="is no shape"):
        shapes.read_answer("2 7 channels", {"batch": 2})


def test_the_quiz_asks_each_kind_once():
    rows, _, _ = traced(GroundupConfig)
    asked = [row.role for row in shapes.questions(rows)]
    assert len(asked) == len(set(asked)) >= 8 and asked[0] == "embed_tokens" and asked[-1] == "lm_head"
