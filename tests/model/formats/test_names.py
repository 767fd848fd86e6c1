"""The table of names: in both directions, fused, sorted and turned over, written out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import FormatError
from groundup.model.architectures import FAMILIES
from groundup.model.architectures.gpt2 import GPT2Config
from groundup.model.architectures.gpt_neox import GPTNeoXConfig
from groundup.model.formats.names import Names, Rule

LAYER = "model.layers.3.self_attn."


def test_gpt2_keeps_query_key_and_value_in_one_matrix_that_lies_on_its_side():
    rule = GPT2Config.names.matched([LAYER + "k_proj.weight"])[LAYER + "k_proj.weight"]
    assert rule.theirs == "transformer.h.3.attn.c_attn.weight"
    assert rule.ours == tuple(LAYER + f"{part}_proj.weight" for part in "qkv")
    query, key, value = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0]]), torch.tensor([[5.0, 6.0]])
    stored = rule.join([query, key, value], groups=1)
    assert stored.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert rule.stored_shape([(1, 2)] * 3) == (2, 3)
    assert all(torch.equal(a, b) for a, b in zip(rule.split(stored, [1, 1, 1], 1), [query, key, value], strict=True))


def test_a_bias_is_fused_but_not_turned_over():
    rule = GPT2Config.names.matched([LAYER + "k_proj.bias"])[LAYER + "k_proj.bias"]
    assert rule.join([torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([3.0])], 1).tolist() == [1, 2, 3]


def test_gpt_neox_stores_head_by_head():
    """Rows cut into thirds instead of head by head give fluent nonsense."""
    rule = GPTNeoXConfig.names.matched([LAYER + "q_proj.bias"])[LAYER + "q_proj.bias"]
    query, key, value = torch.arange(4), torch.arange(10, 14), torch.arange(20, 24)  # two heads of two
    stored = rule.join([query, key, value], groups=2)
    assert stored.tolist() == [0, 1, 10, 11, 20, 21, 2, 3, 12, 13, 22, 23]
    assert [part.tolist() for part in rule.split(stored, [4, 4, 4], 2)] == [
        query.tolist(),
        key.tolist(),
        value.tolist(),
    ]


@settings(max_examples=40, deadline=None)
@given(some.integers(1, 4), some.integers(1, 3), some.integers(1, 3), some.booleans(), some.booleans(), some.booleans())
def test_what_is_joined_is_taken_apart_again(groups, shared, head_dim, transposed, grouped, matrix):
    rule = Rule("x", ("q", "k", "v"), transposed, grouped)
    rows = [groups * shared * head_dim, groups * head_dim, groups * head_dim]
    parts = [torch.randn(count, 5) if matrix else torch.randn(count) for count in rows]
    stored = rule.join(parts, groups)
    assert tuple(stored.shape) == (rule.stored_shape([tuple(part.shape) for part in parts]) if matrix else (sum(rows),))
    assert all(torch.equal(a, b) for a, b in zip(rule.split(stored, rows, groups), parts, strict=True))


def test_splitting_what_is_stacked_copies_nothing():
    stored = torch.randn(6, 4)
    for part in Rule("x", ("q", "k", "v")).split(stored, [2, 2, 2], 1):
        assert part.untyped_storage().data_ptr() == stored.untyped_storage().data_ptr()


def test_a_file_of_the_bare_model_gets_its_prefix_and_old_buffers_are_left_out():
    bare = {"wte.weight": 1, "h.0.attn.bias": 2, "h.0.attn.c_attn.bias": 3}
    assert GPT2Config.names.whole(bare) == {"transformer.wte.weight": 1, "transformer.h.0.attn.c_attn.bias": 3}
    assert Names().whole({"model.layers.0.self_attn.rotary_emb.inv_freq": 0, "lm_head.weight": 1}) == {
        "lm_head.weight": 1
    }


def test_without_a_table_every_name_is_its_own():
    names = ["model.norm.weight", "model.layers.11.mlp.up_proj.weight", "lm_head.weight"]
    assert {name: (rule.theirs, rule.ours) for name, rule in Names().matched(names).items()} == {
        name: (name, (name,)) for name in names
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_no_table_calls_two_weights_by_one_name(family):
    rules = FAMILIES[family][0].names.rules()
    ours = [name for rule in rules for name in rule.ours]
    assert len(set(ours)) == len(ours) and len({rule.theirs for rule in rules}) == len(rules)
    inside = FAMILIES[family][0].names
    assert inside.transposed | inside.grouped <= inside.inside.keys()


MIXTRAL = FAMILIES["mixtral"][0].names
FILE = "model.layers.2.block_sparse_moe.experts."


def experts(count=3):
    """The matrices of experts as files hold them: w1 (gate) and w3 (up) 4 x 5, w2 (down) 5 x 4."""
    return {
        f"{FILE}{number}.{part}.weight": torch.randn(*shape)
        for number in range(count)
        for part, shape in (("w1", (4, 5)), ("w2", (5, 4)), ("w3", (4, 5)))
    }


def test_experts_are_stacked_gate_above_up_and_taken_apart_again():
    stored = experts(11)  # in the order of their names "10" would stand before "2"
    whole = MIXTRAL.whole(dict(sorted(stored.items())))
    place = "model.layers.2.mlp.experts."
    assert {name: tuple(stack.shape) for name, stack in whole.items()} == {
        place + "gate_up_proj": (11, 8, 5),
        place + "down_proj": (11, 5, 4),
    }
    assert torch.equal(whole[place + "gate_up_proj"][10, :4], stored[FILE + "10.w1.weight"])
    assert torch.equal(whole[place + "gate_up_proj"][2, 4:], stored[FILE + "2.w3.weight"])
    parted = MIXTRAL.parted(whole)
    assert parted.keys() == stored.keys() and all(torch.equal(parted[name], stored[name]) for name in stored)
    assert parted[FILE + "7.w3.weight"].untyped_storage().data_ptr() == whole[place + "gate_up_proj"].data_ptr()


def test_files_that_hold_the_stacks_are_read_as_they_are():
    stacks = {"model.layers.0.mlp.gate.weight": 1, "model.layers.0.mlp.experts.gate_up_proj": 2}
    assert MIXTRAL.whole(stacks) == {
        "model.layers.0.block_sparse_moe.gate.weight": 1,
        "model.layers.0.mlp.experts.gate_up_proj": 2,
    }


def test_an_expert_that_is_missing_or_of_another_shape_is_named():
    stored = experts()
    del stored[FILE + "1.w3.weight"]
    with pytest.raises(FormatError, match=r"the weights lack .*experts\.1\.w3\.weight, .*; copy all files"):
        MIXTRAL.whole(stored)
    with pytest.raises(
        FormatError, match=r"experts\.2\.w2\.weight has shape \(5, 3\) and .*0\.w2.* \(5, 4\); copy all"
    ):
        MIXTRAL.whole(experts() | {FILE + "2.w2.weight": torch.zeros(5, 3)})


def test_blocks_behind_the_last_are_left_out_where_the_table_ends():
    held = {"model.layers.1.mlp.gate.weight": 1, "model.layers.2.eh_proj.weight": 2, "model.norm.weight": 3}
    assert Names(layers=2).whole(held).keys() == {"model.layers.1.mlp.gate.weight", "model.norm.weight"}
    assert Names().whole(held) == held
