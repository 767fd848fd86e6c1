"""BERT's ids in one loop are those of Hugging Face `tokenizers` and `transformers`, and of the definition."""

import random
import threading
from pathlib import Path

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import bert_characters, wordpiece_encoding
from groundup.text.tokenizers.wordpiece import WordPiece
from groundup.text.tokenizers.wordpiece_encoding import BertEncoder, build_trie

BERT = Path(__file__).parents[4] / "shared" / "data" / "bert-vocab" / "vocab.txt"
OPTIONS = [
    {},
    {"lowercase": False},
    {"clean_text": False, "handle_chinese_chars": False},
    {"lowercase": False, "strip_accents": True},
    {"strip_accents": False},
]


@pytest.fixture(scope="module")
def vocabulary() -> dict[str, int]:
    """BERT's own where it is; else a small one with words of several scripts."""
    if BERT.is_file():
        return {token: id for id, token in enumerate(BERT.read_text(encoding="utf-8").splitlines())}
    letters = "abcdefghijklmnopqrstuvwxyz0123456789йцукенгшзфывапролдячсмитьбюαβγ.,!?'-猫の窓"
    words = "the cat sat on mat did star ##ing ##ed ##s kat ##ze улиц ##а".split()
    return {token: id for id, token in enumerate(["[UNK]", *letters, *(f"##{letter}" for letter in letters), *words])}


def oracle(vocabulary, **options):
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    made.normalizer = tokenizers.normalizers.BertNormalizer(**options)
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return lambda texts: [found.ids for found in made.encode_batch(texts, add_special_tokens=False)]


@pytest.fixture(scope="module")
def encoder(vocabulary) -> BertEncoder:
    """One with all of BERT's options, warm from other tests."""
    return BertEncoder(WordPiece(vocabulary))


@pytest.fixture(scope="module")
def original(vocabulary):
    """The oracle of the same."""
    return oracle(vocabulary)


def encode(encoder: BertEncoder, texts: list[str]) -> list[list[int]]:
    documents = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    ids, starts = encoder.encode(b"".join(documents), offsets)
    return [ids[a:b].tolist() for a, b in zip(starts, starts[1:], strict=False)]


def hard_strings(n: int, seed: int, words: list[str]) -> list[str]:
    """Strings at the edges of the normaliser: marks that are sorted, accents, controls, ideographs, jamo, long words."""
    choose = random.Random(seed)
    names = ("CONTROLS", "PUNCTUATION", "MARKS", "STARTERS", "DECOMPOSED", "IDEOGRAPHS")
    groups = [bert_characters.members(getattr(bert_characters, name)).tolist() for name in names]
    marks = [*bert_characters.combining_classes(), 0x300, 0x941, 0x61, 0x1D15F]
    edges = " \n\t\r\x0b\x85\x00\x7f\u200b\u2028éÉİΣſKÅ猫가ᄀ\u0300\u0323\u302e\ua953\U0001d165a1._\ufffd\ud7a3"

    def some(characters, size):
        return "".join(choose.choice(characters) for _ in range(size))

    kinds = [
        lambda size: "".join(chr(choose.choice(choose.choice(groups))) for _ in range(size)),
        lambda size: some([chr(code) for code in marks], size),
        lambda size: some(edges, size),
        lambda size: some("abcABC019é", choose.randint(90, 110)) + some(" éa.", 3),
        lambda size: some("etaoinshrdlu", choose.randint(14, 34)) + some([" ", "\u0301", "д"], 2),
        lambda size: " ".join(choose.choice(words) for _ in range(size // 4)),
        lambda size: "🏳️‍🌈👩‍👩‍👧‍👦🇩🇪"[choose.randint(0, 5) :] * (1 + size // 20),
    ]
    found = [choose.choice(kinds)(choose.randint(0, 60)) for _ in range(n)]
    return [text.encode("utf-8", "replace").decode() for text in found]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_ids_are_those_of_tokenizers_with_a_cold_and_a_warm_cache(vocabulary, strings, options):
    texts = strings(700, seed=31) + hard_strings(700, 32, list(vocabulary))
    encoder, expected = BertEncoder(WordPiece(vocabulary), **options), oracle(vocabulary, **options)(texts)
    for got in (encode(encoder, texts), encode(encoder, texts)):
        wrong = [text for text, ids, right in zip(texts, got, expected, strict=True) if ids != right]
        assert not wrong, ascii(wrong[0])


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_ids_of_100_000_strings_are_those_of_tokenizers(vocabulary, strings, options):
    encoder, theirs = BertEncoder(WordPiece(vocabulary), **options), oracle(vocabulary, **options)
    for seed in range(10):
        texts = strings(5000, seed=100 + seed) + hard_strings(5000, 200 + seed, list(vocabulary))
        assert encode(encoder, texts) == theirs(texts)


@pytest.mark.slow
def test_ids_of_100_000_strings_are_those_of_transformers(tmp_path, vocabulary, strings):
    transformers = pytest.importorskip("transformers")
    # transformers asks for these names; control tokens spelled in a text would be taken out before the words are seen
    names = {"[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"}
    missing = [name for name in sorted(names) if name not in vocabulary]
    vocabulary = vocabulary | {name: len(vocabulary) + k for k, name in enumerate(missing)}
    file = tmp_path / "vocab.txt"
    file.write_text("".join(f"{token}\n" for token in sorted(vocabulary, key=vocabulary.__getitem__)), encoding="utf-8")
    theirs = transformers.BertTokenizerFast.from_pretrained(str(tmp_path))
    encoder = BertEncoder(WordPiece(vocabulary))
    for seed in range(10):
        texts = strings(5000, seed=300 + seed) + hard_strings(5000, 400 + seed, sorted(vocabulary.keys() - names))
        assert encode(encoder, texts) == theirs(texts, add_special_tokens=False, verbose=False)["input_ids"]


def test_words_that_are_letters_already_have_the_ids_of_the_definition(vocabulary):
    choose, model = random.Random(3), WordPiece(vocabulary)
    encoder = BertEncoder(model)
    for _ in range(300):
        word = "".join(choose.choice("etaoinshrdlucmfwyp") for _ in range(choose.randint(1, 40)))
        assert encode(encoder, [word]) == [model.encode_piece(word)]


@pytest.mark.parametrize("letters", ["a", "the", "д", "猫", "가", "e\u0301", "\x00", "\u0300"])
@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 99, 100, 101, 300])
def test_words_of_every_length_are_cut_alike(encoder, original, letters, length):
    text = (letters * length)[:length]
    assert encode(encoder, [text]) == encode(encoder, [text]) == original([text])


def test_words_that_overwrite_each_other_in_a_tiny_cache_stay_right(monkeypatch, vocabulary, strings):
    monkeypatch.setattr(wordpiece_encoding, "_CACHED_WORDS", 2)
    monkeypatch.setattr(wordpiece_encoding, "_CACHED_LONG_WORDS", 2)
    texts = strings(300, seed=33) + hard_strings(300, 34, list(vocabulary))
    assert encode(BertEncoder(WordPiece(vocabulary)), texts) == oracle(vocabulary)(texts)


@pytest.mark.parametrize("limit", [1, 5, 1000])
def test_the_longest_word_can_be_chosen(vocabulary, limit):
    texts = ["a b", "abcde", "abcdef", "é" * 5, "가" * 2, "a" * 999, "a" * 1001, "é" * 999]
    model = WordPiece(vocabulary, max_input_chars_per_word=limit)
    tokenizers = pytest.importorskip("tokenizers")
    words = [
        [word for word, _ in tokenizers.pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)]
        for text in map(tokenizers.normalizers.BertNormalizer().normalize_str, texts)
    ]
    expected = [[id for word in text for id in model.encode_piece(word)] for text in words]
    assert encode(BertEncoder(model), texts) == expected


