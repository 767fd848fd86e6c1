"""Scores beside SciPy's ranks, gensim's evaluation and analogies by hand."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.evaluation import scores
from groundup.classical.embeddings.evaluation.scores import (
    analogy,
    answer,
    odd_one_out,
    ranks,
    read_pairs,
    read_questions,
    score_analogies,
    score_similarity,
    spearman,
)
from groundup.classical.embeddings.fasttext import FastTextVectors, Subwords, buckets_of
from groundup.classical.embeddings.vectors import WordVectors
from groundup.errors import FormatError, InputError


def random_vectors(count: int = 60, seed: int = 0) -> WordVectors:
    return WordVectors([f"w{i}" for i in range(count)], np.random.default_rng(seed).normal(size=(count, 8)))


def in_gensim(vectors: WordVectors):
    theirs = pytest.importorskip("gensim.models").KeyedVectors(vectors.dimension)
    theirs.add_vectors(vectors.words, vectors.vectors)
    return theirs


def planted() -> WordVectors:
    """Countries and capitals: a capital is its country and the same step beside it."""
    places = {"france": (1, 0, 0, 0), "italy": (0, 1, 0, 0), "spain": (0, 0, 1, 0)}
    step = np.array([0, 0, 0, 1])
    words = {
        **places,
        **dict(zip(("paris", "rome", "madrid"), (np.add(place, step) for place in places.values()), strict=True)),
    }
    return WordVectors(list(words), np.array([*words.values(), (0.5, 0.5, 0.5, -1)][:6]))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_ranks_are_scipys_ties_included(values):
    rankdata = pytest.importorskip("scipy.stats").rankdata
    assert ranks(np.array(values, float)).tolist() == rankdata(values).tolist()


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.integers(0, 999))
def test_the_correlation_is_scipys(count, seed):
    source = np.random.default_rng(seed)
    one, other = source.integers(0, 6, count), source.normal(size=count)
    if len(set(one.tolist())) > 1:
        assert spearman(one, other) == pytest.approx(
            pytest.importorskip("scipy.stats").spearmanr(one, other)[0], abs=1e-12
        )


def test_only_the_order_counts():
    values = np.array([0.1, 3.0, 2.0, -5.0])
    assert spearman(values, np.exp(values)) == pytest.approx(1) and spearman(values, -(values**3)) == pytest.approx(-1)


def test_similarity_is_gensims(tmp_path):
    vectors, source = random_vectors(), np.random.default_rng(1)
    lines = [f"w{a}\tw{b}\t{source.integers(0, 8)}" for a, b in source.integers(0, 70, (80, 2))]
    (tmp_path / "pairs.tsv").write_text("# a comment\n" + "\n".join(lines))
    _, theirs, unknown = in_gensim(vectors).evaluate_word_pairs(str(tmp_path / "pairs.tsv"), case_insensitive=False)
    ours = score_similarity(vectors, read_pairs(tmp_path / "pairs.tsv"))
    assert ours.spearman == pytest.approx(theirs[0], abs=1e-6)
    assert 100 * ours.unknown / (ours.unknown + ours.pairs) == pytest.approx(unknown) and ours.unknown > 0


@pytest.mark.parametrize(
    "text",
    [
        "Word 1\tWord 2\tHuman (mean)\ncat\tdog\t7.5\n",
        "Word 1,Word 2,Human (mean)\ncat,dog,7.5\n",
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\ncat\tdog\tN\t7.5\t2\n",
        "# of gensim\ncat\tdog\t7.5\n",
    ],
)
def test_pairs_are_read_as_their_authors_write_them(tmp_path, text):
    (tmp_path / "pairs.tsv").write_text(text)
    assert read_pairs(tmp_path / "pairs.tsv") == [("cat", "dog", 7.5)]


@pytest.mark.parametrize("multiply", [False, True])
def test_a_planted_step_is_found(multiply):
    vectors = planted()
    assert answer(vectors, "france", "paris", "italy", multiply) == "rome"
    assert answer(vectors, "madrid", "spain", "paris", multiply) == "france"
    questions = [
        ("france", "paris", "italy", "rome"),
        ("France", "paris", "spain", "madrid"),
        ("italy", "rome", "peru", "lima"),
    ]
    score = score_analogies(vectors, {"capitals": questions}, multiply)
    assert (score.correct, score.asked, score.unknown, score.accuracy) == (2, 2, 1, 1.0)


@pytest.mark.parametrize("multiply", [False, True])
def test_answers_are_gensims_and_one_by_one_the_same(multiply, monkeypatch):
    vectors = random_vectors()
    theirs = in_gensim(vectors)
    ask = theirs.most_similar_cosmul if multiply else theirs.most_similar
    questions = np.random.default_rng(2).permuted(np.tile(np.arange(60), (30, 1)), axis=1)[:, :3]
    expected = [
        theirs.key_to_index[ask(positive=[f"w{b}", f"w{c}"], negative=[f"w{a}"], topn=1)[0][0]] for a, b, c in questions
    ]
    assert [analogy(vectors.unit, *map(int, question), multiply) for question in questions] == expected
    monkeypatch.setattr(scores, "BLOCK", 7)
    assert scores._answers(vectors.unit, questions, multiply).tolist() == expected
    monkeypatch.setattr(scores, "filled", lambda id: True)
    assert scores._answers(vectors.unit, questions, multiply).tolist() == expected


def test_the_odd_one_is_gensims():
    vectors = random_vectors()
    for seed in range(10):
        words = [f"w{i}" for i in np.random.default_rng(seed).permutation(60)[:5]]
        assert odd_one_out(vectors, words) == in_gensim(vectors).doesnt_match(words)


def test_a_word_of_pieces_alone_can_be_the_odd_one_but_is_in_no_analogy():
    subwords = Subwords(3, 3, 1000)
    rows = {"tea": (1, 0), "ale": (1, 0.1), "sea": (0.9, 0), "zzz": (-1, 0)}
    buckets = sorted(set(buckets_of("zzzz", subwords)))
    tensors = {"vectors": np.array([*rows.values()], np.float32), "buckets": np.array(buckets, np.int32)}
    tensors["pieces"] = np.tile(np.float32([-1, 0]), (len(buckets), 1))
    vectors = FastTextVectors(list(rows), subwords, tensors)
    assert "zzzz" not in vectors and odd_one_out(vectors, ["tea", "zzzz", "ale", "sea"]) == "zzzz"
    with pytest.raises(InputError, match="'zzzz' is none of the 4 words; did you mean 'zzz'"):
        answer(vectors, "tea", "ale", "zzzz")


def test_questions_are_read_by_section(tmp_path):
    path = tmp_path / "questions.txt.gz"
    path.write_bytes(gzip.compress(b": one\na b c d\n: two\ne f g h\ni j k l\n"))
    assert read_questions(path) == {"one": [("a", "b", "c", "d")], "two": [("e", "f", "g", "h"), ("i", "j", "k", "l")]}


@pytest.mark.parametrize(
    ("read", "data", "kind", "sentence"),
    [
        (read_pairs, b"a\tb\t1\na\tb\n", FormatError, "line 2"),
        (read_pairs, b"a b many", FormatError, "line 1"),
        (read_pairs, b"# nothing\n", InputError, "no pair"),
        (read_pairs, b"a\tb\t\xff", FormatError, "byte 5"),
        (read_questions, b": x\na b c\n", FormatError, "line 2 has 3 words"),
        (read_questions, b"", InputError, "no question"),
        (read_questions, None, InputError, "cannot be read"),
    ],
)
def test_a_damaged_file_is_named_with_its_line(tmp_path, read, data, kind, sentence):
    path = tmp_path / "file.txt"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(kind, match=sentence):
        read(path)


def test_a_cut_gz_and_words_that_are_not_there_are_said(tmp_path):
    (tmp_path / "q.gz").write_bytes(gzip.compress(b"a b c d\n" * 99)[:-9])
    with pytest.raises(FormatError, match="damaged or cut short"):
        read_questions(tmp_path / "q.gz")
    with pytest.raises(InputError, match="did you mean 'paris'"):
        answer(planted(), "france", "pariss", "italy")
    with pytest.raises(InputError, match="only 0 of 1 pairs"):
        score_similarity(planted(), [("x", "y", 1.0)])
    with pytest.raises(InputError, match="at least 3"):
        odd_one_out(planted(), ["rome", "paris", "rome"])
    for one, other, sentence in (
        ([1, 2], [1], "equal length"),
        ([1, np.nan], [1, 2], "NaN"),
        ([1, 1], [1, 2], "the same"),
    ):
        with pytest.raises(InputError, match=sentence):
            spearman(one, other)
