"""`groundup train` going on from a model that is there."""

import json

from tests.cli.conftest import TEXT


def test_a_model_that_goes_on_keeps_its_own_tokens(model_folder, tmp_path, call):
    (tmp_path / "more.txt").write_text(TEXT.replace("cat", "zebra") * 4)
    few = [part for key in ("train.steps=1", "train.seq_len=32", "train.batch_size=1") for part in ("--set", key)]
    line = ["train", "--model", model_folder, "--text", tmp_path / "more.txt", *few, "--out", tmp_path / "out"]
    status, _, stderr = call(*line)
    assert status == 0, stderr

    def vocabulary(folder):
        return json.loads((folder / "tokenizer.json").read_text())["model"]

    assert vocabulary(tmp_path / "out" / "model") == vocabulary(model_folder)
    assert not list((tmp_path / "out" / "stages").glob("*tokenizer*"))
