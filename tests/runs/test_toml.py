"""TOML written here is read back by the standard library."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from groundup.runs import toml

plain = st.text() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans()
values = plain | st.lists(plain) | st.dictionaries(st.text(), plain, max_size=3)


@given(st.dictionaries(st.text(), values, max_size=5), st.dictionaries(st.text(), values, max_size=5))
def test_what_is_written_is_read_back(top, table):
    document = {f"a{key}": value for key, value in top.items()} | {"table": table}
    assert tomllib.loads(toml.dump(document)) == document
