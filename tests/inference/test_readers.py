"""A folder that another room made is read by what that room gave; without it, a sentence says how."""

import pytest

from groundup.errors import InputError
from groundup.inference import readers
from groundup.inference.readers import ADAPTER, reader_of


def test_a_models_own_folder_needs_no_reader(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "READERS", {ADAPTER: "theirs"})
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / ADAPTER).write_text("{}")
    assert reader_of(tmp_path) is None


def test_a_folder_is_read_by_who_knows_its_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "READERS", {})
    assert reader_of(tmp_path) is None  # what stands there is then named by who reads models
    (tmp_path / ADAPTER).write_text("{}")
    with pytest.raises(InputError, match="is an adapter's folder and no model's; load it with groundup.load"):
        reader_of(tmp_path)
    monkeypatch.setitem(readers.READERS, ADAPTER, "theirs")
    assert reader_of(tmp_path) == "theirs"
