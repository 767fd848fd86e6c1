"""Errors say one sentence and carry the exit status."""

import pytest

from groundup import errors


def test_every_mistake_of_the_users_ends_with_status_2_and_ctrl_c_with_130():
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GroundupError)
    ]
    assert len(kinds) >= 8
    assert {kind.__name__: kind.exit_status for kind in kinds if kind.exit_status != 2} == {"Interrupted": 130}


def test_a_missing_extra_names_the_package_and_the_exact_line():
    error = errors.missing_extra("fastapi", "serve")
    assert isinstance(error, errors.MissingExtra)
    assert str(error) == "fastapi is not installed; run: pip install 'groundup[serve]'"


def test_a_group_of_mistakes_can_be_caught_as_one():
    with pytest.raises(errors.GroundupError):
        raise errors.DiskFull("no space")
