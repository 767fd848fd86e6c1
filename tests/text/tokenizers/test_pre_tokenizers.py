"""Pre-tokenizers: the same pieces at the same places as Hugging Face's of that name."""

import doctest

import pytest

from groundup.errors import UnsupportedModel
from groundup.text.tokenizers import pre_tokenizers
from groundup.text.tokenizers.aligned_text import AlignedText
from groundup.text.tokenizers.pre_tokenizers import BEHAVIORS, read_pre_tokenizer
from groundup.text.tokenizers.splitting import PATTERNS

SPACES = {"Regex": r"\s+|\d"}
DEEPSEEK = [r"[\r\n]", r"\s?[\p{L}]+", r"\s?[!-/:-~]+", r"\s+$", "[一-龥ࠀ-一가-퟿]+", r"\p{N}"]
CASES = [
    {"type": "BertPreTokenizer"},
    {"type": "Whitespace"},
    {"type": "WhitespaceSplit"},
    {"type": "Digits", "individual_digits": False},
    {"type": "Digits", "individual_digits": True},
    {"type": "CharDelimiterSplit", "delimiter": "a"},
    {"type": "FixedLength", "length": 3},
    {"type": "UnicodeScripts"},
    *({"type": "Punctuation", "behavior": behavior} for behavior in BEHAVIORS),
    *({"type": "Split", "pattern": SPACES, "behavior": behavior, "invert": False} for behavior in BEHAVIORS),
    *({"type": "Split", "pattern": SPACES, "behavior": behavior, "invert": True} for behavior in BEHAVIORS),
    {"type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithNext", "invert": False},
    *(
        {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split}
        for scheme in ("always", "first", "never")
        for split in (True, False)
    ),
    *(
        {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": False, "use_regex": regex}
        for prefix in (True, False)
        for regex in (True, False)
    ),
    *(
        {"type": "Split", "pattern": {"Regex": PATTERNS[name]}, "behavior": "Isolated", "invert": False}
        for name in ("qwen2", "llama3", "gpt2")
    ),
    {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True},
        ],
    },
    {
        "type": "Sequence",
        "pretokenizers": [
            *(
                {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
                for pattern in DEEPSEEK
            ),
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False},
        ],
    },
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value)[:12] for value in case.values()))
def test_the_pieces_are_the_originals(theirs, hard_strings, case):
    ours, original = read_pre_tokenizer(case), theirs(pre_tokenizer=case).pre_tokenizer
    for text in hard_strings(150, seed=len(str(case))):
        pieces = [piece for piece in ours.split(AlignedText.of(text)) if piece.text]
        expected = original.pre_tokenize_str(text)
        assert [piece.text for piece in pieces] == [piece for piece, _ in expected], text
        assert [piece.whole_place(0, len(piece.text)) for piece in pieces] == [place for _, place in expected], text
        plain = [piece.text for piece in ours.split(AlignedText(text)) if piece.text]
        assert plain == [piece for piece, _ in expected]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(str(value)[:12] for value in case.values()))
def test_a_part_is_written_as_it_was_read(theirs, case):
    written = read_pre_tokenizer(case).to_json()
    assert written == case and theirs(pre_tokenizer=written).pre_tokenizer is not None


KINDS = [
    {"type": "BertPreTokenizer"},
    {"type": "Whitespace"},
    {"type": "WhitespaceSplit"},
    {"type": "Digits", "individual_digits": True},
    {"type": "Punctuation", "behavior": "Isolated"},
]


@pytest.mark.parametrize("case", KINDS, ids=lambda case: case["type"])
def test_every_single_character_is_cut_as_the_original_cuts_it(theirs, case):
    ours, original = read_pre_tokenizer(case), theirs(pre_tokenizer=case).pre_tokenizer
    text = "".join(f"a{chr(code)}" for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    expected = [piece for piece, _ in original.pre_tokenize_str(text)]
    assert [piece.text for piece in ours.split(AlignedText(text)) if piece.text] == expected


@pytest.mark.parametrize(
    ("old", "scheme"),
    [
        ({"add_prefix_space": True}, "always"),
        ({"add_prefix_space": False, "prepend_scheme": "never"}, "never"),
        ({"str_rep": "▁", "add_prefix_space": True, "prepend_scheme": "first"}, "first"),
    ],
)
def test_an_older_metaspace_is_read_in_todays_names(theirs, old, scheme):
    case = {"type": "Metaspace", "replacement": "▁", **old}
    assert read_pre_tokenizer(case).prepend_scheme == scheme
    for text in ("a b", " a", "", "▁a"):
        expected = [piece for piece, _ in theirs(pre_tokenizer=case).pre_tokenizer.pre_tokenize_str(text)]
        assert [piece.text for piece in read_pre_tokenizer(case).split(AlignedText(text)) if piece.text] == expected


def test_what_is_not_known_is_refused_by_name():
    with pytest.raises(UnsupportedModel, match="pre_tokenizer Unheard would change the ids"):
        read_pre_tokenizer({"type": "Unheard"})
    with pytest.raises(UnsupportedModel, match="pre_tokenizer Whitespace has the option 'fast'"):
        read_pre_tokenizer({"type": "Sequence", "pretokenizers": [{"type": "Whitespace", "fast": True}]})
    with pytest.raises(ValueError, match="behavior 'Eaten' is none of Removed"):
        read_pre_tokenizer({"type": "Punctuation", "behavior": "Eaten"})


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(pre_tokenizers).failed == 0


@pytest.mark.parametrize(
    "part",
    [
        {"type": "Whitespace"},
        {"type": "Digits", "individual_digits": True},
        {"type": "Digits", "individual_digits": False},
        {"type": "ByteLevel", "add_prefix_space": True},
        {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel"}]},
    ],
    ids=str,
)
def test_the_short_way_to_words_gives_the_pieces(hard_strings, part):
    splitter = read_pre_tokenizer(part)
    words = pre_tokenizers.words_of(splitter)
    for text in filter(None, hard_strings(1500, seed=23)):
        assert words(text) == [piece.text for piece in splitter.split(AlignedText(text)) if piece.text]


def test_a_sequence_with_a_step_that_can_only_split_has_no_short_way():
    steps = [{"type": "Whitespace"}, {"type": "Metaspace", "prepend_scheme": "first"}]
    assert pre_tokenizers.words_of(read_pre_tokenizer({"type": "Sequence", "pretokenizers": steps})) is None
