"""The folder as a table of contents."""

import pytest

from groundup.foundations import linalg


def test_every_name_of_the_table_is_there():
    assert all(callable(getattr(linalg, name)) for name in linalg._EXPORTS)


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(AttributeError, match="has no 'qrr'; it has dot, norm"):
        linalg.qrr  # noqa: B018
