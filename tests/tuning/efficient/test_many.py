import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.tuning.efficient.combining import combine
from groundup.tuning.efficient.config import AdaLoraConfig, BottleneckConfig, IA3Config, LoraConfig, PromptConfig
from groundup.tuning.efficient.many import add, apply, merge
from groundup.tuning.efficient.qlora import quantize

MERGED = [
    LoraConfig(target_modules=("all-linear",)), LoraConfig(use_dora=True), LoraConfig(init_lora_weights="pissa"), AdaLoraConfig(), IA3Config(),
]  # fmt: skip


@pytest.mark.parametrize("config", MERGED, ids=["lora", "dora", "pissa", "adalora", "ia3"])
def test_merged_gives_the_same_logits_as_a_plain_model(make, ids, config):
    adapted = drawn(apply(make(), config), 3, 0.1).eval()
    with torch.no_grad():
        before = adapted(ids)
        merged = merge(adapted)
        torch.testing.assert_close(merged(ids), before, rtol=1e-5, atol=1e-5)
    assert merged.state_dict().keys() == make().state_dict().keys()


def test_a_tied_head_is_untied_before_it_changes(make, ids):
    """Else the embedding changes with it (huggingface/peft#2018)."""
    module = make("tied")
    embedding = module.embedding.weight.clone()
    adapted = drawn(apply(module, LoraConfig(target_modules=("lm_head", "q_proj"))), 3, 0.1)
    with torch.no_grad():
        before = adapted(ids)
        merged = merge(adapted)
        torch.testing.assert_close(merged(ids), before, rtol=1e-5, atol=1e-5)
    assert torch.equal(merged.embedding.weight, embedding) and not merged.config.tie_word_embeddings
    assert not torch.equal(merged.lm_head.weight, embedding)


def test_a_quantised_base_is_whole_again_also_where_no_adapter_stood(make, ids):
    """A model merged from qlora with few targets was saved with the codes of the others, and could not be loaded."""
    module = make()
    quantize(module)
    adapted = drawn(apply(module, LoraConfig(target_modules=("q_proj",))), 3, 0.1)
    with torch.no_grad():
        before = adapted(ids)
        merged = merge(adapted)
        torch.testing.assert_close(merged(ids), before, rtol=1e-5, atol=1e-5)
    assert merged.state_dict().keys() == make().state_dict().keys()


def test_a_bf16_base_is_merged_in_fp32_and_rounded_once(make):
    """A delta added in bf16 is mostly lost (huggingface/peft#1388)."""
    module = make().to(torch.bfloat16)
    adapted = drawn(apply(module, LoraConfig(target_modules=("q_proj",))), 3, 0.02)
    path, place, part = next(adapted.around("default"))
    exact = place.base_layer.weight.float() + part.scaling * part.lora_B @ part.lora_A
    assert torch.equal(merge(adapted).get_submodule(path).weight, exact.to(torch.bfloat16))


def test_adapters_are_switched_added_disabled_and_taken_off(make, ids):
    module = make()
    with torch.no_grad():
        base = module(ids)
        adapted = apply(module, LoraConfig(r=2), "a")
        add(adapted, "b", LoraConfig(r=3, target_modules=("v_proj", "up_proj")))
        drawn(adapted, 3, 0.1).eval()
        of_a, of_b = adapted.activate("a")(ids), adapted.activate("b")(ids)
        both = adapted.activate("a", "b")(ids)
        assert all(not torch.allclose(one, base, atol=1e-3) for one in (of_a, of_b, both))
        with adapted.disabled():
            assert torch.equal(adapted(ids), base)
        assert torch.equal(adapted(ids), both)
        adapted.remove("a")
        torch.testing.assert_close(adapted(ids), of_b)
        adapted.remove("b")
        assert torch.equal(module(ids), base) and not list(adapted.parameters())


def test_only_the_active_adapter_learns(make, ids):
    adapted = apply(make(), LoraConfig(r=2), "a")
    add(adapted, "b", LoraConfig(r=2))
    adapted.activate("b")(ids).square().mean().backward()
    learned = {name.split(".")[1] for name, one in adapted.named_parameters() if one.grad is not None}
    assert learned == {"b"} and all(one.grad is None for one in adapted.base.embedding.parameters())


def test_each_row_has_its_own_adapter(make, ids):
    adapted = apply(make(), LoraConfig(r=2), "a")
    add(adapted, "b", IA3Config())
    drawn(adapted, 3, 0.2).eval()
    with torch.no_grad():
        expected = [adapted.activate(*names)(ids[row : row + 1]) for row, names in enumerate((("b",), (), ("a",)))]
        with adapted.for_rows(["b", None, "a"]):
            torch.testing.assert_close(adapted(ids), torch.cat(expected), rtol=1e-5, atol=1e-5)
            with pytest.raises(InputError, match="3 adapters were named for 2 rows"):
                adapted(ids[:2])
        with pytest.raises(InputError, match="did you mean 'a'"), adapted.for_rows(["aa"]):
            pass


def test_a_weighted_sum_of_adapters_is_one_adapter(make, ids):
    adapted = apply(make(), LoraConfig(r=2), "a")
    add(adapted, "b", LoraConfig(r=3, use_rslora=True))
    drawn(adapted, 3, 0.2)
    combine(adapted, "mix", {"a": 0.25, "b": -2.0})
    sums = {path: 0.25 * one.scaling * one.lora_B @ one.lora_A for path, _, one in adapted.around("a")}
    for path, _, one in adapted.around("b"):
        sums[path] = sums[path] - 2 * one.scaling * one.lora_B @ one.lora_A
    for path, _, one in adapted.around("mix"):
        torch.testing.assert_close(one.scaling * one.lora_B @ one.lora_A, sums[path])


def test_ranks_that_add_up_to_more_than_a_matrix_has_are_no_mistake(make, ids):
    adapted = apply(make(), LoraConfig(r=12), "a")
    add(adapted, "b", LoraConfig(r=12))
    drawn(adapted, 3, 0.2).eval()
    combine(adapted, "mix", {"a": 1.0, "b": 1.0})
    with torch.no_grad():
        torch.testing.assert_close(adapted.activate("mix")(ids), adapted.activate("a", "b")(ids), rtol=1e-4, atol=1e-5)


def test_what_cannot_be_is_refused_in_one_sentence(make, ids):
    with pytest.raises(ConfigError, match="no matrix 'q_porj'; did you mean 'q_proj'"):
        apply(make(), LoraConfig(target_modules=("q_porj",)))
    with pytest.raises(ConfigError, match="r=33 is larger than the matrix"):
        apply(make(), LoraConfig(r=33))
    with pytest.raises(ConfigError, match="init_r=33 triplets .* use at most 32, which is r=21 of a tuning"):
        apply(make(), AdaLoraConfig(init_r=33))
    adapted = apply(make(), LoraConfig(), "a")
    with pytest.raises(InputError, match="choose a name that is free"):
        add(adapted, "a", LoraConfig())
    with pytest.raises(InputError, match="there is no adapter 'b'"):
        adapted.activate("b")
    add(adapted, "c", BottleneckConfig(width=4))
    with pytest.raises(InputError, match="cannot be merged"):
        merge(adapted, "c")
    with pytest.raises(InputError, match="no plain LoRA"):
        combine(adapted, "d", {"a": 1.0, "c": 1.0})
    with pytest.raises(UnsupportedModel, match="before the text"):
        apply(make(), PromptConfig()).hidden(ids, cache=object())
