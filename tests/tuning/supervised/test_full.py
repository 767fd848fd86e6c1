import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from groundup.errors import ConfigError, InputError
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.tuning.config import TuneConfig
from groundup.tuning.supervised.full import Unfreezing, cost, depth_of, freeze, lowest_learning, names_like
from groundup.tuning.supervised.instruction import conversations_to_shards, loader_of

PLAIN = TrainConfig(
    steps=6, batch_size=2, seq_len=32, optimizer="adamw", learning_rate=0.01, weight_decay=0.0, warmup_steps=0
)


def weights(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def moved(before, module):
    return {name for name, parameter in module.named_parameters() if not torch.equal(before[name], parameter)}


@pytest.fixture
def batches(tokenizer, conversations, tmp_path):
    shards = conversations_to_shards(conversations, tokenizer, tmp_path / "shards")
    return loader_of(shards, TuneConfig(seq_len=32, batch_size=2)).batch


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_frozen_weights_keep_their_values_and_all_others_move(tiny, batches, optimizer):
    module = tiny()
    frozen = freeze(module, ["model.embed_tokens", "*norm*"])
    before = weights(module)
    told = {"optimizer": optimizer, "matrix_learning_rate": 0.01} | (
        {"weight_decay": 0.1} if optimizer == "adamw" else {}
    )
    loop.train(
        module,
        batches,
        TrainConfig(
            **{
                **{f: getattr(PLAIN, f) for f in ("steps", "batch_size", "seq_len", "learning_rate", "warmup_steps")},
                **told,
            }
        ),
    )
    assert moved(before, module) == set(before) - set(frozen)
    assert "model.embed_tokens.weight" in frozen and "model.norm.weight" in frozen


def test_training_some_weights_is_torchs_training_of_them(tiny, batches):
    """The oracle is torch's own AdamW over the weights that are left."""
    ours, theirs = tiny(), tiny()
    for module in (ours, theirs):
        freeze(module, ["model.layers.0", "model.embed_tokens"])
    loop.train(
        ours,
        batches,
        TrainConfig(**{f: getattr(PLAIN, f) for f in PLAIN.__slots__} | {"schedule": "constant", "steps": 10}),
    )
    learning = [one for one in theirs.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=0.01, betas=(0.9, 0.95), weight_decay=0.0)
    for step in range(10):
        batch = batches(step)
        blocks = (batch.document_ids[:, :, None] == batch.document_ids[:, None, :]) & torch.ones(32, 32).tril().bool()
        scores = theirs(batch.input_ids, blocks, batch.positions)[batch.loss_mask]
        torch.nn.functional.cross_entropy(scores, batch.targets[batch.loss_mask]).backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        optimizer.zero_grad()
    for (name, mine), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=0, atol=1e-4, msg=name)


@given(some.integers(1, 9), some.integers(1, 40), some.integers(0, 400))
def test_once_a_layer_learns_it_and_all_above_it_go_on(every, layers, step):
    now, next = lowest_learning(step, every, layers), lowest_learning(step + 1, every, layers)
    assert -1 <= next <= now <= layers - 1 and now - next <= 1
    assert lowest_learning(every * layers, every, layers) == -1


def test_layers_join_from_the_top_and_nothing_moves_before_its_turn(tiny, batches):
    module = tiny()
    schedule, before, joined = Unfreezing(module, 2), weights(module), []

    def look(event):
        joined.append(moved(before, module))

    loop.train(module, schedule.batches(batches), PLAIN, listeners=[look])
    first, second, third = joined[1], joined[3], joined[5]
    assert not any(".layers.0." in name or "embed" in name for name in first) and any(
        ".layers.1." in name for name in first
    )
    assert any(".layers.0." in name for name in second) and not any("embed" in name for name in second)
    assert any("embed" in name for name in third)


def test_a_run_that_was_stopped_goes_on_with_the_layers_of_its_step(tiny, batches, tmp_path):
    whole, halves = tiny(), tiny()
    config = TrainConfig(**{f: getattr(PLAIN, f) for f in PLAIN.__slots__} | {"checkpoint_every": 3})
    loop.train(whole, Unfreezing(whole, 2).batches(batches), config)
    stops = iter([False, False, True])
    with pytest.raises(Exception, match="same call goes on"):
        loop.train(
            halves, Unfreezing(halves, 2).batches(batches), config, folder=tmp_path / "run", stop=lambda: next(stops)
        )
    again = tiny()
    loop.train(again, Unfreezing(again, 2).batches(batches), config, folder=tmp_path / "run")
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), again.parameters(), strict=True))


def test_what_never_learns_stays_frozen_through_the_schedule(tiny):
    module = tiny()
    frozen = frozenset(freeze(module, ["*.mlp"]))
    schedule = Unfreezing(module, 1, frozen)
    counts = [schedule.at(step) for step in range(4)]
    assert counts == sorted(counts) and counts[-1] == counts[-2]
    assert not any(parameter.requires_grad for name, parameter in module.named_parameters() if name in frozen)


def test_depth_is_that_of_the_model_and_the_cost_is_that_of_what_learns(tiny):
    module = tiny()
    assert depth_of(module) == module.config.num_hidden_layers
    freeze(module, ["model.layers"])
    learned = sum(one.numel() for one in module.parameters() if one.requires_grad)
    assert cost(module)["learned_parameters"] == learned and cost(module)["training_bytes"] == 12 * learned


def test_a_pattern_is_a_whole_name_or_a_module_and_no_beginning_of_a_word():
    names = ["model.layers.1.mlp.up_proj.weight", "model.layers.10.mlp.up_proj.weight"]
    assert names_like(names, ["model.layers.1"]) == names[:1]
    assert names_like(names, ["model.layers.[0-9].*"]) == names[:1]


def test_wrong_names_and_settings_are_said(tiny):
    with pytest.raises(
        InputError, match=r"freeze: no weight is called 'model.layer.0'; did you mean 'model.layers.0'\?"
    ):
        freeze(tiny(), ["model.layer.0"])
    with pytest.raises(InputError, match="leaves no weight to learn; name fewer"):
        freeze(tiny(), ["*"])
    with pytest.raises(ConfigError, match="freezes the whole model already; leave freeze and unfreeze_every out"):
        TuneConfig(method="lora", freeze=("model.norm",))
    with pytest.raises(ConfigError, match="would shrink layers that do not learn yet; use 0"):
        TuneConfig(unfreeze_every=5, weight_decay=0.1)
    with pytest.raises(ConfigError, match="unfreeze_every=-1 is below 0; use 0"):
        TuneConfig(unfreeze_every=-1)
