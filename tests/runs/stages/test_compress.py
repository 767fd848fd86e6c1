"""The stage `compress`, begun again after it was killed."""

from types import SimpleNamespace

from tests.compression.quantization.test_ptq import qwen

from groundup.compression.compress import Compressed
from groundup.model.formats.huggingface import save_model
from groundup.runs.stages.compress import run


def test_what_a_killed_stage_left_does_not_stop_the_next(tmp_path, monkeypatch):
    """A folder that was there before done.json was refused, so that the run never went on."""
    save_model(tmp_path / "base", qwen())
    made = tmp_path / "stage" / "model"
    made.mkdir(parents=True)
    (made / "half").touch()

    def compressed(source, target, config, texts, told):
        assert not target.exists()
        return Compressed(target, 2, 1, None, None, 0.0)

    monkeypatch.setattr("groundup.compression.compress.compress", compressed)
    context = SimpleNamespace(
        inputs={"model": tmp_path / "base"},
        made=made,
        config=SimpleNamespace(method="round"),
        recipe=SimpleNamespace(seed=1),
        models={},
    )
    assert run(context) == {"bytes_before": 2, "bytes_after": 1, "method": "round"}
