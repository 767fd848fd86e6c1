"""Hidden Markov models: against all ways written out, the textbook's trellis, NLTK, and the theorem of Baum."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.hmm import hmm, scaled
from groundup.classical.hmm.hmm import HMM
from groundup.errors import ConfigError, InputError

# Jurafsky and Martin, Speech and Language Processing, appendix A: how hot it was, from how many ices were eaten (1 to 3)
HOT, COLD = 0, 1
ICE = HMM(
    np.array([0.8, 0.2]),
    np.array([[0.6, 0.4], [0.5, 0.5]]),
    np.array([[0.2, 0.4, 0.4], [0.5, 0.4, 0.1]]),
)
EATEN = [2, 0, 2]  # three ices, one, three


def random_model(seed: int, states: int, symbols: int, zeros: bool = False) -> HMM:
    random = np.random.default_rng(seed)
    rows = [random.dirichlet(np.full(n, 0.7), size) for n, size in ((states, ()), (states, states), (symbols, states))]
    if zeros and states > 1:
        rows[1][0] = np.eye(states)[-1]
    return HMM(*rows)


def ways(model: HMM, symbols: list[int]) -> dict[tuple[int, ...], float]:
    """The probability of each way through the states with these symbols."""
    found = {}
    for states in product(range(len(model.start)), repeat=len(symbols)):
        p = model.start[states[0]]
        for before, after in zip(states, states[1:], strict=False):
            p *= model.transition[before, after]
        for state, symbol in zip(states, symbols, strict=True):
            p *= model.emission[state, symbol]
        found[states] = float(p)
    return found


SMALL = st.tuples(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.booleans(), st.integers(1, 5))


def case(drawn):
    seed, states, symbols, zeros, length = drawn
    seen = np.random.default_rng(seed + 1).integers(symbols, size=length).tolist()
    return random_model(seed, states, symbols, zeros), seen


def test_the_textbooks_trellis_of_three_days():
    start, transition, scores = hmm.chain(ICE, EATEN)
    assert np.exp(hmm.forward(start, transition, scores)[:2]) == pytest.approx(
        np.array([[0.32, 0.02], [0.0404, 0.069]])
    )
    states, best = hmm.best_states(ICE, EATEN[:2])
    assert states == [HOT, COLD] and np.exp(best) == pytest.approx(0.064)
    states, best = hmm.best_states(ICE, EATEN)
    assert states == [HOT, COLD, HOT] and np.exp(best) == pytest.approx(0.0128)


@given(SMALL)
@settings(deadline=None, max_examples=60)
def test_sum_and_maximum_are_those_of_all_ways(drawn):
    model, seen = case(drawn)
    all_ways = ways(model, seen)
    assert np.exp(hmm.log_likelihood(model, seen)) == pytest.approx(sum(all_ways.values()), rel=1e-9, abs=1e-300)
    states, best = hmm.best_states(model, seen)
    assert np.exp(best) == pytest.approx(max(all_ways.values()), rel=1e-9, abs=1e-300)
    assert all_ways[tuple(states)] == pytest.approx(max(all_ways.values()), rel=1e-9, abs=1e-300)


@given(SMALL)
@settings(deadline=None, max_examples=40)
def test_posteriors_are_shares_of_all_ways(drawn):
    model, seen = case(drawn)
    all_ways = ways(model, seen)
    total = sum(all_ways.values())
    if total == 0:
        return
    found = hmm.posteriors(*hmm.chain(model, seen))
    states = np.zeros_like(found.states)
    steps = np.zeros_like(found.steps)
    for way, p in all_ways.items():
        for t, state in enumerate(way):
            states[t, state] += p / total
        for t, pair in enumerate(zip(way, way[1:], strict=False)):
            steps[t][pair] += p / total
    assert np.allclose(found.states, states) and np.allclose(found.steps, steps)
    assert np.allclose(found.states.sum(1), 1)


def test_forward_and_backward_meet_at_every_place():
    model = random_model(3, 4, 5)
    start, transition, scores = hmm.chain(model, [0, 3, 1, 4, 4, 2])
    both = hmm.forward(start, transition, scores) + hmm.backward(transition, scores)
    special = pytest.importorskip("scipy.special")
    assert np.allclose(special.logsumexp(both, axis=1), hmm.log_likelihood(model, [0, 3, 1, 4, 4, 2]))


def test_nltk_finds_the_same_likelihood_and_path():
    tags = pytest.importorskip("nltk.tag.hmm")
    probability = pytest.importorskip("nltk.probability")
    model, words = random_model(8, 3, 4), [3, 0, 1, 1, 2]

    def distribution(row):
        return probability.DictionaryProbDist(dict(enumerate(map(float, row))))

    theirs = tags.HiddenMarkovModelTagger(
        range(4),
        range(3),
        probability.DictionaryConditionalProbDist({i: distribution(row) for i, row in enumerate(model.transition)}),
        probability.DictionaryConditionalProbDist({i: distribution(row) for i, row in enumerate(model.emission)}),
        distribution(model.start),
    )
    assert hmm.log_likelihood(model, words) / np.log(2) == pytest.approx(
        theirs.log_probability([(w, None) for w in words])
    )
    assert hmm.best_states(model, words)[0] == theirs.best_path(words)


def test_a_long_sequence_does_not_vanish():
    model = random_model(1, 3, 50)
    _, seen = hmm.draw(model, 4000)
    likelihood = hmm.log_likelihood(model, seen)
    assert likelihood < -3000 and np.isfinite(likelihood)
    counts = scaled.expected_counts(model, *scaled.flat([seen], 50))
    assert counts.log_likelihood == pytest.approx(likelihood, rel=1e-10)


@given(st.integers(0, 10**6), st.integers(1, 3))
@settings(deadline=None, max_examples=20)
def test_scaled_counts_and_paths_are_the_references(seed, threads):
    random = np.random.default_rng(seed)
    model = random_model(seed, int(random.integers(1, 6)), 5, zeros=bool(seed % 2))
    model = model._replace(emission=(model.emission + 0.02) / 1.1)
    sequences = [random.integers(5, size=random.integers(1, 9)).tolist() for _ in range(random.integers(1, 6))]
    expected = hmm.expected_counts_reference(model, sequences)
    symbols, offsets = scaled.flat(sequences, 5)
    found = scaled.expected_counts(model, symbols, offsets, threads)
    assert all(np.allclose(one, other, atol=1e-12) for one, other in zip(found, expected, strict=True))
    paths = scaled.best_states_of(model, symbols, offsets).tolist()
    assert paths == [state for sequence in sequences for state in hmm.best_states(model, sequence)[0]]


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=20)
def test_no_step_of_baum_and_welch_lowers_the_likelihood(seed):
    random = np.random.default_rng(seed)
    sequences = [random.integers(4, size=random.integers(1, 12)).tolist() for _ in range(6)]
    model, likelihoods = hmm.random_hmm(3, 4, seed), []
    for _ in range(12):
        model, likelihood = hmm.baum_welch_step(model, sequences)
        likelihoods.append(likelihood)
        hmm.check_hmm(model)
    assert all(after >= before - 1e-9 for before, after in zip(likelihoods, likelihoods[1:], strict=False))
    config = scaled.BaumWelchConfig(num_states=3, iterations=11, tolerance=0.0)
    _, fast = scaled.baum_welch(sequences, 4, config, start=hmm.random_hmm(3, 4, seed))
    assert np.allclose(fast, likelihoods[: len(fast)], atol=1e-8)


def test_what_drew_the_sequences_is_found_again():
    true = HMM(np.array([1.0, 0.0]), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.7, 0.3, 0.0], [0.0, 0.2, 0.8]]))
    sequences = [hmm.draw(true, 60, seed)[1] for seed in range(60)]
    model, likelihoods = scaled.baum_welch(sequences, 3, scaled.BaumWelchConfig(num_states=2, iterations=200))
    order = np.argsort(-model.emission[:, 0])
    assert np.allclose(model.emission[order], true.emission, atol=0.05)
    assert np.allclose(model.transition[order][:, order], true.transition, atol=0.05)
    assert likelihoods[-1] >= sum(hmm.log_likelihood(true, one) for one in sequences)


def test_a_filled_slot_is_the_step_that_is_taken(monkeypatch):
    taken = []
    monkeypatch.setattr(scaled, "baum_welch_step", lambda model, _: (taken.append(1) or model, -1.0))
    monkeypatch.setattr(scaled.slots, "filled", lambda id: id == "classical.hmm.baum_welch_step")
    scaled.baum_welch([[0, 1]], 2, scaled.BaumWelchConfig(num_states=2, iterations=3))
    assert taken


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: hmm.best_states(ICE, []), "without a symbol has no states; leave it out"),
        (lambda: hmm.best_states(ICE, [3]), "the model knows 0 to 2"),
        (lambda: hmm.check_hmm(ICE._replace(start=np.array([0.8, 0.3]))), "sums to 1.1, not 1; divide each row"),
        (lambda: hmm.check_hmm(ICE._replace(start=np.array([np.nan, 1]))), "no probability; give finite ones"),
        (lambda: hmm.check_hmm(ICE._replace(start=np.array([1.0]))), r"for S states they are \(S,\)"),
        (lambda: scaled.baum_welch([], 3, scaled.BaumWelchConfig(num_states=2)), "no sequences to learn from"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()


def test_the_row_that_is_wrong_is_the_one_named():
    wrong = ICE._replace(transition=np.array([[0.5, 0.5], [0.9, 0.3]]))
    with pytest.raises(InputError, match=r"a row of transition sums to 1\.2, not 1"):
        hmm.check_hmm(wrong)


def test_an_impossible_sequence_is_named():
    model = ICE._replace(emission=np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]))
    with pytest.raises(InputError, match="smooth the model"):
        hmm.posteriors(*hmm.chain(model, [0, 2]))
    with pytest.raises(InputError, match="sequence 1; smooth"):
        scaled.expected_counts(model, *scaled.flat([[0], [0, 2]], 3), threads=2)


def test_a_configuration_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="num_states=0 is too few"):
        scaled.BaumWelchConfig(num_states=0)
    with pytest.raises(ConfigError, match="seed=-1 is not possible; use 0"):
        scaled.BaumWelchConfig(num_states=2, seed=-1)
