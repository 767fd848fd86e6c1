"""The formulas are what torch counts; memory and steps grow as the table says. Nothing here looks at a clock's value."""

import math

import pytest
import torch

from groundup.errors import InputError
from groundup.model.attention import complexity, masks, sparse
from groundup.model.attention.complexity import VARIANTS, exponent, inputs, measured

LINEAR = [name for name in VARIANTS if name not in ("full", "strided")]
COUNTED = {name: {} for name in VARIANTS}


def count(name, length, head_dim=32):
    """Each variant is run once for a length, for all tests."""
    if length not in COUNTED[name]:
        given = inputs(length, head_dim)
        COUNTED[name][length] = measured(lambda: VARIANTS[name].run(*given))
    return COUNTED[name][length]


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("length", [256, 512])
def test_operations_and_largest_tensor_are_those_of_the_formula(name, length):
    ours, cost = count(name, length), VARIANTS[name].cost(length, 32)
    assert ours.flops == cost.flops
    assert ours.largest == cost.largest


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_attention_it_looks_at_no_later_token_and_keeps_the_shape(name):
    query, key, value = inputs(256, 16)
    before = VARIANTS[name].run(query, key, value)
    later = [x.clone() for x in (query, key, value)]
    for x in later:
        x[:, :, 200:] += 1
    after = VARIANTS[name].run(*later)
    assert before.shape == value.shape
    ahead = torch.allclose(before[:, :, :200], after[:, :, :200], atol=1e-5)
    assert ahead == (name != "Linformer"), "Linformer mixes the end of the text into every key"


@pytest.mark.parametrize("name", ["local and global", "strided", "linear, in chunks", "Performer", "kNN memory"])
def test_the_formulas_also_hold_where_a_text_is_taken_in_parts(name):
    ours, cost = count(name, 4096), VARIANTS[name].cost(4096, 32)
    assert (ours.flops, ours.largest) == (cost.flops, cost.largest)


def test_full_attention_is_quadratic_in_operations_and_memory():
    lengths = [512, 1024]
    assert exponent(lengths, [count("full", n).flops for n in lengths]) == 2
    assert exponent(lengths, [count("full", n).peak_bytes for n in lengths]) > 1.9


@pytest.mark.parametrize("name", LINEAR)
def test_the_others_are_linear_from_1k_to_16k_by_formula_and_in_what_they_hold(name):
    lengths = [1024, 2048, 4096, 8192, 16384]
    costs = [VARIANTS[name].cost(n, 64) for n in lengths]
    assert exponent(lengths, [cost.flops for cost in costs]) <= 1.15
    run = (512, 1024) if costs[0].steps == 1 else (128, 256)  # a window is to be short beside the text
    assert exponent(run, [count(name, n).peak_bytes for n in run]) <= 1.35


def test_strides_of_the_root_of_n_cost_n_to_the_power_of_one_and_a_half():
    lengths = [4096, 16384, 65536]
    assert exponent(lengths, [VARIANTS["strided"].cost(n, 64).flops for n in lengths]) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("name", VARIANTS)
def test_steps_that_wait_for_one_another_grow_only_in_the_recurrent_forms(name):
    short, long = count(name, 256).steps, count(name, 512).steps
    grows = VARIANTS[name].cost(512, 32).steps / VARIANTS[name].cost(256, 32).steps
    assert grows in (1, 2)
    assert long / short > 1.9 if grows == 2 else long - short <= 20  # strides: one product more for each kind of row


def test_a_chain_of_known_length_is_counted_and_what_runs_side_by_side_is_not():
    x = torch.ones(3)

    def chain():
        y = x
        for _ in range(7):
            y = y + 1
        return y

    assert measured(chain).steps == 7
    assert measured(lambda: [x + number for number in range(7)]).steps == 1
    assert measured(lambda: x.view(1, 3).transpose(0, 1)).steps == 0


def test_memory_that_is_let_go_is_not_counted_twice():
    def work():
        for _ in range(5):
            torch.zeros(1000)

    assert measured(work).peak_bytes == 4000
    assert measured(lambda: [torch.zeros(1000) for _ in range(5)]).peak_bytes == 20_000
    assert measured(lambda: torch.zeros(10, 100)[:5].clone()).largest == 1000


def reached_after(mask):
    """How many layers of this mask it takes until the last token has heard of all."""
    seen, step = mask[0].float(), mask[0].float()
    for layers in range(1, len(step) + 1):
        if (seen[-1] > 0).all():
            return layers
        seen = ((seen @ step) > 0).float()
    return math.inf


def test_layers_until_the_last_token_knows_of_all_others():
    n, window = 1024, complexity.WINDOW
    assert reached_after(masks.causal(n)) == VARIANTS["full"].cost(n, 8).layers == 1
    windowed = (sparse.local(n, n, window) | sparse.global_tokens(n, n, [0])) & masks.causal(n)
    assert reached_after(windowed) == VARIANTS["local and global"].cost(n, 8).layers == 8
    blocks = sparse.strided_pattern(n // 64, 4)
    assert reached_after(blocks) == VARIANTS["strided"].cost(n, 8).layers == 2


def test_the_recurrent_network_is_torchs():
    x, weight_in, weight_hidden = (torch.randn(1, *shape) for shape in ((1, 6, 4), (4, 4), (4, 4)))
    peer = torch.nn.RNN(4, 4, bias=False, batch_first=True)
    with torch.no_grad():
        peer.weight_ih_l0.copy_(weight_in[0])
        peer.weight_hh_l0.copy_(weight_hidden[0])
    assert torch.allclose(complexity.elman(x, weight_in[0], weight_hidden[0])[:, 0], peer(x[:, 0])[0], atol=1e-6)


def test_the_slope_is_numpys_and_what_has_no_slope_is_refused():
    numpy = pytest.importorskip("numpy")
    lengths, costs = [1, 3, 10, 40], [2.0, 9.0, 50.0, 900.0]
    assert exponent(lengths, costs) == pytest.approx(
        numpy.polyfit(numpy.log(lengths), numpy.log(costs), 1)[0], abs=1e-6
    )
    for bad in (([1024], [1.0]), ([1, 2], [1.0]), ([1, 2], [0.0, 1.0])):
        with pytest.raises(InputError, match="give as many of both"):
            exponent(*bad)


def test_the_clock_gives_each_its_own_time():
    spent = complexity.seconds(
        {"a little": lambda: None, "more": lambda: torch.randn(300, 300) @ torch.randn(300, 300)}
    )
    assert 0 <= spent["a little"] < spent["more"]
