"""Named entities: learned from few sentences, saved and loaded, as CRFsuite learns them, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from groundup.classical.structure import attributes, ner
from groundup.classical.structure.attributes import Numbering, Window
from groundup.data.sources.tagged import read_tagged
from groundup.errors import ConfigError, FormatError, InputError

DATA = Path(__file__).parents[4] / "shared" / "data"
TOWNS, PEOPLE = ["Rome", "Oslo", "Lima", "New York"], ["Ada", "Alan Turing", "Grace Hopper", "Kurt"]


def sentence(before: str, name: str, type: str, after: str):
    words = [*before.split(), *name.split(), *after.split()]
    size = len(name.split())
    tags = ["O"] * len(before.split()) + [f"B-{type}"] + [f"I-{type}"] * (size - 1) + ["O"] * len(after.split())
    return words, tags


SMALL = [sentence("she lives in", town, "LOC", "now .") for town in TOWNS]
SMALL += [sentence("we asked", person, "PER", "about it .") for person in PEOPLE]


@pytest.fixture(scope="module")
def tagger():
    return ner.train(SMALL, ner.CRFConfig(l2=0.01, threads=1))


def test_names_never_seen_are_found_by_what_stands_around_them(tagger):
    words = "we asked Emmy Noether about it . she lives in Quito now .".split()
    assert tagger.entities(words) == [(2, 4, "PER", "Emmy Noether"), (10, 11, "LOC", "Quito")]
    assert tagger.tag([]) == [] and tagger.entities([]) == []
    assert ner.score(tagger, SMALL)["all"].f1 == 1.0
    assert "-1 lower=in" in [name for name, _ in tagger.strongest("B-LOC", 5)]


def test_sentences_together_are_tagged_as_each_alone(tagger):
    sentences = [words for words, _ in SMALL] + [[], ["Oslo"]]
    assert tagger.tag_batch(sentences) == [tagger.tag(words) for words in sentences]


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_windows_in_arrays_are_the_windows_of_their_definition(reach):
    window = Window(reach=reach)
    sentences = [words for words, _ in SMALL] + [[], ["one"]]
    fast, slow = Numbering(window), Numbering(lambda words: window(words))
    one, other = (numbering.corpus(sentences, grow=True) for numbering in (fast, slow))
    assert (one.first == other.first).all() and set(fast.numbers) == set(slow.numbers)
    names, others = list(fast.numbers), list(slow.numbers)
    for a, b in zip(one.first[:-1], one.first[1:], strict=True):
        assert [names[n] for n in one.attributes[a:b]] == [others[n] for n in other.attributes[a:b]]
    new = [["Oslo", "never-seen"], ["lives"]]
    one, other = (numbering.corpus(new) for numbering in (fast, slow))
    assert [names[n] for n in one.attributes] == [others[n] for n in other.attributes]


def test_a_function_of_ones_own_says_what_is_seen(tmp_path):
    def capital(words):
        return [["capital" if word[0].isupper() else "small"] for word in words]

    own = ner.train(SMALL, ner.CRFConfig(threads=1), features=capital)
    assert set(own.numbering.numbers) == {"capital", "small"}
    own.save(tmp_path / "own")
    with pytest.raises(InputError, match="features of your own; load it with features="):
        ner.CRFTagger.load(tmp_path / "own")
    again = ner.CRFTagger.load(tmp_path / "own", features=capital)
    assert again.tag(SMALL[0][0]) == own.tag(SMALL[0][0])
    with pytest.raises(InputError, match="are of 1 words, and it has 2"):
        ner.train([(["a", "b"], ["O", "O"])], features=lambda words: [["x"]])


@pytest.mark.parametrize("l1", [0.0, 0.05])
def test_a_saved_tagger_is_the_same_tagger(tmp_path, l1):
    first = ner.train(SMALL, ner.CRFConfig(l1=l1, l2=0.01, threads=1))
    first.save(tmp_path / "tagger")
    again = ner.CRFTagger.load(tmp_path / "tagger")
    assert again.config == first.config and again.labels == first.labels
    assert again.tag_batch([words for words, _ in SMALL]) == first.tag_batch([words for words, _ in SMALL])
    assert json.loads((tmp_path / "tagger" / "config.json").read_text())["model_type"] == "crf_tagger"
    assert len(again.weights) < len(first.weights) if l1 else len(again.weights) == len(first.weights)


def test_a_window_of_another_reach_is_saved_with_it(tmp_path):
    first = ner.train(SMALL, ner.CRFConfig(l2=0.01, threads=1), features=Window(reach=2))
    first.save(tmp_path / "tagger")
    again = ner.CRFTagger.load(tmp_path / "tagger")
    assert again.numbering.features.reach == 2 and again.config.reach == 2
    assert again.tag_batch([words for words, _ in SMALL]) == first.tag_batch([words for words, _ in SMALL])


def test_labels_of_the_older_form_are_learned_as_they_are(tmp_path):
    older = [(words, [f"I{tag[1:]}" if tag != "O" else tag for tag in tags]) for words, tags in SMALL]
    tagger = ner.train(older, ner.CRFConfig(l2=0.01, threads=1))
    assert ner.score(tagger, older)["all"].f1 == 1.0 and not tagger.config.bio
    slip = [*SMALL * 3, (["Rome"], ["I-LOC"])]
    assert ner.train(slip, ner.CRFConfig(iterations=2, threads=1)).config.bio


def test_words_without_features_have_edges_still():
    window = Window(of_word=lambda word: [], reach=2)
    corpus = Numbering(window).corpus([["a"], ["b"]], grow=True)
    assert np.diff(corpus.first).tolist() == [len(row) for one in (["a"], ["b"]) for row in window(one)] == [5, 5]


def test_a_damaged_folder_is_named(tagger, tmp_path):
    folder = tmp_path / "tagger"
    tagger.save(folder)
    with pytest.raises(InputError, match="it has no config.json; give the one that"):
        ner.CRFTagger.load(tmp_path)
    damaged = folder / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(FormatError, match=r"model.safetensors is damaged \(its checksum differs\)"):
        ner.CRFTagger.load(folder)
    tagger.save(folder)
    broken = ner.CRFTagger(
        tagger.labels, tagger.numbering, tagger.pairs, np.full(len(tagger.weights) + 25, np.nan), tagger.config
    )
    with pytest.raises(InputError, match="a weight is NaN"):
        broken.tag(["a"])
    broken.save(folder)
    with pytest.raises(FormatError, match="weights holds NaN; train"):
        ner.CRFTagger.load(folder)


def test_what_cannot_be_learned_from_is_refused(tagger):
    for corpus in ([], [([], [])]):
        with pytest.raises(InputError, match="the corpus holds no tagged word"):
            ner.train(corpus)
    with pytest.raises(InputError, match="sentence 1 has 2 words and 1 tags"):
        ner.train([(["a", "b"], ["O"])])
    with pytest.raises(InputError, match="have the type 'ORG', which the tagger never saw; it knows LOC, PER"):
        ner.score(tagger, [(["IBM"], ["B-ORG"])])
    with pytest.raises(InputError, match="split it first"):
        tagger.tag_batch(["she lives"])
    with pytest.raises(ConfigError, match="l2=-1 is no weight"):
        ner.CRFConfig(l2=-1)
    with pytest.raises(InputError, match="reach=-1"):
        attributes.Window(reach=-1)
    with pytest.raises(InputError, match="'B-X' is no label"):
        tagger.strongest("B-X")


@pytest.mark.parametrize("l1", [0.0, 0.1])
def test_crfsuite_finds_the_same_minimum(l1):
    theirs = pytest.importorskip("sklearn_crfsuite").CRF(
        algorithm="lbfgs", c1=l1, c2=0.1, max_iterations=1000, epsilon=1e-9, delta=1e-10, all_possible_transitions=True
    )
    window = Window()
    theirs.fit([window(words) for words, _ in SMALL], [tags for _, tags in SMALL])
    ours = ner.train(SMALL, ner.CRFConfig(l1=l1, l2=0.1, iterations=1000, delta=1e-12, threads=1))
    of_pair = np.repeat(np.arange(len(ours.pairs.first) - 1), np.diff(ours.pairs.first))
    names = list(ours.numbering.numbers)
    found = {(names[a], ours.labels[j]): w for a, j, w in zip(of_pair, ours.pairs.label, ours.weights, strict=True)}
    expected = theirs.state_features_
    assert max(abs(found[pair] - expected.get(pair, 0.0)) for pair in found) < 2e-3
    steps = theirs.transition_features_
    assert all(
        ours.transition[i, j] == pytest.approx(steps.get((a, b), 0.0), abs=2e-3)
        for i, a in enumerate(ours.labels)
        for j, b in enumerate(ours.labels)
    )


@pytest.mark.slow
def test_names_in_dutch_news():
    archive = DATA / "nltk-corpora" / "conll2002.zip"
    if not archive.exists():
        pytest.skip("CoNLL-2002 is not on this machine")
    train, held_out = (read_tagged(archive, f"*/ned.{part}", encoding="latin-1") for part in ("train", "testa"))
    tagger = ner.train(train[:4000], ner.CRFConfig(l1=0.1, l2=0.1, iterations=60))
    assert ner.score(tagger, held_out)["all"].f1 > 0.55
