import pytest
import torch

from groundup.training.optimizers.adafactor import Adafactor, mean_square


def test_fifty_steps_give_torchs_numbers(beside_torch):
    beside_torch(
        lambda named: Adafactor(named, learning_rate=0.05, weight_decay=0.2),
        lambda groups: torch.optim.Adafactor(groups, lr=0.05, foreach=False),
        0.2,
    )


def test_another_clip_gives_torchs_numbers_too(beside_torch):
    beside_torch(
        lambda named: Adafactor(named, learning_rate=0.3, clip=1.2),
        lambda groups: torch.optim.Adafactor(groups, lr=0.3, d=1.2, foreach=False),
    )


def test_squares_that_are_a_product_of_rows_and_columns_are_kept_exactly():
    root = torch.tensor([[1.0], [2.0], [0.5]]) @ torch.tensor([[3.0, 1.0]])
    rows, columns = torch.zeros(3, 1), torch.zeros(1, 2)
    torch.testing.assert_close(mean_square(root, [rows, columns], 1), root.square())


def test_the_sums_of_rows_and_columns_are_kept_whatever_the_squares():
    gradient = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    whole = mean_square(gradient, [torch.zeros(5, 1), torch.zeros(1, 4)], 1)
    for axis in (0, 1):
        torch.testing.assert_close(whole.sum(axis), gradient.square().sum(axis))


def test_a_stack_of_matrices_is_factored_matrix_by_matrix():
    """The experts of a mixture are one tensor (experts, rows, columns)."""
    stack = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))
    kept = [torch.zeros(3, 5, 1), torch.zeros(3, 1, 4)]
    together = mean_square(stack, kept, 1)
    for index, one in enumerate(stack):
        torch.testing.assert_close(together[index], mean_square(one, [torch.zeros(5, 1), torch.zeros(1, 4)], 1))


def test_a_matrix_keeps_its_rows_and_columns_only():
    kept = Adafactor({"w": torch.ones(300, 200), "gain": torch.ones(7)}, learning_rate=0.01).state()
    assert {name: tuple(value.shape) for name, value in kept.items()} == {
        "w.row_var": (300, 1),
        "w.col_var": (1, 200),
        "gain.variance": (7,),
        "adafactor.steps": (),
    }


def test_no_gradient_at_all_leaves_the_weights_as_they_are():
    weight = torch.ones(3, 2)
    Adafactor({"w": weight}, learning_rate=0.01).step()
    assert weight.eq(1).all()


def test_a_step_is_a_share_of_the_weights_size():
    small, large = ({"w": torch.full((4, 4), size)} for size in (0.1, 10.0))
    for named in (small, large):
        before = named["w"].clone()
        named["w"].grad = torch.ones(4, 4)
        Adafactor(named, learning_rate=0.01).step()
        assert float((before - named["w"]).mean() / before.mean()) == pytest.approx(0.01, rel=1e-3)


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: Adafactor(named, learning_rate=0.01))
