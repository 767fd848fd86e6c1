"""`groundup tokenizer`: streams, pieces, comparisons and conversions, as a user calls them."""

import io
import json

import pytest

TEXTS = ["The cat sat.", "", "  a dog\tran ", "Müller hört 猫 🙂", "<|endoftext|> typed"]


@pytest.fixture(scope="module")
def folder(model_folder):
    """A byte-level tokenizer."""
    return model_folder


@pytest.fixture
def piped(call, monkeypatch):
    """Call a command with bytes on stdin."""

    def run(given, *arguments):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        return call("tokenizer", *arguments)

    return run


def lines(texts):
    return "".join(text + "\n" for text in texts)


def test_lines_are_encoded_and_decoded_through_pipes(folder, piped):
    status, ids, _ = piped(lines(TEXTS).encode(), "encode", folder)
    assert status == 0 and len(ids.splitlines()) == len(TEXTS)
    assert piped(ids.encode(), "decode", folder) == (0, lines(TEXTS), "")


def test_ids_are_those_of_the_library(folder, tmp_path, call):
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(folder)
    file = tmp_path / "text.txt"
    file.write_text(lines(TEXTS), encoding="utf-8")
    _, said, _ = call("tokenizer", "encode", folder, file, "--json")
    assert [json.loads(line)["ids"] for line in said.splitlines()] == tokenizer.encode_batch(TEXTS)
    _, whole, _ = call("tokenizer", "encode", folder, file, "--whole")
    assert list(map(int, whole.split())) == tokenizer.encode(lines(TEXTS))
    _, special, _ = call("tokenizer", "encode", folder, file, "--special")
    assert special.splitlines()[-1].split()[0] == str(tokenizer.eos_token_id)
    _, tokens, _ = call("tokenizer", "encode", folder, file, "--tokens")
    assert "".join(json.loads(tokens.splitlines()[0])) == TEXTS[0]


def test_many_lots_are_one_stream(folder, tmp_path, call, monkeypatch):
    monkeypatch.setattr("groundup.cli.tokenizer.streams.LOT_BYTES", 50)
    file = tmp_path / "text.txt"
    file.write_text(lines(f"line {i} of many" for i in range(200)), encoding="utf-8")
    ids = tmp_path / "ids.txt"
    ids.write_text(call("tokenizer", "encode", folder, file)[1])
    assert call("tokenizer", "decode", folder, ids) == (0, file.read_text(), "")


@pytest.mark.parametrize("line", ["[1, 2]", '{"ids": [1, 2]}', "1 2"])
def test_ids_are_read_in_every_form(folder, piped, line):
    from groundup.text.tokenizers import load_tokenizer

    text = load_tokenizer(folder).decode([1, 2])
    assert json.loads(piped(line.encode(), "decode", folder, "--json")[1]) == {"text": text}


@pytest.mark.parametrize(
    ("given", "arguments", "words"),
    [
        (b"ok\ncaf\xe9\n", ["encode"], ("stdin: line 2 is no UTF-8", "iconv")),
        (b"1 2\nx y\n", ["decode"], ("line 2 holds no token ids ('x y')", "numbers between spaces")),
        (b'{"text": 1}\n', ["decode"], ("holds no token ids",)),
        (b"99999\n", ["decode"], ("id 99999 is no token of this tokenizer",)),
    ],
)
def test_a_bad_line_is_named(folder, piped, given, arguments, words):
    status, _, said = piped(given, *arguments, folder)
    assert status == 2 and all(word in said for word in words) and said.count("groundup:") == 1


def test_a_missing_file_is_named(folder, call, tmp_path):
    status, _, said = call("tokenizer", "encode", folder, tmp_path / "no.txt")
    assert status == 2 and "no.txt cannot be read" in said and "check the path" in said
    status, _, said = call("tokenizer", "inspect", tmp_path / "none")
    assert status == 2 and "none does not exist" in said


def test_pieces_are_shown_with_what_cannot_be_seen_spelled_out(folder, call):
    status, said, _ = call("tokenizer", "inspect", folder, "The cat\n\t🙂")
    assert status == 0 and "·cat" in said and "⏎" in said and "‹f0›" in said and "bytes a token" in said
    found = json.loads(call("tokenizer", "inspect", folder, "The cat", "--json")[1])
    assert found["tokens"] == len(found["pieces"]) and found["bytes"] == 7 and found["words"] == 2


def test_a_tokenizer_is_described(folder, call):
    assert "<|endoftext|>" in call("tokenizer", "inspect", folder)[1]
    found = json.loads(call("tokenizer", "inspect", folder, "--json")[1])
    assert found["vocab_size"] == 270 and found["chat_template"] and found["roles"]["eos_token"] == "<|endoftext|>"


@pytest.fixture
def parallel(tmp_path):
    """Parallel texts in three languages."""
    made = tmp_path / "languages"
    made.mkdir()
    texts = {"eng": "The cat sat on the mat.", "deu": "Die Katze saß auf der Matte.", "tha": "แมวนั่งบนเสื่อ"}
    for name, text in texts.items():
        (made / f"{name}.txt").write_text(text, encoding="utf-8")
    return made