@pytest.mark.parametrize("prefix", ["##", "", "@", "▁▁"])
def test_the_mark_of_pieces_inside_a_word_can_be_chosen(prefix):
    words = ["[UNK]", "ab", "a", prefix + "b", prefix + "bc", prefix + "c", prefix + "d"]
    model = WordPiece({word: id for id, word in enumerate(dict.fromkeys(words))}, continuing_subword_prefix=prefix)
    for word in ("ab", "abc", "abcd", "abbc", "b", "x", "abx"):
        assert encode(BertEncoder(model), [word]) == [model.encode_piece(word)]


def test_a_vocabulary_without_pieces_knows_whole_words_alone():
    assert encode(BertEncoder(WordPiece({"[UNK]": 5, "cat": 6})), ["cat cats"]) == [[6, 5]]


def test_the_trie_holds_each_token_and_nothing_else():
    trie = build_trie({"[UNK]": 0, "a": 1, "abc": 2, "##b": 3, "猫": 4}, "##")
    assert sorted(id for id in trie.ids.tolist() if id >= 0) == [0, 1, 2, 3, 4]
    assert trie.inside == 2
    assert len(trie.ids) == 1 + len("##") + len("[UNK]") + len("abc") + 1 + len("猫".encode())


def test_a_token_that_is_half_a_surrogate_pair_is_never_met():
    assert encode(BertEncoder(WordPiece({"[UNK]": 0, "\ud83d": 1, "a\udc00": 2, "a": 3})), ["a \U0001f600"]) == [[3, 0]]


def test_no_text_and_empty_documents_have_no_ids(encoder, vocabulary):
    assert encode(encoder, []) == []
    assert encode(encoder, ["", " \n", "\x00", "a", ""]) == [[], [], [], [vocabulary["a"]], []]


def test_documents_do_not_run_into_each_other(encoder):
    texts = ["th", "e", "\u0301x", "猫", "\u302e", "e" * 20, "e" * 20]
    assert encode(encoder, texts) == [encode(encoder, [text])[0] for text in texts]


def test_a_million_equal_letters_are_one_unknown_word(encoder, vocabulary):
    unknown = vocabulary["[UNK]"]
    assert encode(encoder, ["a" * 1_000_000, "д" * 500_000, "\u0301" * 500_000]) == [[unknown], [unknown], []]


def test_ids_that_the_cache_cannot_hold_are_refused():
    for id in (1 << 20, -1):
        with pytest.raises(InputError, match="ids outside of 0 to"):
            BertEncoder(WordPiece({"[UNK]": 0, "a": id}))


def test_threads_do_not_disturb_each_other(vocabulary, strings):
    texts = strings(400, seed=35) + hard_strings(400, 36, list(vocabulary))
    encoder, wrong = BertEncoder(WordPiece(vocabulary)), []
    expected = encode(encoder, texts)

    def work() -> None:
        wrong.extend(text for text, ids in zip(texts, expected, strict=True) if encode(encoder, [text])[0] != ids)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
