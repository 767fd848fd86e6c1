"""Post-processors: marks around one text and two, in Hugging Face's order and with its type ids."""

import doctest

import pytest

from groundup.errors import UnsupportedModel
from groundup.text.tokenizers import post_processors
from groundup.text.tokenizers.post_processors import read_post_processor, surrounded

VOCAB = {"[UNK]": 0, "a": 1, "b": 2, "[CLS]": 3, "[SEP]": 4, "<s>": 5, "x": 6}
MODEL = {"type": "WordLevel", "vocab": VOCAB, "unk_token": "[UNK]"}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": True}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 3}}],
    "pair": [
        {"Sequence": {"id": "B", "type_id": 1}},
        {"SpecialToken": {"id": "two", "type_id": 2}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "special_tokens": {
        "[CLS]": {"id": "[CLS]", "ids": [3], "tokens": ["[CLS]"]},
        "two": {"id": "two", "ids": [4, 5], "tokens": ["[SEP]", "<s>"]},
    },
}
CASES = [
    None,
    BYTE_LEVEL,
    {"type": "BertProcessing", "sep": ["[SEP]", 4], "cls": ["[CLS]", 3]},
    {
        "type": "RobertaProcessing",
        "sep": ["[SEP]", 4],
        "cls": ["<s>", 5],
        "trim_offsets": False,
        "add_prefix_space": False,
    },
    TEMPLATE,
    surrounded([("<s>", 5)]).to_json(),
    surrounded([("[CLS]", 3)], [("[SEP]", 4)]).to_json(),
    {"type": "Sequence", "processors": [BYTE_LEVEL, surrounded([("<s>", 5)]).to_json()]},
    {"type": "Sequence", "processors": [BYTE_LEVEL]},
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case and case["type"])
def test_marks_and_type_ids_are_the_originals(theirs, case):
    original = theirs(model=MODEL, pre_tokenizer={"type": "Whitespace"}, post_processor=case)
    ours = read_post_processor(case) or post_processors.ByteLevel()
    for first, second in (("a b a", "b"), ("", "a"), ("b", "")):
        one, two = ([VOCAB[word] for word in text.split()] for text in (first, second))
        single, pair = original.encode(first), original.encode(first, second)
        assert ours.process(one) == (single.ids, single.type_ids)
        assert ours.process(one, two) == (pair.ids, pair.type_ids)


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: case["type"])
def test_a_part_is_written_as_it_was_read(theirs, case):
    written = read_post_processor(case).to_json()
    assert written == case and theirs(model=MODEL, post_processor=written).post_processor is not None


def test_what_cannot_be_is_refused():
    with pytest.raises(UnsupportedModel, match="post_processor Odd would change the ids"):
        read_post_processor({"type": "Odd"})
    unknown = TEMPLATE | {"special_tokens": {}}
    for damaged in (
        unknown,
        TEMPLATE | {"single": [{"Sequence": {"id": "C", "type_id": 0}}]},
        {"type": "BertProcessing"},
    ):
        with pytest.raises((ValueError, TypeError, KeyError)):
            read_post_processor(damaged)
    marks = surrounded([("<s>", 5)]).to_json()
    with pytest.raises(ValueError, match="more than one"):
        read_post_processor({"type": "Sequence", "processors": [marks, marks]})


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(post_processors).failed == 0
