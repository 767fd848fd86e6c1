"""Signatures estimate the Jaccard index; bands find what theory says; short and empty texts are not alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.dedup import minhash, neighbours
from groundup.data.dedup.minhash import MinHashConfig, candidate_probability, choose_bands, signatures
from groundup.data.documents import Document
from groundup.errors import ConfigError, FormatError


def pairs_of_likeness(similarity, count, size=200, seed=0):
    """Texts of one-word shingles, `count` pairs, each with |A and B| / |A or B| = similarity as near as whole words allow."""
    draw = np.random.default_rng(seed)
    shared = round(2 * size * similarity / (1 + similarity))
    for _ in range(count):
        words = draw.choice(10**7, 2 * size - shared, replace=False)
        one, other = words[:size], np.concatenate([words[:shared], words[size:]])
        yield " ".join(f"w{word}" for word in one), " ".join(f"w{word}" for word in other)


@settings(deadline=None, max_examples=60)
@given(st.text(), st.integers(1, 6), st.sampled_from(["word", "character"]))
def test_shingles_are_those_of_the_reference(text, ngram, unit):
    config = MinHashConfig(ngram=ngram, unit=unit)
    assert set(minhash.hashes([text], config)[0].tolist()) == minhash.shingles_reference(text, ngram, unit)


def test_shingles_of_long_words_and_other_scripts_are_those_of_the_reference():
    text = "Supercalifragilisticexpialidocious naïve Straße 日本語 x " * 3
    for count in (1, 7, 8, 9, 16, 17):
        text += "y" * count + " "
    assert set(minhash.hashes([text], MinHashConfig())[0].tolist()) == minhash.shingles_reference(text)


def test_signatures_are_those_of_the_reference():
    config = MinHashConfig(ngram=2)
    texts = ["", "one", "one two three", "a b " * 50]
    factors, summands = minhash.permutations(config.permutations, config.seed)
    wanted = [minhash.signature_reference(mine, factors, summands) for mine in minhash.hashes(texts, config)]
    assert np.array_equal(signatures(texts, config), np.stack(wanted))


@pytest.mark.parametrize("wanted", [0.2, 0.5, 0.8, 0.95])
def test_equal_places_estimate_the_jaccard_index_without_bias(wanted):
    config = MinHashConfig(ngram=1)
    one, other = zip(*pairs_of_likeness(wanted, 150), strict=True)
    true = minhash.jaccard(one[0], other[0], config)
    estimates = neighbours.similarity(signatures(one, config), signatures(other, config))
    spread = np.sqrt(true * (1 - true) / config.permutations)
    assert abs(estimates.mean() - true) < 4 * spread / np.sqrt(len(estimates))
    assert estimates.std() < 1.25 * spread  # no wider than independent orders would give


@pytest.mark.slow
@pytest.mark.parametrize(("threshold", "similarity"), [(0.8, 0.7), (0.8, 0.8), (0.8, 0.9), (0.5, 0.5), (0.5, 0.6)])
def test_recall_is_that_of_theory_within_two_percent(threshold, similarity):
    config = MinHashConfig(ngram=1, threshold=threshold)
    one, other = zip(*pairs_of_likeness(similarity, 4000), strict=True)
    true = minhash.jaccard(one[0], other[0], config)
    keys = [neighbours.band_keys(signatures(texts, config), config.bands, config.rows) for texts in (one, other)]
    found = (keys[0] == keys[1]).any(axis=1).mean()
    assert abs(found - candidate_probability(true, config.bands, config.rows)) < 0.02


def test_bands_agree_with_datasketch():
    lsh = pytest.importorskip("datasketch.lsh")
    for threshold in (0.5, 0.7, 0.8, 0.9):
        ours = choose_bands(threshold, 128)
        theirs = lsh._optimal_param(threshold, 128, 0.5, 0.5)
        step = [candidate_probability(threshold, *pair) for pair in (ours, theirs)]
        assert ours == tuple(theirs) or abs(step[0] - step[1]) < 0.05


def test_clusters_are_the_connected_components_of_shared_bands():
    config = MinHashConfig(ngram=1, threshold=0.6)
    texts = [text for pair in pairs_of_likeness(0.7, 60, size=40) for text in pair]
    table = signatures(texts, config)
    keys = neighbours.band_keys(table, config.bands, config.rows)
    expected = list(range(len(texts)))
    for _ in range(4):
        for at in range(len(texts)):
            alike = np.flatnonzero((keys == keys[at]).any(axis=1))
            expected[at] = min(expected[other] for other in alike)
    assert neighbours.clusters(table, config).tolist() == expected
    parts = [table[:7], table[7:7], np.ascontiguousarray(table[7:]).view(np.uint64)]
    assert neighbours.clusters(parts, config, memory_bytes=100).tolist() == expected
    assert 0 < sum(at != root for at, root in enumerate(expected)) <= 60


def test_a_verified_candidate_agrees_in_as_many_places_as_the_threshold_asks_for():
    config = MinHashConfig(ngram=1, threshold=0.8, bands=32, rows=4)
    texts = [text for pair in pairs_of_likeness(0.6, 30, size=60) for text in pair]
    loose = neighbours.twins([signatures(texts, config)], config)
    import dataclasses

    strict = neighbours.twins([signatures(texts, config)], dataclasses.replace(config, verify=True))
    assert (loose >= 0).sum() > 20 and (strict >= 0).sum() == 0


def test_short_texts_are_one_shingle_and_empty_ones_like_no_other():
    config = MinHashConfig()
    texts = ["cat", "dog", "cat", "", "", " \n", "!!", "??", "!!", "One two.", "one  TWO"]
    assert neighbours.twins([signatures(texts, config)], config).tolist() == [-1, -1, 0, -1, -1, -1, -1, -1, 6, -1, 9]


def test_no_texts_are_no_clusters():
    config = MinHashConfig()
    assert neighbours.clusters(signatures([], config), config).tolist() == []
    assert neighbours.Index.build([], config).find(["a", ""]) == [None, None]


def test_new_texts_are_found_in_a_saved_index_by_name(tmp_path):
    old = [Document(f"old-{at}", text, "s") for at, (text, _) in enumerate(pairs_of_likeness(0.5, 20))]
    neighbours.Index.build([*old, Document("empty", "", "s")], MinHashConfig(ngram=3)).save(tmp_path / "index")
    index = neighbours.Index.load(tmp_path / "index")
    found = index.find([old[7].text + " and more", "something else entirely that is new", "", old[3].text])
    assert [match and match.id for match in found] == ["old-7", None, None, "old-3"]
    assert found[3].similarity == 1 and found[0].similarity > 0.9
    data = bytearray((tmp_path / "index" / "keys.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "index" / "keys.npy").write_bytes(bytes(data))
    with pytest.raises(FormatError, match=r"keys\.npy is damaged"):
        neighbours.Index.load(tmp_path / "index")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"threshold": 1.5}, "between 0 and 1"),
        ({"unit": "line"}, "word or character"),
        ({"permutations": 3}, "even"),
        ({"bands": 20}, "set both"),
        ({"bands": 20, "rows": 20}, "do not fit"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        MinHashConfig(**settings)
