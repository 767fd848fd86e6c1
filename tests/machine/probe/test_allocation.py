import torch

from groundup.machine.probe.allocation import peak_bytes


def test_the_peak_is_of_what_is_held_at_one_time():
    def one_after_another():
        for _ in range(3):
            torch.empty(1000, dtype=torch.float32)

    def side_by_side():
        return [torch.empty(1000, dtype=torch.float32) for _ in range(3)]

    assert 4000 <= peak_bytes(one_after_another) < 4200  # blocks are rounded up to 64 bytes
    assert 12000 <= peak_bytes(side_by_side) < 12400


def test_what_was_held_before_does_not_count():
    before = torch.empty(1_000_000)
    assert peak_bytes(lambda: torch.empty(10)) < 1000
    assert before.numel() == 1_000_000
