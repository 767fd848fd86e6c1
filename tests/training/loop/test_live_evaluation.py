from dataclasses import replace

import pytest
import torch

from groundup import files
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.loop.live_evaluation import Average, average_, better_weights, copying, validate_every
from groundup.training.objectives.causal import mean_loss

CONFIG = TrainConfig(steps=12, batch_size=4, seq_len=16, checkpoint_every=5, warmup_steps=2, ema_decay=0.9)


def test_the_running_mean_is_torchs_average_with_its_bound():
    """torch.optim.swa_utils has the mean; the bound (1 + t) / (10 + t) on its decay is TensorFlow's."""
    weight = torch.nn.Linear(3, 2, bias=False)
    bounds, ours = [min(0.7, (1 + step) / (10 + step)) for step in range(1, 30)], [weight.weight.detach().clone()]
    rule = iter(bounds)
    theirs = torch.optim.swa_utils.AveragedModel(
        weight,
        multi_avg_fn=lambda means, now, count: torch.optim.swa_utils.get_ema_multi_avg_fn(next(rule))(
            means, now, count
        ),
    )
    theirs.update_parameters(weight)  # the first call copies
    for step in range(1, 30):
        with torch.no_grad():
            weight.weight.normal_()
        average_(ours, [weight.weight.detach()], 0.7, step)
        theirs.update_parameters(weight)
        torch.testing.assert_close(ours[0], theirs.module.weight.detach())


def test_the_mean_of_weights_that_stay_is_the_weights():
    means = [torch.zeros(2)]
    for step in range(1, 200):
        average_(means, [torch.ones(2)], 0.9, step)
    torch.testing.assert_close(means[0], torch.ones(2))
    average_(first := [torch.zeros(1)], [torch.ones(1)], 0.9999, 1)
    assert first[0].item() == pytest.approx(9 / 11), "the beginning is soon forgotten"


def test_the_mean_weights_stand_in_and_go_again_bit_for_bit(tiny):
    module = tiny()
    average, before = Average(module, 0.5), {name: weight.clone() for name, weight in module.named_parameters()}
    ids = torch.arange(8)[None]
    with torch.no_grad():
        first = module(ids)
        for weight in module.parameters():
            weight.mul_(2)
        doubled = module(ids)
        with average.in_place():
            assert torch.equal(module(ids), first)
        assert torch.equal(module(ids), doubled)
        with pytest.raises(ZeroDivisionError), average.in_place():
            raise ZeroDivisionError
    assert all(torch.equal(weight, 2 * before[name]) for name, weight in module.named_parameters())


def test_a_run_with_a_running_mean_has_the_same_weights_as_one_without(tiny, batches):
    plain, averaged = tiny(), tiny()
    assert loop.train(plain, batches, replace(CONFIG, ema_decay=0.0)).average is None
    result = loop.train(averaged, batches, CONFIG)
    assert all(torch.equal(one, other) for one, other in zip(plain.parameters(), averaged.parameters(), strict=True))
    assert result.average.steps == 12


def test_scores_of_weights_and_of_their_mean_stand_side_by_side_in_the_metrics(tiny, batches, tmp_path):
    def scores(module):
        return {"validation": mean_loss(module, [batches(99)])}

    path, module = tmp_path / "metrics.jsonl", tiny()
    result = loop.train(module, batches, CONFIG, listeners=[validate_every(6, 12, scores, path)])
    records = list(loop.metrics(path, "validation", "averaged_validation"))
    assert [record["step"] for record in records] == [6, 12]
    with result.average.in_place():
        assert records[-1]["averaged_validation"] == scores(module)["validation"]
    loop.train(
        tiny(), batches, replace(CONFIG, ema_decay=0.0), listeners=[validate_every(6, 12, scores, tmp_path / "plain")]
    )
    assert all("averaged_validation" not in record for record in files.read_jsonl(tmp_path / "plain"))


