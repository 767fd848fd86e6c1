"""The small GPT: the same model in torch has the same loss, gradients and steps; it learns a text by heart."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import ConfigError, InputError
from groundup.foundations.autograd import gpt

TEXT = "the cat sat on the mat. the dog sat on the log. " * 4
SIZES = {"n_positions": 8, "n_embd": 16, "n_layer": 2, "n_head": 2}


def torchs_loss(p, ids, config):
    """The same model in torch's own functions."""
    width = config.n_embd
    x = p["wte"][ids[:, :-1]] + p["wpe"][: ids.shape[1] - 1]
    norm = lambda name, x: functional.layer_norm(x, (width,), p[name], p[f"{name}.bias"])  # noqa: E731
    linear = lambda name, x: functional.linear(x, p[name].T, p[f"{name}.bias"])  # noqa: E731
    for layer in range(config.n_layer):
        parts = linear(f"h{layer}.attn.in", norm(f"h{layer}.ln1", x)).split(width, dim=-1)
        heads = [one.unflatten(-1, (config.n_head, -1)).transpose(1, 2) for one in parts]
        mixed = functional.scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)
        x = x + linear(f"h{layer}.attn.out", mixed)
        hidden = linear(f"h{layer}.mlp.in", norm(f"h{layer}.ln2", x))
        x = x + linear(f"h{layer}.mlp.out", functional.gelu(hidden, approximate="tanh"))
    scores = norm("ln_f", x) @ p["wte"].T
    return functional.cross_entropy(scores.flatten(0, 1), ids[:, 1:].flatten())


def in_torch(parameters):
    return {name: torch.tensor(one.data, requires_grad=True) for name, one in parameters.items()}


def test_ten_steps_of_adam_have_torchs_losses_gradients_and_weights():
    characters, ids = gpt.read(TEXT)
    config = gpt.GPTConfig(vocab_size=len(characters), **SIZES)
    parameters = gpt.make_parameters(config)
    theirs = in_torch(parameters)
    ours, other = gpt.Adam(learning_rate=1e-2), torch.optim.Adam(theirs.values(), lr=1e-2, betas=(0.9, 0.99))
    random = np.random.default_rng(0)
    for _ in range(10):
        batch = gpt.batches(ids, config, 4, random)
        gpt.no_gradients(list(parameters.values()))
        loss = gpt.loss(parameters, batch, config)
        loss.backward()
        other.zero_grad()
        expected = torchs_loss(theirs, torch.tensor(batch), config)
        expected.backward()
        assert loss.item() == pytest.approx(
            expected.item(), rel=1e-8
        )  # Adam's root enlarges rounding of tiny gradients
        for name, one in parameters.items():
            np.testing.assert_allclose(one.grad, theirs[name].grad.numpy(), rtol=1e-5, atol=1e-9, err_msg=name)
        ours.step(parameters)
        other.step()


def test_it_learns_a_text_by_heart_and_continues_it():
    heard = []
    trained = gpt.train(TEXT, steps=120, listen=lambda step, loss: heard.append((step, loss)), **SIZES)
    untrained = np.log(len(trained.characters))
    assert trained.losses[0] == pytest.approx(untrained, rel=0.02)
    assert trained.losses[-1] < 0.6 and heard[-1] == (119, trained.losses[-1])
    assert trained.continue_text("the c", 16).startswith("the cat sat on the")


def test_a_position_sees_nothing_that_comes_after_it():
    config = gpt.GPTConfig(vocab_size=5, **SIZES)
    parameters = gpt.make_parameters(config, seed=1)
    ids = np.array([[0, 1, 2, 3]])
    changed = np.array([[0, 1, 4, 0]])
    before, after = (gpt.scores(parameters, one, config).data for one in (ids, changed))
    np.testing.assert_allclose(before[:, :2], after[:, :2], rtol=1e-12)
    assert not np.allclose(before[:, 2], after[:, 2])


def test_training_is_the_same_twice_and_drawing_follows_the_seed():
    one, other = (gpt.train(TEXT, steps=5, **SIZES) for _ in range(2))
    assert one.losses == other.losses
    assert one.continue_text("the", 9, seed=1) == other.continue_text("the", 9, seed=1)
    assert one.continue_text("the", 30, seed=1) != one.continue_text("the", 30, seed=2)


@pytest.mark.parametrize(
    ("work", "way_out"),
    [
        (lambda: gpt.train("", steps=1), "a few sentences"),
        (lambda: gpt.train("abc", steps=1), "lower n_positions"),
        (lambda: gpt.train(TEXT, steps=0, **SIZES).continue_text("XYZ", 3), "begin with one of them"),
        (lambda: gpt.scores({}, np.zeros((1, 99), int), gpt.GPTConfig(vocab_size=3)), "1 to 16 positions"),
        (lambda: gpt.scores({}, np.full((1, 3), 9), gpt.GPTConfig(vocab_size=3)), "from 0 to 2"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(work, way_out):
    with pytest.raises(InputError, match=way_out):
        work()


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="use a divisor"):
        gpt.GPTConfig(vocab_size=3, n_embd=10, n_head=3)
    with pytest.raises(ConfigError, match="raise the one"):
        gpt.GPTConfig(vocab_size=0)
