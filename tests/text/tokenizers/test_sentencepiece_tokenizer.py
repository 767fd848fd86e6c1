"""Ids and text are those of the `sentencepiece` package: real files, models with every option, and what it trained itself."""

import copy
import io
import itertools
import random
from pathlib import Path

import pytest

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.text.tokenizers import sentencepiece_tokenizer as house
from groundup.text.tokenizers.sentencepiece_model import read_model
from groundup.text.tokenizers.sentencepiece_tokenizer import Piece, SentencePieceTokenizer

sentencepiece = pytest.importorskip("sentencepiece")
DATA = Path(__file__).parents[4] / "shared/data"
FILES = {"llama2": DATA / "llama2-tokenizer/tokenizer.model", "t5": DATA / "t5-tokenizer/spiece.model"}
EMOJI = ["👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪", "😀", "1️⃣"]
CODE = [
    "def f(x):\n\treturn x[0]  # no",
    "for (int i=0;i<n;++i){}",
    "<s>",
    "</s>",
    "<unk>",
    "<0x41>",
    "\\n",
    "https://a.b/c?d=e&f",
]
PARTS = {
    "whitespace": lambda choose: choose.choice([" ", "  ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u2028", "▁"]) * choose.randint(1, 9),
    "emoji": lambda choose: choose.choice(EMOJI) * choose.randint(1, 3),
    "marks": lambda choose: choose.choice("aeiouあक") + "".join(chr(choose.randint(0x300, 0x36F)) for _ in range(3)),
    "code": lambda choose: choose.choice(CODE),
    "repeats": lambda choose: choose.choice(["a", "ab", "the", "猫", "!", "=", "é"]) * choose.randint(2, 60),
    "controls": lambda choose: chr(choose.choice([*range(32), 127, *range(0x80, 0xA0), 0x200B, 0xFEFF, 0xFFFD])),
    "letters": lambda choose: "".join(chr(choose.randint(97, 122)) for _ in range(choose.randint(1, 9))) + " ",
    "any": lambda choose: chr(choose.choice([choose.randint(0, 0xD7FF), choose.randint(0xE000, 0x10FFFF)])),
}  # fmt: skip


def mixed(n: int, seed: int) -> list[str]:
    """Strings of everything that a text may hold."""
    choose = random.Random(seed)
    kinds = list(PARTS.values())
    return ["".join(choose.choice(kinds)(choose) for _ in range(choose.randint(0, 9))) for _ in range(n)]


def real(name: str):
    if not FILES[name].is_file():
        pytest.skip(f"{FILES[name].name} of ../shared/data is not there")
    return read_model(FILES[name]), sentencepiece.SentencePieceProcessor(model_file=str(FILES[name]))


@pytest.fixture(scope="module", params=FILES)
def pair(request):
    """A real tokenizer and the package's own reading of the same file."""
    return real(request.param)


def different(ours, theirs, texts: list[str]) -> list[str]:
    found = zip(texts, ours.encode_batch(texts), theirs.encode(texts), strict=True)
    return [text for text, mine, their in found if mine != their]


def test_ids_are_sentencepieces(pair, strings):
    ours, theirs = pair
    texts = [*strings(1500, seed=31), *mixed(1500, seed=32), *("a" * n for n in range(60)), "", " ", "ab" * 3000]
    assert different(ours, theirs, texts) == []
    assert [ours.encode(text) for text in texts[:300]] == theirs.encode(texts[:300]), "and one by one"


@pytest.mark.slow
def test_ids_are_sentencepieces_on_a_hundred_thousand_strings(pair, strings):
    ours, theirs = pair
    for seed in range(10):
        assert different(ours, theirs, [*strings(5000, seed=100 + seed), *mixed(5000, seed=200 + seed)]) == []


def test_a_long_text_is_rounded_as_sentencepiece_rounds_it():
    ours, theirs = real("t5")
    choose = random.Random(3)
    words = ["tata", "tatat", "ttata", "ba", "aeto", "question", "′′′"]
    text = " ".join(choose.choice(words) for _ in range(40_000))
    assert different(ours, theirs, [text]) == []


def test_decoding_is_sentencepieces(pair):
    ours, theirs = pair
    choose = random.Random(6)
    any_ids = [[choose.randrange(len(ours)) for _ in range(choose.randint(0, 9))] for _ in range(1000)]
    low_ids = [[choose.randrange(300) for _ in range(choose.randint(0, 12))] for _ in range(1000)]
    for ids in [*any_ids, *low_ids, *theirs.encode(mixed(500, seed=7))]:
        assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids)


