"""A corpus as shards: what a tokenizer says, document by document, each closed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.tokenize import batches, tokenize
from groundup.errors import InputError
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["the cat sat on the mat and the dog sat on the cat"] * 3, TokenizerConfig(vocab_size=270))


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS)
def test_each_document_is_its_ids_and_the_end(tmp_path, tokenizer, texts):
    shards = tokenize(iter(texts), tokenizer, tmp_path / "s")
    kept = [text for text in texts if text]
    assert [shards.document(i).tolist() for i in range(shards.num_documents)] == [
        [*tokenizer.encode(text), 0] for text in kept
    ]
    assert shards.text_bytes == sum(len(text.encode()) for text in kept)


def test_a_control_token_spelled_in_a_text_ends_no_document(tmp_path, tokenizer):
    shards = tokenize(["one<|endoftext|>two"], tokenizer, tmp_path / "s")
    assert (shards.num_documents, shards.document(0).tolist().count(0)) == (1, 1)
    assert tokenizer.decode(shards.document(0)[:-1]) == "one<|endoftext|>two"


def test_a_corpus_of_many_parts_is_that_of_one(tmp_path, tokenizer, monkeypatch):
    texts = [f"the cat number {number} sat" for number in range(50)]
    whole = tokenize(texts, tokenizer, tmp_path / "whole")
    monkeypatch.setattr("groundup.data.pipeline.tokenize.PART_CHARACTERS", 100)
    monkeypatch.setattr("groundup.data.pipeline.tokenize.batches.__defaults__", (100,))
    parts = tokenize(texts, tokenizer, tmp_path / "parts")
    assert (tmp_path / "whole/index.json").read_bytes() == (tmp_path / "parts/index.json").read_bytes()
    assert whole.tokens.tolist() == parts.tokens.tolist()


def test_no_text_makes_shards_without_tokens(tmp_path, tokenizer):
    assert tokenize([], tokenizer, tmp_path / "s").num_tokens == 0
    assert Shards.open(tmp_path / "s").num_documents == 0


def test_a_tokenizer_without_an_end_is_refused(tmp_path):
    class Endless:
        eos_token_id = None

    with pytest.raises(
        InputError, match=r"has no end-of-text token.*; name one as eos_token in tokenizer_config\.json"
    ):
        tokenize(["text"], Endless(), tmp_path / "s")


@given(st.lists(st.text("ab", max_size=5)), st.integers(1, 9))
def test_batches_lose_no_text(texts, characters):
    found = list(batches(texts, characters))
    assert [text for batch in found for text in batch] == [text for text in texts if text]
    assert all(sum(map(len, batch[:-1])) < characters for batch in found)
