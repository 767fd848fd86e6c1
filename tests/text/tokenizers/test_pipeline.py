"""Whole tokenizers in the shapes of published families: the same ids, places and texts as Hugging Face's."""

import copy
import importlib.util
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import load_tokenizer
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
from groundup.text.tokenizers.pipeline import PipelineTokenizer

pytest.importorskip("tokenizers")
_spec = importlib.util.spec_from_file_location("tokenizer_shapes", Path(__file__).with_name("shapes.py"))
shapes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shapes)

CONTROLS = (
    "[MASK] <mask> <s> </s> <|endoftext|> <|im_end|> <|eot_id|> <think> <|user|> <|end|> <extra_id_0> New York "
    "Éa [CLS]<s> <|endoftext|x <tool_call>"
).split(" ")


class Pair:
    """One shape in our hands and in theirs."""

    def __init__(self, name: str, folder: Path, corpus: list[str]) -> None:
        self.name, self.theirs, self.folder = name, shapes.SHAPES[name](corpus), folder / name
        self.folder.mkdir()
        self.theirs.save(str(self.folder / "tokenizer.json"))
        self.ours = load_tokenizer(self.folder)


@pytest.fixture(scope="module", params=list(shapes.SHAPES))
def pair(request, tmp_path_factory, corpus) -> Pair:
    return Pair(request.param, tmp_path_factory.mktemp("shapes"), corpus)


def with_controls(texts: list[str]) -> list[str]:
    """Every third text with a control token inside it."""
    return [
        text if i % 3 else f"{text[: i % 7]} {CONTROLS[i % len(CONTROLS)]}  {text[i % 7 :]}"
        for i, text in enumerate(texts)
    ]


def test_ids_are_the_originals_one_by_one_and_in_a_batch(pair, hard_strings):
    texts = with_controls(hard_strings(600, seed=3))
    expected = [encoding.ids for encoding in pair.theirs.encode_batch(texts, add_special_tokens=False)]
    for text, ids in zip(texts, expected, strict=True):
        assert pair.ours.encode(text, allow_special=True) == ids, text
    assert pair.ours.encode_batch(texts, allow_special=True) == expected
    packed, offsets = pair.ours.encode_packed(texts, allow_special=True)
    assert packed.dtype == np.int32 and packed.tolist() == list(itertools.chain.from_iterable(expected))
    assert np.diff(offsets).tolist() == list(map(len, expected))


def test_a_control_token_that_is_not_allowed_stays_text(pair, hard_strings):
    texts = with_controls(hard_strings(200, seed=5))
    pair.theirs.encode_special_tokens = True
    expected = [encoding.ids for encoding in pair.theirs.encode_batch(texts, add_special_tokens=False)]
    pair.theirs.encode_special_tokens = False
    assert [pair.ours.encode(text) for text in texts] == expected == pair.ours.encode_batch(texts)


def test_marks_come_around_a_text_and_a_pair_when_asked(pair, hard_strings):
    texts = hard_strings(60, seed=7)
    for first, second in zip(texts, texts[1:], strict=False):
        assert pair.ours.encode(first, True, True) == pair.theirs.encode(first).ids
        both = pair.theirs.encode(first, second)
        assert pair.ours.encode_pair(first, second, allow_special=True) == (both.ids, both.type_ids)
    assert pair.ours.encode_batch(texts, True, True) == [pair.theirs.encode(text).ids for text in texts]


def test_decoding_gives_the_originals_text(pair, hard_strings):
    for text in with_controls(hard_strings(150, seed=9)):
        ids = pair.theirs.encode(text).ids
        if pair.name in shapes.BYTE_LEVEL and "\ufffd" in pair.theirs.decode(ids):
            continue
        assert pair.ours.decode(ids) == pair.theirs.decode(ids, skip_special_tokens=False)
        assert pair.ours.decode(np.array(ids, int), skip_special_tokens=True) == pair.theirs.decode(ids)


def test_each_token_has_its_place_in_the_text(pair, hard_strings):
    same = total = 0
    for text in with_controls(hard_strings(200, seed=11)):
        ids, places = pair.ours.offsets(text, allow_special=True, add_special_tokens=True)
        theirs = pair.theirs.encode(text)
        assert ids == theirs.ids and len(places) == len(ids)
        assert all(0 <= start <= end <= len(text) for start, end in places)
        same += sum(ours == other for ours, other in zip(places, theirs.offsets, strict=True))
        total += len(ids)
    # what differs: joined marks (theirs stop at the first character) and runs replaced by one sign (theirs: its last one)
    assert same >= (0.95 if pair.name in ("t5", "xlm_roberta", "albert") else 0.97) * total, (same, total)


