"""tokenizer.json both ways: what we write gives the same ids in `transformers`, what we read is checked by part."""

import json
import os
from pathlib import Path

import pytest

import groundup
from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers import TokenizerConfig, formats, load_tokenizer, train_tokenizer

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def folder(tmp_path, tokenizer) -> Path:
    """A folder that holds the saved tokenizer."""
    tokenizer.save(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="module")
def theirs(tmp_path_factory, tokenizer):
    """The saved tokenizer, read by transformers."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    transformers = pytest.importorskip("transformers")
    place = tmp_path_factory.mktemp("saved")
    tokenizer.save(place)
    return transformers.AutoTokenizer.from_pretrained(place)


def test_transformers_gives_the_same_ids_on_ten_thousand_strings(tokenizer, theirs, strings):
    texts = strings(10_000, seed=23)
    assert tokenizer.encode_batch(texts, add_special_tokens=True) == theirs(texts)["input_ids"]


def test_a_text_begins_as_texts_began_in_training(tokenizer, theirs):
    assert tokenizer.encode_prompt("the cat") == [0, *tokenizer.encode("the cat")] == theirs.encode("the cat")
    assert theirs.encode("the cat", add_special_tokens=False) == tokenizer.encode("the cat")


@pytest.mark.parametrize(
    "post_processor, roles, begin",
    [
        (None, {}, True),  # a folder made here before the post-processor was written down
        ({"type": "ByteLevel"}, {}, False),  # GPT-2's
        (None, {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}, False),  # two marks: SmolLM2's
        (None, {"bos_token": None}, False),  # Qwen's
        (None, {"bos_token": None, "eos_token": None}, False),
    ],
)
def test_one_mark_for_both_ends_and_no_post_processor_is_a_folder_of_before(tokenizer, post_processor, roles, begin):
    raw, config = formats.to_dicts(tokenizer)
    read = formats.from_dicts("tokenizer.json", raw | {"post_processor": post_processor}, config | roles, None)
    assert read.encode_prompt("the cat") == [0] * begin + tokenizer.encode("the cat")


def test_transformers_decodes_to_the_same_text(tokenizer, theirs, strings):
    for text in [*strings(300, seed=29), " ?", "hello !", "the word 'social'"]:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == theirs.decode(ids) == text


def test_transformers_finds_the_same_special_tokens(tokenizer, theirs):
    assert len(theirs) == tokenizer.vocab_size
    assert (theirs.eos_token_id, theirs.pad_token_id, theirs.bos_token_id) == (0, 0, 0)
    for text in ("<|im_start|>user\n<|im_end|>\n", "a<|endoftext|> b", "<|im_end|", "<<|im_end|>>"):
        assert tokenizer.encode(text, allow_special=True) == theirs.encode(text, add_special_tokens=False)
        plain = theirs.encode(text, split_special_tokens=True, add_special_tokens=False)
        assert tokenizer.encode(text) == plain


def test_transformers_writes_the_same_chats(tokenizer, theirs, strings):
    texts = strings(200, seed=31)
    for one, other, third in zip(texts, texts[1:], texts[2:], strict=False):
        messages = [
            {"role": "system", "content": one},
            {"role": "user", "content": other},
            {"role": "assistant", "content": third},
        ]
        assert tokenizer.apply_chat_template(messages) == theirs.apply_chat_template(messages)["input_ids"]
        prompt = tokenizer.apply_chat_template(messages[:2], add_generation_prompt=True)
        assert prompt == theirs.apply_chat_template(messages[:2], add_generation_prompt=True)["input_ids"]


@pytest.mark.parametrize("model_type", ["llama", "qwen3"])
def test_a_model_type_beside_it_does_not_make_transformers_read_it_otherwise(folder, tokenizer, strings, model_type):
    transformers = pytest.importorskip("transformers")
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    for text in strings(200, seed=37):
        assert tokenizer.encode_prompt(text) == theirs.encode(text)


@pytest.mark.parametrize("pattern", ["llama3", "gpt2"])
def test_the_other_patterns_are_written_and_read_too(tmp_path, corpus, strings, pattern):
    tokenizers = pytest.importorskip("tokenizers")
    ours = train_tokenizer(corpus, TokenizerConfig(vocab_size=400, pattern=pattern))
    ours.save(tmp_path)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    again = load_tokenizer(tmp_path)
    assert again.pattern == pattern
    for text in strings(500, seed=41):
        assert ours.encode_prompt(text) == theirs.encode(text).ids == again.encode_prompt(text)


def test_reading_back_gives_an_equal_tokenizer(folder, tokenizer):
    for path in (folder, str(folder), folder / "tokenizer.json"):
        again = groundup.load_tokenizer(path)
        assert again.fingerprint == tokenizer.fingerprint
        assert (again.chat_template, again.eos_token_id) == (tokenizer.chat_template, 0)


def test_saving_twice_writes_the_same_bytes(folder, tokenizer, tmp_path):
    load_tokenizer(folder).save(tmp_path / "again")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_chat_template_in_its_own_file_goes_first(folder):
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert load_tokenizer(folder).apply_chat_template([{"role": "user", "content": "x"}], tokenize=False) == "x"


def test_of_several_chat_templates_the_default_is_taken(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config["chat_template"] = [{"name": "tool", "template": "t"}, {"name": "default", "template": "d"}]
    config["eos_token"] = {"content": "<|im_end|>", "special": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    again = load_tokenizer(folder)
    assert (again.chat_template, again.eos_token_id) == ("d", 2)


def test_gpt2_splits_a_word_from_its_comma_as_the_original():
    if not (SHARED / "gpt2-tokenizer").is_dir():
        pytest.skip("no GPT-2 files here")
    tokenizers = pytest.importorskip("tokenizers")
    ours = load_tokenizer(SHARED / "gpt2-tokenizer")
    theirs = tokenizers.Tokenizer.from_file(str(SHARED / "gpt2-tokenizer" / "tokenizer.json"))
    assert ours.encode("Hello,") == [15496, 11]
    for text in (
        "Hello, world! It's 2024; isn't it?",
        " a  b\n\n c\t",
        "naïve 猫 12345",
        "def f(x):\n        return x\n",
    ):
        assert ours.encode(text) == theirs.encode(text).ids


def change(folder: Path, **parts) -> None:
    """Change parts of the saved tokenizer.json; model__x means model.x."""
    file = folder / "tokenizer.json"
    raw = json.loads(file.read_text())
    for name, value in parts.items():
        place, _, key = name.rpartition("__")
        (raw[place] if place else raw)[key] = value
    file.write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"normalizer": {"type": "Unheard"}}, "normalizer Unheard would change the ids"),
        ({"normalizer": {"type": "NFC", "twice": True}}, "normalizer NFC has the option 'twice'"),
        ({"model__type": "Bytes"}, "model Bytes would change the ids .* BPE, WordPiece"),
        ({"model__dropout": 0.1}, "dropout"),
        ({"model__speed": 3}, "speed"),
        ({"pre_tokenizer": {"type": "Unheard"}}, "pre_tokenizer Unheard would change the ids"),
        ({"post_processor": {"type": "Weird"}}, "post_processor Weird would change the ids"),
        ({"decoder": {"type": "Odd"}}, "decoder Odd would change the ids"),
    ],
)
def test_a_part_that_would_change_the_ids_is_refused_by_name(folder, parts, words):
    change(folder, **parts)
    with pytest.raises(UnsupportedModel, match=rf"tokenizer\.json: .*{words}.*"):
        load_tokenizer(folder)


def test_truncation_and_padding_of_a_file_have_no_effect_as_in_transformers(folder, tokenizer):
    change(folder, truncation={"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"})
    assert load_tokenizer(folder).encode("The cat sat") == tokenizer.encode("The cat sat")


def test_a_token_that_fills_a_role_is_a_control_token_also_when_only_the_vocabulary_has_it(folder, tokenizer):
    change(folder, added_tokens=[])
    again = load_tokenizer(folder)
    assert again.special_tokens == tokenizer.special_tokens and again.eos_token_id == 0


def test_what_tokenizer_config_alone_adds_is_added(folder):
    config = json.loads((folder / "tokenizer_config.json").read_text())
    flags = {"lstrip": False, "rstrip": True, "single_word": False, "normalized": False, "special": False}
    config["added_tokens_decoder"] = {"600": {"content": "<think>", **flags}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    again = load_tokenizer(folder)
    assert again.encode("a<think>  b") == [*again.encode("a"), 600, *again.encode("b")]
    assert again.vocab_size == 601 and "<think>" not in again.special_tokens


def test_roles_of_an_older_folder_stand_in_special_tokens_map(folder):
    (folder / "tokenizer_config.json").unlink()
    (folder / "special_tokens_map.json").write_text(json.dumps({"eos_token": {"content": "<|im_end|>"}}))
    assert load_tokenizer(folder).eos_token_id == 2


def test_the_longer_of_two_control_tokens_that_start_alike_is_meant(folder):
    tokens = [(0, "<|endoftext|>"), (1, "<|im_start|>"), (2, "<|im_end|>"), (601, "<|im_end|><|x|>")]
    change(folder, added_tokens=[{"id": id, "content": content, "special": True} for id, content in tokens])
    again = load_tokenizer(folder)
    assert again.encode("<|im_end|><|x|><|im_end|>", allow_special=True) == [601, 2]
    assert again.decode([601, 2]) == "<|im_end|><|x|><|im_end|>"


@pytest.mark.parametrize(
    "parts",
    [
        {"model__vocab": {"!": 0}},
        {"model__vocab": None},
        {"model__merges": [["zz", "qq"]]},
        {"model__merges": ["noblank"]},
        {"model": None},
        {"added_tokens": [{"id": 0}]},
        {"added_tokens": [{"id": 0, "content": "<|endoftext|>"}, {"id": 700, "content": "<|endoftext|>"}]},
        {"added_tokens": [{"id": 0, "content": "<|endoftext|>", "special": "yes"}]},
        {"post_processor": {"type": "TemplateProcessing"}},
        {"decoder": {}},
        {"pre_tokenizer": 3},
        {"added_tokens": [{"id": 3, "content": "<|endoftext|>"}]},
        {"added_tokens": [{"id": "0", "content": "<|endoftext|>"}]},
    ],
)
def test_a_damaged_file_is_named_with_the_way_out(folder, parts):
    change(folder, **parts)
    with pytest.raises(FormatError, match=r"tokenizer\.json is damaged .*run `groundup tokenizer train`"):
        load_tokenizer(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_file_that_holds_something_else_is_refused(folder, name):
    (folder / name).write_text("[1, 2]")
    with pytest.raises(FormatError, match=f"{name} is damaged"):
        load_tokenizer(folder)


def test_a_truncated_file_is_named(folder):
    text = (folder / "tokenizer.json").read_text()
    (folder / "tokenizer.json").write_text(text[: len(text) // 2])
    with pytest.raises(FormatError, match=r"tokenizer\.json"):
        load_tokenizer(folder)


@pytest.mark.parametrize("name", ["empty", "nowhere", "nowhere/tokenizer.json"])
def test_a_folder_without_tokenizer_says_how_to_make_one(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="run `groundup tokenizer train` or pass --tokenizer"):
        load_tokenizer(tmp_path / name)


def test_spelling_a_token_and_back_gives_its_bytes():
    everything = bytes(range(256))
    assert formats.unspell(formats.spell(everything)) == everything
    assert formats.spell(b" a\n") == "ĠaĊ"
    assert len(set(formats.byte_characters())) == 256
