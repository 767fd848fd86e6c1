"""Each row, or each token of texts behind each other, has its own adapter; a thread's rows are its own."""

import copy
import threading

import pytest
import torch

from groundup.errors import InputError
from groundup.tuning.efficient.around import Rows, Switch
from groundup.tuning.efficient.config import IA3Config, LoraConfig
from groundup.tuning.efficient.many import add, apply


@pytest.fixture
def adapted(make):
    """A model with a LoRA, a DoRA and an IA3 of drawn numbers."""
    found = apply(make(), LoraConfig(r=2), "a")
    add(found, "dora", LoraConfig(r=2, use_dora=True, target_modules=("all-linear",)))
    add(found, "ia3", IA3Config())
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in found.adapters.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * 0.2)
    return found.eval().activate()


def of_one_layer(adapted):
    """A place where all three stand, by its path's end."""
    return next(one for path, one, _ in adapted.around("dora") if path.endswith("k_proj"))


@pytest.mark.parametrize(
    "names", [("a", None, "a", "b"), ("a", "dora", None, "ia3"), ("dora", "ia3", "a", "a"), (None,) * 4]
)
def test_tokens_behind_each_other_get_what_their_adapter_gives_a_row_alone(adapted, names):
    if "b" in names:
        add(adapted, "b", LoraConfig(r=3))
        with torch.no_grad():
            adapted.adapters["b"]["model/layers/0/self_attn/k_proj"].lora_B.fill_(0.3)
    place = of_one_layer(adapted)
    x = torch.randn(4, 32)
    with torch.no_grad():
        expected = torch.cat(
            [place._through([] if name is None else [name], x[row : row + 1]) for row, name in enumerate(names)]
        )
        for shaped in (x[None], x[:, None], x):
            adapted.set_rows(names)
            torch.testing.assert_close(place(shaped).reshape(4, -1), expected, rtol=1e-5, atol=1e-6)
        adapted.set_rows(["a"])
        torch.testing.assert_close(place(x), place._through(["a"], x))


def test_the_frozen_matrix_is_read_once_for_adapters_that_add(adapted, monkeypatch):
    add(adapted, "b", LoraConfig(r=3))
    place, read = of_one_layer(adapted), []
    plain = type(place.base_layer).forward
    monkeypatch.setattr(type(place.base_layer), "forward", lambda self, x: read.append(len(x)) or plain(self, x))
    adapted.set_rows(["a", "b", None, "a"])
    place(torch.randn(4, 32))
    assert read == [4]


def test_the_rows_of_one_thread_are_not_those_of_another(adapted, ids):
    """An engine writes under adapters while another thread reads the same model for embeddings."""
    with torch.no_grad():
        base, seen = adapted(ids[:2]), []
        adapted.set_rows(["a", "dora", "ia3"])

        def read():
            with torch.no_grad():
                seen.append(adapted(ids[:2]))

        other = threading.Thread(target=read)
        other.start()
        other.join()
    assert torch.equal(seen[0], base)
    with pytest.raises(InputError, match="3 adapters were named for 2 rows"):
        adapted(ids[:2])


def test_a_copied_switch_speaks_alike_and_has_no_rows():
    switch = Switch()
    switch.active, switch.rows = ("one",), Rows(("one", None))
    made = copy.deepcopy(switch)
    assert made.active == ("one",) and made.rows is None and switch.rows is not None
