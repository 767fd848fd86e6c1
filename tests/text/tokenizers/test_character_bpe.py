"""BPE over characters: the ids of Hugging Face's BPE with every option, and of SentencePiece's scores."""

import doctest
import itertools
import json
import random

import pytest

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers import character_bpe, load_tokenizer
from groundup.text.tokenizers.character_bpe import CharacterBPE, merge_lowest, merges_of, spell_characters
from groundup.text.tokenizers.character_bpe_encoding import CharacterEncoder

LETTERS = ["a", "b", "c", "é", "▁"]
MERGES = [("a", "b"), ("ab", "c"), ("▁", "a"), ("c", "c"), ("b", "c"), ("cc", "cc"), ("é", "a"), ("▁a", "b")]
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def vocabulary(*more: str) -> dict[str, int]:
    tokens = ["<unk>", *LETTERS, *(left + right for left, right in MERGES), *more]
    return {token: id for id, token in enumerate(dict.fromkeys(tokens))}


def words(n: int, letters: str = "abcé▁xü猫😀") -> list[str]:
    choose = random.Random(n)
    return ["".join(choose.choice(letters) for _ in range(choose.randint(0, 14))) for _ in range(n)]


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(character_bpe).failed == 0


@pytest.mark.parametrize("unk", ["<unk>", None])
@pytest.mark.parametrize("fuse", [False, True])
@pytest.mark.parametrize("extra", [[], BYTES])
@pytest.mark.parametrize("whole", [False, True])
def test_every_option_gives_what_tokenizers_gives(unk, fuse, extra, whole):
    tokenizers = pytest.importorskip("tokenizers")
    options = {"unk_token": unk, "fuse_unk": fuse, "byte_fallback": bool(extra), "ignore_merges": whole}
    known = vocabulary("cab", *extra)
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(known, MERGES, **options))
    ours = CharacterBPE(known, MERGES, **options)
    for word in words(300):
        assert ours.encode_piece(word) == theirs.encode(word).ids, word


@pytest.mark.parametrize(("prefix", "suffix"), [("##", None), (None, "</w>"), ("##", "</w>")])
def test_prefix_and_suffix_give_what_tokenizers_gives(prefix, suffix):
    tokenizers = pytest.importorskip("tokenizers")
    ends = ["", suffix] if suffix else [""]
    tokens = [start + letter + end for start in ("", prefix or "") for letter in "abc" for end in ends]
    merges = [("a", (prefix or "") + "b"), ("ab", (prefix or "") + "c" + (suffix or "")), ("b", (prefix or "") + "a")]
    tokens += [left + right.removeprefix(prefix or "") for left, right in merges]
    known = {token: id for id, token in enumerate(dict.fromkeys(["<unk>", *tokens]))}
    options = {"unk_token": "<unk>", "continuing_subword_prefix": prefix, "end_of_word_suffix": suffix}
    theirs = tokenizers.Tokenizer(tokenizers.models.BPE(known, merges, **{k: v for k, v in options.items() if v}))
    ours = CharacterBPE(known, merges, **options)
    for word in words(300, "abcx"):
        assert ours.encode_piece(word) == theirs.encode(word).ids, word


def test_a_character_of_a_vocabulary_piece_may_itself_be_no_piece():
    merges, ranks = merges_of({"q": -1.0, "qu": -2.0})
    assert merges == [("q", "u")] and ranks == [0]


def test_every_way_to_halve_a_piece_is_a_merge():
    scores = {"a": -9.0, "aa": -1.0, "aaa": -2.0, "aaaa": -2.0}
    merges, ranks = merges_of(scores)
    halves = {(piece[:i], piece[i:]) for piece in scores for i in range(1, len(piece))}
    assert set(merges) == {pair for pair in halves if set(pair) <= scores.keys()}
    assert ranks == [0, 1, 1, 1, 1, 1] and merges[0] == ("a", "a")


