"""Cells and layers: torch's networks with the same weights are the oracle; the kernels and the definition agree."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.recurrent import GRU, LSTM, RNN, kernels, scan
from groundup.classical.recurrent.gru import gru_cell
from groundup.classical.recurrent.layers import lengths_of, turn
from groundup.classical.recurrent.lstm import lstm_cell
from groundup.classical.recurrent.rnn import gradient_through_time, rnn_cell
from groundup.classical.recurrent.scan import scan_fast, scan_reference
from groundup.errors import ConfigError, InputError

KINDS = {"rnn": (RNN, torch.nn.RNN), "lstm": (LSTM, torch.nn.LSTM), "gru": (GRU, torch.nn.GRU)}
CELLS = {
    "rnn": (rnn_cell, torch.nn.RNNCell),
    "lstm": (lstm_cell, torch.nn.LSTMCell),
    "gru": (gru_cell, torch.nn.GRUCell),
}


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pair(kind, inputs=5, hidden=7, layers=1, both=False):
    mine, theirs = KINDS[kind]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        one = mine(inputs, hidden, layers, both)
        other = theirs(inputs, hidden, layers, batch_first=True, bidirectional=both)
    other.load_state_dict(one.state_dict())  # names and shapes are the same
    return one, other


def as_states(state):
    return state if isinstance(state, tuple) else (state,)


def gradients(module, outputs, state, inputs):
    loss = (outputs * drawn(*outputs.shape, seed=9)).sum() + sum(
        (one * drawn(*one.shape, seed=8)).sum() for one in state
    )
    return torch.autograd.grad(loss, [inputs, *module.parameters()])


def close(one, other, tolerance=1e-6):
    one, other = one.detach(), other.detach()
    assert (one - other).abs().max() <= tolerance * max(1.0, float(other.abs().max()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_is_torchs_cell(kind):
    cell, peer = CELLS[kind]
    other = peer(4, 6)
    state = tuple(drawn(3, 6, seed=seed) for seed in range(2 if kind == "lstm" else 1))
    mine = as_states(cell(drawn(3, 4), *state, other.weight_ih, other.weight_hh, other.bias_ih, other.bias_hh))
    theirs = as_states(other(drawn(3, 4), state if kind == "lstm" else state[0]))
    for one, two in zip(mine, theirs, strict=True):
        close(one, two)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_layers_in_one_direction_and_both_are_torchs_with_their_gradients(kind, layers, both):
    one, other = pair(kind, layers=layers, both=both)
    begin = tuple(drawn(*state.shape, seed=seed) for seed, state in enumerate(one.begin(4)))
    inputs = drawn(4, 9, 5).requires_grad_()
    mine, after = one(inputs, begin)
    theirs, last = other(inputs, begin if kind == "lstm" else begin[0])
    close(mine, theirs)
    for state, peer in zip(after, as_states(last), strict=True):
        close(state, peer)
    for a, b in zip(
        gradients(one, mine, after, inputs), gradients(other, theirs, as_states(last), inputs), strict=True
    ):
        close(a, b, 2e-6)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_unequal_length_are_torchs_packed_sequences(kind, both):
    one, other = pair(kind, layers=2, both=both)
    lengths = torch.tensor([3, 8, 1, 5])
    mask = torch.arange(8) < lengths[:, None]
    inputs = drawn(4, 8, 5).requires_grad_()
    mine, after = one(inputs, mask=mask)
    pack = torch.nn.utils.rnn.pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    packed, last = other(pack)
    theirs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    close(mine, theirs)
    for state, peer in zip(after, as_states(last), strict=True):
        close(state, peer)
    for a, b in zip(
        gradients(one, mine, after, inputs), gradients(other, theirs, as_states(last), inputs), strict=True
    ):
        close(a, b, 2e-6)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_kernels_are_the_definition_with_texts_that_begin_inside_a_row(kind, cut):
    one, _ = pair(kind, inputs=16, hidden=32)
    state = tuple(drawn(16, 32, seed=seed).requires_grad_() for seed in range(one.cell.states))
    inputs, weights = drawn(6, 16, 16).requires_grad_(), tuple(one.parameters())
    keep = (drawn(6, 16, seed=5) > -0.5).float() if cut else None
    results = []
    for form in (scan_fast, scan_reference):
        states = form(one.cell, inputs, state, weights, keep)
        loss = sum((part * drawn(*part.shape, seed=7)).sum() for part in states)
        results.append([*states, *torch.autograd.grad(loss, [inputs, *state, *weights])])
    for a, b in zip(*results, strict=True):
        close(a, b, 3e-6)


def test_the_definitions_gradient_is_that_of_finite_differences_in_float64():
    for kind in KINDS:
        one = pair(kind, inputs=2, hidden=3)[0].double()
        assert torch.autograd.gradcheck(
            lambda inputs, one=one: one(inputs)[0], drawn(2, 3, 2).double().requires_grad_()
        )


def test_oneDNNs_product_and_plain_linear_give_the_same_steps():
    one, other = pair("gru", inputs=128, hidden=128)  # large enough for the packed weight, where this processor has it
    inputs = drawn(32, 20, 128)
    close(one(inputs)[0], other(inputs)[0], 2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_filled_slot_runs_the_learners_cell_and_no_kernel(kind, monkeypatch):
    one, _ = pair(kind)
    inputs, asked = drawn(2, 4, 5), []
    meant = one(inputs)[0]
    monkeypatch.setattr(scan, "filled", lambda id: asked.append(id) or True)
    for name in ("scan_fast", "torchs_lstm"):
        monkeypatch.setattr(scan, name, None)
    close(one(inputs)[0], meant)
    assert asked == [f"classical.recurrent.{kind}_cell"]


def test_a_filled_gradient_through_time_runs_in_training(monkeypatch):
    one, other = pair("rnn")
    inputs = drawn(2, 6, 5).requires_grad_()
    monkeypatch.setattr(scan, "filled", lambda id: id.endswith("through_time"))
    mine, after = one(inputs)
    theirs, last = other(inputs)
    for a, b in zip(gradients(one, mine, after, inputs), gradients(other, theirs, (last,), inputs), strict=True):
        close(a, b, 2e-6)


@given(st.floats(-30, 30, width=32))
def test_the_kernels_tanh_and_sigmoid_are_right_to_4e_7(x):
    assert abs(kernels.tanh.py_func(np.float32(x)) - np.tanh(np.float64(x))) < 4e-7
    assert abs(kernels.sigmoid.py_func(np.float32(x)) - 1 / (1 + np.exp(-np.float64(x)))) < 4e-7


@pytest.mark.parametrize("kind", KINDS)
def test_nan_comes_out_as_nan(kind):
    one, _ = pair(kind)
    inputs = drawn(1, 3, 5)
    inputs[0, 1, 0] = float("nan")
    read = one(inputs)[0][0]
    assert not read[0].isnan().any() and read[1].isnan().all() and read[2].isnan().all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_read_in_two_parts_with_the_state_handed_on_is_the_text_read_at_once(kind):
    one, _ = pair(kind, layers=2)
    inputs = drawn(2, 10, 5)
    whole, last = one(inputs)
    first, state = one(inputs[:, :4])
    second, end = one(inputs[:, 4:], state)
    close(torch.cat((first, second), 1), whole)
    close(end[0], last[0])


def test_a_text_that_begins_inside_a_row_knows_nothing_of_the_one_before():
    one, _ = pair("lstm")
    inputs, begins = drawn(1, 7, 5), torch.zeros(1, 7, dtype=torch.bool)
    begins[0, 3] = True
    close(one(inputs, begins=begins)[0][:, 3:], one(inputs[:, 3:])[0])


# ───────── by hand ─────────


def test_a_step_of_the_simple_cell_by_hand():
    one = torch.ones(1, 1)
    assert rnn_cell(one, 0.5 * one, 2 * one, -one, torch.tensor([0.25]), torch.tensor([0.25])).item() == pytest.approx(
        np.tanh(2 - 0.5 + 0.5)
    )


def test_an_lstm_with_open_gates_adds_and_with_closed_ones_keeps():
    one, zero, large = torch.ones(1, 1), torch.zeros(4, 1), 100.0
    weight = torch.tensor([[0.0], [0.0], [0.5], [0.0]])
    opened = lstm_cell(one, one, 3 * one, weight, zero, torch.tensor([large, large, 0.0, large]), zero[:, 0])
    assert opened[1].item() == pytest.approx(3 + np.tanh(0.5)) and opened[0].item() == pytest.approx(
        np.tanh(3 + np.tanh(0.5))
    )
    closed = lstm_cell(one, one, 3 * one, weight, zero, torch.tensor([-large, large, 0.0, -large]), zero[:, 0])
    assert closed[1].item() == pytest.approx(3.0) and closed[0].item() == pytest.approx(0.0)


def test_a_gru_with_its_update_gate_at_one_copies_its_state():
    one, zero = torch.ones(1, 1), torch.zeros(3, 1)
    kept = gru_cell(one, 0.7 * one, zero, zero, torch.tensor([0.0, 100.0, 5.0]), zero[:, 0])
    assert kept.item() == pytest.approx(0.7)
    # r = 1/2, z = 1/2: n = tanh(0.2 + 0.5 * 0.4 * 0.7), and the state is the mean of n and 0.7
    weight = torch.tensor([[0.0], [0.0], [0.4]])
    half = gru_cell(one, 0.7 * one, zero, weight, torch.tensor([0.0, 0.0, 0.2]), zero[:, 0])
    assert half.item() == pytest.approx((np.tanh(0.2 + 0.5 * 0.28) + 0.7) / 2)


# ───────── back through time ─────────


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4))
def test_the_gradient_through_time_is_autograds(steps, batch, width):
    weight, added = drawn(width, width, seed=1), drawn(steps, batch, width, seed=2).requires_grad_()
    states, state = [], torch.zeros(batch, width)
    for t in range(steps):
        state = torch.tanh(added[t] + state @ weight.T)
        states.append(state)
    hidden, upstream = torch.stack(states), drawn(steps, batch, width)
    (meant,) = torch.autograd.grad((hidden * upstream).sum(), added)
    close(gradient_through_time(upstream, hidden.detach(), weight), meant)


def test_a_window_cuts_the_gradient_between_it_and_the_one_before():
    upstream, hidden = torch.zeros(6, 1, 1), torch.zeros(6, 1, 1)
    upstream[-1] = 1.0
    weight = torch.full((1, 1), 0.5)
    assert gradient_through_time(upstream, hidden, weight).flatten().tolist() == [0.5**k for k in (5, 4, 3, 2, 1, 0)]
    assert gradient_through_time(upstream, hidden, weight, window=3).flatten().tolist() == [0, 0, 0, 0.25, 0.5, 1]


# ───────── bad input ─────────


@pytest.mark.parametrize("sizes", [(0, 3, 1), (3, 0, 1), (3, 3, 0)])
def test_a_network_without_numbers_is_refused(sizes):
    with pytest.raises(ConfigError, match="use 1 or more"):
        LSTM(*sizes)


def test_input_of_another_width_or_without_tokens_is_refused():
    with pytest.raises(InputError, match=r"not \(batch, seq, 3\)"):
        GRU(3, 4)(drawn(1, 2, 5))
    with pytest.raises(InputError, match="nothing to read"):
        GRU(3, 4)(drawn(1, 0, 3))


def test_padding_before_a_token_and_empty_rows_are_refused():
    for row in ([False, True], [False, False]):
        with pytest.raises(InputError, match="row 1 of the mask"):
            lengths_of(torch.tensor([[True, True], row]))


def test_texts_one_behind_the_other_cannot_be_read_from_both_ends():
    with pytest.raises(InputError, match="a row of its own"):
        RNN(3, 4, bidirectional=True)(drawn(1, 2, 3), begins=torch.ones(1, 2, dtype=torch.bool))


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_turning_a_row_twice_gives_it_back(lengths):
    values = drawn(6, len(lengths), 2)
    twice = turn(turn(values, torch.tensor(lengths)), torch.tensor(lengths))
    assert torch.equal(twice, values)


def test_what_does_not_fit_the_input_is_refused_before_a_kernel_writes():
    network, inputs = GRU(5, 7), torch.randn(2, 4, 5)
    with pytest.raises(InputError, match=r"the state is \(1, 8, 7\), not \(1, 2, 7\); begin with begin\(2\)"):
        network(inputs, (torch.randn(1, 8, 7),))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_still_right_after_other_passes_in_the_same_memory(kind, monkeypatch):
    monkeypatch.setattr(scan, "LIBRARY_BELOW", 0)
    mine, theirs = pair(kind, layers=2)
    inputs = drawn(2, 4, 5)
    loss, wanted = mine(inputs)[0].square().sum(), theirs(inputs)[0].square().sum()
    first = torch.autograd.grad(loss, list(mine.parameters()), retain_graph=True)
    other_outputs, _ = pair(kind, hidden=9)[0](drawn(3, 6, 5))
    other_outputs.sum().backward()
    again = torch.autograd.grad(loss, list(mine.parameters()))
    for one, other, right in zip(first, again, torch.autograd.grad(wanted, list(theirs.parameters())), strict=True):
        torch.testing.assert_close(one, right)
        torch.testing.assert_close(other, right)
