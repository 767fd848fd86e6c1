"""Vocabularies of older folders: the ids of the original tools, and damage named by its line."""

import json
import shutil
from pathlib import Path

import pytest

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers import load_tokenizer
from groundup.text.tokenizers.byte_characters import byte_characters
from groundup.text.tokenizers.byte_level import ByteLevelTokenizer
from groundup.text.tokenizers.pipeline import PipelineTokenizer

SHARED = Path(__file__).parents[4] / "shared" / "data"


def shared(name: str) -> Path:
    """A real tokenizer, where it is."""
    if not (SHARED / name).is_dir():
        pytest.skip(f"no {name} here")
    return SHARED / name


@pytest.fixture
def small(tmp_path) -> Path:
    """A folder with vocab.json and merges.txt of a few tokens."""
    tokens = [*byte_characters(), "he", "ll", "hell", "Ġhe", "<|endoftext|>"]
    (tmp_path / "vocab.json").write_text(json.dumps({token: id for id, token in enumerate(tokens)}))
    (tmp_path / "merges.txt").write_text("#version: 0.2\nh e\nl l\nhe ll\nĠ he\n")
    return tmp_path


def test_gpt2s_own_files_give_the_ids_of_its_tokenizer_json(tmp_path, hard_strings):
    place = shared("gpt2-tokenizer")
    for name in ("encoder.json", "vocab.bpe"):
        shutil.copy(place / name, tmp_path)
    ours, other = load_tokenizer(tmp_path), load_tokenizer(place / "tokenizer.json")
    assert isinstance(ours, ByteLevelTokenizer) and ours.eos_token_id == 50256
    for text in hard_strings(300, seed=1):
        assert ours.encode(text, allow_special=True) == other.encode(text, allow_special=True)
    assert load_tokenizer(place / "vocab.bpe").encode("Hello,") == [15496, 11]


def test_gpt2_is_the_originals(hard_strings):
    tokenizers = pytest.importorskip("tokenizers")
    ours = load_tokenizer(shared("gpt2-tokenizer"))
    theirs = tokenizers.Tokenizer.from_file(str(SHARED / "gpt2-tokenizer" / "tokenizer.json"))
    texts = hard_strings(1_500, seed=2)
    for text in texts:
        assert ours.encode(text, allow_special=True) == theirs.encode(text).ids


def test_berts_vocab_txt_gives_the_ids_of_transformers(tmp_path, hard_strings):
    transformers = pytest.importorskip("transformers")
    shutil.copy(shared("bert-vocab") / "vocab.txt", tmp_path)
    ours = load_tokenizer(tmp_path)
    theirs = transformers.BertTokenizerFast(vocab=str(tmp_path / "vocab.txt"))
    assert isinstance(ours, PipelineTokenizer)
    assert (ours.cls_token_id, ours.sep_token_id, ours.pad_token_id, ours.mask_token_id) == (101, 102, 0, 103)
    assert ours.encode("Hello, world!", add_special_tokens=True) == [101, 7592, 1010, 2088, 999, 102]
    for text in hard_strings(400, seed=3):
        assert ours.encode(text, True, True) == theirs(text)["input_ids"], text
    both = theirs("How are you?", "Fine, thanks.")
    assert ours.encode_pair("How are you?", "Fine, thanks.") == (both["input_ids"], both["token_type_ids"])


def test_a_cased_vocabulary_is_not_lowered_and_the_configuration_is_heard(tmp_path):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nHello\nhello\n##s\n")
    assert load_tokenizer(tmp_path).encode("Hello hellos") == [5, 6, 7]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 512}))
    assert load_tokenizer(tmp_path / "vocab.txt").encode("Hello hellos") == [6, 6, 7]


def test_vocab_json_and_merges_are_read_with_gpt2s_pattern_or_the_one_given(small):
    ours = load_tokenizer(small)
    assert ours.encode("hello hell he") == [258, ord("o"), ord(" "), 258, 259]
    assert (ours.pattern, ours.eos_token_id, ours.special_tokens) == ("gpt2", 260, {"<|endoftext|>": 260})
    assert load_tokenizer(small / "merges.txt", pattern="qwen2").pattern == "qwen2"
    with pytest.raises(InputError, match="pattern='none' is not a split pattern; use one of qwen2"):
        load_tokenizer(small, pattern="none")