def test_equal_ranks_go_to_the_left():
    ranks = {("a", "b"): (0, "ab"), ("b", "c"): (0, "bc")}
    assert merge_lowest(list("abc"), ranks) == ["ab", "c"]
    assert merge_lowest(list("bcab"), ranks) == ["bc", "ab"]


def test_bytes_are_used_only_when_all_of_them_are_pieces():
    some = {"a": 0, "<0xC3>": 1}
    assert spell_characters("aé", some, "?", fallback=True) == ["a", "?"]
    assert spell_characters("aé", some | {"<0xA9>": 2}, "?", fallback=True) == ["a", "<0xC3>", "<0xA9>"]


def test_the_model_survives_its_json_and_takes_merges_as_strings():
    model = CharacterBPE(vocabulary(), MERGES, unk_token="<unk>", fuse_unk=True)
    raw = model.to_json()
    for merges in (raw["merges"], [" ".join(pair) for pair in MERGES]):
        again = CharacterBPE.from_json(raw | {"merges": merges})
        assert all(again.encode_piece(word) == model.encode_piece(word) for word in words(50))


def test_bad_models_are_refused():
    with pytest.raises(FormatError, match="must come from one tokenizer"):
        CharacterBPE({"a": 0, "b": 1}, [("a", "b")])
    with pytest.raises(FormatError, match="not in the vocabulary"):
        CharacterBPE({"a": 0}, [], unk_token="<unk>")
    with pytest.raises(UnsupportedModel, match="set it to null"):
        CharacterBPE.from_json({"type": "BPE", "vocab": {}, "merges": [], "dropout": 0.1})
    with pytest.raises(UnsupportedModel, match="surprise"):
        CharacterBPE.from_json({"type": "BPE", "vocab": {}, "merges": [], "surprise": 1})
    with pytest.raises(FormatError, match="damaged"):
        CharacterBPE.from_json({"type": "BPE", "vocab": {}, "merges": [["a", "b", "c"]]})
    with pytest.raises(FormatError, match="one id"):
        CharacterBPE.from_json({"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []})
    with pytest.raises(InputError, match="not BPE"):
        CharacterBPE.from_json({"type": "WordPiece"})


@pytest.mark.parametrize("merges", [[("a", "b"), ("b", "a"), ("a", "b")], [["a", "b"], "b a", "a b"]])
def test_a_merge_that_comes_twice_is_refused(merges, tmp_path):
    raw = CharacterBPE({"a": 0, "b": 1, "ab": 2, "ba": 3}, [("a", "b"), ("b", "a")], unk_token="a").to_json()
    with pytest.raises(FormatError, match="the merge of 'a' and 'b' stands there twice; take one of the two out"):
        CharacterBPE.from_json(raw | {"merges": merges})
    (tmp_path / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": raw | {"merges": merges}}))
    with pytest.raises(FormatError, match=r"tokenizer.json: .* stands there twice"):
        load_tokenizer(tmp_path)


def test_a_merge_that_comes_twice_is_refused_by_the_fast_form():
    vocabulary = {"a": 0, "b": 1, "ab": 2}
    with pytest.raises(FormatError, match="'a' and 'b' stands there twice"):
        CharacterEncoder(vocabulary, [("a", "b")] * 2, [0, 1], unk_id=None)


def test_all_short_words_merge_as_the_definition_of_bpe_merges_them():
    from groundup.text.tokenizers.bpe import encode_piece

    merges = [("a", "b"), ("b", "a"), ("ab", "a"), ("a", "a"), ("ab", "ab")]
    ranks = {(left.encode(), right.encode()): rank for rank, (left, right) in enumerate(merges)}
    own = {pair: (rank, pair[0] + pair[1]) for rank, pair in enumerate(merges)}
    for n in range(7):
        for letters in itertools.product("ab", repeat=n):
            word = "".join(letters)
            assert [t.encode() for t in merge_lowest(word, own)] == encode_piece(word.encode(), ranks)
