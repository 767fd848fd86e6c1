import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.training import optimizers


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 24), st.integers(2, 24), st.integers(0, 1000))
def test_orthogonalised_matrices_keep_their_singular_vectors_and_get_values_near_1(rows, columns, seed):
    matrix = torch.randn(1, rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    u, values, vt = torch.linalg.svd(matrix[0], full_matrices=False)
    inside = u.mT @ optimizers.orthogonalize(matrix, torch.float64)[0] @ vt.mT
    diagonal = inside.diagonal()
    assert (inside - torch.diag(diagonal)).abs().max() < 1e-6
    assert ((diagonal > 0.6) & (diagonal < 1.25))[values / values.norm() > 0.02].all()


def test_the_first_muon_step_moves_every_matrix_by_an_orthogonal_one():
    named = {"a": torch.zeros(6, 3), "b": torch.zeros(6, 3)}
    for parameter in named.values():
        parameter.grad = torch.randn(parameter.shape)
    optimizers.Muon(named, learning_rate=0.1).step()
    for parameter in named.values():
        values = torch.linalg.svdvals(parameter) / (0.1 * 2**0.5)  # twice as tall as wide
        assert ((values > 0.6) & (values < 1.25)).all()


def test_matrices_of_one_shape_do_not_mix():
    alone, together = {"a": torch.ones(4, 4)}, {"a": torch.ones(4, 4), "b": torch.ones(4, 4)}
    gradient = torch.randn(4, 4)
    for named in (alone, together):
        named["a"].grad = gradient.clone()
        optimizers.Muon(named, learning_rate=0.1).step()
    torch.testing.assert_close(alone["a"], together["a"])


def test_one_step_equals_torchs_muon_where_both_mean_the_same():
    weight = torch.randn(6, 6)
    named, theirs = {"a": weight.clone()}, weight.clone().requires_grad_()
    named["a"].grad = theirs.grad = torch.randn(6, 6)
    optimizers.Muon(named, learning_rate=0.1, dtype=torch.bfloat16).step()
    torch.optim.Muon([theirs], lr=0.1, weight_decay=0.0, momentum=0.95, nesterov=True).step()
    torch.testing.assert_close(named["a"], theirs.detach(), rtol=0.02, atol=0.004)  # both in bf16, in another order


def test_a_state_taken_back_goes_on_bit_for_bit(problem, run):
    named, gradients = problem()
    named = {"matrix": named["matrix"]}
    whole = {"matrix": named["matrix"].clone()}
    run(optimizers.Muon(whole, learning_rate=0.01), whole, gradients)
    first = optimizers.Muon(named, learning_rate=0.01)
    run(first, named, gradients[:4])
    second = optimizers.Muon(named, learning_rate=0.01)
    second.load({name: tensor.clone() for name, tensor in first.state().items()})
    run(second, named, gradients[4:])
    assert torch.equal(named["matrix"], whole["matrix"])
