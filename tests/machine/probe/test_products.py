"""The peak: of several sides and kernels the fastest, and repeats of that one."""

import pytest
import torch

from groundup.machine.probe import products
from groundup.machine.probe.products import Peak, flops_at, peak, squares, still_grows, torch_kernel, ways


def test_the_fastest_side_and_kernel_are_taken_and_measured_again(monkeypatch):
    speeds = {("torch", 256): 1.0, ("torch", 512): 3.0, ("torch", 1024): 2.0, ("torch", 1536): 2.5,
              ("mine", 256): 2.0, ("mine", 512): 4.0, ("mine", 1024): 5.0, ("mine", 1536): 4.9, ("mine", 2048): 4.8}  # fmt: skip
    asked = []

    def measured(kernel, dtype, side, seconds):
        asked.append((kernel, side))
        return speeds[kernel, side]

    monkeypatch.setattr(products, "flops_at", measured)
    found = peak("float32", {"torch": "torch", "mine": "mine"}, repeats=2)
    assert (found.side, found.kernel, found.repeats) == (1024, "mine", [5.0, 5.0])
    assert found.by_side == {"256": 2.0, "512": 4.0, "1024": 5.0, "1536": 4.9, "2048": 4.8}
    assert ("torch", 2048) not in asked, "two sides without a gain end the search"


def test_a_machine_that_cannot_multiply_a_format_has_no_peak(monkeypatch):
    monkeypatch.setattr(products, "torch_kernel", lambda dtype: None)
    assert peak("int8") is None


def test_each_way_multiplies_as_torch_does():
    for dtype in ("float32", "bfloat16"):
        left, right = squares(dtype, 64)
        for name, kernel in ways(dtype).items():
            torch.testing.assert_close(kernel(left, right), left @ right, msg=lambda said, name=name: f"{name}: {said}")


def test_it_grows_while_one_of_the_last_two_gained():
    assert still_grows([1.0, 2.0, 1.9]) and still_grows([1.0, 1.0, 1.5])
    assert not still_grows([1.0, 1.01, 1.0])


def test_bytes_are_multiplied_without_overflow_where_torch_has_it():
    kernel = torch_kernel("int8")
    if kernel is None:
        pytest.skip("this torch multiplies no bytes")
    left, right = squares("int8", 64)
    assert kernel(left, right).equal(left.int() @ right.int())


def test_the_median_of_the_repeats_is_the_peak():
    assert Peak("float32", 512, "torch", [3.0, 1.0, 2.0]).flops == 2.0


def test_a_real_product_has_a_speed():
    assert flops_at(torch.mm, "float32", 16, 0.0) > 0
