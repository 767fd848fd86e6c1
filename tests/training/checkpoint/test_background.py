import subprocess
import sys
import threading

import pytest
import torch

from groundup.training.checkpoint.background import Background, copied


def test_the_caller_goes_on_while_the_job_runs_and_a_second_job_waits_for_the_first():
    background, go, order = Background(), threading.Event(), []

    def first():
        assert go.wait(10)
        order.append("first")

    background.start(first)
    order.append("caller")
    threading.Timer(0.05, go.set).start()
    background.start(lambda: order.append("second"))
    background.wait()
    assert order == ["caller", "first", "second"]


def test_a_jobs_error_is_told_once_and_not_before_it_ended():
    background, go = Background(), threading.Event()

    def fail():
        assert go.wait(10)
        raise OSError("the disk is gone")

    background.start(fail)
    assert background.error() is None
    go.set()
    background.wait()
    assert str(background.error()) == "the disk is gone"
    assert background.error() is None
    background.start(lambda: None)
    background.wait()
    assert background.error() is None


@pytest.mark.slow
def test_a_process_that_ends_waits_for_the_job(tmp_path):
    code = (
        "import sys, time; from groundup.training.checkpoint.background import Background\n"
        "Background().start(lambda: (time.sleep(0.3), open(sys.argv[1], 'w').write('whole')))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "written")], check=True)
    assert (tmp_path / "written").read_text() == "whole"


def test_a_copy_does_not_follow_its_original_and_its_memory_is_used_again():
    weights = {"a": torch.ones(4, 3).t(), "b": torch.tensor(5), "c": torch.arange(4, dtype=torch.uint8)}
    first = copied(weights, {})
    places = {name: tensor.data_ptr() for name, tensor in first.items()}
    weights["a"].zero_()
    assert first["a"].eq(1).all() and first["a"].is_contiguous() and first["c"].tolist() == [0, 1, 2, 3]
    again = copied(weights, first)
    assert again is first and {name: tensor.data_ptr() for name, tensor in again.items()} == places
    assert again["a"].eq(0).all() and again["b"].item() == 5


def test_a_copy_follows_a_change_of_shape_dtype_and_names():
    kept = copied({"a": torch.ones(3), "gone": torch.ones(2)}, {})
    copied({"a": torch.ones(5, dtype=torch.bfloat16), "new": torch.ones(1)}, kept)
    assert {name: (tuple(one.shape), one.dtype) for name, one in kept.items()} == {
        "a": ((5,), torch.bfloat16),
        "new": ((1,), torch.float32),
    }


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_from_a_gpu_the_copy_is_complete_when_it_is_given():
    weights = {str(number): torch.full((1000, 1000), float(number), device="cuda") for number in range(20)}
    kept = copied(weights, {})
    for tensor in weights.values():
        tensor.zero_()
    assert all(kept[name].eq(float(name)).all() and kept[name].is_pinned() for name in kept)
