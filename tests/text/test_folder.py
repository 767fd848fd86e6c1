"""A model's folder: whole or not there, and every damage named."""

import numpy as np
import pytest

from groundup.errors import FormatError, InputError
from groundup.text import folder


def made(path):
    folder.write(path, {"model_type": "hmm_tagger", "order": 3}, {"w": np.arange(3.0)}, {"tags": ["é", "b"]})
    return path


def test_what_is_written_is_read(tmp_path):
    config, arrays, names = folder.read(made(tmp_path / "m"), "hmm_tagger", ("w",))
    assert config["order"] == 3 and arrays["w"].tolist() == [0, 1, 2] and names == {"tags": ["é", "b"]}
    assert sorted(file.name for file in (tmp_path / "m").iterdir()) == [
        "checksums.json",
        "config.json",
        "model.safetensors",
        "vocab.json",
    ]


def test_another_kind_of_model_is_named(tmp_path):
    with pytest.raises(InputError, match="has model_type 'hmm_tagger', not 'pcfg'; give a folder of that kind"):
        folder.read(made(tmp_path / "m"), "pcfg")


@pytest.mark.parametrize("name", ["vocab.json", "model.safetensors"])
def test_a_file_that_is_gone_or_cut_is_named(tmp_path, name):
    file = made(tmp_path / "m") / name
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(FormatError, match=f"{name} is damaged"):
        folder.read(tmp_path / "m", "hmm_tagger")
    file.unlink()
    with pytest.raises(FormatError, match=f"{name} is missing; make the folder again"):
        folder.read(tmp_path / "m", "hmm_tagger")


def test_an_array_that_is_not_there_or_holds_nan_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"has no bias; train and save"):
        folder.read(made(tmp_path / "m"), "hmm_tagger", ("bias",))
    folder.write(tmp_path / "n", {"model_type": "pcfg"}, {"w": np.array([np.nan])}, {})
    with pytest.raises(FormatError, match="w holds NaN"):
        folder.read(tmp_path / "n", "pcfg", ("w",))