def test_added_tokens_json_and_roles_of_the_folder_are_heard(small):
    (small / "added_tokens.json").write_text(json.dumps({"<extra>": 261}))
    (small / "special_tokens_map.json").write_text(json.dumps({"pad_token": "<extra>", "eos_token": "<|endoftext|>"}))
    ours = load_tokenizer(small)
    assert (ours.pad_token_id, ours.eos_token_id, ours.vocab_size) == (261, 260, 262)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("#version: 0.2\nh e\n\nl l\n", r"merges\.txt: line 3 holds no two tokens"),
        ("#version: 0.2\nh e\nl\n", r"merges\.txt: line 3 holds no two tokens"),
        ("#version: 0.2\nh e\nh e\n", "merge h e stands there twice"),
        ("#version: 0.2\nh e\nq q\n", "merge q q is not in the vocabulary"),
        ("#version: 0.2\nh e\nhel l\n", "merge hel l is not in the vocabulary"),
    ],
)
def test_damaged_merges_are_named(small, lines, words):
    (small / "merges.txt").write_text(lines)
    with pytest.raises(FormatError, match=words):
        load_tokenizer(small)


def test_a_missing_or_damaged_vocabulary_is_named(small):
    (small / "merges.txt").rename(small / "other.txt")
    with pytest.raises(InputError, match=r"merges\.txt is not there; vocab\.json and merges\.txt belong together"):
        load_tokenizer(small)
    (small / "other.txt").rename(small / "merges.txt")
    text = (small / "vocab.json").read_text()
    (small / "vocab.json").write_text(text[:50])
    with pytest.raises(FormatError, match=r"vocab\.json is not valid JSON"):
        load_tokenizer(small)
    (small / "vocab.json").write_text(text.replace(": 5,", ": 6,"))
    with pytest.raises(FormatError, match=r"vocab\.json is damaged .*ids repeat"):
        load_tokenizer(small)
    (small / "vocab.json").write_text('{"he": 0}')
    with pytest.raises(FormatError, match=r"vocab\.json is damaged"):
        load_tokenizer(small)


def test_a_token_twice_in_vocab_txt_is_named_with_its_lines(tmp_path):
    (tmp_path / "vocab.txt").write_text("[UNK]\na\nb\na\n")
    with pytest.raises(FormatError, match="'a' stands on lines 2 and 4"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\n\xff\n")
    with pytest.raises(FormatError, match=r"vocab\.txt is damaged"):
        load_tokenizer(tmp_path)


def test_a_pattern_for_a_file_that_has_its_own_is_refused(tmp_path, tokenizer):
    tokenizer.save(tmp_path)
    with pytest.raises(InputError, match="leave pattern='gpt2' out"):
        load_tokenizer(tmp_path, pattern="gpt2")


def test_sentencepiece_and_tiktoken_files_are_read_by_their_own_readers(tmp_path, tokenizer):
    pytest.importorskip("sentencepiece")
    sentencepiece = __import__("sentencepiece")
    place = shared("t5-tokenizer")
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(place / "spiece.model"))
    assert load_tokenizer(place).encode("Hello, world! 12") == theirs.encode("Hello, world! 12")
    llama = load_tokenizer(shared("llama2-tokenizer") / "tokenizer.model")
    assert llama.encode("Hello 猫") == sentencepiece.SentencePieceProcessor(
        model_file=str(SHARED / "llama2-tokenizer" / "tokenizer.model")
    ).encode("Hello 猫")
    from groundup.text.tokenizers.tiktoken_ranks import write_ranks

    ordinary = {token: id - 3 for token, id in tokenizer.vocabulary.items()}
    for name in ("tokenizer.model", "x.tiktoken"):  # Llama 3 calls its ranks tokenizer.model
        write_ranks(tmp_path / name, ordinary)
        ranks = load_tokenizer(tmp_path / name, pattern="qwen2")
        assert ranks.encode("The cat") == [id - 3 for id in tokenizer.encode("The cat")]
        (tmp_path / name).unlink()
