import types

import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.errors import ConfigError, InputError
from groundup.training.objectives.causal import causal_loss
from groundup.tuning.efficient.config import PromptConfig
from groundup.tuning.efficient.many import apply
from groundup.tuning.efficient.prompts import PromptPart


@pytest.mark.parametrize("kind", ["prompt", "prefix", "p_tuning"])
def test_a_packed_row_has_the_loss_of_its_documents_one_by_one(make, ids, kind):
    adapted = drawn(apply(make(), PromptConfig(kind=kind, num_virtual_tokens=3)), 2, 0.2)
    cuts = [(0, 4), (4, 11)]
    mark = torch.tensor([[0] * 4 + [1] * 7])
    places = torch.tensor([[*range(4), *range(7)]])
    keep = torch.ones(1, 11, dtype=torch.bool)
    packed = types.SimpleNamespace(
        input_ids=ids[:1], targets=ids[1:2], loss_mask=keep, document_ids=mark, positions=places
    )
    with torch.no_grad():
        whole, count = causal_loss(adapted, packed)
        single = 0.0
        for start, end in cuts:
            one = types.SimpleNamespace(
                input_ids=ids[:1, start:end], targets=ids[1:2, start:end], loss_mask=keep[:, start:end],
                document_ids=mark[:, start:end], positions=torch.arange(end - start)[None],
            )  # fmt: skip
            single += float(causal_loss(adapted, one)[0])
    assert count == 11 and abs(float(whole) - single) < 1e-3


def test_a_prompt_of_a_text_s_own_tokens_is_that_text(make, ids):
    module = make()
    adapted = apply(module, PromptConfig(num_virtual_tokens=4, init_ids=tuple(ids[0, :4].tolist())))
    with torch.no_grad():
        got = adapted(ids[:1, 4:])
        with adapted.disabled():
            torch.testing.assert_close(got, adapted(ids[:1])[:, 4:])


def test_an_id_outside_of_the_vocabulary_is_refused(make):
    with pytest.raises(InputError, match="init_ids holds 90"):
        apply(make(), PromptConfig(init_ids=(90,)))


def test_what_p_tunings_network_begins_with_is_as_large_as_what_goes_in(make):
    config = PromptConfig(kind="p_tuning", num_virtual_tokens=64, encoder_hidden_size=256)
    sizes = [PromptPart(make(), config, torch.Generator().manual_seed(seed)).table() for seed in range(5)]
    assert float(torch.stack(sizes).detach().square().mean()) == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize("kind", ["prefix", "p_tuning"])
def test_tokens_to_begin_with_are_refused_where_none_is_begun_with(kind):
    with pytest.raises(ConfigError, match=f"init_ids is not possible with kind={kind}; use kind=prompt"):
        PromptConfig(kind=kind, init_ids=(1,))
