"""Streams give the ids of the whole; memory stays small; files that cannot be read are refused."""

import doctest
from pathlib import Path

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import ByteLevelTokenizer, streaming
from groundup.text.tokenizers.splitting import PATTERNS, split
from groundup.text.tokenizers.streaming import documents, encode_stream, parts, safe_cut


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(streaming).failed == 0


@pytest.fixture
def small_blocks(monkeypatch):
    """Files are read 7 bytes at a time, so that characters and separators fall across edges."""
    monkeypatch.setattr(streaming, "_BLOCK", 7)


@pytest.mark.parametrize("separator", ["\n", "<|endoftext|>", "é", "aaa"])
def test_documents_stand_between_separators(tmp_path, small_blocks, separator):
    text = separator.join(["one two", "", "zwei é drei", "猫" * 20, "a", "", "last"])
    (tmp_path / "x").write_bytes(text.encode())
    assert [*documents(tmp_path / "x", separator)] == [one for one in text.split(separator) if one]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_document_cut_at_safe_places_has_the_pieces_of_the_whole(strings, pattern):
    words = [
        "one",
        " two",
        "  three",
        "\nfour",
        "\n\nfive",
        " 6",
        " É",
        " 猫",
        ". Seven",
        ".\nEight",
        "\t9",
        " ’t",
        " x\u0301",
    ]
    found = 0
    for text in strings(1500, seed=21) + ["".join(np.random.default_rng(k).choice(words, 30)) for k in range(500)]:
        cut = safe_cut(text)
        found += cut > 0
        assert split(text[:cut], pattern) + split(text[cut:], pattern) == split(text, pattern), text
    assert found > 500


def test_parts_joined_are_the_file_and_their_ids_those_of_the_whole(tmp_path, small_blocks, tokenizer, corpus):
    text = "\n".join(corpus)
    (tmp_path / "x").write_bytes(text.encode())
    pieces = [*parts(tmp_path / "x")]
    assert "".join(pieces) == text and len(pieces) > 100
    batches = [*encode_stream(tokenizer, pieces, batch_bytes=500)]
    assert len(batches) > 10
    assert np.concatenate([ids for ids, _ in batches]).tolist() == tokenizer.encode(text)


def test_a_stream_of_documents_gives_each_ones_ids(tokenizer, corpus):
    rows = [
        ids[a:b].tolist()
        for ids, offsets in encode_stream(tokenizer, iter(corpus), batch_bytes=100)
        for a, b in zip(offsets[:-1], offsets[1:], strict=True)
    ]
    assert rows == [tokenizer.encode(text) for text in corpus]


def test_any_tokenizer_that_packs_will_do():
    class Lengths:
        def encode_packed(self, texts, threads=None):
            return np.array([len(text) for text in texts], np.int32), np.arange(len(texts) + 1)

    assert [ids.tolist() for ids, _ in encode_stream(Lengths(), ["a", "bb", "ccc"], batch_bytes=3)] == [[1, 2], [3]]


def test_no_text_is_no_batch(tmp_path, tokenizer):
    (tmp_path / "x").write_bytes(b"")
    assert [*documents(tmp_path / "x")] == [*parts(tmp_path / "x")] == [*encode_stream(tokenizer, [])] == []


def test_what_cannot_be_streamed_is_refused_with_the_way_out(tmp_path, small_blocks, monkeypatch):
    (tmp_path / "latin").write_bytes(b"plain text and caf\xe9 au lait")
    with pytest.raises(InputError, match="no UTF-8 near byte 18; convert it"):
        [*documents(tmp_path / "latin")]
    (tmp_path / "half").write_bytes("né".encode()[:-1])
    with pytest.raises(InputError, match="no UTF-8"):
        [*parts(tmp_path / "half")]
    with pytest.raises(InputError, match="does not exist; give the path"):
        [*parts(tmp_path / "none")]
    with pytest.raises(InputError, match="give the text between documents"):
        [*documents(tmp_path / "latin", "")]
    with pytest.raises(InputError, match="use at least 1"):
        [*encode_stream(None, [], batch_bytes=0)]
    monkeypatch.setattr(streaming, "_LONGEST", 50)
    (tmp_path / "digits").write_bytes(b"1" * 100)
    with pytest.raises(InputError, match=r"give documents\(path, separator\) instead"):
        [*parts(tmp_path / "digits")]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak of memory is read from /proc")
def test_a_gigabyte_is_encoded_in_less_than_300_megabytes(tmp_path, tokenizer, corpus, child):
    block = ("\n".join(corpus) + "\n").encode()
    with open(tmp_path / "big", "wb") as file:
        for _ in range((1 << 30) // len(block)):
            file.write(block)
    tokenizer.save(tmp_path)
    assert [*encode_stream(tokenizer, ["a"])]  # compiled here once, which takes more memory than all the rest
    told = child(
        "from groundup.text.tokenizers import load_tokenizer\n"
        "from groundup.text.tokenizers.streaming import encode_stream, parts\n"
        f"tokenizer = load_tokenizer({str(tmp_path)!r})\n"
        f"count = sum(len(ids) for ids, _ in encode_stream(tokenizer, parts({str(tmp_path / 'big')!r})))\n"
        "print(count, [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])"
    )
    count, peak = map(int, told.split())  # getrusage would tell the parent's peak where that was higher
    assert peak * 1024 < 300e6
    assert count >= (1 << 30) // len(block) * len(tokenizer.encode(block.decode())) - 1
    assert isinstance(tokenizer, ByteLevelTokenizer)
