"""SentencePiece's normaliser with every switch: the definition, the fast form and the package itself agree."""

import itertools
import random

import numpy as np
import pytest

from groundup.text.tokenizers.charsmap import Charsmap, compile_rules
from groundup.text.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer

RULES = {"\t": " ", "\n": " ", "①": " 1", "ﬁ": "fi", "e\u0301": "é", "\u200b": "", "x": "", "½": "1 2 ", "ab": "  "}
SWITCHES = list(itertools.product((False, True), repeat=4))


def made(n: int, seed: int) -> list[str]:
    """Strings of what the rules and the spaces are about."""
    choose = random.Random(seed)
    parts = [*RULES, " ", "  ", "▁", "a", "e", "\u0301", "猫", "😀", "<s>", "b c", "\0", "é"]
    return ["".join(choose.choice(parts) for _ in range(choose.randint(0, 12))) for _ in range(n)]


def fast(normalizer: SentencePieceNormalizer, texts: list[str]) -> list[str]:
    documents = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, documents)])
    out, edges = normalizer.normalize_packed(b"".join(documents), offsets)
    return [bytes(out[a:b]).decode() for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("own", [(), ("<s>", "b c", "éé")])
@pytest.mark.parametrize("rules", [None, RULES])
def test_all_switches_give_what_sentencepiece_gives(rules, own):
    sentencepiece = pytest.importorskip("sentencepiece")
    pb = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    compiled = compile_rules(rules) if rules else b""
    for prefix, one_space, escape, suffix in SWITCHES:
        message = pb.ModelProto()
        for text, kind in [("<unk>", 2), ("a", 1), *((symbol, 4) for symbol in own)]:
            message.pieces.add(piece=text, score=-1, type=kind)
        spec = message.normalizer_spec
        spec.precompiled_charsmap, spec.add_dummy_prefix = compiled, prefix
        spec.remove_extra_whitespaces, spec.escape_whitespaces = one_space, escape
        message.trainer_spec.treat_whitespace_as_suffix = suffix
        theirs = sentencepiece.SentencePieceProcessor(model_proto=message.SerializeToString())
        charsmap = Charsmap(compiled) if compiled else None
        ours = SentencePieceNormalizer(charsmap, prefix, one_space, escape, suffix, own)
        texts = made(150, seed=prefix + 2 * one_space)
        expected = [theirs.normalize(text) for text in texts]
        assert [ours.normalize(text) for text in texts] == expected
        assert fast(ours, texts) == expected


def test_characters_know_where_they_came_from():
    rules = SentencePieceNormalizer(Charsmap(compile_rules(RULES)))
    text, places = rules.normalize_aligned("  a ﬁ")
    assert text == "▁a▁fi"
    assert places == [(2, 2), (2, 3), (3, 4), (4, 7), (4, 7)]


def test_a_replacement_far_longer_than_the_text_finds_room():
    rules = SentencePieceNormalizer(Charsmap(compile_rules({"!": "long " * 500})), remove_extra_whitespaces=False)
    assert fast(rules, ["!" * 40, "a"]) == [rules.normalize("!" * 40), "▁a"]


def test_no_documents_and_empty_documents_are_fine():
    assert fast(SentencePieceNormalizer(), []) == []
    assert fast(SentencePieceNormalizer(), ["", " ", "a"]) == ["", "", "▁a"]