def test_tokenizers_are_compared_by_file_and_language(folder, parallel, tmp_path, call, monkeypatch):
    from groundup.text.tokenizers.character import train_character_tokenizer

    monkeypatch.setenv("COLUMNS", "300")  # the path of a temporary folder may be longer than a terminal is wide
    train_character_tokenizer(["The cat sat on the mat."]).save(tmp_path / "letters")
    code = tmp_path / "code.py"
    code.write_text("def f(x):\n    return x\n")
    arguments = ["tokenizer", "compare", folder, tmp_path / "letters", "--languages", parallel, "--text", code]
    status, said, _ = call(*arguments)
    assert status == 0 and all(word in said for word in ("Thai", "German", "code.py", "letters", "no spaces"))
    found = json.loads(call(*arguments, "--json")[1])
    assert found["languages"]["model"]["eng"]["cost"] == 1.0 < found["languages"]["model"]["tha"]["cost"]
    assert found["languages"]["letters"]["tha"]["tokens"] == 14 and found["files"]["letters"][str(code)]["bytes"] == 23


def test_a_comparison_of_nothing_is_refused(folder, call, parallel):
    assert "give --text FILE or --languages FOLDER" in call("tokenizer", "compare", folder)[2]
    status, _, said = call("tokenizer", "compare", folder, "--languages", parallel, "--base", "fra")
    assert status == 2 and "no text 'fra' to compare with; give one of deu, eng" in said


@pytest.mark.parametrize("target", ["plain", "other/tokenizer.json", "ranks.tiktoken", "files/vocab.json"])
def test_a_converted_tokenizer_gives_the_same_ids(folder, tmp_path, call, target):
    from groundup.text.tokenizers import load_tokenizer

    status, said, _ = call("tokenizer", "convert", folder, tmp_path / target, "--json")
    found = json.loads(said)
    assert status == 0 and found["checked"]
    pattern = {".tiktoken": "qwen2"}.get((tmp_path / target).suffix) or ("qwen2" if "files" in target else None)
    again = load_tokenizer(tmp_path / target, pattern)
    assert again.encode_batch(TEXTS) == load_tokenizer(folder).encode_batch(TEXTS)
    assert ("qwen2" in found["note"]) == (pattern is not None)


def test_ranks_are_read_by_tiktoken(folder, tmp_path, call):
    tiktoken = pytest.importorskip("tiktoken")
    from tiktoken.load import load_tiktoken_bpe

    from groundup.text.tokenizers import load_tokenizer
    from groundup.text.tokenizers.splitting import PATTERNS

    call("tokenizer", "convert", folder, tmp_path / "ranks.tiktoken")
    ranks = load_tiktoken_bpe(str(tmp_path / "ranks.tiktoken"))
    theirs = tiktoken.Encoding("x", pat_str=PATTERNS["qwen2"], mergeable_ranks=ranks, special_tokens={})
    ours = load_tokenizer(folder)
    assert [theirs.encode_ordinary(text) for text in TEXTS] == ours.encode_batch(TEXTS)


def test_a_form_that_cannot_hold_the_tokenizer_is_refused(folder, tmp_path, call):
    for target, words in (
        ("vocab.txt", "it is no WordPiece"),
        ("x.gguf", "no form that a tokenizer can be written in"),
        ("x.model", "SentencePiece"),
    ):
        status, _, said = call("tokenizer", "convert", folder, tmp_path / target)
        assert status == 2 and words in said and not (tmp_path / target).exists()
    from groundup.text.tokenizers.character import train_character_tokenizer

    train_character_tokenizer(["abc"]).save(tmp_path / "letters")
    status, _, said = call("tokenizer", "convert", tmp_path / "letters", tmp_path / "x.tiktoken")
    assert status == 2 and "it is not byte-level BPE; write a tokenizer.json" in said


def test_a_wordpiece_vocabulary_is_written_as_it_came(tmp_path, call):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "\\"]
    (tmp_path / "vocab.txt").write_text(lines(words))
    assert call("tokenizer", "convert", tmp_path / "vocab.txt", tmp_path / "new" / "vocab.txt")[0] == 0
    assert (tmp_path / "new" / "vocab.txt").read_text() == lines(words)


def test_tokens_are_added(folder, tmp_path, call):
    pytest.importorskip("groundup.text.tokenizers.new_tokens")
    from groundup.text.tokenizers import load_tokenizer

    status, said, _ = call("tokenizer", "extend", folder, "catgirl", "<|tool|>", "--out", tmp_path / "more", "--json")
    assert status == 0, said
    assert json.loads(said)["vocab_size"] == 272 and load_tokenizer(tmp_path / "more").encode("catgirl") == [270]
    status, _, said = call("tokenizer", "extend", folder, "--out", tmp_path / "none")
    assert status == 2 and "no token to add" in said


def test_a_sentencepiece_model_is_written_as_it_came(tmp_path, call):
    pytest.importorskip("sentencepiece")
    from pathlib import Path

    from groundup.text.tokenizers import load_tokenizer

    source = Path(__file__).parents[3] / "shared/data/llama2-tokenizer/tokenizer.model"
    if not source.is_file():
        pytest.skip("Llama 2's tokenizer is not on this machine")
    status, said, _ = call("tokenizer", "convert", source, tmp_path / "new.model", "--json")
    assert status == 0 and json.loads(said)["checked"]
    assert load_tokenizer(tmp_path / "new.model").encode_batch(TEXTS) == load_tokenizer(source).encode_batch(TEXTS)
