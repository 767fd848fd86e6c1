"""Every broken run is diagnosed from its measurements, whatever its seed; a healthy one is said to be healthy."""

import dataclasses
import json
import math

import pytest
import torch

from groundup.course.challenges import broken, evidence, instability
from groundup.course.challenges.evidence import score_spread, stable_rate, target_shifts
from groundup.errors import InputError
from groundup.model.attention import multi_head


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))])
@pytest.mark.parametrize("cause", list(broken.RUNS))
def test_the_cause_of_a_run_is_found_from_what_was_measured(cause, seed):
    setup = dataclasses.replace(broken.RUNS[cause](seed), name="a run")
    found = instability.examine(setup)
    assert found.cause == cause and found.healthy == (cause == "healthy"), found.sentence
    assert found.sentence.startswith(instability.ABOUT[cause])


def test_another_model_of_other_sizes_is_healthy_too():
    from groundup.model.architectures import build
    from groundup.model.architectures.groundup import GroundupConfig

    config = GroundupConfig(**broken.SIZES | {"num_hidden_layers": 3, "num_attention_heads": 4, "hidden_size": 48})
    setup = dataclasses.replace(broken.healthy(4), build=lambda: build(config, seed=4))
    setup = dataclasses.replace(setup, config=dataclasses.replace(setup.config, optimizer="muon"))
    assert instability.examine(setup).healthy


@pytest.fixture(scope="module")
def healthy():
    return evidence.measure(broken.healthy(1))


def test_a_run_that_stops_at_a_number_that_is_none_is_no_healthy_one(healthy):
    ill = dataclasses.replace(healthy, stopped="the loss of step 9 is nan")
    assert instability.diagnose(ill).cause == "unclear"
    assert instability.diagnose(dataclasses.replace(ill, learning_rate=1.0)).cause == "rate_too_high"


def test_a_high_rate_that_does_no_harm_is_not_blamed(healthy):
    assert instability.diagnose(dataclasses.replace(healthy, learning_rate=1.0)).healthy


def test_the_advised_rate_makes_the_broken_run_healthy():
    ill = broken.rate_too_high(2)
    stable = instability.examine(ill).evidence.range_test.stable
    config = dataclasses.replace(ill.config, learning_rate=stable / 2, warmup_steps=5)
    assert instability.examine(dataclasses.replace(ill, config=config)).healthy


def test_the_same_run_is_measured_the_same_twice(healthy):
    assert evidence.measure(broken.healthy(1)) == healthy


def test_measuring_leaves_the_module_as_it_was():
    module = broken.healthy(1).build()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    evidence.layer_statistics(module, broken.walk(1, 0))
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert multi_head.attend is evidence._original_attend


def test_the_gradient_norms_of_the_blocks_are_those_of_a_pass():
    from groundup.training.objectives.causal import causal_loss

    setup = broken.large_initialization(1)
    module, batch = setup.build(), setup.batches(0)
    loss, count = causal_loss(module, batch)
    (loss / count).backward()
    norms = [torch.cat([p.grad.flatten() for p in block.parameters()]).norm().item() for block in module.model.layers]
    measured = evidence.layer_statistics(setup.build(), batch)
    assert [layer.gradient_norm for layer in measured] == pytest.approx(norms, rel=1e-4)


@pytest.mark.parametrize(("keys", "head_dim"), [(5, 8), (8, 8), (11, 4), (12, 4)])
def test_attention_tells_its_own_weights(keys, head_dim):
    draw = torch.Generator().manual_seed(keys)
    query, key, value = (torch.randn(2, heads, keys, head_dim, generator=draw) for heads in (4, 2, 2))
    weights = evidence.attention_weights(query, key, value, None, causal=True)
    scores = query @ key.repeat_interleave(2, 1).mT / head_dim**0.5
    hidden = torch.ones(keys, keys, dtype=torch.bool).triu(1)
    torch.testing.assert_close(weights, scores.masked_fill(hidden, -math.inf).softmax(-1))


def test_the_spread_is_that_of_the_scores_behind_the_weights():
    scores = torch.randn(2, 3, 4, 20, generator=torch.Generator().manual_seed(0)) * 2
    exact = scores.std(-1, correction=0).median()
    assert score_spread(scores.softmax(-1)) == pytest.approx(float(exact), rel=1e-4)
    hidden = torch.cat((scores, torch.full((2, 3, 4, 9), -math.inf)), dim=-1)
    assert score_spread(hidden.softmax(-1)) == pytest.approx(float(exact), rel=1e-4)


def test_shifts_tell_where_a_target_stands():
    batch = broken.rows_of(torch.arange(12).reshape(1, 12))
    assert target_shifts(batch) == {-1: 0.0, 0: 0.0, 1: 1.0, 2: 0.0}


def test_a_loss_that_is_no_number_ends_the_stable_rates():
    assert stable_rate([1.0, 2.0, 3.0], [3.0, 1.0, math.nan]) == 2.0


def test_the_diagnosis_is_json_and_has_pictures():
    found = instability.examine(broken.rate_too_high(1))
    told = json.loads(json.dumps(instability.as_json(found)))
    assert told["cause"] == "rate_too_high" and len(told["evidence"]["layers"]) == 2
    pictures = instability.pictures(found)
    stable = next(line for line in pictures[1].data if line.name.startswith("largest stable"))
    assert len(pictures) == 4 and set(stable.x) == {found.evidence.range_test.stable}


def test_a_run_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="there are healthy, "):
        broken.find("gremlins")
    with pytest.raises(InputError, match="holds no run with a stage train"), instability.opened(str(tmp_path)):
        pass
