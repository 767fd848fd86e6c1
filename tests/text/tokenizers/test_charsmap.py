"""The compiled normaliser read and applied as its two users apply it: SentencePiece and Hugging Face tokenizers."""

import copy
import doctest
import random
from pathlib import Path

import pytest

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers import charsmap
from groundup.text.tokenizers.charsmap import Charsmap, compile_rules

T5 = Path(__file__).parents[4] / "shared/data/t5-tokenizer/spiece.model"
RULES = {"①": "1", "ﬁ": "fi", "A\u030a": "\u00c5", "\u212b": "\u00c5", "\t": " ", "\u200b": "", "ab": "x", "abc": "y"}


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(charsmap).failed == 0


@pytest.fixture(scope="module")
def nmt_nfkc():
    """The rules of T5's model file."""
    pb = pytest.importorskip("sentencepiece.sentencepiece_model_pb2")
    if not T5.is_file():
        pytest.skip("../shared/data/t5-tokenizer is not there")
    message = pb.ModelProto()
    message.ParseFromString(T5.read_bytes())
    return message.normalizer_spec.precompiled_charsmap


@pytest.fixture(scope="module")
def graphemes(nmt_nfkc):
    """2,000 strings of rules, letters and marks."""
    choose, keys = random.Random(5), [*Charsmap(nmt_nfkc).rules()]
    kinds = [
        lambda: choose.choice(keys),
        lambda: chr(choose.randint(32, 126)),
        lambda: chr(choose.randint(0x300, 0x36F)),
        lambda: chr(choose.randint(0xA0, 0x2FFF)),
        lambda: choose.choice(["\r\n", " ", "👩‍👩‍👧", "ｶﾞ", "각"]),
    ]
    return ["".join(choose.choice(kinds)() for _ in range(choose.randint(0, 12))) for _ in range(2000)]


def test_rules_survive_compiling_and_reading():
    assert Charsmap(compile_rules(RULES)).rules() == RULES


def test_the_longest_rule_wins_in_sentencepiece_and_the_shortest_in_precompiled():
    rules = Charsmap(compile_rules(RULES))
    assert rules.normalize("abcab①") == "yx1"
    assert rules.normalize("e\u200b\tz") == "e z"
    assert rules.normalize_by_grapheme("abcA\u030a①") == "abc\u00c51", "a, b and c are three characters to a reader"


def test_all_rules_of_t5_are_read_and_written_again(nmt_nfkc):
    rules = Charsmap(nmt_nfkc).rules()
    assert len(rules) > 200_000
    assert rules["①"] == "1" and rules["\u3000"] == " " and rules["ﬁ"] == "fi"


def test_the_rules_are_applied_as_sentencepiece_applies_them(nmt_nfkc, graphemes):
    sentencepiece = pytest.importorskip("sentencepiece")
    message = pytest.importorskip("sentencepiece.sentencepiece_model_pb2").ModelProto()
    message.pieces.add(piece="<unk>", type=2)
    message.pieces.add(piece="a", score=-1)
    spec = message.normalizer_spec
    spec.precompiled_charsmap, spec.add_dummy_prefix = nmt_nfkc, False
    spec.remove_extra_whitespaces = spec.escape_whitespaces = False
    theirs, ours = sentencepiece.SentencePieceProcessor(model_proto=message.SerializeToString()), Charsmap(nmt_nfkc)
    assert [ours.normalize(text) for text in graphemes] == [theirs.normalize(text) for text in graphemes]


def test_precompiled_gives_what_tokenizers_gives(nmt_nfkc, graphemes):
    tokenizers = pytest.importorskip("tokenizers")
    theirs, ours = tokenizers.normalizers.Precompiled(nmt_nfkc), Charsmap(nmt_nfkc)
    differ = [text for text in graphemes if theirs.normalize_str(text) != ours.normalize_by_grapheme(text)]
    assert len(differ) <= 4, "only where the two know different versions of Unicode's graphemes"


def test_the_rules_travel_to_other_processes():
    rules = Charsmap(compile_rules(RULES))
    assert copy.deepcopy(rules) == rules


@pytest.mark.parametrize("cut", [0, 3, 4, 20])
def test_a_damaged_normaliser_is_named(cut):
    with pytest.raises(FormatError, match="copy the tokenizer again"):
        Charsmap(compile_rules(RULES)[:cut])


def test_numbers_that_lead_out_of_the_array_find_nothing():
    broken = bytearray(compile_rules(RULES))
    broken[4:8] = (0x1FFFFF << 10).to_bytes(4, "little")
    assert Charsmap(bytes(broken)).normalize("①ab") == "①ab"


def test_a_nul_in_a_rule_is_refused():
    with pytest.raises(InputError, match="leave it out"):
        compile_rules({"a": "\0"})