def test_reading_what_we_write_gives_the_same_ids_everywhere(pair, tmp_path, hard_strings):
    tokenizers = pytest.importorskip("tokenizers")
    pair.ours.save(tmp_path)
    again, theirs = load_tokenizer(tmp_path), tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert again.fingerprint == pair.ours.fingerprint and type(again) is type(pair.ours)
    for text in with_controls(hard_strings(150, seed=13)):
        ids = pair.ours.encode(text, True, True)
        assert ids == again.encode(text, True, True) == theirs.encode(text).ids


def test_a_worker_process_gets_an_equal_tokenizer(pair):
    sent = copy.deepcopy(pair.ours)
    assert sent.fingerprint == pair.ours.fingerprint and sent.encode("The cat 12!") == pair.ours.encode("The cat 12!")
    assert f"{pair.ours.vocab_size} ids" in repr(sent)


def test_the_bytes_of_tokens_joined_are_the_decoded_text(pair):
    if pair.name in ("clip", "word_level"):
        pytest.skip("their decoders write words apart")
    ids = pair.ours.encode("The cat sat on the mat, and 12 dogs didn't mind 猫")
    joined = b"".join(map(pair.ours.token_bytes, ids)).decode()
    assert joined.removeprefix(" ") == pair.ours.decode(ids).removeprefix(" ")
    assert len(pair.ours.token_lengths) == pair.ours.vocab_size
    assert all(pair.ours.token_lengths[id] == 0 for id in pair.ours.special_tokens.values())


@pytest.mark.parametrize("id", [-1, 10**7])
def test_an_id_outside_the_vocabulary_is_named(pair, id):
    with pytest.raises(InputError, match=f"id {id} is no token of this tokenizer; its ids are 0 to"):
        pair.ours.decode([1, id])


def test_byte_level_shapes_take_the_fast_tokenizer(pair):
    assert isinstance(pair.ours, ByteLevelTokenizer) is (pair.name in shapes.BYTE_LEVEL)
    if pair.name in ("bert", "t5", "xlm_roberta", "albert", "llama2", "phi3"):
        assert isinstance(pair.ours, PipelineTokenizer) and pair.ours._fast is not None


def test_half_a_surrogate_pair_is_refused_with_the_way_out(pair):
    for encode in (pair.ours.encode, lambda text: pair.ours.encode_batch([text]), pair.ours.offsets):
        with pytest.raises(InputError, match=r"U\+D83D\) at character 2; .*utf-16"):
            encode("ab\ud83d")


def test_a_filled_slot_goes_before_the_kernel(tmp_path, child, corpus):
    shapes.bert(corpus).save(str(tmp_path / "tokenizer.json"))
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "m.py").write_text(
        "def encode_word(word, vocabulary, prefix='##', unknown='[UNK]'):\n    return [unknown]\n"
    )
    code = (
        "from groundup.text.tokenizers import load_tokenizer\n"
        f"print(load_tokenizer({str(tmp_path)!r}).encode_batch(['the cat', '']))"
    )
    from groundup import slots

    assert child(code, **{slots.VARIABLE: str(mine)}).strip() == "[[1, 1], []]"


@pytest.mark.slow
def test_ids_are_the_originals_on_a_hundred_thousand_strings(pair, hard_strings):
    texts = with_controls(hard_strings(100_000, seed=17))
    expected = [encoding.ids for encoding in pair.theirs.encode_batch(texts, add_special_tokens=False)]
    assert pair.ours.encode_batch(texts, allow_special=True) == expected


def test_the_file_on_disk_is_json_that_names_every_part(pair, tmp_path):
    pair.ours.save(tmp_path)
    ours, theirs = (json.loads((f / "tokenizer.json").read_text()) for f in (tmp_path, pair.folder))
    assert ours.keys() == theirs.keys()
    assert [t["content"] for t in ours["added_tokens"]] == [t["content"] for t in theirs["added_tokens"]]
    assert ours["normalizer"] == theirs["normalizer"]
