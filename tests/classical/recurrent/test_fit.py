"""One way of training small networks: the numbers of the loop, and what is left behind."""

from types import SimpleNamespace

import pytest
import torch

from groundup.classical.recurrent.fit import fit, numbers

CONFIG = SimpleNamespace(batch_size=4, learning_rate=0.1, seed=3)


@pytest.mark.parametrize(("steps", "most", "warmup"), [(5, 20, 0), (100, 20, 10), (1000, 20, 20), (1000, 200, 100)])
def test_the_rate_rises_over_a_tenth_and_no_longer_than_asked(steps, most, warmup):
    assert numbers(CONFIG, steps, 0, decay_fraction=0.5, most_warmup=most).warmup_steps == warmup


def test_dropout_is_the_seeds_and_the_callers_draws_go_on_as_if_nothing_had_been():
    class Noisy(torch.nn.Linear):
        def forward(self, x):
            return torch.nn.functional.dropout(super().forward(x), 0.5, self.training)

    def trained(before):
        torch.manual_seed(0)
        network = Noisy(3, 3)
        torch.manual_seed(before)
        batch = SimpleNamespace(input_ids=torch.ones(4, 3), loss_mask=torch.ones(4, 3, dtype=torch.bool))
        plan = numbers(CONFIG, 5, 3, decay_fraction=0.5)
        made = fit(network, lambda step: batch, plan, lambda module, one: (module(one.input_ids).square().sum(), 12), "noisy")
        assert not made.training and torch.equal(torch.rand(4), torch.rand(4, generator=torch.Generator().manual_seed(before)))
        return made.weight

    assert torch.equal(trained(1), trained(2))
