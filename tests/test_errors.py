"""Errors say one sentence and carry the exit status."""

import pytest

from groundup import errors


def test_every_mistake_of_the_users_ends_with_status_2_and_ctrl_c_with_130():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GroundupError)]
    assert len(kinds) >= 8
    assert {kind.__name__: kind.exit_status for kind in kinds if kind.exit_status != 2} == {"Interrupted": 130}


def test_a_missing_extra_names_the_package_and_the_line_for_a_checkout():
    error = errors.missing_extra("fastapi", "serve")
    assert isinstance(error, errors.MissingExtra)
    assert str(error).startswith("fastapi is not installed; run: pip install") and "[serve]'" in str(error)


def test_the_line_for_an_installed_package_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "site-packages" / "groundup" / "errors.py"))
    assert errors.pip_line("serve") == "pip install 'groundup[serve]'"


def test_a_checkout_is_installed_from_its_own_folder(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.setattr(errors, "__file__", str(tmp_path / "src" / "groundup" / "errors.py"))
    assert errors.pip_line("serve") == f"pip install -e '{tmp_path}[serve]'"


def test_a_group_of_mistakes_can_be_caught_as_one():
    with pytest.raises(errors.GroundupError):
        raise errors.DiskFull("no space")