def test_tokenizer_json_gives_the_same_ids_in_tokenizers(pair, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    ours, _ = pair
    ours.save(tmp_path)
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    texts, pipeline = mixed(600, seed=9), ours.pipeline()
    found = [encoding.ids for encoding in theirs.encode_batch(texts, add_special_tokens=False)]
    typed = [text for text, ids in zip(texts, found, strict=True) if pipeline.encode(text, allow_special=True) != ids]
    assert len(typed) <= 2, "versions of Unicode's graphemes differ"
    plain = [text for text in texts if "<" not in text]
    same = sum(pipeline.encode(text) == ours.encode(text) for text in plain)
    assert same >= 0.9 * len(plain), "rounding, and accents in a pile"


def test_offsets_cover_the_text(pair):
    ours, _ = pair
    for text in ["Hello  wörld ﬁne", "a\tb 猫 😀!", *mixed(200, seed=10)]:
        ids, places = ours.offsets(text)
        assert ids == ours.encode(text)
        assert all(0 <= start <= end <= len(text) for start, end in places)
        assert all(a[0] <= b[0] for a, b in itertools.pairwise(places))
    ids, places = ours.offsets("Hello world")
    assert "".join("Hello world"[a:b] for a, b in places) == "Hello world"


def test_a_control_piece_that_is_typed_stays_text(pair):
    ours, theirs = pair
    assert ours.eos_token == "</s>"
    assert ours.eos_token_id not in ours.encode("</s>") == theirs.encode("</s>")
    assert ours.encode("a</s>", allow_special=True)[-1] == ours.eos_token_id


OPTIONS = [
    {"model_type": "unigram", "byte_fallback": True},
    {"model_type": "unigram", "user_defined_symbols": ["<sep>", "the", "ö", "a b"]},
    {"model_type": "unigram", "treat_whitespace_as_suffix": True},
    {"model_type": "unigram", "add_dummy_prefix": False, "remove_extra_whitespaces": False},
    {"model_type": "unigram", "split_by_whitespace": False},
    {"model_type": "bpe", "user_defined_symbols": ["<sep>", "the", "ö", "a b"]},
    {"model_type": "bpe", "byte_fallback": True, "remove_extra_whitespaces": False, "normalization_rule_name": "nfkc"},
    {"model_type": "bpe", "treat_whitespace_as_suffix": True, "control_symbols": ["<c>", "q"]},
    {"model_type": "bpe", "split_by_whitespace": False, "add_dummy_prefix": False},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
def test_models_that_sentencepiece_trains_are_read_with_the_same_ids(options, corpus, strings, tmp_path):
    model = io.BytesIO()
    lines = [line for text in corpus for line in text.split("\n") if line.strip()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, minloglevel=2, character_coverage=0.98,
        hard_vocab_limit=False, vocab_size=480 if options.get("byte_fallback") else 230, **options,
    )  # fmt: skip
    (tmp_path / "m.model").write_bytes(model.getvalue())
    ours = read_model(tmp_path / "m.model")
    theirs = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    texts = [*corpus[-60:], *strings(300, seed=41), *mixed(300, seed=42), "the<sep>theö a b<c>q", "a ba  b" * 20]
    assert different(ours, theirs, texts) == []
    for ids in theirs.encode(texts[:200]):
        if not options.get("treat_whitespace_as_suffix"):
            assert ours.decode(ids, skip_special_tokens=True) == theirs.decode(ids)


def small(**changes) -> SentencePieceTokenizer:
    pieces = [
        Piece("<unk>", 0.0, house.UNKNOWN),
        Piece("</s>", 0.0, house.CONTROL),
        Piece("▁a", -1.0),
        Piece("b", -2.0),
    ]
    return SentencePieceTokenizer(**({"pieces": pieces, "eos_token": "</s>"} | changes))


def test_the_handle_of_every_tokenizer():
    tokenizer = small()
    assert (tokenizer.vocab_size, tokenizer.eos_token_id, tokenizer.unk_token_id) == (4, 1, 0)
    assert tokenizer.encode("ab a") == [2, 3, 2] and tokenizer.decode([2, 3, 2]) == "ab a"
    assert tokenizer.token_bytes(2) == b" a" and tokenizer.token_lengths.tolist() == [0, 0, 2, 1]
    assert "SentencePiece unigram" in repr(tokenizer)
    again = copy.deepcopy(tokenizer)
    assert again.fingerprint == tokenizer.fingerprint and again.encode("ab") == [2, 3]
    assert small(unk_surface="?").fingerprint != tokenizer.fingerprint


def test_bad_models_and_ids_are_refused():
    pieces = list(small().pieces)
    with pytest.raises(FormatError, match="two ids"):
        small(pieces=[*pieces, Piece("b")])
    with pytest.raises(FormatError, match="256 byte pieces"):
        small(byte_fallback=True)
    with pytest.raises(FormatError, match="exactly one unknown"):
        small(pieces=pieces[1:])
    with pytest.raises(UnsupportedModel, match="type word"):
        small(model="word")
    with pytest.raises(UnsupportedModel, match="unused"):
        small(model="bpe", pieces=[*pieces, Piece("c", 0.0, house.UNUSED)])
    with pytest.raises(InputError, match="ids are 0 to 3"):
        small().decode([4])
    with pytest.raises(InputError, match="ids are 0 to 3"):
        small().token_bytes(-1)
    with pytest.raises(UnsupportedModel, match=r"write a \.model file"):
        small(pieces=[*pieces, Piece("<x>", 0.0, house.USER_DEFINED)]).pipeline()
    with pytest.raises(InputError, match="surrogate"):
        small().encode("\ud800")


def test_unused_pieces_of_a_unigram_are_never_chosen():
    tokenizer = small(pieces=[*small().pieces, Piece("▁ab", -0.1, house.UNUSED)])
    assert tokenizer.encode("ab") == [2, 3]