def test_the_mean_stands_nearer_to_the_minimum_than_weights_that_noise_throws_about():
    """Steps of rate r on w^2 / 2 with a gradient's noise of 1 leave a variance of r / (2 - r); their running mean has far less of it."""
    torch.manual_seed(0)
    weight, mean, rate = torch.zeros(20_000), [torch.zeros(20_000)], 0.5
    for step in range(1, 301):
        weight = weight - rate * (weight + torch.randn(20_000))
        average_(mean, [weight], 0.95, step)
    assert weight.var() == pytest.approx(rate / (2 - rate), rel=0.05)
    steady, follow = 1 - rate, 0.95  # of an AR(1) process with this memory, averaged with the decay
    share = (1 - follow) / (1 + follow) * (1 + steady * follow) / (1 - steady * follow)
    assert mean[0].var() == pytest.approx(share * rate / (2 - rate), rel=0.05)


class Repeats(torch.nn.Module):
    """Knows a repeated sequence by heart, or guesses."""

    def __init__(self, right):
        super().__init__()
        from types import SimpleNamespace

        self.config, self.right, self.device = SimpleNamespace(vocab_size=50, max_position_embeddings=64), right, "cpu"

    def forward(self, ids):
        ahead = torch.cat([ids[:, 1:], ids[:, :1]], 1) if self.right else torch.zeros_like(ids)
        return torch.nn.functional.one_hot(ahead, 50).float()


def test_copying_is_1_for_a_model_that_repeats_and_chance_for_one_that_guesses(tiny):
    assert copying(Repeats(True)) == 1.0
    assert copying(Repeats(False)) < 0.1
    assert copying(tiny()) < 0.2


@pytest.mark.parametrize(
    "averaged, kept",
    [
        ({"bits_per_byte_a": 1.9, "bits_per_byte_b": 1.01}, "averaged"),
        ({"bits_per_byte_a": 2.0, "bits_per_byte_b": 1.01}, "raw"),
    ],
)
def test_the_weights_of_the_better_last_validation_are_kept(tiny, averaged, kept, capsys):
    """In the first both were best; it is the last that counts. Accuracies and losses on trained texts do not."""
    module = tiny()
    average, own = Average(module, 0.9), module.model.norm.weight.clone()
    with torch.no_grad():
        module.model.norm.weight.mul_(2)
    last = {
        "bits_per_byte_a": 2.0,
        "bits_per_byte_b": 1.0,
        "trained_loss": 1.0,
        "averaged_trained_loss": 0.1 if kept == "raw" else 9.0,
    }
    records = [
        {"step": 1, "loss": 3.0},
        {"step": 2, **last, **{f"averaged_{name}": value for name, value in averaged.items()}},
        {"step": 3, "x": 1},
    ]
    with better_weights(average, records) as which:
        assert which == kept and torch.equal(module.model.norm.weight, own if kept == "averaged" else 2 * own)
    assert torch.equal(module.model.norm.weight, 2 * own)
    assert ("the averaged weights are kept" in capsys.readouterr().err) == (kept == "averaged")


def test_without_a_mean_or_a_validation_the_raw_weights_are_kept(tiny):
    with better_weights(None, [{"averaged_validation": 1.0, "validation": 2.0}]) as which:
        assert which == "raw"
    with better_weights(Average(tiny(), 0.9), [{"step": 1, "loss": 2.0}]) as which:
        assert which == "raw"


def test_scores_that_come_after_the_last_validation_decide_nothing(tiny):
    """A score of the averaged weights, or one that is no number, is no validation."""
    module = tiny()
    validated = {"step": 9, "validation": 2.0, "averaged_validation": 1.0}
    for later in (
        {"step": 10, "copying": 0.5, "averaged_copying": 0.1},
        {"step": 10, "validation": 2.0, "averaged_validation": None},
    ):
        with better_weights(Average(module, 0.9), [validated, later]) as which:
            assert which == "averaged"


def test_the_loop_gives_its_listeners_by_name():
    from groundup.training import loop

    assert all(callable(getattr(loop, name)) for name in loop._EXPORTS)
