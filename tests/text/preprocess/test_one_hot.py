"""One-hot rows and vocabularies."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.preprocess.one_hot import (
    Vocabulary,
    build_vocabulary,
    cost,
    count_tokens,
    escape,
    look_up,
    one_hot,
    unescape,
)


@given(st.lists(st.integers(0, 30), max_size=20))
def test_one_hot_rows_times_a_table_are_its_rows(ids):
    table = np.random.default_rng(1).standard_normal((31, 5)).astype(np.float32)
    assert np.array_equal(one_hot(ids, 31) @ table, look_up(ids, table)), "exactly: one product is not zero"
    assert one_hot(ids, 31).sum() == len(ids) and one_hot(ids, 31).dtype == np.float32


def test_one_hot_rows_are_as_torch_makes_them():
    torch = pytest.importorskip("torch")
    ids = np.arange(12).reshape(3, 4) % 7
    assert np.array_equal(one_hot(ids, 7), torch.nn.functional.one_hot(torch.tensor(ids), 7).numpy())


def test_an_id_outside_is_refused():
    with pytest.raises(InputError, match="ids go from 0 to 3, outside 0 to 2; give a larger size"):
        one_hot([0, 3], 3)
    with pytest.raises(InputError, match="-1"):
        one_hot([-1], 3)


def test_what_one_hot_costs_is_counted():
    ids, table = np.arange(100) % 50, np.ones((50, 8), np.float32)
    stated = cost(100, 50, 8)
    assert one_hot(ids, 50).nbytes == stated["one_hot"]["bytes"] == 20_000
    assert ids.astype(np.int32).nbytes == stated["look_up"]["bytes"]
    assert stated["one_hot"]["operations"] == 2 * 100 * table.size


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 4), max_size=12), st.integers(1, 3), st.integers(1, 8))
def test_a_vocabulary_is_in_the_stated_order(counts, least, most):
    found = build_vocabulary(counts, least, most)
    assert list(found.values()) == list(range(len(found))) and len(found) <= most and next(iter(found)) == "<unk>"
    words = [token for token in found if token != "<unk>"]
    assert words == sorted(words, key=lambda token: (-counts[token], token))
    left_out = [token for token in counts if token not in found and counts[token] >= least]
    assert not left_out or len(found) == most
    assert build_vocabulary(dict(reversed(counts.items())), least, most) == found, "the order of the texts is no matter"


def test_tokens_are_counted_over_texts():
    assert count_tokens([["a", "b"], "ba"]) == Counter({"a": 2, "b": 2})


def test_unknown_tokens_have_one_id():
    vocabulary = Vocabulary.build(["the cat sat".split(), "the dog".split()], min_count=2)
    assert vocabulary.tokens == ("<unk>", "the") and vocabulary.encode("the dog sat".split()) == [1, 0, 0]
    assert vocabulary.decode([1, 0]) == ["the", "<unk>"] and "the" in vocabulary and "dog" not in vocabulary


def test_without_an_unknown_token_an_unknown_word_is_named():
    with pytest.raises(InputError, match="'dog' is not in the vocabulary of 1; build it with an unknown token"):
        Vocabulary(["cat"], unknown=None).encode(["dog"])
    with pytest.raises(InputError, match="id 5 is no token"):
        Vocabulary(["<unk>"]).decode([5])


@given(st.text())
def test_escapes_keep_a_token_on_a_line(token):
    assert unescape(escape(token)) == token and "\n" not in escape(token)


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=4), unique=True, min_size=1))
def test_a_saved_vocabulary_is_read_back(tmp_path_factory, tokens):
    path = tmp_path_factory.getbasetemp() / "vocab.txt"
    Vocabulary(tokens, unknown=None).save(path)
    assert Vocabulary.load(path, unknown=None) == Vocabulary(tokens, unknown=None)


def test_berts_vocabulary_is_read():
    from pathlib import Path

    path = Path(__file__).parents[4] / "shared/data/bert-vocab/vocab.txt"
    if not path.is_file():
        pytest.skip("BERT's vocabulary is not on this machine")
    vocabulary = Vocabulary.load(path, "[UNK]")
    assert len(vocabulary) == 30_522 and vocabulary.ids["[UNK]"] == 100 and "\\" in vocabulary


def test_bad_files_and_arguments_are_named(tmp_path):
    (tmp_path / "twice").write_text("a\nb\na\n")
    (tmp_path / "latin").write_bytes(b"caf\xe9\n")
    with pytest.raises(ConfigError, match="'a' stands in the vocabulary twice; remove"):
        Vocabulary.load(tmp_path / "twice", None)
    with pytest.raises(FormatError, match="no UTF-8 text"):
        Vocabulary.load(tmp_path / "latin")
    with pytest.raises(InputError, match="cannot be read"):
        Vocabulary.load(tmp_path / "gone")
    with pytest.raises(ConfigError, match="'<unk>' is not in the vocabulary; add it"):
        Vocabulary(["a"])
    with pytest.raises(ConfigError, match="max_size=0"):
        Vocabulary.build([], max_size=0)
    with pytest.raises(InputError, match="half a surrogate pair"):
        Vocabulary(["\ud800"], None).save(tmp_path / "out")
    assert not (tmp_path / "out").exists()
