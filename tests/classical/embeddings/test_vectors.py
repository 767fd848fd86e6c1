"""Word vectors: neighbours and similarity by brute force, the folder, and files that gensim reads and writes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.vectors import WordVectors
from groundup.errors import FormatError, InputError

WORDS = ["the", "cat", "dog", "naïve", "日本"]


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(WORDS, np.random.default_rng(0).normal(size=(5, 7)), np.array([9, 4, 3, 2, 1]))


def test_similarity_and_nearest_by_the_formula(vectors):
    a, b = vectors.vectors[1].astype(float), vectors.vectors[2].astype(float)
    assert vectors.similarity("cat", "dog") == pytest.approx(a @ b / np.sqrt(a @ a * (b @ b)), abs=1e-6)
    scores = {word: vectors.similarity("cat", word) for word in WORDS if word != "cat"}
    expected = sorted(scores, key=lambda word: -scores[word])
    assert [word for word, _ in vectors.nearest("cat")] == expected
    assert vectors.nearest("cat", 2) == vectors.nearest("cat")[:2]
    assert vectors.nearest(vectors["cat"], 1)[0][0] == "cat", "a vector excludes no word"
    assert vectors.nearest("cat", 0) == []
    assert {word for word, _ in vectors.nearest("cat", exclude=["dog", "unknown"])} == set(WORDS) - {"dog"}


def test_zeros_are_near_nothing_and_equals_go_by_rank():
    vectors = WordVectors(["a", "b", "c"], np.array([[0.0, 0], [1, 0], [2, 0]]))
    assert vectors.similarity("a", "b") == 0
    assert [word for word, _ in vectors.nearest(np.array([1.0, 0]))] == ["b", "c", "a"]


def test_equals_at_the_cut_are_the_first_of_them():
    vectors = WordVectors([f"w{i}" for i in range(3000)], np.repeat([[1.0, 0], [1, 1], [0, 1]], 1000, axis=0))
    assert [word for word, _ in vectors.nearest("w5", 4)] == ["w0", "w1", "w2", "w3"]
    found = [word for word, _ in vectors.nearest(np.array([0.0, 1.0]), 1003)]
    assert found == [f"w{i}" for i in (*range(2000, 3000), 1000, 1001, 1002)]


def test_a_word_never_seen_offers_near_spellings(vectors):
    with pytest.raises(InputError, match="'Cat' is none of the 5 words; did you mean 'cat'"):
        vectors.nearest("Cat")
    with pytest.raises(InputError, match="'catt'.*'cat'"):
        vectors["catt"]
    with pytest.raises(InputError, match="'zzzzzz' is none of the 5 words; train on"):
        vectors["zzzzzz"]


@pytest.mark.parametrize(
    ("words", "rows", "said"),
    [
        (["a", "b"], np.ones((1, 2)), "2 words came with vectors of shape"),
        ([], np.ones((0, 2)), "0 words"),
        (["a", "a"], np.ones((2, 2)), "'a' is there twice"),
        (["a", "b"], np.array([[1, 2], [np.nan, 1]]), "the vector of 'b' holds NaN"),
    ],
)
def test_what_cannot_be_word_vectors(words, rows, said):
    with pytest.raises(InputError, match=said):
        WordVectors(words, rows)


def test_a_query_that_cannot_be(vectors):
    with pytest.raises(InputError, match="NaN"):
        vectors.nearest(np.full(7, np.nan))
    with pytest.raises(InputError, match=r"shape \[3\].*\[7\]"):
        vectors.nearest(np.ones(3))


# ───────── the folder ─────────


def test_a_folder_gives_all_back(vectors, tmp_path):
    vectors.trained = {"method": "by hand"}
    vectors.save(tmp_path / "v")
    again = WordVectors.load(tmp_path / "v")
    assert again.words == WORDS and again.trained == {"method": "by hand"}
    assert np.array_equal(again.vectors, vectors.vectors) and np.array_equal(again.counts, vectors.counts)


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.json"])
def test_a_damaged_folder_names_its_file(vectors, tmp_path, name):
    vectors.save(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[-3] ^= 1
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError, match=f"{name} is damaged"):
        WordVectors.load(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FormatError, match=f"{name} is missing"):
        WordVectors.load(tmp_path)


def test_a_folder_of_another_model_is_refused(vectors, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    with pytest.raises(InputError, match="model_type 'qwen3', not 'word_vectors'"):
        WordVectors.load(tmp_path)
    with pytest.raises(InputError, match="no model folder"):
        WordVectors.load(tmp_path / "nothing")


# ───────── files of others ─────────


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_ours_and_we_read_gensims(vectors, tmp_path, binary):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    vectors.save_word2vec(tmp_path / "ours", binary=binary)
    theirs = keyed.load_word2vec_format(tmp_path / "ours", binary=binary)
    assert theirs.index_to_key == WORDS and np.array_equal(theirs.vectors, vectors.vectors)
    made = keyed(7)
    made.add_vectors(WORDS, vectors.vectors)
    made.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
    again = WordVectors.load_word2vec(tmp_path / "theirs")
    assert again.words == WORDS and np.allclose(again.vectors, vectors.vectors, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs", "Z", "Cc")), min_size=1), min_size=1, max_size=4, unique=True
    ),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 99),
)
def test_any_words_come_back_bit_for_bit(words, dimension, binary, seed):
    import tempfile
    from pathlib import Path

    rows = np.random.default_rng(seed).normal(size=(len(words), dimension)).astype(np.float32) * 10.0 ** (
        seed % 20 - 10
    )
    vectors = WordVectors(words, rows)
    with tempfile.TemporaryDirectory() as folder:
        vectors.save_word2vec(Path(folder) / "v", binary=binary)
        again = WordVectors.load_word2vec(Path(folder) / "v", binary=binary)
    assert again.words == words and np.array_equal(again.vectors, vectors.vectors)


def test_what_glove_writes_has_no_first_line(tmp_path):
    (tmp_path / "glove.txt").write_text("the 0.5 -1\ncat 1e-3 2\n")
    read = WordVectors.load_word2vec(tmp_path / "glove.txt")
    assert read.words == ["the", "cat"] and np.allclose(read.vectors, [[0.5, -1], [0.001, 2]])


def test_the_first_of_two_rows_counts(tmp_path, capsys):
    (tmp_path / "v").write_text("3 1\na 1\nb 2\na 3\n")
    read = WordVectors.load_word2vec(tmp_path / "v")
    assert read.words == ["a", "b"] and read.vectors.ravel().tolist() == [1, 2]
    assert "1 words are there more than once" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"2 2\na 1 2\nb 1\n", "line 3 has 1 numbers where there should be 2"),
        (b"2 2\na 1 2\nb 1 x\n", "line 3 has 'x' where a number belongs"),
        (b"2 2\na 1 nan\nb 1 2\n", "line 2 has nan where a finite number"),
        (b"2 2\na 1 2\nb 3 4\nc 5 6\n", "line 4 goes on behind the 2 words"),
        (b"3 2\na 1 2\nb 3 4\n", "line 1 says 3 words, but the file ends after 2"),
        (b"900000 300\na 1 2\n", "line 1 says 900,000 words of dimension 300, at least 540,000,000 bytes"),
        (b"0 5\n", "line 1 says 0 words"),
        (b"", "begins with an empty line"),
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"2 1\na 1\n\xff\xfe 2\n" + b"x" * 0, "line 3: the word is not UTF-8"),
    ],
)
def test_a_damaged_text_file_names_its_line(tmp_path, content, said):
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(FormatError, match=said):
        WordVectors.load_word2vec(tmp_path / "v.txt", binary=False if b"\xff" in content else None)


def test_a_damaged_binary_file_names_its_byte(vectors, tmp_path):
    path = tmp_path / "v.bin"
    vectors.save_word2vec(path, binary=True)
    whole = path.read_bytes()

    def refused(content: bytes, said: str) -> None:
        path.write_bytes(content)
        with pytest.raises(FormatError, match=said):
            WordVectors.load_word2vec(path, binary=True)

    refused(whole[:-9], "it ends at byte .* inside the numbers of word 5 of 5")
    refused(whole.replace(b"5 7\n", b"4 7\n", 1), "it goes on at byte .* behind the 4 words")
    refused(whole.replace(b"5 7\n", b"5 9\n", 1), "lies|is not UTF-8|no word ends|ends at byte|says 5 words|NaN")
    refused(b"2 1\na " + b"\x00\x00\xc0\x7f" + b"\nb 1234\n", "the numbers of 'a' at byte 6 hold NaN")
    refused(b"2 1\n" + b"x" * 100, "no word ends after byte 4")
    refused(b"a 1 2 3\n\x00", "the first line of a binary file")


@pytest.mark.parametrize("binary", [True, False])
def test_the_longest_word_comes_back(tmp_path, binary):
    words = ["x" * 4095, "é" * 2047]
    WordVectors(words, np.ones((2, 3))).save_word2vec(tmp_path / "v", binary)
    assert WordVectors.load_word2vec(tmp_path / "v", binary).words == words


def test_a_word_with_a_space_has_no_place_there(tmp_path):
    with pytest.raises(InputError, match="'New York' has no place"):
        WordVectors(["New York"], np.ones((1, 2))).save_word2vec(tmp_path / "v")
    for word in ("half\ud800", "x" * 4096, "é" * 2048):
        for binary in (False, True):
            with pytest.raises(InputError, match="has no place in this format.*leave it out"):
                WordVectors([word], np.ones((1, 2))).save_word2vec(tmp_path / "v", binary)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="cannot be read"):
        WordVectors.load_word2vec(tmp_path / "v")
