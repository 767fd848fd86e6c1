"""GloVe's loss and gradient beside torch, its fast steps beside the formula, and what its vectors are for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings import glove
from groundup.classical.embeddings.glove import (
    Glove,
    GloveConfig,
    Pairs,
    fit,
    glove_gradient,
    glove_loss,
    train_epoch,
    train_glove,
)
from groundup.classical.embeddings.sparse import from_dense
from groundup.errors import ConfigError, Diverged, InputError


def case(size: int = 6, hidden: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    source = np.random.default_rng(seed)
    counts = source.integers(0, 5, (size, size)) * 0.5
    return counts + counts.T, *source.normal(size=(2, size, hidden)), *source.normal(size=(2, size))


def in_torch(counts, *parts):
    """The loss written pair by pair in torch, and its gradients."""
    import torch

    leaves = [torch.tensor(part, requires_grad=True) for part in parts]
    w, c, b, d = leaves
    loss = sum(
        min(1.0, (x / 4.0) ** 0.75) * (w[i] @ c[j] + b[i] + d[j] - np.log(x)) ** 2 / 2
        for (i, j), x in np.ndenumerate(counts)
        if x > 0
    )
    loss.backward()
    return loss.item(), [leaf.grad.numpy() for leaf in leaves]


@pytest.mark.parametrize("seed", [0, 1])
def test_loss_and_gradient_are_torchs(seed):
    counts, *parts = case(seed=seed)
    loss, gradients = in_torch(counts, *parts)
    assert glove_loss(counts, *parts, x_max=4.0) == pytest.approx(loss, rel=1e-12)
    for ours, theirs in zip(glove_gradient(counts, *parts, x_max=4.0), gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_one_pair_by_hand():
    counts = np.array([[0.0, 16.0], [0.0, 0.0]])
    parts = np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]), np.array([0.5, 0.0]), np.array([0.0, -0.5])
    # 1 * 4 + 0.5 - 0.5 = 4, beside log 16; f(16) = (16 / 81)^0.75 = 8 / 27
    assert glove_loss(counts, *parts, x_max=81.0) == pytest.approx(0.5 * 8 / 27 * (4 - np.log(16)) ** 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 50))
def test_a_fit_that_is_exact_costs_nothing(seed):
    _, words, contexts, b, d = case(seed=seed)
    counts = np.exp(words @ contexts.T + b[:, None] + d)
    assert glove_loss(counts, words, contexts, b, d) < 1e-20
    assert max(np.abs(part).max() for part in glove_gradient(counts, words, contexts, b, d)) < 1e-9


def steps_by_hand(counts, pairs, model, rate):
    """AdaGrad, a pair at a time, from the dense gradient of that pair alone."""
    parts = list(model.parts())
    squares = [np.ones_like(part) for part in parts]
    loss = 0.0
    for i, j in zip(pairs.rows, pairs.columns, strict=True):
        alone = np.zeros_like(counts)
        alone[i, j] = counts[i, j]
        loss += glove_loss(alone, *parts, 4.0)
        for part, square, gradient in zip(parts, squares, glove_gradient(alone, *parts, 4.0), strict=True):
            part -= rate * gradient / np.sqrt(square)
            square += gradient**2
    return loss / len(pairs), parts


def test_the_fast_steps_are_the_formulas():
    counts = case(12)[0]
    model, pairs = Glove.new(12, 5, seed=1), Pairs.of(from_dense(counts), 4.0, 0.75, seed=2)
    loss, expected = steps_by_hand(counts, pairs, model, 0.1)
    assert train_epoch(model, pairs, 0.1) == pytest.approx(loss, rel=1e-4)
    for ours, theirs in zip(model.parts(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_the_loss_reported_is_the_definitions():
    counts = case(12)[0]
    model, pairs = Glove.new(12, 5, seed=1), Pairs.of(from_dense(counts), 4.0, 0.75, seed=2)
    met = train_epoch(model, pairs, 1e-9)
    assert met == pytest.approx(glove_loss(counts, *model.parts(), 4.0) / len(pairs), rel=1e-4)


def test_one_thread_repeats_itself_and_two_come_as_low(monkeypatch):
    monkeypatch.setattr(glove, "BLOCK", 16)
    counts = from_dense(case(40)[0])
    config = GloveConfig(hidden_size=8, epochs=30, x_max=4.0, threads=1, learning_rate=0.1)
    one, losses = fit(counts, config)
    assert (fit(counts, config)[0] == one).all() and losses[-1] < losses[0] / 2
    two = fit(counts, GloveConfig(hidden_size=8, epochs=30, x_max=4.0, threads=2, learning_rate=0.1))[1]
    assert two[-1] == pytest.approx(losses[-1], rel=0.1)


def test_a_learners_gradient_is_used_and_comes_as_low(monkeypatch):
    counts = from_dense(case(20)[0])
    config = GloveConfig(hidden_size=8, epochs=60, x_max=4.0, threads=1)
    losses = fit(counts, config)[1]
    monkeypatch.setattr(glove.slots, "filled", lambda id: True)
    own = fit(counts, config)[1]
    assert len(own) == 1 and own[0] == pytest.approx(losses[-1], rel=0.3)


def test_words_of_one_kind_are_neighbours():
    source = np.random.default_rng(0)
    kinds = [["cat", "dog", "cow", "runs", "barks", "fur"], ["bread", "soup", "rice", "eat", "cook", "salt"]]
    sentences = [source.choice(kinds[i % 2], 7).tolist() for i in range(300)]
    config = GloveConfig(hidden_size=8, min_count=1, epochs=60, x_max=10.0, threads=1, learning_rate=0.1)
    vectors = train_glove(sentences, config)
    assert {word for word, _ in vectors.nearest("cat", 5)} == {"dog", "cow", "runs", "barks", "fur"}
    assert vectors.trained["method"] == "glove" and len(vectors.trained["losses"]) == 60


def test_bad_input_is_said_in_a_sentence():
    with pytest.raises(InputError, match="no words in the corpus"):
        train_glove([])
    with pytest.raises(InputError, match="no two words stand together"):
        train_glove([["one"], ["two"]], GloveConfig(min_count=1))
    with pytest.raises(Diverged, match="learning_rate below"):
        fit(from_dense(case(12)[0]), GloveConfig(hidden_size=4, learning_rate=1e30, epochs=5, threads=1))
    for wrong in ({"x_max": 0}, {"alpha": -1}, {"epochs": 0}, {"learning_rate": float("nan")}, {"weighting": "x"}):
        with pytest.raises(ConfigError):
            GloveConfig(**wrong)
